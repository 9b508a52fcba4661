package server

import (
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Four Booleans say whether the value of an object may be got (KMIP specification 1.4,
// sections 3.48 to 3.51). Every object has all four, those of older records too; so a
// record has only what differs from where an object begins: not sensitive, and
// extractable.

var flagNames = []string{kmip.AttrSensitive, kmip.AttrAlwaysSensitive, kmip.AttrExtractable, kmip.AttrNeverExtractable}

// flag is the value of one of the four.
func (o *object) flag(name string) bool {
	if v := o.get(name); v != nil {
		return v.Int == 1
	}
	return name == kmip.AttrExtractable
}

// unset are those of the four that the record does not have, with their values.
func (o *object) unset() (out []kmip.Attribute) {
	for _, name := range flagNames {
		if o.get(name) == nil {
			out = append(out, kmip.BoolOf(name, o.flag(name)))
		}
	}
	return out
}

// beginFlags derives the two that the server sets, for a new object.
func (o *object) beginFlags() {
	o.drop(kmip.AttrAlwaysSensitive)
	o.drop(kmip.AttrNeverExtractable)
	if o.flag(kmip.AttrSensitive) {
		o.set(kmip.BoolOf(kmip.AttrAlwaysSensitive, true))
	}
	if !o.flag(kmip.AttrExtractable) {
		o.set(kmip.BoolOf(kmip.AttrNeverExtractable, true))
	}
}

// keepFlags takes back what is not true any more after a change.
func (o *object) keepFlags() {
	if !o.flag(kmip.AttrSensitive) {
		o.drop(kmip.AttrAlwaysSensitive)
	}
	if o.flag(kmip.AttrExtractable) {
		o.drop(kmip.AttrNeverExtractable)
	}
}

// mayLeave refuses to give the value of an object out. Before 1.4 there were no
// reasons of their own for it.
func (c *call) mayLeave(o *object) error {
	why, words := kmip.Reason(0), ""
	switch {
	case !o.flag(kmip.AttrExtractable):
		why, words = kmip.NotExtractable, "the object is not extractable"
	case o.flag(kmip.AttrSensitive):
		why, words = kmip.Sensitive, "the object is sensitive, and nothing is given out wrapped here"
	default:
		return nil
	}
	if !c.version.AtLeast(kmip.V14) {
		why = kmip.PermissionDenied
	}
	return kmip.Fail(why, "%s", words)
}

// flagsFor is the attribute of one of the four to be modified, in the record.
func (o *object) flagsFor(name string) {
	for _, a := range o.unset() {
		if a.Name == name {
			o.attrs = append(o.attrs, a)
		}
	}
}

// isFlag says whether the attribute is one of the four.
func isFlag(a *kmip.Attribute) bool {
	if a.Value.Type != ttlv.Boolean {
		return false
	}
	for _, name := range flagNames {
		if a.Name == name {
			return true
		}
	}
	return false
}
