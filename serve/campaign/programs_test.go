//go:build unix

package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

func serveConfig(file string) error {
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(ready) {
		return fmt.Errorf("no server of %s", file)
	}
	fmt.Println("ready", s.ClientURL())
	s.WaitForShutdown()
	return nil
}

func workPrograms(url, seed string, allow bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc, err := Outside{URL: url, NKey: seed, Name: "worker"}.Connect()
	if err != nil {
		return err
	}
	o := WorkerOptions{Name: "plain", Slots: 1}
	if allow {
		o.Name, o.Programs, o.Memory = "programs", SentPrograms, 256<<20
	}
	fmt.Println("ready")
	return Work(ctx, nc, o)
}

// runPrograms runs a plan over a server, or without a URL in a folder of its own.
func runPrograms(url, seed, text string) error {
	p, err := campaign.Parse(text)
	if err != nil {
		return err
	}
	var s *State
	if url == "" {
		s, err = Run(context.Background(), p, "here.campaign", 1, Options{})
	} else {
		nc, errOf := Outside{URL: url, NKey: seed, Name: "coordinator"}.Connect()
		if errOf != nil {
			return errOf
		}
		s, err = Coordinate(context.Background(), nc, p, Options{Send: true})
	}
	if err != nil {
		return err
	}
	b, err := json.Marshal(s.Report)
	for name, w := range s.Workers {
		fmt.Println("worker", name, w.Jobs)
	}
	fmt.Printf("report %s\n", b)
	return err
}

// needsPython: a program in Python is one that somebody has.
func needsPython(t *testing.T) {
	t.Helper()
	if exec.Command("python3", "-c", "import cryptography").Run() != nil {
		t.Skip("SKIPPED: no python3 with the package cryptography: no program was sent")
	}
	if err := CanLimit(); err != nil {
		t.Skip("SKIPPED: " + err.Error())
	}
	exe, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	require.NoError(t, err)
	t.Setenv("PATH", filepath.Dir(strings.TrimSpace(string(exe)))+":"+os.Getenv("PATH")) // itself, and no script that looks for it
}

// script writes a program.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
}

// dies answers once, and then says something about itself and ends.
const dies = `#!/bin/sh
read line
echo '{"id":1,"protocol":1,"capabilities":[]}'
read line
echo "$0 $* has no drive, and $(cat "$2")" >&2
exit 3
`

// nothingLeft: no process of a program runs whose folder was in tmp, and nothing is there.
func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	nothingRuns(t, tmp)
	all, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, all)
}

func nothingRuns(t *testing.T, tmp string) {
	t.Helper()
	require.Empty(t, running(t, tmp), "what is left")
}

// running lists the processes of programs whose folder is in tmp.
func running(t *testing.T, tmp string) (out []string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, name := range processes {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte("\x00HOME="+tmp)) {
			out = append(out, name)
		}
	}
	return out
}

