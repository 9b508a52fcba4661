package forensic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// What another implementation (Python's hashlib and hmac) makes of "correct horse" and a salt of the bytes
// 0 to 15, and without a salt. The cost is in hashes.
func TestHashesAreTheRealOnes(t *testing.T) {
	salt := make([]byte, 16)
	for i := range salt {
		salt[i] = byte(i)
	}
	want := []struct {
		name          string
		cost          int
		salted, alone string
	}{
		{"SHA-256 of salt and %s", 1, "4ac7628e73d357ef4e766280d83143f038aca73ee89a1c8a6bf9b0acd607e0fa", "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631"},
		{"SHA-256 of %s and salt", 1, "35a7e539bf2d72e27381958ec770ccbc3aca00ca3abf1ebbc2860ac0c6486754", "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631"},
		{"SHA-512 of salt and %s", 1, "8207a91af686d2e8316b0d809b6adf54ea0e59910288b69f50e43dfbd3993434", "56b698defedb5a435b634afe3320bbaf3fdcd920b6c503a446fc7b7a776b298d"},
		{"HMAC-SHA-256 of the salt under %s", 2, "3d7edd31c14770a4ceb32a1959865d2dd3459f0d4f0e6abac50b7e7432d2690f", "76058c79e2ea62baa53a056021e537aad48580557ce804f8208b799d51f8149f"},
		{"HMAC-SHA-256 of %s under the salt", 2, "01718dfcab50ecbc945007ee71ddde969b15203bb48047cdb3a6511d8e252a31", "85f66b679e020bf7dc855954a371a3ab5844b0c0b358f427c9c60d71aeab34ba"},
		{"HKDF-SHA-256 of %s", 4, "04c14f217bd93e0aa6a82229718d6e591b81d25480b58c50a72160948895823e", "90556340049f7aec8a2e0b48c733280a2c21cacda14f618df59f54ed8e901832"},
		{"SHA-256 twice of %s", 2, "bf7ffba958c798f80e3cf8ebea1cbc781495cadb8880a7f2bbc73d530712b52d", "bf7ffba958c798f80e3cf8ebea1cbc781495cadb8880a7f2bbc73d530712b52d"},
		{"SHA3-256 of %s", 1, "e2bb427c913c99e9663c5d0e97472bd8618656cabbca6274c2743b0ebf107ce3", "e2bb427c913c99e9663c5d0e97472bd8618656cabbca6274c2743b0ebf107ce3"},
		{"PBKDF2-HMAC-SHA-256, 1 iterations, of %s", 2, "c5199f52d095f03bb27ace7b385711999c67ec4aacd0f298a6da36ce47520daf", "64c035378e3cfc3d628fb5d12920249e8a40cbeed3b9b7c9a46a3403f441ac63"},
		{"PBKDF2-HMAC-SHA-256, 1000 iterations, of %s", 2000, "c914cc4f06cc6e8f46d157e3a1b5aa7abceebb17bb0444cd4c4ac16ca2ae9864", "1dc82a05f16c88fa9cbcdb83b2171eea978f90b235c52875d1189eb8c705d3ad"},
	}
	all := slices.Concat(hashings, unsalted, []hashing{stretched(1), stretched(1000)})
	require.Len(t, all, len(want))
	for i, h := range all {
		require.Equal(t, want[i].name, h.name)
		require.Equal(t, want[i].cost, h.cost, h.name)
		require.Equal(t, want[i].salted, hex.EncodeToString(h.make([]byte("correct horse"), salt)), h.name)
		require.Equal(t, want[i].alone, hex.EncodeToString(h.make([]byte("correct horse"), nil)), h.name)
	}
}

// Each secret is an ingredient, and each that is no root key is one with the root key before and behind it.
func TestIngredients(t *testing.T) {
	root, pin, none, key := Secret{name: "root", root: true, b: []byte("R")}, Secret{name: "pin", b: []byte("PP")}, Secret{name: "none"}, Secret{name: "key", b: []byte("KKK")}
	secrets := []Secret{none, root, pin, key}
	got := ingredients(secrets)
	require.Equal(t, []ingredient{
		{"root", 2, []byte("R")},
		{"pin", 3, []byte("PP")},
		{"root and pin", 3, []byte("RPP")},
		{"pin and root", 3, []byte("PPR")},
		{"key", 4, []byte("KKK")},
		{"root and key", 4, []byte("RKKK")},
		{"key and root", 4, []byte("KKKR")},
	}, got)
	forgetAll(got)
	for _, x := range got {
		require.Equal(t, make([]byte, len(x.b)), x.b)
	}
	require.Equal(t, "RPPKKK", string(slices.Concat(root.b, pin.b, key.b)), "the secrets are the caller's")
	require.Equal(t, []ingredient{{"pin", 1, []byte("PP")}}, ingredients([]Secret{pin, none}), "without a root key")
}

