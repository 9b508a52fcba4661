package erase

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// The types of an in-toto statement (github.com/in-toto/attestation, spec/v1) and of its envelope.
const (
	// PredicateType names what a certificate states: Statement and the key that signed.
	PredicateType = "https://github.com/seed-9d983aeb/fdelab/certificate-of-sanitization/v1"
	statementType = "https://in-toto.io/Statement/v1"
	payloadType   = "application/vnd.in-toto+json"
)

// intoto is an in-toto statement: the payload of the envelope.
type intoto struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

// subject is the drive. The digest of one that proved its identity is the SHA-256 of its public key,
// which is drive.Identity.Fingerprint. A serial number is printed and can be printed twice, so it
// has a digest of another name, which no policy takes for the first.
type subject struct {
	Name   string `json:"name"` // the serial number
	Digest digest `json:"digest"`
}

type digest struct {
	Identity string `json:"sha256,omitempty"`
	// Named is the SHA-256 of vendor, model and serial number, a line each.
	Named string `json:"unprovedSerialNumber,omitempty"`
}

type predicate struct {
	Statement
	PublicKey string `json:"public_key"` // that signs: 32 bytes, base64
}

// fingerprint is that of the identity that the drive proved, 64 hexadecimal digits, or "".
func (s *Statement) fingerprint() string {
	print, ok := strings.CutSuffix(strings.TrimPrefix(s.MediaIdentity, identityBefore), identityBehind)
	raw, err := hex.DecodeString(print)
	if !ok || err != nil || len(raw) != sha256.Size || identityBefore+hex.EncodeToString(raw)+identityBehind != s.MediaIdentity {
		return ""
	}
	return print
}

// payload is the in-toto statement that is signed with a key, as compact JSON.
func (s *Statement) payload(publicKey string) []byte {
	d := digest{Identity: s.fingerprint()}
	if d.Identity == "" {
		sum := sha256.Sum256([]byte(s.MediaVendor + "\n" + s.MediaModel + "\n" + s.MediaSerial + "\n"))
		d.Named = hex.EncodeToString(sum[:])
	}
	return marshal(intoto{statementType, []subject{{s.MediaSerial, d}}, PredicateType, predicate{*s, publicKey}})
}

// envelope is the certificate as a DSSE envelope with one signature.
func (c *Certificate) envelope() dsse.Envelope {
	return dsse.Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(c.Statement.payload(c.Signature.PublicKey)),
		Signatures:  []dsse.Signature{{KeyID: c.Signature.KeyID, Sig: c.Signature.Value}},
	}
}

// open reads a DSSE envelope. It does not check the signature. It takes one spelling only, with
// blanks between the tokens of the envelope as it likes.
func (c *Certificate) open(data []byte) error {
	var e dsse.Envelope
	if err := strict(data, &e); err != nil {
		return err
	}
	if e.PayloadType != payloadType {
		return fmt.Errorf("the payload is of type %q, need %q", clip(e.PayloadType), payloadType)
	}
	if len(e.Signatures) != 1 {
		return fmt.Errorf("the envelope has %d signatures, need one", len(e.Signatures))
	}
	inner, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return errors.New("the payload is not base64: corrupt or truncated")
	}
	var s intoto
	if err := strict(inner, &s); err != nil {
		return fmt.Errorf("in the payload: %w", err)
	}
	if s.PredicateType != PredicateType {
		return fmt.Errorf("the predicate is of type %q, need %q", clip(s.PredicateType), PredicateType)
	}
	read := Certificate{s.Predicate.Statement, Signature{
		Algorithm: signatureAlgorithm, KeyID: e.Signatures[0].KeyID, PublicKey: s.Predicate.PublicKey, Value: e.Signatures[0].Sig,
	}}
	if !bytes.Equal(inner, read.Statement.payload(read.Signature.PublicKey)) {
		return errors.New("in the payload: not in canonical form: its subject is not the drive, or a blank was put in")
	}
	*c = read
	return nil
}

// strict reads one JSON value of which only one spelling is accepted, apart from blanks between
// tokens. The decoder takes repeated fields, other cases and other escapes; what people read must be
// what was signed.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var mistyped *json.UnmarshalTypeError
	if err := dec.Decode(v); errors.As(err, &mistyped) {
		return fmt.Errorf("at byte %d: %s where there should be another kind of value", mistyped.Offset, mistyped.Value)
	} else if err != nil {
		return fmt.Errorf("at byte %d: %s", dec.InputOffset(), strings.TrimPrefix(err.Error(), "json: "))
	}
	if at := dec.InputOffset(); at < int64(len(data)) {
		return fmt.Errorf("trailing data at byte %d", at)
	}
	var have bytes.Buffer
	_ = json.Compact(&have, data) // the decoder has taken it for JSON
	if !bytes.Equal(have.Bytes(), marshal(v)) {
		return errors.New("not in canonical form: a field is missing, repeated, out of order or spelt otherwise")
	}
	return nil
}

// edKey is an Ed25519 key as the envelope's library wants one.
type edKey struct {
	private ed25519.PrivateKey // nil verifies only
	public  ed25519.PublicKey
}

func (k edKey) KeyID() (string, error)   { return KeyID(k.public), nil }
func (k edKey) Public() crypto.PublicKey { return k.public }

func (k edKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}

func (k edKey) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return ErrSignature
	}
	return nil
}

// signEnvelope signs a payload and gives the signature, base64 of 64 bytes.
func signEnvelope(payload []byte, key ed25519.PrivateKey) (string, error) {
	s, err := dsse.NewEnvelopeSigner(edKey{key, key.Public().(ed25519.PublicKey)})
	if err != nil {
		return "", err
	}
	e, err := s.SignPayload(context.Background(), payloadType, payload)
	if err != nil {
		return "", err
	}
	return e.Signatures[0].Sig, nil
}

// verifyEnvelope says whether the holder of pub signed the certificate.
func (c *Certificate) verifyEnvelope(pub ed25519.PublicKey) bool {
	v, err := dsse.NewEnvelopeVerifier(edKey{public: pub})
	if err != nil {
		return false
	}
	e := c.envelope()
	_, err = v.Verify(context.Background(), &e)
	return err == nil
}
