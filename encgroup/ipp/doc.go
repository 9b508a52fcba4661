// Package ipp is the older way to a key server, beside KMIP: the key server keeps no
// data keys. It makes one, wraps it with the public keys of two key pairs (each has a
// label), and the facility keeps what comes out, the externally encrypted data key
// (EEDK). To have the data key back the facility sends the EEDK, and any key server that has
// the private half of either pair unlocks it.
//
//	EEDK        RSA-OAEP(SHA-256; public key of a label; data key), one for each label
//	session     the facility draws an X25519 key pair for each request; the data key
//	            comes back under seal for it, also where there is no TLS
//
// Client is an encgroup.KeyServer. Its unique identifier of a data key is the
// beginning of the SHA-256 of the EEDKs, 32 hexadecimal digits; a Safe, one for all clients of a
// facility, keeps the EEDKs under it. Server is a key server: over TCP, or over
// TLS where the listener and the client have a configuration for it ("TLS-enabled IPP");
// or without sockets, where ClientConfig.Exchange brings the frames to Server.Answer, as in a
// lab in virtual time. The same source of entropy gives the same key pairs, wraps and
// identifiers.
//
// # The wire
//
// What the facility keeps, that the key is wrapped by RSA key pairs, two labels, and a session
// key are published for IBM's key servers; the format is not. Ours, an assumption: a frame is its
// length (4 bytes, big endian, 2 to 8,192) and that many bytes: version (1), kind (1), and fields
// (2 bytes of length, big endian, and the bytes). One connection carries any number of
// requests, each answered by one frame.
//
//	kind         fields
//	1 create     device, session public key (32), first label, second label
//	2 unlock     device, session public key (32), EEDKs: label and wrap, one to four times
//	3 key        data key under seal (72), EEDKs as above (empty in the answer to unlock)
//	4 refusal    code (1 byte), text
//
// # Invariants
//
//   - No data key is on the wire but under seal, none is at rest but in an EEDK.
//   - A frame longer than allowed is refused before memory is taken for it.
//   - Neither side waits longer than its timeout. After Close no goroutine of the
//     server is left, and no connection.
//
// # Limitations
//
// Without TLS a client does not know who answers (a wrong data key is found, it does not
// unwrap the group key) and a server knows a facility by the name it gives: whoever has the
// EEDK and reaches the server can have the data key. With TLS the server asks for a
// client certificate if its configuration says so.
package ipp
