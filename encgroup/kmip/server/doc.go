// Package server is a KMIP key server, versions 1.0 to 1.4: mutual TLS 1.2 or
// 1.3 in front, an embedded database behind, whose keys are wrapped by a master key.
//
// It does Discover Versions, Query, Create, Register, Re-key, Locate, Check, Get,
// Get Attributes, Get Attribute List, Add, Modify and Delete Attribute, Activate,
// Revoke and Destroy, for symmetric keys, secret data and templates; alone or in batches, with
// the ID Placeholder and all three batch error continuation options. Result reasons are those of
// the KMIP specification 1.4, section 11.
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
// without the master key. Keys are neither taken nor given out wrapped; there are no usage limits,
// no leases, no archive, no groups with fresh members. The certificates of one CA must give one
// subject to one client only. AES-GCM under one master key allows 2^32 keys.
package server
