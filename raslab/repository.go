package raslab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// The key repository of a facility: in how many copies, and of how many pages each
// (assumptions).
const (
	repositoryCopies = 3
	repositoryPages  = 512
)

// recordStore is a group's entries in the key repository, as the group writes them through the
// memory of the partitions.
type recordStore struct {
	lab   *Lab
	group int
	name  string
	// What the consoles keep: the last record that a server's key opened, and the last record that
	// could be read, which has the members; nil if none was.
	backup *encgroup.Record
	whole  *encgroup.MemStore
	eedks  []byte // and the externally encrypted data keys that were written last

	read, trimmed []encgroup.Entry // the last record that was read, and what reading made of it
}

var _ encgroup.Store = (*recordStore)(nil)

// errGone is a record that was written once and is not in the repository now.
var errGone = errors.New("raslab: the record is gone from the key repository")

func (r *recordStore) entries() repository.Store { return r.lab.records.repository.Store(r.name) }

// Save writes entries to every copy of the repository. It refuses an impossible record, so that the
// key step ends before a drive is touched.
func (r *recordStore) Save(entries []encgroup.Entry) error {
	whole := r.whole
	if whole == nil {
		whole = &encgroup.MemStore{}
	}
	return r.write(whole.Check(entries), func() error { return r.entries().Save(entries) }, func() error {
		r.whole = whole
		return whole.Save(entries)
	})
}

// Replace writes a whole record in the same way.
func (r *recordStore) Replace(record []encgroup.Entry) error {
	_, err := encgroup.ReadRecord(record)
	return r.write(err, func() error { return r.entries().Replace(record) }, func() error { return r.had(record) })
}

func (r *recordStore) write(impossible error, put, kept func() error) error {
	if impossible != nil {
		r.lab.raiseImpossible(r.lab.keys.group(r.group), impossible)
		return impossible
	}
	if err := put(); err != nil {
		return err
	}
	return kept()
}

// had sends a record to the consoles.
func (r *recordStore) had(record []encgroup.Entry) error {
	r.whole = &encgroup.MemStore{}
	return r.whole.Replace(record)
}

