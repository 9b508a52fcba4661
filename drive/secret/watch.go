package secret

import "sync/atomic"

var watcher atomic.Pointer[func([]byte)]

// Watch tells f of every key that this package makes from now on (Take32, Take64,
// Clone, Derive32) and of what a key is derived from: the bytes themselves, no copy,
// so that a test can look later whether their owner has cleared them. stop ends it.
// It is for tests, and internal/lint (rule secret) keeps everything else from it.
func Watch(f func([]byte)) (stop func()) {
	watcher.Store(&f)
	return func() { watcher.Store(nil) }
}

func watched(b []byte) {
	if f := watcher.Load(); f != nil {
		(*f)(b)
	}
}
