//go:build !race

package leftover

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"
)

// chunk is what memory is read into. It is left out of the search.
var chunk [1 << 20]byte

// Search counts how often each key is in the memory that this process can write,
// in the order of the needles. It is not safe for concurrent use.
func Search(needles ...*Needle) ([]int, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, fmt.Errorf("leftover: %w", err)
	}
	defer func() { _ = maps.Close() }()
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return nil, fmt.Errorf("leftover: %w", err)
	}
	defer func() { _ = mem.Close() }()
	s := &search{needles: needles, found: make([]int, len(needles)), mem: mem}
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uint64 // a page of the kernel lies beyond the range of int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			return nil, fmt.Errorf("leftover: /proc/self/maps: %w", err)
		}
		if !strings.HasPrefix(mode, "rw") || strings.HasSuffix(lines.Text(), "[vvar]") {
			continue
		}
		if err := s.region(int64(from), int64(to)); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("leftover: /proc/self/maps: %w", err)
	}
	return s.found, nil
}

type search struct {
	needles []*Needle
	found   []int
	mem     io.ReaderAt
}

// region searches from (inclusive) to to (exclusive), a chunk at a time; chunks
// overlap, so that no key lies across their border.
func (s *search) region(from, to int64) error {
	own := int64(uintptr(unsafe.Pointer(&chunk)))
	for at := from; at < to; at += int64(len(chunk)) - size + 1 {
		n, err := s.mem.ReadAt(chunk[:min(int64(len(chunk)), to-at)], at)
		if err != nil && !errors.Is(err, io.EOF) && n == 0 {
			return nil // a page that is mapped and not there, such as a guard
		}
		// Most of a memory is zeros; no key is.
		if n < size || chunk[0] == 0 && bytes.Equal(chunk[:n-1], chunk[1:n]) {
			continue
		}
		heads := chunk[:n-size+1] // where a key may begin
		for k, needle := range s.needles {
			for i := 0; ; i++ {
				next := bytes.IndexByte(heads[i:], needle.masked[0]^mask)
				if next < 0 {
					break
				}
				i += next
				here := at + int64(i)
				if (here+size <= own || here >= own+int64(len(chunk))) && needle.at(chunk[i:n]) {
					s.found[k]++
				}
			}
		}
	}
	return nil
}
