package conformance_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// within gives each command of a device a time that no sound one needs.
func within(command string, do func()) {
	const most = 20 * time.Second
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		do()
	}()
	select {
	case p := <-ended:
		if p != nil {
			panic(p)
		}
	case <-time.After(most):
		panic(&conformance.Hung{Why: fmt.Sprintf("no answer to %s within %v", command, most)})
	}
}

// seeds are three, and one in short mode.
func seeds() []uint64 {
	if testing.Short() {
		return []uint64{1}
	}
	return []uint64{1, 2, 3}
}

// TestDrive: the drive of this project conforms.
func TestDrive(t *testing.T) {
	conformance.Run(t, conformance.Simulated, conformance.Options{Within: within, Seeds: seeds()})
}

// TestNoPropertyIsLeftUnjudged: the simulated drive is judged by every property that needs no wire,
// so that none of them is one that cannot pass.
func TestNoPropertyIsLeftUnjudged(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped in short mode: TestDrive runs the same properties")
	}
	report, err := conformance.Judge(conformance.Simulated, conformance.Options{Seeds: []uint64{1}, Within: within})
	require.NoError(t, err)
	for _, r := range report.Results {
		switch needs := r.Property.Needs; {
		case slices.Contains(needs, conformance.SpeaksTCG):
		default:
			require.Equal(t, conformance.Passed, r.Verdict, "%s", r.String())
		}
	}
}

func newForeign(w conformance.Wish) (conformance.Device, drive.Label, error) {
	var random io.Reader = entropy.Stream(w.Seed, "foreign")
	d := &foreign{random: random, media: map[uint64][]byte{}, on: true, id: conformance.Identity{
		Maker: "another", Model: "JSON", Serial: "1", SectorSize: w.SectorSize, Sectors: w.Sectors, TryLimit: w.TryLimit, Persistent: true,
	}}
	d.chip = d.draw(32)
	msid, err := drive.NewPIN(d.draw(32))
	if err != nil {
		return nil, drive.Label{}, err
	}
	psid, err := drive.NewPIN(d.draw(32))
	if err != nil {
		return nil, drive.Label{}, err
	}
	d.msid, d.psid = msid, psid
	return d, drive.Label{Serial: "1", MSID: msid, PSID: psid}, d.Revert(psid)
}

// TestForeignDriveIsNotAccused: a sound drive of another make, with a record and wraps that the
// suite knows nothing of, fails no property.
func TestForeignDriveIsNotAccused(t *testing.T) {
	report, err := conformance.Judge(newForeign, conformance.Options{Seeds: seeds()})
	require.NoError(t, err)
	verdicts := map[conformance.Verdict]int{}
	for _, r := range report.Results {
		verdicts[r.Verdict]++
		t.Log(r.String())
		require.NotEqual(t, conformance.Failed, r.Verdict, r.String())
	}
	require.NotZero(t, verdicts[conformance.Passed])
	require.NotZero(t, verdicts[conformance.NotJudged])
	for _, r := range report.Results {
		if slices.Contains([]string{"F01", "F11", "RM01"}, r.Property.ID) {
			require.Equal(t, conformance.Passed, r.Verdict, "the thief opens AES-GCM, too: %v", r.String())
		}
	}
}

// oneChip is the foreign drive where all have the same key in the chip: the flash and a PIN are enough.
func oneChip(w conformance.Wish) (conformance.Device, drive.Label, error) {
	d, _, err := newForeign(w)
	f := d.(*foreign)
	f.chip = bytes.Repeat([]byte{7}, 32)
	return f, drive.Label{Serial: "1", MSID: f.msid, PSID: f.psid}, errors.Join(err, f.Revert(f.psid))
}

// ofItself is the foreign drive that derives from its own flash, whatever dump it is given.
type ofItself struct{ *foreign }

func (o ofItself) KEKs(_ drive.Dump, pin drive.PIN) []*secret.Key32 {
	return o.foreign.KEKs(o.Dump(), pin)
}

// TestShortPINsOfADriveOfAnotherMake: a drive that derives in its own way is judged by what another one
// derives from its flash. Where that says nothing, nothing passes.
func TestShortPINsOfADriveOfAnotherMake(t *testing.T) {
	for name, c := range map[string]struct {
		make    conformance.Maker
		verdict conformance.Verdict
		why     string
	}{
		"sound":    {newForeign, conformance.Passed, ""},
		"one chip": {oneChip, conformance.Failed, "a device with another chip derives the key from this flash and a short PIN"},
		"of itself": {func(w conformance.Wish) (conformance.Device, drive.Label, error) {
			d, label, err := newForeign(w)
			return ofItself{d.(*foreign)}, label, err
		}, conformance.NotJudged, "do not depend on the dump"},
	} {
		r, err := conformance.Judge(c.make, conformance.Options{Only: []string{"F11"}, Seeds: []uint64{1}})
		require.NoError(t, err)
		require.Equal(t, c.verdict, r.Results[0].Verdict, "%s: %v", name, r.Results[0].String())
		require.Contains(t, r.Results[0].Why, c.why, name)
	}
}

// TestTheExampleIsShort: a drive of another make needs at most 150 lines, blank ones not counted.
func TestTheExampleIsShort(t *testing.T) {
	b, err := os.ReadFile("example_device_test.go")
	require.NoError(t, err)
	_, device, found := strings.Cut(string(b), "// vault is ")
	require.True(t, found)
	device, _, found = strings.Cut(device, "\n// A drive of another make")
	require.True(t, found)
	lines := 0
	for line := range strings.Lines(device) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	require.LessOrEqual(t, lines, 150)
	t.Log(lines)
}

// TestRows: each row has a property, or a reason why there is none.
func TestRows(t *testing.T) {
	byRow := map[int]*conformance.Property{}
	for _, p := range conformance.Properties() {
		if p.Row > 0 {
			require.Nil(t, byRow[p.Row], "row %d has one property", p.Row)
			byRow[p.Row] = p
		}
	}
	rows := conformance.Rows()
	require.Len(t, rows, 40)
	for i, r := range rows {
		require.Equal(t, i+1, r.Number, "rows are in order")
		require.NotEmpty(t, r.Source, "row %d cites where it was found", r.Number)
		require.NotRegexp(t, `SP 800-88 Rev\. 2(?: section [0-9.]+)?(?:$|[^ ]| [^(]| \([^n])`, r.Source, "row %d says that nobody here has read it", r.Number)
		require.True(t, byRow[r.Number] != nil || r.Why != "", "row %d has a property or says why not", r.Number)
	}
}
