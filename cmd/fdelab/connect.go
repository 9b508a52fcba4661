package main

import (
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
	"github.com/seed-9d983aeb/fdelab/serve/web"
)

const connectHelp = "the laboratory of fdelab web: the link that it printed, or the file of its --ready-file"

// outsideFlags name what a facility may have outside this process.
var outsideFlags = []string{"cloud", "cloud-ca", "cloud-token-file", "kmip-certs", "kmip-ca", "kmip-cert", "kmip-key", "kmip-timeout"}

// given is the first of these flags that was given; "" if none was.
func given(c *cobra.Command, names []string) string {
	for _, n := range names {
		if c.Flags().Changed(n) {
			return n
		}
	}
	return ""
}

// shellSession is what a shell speaks to: a facility of this process, or of another.
type shellSession interface {
	console.Runner
	Prompt() string
	SetWidth(columns int)
	Complete(text string) []console.Candidate
	Drives() int // of the facility at hand; -1 if there is none
	Facilities() ([]console.Snapshot, error)
}

// localShell is a session of this process.
type localShell struct{ *console.Session }

func (s localShell) Complete(text string) []console.Candidate {
	return console.Complete(s.Session, text)
}

func (s localShell) Drives() int {
	if lab := s.Lab(); lab != nil {
		return len(lab.Drives())
	}
	return -1
}

func (s localShell) Facilities() ([]console.Snapshot, error) {
	return console.Snapshots(s.Session), nil
}

// remoteShell is a session of fdelab web. What it prints is fitted into the terminal here.
type remoteShell struct {
	*web.Client
	width int
}

func (s *remoteShell) SetWidth(columns int) { s.width = columns }

func (s *remoteShell) Each(text string, out io.Writer, report func(err error) (goOn bool)) {
	if s.width > 0 {
		folder := &layout.Folder{W: out, Width: func() int { return s.width }}
		defer func() { _ = folder.Flush() }()
		s.Client.Each(text, folder, func(err error) bool {
			_ = folder.Flush()
			return report(err)
		})
		return
	}
	s.Client.Each(text, out, report)
}

// connect reaches the laboratory of fdelab web.
func connect(command, to string) (*web.Client, error) {
	link := to
	if !strings.Contains(to, "://") {
		b, err := readSmall(to)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("%s: %s is no link, and there is no such file: need the link that fdelab web printed, or the file of its --ready-file", command, to)
		}
		if err != nil {
			return nil, cannotf("%s: %w", command, err)
		}
		if link = linkIn(b); link == "" {
			return nil, usagef("%s: %s is no file of fdelab web --ready-file", command, to)
		}
	}
	c, err := web.Connect(link)
	if errors.Is(err, web.ErrNoLink) {
		return nil, usagef("%s: %w", command, err)
	}
	if err != nil {
		return nil, cannotf("%s: %s", command, raslab.PlainError(err))
	}
	return c, nil
}

// shellConnect is shell at the laboratory of fdelab web.
func (a *app) shellConnect(to string, given bool, commands string, stop bool) error {
	c, err := connect("shell", to)
	if err != nil {
		return err
	}
	c.Stop = stop
	return a.shell(&remoteShell{Client: c, width: a.width()}, given, commands, stop)
}

// dscliConnect is DSCLI's program at the laboratory of fdelab web.
func dscliConnect(p dscli.Program) (s *console.Session, begin func(dscli.Options) *dscli.Session, shut func() error, err error) {
	if p.Lab+p.Setup+p.Commands+p.Seed+p.KMIP.Dir+p.KMIP.CA+p.KMIP.Certificate+p.KMIP.Key+p.KMIP.Timeout != "" {
		return nil, nil, nil, usagef("dscli: -connect comes without -lab, -setup, -setup-command, -seed and -kmip-...: the facility is that of fdelab web")
	}
	c, err := connect("dscli", p.Connect)
	if err != nil {
		return nil, nil, nil, err
	}
	none := console.NewSession(console.Options{}) // there is no facility here
	return none, func(o dscli.Options) *dscli.Session {
		o.Elsewhere = c.DSCLI
		o.Local = func(line string, out io.Writer) (failed error) {
			c.Stop = true
			c.Each(line, out, func(err error) bool {
				if err != nil && !errors.Is(err, console.ErrQuit) {
					failed = dscli.LocalError(console.VerdictOf(err) != console.NotUnderstood, oneLine(console.ErrorText(err)))
				}
				return err == nil
			})
			return failed
		}
		return dscli.NewSession(o)
	}, none.Close, nil
}
