package server_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// named is a Template-Attribute that names templates, with attributes of its own.
func named(templates []string, own ...kmip.Attribute) ttlv.Item {
	out := ttlv.Struct(kmip.TagTemplateAttribute)
	for _, t := range templates {
		n := kmip.NameOf(t).Value
		n.Tag = kmip.TagName
		out.Add(n)
	}
	for _, a := range own {
		out.Add(a.Item())
	}
	return out
}

// ask does one operation.
func ask(t testing.TB, c *kmip.Client, op kmip.Operation, fields ...ttlv.Item) *kmip.ResponseItem {
	t.Helper()
	p, err := c.Do(&kmip.Request{Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(0, fields...)}}})
	require.NoError(t, err)
	return &p.Items[0]
}

func uidIn(t testing.TB, i *kmip.ResponseItem) string {
	t.Helper()
	require.NoError(t, i.Err())
	return i.Payload.Find(kmip.TagUniqueIdentifier).Text()
}

// TestProfileTestCases plays what the test cases SASED-M-2 and SASED-M-3 of the profile
// "Storage Array with Self-Encrypting Drives" ask for: in KMIP 1.0 and 1.1 by way of a
// template that holds its own name (specification 1.0, section 2.2.6), in 1.4 without one.
// The messages of 1.4 were at hand; those of 1.0 were not, and are made after the
// specification.
func TestProfileTestCases(t *testing.T) {
	r := newRig(t)
	for _, v := range kmip.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := r.client("array "+v.String(), version(v))
			name, group, template := "SASED-M-2-name", "SASED-M-2-group", "SASED-M-2-template"
			common := []kmip.Attribute{kmip.TextOf(kmip.AttrObjectGroup, group)}
			for n := range 4 {
				common = append(common, kmip.TextOf(fmt.Sprintf("x-CustomAttribute%d", n+1), fmt.Sprintf("CustomValue%d", n+1)))
			}
			isSecret := kmip.EnumOf(kmip.AttrObjectType, kmip.SecretData)
			secret := password(0x2a)

			// M-2
			found, err := c.Locate(0, kmip.NameOf(name), isSecret)
			require.NoError(t, err)
			require.Empty(t, found)
			in := kmip.Object{Type: kmip.Template, Attributes: append(common, kmip.NameOf(template))}
			i := ask(t, c, kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, kmip.Template), ttlv.Struct(kmip.TagTemplateAttribute), in.Item())
			var uid string
			if v.AtLeast(kmip.V12) {
				refused(t, kmip.InvalidField, i.Err(), "a Name inside a template is not known any more")
				uid, err = c.Register(secret, append(common, kmip.NameOf(name))...)
				require.NoError(t, err)
			} else {
				made := uidIn(t, i)
				found, err = c.Locate(0, kmip.NameOf(template), kmip.EnumOf(kmip.AttrObjectType, kmip.Template))
				require.NoError(t, err)
				require.Equal(t, []string{made}, found, "the Name inside is the template's own")
				o, err := c.Get(made)
				require.NoError(t, err)
				require.ElementsMatch(t, texts(in.Attributes), texts(o.Attributes), "a template is got as it was registered")
				uid = uidIn(t, ask(t, c, kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, kmip.SecretData), named([]string{template}, kmip.NameOf(name)), secret.Item()))
				require.Equal(t, fmt.Sprintf("Name=%q 1", name), attribute(t, c, uid, kmip.AttrName), "and not that of what is made of it")
				old := r.client("array "+v.String(), version(kmip.V12))
				o, err = old.Get(made)
				require.NoError(t, err)
				require.Equal(t, texts(common), texts(o.Attributes), "a client of 1.2 gets the template without it")
			}

			// M-3
			found, err = c.Locate(0, kmip.TextOf(kmip.AttrObjectGroup, group), isSecret)
			require.NoError(t, err)
			require.Equal(t, []string{uid}, found)
			for n := 4; n > 2; n-- {
				a := kmip.TextOf(fmt.Sprintf("x-CustomAttribute%d", n), fmt.Sprintf("CustomValue%d", n))
				require.Equal(t, a.String(), attribute(t, c, uid, a.Name))
			}
			o, err := c.Get(uid)
			require.NoError(t, err)
			require.Equal(t, *secret, o)
			require.NoError(t, c.Destroy(uid))
		})
	}
}