// TestProgramsOverAServer: a coordinator, a server that holds everybody to the printed rights, a worker that runs programs
// and one that does not, in processes of their own, give the report of the same plan in one process, byte for byte.
// Afterwards nothing is left of the programs.
func TestProgramsOverAServer(t *testing.T) {
	needsPython(t)
	dir := t.TempDir()
	b, err := os.ReadFile("../../proptest/adapters/python/drive.py")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "py"), 0o755))
	script(t, dir, "py/drive.py", string(b))
	const sound = "meks = {n: self.entropy.draw(64) for"
	require.Contains(t, string(b), sound)
	script(t, dir, "ill.py", strings.Replace(string(b), sound, "meks = {n: self.meks[n] for", 1))
	script(t, dir, "dies", dies)
	script(t, dir, "why.txt", "it is broken\n")
	const text = "drive lifecycles=8 each=4\nconform seeds=1 only=F12 program=\"python3 py/drive.py\"\n" +
		"conform seeds=1 only=SA01 program=\"python3 ill.py\"\nconform seeds=2 only=F03 program=\"./dies --x why.txt\""
	here := beginsIn(t, dir, nil, "run programs", "", "", text)
	want := here.says(t, "report")
	require.Contains(t, want, "./dies --x why.txt has no drive, and it is broken")
	require.Contains(t, want, "still reads as the data whose key is gone")

	coordinator, coordinatorSeed := user(t)
	worker, workerSeed := user(t)
	programs, programsSeed := user(t)
	config := filepath.Join(t.TempDir(), "nats.conf")
	settings := strings.Replace(ServerConfig(coordinator, worker, programs), "./jetstream", t.TempDir(), 1)
	require.NoError(t, os.WriteFile(config, []byte("listen: \"127.0.0.1:-1\"\n"+settings), 0o600))
	url := strings.TrimPrefix(begins(t, "serve programs", config).says(t, "ready"), "ready ")
	tmp := t.TempDir()
	plain := begins(t, "work programs", url, workerSeed, "")
	runs := beginsIn(t, "", []string{"TMPDIR=" + tmp}, "work programs", url, programsSeed, "allow")
	require.NotEmpty(t, plain.says(t, "ready"))
	require.NotEmpty(t, runs.says(t, "ready"))
	over := beginsIn(t, dir, nil, "run programs", url, coordinatorSeed, text)
	require.NotEmpty(t, over.says(t, "worker programs"), "the worker for programs had their jobs")
	require.Equal(t, want, over.says(t, "report"))

	require.NoError(t, runs.cmd.Process.Signal(os.Interrupt))
	<-runs.over
	require.True(t, runs.cmd.ProcessState.Success())
	nothingLeft(t, tmp)
	nc, err := Outside{URL: url, NKey: coordinatorSeed}.Connect()
	require.NoError(t, err)
	defer nc.Close()
	store, err := streams(nc).ObjectStore(t.Context(), programStore)
	require.NoError(t, err)
	_, err = store.List(t.Context())
	require.ErrorIs(t, err, jetstream.ErrNoObjectsFound, "the programs are off the server")
}

// TestAProgramEndsWithItsWorker, which is killed and can end nothing.
func TestAProgramEndsWithItsWorker(t *testing.T) {
	needsPython(t)
	dir, tmp := t.TempDir(), t.TempDir()
	script(t, dir, "hangs.py", "import time\ntime.sleep(1000)\n")
	port := freePort(t)
	url := "nats://127.0.0.1:" + port
	require.Equal(t, "ready", begins(t, "server", port, t.TempDir()).says(t, "ready"))
	beginsIn(t, dir, nil, "run programs", url, "", "conform seeds=1 only=F03 program=\"python3 -S -E hangs.py\"")
	works := beginsIn(t, "", []string{"TMPDIR=" + tmp}, "work programs", url, "", "allow")
	require.Eventually(t, func() bool { return len(running(t, tmp)) > 0 }, time.Minute, 20*time.Millisecond, "it has begun")
	works.kill()
	require.Eventually(t, func() bool { return len(running(t, tmp)) == 0 }, time.Minute, 20*time.Millisecond, "it has ended")
}

// have runs a plan at a server of this process with one worker that runs programs, in dir. tmp is where the worker puts
// them, and between is called when they are on the server and nobody has had a job.
func have(t *testing.T, dir, text string, between func(nc *nats.Conn, p *campaign.Plan)) (s *State, notes string) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Chdir(dir)
	at := open(t, filepath.Join(t.TempDir(), "streams"))
	p := plan(t, text)
	var lock sync.Mutex
	var said bytes.Buffer
	note := func(format string, args ...any) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Fprintf(&said, format+"\n", args...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		nc := connect(t, at)
		for { // the coordinator makes what is on the server
			jobs, err := streams(nc).Stream(ctx, jobsStream)
			if err == nil {
				info, err := jobs.Info(ctx)
				if err == nil && info.State.Msgs > 0 {
					break
				}
			}
			if pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
				return
			}
		}
		if between != nil {
			between(nc, p)
		}
		if err := Work(ctx, nc, WorkerOptions{Name: "worker", Slots: 2, Programs: SentPrograms, Memory: 128 << 20, Note: note}); err != nil {
			note("the worker ends: %v", err)
		}
	})
	s, err := Coordinate(ctx, connect(t, at), p, Options{Send: true, Note: note})
	nothingRuns(t, tmp) // while the worker still works
	cancel()
	all.Wait()
	require.NoError(t, err)
	nothingLeft(t, tmp)
	return s, said.String()
}

