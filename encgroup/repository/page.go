package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// PageSize is the unit of reading and writing, in bytes.
const PageSize = 4096

// A page, all integers big endian: magic (4 bytes), generation (8), index in its
// slot (4), length of the content (2), content, zeros, CRC-32C of all before it (4).
const (
	pageMagic   = "FDRP"
	headerSize  = 4 + 8 + 4 + 2
	contentSize = PageSize - headerSize - 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// What a page can be instead of good.
var (
	errBlank   = errors.New("it was never written")
	errDamaged = errors.New("its check sum does not match")
)

func encodePage(generation uint64, index int, content []byte) []byte {
	p := make([]byte, PageSize)
	copy(p, pageMagic)
	binary.BigEndian.PutUint64(p[4:], generation)
	binary.BigEndian.PutUint32(p[12:], uint32(index))
	binary.BigEndian.PutUint16(p[16:], uint16(len(content)))
	copy(p[headerSize:], content)
	binary.BigEndian.PutUint32(p[PageSize-4:], crc32.Checksum(p[:PageSize-4], castagnoli))
	return p
}

func decodePage(p []byte, index int) (generation uint64, content []byte, err error) {
	if blank(p) {
		return 0, nil, errBlank
	}
	if string(p[:4]) != pageMagic || binary.BigEndian.Uint32(p[PageSize-4:]) != crc32.Checksum(p[:PageSize-4], castagnoli) {
		return 0, nil, errDamaged
	}
	if at := binary.BigEndian.Uint32(p[12:]); at != uint32(index) {
		return 0, nil, fmt.Errorf("it is page %d, need %d", at, index)
	}
	n := int(binary.BigEndian.Uint16(p[16:]))
	if n > contentSize {
		return 0, nil, errDamaged
	}
	return binary.BigEndian.Uint64(p[4:]), p[headerSize : headerSize+n], nil
}

// generationOf is the generation of a page that was encoded here.
func generationOf(p []byte) uint64 { return binary.BigEndian.Uint64(p[4:]) }

// zeros is a page that was never written.
var zeros = make([]byte, PageSize)

func blank(p []byte) bool { return bytes.Equal(p, zeros[:len(p)]) }

// base is the content of a base page: identity (16 bytes), length of the body in the pages after it
// (8), SHA-256 of the body (32).
type base struct {
	id     [16]byte
	length uint64
	sum    [32]byte
}

func (b *base) encode() []byte {
	out := append(make([]byte, 0, 56), b.id[:]...)
	out = binary.BigEndian.AppendUint64(out, b.length)
	return append(out, b.sum[:]...)
}

func decodeBase(p []byte) (b base, err error) {
	if len(p) != 56 {
		return b, errDamaged
	}
	copy(b.id[:], p)
	b.length = binary.BigEndian.Uint64(p[16:])
	copy(b.sum[:], p[24:])
	return b, nil
}

// seed is what the chain of the records behind the base begins with.
func (b *base) seed() [32]byte { return sha256.Sum256(b.encode()) }

// pagesFor is how many pages a body of length bytes takes.
func pagesFor(length int) int { return (length + contentSize - 1) / contentSize }

// encodeSlot gives the pages of a slot, the base page first.
func encodeSlot(id [16]byte, generation uint64, body []byte) [][]byte {
	b := base{id: id, length: uint64(len(body)), sum: sha256.Sum256(body)}
	pages := [][]byte{encodePage(generation, 0, b.encode())}
	for len(body) > 0 {
		n := min(len(body), contentSize)
		pages = append(pages, encodePage(generation, len(pages), body[:n]))
		body = body[n:]
	}
	return pages
}
