package labfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
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

// longJournal is the journal of a lab that is long enough for a cache.
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
	for day := 0; len(l.Entries()) < cacheFrom; day++ {
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

// longLab is a lab that is long enough for a cache.
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
		_ = lab
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

// TestACacheChangesNothing: a lab that is opened with a cache is the one that is opened without, and both go on alike for
// hundreds of commands: traces, flash, media, answers and journals. The second time nothing is computed that was
// computed before.
func TestACacheChangesNothing(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, cacheName)
	require.NoFileExists(t, file, "without a program there is none")
	plain := filepath.Join(t.TempDir(), "plain")
	_, err := Copy(dir, plain, 0)
	require.NoError(t, err)
	require.NoError(t, opened(t, dir, program("a")).Close())
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, file+".new")

	with, without := opened(t, dir, program("a")), opened(t, plain, Options{})
	require.True(t, with.cache.found)
	require.Zero(t, with.cache.memo.Fresh())
	require.Nil(t, without.cache)
	require.Equal(t, facility(t, without), facility(t, with))
	require.NoError(t, with.Close())
	require.NoError(t, without.Close())

	with, without = opened(t, dir, program("a")), opened(t, plain, Options{})
	for day := range 12 {
		for _, line := range eraseDay(fmt.Sprintf("R1-I1-D%02d", 8-day%8)) {
			var a, b bytes.Buffer
			errA, errB := with.Session().Run(line, &a), without.Session().Run(line, &b)
			require.Equal(t, fmt.Sprint(errB), fmt.Sprint(errA), line)
			require.Equal(t, b.String(), a.String(), line)
		}
	}
	require.Greater(t, with.cache.memo.Fresh(), cacheNews)
	require.NoError(t, with.Close())
	require.NoError(t, without.Close())
	a, err := os.ReadFile(filepath.Join(dir, journalName))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(plain, journalName))
	require.NoError(t, err)
	require.True(t, bytes.Equal(a, b))

	with, without = opened(t, dir, program("a")), opened(t, plain, Options{})
	require.Zero(t, with.cache.memo.Fresh(), "what the last process computed was kept when it ended")
	require.Equal(t, facility(t, without), facility(t, with))
	require.NoError(t, os.Remove(file))
	require.NoError(t, with.Close())
	require.NoError(t, opened(t, dir, program("a")).Close(), "and may be deleted")
	require.FileExists(t, file)
}

// TestACacheThatIsNotOursIsNotRead: torn, altered, of another program, no file at all. The lab opens, and the cache is
// made anew.
func TestACacheThatIsNotOursIsNotRead(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, cacheName)
	l := opened(t, dir, program("a"))
	want := facility(t, l)
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	altered := bytes.Clone(whole)
	altered[len(altered)/2] ^= 1
	for what, bad := range map[string]func(){
		"torn":            func() { require.NoError(t, os.WriteFile(file, whole[:len(whole)/2], 0o600)) },
		"altered":         func() { require.NoError(t, os.WriteFile(file, altered, 0o600)) },
		"empty":           func() { require.NoError(t, os.WriteFile(file, nil, 0o600)) },
		"another program": func() {},
		"cut short by a kill": func() {
			require.NoError(t, os.Remove(file))
			require.NoError(t, os.WriteFile(file+".new", whole[:100], 0o644))
		},
	} {
		require.NoError(t, os.WriteFile(file, whole, 0o600))
		bad()
		name := "a"
		if what == "another program" {
			name = "b"
		}
		l := opened(t, dir, program(name))
		require.False(t, l.cache.found, what)
		require.Equal(t, want, facility(t, l), what)
		require.NoError(t, l.Close())
		now, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, name == "a", bytes.Equal(whole, now), what)
		require.NoFileExists(t, file+".new")
	}
	l, err = Open(dir, Options{Program: func() (string, error) { return "", errors.New("no such file") }})
	require.NoError(t, err)
	require.Nil(t, l.cache)
	require.NoError(t, l.Close())
}

// forge flips a bit in every result of a cache that picks it, and makes the sum fit.
func forge(data []byte, pick func(result []byte) bool) []byte {
	b := bytes.Clone(data[:len(data)-sha256.Size])
	for at := len("fdelab memo 1\n") + 2 + 1; at < len(b); {
		n := int(binary.BigEndian.Uint32(b[at+sha256.Size:]))
		result := b[at+sha256.Size+4:][:n]
		if pick(result) {
			result[n-1] ^= 1
		}
		at += sha256.Size + 4 + n
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// TestAForgedCacheIsFoundOut where it would make a command come to something else. Then the lab is played without.
func TestAForgedCacheIsFoundOut(t *testing.T) {
	t.Parallel()
	dir := longLab(t)
	file := filepath.Join(dir, cacheName)
	l := opened(t, dir, program("a"))
	want := facility(t, l)
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for what, size := range map[string]func(result []byte) bool{
		"signatures that do not fit": func(r []byte) bool { return len(r) == 64 },
		"proofs that are none":       func(r []byte) bool { return len(r) == 1 },
		"findings that are none":     func(r []byte) bool { return len(r) > 64 },
	} {
		require.NoError(t, os.WriteFile(file, forge(whole, size), 0o600))
		l := opened(t, dir, program("a"))
		require.Equal(t, want, facility(t, l), what)
		require.NoError(t, l.Close())
		now, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, what != "findings that are none", bytes.Equal(whole, now), "%s: what plays otherwise is replaced", what)
	}
}
