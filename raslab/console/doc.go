// Package console is the command language of the laboratory: one line, one command, noun first.
//
//	rank create array=A0 keygrp=1
//
// [NewSession] starts a session and [Session.Run] runs a line in it. [Play] plays a [Transcript],
// [Guide] leads a person through one. The shell, rehearsals, scripts in a pipe and the tests all
// use them: there is no second scenario format. Parsing, help, completion and COMMANDS.md
// ([Reference]) are derived from one table of commands ([Commands]).
//
// # The line
//
//   - A line is words separated by blanks. The first word is the noun, the second the verb; a few
//     commands, such as help, have no verb. Arguments are key=value.
//   - A value with blanks, quotes, semicolons or a leading # stands in double quotes, with the
//     escapes \" \\ \n \t.
//   - A # at the start of a word begins a comment.
//   - A semicolon outside quotes ends a command, so one line may hold several.
//
// # Transcripts
//
// A transcript is a story: a title line, prose, and commands with exactly what they print.
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
// Play runs it in a fresh session and reports the first difference. A command that is refused
// prints its error as a line "error: ...", so a wrong turn and its refusal can be part of the
// story.
//
// # Invariants
//
//   - A line that is not understood changes nothing: every argument is checked before the command
//     runs.
//   - The same seed and the same lines print the same bytes.
//   - No command raises a service reference code: faults are armed below an interface or done to
//     something physical, and the facility finds them.
//   - No output holds a PIN, a key or a credential, except a recovery key or a PSID that was just
//     made: it is shown once.
//   - No command prints an empty line, because a transcript's output ends at one.
//
// # Limitations
//
//   - A Session belongs to one goroutine.
//   - A line has at most MaxLine bytes.
package console
