package forensic

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/leftover"
	"github.com/seed-9d983aeb/fdelab/internal/leftover/leftovertest"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// TestKeysAfterASearch looks through the memory of a process in which a search reached
// the keys of a drive, and one that lay bare in the dump: not one copy is left, nor a key schedule
// of one. The portable path has its schedules on the heap, where nothing overwrites them by chance.
func TestKeysAfterASearch(t *testing.T) {
	for _, path := range aes256.Paths() {
		t.Run(path.String(), func(t *testing.T) {
			t.Setenv(aes256.Environment, path.String())
			leftovertest.Run(t, "TestLeftoverChild", 7, "AK")
		})
	}
}

// TestLeftoverChild is the child of TestKeysAfterASearch.
func TestLeftoverChild(t *testing.T) {
	plant := leftovertest.Child(t)
	random := leftovertest.Stream(77)
	root, credential, ak, mek := new(secret.Key32), new(secret.Key32), new(secret.Key32), new(secret.Key64)
	bare := new(secret.Key64)
	for _, b := range [][]byte{root[:], credential[:], ak[:], mek[:], bare[:]} {
		_, err := random.Read(b)
		require.NoError(t, err)
	}
	salt := [16]byte{1, 200, 3, 40, 5, 60, 7, 80, 9, 10, 11, 120, 13, 14, 150, 16}
	pin := drive.CredentialPIN(credential)
	kek, err := drive.KEK(root, pin, salt, 1)
	require.NoError(t, err)
	cipher, err := xts.New(mek, 512)
	require.NoError(t, err)
	plain, ciphertext := bytes.Repeat([]byte("known plaintext "), 32), make([]byte, 512)
	cipher.Encrypt(ciphertext, plain, 17)
	cipher.Clear()
	akWrap, err := keywrap.Wrap(kek[:], ak[:])
	require.NoError(t, err)
	mekWrap, err := keywrap.Wrap(ak[:], mek[:])
	require.NoError(t, err)
	secrets := []Secret{Root(root), PIN("credential", pin)}
	var needles []*leftover.Needle
	for _, k := range []struct {
		name string
		b    []byte
	}{{"credential", credential[:]}, {"KEK", kek[:]}, {"AK", ak[:]}, {"MEK, K1", mek[:32]}, {"MEK, K2", mek[32:]}, {"bare key, K1", bare[:32]}, {"bare key, K2", bare[32:]}} {
		needles = append(needles, leftover.New(k.name, k.b))
	}
	if plant {
		leftovertest.Planted = bytes.Clone(ak[:])
	}
	page := bytes.Repeat([]byte{0xFF}, 512)
	copy(page[24:], salt[:])
	copy(page[40:], akWrap)
	copy(page[96:], mekWrap)
	copy(page[206:], bare[:]) // where no salt and no wrap of a MEK begins: those are copied
	for _, k := range []interface{ Clear() }{root, credential, ak, mek, bare, kek, pin} {
		k.Clear()
	}
	o := Oracle{Name: "LBA 17", SectorSize: 512, LBA: 17, Plain: plain[:32], Cipher: ciphertext[:32]}
	for _, deep := range []bool{false, true} {
		f, err := Search(drive.Dump{Flash: []flash.Page{{Data: page}}}, secrets, []Oracle{o}, Options{Deep: deep})
		require.NoError(t, err)
		require.NotEmpty(t, f.Keys)
	}
	x, err := NewSearcher(secrets, []Oracle{o}, Options{})
	require.NoError(t, err)
	for range 2 {
		require.NotEmpty(t, x.Search(drive.Dump{Flash: []flash.Page{{Data: page}}}).Keys)
	}
	x.Clear()
	for _, s := range secrets {
		s.Clear()
	}
	clear(page) // the dump is the caller's
	leftovertest.Report(t, needles)
}
