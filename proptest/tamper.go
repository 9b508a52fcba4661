package proptest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// TamperRecord is a thief with a soldering iron who knows the record format. It applies change to
// the newest record of the flash and corrects the CRC, which is no secret. It reports whether there
// was a record. dev is the raw device, below all faults, with power on.
func TamperRecord(dev flash.Device, change func(record []byte)) (bool, error) {
	const magic, lengthAt, generationAt = "FDELABSR", 8, 16
	var newest *flash.Page
	highest := uint64(0)
	dump := dev.Dump()
	for i, p := range dump {
		if len(p.Data) < 48 || string(p.Data[:8]) != magic {
			continue
		}
		n := int(binary.BigEndian.Uint32(p.Data[lengthAt:]))
		if n < 48 || n > len(p.Data) || crc32.Checksum(p.Data[:n-4], crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(p.Data[n-4:]) {
			continue
		}
		if g := binary.BigEndian.Uint64(p.Data[generationAt:]); newest == nil || g >= highest { // the notes of a block have its generation, and the last one counts
			newest, highest = &dump[i], g
		}
	}
	if newest == nil {
		return false, nil
	}
	n := int(binary.BigEndian.Uint32(newest.Data[lengthAt:]))
	change(newest.Data[:n])
	binary.BigEndian.PutUint32(newest.Data[n-4:], crc32.Checksum(newest.Data[:n-4], crc32.MakeTable(crc32.Castagnoli)))
	if err := dev.Erase(newest.Block); err != nil {
		return false, fmt.Errorf("proptest: tamper: %w", err)
	}
	for _, p := range dump {
		if p.Block == newest.Block {
			if err := dev.Program(p.Block, p.Page, p.Data); err != nil {
				return false, fmt.Errorf("proptest: tamper: %w", err)
			}
		}
	}
	return true, nil
}

// TamperState sets the state in the newest record.
func TamperState(dev flash.Device, s drive.State) (bool, error) {
	return TamperRecord(dev, func(r []byte) { r[14] = byte(s) })
}
