// Package customer is the customer's side of a storage facility: the machines of the key
// servers, their network and its names, the authority that signs their certificates, their key
// pairs, and the cloud server. A Site is all of it.
//
// There is one wall between this side and the facility. It has two doors:
//
//   - Network is what the facility's software sees: it resolves a name, opens a connection (Conn),
//     begins a session on it, is shown a certificate and shows one, and sends requests. For objects
//     in the cloud it is tct.Cloud. Whatever software knows of the customer has come through here;
//   - the methods of Site, KeyServer and CloudServer are what hands do: stop, break, cut, move, sign.
//     They say nothing to the facility, which finds out by asking.
//
// A key server can keep its storage on a rank of a facility (Storage). It then runs as long as that
// rank can be read.
//
// # Invariants
//
//   - Nothing in this package imports a facility. It calls what it was given: the Storage below a
//     machine, the Log of what hands do, and Added, by which hands tell that a machine is there.
//   - The same Config and the same calls give the same answers.
//   - Private keys, key pairs and data keys stay on this side; a key crosses the wall only as the
//     answer to a request for it.
//
// # Limitations
//
// No handshake of TLS is computed: each side judges the certificate that the other one shows.
// Requests are the bytes of packages kmip and ipp. Of KMIP a machine does what a facility asks:
// Discover Versions, Register, Get, Get Attributes; its data keys are found by unique identifier, not
// by name. The name service always answers, and one machine runs one key server. What differs
// between the products is from the makers' manuals, from memory (assumptions).
package customer
