package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// ill is a simulated drive that does one thing wrong.
type ill struct {
	conformance.Device
	revert func() error
	blank  bool // a read gives zeros
}

func (ill) OnParts() bool { return true }

func (i ill) Read(lba uint64, dst []byte) error {
	err := i.Device.Read(lba, dst)
	if i.blank {
		clear(dst)
	}
	return err
}

func (i ill) Revert(psid drive.PIN) error {
	if i.revert != nil {
		return i.revert()
	}
	return i.Device.Revert(psid)
}

// TestSoakTellsByItsExitCode: unsafe, stuck, silent and crashed drives have codes of their own, and each
// failure a line that has it again.
func TestSoakTellsByItsExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		ill  ill
		code int
		says string
	}{
		"sound":  {ill{}, exitDone, " sound"},
		"unsafe": {ill{blank: true}, exitFailed, ": unsafe: "},
		"silent": {ill{revert: func() error { panic(&conformance.Hung{Why: "no answer in time"}) }}, exitStuck, ": hangs: "},
		"stuck":  {ill{revert: func() error { return drive.HardwareFailure }}, exitStuck, ": stuck: "},
		"crash":  {ill{revert: func() error { panic("index out of range") }}, exitCrashed, ": crashed: index out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
				d, label, err := conformance.Simulated(w)
				if err == nil {
					i := c.ill
					i.Device = d
					d = i
				}
				return d, label, err
			}
			// The seeds of one that is stuck never revert before the faults are gone.
			for first := uint64(0); ; first++ {
				require.Less(t, first, uint64(400), "some seed ends so")
				var out, said strings.Builder
				a := &app{out: &stickyWriter{w: &out}, err: &said}
				dir := t.TempDir()
				err := a.soak(soakOptions{maker: maker, first: first, lifecycles: 1, dir: dir, version: "test"})
				if !strings.Contains(out.String(), c.says) {
					continue
				}
				require.Equal(t, c.code, a.report(err), "%s%s", out.String(), said.String())
				if c.code == exitDone {
					return
				}
				require.Contains(t, out.String(), "again:  fdelab soak --seed ")
				if name == "silent" {
					return // whoever does not answer is not asked again and again
				}
				requireReplays(t, maker, filepath.Join(dir, fmt.Sprintf("soak-%d.txt", first)), c.says, out.String())
				return
			}
		})
	}
}

// requireReplays: the file of a failure goes wrong in the same way on the drive that has it, with the
// same answers, and not on a sound one. The report has the line to paste.
func requireReplays(t *testing.T, maker conformance.Maker, file, says, report string) {
	t.Helper()
	require.Contains(t, report, "replay: fdelab replay "+quoted(file)+"\n")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Regexp(t, "^# "+regexp.QuoteMeta(strings.TrimPrefix(says, ": ")), string(b))
	again, err := conformance.ParseTranscript(file, string(b))
	require.NoError(t, err)
	require.Equal(t, string(b), again.String(), "it is read as it is written")

	var out strings.Builder
	err = (&app{out: &stickyWriter{w: &out}}).replay(maker, file)
	require.ErrorContains(t, err, "the drive does something wrong", "%s", b)
	require.NotContains(t, out.String(), "the answers are not those")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), " -> done", " -> locked", 1)), 0o600))
	out.Reset()
	err = (&app{out: &stickyWriter{w: &out}}).replay(maker, file)
	require.Error(t, err)
	require.Equal(t, strings.Contains(string(b), " -> done"), strings.Contains(out.String(), "the answers are not those of "), out.String())

	code, said, wrong := play(t, "replay", file)
	require.Equal(t, exitDone, code, wrong)
	require.Equal(t, "the drive does nothing wrong\n", said)
}

// TestFilesOfFailures: a file that is there stays as it is, and the same failure is written once.
func TestFilesOfFailures(t *testing.T) {
	dir := t.TempDir()
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := conformance.Simulated(w)
		return ill{Device: d, blank: true}, label, err
	}
	run := func(version string) string {
		var out, said strings.Builder
		a := &app{out: &stickyWriter{w: &out}, err: &said}
		for seed := uint64(1); !strings.Contains(out.String(), "replay:"); seed++ {
			require.Less(t, seed, uint64(100))
			out.Reset()
			require.Error(t, a.soak(soakOptions{maker: maker, first: seed, lifecycles: 1, dir: dir, version: version}))
		}
		return out.String()
	}
	files := func() (all []string) {
		list, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, f := range list {
			all = append(all, f.Name())
		}
		return all
	}
	one := run("1")
	require.Len(t, files(), 1)
	require.Equal(t, one, run("1"))
	require.Len(t, files(), 1)
	run("2")
	require.Len(t, files(), 2)
	require.Regexp(t, `^soak-\d+-2\.txt$`, files()[0])
}

// TestSoakCountsTheSameWithAnyWorkers: the counts do not depend on who did what.
func TestSoakCountsTheSameWithAnyWorkers(t *testing.T) {
	_, one, _ := play(t, "soak", "--lifecycles", "12", "--seed", "3", "--workers", "1", "--json")
	_, four, _ := play(t, "soak", "--lifecycles", "12", "--seed", "3", "--workers", "4", "--json")
	require.Equal(t, one, four)
}

// TestReplayOfAFailure: what a soak prints of a failure is found again by the drive that has it, and not
// by a sound one.
func TestReplayOfAFailure(t *testing.T) {
	maker := func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := conformance.Simulated(w)
		return ill{Device: d, blank: true}, label, err
	}
	for seed := uint64(0); ; seed++ {
		require.Less(t, seed, uint64(100))
		_, f := soakOne(soakOptions{maker: maker}, seed)
		if f == nil || f.Replay == "" {
			continue
		}
		words, err := splitQuoted(f.Replay)
		require.NoError(t, err)
		r, err := conformance.Replay(maker, words[2], conformance.Options{})
		require.NoError(t, err)
		require.Equal(t, conformance.Failed, r.Verdict, f.Replay)
		code, out, said := play(t, words[1:]...)
		require.Equal(t, exitDone, code, said)
		require.Equal(t, "the drive does nothing wrong\n", out)
		return
	}
}

// TestSoakThatIsInterrupted ends with what it has, and says so.
func TestSoakThatIsInterrupted(t *testing.T) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	for wait := time.Second; ; wait *= 2 {
		var out bytes.Buffer
		c := exec.Command(exe, "soak", "--lifecycles", "100000000")
		c.Stdout, c.Stderr = &out, &out
		require.NoError(t, c.Start())
		time.Sleep(wait)
		require.NoError(t, c.Process.Signal(os.Interrupt))
		var exit *exec.ExitError
		require.ErrorAs(t, c.Wait(), &exit, "%s", out.String())
		if exit.ExitCode() < 0 && out.Len() == 0 && wait < time.Minute {
			continue // on a busy machine the signal ended it before it listened
		}
		require.Regexp(t, `soak: interrupted after \d+ of 100000000 lifecycles`, out.String())
		return
	}
}
