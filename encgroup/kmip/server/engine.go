package server

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// batchMax bounds the operations of one request.
const batchMax = 1024

// engine answers messages. It knows nothing of connections.
type engine struct {
	store       *Store
	clock       func() time.Time
	maxResponse int
	link        *link     // to the peer; nil without one
	decoders    sync.Pool // of *ttlv.Decoder
}

// decoder gives a decoder for one message. The caller puts it back into decoders.
func (e *engine) decoder() *ttlv.Decoder {
	if d, ok := e.decoders.Get().(*ttlv.Decoder); ok {
		return d
	}
	return &ttlv.Decoder{}
}

// operation is one operation of KMIP. write says that it changes objects.
type operation struct {
	do    func(*call, *ttlv.Reader) (*ttlv.Item, error)
	write bool
	since kmip.Version
}

// call is one operation of a batch under way.
type call struct {
	*txn
	version     kmip.Version
	placeholder *string // the ID Placeholder of the batch (section 4)
	secrets     *[][]byte
}

// operations finds an operation.
func operations(op kmip.Operation) (operation, bool) {
	switch op {
	case kmip.OpCreate:
		return operation{do: (*call).create, write: true}, true
	case kmip.OpRegister:
		return operation{do: (*call).register, write: true}, true
	case kmip.OpRekey:
		return operation{do: (*call).rekey, write: true}, true
	case kmip.OpLocate:
		return operation{do: (*call).locate}, true
	case kmip.OpCheck:
		return operation{do: (*call).check}, true
	case kmip.OpGet:
		return operation{do: (*call).get}, true
	case kmip.OpGetAttributes:
		return operation{do: (*call).getAttributes}, true
	case kmip.OpGetAttributeList:
		return operation{do: (*call).getAttributeList}, true
	case kmip.OpAddAttribute:
		return operation{do: (*call).addAttribute, write: true}, true
	case kmip.OpModifyAttribute:
		return operation{do: (*call).modifyAttribute, write: true}, true
	case kmip.OpDeleteAttribute:
		return operation{do: (*call).deleteAttribute, write: true}, true
	case kmip.OpActivate:
		return operation{do: (*call).activate, write: true}, true
	case kmip.OpRevoke:
		return operation{do: (*call).revoke, write: true}, true
	case kmip.OpDestroy:
		return operation{do: (*call).destroy, write: true}, true
	case kmip.OpQuery:
		return operation{do: (*call).query}, true
	case kmip.OpDiscoverVersions:
		return operation{do: (*call).discoverVersions, since: kmip.V11}, true
	}
	return operation{}, false
}

// supported lists the operations, for Query.
var supported = []kmip.Operation{
	kmip.OpCreate, kmip.OpRegister, kmip.OpRekey, kmip.OpLocate, kmip.OpCheck, kmip.OpGet, kmip.OpGetAttributes,
	kmip.OpGetAttributeList, kmip.OpAddAttribute, kmip.OpModifyAttribute, kmip.OpDeleteAttribute, kmip.OpActivate,
	kmip.OpRevoke, kmip.OpDestroy, kmip.OpQuery, kmip.OpDiscoverVersions,
}

// errBroken marks a message that is no TTLV. The connection ends after it.
var errBroken = errors.New("no KMIP message")

