//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// campaigns is a folder with a plan in it, and the command.
func campaigns(t *testing.T, plan string) (dir string, fdelab func(words ...string) *exec.Cmd) {
	t.Helper()
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.plan"), []byte(plan), 0o600))
	return dir, func(words ...string) *exec.Cmd {
		c := exec.Command(exe, append([]string{"campaign"}, words...)...)
		c.Dir = dir
		return c
	}
}

func outputOf(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	require.NoError(t, c.Run(), "%s%s", out.String(), problems.String())
	return out.String()
}

// TestCampaignThatIsKilled: SIGKILL in the middle, twice, and the same command gives in the end what one gives that
// nobody disturbed; over a server with workers in processes of their own, of which one is killed, too.
func TestCampaignThatIsKilled(t *testing.T) {
	t.Parallel()
	const plan = "drive lifecycles=600 each=10\nlimit generation=8\n"
	_, whole := campaigns(t, plan)
	want := outputOf(t, whole("run", "a.plan"))
	require.Contains(t, want, "done, 60 jobs\n600 lifecycles: ")

	_, fdelab := campaigns(t, plan)
	merged := regexp.MustCompile(`(?m)^(\d+) jobs of 60, `)
	jobs := func(words ...string) (n int) {
		if out, err := fdelab(append([]string{"status", "a.plan"}, words...)...).Output(); err == nil {
			if m := merged.FindSubmatch(out); m != nil {
				n, _ = strconv.Atoi(string(m[1]))
			}
		}
		return n
	}
	for before, midway, kills := 0, 0, 0; midway < 2; kills++ {
		require.Less(t, kills, 8, "a kill falls into the middle")
		c := fdelab("run", "a.plan", "--workers", "1")
		require.NoError(t, c.Start())
		require.Eventually(t, func() bool { return jobs() > before }, 2*time.Minute, time.Millisecond)
		require.NoError(t, c.Process.Kill())
		_ = c.Wait()
		if before = jobs(); before < 60 {
			midway++
		} else { // it was over: from the beginning
			_, fdelab = campaigns(t, plan)
			before, midway = 0, 0
		}
	}
	require.Equal(t, want, outputOf(t, fdelab("run", "a.plan")))

	s, err := campaign.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	_, fdelab = campaigns(t, plan)
	run := fdelab("run", "a.plan", "--nats", s.URL())
	var out bytes.Buffer
	run.Stdout = &out
	require.NoError(t, run.Start())
	for n := range 3 {
		w := fdelab("work", "--nats", s.URL(), "--workers", "1")
		require.NoError(t, w.Start())
		t.Cleanup(func() { _, _ = w.Process.Kill(), w.Wait() })
		if n == 0 { // alone it has had all jobs that were done
			require.Eventually(t, func() bool { return jobs("--nats", s.URL()) > 0 }, 2*time.Minute, time.Millisecond)
			require.NoError(t, w.Process.Kill())
		}
	}
	require.NoError(t, run.Wait())
	require.Equal(t, want, out.String())
	status := outputOf(t, fdelab("status", "a.plan", "--nats", s.URL(), "--follow"))
	require.Contains(t, status, "done\n60 jobs of 60, in ")
}

