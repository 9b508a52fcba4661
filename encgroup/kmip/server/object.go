package server

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// identity is who owns an object: SHA-256 of the subject of a certificate.
type identity [32]byte

// object is a managed object as it is stored. Its state follows from the dates in its
// attributes, and so changes by itself when a date comes. reached.go keeps it from going back.
type object struct {
	uid     string
	owner   identity
	seq     uint64               // order of making on this server
	base    version              // the change that made it; in older records the last change
	seen    map[serverID]uint64  // the last change by each author since, as far as this record knows
	stamps  map[instance]version // the changes that wrote attributes; others are from the base
	typ     kmip.ObjectType
	secret  kmip.SecretType // type of secret data, of a certificate or of an opaque object
	format  kmip.KeyFormat
	reached kmip.State // the state that a client was told: Active or Deactivated; else 0 or Pre-Active
	sealed  []byte     // the key under the master key; empty when destroyed, and of a template
	digest  []byte     // SHA-256 of the key, under the master key too: a password can be found by its digest
	attrs   []kmip.Attribute
	inside  []kmip.Attribute // of a template: the attributes for objects made with it
}

// The tags of a record; 54xxxx are free for extensions.
const (
	tagRecord  ttlv.Tag = 0x540001
	tagFormat  ttlv.Tag = 0x540002
	tagOwner   ttlv.Tag = 0x540003
	tagSeq     ttlv.Tag = 0x540004
	tagSealed  ttlv.Tag = 0x540005 // in a message to the peer the key itself
	tagCounter ttlv.Tag = 0x540006
	tagServer  ttlv.Tag = 0x540007 // the author of a version
	tagDigest  ttlv.Tag = 0x540011 // as tagSealed; not in the oldest records
	tagReached ttlv.Tag = 0x540012 // not in the oldest records
	tagSeen    ttlv.Tag = 0x540015 // versions, in the order of their authors
	tagStamps  ttlv.Tag = 0x540016 // a version for each attribute in the record; zeros: the base
	recordForm          = 2
)

func (o *object) encode() []byte {
	i := o.record()
	return ttlv.Append(nil, &i)
}

func (o *object) record() ttlv.Item {
	i := ttlv.Struct(tagRecord,
		ttlv.Int(tagFormat, recordForm), ttlv.Text(kmip.TagUniqueIdentifier, o.uid), ttlv.Bytes(tagOwner, o.owner[:]),
		ttlv.Long(tagSeq, int64(o.seq)), ttlv.Long(tagCounter, int64(o.base.counter)), ttlv.Bytes(tagServer, o.base.author[:]), ttlv.Enum(kmip.TagObjectType, o.typ), ttlv.Enum(kmip.TagSecretDataType, o.secret),
		ttlv.Enum(kmip.TagKeyFormatType, o.format), ttlv.Bytes(tagSealed, o.sealed))
	if len(o.digest) > 0 {
		i.Add(ttlv.Bytes(tagDigest, o.digest))
	}
	if o.reached != 0 {
		i.Add(ttlv.Enum(tagReached, o.reached))
	}
	for n := range o.attrs {
		i.Add(o.attrs[n].Item())
	}
	if len(o.seen) > 0 {
		var seen []byte
		for _, author := range o.authors() {
			seen = version{o.seen[author], author}.append(seen)
		}
		i.Add(ttlv.Bytes(tagSeen, seen))
	}
	if len(o.stamps) > 0 {
		var stamps []byte
		for _, a := range o.attrs {
			stamps = o.stamps[instance{a.Name, a.Index}].append(stamps)
		}
		i.Add(ttlv.Bytes(tagStamps, stamps))
	}
	inside := ttlv.Struct(kmip.TagTemplate)
	for n := range o.inside {
		inside.Add(o.inside[n].Item())
	}
	i.Add(inside)
	return i
}

// decode reads a record. It refers to b, which bbolt keeps only as long as the
// transaction lasts.
func decode(d *ttlv.Decoder, b []byte) (*object, error) {
	defer func(l ttlv.Limits) { d.Limits = l }(d.Limits)
	d.Limits.Items = itemsIn(b) // the size of a record is bounded where it is made
	i, err := d.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("server: record: %v", err)
	}
	return readRecord(&i)
}

// itemsIn is how many items there can be in so many bytes.
func itemsIn(b []byte) int { return len(b)/ttlv.HeaderSize + 1 }

