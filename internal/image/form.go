package image

import (
	"fmt"
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// Kind is something that a form knows about a type: see [Holds], [As] and [Then].
type Kind struct {
	types   []reflect.Type
	codec   *codec
	after   func(unsafe.Pointer) error
	outside []reflect.Value // pointers
}

// codec keeps values of one type as values of another.
type codec struct {
	own, kept reflect.Type
	freeze    func(own, kept unsafe.Pointer) error
	thaw      func(kept, own unsafe.Pointer) error
}

// Holds says that an interface may hold a T.
func Holds[T any]() Kind { return Kind{types: []reflect.Type{reflect.TypeFor[T]()}} }

// Like says that an interface may hold values of the type of v, which may have no name here.
func Like(v any) Kind { return Kind{types: []reflect.Type{reflect.TypeOf(v)}} }

// Outside says that what these pointers point to is not kept, such as variables of packages and the errors that programs
// compare by who they are: whoever reads the image has his own, and names them in the same order. Of their types
// interfaces may hold these alone, unless [Holds] says otherwise: a copy of an error that was forgotten here would be
// another error.
func Outside(pointers ...any) Kind {
	var k Kind
	for _, p := range pointers {
		k.outside = append(k.outside, reflect.ValueOf(p))
	}
	return k
}

// As says that a T is kept as an S. What an S points to is kept as well. thaw may look at what S points to, and keep
// it; values of other types that were frozen themselves may not be whole yet.
func As[T, S any](freeze func(*T) (S, error), thaw func(S) (T, error)) Kind {
	return Kind{codec: &codec{
		own: reflect.TypeFor[T](), kept: reflect.TypeFor[S](),
		freeze: func(own, kept unsafe.Pointer) (err error) {
			*(*S)(kept), err = freeze((*T)(own))
			return err
		},
		thaw: func(kept, own unsafe.Pointer) (err error) {
			*(*T)(own), err = thaw(*(*S)(kept))
			return err
		},
	}}
}

// Then has f called for each T that was made, when the whole graph is there; those of the first Then before those of the
// second. An error refuses the image. A T in a map or an interface is a copy when f has it.
func Then[T any](f func(*T) error) Kind {
	return Kind{types: []reflect.Type{reflect.TypeFor[T]()}, after: func(p unsafe.Pointer) error { return f((*T)(p)) }}
}

// Form is how graphs whose root is one type are kept. It is not changed by use, and belongs to one goroutine.
type Form struct {
	root    reflect.Type
	types   []reflect.Type // by number
	numbers map[reflect.Type]int
	plans   map[reflect.Type]*plan
	codecs  map[reflect.Type]*codec
	hooks   map[reflect.Type][]int // of Then, by their order
	after   []func(unsafe.Pointer) error
	outside []reflect.Value
	named   map[reflect.Type]bool // of outside alone: another value of the type is nobody's
	fits    map[fit]bool
}

// NewForm is the form of graphs whose root is of type root.
func NewForm(root reflect.Type, kinds ...Kind) *Form {
	f := &Form{
		root: root, numbers: map[reflect.Type]int{}, plans: map[reflect.Type]*plan{}, codecs: map[reflect.Type]*codec{},
		hooks: map[reflect.Type][]int{}, named: map[reflect.Type]bool{}, fits: map[fit]bool{},
	}
	for _, k := range kinds {
		if k.codec != nil {
			f.codecs[k.codec.own] = k.codec
		}
		if k.after != nil {
			f.hooks[k.types[0]] = append(f.hooks[k.types[0]], len(f.after))
			f.after = append(f.after, k.after)
		}
		f.outside = append(f.outside, k.outside...)
	}
	f.number(root)
	for _, k := range kinds {
		for _, t := range k.types {
			f.number(t)
		}
	}
	for _, p := range f.outside {
		if _, known := f.numbers[p.Type()]; !known {
			f.named[p.Type()] = true
		}
		f.number(p.Type())
	}
	return f
}

// The types that are kept by rules of their own.
var (
	timeType    = reflect.TypeFor[time.Time]()
	mutexType   = reflect.TypeFor[sync.Mutex]()
	rwMutexType = reflect.TypeFor[sync.RWMutex]()
)

// number gives a type and all types that it is made of their numbers: the same in every run, for it follows the types alone.
func (f *Form) number(t reflect.Type) {
	if _, there := f.numbers[t]; there {
		return
	}
	f.numbers[t] = len(f.types)
	f.types = append(f.types, t)
	if c := f.codecs[t]; c != nil {
		f.number(c.kept)
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		f.number(t.Elem())
	case reflect.Map:
		f.number(t.Key())
		f.number(t.Elem())
	case reflect.Struct:
		if t == timeType || t == mutexType || t == rwMutexType {
			return
		}
		for i := range t.NumField() {
			if !wired(t.Field(i)) {
				f.number(t.Field(i).Type)
			}
		}
	}
}

func wired(field reflect.StructField) bool { return field.Tag.Get("image") == "wired" }

// fit is a question: may a pointer to a value of type inner point to so many bytes behind the begin of an outer?
type fit struct {
	outer, inner reflect.Type
	at           uintptr
}

// fitsIn answers it.
func (f *Form) fitsIn(q fit) bool {
	if q.outer == q.inner && q.at == 0 {
		return true
	}
	is, known := f.fits[q]
	if !known {
		is = f.looksIn(q)
		f.fits[q] = is
	}
	return is
}

func (f *Form) looksIn(q fit) bool {
	if f.codecs[q.outer] != nil || q.outer == timeType || q.at >= q.outer.Size() {
		return false
	}
	switch q.outer.Kind() {
	case reflect.Array:
		size := q.outer.Elem().Size()
		if q.inner.Kind() == reflect.Array && q.inner.Elem() == q.outer.Elem() && q.at%size == 0 && q.at+q.inner.Size() <= q.outer.Size() {
			return true
		}
		return f.fitsIn(fit{q.outer.Elem(), q.inner, q.at % size})
	case reflect.Struct:
		for i := range q.outer.NumField() {
			field := q.outer.Field(i)
			if !wired(field) && q.at >= field.Offset && q.at-field.Offset <= field.Type.Size() && f.fitsIn(fit{field.Type, q.inner, q.at - field.Offset}) {
				return true
			}
		}
	}
	return false
}

// refused is why something cannot be kept.
func refused(t reflect.Type, why string) error { return fmt.Errorf("image: %s: %s", t, why) }
