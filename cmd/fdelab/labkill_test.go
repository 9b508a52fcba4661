//go:build unix

package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

var (
	labKills = flag.Int("labkills", 100, "how often TestALabSurvivesKills kills fdelab shell; a tenth in a short run")
	labSeed  = flag.Uint64("labseed", 0, "seed of the moments at which it does; 0: of the clock")
)

// TestALabSurvivesKills: a shell in a lab that is kept is killed at any moment. Every command that was answered is
// in the lab, and at most the one that was under way besides.
func TestALabSurvivesKills(t *testing.T) {
	exe, err := exec.LookPath("fdelab")
	require.NoError(t, err)
	kills := *labKills
	if testing.Short() {
		kills /= 10
	}
	seed := *labSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay: -run TestALabSurvivesKills -labkills=%d -labseed=%d", *labKills, seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "lab")
	require.Equal(t, exitDone, run([]string{"lab", "create", dir, "-c", "lab new drives=8"}, strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	const start = 2 // entries
	answered, midway := 0, 0
	for kill := range kills {
		cmd := exec.Command(exe, "shell", "--lab", dir)
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		answers := bufio.NewScanner(out)
		for range rng.IntN(8) {
			_, err := fmt.Fprintln(in, "time advance by=1m")
			require.NoError(t, err)
			require.True(t, answers.Scan(), "kill %d: the command is answered", kill)
			answered++
			require.Equal(t, "it is 2026-01-05 "+timeAfter(answered), answers.Text(), "kill %d", kill)
		}
		if rng.IntN(4) > 0 { // one more, which is killed somewhere on its way
			_, err := fmt.Fprintln(in, "time advance by=1m")
			require.NoError(t, err)
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
		}
		require.NoError(t, cmd.Process.Kill())
		for answers.Scan() { // an answer may have been on its way
			answered++
		}
		_ = cmd.Wait()
		entries, err := labfile.Read(dir)
		require.NoError(t, err, "kill %d", kill)
		require.GreaterOrEqual(t, len(entries)-start, answered, "kill %d: what was answered is kept", kill)
		require.LessOrEqual(t, len(entries)-start, answered+1, "kill %d", kill)
		if len(entries)-start > answered {
			midway++
		}
		answered = len(entries) - start
	}
	l, err := labfile.Open(dir, labfile.Options{})
	require.NoError(t, err)
	require.Equal(t, timeAfter(answered), l.Session().Lab().Now().Format(time.TimeOnly))
	require.NoError(t, l.Close())
	t.Logf("%d kills, %d commands, of which %d were kept without having been answered", kills, answered, midway)
	require.NotZero(t, answered)
}

// timeAfter is the virtual time of day when so many minutes were let pass.
func timeAfter(minutes int) string {
	return time.Date(2026, 1, 5, 8, minutes, 0, 0, time.UTC).Format(time.TimeOnly)
}
