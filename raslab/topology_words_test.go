package raslab

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsShownPrintsInOneLine: whatever a facility tells of itself prints as a sentence.
func TestWhatIsShownPrintsInOneLine(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.Pull("R1-I1-D16"))
	r, err := l.plant.Rank("R0")
	must(t, err)
	require.Equal(t, "R0: Normal, data Normal, array A0, key group 1, 7 members", fmt.Sprint(r.Info()))
	require.Equal(t, `R1-I1-D01: drive 75NR641-0001, in sync`, fmt.Sprint(r.Info().Members[0]))
	var drives []string
	for _, d := range l.Drives() {
		drives = append(drives, fmt.Sprint(d))
	}
	require.Equal(t, "R1-I1-D01: drive 75NR641-0001, Normal, array member", drives[0])
	require.Equal(t, "R1-I1-D16: empty", drives[15])
	require.Equal(t, "no certificate", fmt.Sprint(CertificateInfo{}))
	require.Equal(t, "key group 1: accessible, 7 members", fmt.Sprint(l.Groups()[0]))
	require.Equal(t, "key manager 1: keyserver1.example.com, port 5696, key group 1, active, normal", fmt.Sprint(l.KeyManagers()[0]))
}