func readRecord(i *ttlv.Item) (*object, error) {
	r := ttlv.Read(i)
	form := r.Required(tagFormat, ttlv.Integer).Int
	o := &object{
		uid:    r.Required(kmip.TagUniqueIdentifier, ttlv.TextString).Text(),
		seq:    uint64(r.Required(tagSeq, ttlv.LongInteger).Int),
		typ:    kmip.ObjectType(r.Enum(kmip.TagObjectType)),
		secret: kmip.SecretType(r.Enum(kmip.TagSecretDataType)),
		format: kmip.KeyFormat(r.Enum(kmip.TagKeyFormatType)),
		sealed: r.Required(tagSealed, ttlv.ByteString).Bytes,

		reached: kmip.State(r.Enum(tagReached)),
	}
	if d := r.Optional(tagDigest, ttlv.ByteString); d != nil {
		o.digest = d.Bytes
	}
	o.base.counter = uint64(r.Required(tagCounter, ttlv.LongInteger).Int)
	server := r.Required(tagServer, ttlv.ByteString).Bytes
	owner := r.Required(tagOwner, ttlv.ByteString).Bytes
	attrs := r.All(kmip.TagAttribute, ttlv.Structure)
	inside := r.Required(kmip.TagTemplate, ttlv.Structure)
	seen, stamps := r.Optional(tagSeen, ttlv.ByteString), r.Optional(tagStamps, ttlv.ByteString)
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("server: record: %v", err)
	}
	if i.Tag != tagRecord || form != recordForm || o.reached > kmip.Deactivated || len(owner) != len(o.owner) || len(server) != len(o.base.author) {
		return nil, fmt.Errorf("server: record %06x of form %d with an owner of %d bytes, changed by a server of %d", uint32(i.Tag), form, len(owner), len(server))
	}
	copy(o.owner[:], owner)
	copy(o.base.author[:], server)
	var err error
	if o.attrs, err = readAttributes(attrs); err != nil {
		return nil, fmt.Errorf("server: record: %v", err)
	}
	if err := o.readVersions(seen, stamps); err != nil {
		return nil, fmt.Errorf("server: record: %v", err)
	}
	o.order()
	x := ttlv.Read(inside)
	if o.inside, err = readAttributes(x.All(kmip.TagAttribute, ttlv.Structure)); err != nil {
		return nil, fmt.Errorf("server: record: %v", err)
	}
	return o, nil
}

// readVersions reads what the record has seen, and the stamps of its attributes.
func (o *object) readVersions(seen, stamps *ttlv.Item) error {
	if seen != nil {
		versions, err := readVersions(seen.Bytes)
		if err != nil {
			return err
		}
		o.seen = map[serverID]uint64{}
		for _, v := range versions {
			o.seen[v.author] = v.counter
		}
	}
	if stamps != nil {
		versions, err := readVersions(stamps.Bytes)
		if err != nil || len(versions) != len(o.attrs) {
			return fmt.Errorf("%d stamps for %d attributes: %v", len(versions), len(o.attrs), err)
		}
		o.stamps = map[instance]version{}
		for n, v := range versions {
			if v != (version{}) {
				o.stamps[instance{o.attrs[n].Name, o.attrs[n].Index}] = v
			}
		}
	}
	return nil
}

