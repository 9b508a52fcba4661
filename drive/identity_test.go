package drive

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func challenge(n byte) (c [ChallengeSize]byte) {
	copy(c[:], bytes.Repeat([]byte{n}, ChallengeSize))
	return c
}

// proves is the identity that a drive proves.
func proves(t *testing.T, d *Drive) Identity {
	t.Helper()
	a, err := d.Attest(challenge(3))
	require.NoError(t, err)
	require.NoError(t, a.Verify(challenge(3)))
	id, err := d.Identity()
	require.NoError(t, err)
	require.Equal(t, id, a.Identity, "a drive proves what it says")
	return id
}

func TestADriveProvesItsIdentity(t *testing.T) {
	b := newBench(t, nil)
	id := proves(t, b.Drive)
	a, err := b.Attest(challenge(1))
	require.NoError(t, err)
	require.Equal(t, b.label.Serial, a.Serial, "the serial number in the fuses is signed too")
	require.Len(t, id.Fingerprint(), 64)
	require.Equal(t, id.Fingerprint()[:16], id.String())
	require.False(t, id.IsZero())

	require.ErrorIs(t, a.Verify(challenge(2)), ErrAttestation, "an answer to another challenge proves nothing: it may be an old one")
	for name, forge := range map[string]func(*Attestation){
		"signature": func(a *Attestation) { a.Signature[5] ^= 1 },
		"serial":    func(a *Attestation) { a.Serial = "T0002" },
		"identity":  func(a *Attestation) { a.Identity[0] ^= 1 },
		"length":    func(a *Attestation) { a.Serial = string(make([]byte, 300)) },
	} {
		forged := a
		forge(&forged)
		require.ErrorIs(t, forged.Verify(challenge(1)), ErrAttestation, "a forged %s is found", name)
	}

	b.PowerOff()
	_, err = b.Attest(challenge(1))
	require.ErrorIs(t, err, NoPower)
	_, err = b.Identity()
	require.ErrorIs(t, err, NoPower)
}

func TestAnotherDriveWithTheSameSerialHasAnotherIdentity(t *testing.T) {
	make := func(seed uint64) *Drive {
		d, _, err := Manufacture(testConfig(), Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(seed, "twin")})
		require.NoError(t, err)
		return d
	}
	one, two := make(1), make(2)
	require.Equal(t, one.Serial(), two.Serial())
	require.NotEqual(t, proves(t, one), proves(t, two), "the label is the same, the chip is not")
}

func TestTheIdentityOutlivesEverything(t *testing.T) {
	b := newBench(t, nil)
	id := proves(t, b.Drive)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.Equal(t, id, proves(t, b.Drive), "a credential does not change it")
	b.cycle()
	require.True(t, b.Status().Locked)
	require.Equal(t, id, proves(t, b.Drive), "a locked drive proves it without a PIN")
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.Equal(t, id, proves(t, b.Drive), "a PSID revert does not change it")

	for _, p := range b.parts.Flash.Dump() {
		require.NoError(t, b.flash.Decay(p.Block, p.Page, 1000), "the record rots")
	}
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.Equal(t, id, proves(t, b.Drive), "a drive without a readable record proves it too")
}

// TestTheIdentityOfADriveFile: it follows from the root key in the fuses, so a file that was made
// before there was an identity has one. The vector holds the derivation.
func TestTheIdentityOfADriveFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	d, _, err := CreateFile(path, testConfig(), fileOptions())
	require.NoError(t, err)
	id := proves(t, d.Drive)
	require.NoError(t, d.Close())

	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	require.Equal(t, id, proves(t, d.Drive), "a drive that lives in a file is the same when it is opened again")
	require.NoError(t, d.Close())

	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	copied := filepath.Join(dir, "copy.drive")
	require.NoError(t, os.WriteFile(copied, whole, 0o600))
	c, err := OpenFile(copied, fileOptions())
	require.NoError(t, err)
	require.NoError(t, c.PowerOn())
	require.Equal(t, id, proves(t, c.Drive), "who copies the file has opened the chip: the copy proves the same identity")
	require.NoError(t, c.Close())

	f := &Fuses{Config: testConfig(), Root: new(secret.Key32)}
	for i := range f.Root {
		f.Root[i] = byte(i)
	}
	v, err := Open(f, Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(1, "vector")})
	require.NoError(t, err)
	require.NoError(t, v.PowerOn())
	require.Equal(t, "39764ef1e507626efe57b00fa63ce98e614a8e033b1ff3d8d77ddd027aa5f137", proves(t, v).Fingerprint(), "root key 00 01 .. 1f; computed apart from this package")
}
