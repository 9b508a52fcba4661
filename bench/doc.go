//go:build unix

// Command bench measures fdelab beside its peers: the same work, in turns, on one core of one
// machine. make bench-peers runs it.
//
// Most rows have an aim. It is a ratio in this run, since times of two machines cannot be compared.
// Where there is no peer, it is a multiple of a yardstick, a piece of work of the standard library that
// is measured in turns with the row. What grows with something has three rows. The program ends with a line for each aim, and with exit code 1 if one is
// missed. An argument chooses the rows whose name has that text.
//
// Processor time is counted, as OpenSSL does it: work of others on the machine costs nothing then. A
// row is measured by the clock where it waits for a disk or for another process.
//
// OpenSSL may run XTS with VAES, from version 3.5 on. Beside our AES-NI it is therefore run with
// OPENSSL_ia32cap=:~0x60000000000, which hides VAES and VPCLMULQDQ from it.
//
// Peers that have to be installed are openssl and python3-pykmip. The rows of one that is missing
// are SKIPPED, and say so.
//
// It is a module of its own, so that who uses fdelab does not get its peers.
package main