// TestTemplatesAreMerged: KMIP specification 1.4, section 4.
func TestTemplatesAreMerged(t *testing.T) {
	c := newRig(t).client("a", version(kmip.V12))
	bits := func(n int32) kmip.Attribute { return kmip.IntOf(kmip.AttrLength, n) }
	group := func(g string) kmip.Attribute { return kmip.TextOf(kmip.AttrObjectGroup, g) }
	for _, x := range []struct {
		name   string
		inside []kmip.Attribute
	}{
		{"one", aes(group("g"), group("both"))[:0:0]},
		{"two", nil},
	} {
		x.inside = []kmip.Attribute{kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), bits(128), kmip.UsageOf(kmip.UsageEncrypt), group("both"), group("of " + x.name)}
		if x.name == "two" {
			x.inside[1] = bits(192)
		}
		_, err := c.Register(&kmip.Object{Type: kmip.Template, Attributes: x.inside}, kmip.NameOf(x.name))
		require.NoError(t, err)
	}
	create := func(templates []string, own ...kmip.Attribute) *kmip.ResponseItem {
		return ask(t, c, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), named(templates, own...))
	}
	values := func(i *kmip.ResponseItem, name string) []string {
		attrs, err := c.GetAttributes(uidIn(t, i), name)
		require.NoError(t, err)
		return texts(attrs)
	}
	i := create([]string{"one", "two"}, group("own"), group("of one"))
	require.Equal(t, []string{"Cryptographic Length=192"}, values(i, kmip.AttrLength), "of two templates the last wins")
	require.Equal(t, []string{`Object Group="both"`, `Object Group[1]="of two"`, `Object Group[2]="own"`, `Object Group[3]="of one"`}, values(i, kmip.AttrObjectGroup),
		"of an attribute that can have several instances all count, each once")
	require.Equal(t, []string{"Cryptographic Length=128"}, values(create([]string{"two", "one"}), kmip.AttrLength), "the order counts")
	require.Equal(t, []string{"Cryptographic Length=256"}, values(create([]string{"one", "two"}, bits(256)), kmip.AttrLength), "the request wins over both")
	refused(t, kmip.InvalidField, create([]string{"one"}, bits(256), bits(256)).Err(), "the request itself gives it twice")
	refused(t, kmip.ItemNotFound, create([]string{"one", "three"}).Err())
}

// TestDestroyedTemplate: of it there are only attributes (KMIP specification 1.4, section 11.12).
func TestDestroyedTemplate(t *testing.T) {
	c := newRig(t).client("a")
	uid, err := c.Register(&kmip.Object{Type: kmip.Template, Attributes: aes()}, kmip.NameOf("t"))
	require.NoError(t, err)
	require.NoError(t, c.Destroy(uid))
	_, err = c.Get(uid)
	refused(t, kmip.IllegalOperation, err)
	refused(t, kmip.ItemNotFound, ask(t, c, kmip.OpCreate, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), named([]string{"t"})).Err(), "nothing is made of it")
}

