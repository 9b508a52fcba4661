package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/web"
)

// webOptions are the flags of fdelab web.
type webOptions struct {
	lab, listen, ready, seed string
	guest, expose            bool
	campaigns                []string
	nats                     campaign.Outside
	marked                   []byte // what the ready file holds, once it was made
}

// webJSON is the answer of fdelab web, also in its ready file. The links are secrets.
type webJSON struct {
	Listen string `json:"listen"`
	Link   string `json:"link"`
	Guest  string `json:"guest,omitempty"`
}

func newWebCmd(a *app) *cobra.Command {
	var o webOptions
	c := &cobra.Command{
		Use:   "web",
		Short: "a facility in a browser: drives, events, keys, and the command line at the foot",
		Long: "web serves pages of a simulated facility until it is interrupted, and prints the link to open.\n" +
			"Each button stands for a command of fdelab shell, and shows it at the foot of the page. All\n" +
			"browsers see the same facility, and what others do there.\n\n" +
			"The link holds a token: whoever has it may give commands. With --guest there is a second link,\n" +
			"for those who look only. Other machines reach the pages only at an address that --listen names,\n" +
			"and --expose says that this is meant: there is no TLS.\n\n" +
			"With --lab the facility is that of a lab that is kept, and each command is kept too.\n\n" +
			"With --campaign or --nats there are campaigns to look at, as fdelab campaign status has them, and\n" +
			"each failure on a page of its own.",
		Example: "  fdelab web\n  fdelab web --lab mine --guest\n  fdelab web --campaign night.plan\n  fdelab web --listen 192.0.2.7:8980 --expose",
		Args:    between(0, 0, "none: the facility is that of --lab, or a new one"),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.lab != "" && c.Flags().Changed("seed") {
				return usagef("web: --lab and --seed are given: a lab that is kept has its own seed")
			}
			places, err := o.places()
			if err != nil {
				return err
			}
			return a.web(&o, places)
		},
	}
	c.Flags().StringVar(&o.lab, "lab", "", "a lab that is kept (fdelab lab create), in place of a new facility")
	c.Flags().StringVar(&o.seed, "seed", "0", "decides every key, serial number and event of a new facility")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8980", "address and port to serve at; port 0 is any")
	c.Flags().BoolVar(&o.expose, "expose", false, "let other machines reach --listen")
	c.Flags().BoolVar(&o.guest, "guest", false, "print a second link, with which one can look and do nothing")
	c.Flags().StringVar(&o.ready, "ready-file", "", "file that is there while the pages are served, with the answer of --json")
	c.Flags().StringArrayVar(&o.campaigns, "campaign", nil, "show the campaign of a plan, or of a folder that --dir named; may come several times")
	natsFlags(c, &o.nats)
	c.Flags().Lookup("nats").Usage = "show the campaigns of a NATS server, or of each --campaign there"
	return c
}

// web serves the pages until an interrupt.
func (a *app) web(o *webOptions, places []web.CampaignPlace) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	session, dscliOf, closeLab, err := a.webSession(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLab()) }()
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return cannotf("web: --listen %s: %w", o.listen, plainListenError(err))
	}
	address := l.Addr().String()
	if host, _, _ := net.SplitHostPort(o.listen); net.ParseIP(host) == nil {
		_, port, _ := net.SplitHostPort(address)
		address = net.JoinHostPort(host, port) // by its name, as it was given
	} else if net.ParseIP(host).IsUnspecified() {
		_, port, _ := net.SplitHostPort(address)
		address = net.JoinHostPort(ownAddress(), port)
	}
	token := web.NewToken()
	answer := webJSON{Listen: address, Link: web.Link(address, token)}
	s := web.Options{Session: session, DSCLI: dscliOf, Listen: address, Token: token, Campaigns: places, Note: a.note}
	if o.guest {
		s.Guest = web.NewToken()
		answer.Guest = web.Link(address, s.Guest)
	}
	pages, err := web.New(s)
	if err != nil {
		return errors.Join(usagef("%w", err), l.Close())
	}
	return a.webAt(o, l, pages, answer)
}

