// Package command is what the command languages over a facility share: commands with typed
// parameters, how they are looked up, bound, completed, explained and documented. It is the base of
// raslab/console and raslab/dscli.
//
// [Language] is the entry point: a table of commands in topics, and how the language writes a
// parameter.
//
//   - [Language.Match] looks a command up, [Language.Start] binds its values.
//   - [Language.Overview], [Language.Explain] and [Language.Reference] document it.
//   - [Unfinished], [Values] and [Fitting] complete it.
//
// The type parameter S is what a command runs in, such as a session. See the Example.
//
// # Invariants
//
//   - Nothing here runs a command, and binding one changes nothing.
//   - Every value of an [Args] was checked against its kind and its allowed values.
//   - A command that asks for a parameter it does not have is a bug, and panics.
//
// # Limitations
//
// Each language itself splits a line into words, words its errors, and chooses exit codes.
package command