// handle appends the answer to one message to dst. trouble is for the log.
func (e *engine) handle(owner identity, msg, dst []byte) (answer []byte, trouble error) {
	d := e.decoder()
	defer func() {
		d.Reset()
		e.decoders.Put(d)
	}()
	q, err := kmip.ParseRequestWith(d, msg)
	switch {
	case err != nil:
	case len(q.Items) > batchMax:
		err = kmip.Fail(kmip.InvalidMessage, "a batch of %d operations, at most %d", len(q.Items), batchMax)
	case q.Credential:
		// Its sender believes that the password is checked.
		err = kmip.Fail(kmip.AuthenticationNotSuccessful, "clients are known by their certificates here: send no credentials")
	}
	if err != nil {
		trouble = err
		if _, malformed := ttlv.Decode(msg, ttlv.Limits{}); malformed != nil {
			trouble = fmt.Errorf("%w: %w", errBroken, malformed)
		}
		return e.refuse(q.Version, kmip.FailureOf(err), dst), trouble
	}
	limit := e.maxResponse
	if q.MaxResponse > 0 {
		limit = min(limit, int(q.MaxResponse))
	}
	var told []sighting
	answer, told, err = e.transact(owner, q, d, dst, limit)
	if err == nil {
		if err := e.note(owner, told); err != nil {
			trouble = fmt.Errorf("states that have come are not noted: %w", err)
		}
		return answer, trouble
	}
	f := &kmip.Failure{}
	if !errors.As(err, &f) {
		f, trouble = kmip.Fail(kmip.GeneralFailure, "the server could not do it"), err
	}
	clear(answer[len(dst):])
	return e.refuse(q.Version, f, dst), trouble
}

// refuse appends the answer to a message that is refused as a whole.
func (e *engine) refuse(v kmip.Version, f *kmip.Failure, dst []byte) []byte {
	if !v.Known() {
		v = kmip.V14
	}
	p := kmip.Response{Version: v, Time: e.clock(), Items: []kmip.ResponseItem{
		{Status: kmip.OperationFailed, Reason: f.Reason, Message: f.Message},
	}}
	return p.Encode(dst)
}

// transact does a batch in one transaction. After an error nothing is changed. What an
// operation changed is kept even if a later one fails, unless the client asked to undo. The
// answer tells the client the states in told, which the records do not have yet.
func (e *engine) transact(owner identity, q *kmip.Request, d *ttlv.Decoder, dst []byte, limit int) (answer []byte, told []sighting, err error) {
	write := slices.ContainsFunc(q.Items, func(i kmip.RequestItem) bool {
		o, _ := operations(i.Op)
		return o.write
	})
	answer = dst
	transaction := func() (made []string, err error) {
		tx, err := e.store.db.Begin(write)
		if err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
		defer tx.Rollback() // after a commit there is nothing to roll back, and it says so
		t := &txn{Store: e.store, tx: tx, dec: d, owner: owner, now: e.clock()}
		p, err := e.batch(t, q)
		defer func() {
			for _, s := range p.secrets {
				clear(s)
			}
		}()
		if err != nil {
			return nil, err
		}
		answer = p.Encode(dst)
		if n := len(answer) - len(dst); n > limit {
			clear(answer[len(dst):])
			answer = p.tooLarge(dst, n, limit)
			return nil, nil
		}
		told = t.told
		if !p.changed {
			return nil, nil
		}
		if err := tx.Commit(); err != nil {
			clear(answer[len(dst):])
			answer, told = dst, nil
			return nil, fmt.Errorf("server: commit: %w", err)
		}
		return t.made, nil
	}
	if !write {
		_, err = transaction()
	} else {
		err = e.link.change(transaction)
	}
	return answer, told, err
}

// result is the answer to a batch.
type result struct {
	kmip.Response
	changed bool
	secrets [][]byte // to be overwritten when the answer is encoded
}

// tooLarge is the answer in place of one that is too large for the client. Nothing was
// changed, and each operation says Response Too Large (KMIP specification 1.4, section 11.1).
// When this answer is too large as well, it has the first operation only.
func (p *result) tooLarge(dst []byte, size, limit int) []byte {
	r := kmip.Response{Version: p.Version, Time: p.Time}
	for n := range p.Items {
		r.Items = append(r.Items, kmip.ResponseItem{Op: p.Items[n].Op, ID: p.Items[n].ID, Status: kmip.OperationFailed, Reason: kmip.ResponseTooLarge})
	}
	r.Items[0].Message = fmt.Sprintf("the answer has %d bytes, more than %d", size, limit)
	out := r.Encode(dst)
	if len(out)-len(dst) > limit {
		r.Items = r.Items[:1]
		out = r.Encode(dst)
	}
	return out
}

