package kmip

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Attribute is an attribute of a managed object, or one instance of it.
type Attribute struct {
	Name    string
	Index   int32
	Indexed bool      // the index is given; otherwise it is 0
	Value   ttlv.Item // its tag is of no account
}

// Item is the attribute as a field of a message.
func (a *Attribute) Item() ttlv.Item {
	i := ttlv.Struct(TagAttribute, ttlv.Text(TagAttributeName, a.Name))
	if a.Indexed {
		i.Add(ttlv.Int(TagAttributeIndex, a.Index))
	}
	v := a.Value
	v.Tag = TagAttributeValue
	i.Add(v)
	return i
}

// ReadAttribute reads such a field. Its value refers to the message.
func ReadAttribute(i *ttlv.Item) (Attribute, error) {
	r := ttlv.Read(i)
	a := Attribute{Name: r.Required(TagAttributeName, ttlv.TextString).Text()}
	if x := r.Optional(TagAttributeIndex, ttlv.Integer); x != nil {
		a.Index, a.Indexed = int32(x.Int), true
	}
	a.Value = *r.Any(TagAttributeValue)
	if err := r.Done(); err != nil {
		return Attribute{}, err
	}
	if a.Name == "" || a.Index < 0 {
		return Attribute{}, Fail(InvalidField, "an attribute has the name %q and the index %d", a.Name, a.Index)
	}
	return a, nil
}

// NameOf makes the attribute Name, an uninterpreted text.
func NameOf(name string) Attribute {
	return Attribute{Name: AttrName, Value: ttlv.Struct(TagAttributeValue, ttlv.Text(TagNameValue, name), ttlv.Enum(TagNameType, uint32(1)))}
}

// TextOf makes an attribute of text: Object Group, Comment, x-...
func TextOf(name, value string) Attribute {
	return Attribute{Name: name, Value: ttlv.Text(TagAttributeValue, value)}
}

// EnumOf makes an attribute that is an enumeration: Object Type, State, ...
func EnumOf[E ~uint32](name string, value E) Attribute {
	return Attribute{Name: name, Value: ttlv.Enum(TagAttributeValue, value)}
}

// IntOf makes an attribute that is an integer: Cryptographic Length, ...
func IntOf(name string, value int32) Attribute {
	return Attribute{Name: name, Value: ttlv.Int(TagAttributeValue, value)}
}

// DateOf makes an attribute that is a date.
func DateOf(name string, t time.Time) Attribute {
	return Attribute{Name: name, Value: ttlv.Date(TagAttributeValue, t)}
}

// UsageOf makes the attribute Cryptographic Usage Mask.
func UsageOf(u Usage) Attribute { return IntOf(AttrUsageMask, int32(u)) }

// String is name and value on one line, for people. Attributes are no secrets.
func (a Attribute) String() string {
	var b strings.Builder
	b.WriteString(a.Name)
	if a.Index > 0 {
		fmt.Fprintf(&b, "[%d]", a.Index)
	}
	b.WriteString("=")
	valueText(&b, a.Name, &a.Value)
	return b.String()
}

func valueText(b *strings.Builder, name string, v *ttlv.Item) {
	switch v.Type {
	case ttlv.Structure:
		for n := range v.Items {
			if n > 0 {
				b.WriteString(" ")
			}
			valueText(b, "", &v.Items[n])
		}
	case ttlv.TextString:
		fmt.Fprintf(b, "%q", v.Bytes)
	case ttlv.ByteString, ttlv.BigInteger:
		fmt.Fprintf(b, "%x", v.Bytes)
	case ttlv.DateTime:
		b.WriteString(v.Time().Format(time.RFC3339))
	case ttlv.Boolean:
		fmt.Fprint(b, v.Int == 1)
	default:
		switch name {
		case AttrState:
			b.WriteString(State(v.Int).String())
		case AttrObjectType:
			b.WriteString(ObjectType(v.Int).String())
		default:
			fmt.Fprint(b, v.Int)
		}
	}
}

// Object is a managed object as it goes over the wire: a symmetric key, secret
// data, or a template. It prints no key.
type Object struct {
	Type       ObjectType
	Secret     SecretType // of secret data
	KeyFormat  KeyFormat
	Algorithm  Algorithm   // of a symmetric key; 0: not given
	Length     int32       // in bits; 0: not given
	Material   []byte      // the key
	Attributes []Attribute // of a template
}

