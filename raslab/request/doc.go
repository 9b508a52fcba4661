// Package request is how the storage facility and the customer's side refuse what they are
// asked for: an Error says what was wrong, where, and what would be right, and it has a kind.
//
// # Invariants
//
//   - A refused request has changed nothing.
//   - An Error is one line, and errors.Is finds its kind.
//
// # Limitations
//
// An Error carries no secret only as long as nobody puts one into it: its texts are taken as they
// come.
package request
