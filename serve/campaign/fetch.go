package campaign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// A worker reads an object by direct gets alone: the right to make consumers, which clients of object stores need, would
// let it have the server send messages to whom it likes.

// getSubject is where a worker asks for a message of the object store.
const getSubject = "$JS.API.DIRECT.GET.OBJ_" + programStore

// get is a request there.
type get struct {
	Seq     uint64 `json:"seq,omitempty"`
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
}

// object is what a store keeps about an object, as far as a worker needs it.
type object struct {
	NUID    string `json:"nuid"` // names the subject of its chunks
	Size    uint64 `json:"size"`
	Deleted bool   `json:"deleted"`
}

var plainNUID = regexp.MustCompile(`^[0-9A-Za-z]{1,64}$`)

// objectBytesMax is how long what a store keeps about an object is, in bytes.
const objectBytesMax = 8 << 10

// errGone: an object is not there, or not any more. It may come.
var errGone = errors.New("not on the server")

// fetch writes the object of a file of a campaign. No more than its size is written. What is written is not compared with
// the sum. The error wraps ErrFile where the object cannot be the file, and errGone where it is not there.
func fetch(ctx context.Context, nc *nats.Conn, id string, f file, to io.Writer) error {
	name := "$O." + programStore + ".M." + base64.URLEncoding.EncodeToString([]byte(objectOf(id, f.Sum)))
	_, b, err := getMessage(ctx, nc, get{LastFor: name})
	if err != nil {
		return err
	}
	var o object
	if len(b) > objectBytesMax || json.Unmarshal(b, &o) != nil {
		return fmt.Errorf("%w: what the server says about it is not of an object", ErrFile)
	}
	switch {
	case o.Deleted:
		return errGone
	case o.Size != uint64(f.Size):
		return fmt.Errorf("%w: it has %d bytes on the server, and %d in the job", ErrFile, o.Size, f.Size)
	case !plainNUID.MatchString(o.NUID):
		return fmt.Errorf("%w: its parts have the name %q", ErrFile, campaign.Clean(o.NUID, 80))
	}
	for have, next := int64(0), uint64(1); have < f.Size; {
		at, b, err := getMessage(ctx, nc, get{Seq: next, NextFor: "$O." + programStore + ".C." + o.NUID})
		if err != nil {
			return err
		}
		if have += int64(len(b)); have > f.Size || len(b) == 0 || at < next {
			return fmt.Errorf("%w: its parts are not of %d bytes together", ErrFile, f.Size)
		}
		if _, err := to.Write(b); err != nil {
			return err
		}
		next = at + 1
	}
	return nil
}

// getMessage reads one message, however long the server is gone.
func getMessage(ctx context.Context, nc *nats.Conn, g get) (at uint64, data []byte, err error) {
	ask, err := json.Marshal(g)
	if err != nil {
		return 0, nil, err
	}
	for {
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		m, err := nc.RequestWithContext(within, getSubject, ask)
		cancel()
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			return 0, nil, errGone
		case err == nil && m.Header.Get("Status") == "404":
			return 0, nil, errGone
		case err == nil && m.Header.Get("Status") != "":
			return 0, nil, fmt.Errorf("%w: the server answers %s %q", ErrFile, m.Header.Get("Status"), campaign.Clean(m.Header.Get("Description"), 80))
		case err == nil:
			if at, err = strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64); err != nil {
				return 0, nil, fmt.Errorf("%w: the server answers without a number", ErrFile)
			}
			return at, m.Data, nil
		case ctx.Err() != nil || nc.IsClosed():
			return 0, nil, errors.Join(errGone, ctx.Err())
		}
		pause(ctx, 200*time.Millisecond)
	}
}
