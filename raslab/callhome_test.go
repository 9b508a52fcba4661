package raslab

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// rotten gives a facility one event: BE3400B3 for R1-I1-D03.
func rotten(t *testing.T, l *Lab) {
	t.Helper()
	arm(t, l, "R1-I1-D03", "(flash.read.rot)")
	ok(t, l)(l.PowerCycle())
	advance(t, l, time.Hour)
}

func TestAnEventIsWhatAServicePersonKnows(t *testing.T) {
	l := encrypted(t, Options{})
	rotten(t, l)
	e := only(t, l, "BE3400B3", "R1-I1-D03")
	require.Equal(t, src.Serious, e.Severity)
	require.Equal(t, []int{0, 1}, e.Partitions, "both partitions report it")
	d, err := l.plant.Drive("R1-I1-D03")
	require.NoError(t, err)
	require.Equal(t, []FRU{
		{Order: 1, Kind: src.Procedure},
		{Order: 2, Kind: src.Drive, Part: "00FD532", Location: d.Location, Serial: d.Serial},
		{Order: 3, Kind: src.Enclosure, Part: "00FD910", Location: "U5791.S10.0001"},
	}, e.FRUs, "software checks first, then the drive, then what it is plugged into")
	require.Equal(t, "2107-961", l.MachineType())
	require.Equal(t, "75NR640", l.UnitSerial(), "the storage unit of storage image 75NR641")
	require.Equal(t, CallHome{State: CallAcknowledged, Number: "10001", When: e.First}, e.Call, "the request for service went out with the event")
}

func TestAServerInAnEventIsAFRUWithoutAPart(t *testing.T) {
	l := encrypted(t, Options{})
	for _, h := range l.customer.KeyServers() {
		h.Store().PowerOff()
	}
	fails(t, l)(l.PowerCycle())
	for _, e := range l.events.OpenEvents() {
		if e.SRC != "BE14CFE0" && e.SRC != "BE14E008" {
			continue
		}
		var servers []string
		for _, f := range e.FRUs {
			if f.Kind == src.KeyServer {
				require.Empty(t, f.Part, "%s: the maker has no part number for the customer's machine", e.SRC)
				servers = append(servers, f.Location)
			}
		}
		require.Equal(t, e.Locations, servers, "%s: its location is that of the event", e.SRC)
		return
	}
	t.Fatal("no event of the key servers was opened\n" + l.TraceText())
}

// Each part of the way of a request for service is broken in turn.
func TestCallHomeMeetsWhatIsBroken(t *testing.T) {
	for _, c := range []struct {
		name string
		hurt func(l *Lab) error
		want CallState
		why  string
		mend func(l *Lab) error
	}{
		{
			"both networks to the centre are cut",
			func(l *Lab) error { return errors.Join(l.CutOutside(1, true), l.CutOutside(2, true)) },
			CallWaiting, "HMC2 does not reach the support centre",
			func(l *Lab) error { return l.CutOutside(1, false) },
		},
		{
			"the other console gets through",
			func(l *Lab) error { return l.CutOutside(1, true) },
			CallAcknowledged, "", nil,
		},
		{
			"the consoles are off",
			func(l *Lab) error { return errors.Join(l.PowerConsole(1, false), l.PowerConsole(2, false)) },
			CallWaiting, "partition and management console cannot talk: HMC2",
			func(l *Lab) error { return l.PowerConsole(2, true) },
		},
		{
			"the consoles hang",
			func(l *Lab) error { return errors.Join(l.HangConsole(1, true), l.HangConsole(2, true)) },
			CallWaiting, "HMC2 did not answer in time",
			func(l *Lab) error { return l.HangConsole(1, false) },
		},
		{
			"the centre takes no call",
			func(l *Lab) error { return l.support.SetSupport(SupportDown) },
			CallWaiting, "HMC2 does not reach the support centre",
			func(l *Lab) error { return l.support.SetSupport(SupportAnswers) },
		},
		{
			"the centre does not answer",
			func(l *Lab) error { return l.support.SetSupport(SupportSilent) },
			CallSent, "the support centre has not acknowledged it",
			func(l *Lab) error { return l.support.SetSupport(SupportAnswers) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := encrypted(t, Options{})
			arm(t, l, "R1-I1-D03", "(flash.read.rot)")
			ok(t, l)(l.PowerCycle())
			require.NoError(t, c.hurt(l))
			advance(t, l, time.Hour)
			e := only(t, l, "BE3400B3", "R1-I1-D03")
			require.Equal(t, c.want, e.Call.State)
			require.Equal(t, c.why, e.Call.Why)
			if c.mend == nil {
				require.NotEmpty(t, e.Call.Number)
				return
			}
			require.Empty(t, e.Call.Number, "nobody has acknowledged it")
			require.Equal(t, []int{e.ID}, l.support.CallHomeInfo().Pending)
			require.NoError(t, c.mend(l))
			advance(t, l, time.Hour)
			e = only(t, l, "BE3400B3", "R1-I1-D03")
			require.Equal(t, CallAcknowledged, e.Call.State, "an hour after it was mended it is through\n%s", history{l})
			require.Equal(t, "10001", e.Call.Number, "the centre opened one record")
			require.Empty(t, l.support.CallHomeInfo().Pending)
		})
	}
}

func TestWhatIsOffOrClosedIsNotSent(t *testing.T) {
	l := encrypted(t, Options{})
	l.SetCallHome(false)
	_, err := l.TestCallHome()
	require.ErrorIs(t, err, ErrState)
	rotten(t, l)
	e := only(t, l, "BE3400B3", "R1-I1-D03")
	require.Equal(t, CallOff, e.Call.State)
	require.NoError(t, l.support.SetSupport(SupportDown))
	l.SetCallHome(true)
	require.Equal(t, CallWaiting, only(t, l, "BE3400B3", "R1-I1-D03").Call.State, "what was held back is tried")
	got, err := l.CloseEvent(e.ID, "operator", "for the test", true)
	require.NoError(t, err)
	require.Equal(t, CallDropped, got.Call.State)
	require.NoError(t, l.support.SetSupport(SupportAnswers))
	advance(t, l, 30*time.Minute)
	got, err = l.events.Event(e.ID)
	require.NoError(t, err)
	require.Equal(t, CallDropped, got.Call.State, "the support centre is not told of what is over")
}
