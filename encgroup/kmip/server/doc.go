// Package server is a KMIP key server, versions 1.0 to 1.4: mutual TLS 1.2 or
// 1.3 in front, an embedded database behind, whose keys are wrapped by a master key.
//
// It does Discover Versions, Query, Create, Register, Re-key, Locate, Check, Get,
// Get Attributes, Get Attribute List, Add, Modify and Delete Attribute, Activate,
// Revoke and Destroy, for symmetric keys, secret data, certificates, opaque objects and
// templates; alone or in batches, with the ID Placeholder and all three batch error
// continuation options. Result reasons are those of the KMIP specification 1.4, section 11.
//
// A request of a minor version above 1.4 is answered in 1.4; what 1.4 does not know in it
// is passed over. In KMIP 1.0 and 1.1 a template may hold its own name; later it may not.
//
// # Who a client is
//
// A client is the subject of its certificate, and nothing else. A message with credentials
// (the field Authentication) is refused with Authentication Not Successful: whoever sends
// a password believes that it is looked at.
//
// # Two servers
//
// With a Peer two servers hold the same objects, with the same unique identifiers, under
// master keys of their own. Both take changes. The log of each says how it stands to the other.
//
// In step, which is when both logs say that the peer has every change, an answer that says success
// is on the disks of both, and no change is made on either that does not know of all others: the
// first server, with the lower number, changes things at any time, the second in turns that it asks
// the first for. What the two promise is then what one alone does.
//
// Out of step, when either cannot reach the other, changes are answered at once, are kept on
// the disk with the objects, and are sent when the other is back; a client that needs a key on
// two servers reads it back from the other, as an encryption group does. Then, where both changed one
// object, one version stays whole, the same on both: the more final one (destroyed, then
// compromised, then revoked), else the one with the later number of a Lamport clock. The change that
// loses is gone, although it was acknowledged. Two objects that were given one name are both kept;
// Locate finds the one with the lower identifier until it gives the name up. A server can take a
// moment to find out that the other is gone: clients wait for that, and then are served.
//
// At each meeting the two compare what they have of one another. To a server whose database was put
// back to an older copy everything is sent again. An object that cannot be read, or that the other
// cannot take, is told of in the log by its identifier, and stays owed; it is tried again with the
// next connection, and all others go on. Of such an object alone an answer that says success may be
// on one disk.
//
// # Invariants
//
//   - A batch is one transaction of the database. What is answered with success is on the
//     disk; when the answer would be too large for the client, or the disk refuses,
//     nothing was changed.
//   - An object belongs to the subject of the certificate of the client that made
//     it. To every other client it does not exist.
//   - The state of an object follows from its dates, and only goes forward: what a client
//     learned of it is on the disk before the answer goes out, and holds when the clock
//     is set back.
//   - One client leaves places and room to others: of connections, and of bytes of large
//     requests under way, it has a share. Who is refused for a shortage is told General Failure.
//   - Who has shown no certificate takes no place of a client; of too many handshakes at once
//     the oldest goes.
//   - A connection costs some 2 KiB of buffers while it is idle, grows with what did
//     arrive, up to a bound that all connections share, and ends after a timeout
//     whatever the other side does. One line in the log says why.
//   - The value of an object that is Sensitive, or not Extractable, is not given out.
//   - A database is judged as a whole before anything of it is used: the structure of
//     its file, a check of each record under the master key, its indexes. One that was cut short,
//     or in which a bit flipped, is refused with ErrDamaged, and left as it is. This takes
//     time in proportion to the database.
//   - Close returns when no goroutine of the server is left.
//
// # Limitations
//
// A destroyed key is gone from the database's content, but its wrapped form may
// stay in a free page of the file until that page is used again; it cannot be opened
// without the master key. A server has one peer at most; a
// database that was copied while its server ran, and was put back, is noticed only if the other has
// higher numbers of changes. Damage that comes while the database is open is noticed only by what
// it hits: a file that is cut short under a running server ends its process. Keys are neither taken nor given out wrapped; there are no usage limits,
// no leases, no archive, no groups with fresh members: the attributes Usage Limits, Lease Time,
// Archive Date and Fresh are not kept, and no profile of storage arrays uses them. The certificates of one CA must give one
// subject to one client only. AES-GCM under one master key allows 2^32 keys.
package server
