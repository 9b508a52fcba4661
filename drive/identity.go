package drive

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// ChallengeSize is the length of a challenge in bytes.
const ChallengeSize = 32

// Identity is the public half of a drive's factory identity, an Ed25519 key
// (RFC 8032), 32 bytes. A serial number is printed and can be printed twice;
// this can be proved, and only by the chip whose fuses it was derived from.
type Identity [ed25519.PublicKeySize]byte

// Fingerprint is the SHA-256 of the public key, 64 hexadecimal digits.
func (i Identity) Fingerprint() string {
	sum := sha256.Sum256(i[:])
	return hex.EncodeToString(sum[:])
}

// String is the first 16 digits of the fingerprint: enough to tell the drives of a
// facility apart.
func (i Identity) String() string { return i.Fingerprint()[:16] }

// IsZero says whether it is the zero value, which is no identity.
func (i Identity) IsZero() bool { return i == Identity{} }

// Attestation is a drive's answer to a challenge.
type Attestation struct {
	Identity  Identity
	Serial    string // as the fuses have it; a label may say something else
	Signature [ed25519.SignatureSize]byte
}

// ErrAttestation is wrapped by every refusal of Attestation.Verify.
var ErrAttestation = errors.New("drive: attestation")

// attestationContext keeps a signature over a challenge from being taken for
// any other signature.
const attestationContext = "fdelab drive attestation 1\n"

func attested(serial string, challenge *[ChallengeSize]byte) []byte {
	b := append([]byte(attestationContext), byte(len(serial)))
	b = append(b, serial...)
	return append(b, challenge[:]...)
}

// Verify checks that whoever answered holds the private half of Identity, and answered this very
// challenge. The caller sees to it that the challenge is new, so that nobody could have known it.
func (a *Attestation) Verify(challenge [ChallengeSize]byte) error {
	if len(a.Serial) > 255 || !ed25519.Verify(a.Identity[:], attested(a.Serial, &challenge), a.Signature[:]) {
		return fmt.Errorf("%w: the signature does not fit the challenge", ErrAttestation)
	}
	return nil
}

// SignAttestation is what a drive with this private key, 64 bytes, and this serial number, at most
// 255 bytes, answers to a challenge. A drive of another make answers with it too.
func SignAttestation(private ed25519.PrivateKey, serial string, challenge [ChallengeSize]byte) Attestation {
	a := Attestation{Serial: serial}
	copy(a.Identity[:], private[ed25519.SeedSize:])
	copy(a.Signature[:], ed25519.Sign(private, attested(serial, &challenge)))
	return a
}

// identitySeed derives the seed of the factory identity (RFC 8032, section 5.1.5) from the root key in
// the fuses by HKDF-SHA256 (RFC 5869). So drives that were made before there was an identity have one
// too, and it outlives every erase and revert.
func identitySeed(root *secret.Key32) *secret.Key32 {
	return secret.Derive32(root[:], nil, "fdelab/identity/1")
}

// Attest proves which drive this is: it signs the challenge with the factory
// identity. It needs no PIN and no record, like the MSID, and changes nothing.
// Errors: NoPower.
//
// A file that was copied with its fuses is the same drive twice, and both copies prove it.
func (d *Drive) Attest(challenge [ChallengeSize]byte) (Attestation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.powered {
		return Attestation{}, d.ready("attest")
	}
	// The standard library's private key is the seed and the public key.
	seed := identitySeed(d.fuses.Root)
	defer seed.Clear()
	public := d.identity(seed)
	key := secret.Take64(slices.Concat(seed[:], public[:]))
	defer key.Clear()
	return SignAttestation(key[:], d.cfg.Serial, challenge), nil
}

// Identity is the public half of the factory identity, as the drive says it: Attest
// proves it. Errors: NoPower.
func (d *Drive) Identity() (Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.powered {
		return Identity{}, d.ready("identity")
	}
	seed := identitySeed(d.fuses.Root)
	defer seed.Clear()
	return d.identity(seed), nil
}

// identity is the public key for the seed of the factory identity. It is computed once: that takes
// as long as a signature, and the root key stays.
func (d *Drive) identity(seed *secret.Key32) Identity {
	if d.public.IsZero() {
		key := secret.Take64(ed25519.NewKeyFromSeed(seed[:]))
		defer key.Clear()
		d.public = Identity(key[ed25519.SeedSize:])
	}
	return d.public
}

// MarshalText is the public key as 64 hexadecimal digits.
func (i Identity) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(i[:])), nil }

// UnmarshalText reads what MarshalText writes.
func (i *Identity) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(i) {
		return fmt.Errorf("drive: identity %q, need %d hexadecimal digits", text, 2*len(i))
	}
	copy(i[:], b)
	return nil
}
