package leftovertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-9d983aeb/fdelab/internal/leftover"
)

// env tells a child what to do; a parent does not have it.
const env = "FDELAB_LEFTOVER_CHILD"

// Planted keeps a copy of a key, as a bug would.
var Planted []byte

// Run runs the test named child twice in processes of their own. Clean, it must
// pass and have looked for the given number of keys. With a key planted it must
// fail, and name that key.
func Run(t *testing.T, child string, keys int, plantedKey string) {
	t.Helper()
	out, err := run(t, child, "clean")
	if want := fmt.Sprintf("%d keys, 0 copies", keys); err != nil || !strings.Contains(out, want) {
		t.Fatalf("want %q, have %v:\n%s", want, err, out)
	}
	out, err = run(t, child, "planted")
	if want := "1 copies of the " + plantedKey; err == nil || !strings.Contains(out, want) {
		t.Fatalf("the search can fail: want %q, have %v:\n%s", want, err, out)
	}
}

func run(t *testing.T, child, how string) (string, error) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^"+child+"$", "-test.v")
	// Go interrupts a goroutine that runs for long by a signal. The kernel and the runtime then save its
	// vector registers in memory, with whatever key is being copied, and nobody overwrites that.
	c.Env = append(os.Environ(), env+"="+how, "GODEBUG=asyncpreemptoff=1")
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), leftover.ErrUnsupported.Error()) {
		t.Skipf("skipped: %v", leftover.ErrUnsupported)
	}
	return string(out), err
}

// Child skips the calling test unless Run has started it, and says whether it is to
// plant a key.
func Child(t *testing.T) (plant bool) {
	t.Helper()
	how := os.Getenv(env)
	if how == "" {
		t.Skip("skipped: another test runs it in a process of its own")
	}
	return how == "planted"
}

// Report searches the memory of the process, as the last step of a child: the test
// fails for each key that is left.
func Report(t *testing.T, needles []*leftover.Needle) {
	t.Helper()
	runtime.GC()
	found, err := leftover.Search(needles...)
	if errors.Is(err, leftover.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for i, n := range needles {
		sum += found[i]
		if found[i] > 0 {
			t.Errorf("%d copies of the %s", found[i], n.Name)
		}
	}
	fmt.Printf("%d keys, %d copies\n", len(needles), sum)
	runtime.KeepAlive(Planted)
}

// Stream is a seeded source (xorshift) whose only state is 4 bytes. A seed of 0 gives
// zeros.
type Stream uint32

// Read fills p.
func (s *Stream) Read(p []byte) (int, error) {
	for i := range p {
		*s ^= *s << 13
		*s ^= *s >> 17
		*s ^= *s << 5
		p[i] = byte(*s)
	}
	return len(p), nil
}
