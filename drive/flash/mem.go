package flash

import (
	"bytes"
	"slices"
)

// Mem is flash in memory. It stores only what is programmed: a drive at rest
// holds two or three pages of a few hundred bytes.
type Mem struct {
	g     Geometry
	off   bool
	pages []*memPage // by Geometry.index; nil is blank
	wear  []uint64
	spare []*memPage // of erased pages, cleared, for the next programs, which else are mostly allocation
}

// memPage is a page with at least one programmed bit, without the ones at its
// end. It is not changed while it is stored, so that zeroed pages can share one.
type memPage struct {
	data   []byte
	shared *sharedPage // in place of data in a long page
}

var zeroedPage = &memPage{}

var (
	_ Device  = (*Mem)(nil)
	_ Decayer = (*Mem)(nil)
	_ blanker = (*Mem)(nil)
	_ clearer = (*Mem)(nil)

	_ BlankChecker = (*Mem)(nil)
)

// NewMem makes a blank device with power on. The geometry must be valid: ask
// Validate of one that comes from outside.
func NewMem(g Geometry) *Mem {
	if err := g.Validate(); err != nil {
		panic("BUG: " + err.Error())
	}
	return &Mem{g: g, pages: make([]*memPage, g.pages()), wear: make([]uint64, g.Blocks)}
}

// Clone is a device of its own with the same content, wear and power.
func (m *Mem) Clone() *Mem {
	c := &Mem{g: m.g, off: m.off, pages: make([]*memPage, len(m.pages)), wear: slices.Clone(m.wear)}
	for i, p := range m.pages {
		switch {
		case p == nil || p == zeroedPage:
		case p.shared != nil:
			long := make([]byte, p.shared.size)
			p.shared.load(long)
			p = &memPage{shared: share(long, c.before(i))}
		default:
			p = &memPage{data: bytes.Clone(p.data)}
		}
		c.pages[i] = p
	}
	return c
}

// Geometry implements Device.
func (m *Mem) Geometry() Geometry { return m.g }

// PowerOn implements Device.
func (m *Mem) PowerOn() { m.off = false }

// PowerOff implements Device.
func (m *Mem) PowerOff() { m.off = true }

// Read implements Device.
func (m *Mem) Read(block, page int, dst []byte) error {
	if m.off {
		return ErrPowerLost
	}
	if err := m.g.checkRead(block, page, dst); err != nil {
		return err
	}
	m.load(m.g.index(block, page), dst)
	return nil
}

// Blank implements BlankChecker.
func (m *Mem) Blank(block, page int) (bool, error) {
	if m.off {
		return false, ErrPowerLost
	}
	if err := m.g.checkPage(block, page); err != nil {
		return false, err
	}
	return m.blank(block, page), nil
}

// Program implements Device.
func (m *Mem) Program(block, page int, data []byte) error {
	if m.off {
		return ErrPowerLost
	}
	if err := m.g.checkProgram(block, page, data); err != nil {
		return err
	}
	i := m.g.index(block, page)
	if m.pages[i] != nil {
		return at(ErrNotBlank, block, page)
	}
	m.store(i, data)
	return nil
}

// Erase implements Device.
func (m *Mem) Erase(block int) error {
	if m.off {
		return ErrPowerLost
	}
	if err := m.g.checkBlock(block); err != nil {
		return err
	}
	first := m.g.index(block, 0)
	for i, p := range m.pages[first : first+m.g.PagesPerBlock] {
		m.pages[first+i] = nil
		m.recycle(first+i, p)
	}
	m.wear[block]++
	return nil
}

// Zero implements Device.
func (m *Mem) Zero(block, page int) error {
	if m.off {
		return ErrPowerLost
	}
	if err := m.g.checkPage(block, page); err != nil {
		return err
	}
	i := m.g.index(block, page)
	old := m.pages[i]
	m.pages[i] = zeroedPage
	m.recycle(i, old)
	return nil
}

