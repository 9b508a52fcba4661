package tct

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct/objectstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// bench is a facility with a TCT group and a cloud server on loopback.
type bench struct {
	t       testing.TB
	group   *encgroup.Group
	store   *objectstore.Store
	address string
	ca      *cert.CA
	mu      sync.Mutex
	wire    bytes.Buffer
	tier    *Tier
	http    *HTTP
}

type tap struct {
	net.Conn
	b *bench
}

func (c tap) Write(p []byte) (int, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.wire.Write(p)
	return c.Conn.Write(p)
}

func newGroup(t testing.TB, seed uint64) *encgroup.Group {
	c, err := encgroup.NewMemCluster(entropy.Stream(seed, "servers"), "a", "b")
	require.NoError(t, err)
	g := encgroup.NewOf(encgroup.TCT, c.Servers(), entropy.Stream(seed, "group"), &encgroup.MemStore{})
	require.NoError(t, g.Configure("cloud"))
	return g
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, group: newGroup(t, 1)}
	var err error
	b.ca, err = cert.NewCA("lab", day(1), day(3000), entropy.Stream(1, "CA"))
	require.NoError(t, err)
	own, err := b.ca.Issue(cert.Request{Name: "cloud", Hosts: []string{"127.0.0.1"}, From: day(1), To: day(200)})
	require.NoError(t, err)
	b.store, err = objectstore.New(objectstore.Config{Token: "s3same", ObjectMax: 1 << 20, ObjectsMax: 2000, Timeout: 30 * time.Second})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b.address = "https://" + l.Addr().String()
	s := b.store.Server(cert.ServerTLS(own, nil, func() time.Time { return day(100) }), log.New(io.Discard, "", 0))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
	b.http = b.cloud("s3same", b.ca, 100)
	b.tier = New(b.group, b.http, entropy.Stream(1, "tier"))
	return b
}

// cloud is the way to the server for a facility that trusts ca on a day.
func (b *bench) cloud(token string, ca *cert.CA, now int) *HTTP {
	transport := &http.Transport{
		TLSClientConfig: cert.ClientTLS(nil, ca.Pool(), func() time.Time { return day(now) }),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return tap{c, b}, err
		},
	}
	b.t.Cleanup(transport.CloseIdleConnections)
	h, err := NewHTTP(b.address, token, &http.Client{Transport: transport, Timeout: 30 * time.Second})
	require.NoError(b.t, err)
	return h
}

var plain = []byte(strings.Repeat("customer data that goes to the cloud ", 100))

func TestTheCloudHasNeitherPlaintextNorKeys(t *testing.T) {
	b := newBench(t)
	r, err := b.tier.Migrate("volume 7/extent 1", plain)
	require.NoError(t, err)
	require.Equal(t, int64(len(plain)), r.Size)
	got, err := b.tier.Recall(r)
	require.NoError(t, err)
	require.Equal(t, plain, got)

	raw, err := b.store.Raw("volume 7/extent 1")
	require.NoError(t, err)
	require.Len(t, raw, len(plain)+Overhead)
	secrets, err := b.group.Secrets("")
	require.NoError(t, err)
	objectKey, err := b.group.UnwrapObjectKey([40]byte(raw[wrapAt:]))
	require.NoError(t, err)
	secrets = append(secrets, encgroup.NamedSecret{Name: "object key", Secret: objectKey})
	b.mu.Lock()
	wire := bytes.Clone(b.wire.Bytes())
	b.mu.Unlock()
	seen := append(bytes.Clone(raw), wire...)
	for i := 0; i+8 <= 37; i++ {
		require.False(t, bytes.Contains(seen, plain[i:i+8]), "plaintext is there: %q", plain[i:i+8])
	}
	for _, s := range secrets {
		require.False(t, bytes.Contains(seen, s.Secret[:8]), "%s is there raw", s.Name)
		require.False(t, bytes.Contains(seen, []byte(hex.EncodeToString(s.Secret[:8]))), "%s is there in hexadecimal", s.Name)
		require.False(t, bytes.Contains(seen, []byte(base64.StdEncoding.EncodeToString(s.Secret[:9]))), "%s is there in base 64", s.Name)
	}
	require.False(t, bytes.Contains(wire, raw[:headerSize]), "TLS hides the object as well")
	require.False(t, bytes.Contains(wire, []byte("s3same")))
}

