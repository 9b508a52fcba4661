package kmip

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// uidField names the object that an operation is about; with an empty UID that is the
// ID Placeholder of the batch.
func uidField(uid string) []ttlv.Item {
	if uid == "" {
		return nil
	}
	return []ttlv.Item{ttlv.Text(TagUniqueIdentifier, uid)}
}

// TemplateOf is the Template-Attribute of a request: names of templates, then
// attributes.
func TemplateOf(attributes ...Attribute) ttlv.Item {
	t := ttlv.Struct(TagTemplateAttribute)
	for n := range attributes {
		t.Add(attributes[n].Item())
	}
	return t
}

// uidOf reads the unique identifier out of an answer.
func (c *Client) uidOf(op Operation, p *ttlv.Item, err error) (string, error) {
	if err != nil {
		return "", err
	}
	r := ttlv.Read(p)
	uid := r.Required(TagUniqueIdentifier, ttlv.TextString).Text()
	if err := r.Err(); err != nil {
		return "", c.fail(op.String(), fmt.Errorf("the answer: %w", err))
	}
	return uid, nil
}

// DiscoverVersions asks which versions the server speaks; with arguments: which
// of these. It needs a client of version 1.1.
func (c *Client) DiscoverVersions(of ...Version) ([]Version, error) {
	var fields []ttlv.Item
	for _, v := range of {
		fields = append(fields, v.Item())
	}
	p, err := c.do(OpDiscoverVersions, fields...)
	if err != nil {
		return nil, err
	}
	var out []Version
	for _, i := range ttlv.Read(p).All(TagProtocolVersion, ttlv.Structure) {
		v, err := ReadVersion(i)
		if err != nil {
			return nil, c.fail(OpDiscoverVersions.String(), err)
		}
		out = append(out, v)
	}
	return out, nil
}

// Server is what a server says of itself.
type Server struct {
	Operations []Operation
	Objects    []ObjectType
	Vendor     string
	Profiles   []uint32 // since 1.3
}

// Query asks what the server can do.
func (c *Client) Query(functions ...QueryFunction) (Server, error) {
	var fields []ttlv.Item
	for _, f := range functions {
		fields = append(fields, ttlv.Enum(TagQueryFunction, f))
	}
	var s Server
	p, err := c.do(OpQuery, fields...)
	if err != nil {
		return s, err
	}
	r := ttlv.Read(p)
	for _, i := range r.All(TagOperation, ttlv.Enumeration) {
		s.Operations = append(s.Operations, Operation(i.Int))
	}
	for _, i := range r.All(TagObjectType, ttlv.Enumeration) {
		s.Objects = append(s.Objects, ObjectType(i.Int))
	}
	s.Vendor = r.Text(TagVendorIdentification)
	for _, i := range r.All(TagProfileInformation, ttlv.Structure) {
		s.Profiles = append(s.Profiles, ttlv.Read(i).Enum(TagProfileName))
	}
	if err := r.Err(); err != nil {
		return Server{}, c.fail(OpQuery.String(), err)
	}
	return s, nil
}

// Create has the server make a symmetric key. The attributes must give
// algorithm, length and usage mask.
func (c *Client) Create(attributes ...Attribute) (uid string, err error) {
	p, err := c.do(OpCreate, ttlv.Enum(TagObjectType, SymmetricKey), TemplateOf(attributes...))
	return c.uidOf(OpCreate, p, err)
}

// Register gives the server an object.
func (c *Client) Register(o *Object, attributes ...Attribute) (uid string, err error) {
	p, err := c.do(OpRegister, ttlv.Enum(TagObjectType, o.Type), TemplateOf(attributes...), o.Item())
	return c.uidOf(OpRegister, p, err)
}

// Rekey has the server replace a symmetric key; it gets the names of the old one.
// With an offset, the new key's Activation Date is that much after its making.
func (c *Client) Rekey(uid string, offset time.Duration, attributes ...Attribute) (string, error) {
	fields := uidField(uid)
	if offset >= time.Second && offset/time.Second <= math.MaxUint32 {
		fields = append(fields, ttlv.Seconds(TagOffset, uint32(offset/time.Second)))
	}
	if len(attributes) > 0 {
		fields = append(fields, TemplateOf(attributes...))
	}
	p, err := c.do(OpRekey, fields...)
	return c.uidOf(OpRekey, p, err)
}

// Locate finds the objects that have all these attributes, the newest first; at
// most max if that is not 0.
func (c *Client) Locate(max int32, attributes ...Attribute) ([]string, error) {
	var fields []ttlv.Item
	if max > 0 {
		fields = append(fields, ttlv.Int(TagMaximumItems, max))
	}
	for n := range attributes {
		fields = append(fields, attributes[n].Item())
	}
	p, err := c.do(OpLocate, fields...)
	if err != nil {
		return nil, err
	}
	r := ttlv.Read(p)
	var out []string
	for _, i := range r.All(TagUniqueIdentifier, ttlv.TextString) {
		out = append(out, i.Text())
	}
	if err := r.Err(); err != nil {
		return nil, c.fail(OpLocate.String(), err)
	}
	return out, nil
}

