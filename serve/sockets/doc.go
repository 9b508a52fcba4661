// Package sockets is what the servers of drives have in common: a Unix socket for its owner alone
// ([Listen]), a [Server] with a function for each connection that can be closed at any time, and a [Reader] that
// forgets PINs.
//
// The example serves one line.
//
// # Limitations
//
//   - On systems without Unix permissions anybody can open the socket.
package sockets
