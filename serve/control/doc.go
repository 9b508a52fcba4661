// Package control is the hand at the drives behind a socket: it takes their power, gives it back, resets
// them, and says how they are. It stands beside the way of the data (package secsock), as a power switch
// stands beside a cable.
//
//   - A [Server] serves the units of a secsock.Server at a Unix socket of its own.
//   - [Dial] gives a [Client]; [Client.Do] does an [Action], [Client.Drives] says how the drives are.
//
// The example cycles the power of a drive.
//
// # The protocol
//
// A line of JSON each way. The request is {"action": "power off", "drive": 0}; without a drive it is for
// all. The actions are those of [Actions], and "status". The answer is {"drives": [...]}, or
// {"error": "..."}, with "usage": true where the request names what there is not. What does not begin with
// { is answered with an error, and the connection closed.
//
// # Limitations
//
//   - Power goes between two commands of a drive, never within one.
package control
