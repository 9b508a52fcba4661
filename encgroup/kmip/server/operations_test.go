package server_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// TestProfileOfStorageArrays: what the profile "Storage Array with Self-Encrypting
// Drives" (OASIS, version 1.0) asks of a server: secret data of 32 bytes, 20 custom
// attributes, names and values of 128 characters.
func TestProfileOfStorageArrays(t *testing.T) {
	r := newRig(t)
	for _, v := range kmip.Versions() {
		c := r.client("array "+v.String(), version(v))
		long := strings.Repeat("n", 128)
		attrs := []kmip.Attribute{kmip.NameOf(long), kmip.TextOf(kmip.AttrObjectGroup, long)}
		for n := range 20 {
			attrs = append(attrs, kmip.TextOf(fmt.Sprintf("x-%0126d", n), strings.Repeat("v", 128)))
		}
		_, err := c.Query(kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation)
		require.NoError(t, err)
		found, err := c.Locate(0, kmip.NameOf(long), kmip.EnumOf(kmip.AttrObjectType, kmip.SecretData))
		require.NoError(t, err)
		require.Empty(t, found)
		uid, err := c.Register(password(7), attrs...)
		require.NoError(t, err)
		found, err = c.Locate(0, kmip.TextOf(kmip.AttrObjectGroup, long))
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found)
		got, err := c.GetAttributes(uid)
		require.NoError(t, err)
		for _, a := range attrs {
			require.Contains(t, texts(got), a.String(), "every attribute is kept, and whole")
		}
		o, err := c.Get(uid)
		require.NoError(t, err)
		require.Equal(t, *password(7), o)
		require.NoError(t, c.Destroy(uid))
		found, err = c.Locate(0, kmip.NameOf(long))
		require.NoError(t, err)
		require.Empty(t, found, "a destroyed object is found by what says that it is")
		found, err = c.Locate(0, kmip.NameOf(long), kmip.EnumOf(kmip.AttrState, kmip.Destroyed))
		require.NoError(t, err)
		require.Equal(t, []string{uid}, found)
		found, err = c.Locate(0, kmip.NameOf(long), kmip.EnumOf(kmip.AttrState, kmip.DestroyedCompromised))
		require.NoError(t, err)
		require.Empty(t, found)
	}
}

func texts(attrs []kmip.Attribute) (out []string) {
	for _, a := range attrs {
		out = append(out, a.String())
	}
	return out
}

// attribute is the first instance of an attribute as text, "" if there is none.
func attribute(t testing.TB, c *kmip.Client, uid, name string) string {
	t.Helper()
	attrs, err := c.GetAttributes(uid, name)
	require.NoError(t, err)
	if len(attrs) == 0 {
		return ""
	}
	return attrs[0].String()
}

func TestCreateChecksWhatItIsGiven(t *testing.T) {
	c := newRig(t).client("a")
	alg, bits, use := kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt)
	for name, attrs := range map[string][]kmip.Attribute{
		"no algorithm":      {bits, use},
		"no length":         {alg, use},
		"no usage mask":     {alg, bits},
		"wrong length":      {alg, kmip.IntOf(kmip.AttrLength, 100), use},
		"unknown algorithm": {kmip.EnumOf(kmip.AttrAlgorithm, uint32(99)), bits, use},
		"unknown attribute": {alg, bits, use, kmip.TextOf("Colour", "red")},
		"server's own":      {alg, bits, use, kmip.TextOf("y-Server", "x")},
		"read only":         {alg, bits, use, kmip.EnumOf(kmip.AttrState, kmip.Active)},
		"wrong type":        {alg, bits, use, kmip.IntOf(kmip.AttrObjectGroup, 1)},
		"given twice":       {alg, bits, bits, use},
		"name without type": {alg, bits, use, {Name: kmip.AttrName, Value: ttlv.Struct(0, ttlv.Text(kmip.TagNameValue, "x"))}},
		"empty name":        {alg, bits, use, kmip.NameOf("")},
		"dates turned round": {
			alg, bits, use, kmip.DateOf(kmip.AttrActivationDate, time.Unix(2000, 0)), kmip.DateOf(kmip.AttrDeactivationDate, time.Unix(1000, 0)),
		},
		"same name twice": {alg, bits, use, kmip.NameOf("x"), kmip.NameOf("x")},
	} {
		_, err := c.Create(attrs...)
		refused(t, kmip.InvalidField, err, name)
	}
	_, err := c.Create(aes(kmip.NameOf("n"))...)
	require.NoError(t, err)
	_, err = c.Create(aes(kmip.NameOf("n"))...)
	refused(t, kmip.InvalidField, err, "a name is one object's")
	many := make([]kmip.Attribute, 257)
	for n := range many {
		many[n] = kmip.TextOf("x-many", fmt.Sprint(n))
	}
	_, err = c.Create(aes(many...)...)
	refused(t, kmip.IndexOutOfBounds, err, "more instances than the server supports")
	found, err := c.Locate(0)
	require.NoError(t, err)
	require.Len(t, found, 1, "what was refused left nothing behind")
}

