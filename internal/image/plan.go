package image

import (
	"reflect"
)

// op is what is done with a part of a value.
type op uint8

const (
	opRaw       op = iota // bytes that are no pointers
	opBool                // a byte, 0 or 1
	opString              //
	opPointer             //
	opSlice               //
	opMap                 //
	opInterface           //
	opCodec               //
	opTime                //
	opUnlocked            // a lock that nobody may hold
	opHook                // a value of a type with Then
	opNil                 // a func, a channel: only nil can be kept
	opMany                // an array of what is no raw bytes
)

// step is an op on what is so many bytes behind the begin of a value.
type step struct {
	op    op
	at    uintptr
	size  uintptr      // of opRaw and opUnlocked, in bytes
	t     reflect.Type // of the value
	elem  *plan        // of opMany
	count int          // of opMany
}

// plan is what is done with a value of a type, part by part.
type plan struct {
	t     reflect.Type
	size  uintptr
	steps []step
}

// raw says whether the values are bytes alone.
func (p *plan) raw() bool {
	return len(p.steps) == 0 || len(p.steps) == 1 && p.steps[0].op == opRaw && p.steps[0].size == p.size
}

// plan is that of a type.
func (f *Form) plan(t reflect.Type) *plan {
	if p := f.plans[t]; p != nil {
		return p
	}
	p := &plan{t: t, size: t.Size()}
	f.plans[t] = p // types are made of each other only by pointers, whose plans are asked for later
	f.add(p, t, 0)
	return p
}

func (p *plan) raws(at, size uintptr) {
	if size == 0 {
		return
	}
	if n := len(p.steps); n > 0 {
		// Bytes between two fields are nobody's, and zero in what was allocated.
		if last := &p.steps[n-1]; last.op == opRaw && last.at+last.size == at {
			last.size += size
			return
		}
	}
	p.steps = append(p.steps, step{op: opRaw, at: at, size: size})
}

func (f *Form) add(p *plan, t reflect.Type, at uintptr) {
	put := func(o op) { p.steps = append(p.steps, step{op: o, at: at, t: t, size: t.Size()}) }
	if f.hooks[t] != nil {
		put(opHook)
	}
	switch {
	case f.codecs[t] != nil:
		put(opCodec)
		return
	case t == timeType:
		put(opTime)
		return
	case t == mutexType || t == rwMutexType:
		put(opUnlocked)
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		put(opBool)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16,
		reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		p.raws(at, t.Size())
	case reflect.String:
		put(opString)
	case reflect.Pointer:
		put(opPointer)
	case reflect.Slice:
		put(opSlice)
	case reflect.Map:
		put(opMap)
	case reflect.Interface:
		put(opInterface)
	case reflect.Array:
		if e := f.plan(t.Elem()); e.raw() {
			p.raws(at, t.Size())
		} else if t.Len() > 0 {
			p.steps = append(p.steps, step{op: opMany, at: at, t: t, elem: e, count: t.Len()})
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if field := t.Field(i); !wired(field) {
				f.add(p, field.Type, at+field.Offset)
			}
		}
	default: // func, channel, unsafe pointer, uintptr
		put(opNil)
	}
}
