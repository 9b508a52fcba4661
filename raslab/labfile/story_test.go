package labfile_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

// story is years of a facility that is used: people look, time passes by hours, drives fail and are repaired, key
// servers come and go, keys are changed, loose drives are taken into possession and erased.
type story struct {
	lab   *labfile.Lab
	rng   *rand.Rand
	dscli *dscli.Session
}

func newStory(l *labfile.Lab, seed uint64) *story {
	s := &story{lab: l, rng: rand.New(rand.NewPCG(seed, 15)), dscli: l.DSCLI(dscli.Options{User: "admin"})}
	if l.Session().Lab() == nil {
		for _, line := range []string{
			"lab new drives=32 seed=7", "keygrp configure", "array create site=S1", "array create site=S2",
			"rank create array=A0 keygrp=1", "rank create array=A1 keygrp=1", "rank write rank=R0 count=64",
			"rank write rank=R1 count=16",
		} {
			s.do("%s", line)
		}
	}
	return s
}

// do runs a command. A refusal is an answer too.
func (s *story) do(format string, args ...any) {
	_ = s.lab.Session().Run(fmt.Sprintf(format, args...), io.Discard)
}

// until runs episodes until the lab has n entries or a few more.
func (s *story) until(n int) {
	for len(s.lab.Entries()) < n {
		s.episode()
	}
}

func (s *story) episode() {
	switch n := s.rng.IntN(100); {
	case n < 50:
		s.look()
	case n < 70:
		s.do("time advance by=%dh", 1+s.rng.IntN(8))
	case n < 76:
		s.do("rank write rank=%s lba=%d count=8", s.rank().ID, s.rng.IntN(64))
	case n < 82:
		s.keys()
	case n < 88:
		s.keyServer()
	case n < 94:
		s.repair()
	default:
		s.bench()
	}
}

func pick[T any](s *story, all []T) T { return all[s.rng.IntN(len(all))] }

func (s *story) rank() raslab.RankInfo { return pick(s, s.lab.Session().Lab().Ranks()) }

func (s *story) member() string { return pick(s, s.rank().Members).Slot }

// look is what people do most.
func (s *story) look() {
	if s.rng.IntN(3) == 0 {
		_ = s.dscli.Run(pick(s, []string{"lskeymgr", "lskeygrp", "lsrank", "lsarray", "lsddm", "showkeygrp 1"}), io.Discard, io.Discard)
		return
	}
	s.do("%s", pick(s, []string{
		"drive list", "drive list only=odd", "rank list", "event list", "event list which=all", "keygrp list", "keygrp show", "keymgr list",
		"keygrp access", "enclosure show enclosure=1", "shelf list", "time now", "lab show", "drive show drive=" + s.member(),
		"drive keys drive=" + s.member(), "rank check rank=" + s.rank().ID, "custody list", "keyserver list",
	}))
}

func (s *story) keys() {
	switch s.rng.IntN(6) {
	case 0:
		s.do("keygrp newdatakey")
	case 1:
		s.do("keygrp newgroupkey")
	case 2:
		s.do("keygrp testaccess")
	case 3:
		s.do("keygrp retrieve")
	default:
		s.do("keygrp rekey drive=%s", s.member())
	}
}

// keyServer is a key server that is away for a while, moves, or gets a new certificate.
func (s *story) keyServer() {
	n := 1 + s.rng.IntN(2)
	switch s.rng.IntN(5) {
	case 0:
		s.do("keyserver stop keyserver=%d", n)
		s.do("time advance by=%dh", 1+s.rng.IntN(12))
		s.do("event list")
		s.do("keyserver start keyserver=%d", n)
	case 1:
		s.do("keyserver service keyserver=%d to=ended", n)
		s.do("keygrp testaccess")
		s.do("keyserver service keyserver=%d to=running", n)
		s.do("keygrp testaccess")
	case 2:
		s.do("keyserver certificate keyserver=%d life=2y", n)
		s.do("keygrp testaccess keymgr=%d", n)
	case 3:
		s.do("keymgr change keymgr=%d active=no", n)
		s.do("keymgr list")
		s.do("keymgr change keymgr=%d active=yes", n)
	default:
		s.do("power cycle")
	}
	s.close()
}

// close closes the events that can be.
func (s *story) close() {
	for _, e := range s.lab.Session().Lab().Events() {
		if e.Open {
			s.do("event close event=%d", e.ID)
		}
	}
}

