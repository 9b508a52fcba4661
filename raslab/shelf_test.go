package raslab

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// loose puts drives with these serial numbers on a shelf.
func loose(t *testing.T, s *Shelf, serials ...string) (parts []*Part) {
	t.Helper()
	for i, serial := range serials {
		p, err := manufacture(uint64(100+i), serial, PartConfig{SectorSize: 512, Sectors: 65536})
		require.NoError(t, err)
		s.parts = append(s.parts, p)
		parts = append(parts, p)
	}
	return parts
}

// TestSerialNumbersAreNamedAsTheyAre: short ones are filled with blanks in the field, and two
// drives may have the same.
func TestSerialNumbersAreNamedAsTheyAre(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	s := l.options.Shelf
	p := loose(t, s, "  X1", "x1", "Z9", "Z9", "A#2")
	for name, want := range map[string]*Part{
		"  X1": p[0], "x1": p[1], "X1": p[1], "  x1": p[0], "Z9#1": p[2], "Z9#2": p[3], "z9#2": p[3], "A#2": p[4], " A#2 ": p[4],
	} {
		require.Same(t, want, s.Find(name), "%q", name)
	}
	for _, name := range []string{"Z9", "z9", "Z9#3", "Z9#0", "Z9#x", " X1", "nobody", ""} {
		require.Nil(t, s.Find(name), "%q names no drive, or several", name)
	}
	for i, name := range []string{"  X1", "x1", "Z9#1", "Z9#2", "A#2"} {
		require.Equal(t, name, s.Name(p[i]))
	}
	require.NoError(t, l.Pull("R1-I1-D16"))
	_, err := l.Insert("R1-I1-D16", "Z9")
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, `2 drives "Z9" lie on the shelf`)
	require.ErrorContains(t, err, `"  X1", x1, Z9#1, Z9#2`)
	ok(t, l)(l.Insert("R1-I1-D16", "  X1"))
	require.Equal(t, "  X1", drivePart(t, l, "R1-I1-D16").Serial())
	rec, err := l.CustodyOf("  X1")
	require.NoError(t, err)
	require.Contains(t, rec.Name(), `"  X1" (`)
	fails(t, l)(l.InstallMES(MESRequest{Serials: []string{"Z9#1", "Z9#2", "x1"}}))
	require.Same(t, p[2], drivePart(t, l, "R1-I2-D01"))
	require.Same(t, p[3], drivePart(t, l, "R1-I2-D02"))
	require.Same(t, p[1], drivePart(t, l, "R1-I2-D03"))
	for slot, state := range map[string]DriveState{"R1-I2-D01": Normal, "R1-I2-D02": Inappropriate, "R1-I2-D03": Normal} {
		d, err := l.plant.Drive(slot)
		require.NoError(t, err)
		require.Equal(t, state, d.State, "%s: the second of two with one serial number is set aside", slot)
	}
}