// Get fetches an object. Its key is a copy: Clear it after use.
func (c *Client) Get(uid string) (Object, error) {
	p, err := c.do(OpGet, uidField(uid)...)
	if err != nil {
		return Object{}, err
	}
	r := ttlv.Read(p)
	t := ObjectType(r.Required(TagObjectType, ttlv.Enumeration).Int)
	got := r.Required(TagUniqueIdentifier, ttlv.TextString).Text()
	if err := r.Err(); err != nil {
		return Object{}, c.fail(OpGet.String(), err)
	}
	if uid != "" && got != uid {
		return Object{}, c.fail(OpGet.String(), fmt.Errorf("asked for %q, got %q", uid, got))
	}
	dropKeyAttributes(p)
	o, err := ReadObject(r, t)
	if err != nil {
		return Object{}, c.fail(OpGet.String(), fmt.Errorf("the answer: %v", err))
	}
	o.Material = bytes.Clone(o.Material)
	for n := range o.Attributes {
		o.Attributes[n].Value = o.Attributes[n].Value.Clone()
	}
	return o, nil
}

// dropKeyAttributes takes the attributes out of the Key Value of an object: a server may put
// them there (KMIP specification 1.4, section 2.1.4), and Get Attributes is what asks for them.
func dropKeyAttributes(payload *ttlv.Item) {
	for n := range payload.Items {
		block := payload.Items[n].Find(TagKeyBlock)
		if block == nil {
			continue
		}
		if value := block.Find(TagKeyValue); value != nil {
			value.Items = slices.DeleteFunc(value.Items, func(i ttlv.Item) bool { return i.Tag == TagAttribute })
		}
	}
}

// GetAttributes fetches the attributes with these names, or all.
func (c *Client) GetAttributes(uid string, names ...string) ([]Attribute, error) {
	fields := uidField(uid)
	for _, n := range names {
		fields = append(fields, ttlv.Text(TagAttributeName, n))
	}
	p, err := c.do(OpGetAttributes, fields...)
	if err != nil {
		return nil, err
	}
	var out []Attribute
	for _, i := range ttlv.Read(p).All(TagAttribute, ttlv.Structure) {
		a, err := ReadAttribute(i)
		if err != nil {
			return nil, c.fail(OpGetAttributes.String(), fmt.Errorf("the answer: %v", err))
		}
		a.Value = a.Value.Clone()
		out = append(out, a)
	}
	return out, nil
}

// GetAttributeList fetches the names of the attributes that an object has.
func (c *Client) GetAttributeList(uid string) ([]string, error) {
	p, err := c.do(OpGetAttributeList, uidField(uid)...)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range ttlv.Read(p).All(TagAttributeName, ttlv.TextString) {
		out = append(out, i.Text())
	}
	return out, nil
}

// AddAttribute adds an attribute, or an instance of one.
func (c *Client) AddAttribute(uid string, a Attribute) error {
	_, err := c.do(OpAddAttribute, append(uidField(uid), a.Item())...)
	return err
}

// ModifyAttribute changes an attribute, or the instance of that index.
func (c *Client) ModifyAttribute(uid string, a Attribute) error {
	_, err := c.do(OpModifyAttribute, append(uidField(uid), a.Item())...)
	return err
}

// DeleteAttribute deletes the instance of that index.
func (c *Client) DeleteAttribute(uid, name string, index int32) error {
	fields := append(uidField(uid), ttlv.Text(TagAttributeName, name))
	if index > 0 {
		fields = append(fields, ttlv.Int(TagAttributeIndex, index))
	}
	_, err := c.do(OpDeleteAttribute, fields...)
	return err
}

// Activate makes a Pre-Active object Active.
func (c *Client) Activate(uid string) error {
	_, err := c.do(OpActivate, uidField(uid)...)
	return err
}

// Revoke makes an object Deactivated, or Compromised for a compromise, which may
// have occurred at a time before.
func (c *Client) Revoke(uid string, why RevocationReason, message string, occurred time.Time) error {
	reason := ttlv.Struct(TagRevocationReason, ttlv.Enum(TagRevocationReasonCode, why))
	if message != "" {
		reason.Add(ttlv.Text(TagRevocationMessage, message))
	}
	fields := append(uidField(uid), reason)
	if !occurred.IsZero() {
		fields = append(fields, ttlv.Date(TagCompromiseOccurrenceDate, occurred))
	}
	_, err := c.do(OpRevoke, fields...)
	return err
}

// Destroy destroys the key of an object that is not Active.
func (c *Client) Destroy(uid string) error {
	_, err := c.do(OpDestroy, uidField(uid)...)
	return err
}

// Check asks whether a key may be used in all these ways. PermissionDenied is the Failure
// when it may not.
func (c *Client) Check(uid string, use Usage) error {
	_, err := c.do(OpCheck, append(uidField(uid), ttlv.Int(TagCryptographicUsageMask, int32(use)))...)
	return err
}
