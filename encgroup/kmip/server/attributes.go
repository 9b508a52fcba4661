package server

import (
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// What a client may do with an attribute.
const (
	atMaking = 1 << iota // give it in Create, Register, Re-key
	byAdd                // Add Attribute
	byModify             // Modify Attribute
	byDelete             // Delete Attribute

	free = atMaking | byAdd | byModify | byDelete
)

// Which objects have an attribute.
const (
	onKey = 1 << iota
	onSecret
	onTemplate
	onCertificate
	onOpaque

	onAll       = onCrypto | onTemplate | onOpaque
	onCrypto    = onKey | onSecret | onCertificate // Managed Cryptographic Objects, which have a State
	onMaterial  = onCrypto | onOpaque
	onDescribed = onKey | onTemplate // a template describes keys
	onSpecified = onCrypto | onTemplate
)

// definition is what section 3 of the KMIP specification says of an attribute.
type definition struct {
	name   string
	typ    ttlv.Type
	multi  bool // may have several instances
	client int
	on     int
	since  kmip.Version
	fields []ttlv.Item // of a structure: tags and types; none: any
}

// instancesMax bounds the instances of one attribute.
const instancesMax = 256

// nameMax bounds names, groups and the like, in bytes. The profile for storage arrays asks for
// 128 at the least.
const nameMax = 4096

func field(tag ttlv.Tag, typ ttlv.Type) ttlv.Item { return ttlv.Item{Tag: tag, Type: typ} }

// definitions are in the order of the specification, in which they are listed.
var definitions = []definition{
	{name: kmip.AttrUniqueIdentifier, typ: ttlv.TextString, on: onAll},
	{
		name: kmip.AttrName, typ: ttlv.Structure, multi: true, client: free, on: onAll,
		fields: []ttlv.Item{field(kmip.TagNameValue, ttlv.TextString), field(kmip.TagNameType, ttlv.Enumeration)},
	},
	{name: kmip.AttrObjectType, typ: ttlv.Enumeration, on: onAll},
	{name: kmip.AttrAlgorithm, typ: ttlv.Enumeration, client: atMaking, on: onSpecified},
	{name: kmip.AttrLength, typ: ttlv.Integer, client: atMaking, on: onSpecified},
	{name: kmip.AttrParameters, typ: ttlv.Structure, multi: true, client: free, on: onSpecified},
	{name: kmip.AttrCertificateType, typ: ttlv.Enumeration, on: onCertificate},
	{name: kmip.AttrCertificateLength, typ: ttlv.Integer, client: atMaking, on: onCertificate, since: kmip.V11},
	{name: kmip.AttrX509Identifier, typ: ttlv.Structure, on: onCertificate, since: kmip.V11},
	{name: kmip.AttrX509Subject, typ: ttlv.Structure, on: onCertificate, since: kmip.V11},
	{name: kmip.AttrX509Issuer, typ: ttlv.Structure, on: onCertificate, since: kmip.V11},
	{name: kmip.AttrDigest, typ: ttlv.Structure, multi: true, on: onMaterial},
	{name: kmip.AttrOperationPolicyName, typ: ttlv.TextString, client: atMaking, on: onAll},
	{name: kmip.AttrUsageMask, typ: ttlv.Integer, client: atMaking, on: onSpecified},
	{name: kmip.AttrState, typ: ttlv.Enumeration, on: onCrypto},
	{name: kmip.AttrInitialDate, typ: ttlv.DateTime, on: onAll},
	{name: kmip.AttrActivationDate, typ: ttlv.DateTime, client: atMaking | byAdd | byModify, on: onSpecified},
	{name: kmip.AttrProcessStartDate, typ: ttlv.DateTime, client: atMaking | byAdd | byModify, on: onDescribed},
	{name: kmip.AttrProtectStopDate, typ: ttlv.DateTime, client: atMaking | byAdd | byModify, on: onDescribed},
	{name: kmip.AttrDeactivationDate, typ: ttlv.DateTime, client: atMaking | byAdd | byModify, on: onSpecified},
	{name: kmip.AttrDestroyDate, typ: ttlv.DateTime, on: onAll},
	{name: kmip.AttrCompromiseOccurrenceDate, typ: ttlv.DateTime, on: onMaterial},
	{name: kmip.AttrCompromiseDate, typ: ttlv.DateTime, on: onMaterial},
	{name: kmip.AttrRevocationReason, typ: ttlv.Structure, on: onMaterial},
	{name: kmip.AttrObjectGroup, typ: ttlv.TextString, multi: true, client: free, on: onAll},
	{
		name: kmip.AttrLink, typ: ttlv.Structure, multi: true, client: free, on: onAll,
		fields: []ttlv.Item{field(kmip.TagLinkType, ttlv.Enumeration), field(kmip.TagLinkedObjectIdentifier, ttlv.TextString)},
	},
	{
		name: kmip.AttrApplicationInformation, typ: ttlv.Structure, multi: true, client: free, on: onAll,
		fields: []ttlv.Item{field(kmip.TagApplicationNamespace, ttlv.TextString), field(kmip.TagApplicationData, ttlv.TextString)},
	},
	{name: kmip.AttrContactInformation, typ: ttlv.TextString, client: free, on: onAll},
	{name: kmip.AttrLastChangeDate, typ: ttlv.DateTime, on: onAll},
	{
		name: kmip.AttrAlternativeName, typ: ttlv.Structure, multi: true, client: free, on: onAll, since: kmip.V12,
		fields: []ttlv.Item{field(kmip.TagAlternativeNameValue, ttlv.TextString), field(kmip.TagAlternativeNameType, ttlv.Enumeration)},
	},
	{name: kmip.AttrOriginalCreationDate, typ: ttlv.DateTime, client: atMaking, on: onAll, since: kmip.V12},
	{name: kmip.AttrDescription, typ: ttlv.TextString, client: free, on: onAll, since: kmip.V14},
	{name: kmip.AttrComment, typ: ttlv.TextString, client: free, on: onAll, since: kmip.V14},
	{name: kmip.AttrSensitive, typ: ttlv.Boolean, client: atMaking | byAdd | byModify, on: onAll, since: kmip.V14},
	{name: kmip.AttrAlwaysSensitive, typ: ttlv.Boolean, on: onAll, since: kmip.V14},
	{name: kmip.AttrExtractable, typ: ttlv.Boolean, client: atMaking | byAdd | byModify, on: onAll, since: kmip.V14},
	{name: kmip.AttrNeverExtractable, typ: ttlv.Boolean, on: onAll, since: kmip.V14},
}

// define finds the definition of an attribute; of a custom one it makes it. Names
// that begin with x- are the clients', with y- the server's (section 3.36).
func define(name string, v kmip.Version) (definition, bool) {
	if strings.HasPrefix(name, "x-") && len(name) <= nameMax {
		return definition{name: name, multi: true, client: free, on: onAll}, true
	}
	n := slices.IndexFunc(definitions, func(d definition) bool { return d.name == name })
	if n < 0 || !v.AtLeast(definitions[n].since) {
		return definition{}, false
	}
	return definitions[n], true
}

// rank is the place of an attribute in a list; custom ones come last.
func rank(name string) int {
	if n := slices.IndexFunc(definitions, func(d definition) bool { return d.name == name }); n >= 0 {
		return n
	}
	return len(definitions)
}

func bit(t kmip.ObjectType) int {
	switch t {
	case kmip.SymmetricKey:
		return onKey
	case kmip.SecretData:
		return onSecret
	case kmip.Certificate:
		return onCertificate
	case kmip.OpaqueObject:
		return onOpaque
	}
	return onTemplate
}

// hasState says whether objects of a type go through the states.
func hasState(t kmip.ObjectType) bool { return onCrypto&bit(t) != 0 }

// check holds a value against the definition.
func (d *definition) check(v *ttlv.Item) error {
	if d.typ == 0 {
		return nil // custom: anything
	}
	if v.Type != d.typ {
		return kmip.Fail(kmip.InvalidField, "%s is a %s, need a %s", d.name, v.Type, d.typ)
	}
	switch {
	case v.Type == ttlv.TextString && (len(v.Bytes) == 0 || len(v.Bytes) > nameMax):
		return kmip.Fail(kmip.InvalidField, "%s has %d bytes, need 1 to %d", d.name, len(v.Bytes), nameMax)
	case d.name == kmip.AttrOperationPolicyName && v.Text() != "default":
		return kmip.Fail(kmip.InvalidField, "there is no operation policy but \"default\"")
	case d.fields == nil:
		return nil
	}
	r := ttlv.Read(v)
	for _, f := range d.fields {
		i := r.Required(f.Tag, f.Type)
		if f.Type == ttlv.TextString && (len(i.Bytes) == 0 || len(i.Bytes) > nameMax) {
			return kmip.Fail(kmip.InvalidField, "a text in %s has %d bytes, need 1 to %d", d.name, len(i.Bytes), nameMax)
		}
	}
	if err := r.Done(); err != nil {
		return kmip.Fail(kmip.InvalidField, "%s: %v", d.name, err)
	}
	return nil
}

// admit finds the definition of an attribute that a client gives for an object,
// and checks it.
//
// unsupported is the reason to refuse one that objects of this type do not have.
func admit(a *kmip.Attribute, t kmip.ObjectType, v kmip.Version, unsupported kmip.Reason) (definition, error) {
	d, ok := define(a.Name, v)
	if !ok {
		return d, kmip.Fail(unsupported, "attribute %q is not known to KMIP %s here", a.Name, v)
	}
	if d.on&bit(t) == 0 {
		return d, kmip.Fail(unsupported, "a %s has no %s", t, d.name)
	}
	return d, d.check(&a.Value)
}
