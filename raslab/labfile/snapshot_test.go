package labfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// program is the options of a program of this name.
func program(name string) Options {
	return Options{Program: func() (string, error) { return name, nil }}
}

// eraseDay is a drive that fails and is repaired, and what a person looks at meanwhile: proofs, searches, certificates.
func eraseDay(slot string) []string {
	return []string{
		"raid exchange drive=" + slot, "time advance by=2h", "drive list only=odd", "event list", "shelf order", "custody list",
		"power cycle", "keygrp newgroupkey", "keygrp rekey drive=" + slot, "erase run drive=R1-I2-D03", "rank check rank=R0",
		"repair start drive=" + slot, "repair exchange drive=" + slot, "repair resume drive=" + slot, "time advance by=9h",
		"discontinue scan", "erase certificate drive=R1-I2-D03",
	}
}

// longJournal is the journal of a lab that is long enough for a snapshot.
var longJournal = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "labfile")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	dir := filepath.Join(folder, "lab")
	l, err := Create(dir, Options{})
	if err != nil {
		return nil, err
	}
	lines := []string{
		"lab new drives=32 seed=7", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1",
		"rank write rank=R0 count=64",
	}
	for day := 0; len(l.Entries()) < snapshotNews; day++ {
		for _, line := range lines {
			_ = l.Session().Run(line, io.Discard)
		}
		lines = eraseDay(fmt.Sprintf("R1-I1-D%02d", 1+day%8))
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, journalName))
})

// longLab is a lab that is long enough for a snapshot.
func longLab(t *testing.T) string {
	t.Helper()
	journal, err := longJournal()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "lab")
	require.NoError(t, os.Mkdir(dir, created))
	require.NoError(t, os.WriteFile(filepath.Join(dir, journalName), journal, 0o600))
	return dir
}

// facility is all that is in a facility, the flash and the media of its drives included.
func facility(t *testing.T, l *Lab) string {
	t.Helper()
	var b bytes.Buffer
	for _, lab := range l.session.Labs() {
		fmt.Fprintf(&b, "%+v\n%s", console.Snapshots(l.session), lab.TraceText())
		parts := lab.Shelf().Parts()
		for _, s := range lab.Drives() {
			if p, err := lab.Part(s.Slot); err == nil {
				parts = append(parts, p)
			}
		}
		for _, p := range parts {
			d := p.Drive.Dump()
			fmt.Fprintf(&b, "%s %+v\n", p.Serial(), d.Flash)
			for _, lba := range d.Written {
				sector, ok := d.Sector(lba)
				fmt.Fprintf(&b, "%d %x %v\n", lba, sha256.Sum256(sector), ok)
			}
		}
		for _, r := range lab.Custody() {
			cert := r.Certificate
			r.Certificate = nil
			fmt.Fprintf(&b, "%+v %+v\n", r, cert)
		}
	}
	return b.String()
}

func opened(t *testing.T, dir string, o Options) *Lab {
	t.Helper()
	l, err := Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestASnapshotChangesNothing: a lab that begins with a snapshot is the one that is played from the beginning, and both go on
// alike for hundreds of commands: traces, flash, media, answers and journals.
func TestASnapshotChangesNothing(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, snapshotName)
	require.NoFileExists(t, file, "without a program there is none")
	plain := filepath.Join(t.TempDir(), "plain")
	_, err := Copy(dir, plain, 0)
	require.NoError(t, err)
	l := opened(t, dir, program("a"))
	require.Equal(t, len(l.entries), l.snapped, "one is made as soon as it is opened")
	require.NoError(t, l.Close())
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, file+".new")

	with, without := opened(t, dir, program("a")), opened(t, plain, Options{})
	require.Equal(t, len(with.entries), with.snapped)
	require.Zero(t, without.snapped)
	require.Equal(t, facility(t, without), facility(t, with))
	for day := 0; day < 35; day++ {
		for _, line := range eraseDay(fmt.Sprintf("R1-I1-D%02d", 8-day%8)) {
			var a, b bytes.Buffer
			errA, errB := with.Session().Run(line, &a), without.Session().Run(line, &b)
			require.Equal(t, fmt.Sprint(errB), fmt.Sprint(errA), line)
			require.Equal(t, b.String(), a.String(), line)
		}
	}
	require.Equal(t, facility(t, without), facility(t, with))
	was := with.snapped
	require.NoError(t, with.Close())
	require.NoError(t, without.Close())
	a, err := os.ReadFile(filepath.Join(dir, journalName))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(plain, journalName))
	require.NoError(t, err)
	require.True(t, bytes.Equal(a, b))

	with, without = opened(t, dir, program("a")), opened(t, plain, Options{})
	require.Equal(t, len(with.entries), with.snapped, "another was made when it was closed")
	require.Greater(t, with.snapped, was)
	require.Equal(t, facility(t, without), facility(t, with))
	require.NoError(t, os.Remove(file))
	require.NoError(t, with.Close())
	require.NoError(t, opened(t, dir, program("a")).Close(), "and may be deleted")
	require.FileExists(t, file)
}

