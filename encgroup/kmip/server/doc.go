// Package server is a KMIP key server, versions 1.0 to 1.4: mutual TLS 1.2 or
// 1.3 in front, an embedded database behind, whose keys are wrapped by a master key.
//
// It does Discover Versions, Query, Create, Register, Re-key, Locate, Check, Get,
// Get Attributes, Get Attribute List, Add, Modify and Delete Attribute, Activate,
// Revoke and Destroy, for symmetric keys, secret data and templates; alone or in batches, with
// the ID Placeholder and all three batch error continuation options. Result reasons are those of
// the KMIP specification 1.4, section 11.
//
// # Two servers
//
// With a Peer two servers hold the same objects, with the same unique identifiers, under
// master keys of their own. Both take changes. While the peer can be reached, an answer that says
// success is on the peer's disk too. While it can not, changes are answered at once, are kept on the
// disk with the objects, and are sent when it is back; a client that needs a key on
// two servers reads it back from the other, as an encryption group does.
//
// Where both changed one object out of touch, one version stays, the same on both: the more
// final one (destroyed, then compromised, then revoked), else the one with the later number of a
// Lamport clock, else that of the server with the higher number. The change that loses is gone. Two
// objects that were given one name are both kept; Locate finds the one with the lower
// identifier until it gives the name up.
//
// # Invariants
//
//   - A batch is one transaction of the database. What is answered with success is on the
//     disk; when the answer would be too large for the client, or the disk refuses,
//     nothing was changed.
//   - An object belongs to the subject of the certificate of the client that made
//     it. To every other client it does not exist.
//   - The state of an object is not stored: it follows from its dates.
//   - A connection costs some 2 KiB of buffers while it is idle, grows with what did
//     arrive, up to a bound that all connections share, and ends after a timeout
//     whatever the other side does. One line in the log says why.
//   - Close returns when no goroutine of the server is left.
//
// # Limitations
//
// A destroyed key is gone from the database's content, but its wrapped form may
// stay in a free page of the file until that page is used again; it can not be opened
// without the master key. A server has one peer at most; one whose database was put back to an
// older state is not brought up to date by a peer that it knows (make it anew, and join). Keys are neither taken nor given out wrapped; there are no usage limits,
// no leases, no archive, no groups with fresh members. The certificates of one CA must give one
// subject to one client only. AES-GCM under one master key allows 2^32 keys.
package server
