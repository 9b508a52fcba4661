package erase

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// enveloped is a DSSE envelope around a payload that the right key signed, as another program with
// the key could make it.
func enveloped(payload string) string {
	s := Signature{KeyID: KeyID(public())}
	return `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64Of([]byte(payload)) + `","signatures":[{"keyid":"` + s.KeyID +
		`","sig":"` + base64Of(ed25519.Sign(signer, preAuthentication("application/vnd.in-toto+json", payload))) + `"}]}`
}

func indented(t testing.TB, data string) []byte {
	t.Helper()
	c, err := json.MarshalIndent(json.RawMessage(data), "", "  ")
	require.NoError(t, err)
	return append(c, '\n')
}

// What is signed is read by many programs. Where two of them could read it in two ways it is refused,
// whoever signed it.
func TestASignedPayloadHasOneSpelling(t *testing.T) {
	s := statement()
	payload := string(s.payload(base64Of(public())))
	_, err := VerifyCertificate(indented(t, enveloped(payload)), public())
	require.NoError(t, err)
	for _, x := range []struct{ name, was, is, want string }{
		{"an unknown field", `"media_vendor"`, `"media_maker":"x","media_vendor"`, `in the payload: at byte `},
		{"a field twice", `"media_serial":"E1"`, `"media_serial":"E9","media_serial":"E1"`, "not in canonical form"},
		{"a field twice, in another case", `"media_serial":"E1"`, `"media_serial":"E1","MEDIA_SERIAL":"E9"`, "not in canonical form"},
		{"a field in another case", `"media_serial"`, `"Media_Serial"`, "not in canonical form"},
		{"a missing field", `"media_property_number":"",`, ``, "not in canonical form"},
		{"another order", `"media_vendor":"Acme","media_model":"Test SED"`, `"media_model":"Test SED","media_vendor":"Acme"`, "not in canonical form"},
		{"an escape", `"E1"`, `"\u00451"`, "not in canonical form"},
		{"an escape that need not be", `Zoë`, `Zo\u00eb`, "not in canonical form"},
		{"a sign that is escaped", `\u003c`, `<`, "not in canonical form"},
		{"a blank", `,"media_serial"`, `, "media_serial"`, "a blank was put in"},
		{"trailing data", `"public_key":"` + base64Of(public()) + `"}}`, `"public_key":"` + base64Of(public()) + `"}}{}`, "trailing data at byte"},
		{"another drive as the subject", `"name":"E1"`, `"name":"E2"`, "its subject is not the drive"},
		{"an identity that was not proved", `"unprovedSerialNumber"`, `"sha256"`, "its subject is not the drive"},
		{"two subjects", `"subject":[`, `"subject":[{"name":"E2","digest":{"sha256":"00"}},`, "its subject is not the drive"},
		{"another kind of statement", `in-toto.io/Statement/v1`, `in-toto.io/Statement/v2`, "its subject is not the drive"},
		{"another predicate", PredicateType, PredicateType + "1", "the predicate is of type"},
		{"no statement", payload, `null`, "not in canonical form"},
		{"a list", payload, `[` + payload + `]`, "where there should be another kind of value"},
		{"a number", `"E1","media_property`, `1,"media_property`, "where there should be another kind of value"},
	} {
		t.Run(x.name, func(t *testing.T) {
			bad := strings.Replace(payload, x.was, x.is, 1)
			require.NotEqual(t, payload, bad, "it was changed")
			_, err := VerifyCertificate(indented(t, enveloped(bad)), public())
			require.ErrorIs(t, err, ErrCertificate)
			require.ErrorContains(t, err, x.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestAnEnvelopeHasOneSpelling(t *testing.T) {
	s := statement()
	payload := string(s.payload(base64Of(public())))
	good := enveloped(payload)
	coded := base64Of([]byte(payload))
	for _, x := range []struct{ name, was, is, want string }{
		{"an unknown field", `{"payloadType"`, `{"note":"x","payloadType"`, `unknown field "note"`},
		{"a field twice", `"payload":`, `"payload":"","payload":`, "not in canonical form"},
		{"a field in another case", `"payload":`, `"Payload":`, "not in canonical form"},
		{"no signature", `"signatures":[{`, `"signatures":[],"x":[{`, "unknown field"},
		{"two signatures", `"signatures":[`, `"signatures":[{"keyid":"","sig":""},`, "the envelope has 2 signatures, need one"},
		{"another type of payload", `vnd.in-toto+json`, `json`, `the payload is of type "application/json"`},
		{"base64 for addresses", "+", "-", ""},
		{"base64 cut", coded, coded[:len(coded)-3], "the payload is not base64"},
		{"base64 with a line end", coded, coded[:40] + `\n` + coded[40:], ""},
		{"another key id", KeyID(public()), KeyID(make([]byte, 32)), "the key id is"},
		{"no key id", KeyID(public()), "", "the key id is"},
		{"the key id in capitals", KeyID(public()), strings.ToUpper(KeyID(public())), "the key id is"},
	} {
		t.Run(x.name, func(t *testing.T) {
			bad := strings.Replace(good, x.was, x.is, 1)
			require.NotEqual(t, good, bad, "it was changed")
			_, err := VerifyCertificate(indented(t, bad), public())
			require.ErrorIs(t, err, ErrCertificate)
			require.ErrorContains(t, err, x.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// The encoding is that of the DSSE protocol: its own example, and a payload of ours.
func TestTheSignatureIsThatOfDSSE(t *testing.T) {
	require.Equal(t, "DSSEv1 29 http://example.com/HelloWorld 11 hello world", string(preAuthentication("http://example.com/HelloWorld", "hello world")))
	c := certificate(t)
	payload := string(c.Statement.payload(c.Signature.PublicKey))
	require.Equal(t, base64Of(ed25519.Sign(signer, preAuthentication("application/vnd.in-toto+json", payload))), c.Signature.Value)
}
