package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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

// dscliSaid is a line of the answer to a dscli.Call: what it came to, or what it said up to a question. The answer to
// that comes as a dscliAnswer meanwhile.
type dscliSaid struct {
	dscli.Said
	QuestionID string `json:"question_id,omitempty"`
	Failed     string `json:"failed,omitempty"` // the facility could not keep the command
}

// dscliAnswer answers a question.
type dscliAnswer struct {
	Question string  `json:"question_id"`
	Answer   *string `json:"answer,omitempty"` // nil: nobody answers
}

// answerMost is how long a question of DSCLI waits. Other commands wait with it: what the command has done before it
// asked, and what it does then, are one command.
const answerMost = 30 * time.Second

var errLesson = errors.New("a rehearsal is played on the pages: leave it there, and try again")

// typed runs a line as a shell does.
func (l *lab) typed(c shellCall) (shellSaid, error) {
	if c.Line != "" {
		l.turn.Lock()
		defer l.turn.Unlock()
	}
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

// question is one that waits.
type question struct {
	id      string
	answers chan *string // of one
}

// dscli runs a command of DSCLI. Each question is a line of the answer; who is gone answers no.
func (s *Server) dscli(w http.ResponseWriter, r *http.Request) {
	var c dscli.Call
	if !decode(w, r, &c) {
		return
	}
	end, err := s.administer(c, func(q dscli.Said) (string, error) { return s.ask(w, r, q) })
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_ = line(w, end) // an error is of somebody who is gone
}

// line sends a line of the answer.
func line(w http.ResponseWriter, said dscliSaid) error {
	b, err := json.Marshal(said)
	if err == nil {
		w.Header().Set("Content-Type", "application/jsonl")
		_, err = w.Write(append(b, '\n'))
	}
	return errors.Join(err, http.NewResponseController(w).Flush())
}

// administer runs a command of DSCLI.
func (s *Server) administer(c dscli.Call, ask func(dscli.Said) (string, error)) (dscliSaid, error) {
	s.lab.take()
	defer s.lab.release()
	if s.lab.lesson != nil {
		return dscliSaid{}, errLesson
	}
	said, err := dscli.Serve(c, s.begin, ask)
	ran := Ran{Line: "dscli", Verdict: console.Done}
	if shown, err := console.Shown("dscli " + console.Word{Value: c.Line}.Quoted()); err == nil && len(shown) == 1 {
		ran.Line = shown[0]
	}
	if err != nil || said.Error != nil {
		ran.Verdict = console.Failed
	}
	s.lab.remember(ran)
	s.lab.tell()
	end := dscliSaid{Said: said}
	if err != nil {
		end.Failed = console.ErrorText(err)
	}
	return end, nil
}

// ask sends a question and waits for its answer, while others look. The caller has the turn, and mu.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, q dscli.Said) (string, error) {
	s.lab.mu.Unlock()
	defer s.lab.mu.Lock()
	ask := question{id: NewToken(), answers: make(chan *string, 1)}
	s.asked.Store(&ask)
	defer s.asked.Store(nil)
	until := http.NewResponseController(w)
	_ = until.SetWriteDeadline(time.Now().Add(s.patience))
	defer func() { _ = until.SetWriteDeadline(time.Now().Add(callMost)) }()
	if line(w, dscliSaid{Said: q, QuestionID: ask.id}) != nil {
		return "", dscli.ErrInterrupt
	}
	late := time.NewTimer(s.patience)
	defer late.Stop()
	select {
	case answer := <-ask.answers:
		if answer == nil {
			return "", errors.New("nobody answered")
		}
		return *answer, nil
	case <-r.Context().Done():
	case <-late.C:
	}
	return "", dscli.ErrInterrupt
}

// answer takes the answer to a question.
func (s *Server) answer(a dscliAnswer) (struct{}, error) {
	if ask := s.asked.Load(); ask != nil && ask.id == a.Question {
		select {
		case ask.answers <- a.Answer:
			return struct{}{}, nil
		default:
		}
	}
	return struct{}{}, errors.New("the question is not open any more: it was answered with no")
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

// decode reads a call, and gives its answer time.
func decode(w http.ResponseWriter, r *http.Request, c any) bool {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(callMost)) // a recorder has none
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		http.Error(w, "this is no call of fdelab shell or fdelab dscli of this release", http.StatusBadRequest)
		return false
	}
	_, err := io.Copy(io.Discard, r.Body) // only then is it noticed that the caller is gone
	return err == nil
}

// remote decodes a call and answers it.
func remote[Call, Said any](answer func(Call) (Said, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c Call
		if !decode(w, r, &c) {
			return
		}
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
