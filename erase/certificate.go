package erase

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Signature is an Ed25519 signature (RFC 8032) over a DSSE envelope.
type Signature struct {
	Algorithm string `json:"algorithm"`  // always "Ed25519"
	KeyID     string `json:"key_id"`     // KeyID of the public key
	PublicKey string `json:"public_key"` // 32 bytes, base64
	Value     string `json:"value"`      // 64 bytes, base64
}

// Certificate is a signed statement. Its method JSON writes an in-toto statement in a DSSE envelope
// (github.com/secure-systems-lab/dsse, protocol v1). Journals and records keep the fields below, which
// are half as long, and from which the envelope is made again.
type Certificate struct {
	Statement Statement `json:"statement"`
	Signature Signature `json:"signature"`
}

const (
	signatureAlgorithm = "Ed25519"

	certificateMax   = 64 << 10
	certificateBegin = "-----BEGIN FDELAB CERTIFICATE-----"
	certificateEnd   = "-----END FDELAB CERTIFICATE-----"
)

// ErrCertificate is wrapped by every refusal of VerifyCertificate.
var ErrCertificate = errors.New("erase: certificate")

// ErrSignature is wrapped beside it when the file is a certificate, but not what
// was signed, or not by the trusted key.
var ErrSignature = errors.New("the signature does not fit")

// ErrChanged is wrapped beside ErrCertificate when the file is a certificate, but not byte for
// byte what JSON, Text or HTML writes: line ends, blanks, or a line that people read.
var ErrChanged = errors.New("the file was changed after it was written")

// Sign makes a certificate of a statement. What is signed is an in-toto statement as compact JSON,
// with the fields in the order of Statement, as encoding/json writes it.
func Sign(s Statement, key ed25519.PrivateKey) (*Certificate, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("erase: a signing key of %d bytes, need %d", len(key), ed25519.PrivateKeySize)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("erase: sign certificate: %w", err)
	}
	pub := key.Public().(ed25519.PublicKey)
	public := base64.StdEncoding.EncodeToString(pub)
	value, err := signEnvelope(s.payload(public), key)
	if err != nil {
		return nil, fmt.Errorf("erase: sign certificate: %w", err)
	}
	return &Certificate{Statement: s, Signature: Signature{Algorithm: signatureAlgorithm, KeyID: KeyID(pub), PublicKey: public, Value: value}}, nil
}

// KeyID names a public key: its SHA-256, 64 hexadecimal digits.
func KeyID(pub ed25519.PublicKey) string {
	h := sha256.Sum256(pub)
	return hex.EncodeToString(h[:])
}

// JSON is the certificate as a DSSE envelope: indented JSON with a line end.
func (c *Certificate) JSON() []byte {
	var b bytes.Buffer
	_ = json.Indent(&b, marshal(c.envelope()), "", "  ") // it is JSON
	return append(b.Bytes(), '\n')
}

// marshal is json.Marshal of a struct of strings, which cannot fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a struct of strings does not marshal: " + err.Error())
	}
	return b
}

// Text is the certificate for people, followed by the same certificate encoded
// in an armour. It is verified as a whole: every line that people read is
// rendered again from the armour and compared.
func (c *Certificate) Text() string {
	var b strings.Builder
	b.WriteString(c.Statement.title() + "\n" + subtitle + "\n\n")
	line := func(label, value string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-24s%s", label+":", value), " ") + "\n")
	}
	for _, f := range c.Statement.fields() {
		line(f.label, f.shown())
	}
	for _, e := range c.Statement.Timeline {
		line("Timeline", e.Time+"  "+e.What)
	}
	fmt.Fprintf(&b, "\nSigned with %s, key %s\n\n%s\n", c.Signature.Algorithm, c.Signature.KeyID, certificateBegin)
	for code := base64.StdEncoding.EncodeToString(marshal(c.envelope())); code != ""; {
		n := min(76, len(code))
		b.WriteString(code[:n] + "\n")
		code = code[n:]
	}
	b.WriteString(certificateEnd + "\n")
	return b.String()
}

