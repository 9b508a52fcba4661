// Package server is a KMIP key server, versions 1.0 to 1.4: mutual TLS 1.2 or
// 1.3 in front, an embedded database behind, whose keys are wrapped by a master key.
//
// It does Discover Versions, Query, Create, Register, Re-key, Locate, Check, Get,
// Get Attributes, Get Attribute List, Add, Modify and Delete Attribute, Activate,
// Revoke and Destroy, for symmetric keys, secret data, certificates, opaque objects and
// templates; alone or in batches, with the ID Placeholder and all three batch error
// continuation options. Result reasons are those of the KMIP specification 1.4, section 11.
//
// A request of a minor version above 1.4 is answered in 1.4, and what 1.4 does not know in it
// is ignored. In KMIP 1.0 and 1.1 a template may hold its own name, later it may not.
//
// # Who a client is
//
// A client is the subject of its certificate, and nothing else. A message with credentials
// (the field Authentication) is refused with Authentication Not Successful, because its sender
// believes that the password is checked.
//
// # Two servers
//
// With a Peer two servers hold the same objects, with the same unique identifiers, each under a
// master key of its own. Clients read and change objects at either. This is what the pair promises.
//
// In sync, which is when both logs say so:
//
//   - A change is on the disks of both before it is acknowledged.
//   - A change on one server knows all changes of both. So no change is lost to another, and one
//     name is given to one object.
//
// Apart, which is when one cannot reach the other, in either direction:
//
//   - Each serves its clients alone: reads, and changes too. Changes are acknowledged at once.
//     Until a server knows that the other is gone, its clients wait; then they are served.
//   - What is acknowledged is on the disk of one. It is owed to the other, which gets it when the
//     two meet. A new data key must be on two servers: an encryption group reads it back from the
//     other.
//
// When they meet again:
//
//   - Each gets what it lacks. They compare all objects, so it does not matter why something is
//     lacking: a server whose database was put back to an older copy, or is new, gets everything.
//   - Nothing that was acknowledged is lost. Each value of an attribute has a stamp, and the two
//     merge an object value by value: what one added, changed or removed, it has on both. An object
//     that one of them destroyed is destroyed.
//   - Of an attribute with several values (names, groups, links, those that begin with x-) both keep
//     what either added. Where both gave one index, the later value gets another index.
//   - A real conflict is one value of one attribute that both changed. Of two dates of the life cycle
//     the earlier stays, and of two revocation reasons the compromise. A key that one side made
//     sensitive or not extractable is so. Of two other values the later stays, by a Lamport clock,
//     and a value that one side changed stays although the other removed it. The log names the
//     attribute.
//   - States never go back, whatever both did and whatever the clocks say.
//   - Two objects that were given one name are both kept. Locate finds the one with the lower
//     identifier, until that gives the name up.
//   - An object that one of them cannot read or take stops no other. The log names it, and it is
//     tried again at the next connection. Of such an object alone an acknowledged change may be on
//     one disk.
//
// For this the two send each other a write token over one connection, and with it all that the
// other lacks. Only the server with the token lets its clients change objects, so there is one
// writer at any time. When the token comes back, the other has written what went with it, and the
// clients get their answers. Nothing of this is kept on the disk but the stamps in the objects.
//
// # Invariants
//
//   - A batch is one transaction of the database. What is answered with success is on the
//     disk. When the answer would be too large for the client, or the disk fails,
//     nothing was changed.
//   - An object belongs to the subject of the certificate of the client that made
//     it. To every other client it does not exist.
//   - The state of an object follows from its dates, and only goes forward: a state that a client
//     learned is on the disk before the answer goes out, and holds when the clock is set back.
//   - Each client has a share of the connections, and of the bytes of large requests under way, and
//     leaves the rest to others. A client that is refused for a shortage hears General Failure.
//   - A connection without a certificate takes no place of a client. Of too many handshakes at once
//     the oldest ends.
//   - An idle connection costs about 2 KiB of buffers. They grow with what has arrived, up to a
//     bound that all connections share. Each connection ends after a timeout, whatever the other
//     side does, and one line in the log says why.
//   - The value of an object that is Sensitive, or not Extractable, is not given out.
//   - A database is checked as a whole before it is used: the structure of its file, a check of
//     each record under the master key, its indexes. One that was cut short, or in which a bit
//     flipped, is refused with ErrDamaged, and is not changed. This takes time in proportion to the
//     database.
//   - Close returns when no goroutine of the server is left.
//
// # Limitations
//
//   - A destroyed key is gone from the database's content, but its wrapped form may stay in a free
//     page of the file until that page is used again. It cannot be opened without the master key.
//   - A stamp takes 16 bytes for each value that was changed, and 16 for each start of a server in
//     whose time the object was changed. They stay as long as the object.
//   - A record from before there were stamps has one version. If two such records differ, the later
//     one stays as a whole, as it did then.
//   - An object that both filled apart may have twice the size that clients can give it. Then it
//     takes no more, and its life cycle goes on.
//   - A server has one peer at most. Both must be of one release. When they meet they compare all
//     objects, which takes time in proportion to the database.
//   - Damage that comes while the database is open is noticed only by what it hits. A file that is
//     cut short under a running server ends its process.
//   - Keys are neither taken nor given out wrapped. There are no usage limits, no leases, no
//     archive, no groups with fresh members: the attributes Usage Limits, Lease Time, Archive Date
//     and Fresh are not kept. No profile of storage arrays uses them.
//   - The certificates of one CA must give one subject to one client only.
//   - AES-GCM under one master key allows 2^32 keys.
package server
