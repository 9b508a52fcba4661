package erase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// impostor is a port that answers challenges in another way than the drive behind it.
type impostor struct {
	*drive.Drive
	answer func([drive.ChallengeSize]byte) (drive.Attestation, error)
}

func (i *impostor) Attest(c [drive.ChallengeSize]byte) (drive.Attestation, error) { return i.answer(c) }

// mute is a Target without an identity.
type mute struct{ Target }

func TestACertificateNamesTheDeviceThatProvedItself(t *testing.T) {
	b, job := locked(t, "I1", nil)
	id, err := b.Identity()
	require.NoError(t, err)
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.Equal(t, IdentityText(id), r.Certificate.Statement.MediaIdentity)
	require.Contains(t, r.Certificate.Text(), "Media identity:         Ed25519 "+id.Fingerprint()+", proved by challenge\n")
	for _, form := range forms(r.Certificate) {
		c, err := VerifyCertificate(form, public())
		require.NoError(t, err)
		require.Equal(t, IdentityText(id), c.Statement.MediaIdentity)
	}
	forged := *r.Certificate
	forged.Statement.MediaIdentity = IdentityText(drive.Identity{1})
	for _, form := range forms(&forged) {
		_, err = VerifyCertificate(form, public())
		require.ErrorIs(t, err, ErrSignature, "the identity is signed")
	}
	require.Contains(t, string(r.Certificate.Statement.payload("")), `"subject":[{"name":"I1","digest":{"sha256":"`+id.Fingerprint()+`"}}]`)
}

func TestACertificateClaimsNoIdentityThatWasNotProved(t *testing.T) {
	other := newBench(t, "I3", nil, nil)
	for name, wrap := range map[string]func(*drive.Drive) Target{
		"no identity": func(d *drive.Drive) Target { return mute{d} },
		"silent": func(d *drive.Drive) Target {
			return &impostor{d, func([drive.ChallengeSize]byte) (drive.Attestation, error) { return drive.Attestation{}, drive.NoPower }}
		},
		"an old answer": func(d *drive.Drive) Target {
			return &impostor{d, func([drive.ChallengeSize]byte) (drive.Attestation, error) {
				return d.Attest([drive.ChallengeSize]byte{1})
			}}
		},
		"another drive's answer": func(d *drive.Drive) Target { return &impostor{d, other.Attest} },
	} {
		b, job := locked(t, "I2", nil)
		job.Target = wrap(b.Drive)
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, "%s: %s", name, text(r))
		require.Empty(t, r.Certificate.Statement.MediaIdentity, name)
		require.Contains(t, r.Certificate.Text(), "Media identity:         not proved: the drive is known by its serial number only\n", name)
		payload := string(r.Certificate.Statement.payload(""))
		require.NotContains(t, payload, "sha256", "%s: a serial number is no identity", name)
		require.Contains(t, payload, `"name":"I2","digest":{"unprovedSerialNumber":"`, name)
		_, err := VerifyCertificate([]byte(r.Certificate.Text()), public())
		require.NoError(t, err)
	}
}
