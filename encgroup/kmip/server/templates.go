package server

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// template reads a Template-Attribute: the attributes of the templates that it names,
// and its own. Of an attribute that can have one instance its own value counts, else
// that of the last template; of one that can have several, all values count, each once
// (KMIP specification 1.4, section 4).
func (c *call) template(i *ttlv.Item) ([]kmip.Attribute, error) {
	r := ttlv.Read(i)
	names := r.All(kmip.TagName, ttlv.Structure)
	own, err := readAttributes(r.All(kmip.TagAttribute, ttlv.Structure))
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	var out []kmip.Attribute
	for _, n := range names {
		t, err := c.templateNamed(n)
		if err != nil {
			return nil, err
		}
		out = append(c.without(out, t.inside), t.inside...)
	}
	// What the request itself gives twice is kept: it is an error, and found as one.
	return append(c.without(out, own), own...), nil
}

// without is what is left of attributes where others come after them.
func (c *call) without(attrs, others []kmip.Attribute) []kmip.Attribute {
	return slices.DeleteFunc(attrs, func(a kmip.Attribute) bool {
		d, _ := define(a.Name, c.version)
		return slices.ContainsFunc(others, func(o kmip.Attribute) bool {
			return o.Name == a.Name && (!d.multi || same(&o.Value, &a.Value))
		})
	})
}

func (c *call) templateNamed(n *ttlv.Item) (*object, error) {
	d, _ := define(kmip.AttrName, c.version)
	if err := d.check(n); err != nil {
		return nil, err
	}
	uid := c.named(n)
	if uid == "" {
		return nil, kmip.Fail(kmip.ItemNotFound, "there is no template of that name")
	}
	t, err := c.load(uid)
	if err != nil {
		return nil, err
	}
	if t.typ != kmip.Template {
		return nil, kmip.Fail(kmip.ItemNotFound, "the object of that name is a %s, not a template", t.typ)
	}
	return t, nil
}

// ownNames says whether a template may hold its own name. In KMIP 1.0 and 1.1 it may:
// of what is in a template, the Name alone is the template's own, and all else is for
// the objects made of it (specification 1.0, section 2.2.6). Later the name is given
// beside the template only (1.4, section 2.2.6).
func (c *call) ownNames() bool { return !c.version.AtLeast(kmip.V12) }

// fillTemplate checks what a template gives to others, and takes its own names out.
func (c *call) fillTemplate(o *object, attrs []kmip.Attribute) error {
	for n := range attrs {
		a := attrs[n]
		d, err := admit(&a, kmip.Template, c.version, kmip.InvalidField)
		switch {
		case err != nil:
			return err
		case d.client&atMaking == 0:
			return kmip.Fail(kmip.InvalidField, "%s is not for a client to set", d.name)
		case d.name != kmip.AttrName:
			o.inside = append(o.inside, a)
			continue
		case !c.ownNames():
			return kmip.Fail(kmip.InvalidField, "a Name inside a template is not known to KMIP %s: name the template beside it", c.version)
		}
		if slices.ContainsFunc(o.names(), func(have *ttlv.Item) bool { return same(have, &a.Value) }) {
			continue // given beside the template too
		}
		a.Index, a.Indexed, a.Value.Tag = 0, false, kmip.TagAttributeValue
		if err := o.add(a); err != nil {
			return err
		}
	}
	return nil
}

// contents are the attributes of a template as a client of this version gets them.
func (c *call) contents(o *object) []kmip.Attribute {
	if !c.ownNames() {
		return o.inside
	}
	var out []kmip.Attribute
	for _, a := range o.attrs {
		if a.Name == kmip.AttrName {
			out = append(out, a)
		}
	}
	return append(out, o.inside...)
}
