package kmip_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// judge finds a Python that has PyKMIP, an implementation of KMIP by others. It
// judges this package in both directions.
func judge(t testing.TB) (python string) {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import kmip").Run() == nil {
			return p
		}
	}
	t.Skip("skipped: install python3-pykmip")
	return ""
}

// authority is a CA whose certificates lie in files.
type authority struct {
	t   testing.TB
	ca  *pki.Pair
	dir string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	var err error
	a.ca, err = pki.NewCA(a.request("judge CA"), rand.Reader)
	require.NoError(t, err)
	require.NoError(t, a.ca.Write(a.base("ca")))
	return a
}

func (a *authority) base(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) request(name string, hosts ...string) pki.Request {
	return pki.Request{Name: name, Hosts: hosts, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
}

func (a *authority) client(name string) *pki.Pair {
	a.t.Helper()
	p, err := a.ca.Client(a.request(name), rand.Reader)
	require.NoError(a.t, err)
	require.NoError(a.t, p.Write(a.base(name)))
	return p
}

func (a *authority) server() *pki.Pair {
	a.t.Helper()
	if p, err := pki.Read(a.base("server")); err == nil {
		return p
	}
	p, err := a.ca.Server(a.request("server", "127.0.0.1", "localhost"), rand.Reader)
	require.NoError(a.t, err)
	require.NoError(a.t, p.Write(a.base("server")))
	return p
}

// freeAddr is an address at which nobody listens, with a port that the kernel gives to no
// outgoing connection, so that it stays free.
func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+mrand.IntN(22000)))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return l.Addr().String()
	}
}

// pykmipServer runs PyKMIP's server, and gives a configuration to reach it, with the
// authority that signed its certificate.
func pykmipServer(t testing.TB) (kmip.Config, *authority) {
	t.Helper()
	python, a := judge(t), newAuthority(t)
	a.server()
	own := a.client("facility")
	addr := freeAddr(t)
	require.NoError(t, os.Mkdir(a.base("policy"), 0o700))
	_, port, _ := net.SplitHostPort(addr)
	conf := fmt.Sprintf("[server]\nhostname=127.0.0.1\nport=%s\ncertificate_path=%s.crt\nkey_path=%s.key\nca_path=%s.crt\n"+
		"auth_suite=TLS1.2\npolicy_path=%s\nenable_tls_client_auth=True\nlogging_level=ERROR\ndatabase_path=%s\n",
		port, a.base("server"), a.base("server"), a.base("ca"), a.base("policy"), a.base("pykmip.db"))
	require.NoError(t, os.WriteFile(a.base("server.conf"), []byte(conf), 0o600))
	var out bytes.Buffer
	cmd := exec.Command(python, "-W", "ignore", "-c", "from kmip.services.server import server; server.main()",
		"-f", a.base("server.conf"), "-l", a.base("pykmip.log"))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it forks
	cmd.WaitDelay = time.Second
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(a.base("pykmip.log"))
			t.Logf("PyKMIP's server said:\n%s\n%s", out.String(), log)
		}
	})
	cfg := kmip.Config{
		Addr: addr, Clock: time.Now, Timeout: 20 * time.Second,
		TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}},
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		c, err := kmip.Dial(cfg)
		if err == nil {
			require.NoError(t, c.Close())
			return cfg, a
		}
		require.True(t, time.Now().Before(deadline), "PyKMIP's server answers: %v", err)
	}
}

