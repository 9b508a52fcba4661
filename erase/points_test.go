package erase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStrengthIsJudgedAtItsBound(t *testing.T) {
	for bits, want := range map[int]Verdict{unreached: NotPossible, 0: Fail, 127: Fail, 128: Pass, 256: Pass} {
		r := &run{strength: bits}
		require.Equal(t, want, r.pointStrength().Verdict, "%d bits", bits)
	}
}

func TestPlainDataIsJudgedAtItsBound(t *testing.T) {
	sector := func(n int) []byte { // n different bytes, no two equal blocks
		b := make([]byte, 512)
		for i := range b {
			b[i] = byte(i % n)
			if i >= n {
				b[i] = byte((i*i + i/16) % n)
			}
		}
		return b
	}
	for n, want := range map[int]bool{159: true, 160: false, 221: false} {
		require.Equal(t, want, inTheClear(sector(n)), "%d different bytes", n)
	}
	tail := sector(200)
	copy(tail[496:], tail[:16])
	require.True(t, inTheClear(tail), "the last block counts")
}

func TestOutsideKeysAreJudgedByWhatWasSearched(t *testing.T) {
	holder := Outside{Holder: "the key servers", Searched: true}
	unasked := Outside{Holder: "an agent"}
	for _, c := range []struct {
		name                     string
		outside                  []Outside
		control, search, remains Verdict
		want                     Verdict
		why                      string
	}{
		{"nobody", nil, NotPossible, NotPossible, Pass, Pass, "none is known of"},
		{"searched", []Outside{holder}, Pass, Pass, Pass, Pass, "the search had what the key servers keep, and it opens nothing"},
		{"one of two searched", []Outside{holder, unasked}, Pass, Pass, Pass, Pass, "what the key servers, an agent keep has no wrap left to open"},
		{"one of two searched, the other way", []Outside{unasked, holder}, Pass, Pass, Pass, Pass, "what an agent, the key servers keep has no wrap left to open"},
		{"one of two searched, remains", []Outside{unasked, holder}, Pass, Pass, NotPossible, Fail, "what an agent, the key servers keep may open what is left"},
		{"a blind search", []Outside{holder}, NotPossible, Pass, NotPossible, Fail, "what the key servers keep may open what is left"},
		{"a search without a plaintext", []Outside{holder}, Pass, NotPossible, NotPossible, Fail, "what the key servers keep may open what is left"},
		{"a blind search, nothing left", []Outside{holder}, NotPossible, NotPossible, Pass, Pass, "what the key servers keep has no wrap left to open"},
		{"a copy", []Outside{holder, {Holder: "a backup", Copies: true, Searched: true}}, Pass, Pass, Pass, Fail, "a copy of the old key is outside the drive, which erased its own only: a backup"},
	} {
		r := &run{job: &Job{Outside: c.outside}}
		r.res.Checks = []Check{{Name: CheckControl, Verdict: c.control}, {Name: CheckSearch, Verdict: c.search}, {Name: CheckRemains, Verdict: c.remains}}
		require.Equal(t, Check{Name: PointOutside, Verdict: c.want, Why: c.why}, r.pointOutside(), c.name)
	}
}

// Names that are too long for a certificate are cut, and the erase is certified.
func TestALongHolderDoesNotCostTheCertificate(t *testing.T) {
	_, job := locked(t, "A20", nil)
	job.Outside = []Outside{{Holder: strings.Repeat("ä", 300), Searched: true}}
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.NotNil(t, r.Certificate)
	basis := []rune(r.Certificate.Statement.Validation.Basis)
	require.Len(t, basis, 200)
	require.True(t, strings.HasSuffix(string(basis), "ä..."))
	require.Equal(t, strings.Repeat("x", 200), shorten(strings.Repeat("x", 200)))
	require.Equal(t, "a, b, c", list([]string{"a", "b", "c"}))
	require.Equal(t, "a, b, c and 1 more", list([]string{"a", "b", "c", "d"}))
}
