package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// frail is a device that is gone after some questions, and counts how many are open.
type frail struct {
	*foreign
	left int
	open *int
}

func (d *frail) Identify() (conformance.Identity, error) {
	if d.left--; d.left < 0 {
		panic(&conformance.Hung{Why: "it is gone"})
	}
	return d.foreign.Identify()
}

func (d *frail) Close() error {
	*d.open--
	return nil
}

// TestDevicesAreClosed: a property has few devices open at a time, and none in the end.
func TestDevicesAreClosed(t *testing.T) {
	open, most := 0, 0
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := newForeign(w)
		open++
		most = max(most, open)
		return &frail{d.(*foreign), 1 << 20, &open}, label, err
	}
	_, err := conformance.Judge(maker, conformance.Options{Only: []string{"F23"}, Seeds: []uint64{1}})
	require.NoError(t, err)
	require.Equal(t, 0, open)
	require.Equal(t, 5, most, "four, and the one that takes the place of the oldest")
}

// TestGoneOutsideACommand: a device that is gone while it is asked something fails, and the suite
// goes on.
func TestGoneOutsideACommand(t *testing.T) {
	open := 0
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := newForeign(w)
		return &frail{d.(*foreign), 1, &open}, label, err
	}
	report, err := conformance.Judge(maker, conformance.Options{Only: []string{"F35", "F18"}, Seeds: []uint64{1}})
	require.NoError(t, err)
	require.Equal(t, conformance.Failed, report.Results[0].Verdict)
	require.Equal(t, "it is gone", report.Results[0].Why)
	require.Equal(t, conformance.Passed, report.Results[1].Verdict, report.Results[1].String())

	maker = func(conformance.Wish) (conformance.Device, drive.Label, error) {
		panic(&conformance.Hung{Why: "it does not start"})
	}
	_, err = conformance.Judge(maker, conformance.Options{})
	require.ErrorContains(t, err, "it does not start")
}
