package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// RekeyDataKey exchanges the data key of an accessible group. The group key, and so every drive,
// stays as it is. The steps:
//
//  1. The first server that can makes a new data key.
//  2. That server and another one must both return it.
//  3. The group keys are wrapped and signed with it, and one Save puts it in force.
//
// A power cut leaves the old key or the new one. If no other server returns the new key, the old
// one stays in force. RekeyDataKey called again then goes on with the same new key, and
// CancelDataRekey gives it up. former is the unique identifier of the old data key, which stays on
// its servers until the customer destroys it there. Errors: ErrInaccessible, ErrUnconfigured,
// ErrFewServers, ErrNotNew, *RetrieveError, ErrStore.
func (g *Group) RekeyDataKey() (former string, err error) {
	const op = "encgroup: rekey of the data key"
	if g.ram == nil {
		return "", fmt.Errorf("%s: %w", op, g.noKey())
	}
	if len(g.servers) < MinServers {
		return "", fmt.Errorf("%s: %w", op, ErrFewServers)
	}
	if g.rec.NextPhase != Enabling {
		if err := g.prepareNext(); err != nil {
			return "", err
		}
	}
	fresh, err := g.readBack(g.rec.NextUID, g.rec.NextMaker)
	if err != nil {
		return "", err
	}
	taken := false
	defer func() {
		if !taken {
			fresh.Clear()
		}
	}()
	k := g.ram()
	if !k.recovered && fresh.Equal(k.data) {
		return "", fmt.Errorf("%s: %w", op, ErrNotNew)
	}
	r := g.rec
	former = r.UID
	r.UID, r.Maker = r.NextUID, r.NextMaker
	r.NextPhase, r.NextUID, r.NextMaker = NoDataKey, "", ""
	r.Wrapped, r.Signature = sealGroupKey(fresh, k.group, r.UID)
	if r.rekeying() {
		r.NextWrapped, r.NextSignature = sealGroupKey(fresh, k.next, r.UID)
	}
	if err := g.save(r); err != nil {
		return "", err
	}
	k.data.Clear()
	k.data, k.recovered, taken = fresh, false, true
	return former, nil
}

// prepareNext asks the servers, in order, for the next data key.
func (g *Group) prepareNext() error {
	r := g.rec
	r.NextPhase, r.NextUID, r.NextMaker = Prepare, "", ""
	if err := g.save(r); err != nil {
		return err
	}
	uid, maker, failed := g.create(r.Label)
	switch {
	case failed != nil:
		r.NextPhase = NoDataKey
	case uid == r.UID:
		r.NextPhase = NoDataKey
		failed = fmt.Errorf("encgroup: rekey of the data key: %w", ErrNotNew)
	default:
		r.NextPhase, r.NextUID, r.NextMaker = Enabling, uid, maker
	}
	if err := g.save(r); err != nil {
		return err
	}
	return failed
}

// CancelDataRekey gives up a new data key that could not be read back; the present one stays in
// force. It does nothing if none is under way.
func (g *Group) CancelDataRekey() error {
	if g.rec.NextPhase == NoDataKey {
		return nil
	}
	r := g.rec
	r.NextPhase, r.NextUID, r.NextMaker = NoDataKey, "", ""
	return g.save(r)
}

// create asks the servers, in order, for a data key.
func (g *Group) create(label string) (uid, maker string, err error) {
	failed := &RetrieveError{Op: "create"}
	for _, s := range g.servers {
		uid, err := s.Create(label)
		if err == nil && (uid == "" || len(uid) > 255) {
			err = fmt.Errorf("%w: a unique identifier of %d bytes", ErrProtocol, len(uid))
		}
		if err == nil {
			return uid, s.ID(), nil
		}
		failed.Servers = append(failed.Servers, ServerError{s.ID(), err})
	}
	return "", "", failed
}

// readBack fetches a data key from its maker and from one other server, and compares. It refuses a
// key that is one byte 32 times, as a broken server returns it.
func (g *Group) readBack(uid, maker string) (key *secret.Key32, err error) {
	failed := &RetrieveError{Op: "read back"}
	var keys [2]*secret.Key32 // the maker's, another one's
	defer func() {
		keys[1].Clear()
		if err != nil {
			keys[0].Clear()
		}
	}()
	for _, s := range g.servers {
		who := 1
		if s.ID() == maker {
			who = 0
		}
		if keys[who] != nil {
			continue
		}
		k, err := s.Get(uid)
		if err == nil && constant(k) {
			k.Clear()
			err = ErrConstant
		}
		if err == nil {
			keys[who] = k
		}
		failed.Servers = append(failed.Servers, ServerError{s.ID(), err})
	}
	if keys[0] == nil || keys[1] == nil {
		return nil, failed
	}
	if !keys[0].Equal(keys[1]) {
		for i := range failed.Servers {
			if failed.Servers[i].Err == nil {
				failed.Servers[i].Err = ErrDisagree
			}
		}
		return nil, failed
	}
	return keys[0], nil
}

// constant says whether a key is one byte 32 times.
func constant(k *secret.Key32) bool {
	differs := byte(0)
	for _, b := range k {
		differs |= b ^ k[0]
	}
	return differs == 0
}
