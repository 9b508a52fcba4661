package campaign

import (
	"context"
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
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	text := strings.Replace(ServerConfig(coordinator, worker), "./jetstream", filepath.Join(dir, "jetstream"), 1)
	require.NoError(t, os.WriteFile(file, []byte("listen: \"127.0.0.1:-1\"\n"+text), 0o600))
	o, err := server.ProcessConfigFile(file)
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
		"$JS.API.CONSUMER.MSG.NEXT." + resultsStream + ".results-" + id, subject(jobSubjects, id, 1), "$JS.ACK." + resultsStream + ".results-" + id + ".1.1.1.1.1",
	} {
		_, err := eve.Request(request, nil, 300*time.Millisecond)
		require.Error(t, err, request)
	}
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
