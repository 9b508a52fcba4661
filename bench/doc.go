//go:build unix

// Command bench measures fdelab beside its peers: the same work, in turns, on one core of one
// machine. make bench-peers runs it.
//
// Each row has an aim. It is a ratio in this run, since times of two machines cannot be compared;
// where there is no peer, the aim is a time, and the machine stands above the table. The program
// ends with a line for each aim, and with exit code 1 if one is missed.
//
// It is a module of its own, so that who uses fdelab does not get its peers.
package main