func TestRegisterChecksTheKey(t *testing.T) {
	c := newRig(t).client("a")
	key := func(bytes int) *kmip.Object {
		return &kmip.Object{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: int32(bytes * 8), Material: make([]byte, bytes)}
	}
	uid, err := c.Register(key(32))
	require.NoError(t, err)
	o, err := c.Get(uid)
	require.NoError(t, err)
	require.Equal(t, *key(32), o, "what was registered comes back, algorithm and length with it")
	for name, o := range map[string]*kmip.Object{
		"odd length":     key(20),
		"length differs": {Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Algorithm: kmip.AES, Length: 128, Material: make([]byte, 32)},
		"no algorithm":   {Type: kmip.SymmetricKey, KeyFormat: kmip.FormatRaw, Material: make([]byte, 32)},
		"empty":          {Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque},
		"no secret type": {Type: kmip.SecretData, Secret: 9, KeyFormat: kmip.FormatOpaque, Material: []byte{1}},
	} {
		_, err := c.Register(o)
		refused(t, kmip.InvalidField, err, name)
	}
	_, err = c.Register(key(32), kmip.EnumOf(kmip.AttrAlgorithm, kmip.HMACSHA256))
	refused(t, kmip.InvalidField, err, "attribute and key block differ")
	_, err = c.Register(&kmip.Object{Type: kmip.SymmetricKey, KeyFormat: kmip.FormatOpaque, Algorithm: kmip.AES, Material: make([]byte, 32)})
	refused(t, kmip.KeyFormatNotSupported, err)
	transparent := key(16)
	transparent.KeyFormat = kmip.FormatTransparent
	uid, err = c.Register(transparent)
	require.NoError(t, err)
	o, err = c.Get(uid)
	require.NoError(t, err)
	require.Equal(t, *transparent, o, "a transparent key stays one")
}

