package calc

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestSum(t *testing.T) {
	if Sum(4) != 10 {
		t.Error("1 + 2 + 3 + 4 is 10")
	}
}

func TestCheck(t *testing.T) {
	if err := Check(1); err != nil {
		t.Error(err)
	}
}

// TestLeavesAChild leaves a process that holds a lock, and a file.
func TestLeavesAChild(t *testing.T) {
	f, err := os.OpenFile(os.Getenv("CALC_LOCK"), os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "600")
	child.ExtraFiles = []*os.File{f}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.MkdirTemp("", "left"); err != nil {
		t.Fatal(err)
	}
	Sum(1)
}

func TestAlwaysFails(t *testing.T) {
	if Sum(1) == 1 {
		t.Error("fails without any change")
	}
}

func TestCount(t *testing.T) {
	before := Count()
	if Count() != before+1 {
		t.Error("one more each time")
	}
}