// few are n bytes of d different values.
func few(n, d int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(0x41 + min(i, d-1))
	}
	return b
}

// saltsOf are offset and length of the salts in a page.
func saltsOf(p page, deep bool) (out [][2]int) {
	x := newSearch(drive.Dump{}, nil, Options{Deep: deep})
	x.pages = []page{p}
	x.blobs = []blob{{page: &x.pages[0], size: 40}}
	for _, salt := range x.groups()[0].salts {
		out = append(out, [2]int{cap(p.full) - cap(salt), len(salt)})
	}
	return out
}

func TestTheSaltsOfAPage(t *testing.T) {
	full := slices.Clip(noise("salts", 40))
	for _, c := range []struct {
		name string
		how  string
		data int
		deep bool
		want [][2]int
	}{
		{"quick: 16 bytes", "", 40, false, [][2]int{{0, 16}, {8, 16}, {16, 16}, {24, 16}}},
		{"deep: 8 and 32 bytes, too", "", 40, true, [][2]int{{0, 8}, {0, 16}, {0, 32}, {8, 8}, {8, 16}, {8, 32}, {16, 8}, {16, 16}, {24, 8}, {24, 16}, {32, 8}}},
		{"a text: all that begin with it", "hex", 40, false, [][2]int{{0, 8}, {0, 16}, {0, 32}}},
		{"a text, deep", "hex", 40, true, [][2]int{{0, 8}, {0, 16}, {0, 32}}},
		{"none begins behind the data", "", 16, false, [][2]int{{0, 16}, {8, 16}}},
		{"one begins with the last byte of it", "", 17, false, [][2]int{{0, 16}, {8, 16}, {16, 16}}},
		{"no data", "", 0, true, nil},
	} {
		require.Equal(t, c.want, saltsOf(page{full: full, data: full[:c.data], how: c.how}, c.deep), c.name)
	}
	// What looks random: 4 different values of 8, 9 of 16, 19 of 32.
	for n, least := range map[int]int{8: 4, 16: 9, 32: 19} {
		for _, d := range []int{least - 1, least, least + 1} {
			b := slices.Clip(few(n, d))
			require.Equal(t, d >= least, slices.Contains(saltsOf(page{full: b, data: b}, true), [2]int{0, n}), "%d different of %d", d, n)
		}
	}
}

// The pages that come from one page of the flash are one group, and one without a place is left out.
func TestGroupsOfPages(t *testing.T) {
	for _, deep := range []bool{false, true} {
		x := newSearch(drive.Dump{}, nil, Options{Deep: deep})
		of := func(block, number int, how string) page {
			full := noise(fmt.Sprint(block, number, how), 16)
			return page{block: block, page: number, how: how, full: full, data: full}
		}
		x.pages = []page{of(0, 1, ""), of(0, 2, ""), of(1, 1, ""), of(2, 0, ""), of(0, 1, "hex"), of(3, 0, ""), of(3, 0, "hex")}
		at := func(i, size int) blob { return blob{page: &x.pages[i], size: size} }
		x.blobs = []blob{at(2, 40), at(0, 40), at(0, 72), at(4, 40)}
		x.sealed = []sealedPlace{{at(2, 60), &layouts[0]}, {at(5, 60), &layouts[1]}, {at(5, 60), &layouts[0]}, {at(6, 60), &layouts[2]}, {at(3, 60), &layouts[2]}}
		groups := x.groups()
		var got []string
		for _, g := range groups {
			var places []int
			for _, b := range g.places {
				places = append(places, b.places...)
			}
			got = append(got, fmt.Sprintf("salts %d, blobs %v, places %v, sealed %v", len(g.salts), g.blobs, places, g.sealed))
		}
		if deep {
			require.Equal(t, []string{
				"salts 5, blobs [1 2 3], places [1 3 2], sealed []", // 8, 8 and 16 of the first, 8 and 16 of its text
				"salts 3, blobs [0], places [0], sealed [0]",
				"salts 3, blobs [], places [], sealed [4]",
				"salts 5, blobs [], places [], sealed [1 2 3]",
			}, got)
			continue
		}
		require.Equal(t, []string{
			"salts 3, blobs [1 2 3], places [1 3 2], sealed []", // 16 of the first, 8 and 16 of its text
			"salts 1, blobs [0], places [0], sealed [0]",
			"salts 3, blobs [], places [], sealed [2 3]",
		}, got, "a nonce behind the key, or none, is for texts and for a deep search")
	}
}

