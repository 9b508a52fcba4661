// Package nettest plays servers on loopback that are not good ones, for tests of
// clients.
//
// # Invariants
//
//   - A server ends with its test, its goroutine included.
//
// # Limitations
//
//   - One connection is served after the other.
package nettest
