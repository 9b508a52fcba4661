// Package repository is the key repository of a storage facility: the records of
// its encryption groups and its certificates, in three or more copies.
//
//	page        4,096 bytes: magic, generation, index, length, content, check sum
//	base page   page 0 of a slot: the repository's identity, how much follows it and its SHA-256
//	slot        half a copy: the pages of one generation
//	copy        a device; its newest whole slot is what it says
//
// Put writes the next generation to the slot that is not in force, the base page
// last, one copy after the other, and reads it back. Open is what a reboot does: it reads every
// copy, takes the newest generation (where two copies of one generation differ, the
// one that most copies have), and writes the others anew. Check and Read compare all
// copies and change nothing.
//
// A Report says what each copy was like. Its Verdict is Good, Mismatch (a base page
// or a page differs or cannot be read, and a good copy is there: the facility's
// BE14CFE5, repaired by its reboot) or Permanent (no copy can be read: BE14E3F7).
// Store makes one entry an encgroup.Store.
//
// # Invariants
//
//   - Put returns nil only when more than half of the copies hold the new
//     generation and were read back. A power cut between any two page writes leaves the old
//     entries or the new ones, all of them.
//   - A copy found wrong in a Put is set aside and not written until the next Open.
//   - A repair never changes the only good copy: it writes bad copies first.
//   - Where no copy can be read nothing is written.
//
// # Limitations
//
// That a facility has three copies of equal rank, and the layout, are our assumptions; that the
// copies are several and independent, and what the two codes stand for, is
// published. The repository holds nothing secret and hides nothing: what is in it is
// wrapped already. It detects damage, not a forger who writes a majority of the copies. A
// Repository is not safe for concurrent use.
package repository
