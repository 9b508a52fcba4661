package campaign

import (
	"fmt"
	"sync"
)

// lastWords keeps why a server cannot go on, and drops what else it says. It implements server.Logger.
type lastWords struct {
	mu  sync.Mutex
	why string
}

func (w *lastWords) fatal() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// Fatalf keeps the first reason.
func (w *lastWords) Fatalf(format string, v ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == "" {
		w.why = fmt.Sprintf(format, v...)
	}
}

// Noticef drops it.
func (*lastWords) Noticef(string, ...any) {}

// Warnf drops it.
func (*lastWords) Warnf(string, ...any) {}

// Errorf drops it.
func (*lastWords) Errorf(string, ...any) {}

// Debugf drops it.
func (*lastWords) Debugf(string, ...any) {}

// Tracef drops it.
func (*lastWords) Tracef(string, ...any) {}