// Decay implements Decayer.
func (m *Mem) Decay(block, page, bit int) error {
	if err := m.g.checkBit(block, page, bit); err != nil {
		return err
	}
	i := m.g.index(block, page)
	full := make([]byte, m.g.PageSize)
	m.load(i, full)
	full[bit/8] ^= 1 << (bit % 8)
	m.store(i, full)
	return nil
}

// Dump implements Device.
func (m *Mem) Dump() []Page {
	n := 0
	for _, p := range m.pages {
		if p != nil {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	all, room := make([]Page, 0, n), make([]byte, n*m.g.PageSize)
	for i, p := range m.pages {
		if p == nil {
			continue
		}
		data := room[:m.g.PageSize:m.g.PageSize]
		room = room[m.g.PageSize:]
		m.load(i, data)
		all = append(all, Page{Block: i / m.g.PagesPerBlock, Page: i % m.g.PagesPerBlock, Data: data})
	}
	return all
}

// Wear implements Device.
func (m *Mem) Wear() []uint64 { return append([]uint64(nil), m.wear...) }

func (m *Mem) load(i int, dst []byte) {
	p := m.pages[i]
	if p == nil {
		fill(dst)
		return
	}
	switch {
	case p == zeroedPage:
		clear(dst)
	case p.shared != nil:
		fill(dst[p.shared.load(dst):])
	default:
		fill(dst[copy(dst, p.data):])
	}
}

// store keeps the page whose content is data, and ones behind it.
func (m *Mem) store(i int, data []byte) {
	data = trim(data)
	switch {
	case len(data) == 0:
		m.pages[i] = nil
	case len(data) == m.g.PageSize && allZero(data):
		m.pages[i] = zeroedPage
	case len(data) > spareSizeMax:
		m.pages[i] = &memPage{shared: share(data, m.before(i))}
	default:
		var p *memPage
		if n := len(m.spare) - 1; n >= 0 && cap(m.spare[n].data) >= len(data) {
			p, m.spare = m.spare[n], m.spare[:n]
		} else {
			p = &memPage{data: make([]byte, 0, len(data))}
		}
		p.data = append(p.data, data...)
		m.pages[i] = p
	}
}

// sparesMax is how many pages a key step of one drive erases, as a rule. Pages of more than spareSizeMax bytes
// are sharedPages, and not kept: what a drive takes at rest counts for more than their allocation.
const (
	sparesMax    = 3
	spareSizeMax = 2048
)

// recycle takes the content from what was page i, and keeps it, in place of a smaller one if there are enough.
func (m *Mem) recycle(i int, p *memPage) {
	switch {
	case p == nil || p == zeroedPage:
		return
	case p.shared != nil:
		p.shared.clear(m.blockOf(i))
		return
	}
	clear(p.data)
	p.data = p.data[:0]
	if len(m.spare) < sparesMax {
		m.spare = append(m.spare, p)
		return
	}
	for i, s := range m.spare {
		if cap(s.data) < cap(p.data) {
			m.spare[i] = p
			return
		}
	}
}

// blockOf are the pages of the block of page i.
func (m *Mem) blockOf(i int) []*memPage {
	first := i - i%m.g.PagesPerBlock
	return m.pages[first : first+m.g.PagesPerBlock]
}

// before is the long page in front of page i in its block, nil if there is none.
func (m *Mem) before(i int) *sharedPage {
	if i%m.g.PagesPerBlock == 0 || m.pages[i-1] == nil {
		return nil
	}
	return m.pages[i-1].shared
}

func (m *Mem) blank(block, page int) bool { return m.pages[m.g.index(block, page)] == nil }

func (m *Mem) clearBits(block, page int, mask []byte) error {
	i := m.g.index(block, page)
	full := make([]byte, m.g.PageSize)
	m.load(i, full)
	for j := range mask {
		full[j] &= mask[j]
	}
	m.store(i, full)
	return nil
}
