package server

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// oneAttribute reads the payload of Add and Modify Attribute. unsupported is the reason to
// refuse an attribute that the object cannot have.
func (c *call) oneAttribute(r *ttlv.Reader, unsupported kmip.Reason) (o *object, a kmip.Attribute, d definition, err error) {
	if o, err = c.target(r); err != nil {
		return nil, a, d, err
	}
	if a, err = kmip.ReadAttribute(r.Required(kmip.TagAttribute, ttlv.Structure)); err != nil {
		return nil, a, d, err
	}
	if err = r.Done(); err != nil {
		return nil, a, d, err
	}
	d, err = admit(&a, o.typ, c.version, unsupported)
	a.Value.Tag = kmip.TagAttributeValue
	return o, a, d, err
}

// attributePayload is the answer: the object and the attribute as it is now.
func attributePayload(uid string, a kmip.Attribute) *ttlv.Item {
	p := uidPayload(uid)
	p.Add(a.Item())
	return p
}

func (c *call) addAttribute(r *ttlv.Reader) (*ttlv.Item, error) {
	before, a, d, err := c.oneAttribute(r, kmip.PermissionDenied) // section 11.15
	if err != nil {
		return nil, err
	}
	o := copied(before)
	switch {
	case d.client&byAdd == 0:
		return nil, kmip.Fail(kmip.PermissionDenied, "%s is not for a client to add", a.Name)
	case a.Indexed:
		return nil, kmip.Fail(kmip.InvalidField, "the index of a new attribute is the server's to give")
	case !d.multi && o.get(a.Name) != nil, isFlag(&a):
		return nil, kmip.Fail(kmip.IllegalOperation, "the object has a %s already", a.Name)
	}
	if err := o.mayChangeDate(a.Name, c); err != nil {
		return nil, err
	}
	if err := o.add(a); err != nil {
		return nil, err
	}
	added := o.attrs[len(o.attrs)-1]
	if err := o.checkDates(a.Name); err != nil {
		return nil, err
	}
	if err := c.changed(o, before, kmip.IllegalOperation); err != nil {
		return nil, err
	}
	return attributePayload(o.uid, added), nil
}

func (c *call) modifyAttribute(r *ttlv.Reader) (*ttlv.Item, error) {
	before, a, d, err := c.oneAttribute(r, kmip.InvalidField)
	if err != nil {
		return nil, err
	}
	o := copied(before)
	if d.client&byModify == 0 {
		return nil, kmip.Fail(kmip.PermissionDenied, "%s is not for a client to modify", a.Name)
	}
	o.flagsFor(a.Name)
	if o.get(a.Name) == nil {
		return nil, kmip.Fail(kmip.InvalidField, "the object has no %s to modify", a.Name)
	}
	n := o.find(a.Name, a.Index)
	if n < 0 {
		return nil, kmip.Fail(kmip.ItemNotFound, "the object has no %s of index %d", a.Name, a.Index)
	}
	if err := o.mayChangeDate(a.Name, c); err != nil {
		return nil, err
	}
	o.attrs[n].Value = a.Value
	changed := o.attrs[n]
	o.keepFlags()
	if err := o.checkDates(a.Name); err != nil {
		return nil, err
	}
	if err := c.changed(o, before, kmip.IllegalOperation); err != nil {
		return nil, err
	}
	return attributePayload(o.uid, changed), nil
}

// mayChangeDate refuses to change a date of the life cycle that has come.
func (o *object) mayChangeDate(name string, c *call) error {
	switch name {
	case kmip.AttrActivationDate, kmip.AttrProcessStartDate, kmip.AttrProtectStopDate, kmip.AttrDeactivationDate:
	default:
		return nil
	}
	s := o.state(c.now)
	_, _, come := o.date(name, c.now)
	if hasState(o.typ) && (come || s > kmip.Active || name == kmip.AttrActivationDate && s != kmip.PreActive) {
		return kmip.Fail(kmip.PermissionDenied, "the object is %s: its %s is fixed", s, name)
	}
	return nil
}

func (c *call) deleteAttribute(r *ttlv.Reader) (*ttlv.Item, error) {
	before, err := c.target(r)
	if err != nil {
		return nil, err
	}
	name := r.Required(kmip.TagAttributeName, ttlv.TextString).Text()
	index := r.Int(kmip.TagAttributeIndex)
	if err := r.Done(); err != nil {
		return nil, err
	}
	o := copied(before)
	d, ok := define(name, c.version)
	if !ok {
		return nil, kmip.Fail(kmip.ItemNotFound, "the object has no attribute %q", name)
	}
	if d.client&byDelete == 0 {
		return nil, kmip.Fail(kmip.PermissionDenied, "%s is not for a client to delete", name)
	}
	n := o.find(name, index)
	if n < 0 {
		return nil, kmip.Fail(kmip.ItemNotFound, "the object has no %s of index %d", name, index)
	}
	deleted := o.attrs[n]
	o.attrs = slices.Delete(o.attrs, n, n+1)
	if err := c.changed(o, before, kmip.IllegalOperation); err != nil {
		return nil, err
	}
	return attributePayload(o.uid, deleted), nil
}
