package ttlv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// HeaderSize is the size of tag, type and length, in bytes.
const HeaderSize = 8

// maxDepth bounds the depth of structures when Limits does not.
const maxDepth = 32

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("malformed TTLV")

// Limits bounds what Decode takes. Zero means the default.
type Limits struct {
	Depth int // of nested structures, at most 32; default 32
	Items int // in all; default 65536
}

// Size is the encoded size of an item, in bytes; always a multiple of 8.
func (i *Item) Size() int { return HeaderSize + pad(i.length()) }

func (i *Item) length() int {
	switch i.Type {
	case Structure:
		n := 0
		for k := range i.Items {
			n += i.Items[k].Size()
		}
		return n
	case Integer, Enumeration, Interval:
		return 4
	case LongInteger, Boolean, DateTime:
		return 8
	}
	return len(i.Bytes)
}

func pad(n int) int { return (n + 7) &^ 7 }

// Append writes an item behind dst. It panics on a type that does not exist and on a number that
// does not fit its type: both are bugs of the caller.
func Append(dst []byte, i *Item) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(i.Tag)<<8|uint32(i.Type))
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	switch i.Type {
	case Structure:
		for k := range i.Items {
			dst = Append(dst, &i.Items[k])
		}
	case Integer:
		if i.Int != int64(int32(i.Int)) {
			panic(fmt.Sprintf("BUG: ttlv: %06x: %d is no 32-bit integer", uint32(i.Tag), i.Int))
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(i.Int))
	case Enumeration, Interval:
		if i.Int != int64(uint32(i.Int)) {
			panic(fmt.Sprintf("BUG: ttlv: %06x: %d has no 32 bits", uint32(i.Tag), i.Int))
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(i.Int))
	case LongInteger, Boolean, DateTime:
		dst = binary.BigEndian.AppendUint64(dst, uint64(i.Int))
	case TextString, ByteString, BigInteger:
		dst = append(dst, i.Bytes...)
	default:
		panic(fmt.Sprintf("BUG: ttlv: %06x has type %d", uint32(i.Tag), i.Type))
	}
	n := len(dst) - at - 4
	if int64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("BUG: ttlv: %06x has %d bytes", uint32(i.Tag), n))
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	for ; n&7 != 0; n++ {
		dst = append(dst, 0)
	}
	return dst
}

// Open begins a structure behind dst; what is appended until Close is in it.
func Open(dst []byte, tag Tag) (out []byte, at int) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(tag)<<8|uint32(Structure))
	return append(dst, 0, 0, 0, 0), len(dst)
}

// Close ends the structure that Open began at at.
func Close(dst []byte, at int) {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
}

// AppendAll writes items behind dst.
func AppendAll(dst []byte, items ...Item) []byte {
	for n := range items {
		dst = Append(dst, &items[n])
	}
	return dst
}

// Header reads the first 8 bytes of an item. size is the length of its value with padding, in
// bytes.
func Header(b []byte) (tag Tag, typ Type, size int64, err error) {
	if len(b) < HeaderSize {
		return 0, 0, 0, fmt.Errorf("ttlv: %w: %d bytes of a header of %d", ErrMalformed, len(b), HeaderSize)
	}
	n := int64(binary.BigEndian.Uint32(b[4:]))
	return Tag(b[0])<<16 | Tag(b[1])<<8 | Tag(b[2]), Type(b[3]), (n + 7) &^ 7, nil
}

// Decode reads the one item that fills b. Strings in it refer to b. Its errors wrap ErrMalformed
// and name the offset, never the content.
func Decode(b []byte, l Limits) (Item, error) {
	d := Decoder{Limits: l}
	return d.Decode(b)
}

// Decoder reads items into memory that it uses again: an item is valid until Reset. Its zero value
// is ready.
type Decoder struct {
	Limits Limits
	slab   []Item
	used   int
}

// slabMost is the most items that a Decoder keeps room for. It makes room for more at once only if
// one structure has more.
const slabMost = 1024

// Reset takes back the memory of all items.
func (d *Decoder) Reset() {
	clear(d.slab[:d.used])
	d.used = 0
	if len(d.slab) > slabMost {
		d.slab = nil
	}
}

// Decode reads the one item that fills b, as the function Decode does.
func (d *Decoder) Decode(b []byte) (Item, error) {
	r := decoder{Decoder: d, left: d.Limits.Items, depth: d.Limits.Depth}
	if r.depth <= 0 || r.depth > maxDepth {
		r.depth = maxDepth
	}
	if r.left <= 0 {
		r.left = 1 << 16
	}
	i, n, err := r.item(b, 0, 1)
	if err != nil {
		return Item{}, err
	}
	if n != len(b) {
		return Item{}, bad(n, "%d bytes behind the item", len(b)-n)
	}
	return i, nil
}

