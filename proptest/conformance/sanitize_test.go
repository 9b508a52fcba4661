package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// tidy is the drive of another make with a sanitize: a new media key, in one step. Where the range waits
// for its BandMaster it cannot.
type tidy struct {
	*foreign
	state conformance.SanitizeState
}

func (d *tidy) Sanitize() error {
	if !d.on || d.rec.ByChip == nil {
		return drive.NoPower
	}
	d.key = d.draw(64)
	d.keep(d.key, nil)
	d.commit()
	d.state = conformance.Sanitized
	return nil
}

func (d *tidy) SanitizeStatus() (conformance.SanitizeStatus, error) {
	if !d.on {
		return conformance.SanitizeStatus{}, drive.NoPower
	}
	return conformance.SanitizeStatus{State: d.state}, nil
}

// TestSanitizeOfADriveOfAnotherMake: a drive whose sanitize is one step is sound, one that keeps the key is
// not, and one that never ends, or whose progress goes back, neither.
func TestSanitizeOfADriveOfAnotherMake(t *testing.T) {
	for _, c := range []struct {
		name    string
		wrap    func(*tidy) conformance.Device
		verdict conformance.Verdict
		why     string
	}{
		{"sound", func(d *tidy) conformance.Device { return d }, conformance.Passed, ""},
		{"keeps the key", func(d *tidy) conformance.Device { return keeps{d} }, conformance.Failed, "still reads as the data whose key is gone"},
		{"never ends", func(d *tidy) conformance.Device { return &busy{tidy: d} }, conformance.Failed, "sanitize does not end"},
		{"goes back", func(d *tidy) conformance.Device { return &busy{tidy: d, back: true} }, conformance.Failed, "the progress of sanitize goes back from 65535 to 65534 of 65,536"},
		{"says it failed", func(d *tidy) conformance.Device { d.state = conformance.SanitizeFailed; return keeps{d} }, conformance.Failed, "sanitized is answered \"hardware failure\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
				d, label, err := newForeign(w)
				if err != nil {
					return nil, label, err
				}
				return c.wrap(&tidy{foreign: d.(*foreign)}), label, nil
			}
			report, err := conformance.Judge(maker, conformance.Options{Only: []string{"SA01", "SA02", "SA03", "SA04"}, Seeds: seeds()})
			require.NoError(t, err)
			for _, r := range report.Results {
				if r.Property.ID == "SA03" {
					require.Equal(t, conformance.NotJudged, r.Verdict)
					require.Equal(t, []conformance.Capability{conformance.HasBreaks}, r.Needs)
					continue
				}
				require.Equal(t, c.verdict, r.Verdict, r.String())
				if r.Property.ID == "SA01" {
					require.Contains(t, r.Why, c.why)
				}
			}
		})
	}
}

// keeps does nothing, and answers with success.
type keeps struct{ *tidy }

func (d keeps) Sanitize() error {
	if d.state != conformance.SanitizeFailed {
		d.state = conformance.Sanitized
	}
	return d.Flush()
}

// busy goes on for ever, or whose progress falls.
type busy struct {
	*tidy
	back     bool
	progress uint16
}

func (d *busy) SanitizeStatus() (conformance.SanitizeStatus, error) {
	if d.back {
		d.progress--
	}
	return conformance.SanitizeStatus{State: conformance.Sanitizing, Progress: d.progress}, nil
}
