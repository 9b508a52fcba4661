package console

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestASerialNumberWithBlanksIsTyped: in quotes, by every command that takes a drive, and
// completed.
func TestASerialNumberWithBlanksIsTyped(t *testing.T) {
	s := NewSession(Options{Entropy: rand.Reader, Start: true})
	defer s.Close()
	file := filepath.Join(t.TempDir(), "a.drive")
	var out strings.Builder
	for _, line := range []string{
		`shelf create file=` + file + ` serial="  S 1"`, `host power drive="  S 1" to=on`, `drive show drive="  s 1"`, `shelf list`,
		`drive pull drive=R1-I1-D16`, `drive insert slot=R1-I1-D16 serial="  S 1"`, `drive show drive="  S 1"`, `erase run drive=r1-i1-d16`,
		`erase certificate drive="  S 1"`, `custody show drive="  S 1"`,
	} {
		require.NoError(t, s.Run(line, &out), line)
	}
	require.Contains(t, out.String(), `drive "  S 1" (on the shelf), `, "blanks at its ends are seen")
	require.Contains(t, out.String(), `drive "  S 1" (R1-I1-D16), `)
	require.Contains(t, out.String(), `"  S 1"  Erased`)
	require.ErrorContains(t, s.Run(`drive show drive="S 2"`, &out), "no drive S 2")

	require.NoError(t, s.Run(`drive pull drive=R1-I1-D16`, &out))
	for _, typed := range []string{`drive show drive=`, `drive show drive="`, `drive show drive="  S`, `site list; drive show drive="  S 1"`, `host write text="a;b" drive="`} {
		var texts []string
		for _, c := range Complete(s, typed) {
			texts = append(texts, c.Text)
		}
		require.Contains(t, texts, `drive="  S 1"`, "%q is completed", typed)
	}
	require.NotEmpty(t, Complete(s, `site list; dri`), "what stands before a semicolon is done")
}
