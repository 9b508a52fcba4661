package forensic

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	memos "github.com/seed-9d983aeb/fdelab/drive/memo"
)

// TestARememberedSearchFindsTheSame: the first time, from the memo, and from what was written of it.
func TestARememberedSearchFindsTheSame(t *testing.T) {
	s := newScene(t)
	wrapped := s.wrap(s.ak[:], s.mek[:])
	dumps := [][]flash.Page{nil}
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.ak[:]))
	dumps = append(dumps, s.pages)
	s.page(1, 0, 8, wrapped, 400, s.mek[:])
	dumps = append(dumps, s.pages, nil)
	m := memos.New()
	for round := range 3 {
		x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{Memo: m})
		require.NoError(t, err)
		keys := 0
		for _, pages := range dumps {
			want, err := Search(drive.Dump{Flash: pages}, s.secrets, []Oracle{s.oracle}, Options{})
			require.NoError(t, err)
			require.Equal(t, want, x.Search(drive.Dump{Flash: pages}))
			keys += len(want.Keys)
		}
		require.NotZero(t, keys)
		if round == 0 {
			require.Equal(t, 3, m.Fresh(), "one dump was there twice")
			continue
		}
		require.Equal(t, (2-round)*3, m.Fresh())
		m, err = memos.Decode(m.Encode("p"), "p")
		require.NoError(t, err)
	}
}

// TestAllThatASearchDependsOnCounts: a search is the one that is remembered only if all that it is given is the same.
func TestAllThatASearchDependsOnCounts(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.ak[:]))
	for what, alter := range map[string]func(x *Searcher, d *drive.Dump){
		"iterations":            func(x *Searcher, _ *drive.Dump) { x.opts.Iterations++ },
		"a secret":              func(x *Searcher, _ *drive.Dump) { x.secrets[0].b[0] ^= 1 },
		"its name":              func(x *Searcher, _ *drive.Dump) { x.secrets[0].name += "x" },
		"whether it is a root":  func(x *Searcher, _ *drive.Dump) { x.secrets[0].root = !x.secrets[0].root },
		"whether it is public":  func(x *Searcher, _ *drive.Dump) { x.secrets[0].public = !x.secrets[0].public },
		"their number":          func(x *Searcher, _ *drive.Dump) { x.secrets = x.secrets[1:] },
		"an oracle's text":      func(x *Searcher, _ *drive.Dump) { x.oracles[0].Plain[0] ^= 1 },
		"its ciphertext":        func(x *Searcher, _ *drive.Dump) { x.oracles[0].Cipher[0] ^= 1 },
		"its sector":            func(x *Searcher, _ *drive.Dump) { x.oracles[0].LBA++ },
		"the size of a sector":  func(x *Searcher, _ *drive.Dump) { x.oracles[0].SectorSize *= 8 },
		"its name among others": func(x *Searcher, _ *drive.Dump) { x.oracles[0].Name += "x" },
		"its generation":        func(x *Searcher, _ *drive.Dump) { x.oracles[0].Generation++ },
		"the flash":             func(_ *Searcher, d *drive.Dump) { d.Flash[0].Data[30] ^= 1 },
		"where a page lies":     func(_ *Searcher, d *drive.Dump) { d.Flash[0].Page++ },
		"in which block":        func(_ *Searcher, d *drive.Dump) { d.Flash[0].Block++ },
		"a page that is gone":   func(_ *Searcher, d *drive.Dump) { d.Flash = nil },
	} {
		fresh := func() (*Searcher, drive.Dump) {
			x := &Searcher{opts: Options{Iterations: 1}}
			for _, c := range s.secrets {
				c.b = append([]byte(nil), c.b...)
				x.secrets = append(x.secrets, c)
			}
			o := s.oracle
			o.Plain, o.Cipher = append([]byte(nil), o.Plain...), append([]byte(nil), o.Cipher...)
			x.oracles = []Oracle{o}
			p := s.pages[0]
			p.Data = append([]byte(nil), p.Data...)
			return x, drive.Dump{Flash: []flash.Page{p}}
		}
		a, ofA := fresh()
		b, ofB := fresh()
		require.Equal(t, a.given(ofA), b.given(ofB), what)
		alter(b, &ofB)
		require.NotEqual(t, a.given(ofA), b.given(ofB), what)
	}
}
