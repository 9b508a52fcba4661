package nbd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// judge runs a program of others; the test is skipped where it is not there.
func judge(t *testing.T, name string, args ...string) (out string, err error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: no %s here, which judges this server: install libnbd-bin, qemu-utils and fio", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir() // fio leaves a file where it runs
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func sure(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := judge(t, name, args...)
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return out
}

// What the tools of libnbd, QEMU and fio say of this server: sizes and holes, copies in both directions that stay
// sparse, discards, a verified load, and that a locked range is not permitted.
func TestJudgesOfOthers(t *testing.T) {
	if os.Getenv("FDELAB_JUDGES") == "" {
		t.Skip("SKIPPED: make judge-nbd runs it")
	}
	d, _ := newDrive(t, "A")
	lock(t, d, true, true)
	uri := "nbd://" + serving(t, d) + "/A"
	const all = sectors * sectorSize
	t.Run("nbdinfo", func(t *testing.T) {
		var info struct {
			Exports []struct {
				Name     string   `json:"export-name"`
				Size     uint64   `json:"export-size"`
				Contexts []string `json:"contexts"`
				Flush    bool     `json:"can_flush"`
				FUA      bool     `json:"can_fua"`
				Trim     bool     `json:"can_trim"`
				Zero     bool     `json:"can_zero"`
				Minimum  uint64   `json:"block_size_minimum"`
			}
		}
		// What the export holds is not looked at: its first block can be read, its boot block is zeros.
		require.NoError(t, json.Unmarshal([]byte(sure(t, "nbdinfo", "--json", uri)), &info))
		require.Len(t, info.Exports, 1)
		e := info.Exports[0]
		require.Equal(t, uint64(all), e.Size)
		require.Equal(t, []string{"base:allocation"}, e.Contexts)
		require.True(t, e.Flush && e.FUA && e.Trim && e.Zero)
		require.Equal(t, uint64(sectorSize), e.Minimum)
		require.Regexp(t, `(?m)^ +4096 +4096 +0 +data$`, sure(t, "nbdinfo", "--map", uri), "the locked range is data")
	})
	t.Run("qemu-io", func(t *testing.T) {
		sure(t, "qemu-io", "-f", "raw", "-c", "write -P 5 1M 64k", "-c", "read -P 5 1M 64k", "-c", "flush", "-c", "discard 1M 64k", "-c", "read -P 0 1M 64k",
			"-c", "write -z 1M 64k", "-c", "write -z -u 1M 64k", "-c", "write -f -P 6 1M 4k", "-c", "read -P 6 1M 4k", uri)
		for _, c := range []string{"read 4096 512", "write 0 8192", "discard 4096 4096", "write -z 7k 4k"} {
			out, _ := judge(t, "qemu-io", "-f", "raw", "-c", c, uri)
			require.Contains(t, out, "Operation not permitted", c)
		}
	})
	open, _ := newDrive(t, "B")
	uri = "nbd://" + serving(t, open) + "/B"
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	require.NoError(t, os.WriteFile(from, append(bytes.Repeat([]byte("data"), 1<<18), make([]byte, all-1<<20)...), 0o600))
	same := func(t *testing.T) {
		t.Helper()
		want, err := os.ReadFile(from)
		require.NoError(t, err)
		got, err := os.ReadFile(to)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "the copy is the original")
	}
	t.Run("nbdcopy", func(t *testing.T) {
		sure(t, "nbdcopy", from, uri)
		require.Len(t, open.Dump().Written, 1<<20/sectorSize, "zeros are not written")
		sure(t, "nbdcopy", uri, to)
		same(t)
	})
	t.Run("qemu-img", func(t *testing.T) {
		sure(t, "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", from, uri)
		sure(t, "qemu-img", "compare", "-f", "raw", "-F", "raw", from, uri)
		sure(t, "qemu-img", "convert", "-f", "raw", "-O", "raw", uri, to)
		same(t)
	})
	t.Run("fio", func(t *testing.T) {
		sure(t, "fio", "--name=x", "--ioengine=nbd", "--uri="+uri, "--rw=randwrite", "--bs=4k", "--size=2m", "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--trim_percentage=10",
			"--output="+filepath.Join(dir, "fio"))
	})
}
