package erase

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// signAnyway signs what Sign refuses, as another program with the key could.
func signAnyway(s Statement) *Certificate {
	return &Certificate{Statement: s, Signature: Signature{
		Algorithm: "Ed25519", KeyID: KeyID(public()), PublicKey: base64Of(public()), Value: base64Of(ed25519.Sign(signer, signedBytes(s, public()))),
	}}
}

// signedBytes are what a signature is over.
func signedBytes(s Statement, key ed25519.PublicKey) []byte {
	return preAuthentication("application/vnd.in-toto+json", string(s.payload(base64Of(key))))
}

// preAuthentication is the encoding of DSSE, protocol v1, written here a second time.
func preAuthentication(kind, payload string) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}

// A good signature does not make a statement good: what Sign refuses is refused when it is read.
func TestAStatementThatCouldNotHaveBeenSignedIsRefused(t *testing.T) {
	good := statement()
	_, err := VerifyCertificate(signAnyway(good).JSON(), public())
	require.NoError(t, err)
	for _, x := range []struct {
		change func(*Statement)
		want   string
	}{
		{func(s *Statement) { s.Method = "" }, "media serial number, method, technique and tool must be given"},
		{func(s *Statement) { s.MediaSerial = "" }, "media serial number, method, technique and tool must be given"},
		{func(s *Statement) { s.Tool = "" }, "media serial number, method, technique and tool must be given"},
		{func(s *Statement) { s.Operator = "A\nMethod: Destroy" }, `field "Performed by" holds a character that does not print`},
		{func(s *Statement) { s.MediaIdentity = "\u202Ereversed" }, `field "Media identity" holds a character that does not print`},
		{func(s *Statement) { s.Notes = strings.Repeat("x", 201) }, `field "Notes" has more than 200 characters`},
		{func(s *Statement) { s.Date = "2026-03-01T12:00:00+01:00" }, `the date is "2026-03-01T12:00:00+01:00"`},
		{func(s *Statement) { s.Date = strings.Repeat("9", 41) }, `the date is "` + strings.Repeat("9", 40) + `..."`},
		{func(s *Statement) { s.Technique = "" }, "technique and tool must be given"},
		{func(s *Statement) { s.Verification.Result = "failed" }, `the result of the verification is "failed"`},
		{func(s *Statement) { s.Validation.Outcome = "" }, `the validation is ""`},
		{func(s *Statement) { s.Validation.Reason = "" }, "a validation needs a reason"},
		{func(s *Statement) { s.Validation.Considered = "" }, "a validation needs a reason"},
		{func(s *Statement) { s.Validation.Basis = "" }, "a validation needs a reason"},
		{func(s *Statement) { s.Validation.By = "" }, "a validation needs a reason"},
	} {
		s := good
		x.change(&s)
		for _, data := range [][]byte{signAnyway(s).JSON(), []byte(signAnyway(s).Text())} {
			_, err := VerifyCertificate(data, public())
			require.ErrorIs(t, err, ErrCertificate)
			if !strings.Contains(x.want, "does not print") || data[0] == '{' { // such a line breaks the text itself
				require.ErrorContains(t, err, x.want)
				require.False(t, errors.Is(err, ErrSignature), "the signature fits")
			}
		}
	}
	full := good
	full.Notes = strings.Repeat("ä", 200)
	_, err = VerifyCertificate(signAnyway(full).JSON(), public())
	require.NoError(t, err, "200 characters are allowed")
}