// TestCampaignWords: what is wrong with the words is said, and nothing is run.
func TestCampaignWords(t *testing.T) {
	dir, fdelab := campaigns(t, "drive lifecycles=2\nconform seeds=1 program=true\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.plan"), []byte("mutants\ndrve\n"), 0o600))
	for words, want := range map[string]string{
		"run b.plan":                                        "no plan \"b.plan\"",
		"run a.plan --nats nats://127.0.0.1:1":              "the server at nats://127.0.0.1:1",
		"work --nats x --program-memory 64":                 "--program-memory is for --allow-programs",
		"work --nats x --allow-programs --program-memory 1": "want 16 to 1048576 MiB",
		"run a.plan --otlp me:secret@x":                     "want a URL such as http://127.0.0.1:4318",
		"run a.plan --nkey x":                               "are for --nats",
		"run a.plan --nats x --dir y":                       "--dir and --nats are given",
		"status a.plan":                                     "has not begun",
		"export a.plan":                                     "nothing to write",
		"work":                                              "--nats names the server",
		"work --nats nats://me:secret@127.0.0.1:1":          "the server at nats://127.0.0.1:1",
		"run a.plan --workers 1000000":                      "--workers 1000000, want 1 to 1024",
		"run a.plan --workers -1":                           "--workers -1, want 1 to 1024",
		"work --nats x --workers 1025":                      "--workers 1025, want 1 to 1024",
		"create a.plan mutants":                             "file exists",
		"create c.plan walls":                               "no kind of work \"walls\"",
		"run a.plan --workers 2 --nats nats://127.0.0.1":    "--workers is for a campaign of this machine",
		"run a.plan --nats foo.invalid":                     "hint: --nats takes the address of a NATS server that runs, such as nats://",
		"run a.plan --workers 0":                            "--workers 0, want 1 to ",
		"run bad.plan":                                      "fdelab: error: campaign: bad.plan: line 2: no kind of work \"drve\"",
	} {
		out, err := fdelab(strings.Fields(words)...).CombinedOutput()
		require.Error(t, err, words)
		require.Contains(t, string(out), want, words)
		require.NotContains(t, string(out), "secret")
	}
	all, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, all, 2, "nothing was written")
}

// TestWhatIsMissingFitsAScreen: ten names of what was not met, and their number; all for programs.
func TestWhatIsMissingFitsAScreen(t *testing.T) {
	var all []string
	for i := range 25 {
		all = append(all, fmt.Sprint("row ", i))
	}
	require.Equal(t, "row 0, row 1", firstNames(all[:2]))
	require.Equal(t, strings.Join(all[:10], ", "), firstNames(all[:10]))
	require.Equal(t, "25, such as "+strings.Join(all[:10], ", ")+" (--json has all)", firstNames(all))
	_, fdelab := campaigns(t, "drive lifecycles=1\n")
	require.Contains(t, outputOf(t, fdelab("run", "a.plan")), "done, 1 job\n1 lifecycle: ")
	said := outputOf(t, fdelab("status", "a.plan"))
	line := regexp.MustCompile(`(?m)^not met yet: (\d+), such as (.*) \(--json has all\)$`).FindStringSubmatch(said)
	require.NotNil(t, line, said)
	var answer struct{ Missing []string }
	require.NoError(t, json.Unmarshal([]byte(outputOf(t, fdelab("status", "a.plan", "--json"))), &answer))
	require.Equal(t, line[1], strconv.Itoa(len(answer.Missing)))
	require.Equal(t, line[2], strings.Join(answer.Missing[:10], ", "))
}

// TestCampaignOfAMillion: the command of the README runs a million lifecycles, as anybody has them who writes that line.
func TestCampaignOfAMillion(t *testing.T) {
	const file = "contrib/campaigns/million.plan"
	require.Contains(t, readDocument(t, "README.md"), "`fdelab campaign run "+file+"`")
	text, err := os.ReadFile(filepath.Join(root(t), file))
	require.NoError(t, err)
	p, err := plans.Parse(string(text))
	require.NoError(t, err)
	units, all := p.Units()
	require.True(t, all)
	require.Equal(t, uint64(1_000_000), units)
	own, err := plans.Parse("drive lifecycles=1000000")
	require.NoError(t, err)
	require.Equal(t, own.ID(), p.ID())
}

