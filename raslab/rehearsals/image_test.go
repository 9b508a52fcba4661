package rehearsals

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// TestEveryRehearsalFromImages: where each line is run in a session that was made of the image of the one before, a
// rehearsal prints what it says. So nothing that it needs is missing from an image.
func TestEveryRehearsalFromImages(t *testing.T) {
	for _, r := range All() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := console.NewSession(console.Options{})
			for _, step := range r.Transcript.Steps {
				var got strings.Builder
				for _, c := range step.Commands {
					b, err := s.Image()
					require.NoError(t, err, c.Text)
					if s, err = console.FromImage(b, console.Options{}); err != nil {
						require.NoError(t, err, c.Text)
					}
					console.RunLine(s, c.Text, &got)
				}
				require.Equal(t, step.Output, got.String(), "%s:%d", r.Name, step.Commands[0].Line)
			}
		})
	}
}
