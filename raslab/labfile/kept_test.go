package labfile

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// unsynced is a journal that does not wait for the disk.
type unsynced struct{ journal.File }

func (unsynced) Sync() error { return nil }

// BenchmarkKept runs commands in a lab that is kept, without waiting for the disk, and in a session of its own, in
// turns, and reports how many times as long the first takes: of a command that does almost nothing, and of a day.
func BenchmarkKept(b *testing.B) {
	start := []string{"lab new drives=32 seed=7", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", "rank write rank=R0 count=64"}
	for name, lines := range map[string][]string{
		"least": {"time now"},
		"look":  {"drive list", "event list which=all", "rank show rank=R0", "keygrp show", "keymgr list"},
		"day":   eraseDay("R1-I1-D05"),
	} {
		b.Run(name, func(b *testing.B) {
			l, err := Create(filepath.Join(b.TempDir(), "lab"), Options{})
			require.NoError(b, err)
			l.log.Wrap(func(f journal.File) journal.File { return unsynced{f} })
			free := console.NewSession(console.Options{})
			for _, line := range start {
				require.NoError(b, l.Session().Run(line, io.Discard))
				require.NoError(b, free.Run(line, io.Discard))
			}
			var took [2]time.Duration
			for b.Loop() {
				for _, line := range lines {
					at := time.Now()
					_ = l.Session().Run(line, io.Discard)
					between := time.Now()
					_ = free.Run(line, io.Discard)
					took[0] += between.Sub(at)
					took[1] += time.Since(between)
				}
			}
			b.ReportMetric(float64(took[0])/float64(took[1]), "ratio")
			require.NoError(b, l.Close())
		})
	}
}
