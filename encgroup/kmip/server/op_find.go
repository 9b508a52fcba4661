package server

import (
	"bytes"
	"errors"
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// get answers an object with its key.
func (c *call) get(r *ttlv.Reader) (*ttlv.Item, error) {
	o, err := c.target(r)
	if err != nil {
		return nil, err
	}
	format := kmip.KeyFormat(r.Enum(kmip.TagKeyFormatType))
	wrap := r.Enum(kmip.TagKeyWrapType)
	if r.Optional(kmip.TagKeyCompressionType, ttlv.Enumeration) != nil {
		return nil, kmip.Fail(kmip.KeyCompressionNotSupported, "a %s is not compressed", o.typ)
	}
	if r.Optional(kmip.TagKeyWrappingSpecification, ttlv.Structure) != nil || wrap > 1 {
		return nil, kmip.Fail(kmip.FeatureNotSupported, "keys are not given out wrapped")
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if o.gone() {
		// Section 11.12: of this object the server only has attributes.
		return nil, kmip.Fail(kmip.IllegalOperation, "the %s is destroyed", o.typ)
	}
	if err := c.mayLeave(o); err != nil {
		return nil, err
	}
	out := kmip.Object{Type: o.typ, Attributes: c.contents(o)}
	if o.typ != kmip.Template {
		if out.KeyFormat, err = o.formatFor(format); err != nil {
			return nil, err
		}
		if out.Material, err = c.key(o); err != nil {
			return nil, err
		}
	}
	switch o.typ {
	case kmip.SecretData:
		out.Secret = o.secret
	case kmip.SymmetricKey:
		out.Algorithm = kmip.Algorithm(o.number(kmip.AttrAlgorithm))
		out.Length = int32(o.number(kmip.AttrLength))
	case kmip.Certificate:
		out.Certificate = kmip.CertificateType(o.secret)
	case kmip.OpaqueObject:
		out.Opaque = uint32(o.secret)
	}
	p := ttlv.Struct(kmip.TagResponsePayload, ttlv.Enum(kmip.TagObjectType, o.typ),
		ttlv.Text(kmip.TagUniqueIdentifier, o.uid), out.Item())
	return &p, nil
}

// formatFor is the format in which a key is given out.
func (o *object) formatFor(asked kmip.KeyFormat) (kmip.KeyFormat, error) {
	symmetric := o.typ == kmip.SymmetricKey && (asked == kmip.FormatRaw || asked == kmip.FormatTransparent)
	switch {
	case asked == 0, asked == o.format:
		return o.format, nil
	case symmetric:
		return asked, nil
	}
	return 0, kmip.Fail(kmip.KeyFormatNotSupported, "key format %d of a %s in format %d", asked, o.typ, o.format)
}

// key opens the key of an object; it is overwritten when the answer is encoded.
func (c *call) key(o *object) ([]byte, error) {
	k, err := c.seal.open(o.sealed, o.binding())
	if err == nil {
		*c.secrets = append(*c.secrets, k)
	}
	return k, err
}

// attributes are all of an object, its digest with them.
func (c *call) attributes(o *object) ([]kmip.Attribute, error) {
	out := o.listed(c.now, c.version)
	d, err := c.digest(o)
	if err != nil || d == nil {
		return out, err
	}
	out = append(out, kmip.Attribute{Name: kmip.AttrDigest, Value: *d})
	slices.SortStableFunc(out, func(a, b kmip.Attribute) int { return rank(a.Name) - rank(b.Name) })
	return out, nil
}

// digest is the Digest of an object, nil if it has none. It is made with the object and
// outlives its value; one of a record from before that is made of the value while that
// is there (KMIP specification 1.4, section 3.17).
func (c *call) digest(o *object) (*ttlv.Item, error) {
	var sum []byte
	switch {
	case len(o.digest) > 0:
		var err error
		if sum, err = c.seal.open(o.digest, o.digestBinding()); err != nil {
			return nil, err
		}
	case len(o.sealed) > 0:
		key, err := c.key(o)
		if err != nil {
			return nil, err
		}
		made := (&kmip.Object{Type: o.typ, KeyFormat: o.format, Material: key}).Digest()
		sum = made[:]
	default:
		return nil, nil
	}
	const sha256Algorithm = uint32(6)
	d := ttlv.Struct(kmip.TagAttributeValue, ttlv.Enum(kmip.TagHashingAlgorithm, sha256Algorithm), ttlv.Bytes(kmip.TagDigestValue, sum))
	if c.version.AtLeast(kmip.V11) && o.format != 0 {
		d.Add(ttlv.Enum(kmip.TagKeyFormatType, o.format))
	}
	return &d, nil
}

// digestStays makes the digest of a record from before digests were kept, while there is
// a value to make it of.
func (c *call) digestStays(o *object) error {
	if len(o.digest) > 0 || len(o.sealed) == 0 {
		return nil
	}
	d, err := c.digest(o)
	if err == nil {
		o.digest, err = c.seal.seal(d.Find(kmip.TagDigestValue).Bytes, o.digestBinding())
	}
	return err
}

func (c *call) getAttributes(r *ttlv.Reader) (*ttlv.Item, error) {
	o, err := c.target(r)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range r.All(kmip.TagAttributeName, ttlv.TextString) {
		if slices.Contains(names, n.Text()) {
			return nil, kmip.Fail(kmip.InvalidMessage, "attribute %q is asked for twice", n.Text())
		}
		names = append(names, n.Text())
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	all, err := c.attributes(o)
	if err != nil {
		return nil, err
	}
	p := uidPayload(o.uid)
	if names == nil {
		for n := range all {
			p.Add(all[n].Item())
		}
	}
	for _, name := range names {
		for n := range all {
			if all[n].Name == name {
				p.Add(all[n].Item())
			}
		}
	}
	return p, nil
}

func (c *call) getAttributeList(r *ttlv.Reader) (*ttlv.Item, error) {
	o, err := c.target(r)
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	all, err := c.attributes(o)
	if err != nil {
		return nil, err
	}
	p := uidPayload(o.uid)
	for n := range all {
		if n == 0 || all[n].Name != all[n-1].Name {
			p.Add(ttlv.Text(kmip.TagAttributeName, all[n].Name))
		}
	}
	return p, nil
}

// check tells whether a key may be used as asked: PermissionDenied, with what
// is not allowed, if not (KMIP specification 1.4, section 4.10).
func (c *call) check(r *ttlv.Reader) (*ttlv.Item, error) {
	o, err := c.target(r)
	if err != nil {
		return nil, err
	}
	mask := r.Optional(kmip.TagCryptographicUsageMask, ttlv.Integer)
	count := r.Optional(kmip.TagUsageLimitsCount, ttlv.LongInteger)
	lease := r.Optional(kmip.TagLeaseTime, ttlv.Interval)
	if err := r.Done(); err != nil {
		return nil, err
	}
	if o.typ == kmip.Template {
		return nil, kmip.Fail(kmip.IllegalOperation, "a template has no use to check")
	}
	denied := ttlv.Struct(kmip.TagResponsePayload)
	if mask != nil && (o.number(kmip.AttrUsageMask)&mask.Int != mask.Int || o.gone()) {
		denied.Add(*mask)
	}
	_, _ = count, lease // no object here has usage limits or a lease: nothing is denied for them
	if len(denied.Items) > 0 {
		*c.placeholder = ""
		return &denied, kmip.Fail(kmip.PermissionDenied, "the key is not for this use")
	}
	return uidPayload(o.uid), nil
}

// locate finds objects by their attributes, the newest first.
func (c *call) locate(r *ttlv.Reader) (*ttlv.Item, error) {
	limit, skip := int32(-1), r.Int(kmip.TagOffsetItems)
	if i := r.Optional(kmip.TagMaximumItems, ttlv.Integer); i != nil {
		limit = int32(i.Int)
	}
	storage := r.Optional(kmip.TagStorageStatusMask, ttlv.Integer)
	if r.Optional(kmip.TagObjectGroupMember, ttlv.Enumeration) != nil {
		return nil, kmip.Fail(kmip.FeatureNotSupported, "members of a group are not told from one another")
	}
	want, err := readAttributes(r.All(kmip.TagAttribute, ttlv.Structure))
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if skip < 0 || limit < -1 {
		return nil, kmip.Fail(kmip.InvalidField, "Offset Items %d, Maximum Items %d", skip, limit)
	}
	for n := range want {
		if d, ok := define(want[n].Name, c.version); !ok || d.typ != 0 && want[n].Value.Type != d.typ {
			return nil, kmip.Fail(kmip.InvalidField, "attribute %q is not known to KMIP %s here, or not of this type", want[n].Name, c.version)
		}
	}
	var found []string
	var trouble error
	located := int32(0)
	// Without attributes the number of all is known, and need not be counted.
	whole := len(want) > 0 && c.version.AtLeast(kmip.V13)
	if storage == nil || storage.Int&1 != 0 { // everything here is on-line
		err = c.search(want, func(o *object) bool {
			ok, err := c.matches(o, want)
			if err != nil {
				trouble = err
				return false
			}
			if !ok {
				return true
			}
			if located++; located > skip && (limit < 0 || int32(len(found)) < limit) {
				found = append(found, o.uid)
			}
			return whole || limit < 0 || int32(len(found)) < limit
		})
		if len(want) == 0 {
			located = int32(min(c.living(), math.MaxInt32))
		}
	}
	if err := errors.Join(err, trouble); err != nil {
		return nil, err
	}
	*c.placeholder = ""
	if len(found) == 1 {
		*c.placeholder = found[0]
	}
	p := ttlv.Struct(kmip.TagResponsePayload)
	if c.version.AtLeast(kmip.V13) {
		p.Add(ttlv.Int(kmip.TagLocatedItems, located))
	}
	for _, uid := range found {
		p.Add(ttlv.Text(kmip.TagUniqueIdentifier, uid))
	}
	return &p, nil
}

// search goes through what may match: the one of that name, those of that group,
// or all of the client's.
func (c *call) search(want []kmip.Attribute, f func(*object) bool) error {
	visit := func(uid string) (bool, error) {
		o, err := c.load(uid)
		if err != nil {
			return false, err
		}
		return f(o), nil
	}
	for n := range want {
		switch v := &want[n].Value; want[n].Name {
		case kmip.AttrName:
			if v.Find(kmip.TagNameValue) == nil || v.Find(kmip.TagNameType) == nil || findsDestroyed(want) {
				continue // a part of a name is in no index, nor is the name of a destroyed object
			}
			uid := c.named(v)
			if uid == "" {
				return nil
			}
			_, err := visit(uid)
			return err
		case kmip.AttrObjectGroup:
			return c.newest(bucketGroups, c.groupKey(v.Bytes), visit)
		}
	}
	return c.newest(bucketOwned, c.owner[:], visit)
}

// matches holds an object against what is looked for. Destroyed ones are found
// only by their state or Destroy Date.
func (c *call) matches(o *object, want []kmip.Attribute) (bool, error) {
	for n := range want {
		if ok, err := c.has(o, &want[n], want); err != nil || !ok {
			return false, err
		}
	}
	return !o.gone() || findsDestroyed(want), nil
}

// findsDestroyed says whether destroyed objects are looked for as well.
func findsDestroyed(want []kmip.Attribute) bool {
	return slices.ContainsFunc(want, func(a kmip.Attribute) bool {
		return a.Name == kmip.AttrDestroyDate || a.Name == kmip.AttrState && a.Value.Int >= int64(kmip.Destroyed)
	})
}

func (c *call) has(o *object, a *kmip.Attribute, want []kmip.Attribute) (bool, error) {
	v := &a.Value
	switch a.Name {
	case kmip.AttrUniqueIdentifier:
		return v.Text() == o.uid, nil
	case kmip.AttrObjectType:
		return v.Int == int64(o.typ), nil
	case kmip.AttrState:
		c.saw(o)
		return hasState(o.typ) && v.Int == int64(o.state(c.now)), nil
	case kmip.AttrUsageMask:
		return o.number(a.Name)&v.Int == v.Int, nil
	case kmip.AttrDigest:
		d, err := c.digest(o)
		return d != nil && contains(d, v), err
	}
	if isFlag(a) {
		return o.flag(a.Name) == (v.Int == 1), nil
	}
	if v.Type == ttlv.DateTime {
		return between(o.get(a.Name), a.Name, want), nil
	}
	for _, have := range o.all(a.Name) {
		if contains(have, v) {
			return true, nil
		}
	}
	return false, nil
}

// contains says whether a value is what Locate asks for. Of a structure the fields
// that are asked for count, in any order, and the others may be anything.
func contains(have, want *ttlv.Item) bool {
	if have.Type != ttlv.Structure || want.Type != ttlv.Structure {
		return same(have, want)
	}
	for n := range want.Items {
		w := &want.Items[n]
		if !slices.ContainsFunc(have.Items, func(h ttlv.Item) bool { return h.Tag == w.Tag && contains(&h, w) }) {
			return false
		}
	}
	return true
}

// between compares a date: one asked for is that second, two are a range.
func between(have *ttlv.Item, name string, want []kmip.Attribute) bool {
	if have == nil {
		return false
	}
	var asked []int64
	for n := range want {
		if want[n].Name == name {
			asked = append(asked, want[n].Value.Int)
		}
	}
	return have.Int >= slices.Min(asked) && have.Int <= slices.Max(asked)
}

// same compares values; the tag of the outermost is of no account.
func same(a, b *ttlv.Item) bool {
	if a.Type == ttlv.Structure {
		return b.Type == a.Type && slices.EqualFunc(a.Items, b.Items, func(x, y ttlv.Item) bool { return x.Equal(&y) })
	}
	return a.Type == b.Type && a.Int == b.Int && bytes.Equal(a.Bytes, b.Bytes)
}
