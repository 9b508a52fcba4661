// Package cert is the certificates of a facility and of the servers that it talks to, judged at a
// given time. The example issues one and verifies it.
//
//   - [CA] is a certificate authority for labs. Its keys are Ed25519 keys from a source of entropy,
//     its serial numbers count up. The same seed gives the same certificates, byte for byte.
//   - [Trust] is the authorities that one side believes. [Trust.Verify] is the verification of
//     crypto/x509 at a given time; it refuses with ErrUnknownCA, ErrExpired, ErrNotYetValid,
//     ErrWrongName or ErrInvalid. [Classify] finds the same in an error of crypto/tls.
//   - [Holder] is the facility's own certificate: the default one of its manufacture, or one that
//     the customer installed.
//
// # Invariants
//
//   - Nothing here reads the real clock: Verify, Stage and Install take the time, ClientTLS and
//     ServerTLS a clock.
//   - A certificate is installed only if it parses, its key fits, and it is valid now and for a
//     client.
//   - Nothing here prints a private key, or a part of a file that was refused.
//
// # Limitations
//
//   - There are no revocation lists.
//   - A Holder keeps its certificate in RAM. Whoever stores a customer's private key has to wrap
//     it.
//   - Assumptions: warnings come 90, 30, 7 days and 1 day before the end, and there is one default
//     certificate.
package cert