func TestWithoutTheGroupsKeyItIsUnreadable(t *testing.T) {
	b := newBench(t)
	r, err := b.tier.Migrate("a", plain)
	require.NoError(t, err)
	_, err = New(newGroup(t, 2), b.http, entropy.Stream(1, "x")).Recall(r)
	require.ErrorIs(t, err, encgroup.ErrUnwrap, "the key of another group does not help")
	require.ErrorIs(t, err, ErrTampered)
	b.group.PowerOff()
	_, err = b.tier.Recall(r)
	require.ErrorIs(t, err, encgroup.ErrInaccessible)
	_, err = b.tier.Migrate("b", plain)
	require.ErrorIs(t, err, encgroup.ErrInaccessible)
	_, err = b.store.Raw("b")
	require.ErrorIs(t, err, objectstore.ErrNotFound, "nothing is sent that cannot be encrypted")
	require.NoError(t, b.group.Retrieve())
	_, err = b.tier.Recall(r)
	require.NoError(t, err)
}

func TestWhatIsDoneInTheCloudIsFound(t *testing.T) {
	b := newBench(t)
	small := plain[:100]
	r, err := b.tier.Migrate("a", small)
	require.NoError(t, err)
	other, err := b.tier.Migrate("b", plain[7:107])
	require.NoError(t, err)
	good, err := b.store.Raw("a")
	require.NoError(t, err)
	swapped, err := b.store.Raw("b")
	require.NoError(t, err)

	check := func(body []byte, why string, a ...any) {
		require.NoError(t, b.store.Overwrite("a", body))
		got, err := b.tier.Recall(r)
		require.ErrorIs(t, err, ErrTampered, fmt.Sprintf(why, a...))
		require.Nil(t, got)
	}
	for bit := 0; bit < len(good)*8; bit += 3 {
		bent := bytes.Clone(good)
		bent[bit/8] ^= 1 << (bit % 8)
		check(bent, "bit %d", bit)
	}
	for n := 0; n < len(good); n += 13 {
		check(good[:n], "cut at %d", n)
	}
	check(append(bytes.Clone(good), 0), "one byte more")
	check(make([]byte, 1<<19), "a giant")
	check(swapped, "another object")

	// The other object's header and identifier, taken over whole: its name still binds it.
	require.NoError(t, b.store.Overwrite("a", swapped))
	_, err = b.tier.Recall(Receipt{"a", other.Size, other.ID})
	require.ErrorIs(t, err, ErrTampered, "a name is bound to its object")

	require.NoError(t, b.store.Overwrite("a", good))
	again, err := b.tier.Migrate("a", small)
	require.NoError(t, err)
	newer, err := b.store.Raw("a")
	require.NoError(t, err)
	require.NotEqual(t, good[wrapAt:sizeAt], newer[wrapAt:sizeAt], "a new version has a new key")
	require.NotEqual(t, good[nonceAt:headerSize], newer[nonceAt:headerSize])
	require.NoError(t, b.store.Overwrite("a", good))
	_, err = b.tier.Recall(again)
	require.ErrorIs(t, err, ErrTampered, "an older version is not the newer one")
	require.NoError(t, b.tier.Delete(again))
	_, err = b.tier.Recall(again)
	require.ErrorIs(t, err, ErrNotFound)
}

func TestObjectsOfEverySize(t *testing.T) {
	b := newBench(t)
	for _, n := range []int{0, 1, 15, 16, 17, 4096, 1<<20 - Overhead} {
		body := bytes.Repeat([]byte{7}, n)
		r, err := b.tier.Migrate(fmt.Sprint(n), body)
		require.NoError(t, err, "%d bytes", n)
		got, err := b.tier.Recall(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))
	}
	_, err := b.tier.Migrate("x", make([]byte, 1<<20))
	require.ErrorIs(t, err, ErrTooLarge, "too large for the cloud server")
	for i := range 1100 {
		require.NoError(t, b.store.Overwrite(fmt.Sprintf("list/%04d", i), nil))
	}
	names, err := b.http.List("list/")
	require.NoError(t, err)
	require.Len(t, names, 1100, "more than one answer holds")
	require.Equal(t, "list/1099", names[1099])
}

