package conformance

import (
	"reflect"
	"unsafe"
)

// reachable is what lies in the memory of the process where v leads to: every array and slice of
// bytes or of words, through pointers, interfaces and unexported fields. They are the places
// themselves, as a debugger sees them. What but points to is left out.
func reachable(v any, but ...any) [][]byte {
	w := walker{seen: map[unsafe.Pointer]bool{}}
	for _, b := range but {
		w.seen[reflect.ValueOf(b).UnsafePointer()] = true
	}
	w.walk(reflect.ValueOf(v))
	return w.found
}

type walker struct {
	seen  map[unsafe.Pointer]bool
	found [][]byte
}

func (w *walker) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !w.seen[v.UnsafePointer()] {
			w.seen[v.UnsafePointer()] = true
			w.walk(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.walk(v.Field(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			w.walk(it.Value())
		}
	case reflect.Slice, reflect.Array:
		w.bytes(v)
	}
}

func (w *walker) bytes(v reflect.Value) {
	if v.Len() == 0 {
		return
	}
	switch k := v.Type().Elem().Kind(); {
	case k < reflect.Int || k > reflect.Uint64:
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
		return
	case !v.Index(0).CanAddr():
		return // a copy in an interface
	}
	n := v.Len() * int(v.Type().Elem().Size())
	w.found = append(w.found, unsafe.Slice((*byte)(unsafe.Pointer(v.Index(0).UnsafeAddr())), n))
}
