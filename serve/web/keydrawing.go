package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// The drawing of a key hierarchy, in units of the drawing. What stands left unwraps what stands right: a secret, the KEK
// that follows from it, the authority's key, a media key.
const (
	keyRow    = 52 // from one secret to the next
	keyHigh   = 42 // of a box
	mekHigh   = 56
	secretX   = 0
	secretW   = 214
	kekX      = 240
	kekW      = 44
	akX       = 310
	akW       = 136
	mekX      = 506
	mekW      = 206
	keysWidth = mekX + mekW + 1
)

// keyBox is a box of the drawing with up to three lines of text.
type keyBox struct {
	x, y, w, h  int
	class       string
	glyph       string
	title       string
	small       []string
	left, right int // where lines end and begin: its sides
}

// keyLine is a wrap: from whose key, to which.
type keyLine struct{ path, tone string }

// keyDrawing is a key hierarchy as boxes and lines.
type keyDrawing struct {
	height int
	boxes  []keyBox
	short  []keyLine // within a row
	wraps  []keyLine // to media keys
	none   []keyBox  // what is said of those that wrap none
	words  string    // what the lines say, for who does not see them
}

func box(x, y, w, h int, class, title string, small ...string) keyBox {
	return keyBox{x: x, y: y, w: w, h: h, class: class, title: title, small: small, left: x, right: x + w}
}

func (b keyBox) middle() int { return b.y + b.h/2 }

// drawKeys places a key hierarchy. It has no key in it.
func drawKeys(m drive.KeyMap, degraded bool) keyDrawing {
	var k keyDrawing
	ends := map[drive.Authority]keyBox{} // what wraps media keys, by authority
	root := box(secretX, 1, secretW, keyHigh, "", "root key", "in the fuses")
	rootKEK := box(kekX, 1, kekW, keyHigh, "", "KEK")
	k.chain(root, rootKEK)
	row := func(n int) int { return 1 + n*keyRow }
	for i, slot := range m.Slots {
		whose, which := console.PINText(slot)
		pin := box(secretX, row(i+1), secretW, keyHigh, "", whose, which)
		kek := box(kekX, row(i+1), kekW, keyHigh, "", "KEK")
		ak := box(akX, row(i+1), akW, keyHigh, "", fmt.Sprintf("AK of %s", slot.Authority))
		k.chain(pin, kek, ak)
		ends[slot.Authority] = ak
	}
	wrapping := map[int]bool{} // by the y of their box
	bottom := 0
	for _, r := range m.Ranges {
		var from []keyBox
		if r.RootWrap {
			from = append(from, rootKEK)
		}
		for _, by := range r.WrapsBy {
			if b, ok := ends[by]; ok {
				from = append(from, b)
			}
		}
		which, where := console.MEKText(r)
		mek := box(mekX, 1, mekW, mekHigh, "mek", which, where)
		mek.glyph = "lock"
		if r.InRAM || r.RootWrap {
			mek.glyph = "open"
		}
		tone := ""
		if r.RootWrap {
			mek.small = append(mek.small, console.OpenToHolder)
			if degraded {
				mek.glyph, tone = "warn", "bad"
			}
		}
		mek.class += " " + tone
		mek.y = max(bottom, middleOf(from)-mekHigh/2, 1)
		bottom = mek.y + mekHigh + 8
		k.boxes = append(k.boxes, mek)
		for _, b := range from {
			wrapping[b.y] = true
			k.wraps = append(k.wraps, keyLine{curve(b, mek), tone})
		}
		k.words += wrapWords(m, r)
	}
	for _, b := range append([]keyBox{rootKEK}, ordered(m, ends)...) {
		if !wrapping[b.y] {
			k.none = append(k.none, box(akX+akW+8, b.y, 0, b.h, "", console.WrapsNothing))
		}
	}
	k.height = max(row(len(m.Slots))+keyHigh, bottom) + 2
	return k
}

// chain adds boxes of one row, each of which gives the next.
func (k *keyDrawing) chain(boxes ...keyBox) {
	for i, b := range boxes {
		if i > 0 {
			k.short = append(k.short, keyLine{path: curve(boxes[i-1], b)})
		}
		k.boxes = append(k.boxes, b)
	}
}

// ordered are the keys of the authorities, in the order of the record.
func ordered(m drive.KeyMap, ends map[drive.Authority]keyBox) (all []keyBox) {
	for _, s := range m.Slots {
		all = append(all, ends[s.Authority])
	}
	return all
}

func middleOf(from []keyBox) int {
	if len(from) == 0 {
		return 0
	}
	sum := 0
	for _, b := range from {
		sum += b.middle()
	}
	return sum / len(from)
}

// curve is a line from the right of one box to the left of another, with an arrow at its end.
func curve(from, to keyBox) string {
	x1, y1, x2, y2 := from.right, from.middle(), to.left-1, to.middle()
	bend := min(60, (x2-x1)/2)
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %dM%d %dl7 4l-7 4", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2, x2-7, y2-4)
}

// wrapWords says who unwraps a media key.
func wrapWords(m drive.KeyMap, r drive.KeyMapRange) string {
	which, _ := console.MEKText(r)
	var by []string
	if r.RootWrap {
		by = append(by, "the root key")
	}
	for _, s := range m.Slots {
		if slices.Contains(r.WrapsBy, s.Authority) {
			by = append(by, fmt.Sprintf("the AK of %s", s.Authority))
		}
	}
	if len(by) == 0 {
		return which + ": unwrapped by nothing. "
	}
	return which + ": unwrapped by " + strings.Join(by, " and ") + ". "
}
