// Package keydir is the directory of a key server: its certificates, its
// database, and the key of the database.
//
//	ca.crt ca.key             the authority that signs server and clients
//	server.crt server.key     what the server shows
//	peer.crt peer.key         what the server shows to the other server of a pair
//	peer.addr                 the address of the peer with which the server ran last, if any
//	NAME.crt NAME.key         what the client NAME shows, one pair for each
//	keys.db                   the database
//	master.key                the key that wraps the database's master key; absent with a passphrase
//	refused                   certificates that are not taken any more; may be absent
//
// Init makes it, Open opens it for a server. Join makes the directory of a second
// server, with the same authority but for its key.
//
// # Invariants
//
//   - Init makes the whole directory or none of it: it builds a directory beside and moves it into
//     place. An Init that is killed leaves a directory with the file .unfinished and keys that
//     nobody uses. No command opens it, and the next Init of the same directory removes it.
//   - Keys have mode 0600, and a private key or master.key that others may read is refused.
//   - A certificate on the list is refused from the next message on, on open connections too.
//     While the list cannot be read, every certificate is refused.
//
// # Limitations
//
//   - The authority's key lies beside the server's. A customer with an authority of their own
//     replaces ca.crt, server.crt and server.key, and removes ca.key. On a pair of servers they
//     replace peer.crt and peer.key too, with one subject for both that no client has.
//   - Each server of a pair has its own list of refused certificates.
//   - Whoever has peer.key can read and change every object, as the peer can.
package keydir
