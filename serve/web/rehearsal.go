package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// lesson is a rehearsal that is played. It has a session of its own, so that the laboratory stays as it is.
type lesson struct {
	*console.Lesson
	name         string
	begun, ended time.Time // at the desk
	history      []Ran     // of the laboratory, until the end
	older        bool      // of the laboratory, too
}

// Story is a rehearsal as the pages show it.
type Story struct {
	Name, Title     string
	SRCs            []string
	Step, Steps     int // from 1
	Command         int // the one that is waited for, from 1
	Commands        int
	Prose           []string // of the step; at the end, of the epilogue
	Task            string   // what the command does
	Place           place    // the page to do it on
	Ended           bool
	Score           console.Score
	Desk            time.Duration // how long it took, once it has ended
	Facilities      []played      // once it has ended
	Checks, Actions []string      // what the catalogue says of its codes
}

// played is a facility of a rehearsal that has ended.
type played struct {
	Serial string
	Now    time.Time
	Events []raslab.ServiceEvent
}

// place is a page.
type place struct{ path, title string }

// begin begins a rehearsal.
func (l *lab) begin(name string, t *console.Transcript) {
	l.take()
	defer l.release()
	l.stand()
	l.leave()
	l.session = console.NewSession(console.Options{})
	l.lesson = &lesson{Lesson: console.NewLesson(t, l.session), name: name, begun: time.Now(), history: l.history, older: l.older}
	l.history, l.older = nil, false
	l.tell()
}

// leave goes back to the laboratory. The caller holds mu.
func (l *lab) leave() {
	if l.lesson != nil {
		_ = l.session.Close() // it has no files
		l.history, l.older = l.lesson.history, l.lesson.older
		l.lesson, l.session = nil, l.home
	}
}

// act takes a line of a rehearsal. The caller holds mu.
func (l *lab) act(line string) Answer {
	if strings.TrimSpace(line) == "" {
		return Answer{Verdict: console.Done}
	}
	a := Answer{Line: strings.ToLower(strings.TrimSpace(line)), Verdict: console.Done}
	shown, err := console.Shown(line)
	if err == nil {
		a.Line = strings.Join(shown, "; ")
	}
	asides, ended := len(l.lesson.Score().Asides), l.lesson.Ended()
	if ended && a.Line != "quit" && a.Line != "exit" {
		a.Verdict, a.Error = console.Refused, "the rehearsal is at its end: leave it, and go on in the laboratory"
		return a
	}
	var out bytes.Buffer
	before := l.lesson.Task().Line
	switch turn := l.lesson.Do(line, &out); turn {
	case console.Leaves:
		l.leave()
	case console.Moves:
		a.Line = before
		a.Verdict, a.Error = l.lesson.Last()
		l.remember(Ran{Line: before, Verdict: a.Verdict, Error: a.Error})
		a.Error = "" // it is in the output
		if l.lesson.Ended() {
			l.lesson.ended = time.Now()
		}
	case console.Waits:
		if all := l.lesson.Score().Asides; len(all) > asides {
			if a.Verdict = all[len(all)-1].Verdict; a.Verdict == console.NotUnderstood {
				a.Line = strings.TrimSpace(line)
			}
		}
		if ended {
			l.leave()
		}
	}
	a.Output = out.String()
	l.tell()
	return a
}

// story copies what a rehearsal is like. The caller holds mu.
func (l *lab) story() *Story {
	s := l.lesson
	if s == nil {
		return nil
	}
	t := s.Transcript
	out := &Story{Name: s.name, Title: t.Title, SRCs: t.SRCs, Step: s.Step() + 1, Steps: len(t.Steps), Ended: s.Ended(), Score: s.Score()}
	out.Command, out.Commands = s.Command()
	if !out.Ended {
		task := s.Task()
		out.Prose, out.Task, out.Place = t.Steps[s.Step()].Prose, task.Summary, placeOf(task)
		return out
	}
	out.Prose, out.Desk = t.Epilogue, s.ended.Sub(s.begun)
	for _, f := range l.session.Labs() {
		out.Facilities = append(out.Facilities, played{f.Serial(), f.Now(), f.Events()})
	}
	out.takeAlong()
	return out
}

// takeAlong is what the catalogue says of the codes that were met.
func (s *Story) takeAlong() {
	for _, code := range s.SRCs {
		if e, ok := src.Lookup(code); ok {
			s.Checks, s.Actions = append(s.Checks, e.Check...), append(s.Actions, e.Action...)
		}
	}
}

