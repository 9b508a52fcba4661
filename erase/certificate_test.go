package erase

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func statement() Statement {
	return Statement{
		MediaVendor: "Acme", MediaModel: "Test SED", MediaSerial: "E1", MediaType: "self-encrypting drive", Extent: "whole drive",
		Method: "Purge", Technique: "Cryptographic Erase", Tool: "fdelab test", Date: "2026-03-01T12:00:00Z",
		Verification: Verification{Method: "search", Result: "passed"},
		Validation:   Validation{Outcome: Accepted, Reason: "every point holds", Considered: "medium pass", Basis: "the new key", By: "fdelab test"},
		Operator:     "Zoë <z@example.org> & Co", Notes: "50 % off",
	}
}

func certificate(t testing.TB) *Certificate {
	t.Helper()
	c, err := Sign(statement(), signer)
	require.NoError(t, err)
	return c
}

// forms is the certificate in every form in which it is written.
func forms(c *Certificate) map[string][]byte {
	return map[string][]byte{"JSON": c.JSON(), "text": []byte(c.Text()), "page": c.HTML()}
}

func TestACertificateVerifiesInEveryForm(t *testing.T) {
	c := certificate(t)
	for name, data := range forms(c) {
		for _, trusted := range []ed25519.PublicKey{nil, public()} {
			got, err := VerifyCertificate(data, trusted)
			require.NoError(t, err, name)
			require.Equal(t, c, got, name)
		}
		other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey)
		_, err := VerifyCertificate(data, other)
		require.ErrorIs(t, err, ErrCertificate)
		require.ErrorContains(t, err, "signed by key "+KeyID(public())+", need the trusted key "+KeyID(other), name)
	}
	require.Contains(t, c.Text(), "Media serial number:    E1\n")
	require.Contains(t, c.Text(), "Performed by:           Zoë <z@example.org> & Co\n")
}

func compact(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, data))
	return b.Bytes()
}

// No byte of the file may change, be it a blank or a line end: a bit is flipped, a byte taken
// away, a byte put in, at every place; and what programs do to text and JSON.
func TestEveryChangeToACertificateIsFound(t *testing.T) {
	c := certificate(t)
	for name, data := range forms(c) {
		_, err := VerifyCertificate(data, nil)
		require.NoError(t, err, "%s: unchanged it verifies", name)
		found := func(bad []byte, what string, a ...any) {
			if bytes.Equal(bad, data) {
				return
			}
			_, err := VerifyCertificate(bad, nil)
			if !errors.Is(err, ErrCertificate) || strings.Contains(err.Error(), "\n") {
				require.FailNow(t, "every change is found, in one line", "%s: %s: %v", name, fmt.Sprintf(what, a...), err)
			}
		}
		step := 1
		if testing.Short() {
			step = 7
		}
		for i := 0; i <= len(data); i += step {
			for _, b := range []byte(" \n") {
				found(slices.Concat(data[:i], []byte{b}, data[i:]), "byte %q put in before byte %d", b, i)
			}
			if i == len(data) {
				break
			}
			for _, bit := range []byte{1, 0x20, 0x80} { // 0x20 is the case of a letter
				bad := bytes.Clone(data)
				bad[i] ^= bit
				found(bad, "bit %#x of byte %d", bit, i)
			}
			found(slices.Concat(data[:i], data[i+1:]), "without byte %d", i)
			found(slices.Concat(data[:i], data[i:i+1], data[i:]), "byte %d twice", i)
			found(data[:i], "the first %d bytes", i)
		}
		for _, with := range [][2]string{{"\n", "\r\n"}, {"\n", "\r"}, {"\n", "\n\n"}, {"\n", " \n"}, {"\n", ""}, {"  ", " "}, {"  ", "\t"}, {": ", ":"}} {
			found(bytes.ReplaceAll(data, []byte(with[0]), []byte(with[1])), "%q for %q", with[1], with[0])
		}
		for _, edge := range []string{" ", "\n", "\r\n", "\t", "\ufeff", "\u00a0", "\x1a", "\x00"} {
			found([]byte(edge+string(data)), "%q in front", edge)
			found([]byte(string(data)+edge), "%q behind", edge)
		}
		if json.Valid(data) {
			found(compact(t, data), "compact JSON")
			var wide bytes.Buffer
			require.NoError(t, json.Indent(&wide, data, "", "    "))
			found(wide.Bytes(), "JSON with wider margins")
		}
	}
}

