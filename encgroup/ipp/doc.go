// Package ipp is the older protocol to a key server, beside KMIP, in which the key server keeps no
// data keys. It makes a data key and wraps it with the public keys of two key pairs, each of which
// has a label. The facility keeps the result, the externally encrypted data key (EEDK). To get the
// data key back, the facility sends the EEDK, and any key server that has the private half of
// either pair unlocks it.
//
//	EEDK        RSA-OAEP(SHA-256; public key of a label; data key), one for each label
//	session     the facility draws an X25519 key pair for each request; the data key
//	            comes back sealed for it, also without TLS
//
// [Client] is an encgroup.KeyServer and [Server] a key server; the example connects them. A client
// identifies a data key by the beginning of the SHA-256 of its EEDKs, 32 hexadecimal digits. A
// [Safe], one for all clients of a facility, keeps the EEDKs by this identifier. The frames travel
// in one of three ways:
//
//   - over TCP;
//   - over TLS, if listener and client have a configuration for it ("TLS-enabled IPP");
//   - without sockets, if ClientConfig.Exchange brings them to [Server.Answer], as in a lab in
//     virtual time.
//
// The same source of entropy gives the same key pairs, wraps and identifiers.
//
// # The wire
//
// Published for IBM's key servers are what the facility keeps, the wrap by RSA key pairs, two
// labels, and a session key. The format is not; this one is our assumption. A frame is its length
// (4 bytes, big endian, 2 to 8,192) and that many bytes: version (1), kind (1), and fields (2 bytes
// of length, big endian, and the bytes). One connection carries any number of requests, each
// answered by one frame.
//
//	kind         fields
//	1 create     device, session public key (32), first label, second label
//	2 unlock     device, session public key (32), EEDKs: label and wrap, one to four times
//	3 key        sealed data key (72), EEDKs as above (none in the answer to unlock)
//	4 refusal    code (1 byte), text
//
// # Invariants
//
//   - A data key is sealed on the wire, and in an EEDK at rest.
//   - A frame longer than allowed is refused before memory is taken for it.
//   - Neither side waits longer than its timeout. After Close no goroutine and no connection of the
//     server is left.
//
// # Limitations
//
//   - Without TLS a client does not know who answers. It finds a wrong data key, which does not
//     unwrap the group key.
//   - Without TLS a server knows a facility by the name that the facility sends. Whoever has the
//     EEDK and reaches the server can get the data key.
//   - With TLS the server asks for a client certificate only if its configuration says so.
package ipp