// TestLocateByPartOfAStructure: of a structure only the fields that are asked for count.
func TestLocateByPartOfAStructure(t *testing.T) {
	c := newRig(t).client("a")
	info := func(fields ...ttlv.Item) kmip.Attribute {
		return kmip.Attribute{Name: kmip.AttrApplicationInformation, Value: ttlv.Struct(kmip.TagAttributeValue, fields...)}
	}
	space := func(s string) ttlv.Item { return ttlv.Text(kmip.TagApplicationNamespace, s) }
	data := func(s string) ttlv.Item { return ttlv.Text(kmip.TagApplicationData, s) }
	var uids []string
	for n, a := range []kmip.Attribute{info(space("ssl"), data("one")), info(space("ssl"), data("two")), info(space("ds"), data("one"))} {
		uid, err := c.Register(password(byte(n)), a, kmip.NameOf(fmt.Sprint("n", n)))
		require.NoError(t, err)
		uids = append(uids, uid)
	}
	for _, x := range []struct {
		what string
		a    kmip.Attribute
		want []string
	}{
		{"the namespace", info(space("ssl")), []string{uids[1], uids[0]}},
		{"the data", info(data("one")), []string{uids[2], uids[0]}},
		{"both", info(space("ssl"), data("one")), []string{uids[0]}},
		{"both the other way round", info(data("one"), space("ssl")), []string{uids[0]}},
		{"another", info(space("x")), nil},
		{"any", info(), []string{uids[2], uids[1], uids[0]}},
		{"the value of a name", kmip.Attribute{Name: kmip.AttrName, Value: ttlv.Struct(0, ttlv.Text(kmip.TagNameValue, "n1"))}, []string{uids[1]}},
		{"the type of a name", kmip.Attribute{Name: kmip.AttrName, Value: ttlv.Struct(0, ttlv.Enum(kmip.TagNameType, uint32(1)))}, []string{uids[2], uids[1], uids[0]}},
	} {
		found, err := c.Locate(0, x.a)
		require.NoError(t, err, x.what)
		require.Equal(t, x.want, found, x.what)
	}
}

// TestRekeyWithAName: the new key has the names of the old one, and those that it is
// given (KMIP specification 1.4, table 173).
func TestRekeyWithAName(t *testing.T) {
	c := newRig(t).client("a")
	old, err := c.Create(aes(kmip.NameOf("k"), kmip.NameOf("k too"))...)
	require.NoError(t, err)
	uid, err := c.Rekey(old, 0, kmip.NameOf("new"), kmip.NameOf("k"))
	require.NoError(t, err)
	for _, n := range []string{"k", "k too", "new"} {
		found, err := c.Locate(0, kmip.NameOf(n))
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found, n)
	}
	require.Empty(t, attribute(t, c, old, kmip.AttrName), "and the old one has none")
}

// TestRekeyOffsetNeedsAnActivationDate: KMIP specification 1.4, section 11.5.
func TestRekeyOffsetNeedsAnActivationDate(t *testing.T) {
	c := newRig(t).client("a")
	for what, attrs := range map[string][]kmip.Attribute{
		"no date":     aes(kmip.NameOf("none")),
		"other dates": aes(kmip.NameOf("other"), kmip.DateOf(kmip.AttrDeactivationDate, time.Now().Add(time.Hour)), kmip.DateOf(kmip.AttrProtectStopDate, time.Now())),
	} {
		uid, err := c.Create(attrs...)
		require.NoError(t, err)
		_, err = c.Rekey(uid, time.Minute)
		refused(t, kmip.IllegalOperation, err, what)
		found, err := c.Locate(0, kmip.NameOf(attrs[3].Value.Find(kmip.TagNameValue).Text()))
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found, "nothing changed")
		_, err = c.Rekey(uid, 0)
		require.NoError(t, err, "without an Offset it goes: %s", what)
	}
}

// TestProcessStartIsNotBoundByProtectStop: KMIP specification 1.4, sections 3.25 and 3.26:
// both lie between activation and deactivation, and that is all.
func TestProcessStartIsNotBoundByProtectStop(t *testing.T) {
	c := newRig(t).client("a")
	now := time.Now()
	date := func(name string, minutes int) kmip.Attribute {
		return kmip.DateOf(name, now.Add(time.Duration(minutes)*time.Minute))
	}
	uid, err := c.Create(aes(date(kmip.AttrActivationDate, 1), date(kmip.AttrProtectStopDate, 2), date(kmip.AttrProcessStartDate, 5), date(kmip.AttrDeactivationDate, 9))...)
	require.NoError(t, err)
	require.NoError(t, c.ModifyAttribute(uid, date(kmip.AttrProcessStartDate, 6)))
	for _, a := range []kmip.Attribute{
		date(kmip.AttrProcessStartDate, 0), date(kmip.AttrProcessStartDate, 10), date(kmip.AttrProtectStopDate, 0), date(kmip.AttrProtectStopDate, 10),
		date(kmip.AttrActivationDate, 3), date(kmip.AttrDeactivationDate, 4),
	} {
		refused(t, kmip.InvalidField, c.ModifyAttribute(uid, a), a.Name)
	}
}

