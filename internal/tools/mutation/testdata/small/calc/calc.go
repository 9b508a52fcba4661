// Package calc is what the tests of mutation change.
package calc

import (
	"errors"
	"sync"
)

var errNegative = errors.New("negative")

// Sum is 1 + 2 + ... + n.
func Sum(n int) int {
	s := 0
	for i := 1; i <= n; i++ {
		s += i
	}
	return s
}

// Check refuses numbers below 0, as its only test does not find out.
func Check(n int) error {
	if n < 0 {
		return errNegative
	}
	return nil
}

// Never is reached by no test.
func Never() bool { return true }

type yes bool

// Not does not compile when it is changed: the switch has another type.
func (y yes) Not() yes { return !y && yes(len(errNegative.Error()) > 0) }

var counter struct {
	sync.Mutex
	n int
}

// Count waits for ever when its mutex is not given back.
func Count() int {
	counter.Lock()
	defer counter.Unlock()
	counter.n++
	return counter.n
}
