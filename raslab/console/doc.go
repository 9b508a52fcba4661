// Package console is the command language of the laboratory: one line, one
// command, noun first.
//
//	rank create array=A0 keygrp=1
//
// The interactive shell, a rehearsal, a script in a pipe and the tests all use
// the parser, the commands and the session of this package. There is no second
// scenario format and no second list of commands: parsing, help, completion and
// the reference document COMMANDS.md are all derived from the one table of commands.
//
// # The line
//
// A line is words separated by blanks. The first word is the noun, the second
// the verb (a few commands, such as help, have none); arguments are key=value.
// A value with blanks, quotes, semicolons or a leading # stands in double quotes, with the
// escapes \" \\ \n \t. A # at the start of a word begins a comment. A semicolon
// outside quotes ends a command, so that one line may hold several.
//
// # Transcripts
//
// A transcript is a story: a title line, prose, and commands with exactly what
// they print.
//
//	# A title
//	SRC: BE31F004
//
//	A paragraph of prose.
//
//	lab new drives=32 seed=7
//	----
//	what it prints, up to a blank line
//
// Play runs one in a fresh session and reports the first difference. A command
// that is refused prints its error as a line "error: ...", so a wrong turn and
// its refusal can be part of the story.
//
// # Invariants
//
//   - A line that is not understood changes nothing: every argument is checked
//     before the command runs.
//   - The same seed and the same lines print the same bytes.
//   - No command raises a service reference code: faults are armed below an
//     interface or done to something physical, and the facility finds them.
//   - No output holds a PIN, a key or a credential.
//   - No command prints an empty line (a transcript's output ends at one).
//
// # Limitations
//
// A Session belongs to one goroutine. Line lengths are limited to MaxLine.
package console