// hashedScene are pages with a wrap and its salt, one for each hash of each ingredient.
func hashedScene(t *testing.T) (s *scene, how []hashing, in []ingredient) {
	s = newScene(t)
	s.size = 128
	in, how = ingredients(s.secrets), append(slices.Clone(hashings), stretched(2), stretched(1000))
	for i, h := range how {
		for j, x := range in {
			salt := noise(fmt.Sprint("salt", i, j), 16)
			s.page(i, j, 0, salt, 40, s.wrap(h.make(x.b, salt), noise(fmt.Sprint("AK", i, j), 32)))
		}
	}
	return s, how, in
}

// Each hash of each secret with each salt is tried on the places of the page of the salt.
func TestEachHashOfEachSecretIsTried(t *testing.T) {
	s, how, in := hashedScene(t)
	require.Len(t, in, 4)
	s.page(90, 0, 0, noise("no place", 16)) // a salt alone
	var phases []string
	x := newSearch(drive.Dump{Flash: s.pages}, nil, Options{Also: Hashed, Iterations: 2, Parallel: backwards, Phase: func(what string) { phases = append(phases, what) }})
	x.hashed(s.secrets)
	require.Len(t, x.out.Wraps, len(how)*len(in))
	for n, f := range x.out.Wraps {
		i, j := n/len(in), n%len(in)
		require.Equal(t, fmt.Sprintf(how[i].name, in[j].name)+fmt.Sprintf(" -> AK at block %d page %d offset 40", i, j), f.String())
		require.Equal(t, in[j].of, f.Path[0].Secret)
		require.False(t, f.Weak)
	}
	require.Len(t, x.keks, len(how)*len(in), "each key is one to try")
	require.Equal(t, []string{"keys hashed from PINs"}, phases)
	salts, tries, cost := 0, 0, 0
	for _, g := range x.groups() {
		salts += len(g.salts)
		tries += len(g.salts) * len(g.blobs)
		cost += len(g.salts) * (4*(11+4+2000) + 32*len(g.places))
	}
	require.Equal(t, 32*salts+len(x.keks), x.out.Tried.KEKs)
	require.Equal(t, 32*tries, x.out.Tried.Unwraps)
	require.Equal(t, map[Ways]int{Hashed: cost / 8}, x.spent, "hashes and unwraps, of which 8 are one operation")
}

// Over AES-GCM, too. PBKDF2 with 1000 iterations is tried once where that is the drive's number.
func TestHashesOverBothKindsOfWraps(t *testing.T) {
	s := newScene(t)
	s.size = 256
	s.secrets = s.secrets[1:]
	kek := hashings[0].make(s.pin.Bytes(), s.salt[:])
	s.page(0, 0, 0, s.salt[:], 64, s.salt[:12], 76, sealWith(kek, s.salt[:12], s.ak[:]), 160, s.wrap(kek, s.mek[:]))
	x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, Options{Also: Hashed | GCM, Iterations: 1000})
	x.hashed(s.secrets)
	g := x.groups()[0]
	require.Greater(t, len(g.sealed), 1)
	require.Len(t, x.out.Wraps, 2)
	require.Equal(t, "SHA-256 of salt and BandMaster0 credential generation 3 -> MEK at block 0 page 0 offset 160", x.out.Wraps[0].String())
	require.Equal(t, "SHA-256 of salt and BandMaster0 credential generation 3 -> AK (AES-GCM) at block 0 page 0 offset 64", x.out.Wraps[1].String())
	require.Len(t, x.out.Keys, 1)
	require.Equal(t, 7*len(g.salts)+1, x.out.Tried.KEKs, "six hashes, and PBKDF2 once")
	require.Equal(t, 7*len(g.salts)*(len(g.blobs)+len(g.sealed)), x.out.Tried.Unwraps)
	require.Equal(t, len(g.salts)*(11+2000+7*(len(g.places)+len(g.sealed)))/8, x.spent[Hashed])
}

