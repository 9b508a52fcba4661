package forensic

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// ownOf looks for one secret in one page, and says what was found where: name, offset and size.
func ownOf(t *testing.T, secret Secret, full []byte) (out []string) {
	t.Helper()
	s := newSearch(drive.Dump{Flash: []flash.Page{{Block: 4, Page: 1, Data: full}}}, nil, Options{Also: OwnBytes})
	s.ownBytes([]Secret{{name: "other"}, secret})
	require.Empty(t, s.out.Keys)
	require.Empty(t, s.out.Wraps)
	for _, f := range s.out.Secrets {
		require.Len(t, f.Path, 1)
		at := f.Path[0]
		require.Equal(t, []int{4, 1, 2}, []int{at.Block, at.Page, at.Secret}, "the second of the secrets")
		require.True(t, at.Placed)
		require.True(t, f.Weak, "it needs no secret")
		require.Zero(t, f.Bits)
		require.Empty(t, f.Oracle)
		out = append(out, fmt.Sprintf("%s, %d+%d", strings.TrimPrefix(at.Name, "PIN "), at.Offset, at.Size))
	}
	return out
}

// The forms of a secret, written out by hand. Of base64, only characters whose 6 bits are all of the secret.
func TestTheFormsOfASecret(t *testing.T) {
	hx := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	secret := hx("fbef410dffff3e01")
	require.Equal(t, []needle{
		{name: "as it is", b: secret},
		{name: "backwards", b: hx("013effff0d41effb")},
		{name: "in hex", b: []byte("fbef410dffff3e01")},
		{name: "in hex", b: []byte("FBEF410DFFFF3E01")},
		{name: "in base64", b: []byte("++9BDf//Pg")}, // at the start of a group
		{name: "in base64url", b: []byte("--9BDf__Pg")},
		{name: "in base64", b: []byte("vvQQ3//z4B")}, // behind one byte, of which 4 bits are in the first character
		{name: "in base64url", b: []byte("vvQQ3__z4B")},
		{name: "in base64", b: []byte("770EN//8+A")}, // behind two
		{name: "in base64url", b: []byte("770EN__8-A")},
		{name: "in UTF-16", b: hx("fb00ef0041000d00ff00ff003e000100")},
		{name: "in UTF-16", b: hx("00fb00ef0041000d00ff00ff003e0001")},
		{name: "under a constant", b: hx("14ae4cf200c13f"), masked: true, plain: 0xFB},
		{name: "backwards under a constant", b: hx("3fc100f24cae14"), masked: true, plain: 0x01},
	}, needlesOf(secret))

	names := func(secret string) (out []string) {
		for _, n := range needlesOf([]byte(secret)) {
			out = append(out, n.name)
		}
		return out
	}
	short := []string{"as it is", "backwards", "in hex", "in base64", "in base64", "in base64", "in UTF-16", "in UTF-16"}
	require.Equal(t, short, names("1234567"), "digits have one form in hex, and no + or / in base64")
	require.Equal(t, append(slices.Clone(short), "under a constant", "backwards under a constant"), names("12345678"), "8 bytes and more")
	require.Equal(t, slices.Delete(slices.Clone(short), 1, 2), names("1234321"), "the same backwards")
}

func TestWhereASecretLies(t *testing.T) {
	secret := []byte("\x01tes\x83secret")
	pin, err := drive.NewPIN(secret)
	require.NoError(t, err)
	in := func(at int, parts ...[]byte) []byte {
		page := bytes.Repeat([]byte{0xFF}, 100)
		copy(page[at:], slices.Concat(parts...))
		return page
	}
	for _, c := range []struct {
		name string
		page []byte
		want []string
	}{
		{"nowhere", in(10, []byte("\x01tes\x83secre")), nil},
		{"as it is", in(10, secret), []string{"as it is, 10+11"}},
		{"at the start", in(0, secret), []string{"as it is, 0+11"}},
		{"at the end", in(89, secret), []string{"as it is, 89+11"}},
		{"twice", in(10, secret, secret), []string{"as it is, 10+11"}},
		{"backwards", in(10, backwardsOf(secret)), []string{"backwards, 10+11"}},
		{"under a constant", in(10, under(0x80, secret)), []string{"under a constant, 10+11"}},
		{"under a constant at the start", in(0, under(0x80, secret)), []string{"under a constant, 0+11"}},
		{"under a constant at the end", in(89, under(0x80, secret)), []string{"under a constant, 89+11"}},
		{"backwards under a constant", in(10, under(0x80, backwardsOf(secret))), []string{"backwards under a constant, 10+11"}},
		{"under a constant behind the secret", in(10, secret, under(0x80, secret)), []string{"as it is, 10+11", "under a constant, 21+11"}},
		{"two forms", in(10, []byte("0174657383736563726574"), backwardsOf(secret)), []string{"backwards, 32+11", "in hex, 10+22"}},
	} {
		require.Equal(t, c.want, ownOf(t, PIN("PIN", pin), c.page), c.name)
	}
}

// A secret of fewer than 4 different bytes lies somewhere by chance, and one that everybody knows is none.
func TestWhichSecretsAreLookedFor(t *testing.T) {
	for b, want := range map[string]bool{"": false, "abc": false, "abcabc": false, "abca": false, "abcd": true, "aaabcd": true} {
		secret := Secret{name: "PIN", b: []byte(b)}
		full := []byte("--" + b + "--")
		require.Equal(t, want, len(ownOf(t, secret, full)) > 0, "%q", b)
		require.Empty(t, ownOf(t, Public(secret), full), "%q", b)
	}
	// The secrets behind one that is left out are looked for, and so are the pages behind the first.
	s := newSearch(drive.Dump{Flash: []flash.Page{{Data: []byte("nothing")}, {Page: 1, Data: []byte("--wxyz--")}}}, nil, Options{Also: OwnBytes})
	s.ownBytes([]Secret{{name: "short", b: []byte("a")}, {name: "long", b: []byte("wxyz")}})
	require.Len(t, s.out.Secrets, 1)
	require.Equal(t, "long as it is at block 0 page 1 offset 2", s.out.Secrets[0].String())
}