// ownAddress is an address at which other machines reach this one, or the loopback address where there is none.
func ownAddress() string {
	addresses, _ := net.InterfaceAddrs() // none, then
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// webAt serves at a listener, and says so.
func (a *app) webAt(o *webOptions, l net.Listener, pages *web.Server, answer webJSON) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := web.NewHTTPServer(pages)
	defer pages.Close() // before the lab is closed: time may run
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	if o.expose {
		a.note("warning: web: other machines reach %s, and there is no TLS: whoever sees the link on its way has the laboratory", answer.Listen)
	}
	err := o.markReady(answer)
	switch {
	case err != nil:
	case a.json:
		err = a.printJSON(answer)
	default:
		a.printf("open %s\n", answer.Link)
		if answer.Guest != "" {
			a.printf("to look only: %s\n", answer.Guest)
		}
	}
	if err = errors.Join(err, a.out.err); err == nil {
		select {
		case err = <-done:
			done <- err
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
		case <-ctx.Done():
		}
	}
	err = errors.Join(err, server.Close())
	<-done
	if err = errors.Join(err, o.unmarkReady()); err != nil {
		return cannotf("web: %w", err)
	}
	return nil
}

// webSession is the session of the pages. A page reaches no file of this machine.
func (a *app) webSession(o *webOptions) (s *console.Session, dscliOf func(dscli.Options) *dscli.Session, shut func() error, err error) {
	if o.lab == "" {
		seed, err := console.ParseSeed(o.seed)
		if err != nil {
			return nil, nil, nil, usagef("web: --seed %q: %w", o.seed, err)
		}
		s := console.NewSession(console.Options{Seed: seed, Start: true})
		return s, nil, s.Close, nil
	}
	options := a.labOptions()
	options.Color, options.Width, options.ReadFile, options.WriteFile = false, 0, nil, nil
	l, err := a.openLab("web", o.lab, options)
	if err != nil {
		return nil, nil, nil, err
	}
	return l.Session(), l.DSCLI, func() error {
		if err := l.Close(); err != nil {
			return cannotf("web: %w", err)
		}
		return nil
	}, nil
}

// check refuses flags that are not right, before anything is opened.
func (o *webOptions) check() error {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil || host == "" {
		return usagef("web: --listen %s: need an address and a port, such as 127.0.0.1:8980", o.listen)
	}
	if !web.Loopback(host) && !o.expose {
		return usagef("web: --listen %s: other machines reach this address, and there is no TLS: use 127.0.0.1, or --expose", o.listen)
	}
	if web.Loopback(host) {
		o.expose = false // nothing to warn of
	}
	if o.ready == "" {
		return nil
	}
	b, err := os.ReadFile(o.ready)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cannotf("web: --ready-file: %w", plainDriveError(err))
	}
	if linkIn(b) == "" {
		return usagef("web: --ready-file %s: there is a file that fdelab web did not make, and it was left as it is: need a new name", o.ready)
	}
	return nil
}

// linkIn is the link in what a ready file holds; "" if it is none.
func linkIn(b []byte) string {
	var was webJSON
	if json.Unmarshal(b, &was) != nil {
		return ""
	}
	return was.Link
}

// markReady makes the file that says that the pages are served. Its owner alone can read it.
func (o *webOptions) markReady(answer webJSON) error {
	if o.ready == "" {
		return nil
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	o.marked = append(b, '\n')
	// Under another name first: who waits for the file finds it whole.
	f, err := os.CreateTemp(filepath.Dir(o.ready), ".ready-*")
	if err != nil {
		return fmt.Errorf("--ready-file %s: %w", o.ready, reason(err))
	}
	_, err = f.Write(o.marked)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), o.ready)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("--ready-file %s: %w", o.ready, reason(err))
	}
	return nil
}

// reason is an error of a file without the file's name.
func reason(err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

// unmarkReady removes the file, if it still is the one that markReady made.
func (o *webOptions) unmarkReady() error {
	if o.marked == nil {
		return nil
	}
	if b, err := os.ReadFile(o.ready); err != nil || !bytes.Equal(b, o.marked) {
		return nil
	}
	if err := os.Remove(o.ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plainDriveError(err)
	}
	return nil
}
