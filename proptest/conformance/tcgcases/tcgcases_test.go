package tcgcases_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/tcgcases"
)

// bench is a simulated drive with everything that the rows ask for.
func bench(t *testing.T, p drive.Personality, granularity uint64) tcgcases.Bench {
	t.Helper()
	c := drive.Config{
		Serial: "CASES1", SectorSize: 512, Sectors: 1 << 16, Ranges: 2, TryLimit: 5, Persistent: granularity > 0, PBKDF2Iterations: 1,
		Personality: p, AlignmentGranularity: granularity,
	}
	if p == drive.Opal {
		c.MBRSize, c.DataStoreSize = 1<<16, 1<<16
	}
	d, label, err := drive.Manufacture(c, drive.Parts{Flash: flash.NewMem(p.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "cases")})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	tp, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(1, "tper"), Polls: int(granularity) & 1})
	require.NoError(t, err)
	return tcgcases.Bench{
		Transport: tp, PSID: label.PSID, Disk: d, Sector: 512,
		Power: func() error { d.PowerOff(); return d.PowerOn() },
	}
}

// never are the rows that do not apply to the simulated drive of either SSC.
var never = map[string]bool{"SPF-14": true, "ETC-19": true}

func TestEveryRowOfTheList(t *testing.T) {
	for _, p := range drive.Personalities() {
		for _, granularity := range []uint64{0, 7} {
			t.Run(fmt.Sprintf("%v/%d", p, granularity), func(t *testing.T) {
				t.Parallel()
				all := tcgcases.Run(bench(t, p, granularity))
				require.Len(t, all, 60)
				passed := 0
				for _, v := range all {
					t.Logf("%s %s: %s %s", v.ID, v.Name, v.Outcome, v.Why)
					require.NotEqual(t, tcgcases.Failed, v.Outcome, "%s %s: %s", v.ID, v.Name, v.Why)
					require.NotEqual(t, tcgcases.NotJudged, v.Outcome, "%s %s: %s", v.ID, v.Name, v.Why)
					require.Equal(t, v.Outcome == tcgcases.Passed, v.Why == "", "%s: what did not pass says why", v.ID)
					require.False(t, never[v.ID] && v.Outcome == tcgcases.Passed)
					if v.Outcome == tcgcases.Passed {
						passed++
					}
				}
				require.Greater(t, passed, map[drive.Personality]int{drive.Opal: 52, drive.Enterprise: 36}[p])
			})
		}
	}
}

// Without a way to the sectors, or a hand at the power, nothing passes that needs it.
func TestWhatCannotBeSeenIsNotJudged(t *testing.T) {
	b := bench(t, drive.Opal, 0)
	b.Disk, b.Power = nil, nil
	got := map[string]tcgcases.Outcome{}
	for _, v := range tcgcases.Run(b, "uct-08", "UCT-10", "UCT-11", "SPF-05", "SPF-18", "SPF-19", "ETC-01", "ETC-24", "UCT-16") {
		got[v.ID] = v.Outcome
	}
	require.Equal(t, map[string]tcgcases.Outcome{
		"UCT-08": tcgcases.NotJudged, "UCT-10": tcgcases.NotJudged, "UCT-11": tcgcases.NotJudged, "SPF-05": tcgcases.NotJudged,
		"SPF-18": tcgcases.NotJudged, "SPF-19": tcgcases.NotJudged, "ETC-01": tcgcases.NotJudged, "ETC-24": tcgcases.NotJudged,
		"UCT-16": tcgcases.Passed,
	}, got)
}

// defect breaks what a device does, as a device with a defect would.
type defect struct {
	transport.Transport
	send func(next transport.Transport, protocol uint8, comID uint16, b []byte) error
}

func (d defect) Send(protocol uint8, comID uint16, b []byte) error {
	return d.send(d.Transport, protocol, comID, b)
}

// disk breaks what the sectors do.
type disk struct {
	tcgcases.Disk
	lies bool
}

func (d disk) Write(lba uint64, b []byte) error {
	if err := d.Disk.Write(lba, b); err != nil && !d.lies {
		return err
	}
	return nil
}

