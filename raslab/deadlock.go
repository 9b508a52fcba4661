package raslab

// A deadlock: every key server of a group keeps its storage on ranks that can be
// read only with a key from such a server. It works until the power fails.

// keyed is a group of some facility.
type keyed struct {
	lab *Lab
	id  int
}

// deadlocked says whether no server of a group could come up after a loss of
// power everywhere. It starts from nothing and adds what can come up, until nothing more can.
func (l *Lab) deadlocked(g *keyGroup) bool {
	if len(l.keys.activeOf(g.id)) == 0 {
		return false // nothing depends on anything
	}
	labs := []*Lab{l}
	for i := 0; i < len(labs); i++ {
		for _, h := range labs[i].hosts {
			if h.at != nil && !hasLab(labs, h.at) {
				labs = append(labs, h.at)
			}
		}
	}
	open := map[keyed]bool{}
	for grew := true; grew; {
		grew = false
		for _, at := range labs {
			for _, k := range at.keys.groups {
				if !open[keyed{at, k.id}] && at.comesUp(k, open) {
					open[keyed{at, k.id}], grew = true, true
				}
			}
		}
	}
	return !open[keyed{l, g.id}]
}

func hasLab(all []*Lab, l *Lab) bool {
	for _, o := range all {
		if o == l {
			return true
		}
	}
	return false
}

// comesUp says whether a server of the group needs nothing but what is open.
func (l *Lab) comesUp(g *keyGroup, open map[keyed]bool) bool {
	for _, m := range l.keys.activeOf(g.id) {
		h := l.host(m.addr)
		if m.external != nil || h == nil || h.at == nil {
			return true
		}
		r, err := h.at.plant.rankNamed("deadlock", h.rank)
		if err == nil && (r.keygrp == 0 || open[keyed{h.at, r.keygrp}]) {
			return true
		}
	}
	return false
}

// watchDeadlock warns once of a group that has come into a deadlock.
func (l *Lab) watchDeadlock(g *keyGroup) {
	dead := l.deadlocked(g)
	if dead && !g.deadlock {
		l.logf("key server", "key group %d is in a deadlock: every key server keeps its storage on ranks that it unlocks", g.id)
	}
	g.deadlock = dead
}