// TestLife walks through every transition of the states (KMIP 1.4, section 3.22).
func TestLife(t *testing.T) {
	clk := &clock{}
	r := newRig(t, func(c *server.Config) { c.Clock = clk.now })
	c := r.client("a", func(c *kmip.Config) { c.Clock = clk.now })
	state := func(uid string, want kmip.State) {
		t.Helper()
		require.Equal(t, "State="+want.String(), attribute(t, c, uid, kmip.AttrState))
	}
	create := func(attrs ...kmip.Attribute) string {
		t.Helper()
		uid, err := c.Create(aes(attrs...)...)
		require.NoError(t, err)
		return uid
	}
	t.Run("by operations", func(t *testing.T) {
		uid := create()
		state(uid, kmip.PreActive)
		refused(t, kmip.IllegalOperation, c.Revoke(uid, kmip.RevokedSuperseded, "", time.Time{}), "only what is active is deactivated")
		require.NoError(t, c.Activate(uid))
		state(uid, kmip.Active)
		refused(t, kmip.PermissionDenied, c.Activate(uid), "it is not Pre-Active any more")
		refused(t, kmip.PermissionDenied, c.Destroy(uid), "it is Active")
		require.NoError(t, c.Revoke(uid, kmip.RevokedCessationOfOperation, "end of use", time.Time{}))
		state(uid, kmip.Deactivated)
		require.Equal(t, `Revocation Reason=6 "end of use"`, attribute(t, c, uid, kmip.AttrRevocationReason))
		_, err := c.Get(uid)
		require.NoError(t, err, "a deactivated key is still there for what it protected")
		require.NoError(t, c.Revoke(uid, kmip.RevokedKeyCompromise, "", time.Unix(1000, 0)))
		state(uid, kmip.Compromised)
		require.Equal(t, "Compromise Occurrence Date=1970-01-01T00:16:40Z", attribute(t, c, uid, kmip.AttrCompromiseOccurrenceDate))
		refused(t, kmip.IllegalOperation, c.Revoke(uid, kmip.RevokedKeyCompromise, "", time.Time{}))
		require.NoError(t, c.Destroy(uid))
		state(uid, kmip.DestroyedCompromised)
		require.NotEmpty(t, attribute(t, c, uid, kmip.AttrDestroyDate))
		_, err = c.Get(uid)
		refused(t, kmip.IllegalOperation, err, "of it the server only has attributes")
		refused(t, kmip.PermissionDenied, c.Destroy(uid), "it is destroyed")
		refused(t, kmip.InvalidField, c.Revoke(uid, 99, "", time.Time{}), "no such reason")
	})
	t.Run("destroyed, then compromised", func(t *testing.T) {
		uid := create()
		require.NoError(t, c.Destroy(uid), "what was never active may go")
		state(uid, kmip.Destroyed)
		require.NoError(t, c.Revoke(uid, kmip.RevokedKeyCompromise, "", time.Time{}))
		state(uid, kmip.DestroyedCompromised)
	})
	t.Run("by dates", func(t *testing.T) {
		now := clk.now()
		uid := create(kmip.DateOf(kmip.AttrActivationDate, now.Add(time.Minute)), kmip.DateOf(kmip.AttrDeactivationDate, now.Add(2*time.Minute)))
		state(uid, kmip.PreActive)
		clk.mu.Lock()
		clk.ahead += 61 * time.Second
		clk.mu.Unlock()
		state(uid, kmip.Active)
		refused(t, kmip.PermissionDenied, c.ModifyAttribute(uid, kmip.DateOf(kmip.AttrActivationDate, now.Add(time.Hour))), "that date has come")
		require.NoError(t, c.ModifyAttribute(uid, kmip.DateOf(kmip.AttrDeactivationDate, now.Add(3*time.Minute))), "this one has not")
		clk.mu.Lock()
		clk.ahead += 2 * time.Minute
		clk.mu.Unlock()
		state(uid, kmip.Deactivated)
		refused(t, kmip.PermissionDenied, c.ModifyAttribute(uid, kmip.DateOf(kmip.AttrDeactivationDate, now.Add(time.Hour))))
	})
}

