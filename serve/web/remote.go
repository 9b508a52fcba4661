package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// The doors for a second process: fdelab shell --connect and fdelab dscli -connect. They take the owner's token in the
// header Authorization, which no page of another site can send without being asked for its Origin.

// shellCall is a line for the session.
type shellCall struct {
	Line string `json:"line"` // "" runs nothing
	Stop bool   `json:"stop"` // at the first command that goes wrong
	// Complete asks how a text goes on, and runs nothing; Facilities asks for what fdelab shell --json prints.
	Complete   *string `json:"complete,omitempty"`
	Facilities bool    `json:"facilities,omitempty"`
}

// shellSaid answers a shellCall.
type shellSaid struct {
	Results    []shellResult       `json:"results,omitempty"`
	Quit       bool                `json:"quit,omitempty"`
	Prompt     string              `json:"prompt"`
	Drives     int                 `json:"drives"` // of the facility at hand; -1 if there is none
	Candidates []console.Candidate `json:"candidates,omitempty"`
	Facilities []console.Snapshot  `json:"facilities,omitempty"`
}

// shellResult is what one command of a line came to.
type shellResult struct {
	Output  string          `json:"output,omitempty"`
	Verdict console.Verdict `json:"verdict"`
	Error   string          `json:"error,omitempty"`
	Printed bool            `json:"printed,omitempty"` // the error says nothing that is not in the output
}

// dscliCall is a command of DSCLI, or the answer to the question of one.
type dscliCall struct {
	Call     *dscli.Call `json:"call,omitempty"`
	Question string      `json:"question_id,omitempty"` // of dscliSaid
	Answer   *string     `json:"answer,omitempty"`      // nil: nobody answers
}

// dscliSaid answers a dscliCall.
type dscliSaid struct {
	dscli.Said
	QuestionID string `json:"question_id,omitempty"`
}

// answerMost is how long a question of DSCLI waits. The laboratory waits with it: what the command has done before it
// asked, and what it does then, are one command.
const answerMost = 30 * time.Second

var errLesson = errors.New("a rehearsal is played on the pages: leave it there, and try again")

// typed runs a line as a shell does.
func (l *lab) typed(c shellCall) (shellSaid, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lesson != nil {
		return shellSaid{}, errLesson
	}
	var a shellSaid
	switch {
	case c.Complete != nil:
		a.Candidates = console.Complete(l.session, *c.Complete)
	case c.Facilities:
		a.Facilities = console.Snapshots(l.session)
	case c.Line != "":
		a.Results, a.Quit = l.results(c)
		l.tell()
	}
	a.Prompt, a.Drives = l.session.Prompt(), -1
	if f := l.session.Lab(); f != nil {
		a.Drives = len(f.Drives())
	}
	return a, nil
}

// results runs the commands of a line and writes those that are understood into the history. The caller holds mu.
func (l *lab) results(c shellCall) (all []shellResult, quit bool) {
	shown, _ := console.Shown(c.Line) // none, if anything of it is not understood
	var out bytes.Buffer
	l.session.Each(c.Line, &out, func(err error) bool {
		if errors.Is(err, console.ErrQuit) {
			quit = true
			return false
		}
		r := shellResult{Output: out.String(), Verdict: console.VerdictOf(err)}
		out.Reset()
		if err != nil {
			var failed *console.FailedError
			r.Error, r.Printed = console.ErrorText(err), errors.As(err, &failed)
		}
		if n := len(all); n < len(shown) {
			l.remember(Ran{Line: shown[n], Verdict: r.Verdict, Error: strings.ReplaceAll(r.Error, "\n", " ")})
		}
		all = append(all, r)
		return err == nil || !c.Stop
	})
	return all, quit
}

// talk is a command of DSCLI that asks.
type talk struct {
	id      string
	answers chan *string
	said    chan dscliSaid
	failed  chan error
}

