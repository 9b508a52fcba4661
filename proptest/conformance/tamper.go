package conformance

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// checksum is a CRC-32 that lies behind the bytes that it is of, within a page.
type checksum struct {
	at    int // it is of the bytes before
	table *crc32.Table
	order binary.ByteOrder
}

var crcTables = []*crc32.Table{crc32.IEEETable, crc32.MakeTable(crc32.Castagnoli)}

// checksums finds the CRC-32s of a page that begin with its first byte.
func checksums(page []byte) []checksum {
	var out []checksum
	for _, table := range crcTables {
		crc := uint32(0)
		for at := 0; at+4 <= len(page); at++ {
			if at >= 8 {
				for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
					if order.Uint32(page[at:]) == crc {
						out = append(out, checksum{at, table, order})
					}
				}
			}
			crc = crc32.Update(crc, table, page[at:at+1])
		}
	}
	return out
}

// altered is a page with one byte changed, and with its checksums made right again.
func altered(page []byte, at int, value byte) []byte {
	out := slices.Clone(page)
	out[at] = value
	for _, c := range checksums(page) {
		if at < c.at {
			c.order.PutUint32(out[c.at:], crc32.Checksum(out[:c.at], c.table))
		}
	}
	return out
}

// tamperedMax is how many bytes of a flash are altered, evenly spread.
const tamperedMax = 700

// f07: a thief with a soldering iron alters the flash, one byte after the other, to the values that
// flags have, and corrects the checksums. The locked range stays shut.
func f07(t *Trial) {
	w := t.World(func(x *Wish) { x.Ranges = min(x.Ranges, 2); x.Geometry.PageSize = 1024; x.TryLimit = 1000 })
	w.own(0, "p1")
	w.Do("write 0 2 1; power-off")
	pages := w.held.image()
	bytes := 0
	for _, p := range pages {
		bytes += len(p.Data)
	}
	for i, p := range pages {
		step := max(1, bytes/tamperedMax)
		for at := t.draw(step); at < len(p.Data); at += step {
			for _, value := range []byte{0, 1, 2, 3, ^p.Data[at], p.Data[at] ^ 1} {
				if value == p.Data[at] || p.Data[at] == 0xFF && blankFrom(p.Data, at) {
					continue
				}
				w.tampered(pages, i, altered(p.Data, at, value), fmt.Sprintf("byte %d of page %d of block %d changed to %#x", at, p.Page, p.Block, value))
				t.claim()
			}
		}
	}
	if t.claims == 0 {
		panic(&unjudged{why: "there is nothing in the flash that could be altered"})
	}
}

// blankFrom says whether a page is blank from a byte on.
func blankFrom(page []byte, at int) bool {
	return !slices.ContainsFunc(page[at:], func(b byte) bool { return b != 0xFF })
}

// tampered tries a device whose flash has one page altered, and puts it back.
func (w *World) tampered(pages []flash.Page, i int, data []byte, what string) {
	put := func(p []flash.Page) {
		if err := w.held.load(p); err != nil {
			w.failf("answer", "%v", err)
		}
	}
	changed := slices.Clone(pages)
	changed[i].Data = data
	put(changed)
	defer put(pages)
	defer w.dev.PowerOff()
	w.held.fuse.done = 0
	if w.dev.PowerOn() != nil {
		return
	}
	want, got := make([]byte, w.id.SectorSize), make([]byte, w.id.SectorSize)
	fill(want, 1, 0)
	open := func(when string) {
		if w.dev.Read(0, got) == nil && slices.Equal(got, want) {
			w.failf("flags open", "with %s the locked range gives its data%s", what, when)
		}
	}
	open("")
	if w.dev.Try(who(Command{Verb: SetLocks}), Name("msid").pin(w.label)) == nil {
		w.failf("flags open", "with %s BandMaster0 is opened by MSID", what)
	}
	_ = w.dev.SetLocks(0, Name("msid").pin(w.label), false, false)
	open(" after an unlock with MSID")
	_ = w.dev.Reset(1)
	open(" after a reset")
}
