package dscli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The exit codes of DSCLI (IBM, DS8000 command-line interface).
const (
	ExitSuccess        = 0
	ExitSyntax         = 2
	ExitConnection     = 3 // no management console can be reached
	ExitServer         = 4 // the facility could not work on the request
	ExitAuthentication = 5 // there is no such user, or the user may not do it
	ExitApplication    = 6 // the request was refused, or did not reach its aim
)

// Source is where the number of a message comes from.
type Source string

// The sources. Numbers of our own begin at CMUC90000, so that nobody takes them for IBM's.
const (
	FromMAP    Source = "IBM, MAP4980"
	FromGuides Source = "IBM's published examples"
	FromMemory Source = "IBM's published examples, from memory"
	Ours       Source = "assumption"
)

// Message is one entry of the table of messages.
type Message struct {
	ID     string // the last letter: I information, W a question, E an error
	Text   string // with the verbs of fmt; for an error, what all errors of this number have in common
	Source Source
}

// The messages, all of them. Texts marked as an assumption are ours, numbers included.
var (
	msgArrayMade     = message("CMUC00004I", "Array %s successfully created.", FromMemory)
	msgRankMade      = message("CMUC00007I", "Rank %s successfully created.", FromMemory)
	msgNothing       = message("CMUC00234I", "No %s found.", FromGuides)
	msgTestAccess    = message("CMUC00480W", "Are you sure that you want to initiate a key retrieval for key group %d? [y/n]:", FromMAP)
	msgTestSubmitted = message("CMUC00481I", "The Test Access action is submitted for key server encryption group %d.", FromMAP)

	msgArrayGone      = message("CMUC90001I", "Array %s is removed.", Ours)
	msgArrayRemove    = message("CMUC90001W", "Remove array %s? [y/n]:", Ours)
	msgRankGone       = message("CMUC90002I", "Rank %s is removed.", Ours)
	msgRankRemove     = message("CMUC90002W", "Remove rank %s with its data? [y/n]:", Ours)
	msgManagerMade    = message("CMUC90003I", "Key manager %d is configured.", Ours)
	msgManagerChanged = message("CMUC90004I", "Key manager %d is changed.", Ours)
	msgManagerGone    = message("CMUC90005I", "Key manager %s is removed.", Ours)
	msgManagerRemove  = message("CMUC90005W", "Remove key manager %s? [y/n]:", Ours)
	msgGroupMade      = message("CMUC90006I", "Key group %d is configured.", Ours)
	msgGroupGone      = message("CMUC90007I", "Key group %s is removed.", Ours)
	msgGroupRemove    = message("CMUC90007W", "Remove key group %s? [y/n]:", Ours)
	msgImported       = message("CMUC90008I", "The certificate is installed; it expires %s.", Ours)
	msgImport         = message("CMUC90008W", "Replace the facility's certificate? [y/n]:", Ours)
	msgEventClosed    = message("CMUC90009I", "Serviceable event %s is closed.", Ours)
	msgEventClose     = message("CMUC90009W", "Close serviceable event %s? [y/n]:", Ours)
	msgRekeyed        = message("CMUC90010I", "Key group %d has a new data key.", Ours)
	msgRekey          = message("CMUC90010W", "Exchange the data key of key group %d? [y/n]:", Ours)
	msgRekeyedAll     = message("CMUC90011I", "Key group %d has a new group key; the credential of every member is exchanged.", Ours)
	msgRekeyAll       = message("CMUC90011W", "Exchange the group key of key group %d, and the credential of every member? [y/n]:", Ours)
	msgRecoveryDone   = message("CMUC90012I", "The recovery key of key group %d is %s.", Ours)
	msgRecoveryMake   = message("CMUC90012W", "Draw a recovery key for key group %d, to be shown once? [y/n]:", Ours)
	msgRecoveryStep   = message("CMUC90013W", "Recovery key: %s for key group %d? [y/n]:", Ours)
	msgTestWhen       = message("CMUC90014I", "The results come at %s; in the lab: time advance by=%s.", Ours)
	msgKeyWarning     = message("CMUC90015I", "Warning: %s.", Ours)
	msgCancelled      = message("CMUC90019I", "Nothing was changed.", Ours)

	msgSyntax     = message("CMUC90020E", "the line is not understood", Ours)
	msgConnection = message("CMUC90030E", "there is no way to a facility", Ours)
	msgServer     = message("CMUC90040E", "the facility could not work on the request", Ours)
	msgUser       = message("CMUC90050E", "there is no such user, or the user may not do it", Ours)
	msgNotFound   = message("CMUC90060E", "there is no such object", Ours)
	msgInvalid    = message("CMUC90061E", "a value is not valid", Ours)
	msgBusy       = message("CMUC90062E", "another service action is in progress", Ours)
	msgState      = message("CMUC90063E", "the object cannot do this now", Ours)
	msgNoAccess   = message("CMUC90064E", "the data are not accessible", Ours)
	msgStillWrong = message("CMUC90065E", "the cause of an event still holds", Ours)
	msgUnanswered = message("CMUC90066E", "a question was not answered", Ours)
	msgFailed     = message("CMUC90069E", "the action ran and did not reach its aim", Ours)
)

