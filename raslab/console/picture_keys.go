package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// node is a line of a tree with what hangs under it.
type node struct {
	text string
	kids []*node
}

func (n *node) add(text string, kids ...*node) *node {
	k := &node{text, kids}
	n.kids = append(n.kids, k)
	return k
}

// draw draws the tree in at most columns columns: a text goes on below itself, beside the branches.
func (n *node) draw(columns int) string {
	var b strings.Builder
	b.WriteString(strings.Join(layout.Hang("", n.text, columns), "\n") + "\n")
	n.drawKids(&b, "", columns)
	return b.String()
}

func (n *node) drawKids(b *strings.Builder, indent string, columns int) {
	for i, k := range n.kids {
		branch, next := "├─ ", "│  "
		if i == len(n.kids)-1 {
			branch, next = "└─ ", "   "
		}
		below := indent + next
		if len(k.kids) > 0 {
			below += "│  "
		}
		for j, line := range layout.Wrap(k.text, columns-layout.Width(below)) {
			if j == 0 {
				b.WriteString(indent + branch + line + "\n")
			} else {
				b.WriteString(strings.TrimRight(below+line, " ") + "\n")
			}
		}
		k.drawKids(b, indent+next, columns)
	}
}

// keyPicture draws what is wrapped by what: from the root key and from each authority's PIN down to
// the media encryption keys. No secret is in it. Lines are at most columns wide.
func keyPicture(title string, m drive.KeyMap, columns int) string {
	top := &node{text: fmt.Sprintf("%s: key record generation %d", title, m.Generation)}
	root := top.add("root key (in the fuses)")
	rootKEK := root.add("KEK of the root key")
	for _, r := range m.Ranges {
		if r.RootWrap {
			rootKEK.add(mekText(r) + ": " + OpenToHolder)
		}
	}
	if len(rootKEK.kids) == 0 {
		rootKEK.add(WrapsNothing)
	}
	for _, slot := range m.Slots {
		pin, which := PINText(slot)
		text := pin + ": " + which
		ak := top.add(text).add("KEK").add(fmt.Sprintf("AK of %s", slot.Authority))
		for _, r := range m.Ranges {
			for _, by := range r.WrapsBy {
				if by == slot.Authority {
					ak.add(mekText(r))
				}
			}
		}
		if len(ak.kids) == 0 {
			ak.text += ", " + WrapsNothing
		}
	}
	return top.draw(columns)
}

// What a picture of the keys says of a wrap.
const (
	WrapsNothing = "wraps no media key"
	OpenToHolder = "open to whoever holds the drive"
)

// PINText says whose PIN it is, and which one.
func PINText(slot drive.KeyMapSlot) (whose, which string) {
	which = "its own PIN"
	switch {
	case slot.Authority == drive.PSID:
		which = "the PSID on the label"
	case slot.AtMSID:
		which = "the MSID, which anyone can read"
	}
	if slot.Tries > 0 {
		which += fmt.Sprintf(" (%d wrong tries)", slot.Tries)
	}
	return fmt.Sprintf("PIN of %s", slot.Authority), which
}

// MEKText says which media encryption key it is, and where it is.
func MEKText(r drive.KeyMapRange) (which, where string) {
	where = "not in RAM"
	if r.InRAM {
		where = "in RAM"
	}
	if r.Range == 0 {
		return "MEK of the global range", where
	}
	return fmt.Sprintf("MEK of range %d", r.Range), where
}

func mekText(r drive.KeyMapRange) string {
	which, where := MEKText(r)
	return which + ", " + where
}

// flashPicture draws the security area: one row a block, or several in at most columns columns, and
// one mark a page.
func flashPicture(d drive.Dump, columns int) string {
	pages := FlashMap(d)
	legend := "  ■ holds data, □ overwritten with zeros, · blank\n"
	if slices.ContainsFunc(pages, func(block []PageKind) bool { return slices.Contains(block, Unread) }) {
		legend = "  ■ holds data, □ overwritten with zeros, ? cannot be read, · blank\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "security area: %d blocks of %d pages of %d bytes\n", d.Geometry.Blocks, d.Geometry.PagesPerBlock, d.Geometry.PageSize)
	b.WriteString(legend)
	for block := range d.Geometry.Blocks {
		head := fmt.Sprintf("  block %2d  ", block)
		row := columns - len(head)
		for page := range d.Geometry.PagesPerBlock {
			if page%row == 0 {
				if page > 0 {
					head = "\n" + strings.Repeat(" ", len(head))
				}
				b.WriteString(head)
			}
			b.WriteString(map[PageKind]string{Blank: "·", Holds: "■", Zeros: "□", Unread: "?"}[pages[block][page]])
		}
		b.WriteString("\n")
	}
	return b.String()
}