// TestUnknownFieldFailsItsItem: the others of the batch are done (KMIP specification 1.4,
// section 11.1).
func TestUnknownFieldFailsItsItem(t *testing.T) {
	r := newRig(t)
	q := kmip.Request{Version: kmip.V14, Continuation: kmip.Continue, Items: []kmip.RequestItem{makeKey("one"), makeKey("two"), makeKey("three"), makeKey("four")}}
	for n := range q.Items {
		q.Items[n].ID = []byte{byte(n)}
	}
	m, err := ttlv.Decode(q.Encode(nil), ttlv.Limits{})
	require.NoError(t, err)
	items := m.Items[1:]
	items[1].Add(ttlv.Int(0x4200ff, 1))                              // beside the payload
	items[2].Find(kmip.TagRequestPayload).Add(ttlv.Int(0x540000, 1)) // in it
	p := r.exchange("a", ttlv.Append(nil, &m))
	require.Len(t, p.Items, 4)
	for n := range p.Items {
		require.Equal(t, []byte{byte(n)}, p.Items[n].ID)
		require.Equal(t, kmip.OpCreate, p.Items[n].Op)
		if n == 1 || n == 2 {
			refused(t, kmip.InvalidField, p.Items[n].Err())
		} else {
			require.NoError(t, p.Items[n].Err())
		}
	}
}

// exchange sends bytes and reads one answer.
func (r *rig) exchange(who string, b []byte) *kmip.Response {
	r.t.Helper()
	c := r.raw(who)
	_, err := c.Write(b)
	require.NoError(r.t, err)
	require.NoError(r.t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	return r.answer(c)
}

// TestNewerMinorVersion: a message of a minor version above ours is read as one of ours,
// and what we do not know in it is passed over (KMIP specification 1.4, section 11.1).
func TestNewerMinorVersion(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		v    kmip.Version
		want kmip.Reason // 0: success
	}{{kmip.Version{Major: 1, Minor: 5}, 0}, {kmip.Version{Major: 1, Minor: 99}, 0}, {kmip.V14, kmip.InvalidField}, {kmip.Version{Major: 2, Minor: 1}, kmip.InvalidMessage}} {
		q := kmip.Request{Version: c.v, Items: []kmip.RequestItem{makeKey("of " + c.v.String())}}
		m, err := ttlv.Decode(q.Encode(nil), ttlv.Limits{})
		require.NoError(t, err)
		m.Items[0].Add(ttlv.Text(0x4201ff, "in the header"))
		m.Items[1].Add(ttlv.Text(0x4201ff, "in the item"))
		payload := m.Items[1].Find(kmip.TagRequestPayload)
		payload.Add(ttlv.Struct(0x4201ff, ttlv.Int(0x4201fe, 1)))
		payload.Find(kmip.TagTemplateAttribute).Items[0].Add(ttlv.Int(0x4201ff, 1))
		p := r.exchange("a", ttlv.Append(nil, &m))
		require.Equal(t, kmip.V14, p.Version)
		if c.want != 0 {
			refused(t, c.want, p.Items[0].Err(), c.v.String())
			continue
		}
		require.NoError(t, p.Items[0].Err(), c.v.String())
		found, err := r.client("a").Locate(0, kmip.NameOf("of "+c.v.String()))
		require.NoError(t, err)
		require.Len(t, found, 1)
	}
}

