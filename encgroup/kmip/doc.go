// Package kmip speaks the Key Management Interoperability Protocol, versions 1.0
// to 1.4 (OASIS), as a client: messages, managed objects, attributes, and the
// connection over mutual TLS. Package ttlv is the encoding below it, package server
// the other end, package pki the certificates of both.
//
// A Client is one connection with a method for each operation; Do sends a
// batch. KeyServer is the way of an encryption group to a KMIP server: it satisfies
// encgroup.KeyServer, with the exchange of the OASIS profile "Storage Array with
// Self-Encrypting Drives" (version 1.0): Query, Locate by Name and Object Type, then Register of
// Secret Data of 32 bytes with Name, Object Group and custom attributes; later Locate and Get.
//
// # Errors
//
// What goes wrong is an *Error with a Fault: which of the things on the way to a
// key is broken, told as finely as the network lets one tell it. It wraps the
// sentinel of encgroup that it is one of. A server that refuses is a *Failure in it,
// with the Reason of the specification.
//
// # Invariants
//
//   - No error, log line or print holds key material. Buffers that held a message are
//     overwritten with the next one and when the client closes.
//   - An answer is taken only if it is in the version of the question and answers
//     just what was asked; anything else ends the connection.
//   - A client starts no goroutine, and every wait of it ends after Config.Timeout.
//
// # Limitations
//
// Symmetric keys, secret data and templates only; no wrapped keys, no
// asynchronous operations, no KMIP 2.x. With TLS 1.3 a server refuses a client's
// certificate only after the handshake: the fault then comes with the first operation.
package kmip
