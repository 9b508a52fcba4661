package entropy

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func read(t require.TestingT, r io.Reader, n int) []byte {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	require.NoError(t, err)
	return b
}

func TestStreamRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, name := rapid.Uint64().Draw(t, "seed"), rapid.String().Draw(t, "component")
		cuts := rapid.SliceOfN(rapid.IntRange(0, 100), 1, 10).Draw(t, "reads")
		a, b := Stream(seed, name), Stream(seed, name)
		got := []byte{}
		for _, n := range cuts {
			got = append(got, read(t, a, n)...)
		}
		require.Equal(t, read(t, b, len(got)), got, "the bytes depend on the seed and the component, not on the reads")
	})
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, seed := range []uint64{0, 1, 1 << 32, 1 << 63, ^uint64(0)} {
		for _, name := range []string{"", "a", "b", "ab", "drive/0", "drive/1", "\x00", "\x00\x00"} {
			key := string(read(t, Stream(seed, name), 32))
			require.NotContains(t, seen, key, "seed %d component %q has the stream of %s", seed, name, seen[key])
			seen[key] = name
		}
	}
}

// TestStreamIsPinned holds the streams to what they were: a transcript that was
// recorded with a seed must play again with a later version.
func TestStreamIsPinned(t *testing.T) {
	require.Equal(t, "5ae5f970e08bc201d790e8c525c398f6", hex.EncodeToString(read(t, Stream(7, "drive/R1-I1-D05"), 16)))
}

// TestStreamsDoNotShowTheirState: whoever knows it knows every key to come.
func TestStreamsDoNotShowTheirState(t *testing.T) {
	holder := struct{ r io.Reader }{Checked(Stream(1, "a"))}
	read(t, holder.r, 32)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		require.Less(t, len(fmt.Sprintf(verb, holder)), 400, "%s prints a state of 300 bytes and more", verb)
	}
}

// TestStreamIsIndependent: what one component draws moves nothing in another.
func TestStreamIsIndependent(t *testing.T) {
	want := read(t, Stream(1, "b"), 64)
	a, b := Stream(1, "a"), Stream(1, "b")
	got := read(t, b, 32)
	read(t, a, 1000)
	require.Equal(t, want, append(got, read(t, b, 32)...))
}

func TestCheckedPassesAGoodSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		plain, checked := Stream(seed, "x"), Checked(iotest.OneByteReader(Stream(seed, "x")))
		for range rapid.IntRange(1, 50).Draw(t, "reads") {
			n := rapid.IntRange(0, 100).Draw(t, "length")
			require.Equal(t, read(t, plain, n), read(t, checked, n), "the gate changes no byte and drops none")
		}
	})
}

// cycle repeats its bytes for ever.
type cycle struct {
	b  []byte
	at int
}

func (c *cycle) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.b[c.at]
		c.at = (c.at + 1) % len(c.b)
	}
	return len(p), nil
}

// silent never gives a byte nor an error.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// liar claims more than it was asked for.
type liar struct{}

func (liar) Read(p []byte) (int, error) { return len(p) + 1, nil }

func TestCheckedFailsClosed(t *testing.T) {
	broken := errors.New("ring oscillator stopped")
	good := func(n int) []byte { return read(t, Stream(1, "good"), n) }
	then := func(n int, r io.Reader) io.Reader { return io.MultiReader(bytes.NewReader(good(n)), r) }
	for name, r := range map[string]io.Reader{
		"dead":                            iotest.ErrReader(broken),
		"ended":                           bytes.NewReader(nil),
		"short":                           bytes.NewReader(good(31)),
		"silent":                          silent{},
		"lying about lengths":             liar{},
		"all zeros":                       &cycle{b: []byte{0}},
		"all ones":                        &cycle{b: []byte{0xFF}},
		"stuck at 8 bytes":                &cycle{b: good(8)},
		"stuck at 16 bytes":               &cycle{b: good(16)},
		"stuck at 32 bytes":               &cycle{b: good(32)},
		"dead later":                      then(320, iotest.ErrReader(broken)),
		"zeros later":                     then(320, &cycle{b: []byte{0}}),
		"zeros later, off the sample":     then(325, &cycle{b: []byte{0}}),
		"one key again and again, later":  then(320, &cycle{b: good(32)}),
		"a generator with 255 keys":       &cycle{b: good(255 * 32)},
		"a generator with 255 odd states": &cycle{b: good(255 * 3)},
	} {
		t.Run(name, func(t *testing.T) {
			c := Checked(r)
			key := make([]byte, 32)
			var err error
			var n int
			for i := 0; err == nil; i++ {
				require.Less(t, i, 9*255, "it was never found")
				n, err = c.Read(key)
			}
			require.ErrorIs(t, err, ErrRepeats)
			require.Zero(t, n)
			require.Equal(t, make([]byte, 32), key, "no byte of a failed read comes out")
			_, again := c.Read(key)
			require.Equal(t, err, again, "a source that failed once is not asked again")
		})
	}
}

func TestCheckedFindsAStuckSourceAtTheSecondKey(t *testing.T) {
	key := read(t, Stream(1, "key"), 32)
	c := Checked(&cycle{b: key})
	got := make([]byte, 32)
	_, err := c.Read(got)
	require.NoError(t, err, "the first key is like any other")
	_, err = c.Read(got)
	require.ErrorIs(t, err, ErrRepeats, "the second one must not be used")
}

// TestCheckedFindsOneBadSample: a source that fails once and recovers was not
// good in between.
func TestCheckedFindsOneBadSample(t *testing.T) {
	good := read(t, Stream(1, "good"), 320)
	for _, at := range []int{16, 48, 160, 176} {
		for name, bad := range map[string][]byte{"a constant": bytes.Repeat([]byte{3}, 16), "a repeat": good[at-16 : at]} {
			c := Checked(bytes.NewReader(slices.Concat(good[:at], bad, good[at:])))
			read(t, c, at)
			_, err := c.Read(make([]byte, 16))
			require.ErrorIs(t, err, ErrRepeats, "%s after %d good bytes", name, at)
		}
	}
}

func TestCheckedTellsTheSourcesOwnError(t *testing.T) {
	broken := errors.New("ring oscillator stopped")
	_, err := Checked(iotest.ErrReader(broken)).Read(make([]byte, 16))
	require.ErrorIs(t, err, broken)
}

func BenchmarkStream32(b *testing.B) {
	r, p := Stream(1, "bench"), make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Read(p)
	}
}

func BenchmarkChecked32(b *testing.B) {
	r, p := Checked(Stream(1, "bench")), make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Read(p)
	}
}
