// Package clouddir is the directory of a cloud server, and a facility's way to one.
//
//	ca.crt ca.key             the authority that signs the server's certificate
//	server.crt server.key     what the server shows
//	token                     the token of every request: 64 hexadecimal digits
//	objects                   the objects, as package objectstore keeps them
//
// [Init] makes the directory and [Open] opens it for a server. [Connect] makes a tct.Cloud of an
// address, ca.crt and token. The example does all three.
//
// # Invariants
//
//   - Init makes the whole directory or none of it.
//   - Keys and token have mode 0600, and a token that others may read is refused at both ends.
//   - No error has the token.
//
// # Limitations
//
//   - There is one token. Whoever has it can read, replace and delete every object, all of them
//     encrypted.
//   - The authority's key lies beside the server's. A customer with an authority of their own
//     replaces ca.crt, server.crt and server.key, and removes ca.key.
package clouddir