// With too little of the budget left, no hash is tried, and that is said.
func TestTheBudgetOfHashes(t *testing.T) {
	s := newScene(t)
	s.size = 128
	s.page(0, 0, 0, s.salt[:], 40, s.wrap(hashings[0].make(s.pin.Bytes(), s.salt[:]), s.ak[:]))
	first := newSearch(drive.Dump{Flash: s.pages}, nil, Options{Also: Hashed})
	first.hashed(s.secrets)
	cost := first.spent[Hashed]
	require.Greater(t, cost, 1000)
	for left, found := range map[int]int{cost: 1, cost - 1: 0} {
		x := newSearch(drive.Dump{Flash: s.pages}, nil, Options{Also: Hashed})
		x.spent = map[Ways]int{Hashed: QuickBudget - left}
		x.hashed(s.secrets)
		require.Len(t, x.out.Wraps, found, "%d of %d operations", left, cost)
		require.Len(t, x.out.Left, 1-found)
	}
	// Nothing to do is nothing to say.
	for name, flashPages := range map[string][]flash.Page{"no salt": {{Data: s.pages[0].Data[40:80]}}, "no place": {{Data: noise("salt", 16)}}, "nothing": nil} {
		x := newSearch(drive.Dump{Flash: flashPages}, nil, Options{Also: Hashed, Phase: func(what string) { t.Errorf("%s: %s", name, what) }})
		for i := range x.pages {
			if name == "no salt" {
				x.pages[i].data = nil
			}
		}
		x.hashed(s.secrets)
		require.Empty(t, x.spent, name)
	}
	x := newSearch(drive.Dump{Flash: s.pages}, nil, Options{Also: AllWays &^ Hashed, Phase: func(what string) { t.Error(what) }})
	x.hashed(s.secrets)
	x.hashedAlone(s.secrets)
	require.Empty(t, x.spent, "nobody asked for it")
	require.Empty(t, x.keks)
	require.Zero(t, x.out.Tried.KEKs)
}

// The hashes without a salt are KEKs for all places.
func TestHashesWithoutASalt(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct{ left, keks int }{{QuickBudget, 4 * 8}, {4 * 9, 4 * 8}, {4*9 - 1, 0}} {
		x := newSearch(drive.Dump{}, nil, Options{Also: Hashed, Iterations: 5})
		x.blobs = make([]blob, 8)
		x.spent = map[Ways]int{Hashed: QuickBudget - c.left}
		x.hashedAlone(s.secrets)
		require.Len(t, x.keks, c.keks, "salt and secret is secret and salt")
		if c.keks == 0 {
			require.Len(t, x.out.Left, 1)
			require.Zero(t, x.out.Tried.KEKs)
			continue
		}
		require.Empty(t, x.out.Left)
		require.Equal(t, QuickBudget-c.left+4*9, x.spent[Hashed], "an operation for eight places, and each hash of each secret")
		n := 0
		for _, in := range ingredients(s.secrets) {
			for _, h := range slices.Concat(hashings[:1], hashings[2:], unsalted, []hashing{stretched(5)}) {
				require.Equal(t, fmt.Sprintf(h.name, in.name)+", without a salt", x.keks[n].path.String())
				require.Equal(t, in.of, x.keks[n].path[0].Secret)
				require.False(t, x.keks[n].weak)
				require.Equal(t, h.make(in.b, nil), x.keks[n].key[:])
				n++
			}
		}
	}
}

// What is hashed, and each key that comes out and opens nothing, is overwritten.
func TestHashesAreForgotten(t *testing.T) {
	var rooms [][]byte
	hashings = append(hashings, hashing{"a test of %s", 1, func(x, salt []byte) []byte {
		key := sum256([]byte("a test"), x, salt)
		rooms = append(rooms, x, key)
		return key
	}})
	defer func() { hashings = hashings[:len(hashings)-1] }()
	s := newScene(t)
	s.size = 96
	s.page(0, 0, 0, s.salt[:], 40, noise("wrap", 40))
	for _, do := range []func(x *search){func(x *search) { x.hashed(s.secrets) }, func(x *search) { x.hashedAlone(s.secrets) }} {
		rooms = nil
		do(newSearch(drive.Dump{Flash: s.pages}, nil, Options{Also: Hashed}))
		require.NotEmpty(t, rooms)
		for _, r := range rooms {
			require.Equal(t, make([]byte, len(r)), r)
		}
	}
}

