package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// TestDrive: the drive of this project conforms.
func TestDrive(t *testing.T) {
	conformance.Run(t, func(c drive.Config, p drive.Parts) (conformance.Subject, drive.Label, error) {
		d, label, err := drive.Manufacture(c, p)
		return d, label, err
	})
}

// TestRowsAreComplete: each of the 32 rows has a test or a reason.
func TestRowsAreComplete(t *testing.T) {
	rows := conformance.Rows()
	require.Len(t, rows, 32)
	for i, r := range rows {
		require.Equal(t, i+1, r.Number, "rows are in order")
		require.NotEmpty(t, r.Property)
		require.NotEmpty(t, r.Source, "row %d cites where it was found", r.Number)
		require.NotRegexp(t, `SP 800-88 Rev\. 2(?: section [0-9.]+)?(?:$|[^ ]| [^(]| \([^n])`, r.Source, "row %d says that nobody here has read it", r.Number)
		require.False(t, r.Test == "" && r.Why == "", "row %d has a test or says why it does not apply", r.Number)
	}
}
