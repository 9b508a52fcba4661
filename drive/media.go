package drive

import "errors"

// Media is the storage behind the encryption: sectors of ciphertext. A sector
// that was never written is absent. Media belongs to one drive and is not safe
// for concurrent use.
type Media interface {
	// ReadSector fills dst (one sector long) and reports whether the sector was
	// ever written; if not, dst is zeroed.
	ReadSector(lba uint64, dst []byte) (written bool, err error)
	// WriteSector stores one sector.
	WriteSector(lba uint64, src []byte) error
	// Written lists the LBAs that were ever written, ascending.
	Written() []uint64
}

// ErrMedia is what a Media answers for a sector that cannot be read or written.
var ErrMedia = errors.New("media: unrecovered error")

// Runner is a Media that moves neighbouring sectors at once, which takes one system call in place of many. A Media
// without it is asked for one sector after the other.
type Runner interface {
	// ReadSectors fills dst with whole sectors from lba on. One that was never written is zeros, and no other is.
	ReadSectors(lba uint64, dst []byte) error
	// WriteSectors stores whole sectors from lba on. Where it fails some of them may be stored.
	WriteSectors(lba uint64, src []byte) error
}

// runSize is how many bytes are encrypted before a Runner gets them, a multiple of every sector size.
const runSize = 128 << 10
