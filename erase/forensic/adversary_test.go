package forensic

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func TestEachAdversaryHasAName(t *testing.T) {
	require.Equal(t, []Adversary{ReadsFlash, ReadsFuses, KnowsRetired}, Adversaries(), "the weakest first")
	for _, c := range []struct {
		who               Adversary
		name, level, knew string
	}{
		{ReadsFlash, "reads the flash", "1 of 3: reads the flash", "MSID"},
		{ReadsFuses, "reads flash and fuses", "2 of 3: reads flash and fuses", "root key"},
		{KnowsRetired, "reads both and knows the retired credentials given", "3 of 3: reads both and knows the retired credentials given", "credential"},
	} {
		require.Equal(t, c.name, c.who.String())
		require.Equal(t, c.level, c.who.Level())
		require.Contains(t, c.who.Has(), c.knew)
	}
	for _, who := range []Adversary{0, KnowsRetired + 1} {
		require.Equal(t, "nobody", who.String())
		require.Equal(t, "nothing", who.Has())
	}
}

func TestWhoKnowsASecret(t *testing.T) {
	k := secret.Key32{1}
	pin := PIN("MSID", drive.CredentialPIN(&k))
	require.Equal(t, KnowsRetired, pin.Knower())
	require.Equal(t, ReadsFlash, Public(pin).Knower())
	require.Equal(t, KnowsRetired, pin.Knower(), "the secret that was given stays as it was")
	require.Equal(t, KnowsRetired, Key("group key", &k).Knower())
	require.Equal(t, ReadsFuses, Root(&k).Knower())
	require.Equal(t, ReadsFlash, Public(Root(&k)).Knower())
}

var (
	inDump    = Step{Name: "MEK", Placed: true, Block: 1, Size: 72}
	elsewhere = Step{Name: "AK", Placed: true, Block: 2, Size: 40}
	constant  = Step{Name: "constant 00 and root key"}
	again     = Step{Name: "the same key as of LBA 17"}
)

func secretStep(n int) Step { return Step{Name: "secret", Secret: n} }

// A path that goes from place to place needs no secret, nor does a key without a place. A name without a
// place in front of a wrap may stand for the root key.
func TestAPathThatNeedsNoSecret(t *testing.T) {
	withSecret := inDump
	withSecret.Secret = 1
	for _, c := range []struct {
		name   string
		path   Path
		oracle string
		want   bool
	}{
		{"a bare key", Path{inDump}, "LBA", true},
		{"bytes as a KEK, and a wrap", Path{elsewhere, inDump}, "LBA", true},
		{"the same without an oracle", Path{elsewhere, inDump}, "", true},
		{"a key from a seed", Path{constant}, "LBA", true},
		{"a name that is no key", Path{constant}, "", false},
		{"a secret alone", Path{secretStep(1)}, "LBA", false},
		{"a constant and a wrap", Path{constant, inDump}, "LBA", false},
		{"a secret and a wrap", Path{secretStep(1), inDump}, "LBA", false},
		{"a name in the middle", Path{elsewhere, constant, inDump}, "LBA", false},
		{"a place that is of a secret", Path{withSecret}, "", false},
		{"a place that is of a secret, with an oracle", Path{withSecret}, "LBA", false},
		{"a bare key that comes again", Path{inDump, again}, "LBA", true},
		{"a key from a seed that comes again", Path{constant, again}, "LBA", true},
		{"a wrapped key that comes again", Path{secretStep(1), inDump, again}, "LBA", false},
		{"a secret that comes again", Path{secretStep(1), again}, "LBA", false},
	} {
		f := Finding{Path: c.path, Oracle: c.oracle}
		require.Equal(t, c.want, f.inFlash(), c.name)
		all := []Finding{f, {Path: Path{secretStep(1), inDump}}, f}
		who := map[bool]Adversary{true: ReadsFlash, false: KnowsRetired}[c.want]
		require.Equal(t, []Adversary{who, KnowsRetired, who}, named(all), c.name)
		require.Equal(t, []Adversary{who, KnowsRetired, who}, []Adversary{all[0].Who, all[1].Who, all[2].Who})
	}
	require.Empty(t, named(nil))
}

func TestThePlaceOfAFinding(t *testing.T) {
	for _, c := range []struct{ path, want Path }{
		{Path{constant, elsewhere, inDump}, Path{inDump}},
		{Path{inDump}, Path{inDump}},
		{Path{constant, elsewhere, again}, Path{elsewhere, again}},
		{Path{inDump, again}, Path{inDump, again}},
		{Path{constant}, Path{constant}},
		{Path{constant, again}, Path{constant, again}},
	} {
		require.Equal(t, c.want, (&Finding{Path: c.path}).place())
	}
}

