package flash

import "fmt"

// DefaultGeometry is the security area of the drives of the lab: 8 blocks of 8
// pages of 4096 bytes, 256 KiB [assumption: no drive maker publishes theirs].
var DefaultGeometry = Geometry{Blocks: 8, PagesPerBlock: 8, PageSize: 4096}

// Validate says in one line which dimension is out of bounds and what they are.
func (g Geometry) Validate() error {
	switch {
	case g.Blocks < 4 || g.Blocks > 64:
		return fmt.Errorf("flash: geometry: %d blocks, want 4 to 64", g.Blocks)
	case g.PagesPerBlock < 2 || g.PagesPerBlock > 64:
		return fmt.Errorf("flash: geometry: %d pages a block, want 2 to 64", g.PagesPerBlock)
	case g.PageSize < 512 || g.PageSize > 65536 || g.PageSize%512 != 0:
		return fmt.Errorf("flash: geometry: pages of %d bytes, want a multiple of 512 from 512 to 65536", g.PageSize)
	}
	return nil
}

// String is the geometry in words: "8 blocks of 8 pages of 4096 bytes".
func (g Geometry) String() string {
	return fmt.Sprintf("%d blocks of %d pages of %d bytes", g.Blocks, g.PagesPerBlock, g.PageSize)
}

// pages is how many pages the device has.
func (g Geometry) pages() int { return g.Blocks * g.PagesPerBlock }

// index is the number of a page counted over all blocks.
func (g Geometry) index(block, page int) int { return block*g.PagesPerBlock + page }

func (g Geometry) checkBlock(block int) error {
	if uint(block) >= uint(g.Blocks) {
		return fmt.Errorf("%w: block %d, want 0 to %d", ErrAddress, block, g.Blocks-1)
	}
	return nil
}

func (g Geometry) checkPage(block, page int) error {
	if uint(block) >= uint(g.Blocks) {
		return g.checkBlock(block)
	}
	if uint(page) >= uint(g.PagesPerBlock) {
		return fmt.Errorf("%w: block %d page %d, want page 0 to %d", ErrAddress, block, page, g.PagesPerBlock-1)
	}
	return nil
}

func (g Geometry) checkRead(block, page int, dst []byte) error {
	if len(dst) != g.PageSize {
		return fmt.Errorf("%w: a buffer of %d bytes, want the page size %d", ErrLength, len(dst), g.PageSize)
	}
	return g.checkPage(block, page)
}

func (g Geometry) checkProgram(block, page int, data []byte) error {
	if len(data) == 0 || len(data) > g.PageSize {
		return fmt.Errorf("%w: %d bytes to program, want 1 to %d", ErrLength, len(data), g.PageSize)
	}
	return g.checkPage(block, page)
}

func (g Geometry) checkBit(block, page, bit int) error {
	if uint(bit) >= uint(g.PageSize*8) {
		return fmt.Errorf("%w: bit %d of block %d page %d, want 0 to %d", ErrAddress, bit, block, page, g.PageSize*8-1)
	}
	return g.checkPage(block, page)
}

// at says where an error happened.
func at(err error, block, page int) error {
	if page < 0 {
		return fmt.Errorf("%w: block %d", err, block)
	}
	return fmt.Errorf("%w: block %d page %d", err, block, page)
}
