package wired_test

import (
	"crypto/rand"
	"errors"
	"fmt"
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
	t, err := tcg.New(d, tcg.Options{Entropy: rand.Reader})
	return wired.Open(t, conformance.OfDrive(d)), label, err
}

// The suite judges a simulated drive over the wire as it does by its methods: nothing fails, and what is not
// judged takes what the wire has not.
func TestTheSuiteOverTheWire(t *testing.T) {
	o, least := conformance.Options{Seeds: []uint64{1}}, 12
	if testing.Short() {
		o.Only, least = []string{"F12", "F14", "F15", "F37", "PC04", "KH03", "AU01", "AU05"}, 7
	}
	r, err := conformance.Judge(simulated, o)
	require.NoError(t, err)
	passed := 0
	for _, p := range r.Results {
		t.Logf("%s: %v", p.Property.ID, p.Verdict)
		require.NotEqual(t, conformance.Failed, p.Verdict, "%s", p.String())
		if p.Verdict == conformance.Passed {
			passed++
		}
	}
	require.Greater(t, passed, least)
}

// A drive that refuses nothing over the wire fails.
func TestADefectOverTheWireFails(t *testing.T) {
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := simulated(w)
		return forgetful{d}, label, err
	}
	r, err := conformance.Judge(maker, conformance.Options{Seeds: []uint64{1}, Only: []string{"F12", "F14", "F15", "AU01", "PC04"}})
	require.NoError(t, err)
	require.NotEmpty(t, r.Failed())
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
