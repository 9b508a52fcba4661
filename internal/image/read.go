package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"unsafe"
)

// What an image may ask for, whatever it says.
const (
	bytesMax = 1 << 30 // of a block, and of all
	deepMax  = 1000    // interfaces in interfaces: more of them would overflow the stack, from which nothing recovers
)

// blockBytes is how much the blocks of an image of so many bytes may have together: room that slices do not show takes no
// bytes of the image, and whoever made it up could ask for any amount.
func blockBytes(image int) uint64 { return min(1<<20+64*uint64(image), bytesMax) }

var errShort = errors.New("image: it ends too early")

// Decode makes the graph of what Encode wrote. Strings of it are parts of data, which must not be changed any more. The
// result is of the type of the form's root.
func (f *Form) Decode(data []byte) (root any, err error) {
	r := &reader{f: f, data: data}
	if err := r.allocate(); err != nil {
		return nil, err
	}
	v := reflect.New(f.root)
	if err := r.pointerTo(f.root.Elem(), v.UnsafePointer()); err != nil {
		return nil, err
	}
	for i := range r.blocks {
		b := &r.blocks[i]
		if err := r.values(f.plan(b.t), b.at, b.live); err != nil {
			return nil, err
		}
	}
	if err := r.thaw(); err != nil {
		return nil, err
	}
	for _, m := range r.maps {
		if err := r.fill(m); err != nil {
			return nil, err
		}
	}
	if len(r.data) != 0 {
		return nil, fmt.Errorf("image: %d bytes are left over", len(r.data))
	}
	for i, do := range f.after {
		for _, h := range r.hooks {
			if slices.Contains(f.hooks[h.t], i) {
				if err := do(h.at); err != nil {
					return nil, fmt.Errorf("image: %w", err)
				}
			}
		}
	}
	return v.Elem().Interface(), nil
}

type reader struct {
	f      *Form
	data   []byte // what is left
	blocks []region
	maps   []made
	frozen []func() error // what is done with kept values, in this order
	hooks  []hook
	deep   int // interfaces that are read, one in another
}

// made is a map that is not filled yet.
type made struct {
	v reflect.Value
	n int
}

// hook is a value of a type with Then.
type hook struct {
	t  reflect.Type
	at unsafe.Pointer
}

func (r *reader) thaw() error {
	for _, do := range r.frozen {
		if err := do(); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	r.frozen = r.frozen[:0]
	return nil
}

// number reads one of 0 to most.
func (r *reader) number(most int) (int, error) {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		return 0, errShort
	}
	if most < 0 || n > uint64(most) {
		return 0, fmt.Errorf("image: the number %d, want %d at most", n, most)
	}
	r.data = r.data[size:]
	return int(n), nil
}

// kind reads the number of a type.
func (r *reader) kind() (reflect.Type, error) {
	n, err := r.number(len(r.f.types) - 1)
	if err != nil {
		return nil, err
	}
	return r.f.types[n], nil
}

func (r *reader) raw(at unsafe.Pointer, size uintptr) error {
	if uintptr(len(r.data)) < size {
		return errShort
	}
	copy(unsafe.Slice((*byte)(at), size), r.data)
	r.data = r.data[size:]
	return nil
}

// allocate makes the blocks and the maps, empty.
func (r *reader) allocate() error {
	left := blockBytes(len(r.data))
	n, err := r.number(len(r.data))
	if err != nil {
		return err
	}
	r.blocks = make([]region, n)
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.t, err = r.kind(); err != nil {
			return err
		}
		if b.t.Size() == 0 {
			return fmt.Errorf("image: a block of %s, which has no size", b.t)
		}
		if b.n, err = r.number(int(left / uint64(b.t.Size()))); err != nil {
			return err
		}
		left -= uint64(b.n) * uint64(b.t.Size())
		if b.live, err = r.number(b.n); err != nil {
			return err
		}
		if b.n == 1 {
			b.at = reflect.New(b.t).UnsafePointer()
		} else {
			b.at = reflect.MakeSlice(reflect.SliceOf(b.t), b.n, b.n).UnsafePointer()
		}
	}
	if n, err = r.number(len(r.data)); err != nil {
		return err
	}
	r.maps = make([]made, n)
	for i := range r.maps {
		t, err := r.kind()
		if err != nil {
			return err
		}
		if t.Kind() != reflect.Map {
			return fmt.Errorf("image: a map that is a %s", t)
		}
		if n, err = r.number(len(r.data)); err != nil {
			return err
		}
		r.maps[i] = made{reflect.MakeMapWithSize(t, n), n}
	}
	return nil
}

func (r *reader) fill(m made) error {
	t := m.v.Type()
	for range m.n {
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		if err := r.value(r.f.plan(t.Key()), k.UnsafePointer()); err != nil {
			return err
		}
		if err := r.value(r.f.plan(t.Elem()), v.UnsafePointer()); err != nil {
			return err
		}
		if err := r.thaw(); err != nil {
			return err
		}
		if !k.Elem().Comparable() {
			return fmt.Errorf("image: a key of %s that cannot be one", t)
		}
		m.v.SetMapIndex(k.Elem(), v.Elem())
	}
	return nil
}

// block reads where n values of a type are.
func (r *reader) block(t reflect.Type) (region, uintptr, error) {
	n, err := r.number(len(r.blocks) - 1)
	if err != nil {
		return region{}, 0, err
	}
	at, err := r.number(bytesMax)
	return r.blocks[n], uintptr(at), err
}

