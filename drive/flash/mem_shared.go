package flash

// chunk is a piece of a long page.
type chunk [256]byte

// sharedPage is a long page, whose chunks that equal those of the page in front of it are the same ones: the
// records of a log differ in a few bytes each. The last one has zeros behind the end of the page.
type sharedPage struct {
	size   int
	chunks []*chunk
}

// share makes a page of data. before may be nil.
func share(data []byte, before *sharedPage) *sharedPage {
	p := &sharedPage{size: len(data), chunks: make([]*chunk, 0, (len(data)+len(chunk{})-1)/len(chunk{}))}
	for len(data) > 0 {
		var c chunk
		data = data[copy(c[:], data):]
		n := len(p.chunks)
		if before != nil && n < len(before.chunks) && *before.chunks[n] == c {
			p.chunks = append(p.chunks, before.chunks[n])
			continue
		}
		own := c
		p.chunks = append(p.chunks, &own)
	}
	return p
}

// load copies the page, and gives its length.
func (p *sharedPage) load(dst []byte) int {
	n := 0
	for _, c := range p.chunks {
		n += copy(dst[n:min(p.size, len(dst))], c[:])
	}
	return n
}

// clear takes the content from the chunks that no page of its block has any more.
func (p *sharedPage) clear(block []*memPage) {
	for n, c := range p.chunks {
		held := false
		for _, other := range block {
			held = held || other != nil && other.shared != nil && n < len(other.shared.chunks) && other.shared.chunks[n] == c
		}
		if !held {
			clear(c[:])
		}
	}
}
