package forensic

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/leftover"
	"github.com/seed-9d983aeb/fdelab/internal/leftover/leftovertest"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// TestKeysAfterASearch looks through the memory of a process in which a search reached
// the keys of a drive: not one copy is left, nor a key schedule of one.
func TestKeysAfterASearch(t *testing.T) {
	leftovertest.Run(t, "TestLeftoverChild", 5, "AK")
}

// TestLeftoverChild is the child of TestKeysAfterASearch.
func TestLeftoverChild(t *testing.T) {
	plant := leftovertest.Child(t)
	random := leftovertest.Stream(77)
	root, credential, ak, mek := new(secret.Key32), new(secret.Key32), new(secret.Key32), new(secret.Key64)
	for _, b := range [][]byte{root[:], credential[:], ak[:], mek[:]} {
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
	}{{"credential", credential[:]}, {"KEK", kek[:]}, {"AK", ak[:]}, {"MEK, K1", mek[:32]}, {"MEK, K2", mek[32:]}} {
		needles = append(needles, leftover.New(k.name, k.b))
	}
	if plant {
		leftovertest.Planted = bytes.Clone(ak[:])
	}
	for _, k := range []interface{ Clear() }{root, credential, ak, mek, kek, pin} {
		k.Clear()
	}
	page := bytes.Repeat([]byte{0xFF}, 512)
	copy(page[24:], salt[:])
	copy(page[40:], akWrap)
	copy(page[96:], mekWrap)
	o := Oracle{Name: "LBA 17", SectorSize: 512, LBA: 17, Plain: plain[:32], Cipher: ciphertext[:32]}
	for _, deep := range []bool{false, true} {
		f, err := Search(drive.Dump{Flash: []flash.Page{{Data: page}}}, secrets, []Oracle{o}, Options{Deep: deep})
		require.NoError(t, err)
		require.NotEmpty(t, f.Keys)
	}
	for _, s := range secrets {
		s.Clear()
	}
	leftovertest.Report(t, needles)
}