func (r *reader) pointerTo(t reflect.Type, to unsafe.Pointer) error {
	b, at, err := r.block(t)
	if err != nil {
		return err
	}
	if !r.f.within(&b, t, 1, at) {
		return fmt.Errorf("image: a pointer to a %s into a %s", t, b.t)
	}
	*(*unsafe.Pointer)(to) = unsafe.Add(b.at, at)
	return nil
}

func (r *reader) values(p *plan, at unsafe.Pointer, n int) error {
	if p.raw() {
		return r.raw(at, uintptr(n)*p.size)
	}
	for i := range n {
		if err := r.value(p, unsafe.Add(at, uintptr(i)*p.size)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) value(p *plan, at unsafe.Pointer) error {
	for i := range p.steps {
		if err := r.part(&p.steps[i], unsafe.Add(at, p.steps[i].at)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) part(s *step, at unsafe.Pointer) error {
	switch s.op {
	case opRaw:
		return r.raw(at, s.size)
	case opBool:
		n, err := r.number(1)
		*(*bool)(at) = n == 1
		return err
	case opString:
		n, err := r.number(len(r.data))
		if err != nil {
			return err
		}
		if n > len(r.data) {
			return errShort
		}
		*(*string)(at) = unsafe.String(unsafe.SliceData(r.data), n)
		r.data = r.data[n:]
	case opPointer:
		return r.pointer(s.t, at)
	case opSlice:
		return r.slice(s.t, at)
	case opMap:
		n, err := r.number(isThere + len(r.maps) - 1)
		if err != nil || n == isNil {
			return err
		}
		if n < isThere || r.maps[n-isThere].v.Type() != s.t {
			return fmt.Errorf("image: no map of type %s", s.t)
		}
		reflect.NewAt(s.t, at).Elem().Set(r.maps[n-isThere].v)
	case opInterface:
		return r.face(s.t, at)
	case opCodec:
		c := r.f.codecs[s.t]
		kept := reflect.New(c.kept).UnsafePointer()
		if err := r.value(r.f.plan(c.kept), kept); err != nil {
			return err
		}
		r.frozen = append(r.frozen, func() error { return c.thaw(kept, at) })
	case opTime:
		return r.raw(at, timeBytes)
	case opHook:
		r.hooks = append(r.hooks, hook{s.t, at})
	case opMany:
		return r.values(s.elem, at, s.count)
	}
	return nil
}

func (r *reader) pointer(t reflect.Type, at unsafe.Pointer) error {
	n, err := r.number(isThere + len(r.f.outside))
	switch {
	case err != nil || n == isNil:
		return err
	case n == isEmpty:
		if t.Elem().Size() != 0 {
			return fmt.Errorf("image: a %s to nothing", t)
		}
		*(*unsafe.Pointer)(at) = reflect.New(t.Elem()).UnsafePointer()
		return nil
	case n == isThere:
		return r.pointerTo(t.Elem(), at)
	}
	g := r.f.outside[n-isThere-1]
	if g.Type() != t {
		return fmt.Errorf("image: a %s for a %s", g.Type(), t)
	}
	*(*unsafe.Pointer)(at) = g.UnsafePointer()
	return nil
}

func (r *reader) slice(t reflect.Type, at unsafe.Pointer) error {
	n, err := r.number(isThere)
	if err != nil || n == isNil {
		return err
	}
	if n == isEmpty {
		most := 0
		if t.Elem().Size() == 0 {
			most = math.MaxInt
		}
		if n, err = r.number(most); err == nil {
			reflect.NewAt(t, at).Elem().Set(reflect.MakeSlice(t, n, n))
		}
		return err
	}
	b, from, err := r.block(t.Elem())
	if err != nil {
		return err
	}
	size, err := r.number(bytesMax)
	if err != nil {
		return err
	}
	room, err := r.number(bytesMax)
	if err != nil {
		return err
	}
	// Without room it would be empty, and might point behind the end of a block: to memory of somebody else.
	if room == 0 || size > room || !r.f.within(&b, t.Elem(), room, from) {
		return fmt.Errorf("image: a %s into a %s", t, b.t)
	}
	*(*sliceHeader)(at) = sliceHeader{unsafe.Add(b.at, from), size, room}
	return nil
}

func (r *reader) face(t reflect.Type, at unsafe.Pointer) error {
	n, err := r.number(isThere + len(r.f.types) - 1)
	if err != nil || n == isNil {
		return err
	}
	if n < isThere {
		return fmt.Errorf("image: no type for a %s", t)
	}
	own := r.f.types[n-isThere]
	if own.Kind() == reflect.Interface || !own.Implements(t) {
		return fmt.Errorf("image: a %s holds no %s", t, own)
	}
	if r.deep++; r.deep > deepMax {
		return fmt.Errorf("image: more than %d interfaces in each other", deepMax)
	}
	v := reflect.New(own)
	if err := r.value(r.f.plan(own), v.UnsafePointer()); err != nil {
		return err
	}
	r.deep--
	// What it holds may have to be thawed before.
	r.frozen = append(r.frozen, func() error {
		reflect.NewAt(t, at).Elem().Set(v.Elem())
		return nil
	})
	return nil
}