// load reads the record from the repository. The error is the repository's if no copy is good, and
// encgroup.ErrImpossible if the record is whole but contradicts itself.
func (r *recordStore) load() ([]encgroup.Entry, error) {
	record, _, err := r.entries().Load()
	if errors.Is(err, repository.ErrNoEntry) && r.whole != nil {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	if err != nil {
		return nil, err
	}
	if _, err := encgroup.ReadRecord(record); err != nil {
		return record, err
	}
	return record, r.had(record) // a save that a loss of power cut short may be in force
}

// reading is what the partitions need of a record to check a server's key: all but the members.
func (r *recordStore) reading() ([]encgroup.Entry, error) {
	record, _, err := r.entries().Load()
	if err != nil {
		return nil, err
	}
	same := func(a, b encgroup.Entry) bool { return a.Serial == b.Serial && bytes.Equal(a.Bytes, b.Bytes) }
	if slices.EqualFunc(record, r.read, same) {
		return r.trimmed, nil
	}
	rec, err := encgroup.ReadRecord(record)
	if err != nil {
		return nil, err
	}
	rec.Members = nil
	trimmed, err := rec.Entries()
	if err == nil {
		r.read, r.trimmed = record, trimmed
	}
	return trimmed, err
}

// records is the key repository and the media that it lies on.
type records struct {
	repository *repository.Repository
	copies     []*repository.MemDevice
	media      *repository.Faulty
	entropy    io.Reader
	damages    int  // bits that were flipped on the media
	restoring  bool // it is being made anew
}

// newRepository makes an empty key repository.
func (l *Lab) newRepository() error {
	if l.records.copies == nil {
		var devices []repository.Device
		for range repositoryCopies {
			l.records.copies = append(l.records.copies, repository.NewMemDevice(repositoryPages))
			devices = append(devices, &suppliedPages{Device: l.records.copies[len(l.records.copies)-1], lab: l})
		}
		l.records.media = repository.NewFaulty(devices...)
		l.records.entropy = l.stream("key repository")
	}
	repo, err := repository.Create(l.records.entropy, l.records.media.Devices()...)
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	l.records.repository = repo
	return nil
}

// DamageRepository flips one bit in every page of one copy (1 to 3) of the key repository, on its
// medium. It flips another bit each time.
func (l *Lab) DamageRepository(copy int) error {
	if copy < 1 || copy > repositoryCopies {
		return refuse(ErrInvalid, "repository damage", fmt.Sprintf("copy %d", copy), fmt.Sprintf("copies are 1 to %d", repositoryCopies))
	}
	d := l.records.copies[copy-1]
	l.records.damages++ // the same bit twice would mend it
	page := make([]byte, repository.PageSize)
	for n := range d.Pages() {
		if err := d.ReadPage(n, page); err != nil {
			return fmt.Errorf("raslab: %w", err)
		}
		page[l.records.damages%len(page)] ^= 0x10
		if err := d.WritePage(n, page); err != nil {
			return fmt.Errorf("raslab: %w", err)
		}
	}
	l.logf("repository", "copy %d was damaged", copy)
	return nil
}

// ArmRepository arms a fault plan on the copies of the key repository (points
// "repository.…"; Block is the copy, from 0). No plan (nil) disarms.
func (l *Lab) ArmRepository(plan *fault.Plan) error {
	var parsed *fault.Plan
	if err := l.arm(&parsed, "repository", plan, "repository"); err != nil {
		return err
	}
	l.records.media.Disarm()
	if parsed != nil {
		l.records.media.Arm(parsed)
	}
	return nil
}

// Repository says what the copies of the key repository are like, one line a
// copy, and whether all is well.
func (r *records) Repository() (copies []string, good bool) {
	rep := r.repository.Check()
	for _, c := range rep.Copies {
		copies = append(copies, c.Condition.String())
	}
	return copies, rep.Verdict == repository.Good
}

// RestoreRepository writes the records of all groups anew: from memory where a group is at work,
// else from what the consoles keep of the last good one (assumption). It is what the next level of
// support does; an IML has to follow where data are inaccessible.
func (l *Lab) RestoreRepository() (out Report, bad error) {
	const op = "repository restore"
	defer l.recovered(op, &out, &bad)
	if err := l.free(op); err != nil {
		return Report{}, err
	}
	rep := l.begin(op, l.options.Serial)
	l.restoreRepository(rep)
	if l.sfi.partitions[0].complete && l.sfi.state == sfiRunning {
		l.payOwed(rep, false)
	}
	return rep.done(), nil
}

// restoreRepository does the restore. The next IML repeats one that a loss of power cut short.
func (l *Lab) restoreRepository(rep *reporter) {
	records, from := make([][]encgroup.Entry, len(l.keys.groups)), make([]string, len(l.keys.groups))
	for i, g := range l.keys.groups { // all of them, before anything is written
		var err error
		if records[i], from[i], err = g.goodRecord(); err != nil {
			l.raiseImpossible(g, err)
			rep.r.Failed = true
			rep.note("the record of key group %d cannot be composed, and nothing was written: %s", g.id, firstLine(err))
			l.records.restoring = false
			return
		}
	}
	l.records.restoring = true
	if err := l.newRepository(); err != nil {
		rep.r.Failed = true
		rep.note("the copies cannot be made anew: %s", firstLine(err))
		l.records.restoring = false
		return
	}
	for i, g := range l.keys.groups {
		if g.enc.State() == encgroup.Unconfigured {
			continue
		}
		err := g.store.keepEEDKs(g.store.eedks)
		if err == nil {
			err = g.store.Replace(records[i])
		}
		if err == nil {
			_, err = g.store.load()
		}
		if err != nil {
			rep.r.Failed = true
			rep.note("the record of key group %d was written, and cannot be read back: %s", g.id, firstLine(err))
			continue
		}
		if from[i] != fromMemory {
			if err := g.reload(records[i]); err != nil {
				panic("BUG: raslab: a record that was just composed cannot be loaded: " + err.Error())
			}
		}
		if g.broken != nil && g.why == firstLine(g.broken) {
			g.why = "its record was restored; the next IML retrieves its key"
		}
		g.broken = nil
		rep.note("the record of key group %d was restored from %s", g.id, from[i])
	}
	if err := l.cloud.restore(); err != nil {
		rep.r.Failed = true
		rep.note("the receipts of objects in the cloud were not restored: %s", firstLine(err))
	}
	l.records.restoring = false
}

const fromMemory = "memory"

// goodRecord is a group's record from memory. If the group's key is not there, or its record could
// not be read, it is the record that the consoles kept.
func (g *keyGroup) goodRecord() (record []encgroup.Entry, from string, err error) {
	rec, from := g.enc.Record(), fromMemory
	if g.enc.State() == encgroup.Inaccessible {
		if g.store.backup == nil {
			panic("BUG: raslab: a configured group was never kept by the consoles")
		}
		members, err := encgroup.ReadRecord(g.store.whole.Record())
		if err != nil {
			panic("BUG: raslab: a record that was whole cannot be read: " + err.Error())
		}
		rec, from = *g.store.backup, "what the consoles kept"
		rec.Members = members.Members
	}
	record, err = g.composed(rec)
	return record, from, err
}

// composed is a record as the memory of the partitions has it. The error says that it contradicts
// itself.
func (g *keyGroup) composed(rec encgroup.Record) ([]encgroup.Entry, error) {
	record, err := rec.Entries()
	if err != nil {
		return nil, err
	}
	record = encgroup.Compose(&g.lab.sfi.partitions[0].memory, record)
	_, err = encgroup.ReadRecord(record)
	return record, err
}

// raiseBroken reports a group's record that cannot be read or contradicts itself.
func (l *Lab) raiseBroken(g *keyGroup, err error) {
	l.raiseUnreadable(g.location(), err, brokenRecord{g}).next = g
}

// brokenRecord is a group's record that cannot be read, or a group without its key.
type brokenRecord struct{ group *keyGroup }

func (m brokenRecord) still(*event) []string {
	if _, err := m.group.store.load(); err != nil {
		return []string{fmt.Sprintf("key group %d: %s", m.group.id, firstLine(err))}
	}
	return m.group.stillInaccessible()
}

// raiseUnreadable is raiseBroken for any entry of the key repository.
func (l *Lab) raiseUnreadable(location string, err error, recheck matter) *event {
	code, why := src.BE14E3F7, "no copy of the key repository can be read"
	switch {
	case errors.Is(err, encgroup.ErrImpossible):
		code, why = src.BE31CFE8, cause(err)
	case errors.Is(err, errGone):
		why = firstLine(err)
	}
	return l.raise(code, location, []finding{{location: location, why: why}}, recheck)
}

// raiseImpossible reports a composed record that contradicts itself. It is composed anew before the
// event is closed.
func (l *Lab) raiseImpossible(g *keyGroup, err error) {
	l.raiseUnreadable(g.location(), err, impossibleRecord{g})
}

// impossibleRecord is a group's record that contradicts itself, in memory or in the key repository.
type impossibleRecord struct{ group *keyGroup }

func (m impossibleRecord) still(*event) []string {
	g := m.group
	_, err := g.composed(g.enc.Record())
	if err == nil {
		_, err = g.store.load()
	}
	if err != nil && (errors.Is(err, errGone) || !errors.Is(err, repository.ErrNoEntry)) {
		return []string{fmt.Sprintf("key group %d: %s", g.id, firstLine(err))}
	}
	return nil
}

// raiseMended reports a repository that was put right by a reboot.
func (l *Lab) raiseMended(rep repository.Report) {
	var found []finding
	for i, c := range rep.Copies {
		if c.Repaired {
			found = append(found, finding{location: fmt.Sprintf("%s-KR%d", l.location(), i+1), why: fmt.Sprintf("copy %d of the key repository was %s", i+1, c.Condition)})
		}
	}
	l.raise(src.BE14CFE5, "", found, badCopies{l})
}

// badCopies is copies of the key repository that are not good.
type badCopies struct{ lab *Lab }

func (m badCopies) still(*event) []string {
	if copies, good := m.lab.records.Repository(); !good {
		return []string{"the copies of the key repository are " + strings.Join(copies, ", ")}
	}
	return nil
}

// openRepository opens the key repository at a reboot. A bad copy is mended from a good one.
func (r *records) openRepository() repository.Report {
	r.media.PowerOn()
	repo, rep, err := repository.Open(r.media.Devices()...)
	if err == nil {
		r.repository = repo
	}
	return rep
}
