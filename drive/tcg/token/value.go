package token

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Form is what a Value is made of.
type Form uint8

// The forms.
const (
	Atom  Form = iota + 1 // one token: Uint, Int or Bytes
	List                  // StartList, values, EndList (Core 3.2.2.3.2.1)
	Named                 // StartName, a name, a value, EndName (Core 3.2.2.3.2.2)
)

// Value is an atom, a list or a named value.
type Value struct {
	Form  Form
	Atom  Token   // of an Atom
	Items []Value // of a List: its values; of a Named: the name and the value
}

// U is an unsigned integer.
func U(v uint64) Value { return Value{Form: Atom, Atom: Token{Kind: Uint, Uint: v}} }

// Bool is a boolean: 1 or 0.
func Bool(v bool) Value {
	if v {
		return U(1)
	}
	return U(0)
}

// B is a byte sequence; the value keeps v.
func B(v []byte) Value { return Value{Form: Atom, Atom: Token{Kind: Bytes, Bytes: v}} }

// S is a byte sequence with the bytes of a text.
func S(v string) Value { return B([]byte(v)) }

// UID is a UID: a byte sequence of 8.
func UID[T ~uint64](u T) Value { return B(binary.BigEndian.AppendUint64(nil, uint64(u))) }

// L is a list.
func L(items ...Value) Value { return Value{Form: List, Items: items} }

// N is a named value.
func N(name, value Value) Value { return Value{Form: Named, Items: []Value{name, value}} }

// Append appends the tokens of a value. A Named without two items is a bug of the caller.
func (v Value) Append(b []byte) []byte {
	switch v.Form {
	case Atom:
		return Append(b, v.Atom)
	case List:
		return append(appendAll(append(b, 0xF0), v.Items), 0xF1)
	case Named:
		if len(v.Items) != 2 {
			panic(fmt.Sprintf("BUG: token: a named value with %d parts", len(v.Items)))
		}
		return append(appendAll(append(b, 0xF2), v.Items), 0xF3)
	}
	panic("BUG: token: a value without a form")
}

func appendAll(b []byte, items []Value) []byte {
	for _, i := range items {
		b = i.Append(b)
	}
	return b
}

// Uint gives the integer of an atom that is none below 0.
func (v Value) Uint() (u uint64, ok bool) {
	switch {
	case v.Form == Atom && v.Atom.Kind == Uint:
		return v.Atom.Uint, true
	case v.Form == Atom && v.Atom.Kind == Int && v.Atom.Int >= 0:
		return uint64(v.Atom.Int), true
	}
	return 0, false
}

// Bool gives the boolean of an atom: 0 or 1.
func (v Value) Bool() (b, ok bool) {
	u, ok := v.Uint()
	return u == 1, ok && u <= 1
}

// Bytes gives the bytes of an atom, not a copy.
func (v Value) Bytes() (b []byte, ok bool) {
	return v.Atom.Bytes, v.Form == Atom && v.Atom.Kind == Bytes
}

// UID gives the UID of an atom of 8 bytes.
func (v Value) UID() (u uint64, ok bool) {
	b, ok := v.Bytes()
	if !ok || len(b) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}

// List gives the values of a list.
func (v Value) List() (items []Value, ok bool) { return v.Items, v.Form == List }

// Named gives name and value of a named value.
func (v Value) Named() (name, value Value, ok bool) {
	if v.Form != Named || len(v.Items) != 2 {
		return Value{}, Value{}, false
	}
	return v.Items[0], v.Items[1], true
}

// Equal says whether two values are of the same tokens.
func (v Value) Equal(o Value) bool { return slices.Equal(v.Append(nil), o.Append(nil)) }

// Limits bound what a reader takes. Zero is no limit, but for Depth.
type Limits struct {
	MaxIndTokenSize int  // bytes of one token with its header (property of that name)
	MaxAggTokenSize int  // bytes of a value continued over several tokens (property of that name)
	Depth           int  // of nesting; 0 is 16
	Continued       bool // values may be continued (property ContinuedTokens)
}

const defaultDepth = 16