// TestProgramsThatBehaveBadly: each is ended, is a finding, and leaves nothing.
func TestProgramsThatBehaveBadly(t *testing.T) {
	needsPython(t)
	const begin = "import os, sys, time\nsys.stdin.readline()\nprint('{\"id\":1,\"protocol\":1,\"capabilities\":[]}', flush=True)\n"
	for name, c := range map[string]struct{ program, limit, ending, why string }{
		"memory":        {begin + "sys.stdin.readline()\nb = bytearray(1 << 30)\ntime.sleep(1000)\n", "10m", "not run", "MemoryError"},
		"memory before": {"b = bytearray(1 << 30)\n" + begin + "time.sleep(1000)\n", "10m", "not run", "MemoryError"},
		"shared memory": {begin + "sys.stdin.readline()\nimport mmap\nm = mmap.mmap(-1, 512 << 20)\nfor i in range(0, 512 << 20, 4096): m[i] = 1\ntime.sleep(1000)\n", "10m", "not run", "signal: killed"},
		"hangs":         {"import time\ntime.sleep(1000)\n", "4s", "set aside", "3 workers began it"},
		"children":      {begin + "if os.fork() == 0:\n  os.setsid()\n  os.close(0); os.close(1); os.close(2)\n  if os.fork() == 0: time.sleep(1000)\n  time.sleep(1000)\nsys.exit(3)\n", "10m", "not run", "exit status 3"},
		"folder":        {begin + "os.mkdir('a'); open('a/b', 'w').write('x'); os.chmod('a', 0); os.chmod('.', 0)\nsys.exit(3)\n", "10m", "not run", "exit status 3"},
		"environment":   {begin + "print(sorted(os.environ), file=sys.stderr)\nsys.exit(3)\n", "10m", "not run", "['FDELAB_PROGRAM', 'HOME', 'LANG', 'PATH', 'TMPDIR'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FDELAB_TEST_SECRET", "secret")
			dir := t.TempDir()
			script(t, dir, "bad.py", c.program)
			s, notes := have(t, dir, "conform seeds=1 only=F03 program=\"python3 -S -E bad.py\"\nlimit job="+c.limit, nil)
			require.Len(t, s.Report.Findings, 1, notes)
			f := s.Report.Findings[0]
			require.Equal(t, c.ending, f.Ending, f.Why)
			require.Contains(t, f.Why, c.why)
		})
	}
}

// TestAnObjectThatIsChanged is refused, and nothing of it is started.
func TestAnObjectThatIsChanged(t *testing.T) {
	needsPython(t)
	for name, c := range map[string]struct {
		content string
		why     string
	}{
		"the same length": {"#!/bin/sh\ntouch ../../../started\n", "its SHA-256 is "},
		"longer":          {strings.Repeat("#!/bin/sh\ntouch ../../../started\n", 1000), "bytes on the server, and 33 in the job"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script(t, dir, "drive", strings.Repeat("x", len("#!/bin/sh\ntouch ../../../started\n")))
			s, _ := have(t, dir, "conform seeds=1 only=F03 program=\"./drive\"", func(nc *nats.Conn, p *campaign.Plan) {
				store, err := streams(nc).ObjectStore(t.Context(), programStore)
				require.NoError(t, err)
				b, err := os.ReadFile("drive")
				require.NoError(t, err)
				_, err = store.PutString(t.Context(), objectOf(p.ID(), sumOf(b)), c.content)
				require.NoError(t, err)
			})
			require.Len(t, s.Report.Findings, 1)
			require.Equal(t, campaign.NotRun, s.Report.Findings[0].Ending)
			require.Contains(t, s.Report.Findings[0].Why, c.why)
		})
	}
}

