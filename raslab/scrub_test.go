package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A self test that the drive cannot do is in the trace, with the reason.
func TestASelfTestThatFailsIsLogged(t *testing.T) {
	l := encrypted(t, Options{})
	s := l.plant.byName["R1-I1-D07"]
	s.port.part.Drive.PowerOff()
	l.scrubNow(s)
	require.Contains(t, l.TraceText(), "R1-I1-D07: self test: no power")
}

// The next health check lets a drive mend the flash page that it warned of. The drive is a good
// member meanwhile.
func TestTheHealthCheckMendsAFlashPageWithOddBytes(t *testing.T) {
	l := encrypted(t, Options{})
	p := drivePart(t, l, "R1-I1-D07") // the hourly scrub would come to it later
	before := p.Drive.Status().KeyGeneration
	last := 8*p.Flash.Geometry().PageSize - 1
	for _, page := range p.Flash.Dump() {
		require.NoError(t, p.Flash.Decay(page.Block, page.Page, last), "one bit behind each record rots")
	}
	ok(t, l)(l.PowerCycle())
	require.True(t, p.Drive.Status().ScrubNeeded)
	require.Equal(t, drive.Configured, p.Drive.Status().State, "the record is whole")
	advance(t, l, time.Hour)
	require.False(t, p.Drive.Status().ScrubNeeded, "%s", history{l})
	require.Equal(t, before, p.Drive.Status().KeyGeneration, "no key changed")
	require.Contains(t, l.TraceText(), "the flash page of the key record needs a self test")
	noEvents(t, l)
	normal(t, l, "R1-I1-D07")
	readable(t, l)
}