// Texts that stand for bytes are none of the pages that are looked at: the forms of a secret are texts.
func TestOwnBytesAreLookedForInTheFlashAlone(t *testing.T) {
	secret := noise("secret", 16)
	s := newSearch(drive.Dump{Flash: []flash.Page{{Data: []byte(hex.EncodeToString(secret))}}}, nil, Options{Also: OwnBytes | Encoded})
	require.Greater(t, len(s.pages), 1)
	slices.Reverse(s.pages) // those of texts first
	var phases []string
	s.opts.Phase = func(what string) { phases = append(phases, what) }
	s.ownBytes([]Secret{{name: "PIN", b: secret}})
	require.Len(t, s.out.Secrets, 1)
	require.Equal(t, "PIN in hex at block 0 page 0 offset 0", s.out.Secrets[0].String())
	require.Equal(t, []string{"the secrets' own bytes"}, phases)

	s.opts.Also = AllWays &^ OwnBytes
	s.out.Secrets = nil
	s.ownBytes([]Secret{{name: "PIN", b: secret}})
	require.Empty(t, s.out.Secrets, "nobody asked for them")
	require.Len(t, phases, 1)
}

func TestDifferences(t *testing.T) {
	require.Equal(t, []byte{3, 5, 0}, differences([]byte{1, 2, 7, 7}))
	require.Equal(t, differences([]byte{1, 2, 7, 7}), differences(under(0x5A, []byte{1, 2, 7, 7})))
	require.Empty(t, differences([]byte{1}))
}

// The same ciphertext of the same plaintext in the same sector under the keys of two generations is that
// of one key.
func TestCiphertextThatComesAgain(t *testing.T) {
	first := Oracle{Name: "first", SectorSize: 512, LBA: 5, Plain: noise("plain", 32), Cipher: noise("cipher", 32), Generation: 2}
	look := func(also Ways, oracles ...Oracle) (out []Finding) {
		s := newSearch(drive.Dump{}, oracles, Options{Also: also})
		s.repeats()
		require.Empty(t, s.out.Wraps)
		return s.out.Keys
	}
	again := first
	again.Name, again.Generation = "again", 4
	told := Finding{Path: Path{{Name: "the key of generation 2 again in generation 4"}}, Oracle: "again", Weak: true}
	require.Equal(t, []Finding{told}, look(Repeats, first, again))
	require.Empty(t, look(AllWays&^Repeats, first, again))
	require.Empty(t, look(Repeats, first))
	for name, change := range map[string]func(o *Oracle){
		"the same generation": func(o *Oracle) { o.Generation = 2 },
		"another sector":      func(o *Oracle) { o.LBA = 6 },
		"another sector size": func(o *Oracle) { o.SectorSize = 4096 },
		"another plaintext":   func(o *Oracle) { o.Plain = noise("another", 32) },
		"another ciphertext":  func(o *Oracle) { o.Cipher = noise("another", 32) },
	} {
		other := again
		change(&other)
		require.Empty(t, look(Repeats, first, other), name)
		require.Equal(t, []Finding{told}, look(Repeats, first, other, again)[:1], name)
	}
	third := again
	third.Name, third.Generation = "third", 5
	require.Len(t, look(Repeats, first, again, third), 3, "each two")
}

// A key that opens sectors of two generations is found once for each, and once more for both.
func TestAKeyThatOpensTwoGenerations(t *testing.T) {
	path, other := Path{{Name: "bare key", Placed: true, Offset: 8}}, Path{{Name: "bare key", Placed: true, Offset: 80}}
	look := func(keys ...Finding) (out []Finding) {
		s := newSearch(drive.Dump{}, []Oracle{
			{Name: "A0", Generation: 0, LBA: 1}, {Name: "B0", Generation: 0, LBA: 2}, {Name: "C1", Generation: 1, LBA: 3}, {Name: "D2", Generation: 2, LBA: 4},
		}, Options{Also: Repeats})
		s.out.Keys = keys
		s.repeats()
		return s.out.Keys[len(keys):]
	}
	of := func(oracle string, path Path) Finding {
		return Finding{Path: path, Oracle: oracle, Weak: true, Bits: 77}
	}
	repeat := func(first, oracle string) Finding {
		return Finding{Path: Path{path[0], {Name: "the same key as of " + first}}, Oracle: oracle, Weak: true, Bits: 77}
	}
	require.Empty(t, look())
	require.Empty(t, look(of("A0", path)))
	require.Empty(t, look(of("C1", path)), "the first of its key")
	require.Empty(t, look(of("A0", path), of("B0", path)), "one generation")
	require.Empty(t, look(of("A0", path), of("C1", other)), "two keys")
	require.Equal(t, []Finding{repeat("A0", "C1")}, look(of("A0", path), of("C1", path)))
	require.Equal(t, []Finding{repeat("B0", "C1"), repeat("C1", "D2")}, look(of("A0", path), of("B0", path), of("C1", other), of("C1", path), of("D2", path)))
	strong := look(Finding{Path: path, Oracle: "A0"}, Finding{Path: path, Oracle: "C1", Bits: 8})
	require.False(t, strong[0].Weak)
	require.Equal(t, 8, strong[0].Bits)
}
