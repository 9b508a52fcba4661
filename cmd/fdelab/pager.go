package main

import (
	"bytes"
	"io"
	"strings"
)

// morePrompt stands between two pages.
const morePrompt = "-- more: Enter shows the next page, q and Enter ends, or type a command -- "

// paged runs a line. If it asks for help, the output is shown page by page, because help is longer
// than a screen. Other output stays in the terminal's own scrollback. next is a command that was
// typed between two pages, or empty.
func (a *app) paged(line string, read lineReader, run func(out io.Writer)) (next string) {
	if !asksForHelp(line) {
		run(a.out)
		return ""
	}
	var text bytes.Buffer
	run(&text)
	return a.page(text.String(), read)
}

// asksForHelp says whether a line is one for help, of the shell or of DSCLI.
func asksForHelp(line string) bool {
	words := strings.Fields(line)
	return len(words) > 0 && strings.EqualFold(words[0], "help")
}

// page shows text in pages, each one line less than the terminal has. It returns as paged does.
func (a *app) page(text string, read lineReader) (next string) {
	_, rows := a.size()
	lines := strings.SplitAfter(text, "\n")
	for shown := 0; ; {
		end := len(lines)
		if rows > 2 && end-shown > rows {
			end = shown + rows - 1
		}
		a.printf("%s", strings.Join(lines[shown:end], ""))
		if shown = end; shown == len(lines) {
			return ""
		}
		a.paging = true
		answer, err := read(morePrompt)
		a.paging = false
		answer = strings.TrimSpace(answer)
		switch {
		case err != nil, strings.EqualFold(answer, "q"):
			return ""
		case answer != "":
			return answer
		}
	}
}
