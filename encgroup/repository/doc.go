// Package repository is the key repository of a storage facility: the records of its encryption
// groups and its certificates, in three or more copies.
//
//	page        4,096 bytes: magic, generation, index, length, content, check sum
//	base page   page 0 of a slot: the repository's identity, how much follows it and its SHA-256
//	slot        half a copy: the pages of one generation
//	copy        a device; its newest whole slot is its content
//
// [Create] makes a repository and [Open] reads one, as a reboot does; the example shows both.
//
//   - [Repository.Put] writes the next generation to the slot that is not in force, one copy after
//     the other, the base page last, and reads it back.
//   - [Open] reads every copy, takes the newest generation (if two copies of it differ, the content
//     that most copies have), and writes the other copies anew.
//   - [Repository.Check] and [Repository.Read] compare all copies and change nothing.
//   - [Repository.Store] makes one entry an encgroup.Store.
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
//   - Put returns nil only after more than half of the copies hold the new generation and were read
//     back. A power cut between any two page writes leaves all the old entries or all the new ones.
//   - A copy that fails in a Put is set aside: it is not written until the next Open.
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
