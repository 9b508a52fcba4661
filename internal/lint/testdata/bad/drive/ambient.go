package drive

import (
	crand "crypto/rand"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Ambient does everything that differs from run to run.
func Ambient(at time.Time, m map[string]int) {
	_ = time.Now()
	_ = time.Since(at)
	pause := time.Sleep
	pause(time.Second)
	_ = rand.IntN(6)
	_ = crand.Reader
	go func() {}()
	var w sync.WaitGroup
	w.Go(func() {})
	for range m {
	}
	for range maps.Keys(m) {
	}
}

// Drive has a method that looks at the clock.
type Drive[T any] struct{ at T }

// Tick does.
func (d *Drive[T]) Tick() time.Time { return time.Now() }

// Quiet does the same with what it was given, and is not to be found.
func Quiet(at time.Time, later time.Time, m map[string]int, list []int) {
	_ = later.Sub(at)
	_ = time.Unix(0, 0)
	_ = rand.New(rand.NewPCG(1, 2)).IntN(6)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		_ = m[k]
	}
	for range list {
	}
}
