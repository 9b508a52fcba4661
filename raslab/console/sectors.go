package console

import (
	"fmt"
)

func lbaParam() Param {
	return Param{Name: "lba", Kind: numberKind(0, 1<<31-1), Default: "0", Help: "the first sector"}
}

func countParam(fallback string) Param {
	return Param{Name: "count", Kind: numberKind(1, 4096), Default: fallback, Help: "how many sectors"}
}

func textParam() Param {
	return Param{Name: "text", Kind: textKind, Default: "customer data", Help: "what the sectors say, with their number"}
}

func (s *Session) readSectors(first uint64, n, size int, read func(lba uint64, dst []byte) error) error {
	buf := make([]byte, size)
	for i := range n {
		lba := first + uint64(i)
		if err := read(lba, buf); err != nil {
			return fmt.Errorf("sector %d: %w", lba, err)
		}
		if i < maxShown {
			s.printf("sector %d: %s\n", lba, describe(buf))
		}
	}
	if n > maxShown {
		s.printf("and %d more\n", n-maxShown)
	}
	return nil
}