// TestClientAgainstPyKMIP: their server takes what our client says, and our
// client what it answers, in every version of KMIP 1.
func TestClientAgainstPyKMIP(t *testing.T) {
	t.Parallel()
	cfg, a := pykmipServer(t)
	for _, v := range kmip.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			cfg := cfg
			cfg.Version = v
			c, err := kmip.Dial(cfg)
			require.NoError(t, err)
			defer c.Close()
			name := "key of " + v.String()

			s, err := c.Query(kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation)
			require.NoError(t, err, "Query")
			require.Contains(t, s.Operations, kmip.OpGet)
			if v != kmip.V10 {
				versions, err := c.DiscoverVersions()
				require.NoError(t, err)
				require.Subset(t, versions, kmip.Versions(), "Discover Versions")
			}

			uid, err := c.Create(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256),
				kmip.UsageOf(kmip.UsageEncrypt|kmip.UsageDecrypt), kmip.NameOf(name))
			require.NoError(t, err, "Create")
			found, err := c.Locate(0, kmip.NameOf(name), kmip.EnumOf(kmip.AttrObjectType, kmip.SymmetricKey))
			require.NoError(t, err)
			require.Equal(t, []string{uid}, found, "Locate by Name and Object Type")
			o, err := c.Get(uid)
			require.NoError(t, err, "Get")
			require.Len(t, o.Material, 32)
			names, err := c.GetAttributeList(uid)
			require.NoError(t, err)
			require.Contains(t, names, kmip.AttrState, "Get Attribute List")
			attrs, err := c.GetAttributes(uid, kmip.AttrState, kmip.AttrLength)
			require.NoError(t, err)
			require.Len(t, attrs, 2, "Get Attributes")
			require.NoError(t, c.Activate(uid))
			refuse(t, kmip.PermissionDenied, c.Activate(uid), "activated twice")
			refuse(t, kmip.PermissionDenied, c.Destroy(uid), "an active key is not destroyed")
			require.NoError(t, c.Revoke(uid, kmip.RevokedCessationOfOperation, "done", time.Time{}))
			require.NoError(t, c.Destroy(uid))
			_, err = c.Get(uid)
			require.ErrorIs(t, err, encgroup.ErrNoKey)

			in := secretOf(7)
			uid, err = c.Register(in, kmip.NameOf(name+" secret"), kmip.UsageOf(0), kmip.TextOf(kmip.AttrObjectGroup, "array "+v.String()))
			require.NoError(t, err, "Register")
			out, err := c.Get(uid)
			require.NoError(t, err)
			require.Equal(t, in.Material, out.Material, "what was registered comes back")

			for _, in := range []*kmip.Object{
				{Type: kmip.OpaqueObject, Opaque: 1 << 31, Material: []byte("whatever")},
				{Type: kmip.Certificate, Certificate: kmip.X509, Material: a.ca.Cert.Raw},
			} {
				attrs := []kmip.Attribute{kmip.NameOf(name + " " + in.Type.String())}
				if in.Type == kmip.Certificate {
					attrs = append(attrs, kmip.UsageOf(0))
				}
				uid, err := c.Register(in, attrs...)
				require.NoError(t, err, "Register of a %s", in.Type)
				out, err := c.Get(uid)
				require.NoError(t, err)
				require.Equal(t, *in, out, "what was registered comes back")
			}
		})
	}
}

func TestKeyServerAgainstPyKMIP(t *testing.T) {
	t.Parallel()
	cfg, _ := pykmipServer(t)
	k := kmip.NewKeyServer("pykmip", cfg, kmip.Profile{Group: "75NR641", Entropy: rand.Reader})
	name, err := k.Create("rank keys")
	require.NoError(t, err)
	key, err := k.Get(name)
	require.NoError(t, err)
	require.NotEqual(t, secret.Key32{}, *key, "a key came")
	again, err := k.Get(name)
	require.NoError(t, err)
	require.True(t, key.Equal(again), "it is the same each time")
	_, err = k.Get("no such key")
	require.ErrorIs(t, err, encgroup.ErrNoKey)
}