func readAttributes(items []*ttlv.Item) ([]kmip.Attribute, error) {
	if len(items) == 0 {
		return nil, nil
	}
	out := make([]kmip.Attribute, len(items))
	for n, i := range items {
		var err error
		if out[n], err = kmip.ReadAttribute(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// get is the first instance of an attribute, nil if there is none.
func (o *object) get(name string) *ttlv.Item {
	for n := range o.attrs {
		if o.attrs[n].Name == name {
			return &o.attrs[n].Value
		}
	}
	return nil
}

func (o *object) number(name string) int64 {
	if v := o.get(name); v != nil {
		return v.Int
	}
	return 0
}

// date is an attribute that is a date, and whether it has come.
func (o *object) date(name string, now time.Time) (t time.Time, there, come bool) {
	v := o.get(name)
	if v == nil {
		return t, false, false
	}
	return v.Time(), true, v.Int <= now.Unix()
}

// set replaces a single attribute.
func (o *object) set(a kmip.Attribute) {
	o.drop(a.Name)
	o.attrs = append(o.attrs, a)
}

// drop removes every instance of an attribute.
func (o *object) drop(name string) {
	o.attrs = slices.DeleteFunc(o.attrs, func(a kmip.Attribute) bool { return a.Name == name })
}

// add adds an instance of an attribute, with the next free index.
func (o *object) add(a kmip.Attribute) error {
	count, next := 0, int32(0)
	for _, have := range o.attrs {
		if have.Name == a.Name {
			count++
			next = max(next, have.Index+1)
		}
	}
	if count >= instancesMax {
		return kmip.Fail(kmip.IndexOutOfBounds, "%s has %d instances, and can have no more", a.Name, count)
	}
	a.Index, a.Indexed = next, next > 0
	o.attrs = append(o.attrs, a)
	return nil
}

// find is the place of an instance of an attribute, -1 if there is none.
func (o *object) find(name string, index int32) int {
	return slices.IndexFunc(o.attrs, func(a kmip.Attribute) bool { return a.Name == name && a.Index == index })
}

// state follows from the dates and from what was reached before (KMIP specification 1.4,
// section 3.22).
func (o *object) state(now time.Time) kmip.State {
	_, destroyed, _ := o.date(kmip.AttrDestroyDate, now)
	_, compromised, _ := o.date(kmip.AttrCompromiseDate, now)
	switch {
	case destroyed && compromised:
		return kmip.DestroyedCompromised
	case destroyed:
		return kmip.Destroyed
	case compromised:
		return kmip.Compromised
	}
	return o.phase(now.Unix())
}

// weight is the size of the attributes that clients give, in bytes: all but those of the life cycle.
func (o *object) weight() (n int) {
	for _, a := range o.attrs {
		if i := a.Item(); !lasts(a.Name) && a.Name != kmip.AttrLastChangeDate {
			n += i.Size()
		}
	}
	return n
}

// gone says whether the object is destroyed.
func (o *object) gone() bool { return o.get(kmip.AttrDestroyDate) != nil }

// inOrder are pairs of dates: the second must not be before the first. Processing may start
// after protecting has stopped (KMIP specification 1.4, sections 3.24 to 3.27).
var inOrder = [][2]string{
	{kmip.AttrActivationDate, kmip.AttrProcessStartDate},
	{kmip.AttrActivationDate, kmip.AttrProtectStopDate},
	{kmip.AttrActivationDate, kmip.AttrDeactivationDate},
	{kmip.AttrProcessStartDate, kmip.AttrDeactivationDate},
	{kmip.AttrProtectStopDate, kmip.AttrDeactivationDate},
}

// checkDates checks the order of the dates: of all of them, or of one and the others. After two
// servers have set dates apart, others may be out of order.
func (o *object) checkDates(names ...string) error {
	for _, pair := range inOrder {
		if len(names) > 0 && !slices.Contains(names, pair[0]) && !slices.Contains(names, pair[1]) {
			continue
		}
		first, then := o.get(pair[0]), o.get(pair[1])
		if first != nil && then != nil && then.Int < first.Int {
			return kmip.Fail(kmip.InvalidField, "the %s is before the %s", pair[1], pair[0])
		}
	}
	return nil
}

// names are the Name attributes.
func (o *object) names() []*ttlv.Item { return o.all(kmip.AttrName) }

func (o *object) all(name string) []*ttlv.Item {
	var out []*ttlv.Item
	for n := range o.attrs {
		if o.attrs[n].Name == name {
			out = append(out, &o.attrs[n].Value)
		}
	}
	return out
}

// listed gives all attributes that a client of this version sees, in the order
// of the specification, without the digest, for which the key is needed.
func (o *object) listed(now time.Time, v kmip.Version) []kmip.Attribute {
	out := []kmip.Attribute{kmip.TextOf(kmip.AttrUniqueIdentifier, o.uid), kmip.EnumOf(kmip.AttrObjectType, o.typ)}
	if hasState(o.typ) {
		out = append(out, kmip.EnumOf(kmip.AttrState, o.state(now)))
	}
	for _, a := range append(o.unset(), o.attrs...) {
		if _, ok := define(a.Name, v); ok {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b kmip.Attribute) int { return rank(a.Name) - rank(b.Name) })
	return out
}

// digestBinding is what the digest of a key is bound to.
func (o *object) digestBinding() []byte { return append([]byte("digest\x00"), o.binding()...) }

// binding is what a key is bound to under the master key: its name, owner and type.
func (o *object) binding() []byte {
	b := append([]byte("fdelab kmip object v1\x00"), o.owner[:]...)
	return append(append(b, byte(o.typ)), o.uid...)
}