func (e *engine) batch(t *txn, q *kmip.Request) (p result, err error) {
	p.Version, p.Time = q.Version, t.now
	p.Items = make([]kmip.ResponseItem, 0, len(q.Items))
	placeholder := ""
	for n := range q.Items {
		i := &q.Items[n]
		c := &call{txn: t, version: q.Version, placeholder: &placeholder, secrets: &p.secrets}
		payload, write, err := c.perform(i)
		r := kmip.ResponseItem{Op: i.Op, ID: i.ID, Payload: payload}
		if err == nil {
			p.changed = p.changed || write
			p.Items = append(p.Items, r)
			continue
		}
		f, ok := refusal(err)
		if !ok {
			return p, fmt.Errorf("%s: %w", i.Op, err)
		}
		r.Status, r.Reason, r.Message = kmip.OperationFailed, f.Reason, f.Message
		if q.Continuation == kmip.Undo {
			p.changed = false
			for k := range p.Items {
				p.Items[k].Status, p.Items[k].Payload = kmip.OperationUndone, nil
			}
		}
		p.Items = append(p.Items, r)
		if q.Continuation != kmip.Continue {
			break
		}
	}
	return p, nil
}

// refusal says whether an error is for the client, and not for the log alone.
func refusal(err error) (*kmip.Failure, bool) {
	var f *kmip.Failure
	if errors.As(err, &f) || errors.Is(err, ttlv.ErrMissing) || errors.Is(err, ttlv.ErrType) ||
		errors.Is(err, ttlv.ErrRepeated) || errors.Is(err, ttlv.ErrUnknown) {
		return kmip.FailureOf(err), true
	}
	return nil, false
}

func (c *call) perform(i *kmip.RequestItem) (payload *ttlv.Item, write bool, err error) {
	o, ok := operations(i.Op)
	switch {
	case i.Err != nil:
		return nil, false, i.Err
	case !ok || !c.version.AtLeast(o.since):
		return nil, false, kmip.Fail(kmip.OperationNotSupported, "%s is not done here in KMIP %s", i.Op, c.version)
	case i.Critical != "":
		return nil, false, kmip.Fail(kmip.FeatureNotSupported, "the message extension is not known here")
	}
	payload, err = o.do(c, ttlv.Read(&i.Payload))
	return payload, o.write, err
}

// target finds the object that an operation is about: by its identifier, or by
// the ID Placeholder.
func (c *call) target(r *ttlv.Reader) (*object, error) {
	uid := *c.placeholder
	if i := r.Optional(kmip.TagUniqueIdentifier, ttlv.TextString); i != nil {
		uid = i.Text()
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if uid == "" {
		return nil, kmip.Fail(kmip.ItemNotFound, "no unique identifier is given, and the ID placeholder is empty")
	}
	o, err := c.load(uid)
	if err != nil {
		return nil, err
	}
	*c.placeholder = uid
	c.saw(o)
	return o, nil
}

// changed writes an object that an operation changed.
func (c *call) changed(o, before *object, why kmip.Reason) error {
	o.set(kmip.DateOf(kmip.AttrLastChangeDate, c.now))
	return c.put(o, before, why)
}

// copied is a copy of an object, to be changed.
func copied(o *object) *object {
	n := *o
	n.attrs, n.stamps, n.seen = slices.Clone(o.attrs), maps.Clone(o.stamps), maps.Clone(o.seen)
	if n.stamps == nil {
		n.stamps = map[instance]version{}
	}
	if n.seen == nil {
		n.seen = map[serverID]uint64{}
	}
	return &n
}

func uidPayload(uid string) *ttlv.Item {
	i := ttlv.Struct(kmip.TagResponsePayload, ttlv.Text(kmip.TagUniqueIdentifier, uid))
	return &i
}
