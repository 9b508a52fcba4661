package raslab

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failing lets the member of R0 in a slot show media errors until its failure is predicted.
func failing(t *testing.T, l *Lab, slotName string) {
	t.Helper()
	arm(t, l, slotName, "(media.read.error (LBA 1))")
	for range mediaErrorsPredict {
		readable(t, l)
	}
	d, err := l.plant.Drive(slotName)
	require.NoError(t, err)
	require.True(t, d.Predicted, "media errors predict the failure (%d)", d.Errors)
}

func TestRASStartsTheSmartRebuildOfAFailingMember(t *testing.T) {
	l := encrypted(t, Options{})
	failing(t, l, "R1-I1-D06")
	require.Empty(t, l.service.ServiceAction())
	advance(t, l, time.Hour)
	require.Equal(t, "smart rebuild of R1-I1-D06", l.service.ServiceAction(), "nobody asked for it\n%s", history{l})
	advance(t, l, time.Hour)
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.Equal(t, "R1-I1-D08", r.Info().Members[5].Slot)
	require.Empty(t, l.service.ras.predicted, "what is done is not kept")
	readable(t, l)
	noEvents(t, l)
}

func TestRASWaitsWhileItIsHeld(t *testing.T) {
	l := encrypted(t, Options{})
	l.HoldExchange(true)
	failing(t, l, "R1-I1-D06")
	advance(t, l, 5*time.Hour)
	require.Empty(t, l.service.ServiceAction())
	require.Equal(t, 1, strings.Count(l.TraceText(), "the smart rebuild of R1-I1-D06 waits: it is held"), "it says so once\n%s", history{l})
	l.HoldExchange(false)
	advance(t, l, time.Hour)
	require.Equal(t, "smart rebuild of R1-I1-D06", l.service.ServiceAction())
}

func TestRASWaitsForAServiceActionAndForASpare(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.StartRepair("R1-I1-D12"))
	failing(t, l, "R1-I1-D06")
	advance(t, l, time.Hour)
	require.Equal(t, "repair of R1-I1-D12", l.service.ServiceAction())
	ok(t, l)(l.CancelRepair("R1-I1-D12"))
	require.NoError(t, l.Break("R1-I1-D08"), "the spare dies")
	require.NoError(t, l.Break("R1-I1-D16"), "and what could be one")
	advance(t, l, 2*time.Hour)
	require.Contains(t, l.TraceText(), "the smart rebuild of R1-I1-D06 waits: DA pair 0 has no spare")
}

// The row of BE3400A2 in MAP4980: RAS initiated the exchange, and the group is inaccessible.
func TestBE3400A2ByRAS(t *testing.T) {
	l := encrypted(t, Options{})
	l.HoldExchange(true)
	failing(t, l, "R1-I1-D06")
	l.HoldExchange(false)
	require.NoError(t, l.customer.Stop(1))
	require.NoError(t, l.customer.Stop(2))
	fails(t, l)(l.PowerCycle())
	advance(t, l, 5*time.Hour)
	e := only(t, l, "BE3400A2", "R1-I1-D06")
	require.Equal(t, 1, e.Count, "it is tried again when the group is accessible, not every hour")
	require.NoError(t, l.customer.Start(1))
	advance(t, l, 2*time.Hour)
	require.Equal(t, "R1-I1-D08", rankOf(t, l).Members[5].Slot, "the facility has its key again, and RAS goes on\n%s", history{l})
	closed(t, l, e)
	readable(t, l)
}

func rankOf(t *testing.T, l *Lab) RankInfo {
	t.Helper()
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	return r.Info()
}