// TestNobodyRunsPrograms: the coordinator says so, until somebody does.
func TestNobodyRunsPrograms(t *testing.T) {
	needsPython(t)
	dir := t.TempDir()
	script(t, dir, "dies", dies)
	script(t, dir, "why.txt", "x")
	s, notes := have(t, dir, "conform seeds=1 only=F03 program=\"./dies --x why.txt\"", func(nc *nats.Conn, p *campaign.Plan) {
		require.Eventually(t, func() bool {
			s, err := Read(t.Context(), nc, p.ID())
			return err == nil && strings.HasPrefix(s.Waits, "1 jobs run a program, and no worker takes them")
		}, time.Minute, 50*time.Millisecond)
	})
	require.Contains(t, notes, "no worker takes them: fdelab campaign work --allow-programs does")
	require.Empty(t, s.Waits)
	require.Equal(t, "not run", s.Report.Findings[0].Ending, s.Report.Findings[0].Why)
}

// TestTicketsThatAreRefused: what no coordinator sends starts nothing, and is said in one line.
func TestTicketsThatAreRefused(t *testing.T) {
	sum := sumOf(nil)
	for want, c := range map[string]struct {
		command string
		files   []file
	}{
		"it was not sent with the job":                      {"/bin/sh -c x", nil},
		"a file is word 3 of 2":                             {"./a b", []file{{3, sum, 0}}},
		"a file is word -1 of 2":                            {"./a b", []file{{-1, sum, 0}}},
		`"../../etc/passwd" is no SHA-256`:                  {"./a", []file{{0, "../../etc/passwd", 0}}},
		"a file of 67108865 bytes, want 67108864 or fewer":  {"./a", []file{{0, sum, fileBytesMax + 1}}},
		"a file of -1 bytes":                                {"./a", []file{{0, sum, -1}}},
		`".." is no name of a file`:                         {"../..", []file{{0, sum, 0}}},
		`"a" is two files`:                                  {"./a a", []file{{0, sum, 0}, {1, sumOf([]byte("x")), 0}}},
		`a file stands for "python3"`:                       {"python3 a", []file{{0, sum, 0}, {1, sum, 0}}},
		"17 files, want 16 or fewer":                        {"./a", make([]file, 17)},
		"files of 335544320 bytes, want 268435456 or fewer": {"./a b c d e", []file{{0, sum, fileBytesMax}, {1, sum, fileBytesMax}, {2, sum, fileBytesMax}, {3, sum, fileBytesMax}, {4, sum, fileBytesMax}}},
	} {
		_, err := check(strings.Fields(c.command), c.files)
		require.ErrorIs(t, err, ErrFile)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestPlaces: a name below the folder stays; any other is one of the folder's own, wherever it points to.
func TestPlaces(t *testing.T) {
	for name, want := range map[string][2]string{
		"./drive": {"drive", "./drive"}, "py/drive.py": {"py/drive.py", "py/drive.py"}, "/bin/drive": {"sent/2/drive", "./sent/2/drive"},
		"../../drive": {"sent/2/drive", "./sent/2/drive"}, "a/../drive": {"sent/2/drive", "./sent/2/drive"}, "a/../../../x": {"sent/2/x", "./sent/2/x"},
	} {
		path, named, err := place(2, name)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{path, named}, name)
		require.True(t, filepath.IsLocal(path))
	}
}

// TestFilesOfAPlan: which words are sent, and what cannot be.
func TestFilesOfAPlan(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	script(t, dir, "drive", "a program")
	script(t, dir, "data", "data")
	for program, want := range map[string][]int{
		"drive data":                   {1}, // the program is one of PATH
		"./drive data --x /dev/null .": {0, 1},
		"sh ./drive no/such/file":      {1},
	} {
		f, err := filesOf(plan(t, fmt.Sprintf("conform program=%q", program)))
		require.NoError(t, err)
		var words []int
		for _, own := range f.of {
			for _, w := range own {
				words = append(words, w.Word)
			}
		}
		require.Equal(t, want, words, program)
	}
	for program, want := range map[string]string{"./none": "no such file", "./": "is no file", "./drive" + strings.Repeat(" data", 20): "more than 16 files"} {
		_, err := filesOf(plan(t, fmt.Sprintf("conform program=%q", program)))
		require.ErrorIs(t, err, ErrFile)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.Truncate("data", fileBytesMax+1))
	_, err := filesOf(plan(t, `conform program="./drive data"`))
	require.ErrorContains(t, err, "want 67108864 or fewer")
}
