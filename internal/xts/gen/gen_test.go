package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCommittedFilesAreGenerated runs the generator and compares.
func TestCommittedFilesAreGenerated(t *testing.T) {
	gen := filepath.Join(t.TempDir(), "gen")
	if out, err := exec.Command("go", "build", "-o", gen, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, what := range []string{"aes256", "xts", "keywrap"} {
		dir := t.TempDir()
		for _, flag := range [][2]string{{"-out", what + "_amd64.s"}, {"-stubs", what + "_amd64.go"}} {
			got := filepath.Join(dir, flag[1])
			out, err := exec.Command(gen, "-what", what, "-pkg", what, flag[0], got).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			a, err := os.ReadFile(got)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join("..", "..", what, flag[1]))
			if err != nil {
				t.Fatal(err)
			}
			if string(body(a)) != string(body(b)) {
				t.Errorf("%s is not what the generator writes: run make assembly", flag[1])
			}
		}
	}
}

// body is a file without its first line, which holds the arguments of the generator.
func body(file []byte) []byte {
	for i, c := range file {
		if c == '\n' {
			return file[i:]
		}
	}
	return nil
}
