package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// bucketLiving has for each owner how many of its objects are not destroyed: 8 bytes, big endian,
// no entry for none. Locate answers with that number, and would have to go through all objects to
// count them.
var bucketLiving = []byte("living")

// living is the number of the client's objects that are not destroyed.
func (t *txn) living() uint64 {
	if b := t.tx.Bucket(bucketLiving).Get(t.owner[:]); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// countLiving notes that an object was made or destroyed. before is nil for a new object.
func (t *txn) countLiving(o, before *object) error {
	was, is := before != nil && !before.gone(), !o.gone()
	switch {
	case was == is:
		return nil
	case is:
		return putLiving(t.tx, t.owner, t.living()+1)
	}
	return putLiving(t.tx, t.owner, t.living()-1)
}

func putLiving(tx *bbolt.Tx, owner identity, n uint64) error {
	if n == 0 {
		return tx.Bucket(bucketLiving).Delete(owner[:])
	}
	return tx.Bucket(bucketLiving).Put(owner[:], binary.BigEndian.AppendUint64(nil, n))
}

// startLiving makes the counts of a database that has none.
func startLiving(tx *bbolt.Tx, counted map[identity]uint64) error {
	_, err := tx.CreateBucket(bucketLiving)
	if err != nil {
		return err
	}
	for _, owner := range clientsOf(counted) {
		err = errors.Join(err, putLiving(tx, owner, counted[owner]))
	}
	return err
}

// verifyLiving holds the counts against what was counted.
func verifyLiving(tx *bbolt.Tx, counted map[identity]uint64) error {
	for _, owner := range clientsOf(counted) {
		n := counted[owner]
		if have := (&txn{tx: tx, owner: owner}).living(); have != n {
			return fmt.Errorf("a client has %d objects, and %s says %d", n, bucketLiving, have)
		}
	}
	if have := tx.Bucket(bucketLiving).Stats().KeyN; have != len(counted) {
		return fmt.Errorf("%s has %d entries, need %d", bucketLiving, have, len(counted))
	}
	return nil
}

// clientsOf lists the clients in one order.
func clientsOf(counted map[identity]uint64) []identity {
	return slices.SortedFunc(maps.Keys(counted), func(a, b identity) int { return bytes.Compare(a[:], b[:]) })
}