func TestLocate(t *testing.T) {
	c := newRig(t).client("a")
	var uids []string
	for n := range 5 {
		o := password(byte(n))
		uid, err := c.Register(o, kmip.NameOf(fmt.Sprint("name ", n)), kmip.TextOf(kmip.AttrObjectGroup, fmt.Sprint("group ", n%2)), kmip.TextOf("x-Slot", fmt.Sprint(n)))
		require.NoError(t, err)
		uids = append(uids, uid)
	}
	key, err := c.Create(aes(kmip.NameOf("a key"))...)
	require.NoError(t, err)
	locate := func(max int32, attrs ...kmip.Attribute) []string {
		t.Helper()
		found, err := c.Locate(max, attrs...)
		require.NoError(t, err)
		return found
	}
	isSecret := kmip.EnumOf(kmip.AttrObjectType, kmip.SecretData)
	require.Equal(t, []string{uids[3]}, locate(0, kmip.NameOf("name 3")))
	require.Equal(t, []string{uids[3]}, locate(0, kmip.NameOf("name 3"), isSecret))
	require.Empty(t, locate(0, kmip.NameOf("name 3"), kmip.EnumOf(kmip.AttrObjectType, kmip.SymmetricKey)), "all attributes must match")
	require.Empty(t, locate(0, kmip.NameOf("name 9")))
	require.Equal(t, []string{uids[4], uids[2], uids[0]}, locate(0, kmip.TextOf(kmip.AttrObjectGroup, "group 0")), "the newest first")
	require.Equal(t, []string{uids[4], uids[2]}, locate(2, kmip.TextOf(kmip.AttrObjectGroup, "group 0")))
	require.Equal(t, []string{uids[2]}, locate(0, kmip.TextOf(kmip.AttrObjectGroup, "group 0"), kmip.TextOf("x-Slot", "2")))
	require.Equal(t, []string{key}, locate(0, kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES)))
	require.Equal(t, []string{key}, locate(0, kmip.UsageOf(kmip.UsageDecrypt)), "the mask has that bit")
	require.Empty(t, locate(0, kmip.UsageOf(kmip.UsageWrapKey)))
	require.Len(t, locate(0), 6, "no attribute matches all")
	require.Len(t, locate(0, kmip.EnumOf(kmip.AttrState, kmip.PreActive)), 6)
	past, future := kmip.DateOf(kmip.AttrInitialDate, time.Unix(0, 0)), kmip.DateOf(kmip.AttrInitialDate, time.Now().Add(time.Hour))
	require.Len(t, locate(0, past, future), 6, "two dates are a range")
	require.Empty(t, locate(0, past), "one date is that second")
	require.NoError(t, c.Destroy(uids[0]))
	require.Empty(t, locate(0, kmip.NameOf("name 0")), "what is destroyed is not found")
	require.Equal(t, []string{uids[0]}, locate(0, kmip.EnumOf(kmip.AttrState, kmip.Destroyed)), "unless asked for")
	_, err = c.Register(password(0), kmip.NameOf("name 0"))
	require.NoError(t, err, "and its name is free")
	_, err = c.Locate(0, kmip.TextOf("Colour", "red"))
	refused(t, kmip.InvalidField, err, "an attribute that the server does not understand")
}

