// Package tct is transparent cloud tiering with encryption: objects leave the facility for a cloud
// server only encrypted, and travel there over TLS.
//
//	object key   AES-256, drawn for one version of one object
//	header       magic, version, object identifier (16 bytes, drawn), AES-KW of the object key under a key
//	             that derives from the group key (40), size of the plaintext (8), nonce (12)
//	body         AES-256-GCM(object key, nonce; the plaintext; header and name as associated data)
//
// A [Tier] writes with [Tier.Migrate] and reads with [Tier.Recall], as in the example. Migrate
// returns a [Receipt] without secrets, which the facility keeps. With it Recall finds an object
// that was altered, cut, put under another name, or replaced by an older version of itself. [HTTP]
// is a [Cloud] over HTTPS, to a server like that of package objectstore.
//
// # Invariants
//
//   - Nothing is sent in plain, and a key is sent only wrapped.
//   - Each version of an object has a key of its own, so no pair of key and nonce is used twice.
//   - Recall returns the whole object or nothing.
//   - HTTP refuses an address that is not https.
//
// # Limitations
//
//   - The cloud server sees names, sizes and times of use. It can lose objects.
//   - An object is held in memory as a whole, at most 1 GiB.
//   - Published (IBM, MAP4980): objects are encrypted in transit and at rest with keys from the key
//     servers. Our assumption: each has a key, which the group's key wraps.
package tct
