package server

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Two servers that were apart may have changed one object both. They merge it attribute by
// attribute: an observed-remove set (Shapiro and others, 2011, section 3.3.5) whose causal history is
// a version vector of the object. Each value of an attribute has a stamp, which is the change that
// wrote it. The object knows which changes its record has seen. So a value that one server lacks was
// either removed there (its record has seen the stamp) or has never been there.

// version is one change of an object, by a Lamport clock: the number of a change is above every
// number that the server has seen. Between equal numbers the author decides. An author is a server
// since its database was opened last, so that a server whose database was put back to an older copy
// does not give two changes one version.
type version struct {
	counter uint64
	author  serverID
}

func (v version) compare(w version) int {
	return cmp.Or(cmp.Compare(v.counter, w.counter), bytes.Compare(v.author[:], w.author[:]))
}

const versionSize = 16

func (v version) append(b []byte) []byte {
	return append(binary.BigEndian.AppendUint64(b, v.counter), v.author[:]...)
}

// readVersions reads versions as append wrote them.
func readVersions(b []byte) (out []version, err error) {
	if len(b)%versionSize != 0 {
		return nil, fmt.Errorf("%d bytes of versions", len(b))
	}
	for ; len(b) > 0; b = b[versionSize:] {
		v := version{counter: binary.BigEndian.Uint64(b)}
		copy(v.author[:], b[8:])
		out = append(out, v)
	}
	return out, nil
}

// instance is the place of a value: KMIP numbers the instances of an attribute.
type instance struct {
	name  string
	index int32
}

// held is a value of an attribute with its stamp.
type held struct {
	kmip.Attribute
	at   version
	base bool // the stamp is the base of the object
}

// held are all values of an object.
func (o *object) held() []held {
	out := make([]held, len(o.attrs))
	for n, a := range o.attrs {
		at, stamped := o.stamps[instance{a.Name, a.Index}]
		if out[n] = (held{a, at, false}); !stamped {
			out[n].at, out[n].base = o.base, true
		}
	}
	return out
}

// covers says whether the record has seen the change that wrote a value. Records from before there
// were stamps have a base each: the later base has seen the earlier one.
func (o *object) covers(h held) bool {
	if h.base {
		return o.base.compare(h.at) >= 0
	}
	return o.seen[h.at.author] >= h.at.counter
}

// authors are those whose changes the record has seen, in order.
func (o *object) authors() []serverID {
	return slices.SortedFunc(maps.Keys(o.seen), func(a, b serverID) int { return bytes.Compare(a[:], b[:]) })
}

// last is the highest number of a change that the record has seen.
func (o *object) last() uint64 {
	last := o.base.counter
	for _, author := range o.authors() {
		last = max(last, o.seen[author])
	}
	return last
}

// stampChanges stamps the values that differ from those before with v. before is nil for a new
// object.
func (o *object) stampChanges(before *object, v version) {
	if before == nil {
		o.base = v
		return
	}
	o.stamps, o.seen = map[instance]version{}, maps.Clone(before.seen)
	for _, a := range o.attrs {
		k := instance{a.Name, a.Index}
		if n := before.find(a.Name, a.Index); n < 0 || !same(&before.attrs[n].Value, &a.Value) {
			o.stamps[k] = v
		} else if at, stamped := before.stamps[k]; stamped {
			o.stamps[k] = at
		}
	}
	if o.seen == nil {
		o.seen = map[serverID]uint64{}
	}
	o.seen[v.author] = v.counter
}

// join is an object with the changes of both servers: the same whichever of the two joins. lost are
// attributes of which both have changed the one value, so that one of the changes gives way.
func (o *object) join(p *object) (out *object, lost []string) {
	out = copied(o)
	if p.base.compare(o.base) > 0 {
		out.base = p.base
	}
	for _, author := range p.authors() {
		out.seen[author] = max(out.seen[author], p.seen[author])
	}
	out.reached = max(o.reached, p.reached)
	all := append(o.outlive(p, true), p.outlive(o, false)...)
	slices.SortFunc(all, func(a, b held) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), prefer(&a, &b))
	})
	out.attrs = nil
	clear(out.stamps)
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(h held) bool { return h.Name != all[0].Name })
		if n < 0 {
			n = len(all)
		}
		kept, gaveWay := settle(all[:n])
		if gaveWay {
			lost = append(lost, all[0].Name)
		}
		for _, h := range kept {
			if out.attrs = append(out.attrs, h.Attribute); !h.base {
				out.stamps[instance{h.Name, h.Index}] = h.at
			}
		}
		all = all[n:]
	}
	if out.gone() {
		out.sealed, out.inside = nil, nil
	}
	out.order()
	return out, lost
}