// A device with a defect fails the rows that are about it.
func TestADefectFailsItsRow(t *testing.T) {
	b := bench(t, drive.Opal, 0)
	lying := b
	lying.Disk = disk{b.Disk, true}
	for _, id := range []string{"ETC-01", "ETC-24", "SPF-18", "UCT-10"} {
		v := tcgcases.Run(lying, id)
		require.Equal(t, tcgcases.Failed, v[0].Outcome, "%s: a locked range that says it was written", id)
	}
	deaf := b
	deaf.Power = func() error { return nil }
	for _, id := range []string{"UCT-11", "SPF-19"} {
		require.Equal(t, tcgcases.Failed, tcgcases.Run(deaf, id)[0].Outcome, "%s: a power cycle that is none", id)
	}
	swallows := b
	swallows.Transport = defect{Transport: b.Transport, send: func(next transport.Transport, protocol uint8, comID uint16, p []byte) error {
		_ = next.Send(protocol, comID, p)
		return nil // refuses nothing
	}}
	for _, id := range []string{"ETC-02", "ETC-03", "SPF-12", "SPF-19"} {
		v := tcgcases.Run(swallows, id)
		require.Equal(t, tcgcases.Failed, v[0].Outcome, "%s: an interface that refuses nothing", id)
	}
}

// nods says SUCCESS to every method and true to every PIN, whatever the device did.
type nods struct{ transport.Transport }

func (n nods) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	b, err := n.Transport.Receive(protocol, comID, size)
	for i := 0; err == nil && protocol == transport.ProtocolTCG && i+6 <= len(b); i++ {
		if b[i] == 0xF9 && b[i+1] == 0xF0 && b[i+3] == 0 && b[i+4] == 0 && b[i+5] == 0xF1 { // EndOfData, and the status list behind it
			b[i+2] = 0
			if i > 3 && b[i-3] == 0xF0 && b[i-2] == 0 && b[i-1] == 0xF1 { // a result that is false
				b[i-2] = 1
			}
		}
	}
	return b, err
}

// A device that refuses nothing fails every row in which something is to be refused.
func TestADeviceThatNodsFails(t *testing.T) {
	for p, rows := range map[drive.Personality][]string{
		drive.Opal: {
			"UCT-03", "UCT-04", "UCT-05", "UCT-09", "UCT-16", "SPF-03", "SPF-04", "SPF-05", "SPF-09", "SPF-13", "SPF-19",
			"ETC-10", "ETC-11", "ETC-12", "ETC-16", "ETC-17", "ETC-18", "ETC-20", "ETC-21", "ETC-22",
		},
		drive.Enterprise: {"UCT-03", "UCT-16", "SPF-03", "SPF-04", "SPF-09", "SPF-13", "ETC-10", "ETC-11", "ETC-12", "ETC-16", "ETC-17", "ETC-21", "ETC-22"},
	} {
		for _, id := range rows {
			b := bench(t, p, 7)
			require.Equal(t, tcgcases.Passed, tcgcases.Run(b, id)[0].Outcome, "%v %s", p, id)
			b.Transport = nods{b.Transport}
			v := tcgcases.Run(b, id)[0]
			require.Equal(t, tcgcases.Failed, v.Outcome, "%v %s: %s", p, id, v.Why)
		}
	}
}

// A wrong PSID is tried once: behind the last of its tries a device is never reverted again.
func TestAWrongPSIDIsTriedOnce(t *testing.T) {
	for _, p := range drive.Personalities() {
		b := bench(t, p, 0)
		right := b.PSID
		wrong, err := drive.NewPIN([]byte("of another label"))
		require.NoError(t, err)
		b.PSID = wrong
		var outcomes []tcgcases.Outcome
		for _, v := range tcgcases.Run(b, "UCT-01", "UCT-03", "SPF-14", "ETC-16") {
			outcomes = append(outcomes, v.Outcome)
		}
		require.Equal(t, []tcgcases.Outcome{tcgcases.Failed, tcgcases.NotJudged, tcgcases.NotApplicable, tcgcases.NotJudged}, outcomes)
		used, _, err := b.Disk.(*drive.Drive).Tries(drive.PSID)
		require.NoError(t, err)
		require.Equal(t, uint16(1), used)
		b.PSID = right
		require.Equal(t, tcgcases.Passed, tcgcases.Run(b, "UCT-01")[0].Outcome)
	}
}
