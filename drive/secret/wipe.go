package secret

import (
	"reflect"
	"unsafe"
)

// WipeCipher overwrites the key schedule of a cipher.Block or cipher.AEAD that is
// not used any more: the first words of one of AES are the key itself, and the
// standard library has no way to clear them. It says whether it could: what holds
// pointers, as hardware or a library of another kind may, is left as it is.
func WipeCipher(c any) bool {
	v := reflect.ValueOf(c)
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem()) {
		return false
	}
	clear(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
	return true
}

// flat says whether a value of type t is all in one place.
func flat(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Array:
		return flat(t.Elem())
	case k == reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 && k != reflect.Uintptr
	}
}

// burnt is how much of the stack below its caller burn overwrites, in bytes: more
// than the frames of the hash functions take.
const burnt = 4096

// burn overwrites what earlier calls have left on the stack.
//
//go:noinline
func burn() {
	var b [burnt]byte
	touch(&b)
}

// touch keeps the compiler from leaving the array out.
//
//go:noinline
func touch(b *[burnt]byte) { clear(b[:]) }
