package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// speeds are how fast time can run, in virtual seconds a second.
var speeds = []int{1, 60, 3600, 86400}

// playTick is how often time goes on while it runs, at the desk.
const playTick = time.Second

// play lets time run at a speed, until it is told to stand still. Each tick is a command like any other, and is kept
// with the lab. Time that runs fits no rehearsal, where each command counts.
func (l *lab) play(speed int) error {
	l.take()
	defer l.release()
	switch {
	case l.lesson != nil && speed > 0:
		return fmt.Errorf("time does not run by itself in a rehearsal: each of its commands is one of the story")
	case speed > 0 && !slices.Contains(speeds, speed):
		return fmt.Errorf("time does not run at %d seconds a second: need one of %v", speed, speeds)
	case speed > 0 && l.session.Lab() == nil:
		return fmt.Errorf("there is no facility yet: begin with lab new")
	}
	l.stand()
	if speed > 0 {
		l.speed, l.halt = speed, make(chan struct{})
		go l.goOn(l.halt, time.Duration(speed)*playTick)
	}
	l.tell()
	return nil
}

// stand lets time stand still. The caller holds mu.
func (l *lab) stand() {
	if l.halt != nil {
		close(l.halt)
		l.speed, l.halt = 0, nil
	}
}

// goOn runs time until halt is closed.
func (l *lab) goOn(halt <-chan struct{}, by time.Duration) {
	beat := time.NewTicker(playTick)
	defer beat.Stop()
	for {
		select {
		case <-halt:
			return
		case <-beat.C:
		}
		l.take()
		select {
		case <-halt: // while this waited
			l.release()
			return
		default:
		}
		l.tick(by)
		l.release()
	}
}

// tick is one step of time that runs. In the history the steps are one line. The caller holds mu.
func (l *lab) tick(by time.Duration) {
	line := "time advance by=" + by.String()
	shown, err := console.Shown(line)
	if err != nil {
		panic("BUG: time that runs is no command: " + err.Error())
	}
	before, older := l.history, l.older
	a := l.each(line, shown)
	if len(before) > 0 && before[0].Line == a.Line && before[0].Times > 0 {
		l.history[0].Times = before[0].Times + 1
		l.history, l.older = append(l.history[:1:1], before[1:]...), older
	} else {
		l.history[0].Times = 1
	}
	if a.Verdict != console.Done {
		l.stand()
	}
	l.tell()
}

// clockRun takes how fast time is to run; 0 lets it stand still.
func (s *Server) clockRun(w http.ResponseWriter, r *http.Request, role Role) {
	if role != Owner {
		http.Error(w, "a guest looks, and runs no time", http.StatusForbidden)
		return
	}
	speed, err := strconv.Atoi(r.PostFormValue("speed"))
	if err != nil || speed < 0 {
		err = fmt.Errorf("no speed")
	} else {
		err = s.lab.play(speed)
	}
	if err != nil {
		s.wrong(w, r, role, err)
		return
	}
	back := r.PostFormValue("at")
	if back == "" || back[0] != '/' || len(back) > 1 && (back[1] == '/' || back[1] == '\\') {
		back = "/clock"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// Close lets time stand still. The session stays open.
func (s *Server) Close() {
	s.board.close()
	s.lab.take()
	defer s.lab.release()
	s.lab.stand()
	s.lab.leave()
}