// possibleIn are the possible PINs of pages, each with its place.
func possibleIn(pages ...page) (out []string) {
	x := newSearch(drive.Dump{}, nil, Options{})
	x.pages = pages
	for _, p := range x.possiblePINs() {
		out = append(out, fmt.Sprintf("%d+%d %q", p.at.Offset, p.at.Size, p.b))
		if p.at.Name != "bytes as a PIN" || !p.at.Placed || p.at.Secret != 0 || p.at.Size != len(p.b) {
			panic("BUG: " + p.at.String())
		}
	}
	return out
}

func TestTextsAsPINs(t *testing.T) {
	text := func(s string) page { return page{full: []byte(s)} } // without data, so that no bytes are PINs
	long := strings.Repeat("x", 32)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"abc", nil},
		{"abcd", []string{`0+4 "abcd"`}},
		{"\x00abc\x00", nil},
		{"\x00abcd\x00", []string{`1+4 "abcd"`}},
		{"abc\x00defg\x1fhi\x7fjklmn", []string{`4+4 "defg"`, `12+5 "jklmn"`}},
		{"\xff ~ ~\xff", []string{`1+4 " ~ ~"`}},
		{"abcd\x00\x00efgh", []string{`0+4 "abcd"`, `6+4 "efgh"`}},
		{"abcd\nabcd", []string{`0+4 "abcd"`}}, // once
		{long, []string{`0+32 "` + long + `"`}},
		{long + "x", nil},
		{"\x00" + long + "x\x00abcd", []string{`35+4 "abcd"`}},
	} {
		require.Equal(t, c.want, possibleIn(text(c.text)), "%q", c.text)
	}
	require.Equal(t, []string{`0+4 "abcd"`, `0+4 "efgh"`}, possibleIn(text("abcd"), text("abcd"), text("efgh")))
}

func TestBytesAsPINs(t *testing.T) {
	places := func(full []byte, data int) (out []int) {
		x := newSearch(drive.Dump{}, nil, Options{})
		x.pages = []page{{full: full, data: full[:data]}}
		for _, p := range x.possiblePINs() {
			require.Equal(t, full[p.at.Offset:p.at.Offset+32], p.b)
			out = append(out, p.at.Offset)
		}
		return out
	}
	b := noise("PINs", 56)
	for i := range b {
		b[i] |= 0x80 // no text
	}
	require.Equal(t, []int{0, 8, 16, 24}, places(b, 56), "to the end of the page")
	require.Equal(t, []int{0, 8, 16}, places(b[:55], 55))
	require.Equal(t, []int{0, 8}, places(b, 16), "none begins behind the data")
	require.Equal(t, []int{0, 8, 16}, places(b, 17))
	require.Empty(t, places(b[:31], 31))
	for _, d := range []int{11, 12, 13} {
		full := few(32, d)
		for i := range full {
			full[i] |= 0x80
		}
		require.Equal(t, d >= 12, len(places(full, 32)) > 0, "%d different bytes", d)
	}
}

// pinScene has a page with what could be a PIN, and wraps with their salts.
func pinScene(t *testing.T) *scene {
	s := newScene(t)
	s.size = 256
	return s
}

func (s *scene) withPIN(pin string, root *secret.Key32) []byte {
	p, err := drive.NewPIN([]byte(pin))
	require.NoError(s.t, err)
	return s.kek(root, p)
}

// windowed is a search for PINs in the dump.
func (s *scene) windowed(o Options, left int) (*search, []string) {
	var phases []string
	o.Phase = func(what string) { phases = append(phases, what) }
	x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, o)
	x.roots = []rootKey{{key: new(secret.Key32)}, {&s.root, "root key", 1}}
	x.spent = map[Ways]int{WindowPINs: QuickBudget - left}
	x.windowPINs()
	return x, phases
}