// TestTheFileOfADriveWithASerialNumberThatLiesThere: the file holds another drive, and is opened.
func TestTheFileOfADriveWithASerialNumberThatLiesThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	first := NewShelf(1)
	_, file, err := first.CreateFile(path, " S1", 512, 4096, entropy.Stream(1, "file"))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	_, _, err = first.CreateFile(path+"2", " S1", 512, 4096, entropy.Stream(1, "file"))
	require.ErrorIs(t, err, ErrInvalid, "nobody makes a second one on purpose")

	s := NewShelf(2)
	p := loose(t, s, " S1")
	q, file, err := s.OpenFile(path, drive.Label{}, entropy.Stream(2, "file"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	require.Same(t, q, s.Find(" S1#2"))
	identity := func(p *Part) drive.Identity {
		require.NoError(t, p.Drive.PowerOn())
		return identityOf(t, p)
	}
	require.NotEqual(t, identity(p[0]), identity(q))
}

// TestADriveThatLivesInAFile: it lies on the shelf without power, its faults can be armed, and only
// its own label fits.
func TestADriveThatLivesInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	s := NewShelf(1)
	p, file, err := s.CreateFile(path, "S1", 4096, 4096, entropy.Stream(1, "file"))
	require.NoError(t, err)
	require.Same(t, p, s.Find("S1"))
	require.False(t, p.Drive.Status().Powered)
	c := p.Drive.Config()
	require.Equal(t, []any{"S1", driveModel, 4096, uint64(4096), uint16(driveTryLimit)}, []any{c.Serial, c.Model, c.SectorSize, c.Sectors, c.TryLimit})
	label := p.Label
	require.NotZero(t, label.PSID.Len())
	require.NoError(t, p.Drive.PowerOn())
	require.Equal(t, drive.Erased, p.Drive.Status().State)
	require.NoError(t, p.Arm(fault.MustParse("(media.read.error) (flash.program.torn)")), "its media and its flash can fail")
	p.Drive.PowerOff()
	require.NoError(t, file.Close())

	other := label
	other.Serial = "S2"
	empty := NewShelf(2)
	_, _, err = empty.OpenFile(path, other, entropy.Stream(2, "file"))
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, `the label is of drive "S2", and this is drive "S1"`)
	require.Nil(t, empty.Find("S1"), "what is refused does not lie on the shelf")
	for name, l := range map[string]drive.Label{"its label": label, "no label": {}} { // the refusal let go of the file
		s := NewShelf(3)
		p, file, err := s.OpenFile(path, l, entropy.Stream(3, "file"))
		require.NoError(t, err, name)
		require.Same(t, p, s.Find("S1"), name)
		require.Equal(t, "S1", p.Label.Serial, name)
		require.Equal(t, l.PSID.Len() > 0, p.Label.PSID.Len() > 0, "with %s a revert by PSID is possible or not", name)
		require.False(t, p.Drive.Status().Powered, name)
		require.NoError(t, file.Close(), name)
	}
	_, _, err = empty.OpenFile(path+"x", label, entropy.Stream(2, "file"))
	require.Error(t, err)
	_, _, err = empty.CreateFile(path, "S3", 4096, 4096, entropy.Stream(2, "file"))
	require.Error(t, err, "the file of a drive is not written over")
	require.Nil(t, empty.Find("S3"))
}

// TestADriveOfAnyMakeOnTheShelf: it is taken as it is, unless its label or its configuration is
// wrong. A fault plan is refused whole where the drive lets no faults in.
func TestADriveOfAnyMakeOnTheShelf(t *testing.T) {
	ours, err := manufacture(1, "S1", PartConfig{SectorSize: 512, Sectors: 4096})
	require.NoError(t, err)
	require.NoError(t, ours.Drive.PowerOn())
	shelf := NewShelf(1)
	_, err = shelf.Add(nil, drive.Label{})
	require.ErrorIs(t, err, ErrInvalid)
	other := ours.Label
	other.Serial = "S2"
	_, err = shelf.Add(ours.Drive, other)
	require.ErrorContains(t, err, `the label is of drive "S2", and this is drive "S1"`)
	_, err = shelf.Add(oddDrive{ours.Drive}, drive.Label{})
	require.ErrorContains(t, err, "sectors of 13 bytes")
	require.Empty(t, shelf.Parts())

	p, err := shelf.Add(struct{ Drive }{ours.Drive}, ours.Label)
	require.NoError(t, err)
	require.Same(t, p, shelf.Find("S1"))
	require.False(t, p.Drive.Status().Powered)
	for _, point := range []string{"flash.program.torn", "media.read.error"} {
		err = p.Arm(fault.MustParse("(port.command.dead) (" + point + ")"))
		require.ErrorContains(t, err, "drive S1 lets no faults into its "+fault.Point(point).Component())
		require.Empty(t, p.Plan())
	}
	require.NoError(t, p.Arm(fault.MustParse("(port.command.dead)")))
	p.Disarm()
	require.Empty(t, p.Plan())
}

type oddDrive struct{ Drive }

func (d oddDrive) Config() drive.Config {
	c := d.Drive.Config()
	c.SectorSize = 13
	return c
}
