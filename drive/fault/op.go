package fault

import (
	"strconv"
	"strings"
)

// Op is one operation on hardware, about to happen. The fields that its
// component did not declare in Register are ignored.
type Op struct {
	Name  string // component.operation: "flash.program"
	Block int    // erase block; HasBlock
	Page  int    // page of the block, -1 where the operation is on a whole block; HasPage
	LBA   uint64 // sector; HasLBA
	Blank bool   // what is addressed holds no data; HasBlank
	Byte  int    // byte of a region of memory; HasByte
}

// String names the operation and those fields of it that mean something:
// "flash.program block 3 page 1 blank".
func (o Op) String() string {
	var fields Field
	for _, info := range Points() {
		if info.Point.Operation() == o.Name {
			fields |= info.Fields
		}
	}
	var b strings.Builder
	b.WriteString(o.Name)
	if fields&HasBlock != 0 {
		b.WriteString(" block " + strconv.Itoa(o.Block))
	}
	if fields&HasPage != 0 && o.Page >= 0 {
		b.WriteString(" page " + strconv.Itoa(o.Page))
	}
	if fields&HasLBA != 0 {
		b.WriteString(" LBA " + strconv.FormatUint(o.LBA, 10))
	}
	if fields&HasBlank != 0 {
		if o.Blank {
			b.WriteString(" blank")
		} else {
			b.WriteString(" programmed")
		}
	}
	if fields&HasByte != 0 {
		b.WriteString(" byte " + strconv.Itoa(o.Byte))
	}
	return b.String()
}
