package raslab

// The partitions hold a host write in memory that outlives power until every strip of it is on its
// member (assumption, after the non-volatile storage of such controllers). So a loss of power in
// the middle of a row loses neither the old sector nor the others of its row: the row is written
// again after power-on.

// hostIO is what the partitions hold of host reads and writes.
type hostIO struct {
	nvs     *pendingRow // nil: no host write was cut
	buffers [][]byte    // strips, for the next row
}

// pendingRow is the row that a host write is about to change.
type pendingRow struct {
	rank   *Rank
	n      uint64
	strips [drivesPerSite][]byte // by position; nil: it stays as it is
}

// holds keeps the new strips of a row. It does so only if a fault plan can take the power of the
// facility, because nothing else cuts a request.
func (l *Lab) holds(r *Rank, n uint64, strip func(position int) []byte) {
	if l.power.plan == nil {
		return
	}
	p := &pendingRow{rank: r, n: n}
	for i := range r.members {
		if s := strip(i); s != nil {
			p.strips[i] = append([]byte(nil), s...)
		}
	}
	l.hostIO.nvs = p
}

// destage writes the row again that a loss of power cut, once its data are in reach. The row is
// held until it is written.
func (l *Lab) destage() {
	p := l.hostIO.nvs
	switch {
	case p == nil:
		return
	case p.rank.removed:
		l.hostIO.nvs = nil
		return
	case !l.sfi.dataAccess(p.rank):
		return
	}
	bad := 0
	for i, m := range p.rank.members {
		if s := p.strips[i]; s != nil && !p.rank.store(p.n, i, s) || s == nil && m.state != inSync {
			bad++
		}
	}
	if bad < 2 {
		l.hostIO.nvs = nil
		l.logf(p.rank.name(), "row %d, which was being written when the power went, is written", p.n)
	}
}
