package encgroup

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// whole is the record as it was written before it had entries: in version 1 if that can hold it,
// else in version 2.
func (r *Record) whole(t require.TestingT) []Entry {
	require.NoError(t, r.check())
	version := r.version()
	b := make([]byte, 0, 512+len(r.Label)+len(r.UID)+len(r.Maker)+len(r.Recovery)+len(r.Members)*(1+serialMax+20))
	text := func(s string) { b = append(append(b, byte(len(s))), s...) }
	b = append(b, recordMagic...)
	b = append(b, version, byte(r.Phase))
	text(r.Label)
	text(r.UID)
	text(r.Maker)
	b = append(append(b, r.Wrapped[:]...), r.Signature[:]...)
	if version == recordExtended {
		b = append(b, byte(r.Kind), byte(r.NextPhase))
		text(r.NextUID)
		text(r.NextMaker)
		b = append(append(b, r.NextWrapped[:]...), r.NextSignature[:]...)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(r.Recovery))), r.Recovery...)
		b = append(b, byte(len(r.Escrows)))
		for i := range r.Escrows {
			e := &r.Escrows[i]
			b = append(append(append(b, e.Public[:]...), e.Sealed[:]...), e.Next[:]...)
		}
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Members)))
	for i := range r.Members {
		m := &r.Members[i]
		text(m.Serial)
		b = binary.BigEndian.AppendUint32(b, m.Generation)
		b = binary.BigEndian.AppendUint32(b, m.Pending)
		b = binary.BigEndian.AppendUint32(b, m.Last)
		if version == recordExtended {
			b = binary.BigEndian.AppendUint32(b, m.First)
			b = binary.BigEndian.AppendUint32(b, m.Next)
		}
	}
	return []Entry{{Bytes: appendChecksum(b)}}
}

// version is the lowest one that can hold the record.
func (r *Record) version() byte {
	moved := func(m Member) bool { return m.First != 0 || m.Next != 0 }
	if r.Kind != DAR || r.NextPhase != NoDataKey || r.NextUID != "" || r.NextMaker != "" || r.rekeying() ||
		len(r.Recovery) > 0 || len(r.Escrows) > 0 || slices.ContainsFunc(r.Members, moved) {
		return recordExtended
	}
	return recordPlain
}

// TestARecordFromBeforeItHadEntries is read, and written anew at the first change.
func TestARecordFromBeforeItHadEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		back, err := ReadRecord(r.whole(t))
		require.NoError(t, err)
		require.Equal(t, r, back)
	})

	r := accessible(t)
	d := r.member("A1")
	r.member("B1")
	rec := r.group.Record()
	for name, change := range map[string]func() error{
		"of a member":    func() error { return r.group.Rekey(d) },
		"of the group":   func() error { return r.group.SetRecovery([]byte("x")) },
		"of all members": func() error { _, err := r.group.RekeyGroupKey(r.all()); return err },
	} {
		rec = r.group.Record()
		require.NoError(t, r.store.Replace(rec.whole(t)))
		r.restart()
		require.Equal(t, rec, r.group.Record(), "a change %s", name)
		require.Equal(t, rec.whole(t), r.store.Record(), "what is read is not changed")
		r.store.refuseOne(0, false)
		require.ErrorIs(t, change(), ErrStore)
		require.Equal(t, rec.whole(t), r.store.Record())
		r.store.arm(-1, false)
		require.NoError(t, change())
		rec = r.group.Record()
		want, err := rec.Entries()
		require.NoError(t, err)
		require.Equal(t, want, r.store.Record())
		r.restart()
		require.NoError(t, r.group.Unlock(d))
	}
	require.True(t, slices.ContainsFunc(r.store.Record(), func(e Entry) bool { return e.Serial == "B1" }))
}
