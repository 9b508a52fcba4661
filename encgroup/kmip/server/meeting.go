package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// What two servers tell one another to find out what the peer lacks. A peer whose database was
// put back to an older copy must not pass for one that has what it once had: at each meeting the
// server gives a new token, which the peer keeps beside what it has, and asks for at the next.

// token is random; zero before the first.
type token [8]byte

const (
	tagToken     ttlv.Tag = 0x54000b
	tagMerged    ttlv.Tag = 0x54000c
	tagUnsettled ttlv.Tag = 0x54000d
	tagRefused   ttlv.Tag = 0x54000e
	tagWhy       ttlv.Tag = 0x54000f
	tagAuthor    ttlv.Tag = 0x540010
)

func (t token) item() ttlv.Item { return ttlv.Bytes(tagToken, t[:]) }

// heard is what a server has of its peer.
type heard struct {
	peer   serverID
	token  token
	merged uint64 // the highest number of a change that came from it
}

func (h *heard) encode() []byte {
	return binary.BigEndian.AppendUint64(append(h.peer[:], h.token[:]...), h.merged)
}

// readHeard is nothing when it is of another peer.
func readHeard(tx *bbolt.Tx, peer serverID) heard {
	h := heard{peer: peer}
	if b := tx.Bucket(bucketMeta).Get(keyHeard); len(b) == 24 && bytes.Equal(b[:8], peer[:]) {
		copy(h.token[:], b[8:])
		h.merged = binary.BigEndian.Uint64(b[16:])
	}
	return h
}

// sent is what a server believes its peer to have. Until the peer has confirmed the second token,
// and nothing is sent before, it may have the first; then both are the same.
type sent struct {
	tokens  [2]token
	settled uint64 // the highest number of a change that the peer took
}

func (s *sent) encode() []byte {
	return binary.BigEndian.AppendUint64(append(s.tokens[0][:], s.tokens[1][:]...), s.settled)
}

func readSent(tx *bbolt.Tx) (s sent) {
	if b := tx.Bucket(bucketMeta).Get(keySent); len(b) == 24 {
		copy(s.tokens[0][:], b)
		copy(s.tokens[1][:], b[8:])
		s.settled = binary.BigEndian.Uint64(b[16:])
	}
	return s
}

// answer is what the peer says when it has taken a share.
type answer struct {
	id        serverID
	author    serverID
	standing  standing
	unsettled bool // it has changes under way
	heard     heard
	counter   uint64 // its highest number of a change
	refused   []trouble
}

// trouble is an object that cannot go over.
type trouble struct{ uid, why string }

func (a *answer) fields() []ttlv.Item {
	out := []ttlv.Item{
		ttlv.Bytes(tagServer, a.id[:]), ttlv.Bytes(tagAuthor, a.author[:]), ttlv.Enum(tagStanding, a.standing), ttlv.Bool(tagUnsettled, a.unsettled),
		a.heard.token.item(), ttlv.Long(tagMerged, int64(a.heard.merged)), ttlv.Long(tagCounter, int64(a.counter)),
	}
	for _, r := range a.refused {
		out = append(out, ttlv.Struct(tagRefused, ttlv.Text(kmip.TagUniqueIdentifier, r.uid), ttlv.Text(tagWhy, r.why)))
	}
	return out
}

func readAnswer(i *ttlv.Item) (a answer, err error) {
	r := ttlv.Read(i)
	if a.id, a.author, err = whois(r); err != nil {
		return a, err
	}
	a.standing = standing(r.Enum(tagStanding))
	a.unsettled = r.Required(tagUnsettled, ttlv.Boolean).Int == 1
	copy(a.heard.token[:], r.Required(tagToken, ttlv.ByteString).Bytes)
	a.heard.merged = uint64(r.Required(tagMerged, ttlv.LongInteger).Int)
	a.counter = uint64(r.Required(tagCounter, ttlv.LongInteger).Int)
	for _, i := range r.All(tagRefused, ttlv.Structure) {
		x := ttlv.Read(i)
		a.refused = append(a.refused, trouble{x.Text(kmip.TagUniqueIdentifier), x.Text(tagWhy)})
		if err := x.Done(); err != nil {
			return a, err
		}
	}
	return a, r.Done()
}

// meet notes who the peer is. To one that was not met before it owes everything, and, again, to
// one that does not have what it had. The peer is to be given the token.
func (s *Store) meet(a answer) (again bool, next token, err error) {
	if _, err := io.ReadFull(s.entropy, next[:]); err != nil {
		return false, next, fmt.Errorf("server: no entropy: %w", err)
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		meta, out := tx.Bucket(bucketMeta), readSent(tx)
		known := bytes.Equal(meta.Get(keyPeer), a.id[:])
		lost := a.heard.token != out.tokens[0] && a.heard.token != out.tokens[1] ||
			a.heard.merged < out.settled || a.counter < readHeard(tx, a.id).merged
		again = known && lost
		if !known || lost {
			if err := s.oweAll(tx); err != nil {
				return err
			}
			out.settled = 0
		}
		out.tokens = [2]token{a.heard.token, next}
		return errors.Join(s.putChecked(tx, bucketMeta, keyPeer, a.id[:]), s.putChecked(tx, bucketMeta, keySent, out.encode()))
	})
	return again, next, err
}

// confirmed notes that the peer has the token: with an older one it is not what it was.
func (s *Store) confirmed(next token) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		out := readSent(tx)
		out.tokens = [2]token{next, next}
		return s.putChecked(tx, bucketMeta, keySent, out.encode())
	})
}

func (s *Store) oweAll(tx *bbolt.Tx) error {
	pending := tx.Bucket(bucketPending)
	return tx.Bucket(bucketObjects).ForEach(func(uid, record []byte) error {
		o, err := decode(&ttlv.Decoder{}, record)
		if err != nil || o.uid != string(uid) {
			o = &object{uid: string(uid)} // it cannot be sent, and stays owed
		}
		return pending.Put(pendingKey(o), []byte{})
	})
}
