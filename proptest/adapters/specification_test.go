package adapters_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// TestSpecification: docs/adapter.md names every request, argument and field of a reply that the
// client has, and every refusal.
func TestSpecification(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "adapter.md"))
	require.NoError(t, err)
	for c := drive.NotAuthorized; c <= drive.OutOfRange; c++ {
		require.Contains(t, string(page), "`"+c.Error()+"`")
	}
	seen := 0
	for _, name := range []string{"program.go", "device.go", "capabilities.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, of := range []*regexp.Regexp{
			regexp.MustCompile(`(?:ask|must)\("([a-z-]+)"`),
			regexp.MustCompile(`take\(r, "([a-z_]+)"`),
			regexp.MustCompile(`r\.(?:bytes|pin)\("([a-z_]+)"`),
			regexp.MustCompile(`"([a-z_]+)": *[a-zA-Z]`),
			regexp.MustCompile(`args\["([a-z_]+)"\]`),
		} {
			for _, m := range of.FindAllStringSubmatch(string(source), -1) {
				if m[1] == "image" { // never sent
					continue
				}
				seen++
				require.Regexp(t, "`"+m[1]+"`", string(page), "%s: %s", name, m[0])
			}
		}
	}
	require.Greater(t, seen, 60)
}
