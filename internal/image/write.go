package image

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// Encode is the graph of a root, which is a pointer of the type of the form.
func (f *Form) Encode(root any) ([]byte, error) {
	v := reflect.ValueOf(root)
	if v.Type() != f.root || v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, fmt.Errorf("image: a root of type %T, want a %s that is not nil", root, f.root)
	}
	w := &writer{finder: f.finder()}
	top := region{v.UnsafePointer(), f.root.Elem(), 1, 1}
	blocks, refs, err := w.all(top)
	if err != nil {
		return nil, err
	}
	w.refs = refs
	w.number(len(blocks))
	for _, b := range blocks {
		w.number(f.numbers[b.t])
		w.number(b.n)
		w.number(b.live)
	}
	w.number(len(w.order))
	for _, m := range w.order {
		w.number(f.numbers[m.t])
		w.number(m.keys.Len())
	}
	w.ref(top.at)
	for _, b := range blocks {
		w.values(f.plan(b.t), b.at, b.live)
	}
	for _, m := range w.order {
		keys, values := f.plan(m.t.Key()), f.plan(m.t.Elem())
		for i := range m.keys.Len() {
			w.value(keys, m.keys.Index(i).Addr().UnsafePointer())
			w.value(values, m.values.Index(i).Addr().UnsafePointer())
		}
	}
	whole := uint64(0)
	for _, b := range blocks {
		whole += uint64(b.n) * uint64(b.t.Size())
	}
	if most := blockBytes(len(w.out)); whole > most {
		return nil, fmt.Errorf("image: %d bytes, nearly all of them room that slices do not show, want %d or fewer", whole, most)
	}
	return w.out, nil
}

type writer struct {
	*finder
	refs map[unsafe.Pointer]ref
	out  []byte
}

func (w *writer) number(n int) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

func (w *writer) raw(at unsafe.Pointer, size uintptr) {
	w.out = append(w.out, unsafe.Slice((*byte)(at), size)...)
}

// How a pointer, a slice, a map or an interface begins.
const (
	isNil   = iota
	isEmpty // a slice without room, a pointer to nothing
	isThere
)

func (w *writer) ref(p unsafe.Pointer) {
	r, there := w.refs[p]
	if !there {
		panic("BUG: image: a pointer was not found before it was written")
	}
	w.number(r.block)
	w.number(int(r.at))
}

func (w *writer) values(p *plan, at unsafe.Pointer, n int) {
	if p.raw() {
		w.raw(at, uintptr(n)*p.size)
		return
	}
	for i := range n {
		w.value(p, unsafe.Add(at, uintptr(i)*p.size))
	}
}

func (w *writer) value(p *plan, at unsafe.Pointer) {
	for i := range p.steps {
		w.part(&p.steps[i], unsafe.Add(at, p.steps[i].at))
	}
}

func (w *writer) part(s *step, at unsafe.Pointer) {
	switch s.op {
	case opRaw, opBool:
		w.raw(at, s.size)
	case opString:
		text := *(*string)(at)
		w.number(len(text))
		w.out = append(w.out, text...)
	case opPointer:
		q := *(*unsafe.Pointer)(at)
		out, is := w.outside[q]
		switch {
		case q == nil:
			w.number(isNil)
		case is:
			w.number(isThere + 1 + out)
		case s.t.Elem().Size() == 0:
			w.number(isEmpty)
		default:
			w.number(isThere)
			w.ref(q)
		}
	case opSlice:
		h := (*sliceHeader)(at)
		switch {
		case h.data == nil:
			w.number(isNil)
		case h.cap == 0 || s.t.Elem().Size() == 0:
			w.number(isEmpty)
			w.number(h.len)
		default:
			w.number(isThere)
			w.ref(h.data)
			w.number(h.len)
			w.number(h.cap)
		}
	case opMap:
		if m := *(*unsafe.Pointer)(at); m == nil {
			w.number(isNil)
		} else {
			w.number(isThere + w.maps[m].number)
		}
	case opInterface:
		if v := reflect.NewAt(s.t, at).Elem(); v.IsNil() {
			w.number(isNil)
		} else {
			t := v.Elem().Type()
			w.number(isThere + w.f.numbers[t])
			w.value(w.f.plan(t), w.temps[place{at, s.t}])
		}
	case opCodec:
		w.value(w.f.plan(w.f.codecs[s.t].kept), w.temps[place{at, s.t}])
	case opTime:
		w.raw(at, timeBytes)
	case opMany:
		w.values(s.elem, at, s.count)
	}
}

// timeBytes is what a time.Time of UTC has: its first two words. The third is the place, nil for UTC.
const timeBytes = unsafe.Sizeof([2]uint64{})