// outlive are the values of an object that stay when it is joined with p: those that both have, and
// those that p has never seen. both asks for the former.
func (o *object) outlive(p *object, both bool) (out []held) {
	others := p.held()
	for _, h := range o.held() {
		n := slices.IndexFunc(others, func(x held) bool {
			return x.Name == h.Name && x.at == h.at && (x.Index == h.Index || !x.base && !h.base)
		})
		switch {
		case n >= 0 && both:
			if h.Index < others[n].Index { // one server had to give it another index
				h.Attribute = others[n].Attribute
			}
			out = append(out, h)
		case n < 0 && (!p.covers(h) || lasts(h.Name) && p.get(h.Name) == nil):
			out = append(out, h)
		}
	}
	return out
}

// lasts says whether an attribute, once it is there, can change but not go. The life cycle of an
// object follows from these.
func lasts(name string) bool {
	return lifeDate(name) || name == kmip.AttrRevocationReason
}

func lifeDate(name string) bool {
	switch name {
	case kmip.AttrActivationDate, kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate,
		kmip.AttrDestroyDate, kmip.AttrCompromiseDate, kmip.AttrCompromiseOccurrenceDate:
		return true
	}
	return false
}

// prefer orders the values that two servers gave to one attribute apart: the first stays. The life
// cycle goes to the further state, and a key is not given out if one of the two forbade it. Else the
// later change stays. Where each may stay, it has the first choice of an index.
func prefer(a, b *held) int {
	first := 0
	switch {
	case lifeDate(a.Name), a.Name == kmip.AttrExtractable:
		first = cmp.Compare(a.Value.Int, b.Value.Int)
	case a.Name == kmip.AttrSensitive:
		first = cmp.Compare(b.Value.Int, a.Value.Int)
	case a.Name == kmip.AttrRevocationReason:
		first = cmp.Compare(compromised(&b.Value), compromised(&a.Value))
	case manyOf(a.Name): // an index that a client was told stays with the earlier
		return cmp.Or(compareBool(b.base, a.base), a.at.compare(b.at), cmp.Compare(a.Index, b.Index))
	}
	return cmp.Or(first, b.at.compare(a.at), cmp.Compare(a.Index, b.Index))
}

func compareBool(a, b bool) int {
	return cmp.Compare(map[bool]int{true: 1}[a], map[bool]int{true: 1}[b])
}

// compromised is 1 if a revocation reason says that the key is known to others.
func compromised(reason *ttlv.Item) int {
	switch kmip.RevocationReason(ttlv.Read(reason).Enum(kmip.TagRevocationReasonCode)) {
	case kmip.RevokedKeyCompromise, kmip.RevokedCACompromise:
		return 1
	}
	return 0
}

// manyOf says whether an attribute can have several values.
func manyOf(name string) bool {
	d, _ := define(name, kmip.V14)
	return d.multi
}

// settle makes of the values of one attribute, in the order of preference, what an object can have:
// one value where the attribute has one, each name once, each index once. A client is told the date
// of the last change, and does not make it.
func settle(values []held) (kept []held, gaveWay bool) {
	next := int32(0)
	for _, h := range values {
		next = max(next, h.Index+1)
	}
	for _, h := range values {
		has := func(f func(k held) bool) bool { return slices.ContainsFunc(kept, f) }
		switch {
		case len(kept) > 0 && !manyOf(h.Name):
			gaveWay = gaveWay || !same(&h.Value, &kept[0].Value) && h.Name != kmip.AttrLastChangeDate
			continue
		case h.Name == kmip.AttrName && has(func(k held) bool { return same(&k.Value, &h.Value) }):
			continue
		case has(func(k held) bool { return k.Index == h.Index }):
			h.Index, h.Indexed = next, true
			next++
		}
		kept = append(kept, h)
	}
	return kept, gaveWay
}

// order puts the attributes into the order of their names and indexes, the same on both servers.
func (o *object) order() {
	slices.SortStableFunc(o.attrs, func(a, b kmip.Attribute) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
	})
}
