package kmip

import (
	"crypto/sha256"
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

// BoolOf makes an attribute that is a Boolean: Sensitive, Extractable.
func BoolOf(name string, value bool) Attribute {
	return Attribute{Name: name, Value: ttlv.Bool(TagAttributeValue, value)}
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
// data, a certificate, an opaque object, or a template. It prints no key.
type Object struct {
	Type        ObjectType
	Secret      SecretType      // of secret data
	Certificate CertificateType // of a certificate
	Opaque      uint32          // of an opaque object its Opaque Data Type: there are none but extensions, 8xxxxxxx
	KeyFormat   KeyFormat       // of a symmetric key or secret data
	Algorithm   Algorithm       // of a symmetric key; 0: not given
	Length      int32           // in bits; 0: not given
	Material    []byte          // the key, the certificate, the opaque bytes
	Attributes  []Attribute     // of a template
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
	switch o.Type {
	case Certificate:
		return ttlv.Struct(TagCertificate, ttlv.Enum(TagCertificateType, o.Certificate), ttlv.Bytes(TagCertificateValue, o.Material))
	case OpaqueObject:
		return ttlv.Struct(TagOpaqueObject, ttlv.Enum(TagOpaqueDataType, o.Opaque), ttlv.Bytes(TagOpaqueDataValue, o.Material))
	}
	block := ttlv.Struct(TagKeyBlock, ttlv.Enum(TagKeyFormatType, o.KeyFormat), ttlv.Struct(TagKeyValue, o.keyMaterial()))
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

// keyMaterial is the Key Material of a key block. It refers to the key.
func (o *Object) keyMaterial() ttlv.Item {
	if o.KeyFormat == FormatTransparent {
		return ttlv.Struct(TagKeyMaterial, ttlv.Bytes(TagKey, o.Material))
	}
	return ttlv.Bytes(TagKeyMaterial, o.Material)
}

// Digest is the SHA-256 of the object's value, 32 bytes: of the bytes of the key, the
// certificate or the opaque object; of a transparent key, whose material is a
// structure, of the TTLV of that (KMIP specification 1.4, section 3.17).
func (o *Object) Digest() [32]byte {
	if o.KeyFormat != FormatTransparent {
		return sha256.Sum256(o.Material)
	}
	m := o.keyMaterial()
	encoded := ttlv.Append(nil, &m)
	defer clear(encoded)
	return sha256.Sum256(encoded)
}

// objectTags are the tags of the structures of managed objects, by their type.
var objectTags = []struct {
	typ ObjectType
	tag ttlv.Tag
}{
	{Certificate, TagCertificate},
	{SymmetricKey, TagSymmetricKey},
	{0x03, TagPublicKey},
	{0x04, TagPrivateKey},
	{0x05, TagSplitKey},
	{Template, TagTemplate},
	{SecretData, TagSecretData},
	{OpaqueObject, TagOpaqueObject},
	{0x09, TagPGPKey},
}

// ReadObject takes an object of this type out of the fields of a payload. The key
// refers to the message. A wrapped key is refused, and so is an object of another type.
func ReadObject(r *ttlv.Reader, t ObjectType) (Object, error) {
	o := Object{Type: t}
	var in *ttlv.Item
	for _, x := range objectTags {
		if i := r.Optional(x.tag, ttlv.Structure); x.typ == t {
			in = i
		} else if i != nil {
			return o, Fail(InvalidField, "the type says %s, and the object is a %s", t, x.typ)
		}
	}
	if err := r.Err(); err != nil {
		return o, err
	}
	switch {
	case bodies[t] == nil:
		return o, Fail(InvalidField, "objects of type %d are not kept here", t)
	case in == nil:
		return o, Fail(InvalidMessage, "the object is missing")
	}
	return o, bodies[t](&o, ttlv.Read(in))
}

// bodies read what is inside an object, by its type.
var bodies = map[ObjectType]func(*Object, *ttlv.Reader) error{
	Certificate:  (*Object).certificate,
	SymmetricKey: (*Object).key,
	Template:     (*Object).template,
	SecretData:   (*Object).secretData,
	OpaqueObject: (*Object).opaque,
}

func (o *Object) certificate(r *ttlv.Reader) error {
	o.Certificate = CertificateType(r.Required(TagCertificateType, ttlv.Enumeration).Int)
	o.Material = r.Required(TagCertificateValue, ttlv.ByteString).Bytes
	return r.Done()
}

func (o *Object) opaque(r *ttlv.Reader) error {
	o.Opaque = uint32(r.Required(TagOpaqueDataType, ttlv.Enumeration).Int)
	o.Material = r.Required(TagOpaqueDataValue, ttlv.ByteString).Bytes
	return r.Done()
}

func (o *Object) template(r *ttlv.Reader) error {
	for _, a := range r.All(TagAttribute, ttlv.Structure) {
		attr, err := ReadAttribute(a)
		if err != nil {
			return err
		}
		o.Attributes = append(o.Attributes, attr)
	}
	return r.Done()
}

func (o *Object) secretData(r *ttlv.Reader) error {
	o.Secret = SecretType(r.Required(TagSecretDataType, ttlv.Enumeration).Int)
	return o.key(r)
}

func (o *Object) key(r *ttlv.Reader) error {
	block := ttlv.Read(r.Required(TagKeyBlock, ttlv.Structure))
	if err := r.Done(); err != nil {
		return err
	}
	return o.keyBlock(block)
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
