package proptest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkActions is one property-test action with real cryptography: the command on the drive and
// on the model, the comparison, a read, and a share of an audit. The actions are sessions of all
// authorities, key steps, data and power cycles.
func BenchmarkActions(b *testing.B) {
	m, err := NewMachine(Options{})
	require.NoError(b, err)
	round := benchRound()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := m.Do(round[i%len(round)]); err != nil {
			b.Fatal(err)
		}
		if len(m.commands) > 1<<12 {
			m.commands, m.trace = m.commands[:0], m.trace[:0]
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "actions/s")
}

// benchRound owns a range, uses it, changes its PIN, loses power, unlocks and erases.
func benchRound() []Command {
	text := "authenticate BandMaster0 1; genkey; migrate 4; close; write 0 1 1; read 0 1; power-off; power-on; read 0 1; " +
		"authenticate BandMaster0 4; set-locks --; close; read 0 1; write 8 1 2; authenticate BandMaster0 4; set-pin 5; close; " +
		"authenticate BandMaster0 4; authenticate BandMaster0 5; set-range 0 0 rw 1; close; read 8 1; self-test; reset 1; " +
		"authenticate BandMaster1 1; set-range 8 8 -- 1; close; write 8 1 3; read 8 1; " +
		"authenticate EraseMaster 1; erase 0; erase-all; close; write 1 1 4; read 1 1; revert-psid 2"
	all, err := ParseCommands(text)
	if err != nil {
		panic(err)
	}
	return all
}

// BenchmarkSweep is one point of a sweep: a new drive, the commands up to the cut,
// the cut, the power-on, the audit and the forensic search.
func BenchmarkSweep(b *testing.B) {
	points := 0
	for b.Loop() {
		r, err := Sweep(SweepOptions{Operations: []string{"rekey", "erase"}, Ranges: []int{2}})
		require.NoError(b, err)
		points += r.Points + r.Uncut
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
}
