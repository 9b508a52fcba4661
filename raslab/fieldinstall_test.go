package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// MAP4980, row BE14CFF5: the customer received a facility whose drives are not all
// encryption-capable.
func TestBE14CFF5FieldInstallWithAPlainDrive(t *testing.T) {
	l := newLab(t, Options{Drives: 16, Plain: []string{"R1-I1-D05"}})
	require.Len(t, l.events.OpenEvents(), 1)
	e := l.events.OpenEvents()[0]
	require.Equal(t, "BE14CFF5", e.SRC)
	require.Equal(t, []string{"R1-I1-D05"}, e.Slots)
	require.Equal(t, "field install: it cannot encrypt, and the others do", e.Found[0])
	fails(t, l)(l.FieldInstall())
	staysOpen(t, l, e)
	_, err := l.CreateArray("S1", RAIDAuto)
	require.Error(t, err, "a site with a drive that is not installed makes no array")
	ok(t, l)(exchange(t, l, "R1-I1-D05", ""))
	closed(t, l, e)
	_, err = l.FieldInstall()
	require.ErrorIs(t, err, ErrState, "every drive is installed now")
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
}

func TestBE14CFF5FieldInstallWithoutACertificate(t *testing.T) {
	l := newLab(t, Options{Drives: 16, NoCertificate: true})
	require.Len(t, l.events.OpenEvents(), 1)
	e := l.events.OpenEvents()[0]
	require.Equal(t, "BE14CFF5", e.SRC)
	require.Equal(t, "field install: no certificate is installed", e.Found[0])
	for _, d := range l.plant.Drives() {
		require.Equal(t, NewDrive, d.State, "%s is not certified", d.Slot)
	}
	fails(t, l)(l.FieldInstall())
	staysOpen(t, l, e)
	require.NoError(t, l.DefaultCertificate())
	ok(t, l)(l.FieldInstall())
	for _, d := range l.plant.Drives() {
		require.Equal(t, Normal, d.State, "%s is certified", d.Slot)
	}
	closed(t, l, e)
}

func TestASoundFacilityIsInstalledInSilence(t *testing.T) {
	l := newLab(t, Options{Drives: 24})
	noEvents(t, l)
	require.Len(t, l.Trace(), 1)
	_, err := New(Options{Drives: 8, Plain: []string{"R1-I1-D09"}})
	require.ErrorIs(t, err, ErrInvalid, "no drive is delivered there")
}

func TestMESInstallsDrivesIntoAHalfFullEnclosure(t *testing.T) {
	l := newLab(t, Options{Drives: 24})
	for _, s := range []string{"A", "B"} {
		_, err := l.Shelf().Order(512, 65536)
		require.NoError(t, err, s)
	}
	_, err := l.InstallMES(MESRequest{DrivesOnly: true, Serials: make([]string, 9)})
	require.ErrorIs(t, err, ErrInvalid, "eight slots are to be filled")
	r := ok(t, l)(l.InstallMES(MESRequest{DrivesOnly: true, Serials: []string{"FRU00001", "", "FRU00002"}}))
	require.Equal(t, "R1-I2", r.Object)
	require.Len(t, l.plant.Enclosures(), 2, "no enclosure was added")
	require.Len(t, l.plant.Sites(), 4)
	require.Equal(t, []string{"R1-I2-D09", "R1-I2-D10", "R1-I2-D11", "R1-I2-D12", "R1-I2-D13", "R1-I2-D14", "R1-I2-D15", "R1-I2-D16"}, l.plant.Sites()[3].Slots)
	d, err := l.plant.Drive("R1-I2-D11")
	require.NoError(t, err)
	require.Equal(t, "FRU00002", d.Serial)
	ok(t, l)(l.CreateArray("S4", RAIDAuto))
	_, err = l.InstallMES(MESRequest{DrivesOnly: true})
	require.ErrorIs(t, err, ErrState, "no enclosure is half full any more")
	noEvents(t, l)
}