// repair is a drive that fails, or is about to, and is exchanged as in the rehearsals.
func (s *story) repair() {
	drive := s.member()
	if s.rng.IntN(2) == 0 {
		s.do("raid exchange drive=%s", drive)
	} else {
		s.do("drive break drive=%s", drive)
	}
	s.do("time advance by=2h")
	s.do("drive list only=odd")
	s.do("event list")
	s.do("shelf order")
	loose := s.lab.Session().Lab().Shelf().Parts()
	s.do("repair start drive=%s", drive)
	s.do("repair exchange drive=%s serial=%s", drive, loose[len(loose)-1].Serial())
	s.do("repair resume drive=%s", drive)
	s.do("time advance by=1h")
	s.do("rank check rank=%s", s.rank().ID)
	s.close()
}

// bench is work on loose drives, and on drives that belong to no rank.
func (s *story) bench() {
	if s.rng.IntN(3) == 0 {
		s.do("erase run drive=R1-I2-D%02d", 1+s.rng.IntN(16))
		return
	}
	loose := s.lab.Session().Lab().Shelf().Parts()
	if len(loose) == 0 {
		s.do("shelf order")
		return
	}
	p := pick(s, loose).Serial()
	s.do("host power drive=%s to=on", p)
	s.do("host migrate drive=%s pin=mine", p)
	s.do("host write drive=%s count=4", p)
	s.do("host rekey drive=%s old=mine new=other", p)
	s.do("host lock drive=%s pin=other", p)
	s.do("host unlock drive=%s pin=other", p)
	s.do("host erase drive=%s", p)
	s.do("host power drive=%s to=off", p)
}

// TestALongStoryIsThereAgain: the lab that is opened is the one that was left, and goes on as it would have.
func TestALongStoryIsThereAgain(t *testing.T) {
	t.Parallel()
	dir, l := create(t, labfile.Options{})
	newStory(l, 2).until(300)
	done := 0
	for _, e := range l.Entries() {
		if e.Verdict == console.Done {
			done++
		}
	}
	require.Greater(t, done, 250, "most of it is no mistake")
	was := state(t, l)
	require.NoError(t, l.Close())
	l, err := labfile.Open(dir, labfile.Options{})
	require.NoError(t, err)
	require.Equal(t, was, state(t, l))
	require.NoError(t, l.Close())
}

// TestALongStoryFromSnapshots: a lab that is closed and opened each few hundred commands, and begins with a snapshot most of
// the time, is the one that is never closed.
func TestALongStoryFromSnapshots(t *testing.T) {
	t.Parallel()
	_, whole := create(t, labfile.Options{})
	story := newStory(whole, 3)
	story.until(1700)
	o := labfile.Options{Program: func() (string, error) { return "test", nil }}
	dir, l := create(t, o)
	story = newStory(l, 3)
	for n := 300; n < 1700; n += 300 {
		story.until(n)
		require.NoError(t, story.lab.Close())
		l, err := labfile.Open(dir, o)
		require.NoError(t, err)
		story.lab, story.dscli = l, l.DSCLI(dscli.Options{User: "admin"})
	}
	require.FileExists(t, filepath.Join(dir, "snapshot"))
	story.until(1700)
	require.Equal(t, state(t, whole), state(t, story.lab))
	require.NoError(t, story.lab.Close())
	require.NoError(t, whole.Close())
}

var storyLength = flag.Int("story", 10000, "entries of the lab that BenchmarkOpen opens")

// BenchmarkOpen opens a lab of 10,000 commands, without a snapshot and with one.
func BenchmarkOpen(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "lab")
	l, err := labfile.Create(dir, labfile.Options{})
	require.NoError(b, err)
	newStory(l, 1).until(*storyLength)
	require.NoError(b, l.Close())
	for name, o := range map[string]labfile.Options{"plain": {}, "snapshot": {Program: func() (string, error) { return "bench", nil }}} {
		b.Run(name, func(b *testing.B) {
			for range 2 { // the first makes the snapshot
				l, err := labfile.Open(dir, o)
				require.NoError(b, err)
				require.NoError(b, l.Close())
			}
			for b.Loop() {
				l, err := labfile.Open(dir, o)
				require.NoError(b, err)
				require.NoError(b, l.Close())
			}
		})
	}
}
