package image

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unsafe"
)

// sliceHeader is what a slice is.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// region is memory that something points to: so many values of one type side by side.
type region struct {
	at   unsafe.Pointer
	t    reflect.Type
	n    int // values
	live int // of them that a slice shows, or a pointer points to
}

func (r *region) begin() uintptr { return uintptr(r.at) }
func (r *region) end() uintptr   { return uintptr(r.at) + uintptr(r.n)*r.t.Size() }

// finder finds all that a root reaches.
type finder struct {
	f       *Form
	seen    map[place]region // the largest that was found there
	regions []region
	todo    []region
	outside map[unsafe.Pointer]int
	temps   map[place]unsafe.Pointer // copies of what interfaces hold, and kept values of codecs, by where they are
	maps    map[unsafe.Pointer]*found
	order   []*found
}

// place is where a value of a type is.
type place struct {
	at unsafe.Pointer
	t  reflect.Type
}

// found is a map. Its keys and values are copies, which stay where they are.
type found struct {
	number       int
	t            reflect.Type
	keys, values reflect.Value // slices
}

func (f *Form) finder() *finder {
	w := &finder{
		f: f, seen: map[place]region{}, outside: map[unsafe.Pointer]int{}, temps: map[place]unsafe.Pointer{},
		maps: map[unsafe.Pointer]*found{},
	}
	for i, g := range f.outside {
		w.outside[g.UnsafePointer()] = i
	}
	return w
}

// all finds what is reached from a region, and puts it into blocks.
func (w *finder) all(root region) (blocks []region, refs map[unsafe.Pointer]ref, err error) {
	w.region(root)
	for {
		if err := w.look(); err != nil {
			return nil, nil, err
		}
		if blocks, refs, err = w.blocks(); err != nil {
			return nil, nil, err
		}
		// Two slices of one array may leave values between them at which nobody looked yet.
		for _, b := range blocks {
			w.region(b)
		}
		if len(w.todo) == 0 {
			return blocks, refs, nil
		}
	}
}