func TestAttributes(t *testing.T) {
	c := newRig(t).client("a")
	uid, err := c.Create(aes(kmip.NameOf("one"), kmip.NameOf("two"))...)
	require.NoError(t, err)
	other, err := c.Create(aes(kmip.NameOf("other"))...)
	require.NoError(t, err)
	values := func(name string) (out []string) {
		t.Helper()
		attrs, err := c.GetAttributes(uid, name)
		require.NoError(t, err)
		for _, a := range attrs {
			out = append(out, a.String())
		}
		return out
	}
	require.Equal(t, []string{`Name="one" 1`, `Name[1]="two" 1`}, values(kmip.AttrName))
	require.NoError(t, c.AddAttribute(uid, kmip.NameOf("three")))
	require.NoError(t, c.DeleteAttribute(uid, kmip.AttrName, 1))
	require.Equal(t, []string{`Name="one" 1`, `Name[2]="three" 1`}, values(kmip.AttrName), "the index of the others stays")
	changed := kmip.NameOf("drei")
	changed.Index, changed.Indexed = 2, true
	require.NoError(t, c.ModifyAttribute(uid, changed))
	found, err := c.Locate(0, kmip.NameOf("drei"))
	require.NoError(t, err)
	require.Equal(t, []string{uid}, found, "the index of names follows")
	found, err = c.Locate(0, kmip.NameOf("three"))
	require.NoError(t, err)
	require.Empty(t, found)

	indexed := kmip.TextOf("x-A", "1")
	indexed.Indexed = true
	for _, x := range []struct {
		what string
		want kmip.Reason
		err  error
	}{
		{"add a name that another object has", kmip.IllegalOperation, c.AddAttribute(uid, kmip.NameOf("other"))},
		{"add a read-only attribute", kmip.PermissionDenied, c.AddAttribute(uid, kmip.DateOf(kmip.AttrInitialDate, time.Now()))},
		{"add a second of a single one", kmip.IllegalOperation, errors.Join(c.AddAttribute(uid, kmip.TextOf(kmip.AttrContactInformation, "me")), c.AddAttribute(uid, kmip.TextOf(kmip.AttrContactInformation, "you")))},
		{"add with an index", kmip.InvalidField, c.AddAttribute(uid, indexed)},
		{"add an unknown one", kmip.PermissionDenied, c.AddAttribute(uid, kmip.TextOf("Colour", "red"))},
		{"modify to a name that another object has", kmip.IllegalOperation, c.ModifyAttribute(uid, kmip.NameOf("other"))},
		{"modify what is not there", kmip.InvalidField, c.ModifyAttribute(uid, kmip.TextOf(kmip.AttrComment, "x"))},
		{"modify an index that is not there", kmip.ItemNotFound, c.ModifyAttribute(uid, kmip.Attribute{Name: kmip.AttrName, Index: 7, Indexed: true, Value: kmip.NameOf("x").Value})},
		{"modify a read-only attribute", kmip.PermissionDenied, c.ModifyAttribute(uid, kmip.IntOf(kmip.AttrLength, 128))},
		{"delete a required attribute", kmip.PermissionDenied, c.DeleteAttribute(uid, kmip.AttrAlgorithm, 0)},
		{"delete what is not there", kmip.ItemNotFound, c.DeleteAttribute(uid, kmip.AttrComment, 0)},
		{"delete what nobody knows", kmip.ItemNotFound, c.DeleteAttribute(uid, "Colour", 0)},
		{"an object that is not there", kmip.ItemNotFound, c.AddAttribute("nonsense", kmip.TextOf("x-A", "1"))},
	} {
		refused(t, x.want, x.err, x.what)
	}
	_, err = c.GetAttributes(uid, kmip.AttrName, kmip.AttrName)
	refused(t, kmip.InvalidMessage, err, "the same name twice")
	names, err := c.GetAttributeList(uid)
	require.NoError(t, err)
	require.Equal(t, []string{
		"Unique Identifier", "Name", "Object Type", "Cryptographic Algorithm", "Cryptographic Length", "Digest", "Cryptographic Usage Mask",
		"State", "Initial Date", "Contact Information", "Last Change Date", "Original Creation Date",
		"Sensitive", "Always Sensitive", "Extractable", "Never Extractable",
	}, names, "in the order of the specification, each once")
	require.NotEqual(t, attribute(t, c, uid, kmip.AttrDigest), attribute(t, c, other, kmip.AttrDigest), "two keys, two digests")
}

func TestTemplates(t *testing.T) {
	c := newRig(t).client("a", version(kmip.V12))
	tmpl := &kmip.Object{Type: kmip.Template, Attributes: aes(kmip.TextOf(kmip.AttrObjectGroup, "of the template"))}
	uid, err := c.Register(tmpl, kmip.NameOf("AES"))
	require.NoError(t, err)
	o, err := c.Get(uid)
	require.NoError(t, err)
	require.Len(t, o.Attributes, 4, "a template is got as it was registered")
	refused(t, kmip.IllegalOperation, c.Activate(uid))

	create := func(template string, own ...kmip.Attribute) (string, error) {
		ta := ttlv.Struct(kmip.TagTemplateAttribute)
		n := kmip.NameOf(template).Value
		n.Tag = kmip.TagName
		ta.Add(n)
		for _, a := range own {
			ta.Add(a.Item())
		}
		p, err := c.Do(&kmip.Request{Items: []kmip.RequestItem{{Op: kmip.OpCreate, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), ta)}}})
		require.NoError(t, err)
		if err := p.Items[0].Err(); err != nil {
			return "", err
		}
		return p.Items[0].Payload.Find(kmip.TagUniqueIdentifier).Text(), nil
	}
	uid, err = create("AES", kmip.IntOf(kmip.AttrLength, 128))
	require.NoError(t, err, "algorithm and mask come from the template")
	require.Equal(t, "Cryptographic Length=128", attribute(t, c, uid, kmip.AttrLength), "its own attribute overrides the template's")
	require.Equal(t, `Object Group="of the template"`, attribute(t, c, uid, kmip.AttrObjectGroup))
	_, err = create("DES")
	refused(t, kmip.ItemNotFound, err, "no such template")
	_, err = c.Register(&kmip.Object{Type: kmip.Template, Attributes: []kmip.Attribute{kmip.EnumOf(kmip.AttrState, kmip.Active)}})
	refused(t, kmip.InvalidField, err, "a template cannot give a state")
}

