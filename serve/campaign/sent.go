package campaign

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// sent runs programs that a coordinator sent: in a folder of the worker's own, each job in a folder of its own there.
type sent struct {
	nc     *nats.Conn
	folder *ownFolder
	mark   string // of all processes of this worker's programs; a job adds its number
	memory uint64 // bytes
	note   func(format string, args ...any)

	lock sync.Mutex
	kept []file // in the folder, the one that was used last at the end
	jobs int

	over  chan struct{}
	watch sync.WaitGroup
}

// keptBytesMax is what a worker keeps of files.
const keptBytesMax = 512 << 20

// newSent makes the folder, and removes those of workers that are gone. The error wraps ErrLimits where this machine
// cannot limit a program.
func newSent(nc *nats.Conn, memory uint64, note func(format string, args ...any)) (*sent, error) {
	if err := CanLimit(); err != nil {
		return nil, err
	}
	if memory == 0 {
		memory = MemoryDefault
	}
	removeLeft(note)
	folder, err := newOwnFolder()
	if err == nil {
		err = folder.root.Mkdir("kept", 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	s := &sent{nc: nc, folder: folder, mark: markVariable + "=" + rand.Text() + ".", memory: memory, note: note, over: make(chan struct{})}
	s.watch.Go(s.keepWatch)
	return s, nil
}

// close ends whatever still runs, and removes the folder.
func (s *sent) close() error {
	close(s.over)
	s.watch.Wait()
	endMarked(s.mark)
	return s.folder.remove()
}

// run has a job. The result is nil if its program is not on the server, or ctx ended before it was there.
func (s *sent) run(ctx context.Context, t *ticket) *campaign.Result {
	s.lock.Lock()
	s.jobs++
	number := strconv.Itoa(s.jobs)
	s.lock.Unlock()
	mark, dir := s.mark+number+".", filepath.Join(s.folder.path, "job"+number)
	defer func() {
		endMarked(mark)
		if err := s.folder.removeAll("job" + number); err != nil {
			s.note("what a program wrote is not removed: %v", err)
		}
	}()
	command, err := s.prepare(ctx, t, dir)
	switch {
	case errors.Is(err, ErrFile):
		s.note("job %d of campaign %s: %v", t.Job.Number, t.Campaign, err)
		return campaign.Unrun(t.Job, strings.TrimPrefix(err.Error(), "campaign: "))
	case err != nil:
		s.note("job %d of campaign %s waits: %v", t.Job.Number, t.Campaign, err)
		return nil
	}
	r, err := t.Job.RunWith(func(o adapters.Options) (*adapters.Program, error) {
		o.Command, o.Dir, o.Scratch = command, filepath.Join(dir, "here"), dir
		o.Launch = []string{"/proc/self/exe", launchWord, strconv.Itoa(os.Getpid()), strconv.FormatUint(s.memory, 10)}
		o.Env = environment(o.Dir, mark)
		defer context.AfterFunc(ctx, func() { endMarked(mark) })() // while it has not greeted
		p, err := adapters.Start(o)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = p.Close() }) // the error is about what is removed below
		}
		return p, err
	})
	if err != nil {
		return campaign.Aside(t.Job, err.Error())
	}
	return r
}

// environment is that of a program: nothing of the worker's but where programs are.
func environment(dir, mark string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", mark}
}