// Reader reads a stream token by token, under limits. Empty atoms are passed over.
type Reader struct {
	b      []byte
	at     int
	limits Limits
}

// NewReader reads b.
func NewReader(b []byte, l Limits) *Reader {
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	return &Reader{b: b, limits: l}
}

// skip passes over empty atoms (Core 3.2.2.3.2.7).
func (r *Reader) skip() {
	for r.at < len(r.b) && r.b[r.at] == 0xFF {
		r.at++
	}
}

// More says whether a token follows.
func (r *Reader) More() bool {
	r.skip()
	return r.at < len(r.b)
}

// At is the offset of the next token.
func (r *Reader) At() int {
	r.skip()
	return r.at
}

// Peek is the kind of the next token; 0 at the end, or where no token can be read.
func (r *Reader) Peek() Kind {
	r.skip()
	t, _, err := Next(r.b[r.at:])
	if err != nil {
		return 0
	}
	return t.Kind
}

// Token reads the next token.
func (r *Reader) Token() (Token, error) {
	r.skip()
	t, n, err := Next(r.b[r.at:])
	if err != nil {
		return t, bad(r.at, "%s", err.(*SyntaxError).What)
	}
	if l := r.limits.MaxIndTokenSize; l > 0 && n > l {
		return t, bad(r.at, "a token of %d bytes, at most %d are allowed", n, l)
	}
	r.at += n
	return t, nil
}

// Expect reads the next token, which must be of a kind.
func (r *Reader) Expect(k Kind) (Token, error) {
	at := r.At()
	t, err := r.Token()
	if err == nil && t.Kind != k {
		return t, bad(at, "%v, need %v", t.Kind, k)
	}
	return t, err
}

// Value reads one value.
func (r *Reader) Value() (Value, error) { return r.value(r.limits.Depth) }

func (r *Reader) value(depth int) (Value, error) {
	at := r.At()
	t, err := r.Token()
	if err != nil {
		return Value{}, err
	}
	switch t.Kind {
	case Uint, Int:
		return Value{Form: Atom, Atom: t}, nil
	case Bytes:
		if t.Continued {
			return r.continued(at, t)
		}
		return Value{Form: Atom, Atom: t}, nil
	case StartList, StartName:
		if depth == 0 {
			return Value{}, bad(at, "nested deeper than %d", r.limits.Depth)
		}
	default:
		return Value{}, bad(at, "%v, need a value", t.Kind)
	}
	if t.Kind == StartName {
		return r.named(depth - 1)
	}
	v := Value{Form: List}
	for r.Peek() != EndList {
		i, err := r.value(depth - 1)
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, i)
	}
	_, err = r.Expect(EndList)
	return v, err
}

// named reads what is behind a StartName.
func (r *Reader) named(depth int) (Value, error) {
	v := Value{Form: Named, Items: make([]Value, 2)}
	at := r.At()
	for i := range v.Items {
		var err error
		if v.Items[i], err = r.value(depth); err != nil {
			return Value{}, err
		}
	}
	if v.Items[0].Form != Atom {
		return Value{}, bad(at, "a name that is no atom")
	}
	_, err := r.Expect(EndName)
	return v, err
}

// continued joins the tokens of a value that is continued (Core 3.2.2.3.1.5).
func (r *Reader) continued(at int, first Token) (Value, error) {
	if !r.limits.Continued {
		return Value{}, bad(at, "a continued token, and continued tokens are not agreed on")
	}
	whole := slices.Clone(first.Bytes)
	for t := first; t.Continued; {
		var err error
		if t, err = r.Expect(Bytes); err != nil {
			return Value{}, err
		}
		whole = append(whole, t.Bytes...)
		if l := r.limits.MaxAggTokenSize; l > 0 && len(whole) > l {
			return Value{}, bad(at, "a continued value of more than %d bytes", l)
		}
	}
	return B(whole), nil
}

// Parse reads all values of a stream.
func Parse(b []byte, l Limits) (values []Value, err error) {
	r := NewReader(b, l)
	for r.More() {
		v, err := r.Value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}
