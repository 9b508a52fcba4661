package main

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// unforgetting is a medium that does not forget.
type unforgetting struct{ drive.Media }

func (unforgetting) Discard(_, _ uint64) error { return errors.New("it does not forget") }

// A sanitize operation that failed is shown, refuses data with a hint, and is left by the command that the hint names.
func TestAFailedSanitizeOperation(t *testing.T) {
	for _, unrestricted := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "a.drive")
		newDriveFile(t, path, "FDE00001")
		d, err := drive.OpenFile(path, drive.FileOptions{Entropy: rand.Reader, Wrap: func(p drive.Parts) drive.Parts {
			p.Media = unforgetting{p.Media}
			return p
		}})
		require.NoError(t, err)
		require.NoError(t, d.PowerOn())
		require.NoError(t, d.Sanitize(drive.SanitizeOrder{Action: drive.BlockErase, Unrestricted: unrestricted}))
		for more := true; more; {
			more, err = d.SanitizeStep(1 << 20)
			require.NoError(t, err)
		}
		require.NoError(t, d.Close())

		fdelab := func(args ...string) (code int, said string) {
			var out strings.Builder
			code = run(append([]string{"drive"}, args...), strings.NewReader(""), &out, &out)
			return code, out.String()
		}
		state := "Restricted Failure"
		if unrestricted {
			state = "Unrestricted Failure"
		}
		code, said := fdelab("info", path)
		require.Equal(t, exitDone, code)
		require.Contains(t, said, "\nsanitize    "+state+": the block erase failed in "+strings.Replace(state, "Failure", "Processing", 1)+"\n")
		code, said = fdelab("read", path)
		require.Equal(t, exitFailed, code)
		require.Contains(t, said, "hint: fdelab drive sanitize begins another operation")
		code, said = fdelab("sanitize", path, "--action", "continue")
		require.Equal(t, exitFailed, code)
		require.Contains(t, said, state)
		code, said = fdelab("sanitize", path, "--action", "exit-failure")
		if unrestricted {
			require.Equal(t, exitDone, code, said)
			require.Contains(t, said, "failure mode is left; not all data may be gone")
			_, said = fdelab("info", path)
			require.Contains(t, said, "\nsanitize    the last block erase failed, and its failure was left\n")
		} else {
			require.Equal(t, exitFailed, code)
			require.Contains(t, said, "sanitize failed")
			code, said = fdelab("sanitize", path, "--action", "start-block-erase", "--yes")
			require.Equal(t, exitDone, code, said)
			require.Contains(t, said, "sanitized by block erase")
		}
		code, said = fdelab("read", path)
		require.Equal(t, exitDone, code, said)
	}
}