// TestCampaignReports: the folder of a campaign has its reports, and metrics while it runs.
func TestCampaignReports(t *testing.T) {
	dir, fdelab := campaigns(t, "mutants\n")
	outputOf(t, fdelab("run", "a.plan", "--metrics", "127.0.0.1:0"))
	outputOf(t, fdelab("export", "a.plan", "--junit", "j.xml", "--csv", "c.csv", "--html", "h.html"))
	for name, want := range map[string]string{"j.xml": `<testcase classname="mutants"`, "c.csv": "met,mutant of ", "h.html": "None."} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Contains(t, string(b), want)
	}
	const key = "UAQLMC3YJ24BN7DHOM2PFY2LCQFWLDV2BT4TK5GLOEPCWAYOW46QPKBZ"
	workers := outputOf(t, fdelab("nats-config", "--worker", key))
	require.Contains(t, workers, "nkey: "+key+"\n")
	require.Contains(t, workers, "nkey: COORDINATOR_NKEY\n", "a place for what is not given")
	programs := outputOf(t, fdelab("nats-config", "--programs", key))
	require.Contains(t, programs, "nkey: "+key+"\n")
	for _, flag := range []string{"coordinator", "worker", "programs"} {
		for _, bad := range []string{"", `x" } evil`, "COORDINATOR_NKEY", key[:55] + "A", key + "\n", "S" + key[1:]} {
			out, err := fdelab("nats-config", "--"+flag, bad).CombinedOutput()
			require.Error(t, err, bad)
			require.Contains(t, string(out), "fdelab: error: campaign nats-config: --"+flag)
			require.NotContains(t, string(out), key[1:], "a seed, given by mistake, is not shown")
			require.NotContains(t, string(out), "nkey:", "nothing is printed")
		}
	}
	require.Contains(t, programs, `"$JS.API.DIRECT.GET.OBJ_FDELAB_PROGRAMS"`)
}

// TestCampaignStop: stop waits for the end, status says what is, and neither waits for, or asks to end, what died.
func TestCampaignStop(t *testing.T) {
	t.Parallel()
	const plan = "drive lifecycles=100000 each=10\nlimit generation=8\n"
	s, err := campaign.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	for name, at := range map[string][]string{"folder": nil, "server": {"--nats", s.URL()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, fdelab := campaigns(t, plan)
			do := func(words ...string) *exec.Cmd { return fdelab(append(words, at...)...) }
			first := func(words ...string) string {
				line, _, _ := strings.Cut(outputOf(t, do(words...)), "\n")
				return line[strings.Index(line, ": ")+2:]
			}
			begin := func() (run *exec.Cmd, out *bytes.Buffer) {
				run, out = do("run", "a.plan"), &bytes.Buffer{}
				run.Stdout = out
				require.NoError(t, run.Start())
				t.Cleanup(func() { _ = run.Process.Kill() })
				for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
					if said, err := do("status", "a.plan").Output(); err == nil && strings.Contains(string(said), ": runs, ") {
						return run, out
					}
					require.Less(t, time.Since(began), 2*time.Minute)
				}
			}
			run, out := begin()
			said := first("stop", "a.plan")
			require.Regexp(t, `^stopped, \d+ jobs of 10000$`, said)
			require.Error(t, run.Wait(), "what is not done has an exit code")
			require.Contains(t, out.String(), strings.TrimSuffix(said, " of 10000")+"\n")
			require.Equal(t, "stopped", first("status", "a.plan", "--follow"))
			require.Equal(t, said, first("stop", "a.plan"))

			run, _ = begin()
			require.NoError(t, run.Process.Kill())
			_ = run.Wait()
			require.Equal(t, "does not run", first("status", "a.plan", "--follow"))
			require.Regexp(t, `^does not run, \d+ jobs of 10000$`, first("stop", "a.plan"))
			require.Contains(t, outputOf(t, do("status", "a.plan", "--json")), `"runs": false`)

			run, _ = begin()
			require.Contains(t, outputOf(t, do("status", "a.plan", "--json")), `"runs": true`)
			first("stop", "a.plan")
			_ = run.Wait()
		})
	}
}
