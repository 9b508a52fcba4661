package flash

import "bytes"

// Where a page tears follows from the seed of the Faulty, the number of the
// operation, and the address alone, so that a plan tears in the same places
// each time. TearAt chooses them instead.

func (f *Faulty) stream(block, page int) *stream {
	c := f.counts
	s := stream(f.seed)
	s = stream(s.next() ^ (c.Reads + c.Mutations()))
	s = stream(s.next() ^ uint64(block)<<32 ^ uint64(uint32(page)))
	return &s
}

// tornAt is how many of n are done before the one that is torn; n is at least 1.
func (f *Faulty) tornAt(s *stream, n int) int {
	if f.place == nil {
		return s.below(n)
	}
	return min(max(0, f.place(n)), n-1)
}

// tearProgram programs a prefix of data and some bits of the byte after it,
// which may be none and never is all of data.
func (f *Faulty) tearProgram(block, page int, data []byte) error {
	s := f.stream(block, page)
	data = trim(data)
	if len(data) == 0 {
		return nil
	}
	n := f.tornAt(s, len(data))
	torn := bytes.Clone(data[:n+1])
	torn[n] |= s.someOf(^torn[n])
	return f.dev.Program(block, page, torn)
}

// tearErase erases some pages of the block, leaves some as they are, and of one
// sets some bits. Blank pages aside, with one page that is the one torn; with
// two, the other is erased or intact; with more there are pages of each kind.
func (f *Faulty) tearErase(block int) error {
	s := f.stream(block, -1)
	g := f.dev.Geometry()
	var held []Page
	for page := range g.PagesPerBlock {
		if f.blank(block, page) {
			continue
		}
		data := make([]byte, g.PageSize)
		if err := f.dev.Read(block, page, data); err != nil {
			return err
		}
		held = append(held, Page{Block: block, Page: page, Data: data})
	}
	if err := f.dev.Erase(block); err != nil || len(held) == 0 {
		return err
	}
	erased := 0
	switch n := len(held); {
	case f.place != nil:
		erased = f.tornAt(s, n)
	case n == 2:
		erased = s.below(2)
	case n > 2:
		erased = 1 + s.below(n-2)
	}
	start := s.below(len(held))
	if f.place != nil {
		start = 0
	}
	for i := erased; i < len(held); i++ {
		p := held[(start+i)%len(held)]
		if i == erased {
			for j, b := range p.Data {
				p.Data[j] = b | byte(s.next())
			}
		}
		if err := f.dev.Program(p.Block, p.Page, p.Data); err != nil {
			return err
		}
	}
	return nil
}

// tearZero clears a prefix of the page and some bits of the byte after it. On a
// device of another package, which can only clear whole pages, it clears all.
func (f *Faulty) tearZero(block, page int) error {
	c, ok := f.dev.(clearer)
	if !ok {
		return f.dev.Zero(block, page)
	}
	s := f.stream(block, page)
	mask := make([]byte, 1+f.tornAt(s, f.dev.Geometry().PageSize))
	mask[len(mask)-1] = byte(s.next()) | 1
	return c.clearBits(block, page, mask)
}

// rot flips one bit in the part of the page that holds data, which is what
// dst begins with.
func (f *Faulty) rot(block, page int, dst []byte) error {
	d, ok := f.dev.(Decayer)
	if !ok {
		return errNoDecay
	}
	return d.Decay(block, page, f.stream(block, page).below(8*len(trim(dst))))
}

// someOf is a part of the bits of b: at least one, where b has any.
func (s *stream) someOf(b byte) byte {
	for b != 0 {
		if part := b & byte(s.next()); part != 0 {
			return part
		}
	}
	return 0
}
