package forensic

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
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

// Every piece of the work is done once, in shares that are full but for the last.
func TestTheWorkFallsIntoShares(t *testing.T) {
	for _, c := range []struct {
		n, size int
		want    [][2]int
	}{
		{0, 4, nil},
		{1, 4, [][2]int{{0, 1}}},
		{4, 4, [][2]int{{0, 4}}},
		{5, 4, [][2]int{{0, 4}, {4, 5}}},
		{8, 4, [][2]int{{0, 4}, {4, 8}}},
		{11, 4, [][2]int{{0, 4}, {4, 8}, {8, 11}}},
		{3, 1, [][2]int{{0, 1}, {1, 2}, {2, 3}}},
	} {
		for _, runner := range []func(int, func(int)){nil, func(n int, do func(int)) {
			require.Equal(t, len(c.want), n)
			require.Greater(t, n, 1, "one share needs no runner")
			for i := range n {
				do(i)
			}
		}} {
			x := newSearch(drive.Dump{}, nil, Options{Parallel: runner})
			var got [][2]int
			var workers []*worker
			hits := x.share(c.n, c.size, func(w *worker, from, to int) {
				got, workers = append(got, [2]int{from, to}), append(workers, w)
				w.hits = append(w.hits, hit{turn: from})
				w.tried.Windows += 1
				w.tried.KEKs += 10
				w.tried.Unwraps += 100
			})
			require.Equal(t, c.want, got, "%d in shares of %d", c.n, c.size)
			require.Len(t, hits, len(c.want))
			for i, h := range hits {
				require.Equal(t, c.want[i][0], h.turn)
			}
			n := len(c.want)
			require.Equal(t, Tried{Windows: n, KEKs: 10 * n, Unwraps: 100 * n}, x.out.Tried)
			for i := 1; i < len(workers); i++ {
				require.Equal(t, runner == nil, workers[i] == workers[0], "a worker of its own for each share that may be done at the same time")
			}
		}
	}
}

// What workers bring is taken in in their order, and each bare key is noted once.
func TestWhatWorkersBring(t *testing.T) {
	x := newSearch(drive.Dump{}, nil, Options{})
	x.out.Tried = Tried{Pages: 5, Windows: 1, Wraps: 6, KEKs: 2, Unwraps: 3}
	require.Empty(t, x.gather(&worker{tried: Tried{Pages: 9, Windows: 10, Wraps: 9, KEKs: 20, Unwraps: 30}}, &worker{tried: Tried{Windows: 100, KEKs: 200, Unwraps: 300}}))
	require.Equal(t, Tried{Pages: 5, Windows: 111, Wraps: 6, KEKs: 222, Unwraps: 333}, x.out.Tried)
	require.False(t, x.barely)

	a, b := Finding{Path: Path{{Name: "a"}}, Oracle: "o"}, Finding{Path: Path{{Name: "b"}}, Oracle: "o"}
	hits := x.gather(&worker{bare: []Finding{b, a}, hits: []hit{{turn: 3}}}, &worker{bare: []Finding{a}, hits: []hit{{turn: 1}, {turn: 2}}})
	require.Equal(t, []hit{{turn: 3}, {turn: 1}, {turn: 2}}, hits)
	require.Equal(t, []Finding{b, a}, x.out.Keys)
	require.True(t, x.barely)
}

// bytesOf are all bytes in a value, wherever in it.
func bytesOf(v reflect.Value) (out []byte) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return bytesOf(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out = append(out, bytesOf(v.Field(i))...)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			out = append(out, bytesOf(v.Index(i))...)
		}
	case reflect.Uint8:
		out = append(out, byte(v.Uint()))
	}
	return out
}

// What a worker had at hand for derivations and for halves of keys is overwritten.
func TestAWorkerForgetsItsRoom(t *testing.T) {
	s := newScene(t)
	x := newSearch(drive.Dump{Flash: []flash.Page{{Data: noise("page", 256)}}}, []Oracle{s.oracle}, Options{})
	w := newWorker(x)
	require.True(t, w.kdf(&derivation{pin: s.pin, root: &s.root}, s.salt))
	require.Contains(t, string(bytesOf(reflect.ValueOf(w.keks))), string(s.root[:]), "the test sees the root key")
	w.open.Expand((*[32]byte)(w.key))
	w.windows(0, new([256]spot))
	halves := w.halves
	require.NotEqual(t, fmt.Sprint(aes256.Schedule{}), fmt.Sprint(halves[5].key))
	w.forget()
	require.Nil(t, w.halves)
	require.Nil(t, w.blank)
	room := string(bytesOf(reflect.ValueOf(w.keks)))
	require.NotContains(t, room, string(s.root[:]))
	require.NotContains(t, room, string(s.pin.Bytes()))
	empty := aes256.Schedule{}
	expand(&empty, make([]byte, 32))
	empty.Clear()
	for i := range halves {
		if halves[i].tweaks != nil {
			require.Equal(t, fmt.Sprint(empty), fmt.Sprint(halves[i].key), "half %d", i)
		}
	}
	w.forget() // without halves, too
}

// Each KEK is ready to open wraps when it is tried: the drive's derivation, or that of the caller.
func TestEachDerivedKEKOpensItsWraps(t *testing.T) {
	s := newScene(t)
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	own := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		if pin.Len() == 0 {
			return nil, errors.New("none")
		}
		k := secret.Key32(sum256(root[:], pin.Bytes(), salt[:]))
		return &k, nil
	}
	for name, kdf := range map[string]func(*secret.Key32, drive.PIN, [16]byte) (*secret.Key32, error){"the drive's": nil, "the caller's": own} {
		x := newSearch(drive.Dump{Flash: []flash.Page{{Data: noise("page", 40)}}}, nil, Options{KDF: kdf, Iterations: 3})
		for _, pin := range []drive.PIN{s.pin, {}, short} {
			x.derived = append(x.derived, derivation{pin: pin, root: &s.root, kek: kek{path: Path{{Name: fmt.Sprint(pin.Len())}}}})
		}
		w := newWorker(x)
		var turns []int
		w.derive(s.salt, 50, func(k *kek) {
			turns = append(turns, w.turn)
			pin := x.derived[w.turn-50].pin
			require.Same(t, &x.derived[w.turn-50].kek, k)
			want, err := drive.KEK(&s.root, pin, s.salt, 3)
			if kdf != nil {
				want, err = own(&s.root, pin, s.salt)
			}
			require.NoError(t, err)
			require.Equal(t, want, w.key, name)
			wrapped := s.wrap(want[:], s.ak[:])
			require.True(t, w.open.OpenEither(wrapped), "%s, of a PIN of %d bytes", name, pin.Len())
		})
		require.Equal(t, []int{50, 52}, turns, "%s: an empty PIN gives none, and those behind it are tried", name)
		require.Equal(t, 2, w.tried.KEKs)
		require.False(t, w.kdf(&x.derived[1], s.salt), name)
		require.True(t, w.kdf(&x.derived[2], s.salt), name)
	}
}