// look looks at what was found, and finds more.
func (w *finder) look() error {
	for len(w.todo) > 0 {
		r := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		p := w.f.plan(r.t)
		if p.raw() {
			continue
		}
		for i := range r.n {
			if err := w.value(p, unsafe.Add(r.at, uintptr(i)*p.size)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *finder) region(r region) {
	if r.t.Size() == 0 || r.n == 0 {
		return
	}
	key := place{r.at, r.t}
	was := w.seen[key]
	if r.n <= was.n && r.live <= was.live {
		return
	}
	if r.live > was.live {
		w.todo = append(w.todo, region{at: unsafe.Add(r.at, uintptr(was.live)*r.t.Size()), t: r.t, n: r.live - was.live})
	}
	w.seen[key] = region{r.at, r.t, max(r.n, was.n), max(r.live, was.live)}
	w.regions = append(w.regions, r)
}

func (w *finder) value(p *plan, at unsafe.Pointer) error {
	for i := range p.steps {
		s := &p.steps[i]
		if s.op == opRaw || s.op == opBool || s.op == opString || s.op == opHook {
			continue
		}
		if err := w.part(s, unsafe.Add(at, s.at)); err != nil {
			return fmt.Errorf("%w, in %s%s", err, p.t, fieldAt(p.t, s))
		}
	}
	return nil
}

// fieldAt names the field of a struct that a step is for.
func fieldAt(t reflect.Type, s *step) (name string) {
	at := s.at
	for t.Kind() == reflect.Struct && t != s.t {
		i := t.NumField() - 1
		for t.Field(i).Offset > at {
			i--
		}
		name, at, t = name+"."+t.Field(i).Name, at-t.Field(i).Offset, t.Field(i).Type
	}
	return name
}

func (w *finder) part(s *step, at unsafe.Pointer) error {
	switch s.op {
	case opPointer:
		if q := *(*unsafe.Pointer)(at); q != nil {
			if _, is := w.outside[q]; !is {
				w.region(region{q, s.t.Elem(), 1, 1})
			}
		}
	case opSlice:
		if h := (*sliceHeader)(at); h.data != nil {
			w.region(region{h.data, s.t.Elem(), h.cap, h.len})
		}
	case opMap:
		return w.mapAt(s.t, at)
	case opInterface:
		v := reflect.NewAt(s.t, at).Elem()
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
		if _, known := w.f.numbers[v.Type()]; !known {
			return refused(v.Type(), "an interface holds it, and nobody named it")
		}
		if w.f.named[v.Type()] {
			if _, is := w.outside[v.UnsafePointer()]; !is {
				return refused(v.Type(), "an interface holds one that nobody named")
			}
		}
		own := reflect.New(v.Type())
		own.Elem().Set(v)
		w.temps[place{at, s.t}] = own.UnsafePointer()
		return w.value(w.f.plan(v.Type()), own.UnsafePointer())
	case opCodec:
		c := w.f.codecs[s.t]
		kept := reflect.New(c.kept)
		if err := c.freeze(at, kept.UnsafePointer()); err != nil {
			return refused(s.t, err.Error())
		}
		w.temps[place{at, s.t}] = kept.UnsafePointer()
		return w.value(w.f.plan(c.kept), kept.UnsafePointer())
	case opTime:
		if t := (*time.Time)(at); t.Location() != time.UTC {
			return refused(s.t, "a time that is not UTC")
		}
	case opUnlocked:
		if !zero(at, s.size) {
			return refused(s.t, "it is held")
		}
	case opNil:
		if !zero(at, s.size) {
			return refused(s.t, "only nil can be kept")
		}
	case opMany:
		for i := range s.count {
			if err := w.value(s.elem, unsafe.Add(at, uintptr(i)*s.elem.size)); err != nil {
				return err
			}
		}
	}
	return nil
}

func zero(at unsafe.Pointer, size uintptr) bool {
	for _, b := range unsafe.Slice((*byte)(at), size) {
		if b != 0 {
			return false
		}
	}
	return true
}

func (w *finder) mapAt(t reflect.Type, at unsafe.Pointer) error {
	m := *(*unsafe.Pointer)(at)
	if m == nil || w.maps[m] != nil {
		return nil
	}
	v := reflect.NewAt(t, at).Elem()
	n := v.Len()
	o := &found{len(w.order), t, reflect.MakeSlice(reflect.SliceOf(t.Key()), 0, n), reflect.MakeSlice(reflect.SliceOf(t.Elem()), 0, n)}
	for i := v.MapRange(); i.Next(); {
		o.keys, o.values = reflect.Append(o.keys, i.Key()), reflect.Append(o.values, i.Value())
	}
	w.maps[m], w.order = o, append(w.order, o)
	for i := range o.keys.Len() {
		if err := w.value(w.f.plan(t.Key()), o.keys.Index(i).Addr().UnsafePointer()); err != nil {
			return err
		}
		if err := w.value(w.f.plan(t.Elem()), o.values.Index(i).Addr().UnsafePointer()); err != nil {
			return err
		}
	}
	return nil
}

// ref is where a region is in the blocks.
type ref struct {
	block int
	at    uintptr // behind the begin of the block, in bytes
}

// blocks puts regions that share memory into one each, and says where each begin is.
func (w *finder) blocks() ([]region, map[unsafe.Pointer]ref, error) {
	slices.SortStableFunc(w.regions, func(a, b region) int {
		return cmp.Or(cmp.Compare(a.begin(), b.begin()), cmp.Compare(b.end(), a.end()))
	})
	var out []region
	refs := make(map[unsafe.Pointer]ref, len(w.regions))
	for _, r := range w.regions {
		if n := len(out); n == 0 || r.begin() >= out[n-1].end() {
			out = append(out, r)
		} else if err := w.f.join(&out[n-1], r); err != nil {
			return nil, nil, err
		}
		n := len(out) - 1
		refs[r.at] = ref{n, r.begin() - out[n].begin()}
	}
	return out, refs, nil
}

// join has a block hold a region that begins in it.
func (f *Form) join(b *region, r region) error {
	size, at := b.t.Size(), r.begin()-b.begin()
	shown := int((at + uintptr(r.live)*r.t.Size() + size - 1) / size)
	switch {
	case f.within(b, r.t, r.n, at):
	case b.begin() == r.begin() && b.end() == r.end() && f.within(&r, b.t, b.n, 0):
		whole := uintptr(b.live) * size
		size, b.t, b.n = r.t.Size(), r.t, r.n
		b.live = int((whole + size - 1) / size)
		shown = r.live
	case r.t == b.t && at%size == 0: // two slices of one array
		b.n = max(b.n, int(at/size)+r.n)
	default:
		return fmt.Errorf("image: a %s shares memory with a %s", r.t, b.t)
	}
	b.live = max(b.live, shown)
	return nil
}

// within says whether n values of a type may be so many bytes behind the begin of a block.
func (f *Form) within(b *region, t reflect.Type, n int, at uintptr) bool {
	size := b.t.Size()
	if n < 0 || size == 0 || at > uintptr(b.n)*size || t.Size() != 0 && uintptr(n) > (uintptr(b.n)*size-at)/t.Size() {
		return false
	}
	switch {
	case t == b.t:
		return at%size == 0
	case n == 1:
		if t.Kind() == reflect.Array && t.Elem() == b.t {
			return at%size == 0
		}
		return f.fitsIn(fit{b.t, t, at % size})
	}
	return f.fitsIn(fit{b.t, reflect.ArrayOf(n, t), at % size})
}
