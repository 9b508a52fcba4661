package raslab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/internal/fault"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// repositoryCopies is in how many copies a facility keeps the record of a group
// (assumption).
const repositoryCopies = 3

// The points of the partitions' memory.
var (
	pointSavePhase = fault.Register("memory.save.phase",
		"a bit flips in the memory that holds a group's record, before its check sum is made: the phase of its data key becomes one that does not exist",
		"BE31CFE8 when the record is read; the group is not worked on")
	pointSaveSignature = fault.Register("memory.save.signature",
		"a bit flips in the memory that holds a group's record, before its check sum is made, in the signature of the data key",
		"BE14E013: no server's data key has that signature")
	pointLoadSignature = fault.Register("memory.load.signature",
		"a bit flips in the memory of a partition that holds the record against the key of one server, in the signature",
		"BE14EA13, or BE14E013 where no other server's key was good")
)

// repository keeps the record of one group, in copies with a generation each.
type repository struct {
	lab        *Lab
	group      int
	generation uint64
	copies     [repositoryCopies][]byte
	backup     []byte // at the consoles: the last record that was read and found good
}

var _ encgroup.Store = (*repository)(nil)

// Save writes every copy.
func (r *repository) Save(record []byte) error {
	record = bytes.Clone(record)
	switch point, _ := r.lab.memory.Check(fault.Op{Name: "memory.save"}); point {
	case pointSavePhase:
		record[phaseOffset] ^= 0x40
		record = encgroup.WithChecksum(record)
	case pointSaveSignature:
		record = flipSignature(record)
	}
	r.generation++
	for i := range r.copies {
		r.copies[i] = append(binary.BigEndian.AppendUint64(nil, r.generation), record...)
	}
	return nil
}

// phaseOffset is where the phase is in an encoded record.
const phaseOffset = 5

// flipSignature flips a bit of the signature of an encoded record. A record without
// one stays as it is.
func flipSignature(record []byte) []byte {
	at := phaseOffset + 1
	for range 3 { // label, unique identifier, maker
		if at >= len(record) {
			return record
		}
		at += 1 + int(record[at])
	}
	at += 40 // the wrapped group key
	if at >= len(record)-4 {
		return record
	}
	record = bytes.Clone(record)
	record[at] ^= 0x01
	return encgroup.WithChecksum(record)
}

// load reads the newest good copy, and says which copies are not like it. The error
// is encgroup.ErrRecord when no copy is good, encgroup.ErrImpossible when
// the newest is whole and can not be.
func (r *repository) load() (record []byte, bad []int, err error) {
	newest := uint64(0)
	for _, c := range r.copies {
		g, b, ok := sound(c)
		if ok && (record == nil || g > newest) {
			record, newest = b, g
		}
	}
	if record == nil {
		return nil, []int{1, 2, 3}, fmt.Errorf("raslab: repository of key group %d: %w: no copy is good", r.group, encgroup.ErrRecord)
	}
	for i, c := range r.copies {
		if g, b, ok := sound(c); !ok || g != newest || !bytes.Equal(b, record) {
			bad = append(bad, i+1)
		}
	}
	var rec encgroup.Record
	return record, bad, rec.UnmarshalBinary(record)
}

// sound says whether a copy's check sum is good, whatever it says.
func sound(c []byte) (generation uint64, record []byte, ok bool) {
	if len(c) < 8 {
		return 0, nil, false
	}
	var rec encgroup.Record
	err := rec.UnmarshalBinary(c[8:])
	return binary.BigEndian.Uint64(c), c[8:], err == nil || errors.Is(err, encgroup.ErrImpossible)
}

// repair writes the good copy over the others.
func (r *repository) repair() {
	record, bad, err := r.load()
	if err != nil {
		return
	}
	for _, n := range bad {
		r.copies[n-1] = append(binary.BigEndian.AppendUint64(nil, r.newest()), record...)
	}
}

func (r *repository) newest() (newest uint64) {
	for _, c := range r.copies {
		if g, _, ok := sound(c); ok {
			newest = max(newest, g)
		}
	}
	return newest
}

// probe is the record as a partition reads it to hold it against a server's key.
func (r *repository) probe() ([]byte, error) {
	record, _, err := r.load()
	if point, _ := r.lab.memory.Check(fault.Op{Name: "memory.load"}); err == nil && point == pointLoadSignature {
		record = flipSignature(record)
	}
	return record, err
}

