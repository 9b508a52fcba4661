package crashtrace

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// calls are what strace notes.
const calls = "openat,close,read,pread64,lseek,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat"

// childVariable tells the recorded process which directory it works in.
const childVariable = "FDELAB_CRASHTRACE"

// Child is the directory in which the recorded process works; "" in any other process.
func Child() string { return os.Getenv(childVariable) }

// Trace is what a process did to the files below a directory, and what it wrote to standard output.
type Trace struct{ calls []call }

// call is one system call that succeeded.
type call struct {
	name   string
	args   []string // as strace prints them; texts are decoded where they are used
	result int
}

// Record runs one test of this program again, which finds Child set to dir and does its work there. The
// test that calls it is skipped where strace is missing.
func Record(t testing.TB, test, dir string) *Trace {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: no strace: what a loss of power leaves of these files was not tried")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "trace")
	c := exec.Command(strace, "-f", "-qq", "-xx", "-s", "1000000", "-o", out, "-e", "trace="+calls, self, "-test.run=^"+test+"$", "-test.count=1")
	c.Env = append(os.Environ(), childVariable+"="+dir)
	if said, err := c.CombinedOutput(); err != nil {
		if strings.Contains(string(said), "ptrace") {
			t.Skip("SKIPPED: strace may not trace here: what a loss of power leaves of these files was not tried")
		}
		t.Fatalf("%v\n%s", err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// parse reads what strace wrote. A call that another thread interrupts is on two lines; it counts where
// it ends.
func parse(b []byte) (*Trace, error) {
	tr, begun := &Trace{}, map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		pid, line, ok := strings.Cut(lines.Text(), " ")
		if line = strings.TrimSpace(line); !ok || strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "---") {
			continue
		}
		if strings.HasSuffix(line, "<detached ...>") || strings.Contains(line, " <ptrace(") {
			continue // a thread that ended with its process, in a call or on the way to one
		}
		if first, is := strings.CutSuffix(line, "<unfinished ...>"); is {
			begun[pid] = first
			continue
		}
		if strings.HasPrefix(line, "<... ") {
			_, rest, ok := strings.Cut(line, " resumed>")
			if !ok {
				return nil, fmt.Errorf("crashtrace: a line that is none of strace: %.80q", line)
			}
			line = begun[pid] + rest
		}
		c, err := parseCall(line)
		if err != nil {
			return nil, err
		}
		if c.result >= 0 {
			tr.calls = append(tr.calls, c)
		}
	}
	return tr, lines.Err()
}

// parseCall reads NAME(ARGS) = RESULT. With -xx no text has a comma or a bracket in it.
func parseCall(line string) (c call, err error) {
	name, rest, ok := strings.Cut(line, "(")
	at := strings.LastIndex(rest, ") ")
	if !ok || at < 0 {
		return c, fmt.Errorf("crashtrace: a line that is none of strace: %.80q", line)
	}
	result, ok := strings.CutPrefix(strings.TrimSpace(rest[at+1:]), "= ")
	word, _, _ := strings.Cut(result, " ")
	n, err := strconv.Atoi(word)
	if word == "?" { // the process ended in it
		n, err = -1, nil
	}
	if !ok || err != nil {
		return c, fmt.Errorf("crashtrace: a line that is none of strace: %.80q", line)
	}
	c = call{name: name, result: n}
	for _, arg := range strings.Split(rest[:at], ",") {
		c.args = append(c.args, strings.TrimSpace(arg))
	}
	return c, nil
}

// text decodes a text that strace printed with -xx.
func text(arg string) ([]byte, error) {
	body, ok := strings.CutPrefix(arg, `"`)
	body, ok2 := strings.CutSuffix(body, `"`)
	if !ok || !ok2 {
		return nil, errors.New("crashtrace: no whole text in " + arg[:min(len(arg), 40)])
	}
	return hex.DecodeString(strings.ReplaceAll(body, `\x`, ""))
}