// theirs is what PyKMIP's client does with our server: one line of JSON for each
// step, so that this side judges the answers.
const theirs = `
import ssl, sys, json
from kmip.pie import client, objects
from kmip.core import enums
from kmip.core.factories.attributes import AttributeFactory
host, port, cert, key, ca, version = sys.argv[1:7]
version = getattr(enums.KMIPVersion, version)
steps = []
def step(name, value=None): steps.append([name, value])
def fails(name, f):
    try:
        f()
        step(name, "succeeded")
    except client.exceptions.KmipOperationFailure as e:
        step(name, e.reason.name)
c = client.ProxyKmipClient(hostname=host, port=int(port), cert=cert, key=key, ca=ca, config_file=sys.argv[7], kmip_version=version)
with c:
    uid = c.create(enums.CryptographicAlgorithm.AES, 256, name="theirs " + version.name)
    k = c.get(uid)
    step("create", [len(k.value), k.cryptographic_algorithm.name, k.cryptographic_length])
    f = AttributeFactory()
    found = c.locate(attributes=[f.create_attribute(enums.AttributeType.NAME, "theirs " + version.name),
        f.create_attribute(enums.AttributeType.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY)])
    step("locate", found == [uid])
    step("list", "State" in c.get_attribute_list(uid))
    got, attrs = c.get_attributes(uid, ["State", "Name", "Cryptographic Usage Mask"])
    step("attributes", [a.attribute_name.value for a in attrs])
    c.activate(uid)
    fails("activate twice", lambda: c.activate(uid))
    fails("destroy active", lambda: c.destroy(uid))
    c.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, uid, "lost", 1)
    got, attrs = c.get_attributes(uid, ["State", "Compromise Date"])
    step("state", attrs[0].attribute_value.value.name)
    c.destroy(uid)
    fails("get destroyed", lambda: c.get(uid))
    s = c.register(objects.SecretData(b"0123456789abcdef0123456789abcdef", enums.SecretDataType.PASSWORD, name="secret " + version.name))
    step("secret", c.get(s).value.decode())
    s = c.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 128, b"k" * 16, [enums.CryptographicUsageMask.ENCRYPT], name="key " + version.name))
    step("key", c.get(s).value.decode())
    der = ssl.PEM_cert_to_DER_cert(open(ca).read())
    s = c.register(objects.X509Certificate(der, name="certificate " + version.name))
    step("certificate", c.get(s).value == der)
    s = c.register(objects.OpaqueObject(b"whatever", enums.OpaqueDataType.NONE, name="opaque " + version.name))
    step("opaque object", c.get(s).value.decode())
    s = c.locate(attributes=[f.create_attribute(enums.AttributeType.NAME, "key " + version.name)])[0]
    fails("same name", lambda: c.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 128, b"k" * 16, [enums.CryptographicUsageMask.ENCRYPT], name="key " + version.name)))
    fails("no such", lambda: c.get("nonsense"))
    new = c.rekey(s)
    step("rekey", new != s and c.get(new).value != c.get(s).value)
    fails("bad length", lambda: c.create(enums.CryptographicAlgorithm.AES, 100))
    fails("encrypt", lambda: c.encrypt(b"x", s)) if version != enums.KMIPVersion.KMIP_1_0 and version != enums.KMIPVersion.KMIP_1_1 else step("encrypt", "OPERATION_NOT_SUPPORTED")
print(json.dumps(steps))
`

// TestServerAgainstPyKMIP: their client takes what our server answers.
func TestServerAgainstPyKMIP(t *testing.T) {
	t.Parallel()
	python, a := judge(t), newAuthority(t)
	a.client("facility")
	addr, stop := serve(t, a)
	defer stop()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.base("client.conf"), []byte("[client]\n"), 0o600))
	for _, v := range kmip.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, python, "-W", "ignore", "-c", theirs, host, port, a.base("facility.crt"), a.base("facility.key"),
				a.base("ca.crt"), "KMIP_1_"+strconv.Itoa(int(v.Minor)), a.base("client.conf"))
			var said bytes.Buffer
			cmd.Stderr = &said
			out, err := cmd.Output()
			require.NoError(t, err, "their client did all of it: %s", said.String())
			var steps [][]any
			require.NoError(t, json.Unmarshal(out, &steps))
			require.Equal(t, [][]any{
				{"create", []any{32.0, "AES", 256.0}},
				{"locate", true},
				{"list", true},
				{"attributes", []any{"State", "Name", "Cryptographic Usage Mask"}},
				{"activate twice", "PERMISSION_DENIED"},
				{"destroy active", "PERMISSION_DENIED"},
				{"state", "COMPROMISED"},
				{"get destroyed", "ILLEGAL_OPERATION"},
				{"secret", "0123456789abcdef0123456789abcdef"},
				{"key", "kkkkkkkkkkkkkkkk"},
				{"certificate", true},
				{"opaque object", "whatever"},
				{"same name", "INVALID_FIELD"},
				{"no such", "ITEM_NOT_FOUND"},
				{"rekey", true},
				{"bad length", "INVALID_FIELD"},
				{"encrypt", "OPERATION_NOT_SUPPORTED"},
			}, steps)
		})
	}
}
