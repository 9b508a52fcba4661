package campaign

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// pullFor is how long a request for a job is open, and pullShort where there are several consumers to ask.
const (
	pullFor   = 5 * time.Second
	pullShort = time.Second
)

// slot has one job after the other.
func (w *worker) slot(ctx context.Context) error {
	p := puller{nc: w.nc, inbox: w.nc.NewRespInbox()}
	sub, err := w.nc.SubscribeSync(p.inbox + ".*")
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	p.sub = sub
	for n := 0; ctx.Err() == nil; {
		m := p.pull(ctx, w.pulls, &n)
		if m == nil {
			continue
		}
		if err := w.have(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// puller asks for jobs. Answers to a request that it waits for no longer are not taken for those to a later one.
type puller struct {
	nc    *nats.Conn
	sub   *nats.Subscription
	inbox string
	asked int
}

// pull has a job of one of the consumers, or nil. They are asked in turn, and n counts; where none has any, it waits.
func (p *puller) pull(ctx context.Context, consumers []string, n *int) *nats.Msg {
	next := func() string { *n++; return consumers[*n%len(consumers)] }
	if len(consumers) == 1 {
		return p.ask(ctx, next(), pullFor)
	}
	for range consumers {
		if m := p.ask(ctx, next(), 0); m != nil {
			return m
		}
	}
	return p.ask(ctx, next(), pullShort)
}

// ask asks a consumer for a job, and waits so long for it.
func (p *puller) ask(ctx context.Context, consumer string, wait time.Duration) *nats.Msg {
	if n, _, _ := p.sub.Pending(); n == 0 {
		p.asked++
		body := fmt.Appendf(nil, `{"batch":1,"expires":%d}`, wait.Nanoseconds())
		if wait == 0 {
			body = []byte(`{"batch":1,"no_wait":true}`)
		}
		if err := p.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+jobsStream+"."+consumer, p.reply(), body); err != nil {
			pause(ctx, time.Second)
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, wait+time.Second)
	defer cancel()
	for {
		m, err := p.sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil
		}
		switch status := m.Header.Get("Status"); {
		case status == "":
			return m
		case m.Subject != p.reply():
		case status == "408", status == "404": // none
			return nil
		default:
			pause(ctx, 200*time.Millisecond) // no stream yet, or a server that comes up
			return nil
		}
	}
}

func (p *puller) reply() string { return p.inbox + "." + strconv.Itoa(p.asked) }

// ErrRights is wrapped by Work where the server refuses what a worker with programs needs.
var ErrRights = errors.New("the server gives this user no programs: fdelab campaign nats-config --programs prints the rights")

// watchRights ends a worker whose user may not run programs. The end of it is for the connection's sake.
func watchRights(nc *nats.Conn, end context.CancelCauseFunc) func() {
	before := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) && (strings.Contains(err.Error(), jobsStream+"."+programConsumer) || strings.Contains(err.Error(), getSubject)) {
			end(fmt.Errorf("campaign: %w", ErrRights))
		}
		if before != nil {
			before(nc, sub, err)
		}
	})
	return func() { nc.SetErrorHandler(before) }
}
