// Package pki makes what mutual TLS between key servers and their clients needs: a
// certificate authority, certificates of servers and of clients (ECDSA on P-256, which every
// KMIP implementation that we tried accepts), and the files that hold them.
//
// A client certificate's subject is who the client is to a key server of package
// server: two certificates with one subject are one client.
//
// # Invariants
//
//   - A key is written with mode 0600, and no file is ever overwritten.
//   - Nothing here prints a private key.
//
// # Limitations
//
// There is no revocation list: a certificate is good until it expires. Go's
// crypto/ecdsa draws keys from the system's random source, whatever reader is
// given, so certificates are never reproducible.
package pki
