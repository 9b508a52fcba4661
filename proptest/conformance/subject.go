package conformance

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Subject is a drive under test. *drive.Drive is one.
type Subject interface {
	PowerOn() error
	PowerOff()
	Reset(drive.ResetKind) error
	Authenticate(drive.Authority, drive.PIN) (drive.Session, error)
	RevertPSID(drive.PIN) error
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	SelfTest() error
	Status() drive.Status
	MSID() (drive.PIN, error)
	AtMSID(drive.Authority) (bool, error)
	Tries(drive.Authority) (used, limit uint16, err error)
	Range(n int) (drive.RangeInfo, error)
	Dump() drive.Dump
	Fuses() *drive.Fuses
}

var _ Subject = (*drive.Drive)(nil)

// Maker manufactures a drive under test.
type Maker func(drive.Config, drive.Parts) (Subject, drive.Label, error)

// Run is the whole suite.
func Run(t *testing.T, make Maker) {
	for _, row := range rows {
		if row.Test == "" {
			continue
		}
		t.Run(row.Test, func(t *testing.T) {
			t.Parallel()
			t.Logf("%s [%s]", row.Property, row.Source)
			tests[row.Test](&suite{T: t, make: make})
		})
	}
}

// suite is one subtest.
type suite struct {
	*testing.T
	make Maker
}

// rig is a drive of a subtest with the parts that it was built from.
type rig struct {
	Subject
	t     *testing.T
	cfg   drive.Config
	label drive.Label
	mem   *flash.Mem
	flash *flash.Faulty
	media *countingMedia
}

// countingMedia counts what reaches the media.
type countingMedia struct {
	drive.Media
	reads, writes int
}

func (m *countingMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	m.reads++
	return m.Media.ReadSector(lba, dst)
}

func (m *countingMedia) WriteSector(lba uint64, src []byte) error {
	m.writes++
	return m.Media.WriteSector(lba, src)
}

func config() drive.Config {
	return drive.Config{
		Serial: "CONF0001", Model: "conformance", SectorSize: 512, Sectors: 1 << 40, Ranges: 2, TryLimit: 5,
		Persistent: true, PBKDF2Iterations: 3,
	}
}

// drive manufactures one; change may be nil.
func (s *suite) drive(change func(*drive.Config)) *rig {
	s.Helper()
	r, err := s.driveOf(entropy.Stream(1, "conformance"), nil, change)
	require.NoError(s, err, "a drive must come out of the factory")
	return r
}

// driveOf manufactures one with a random source and a device around its flash.
func (s *suite) driveOf(random io.Reader, around func(flash.Device) flash.Device, change func(*drive.Config)) (*rig, error) {
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	r := &rig{t: s.T, cfg: cfg, mem: flash.NewMem(flash.Geometry{Blocks: 6, PagesPerBlock: 8, PageSize: 1024})}
	r.flash = flash.NewFaulty(r.mem)
	r.media = &countingMedia{Media: drive.NewMemMedia(cfg.SectorSize)}
	parts := drive.Parts{Flash: r.flash, Media: r.media, Entropy: random}
	if around != nil {
		parts.Flash = around(r.flash)
	}
	var err error
	r.Subject, r.label, err = s.make(cfg, parts)
	return r, err
}

func (r *rig) arm(plan string) { r.flash.Arm(fault.MustParse(plan)) }

// fired says whether the armed plan did anything.
func (r *rig) fired() bool { return len(r.flash.Plan().Fired()) > 0 }