func TestRekey(t *testing.T) {
	c := newRig(t).client("a")
	now := time.Now().Truncate(time.Second)
	old, err := c.Create(aes(kmip.NameOf("k"), kmip.TextOf(kmip.AttrObjectGroup, "g"), kmip.TextOf("x-A", "a"),
		kmip.DateOf(kmip.AttrActivationDate, now.Add(-time.Hour)), kmip.DateOf(kmip.AttrDeactivationDate, now.Add(time.Hour)))...)
	require.NoError(t, err)
	uid, err := c.Rekey(old, 10*time.Second)
	require.NoError(t, err)
	require.NotEqual(t, old, uid)
	a, err := c.Get(old)
	require.NoError(t, err)
	b, err := c.Get(uid)
	require.NoError(t, err)
	require.NotEqual(t, a.Material, b.Material, "it is a new key")
	require.Len(t, b.Material, 32)
	found, err := c.Locate(0, kmip.NameOf("k"))
	require.NoError(t, err)
	require.Equal(t, []string{uid}, found, "the name moved to it")
	require.Empty(t, attribute(t, c, old, kmip.AttrName))
	require.Equal(t, fmt.Sprintf("Link=%d %q", kmip.ReplacementLink, uid), attribute(t, c, old, kmip.AttrLink))
	require.Equal(t, fmt.Sprintf("Link=%d %q", kmip.ReplacedLink, old), attribute(t, c, uid, kmip.AttrLink))
	require.Equal(t, `x-A="a"`, attribute(t, c, uid, "x-A"))
	require.Equal(t, "State=Pre-Active", attribute(t, c, uid, kmip.AttrState), "it becomes active after the offset")
	attrs, err := c.GetAttributes(uid, kmip.AttrActivationDate, kmip.AttrDeactivationDate)
	require.NoError(t, err)
	require.Equal(t, 2*time.Hour, attrs[1].Value.Time().Sub(attrs[0].Value.Time()), "and is active for as long as the old one")
	_, err = c.Rekey(old, 0)
	refused(t, kmip.PermissionDenied, err, "a key is replaced once")
	_, err = c.Rekey(uid, time.Second, kmip.DateOf(kmip.AttrActivationDate, now))
	refused(t, kmip.InvalidMessage, err, "an offset and a date")
	s, err := c.Register(password(1))
	require.NoError(t, err)
	_, err = c.Rekey(s, 0)
	refused(t, kmip.PermissionDenied, err, "secret data is not re-keyed")
}

func TestCheck(t *testing.T) {
	c := newRig(t).client("a")
	uid, err := c.Create(aes()...)
	require.NoError(t, err)
	require.NoError(t, c.Check(uid, kmip.UsageEncrypt))
	refused(t, kmip.PermissionDenied, c.Check(uid, kmip.UsageEncrypt|kmip.UsageWrapKey))
	p, err := c.Do(&kmip.Request{Items: []kmip.RequestItem{{Op: kmip.OpCheck, Payload: ttlv.Struct(0,
		ttlv.Text(kmip.TagUniqueIdentifier, uid), ttlv.Int(kmip.TagCryptographicUsageMask, int32(kmip.UsageWrapKey)))}}})
	require.NoError(t, err)
	require.NotNil(t, p.Items[0].Payload.Find(kmip.TagCryptographicUsageMask), "the answer says what is not allowed")
}

