// Package request is how the storage facility and the customer's side refuse what they are asked
// for. [Refuse] makes an [Error]: what was wrong, where, what would be right, and the kind. See the
// Example.
//
// # Invariants
//
//   - A refused request has changed nothing.
//   - An Error is one line, and errors.Is finds its kind.
//
// # Limitations
//
// An Error takes its texts as they come: its caller must keep secrets out of them.
package request
