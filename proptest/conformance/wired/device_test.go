package wired_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/wired"
)

// simulated makes a simulated drive that the suite reaches by its TPer alone.
func simulated(w conformance.Wish) (conformance.Device, drive.Label, error) {
	d, label, err := drive.Manufacture(w.Config(), w.Parts)
	if err != nil {
		return nil, label, err
	}
	t, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(w.Seed, "tper")})
	return wired.Open(t, conformance.OfDrive(d)), label, err
}

// judged holds a device to properties, all of the suite's where none is named, with one seed: those of passes
// pass, and the others are not judged, with a reason.
func judged(t *testing.T, maker conformance.Maker, only []string, passes ...string) *conformance.Report {
	t.Helper()
	r, err := conformance.Judge(maker, conformance.Options{Seeds: []uint64{1}, Only: only})
	require.NoError(t, err)
	for _, p := range r.Results {
		want := conformance.NotJudged
		if slices.Contains(passes, p.Property.ID) {
			want = conformance.Passed
		}
		require.Equal(t, want, p.Verdict, "%s", p.String())
		require.Equal(t, want == conformance.NotJudged, p.Why != "", "%s", p.String())
	}
	return r
}

// The suite judges a simulated drive over the wire as it does by its methods: what is not judged takes what the
// wire has not.
func TestTheSuiteOverTheWire(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		only := []string{"F12", "F14", "F15", "F37", "PC04", "KH03", "AU01", "AU05"}
		judged(t, simulated, only, only...)
		return
	}
	judged(t, simulated, nil, "F08", "F12", "F14", "F15", "F16", "F18", "F19", "F23", "F28", "F32", "F37", "PC04", "KH03", "KH04",
		"AU01", "AU02", "AU03", "AU04", "AU05", "RS01", "RS02", "RS03", "SM01", "UCT-03", "UCT-05", "UCT-06", "UCT-07", "UCT-08", "UCT-16",
		"SPF-03", "SPF-04", "SPF-05", "SPF-09", "ETC-01", "ETC-12", "ETC-16", "ETC-24")
}

// A drive that says that it has locked a range, and has not, fails the properties of locks.
func TestADefectOverTheWireFails(t *testing.T) {
	t.Parallel()
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := simulated(w)
		return forgetful{d}, label, err
	}
	r, err := conformance.Judge(maker, conformance.Options{Seeds: []uint64{1}, Only: []string{"F32", "PC04", "SPF-04", "ETC-24"}, ShrinkRuns: -1})
	require.NoError(t, err)
	var failed []string
	for _, p := range r.Failed() {
		failed = append(failed, p.Property.ID)
	}
	require.Equal(t, []string{"F32", "PC04", "ETC-24"}, failed)
}

// forgetful says that it has locked a range, and does not.
type forgetful struct{ conformance.Device }

func (forgetful) SetLocks(int, drive.PIN, bool, bool) error { return nil }

// Example owns a drive's range over its transport, as the suite does.
func Example() {
	d, _, err := drive.Manufacture(
		drive.Config{Serial: "EXAMPLE1", SectorSize: 512, Sectors: 1 << 16, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := d.PowerOn(); err != nil {
		fmt.Println(err)
		return
	}
	t, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(1, "tper")})
	if err != nil {
		fmt.Println(err)
		return
	}
	device := wired.Open(t, conformance.OfDrive(d))
	msid, _ := device.MSID()
	mine, _ := drive.NewPIN([]byte("only I know this"))
	fmt.Println(device.SetPIN(drive.BandMaster(0), msid, mine))
	fmt.Println(errors.Is(device.Try(drive.BandMaster(0), msid), drive.NotAuthorized))
	// Output:
	// <nil>
	// true
}
