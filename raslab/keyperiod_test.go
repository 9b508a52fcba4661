package raslab

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeyPeriodCanBeChanged(t *testing.T) {
	l := encrypted(t, Options{})
	asked := func() string {
		a, err := l.keys.GroupAccess(1)
		must(t, err)
		return a[0].LastSuccess.Format("02 15:04")
	}
	advance(t, l, 7*time.Hour) // 15:00
	must(t, l.SetKeyPeriod(2*time.Hour))
	advance(t, l, time.Hour)
	require.Equal(t, "05 08:00", asked(), "the retrieval that was due at 16:00 is off")
	advance(t, l, time.Hour)
	require.Equal(t, "05 17:00", asked())
	advance(t, l, 2*time.Hour)
	require.Equal(t, "05 19:00", asked())
	must(t, l.SetKeyPeriod(24*time.Hour))
	advance(t, l, 23*time.Hour)
	require.Equal(t, "05 19:00", asked())
	advance(t, l, time.Hour)
	require.Equal(t, "06 19:00", asked())
	require.Equal(t, 24*time.Hour, l.KeyPeriod())
	for range 3 {
		must(t, l.SetKeyPeriod(time.Hour)) // the same moment asked for three times is one retrieval
	}
	stopServer(t, l, 1)
	advance(t, l, time.Hour)
	require.Equal(t, 1, openEvent(t, l, "BE14CFEA").Count)
	before := l.TraceText()
	require.ErrorIs(t, l.SetKeyPeriod(time.Second), ErrInvalid)
	require.True(t, strings.HasSuffix(l.TraceText(), before), "what was refused changed nothing")
}
