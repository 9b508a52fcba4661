package server

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// lengths are the lengths of keys, in bits, from least to most in steps.
func lengths(a kmip.Algorithm) (least, most, step int32, ok bool) {
	switch a {
	case kmip.AES:
		return 128, 256, 64, true
	case kmip.HMACSHA1, kmip.HMACSHA224, kmip.HMACSHA256, kmip.HMACSHA384, kmip.HMACSHA512:
		return 80, 4096, 8, true
	}
	return 0, 0, 0, false
}

// ownLength is the length of keys of an algorithm where it names one, in bits, else 0:
// that of the hash of an HMAC.
func ownLength(a kmip.Algorithm) int32 {
	switch a {
	case kmip.HMACSHA1:
		return 160
	case kmip.HMACSHA224:
		return 224
	case kmip.HMACSHA256:
		return 256
	case kmip.HMACSHA384:
		return 384
	case kmip.HMACSHA512:
		return 512
	}
	return 0
}

func checkLength(a kmip.Algorithm, bits int32) error {
	least, most, step, ok := lengths(a)
	if !ok {
		return kmip.Fail(kmip.InvalidField, "keys of cryptographic algorithm %d are not kept here", a)
	}
	if bits < least || bits > most || (bits-least)%step != 0 {
		return kmip.Fail(kmip.InvalidField, "a key of %d bits: cryptographic algorithm %d has %d to %d in steps of %d", bits, a, least, most, step)
	}
	return nil
}

// give gives a new object the attributes that a client wants it to have.
func (c *call) give(o *object, attrs []kmip.Attribute) error {
	for _, a := range attrs {
		d, err := admit(&a, o.typ, c.version, kmip.InvalidField)
		if err != nil {
			return err
		}
		switch {
		case d.client&atMaking == 0:
			return kmip.Fail(kmip.InvalidField, "%s is not for a client to set", a.Name)
		case d.multi:
			a.Value.Tag = kmip.TagAttributeValue
			if err := o.add(a); err != nil {
				return err
			}
			continue
		case a.Index != 0:
			return kmip.Fail(kmip.IndexOutOfBounds, "%s has one instance, of index 0", a.Name)
		case o.get(a.Name) != nil:
			return kmip.Fail(kmip.InvalidField, "%s is given twice", a.Name)
		}
		a.Indexed, a.Value.Tag = false, kmip.TagAttributeValue
		o.attrs = append(o.attrs, a)
	}
	o.beginFlags()
	return o.checkDates()
}

// keep finishes a new object and stores it, with the value of in unless it is a template.
func (c *call) keep(o *object, in *kmip.Object) error {
	o.set(kmip.DateOf(kmip.AttrInitialDate, c.now))
	o.set(kmip.DateOf(kmip.AttrLastChangeDate, c.now))
	if err := c.free(o, kmip.InvalidField); err != nil {
		return err
	}
	if o.uid == "" {
		if err := c.place(o); err != nil {
			return err
		}
	}
	if o.typ != kmip.Template {
		var err error
		if o.sealed, err = c.seal.seal(in.Material, o.binding()); err != nil {
			return err
		}
		digest := in.Digest()
		if o.digest, err = c.seal.seal(digest[:], o.digestBinding()); err != nil {
			return err
		}
	}
	if err := c.put(o, nil, kmip.InvalidField); err != nil {
		return err
	}
	*c.placeholder = o.uid
	return nil
}

// random draws a key.
func (c *call) random(bits int32) ([]byte, error) {
	key := make([]byte, bits/8)
	*c.secrets = append(*c.secrets, key)
	if _, err := io.ReadFull(c.entropy, key); err != nil {
		return nil, fmt.Errorf("server: no entropy: %w", err)
	}
	return key, nil
}

