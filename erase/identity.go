package erase

import (
	"crypto/sha256"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Attester is a Target that can prove its factory identity. *drive.Drive is one. For any other
// Target the certificate names the serial number only.
type Attester interface {
	Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error)
}

var _ Attester = (*drive.Drive)(nil)

// IdentityText is what a certificate says of an identity that was proved: the
// fingerprint (64 hexadecimal digits), and that the drive proved it.
func IdentityText(i drive.Identity) string {
	return identityBefore + i.Fingerprint() + identityBehind
}

const (
	identityBefore = "Ed25519 "
	identityBehind = ", proved by challenge"
)

// identity challenges the drive once its erase is verified. It gives the statement about its
// identity, or "" where the drive proves none, or one with another serial number.
func (r *run) identity() string {
	t, ok := r.t.(Attester)
	if !ok {
		return ""
	}
	// The canary was drawn for this job, so its hash is a challenge that nobody could know.
	challenge := sha256.Sum256(append([]byte("fdelab erase challenge 1\n"), r.canary[:]...))
	a, err := t.Attest(challenge)
	if err != nil || a.Verify(challenge) != nil || a.Serial != r.cfg.Serial {
		return ""
	}
	return IdentityText(a.Identity)
}
