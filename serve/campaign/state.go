package campaign

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// State is how far a campaign is. The coordinator keeps it on the server, and one that comes after it goes on there.
type State struct {
	ID       string           `json:"id"`
	Plan     string           `json:"plan"`
	Version  string           `json:"version"`
	Programs string           `json:"programs,omitempty"` // a sum over those that the plan names
	Report   *campaign.Report `json:"report"`
	Made     uint64           `json:"made"` // generations whose jobs are on their way, or done
	// Wanted are the pairs of faults of each generation that is on its way: see campaign.Plan.Job.
	Wanted map[uint64][][]string `json:"wanted,omitempty"`
	// Begun are the attempts at jobs that came more than once, by job.
	Begun map[uint64][]string `json:"begun,omitempty"`
	Over  Over                `json:"over"`
	Took  time.Duration       `json:"took"` // that there was a coordinator, in nanoseconds

	Workers map[string]*Worker `json:"workers"`
	Told    time.Time          `json:"told"` // when this was written
	Rate    float64            `json:"rate"` // units a second, in the last seconds
	Pending int                `json:"pending"`
	Waits   string             `json:"waits,omitempty"` // for what: jobs that no worker takes
}

// Over is how a campaign ended.
type Over string

// The ends of a campaign.
const (
	Running Over = ""
	Done    Over = "done"
	TimeUp  Over = "time is up"
	Stopped Over = "stopped"
)

// Worker is what was heard of one.
type Worker struct {
	Jobs  uint64        `json:"jobs"`
	Units uint64        `json:"units"`
	Busy  time.Duration `json:"busy"` // nanoseconds, of all its processors
	Last  time.Time     `json:"last"`
}

// workersMax is how many workers a state names. More work as well, and are not named.
const workersMax = 2000

// stateBytesMax is what a state may have on a server, which takes a message of 1 MiB.
const stateBytesMax = 900 << 10

// encode is the state for the server. Where it is too much for one message, which takes evidence
// that does not compress, the newest findings lose theirs.
func (s *State) encode() ([]byte, error) {
	for keep := len(s.Report.Findings); ; keep = keep * 3 / 4 {
		for i := keep; i < len(s.Report.Findings); i++ {
			s.Report.Findings[i].Strip()
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if err := errors.Join(json.NewEncoder(w).Encode(s), w.Close()); err != nil {
			return nil, fmt.Errorf("campaign: %w", err)
		}
		if b.Len() <= stateBytesMax {
			return b.Bytes(), nil
		}
		if keep == 0 {
			return nil, fmt.Errorf("campaign: a state of %d bytes, want %d or fewer", b.Len(), stateBytesMax)
		}
	}
}

// stateTextMax bounds what a state unpacks to.
const stateTextMax = 64 << 20

// ErrState is wrapped by Read where what is on the server is no state of a campaign.
var ErrState = errors.New("the state on the server")

func decodeState(b []byte) (*State, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("campaign: %w: %w", ErrState, err)
	}
	s := &State{}
	if err := json.NewDecoder(io.LimitReader(r, stateTextMax)).Decode(s); err != nil {
		return nil, fmt.Errorf("campaign: %w: %w", ErrState, err)
	}
	if s.Report == nil || !plainID.MatchString(s.ID) {
		return nil, fmt.Errorf("campaign: %w is of no campaign", ErrState)
	}
	if s.Wanted == nil {
		s.Wanted = map[uint64][][]string{}
	}
	if s.Begun == nil {
		s.Begun = map[uint64][]string{}
	}
	if s.Workers == nil {
		s.Workers = map[string]*Worker{}
	}
	return s, nil
}

// ErrNone is wrapped by Read where the server has no such campaign, and by Reach where the directory is empty.
var ErrNone = errors.New("no such campaign")

// Read reads the state of a campaign.
func Read(ctx context.Context, nc *nats.Conn, id string) (*State, error) {
	kv, err := streams(nc).KeyValue(ctx, stateBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("campaign: %w: %s", ErrNone, id)
	} else if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	e, err := kv.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("campaign: %w: %s", ErrNone, id)
	} else if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return decodeState(e.Value())
}

// List lists the campaigns of a server by their IDs.
func List(ctx context.Context, nc *nats.Conn) ([]string, error) {
	kv, err := streams(nc).KeyValue(ctx, stateBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	all, err := kv.Keys(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	var out []string
	for _, k := range all {
		if plainID.MatchString(k) {
			out = append(out, k)
		}
	}
	return out, nil
}

// streams is JetStream at a connection.
func streams(nc *nats.Conn) jetstream.JetStream {
	js, err := jetstream.New(nc)
	if err != nil {
		panic("BUG: " + err.Error()) // there are no options that could be wrong
	}
	return js
}
