package encgroup

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKeyLife: what is said of a key before a date, at it and after it.
func TestKeyLife(t *testing.T) {
	day := 24 * time.Hour
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for name, c := range map[string]struct {
		life  KeyLife
		says  string
		stage int
		state KeyState // at the moment
	}{
		"nothing is said":                  {KeyLife{}, "", 0, KeyStateUnknown},
		"a date that passed, and no state": {KeyLife{Deactivation: in(-day)}, "", 0, KeyStateUnknown},
		"pre-active":                       {KeyLife{State: KeyPreActive}, "", 0, KeyPreActive},
		"active, with dates far away":      {KeyLife{State: KeyActive, Deactivation: in(91 * day), ProtectStop: in(91 * day)}, "", 0, KeyActive},
		"active for 90 days":               {KeyLife{State: KeyActive, Deactivation: in(90 * day)}, "the data key is deactivated on 2027-02-28 12:00:00", 1, KeyActive},
		"active for a second":              {KeyLife{State: KeyActive, Deactivation: in(time.Second)}, "the data key is deactivated on 2026-11-30 12:00:01", 1, KeyActive},
		"active, and its time is up":       {KeyLife{State: KeyActive, Deactivation: now}, "the data key is deactivated since 2026-11-30 12:00:00", 2, KeyDeactivated},
		"pre-active, and its time is up":   {KeyLife{State: KeyPreActive, Deactivation: in(-day)}, "the data key is deactivated since 2026-11-29 12:00:00", 2, KeyDeactivated},
		"deactivated":                      {KeyLife{State: KeyDeactivated}, "the data key is deactivated", 2, KeyDeactivated},
		"protects nothing new":             {KeyLife{State: KeyActive, ProtectStop: now}, "the data key should protect nothing new since 2026-11-30 12:00:00", 2, KeyActive},
		"soon protects nothing new":        {KeyLife{State: KeyActive, ProtectStop: in(90 * day)}, "the data key should protect nothing new from 2027-02-28 12:00:00", 1, KeyActive},
		"an end of use after a stop":       {KeyLife{State: KeyActive, ProtectStop: in(-day), Deactivation: in(day)}, "the data key is deactivated on 2026-12-01 12:00:00", 2, KeyActive},
		"compromised":                      {KeyLife{State: KeyCompromised}, "the data key is compromised", 3, KeyCompromised},
		"compromised since":                {KeyLife{State: KeyCompromised, Compromised: in(-day), Deactivation: in(-day)}, "the data key is compromised since 2026-11-29 12:00:00", 3, KeyCompromised},
		"destroyed":                        {KeyLife{State: KeyDestroyed}, "the data key is destroyed", 4, KeyDestroyed},
		"destroyed and compromised":        {KeyLife{State: KeyDestroyedCompromised}, "the data key is destroyed, compromised before", 4, KeyDestroyedCompromised},
		"by the clock of the server":       {KeyLife{State: KeyActive, Told: in(-2 * day), Deactivation: in(-day)}, "the data key is deactivated on 2026-11-29 12:00:00", 1, KeyActive},
		"late by that clock":               {KeyLife{State: KeyActive, Told: in(2 * day), ProtectStop: in(day)}, "the data key should protect nothing new since 2026-12-01 12:00:00", 2, KeyActive},
		"over by that clock":               {KeyLife{State: KeyActive, Told: in(2 * day), Deactivation: in(day)}, "the data key is deactivated since 2026-12-01 12:00:00", 2, KeyDeactivated},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.says, c.life.Warning(now))
			require.Equal(t, c.stage, c.life.Stage(now))
			require.Equal(t, c.state, c.life.At(now).State)
			require.Equal(t, c.stage == 4, c.life.State.Destroyed())
			require.Equal(t, strings.Contains(name, "compromised"), c.life.State.Compromised())
		})
	}
	require.Equal(t, "unknown; destroyed, compromised before; key state 7", KeyStateUnknown.String()+"; "+KeyDestroyedCompromised.String()+"; "+KeyState(7).String())
}