// VerifyCertificate reads a certificate, in JSON, as text or as a page, and checks its
// signature. trusted is the public key that must have signed it; nil accepts
// any key.
//
// With a trusted key, nil error proves that its holder signed exactly this
// statement. With nil it proves only that nobody who lacks the signing key has
// changed it since: anybody can make a key and sign anything, so compare the
// KeyID with one that you got another way. In both cases it proves what the
// signer said, not what happened to the drive, and the signer may have said that
// the sanitization is not accepted: see Statement.Accepted. A key that
// CheckPublicKey refuses proves nothing, trusted or not.
//
// data must be byte for byte what JSON, Text or HTML writes, line ends and blanks included: who
// relies on a file should not have to ask which of its bytes count. Anything else is refused
// in one line that wraps ErrCertificate: other or missing or repeated fields, trailing data,
// readable lines that differ from the armour, CR LF line ends.
func VerifyCertificate(data []byte, trusted ed25519.PublicKey) (*Certificate, error) {
	c, err := parseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if err := c.verify(trusted); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return c, nil
}

func parseCertificate(data []byte) (*Certificate, error) {
	if len(data) > certificateMax {
		return nil, fmt.Errorf("the file has %d bytes, need at most %d", len(data), certificateMax)
	}
	// It is read with other line ends and blanks too, so that the refusal can say what it is.
	file := data
	data = bytes.TrimSpace(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	switch {
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	case data[0] == '{':
		c, err := parseCertificateJSON(data)
		if err != nil {
			return nil, err
		}
		return c, checkUnchanged(file, c.JSON())
	case bytes.Contains(data, []byte(pageBegin)):
		c, err := parsePage(data)
		if err != nil {
			return nil, err
		}
		return c, checkUnchanged(file, c.HTML())
	case !bytes.Contains(data, []byte(certificateBegin)):
		return nil, fmt.Errorf("neither JSON, text nor a page: no line %q", certificateBegin)
	}
	_, armour, _ := strings.Cut(string(data), certificateBegin+"\n")
	armour, rest, ok := strings.Cut(armour, certificateEnd)
	if !ok {
		return nil, fmt.Errorf("truncated: no line %q", certificateEnd)
	}
	if rest != "" {
		return nil, fmt.Errorf("trailing data behind line %q", certificateEnd)
	}
	inner, err := base64.StdEncoding.DecodeString(armour)
	if err != nil {
		return nil, errors.New("the armour is not base64: corrupt or truncated")
	}
	c, err := parseCertificateJSON(inner)
	if err != nil {
		return nil, fmt.Errorf("in the armour: %w", err)
	}
	return c, checkUnchanged(file, []byte(c.Text()))
}

// checkUnchanged compares a file with what is written of the certificate in it.
func checkUnchanged(file, want []byte) error {
	if bytes.Equal(file, want) {
		return nil
	}
	file = bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n"))
	switch {
	case bytes.Equal(file, want):
		return fmt.Errorf("%w: its line ends are CR LF, need LF", ErrChanged)
	case bytes.Equal(bytes.TrimSpace(file), bytes.TrimSpace(want)):
		return fmt.Errorf("%w: the blanks or line ends before or behind the certificate are not as they were", ErrChanged)
	}
	have, need := bytes.Split(file, []byte("\n")), bytes.Split(want, []byte("\n"))
	n := 0
	for n < len(have) && n < len(need) && bytes.Equal(have[n], need[n]) {
		n++
	}
	return fmt.Errorf("%w: line %d is not as it was", ErrChanged, n+1)
}

func parseCertificateJSON(data []byte) (*Certificate, error) {
	c := new(Certificate)
	if err := c.open(data); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificate) verify(trusted ed25519.PublicKey) error {
	if err := c.Statement.check(); err != nil {
		return err
	}
	pub, err := base64.StdEncoding.Strict().DecodeString(c.Signature.PublicKey)
	if err != nil || len(pub) != ed25519.PublicKeySize {
		return fmt.Errorf("the public key is not %d bytes of base64", ed25519.PublicKeySize)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(c.Signature.Value)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return fmt.Errorf("the signature is not %d bytes of base64", ed25519.SignatureSize)
	}
	if id := KeyID(pub); c.Signature.KeyID != id {
		return fmt.Errorf("the key id is %q, the public key's is %s", clip(c.Signature.KeyID), id)
	}
	if err := CheckPublicKey(pub); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if trusted != nil && !trusted.Equal(ed25519.PublicKey(pub)) {
		return fmt.Errorf("%w: signed by key %s, need the trusted key %s", ErrSignature, KeyID(pub), KeyID(trusted))
	}
	if !c.verifyEnvelope(pub) {
		return fmt.Errorf("%w: the statement was changed, or the file is corrupt", ErrSignature)
	}
	return nil
}