func TestAFindingGetsThePathOfAWeakerAdversary(t *testing.T) {
	strong := func(f Finding) Finding {
		f.Path, f.Who, f.Weak = append(Path{secretStep(3)}, f.Path...), KnowsRetired, false
		return f
	}
	his := func(f Finding) Finding { f.Path, f.Weak = append(Path{secretStep(2)}, f.Path...), true; return f }
	becomes := func(f Finding) Finding {
		f.Path, f.Who, f.Weak = append(Path{secretStep(5)}, f.Path...), ReadsFuses, true
		return f
	}
	key := Finding{Path: Path{elsewhere, inDump}, Oracle: "LBA 17", Bits: 256}
	other := func(change func(f *Finding)) Finding { f := key; change(&f); return f }
	number := []int{4, 5} // of his secrets among all
	for _, c := range []struct {
		name           string
		all, his, want []Finding
	}{
		{"nothing", nil, nil, nil},
		{"he finds nothing", []Finding{strong(key)}, nil, []Finding{strong(key)}},
		{"he gets there", []Finding{strong(key)}, []Finding{his(key)}, []Finding{becomes(key)}},
		{"another oracle", []Finding{strong(key)}, []Finding{his(other(func(f *Finding) { f.Oracle = "LBA 18" }))}, []Finding{strong(key)}},
		{"halves swapped", []Finding{strong(key)}, []Finding{his(other(func(f *Finding) { f.Swapped = true }))}, []Finding{strong(key)}},
		{"another place", []Finding{strong(key)}, []Finding{his(other(func(f *Finding) { f.Path = Path{inDump, elsewhere} }))}, []Finding{strong(key)}},
		{
			"the second of two",
			[]Finding{strong(other(func(f *Finding) { f.Path = Path{elsewhere} })), strong(key)},
			[]Finding{his(key)},
			[]Finding{strong(other(func(f *Finding) { f.Path = Path{elsewhere} })), becomes(key)},
		},
		{"by the second of his", []Finding{strong(key)}, []Finding{his(other(func(f *Finding) { f.Path = Path{elsewhere} })), his(key)}, []Finding{becomes(key)}},
		{"by the first of his two ways", []Finding{strong(key)}, []Finding{his(key), his(other(func(f *Finding) { f.Path = Path{inDump} }))}, []Finding{becomes(key)}},
	} {
		require.Equal(t, c.want, weaker(c.all, c.his, ReadsFuses, number), c.name)
	}

	// One that a weaker one, or an equal one, reaches stays.
	for who, stays := range map[Adversary]bool{ReadsFlash: true, ReadsFuses: true, KnowsRetired: false} {
		f := strong(key)
		f.Who = who
		got := weaker([]Finding{f}, []Finding{his(key)}, ReadsFuses, number)
		require.Equal(t, stays, got[0].Equal(f), "%v", who)
	}

	// A way of his that is among all keeps its path, and a way that becomes the same is no finding of
	// its own.
	own := strong(key)
	own.Path = becomes(key).Path
	longer := Finding{Path: Path{secretStep(1), constant, elsewhere, inDump}, Oracle: key.Oracle}
	got := weaker([]Finding{strong(key), own, strong(key)}, []Finding{longer, his(key)}, ReadsFuses, number)
	require.Len(t, got, 2)
	require.Equal(t, Path{secretStep(4), constant, elsewhere, inDump}, got[0].Path)
	require.Equal(t, own.Path, got[1].Path)
	require.Equal(t, []Adversary{ReadsFuses, ReadsFuses}, []Adversary{got[0].Who, got[1].Who})

	// A wrap and the key in it share one path, whose numbers change once.
	path := Path{secretStep(1), inDump}
	numbered := weaker([]Finding{strong(Finding{Path: Path{inDump}, Oracle: "A"}), strong(Finding{Path: Path{inDump}, Oracle: "B"})},
		[]Finding{{Path: path, Oracle: "A"}, {Path: path, Oracle: "B"}}, ReadsFuses, []int{2, 3})
	require.Equal(t, Path{secretStep(2), inDump}, numbered[0].Path)
	require.Equal(t, Path{secretStep(2), inDump}, numbered[1].Path)
	require.Equal(t, Path{secretStep(1), inDump}, path)
}