func TestTheWayToTheCloud(t *testing.T) {
	b := newBench(t)
	stranger, err := cert.NewCA("stranger", day(1), day(3000), entropy.Stream(1, "stranger"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		cloud *HTTP
		want  error
	}{
		"wrong token": {b.cloud("wrong", b.ca, 100), ErrRefused},
		"unknown CA":  {b.cloud("s3same", stranger, 100), ErrCloud},
		"expired":     {b.cloud("s3same", b.ca, 201), ErrCloud},
	} {
		_, err := New(b.group, c.cloud, entropy.Stream(1, "x")).Migrate("a", plain)
		require.ErrorIs(t, err, c.want, name)
		require.NotContains(t, err.Error(), "s3same", "%s: the token is told to nobody", name)
		_, err = b.store.Raw("a")
		require.ErrorIs(t, err, objectstore.ErrNotFound)
	}
	_, err = New(b.group, b.cloud("s3same", stranger, 100), entropy.Stream(1, "x")).Migrate("a", plain)
	require.ErrorIs(t, cert.Classify(err, day(100)), cert.ErrUnknownCA, "the reason can be found")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	gone, err := NewHTTP("https://"+l.Addr().String(), "s3same", &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}})
	require.NoError(t, err)
	_, err = New(b.group, gone, entropy.Stream(1, "x")).Migrate("a", plain)
	require.ErrorIs(t, err, ErrCloud)

	for _, address := range []string{"http://cloud", "cloud", "https://", "https://a:b@cloud", "https://cloud?x=y", "::"} {
		_, err := NewHTTP(address, "s3same", &http.Client{Timeout: time.Second})
		require.ErrorContains(t, err, "need https://", address)
	}
	_, err = NewHTTP("https://cloud", "s3same", &http.Client{})
	require.ErrorContains(t, err, "timeout")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", b.http, *b.http, struct{ c any }{b.http}), "s3same")
}

// TestARedirectionIsNotFollowed: it could lead away from TLS with the token.
func TestARedirectionIsNotFollowed(t *testing.T) {
	b := newBench(t)
	own, err := b.ca.Issue(cert.Request{Name: "crooked", Hosts: []string{"127.0.0.1"}, From: day(1), To: day(200)})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, Time: func() time.Time { return day(100) }},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, b.address+r.URL.Path, http.StatusTemporaryRedirect)
		}),
	}
	done := make(chan error, 1)
	go func() { done <- s.ServeTLS(l, "", "") }()
	b.address, b.t = "https://"+l.Addr().String(), t
	_, err = b.cloud("s3same", b.ca, 100).Get("a", 10)
	require.ErrorIs(t, err, ErrRefused)
	require.NoError(t, s.Close())
	<-done
}

func TestTierRefusals(t *testing.T) {
	b := newBench(t)
	_, err := b.tier.Migrate("", nil)
	require.ErrorContains(t, err, "need 1 to 120")
	_, err = b.tier.Migrate(strings.Repeat("n", 121), nil)
	require.ErrorContains(t, err, "need 1 to 120")
	_, err = b.tier.Recall(Receipt{Name: "a", Size: -1})
	require.ErrorContains(t, err, "a receipt for -1 bytes")
	_, err = New(b.group, b.http, iotest.ErrReader(errors.New("stuck"))).Migrate("a", plain)
	require.ErrorContains(t, err, "stuck")
	require.Panics(t, func() { New(nil, nil, nil) })
}

func FuzzDecrypt(f *testing.F) {
	g := newGroup(f, 1)
	good, r, err := encrypt(g, "a", []byte("x"), entropy.Stream(1, "x"))
	require.NoError(f, err)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decrypt(g, r, b)
		if err == nil {
			require.Equal(t, good, b, "only what was sent is taken")
			require.Equal(t, "x", string(got))
		}
	})
}

func BenchmarkEncrypt(b *testing.B) {
	g, body, random := newGroup(b, 1), make([]byte, 1<<20), entropy.Stream(1, "x")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, _, err := encrypt(g, "a", body, random); err != nil {
			b.Fatal(err)
		}
	}
}