// TestCredentialsAreRefused: nobody is to believe that a password was looked at.
func TestCredentialsAreRefused(t *testing.T) {
	r := newRig(t)
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{makeKey("one")}}
	m, err := ttlv.Decode(q.Encode(nil), ttlv.Limits{})
	require.NoError(t, err)
	m.Items[0].Add(ttlv.Struct(kmip.TagAuthentication, ttlv.Struct(kmip.TagCredential, ttlv.Enum(0x420024, uint32(1)),
		ttlv.Struct(0x420025, ttlv.Text(0x420099, "Fred"), ttlv.Text(0x4200a1, "password1")))))
	p := r.exchange("a", ttlv.Append(nil, &m))
	refused(t, kmip.AuthenticationNotSuccessful, p.Items[0].Err())
	require.Contains(t, p.Items[0].Message, "by their certificates")
	found, err := r.client("a").Locate(0)
	require.NoError(t, err)
	require.Empty(t, found)
	require.NotContains(t, r.log.String(), "password1")
}

// TestRegisterOfAnotherType: the type says one thing, and the object is another (KMIP
// specification 1.4, section 11.4).
func TestRegisterOfAnotherType(t *testing.T) {
	c := newRig(t).client("a")
	objects := map[kmip.ObjectType]ttlv.Item{kmip.ObjectType(3): ttlv.Struct(kmip.TagPublicKey), kmip.ObjectType(4): ttlv.Struct(kmip.TagPrivateKey)}
	for _, o := range []kmip.Object{
		*password(1),
		{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: 256, Material: make([]byte, 32)},
		{Type: kmip.Template, Attributes: aes()},
		{Type: kmip.OpaqueObject, Opaque: 1 << 31, Material: []byte{1}},
		{Type: kmip.Certificate, Certificate: kmip.PGP, Material: []byte{1}},
	} {
		objects[o.Type] = o.Item()
	}
	for says := range objects {
		for is, object := range objects {
			err := ask(t, c, kmip.OpRegister, ttlv.Enum(kmip.TagObjectType, says), ttlv.Struct(kmip.TagTemplateAttribute), object).Err()
			if says == is && says != 3 && says != 4 {
				require.NoError(t, err, says.String())
			} else {
				refused(t, kmip.InvalidField, err, says.String(), is.String())
			}
		}
	}
}

// TestDigest: of the key's bytes, of a transparent key of the TTLV of its material; and it
// outlives the key (KMIP specification 1.4, section 3.17).
func TestDigest(t *testing.T) {
	c := newRig(t).client("a")
	key := []byte("0123456789abcdef")
	of := func(b []byte, format kmip.KeyFormat) string {
		s := sha256.Sum256(b)
		return fmt.Sprintf("Digest=6 %x %d", s, format)
	}
	// 420043 Key Material, a structure with 420003f Key, a byte string of 16.
	transparent, err := hex.DecodeString("4200430100000018" + "42003f0800000010" + hex.EncodeToString(key))
	require.NoError(t, err)
	raw := &kmip.Object{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: 128, Material: key}
	clear := *raw
	clear.KeyFormat = kmip.FormatTransparent
	for _, x := range []struct {
		o    *kmip.Object
		want string
	}{
		{raw, of(key, kmip.FormatRaw)},
		{&clear, of(transparent, kmip.FormatTransparent)},
		{password(7), of(password(7).Material, kmip.FormatOpaque)},
	} {
		uid, err := c.Register(x.o)
		require.NoError(t, err)
		require.Equal(t, x.want, attribute(t, c, uid, kmip.AttrDigest))
		attrs, err := c.GetAttributes(uid, kmip.AttrDigest)
		require.NoError(t, err)
		found, err := c.Locate(0, attrs[0])
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found, "and it is found by it")
		require.NoError(t, c.Destroy(uid))
		require.Equal(t, x.want, attribute(t, c, uid, kmip.AttrDigest), "it is kept after Destroy")
	}
}