func TestDiscoverAndQuery(t *testing.T) {
	r := newRig(t)
	for _, v := range kmip.Versions() {
		c := r.client("a", version(v))
		versions, err := c.DiscoverVersions()
		if v == kmip.V10 {
			refused(t, kmip.OperationNotSupported, err, "KMIP 1.0 has no Discover Versions")
		} else {
			require.NoError(t, err)
			require.Equal(t, kmip.Versions(), versions)
			versions, err = c.DiscoverVersions(kmip.Version{Major: 9}, kmip.V11, kmip.V13)
			require.NoError(t, err)
			require.Equal(t, []kmip.Version{kmip.V11, kmip.V13}, versions, "of the client's, in its order")
		}
		s, err := c.Query(kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation, kmip.QueryProfiles)
		require.NoError(t, err)
		require.Equal(t, []kmip.ObjectType{kmip.Certificate, kmip.SymmetricKey, kmip.Template, kmip.SecretData, kmip.OpaqueObject}, s.Objects)
		require.Equal(t, server.Vendor, s.Vendor)
		if v.AtLeast(kmip.V13) {
			require.Contains(t, s.Profiles, uint32(0x96), "Storage Array with Self-Encrypting Drive Server KMIP 1.4")
		} else {
			require.Empty(t, s.Profiles)
		}
		if v != kmip.V10 {
			require.Len(t, s.Operations, 16)
		}
		for _, op := range s.Operations {
			require.NotContains(t, op.String(), "operation", "it has a name")
		}
		_, err = c.Query(99)
		refused(t, kmip.InvalidField, err)
	}
}

// TestAttributesOfLaterVersionsAreHidden: a client of KMIP 1.2 knows no Comment.
func TestAttributesOfLaterVersionsAreHidden(t *testing.T) {
	r := newRig(t)
	uid, err := r.client("a").Register(password(1), kmip.TextOf(kmip.AttrComment, "of 1.4"))
	require.NoError(t, err)
	old := r.client("a", version(kmip.V12))
	names, err := old.GetAttributeList(uid)
	require.NoError(t, err)
	require.NotContains(t, names, kmip.AttrComment)
	refused(t, kmip.PermissionDenied, old.AddAttribute(uid, kmip.TextOf(kmip.AttrComment, "x")))
}

// TestOneClientDoesNotSeeAnothers: whatever it tries, it is as if there were nothing.
func TestOneClientDoesNotSeeAnothers(t *testing.T) {
	r := newRig(t)
	a, b := r.client("a"), r.client("b")
	uid, err := a.Create(aes(kmip.NameOf("secret plan"), kmip.TextOf(kmip.AttrObjectGroup, "g"))...)
	require.NoError(t, err)
	require.NoError(t, a.Activate(uid))
	found, err := b.Locate(0)
	require.NoError(t, err)
	require.Empty(t, found)
	for _, attr := range []kmip.Attribute{kmip.NameOf("secret plan"), kmip.TextOf(kmip.AttrObjectGroup, "g"), kmip.TextOf(kmip.AttrUniqueIdentifier, uid)} {
		found, err := b.Locate(0, attr)
		require.NoError(t, err)
		require.Empty(t, found, attr.Name)
	}
	_, err = b.Get(uid)
	refused(t, kmip.ItemNotFound, err)
	_, err = b.GetAttributes(uid)
	refused(t, kmip.ItemNotFound, err)
	_, err = b.GetAttributeList(uid)
	refused(t, kmip.ItemNotFound, err)
	_, err = b.Rekey(uid, 0)
	refused(t, kmip.ItemNotFound, err)
	for _, err := range []error{
		b.Activate(uid), b.Destroy(uid), b.Revoke(uid, kmip.RevokedKeyCompromise, "", time.Time{}), b.Check(uid, 0),
		b.AddAttribute(uid, kmip.TextOf("x-a", "1")), b.ModifyAttribute(uid, kmip.NameOf("mine")), b.DeleteAttribute(uid, kmip.AttrName, 0),
	} {
		refused(t, kmip.ItemNotFound, err)
	}
	_, err = b.Create(aes(kmip.NameOf("secret plan"))...)
	require.NoError(t, err, "a name of another client's is free")
	_, err = r.client("a").Get(uid)
	require.NoError(t, err, "another certificate of the same subject is the same client")
}