// Clear overwrites the key.
func (o *Object) Clear() { clear(o.Material) }

// Format prints what it is and how long the key is.
func (o Object) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "%s of %d bytes", o.Type, len(o.Material))
}

// Item is the object as a field of a message. It refers to the key.
func (o *Object) Item() ttlv.Item {
	if o.Type == Template {
		t := ttlv.Struct(TagTemplate)
		for n := range o.Attributes {
			t.Add(o.Attributes[n].Item())
		}
		return t
	}
	material := ttlv.Bytes(TagKeyMaterial, o.Material)
	if o.KeyFormat == FormatTransparent {
		material = ttlv.Struct(TagKeyMaterial, ttlv.Bytes(TagKey, o.Material))
	}
	block := ttlv.Struct(TagKeyBlock, ttlv.Enum(TagKeyFormatType, o.KeyFormat), ttlv.Struct(TagKeyValue, material))
	if o.Algorithm != 0 {
		block.Add(ttlv.Enum(TagCryptographicAlgorithm, o.Algorithm))
	}
	if o.Length != 0 {
		block.Add(ttlv.Int(TagCryptographicLength, o.Length))
	}
	if o.Type == SecretData {
		return ttlv.Struct(TagSecretData, ttlv.Enum(TagSecretDataType, o.Secret), block)
	}
	return ttlv.Struct(TagSymmetricKey, block)
}

// ReadObject takes an object of this type out of the fields of a payload. The key
// refers to the message. A wrapped key is refused.
func ReadObject(r *ttlv.Reader, t ObjectType) (Object, error) {
	o := Object{Type: t}
	var in *ttlv.Item
	switch t {
	case SymmetricKey:
		in = r.Required(TagSymmetricKey, ttlv.Structure)
	case SecretData:
		in = r.Required(TagSecretData, ttlv.Structure)
	case Template:
		in = r.Required(TagTemplate, ttlv.Structure)
	default:
		return o, Fail(InvalidField, "objects of type %d are not kept here", t)
	}
	if err := r.Err(); err != nil {
		return o, err
	}
	x := ttlv.Read(in)
	if t == Template {
		for _, a := range x.All(TagAttribute, ttlv.Structure) {
			attr, err := ReadAttribute(a)
			if err != nil {
				return o, err
			}
			o.Attributes = append(o.Attributes, attr)
		}
		return o, x.Done()
	}
	if t == SecretData {
		o.Secret = SecretType(x.Required(TagSecretDataType, ttlv.Enumeration).Int)
	}
	block := ttlv.Read(x.Required(TagKeyBlock, ttlv.Structure))
	if err := x.Done(); err != nil {
		return o, err
	}
	return o, o.keyBlock(block)
}

func (o *Object) keyBlock(r *ttlv.Reader) error {
	o.KeyFormat = KeyFormat(r.Required(TagKeyFormatType, ttlv.Enumeration).Int)
	if r.Optional(TagKeyCompressionType, ttlv.Enumeration) != nil {
		return Fail(KeyCompressionNotSupported, "a %s is not compressed", o.Type)
	}
	if r.Optional(TagKeyWrappingData, ttlv.Structure) != nil {
		return Fail(FeatureNotSupported, "wrapped keys are not taken")
	}
	value := ttlv.Read(r.Required(TagKeyValue, ttlv.Structure))
	o.Algorithm = Algorithm(r.Enum(TagCryptographicAlgorithm))
	o.Length = r.Int(TagCryptographicLength)
	if err := r.Done(); err != nil {
		return err
	}
	m := value.Any(TagKeyMaterial)
	if err := value.Done(); err != nil {
		return err
	}
	switch {
	case o.KeyFormat == FormatTransparent && o.Type == SymmetricKey:
		k := ttlv.Read(m)
		o.Material = k.Required(TagKey, ttlv.ByteString).Bytes
		return k.Done()
	case o.KeyFormat != FormatRaw && (o.KeyFormat != FormatOpaque || o.Type != SecretData):
		return Fail(KeyFormatNotSupported, "key format %d of a %s", o.KeyFormat, o.Type)
	case m.Type != ttlv.ByteString:
		return Fail(InvalidField, "the key material is a %s", m.Type)
	}
	o.Material = m.Bytes
	return nil
}
