// Package cert is the certificates of a facility and of what it talks with, judged by a
// clock that is given.
//
// CA is a certificate authority for labs: Ed25519 keys and serial numbers from a
// source of entropy and a count, so that the same seed gives the same certificates, byte for byte.
// Trust is the authorities that one side believes; its Verify is the verification
// of crypto/x509 at a given time, and what it refuses it
// refuses with ErrUnknownCA, ErrExpired, ErrNotYetValid, ErrWrongName or ErrInvalid; Classify
// finds the same in an error of crypto/tls. Holder is the facility's own
// certificate: the default one of its manufacture, or one that the customer installed.
//
// # Invariants
//
//   - Nothing here looks at a clock: Verify, Stage and Install take the time, and the
//     configurations of ClientTLS and ServerTLS take a clock.
//   - A certificate is installed whole (it parses, its key fits, it is valid now and for
//     a client) or not at all.
//   - Nothing here prints a private key, or a part of a file that was refused.
//
// # Limitations
//
// There are no revocation lists. A Holder keeps its certificate in RAM; whoever
// keeps a customer's private key over a loss of power has to wrap it. That
// warnings come 90, 30, 7 days and 1 day before the end is our assumption, as is that there is one
// default certificate.
package cert