// placeOf is the page on which a command has its button, or shows what it does.
func placeOf(t console.Task) place {
	noun, verb, _ := strings.Cut(t.Command, " ")
	hand := place{"/hands", "Hands"}
	switch noun {
	case "event", "callhome":
		if id := t.Value("event"); id != "" {
			return place{"/events/" + id, "Event " + id}
		}
		return place{"/events", "Serviceable events"}
	case "sfi", "iml", "hmc", "link":
		if verb == "power" || verb == "hang" || verb == "essni" || noun == "link" {
			return hand
		}
		return place{"/sfi", "SFI resources"}
	case "keymgr":
		return place{"/keymgr", "Key managers"}
	case "keygrp":
		if verb == "testaccess" || verb == "access" || verb == "retrieve" || verb == "schedule" {
			return place{"/retrieval", "Key retrieval"}
		}
		return place{"/encryption", "Encryption"}
	case "reckey", "certificate":
		return place{"/encryption", "Encryption"}
	case "custody", "discontinue":
		return place{"/certificates", "Certificates of sanitization"}
	case "time", "health":
		return place{"/clock", "Clock"}
	case "keyserver", "network", "power", "fault", "memory", "shelf", "repository":
		return hand
	}
	if noun == "drive" && (verb == "break" || verb == "pull" || verb == "insert") || t.Command == "repair exchange" {
		return hand
	}
	if t.Command == "erase certificate" {
		return place{"/certificates", "Certificates of sanitization"}
	}
	if slot := t.Value("drive"); strings.HasPrefix(slot, "R") && strings.Contains(slot, "-") {
		return place{"/drive/" + slot, "Drive " + slot}
	}
	if rank := t.Value("rank"); rank != "" {
		return place{"/rank/" + rank, "Rank " + rank}
	}
	return place{"/", "Facility"}
}

// transcriptMost is how long a transcript of one's own may be, in bytes.
const transcriptMost = 256 << 10

// rehearse begins a rehearsal: one by its name, or a transcript that is sent.
func (s *Server) rehearse(w http.ResponseWriter, r *http.Request, role Role) {
	if role != Owner {
		http.Error(w, "a guest looks, and begins no rehearsal", http.StatusForbidden)
		return
	}
	name, text, err := upload(r, transcriptMost)
	if err != nil {
		s.wrong(w, r, role, err)
		return
	}
	if text == nil {
		all, err := rehearsals.Find(name)
		if err != nil {
			s.wrong(w, r, role, err)
			return
		}
		s.lab.begin(all[0].Name, all[0].Transcript)
	} else {
		t, err := console.ParseTranscript(name, string(text))
		if err != nil {
			s.wrong(w, r, role, err)
			return
		}
		s.lab.begin(strings.TrimSuffix(name, ".txt"), t)
	}
	http.Redirect(w, r, "/rehearsal", http.StatusSeeOther)
}

// wrong answers a form that was not right.
func (s *Server) wrong(w http.ResponseWriter, r *http.Request, role Role, err error) {
	st, _ := s.lab.news()
	p := page{title: "Not taken", body: notTaken(err.Error())}
	s.render(w, r, http.StatusBadRequest, layout(p, st, frame{at: "/rehearsal", version: s.version(st, "/rehearsal"), role: role}))
}

// upload reads a form with the field name, or the file with that field's name. content is nil without a file.
func upload(r *http.Request, most int64) (name string, content []byte, err error) {
	if err := r.ParseMultipartForm(most); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return "", nil, errors.New("the form is too long, or none of these pages")
	}
	if r.MultipartForm == nil || len(r.MultipartForm.File["file"]) == 0 {
		return r.FormValue("name"), nil, nil
	}
	defer func() { err = errors.Join(err, r.MultipartForm.RemoveAll()) }()
	return readFile(r.MultipartForm.File["file"][0], most)
}

func readFile(h *multipart.FileHeader, most int64) (name string, content []byte, err error) {
	f, err := h.Open()
	if err != nil {
		return "", nil, errors.New("the file cannot be read")
	}
	defer f.Close()
	content, err = io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return "", nil, errors.New("the file cannot be read")
	case int64(len(content)) > most:
		return "", nil, fmt.Errorf("%s: more than %d bytes", h.Filename, most)
	case len(content) == 0:
		return "", nil, errors.New("no file was chosen, or it is empty")
	}
	return h.Filename, content, nil
}

func commandsOf(t *console.Transcript) (n int) {
	for i := range t.Steps {
		n += len(t.Steps[i].Commands)
	}
	return n
}

// numbers counts commands, and names them.
func numbers(list []int) string {
	if len(list) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d, at %s", len(list), strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]"))
}

// atDesk is a time at the desk, in minutes, or seconds if it is short.
func atDesk(d time.Duration) string {
	if d < 2*time.Minute {
		return count(int(d/time.Second), "second")
	}
	return count(int(d/time.Minute), "minute")
}

func met(s *Story) (n int) {
	for _, f := range s.Facilities {
		n += len(f.Events)
	}
	return n
}

func closed(s *Story) (n int) {
	for _, f := range s.Facilities {
		for _, e := range f.Events {
			if !e.Open {
				n++
			}
		}
	}
	return n
}
