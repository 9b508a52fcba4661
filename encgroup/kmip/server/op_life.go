package server

import (
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

func (c *call) activate(r *ttlv.Reader) (*ttlv.Item, error) {
	before, err := c.target(r)
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if !hasState(before.typ) {
		return nil, kmip.Fail(kmip.IllegalOperation, "a %s is not activated", before.typ)
	}
	if s := before.state(c.now); s != kmip.PreActive {
		return nil, kmip.Fail(kmip.PermissionDenied, "the object is %s, need Pre-Active", s)
	}
	o := copied(before)
	o.set(kmip.DateOf(kmip.AttrActivationDate, c.now))
	if err := o.checkDates(kmip.AttrActivationDate); err != nil {
		return nil, err
	}
	if err := c.changed(o, before, kmip.GeneralFailure); err != nil {
		return nil, err
	}
	return uidPayload(o.uid), nil
}

// revoke makes an object Deactivated or Compromised (KMIP specification 1.4,
// section 4.20).
func (c *call) revoke(r *ttlv.Reader) (*ttlv.Item, error) {
	before, err := c.target(r)
	if err != nil {
		return nil, err
	}
	reason := r.Required(kmip.TagRevocationReason, ttlv.Structure)
	occurred := r.Date(kmip.TagCompromiseOccurrenceDate)
	if err := r.Done(); err != nil {
		return nil, err
	}
	x := ttlv.Read(reason)
	why := kmip.RevocationReason(x.Required(kmip.TagRevocationReasonCode, ttlv.Enumeration).Int)
	message := x.Text(kmip.TagRevocationMessage)
	if err := x.Done(); err != nil {
		return nil, err
	}
	if why < kmip.RevokedUnspecified || why > kmip.RevokedPrivilegeWithdrawn || len(message) > nameMax {
		return nil, kmip.Fail(kmip.InvalidField, "there is no revocation reason %d, or its message is too long", why)
	}
	if before.typ == kmip.Template {
		return nil, kmip.Fail(kmip.IllegalOperation, "a template is not revoked")
	}
	o, s := copied(before), before.state(c.now)
	compromise := why == kmip.RevokedKeyCompromise || why == kmip.RevokedCACompromise
	switch {
	case compromise && before.get(kmip.AttrCompromiseDate) != nil:
		return nil, kmip.Fail(kmip.IllegalOperation, "the object is %s already", s)
	case compromise:
		if occurred.IsZero() || occurred.After(c.now) {
			occurred = c.now
		}
		o.set(kmip.DateOf(kmip.AttrCompromiseOccurrenceDate, occurred))
		o.set(kmip.DateOf(kmip.AttrCompromiseDate, c.now))
	case s != kmip.Active:
		return nil, kmip.Fail(kmip.IllegalOperation, "the object is %s: only an Active one is deactivated", s)
	default:
		o.set(kmip.DateOf(kmip.AttrDeactivationDate, c.now))
	}
	given := ttlv.Struct(kmip.TagAttributeValue, ttlv.Enum(kmip.TagRevocationReasonCode, why))
	if message != "" {
		given.Add(ttlv.Text(kmip.TagRevocationMessage, message))
	}
	o.set(kmip.Attribute{Name: kmip.AttrRevocationReason, Value: given})
	if err := c.changed(o, before, kmip.GeneralFailure); err != nil {
		return nil, err
	}
	return uidPayload(o.uid), nil
}

// destroy destroys a key; the attributes stay, and its names become free.
func (c *call) destroy(r *ttlv.Reader) (*ttlv.Item, error) {
	before, err := c.target(r)
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if before.gone() {
		return nil, kmip.Fail(kmip.PermissionDenied, "the object is destroyed already")
	}
	if s := before.state(c.now); s == kmip.Active && hasState(before.typ) {
		return nil, kmip.Fail(kmip.PermissionDenied, "the object is Active: revoke it first")
	}
	o := copied(before)
	if err := c.digestStays(o); err != nil {
		return nil, err
	}
	o.sealed, o.inside = nil, nil
	o.set(kmip.DateOf(kmip.AttrDestroyDate, c.now))
	if err := c.changed(o, before, kmip.GeneralFailure); err != nil {
		return nil, err
	}
	return uidPayload(o.uid), nil
}
