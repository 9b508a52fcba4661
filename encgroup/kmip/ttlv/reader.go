package ttlv

import (
	"errors"
	"fmt"
	"time"
)

// What a Reader finds wrong with a structure.
var (
	ErrMissing  = errors.New("a required field is missing")
	ErrType     = errors.New("a field has the wrong type")
	ErrRepeated = errors.New("a field is given twice")
	ErrUnknown  = errors.New("a field does not belong here")
)

// Reader takes the fields out of a structure, in any order, and remembers the first error. Done
// returns it. A field that nobody took is an error, too.
type Reader struct {
	in    *Item
	taken int
	err   error
}

// Read begins to take fields out of a structure.
func Read(i *Item) *Reader {
	r := &Reader{in: i}
	if i.Type != Structure {
		r.fail(ErrType, i.Tag)
	}
	return r
}

func (r *Reader) fail(err error, tag Tag) {
	if r.err == nil {
		r.err = fmt.Errorf("ttlv: %w: %06x in %06x", err, uint32(tag), uint32(r.in.Tag))
	}
}

// Optional takes a field that may be missing; nil if it is.
func (r *Reader) Optional(tag Tag, typ Type) *Item {
	var found *Item
	for n := range r.in.Items {
		i := &r.in.Items[n]
		switch {
		case i.Tag != tag:
		case found != nil:
			r.fail(ErrRepeated, tag)
		case i.Type != typ:
			r.fail(ErrType, tag)
		default:
			found = i
			r.taken++
		}
	}
	return found
}

// Required takes a field that must be there. If it is not, Required returns an empty one, and Done
// the error.
func (r *Reader) Required(tag Tag, typ Type) *Item {
	if i := r.Optional(tag, typ); i != nil {
		return i
	}
	r.fail(ErrMissing, tag)
	return &Item{Tag: tag, Type: typ}
}

// All takes every field with this tag.
func (r *Reader) All(tag Tag, typ Type) []*Item {
	var out []*Item
	for n := range r.in.Items {
		i := &r.in.Items[n]
		if i.Tag != tag {
			continue
		}
		if i.Type != typ {
			r.fail(ErrType, tag)
			continue
		}
		r.taken++
		out = append(out, i)
	}
	return out
}

// Any takes the one field with this tag, of any type. It must be there.
func (r *Reader) Any(tag Tag) *Item {
	if i := r.in.Find(tag); i != nil {
		return r.Required(tag, i.Type)
	}
	r.fail(ErrMissing, tag)
	return &Item{Tag: tag, Type: ByteString}
}

// Text takes a Text String that may be missing.
func (r *Reader) Text(tag Tag) string {
	if i := r.Optional(tag, TextString); i != nil {
		return i.Text()
	}
	return ""
}

// Int takes an Integer that may be missing.
func (r *Reader) Int(tag Tag) int32 {
	if i := r.Optional(tag, Integer); i != nil {
		return int32(i.Int)
	}
	return 0
}

// Enum takes an Enumeration that may be missing.
func (r *Reader) Enum(tag Tag) uint32 {
	if i := r.Optional(tag, Enumeration); i != nil {
		return uint32(i.Int)
	}
	return 0
}

// Date takes a Date-Time that may be missing; zero if it is.
func (r *Reader) Date(tag Tag) time.Time {
	if i := r.Optional(tag, DateTime); i != nil {
		return i.Time()
	}
	return time.Time{}
}

// Err is the first error so far.
func (r *Reader) Err() error { return r.err }

// Done is the first error. A field that was never taken is ErrUnknown, unless the structure ignores
// unknown ones.
func (r *Reader) Done() error {
	if r.err == nil && !r.in.lenient && r.taken < len(r.in.Items) {
		r.err = fmt.Errorf("ttlv: %w: in %06x", ErrUnknown, uint32(r.in.Tag))
	}
	return r.err
}
