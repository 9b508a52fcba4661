package main

import (
	"bytes"
	"io"
	"strings"
)

// morePrompt stands between two pages.
const morePrompt = "-- more: Enter shows the next page, q ends --"

// paged runs a line, and shows what it prints page by page where it asks for help: help is
// longer than a screen. What other commands print stays in the terminal's own history of lines.
func (a *app) paged(line string, read lineReader, run func(out io.Writer)) {
	if !asksForHelp(line) {
		run(a.out)
		return
	}
	var text bytes.Buffer
	run(&text)
	a.page(text.String(), read)
}

// asksForHelp says whether a line is one for help, of the shell or of DSCLI.
func asksForHelp(line string) bool {
	words := strings.Fields(line)
	return len(words) > 0 && strings.EqualFold(words[0], "help")
}

// page shows text in pages, each one line less than the terminal has.
func (a *app) page(text string, read lineReader) {
	_, rows := a.size()
	lines := strings.SplitAfter(text, "\n")
	for shown := 0; ; {
		end := len(lines)
		if rows > 2 && end-shown > rows {
			end = shown + rows - 1
		}
		a.printf("%s", strings.Join(lines[shown:end], ""))
		if shown = end; shown == len(lines) {
			return
		}
		answer, err := read(morePrompt)
		if err != nil || quits(answer) {
			return
		}
	}
}

// quits says whether an answer ends what goes on.
func quits(answer string) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "q", "quit", "exit":
		return true
	}
	return false
}