// DamageRepository flips one bit of one copy (1 to 3) of a group's record on its
// medium.
func (l *Lab) DamageRepository(group, copy int) error {
	const op = "repository damage"
	g := l.group(group)
	if g == nil {
		return refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	if copy < 1 || copy > repositoryCopies {
		return refuse(ErrInvalid, op, fmt.Sprintf("copy %d", copy), fmt.Sprintf("copies are 1 to %d", repositoryCopies))
	}
	if c := g.store.copies[copy-1]; len(c) > 20 {
		c[20] ^= 0x10
	}
	l.logf("repository", "copy %d of the record of key group %d was damaged", copy, group)
	return nil
}

// RepositoryInfo is what the copies of a group's record are like.
type RepositoryInfo struct {
	Copies int
	Bad    []int // those that differ from the newest good one, from 1; all when none is good
	Why    string
}

// Repository looks at the copies of a group's record.
func (l *Lab) Repository(group int) (RepositoryInfo, error) {
	g := l.group(group)
	if g == nil {
		return RepositoryInfo{}, refuse(ErrNotFound, "repository show", fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	_, bad, err := g.store.load()
	i := RepositoryInfo{Copies: repositoryCopies, Bad: bad}
	if err != nil {
		i.Why = err.Error()
	}
	return i, nil
}

// RestoreRepository writes the record of a group anew: from memory where the group is
// at work, else from what the consoles keep of the last good one (assumption). It is
// what the next level of support does; an IML has to follow where data are inaccessible.
func (l *Lab) RestoreRepository(group int) (rep Report, err error) {
	const op = "repository restore"
	defer l.recovered(op, &rep, &err)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	g := l.group(group)
	if g == nil {
		return Report{}, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", group), "configure it first")
	}
	record, from := g.store.backup, "what the consoles kept"
	if g.broken == nil {
		rec := g.enc.Record()
		b, err := rec.MarshalBinary()
		if err != nil {
			return Report{}, fmt.Errorf("raslab: %w", err)
		}
		record, from = b, "memory"
	}
	if record == nil {
		return Report{}, refuse(ErrState, op, "there is no good record to restore", "")
	}
	r := l.begin(op, fmt.Sprint(group))
	if err := g.store.Save(record); err != nil {
		return Report{}, err
	}
	if g.broken != nil {
		if err := g.reload(record); err != nil {
			return Report{}, fmt.Errorf("raslab: %w", err)
		}
		g.broken = nil
	}
	r.note("the record of key group %d was restored from %s", group, from)
	return r.done(), nil
}

// checkRepository looks at the record of a group and reports what can not be
// worked with. It says whether the record is good.
func (l *Lab) checkRepository(g *keyGroup) bool {
	record, _, err := g.store.load()
	switch {
	case err == nil:
		g.store.backup = bytes.Clone(record)
		return true
	case errors.Is(err, encgroup.ErrImpossible):
		l.raiseImpossibleRecord(g, err)
	default:
		l.raiseUnreadable(g)
	}
	return false
}

func (g *keyGroup) location() string { return fmt.Sprintf("KG%d", g.id) }

func (l *Lab) raiseUnreadable(g *keyGroup) {
	l.raise(src.BE14E3F7, g.location(), []finding{{location: g.location(), why: "no copy of the key repository can be read"}}, l.repositoryStillBad(g))
}

func (l *Lab) raiseImpossibleRecord(g *keyGroup, err error) {
	l.raise(src.BE31CFE8, g.location(), []finding{{location: g.location(), why: cause(err)}}, l.repositoryStillBad(g))
}

func (l *Lab) repositoryStillBad(g *keyGroup) func(*event) []string {
	return func(*event) []string {
		if _, _, err := g.store.load(); err != nil {
			return []string{fmt.Sprintf("key group %d: %s", g.id, cause(err))}
		}
		return l.stillInaccessible(g)
	}
}

func (l *Lab) stillInaccessible(g *keyGroup) []string {
	if g.enc.State() == encgroup.Inaccessible {
		return []string{fmt.Sprintf("key group %d is %s", g.id, g.enc.State())}
	}
	return nil
}

// raiseMended reports a repository that was put right by a reboot.
func (l *Lab) raiseMended(g *keyGroup, bad []int) {
	why := fmt.Sprintf("copy %s of the key repository differed from the others", listed(bad))
	l.raise(src.BE14CFE5, g.location(), []finding{{location: g.location(), why: why}}, func(*event) []string {
		if _, bad, err := g.store.load(); err != nil || len(bad) > 0 {
			return []string{fmt.Sprintf("copy %s of the key repository differs", listed(bad))}
		}
		return nil
	})
}

func listed(numbers []int) string {
	s := ""
	for i, n := range slices.Sorted(slices.Values(numbers)) {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(n)
	}
	return s
}