func TestASignatureIsCheckedFieldByField(t *testing.T) {
	for _, x := range []struct {
		change func(*Signature)
		want   string
		forged bool // it is a certificate, but not what was signed
	}{
		{func(s *Signature) { s.PublicKey = "?" }, "the public key is not 32 bytes of base64", false},
		{func(s *Signature) { s.PublicKey = base64Of(public()[:31]) }, "the public key is not 32 bytes of base64", false},
		{func(s *Signature) { s.PublicKey = "" }, "the public key is not 32 bytes of base64", false},
		{func(s *Signature) { s.Value = "?" }, "the signature is not 64 bytes of base64", false},
		{func(s *Signature) { s.Value = base64Of(make([]byte, 63)) }, "the signature is not 64 bytes of base64", false},
		{func(s *Signature) { s.Value = base64Of(make([]byte, 64)) }, "the signature does not fit: the statement was changed, or the file is corrupt", true},
		{func(s *Signature) { s.KeyID = "0011223344556677" }, `the key id is "0011223344556677", the public key's is ` + KeyID(public()), false},
		{func(s *Signature) {
			one := make([]byte, 32)
			one[0] = 1
			s.PublicKey, s.KeyID = base64Of(one), KeyID(one)
		}, "the signature does not fit: the public key is a point of small order", true},
	} {
		c := *certificate(t)
		x.change(&c.Signature)
		_, err := VerifyCertificate(c.JSON(), nil)
		require.ErrorIs(t, err, ErrCertificate)
		require.ErrorContains(t, err, x.want)
		require.Equal(t, x.forged, errors.Is(err, ErrSignature), x.want)
	}
}

func TestAKeyIDNamesOneKey(t *testing.T) {
	a, b := KeyID(public()), KeyID(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey))
	for _, id := range []string{a, b} {
		raw, err := hex.DecodeString(id)
		require.NoError(t, err)
		require.Len(t, raw, 32)
	}
	require.NotEqual(t, a, b)
	require.Equal(t, "fe812c12f3ab4ce6ac5db69ac352f906cb1b11ef43fb33e252ef7ff552263889", a)
}

// What a file must be to be read at all.
func TestWhatIsNoCertificateIsRefused(t *testing.T) {
	c := certificate(t)
	txt := c.Text()
	line := certificateBegin + "\n"
	armour := func(inner string) string {
		return line + base64.StdEncoding.EncodeToString([]byte(inner)) + "\n" + certificateEnd + "\n"
	}
	for _, x := range []struct{ data, want string }{
		{`{"payload": 5}`, "at byte 13: number where there should be another kind of value"},
		{`{"payload": "", `, "at byte "},
		{armour(`{"payload": 5}`), "in the armour: at byte 13: number where"},
		{armour(`{}`), "in the armour: not in canonical form"},
		{strings.Replace(txt, certificateBegin+"\n", certificateBegin+"\n!", 1), "the armour is not base64: corrupt or truncated"},
		{strings.Replace(txt, "\n\nSigned with", "\nSigned with", 1), "the file was changed after it was written: line 37 is not as it was"},
		{strings.Join(strings.Split(txt, "\n")[1:], "\n"), "line 1 is not as it was"},
	} {
		_, err := VerifyCertificate([]byte(x.data), nil)
		require.ErrorIs(t, err, ErrCertificate)
		require.ErrorContains(t, err, x.want)
	}
	pad := certificateMax - len(c.JSON())
	_, err := VerifyCertificate(append(c.JSON(), bytes.Repeat([]byte(" "), pad)...), nil)
	require.ErrorIs(t, err, ErrChanged, "65,536 bytes are read")
	_, err = VerifyCertificate(append(c.JSON(), bytes.Repeat([]byte(" "), pad+1)...), nil)
	require.ErrorContains(t, err, "the file has 65537 bytes, need at most 65536")
}

func TestTheArmourHasLinesOf76(t *testing.T) {
	_, rest, _ := strings.Cut(certificate(t).Text(), certificateBegin+"\n")
	lines := strings.Split(strings.TrimSuffix(rest, "\n"+certificateEnd+"\n"), "\n")
	for i, l := range lines {
		if i < len(lines)-1 {
			require.Len(t, l, 76)
		}
		require.NotEmpty(t, l)
		require.LessOrEqual(t, len(l), 76)
	}
}