func (c *call) create(r *ttlv.Reader) (*ttlv.Item, error) {
	t := kmip.ObjectType(r.Required(kmip.TagObjectType, ttlv.Enumeration).Int)
	template := r.Required(kmip.TagTemplateAttribute, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	if t != kmip.SymmetricKey {
		return nil, kmip.Fail(kmip.InvalidField, "a %s is not created, need a symmetric key", t)
	}
	attrs, err := c.template(template)
	if err != nil {
		return nil, err
	}
	o := &object{typ: t, format: kmip.FormatRaw}
	if err := c.give(o, attrs); err != nil {
		return nil, err
	}
	if bits := ownLength(kmip.Algorithm(o.number(kmip.AttrAlgorithm))); bits != 0 && o.get(kmip.AttrLength) == nil {
		o.set(kmip.IntOf(kmip.AttrLength, bits))
	}
	for _, name := range []string{kmip.AttrAlgorithm, kmip.AttrLength, kmip.AttrUsageMask} {
		if o.get(name) == nil {
			return nil, kmip.Fail(kmip.InvalidField, "%s is not given", name)
		}
	}
	bits := int32(o.number(kmip.AttrLength))
	if err := checkLength(kmip.Algorithm(o.number(kmip.AttrAlgorithm)), bits); err != nil {
		return nil, err
	}
	if o.get(kmip.AttrOriginalCreationDate) == nil {
		o.set(kmip.DateOf(kmip.AttrOriginalCreationDate, c.now))
	}
	key, err := c.random(bits)
	if err != nil {
		return nil, err
	}
	if err := c.keep(o, &kmip.Object{Type: t, KeyFormat: o.format, Material: key}); err != nil {
		return nil, err
	}
	p := ttlv.Struct(kmip.TagResponsePayload, ttlv.Enum(kmip.TagObjectType, t), ttlv.Text(kmip.TagUniqueIdentifier, o.uid))
	return &p, nil
}

func (c *call) register(r *ttlv.Reader) (*ttlv.Item, error) {
	t := kmip.ObjectType(r.Required(kmip.TagObjectType, ttlv.Enumeration).Int)
	template := r.Required(kmip.TagTemplateAttribute, ttlv.Structure)
	in, err := kmip.ReadObject(r, t)
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	attrs, err := c.template(template)
	if err != nil {
		return nil, err
	}
	o := &object{typ: t, secret: in.Secret, format: in.KeyFormat}
	if err := c.give(o, attrs); err != nil {
		return nil, err
	}
	switch {
	case t == kmip.Template:
		err = c.fillTemplate(o, in.Attributes)
	case len(in.Material) == 0:
		err = kmip.Fail(kmip.InvalidField, "the %s is empty", t)
	case t == kmip.SymmetricKey:
		err = o.describe(&in)
	case t == kmip.Certificate:
		o.secret = kmip.SecretType(in.Certificate)
		err = o.describeCertificate(&in)
	case t == kmip.OpaqueObject:
		if o.secret = kmip.SecretType(in.Opaque); in.Opaque>>31 == 0 {
			err = kmip.Fail(kmip.InvalidField, "there is no opaque data type %d: all are extensions, from 80000000 in hexadecimal", in.Opaque)
		}
	case in.Secret != kmip.Password && in.Secret != kmip.Seed:
		err = kmip.Fail(kmip.InvalidField, "there is no secret data type %d", in.Secret)
	}
	if err != nil {
		return nil, err
	}
	if err := c.keep(o, &in); err != nil {
		return nil, err
	}
	return uidPayload(o.uid), nil
}

// describe holds a registered key against its algorithm and length, wherever
// they are given, and makes attributes of them.
func (o *object) describe(in *kmip.Object) error {
	a, bits := kmip.Algorithm(o.number(kmip.AttrAlgorithm)), int32(o.number(kmip.AttrLength))
	if a != 0 && in.Algorithm != 0 && a != in.Algorithm {
		return kmip.Fail(kmip.InvalidField, "the attribute says algorithm %d, the key block %d", a, in.Algorithm)
	}
	if a == 0 {
		a = in.Algorithm
	}
	if a == 0 {
		return kmip.Fail(kmip.InvalidField, "%s is not given", kmip.AttrAlgorithm)
	}
	have := int32(len(in.Material)) * 8
	if bits != 0 && bits != have || in.Length != 0 && in.Length != have {
		return kmip.Fail(kmip.InvalidField, "the key has %d bits, the attribute says %d, the key block %d", have, bits, in.Length)
	}
	o.set(kmip.EnumOf(kmip.AttrAlgorithm, a))
	o.set(kmip.IntOf(kmip.AttrLength, have))
	return checkLength(a, have)
}

// rekey makes a key that replaces another, and takes over its names
// (KMIP specification 1.4, section 4.4).
func (c *call) rekey(r *ttlv.Reader) (*ttlv.Item, error) {
	old, err := c.target(r)
	if err != nil {
		return nil, err
	}
	offset := r.Optional(kmip.TagOffset, ttlv.Interval)
	template := r.Optional(kmip.TagTemplateAttribute, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	switch {
	case old.typ != kmip.SymmetricKey:
		return nil, kmip.Fail(kmip.PermissionDenied, "a %s is not re-keyed, need a symmetric key", old.typ)
	case old.gone():
		return nil, kmip.Fail(kmip.PermissionDenied, "the key is destroyed")
	case old.linked(kmip.ReplacementLink):
		return nil, kmip.Fail(kmip.PermissionDenied, "the key has a replacement already")
	}
	var attrs []kmip.Attribute
	if template != nil {
		if attrs, err = c.template(template); err != nil {
			return nil, err
		}
	}
	o, err := c.successor(old, attrs, offset)
	if err != nil {
		return nil, err
	}
	return c.replace(old, o)
}

// successor is the new key but for its identifier.
func (c *call) successor(old *object, attrs []kmip.Attribute, offset *ttlv.Item) (*object, error) {
	if offset != nil && old.get(kmip.AttrActivationDate) == nil {
		// Section 11.5: there is nothing from which the new dates could follow.
		return nil, kmip.Fail(kmip.IllegalOperation, "an Offset needs an %s of the key, and it has none", kmip.AttrActivationDate)
	}
	o := &object{typ: old.typ, format: kmip.FormatRaw}
	given := map[string]bool{}
	for _, a := range attrs {
		given[a.Name] = true
	}
	if err := c.give(o, attrs); err != nil {
		return nil, err
	}
	var shift time.Duration
	if offset != nil {
		for _, name := range []string{kmip.AttrActivationDate, kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate} {
			if given[name] {
				return nil, kmip.Fail(kmip.InvalidMessage, "an Offset and a %s are not given together", name)
			}
		}
		start := c.now.Add(time.Duration(offset.Int) * time.Second)
		o.set(kmip.DateOf(kmip.AttrActivationDate, start))
		if at, ok, _ := old.date(kmip.AttrActivationDate, c.now); ok {
			shift = start.Sub(at)
		}
	}
	// The new key takes the names of the old one whatever it is given besides (table 173).
	for _, n := range old.attrs {
		if n.Name == kmip.AttrName && !slices.ContainsFunc(o.names(), func(have *ttlv.Item) bool { return same(have, &n.Value) }) {
			if err := o.add(n); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range old.attrs {
		if given[a.Name] || a.Name == kmip.AttrName || a.Name == kmip.AttrActivationDate && offset != nil {
			continue
		}
		switch a.Name {
		case kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate:
			a.Value = ttlv.Date(kmip.TagAttributeValue, a.Value.Time().Add(shift))
		case kmip.AttrInitialDate, kmip.AttrLastChangeDate, kmip.AttrLink, kmip.AttrDestroyDate, kmip.AttrCompromiseDate,
			kmip.AttrCompromiseOccurrenceDate, kmip.AttrRevocationReason, kmip.AttrOriginalCreationDate,
			kmip.AttrAlwaysSensitive, kmip.AttrNeverExtractable:
			continue
		}
		o.attrs = append(o.attrs, a)
	}
	o.set(kmip.DateOf(kmip.AttrOriginalCreationDate, c.now))
	o.beginFlags()
	if err := o.checkDates(); err != nil {
		return nil, err
	}
	return o, checkLength(kmip.Algorithm(o.number(kmip.AttrAlgorithm)), int32(o.number(kmip.AttrLength)))
}

// replace stores the new key and takes the names from the old one. Whatever can
// be refused is refused before the first of the two is written.
func (c *call) replace(before, o *object) (*ttlv.Item, error) {
	for _, n := range o.names() {
		if c.taken(n, before.uid) {
			return nil, kmip.Fail(kmip.InvalidField, "another object has this name")
		}
	}
	key, err := c.random(int32(o.number(kmip.AttrLength)))
	if err != nil {
		return nil, err
	}
	if err := c.place(o); err != nil {
		return nil, err
	}
	old := copied(before)
	old.drop(kmip.AttrName)
	if err := o.add(linkOf(kmip.ReplacedLink, old.uid)); err != nil {
		return nil, err
	}
	if err := old.add(linkOf(kmip.ReplacementLink, o.uid)); err != nil {
		return nil, err
	}
	if err := c.changed(old, before, kmip.InvalidField); err != nil {
		return nil, err
	}
	if err := c.keep(o, &kmip.Object{Type: o.typ, KeyFormat: o.format, Material: key}); err != nil {
		// The old key is changed: not a refusal, nothing must be committed.
		return nil, fmt.Errorf("server: the replacement: %s", err)
	}
	return uidPayload(o.uid), nil
}

func linkOf(t kmip.LinkType, uid string) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrLink, Value: ttlv.Struct(kmip.TagAttributeValue,
		ttlv.Enum(kmip.TagLinkType, t), ttlv.Text(kmip.TagLinkedObjectIdentifier, uid))}
}

// linked says whether the object has a link of this type.
func (o *object) linked(t kmip.LinkType) bool {
	for _, l := range o.all(kmip.AttrLink) {
		if ttlv.Read(l).Enum(kmip.TagLinkType) == uint32(t) {
			return true
		}
	}
	return false
}
