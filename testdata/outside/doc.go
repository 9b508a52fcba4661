// Package outside is what a stranger builds on fdelab: a module of its own that
// sees exported things only. It holds a drive of another make, with a record and
// wraps of its own, and a key server of another make. The tests lead the drive
// through the erase engine, into an encryption group, and into a slot of a
// facility, where it serves in a rank, is rekeyed, checked and erased; and the
// key server into a facility. What does not compile here cannot be implemented by anybody.
package outside
