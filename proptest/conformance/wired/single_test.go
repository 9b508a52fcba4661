package wired_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/wired"
)

// single is one simulated drive that is reached by its security interface alone.
func single(t *testing.T, change func(*drive.Config)) (*wired.Single, *drive.Drive) {
	t.Helper()
	cfg := drive.Config{Serial: "SINGLE", SectorSize: 512, Sectors: 1 << 16, Ranges: 3, PBKDF2Iterations: 1, TryLimit: 5, Persistent: true}
	change(&cfg)
	d, l, err := drive.Manufacture(cfg, drive.Parts{
		Flash: flash.NewMem(cfg.Personality.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive"),
	})
	require.NoError(t, err)
	tper, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(2, "tper")})
	require.NoError(t, err)
	return &wired.Single{Transport: tper, PSID: l.PSID, Capacity: cfg.Sectors, SectorSize: 512}, d
}

// whole gives it a way to its sectors, and a hand at its power and its resets.
func whole(s *wired.Single, d *drive.Drive) {
	s.Disk, s.Reset = conformance.OfDrive(d), d.Reset
	s.Power = func(on bool) error {
		if on {
			return d.PowerOn()
		}
		d.PowerOff()
		return nil
	}
}

// One device of either SSC, again and again: with its sectors and its power nearly all is judged that can be by a
// wire.
func TestTheSuiteOnOneDevice(t *testing.T) {
	t.Parallel()
	passes := []string{
		"F08", "F14", "F15", "F16", "F18", "F19", "F23", "F28", "F32", "F37", "PC04", "KH03", "KH04", "AU01", "AU03", "AU04", "AU05", "RS01", "RS02", "RS03",
		"SM01", "UCT-03", "UCT-05", "UCT-06", "UCT-07", "UCT-08", "UCT-16", "SPF-03", "SPF-04", "ETC-01", "ETC-12", "ETC-16", "ETC-24",
	}
	var only []string
	if testing.Short() {
		only = []string{"F12", "F14", "F15", "F32", "AU01", "AU05", "ETC-24"}
	}
	for _, p := range drive.Personalities() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			s, d := single(t, func(c *drive.Config) {
				if p == drive.Opal {
					c.Personality, c.MBRSize, c.DataStoreSize = p, 1<<16, 1<<16
				}
			})
			whole(s, d)
			for _, r := range judged(t, s.Make, only, passes...).Results {
				if r.Property.ID == "F12" {
					require.Equal(t, []conformance.Capability{wired.Several}, r.Needs, "the PSID is never locked out")
				}
			}
			require.NoError(t, s.Restore())
			if p == drive.Enterprise {
				used, _, err := d.Tries(drive.PSID)
				require.NoError(t, err)
				require.Zero(t, used)
			}
		})
	}
}

// A device of which there is nothing but the security interface: what is not judged says what it takes.
func TestTheSuiteOnASecurityInterface(t *testing.T) {
	t.Parallel()
	s, _ := single(t, func(*drive.Config) {})
	r := judged(t, s.Make, []string{"F14", "F15", "F37", "AU03", "AU04", "SPF-03", "SPF-04", "ETC-01"}, "F37", "AU03", "SPF-03", "SPF-04")
	needs := map[string][]conformance.Capability{"F14": {wired.Resets}, "F15": {wired.Sectors}, "AU04": {wired.Power}, "ETC-01": {wired.Sectors}}
	for _, p := range r.Results {
		require.Equal(t, needs[p.Property.ID], p.Needs, "%s", p.String())
	}
}

// A device whose sectors are read while they are locked fails.
func TestADiskThatIgnoresLocksFails(t *testing.T) {
	t.Parallel()
	s, d := single(t, func(*drive.Config) {})
	whole(s, d)
	s.Disk = unlocked{s.Disk}
	r, err := conformance.Judge(s.Make, conformance.Options{Seeds: []uint64{1}, Only: []string{"F32", "F37"}, ShrinkRuns: -1})
	require.NoError(t, err)
	require.Equal(t, conformance.Failed, r.Results[0].Verdict)
	require.Equal(t, conformance.Passed, r.Results[1].Verdict)
}

type unlocked struct{ wired.Disk }

func (u unlocked) Read(lba uint64, dst []byte) error { _ = u.Disk.Read(lba, dst); return nil }

// The device of an earlier Make is gone.
func TestThereIsOneDevice(t *testing.T) {
	t.Parallel()
	s, d := single(t, func(*drive.Config) {})
	whole(s, d)
	first, label, err := s.Make(conformance.Wish{})
	require.NoError(t, err)
	require.NoError(t, first.Try(drive.SID, label.MSID))
	second, _, err := s.Make(conformance.Wish{})
	require.NoError(t, err)
	for what, f := range map[string]func(){
		"try":   func() { _ = first.Try(drive.SID, label.MSID) },
		"read":  func() { _ = first.Read(0, make([]byte, 512)) },
		"power": first.PowerOff,
		"reset": func() { _ = first.Reset(drive.HardwareReset) },
	} {
		require.Panics(t, f, what)
	}
	require.NoError(t, second.Try(drive.SID, label.MSID))
}