// TestCreateWithoutALength: where the algorithm has one of its own.
func TestCreateWithoutALength(t *testing.T) {
	c := newRig(t).client("a")
	for algorithm, bits := range map[kmip.Algorithm]int{kmip.HMACSHA1: 160, kmip.HMACSHA224: 224, kmip.HMACSHA256: 256, kmip.HMACSHA384: 384, kmip.HMACSHA512: 512} {
		uid, err := c.Create(kmip.EnumOf(kmip.AttrAlgorithm, algorithm), kmip.UsageOf(0x80))
		require.NoError(t, err)
		o, err := c.Get(uid)
		require.NoError(t, err)
		require.Len(t, o.Material, bits/8)
		require.Equal(t, fmt.Sprintf("Cryptographic Length=%d", bits), attribute(t, c, uid, kmip.AttrLength))
	}
	_, err := c.Create(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.UsageOf(kmip.UsageEncrypt))
	refused(t, kmip.InvalidField, err, "AES has three")
}

// TestSensitiveAndExtractable: KMIP specification 1.4, sections 3.48 to 3.51.
func TestSensitiveAndExtractable(t *testing.T) {
	r := newRig(t)
	c := r.client("a")
	flags := func(uid string) (out string) {
		for _, name := range []string{kmip.AttrSensitive, kmip.AttrAlwaysSensitive, kmip.AttrExtractable, kmip.AttrNeverExtractable} {
			out += attribute(t, c, uid, name)[len(name)+1:] + " "
		}
		return out
	}
	sensitive, extractable := func(v bool) kmip.Attribute { return kmip.BoolOf(kmip.AttrSensitive, v) }, func(v bool) kmip.Attribute { return kmip.BoolOf(kmip.AttrExtractable, v) }
	plain, err := c.Create(aes()...)
	require.NoError(t, err)
	require.Equal(t, "false false true false ", flags(plain), "what nobody sets")
	uid, err := c.Create(aes(sensitive(true), extractable(false))...)
	require.NoError(t, err)
	require.Equal(t, "true true false true ", flags(uid))
	_, err = c.Get(uid)
	refused(t, kmip.NotExtractable, err)
	_, err = r.client("a", version(kmip.V12)).Get(uid)
	refused(t, kmip.PermissionDenied, err, "1.2 has no reason of its own for it")
	require.NoError(t, c.ModifyAttribute(uid, extractable(true)))
	_, err = c.Get(uid)
	refused(t, kmip.Sensitive, err)
	require.NoError(t, c.ModifyAttribute(uid, sensitive(false)))
	require.Equal(t, "false false true false ", flags(uid))
	_, err = c.Get(uid)
	require.NoError(t, err)
	require.NoError(t, c.ModifyAttribute(uid, sensitive(true)))
	require.NoError(t, c.ModifyAttribute(uid, extractable(false)))
	require.Equal(t, "true false false false ", flags(uid), "it was not always so")
	require.NoError(t, c.ModifyAttribute(plain, sensitive(true)))
	require.Equal(t, "true false true false ", flags(plain))

	refused(t, kmip.IllegalOperation, c.AddAttribute(plain, sensitive(true)), "every object has it")
	refused(t, kmip.PermissionDenied, c.ModifyAttribute(plain, kmip.BoolOf(kmip.AttrAlwaysSensitive, true)))
	refused(t, kmip.PermissionDenied, c.DeleteAttribute(plain, kmip.AttrSensitive, 0))
	_, err = c.Create(aes(kmip.BoolOf(kmip.AttrNeverExtractable, true))...)
	refused(t, kmip.InvalidField, err)
	found, err := c.Locate(0, extractable(true))
	require.NoError(t, err)
	require.Equal(t, []string{plain}, found)
	next, err := c.Rekey(uid, 0)
	require.NoError(t, err)
	require.Equal(t, "true true false true ", flags(next), "a new key begins anew")
}