var messages []*Message

func message(id, text string, from Source) *Message {
	m := &Message{id, text, from}
	messages = append(messages, m)
	return m
}

// Messages is the table of messages, in the order of its groups.
func Messages() []Message {
	out := make([]Message, len(messages))
	for i, m := range messages {
		out[i] = *m
	}
	return out
}

// line is the message as a command says it.
func (m *Message) line(command string, values ...any) string {
	return m.ID + " " + command + ": " + fmt.Sprintf(m.Text, values...)
}

// Error is a command that was not understood, was refused or did not reach its aim. Session.Run
// prints its message before it returns it.
type Error struct {
	Exit    int    // one of the exit codes, never ExitSuccess
	ID      string // CMUC90020E
	Command string // "dscli" where no command was understood
	Text    string // one line

	answer bool // what is wrong is the answer, which stands below the command
}

func (e *Error) Error() string { return e.ID + " " + e.Command + ": " + e.Text }

func fail(exit int, m *Message, command, text string) *Error {
	text = strings.Join(strings.Fields(text), " ")
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return &Error{Exit: exit, ID: m.ID, Command: command, Text: text}
}

// LocalError is the error of a line of the laboratory, which began with !. understood is false if
// the line was not understood, and true if it ran or was refused by the facility.
func LocalError(understood bool, text string) *Error {
	if !understood {
		return fail(ExitSyntax, msgSyntax, "!", text)
	}
	return fail(ExitApplication, msgFailed, "!", text)
}

// refusal makes an Error of what a method of the facility returned.
func refusal(command string, err error) *Error {
	var r *raslab.RequestError
	if !errors.As(err, &r) {
		return fail(ExitServer, msgServer, command, raslab.PlainError(err))
	}
	m := msgState
	switch {
	case errors.Is(r.Kind, reckey.ErrRole), errors.Is(r.Kind, reckey.ErrSameUser):
		return fail(ExitAuthentication, msgUser, command, plain(r.What))
	case errors.Is(r.Kind, raslab.ErrNotFound):
		m = msgNotFound
	case errors.Is(r.Kind, raslab.ErrInvalid):
		m = msgInvalid
	case errors.Is(r.Kind, raslab.ErrBusy):
		m = msgBusy
	case errors.Is(r.Kind, raslab.ErrNoAccess), errors.Is(r.Kind, raslab.ErrDataLost):
		m = msgNoAccess
	case errors.Is(r.Kind, raslab.ErrOpen):
		m = msgStillWrong
	}
	text := plain(r.What)
	if r.Right != "" {
		text += "; " + r.Right
	}
	return fail(ExitApplication, m, command, text)
}

// failure makes an Error of a report whose aim was not reached.
func failure(command string, r raslab.Report) *Error {
	parts := append([]string(nil), r.Notes...)
	for _, d := range r.Drives {
		if d.Err != nil {
			parts = append(parts, fmt.Sprintf("%s: %s: %v", d.Slot, d.Did, d.Err))
		}
	}
	return fail(ExitApplication, msgFailed, command, plain(strings.Join(parts, "; ")))
}

// plain is a text for people.
func plain(text string) string { return raslab.Plain(text) }
