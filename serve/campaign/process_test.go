//go:build unix

package campaign

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// processVariable names what this binary is where it is no test: a server, a worker or a coordinator of its own.
const processVariable = "FDELAB_CAMPAIGN_TEST"

// TestMain lets workers that died be noticed soon.
func TestMain(m *testing.M) {
	Launch()
	ackWait, nobodyAfter = 3*time.Second, 2*time.Second
	words := strings.Split(os.Getenv(processVariable), "|")
	var err error
	switch words[0] {
	case "":
		os.Exit(m.Run())
	case "server":
		err = serveFor(words[1:])
	case "work":
		err = workFor(words[1], words[2], strings.Join(words[3:], ""))
	case "run":
		err = runFor(words[1], words[2])
	case "mark":
		err = dieAtTheMark(words[1], words[2], words[3])
	case "serve programs":
		err = serveConfig(words[1])
	case "work programs":
		err = workPrograms(words[1], words[2], words[3] == "allow")
	case "run programs":
		err = runPrograms(words[1], words[2], words[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveFor serves at a port, with a directory; as a member of a cluster, where the words go on with its name, the port of
// the cluster, and the routes to all members.
func serveFor(words []string) error {
	port, dir := words[0], words[1]
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	o := &server.Options{Host: "127.0.0.1", Port: n, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true}
	if len(words) > 2 {
		o.ServerName, o.Routes = words[2], server.RoutesFromStr(words[4])
		o.Cluster = server.ClusterOpts{Name: "three", Host: "127.0.0.1"}
		if o.Cluster.Port, err = strconv.Atoi(words[3]); err != nil {
			return err
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(ready) {
		return fmt.Errorf("no server at %s", port)
	}
	fmt.Println("ready")
	s.WaitForShutdown()
	return nil
}

// gated is the first job that waits for a gate.
const gated = 30

// workFor works; of a job whose number is deadly it dies. Where a gate is named, the second half of the jobs waits until
// that file is there, so that a campaign is not over before a test is ready, on no machine.
func workFor(url, deadly, gate string) error {
	nc, err := Outside{URL: url, Name: "worker"}.Connect()
	if err != nil {
		return err
	}
	tracer, _, err := Traces(context.Background(), "", func(string, ...any) {})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return Work(context.Background(), nc, WorkerOptions{Name: "worker", Slots: 2, Tracer: tracer, Run: func(j *campaign.Job) (*campaign.Result, error) {
		if strconv.FormatUint(j.Number, 10) == deadly {
			os.Exit(9)
		}
		fmt.Println("begins", j.Number)
		for gate != "" && j.Number >= gated {
			if _, err := os.Stat(gate); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return j.Run()
	}})
}

func runFor(url, text string) error {
	nc, err := Outside{URL: url, Name: "coordinator"}.Connect()
	if err != nil {
		return err
	}
	p, err := campaign.Parse(text)
	if err != nil {
		return err
	}
	tracer, end, err := Traces(context.Background(), "", func(string, ...any) {})
	if err != nil {
		return err
	}
	defer end()
	s, err := Coordinate(context.Background(), nc, p, Options{Tracer: tracer, Progress: func(s *State) { fmt.Println("merged", s.Report.Merged) }})
	if err != nil {
		return err
	}
	b, err := json.Marshal(s.Report)
	fmt.Printf("report %s\n", b)
	return err
}

// process is one that can be killed.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	over  chan struct{}
}

func begins(t testing.TB, words ...string) *process {
	t.Helper()
	return beginsIn(t, "", nil, words...)
}

// beginsIn is begins with a folder and more of an environment.
func beginsIn(t testing.TB, dir string, env []string, words ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe)
	c.Dir = dir
	c.Env = append(append(os.Environ(), env...), processVariable+"="+strings.Join(words, "|"))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	p := &process{c, make(chan string, 10_000), make(chan struct{})}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20) // a report is one line
		for lines.Scan() {
			p.lines <- lines.Text()
		}
		_ = c.Wait()
		close(p.over)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // SIGKILL; it may be over
	<-p.over
}

// says waits for a line that begins so; "" if the process ended before.
func (p *process) says(t testing.TB, prefix string) string {
	t.Helper()
	for deadline := time.After(4 * time.Minute); ; {
		select {
		case line := <-p.lines:
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-p.over:
			for len(p.lines) > 0 {
				if line := <-p.lines; strings.HasPrefix(line, prefix) {
					return line
				}
			}
			return ""
		case <-deadline:
			t.Fatalf("no line %q comes", prefix)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	for { // not one that the system gives to connections: it may be one before the server is there
		port := fmt.Sprint(20_000 + rand.IntN(10_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
}

// TestProcessesThatAreKilled: a server, a coordinator and three workers in processes of their own, of which the
// coordinator, the server and each worker are killed and replaced, give the report of one undisturbed process.
func TestProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	const text = "drive lifecycles=600 each=10\nmutants\nlimit generation=16"
	one := report(t, text, 1, 0, (*campaign.Job).Run)

	port, dir := freePort(t), t.TempDir()
	url := "nats://127.0.0.1:" + port
	serves := begins(t, "server", port, dir)
	require.Equal(t, "ready", serves.says(t, "ready"))
	coordinates := begins(t, "run", url, text)
	coordinates.says(t, "merged") // the streams are there
	gate := filepath.Join(t.TempDir(), "gate")
	var workers []*process
	for range 3 {
		workers = append(workers, begins(t, "work", url, "", gate))
		require.NotEmpty(t, workers[len(workers)-1].says(t, "ready"))
	}
	for i := range 4 {
		n := i % len(workers)
		if workers[n].says(t, "begins"); i == 1 {
			coordinates.kill()
			coordinates = begins(t, "run", url, text)
			require.NotEmpty(t, coordinates.says(t, "merged"))
		}
		if i == 2 {
			serves.kill()
			serves = begins(t, "server", port, dir)
			require.Equal(t, "ready", serves.says(t, "ready"))
		}
		workers[n].kill()
		workers[n] = begins(t, "work", url, "", gate)
		require.NotEmpty(t, workers[n].says(t, "ready"))
	}
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	said := strings.TrimPrefix(coordinates.says(t, "report"), "report ")
	require.JSONEq(t, one, said)
}

// TestAJobThatKillsProcesses is set aside after three of them.
func TestAJobThatKillsProcesses(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	url := "nats://127.0.0.1:" + port
	require.Equal(t, "ready", begins(t, "server", port, t.TempDir()).says(t, "ready"))
	coordinates := begins(t, "run", url, "idle jobs=200\nlimit generation=16")
	coordinates.says(t, "merged")
	ended := make(chan int, 1)
	over := make(chan struct{})
	go func() {
		deaths := 0
		for {
			w := begins(t, "work", url, "77")
			select {
			case <-w.over:
				deaths++
			case <-over:
				w.kill()
				ended <- deaths
				return
			}
		}
	}()
	said := strings.TrimPrefix(coordinates.says(t, "report"), "report ")
	close(over)
	var r campaign.Report
	require.NoError(t, json.Unmarshal([]byte(said), &r))
	require.Equal(t, uint64(199), r.Endings[campaign.Passed])
	require.Equal(t, uint64(1), r.Endings[campaign.SetAside])
	require.Equal(t, uint64(77), r.Findings[0].Job)
	require.Equal(t, 3, <-ended)
}
