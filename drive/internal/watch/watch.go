package watch

import "sync/atomic"

var watcher atomic.Pointer[func([]byte)]

// Watch tells f of every key that is made from now on, and of what a key is
// derived from. stop ends it.
func Watch(f func([]byte)) (stop func()) {
	watcher.Store(&f)
	return func() { watcher.Store(nil) }
}

// Made tells the watcher, if there is one, of the bytes of a key.
func Made(b []byte) {
	if f := watcher.Load(); f != nil {
		(*f)(b)
	}
}
