package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// ErrIdle is wrapped by Stop where nobody coordinates the campaign.
var ErrIdle = errors.New("it does not run")

// The requests that a coordinator answers with its ID.
const (
	areYouThere = "are you there"
	pleaseEnd   = "please end"
)

// answerWithin is how long a coordinator has for an answer. It gives one whatever else it does: one whose machine has
// lost its power or its network has none.
const answerWithin = 20 * time.Second

// Runs says whether somebody coordinates a campaign now. The server knows at once that there is nobody: a process that
// ended, however it did, has no connection. An error is of a coordinator that does not answer, or of the server.
func Runs(ctx context.Context, nc *nats.Conn, id string) (bool, error) {
	switch err := ask(ctx, nc, id, areYouThere); {
	case errors.Is(err, ErrIdle):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// Stop asks whoever coordinates a campaign to end it, and does not wait for the end, which Runs sees. A coordinator that
// begins later goes on. The error wraps ErrIdle where there is nobody.
func Stop(ctx context.Context, nc *nats.Conn, id string) error { return ask(ctx, nc, id, pleaseEnd) }

// askEvery is how long a request waits before it is made again: one that a process took which then ended has no answer.
const askEvery = time.Second

func ask(ctx context.Context, nc *nats.Conn, id, what string) error {
	for began := time.Now(); time.Since(began) < answerWithin; {
		within, cancel := context.WithTimeout(ctx, askEvery)
		_, err := nc.RequestWithContext(within, coordinatorSubject(id), []byte(what))
		cancel()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, nats.ErrNoResponders):
			return fmt.Errorf("campaign: %w: %s", ErrIdle, id)
		case !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
			return fmt.Errorf("campaign: %w", err)
		}
	}
	return fmt.Errorf("campaign: the coordinator of %s does not answer", id)
}

// answer has this coordinator answer until it falls silent.
func (c *coordinator) answer() (err error) {
	c.asked, err = c.nc.Subscribe(coordinatorSubject(c.state.ID), func(m *nats.Msg) {
		if string(m.Data) == pleaseEnd {
			select {
			case c.pleased <- struct{}{}:
			default: // somebody else asked for it
			}
		}
		_ = m.Respond([]byte(c.state.ID)) // who hears nothing asks again
	})
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// fallSilent is the end of answer.
func (c *coordinator) fallSilent() {
	if c.asked != nil {
		_ = c.asked.Unsubscribe() // the connection may be gone
	}
}
