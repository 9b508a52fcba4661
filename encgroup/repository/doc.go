// Package repository is the key repository of a storage facility: the records of its encryption
// groups and its certificates, in three or more copies.
//
//	page        4,096 bytes: magic, generation, index, length, content, check sum
//	base page   page 0 of a slot: the repository's identity, how much follows it and its SHA-256
//	snapshot    the base page and the pages of all entries, of one generation
//	record      the changes from one generation to the next, in one page or more
//	slot        half a copy: a snapshot, and the log of records behind it
//	copy        a device; its newest whole slot is its content
//
// [Create] makes a repository and [Open] reads one, as a reboot does; the example shows both.
//
//   - [Repository.Change] makes changes in one step; [Repository.Put] and [Repository.Delete] make
//     one. It appends a record to the slot in force of each copy, one copy after the other, and
//     reads it back. So it writes what it changes. Where the snapshot is small, or the log as long
//     as the snapshot, it writes a snapshot of the next generation to the other slot, the base page
//     last.
//   - [Open] reads every copy, takes the newest generation (if two copies of it differ, the content
//     that most copies have), and writes the other copies anew.
//   - [Repository.Check], [Repository.Read] and [Repository.List] compare all copies and change
//     nothing.
//   - [Repository.Store] makes the entries of a group an encgroup.Store: one for the group and one
//     for each member.
//
// A [Report] has the condition of each copy. Its verdict is one of:
//
//   - [Good]: all copies agree.
//   - [Mismatch]: a page differs or cannot be read, and another copy is good. A reboot repairs it
//     (the facility's BE14CFE5).
//   - [Permanent]: no copy can be believed (BE14E3F7).
//
// # Invariants
//
//   - Change returns nil only after more than half of the copies hold the new generation and were
//     read back. A power cut at any page write leaves all the old entries or all the new ones.
//   - A page that is in force is never written.
//   - A record counts if its last page is there and its sum holds. The sum covers the snapshot and
//     all records before it, so pages of two attempts, or of an earlier use of the slot, make none.
//   - A damaged page behind the content may have been the newest record. The copy is not believed
//     alone then. If no copy is free of such doubt, none is believed.
//   - A copy that fails in a Change is set aside: it is not written until the next Open.
//   - A repair never changes the only good copy: it writes bad copies first.
//   - If no copy can be read, nothing is written.
//
// # Limitations
//
//   - Assumptions: three copies of equal rank, and the layout. Published: there are several
//     independent copies, and what the two codes mean.
//   - The repository encrypts nothing: its entries hold no secret that is not wrapped.
//   - It detects damage, not a forger who writes most of the copies.
//   - A Repository is not safe for concurrent use.
package repository
