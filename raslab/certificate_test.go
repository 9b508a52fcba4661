package raslab

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

func trusting(t *testing.T, l *Lab, n int, issuers ...string) {
	t.Helper()
	var file []byte
	for _, i := range issuers {
		a, err := l.customer.Authority(i)
		must(t, err)
		file = append(file, a...)
	}
	name := strings.Join(issuers, "+") + ".pem"
	m, err := l.ChangeKeyManager(n, KeyManagerChange{Certificate: &name, Trust: file})
	must(t, err)
	require.Equal(t, name, m.Certificate)
	require.Equal(t, file, m.Trust, "a client of one's own is told whom to trust")
}

// crypto/x509 verifies a server against the authorities that its key manager trusts.
func TestKeyManagersTrustWhomTheyAreTold(t *testing.T) {
	l := encrypted(t, Options{})
	both(func(t *testing.T, l *Lab, n int) { trusting(t, l, n, "factory") })(t, l)
	l.RetrieveKeys()
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3"}, openCodes(l), "the servers show certificates of the customer's authority\n%s", history{l})
	require.Contains(t, openEvent(t, l, "BE14EAF3").Found[0], "the server's certificate: it comes from an unknown authority")
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14CFEA", "BE14E0F1", "BE14EAF3", "BE14EAF3"}, openCodes(l))
	staysOpen(t, l, openEvent(t, l, "BE14E0F1"))

	both(reissue("factory", "", 0))(t, l)
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	closeAll(t, l)

	// One of several authorities is enough.
	both(reissue("unknown", "", 0))(t, l)
	fails(t, l)(l.PowerCycle())
	both(func(t *testing.T, l *Lab, n int) { trusting(t, l, n, "factory", "unknown") })(t, l)
	ok(t, l)(l.PowerCycle())
	closeAll(t, l)

	// Without a file it is the customer's again.
	name := customerCertificate
	m, err := l.ChangeKeyManager(1, KeyManagerChange{Certificate: &name})
	must(t, err)
	own, err := l.customer.Authority("customer")
	must(t, err)
	require.Equal(t, own, m.Trust)
	all, err := l.TestAccess(1)
	must(t, err)
	require.ErrorContains(t, all[0].Err, "unknown authority")

	// A new key manager trusts whom it is told, too.
	h, err := l.customer.Add("third.example.com")
	must(t, err)
	must(t, h.Reissue("unknown", "", 0))
	file, err := l.customer.Authority("unknown")
	must(t, err)
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: h.Name, Certificate: "other.pem", Trust: file})
	must(t, err)
	all, err = l.TestAccess(1)
	must(t, err)
	require.NoError(t, all[2].Err)
}

func TestReadTrust(t *testing.T) {
	files := map[string][]byte{"a.pem": []byte("x"), "empty": nil}
	read := func(name string) ([]byte, error) {
		if data, ok := files[name]; ok {
			return data, nil
		}
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	data, err := ReadTrust("a.pem", read)
	must(t, err)
	require.Equal(t, "x", string(data))
	data, err = ReadTrust("empty", read)
	must(t, err)
	require.NotNil(t, data, "an empty file is not the customer's authority")
	data, err = ReadTrust(customerCertificate, read)
	must(t, err)
	require.Nil(t, data, "without a file the name means the customer's authority")
	files[customerCertificate] = []byte("y")
	data, err = ReadTrust(customerCertificate, read)
	must(t, err)
	require.Equal(t, "y", string(data), "a file of that name counts")
	_, err = ReadTrust("b.pem", read)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = ReadTrust("b.pem", nil)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = ReadTrust("b.pem", func(string) ([]byte, error) { return nil, fs.ErrPermission })
	require.ErrorIs(t, err, fs.ErrPermission)
}

// The name of the file and the authorities that are trusted stay together.
func TestTheNameOfACertificateIsThatOfItsAuthority(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	l.customer.UsePairs(drawOnce(Options{}))
	own, err := l.customer.Authority("customer")
	must(t, err)
	speak, none, tls := IPP, ProtocolNone, ProtocolTLS
	trusting(t, l, 1, "unknown")
	m, err := l.ChangeKeyManager(1, KeyManagerChange{KeyProtocol: &speak, Protocol: &none})
	must(t, err)
	require.Equal(t, []any{"", []byte(nil)}, []any{m.Certificate, m.Trust})
	m, err = l.ChangeKeyManager(1, KeyManagerChange{Protocol: &tls})
	must(t, err)
	require.Equal(t, []any{customerCertificate, own}, []any{m.Certificate, m.Trust})
}

func TestWhatIsNoAuthorityIsRefused(t *testing.T) {
	l := encrypted(t, Options{})
	before, name := l.KeyManagers(), "x.pem"
	for _, file := range []string{"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		_, err := l.ChangeKeyManager(1, KeyManagerChange{Certificate: &name, Trust: []byte(file)})
		require.ErrorIs(t, err, ErrInvalid)
		require.NotContains(t, err.Error(), "\n", "one line")
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: "x", Certificate: name, Trust: []byte(file)})
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err := l.customer.Authority("me")
	require.ErrorIs(t, err, ErrInvalid)
	require.Equal(t, before, l.KeyManagers(), "nothing was changed")
}