// Equal says whether two findings are the same in all.
func (f Finding) Equal(g Finding) bool {
	return f.String() == g.String() && f.Who == g.Who && f.Weak == g.Weak && slices.Equal(f.Path, g.Path)
}

// The search is made again where a secret was needed, and then not for what needs none.
func TestASearchIsMadeAgainWhereASecretWasNeeded(t *testing.T) {
	s := newScene(t)
	s.size = 256
	look := func(want int) Findings {
		var phases []string
		f, err := SearchAs(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle}, Options{
			Also: Reversed | OwnBytes, Phase: func(what string) { phases = append(phases, what) },
		})
		require.NoError(t, err)
		count := func(what string) (n int) {
			for _, p := range phases {
				if p == what {
					n++
				}
			}
			return n
		}
		require.Equal(t, want, count("salts beside wraps"), "%q", phases)
		require.Equal(t, 1, count(Reversed.String()), "what needs no secret is tried once: %q", phases)
		s.pages = nil
		return f
	}
	look(1) // nothing
	s.page(0, 0, 104, s.mek[:])
	f := look(1)
	require.Len(t, f.Keys, 1)
	require.Equal(t, ReadsFlash, f.Keys[0].Who)
	s.page(0, 0, 104, s.pin.Bytes())
	f = look(1)
	require.Equal(t, ReadsFlash, f.Secrets[0].Who)
	s.page(0, 0, 104, s.wrap(s.root[:], s.mek[:]), 192, s.mek[:]) // the last is found without a secret, the first not
	f = look(3)
	require.Len(t, f.Keys, 2)
	s.page(0, 0, 104, s.wrap(s.root[:], s.ak[:]), 192, s.mek[:]) // only a wrap
	f = look(3)
	require.Equal(t, ReadsFuses, f.Wraps[0].Who)
	s.page(0, 0, 104, s.wrap(s.pin.Bytes(), s.ak[:]))
	f = look(3)
	require.Equal(t, KnowsRetired, f.Wraps[0].Who)
}

// Where bytes of the dump opened something as a PIN, they are tried again for the weaker, and nowhere else: each finds
// what he finds when he searches alone.
func TestPINsInADumpAreTriedAgainWhereTheyOpened(t *testing.T) {
	s := pinScene(t)
	var none secret.Key32
	s.page(0, 0, 0, []byte("first\x00second\x00"), 40, s.salt[:], 56, s.wrap(s.withPIN("second", &s.root), noise("AK 1", 32)), 136, s.salt[:], 152, s.wrap(s.withPIN("first", &none), s.mek[:]))
	s.page(0, 1, 8, s.salt[:], 24, s.wrap(s.kek(&s.root, s.pin), noise("AK 2", 32)))
	weaker := func(who Adversary) (known []Secret) {
		for _, one := range s.secrets {
			if one.Knower() <= who {
				known = append(known, one)
			}
		}
		return known
	}
	dump, oracles := drive.Dump{Flash: s.pages}, []Oracle{s.oracle}
	opts := Options{Also: WindowPINs, pins: new(windowed)}
	searched(dump, s.secrets, oracles, opts)
	require.True(t, opts.pins.tried)
	require.Len(t, opts.pins.at, 2, "two PINs opened something")
	for _, who := range []Adversary{ReadsFuses, ReadsFlash} {
		alone := searched(dump, weaker(who), oracles, Options{Also: WindowPINs})
		his := searched(dump, weaker(who), oracles, opts)
		require.Less(t, his.Tried.Unwraps, alone.Tried.Unwraps, "%v tries less", who)
		his.Tried, alone.Tried = Tried{}, Tried{}
		require.Equal(t, alone, his, "%v finds the same", who)
	}
	f, err := SearchAs(dump, s.secrets, oracles, Options{Also: WindowPINs})
	require.NoError(t, err)
	who := map[string]Adversary{}
	for _, w := range f.Wraps {
		who[w.Path[len(w.Path)-1].String()] = w.Who
	}
	require.Equal(t, map[string]Adversary{
		"AK at block 0 page 0 offset 56": ReadsFuses, "MEK at block 0 page 0 offset 152": ReadsFlash, "AK at block 0 page 1 offset 24": KnowsRetired,
	}, who)
}

func TestSearchAsRefusesWhatSearchRefuses(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 104, s.mek[:])
	bad := s.oracle
	bad.SectorSize = 520
	f, err := SearchAs(drive.Dump{Flash: s.pages}, nil, []Oracle{bad}, Options{})
	require.ErrorContains(t, err, `oracle "LBA 17" has a sector size of 520 bytes`)
	require.Zero(t, f)
}

