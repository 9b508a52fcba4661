// Package tct is transparent cloud tiering with encryption: objects leave the
// facility for a cloud server only encrypted, and travel there over TLS.
//
//	object key   AES-256, drawn for one version of one object
//	header       magic, version, object identifier (16 bytes, drawn), AES-KW of the object key under a key
//	             that derives from the group key (40), size of the plaintext (8), nonce (12)
//	body         AES-256-GCM(object key, nonce; the plaintext; header and name as associated data)
//
// A Tier writes with Migrate and reads with Recall. Migrate returns a Receipt without
// secrets, which the facility keeps: Recall with it finds an object that was altered,
// cut, put under another name, or replaced by an older version of itself.
//
// HTTP is a Cloud over HTTPS, to a server as that of package objectstore.
//
// # Invariants
//
//   - Nothing is sent before it is encrypted, and no key is sent but wrapped.
//   - No object key encrypts twice: a new version draws a new one. So no pair of key and
//     nonce is used twice.
//   - Recall returns all of the object or nothing of it.
//   - HTTP refuses an address that is not https.
//
// # Limitations
//
// The cloud server sees names, sizes and when they are used. It can lose objects.
// An object is held in memory as a whole, 1 GiB at the most. That objects are wrapped one by one
// by the group's key is our assumption; that they are encrypted in transit and at
// rest with keys from the key servers is published (IBM, MAP4980).
package tct
