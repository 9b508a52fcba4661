package campaign

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"
)

// user makes an NKey: its public half, and a file with its seed.
func user(t *testing.T) (public, file string) {
	t.Helper()
	k, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err = k.PublicKey()
	require.NoError(t, err)
	seed, err := k.Seed()
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "seed")
	require.NoError(t, os.WriteFile(file, seed, 0o600))
	return public, file
}

// TestPermissions: on a server with the configuration that is printed a worker does its work, and nothing else: it
// reads no state, makes and deletes no stream, puts no job, and reads nobody's results.
func TestPermissions(t *testing.T) {
	t.Parallel()
	coordinator, coordinatorSeed := user(t)
	worker, workerSeed := user(t)
	programs, programsSeed := user(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "nats.conf")
	settings := strings.Replace(ServerConfig(coordinator, worker, programs), "./jetstream", filepath.Join(dir, "jetstream"), 1)
	require.NoError(t, os.WriteFile(config, []byte("listen: \"127.0.0.1:-1\"\n"+settings), 0o600))
	o, err := server.ProcessConfigFile(config)
	require.NoError(t, err)
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(s.Shutdown)
	require.True(t, s.ReadyForConnections(ready))

	as := func(seed string) *nats.Conn {
		nc, err := Outside{URL: s.ClientURL(), NKey: seed, Name: "test"}.Connect()
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	own, theirs := as(coordinatorSeed), as(workerSeed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- Work(ctx, theirs, WorkerOptions{Name: "worker", Slots: 2}) }()
	state, err := Coordinate(ctx, own, plan(t, "drive lifecycles=40 each=4"), Options{})
	require.NoError(t, err)
	require.Equal(t, Done, state.Over)
	require.Equal(t, uint64(40), state.Report.Units)
	cancel()
	require.NoError(t, <-worked)

	id := state.ID
	eve := as(workerSeed)
	for _, request := range []string{
		"$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.DELETE." + jobsStream, "$JS.API.STREAM.PURGE." + resultsStream,
		"$JS.API.DIRECT.GET.KV_" + stateBucket, "$JS.API.CONSUMER.DELETE." + jobsStream + "." + workConsumer, "$KV." + stateBucket + "." + id,
		"$JS.API.CONSUMER.MSG.NEXT." + resultsStream + ".results-" + id, subject(jobSubjects, id, 1), coordinatorSubject(id), "$JS.ACK." + resultsStream + ".results-" + id + ".1.1.1.1.1",
	} {
		_, err := eve.Request(request, nil, 300*time.Millisecond)
		require.Error(t, err, request)
	}
	permissionsOfPrograms(t, own, eve, as(programsSeed), id)
	sub, err := eve.SubscribeSync(resultSubjects + ".>")
	require.NoError(t, err)
	require.NoError(t, own.Publish(subject(resultSubjects, "0123456789ab", 1), []byte("{}")))
	_, err = sub.NextMsg(time.Second)
	require.Error(t, err, "nobody else's results come to a worker")
	again, err := Read(t.Context(), own, id)
	require.NoError(t, err)
	require.Equal(t, state.Report, again.Report)

	_, err = Outside{URL: "nats://" + strings.TrimPrefix(s.ClientURL(), "nats://")}.Connect()
	require.ErrorContains(t, err, "Authorization", "nobody gets in without a key")
	_, err = Outside{URL: "nats://me:secret@127.0.0.1:1"}.Connect()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

// permissionsOfPrograms: a file of a program is there, and a job. Only who runs programs has the one and reads the other, and
// no worker changes anything.
func permissionsOfPrograms(t *testing.T, own, eve, runs *nats.Conn, id string) {
	t.Helper()
	store, err := streams(own).CreateOrUpdateObjectStore(t.Context(), storeConfig(1))
	require.NoError(t, err)
	text := "a program"
	_, err = store.PutString(t.Context(), objectOf(id, sumOf([]byte(text))), text)
	require.NoError(t, err)
	_, err = streams(own).Publish(t.Context(), subject(programSubjects, id, 1), []byte("{}"))
	require.NoError(t, err)
	object := "OBJ_" + programStore
	reads := []string{getSubject, "$JS.API.CONSUMER.MSG.NEXT." + jobsStream + "." + programConsumer, "$JS.ACK." + jobsStream + "." + programConsumer + ".1.1.1.1.1"}
	for _, request := range append(reads, subject(programSubjects, id, 2)) {
		_, err := eve.Request(request, []byte(`{"seq":1}`), 300*time.Millisecond)
		require.ErrorIs(t, err, nats.ErrTimeout, request)
	}
	within, cancel := context.WithTimeout(t.Context(), ready)
	defer cancel()
	require.ErrorIs(t, Work(within, eve, WorkerOptions{Name: "worker", Slots: 1, Programs: SentPrograms}), ErrRights)
	for _, request := range []string{
		"$JS.API.STREAM.INFO." + object, "$JS.API.STREAM.PURGE." + object, "$JS.API.STREAM.DELETE." + object, "$JS.API.STREAM.MSG.DELETE." + object,
		"$JS.API.CONSUMER.CREATE." + object, "$JS.API.CONSUMER.CREATE." + object + ".x", "$O." + programStore + ".C.x", "$O." + programStore + ".M.x",
		"$JS.API.DIRECT.GET.KV_" + stateBucket, "$JS.API.DIRECT.GET." + jobsStream, "$JS.API.CONSUMER.DELETE." + jobsStream + "." + programConsumer,
		subject(programSubjects, id, 2), subject(jobSubjects, id, 1), "$KV." + stateBucket + "." + id,
	} {
		_, err := runs.Request(request, []byte(`{"seq":1}`), 300*time.Millisecond)
		require.ErrorIs(t, err, nats.ErrTimeout, request)
	}
	var got strings.Builder
	require.NoError(t, fetch(t.Context(), runs, id, file{Sum: sumOf([]byte(text)), Size: int64(len(text))}, &got))
	require.Equal(t, text, got.String())
	m, err := runs.Request(reads[1], []byte(`{"batch":1,"no_wait":true}`), ready)
	require.NoError(t, err)
	require.Equal(t, "{}", string(m.Data))
}

// TestTLS: a server with TLS and client certificates takes a connection that shows one, and is taken by the authority
// that signed it; a stranger's is neither.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, cert, key := certificates(t, dir, "own")
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true}
	config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: cert, KeyFile: key, CaFile: ca, Verify: true, Timeout: 60})
	require.NoError(t, err)
	o.TLSConfig, o.TLSTimeout, o.TLSVerify = config, 60, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(s.Shutdown)
	require.True(t, s.ReadyForConnections(ready))
	nc, err := Outside{URL: s.ClientURL(), CA: ca, Cert: cert, Key: key}.Connect()
	require.NoError(t, err)
	state, err := nc.TLSConnectionState()
	require.NoError(t, err)
	require.True(t, state.HandshakeComplete)
	nc.Close()
	stranger, theirs, theirKey := certificates(t, dir, "stranger")
	_, err = Outside{URL: s.ClientURL(), CA: stranger, Cert: cert, Key: key}.Connect()
	require.ErrorContains(t, err, "certificate", "the server is not the one of that authority")
	_, err = Outside{URL: s.ClientURL(), CA: ca, Cert: theirs, Key: theirKey}.Connect()
	require.Error(t, err, "the server takes nobody of another authority")
	_, err = Outside{URL: s.ClientURL(), CA: ca}.Connect()
	require.Error(t, err, "nor somebody without a certificate")
}

// certificates makes an authority and a certificate of 127.0.0.1, for both ends.
func certificates(t *testing.T, dir, name string) (ca, cert, key string) {
	t.Helper()
	write := func(file, kind string, der []byte) string {
		file = filepath.Join(dir, name+file)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	top := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, top, top, &authority.PublicKey, authority)
	require.NoError(t, err)
	ca = write("-ca.pem", "CERTIFICATE", der)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: top.NotBefore, NotAfter: top.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err = x509.CreateCertificate(rand.Reader, leaf, top, &own.PublicKey, authority)
	require.NoError(t, err)
	cert = write(".pem", "CERTIFICATE", der)
	der, err = x509.MarshalPKCS8PrivateKey(own)
	require.NoError(t, err)
	return ca, cert, write(".key", "PRIVATE KEY", der)
}
