package facility

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

const twoRanks = "seed=5 drives=16 | group 1; array S1; rank A0 1; write R0 0 1; write R0 5 2; write R0 11 3; "

// TestNoThiefReadsAnEncryptedRank: an outsider with the factory PIN tampers with a drive before it
// joins or while it is a member, and hosts write all over the rank.
func TestNoThiefReadsAnEncryptedRank(t *testing.T) {
	const writes = "write R0 0 11; write R0 1 12; write R0 2 13; write R0 7 14; write R0 8 15; write R0 9 16; write R0 14 17; write R0 20 18; "
	for name, steps := range map[string]string{
		"a used drive with a band joins":   "used place; repair R1-I1-D03; exchange R1-I1-D03 FRU00001; resume R1-I1-D03; advance 120; " + writes,
		"a spare with a band takes over":   "outsider R1-I1-D08 place; break R1-I1-D03; advance 120; " + writes,
		"a spare with a band is copied to": "outsider R1-I1-D08 place+lock; smart-rebuild R1-I1-D03; advance 120; " + writes,
		"a band of a member":               "outsider R1-I1-D03 place; " + writes,
		"a band of a member, reset":        "outsider R1-I1-D03 erase-band+place; " + writes + "advance 120; " + writes,
		"a band of a member, owned":        "outsider R1-I1-D03 erase-band+place+own-band; " + writes + "power-cycle; " + writes,
		"the data range of a member":       "outsider R1-I1-D03 erase-data; " + writes + "outsider R1-I1-D03 own; " + writes + "advance 120; " + writes,
		"a rank of such drives":            "outsider R1-I1-D09 place; outsider R1-I1-D10 lock-band; outsider R1-I1-D11 lock; array S2; rank A1 1; write R1 0 1; write R1 3 2; write R1 9 3; power-cycle; write R1 4 3",
		"released, and back":               "outsider R1-I1-D03 erase-band+place; remove-rank R0; rank A0 1; write R0 0 4; write R0 4 5; write R0 9 4; write R0 13 5",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Replay(twoRanks + steps)
			require.NoError(t, err)
			require.Greater(t, m.thiefSearches, 6, "drives with customer data were searched")
		})
	}
}

// TestTheThiefCanBeFound: the search of a thief is not blind.
func TestTheThiefCanBeFound(t *testing.T) {
	m, err := Replay(twoRanks + "health")
	require.NoError(t, err)
	require.Positive(t, m.thiefSearches)
	p, err := m.Lab.Part("R1-I1-D01")
	require.NoError(t, err)
	v := m.memberHistories[p.Serial()]
	require.NotEmpty(t, v.held)
	// As if the drive had joined with a band that has a place: the root key opens the key of its
	// sectors.
	tampers["erase-band"](p)
	tampers["place"](p)
	require.NoError(t, p.Drive.Write(3, content(9, 3)))
	err = m.searchAsThief(p, true)
	var f *proptest.Failure
	require.ErrorAs(t, err, &f)
	require.Contains(t, f.Why, "a thief of 75NR641-0001, who has no credential, reads what it held in an encrypted rank")
	require.Contains(t, f.Why, "sector 3 in band 1")
}