// TestOpaqueObjectsAndCertificates: they come back as they were registered.
func TestOpaqueObjectsAndCertificates(t *testing.T) {
	r := newRig(t)
	own, err := r.ca.Server(pki.Request{Name: "somebody", Hosts: []string{"keys.example"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, rand.Reader)
	require.NoError(t, err)
	der := own.Cert.Raw
	opaque := &kmip.Object{Type: kmip.OpaqueObject, Opaque: 0x80000001, Material: []byte("whatever it is")}
	cert := &kmip.Object{Type: kmip.Certificate, Certificate: kmip.X509, Material: der}
	for _, v := range kmip.Versions() {
		c := r.client("array "+v.String(), version(v))
		for _, in := range []*kmip.Object{opaque, cert, {Type: kmip.Certificate, Certificate: kmip.PGP, Material: []byte("a PGP key")}} {
			uid, err := c.Register(in, kmip.NameOf(in.Type.String()), kmip.TextOf("x-A", "a"))
			require.NoError(t, err)
			o, err := c.Get(uid)
			require.NoError(t, err)
			require.Equal(t, *in, o)
			sum := sha256.Sum256(in.Material)
			require.Equal(t, fmt.Sprintf("Digest=6 %x", sum), attribute(t, c, uid, kmip.AttrDigest))
			require.Equal(t, in.Type == kmip.Certificate, attribute(t, c, uid, kmip.AttrState) != "", "an opaque object has no State")
			found, err := c.Locate(0, kmip.EnumOf(kmip.AttrObjectType, in.Type), kmip.NameOf(in.Type.String()))
			require.NoError(t, err)
			require.Equal(t, []string{uid}, found)
			if in.Type == kmip.OpaqueObject {
				refused(t, kmip.IllegalOperation, c.Activate(uid))
			} else {
				require.NoError(t, c.Activate(uid))
				require.NoError(t, c.Revoke(uid, kmip.RevokedSuperseded, "", time.Time{}))
			}
			if in == cert {
				require.Equal(t, "Certificate Type=1", attribute(t, c, uid, kmip.AttrCertificateType))
				require.Equal(t, "Cryptographic Algorithm=6", attribute(t, c, uid, kmip.AttrAlgorithm))
				require.Equal(t, "Cryptographic Length=256", attribute(t, c, uid, kmip.AttrLength))
				if v != kmip.V10 {
					require.Equal(t, fmt.Sprintf("Certificate Length=%d", len(der)), attribute(t, c, uid, kmip.AttrCertificateLength))
					part := kmip.Attribute{Name: kmip.AttrX509Identifier, Value: ttlv.Struct(0, ttlv.Bytes(kmip.TagIssuerDistinguishedName, own.Cert.RawIssuer))}
					found, err := c.Locate(0, part)
					require.NoError(t, err)
					require.Equal(t, []string{uid}, found, "by its issuer")
				}
			}
			require.NoError(t, c.Destroy(uid))
			_, err = c.Get(uid)
			refused(t, kmip.IllegalOperation, err)
		}
	}
	c := r.client("a")
	for what, o := range map[string]*kmip.Object{
		"not X.509":                   {Type: kmip.Certificate, Certificate: kmip.X509, Material: []byte("x")},
		"no certificate type":         {Type: kmip.Certificate, Certificate: 9, Material: der},
		"an empty certificate":        {Type: kmip.Certificate, Certificate: kmip.X509},
		"an empty opaque object":      {Type: kmip.OpaqueObject, Opaque: 1 << 31},
		"no such type of opaque data": {Type: kmip.OpaqueObject, Opaque: 1, Material: []byte{1}},
	} {
		_, err := c.Register(o)
		refused(t, kmip.InvalidField, err, what)
	}
	_, err = c.Register(cert, kmip.EnumOf(kmip.AttrAlgorithm, kmip.RSA))
	refused(t, kmip.InvalidField, err, "it is no RSA certificate")
	_, err = c.Register(opaque, kmip.DateOf(kmip.AttrActivationDate, time.Now()))
	refused(t, kmip.InvalidField, err, "an opaque object is not activated")
}