// as runs f in a session of a.
func (r *rig) as(a drive.Authority, pin drive.PIN, f func(drive.Session) error) error {
	r.t.Helper()
	s, err := r.Authenticate(a, pin)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

func (r *rig) must(a drive.Authority, pin drive.PIN, f func(drive.Session) error) {
	r.t.Helper()
	require.NoError(r.t, r.as(a, pin, f), "a command of %v must work", a)
}

// refused says that a PIN opens no session of a.
func (r *rig) refused(a drive.Authority, pin drive.PIN, why string) {
	r.t.Helper()
	require.ErrorIs(r.t, r.as(a, pin, nothing), drive.NotAuthorized, why)
}

func nothing(drive.Session) error { return nil }

func (r *rig) cycle() {
	r.t.Helper()
	r.PowerOff()
	require.NoError(r.t, r.PowerOn(), "a drive powers on")
}

// credential is the n-th credential of an owner.
func credential(n byte) drive.PIN {
	b := make([]byte, drive.PINSize)
	for i := range b {
		b[i] = byte(i)*29 ^ n*101 ^ 0x5A
	}
	p, err := drive.NewPIN(b)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

func pin(text string) drive.PIN {
	p, err := drive.NewPIN([]byte(text))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

// text is a sector of known data.
func (r *rig) text(n byte) []byte {
	return bytes.Repeat([]byte{'d', 'a', 't', 'a', ' ', n, n ^ 0x55, '.'}, r.cfg.SectorSize/8)
}

func (r *rig) put(lba uint64, n byte) {
	r.t.Helper()
	require.NoError(r.t, r.Write(lba, r.text(n)), "a write to an open range works")
}

// readable says that a sector still holds its data.
func (r *rig) readable(lba uint64, n byte, why string) {
	r.t.Helper()
	got := make([]byte, r.cfg.SectorSize)
	require.NoError(r.t, r.Read(lba, got), why)
	require.True(r.t, bytes.Equal(got, r.text(n)), why)
}

// unreadable says that a sector does not give its data, by refusal or as noise.
func (r *rig) unreadable(lba uint64, n byte, why string) {
	r.t.Helper()
	got := make([]byte, r.cfg.SectorSize)
	if r.Read(lba, got) == nil {
		require.False(r.t, bytes.Equal(got, r.text(n)), why)
	}
}

// own migrates range n from MSID to a credential.
func (r *rig) own(n int, c drive.PIN) {
	r.t.Helper()
	r.must(drive.BandMaster(n), r.label.MSID, func(s drive.Session) error { return s.Migrate(c) })
}

// place gives range n a place.
func (r *rig) place(n int, c drive.PIN, start, length uint64) {
	r.t.Helper()
	r.must(drive.BandMaster(n), c, func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{Start: start, Length: length, LockOnReset: drive.OnPowerCycle})
	})
}

// oracle is a sector whose data is known.
func (r *rig) oracle(dump drive.Dump, lba uint64, n byte) forensic.Oracle {
	r.t.Helper()
	cipher, written := dump.Sector(lba)
	require.True(r.t, written, "sector %d was written", lba)
	return forensic.Oracle{Name: fmt.Sprintf("sector %d", lba), SectorSize: len(cipher), LBA: lba, Plain: r.text(n)[:64], Cipher: cipher[:64]}
}

// thief searches a dump with the root key, both PINs of the label, and other PINs.
func (r *rig) thief(dump drive.Dump, o forensic.Oracle, deep bool, also ...drive.PIN) forensic.Findings {
	r.t.Helper()
	fuses := r.Fuses()
	secrets := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", r.label.MSID), forensic.PIN("PSID", r.label.PSID)}
	for i, p := range also {
		secrets = append(secrets, forensic.PIN(fmt.Sprintf("PIN %d", i), p))
	}
	f, err := forensic.Search(dump, secrets, []forensic.Oracle{o}, forensic.Options{Deep: deep, Iterations: r.cfg.PBKDF2Iterations})
	require.NoError(r.t, err)
	return f
}

// closed says that the thief finds no key for a sector, and that he finds it with the PIN that
// opens it: so the search is not blind.
func (r *rig) closed(lba uint64, n byte, opens drive.PIN, also ...drive.PIN) {
	r.t.Helper()
	dump := r.Dump()
	o := r.oracle(dump, lba, n)
	require.Empty(r.t, r.thief(dump, o, false, also...).Keys, "without the PIN of the range no key is found")
	require.NotEmpty(r.t, r.thief(dump, o, false, append(also, opens)...).Keys, "with it the key is found")
}
