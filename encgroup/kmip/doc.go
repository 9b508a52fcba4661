// Package kmip speaks the Key Management Interoperability Protocol, versions 1.0
// to 1.4 (OASIS), as a client: messages, managed objects, attributes, and the
// connection over mutual TLS. Package ttlv is the encoding below it, package server
// the other end, package pki the certificates of both.
//
// A Client is one connection with a method for each operation; Do sends a
// batch. Over is one whose messages somebody else carries, such as a network in memory. KeyServer is the way of an encryption group to a KMIP server: it satisfies
// encgroup.KeyServer, with the exchange of the OASIS profile "Storage Array with
// Self-Encrypting Drives" (version 1.0): Query, Locate by Name and Object Type, then Register of
// Secret Data of 32 bytes with Name, Object Group and custom attributes; later Locate and Get.
//
// # Errors
//
// An error is an *Error with a Fault, which says what is broken on the way to a key, as exactly
// as the network shows it. It wraps a sentinel of encgroup. When the server refused, it wraps
// a *Failure with the Reason of the specification.
//
// # Invariants
//
//   - No error, log line or print holds key material. Buffers that held a message are
//     overwritten with the next one and when the client closes.
//   - An answer is taken only if it has the version of the request and answers exactly
//     what was asked. Anything else ends the connection.
//   - A client starts no goroutine, and each of its waits ends after Config.Timeout.
//
// # Limitations
//
// There are symmetric keys, secret data and templates only, no wrapped keys, no
// asynchronous operations and no KMIP 2.x. With TLS 1.3 a server refuses a client's
// certificate only after the handshake, so the fault comes with the first operation.
package kmip
