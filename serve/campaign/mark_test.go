//go:build unix

package campaign

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// dieAtTheMark is a process that is killed as soon as the state of a campaign is stored: before its mark is there, or after.
func dieAtTheMark(dir, text, when string) error {
	p, err := campaign.Parse(text)
	if err != nil {
		return err
	}
	s, err := Open(dir)
	if err != nil {
		return err
	}
	nc, err := s.Connect()
	if err != nil {
		return err
	}
	_, err = Coordinate(context.Background(), nc, p, Options{begun: func(id string) error {
		if when == "after" {
			if err := s.mark(id); err != nil {
				return err
			}
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		_ = self.Kill()
		select {}
	}, Progress: func(*State) { os.Exit(1) }}) // it goes on, and nobody was told that it has begun
	return err
}

// TestKilledAtTheMark: whoever is killed about the moment that a campaign begins leaves a folder that goes on.
func TestKilledAtTheMark(t *testing.T) {
	t.Parallel()
	const text = "idle jobs=20"
	for _, when := range []string{"before", "after"} {
		dir := filepath.Join(t.TempDir(), "campaign")
		dies := begins(t, "mark", dir, text, when)
		<-dies.over
		require.Equal(t, -1, dies.cmd.ProcessState.ExitCode(), "it was killed")
		id, err := markOf(dir)
		require.NoError(t, err)
		require.Equal(t, when == "after", id != "")
		s, err := Run(t.Context(), plan(t, text), dir, 1, Options{})
		require.NoError(t, err)
		require.Equal(t, Done, s.Over)
		require.Equal(t, uint64(20), s.Report.Merged)
	}
}

// halfDone is a folder with a campaign that was interrupted.
func halfDone(t *testing.T, p *campaign.Plan) string {
	dir := filepath.Join(t.TempDir(), "campaign")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	s, err := Run(ctx, p, dir, 1, Options{Progress: func(s *State) {
		if s.Report.Merged > 0 {
			interrupt()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Positive(t, s.Report.Merged)
	return dir
}

// TestDamageIsNoNewCampaign: where a state is damaged or gone nothing begins, and nobody is told that nothing has begun.
func TestDamageIsNoNewCampaign(t *testing.T) {
	t.Parallel()
	p := plan(t, "idle jobs=100000")
	of := func(dir string) string {
		all, err := filepath.Glob(filepath.Join(dir, streamsDir, "jetstream", "*", "streams", "KV_"+stateBucket))
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	for name, damage := range map[string]func(dir string) error{
		"overwritten": func(dir string) error {
			blocks, err := filepath.Glob(filepath.Join(of(dir), "msgs", "*.blk"))
			for _, block := range blocks {
				b, err := os.ReadFile(block)
				if err != nil {
					return err
				}
				rnd := rand.New(rand.NewPCG(1, 1))
				for i := range b {
					b[i] = byte(rnd.IntN(256))
				}
				if err := os.WriteFile(block, b, 0o600); err != nil {
					return err
				}
			}
			return err
		},
		"cut off": func(dir string) error {
			blocks, err := filepath.Glob(filepath.Join(of(dir), "msgs", "*.blk"))
			for _, block := range blocks {
				if err := os.Truncate(block, 30); err != nil {
					return err
				}
			}
			return err
		},
		"gone":     func(dir string) error { return os.RemoveAll(of(dir)) },
		"all gone": func(dir string) error { return os.RemoveAll(filepath.Join(dir, streamsDir)) },
		"no mark":  func(dir string) error { return os.WriteFile(filepath.Join(dir, markFile), []byte("?"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := halfDone(t, p)
			require.NoError(t, damage(dir))
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			_, err := Run(ctx, p, dir, 1, Options{Progress: func(*State) { interrupt() }}) // or it begins
			require.ErrorIs(t, err, ErrDamaged)
			require.ErrorContains(t, err, dir)
			_, _, err = Reach(dir)
			require.ErrorIs(t, err, ErrDamaged)
		})
	}
}

// TestStateGoneAtAServer: jobs of a campaign without a state are not those of one that begins.
func TestStateGoneAtAServer(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	nc := connect(t, s)
	p := plan(t, "idle jobs=20")
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := Coordinate(ctx, nc, p, Options{Progress: func(*State) { interrupt() }})
	require.ErrorIs(t, err, context.Canceled)
	kv, err := streams(nc).KeyValue(t.Context(), stateBucket)
	require.NoError(t, err)
	require.NoError(t, kv.Purge(t.Context(), p.ID()))
	ctx, interrupt = context.WithCancel(t.Context())
	defer interrupt()
	state, err := Coordinate(ctx, nc, p, Options{Progress: func(*State) { interrupt() }}) // or it begins
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, "there are 20 jobs and results, and no state")
	require.Nil(t, state)
}
