package web

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chrome is one browser for all tests, each of which has a context of its own in it, with its own cookies.
var chrome = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	closeChrome = func() { _ = chromedp.Cancel(ctx); stop() }
	return ctx, chromedp.Do(ctx)
})

var closeChrome = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	closeChrome()
	os.Exit(code)
}

// person is somebody with a browser, who came by a link.
type person struct {
	*site
	ctx context.Context

	mu   sync.Mutex
	odd  []string // what the browser's console said
	lost bool     // its connection will be lost: see loses
	away []string // requests to other machines
}

// patience is how long anything may take that a person waits for, on a machine with other work too.
const patience = time.Minute

func (s *site) person(token string, width int) *person {
	s.t.Helper()
	if testing.Short() {
		s.t.Skip("SKIPPED: the browser is not started in a short run")
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		s.t.Skipf("SKIPPED: there is no Chromium, so nobody looks at the pages: %v", err)
	}
	root, err := chrome()
	require.NoError(s.t, err, "Chromium is there, and starts")
	ctx, leave := chromedp.NewContext(root, chromedp.WithNewBrowserContext())
	p := &person{site: s, ctx: ctx}
	s.t.Cleanup(leave)
	require.NoError(s.t, chromedp.Listen(ctx, p.hear))
	p.do(call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}), chromedp.EmulateViewport(int64(width), 900))
	p.do(chromedp.Navigate(s.at + "/enter?token=" + token))
	p.sees(`document.querySelector("#clock, #rehearsal")`, "the link leads to the laboratory")
	s.t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, said := range p.odd {
			if !p.lost || !ofConnection.MatchString(said) {
				s.t.Errorf("the browser's console is not silent: %s", said)
			}
		}
		require.Empty(s.t, p.away, "no request leaves the machine")
	})
	return p
}

// ofConnection is how the browser tells that a connection is lost.
var ofConnection = regexp.MustCompile(`net::ERR_|^"\[object Event\]"$`)

// loses says that the connection will be lost. The browser may tell so, and nothing else.
func (p *person) loses() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

// hear keeps what is not as it should be.
func (p *person) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.odd = append(p.odd, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			for _, a := range e.Args {
				p.odd = append(p.odd, string(a.Value)+a.Description)
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.odd = append(p.odd, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, p.at+"/") && !strings.HasPrefix(u, "data:") {
			p.away = append(p.away, u)
		}
	}
}

// call is a command of the protocol as an action.
func call[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	})
}

func (p *person) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.ctx, patience)
	defer done()
	require.NoError(p.t, chromedp.Do(ctx, actions...))
}

// open goes to a page.
func (p *person) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.at + path))
}

// sees waits until a condition in the browser holds.
func (p *person) sees(condition, what string) {
	p.t.Helper()
	until[bool](p, "!!("+condition+") || null", what)
}

// until gives what an expression in the browser is as soon as it is not null. A page may go while it is asked: then the
// next one is.
func until[T any](p *person, expression, what string) T {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.ctx, patience)
	defer done()
	for {
		v, err := chromedp.Run(ctx, chromedp.Evaluate[*T](expression))
		if err == nil && v != nil {
			return *v
		}
		if ctx.Err() != nil {
			text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location + ' ' + document.body.innerText"))
			require.NoError(p.t, ctx.Err(), "%s (%v): %s", what, err, text)
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// reads waits until an element holds a text.
func (p *person) reads(selector, text string) {
	p.t.Helper()
	p.sees(fmt.Sprintf("document.querySelector(%q)?.innerText.replace(/\\s+/g, ' ').includes(%q)", selector, text), selector+" says "+text)
}

// asks gives what an expression is in the browser; a promise is waited for.
func asks[T any](p *person, expression string) T {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.ctx, patience)
	defer done()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, expression)
	return v
}

// types writes a command at the foot, and waits for its answer.
func (p *person) types(line string) {
	p.t.Helper()
	p.fills("#prompt", line)
	p.click("#cli button")
	p.sees(`document.querySelector("#prompt").value === ""`, "the command was taken: "+line)
}

// scheme is what the system prefers.
func scheme(name string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func TestChromiumThatDoesNotStartIsAFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		there bool
		says  string
	}{{true, "Chromium is there, and starts"}, {false, "SKIPPED: there is no Chromium"}} {
		folder := t.TempDir()
		if c.there {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "chromium"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
		}
		again := exec.Command(os.Args[0], "-test.run", "^TestReloadShowsTheSame$", "-test.v")
		again.Env = []string{"PATH=" + folder}
		said, err := again.CombinedOutput()
		require.Equal(t, c.there, err != nil, "%s", said)
		require.Contains(t, string(said), c.says)
	}
}
