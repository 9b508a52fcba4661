package keydir

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// TestRefusedList: what is on it is refused, the file is read again when it changes, and a
// list that cannot be read takes nobody.
func TestRefusedList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, Init(dir, options()))
	l, err := OpenRefused(dir)
	require.NoError(t, err, "that there is no list is no error")
	one, err := pki.Read(filepath.Join(dir, Facility))
	require.NoError(t, err)
	two, err := pki.Read(filepath.Join(dir, "other"))
	require.NoError(t, err)
	require.NoError(t, l.Check(one.Cert))

	subject, err := Refuse(dir, filepath.Join(dir, Facility+".crt"))
	require.NoError(t, err)
	require.Equal(t, "CN=facility,O=fdelab", subject)
	require.EqualError(t, l.Check(one.Cert), "the certificate of CN=facility,O=fdelab is on the list of refused ones")
	require.NoError(t, l.Check(two.Cert))
	before, err := os.ReadFile(filepath.Join(dir, Refused))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x CN=facility,O=fdelab\n", sha256.Sum256(one.Cert.Raw)), string(before))
	_, err = Refuse(dir, filepath.Join(dir, Facility+".crt"))
	require.NoError(t, err)
	after, err := os.ReadFile(filepath.Join(dir, Refused))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "twice is once")

	write := func(text string) {
		// As an editor does, which leaves the time of the file as it was for a moment at the most.
		path := filepath.Join(dir, Refused)
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o644))
		require.NoError(t, os.Rename(path+".new", path))
	}
	colons := strings.ToUpper(fmt.Sprintf("% x", sha256.Sum256(two.Cert.Raw)))
	write("# stolen\n\n  " + strings.ReplaceAll(colons, " ", ":") + " the other one")
	require.Error(t, l.Check(two.Cert), "as openssl prints it")
	require.NoError(t, l.Check(one.Cert), "its line is gone")
	_, err = Refuse(dir, filepath.Join(dir, Facility+".crt"))
	require.NoError(t, err)
	require.Error(t, l.Check(two.Cert), "what was there stays")
	require.Error(t, l.Check(one.Cert))

	write("nonsense\n")
	require.ErrorContains(t, l.Check(two.Cert), "refused line 1 is no SHA-256 of a certificate, need 64 hexadecimal digits")
	require.ErrorContains(t, l.Check(one.Cert), "no certificate is taken")
	_, err = OpenRefused(dir)
	require.ErrorContains(t, err, "line 1", "a server does not start with it")
	_, err = Refuse(dir, filepath.Join(dir, "other.crt"))
	require.ErrorContains(t, err, "line 1")
	write("")
	require.NoError(t, l.Check(one.Cert), "an empty list refuses none")
	path := filepath.Join(dir, Refused)
	require.NoError(t, os.Rename(path, path+".away"))
	require.ErrorContains(t, l.Check(one.Cert), "no certificate is taken")
	require.NoError(t, os.Rename(path+".away", path))
	require.NoError(t, l.Check(one.Cert), "it is back, as it was")
	require.NoError(t, os.Remove(path))
	require.ErrorContains(t, l.Check(one.Cert), "no certificate is taken", "a list that was there and has gone is no list that is empty")
}

func TestRefuseChecksWhatItIsGiven(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "keys")
	require.NoError(t, Init(dir, options()))
	for what, x := range map[string]struct{ dir, file, want string }{
		"no directory":   {filepath.Join(parent, "nowhere"), filepath.Join(dir, "facility.crt"), "is no directory of a key server"},
		"no file":        {dir, filepath.Join(dir, "nobody.crt"), "no such file"},
		"no certificate": {dir, filepath.Join(dir, "facility.key"), "holds no certificate in PEM"},
	} {
		_, err := Refuse(x.dir, x.file)
		require.ErrorContains(t, err, x.want, what)
		require.NoFileExists(t, filepath.Join(x.dir, Refused))
	}
}
