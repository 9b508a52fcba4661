// Package pki makes the certificates for mutual TLS between key servers and their clients, and the
// files that hold them. [NewCA] makes an authority, [Pair.Server] and [Pair.Client] its
// certificates, as in the example. Keys are ECDSA on P-256, which every KMIP implementation that we
// tried accepts.
//
// A key server of package server knows a client by the subject of its certificate: two certificates
// with one subject are one client.
//
// # Invariants
//
//   - A key is written with mode 0600, and no file is ever overwritten.
//   - Nothing here prints a private key.
//
// # Limitations
//
//   - There is no revocation list: a certificate is good until it expires.
//   - Certificates are never reproducible: Go's crypto/ecdsa draws keys from the system's random
//     source, whatever reader it is given.
package pki