func TestBadCertificatesAreRefusedInOneClearLine(t *testing.T) {
	c := certificate(t)
	js, txt := string(c.JSON()), c.Text()
	forged := *c
	forged.Statement.MediaSerial = "E2"
	resigned, err := Sign(forged.Statement, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)))
	require.NoError(t, err)
	for _, x := range []struct{ name, data, want string }{
		{"empty", " \n", "erase: certificate: the file is empty"},
		{"something else", "hello", `erase: certificate: neither JSON, text nor a page: no line "-----BEGIN FDELAB CERTIFICATE-----"`},
		{"trailing data", js + "{}", "trailing data at byte"},
		{"an array", "[" + js + "]", "neither JSON, text nor a page"},
		{"a forged statement", string(forged.JSON()), "the signature does not fit"},
		{"a forged line of the text", strings.Replace(txt, "number:    E1", "number:    E2", 1), "erase: certificate: the file was changed after it was written: line 6 is not as it was"},
		{"a line too many", strings.Replace(txt, "\nSigned with", "Checks passed:          all\n\nSigned with", 1), "the file was changed after it was written: line "},
		{"text behind the end", txt + "P.S. all drives\n", "trailing data behind line"},
		{"text before the start", "All drives:\n" + txt, "erase: certificate: the file was changed after it was written: line 1 is not as it was"},
		{"other line ends", strings.ReplaceAll(txt, "\n", "\r\n"), "the file was changed after it was written: its line ends are CR LF, need LF"},
		{"other line ends in JSON", strings.ReplaceAll(js, "\n", "\r\n"), "the file was changed after it was written: its line ends are CR LF, need LF"},
		{"a blank at the end", js + " ", "the file was changed after it was written: the blanks or line ends before or behind"},
		{"no line end at the end", strings.TrimSpace(txt), "the file was changed after it was written: the blanks or line ends before or behind"},
		{"compact JSON", string(compact(t, c.JSON())), "the file was changed after it was written: line 1 is not as it was"},
		{"no end", strings.Replace(txt, certificateEnd, "", 1), "truncated: no line"},
		{"too long", strings.Repeat(" ", certificateMax+1), "need at most 65536"},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := VerifyCertificate([]byte(x.data), nil)
			require.ErrorIs(t, err, ErrCertificate)
			require.ErrorContains(t, err, x.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
	_, err = VerifyCertificate(resigned.JSON(), nil)
	require.NoError(t, err, "without a trusted key, a forgery under another key verifies: only the key id tells")
	_, err = VerifyCertificate(resigned.JSON(), public())
	require.ErrorIs(t, err, ErrCertificate)
}

// TestTheFirstChangedLineIsNamed, also where one of the two is the start of the other.
func TestTheFirstChangedLineIsNamed(t *testing.T) {
	for _, x := range []struct{ file, want, said string }{
		{"a\nb\n", "a\nc\n", "line 2"},
		{"a\nb\n", "b\nb\n", "line 1"},
		{"a\nb", "a\nb\nc", "line 3"},
		{"a\nb\nc", "a\nb", "line 3"},
	} {
		require.EqualError(t, checkUnchanged([]byte(x.file), []byte(x.want)), ErrChanged.Error()+": "+x.said+" is not as it was")
	}
	require.NoError(t, checkUnchanged([]byte("a\n"), []byte("a\n")))
}

func TestAStatementThatCouldMisleadIsNotSigned(t *testing.T) {
	for _, x := range []struct {
		change func(*Statement)
		want   string
	}{
		{func(s *Statement) { s.Operator = "A\nMethod: Destroy" }, `field "Performed by" holds a character that does not print`},
		{func(s *Statement) { s.Notes = "\u202Ereversed" }, `field "Notes" holds a character that does not print`},
		{func(s *Statement) { s.Notes = "\xff" }, `field "Notes" holds a character that does not print`},
		{func(s *Statement) { s.Notes = strings.Repeat("ä", 201) }, `field "Notes" has more than 200 characters`},
		{func(s *Statement) { s.MediaSerial = "" }, "media serial number, method, technique and tool must be given"},
		{func(s *Statement) { s.Date = "yesterday" }, `the date is "yesterday", need a form like 2026-01-31T12:00:00Z`},
		{func(s *Statement) { s.Date = "2026-03-01T12:00:00+01:00" }, `the date is "2026-03-01T12:00:00+01:00", need a form like 2026-01-31T12:00:00Z`},
	} {
		s := statement()
		x.change(&s)
		_, err := Sign(s, signer)
		require.ErrorContains(t, err, "erase: sign certificate: "+x.want)
	}
	_, err := Sign(statement(), signer[:10])
	require.EqualError(t, err, "erase: a signing key of 10 bytes, need 64")
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func FuzzVerifyCertificate(f *testing.F) {
	c := certificate(f)
	f.Add(c.JSON())
	f.Add([]byte(c.Text()))
	f.Add(compact(f, c.JSON()))
	f.Add([]byte(certificateBegin + "\n" + base64Of([]byte("{}")) + "\n" + certificateEnd))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := VerifyCertificate(data, public())
		if err != nil {
			require.ErrorIs(t, err, ErrCertificate)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.Contains(t, []string{string(c.JSON()), c.Text()}, string(data), "only what was written verifies")
		require.Equal(t, c, got, "only the one statement that was signed verifies")
	})
}
