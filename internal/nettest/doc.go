// Package nettest plays servers on loopback that misbehave, for tests of clients. [Serve] starts
// one; its example is a server that hangs up.
//
// # Invariants
//
//   - A server ends with its test, its goroutine included.
//
// # Limitations
//
//   - One connection is served after the other.
package nettest
