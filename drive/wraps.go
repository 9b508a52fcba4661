package drive

import "github.com/seed-9d983aeb/fdelab/drive/secret"

// sessionMEK unwraps the MEK of range n with what the session has a right to:
// its AK, or, for a range that is open to all, the KEK of the root key.
func (d *Drive) sessionMEK(s *session, n int) (*secret.Key64, error) {
	g := &d.rec.ranges[n]
	for i := range g.wraps {
		switch g.wraps[i].by {
		case s.authority:
			return unwrapMEK(s.ak, &g.wraps[i].wrap)
		case Nobody:
			return unwrapMEK(d.rootKEK, &g.wraps[i].wrap)
		}
	}
	return nil, d.refuse("unwrap", NotAuthorized, "no wrap of range %d is for %v", n, s.authority)
}

// rootMEK unwraps the MEK of an open range.
func (d *Drive) rootMEK(g *rangeRecord) (*secret.Key64, error) {
	if g.opal != nil {
		return d.rootAreaMEK(g.opal)
	}
	for i := range g.wraps {
		if g.wraps[i].by == Nobody {
			return unwrapMEK(d.rootKEK, &g.wraps[i].wrap)
		}
	}
	return nil, errNoRecord
}

// rewrapFor is rewrap of the MEK that range n has now.
func (d *Drive) rewrapFor(s *session, g *rangeRecord, n int, ak *secret.Key32) error {
	mek, err := d.sessionMEK(s, n)
	if err != nil {
		return err
	}
	defer mek.Clear()
	d.rewrap(g, n, mek, ak)
	return nil
}

// rewrap gives g the wraps that its lock settings call for: the root KEK's if it
// is open at power-on, else its BandMaster's.
func (d *Drive) rewrap(g *rangeRecord, n int, mek *secret.Key64, ak *secret.Key32) {
	g.wraps = make([]wrapRecord, 1)
	w, kek := &g.wraps[0], ak
	w.by = BandMaster(n)
	if g.openAtPowerOn() {
		w.by, kek = Nobody, d.rootKEK
	}
	wrapMEK(&w.wrap, kek, mek)
}
