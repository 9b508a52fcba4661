package console

import (
	"bytes"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// PageKind is what a page of a drive's flash holds, for somebody who knows no record format.
type PageKind int

// The kinds of pages.
const (
	Blank  PageKind = iota // no bit is programmed
	Holds                  // data
	Zeros                  // it was overwritten with zeros
	Unread                 // it cannot be read
)

// FlashMap is the security area of a dump: what each page holds, by block and page.
func FlashMap(d drive.Dump) [][]PageKind {
	all := make([][]PageKind, d.Geometry.Blocks)
	for i := range all {
		all[i] = make([]PageKind, d.Geometry.PagesPerBlock)
	}
	for _, p := range d.Flash {
		kind := Holds
		switch {
		case p.Err != nil:
			kind = Unread
		case len(bytes.Trim(p.Data, "\x00")) == 0:
			kind = Zeros
		}
		all[p.Block][p.Page] = kind
	}
	return all
}
