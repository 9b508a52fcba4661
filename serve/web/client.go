package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// Client is a command line at a laboratory whose pages another process serves. It belongs to one goroutine.
type Client struct {
	// Stop ends a line at its first command that goes wrong.
	Stop bool

	at    string // http://HOST:PORT
	token string
	http  http.Client
	last  shellSaid
}

// callMost is how long a call may take: a command may let months of virtual time pass, and wait for one before it.
const callMost = 10 * time.Minute

// saidMost is the longest answer that is read, in bytes: more than 1,536 drives come to.
const saidMost = 64 << 20

// ErrNoLink means that a text is no link of fdelab web. It does not hold the text, which may hold a token.
var ErrNoLink = errors.New("this is no link of fdelab web: http://127.0.0.1:8980/enter?token=... is right")

// Connect takes the link that fdelab web printed, with its token, and asks whether the laboratory is there. A text that is none gives
// ErrNoLink.
func Connect(link string) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme != "http" || u.Host == "" || u.Query().Get("token") == "" {
		return nil, ErrNoLink
	}
	c := &Client{at: "http://" + u.Host, token: u.Query().Get("token"), http: http.Client{
		Timeout:       callMost,
		Transport:     &http.Transport{},                                                             // no proxy of the environment gets the token
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // nobody else gets the token
	}}
	return c, c.shell(shellCall{})
}

// post makes a call and gives the body of its answer, which the caller closes. No error holds the token.
func (c *Client) post(path string, call any) (io.ReadCloser, error) {
	b, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, c.at+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	got, err := c.http.Do(r)
	if err != nil {
		var about *url.Error
		if errors.As(err, &about) {
			err = about.Err
		}
		return nil, fmt.Errorf("%s does not answer: %w", c.at, err)
	}
	if got.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(got.Body, 500)) // what is there of it
		_ = got.Body.Close()
		return nil, fmt.Errorf("%s: %s", c.at, strings.TrimSpace(string(text)))
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(got.Body, saidMost), got.Body}, nil
}

// read reads one value of an answer.
func (c *Client) read(d *json.Decoder, said any) error {
	if err := d.Decode(said); err != nil {
		return fmt.Errorf("%s gives no answer of fdelab web, or it broke off", c.at)
	}
	return nil
}

// ask makes a call of one answer.
func (c *Client) ask(path string, call, said any) error {
	body, err := c.post(path, call)
	if err != nil {
		return err
	}
	defer body.Close()
	return c.read(json.NewDecoder(body), said)
}

func (c *Client) shell(call shellCall) error {
	var said shellSaid
	err := c.ask("/shell", call, &said)
	if err == nil {
		c.last = said
	}
	return err
}

// Each runs the commands of a line there, as [console.Session.Each] does here. An error of the way there is reported
// as that of a command.
func (c *Client) Each(text string, out io.Writer, report func(err error) (goOn bool)) {
	if err := c.shell(shellCall{Line: text, Stop: c.Stop}); err != nil {
		report(err)
		return
	}
	for _, r := range c.last.Results {
		_, _ = io.WriteString(out, r.Output) // as Fprint elsewhere: who reads it is not our concern
		var err error
		if r.Verdict != console.Done {
			err = &console.ToldError{Verdict: r.Verdict, Text: r.Error, Printed: r.Printed}
		}
		if !report(err) {
			return
		}
	}
	if c.last.Quit {
		report(console.ErrQuit)
	}
}

// Prompt is what stands before the next line.
func (c *Client) Prompt() string { return c.last.Prompt }

// Drives is how many drives the facility at hand has; -1 if there is none.
func (c *Client) Drives() int { return c.last.Drives }

// Complete lists how a line may go on; nothing, if nobody answers.
func (c *Client) Complete(text string) []console.Candidate {
	if c.shell(shellCall{Complete: &text}) != nil {
		return nil
	}
	return c.last.Candidates
}

// Facilities is each facility there, as it is now.
func (c *Client) Facilities() ([]console.Snapshot, error) {
	err := c.shell(shellCall{Facilities: true})
	return c.last.Facilities, err
}

// DSCLI is dscli.Options.Elsewhere.
func (c *Client) DSCLI(call dscli.Call, ask func(dscli.Said) *string) (dscli.Said, error) {
	body, err := c.post("/dscli", call)
	if err != nil {
		return dscli.Said{}, err
	}
	defer body.Close()
	d := json.NewDecoder(body)
	for {
		var said dscliSaid
		if err := c.read(d, &said); err != nil {
			return dscli.Said{}, err
		}
		switch {
		case said.Failed != "":
			return dscli.Said{}, fmt.Errorf("%s: %s", c.at, said.Failed)
		case said.Question == "":
			return said.Said, nil
		}
		answer := dscliAnswer{Question: said.QuestionID, Answer: ask(said.Said)}
		if err := c.ask("/dscli/answer", answer, &struct{}{}); err != nil {
			return dscli.Said{}, err
		}
	}
}
