package forensic

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// remembered is search with the memo of the options.
func (s *Searcher) remembered(dump drive.Dump) (out Findings) {
	text := s.opts.Memo.Do("forensic search 1", s.given(dump), func() []byte {
		b, err := json.Marshal(s.search(dump))
		if err != nil {
			panic("BUG: forensic: " + err.Error())
		}
		return b
	})
	if err := json.Unmarshal(text, &out); err != nil {
		return s.search(dump)
	}
	return out
}

// given is all that a search depends on, as SHA-256: the flash, the secrets, the oracles and the iterations.
func (s *Searcher) given(dump drive.Dump) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d iterations, %d secrets, %d oracles, %d pages, %+v\n", s.opts.Iterations, len(s.secrets), len(s.oracles), len(dump.Flash), dump.Geometry)
	for i := range s.secrets {
		c := &s.secrets[i]
		sum := sha256.Sum256(c.b) // the bytes themselves would stay in a buffer of h
		fmt.Fprintf(h, "secret %q %v %v %d %x\n", c.name, c.root, c.public, len(c.b), sum)
	}
	for i := range s.oracles {
		o := &s.oracles[i]
		fmt.Fprintf(h, "oracle %q %d %d %d %x %x\n", o.Name, o.SectorSize, o.LBA, o.Generation, sha256.Sum256(o.Plain), sha256.Sum256(o.Cipher))
	}
	for i := range dump.Flash {
		p := &dump.Flash[i]
		fmt.Fprintf(h, "page %d %d %d\n", p.Block, p.Page, len(p.Data))
		h.Write(p.Data)
	}
	return h.Sum(nil)
}
