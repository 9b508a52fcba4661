package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func TestMain(m *testing.M) {
	campaign.Launch() // by whatever name a worker starts this binary
	testscript.Main(leaks{m}, map[string]func(){"fdelab": main})
}

// leaks runs the tests and looks for goroutines that they left.
type leaks struct{ *testing.M }

func (m leaks) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// TestScripts plays testdata/script: each file runs the command as a process
// and looks at its exit code and both of its streams.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Condition:           fileIsThere,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": statusCmd,
			"lines":  linesCmd,
			"sign":   signCmd,
			"job":    jobCmd,
		},
	})
}

// fileIsThere is the condition [file:PATH].
func fileIsThere(condition string) (bool, error) {
	path, ok := strings.CutPrefix(condition, "file:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	_, err := os.Stat(path)
	return err == nil, nil
}

// statusCmd is "status CODE PROGRAM ARG...": run it and compare the exit code.
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	have := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		have = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if have != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), have, want)
	}
}

// linesCmd is "lines stdout|stderr N": compare the number of lines.
func linesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines stdout|stderr N")
	}
	if have := strings.Count(ts.ReadFile(args[0]), "\n"); strconv.Itoa(have) != args[1] {
		ts.Fatalf("%s has %d lines, want %s", args[0], have, args[1])
	}
}

// signCmd writes these files:
//   - drive.json and drive.txt, a certificate; key.pem and key.b64, the key that signed it
//   - other.pem, another key
//   - changed.json, that certificate for another drive, under the same signature
//   - weak.json, a certificate with a signature that nobody made
//   - refused.json, the record of an erase that was not accepted
func signCmd(ts *testscript.TestScript, _ bool, _ []string) {
	key := ed25519.NewKeyFromSeed([]byte("a fixed seed of thirty-two bytes"))
	other := ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))
	s := erase.Statement{
		MediaSerial: "FDE00001", Extent: "whole drive", Method: "Purge", Technique: "Cryptographic Erase", Tool: "fdelab",
		Verification: erase.Verification{Method: "search", Checks: "command, search", Result: "passed"},
		Validation:   erase.Validation{Outcome: erase.Accepted, Reason: "every point holds", Considered: "all", Basis: "the new media key", By: "fdelab"},
		Date:         "2026-01-31T12:00:00Z",
	}
	c, err := erase.Sign(s, key)
	ts.Check(err)
	write := func(name string, b []byte) { ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o644)) }
	s.Validation.Outcome, s.Validation.Reason, s.Validation.Basis = erase.Rejected, "plain data: LBA 7", "nothing"
	refused, err := erase.Sign(s, key)
	ts.Check(err)
	write("refused.json", refused.JSON())
	changed := *c
	changed.Statement.MediaSerial = "FDE00002"
	write("changed.json", changed.JSON())
	write("drive.json", c.JSON())
	write("drive.txt", []byte(c.Text()))
	// The point of order 1, and a signature that holds for whatever it is said to have signed.
	weak, value := make([]byte, ed25519.PublicKeySize), make([]byte, ed25519.SignatureSize)
	weak[0], value[0] = 1, 1
	forged := erase.Certificate{Statement: c.Statement, Signature: erase.Signature{
		Algorithm: "Ed25519", KeyID: erase.KeyID(weak),
		PublicKey: base64.StdEncoding.EncodeToString(weak), Value: base64.StdEncoding.EncodeToString(value),
	}}
	write("weak.json", forged.JSON())
	write("key.pem", publicPEM(ts, key))
	write("other.pem", publicPEM(ts, other))
	write("key.b64", []byte(base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))+"\n"))
}

func publicPEM(ts *testscript.TestScript, key ed25519.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// jobCmd makes the folder ci with what is in contrib/ci, as a job of a pipeline has it. The files are read here, so
// that no kept result of this test outlives a change of them.
func jobCmd(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.CopyFS(ts.MkAbs("ci"), os.DirFS(filepath.Join("..", "..", "contrib", "ci"))))
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFullDiskIsNotSuccess(t *testing.T) {
	var diagnostics strings.Builder
	code := run([]string{"src"}, strings.NewReader(""), brokenWriter{}, &diagnostics)
	require.Equal(t, exitCannot, code, "a result that could not be written is not done")
	require.Equal(t, "fdelab: error: cannot write the result: no space left\n", diagnostics.String(), "the reason, once")
}

// Who has to know where a server listens, is not told: it does not serve on.
func TestServerThatCanNotTellItsAddressEnds(t *testing.T) {
	for _, server := range []string{"keyserver", "cloud"} {
		dir := filepath.Join(t.TempDir(), "data")
		require.Equal(t, exitDone, run([]string{server, "init", dir}, strings.NewReader(""), io.Discard, io.Discard))
		var diagnostics strings.Builder
		code := run([]string{server, "--data", dir, "--listen", "127.0.0.1:0"}, strings.NewReader(""), brokenWriter{}, &diagnostics)
		require.Equal(t, exitCannot, code, server)
		require.Equal(t, "fdelab: error: "+server+": cannot write the result: no space left\n", diagnostics.String(), "the reason, once")
	}
}

func TestMessagesStayOnOneLine(t *testing.T) {
	var diagnostics strings.Builder
	code := run([]string{"certificate", "verify", "no\nsuch\x1b[31mfile"}, strings.NewReader(""), io.Discard, &diagnostics)
	require.Equal(t, exitCannot, code)
	require.Equal(t, 1, strings.Count(diagnostics.String(), "\n"), "a file name cannot break the line: %q", diagnostics.String())
	require.NotContains(t, diagnostics.String(), "\x1b", "a file name cannot steer the terminal")
}

func TestEndlessFileIsRefused(t *testing.T) {
	var diagnostics strings.Builder
	code := run([]string{"certificate", "verify", "-"}, zeros{}, io.Discard, &diagnostics)
	require.Equal(t, exitCannot, code, "reading ends by itself")
	require.Contains(t, diagnostics.String(), "too much for a certificate", "and says why")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// BenchmarkStartUp is the start of the process, its command tree and its end.
// It runs this test binary as the command; the command itself is smaller.
func BenchmarkStartUp(b *testing.B) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(b, err)
	for b.Loop() {
		if err := exec.Command(exe, "version").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
