package forensic

import (
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// A share takes some milliseconds.
const (
	pagesInShare   = 16
	saltsInShare   = 256
	batchesInShare = 4096
)

// worker is what a share of the search needs for itself, since others may be done at the same time,
// and what came out of it.
type worker struct {
	s     *search
	open  keywrap.KEK                   // the KEK that is tried
	buf   [keywrap.Eight * mekWrap]byte // wraps, and what they gave
	block [16]byte
	keks  *drive.KEKs
	key   *secret.Key32 // the KEK that was derived last
	turn  int           // of the KEK that is tried: see hit
	tried Tried
	bare  []Finding
	hits  []hit

	halves *[64]half // see bareKeys
	blank  *[256]*half
}

// hit is a wrap that opened.
type hit struct {
	turn int // in which the KEK was tried
	kek  *kek
	blob int
	key  []byte

	sealed bool // blob counts the AES-GCM wraps
}

// share does the work from 0 to n in shares of most size, by the runner of the caller. What came out
// is in the order of the work: bare keys are noted, and wraps that opened returned.
func (s *search) share(n, size int, do func(w *worker, from, to int)) []hit {
	shares := (n + size - 1) / size
	if shares == 0 {
		return nil
	}
	if s.opts.Parallel == nil || shares == 1 {
		if s.alone == nil {
			s.alone = newWorker(s)
		}
		s.alone.tried, s.alone.bare, s.alone.hits = Tried{}, nil, nil
		for i := range shares {
			do(s.alone, i*size, min(n, (i+1)*size))
		}
		s.alone.forget()
		return s.gather(s.alone)
	}
	workers := make([]*worker, shares)
	s.opts.Parallel(shares, func(i int) {
		workers[i] = newWorker(s)
		do(workers[i], i*size, min(n, (i+1)*size))
		workers[i].forget()
	})
	return s.gather(workers...)
}

// gather takes out of workers what came out of their shares.
func (s *search) gather(workers ...*worker) (hits []hit) {
	for _, w := range workers {
		s.out.Tried.add(w.tried)
		for _, f := range w.bare {
			s.barely = true
			s.note(f)
		}
		hits = append(hits, w.hits...)
	}
	return hits
}

// halfRoom lends cleared halves: they are large.
var halfRoom = sync.Pool{New: func() any { return new([64]half) }}

func newWorker(s *search) *worker {
	w := &worker{s: s, keks: drive.NewKEKs(), key: new(secret.Key32)}
	w.keks.Clear() // so that the stack is large enough now: one that grows leaves a copy
	return w
}

// forget clears the keys that the worker used. Those that it found are for takeIn.
func (w *worker) forget() {
	w.open.Clear()
	clear(w.buf[:])
	w.keks.Clear()
	w.key.Clear()
	if w.halves != nil {
		for i := range w.halves {
			w.halves[i].key.Clear()
		}
		halfRoom.Put(w.halves)
	}
	w.halves, w.blank = nil, nil
}

func (t *Tried) add(o Tried) {
	t.Windows += o.Windows
	t.KEKs += o.KEKs
	t.Unwraps += o.Unwraps
}

// derive runs the drive's derivation for every secret, with and without the root key, expands each
// KEK, and calls try. The first KEK has the given turn.
func (w *worker) derive(salt [16]byte, turn int, try func(*kek)) {
	s := w.s
	for i := range s.derived {
		d := &s.derived[i]
		if !w.kdf(d, salt) {
			continue
		}
		w.tried.KEKs++
		w.turn = turn + i
		w.open.Expand((*[32]byte)(w.key))
		try(&d.kek)
	}
}

// kdf derives w.key.
func (w *worker) kdf(d *derivation, salt [16]byte) bool {
	if w.s.opts.KDF == nil {
		return d.pin.Len() > 0 && w.keks.Derive(w.key, d.root, d.pin, salt, w.s.opts.Iterations) == nil
	}
	k, err := w.s.opts.KDF(d.root, d.pin, salt)
	if err != nil {
		return false
	}
	*w.key = *k
	k.Clear()
	return true
}