// prepare lays the files of a job into dir, and gives its command. The error wraps ErrFile where the job is refused.
func (s *sent) prepare(ctx context.Context, t *ticket, dir string) (command []string, err error) {
	command = t.Job.Command()
	paths, err := check(command, t.Files)
	if err != nil {
		return nil, err
	}
	here := filepath.Join(dir, "here")
	if err := os.MkdirAll(here, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(here)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	for i, f := range t.Files {
		if !slices.Contains(paths[:i], paths[i]) { // check saw that it is the same
			if err := s.lay(ctx, t.Campaign, f, root, paths[i]); err != nil {
				return nil, err
			}
		}
		if _, command[f.Word], err = place(f.Word, command[f.Word]); err != nil {
			return nil, err
		}
	}
	return command, nil
}

// check is where the files of a command lie. It refuses what no coordinator sends.
func check(command []string, files []file) (paths []string, err error) {
	if len(files) > lineFilesMax {
		return nil, fmt.Errorf("%w: %d files, want %d or fewer", ErrFile, len(files), lineFilesMax)
	}
	sums, total := map[string]string{}, int64(0)
	first := false
	for _, f := range files {
		switch {
		case f.Word < 0 || f.Word >= len(command):
			return nil, fmt.Errorf("%w: a file is word %d of %d", ErrFile, f.Word, len(command))
		case f.Word == 0 && !strings.Contains(command[0], "/"):
			return nil, fmt.Errorf("%w: a file stands for %q, which is looked for on PATH", ErrFile, campaign.Clean(command[0], 80))
		case !plainSum.MatchString(f.Sum):
			return nil, fmt.Errorf("%w: %q is no SHA-256", ErrFile, campaign.Clean(f.Sum, 80))
		case f.Size < 0 || f.Size > fileBytesMax:
			return nil, fmt.Errorf("%w: a file of %d bytes, want %d or fewer", ErrFile, f.Size, fileBytesMax)
		}
		if total += f.Size; total > planBytesMax {
			return nil, fmt.Errorf("%w: files of %d bytes, want %d or fewer", ErrFile, total, planBytesMax)
		}
		path, _, err := place(f.Word, command[f.Word])
		if err != nil {
			return nil, err
		}
		if sum, is := sums[path]; is && sum != f.Sum {
			return nil, fmt.Errorf("%w: %q is two files", ErrFile, campaign.Clean(path, 80))
		}
		sums[path] = f.Sum
		paths = append(paths, path)
		first = first || f.Word == 0
	}
	if len(command) == 0 || strings.Contains(command[0], "/") && !first {
		return nil, fmt.Errorf("%w: it was not sent with the job", ErrFile)
	}
	return paths, nil
}

// lay has a file in a folder, and nothing but what its sum says: it is summed while it is copied. So a program that
// changes what the worker keeps changes nothing for another one.
func (s *sent) lay(ctx context.Context, id string, f file, root *os.Root, path string) error {
	if err := root.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	kept, err := s.keep(ctx, id, f)
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	to, err := root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), io.LimitReader(kept, fileBytesMax))
	if err = errors.Join(err, to.Close()); err == nil && hex.EncodeToString(sum.Sum(nil)) != f.Sum {
		s.lock.Lock()
		s.drop(f.Sum)
		s.lock.Unlock()
		err = errors.New("somebody has changed a file that this worker keeps: it is fetched again")
	}
	return err
}

// keep is a file that the worker keeps, or fetches now.
func (s *sent) keep(ctx context.Context, id string, f file) (*os.File, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	name := filepath.Join(s.folder.path, "kept", f.Sum)
	if i := slices.IndexFunc(s.kept, func(k file) bool { return k.Sum == f.Sum }); i >= 0 {
		s.kept = append(slices.Delete(s.kept, i, i+1), f)
		if got, err := os.Open(name); err == nil {
			return got, nil
		}
		s.drop(f.Sum)
	}
	total := f.Size
	for _, k := range s.kept {
		total += k.Size
	}
	for total > keptBytesMax && len(s.kept) > 0 {
		total -= s.kept[0].Size
		s.drop(s.kept[0].Sum)
	}
	_ = os.Remove(name) // of a fetch that was not ended
	to, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	err = fetch(ctx, s.nc, id, f, io.MultiWriter(to, sum))
	if got := hex.EncodeToString(sum.Sum(nil)); err == nil && got != f.Sum {
		err = fmt.Errorf("%w: its SHA-256 is %s, and the job names %s", ErrFile, got, f.Sum)
	}
	if err == nil {
		_, err = to.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, to.Close(), os.Remove(name))
	}
	s.kept = append(s.kept, f)
	s.note("a program of campaign %s is here: %d bytes, SHA-256 %s", id, f.Size, f.Sum)
	return to, nil
}

// drop keeps a file no longer.
func (s *sent) drop(sum string) {
	s.kept = slices.DeleteFunc(s.kept, func(k file) bool { return k.Sum == sum })
	_ = os.Remove(filepath.Join(s.folder.path, "kept", sum)) // it may be gone
}

// watchEach is how often the memory of programs is looked at.
const watchEach = 500 * time.Millisecond

// The bounds of a job's processes together, which no limit of one process is.
const (
	jobMemories  = 2 // so many times the memory that one may have
	processesMax = 256
)

// keepWatch ends the processes of a job that have too much together, until the worker ends.
func (s *sent) keepWatch() {
	tick := time.NewTicker(watchEach)
	defer tick.Stop()
	for {
		select {
		case <-s.over:
			return
		case <-tick.C:
		}
		for mark, u := range usedBy(s.mark) {
			switch {
			case u.bytes > jobMemories*s.memory:
				s.note("a program was ended: its processes have %d bytes together, want %d or fewer", u.bytes, jobMemories*s.memory)
			case u.processes > processesMax:
				s.note("a program was ended: it has %d processes, want %d or fewer", u.processes, processesMax)
			default:
				continue
			}
			endMarked(mark)
		}
	}
}

// used is what the processes of a mark have.
type used struct {
	bytes     uint64
	processes int
}
