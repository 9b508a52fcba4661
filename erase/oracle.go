package erase

import (
	"bytes"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

const (
	oracleSize    = 32 // bytes of a sector that are known: two AES blocks
	oracleReadMax = 4  // written sectors that are tried before giving up on a range
)

// takeOracles takes a known plaintext and its ciphertext from each range: a
// sector that was written, else a canary. Its error is the journal's.
func (r *run) takeOracles() error {
	r.know()
	dump := r.t.Dump()
	for i := range r.ranges {
		g := &r.ranges[i]
		if !g.known || g.n > 0 && g.info.Length == 0 {
			continue
		}
		before := len(r.oracles)
		relock, err := r.unlock(g)
		if err != nil {
			return err
		}
		r.takeOracle(g, dump)
		relock()
		if len(r.oracles) == before {
			r.bare = append(r.bare, g.n)
		}
	}
	r.takeCanaries()
	return nil
}

// takeCanaries takes the known plaintexts that the journal remembers.
func (r *run) takeCanaries() {
	for i, c := range r.oldCanaries {
		r.oracles = append(r.oracles, forensic.Oracle{
			Name: fmt.Sprintf("canary %d of an earlier attempt at LBA %d", i+1, c.LBA), SectorSize: r.cfg.SectorSize,
			LBA: c.LBA, Plain: c.Plain, Cipher: c.Cipher,
		})
	}
}

func (r *run) takeOracle(g *target, dump drive.Dump) {
	sector := make([]byte, r.cfg.SectorSize)
	tried := 0
	for _, lba := range dump.Written {
		if !r.within(g, lba) {
			continue
		}
		if tried++; tried > oracleReadMax {
			break
		}
		cipher, ok := dump.Sector(lba)
		if ok && len(cipher) >= oracleSize && r.t.Read(lba, sector) == nil {
			r.keep(fmt.Sprintf("LBA %d", lba), lba, sector, cipher)
			return
		}
	}
	if !g.owned {
		return // nothing is written to a drive that is not the caller's
	}
	lba, ok := r.free(g, dump.Written)
	if !ok {
		return
	}
	for at := 0; at < len(sector); at += len(r.canary) {
		copy(sector[at:], r.canary[:])
	}
	if err := r.t.Write(lba, sector); err != nil {
		if !untouched(err) { // the answer may be what was lost
			r.traces = append(r.traces, fmt.Sprintf("a canary may stay in the sector at LBA %d", lba))
		}
		return
	}
	if cipher, ok := r.t.Dump().Sector(lba); ok && len(cipher) >= oracleSize {
		r.keep(fmt.Sprintf("canary at LBA %d", lba), lba, sector, cipher)
		o := r.oracles[len(r.oracles)-1]
		r.made = append(r.made, Canary{LBA: lba, Plain: o.Plain, Cipher: o.Cipher})
		r.traces = append(r.traces, fmt.Sprintf("a canary stays in the sector at LBA %d", lba))
	}
}

func (r *run) keep(name string, lba uint64, plain, cipher []byte) {
	r.oracles = append(r.oracles, forensic.Oracle{
		Name: name, SectorSize: r.cfg.SectorSize, LBA: lba,
		Plain: bytes.Clone(plain[:oracleSize]), Cipher: bytes.Clone(cipher[:oracleSize]),
	})
}

// within says whether a sector belongs to the range: ranges beside the global
// one do not overlap, and the global one is the rest.
func (r *run) within(g *target, lba uint64) bool {
	if g.n > 0 {
		return lba >= g.info.Start && lba-g.info.Start < g.info.Length
	}
	for n := 1; n <= r.cfg.Ranges; n++ {
		i, err := r.t.Range(n)
		if err != nil || i.Length > 0 && lba >= i.Start && lba-i.Start < i.Length {
			return false
		}
	}
	return lba < r.cfg.Sectors
}

// free finds a sector of the range that was never written.
func (r *run) free(g *target, written []uint64) (uint64, bool) {
	lba, end := uint64(0), r.cfg.Sectors
	if g.n > 0 {
		lba, end = g.info.Start, g.info.Start+g.info.Length
	}
	for ; lba < end; lba++ {
		for len(written) > 0 && written[0] < lba {
			written = written[1:]
		}
		if len(written) > 0 && written[0] == lba {
			continue
		}
		if r.within(g, lba) {
			return lba, true
		}
	}
	return 0, false
}