// administer runs a command of DSCLI, up to its end or its first question.
func (s *Server) administer(c dscli.Call) (dscliSaid, error) {
	t := &talk{id: NewToken(), answers: make(chan *string), said: make(chan dscliSaid), failed: make(chan error)}
	s.lab.mu.Lock()
	if s.lab.lesson != nil {
		s.lab.mu.Unlock()
		return dscliSaid{}, errLesson
	}
	go func() {
		defer s.lab.mu.Unlock()
		said, err := dscli.Serve(c, s.begin, func(q dscli.Said) (string, error) { return s.ask(t, q) })
		name, _, _ := strings.Cut(strings.TrimSpace(c.Line), " ")
		ran := Ran{Line: "dscli " + name, Verdict: console.Done}
		if shown, err := console.Shown("dscli " + console.Word{Value: c.Line}.Quoted()); err == nil && len(shown) == 1 {
			ran.Line = shown[0]
		}
		if err != nil || said.Error != nil {
			ran.Verdict = console.Failed
		}
		s.lab.remember(ran)
		s.lab.tell()
		t.end(dscliSaid{Said: said}, err)
	}()
	return t.next()
}

// ask hands a question on, and waits for its answer. Without one in time it is answered with no.
func (s *Server) ask(t *talk, q dscli.Said) (string, error) {
	s.asked.Store(t)
	defer s.asked.Store(nil)
	wait := time.NewTimer(answerMost)
	defer wait.Stop()
	select {
	case t.said <- dscliSaid{Said: q, QuestionID: t.id}:
	case <-wait.C:
		return "", dscli.ErrInterrupt
	}
	select {
	case answer := <-t.answers:
		if answer == nil {
			return "", errors.New("nobody answered")
		}
		return *answer, nil
	case <-wait.C:
		return "", dscli.ErrInterrupt
	}
}

// end hands on what the command came to. Who asked for it may be gone.
func (t *talk) end(said dscliSaid, err error) {
	wait := time.NewTimer(time.Second)
	defer wait.Stop()
	if err != nil {
		select {
		case t.failed <- err:
		case <-wait.C:
		}
		return
	}
	select {
	case t.said <- said:
	case <-wait.C:
	}
}

// next waits for a question, or the end.
func (t *talk) next() (dscliSaid, error) {
	select {
	case said := <-t.said:
		return said, nil
	case err := <-t.failed:
		return dscliSaid{}, err
	}
}

// reply answers the question of a command.
func (s *Server) reply(c dscliCall) (dscliSaid, error) {
	late := errors.New("the question is not open any more: it was answered with no")
	t := s.asked.Load()
	if t == nil || t.id != c.Question {
		return dscliSaid{}, late
	}
	select {
	case t.answers <- c.Answer:
		return t.next()
	case <-time.After(time.Second):
		return dscliSaid{}, late
	}
}

// owner gives a handler only those who have the owner's token in the header Authorization.
func (s *Server) owner(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := bearer(r)
		switch s.roleOf(token) {
		case Owner:
			next(w, r)
		case Guest:
			http.Error(w, "a guest looks, and gives no command", http.StatusForbidden)
		default:
			http.Error(w, "this is not the token of the link that fdelab web printed", http.StatusUnauthorized)
		}
	}
}

func bearer(r *http.Request) (token string, there bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// remote decodes a call and answers it.
func remote[Call, Said any](answer func(Call) (Said, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c Call
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			http.Error(w, "this is no call of fdelab shell or fdelab dscli of this release", http.StatusBadRequest)
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(callMost)) // a recorder has none
		said, err := answer(c)
		if err != nil {
			http.Error(w, console.ErrorText(err), http.StatusConflict)
			return
		}
		b, err := json.Marshal(said)
		if err != nil {
			http.Error(w, "the answer could not be written", http.StatusInternalServerError)
			return
		}
		write(w, r, http.StatusOK, "application/json", b)
	}
}

func (s *Server) dscli(c dscliCall) (dscliSaid, error) {
	if c.Call == nil {
		return s.reply(c)
	}
	return s.administer(*c.Call)
}
