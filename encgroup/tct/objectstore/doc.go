// Package objectstore is a cloud server: objects under names, over HTTP with TLS, in memory or in a
// directory. It knows nothing of encryption and keeps the bytes that it is given. [New] opens a
// [Store], which [Store.Server] puts behind TLS; the example makes requests to one.
//
//	PUT    /objects/NAME   stores an object, in place of one of that name: 201 or 204
//	GET    /objects/NAME   200 with the object, or 404
//	HEAD   /objects/NAME   the same without the object
//	DELETE /objects/NAME   204, or 404
//	GET    /objects?prefix=P&after=N&max=M   names, ascending, one a line and quoted as in Go, at most 1,000
//
// Names are 1 to 120 bytes, percent-encoded in the path. Every request carries the store's
// token (Authorization: Bearer). Too large an object gives 413, too many 507.
//
// In a directory an object is a file; its name is that of the object in hexadecimal. A temporary
// file is written, synced and renamed, so that a crash leaves the old object or the new one.
//
// # Invariants
//
//   - No request takes more memory than the largest object allowed. A connection with a request
//     that takes longer than the timeout is closed.
//   - Without the token nothing is read, written or listed.
//   - After Close of a Server no goroutine of it is left.
//
// # Limitations
//
// The interface is our own, after those of the common object stores. There are no versions, access
// lists or multi-part uploads.
package objectstore