func TestBytesOfADumpAsPINs(t *testing.T) {
	s := pinScene(t)
	var none secret.Key32
	// Two sizes may begin at the second place: with 40 bytes and with 72.
	s.page(0, 0, 0, []byte("first\x00second\x00"), 40, s.salt[:], 56, s.wrap(s.withPIN("second", &s.root), noise("AK 1", 32)), 136, s.salt[:], 152, s.wrap(s.withPIN("first", &none), s.mek[:]))
	for name, runner := range map[string]func(int, func(int)){"one worker": nil, "backwards": backwards} {
		x, phases := s.windowed(Options{Also: WindowPINs, Parallel: runner}, QuickBudget)
		var got []string
		for _, f := range x.out.Wraps {
			require.True(t, f.Weak)
			got = append(got, f.String())
		}
		require.Equal(t, []string{
			"bytes as a PIN at block 0 page 0 offset 0 -> MEK at block 0 page 0 offset 152",
			"root key -> bytes as a PIN at block 0 page 0 offset 6 -> AK at block 0 page 0 offset 56",
		}, got, "%s: by the order of the PINs", name)
		require.Equal(t, 0, x.out.Wraps[0].Path[0].Secret)
		require.Equal(t, 1, x.out.Wraps[1].Path[0].Secret)
		require.Len(t, x.out.Keys, 1)
		require.Equal(t, []string{"bytes of the dump as PINs"}, phases)

		found, starts := x.possiblePINs(), x.starts()
		tries := 0
		for _, i := range starts {
			tries += x.lastAt(i) - i + 1
		}
		require.Greater(t, tries, len(starts), "two sizes at one place")
		require.Equal(t, len(found)*(1+2*3*len(starts)), x.spent[WindowPINs], "three for each derivation")
		require.Equal(t, 2*len(found)*len(starts)+len(x.keks), x.out.Tried.KEKs)
		require.Equal(t, 2*len(found)*tries, x.out.Tried.Unwraps)

		// Each is a key itself, and so is its hash; the AK is one more.
		require.Len(t, x.keks, 2*len(found)+1)
		for i, f := range found {
			key, hash := x.keks[2*i], x.keks[2*i+1]
			padded := make([]byte, 32)
			copy(padded, f.b)
			sum := sha256.Sum256(f.b)
			require.Equal(t, padded, key.key[:])
			require.Equal(t, Path{f.at}, key.path)
			require.Equal(t, sum[:], hash.key[:])
			require.Equal(t, Path{{Name: "SHA-256"}, f.at}, hash.path)
			require.True(t, key.weak && hash.weak)
		}
	}
}

func TestTheBudgetOfPINs(t *testing.T) {
	s := pinScene(t)
	s.page(0, 0, 0, []byte("first\x00"), 40, s.salt[:], 56, s.wrap(s.withPIN("first", &s.root), s.ak[:]))
	x, _ := s.windowed(Options{Also: WindowPINs}, QuickBudget)
	require.Len(t, x.out.Wraps, 1)
	cost := x.spent[WindowPINs]
	x, phases := s.windowed(Options{Also: WindowPINs}, cost)
	require.Len(t, x.out.Wraps, 1, "as much as it takes")
	require.Len(t, phases, 1)
	x, phases = s.windowed(Options{Also: WindowPINs}, cost-1)
	require.Empty(t, x.out.Wraps)
	require.Empty(t, x.keks)
	require.Empty(t, phases)
	require.Len(t, x.out.Left, 1)
	x, phases = s.windowed(Options{Also: AllWays &^ WindowPINs}, QuickBudget)
	require.Empty(t, x.out.Wraps, "nobody asked for it")
	require.Empty(t, phases)
	s.pages = nil
	s.page(0, 0, 0, []byte("ab\x00"))
	x, phases = s.windowed(Options{Also: WindowPINs}, 0)
	require.Empty(t, phases, "nothing to try is nothing to say")
	require.Empty(t, x.out.Left)
}

// A PIN that gives no key is passed over, and each is overwritten after its turn.
func TestPINsOfADumpAreForgotten(t *testing.T) {
	s := pinScene(t)
	s.page(0, 0, 0, []byte("first\x00second\x00"), 40, bytes.Repeat([]byte{1}, 16), 56, noise("wrap", 40), 136, s.salt[:], 152, s.wrap(s.withPIN("second", &s.root), s.ak[:]))
	var pins []drive.PIN
	var texts []string
	kdf := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		pins, texts = append(pins, pin), append(texts, string(pin.Bytes()))
		if string(pin.Bytes()) == "first" || salt[0] == 1 || *root == (secret.Key32{}) {
			return nil, errors.New("none")
		}
		return drive.KEK(root, pin, salt, 1)
	}
	x, _ := s.windowed(Options{Also: WindowPINs, KDF: kdf}, QuickBudget)
	require.Len(t, x.out.Wraps, 1)
	require.Contains(t, x.out.Wraps[0].String(), "offset 152")
	require.Contains(t, texts, "first")
	for _, p := range pins {
		require.Zero(t, p.Len())
	}
}
