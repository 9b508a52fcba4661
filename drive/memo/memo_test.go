package memo_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/memo"
)

// summed puts the sum behind an encoding that has none.
func summed(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// asked is a computation that counts.
func asked(m *memo.Memo, what, given string, times *int) string {
	return string(m.Do(what, []byte(given), func() []byte {
		*times++
		return fmt.Appendf(nil, "%s of %s", what, given)
	}))
}

// TestEachResultIsComputedOnce, by what it is and what it was made of: where one ends and the other begins matters.
func TestEachResultIsComputedOnce(t *testing.T) {
	m, times := memo.New(), 0
	for range 2 {
		for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"a", "bd"}} {
			require.Equal(t, c[0]+" of "+c[1], asked(m, c[0], c[1], &times))
		}
	}
	require.Equal(t, 5, times)
	require.Equal(t, 5, m.Fresh())
	m, times = nil, 0
	for range 2 {
		require.Equal(t, "a of b", asked(m, "a", "b", &times))
	}
	require.Equal(t, 2, times, "without a memo it is computed")
}

// TestWhatIsUsedIsCarriedOn to the next process, and what nothing needs any more is not.
func TestWhatIsUsedIsCarriedOn(t *testing.T) {
	m, times := memo.New(), 0
	for _, given := range []string{"1", "2", ""} {
		asked(m, "x", given, &times)
	}
	m, err := memo.Decode(m.Encode("p"), "p")
	require.NoError(t, err)
	require.Zero(t, m.Fresh())
	asked(m, "x", "2", &times)
	asked(m, "x", "3", &times)
	require.Equal(t, 4, times)
	require.Equal(t, 1, m.Fresh())
	b := m.Encode("p")
	require.Equal(t, b, m.Encode("p"), "the same bytes each time")
	require.NotContains(t, string(b), "given", "what was given is no part of it")
	m, err = memo.Decode(b, "p")
	require.NoError(t, err)
	asked(m, "x", "2", &times)
	asked(m, "x", "3", &times)
	require.Equal(t, 4, times)
	asked(m, "x", "1", &times)
	require.Equal(t, 5, times, "it was not used in the second process")
}

// TestWhatIsNotAsItWasWrittenIsRefused: cut at each byte, with each byte altered, longer, or of another program.
func TestWhatIsNotAsItWasWrittenIsRefused(t *testing.T) {
	m, times := memo.New(), 0
	asked(m, "x", "1", &times)
	asked(m, "x", "2", &times)
	whole := m.Encode("program 1")
	for at := range whole {
		_, err := memo.Decode(whole[:at:at], "program 1")
		require.ErrorIs(t, err, memo.ErrOther, "cut at %d", at)
		altered := bytes.Clone(whole)
		altered[at] ^= 4
		_, err = memo.Decode(altered, "program 1")
		require.ErrorIs(t, err, memo.ErrOther, "altered at %d", at)
	}
	_, err := memo.Decode(append(bytes.Clone(whole), 0), "program 1")
	require.ErrorIs(t, err, memo.ErrOther)
	for _, other := range []string{"", "program", "program 2", "program 11"} {
		_, err := memo.Decode(whole, other)
		require.ErrorContains(t, err, "of another program", other)
	}
	for _, short := range []int{1, 33, 40} { // a sum that fits what ends too early
		m := memo.New()
		b := m.Encode("program 1")
		b = append(b[:len(b)-32:len(b)-32], bytes.Repeat([]byte{255}, short)...)
		_, err := memo.Decode(summed(b), "program 1")
		require.ErrorContains(t, err, "ends too early", short)
	}
}