// TestASnapshotThatIsNotOursIsNotRead: torn, altered, of another program, of another journal, no file at all. The lab
// opens, and the snapshot is made anew.
func TestASnapshotThatIsNotOursIsNotRead(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, snapshotName)
	l := opened(t, dir, program("a"))
	want := facility(t, l)
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	altered := bytes.Clone(whole)
	altered[len(altered)/2] ^= 1
	for what, bad := range map[string][]byte{
		"torn":            whole[:len(whole)/2],
		"altered":         altered,
		"empty":           nil,
		"another program": whole,
		"another journal": reseal(whole, func(b []byte) { b[len(snapshotHead)+4+len("a")+8] ^= 1 }),
		"longer journal":  reseal(whole, func(b []byte) { b[len(snapshotHead)+4+len("a")+6]++ }),
		"no graph":        reseal(whole, func(b []byte) { clear(b[len(snapshotHead)+4+len("a")+8+sha256.Size:]) }),
	} {
		require.NoError(t, os.WriteFile(file, bad, 0o600))
		require.NoError(t, os.WriteFile(file+".new", whole[:100], 0o644), "a kill left it")
		name := "a"
		if what == "another program" {
			name = "b"
		}
		l := &Lab{dir: dir, options: program(name), program: name}
		log, err := load(dir, func(e Entry, text []byte) error {
			l.add(e, text)
			return nil
		})
		require.NoError(t, err)
		require.False(t, l.resume(), what)
		require.NoError(t, log.Close())
		l = opened(t, dir, program(name))
		require.Equal(t, want, facility(t, l), what)
		require.NoError(t, l.Close())
		require.NoFileExists(t, file+".new")
		now := opened(t, dir, program(name))
		require.Equal(t, len(now.entries), now.snapped, what)
		require.NoError(t, now.Close())
	}
	l, err = Open(dir, Options{Program: func() (string, error) { return "", errors.New("no such file") }})
	require.NoError(t, err)
	require.Zero(t, l.snapped)
	require.NoError(t, l.Close())
}

// reseal alters a snapshot, and makes the sum fit.
func reseal(whole []byte, alter func([]byte)) []byte {
	b := bytes.Clone(whole[:len(whole)-sha256.Size])
	alter(b)
	own := sha256.Sum256(b)
	return append(b, own[:]...)
}

// TestASnapshotThatLiesIsFoundOut where the entries behind it play otherwise. Then the lab is played from the beginning.
func TestASnapshotThatLiesIsFoundOut(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, snapshotName)
	l := opened(t, dir, program("a"))
	require.NoError(t, l.Session().Run("time advance by=1h", io.Discard))
	require.NoError(t, l.Close())
	other := filepath.Join(t.TempDir(), "other")
	_, err := Copy(dir, other, 0)
	require.NoError(t, err)
	// The session of another lab in which an hour more has passed.
	l = opened(t, other, Options{})
	entries := len(l.entries)
	require.NoError(t, l.session.Run("time advance by=1h", io.Discard))
	lie, err := l.session.Image()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	l = opened(t, dir, Options{})
	l.program = "a"
	top := l.snapshotTop(entries - 1)
	want := facility(t, l)
	require.NoError(t, l.Close())
	lie = append(top, lie...)
	own := sha256.Sum256(lie)
	lie = append(lie, own[:]...)
	require.NoError(t, os.WriteFile(file, lie, 0o600))
	l = opened(t, dir, program("a"))
	require.Equal(t, want, facility(t, l))
	require.NoError(t, l.Close())
	now, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotEqual(t, lie, now)
}

// TestWhatIsNotKeptIsInNoSnapshot: a command whose entry could not be written has changed the session all the same.
func TestWhatIsNotKeptIsInNoSnapshot(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	l := opened(t, dir, program("a"))
	require.NoError(t, os.Remove(filepath.Join(dir, snapshotName)))
	l.snapped = 0
	require.NoError(t, l.log.Close()) // the disk is gone
	require.Error(t, l.Session().Run("time advance by=1h", io.Discard))
	require.Error(t, l.Close())
	require.NoFileExists(t, filepath.Join(dir, snapshotName))
}
