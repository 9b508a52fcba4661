package forensic

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// goroutines is a runner with a goroutine for each share.
func goroutines(n int, do func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// backwards is a runner that does the last share first.
func backwards(n int, do func(int)) {
	for i := n - 1; i >= 0; i-- {
		do(i)
	}
}

// The findings, their order and the work are the same whatever the runner.
func TestTheRunnerChangesNothing(t *testing.T) {
	s := newScene(t)
	// Keys of every kind on many pages, so that each kind of work has several shares.
	for i := range 3 * pagesInShare {
		w := s.wrap(s.kek(&s.root, s.pin), s.ak[:])
		s.page(i, 0, 0, noise(fmt.Sprint("page ", i), 400), 408, s.salt[:], 424, w, 464, s.wrap(s.ak[:], s.mek[:]),
			800+i, s.mek[:], 1000, s.mek[32:], 1100, bytes.Repeat([]byte{0xFF, byte(i)}, 40), 1400, make([]byte, 100))
	}
	for _, deep := range []bool{false, true} {
		if deep {
			s.pages = s.pages[:3]
		}
		want := s.search(Options{Deep: deep})
		require.GreaterOrEqual(t, len(want.Keys), 3)
		for name, runner := range map[string]func(int, func(int)){"goroutines": goroutines, "backwards": backwards} {
			most := 0
			got := s.search(Options{Deep: deep, Parallel: func(n int, do func(int)) {
				most = max(most, n)
				runner(n, do)
			}})
			require.Equal(t, want, got, "%s, deep %v", name, deep)
			require.Greater(t, most, 2, "there are shares")
		}
	}
}

// A uniform window is tried where it comes first, whichever share that is in.
func TestUniformWindowsAreTriedOnce(t *testing.T) {
	s := newScene(t)
	for i := range 3 * pagesInShare {
		s.page(i, 0, i%5, bytes.Repeat([]byte{byte(i % 7)}, 64+i), 1000, noise(fmt.Sprint(i), 8))
	}
	want := s.search(Options{})
	require.Equal(t, want, s.search(Options{Parallel: backwards}))
	first := newSearch(drive.Dump{Flash: s.pages}, nil, Options{}).firstUniform()
	for c := range 7 {
		require.Equal(t, spot{c + 1, c % 5}, first[c])
	}
	require.NotZero(t, first[0xFF])
	require.Zero(t, first[7], "there is none")
}

// Each worker clears the keys that it used.
func TestAWorkerForgets(t *testing.T) {
	s := newScene(t)
	x := newSearch(drive.Dump{Flash: []flash.Page{{Data: noise("page", 512)}}}, []Oracle{s.oracle}, Options{})
	var mu sync.Mutex
	var all []*worker
	x.opts.Parallel = goroutines
	x.share(4, 1, func(w *worker, from, _ int) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, w)
		*w.key = secret.Key32{1}
		w.open.Expand((*[32]byte)(w.key))
		w.buf[from] = 1
		w.windows(0, new([256]spot))
	})
	require.Len(t, all, 4)
	for _, w := range all {
		require.Zero(t, *w.key)
		require.Zero(t, w.buf)
		require.Nil(t, w.halves)
		path := aes256.Chosen() // all that stays
		require.Equal(t, fmt.Sprint(keywrap.KEK{}), strings.Replace(fmt.Sprint(w.open), fmt.Sprintf("{{%d", path), "{{0", 1))
	}
}

// BenchmarkThief is a search of random pages, where a wrap or a key could lie anywhere, with the root
// key and the MSID known.
func BenchmarkThief(b *testing.B) {
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20} {
		dump := drive.Dump{}
		for i := 0; i < size; i += 4096 {
			dump.Flash = append(dump.Flash, flash.Page{Block: i / 4096, Data: noise(fmt.Sprint(i), 4096)})
		}
		oracle := Oracle{Name: "none", SectorSize: 512, Plain: make([]byte, 32), Cipher: make([]byte, 32)}
		secrets := []Secret{Root(&secret.Key32{1}), PIN("MSID", drive.CredentialPIN(&secret.Key32{2}))}
		for _, name := range []string{"one core", "all cores"} {
			var runner func(int, func(int))
			if name == "all cores" {
				runner = goroutines
			}
			b.Run(fmt.Sprintf("KiB=%d/%s", size>>10, name), func(b *testing.B) {
				for b.Loop() {
					f, err := Search(dump, secrets, []Oracle{oracle}, Options{Parallel: runner})
					require.NoError(b, err)
					require.Empty(b, slices.Concat(f.Keys, f.Wraps))
				}
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*float64(1<<20)/float64(size), "s/MiB")
			})
		}
	}
}

// TestHitsAreTakenInByTheirTurn, and those of one turn by their place.
func TestHitsAreTakenInByTheirTurn(t *testing.T) {
	var order [][2]int
	for _, h := range inOrder([]hit{{turn: 2, blob: 1}, {turn: 1, blob: 7}, {turn: 0, blob: 9}, {turn: 1, blob: 3}, {turn: 0, blob: 8}}) {
		order = append(order, [2]int{h.turn, h.blob})
	}
	require.Equal(t, [][2]int{{0, 8}, {0, 9}, {1, 3}, {1, 7}, {2, 1}}, order)
}
