package secsock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/tcgcases"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// sectors are those of a unit, which a host of its own moves.
type sectors struct{ u *secsock.Unit }

func (s sectors) Read(lba uint64, dst []byte) error {
	return s.u.Do(func(d *drive.Drive) error { return d.Read(lba, dst) })
}

func (s sectors) Write(lba uint64, src []byte) error {
	return s.u.Do(func(d *drive.Drive) error { return d.Write(lba, src) })
}

// Every row of TCG's list over the socket, for drives of both kinds.
func TestEveryRowOverTheSocket(t *testing.T) {
	for _, p := range drive.Personalities() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			u, label := newUnitOf(t, "CASES", p)
			cycle := func(d *drive.Drive) error { d.PowerOff(); return d.PowerOn() }
			all := tcgcases.Run(tcgcases.Bench{
				Transport: dial(t, running(t, nil, u), 0), PSID: label.PSID, Disk: sectors{u}, Sector: 512,
				Power: func() error { return u.Do(cycle) },
			})
			require.Len(t, all, 60)
			for _, v := range all {
				if v.Outcome != tcgcases.NotApplicable {
					require.Equal(t, tcgcases.Passed, v.Outcome, "%s %s: %s", v.ID, v.Name, v.Why)
				}
			}
		})
	}
}
