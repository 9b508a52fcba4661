package sockets

import "time"

// Beat calls f now and then, in a goroutine of its own, until stop is called; stop waits for the call that is under
// way. It is for what drives do without being asked.
func Beat(f func()) (stop func()) {
	const every = 10 * time.Millisecond
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				f()
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}
