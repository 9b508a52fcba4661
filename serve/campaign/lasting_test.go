package campaign

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// TestAServerThatIsGoneIsAskedAgain: what it refuses is refused, and what is over is over.
func TestAServerThatIsGoneIsAskedAgain(t *testing.T) {
	t.Parallel()
	nc := connect(t, open(t, t.TempDir()))
	c := &coordinator{nc: nc}
	gone, asked := []error{context.DeadlineExceeded, nats.ErrNoResponders, &jetstream.APIError{Code: 503}, nil}, 0
	require.NoError(t, c.lasting(t.Context(), func() error { asked++; return gone[asked-1] }))
	require.Equal(t, len(gone), asked)
	asked = 0
	require.ErrorIs(t, c.lasting(t.Context(), func() error { asked++; return jetstream.ErrStreamNotFound }), jetstream.ErrStreamNotFound)
	require.Equal(t, 1, asked)
	ctx, leave := context.WithCancel(t.Context())
	require.ErrorIs(t, c.lasting(ctx, func() error { leave(); return nats.ErrTimeout }), nats.ErrTimeout)
	require.ErrorIs(t, c.lasting(t.Context(), func() error { nc.Close(); return nats.ErrConnectionClosed }), nats.ErrConnectionClosed)
}
