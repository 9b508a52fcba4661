package adapters

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the protocol, in bytes.
const (
	lineMax   = 128 << 10 // of a line, with its end
	inlineMax = 64 << 10  // of a binary value in a line; what is longer goes by a file
	bulkMax   = 256 << 20 // of a file that the program writes for the suite
	noiseMax  = 4 << 10   // what is kept of standard error
)

// process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	pipe   *os.File // from its standard output
	out    *bufio.Reader
	noise  *tail
	waited chan struct{} // closed when the program has ended, and why is in err
	err    error
	asked  uint64
	ends   sync.Once
	broken atomic.Bool // it did not keep the protocol, or is gone
}

// start runs the program. It does not ask it anything yet.
func start(o *Options, noise *tail) (*process, error) {
	command := slices.Concat(o.Launch, o.Command)
	p := &process{cmd: exec.Command(command[0], command[1:]...), noise: noise, waited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = o.Dir, o.Env, noise
	p.cmd.WaitDelay = time.Second // for whoever the program has started, and who holds its standard error
	ownGroup(p.cmd)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout = outWrite
	err = p.cmd.Start()
	_ = outWrite.Close()
	if err != nil {
		_ = out.Close()
		return nil, err
	}
	p.in, p.pipe, p.out = in, out, bufio.NewReaderSize(out, lineMax)
	go func() {
		p.err = p.cmd.Wait()
		close(p.waited)
	}()
	return p, nil
}

// kill ends the program and whoever it has started, and waits for it.
func (p *process) kill() {
	p.broken.Store(true)
	p.ends.Do(func() { // later its number may be another's
		killGroup(p.cmd)
		_, _ = p.in.Close(), p.pipe.Close()
	})
	<-p.waited
}

// ask sends one request and waits for its reply. Where the program does not keep the protocol it is
// killed, and the error says in one line how.
func (p *process) ask(do string, args map[string]any, within time.Duration) (reply, error) {
	p.asked++
	q := map[string]any{"id": p.asked, "do": do}
	for k, v := range args {
		q[k] = v
	}
	line, err := json.Marshal(q)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var late atomic.Bool
	timer := time.AfterFunc(within, func() {
		late.Store(true)
		killGroup(p.cmd)
		_ = p.pipe.Close() // whoever escaped may hold the other end
	})
	defer timer.Stop()
	var answer []byte
	if _, err = p.in.Write(append(line, '\n')); err == nil {
		answer, err = p.out.ReadSlice('\n')
	}
	if err == nil {
		var r reply
		if r, err = parse(answer, p.asked); err == nil {
			return r, nil
		}
	} else if errors.Is(err, bufio.ErrBufferFull) {
		err = fmt.Errorf("wrote a line of more than %d bytes, which begins with %q", lineMax, beginning(answer))
	} else {
		p.kill()
		err = p.ended(late.Load(), within, answer)
	}
	p.kill()
	return nil, fmt.Errorf("%s: the program %w", do, err)
}

// ended says how a program ended that gave no reply.
func (p *process) ended(late bool, within time.Duration, rest []byte) error {
	switch {
	case late:
		return fmt.Errorf("gave no reply within %v%s", within, p.said())
	case len(bytes.TrimSpace(rest)) > 0:
		return fmt.Errorf("ended in the middle of a line, %q%s", beginning(rest), p.said())
	case p.err != nil:
		return fmt.Errorf("ended without a reply: %w%s", p.err, p.said())
	}
	return fmt.Errorf("ended without a reply%s", p.said())
}

// said is the last line that the program wrote on standard error.
func (p *process) said() string {
	if last := p.noise.last(); last != "" {
		return fmt.Sprintf("; the last line of its standard error: %s", last)
	}
	return ""
}

// beginning of a line, for a message.
func beginning(line []byte) string {
	const most = 60
	s := strings.ToValidUTF8(string(bytes.TrimSpace(line[:min(len(line), most)])), "?")
	if len(line) > most {
		s += "..."
	}
	return s
}

// tail keeps the end of what is written to it. The processes of one program share it.
type tail struct {
	mu    sync.Mutex
	b     []byte
	lines int
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines += bytes.Count(b, []byte{'\n'})
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-noiseMax):]
	return len(b), nil
}

// last is the last line that is not blank.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.b), []byte{'\n'})
	return beginning(lines[len(lines)-1])
}