// Each finding names the weakest thief who gets there.
func TestTheAdversaryIsTheWeakest(t *testing.T) {
	s := newScene(t)
	s.size = 640
	s.secrets = append(s.secrets, Public(PIN("MSID", drive.CredentialPIN(&s.ak))))
	msid := drive.CredentialPIN(&s.ak)
	look := func() Findings {
		f, err := SearchAs(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle}, Options{Also: OwnBytes | GCM})
		require.NoError(t, err)
		s.pages = nil
		return f
	}
	s.page(0, 0, 104, s.mek[:])
	require.Equal(t, ReadsFlash, look().Keys[0].Who)
	s.page(0, 0, 104, s.wrap(msid.Bytes(), s.mek[:]))
	f := look()
	require.Equal(t, ReadsFlash, f.Keys[0].Who)
	require.Equal(t, 3, f.Keys[0].Path[0].Secret, "the number is that of all secrets")
	require.Equal(t, ReadsFlash, f.Wraps[0].Who)
	s.page(0, 0, 88, s.salt[:], 104, s.wrap(s.kek(&s.root, msid), s.mek[:]))
	require.Equal(t, ReadsFuses, look().Keys[0].Who)
	s.page(0, 0, 88, s.salt[:], 104, s.wrap(s.kek(&s.root, s.pin), s.mek[:]))
	require.Equal(t, KnowsRetired, look().Keys[0].Who)
	s.page(0, 0, 104, s.pin.Bytes())
	require.Equal(t, ReadsFlash, look().Secrets[0].Who)
	s.page(0, 0, 104, s.wrap(make([]byte, 32), s.mek[:]))
	f = look()
	require.Equal(t, ReadsFlash, f.Keys[0].Who, "the constant needs no secret")
	require.True(t, f.Keys[0].Weak)

	// Two ways to one key: the weaker thief's is told.
	s.page(0, 0, 88, s.salt[:], 104, s.wrap(s.kek(&s.root, s.pin), noise("AK", 32)), 304, s.wrap(s.root[:], noise("AK", 32)), 504, s.wrap(noise("AK", 32), s.mek[:]))
	f = look()
	require.Equal(t, ReadsFuses, f.Keys[0].Who)
	require.True(t, strings.HasPrefix(f.Keys[0].String(), "root key -> AK"), f.Keys[0])
	require.Empty(t, look().Keys)
	hash := sha256.Sum256([]byte("nothing of this"))
	s.page(0, 0, 104, s.wrap(hash[:], s.mek[:]))
	require.Empty(t, look().Keys)

	// A credential that is the MSID still: one way, which is that of the thief who has the fuses.
	s.secrets = []Secret{PIN("credential", msid), Root(&s.root), Public(PIN("MSID", msid))}
	s.page(0, 0, 88, s.salt[:], 104, s.wrap(s.kek(&s.root, msid), s.mek[:]))
	f = look()
	require.Len(t, f.Keys, 1)
	require.Equal(t, "MSID and root key -> MEK at block 0 page 0 offset 104 opens LBA 17", f.Keys[0].String())
	require.Equal(t, ReadsFuses, f.Keys[0].Who)
	require.Len(t, f.Wraps, 1)
	require.Equal(t, ReadsFuses, f.Wraps[0].Who)
}

// A bare key that is that of two generations lies in the flash, under whatever name.
func TestWhoReachesAKeyThatComesAgain(t *testing.T) {
	s := newScene(t)
	s.size = 512
	later := s.oracle
	later.Name, later.Generation = "after an erase", 1
	look := func() (who []Adversary) {
		f, err := SearchAs(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle, later}, Options{Also: Repeats})
		require.NoError(t, err)
		for _, k := range f.Keys {
			who = append(who, k.Who)
		}
		require.Contains(t, f.Keys[len(f.Keys)-1].String(), "the same key as of LBA 17 opens after an erase")
		s.pages = nil
		return who
	}
	s.page(0, 0, 104, s.mek[:])
	require.Equal(t, []Adversary{ReadsFlash, ReadsFlash, ReadsFlash, ReadsFlash}, look())
	s.page(0, 0, 104, s.wrap(s.root[:], s.mek[:]))
	require.Equal(t, []Adversary{ReadsFuses, ReadsFuses, ReadsFlash, ReadsFuses}, look(), "the third is told by the ciphertext alone")
}