func TestImportOfACustomersCertificate(t *testing.T) {
	l := encrypted(t, Options{})
	good, err := l.customer.ClientCertificate(0)
	must(t, err)
	other, err := l.customer.ClientCertificate(0)
	must(t, err)
	short, err := l.customer.ClientCertificate(time.Hour)
	must(t, err)
	advance(t, l, 2*time.Hour)
	public, key := halves(good)
	_, otherKey := halves(other)
	server, err := l.certificate.maker.Issue(cert.Request{Name: "x", Use: cert.Server, From: l.Now(), To: l.Now().Add(time.Hour)})
	must(t, err)
	later, err := l.certificate.maker.Issue(cert.Request{Name: "x", Use: cert.Client, From: l.Now().Add(time.Hour), To: l.Now().Add(2 * time.Hour)})
	must(t, err)
	before := l.FacilityCertificate()
	for says, file := range map[string][]byte{
		"holds no certificate":        key,
		"holds no private key":        public,
		"does not fit":                join(public, otherKey),
		"cannot be read":              join(public, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
		"certificate is expired":      short,
		"is not valid yet":            whole(t, later),
		"is not for a client":         whole(t, server),
		"PEM with a block CERTIFICAT": []byte("hello"),
	} {
		_, err := l.ImportCertificate(file)
		require.ErrorIs(t, err, ErrInvalid, says)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "\n", "one line")
		require.Equal(t, before, l.FacilityCertificate(), "the one before stays in use")
	}
	ok(t, l)(l.PowerCycle())
	_, err = l.ImportCertificate(join(key, public))
	must(t, err)
	require.Equal(t, "CUSTOMER", l.FacilityCertificate().Kind)
	ok(t, l)(l.PowerCycle())
	noEvents(t, l)

	// The private key is in no log, and in nothing that is printed.
	b, _ := pem.Decode(key)
	seed := b.Bytes[len(b.Bytes)-32:]
	printed := l.TraceText() + fmt.Sprintf("%v %+v %#v %s", l.certificate.holder, l.certificate.holder, l.certificate.holder, l.certificate.holder.Current())
	for _, s := range []string{string(seed), hex.EncodeToString(seed), base64.StdEncoding.EncodeToString(b.Bytes), strings.Trim(fmt.Sprint(seed), "[]")} {
		require.NotContains(t, printed, s)
	}
}

func halves(file []byte) (certificate, key []byte) {
	b, rest := pem.Decode(file)
	return pem.EncodeToMemory(b), rest
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func whole(t *testing.T, c *cert.Certificate) []byte {
	certificates, key, err := c.PEM()
	must(t, err)
	return join(certificates, key)
}

// A customer's certificate may come from an authority below the one that the servers
// trust: it brings the way up with it.
func TestACertificateWithAnIntermediate(t *testing.T) {
	l := encrypted(t, Options{})
	from, to := l.options.certified()
	sub, err := l.certificate.maker.Subordinate("storage department", from, to)
	must(t, err)
	c, err := sub.Issue(cert.Request{Name: "facility", Use: cert.Client, From: l.Now(), To: to})
	must(t, err)
	_, err = l.ImportCertificate(whole(t, c))
	must(t, err)
	ok(t, l)(l.PowerCycle())
	noEvents(t, l)
	alone, _ := halves(whole(t, c))
	_, key, err := c.PEM()
	must(t, err)
	_, err = l.ImportCertificate(join(alone, key))
	must(t, err)
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E0F1"}, openCodes(l), "without it the servers cannot verify it")
}

func TestTheCertificateOfAKeyServerIsWarnedOf(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, keyHost(t, l, 2).Reissue("customer", "", 40*24*time.Hour))
	advance(t, l, 39*24*time.Hour+12*time.Hour)
	require.Equal(t, 4, strings.Count(l.TraceText(), "of key manager 2 keyserver2.example.com: the certificate expires in"), "at once, at 30, 7 days and 1 day\n%s", history{l})
	noEvents(t, l)
	advance(t, l, 24*time.Hour)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"}, openCodes(l), "then it fails")
}