// decoder is the state of one Decode.
type decoder struct {
	*Decoder
	left, depth int
}

// carve returns room for n items of a structure.
func (d *Decoder) carve(n int) []Item {
	if d.used+n > len(d.slab) {
		// The items in the old slab keep it alive.
		d.slab, d.used = make([]Item, max(n, min(2*len(d.slab), slabMost), 24)), 0
	}
	room := d.slab[d.used : d.used : d.used+n]
	d.used += n
	return room
}

// children counts the items in the value of a structure. A wrong length stops the count; structure
// reports it.
func (d *decoder) children(v []byte) int {
	n := 0
	for len(v) >= HeaderSize && n < d.left {
		size := int64(binary.BigEndian.Uint32(v[4:]))
		n++
		if size = HeaderSize + (size+7)&^7; size > int64(len(v)) {
			break
		}
		v = v[size:]
	}
	return n
}

func bad(at int, format string, args ...any) error {
	return fmt.Errorf("ttlv: %w at byte %d: %s", ErrMalformed, at, fmt.Sprintf(format, args...))
}

// item reads the item at the head of b, which begins at byte at of the message, and returns its
// size in bytes.
func (d *decoder) item(b []byte, at, depth int) (Item, int, error) {
	if d.left--; d.left < 0 {
		return Item{}, 0, bad(at, "too many items")
	}
	tag, typ, size, err := Header(b)
	if err != nil {
		return Item{}, 0, bad(at, "%d bytes left, need a header of %d", len(b), HeaderSize)
	}
	if size > int64(len(b)-HeaderSize) {
		return Item{}, 0, bad(at, "tag %06x needs %d bytes, has %d", uint32(tag), size, len(b)-HeaderSize)
	}
	n := int(binary.BigEndian.Uint32(b[4:]))
	v, end := b[HeaderSize:HeaderSize+n], HeaderSize+int(size)
	for _, p := range b[HeaderSize+n : end] {
		if p != 0 {
			return Item{}, 0, bad(at, "the padding of tag %06x is not zero", uint32(tag))
		}
	}
	i := Item{Tag: tag, Type: typ}
	if err := d.value(&i, v, at, depth); err != nil {
		return Item{}, 0, err
	}
	return i, end, nil
}

func (d *decoder) value(i *Item, v []byte, at, depth int) error {
	want := -1
	switch i.Type {
	case Structure:
		return d.structure(i, v, at, depth)
	case Integer, Enumeration, Interval:
		want = 4
	case LongInteger, Boolean, DateTime:
		want = 8
	case TextString:
		if !utf8.Valid(v) {
			return bad(at, "the text of tag %06x is no UTF-8", uint32(i.Tag))
		}
	case BigInteger:
		if len(v)%8 != 0 || len(v) == 0 {
			return bad(at, "the big integer of tag %06x has %d bytes, need a multiple of 8", uint32(i.Tag), len(v))
		}
	case ByteString:
	default:
		return bad(at, "tag %06x has the unknown type %d", uint32(i.Tag), i.Type)
	}
	if want < 0 {
		i.Bytes = v
		return nil
	}
	if len(v) != want {
		return bad(at, "the %s of tag %06x has %d bytes, need %d", i.Type, uint32(i.Tag), len(v), want)
	}
	switch i.Type {
	case Integer:
		i.Int = int64(int32(binary.BigEndian.Uint32(v)))
	case Enumeration, Interval:
		i.Int = int64(binary.BigEndian.Uint32(v))
	default:
		i.Int = int64(binary.BigEndian.Uint64(v))
	}
	if i.Type == Boolean && i.Int&^1 != 0 {
		return bad(at, "the boolean of tag %06x is neither 0 nor 1", uint32(i.Tag))
	}
	return nil
}

func (d *decoder) structure(i *Item, v []byte, at, depth int) error {
	if depth > d.depth {
		return bad(at, "structures lie deeper than %d", d.depth)
	}
	if len(v)%8 != 0 {
		return bad(at, "the structure of tag %06x has %d bytes, need a multiple of 8", uint32(i.Tag), len(v))
	}
	if len(v) > 0 {
		i.Items = d.carve(d.children(v))
	}
	for off := 0; off < len(v); {
		c, n, err := d.item(v[off:], at+HeaderSize+off, depth+1)
		if err != nil {
			return err
		}
		i.Items = append(i.Items, c)
		off += n
	}
	return nil
}
