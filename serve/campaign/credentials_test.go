package campaign

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"
)

// owner is somebody who signs: an operator, or an account.
type owner struct {
	key    nkeys.KeyPair
	public string
}

func newOwner(t *testing.T, make func() (nkeys.KeyPair, error)) owner {
	t.Helper()
	key, err := make()
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	return owner{key, public}
}

// account makes an account of the operator with JetStream, and puts it where the server looks for it.
func (operator owner) account(t *testing.T, at server.AccountResolver, jetStream bool) owner {
	t.Helper()
	a := newOwner(t, nkeys.CreateAccount)
	c := jwt.NewAccountClaims(a.public)
	if jetStream {
		c.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	}
	token, err := c.Encode(operator.key)
	require.NoError(t, err)
	require.NoError(t, at.Store(a.public, token))
	return a
}

// user makes a user of the account, with the file of its credentials as nsc writes it; the subjects of a worker are its rights, or all are.
func (account owner) user(t *testing.T, worker bool) (file string, seed string) {
	t.Helper()
	u := newOwner(t, nkeys.CreateUser)
	c := jwt.NewUserClaims(u.public)
	if worker {
		c.Pub.Allow.Add(WorkerMayPublish()...)
		c.Sub.Allow.Add(WorkerMaySubscribe()...)
	}
	token, err := c.Encode(account.key)
	require.NoError(t, err)
	secret, err := u.key.Seed()
	require.NoError(t, err)
	text, err := jwt.FormatUserConfig(token, secret)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "user.creds")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file, string(secret)
}

// TestCredentials: a server with an operator and accounts takes users by their credentials. A worker has the rights that
// stand in them, another account sees nothing of the campaign, and one of another operator does not get in.
func TestCredentials(t *testing.T) {
	t.Parallel()
	operator, accounts := newOwner(t, nkeys.CreateOperator), &server.MemAccResolver{}
	c := jwt.NewOperatorClaims(operator.public)
	system := operator.account(t, accounts, false)
	c.SystemAccount = system.public
	_, err := c.Encode(operator.key) // it signs itself
	require.NoError(t, err)
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		TrustedOperators: []*jwt.OperatorClaims{c}, AccountResolver: accounts, SystemAccount: system.public,
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(s.Shutdown)
	require.True(t, s.ReadyForConnections(ready))

	own := operator.account(t, accounts, true)
	as := func(file string) *nats.Conn {
		nc, err := Outside{URL: s.ClientURL(), Credentials: file, Name: "test"}.Connect()
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	coordinatorFile, _ := own.user(t, false)
	workerFile, _ := own.user(t, true)
	coordinator, theirs := as(coordinatorFile), as(workerFile)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- Work(ctx, theirs, WorkerOptions{Name: "worker", Slots: 2}) }()
	state, err := Coordinate(ctx, coordinator, plan(t, "drive lifecycles=20 each=4"), Options{})
	require.NoError(t, err)
	require.Equal(t, Done, state.Over)
	require.Equal(t, uint64(20), state.Report.Units)
	cancel()
	require.NoError(t, <-worked)

	_, err = theirs.Request("$JS.API.STREAM.DELETE."+jobsStream, nil, 300*time.Millisecond)
	require.Error(t, err)
	again, err := Read(t.Context(), coordinator, state.ID)
	require.NoError(t, err)
	require.Equal(t, state.Report, again.Report, "a worker took nothing away")

	strangerFile, _ := operator.account(t, accounts, true).user(t, false)
	_, err = Read(t.Context(), as(strangerFile), state.ID)
	require.ErrorIs(t, err, ErrNone, "another account has campaigns of its own")

	nobody := newOwner(t, nkeys.CreateOperator).account(t, &server.MemAccResolver{}, true)
	nobodysFile, seed := nobody.user(t, false)
	_, err = Outside{URL: s.ClientURL(), Credentials: nobodysFile}.Connect()
	require.ErrorContains(t, err, "Authorization")
	require.NotContains(t, err.Error(), seed)
	_, err = Outside{URL: s.ClientURL(), Credentials: filepath.Join(t.TempDir(), "none.creds")}.Connect()
	require.ErrorContains(t, err, "none.creds")
}
