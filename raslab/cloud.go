package raslab

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// CloudRequest says what is to leave for the cloud.
type CloudRequest struct {
	Object   string // its name: 1 to 64 letters, digits, hyphens, underscores and dots
	Rank     string // R0
	LBA      uint64 // the first sector
	Sectors  int    // how many, at least 1
	KeyGroup int    // of type TCT; 0: the first one there is
	Release  bool   // release the sectors when the object is safe in the cloud: they read as zeros then
}

// MigrateToCloud sends sectors of a rank to the cloud server as an object that only the group's key
// opens. The object counts once it was read back, opened and compared; its receipt is kept before a
// sector is released. An object whose sectors were not released can be migrated again, from the
// same place: a new version with a new key. Errors that leave the facility as it was wrap those of
// package tct and of the encryption group; a report has Failed set when sectors could not be
// released.
func (l *Lab) MigrateToCloud(q CloudRequest) (out Report, bad error) {
	const op = "cloud migrate"
	defer l.recovered(op, &out, &bad)
	g, r, err := l.checkMigration(op, q)
	if err != nil {
		return Report{}, err
	}
	data := make([]byte, q.Sectors*l.options.SectorSize)
	if err := r.read(q.LBA, data); err != nil {
		return Report{}, err
	}
	tier := tct.New(g.enc, l.cloud.server, l.cloud.entropy)
	receipt, err := tier.Migrate(l.cloud.name(q.Object), data)
	if err != nil {
		return Report{}, cloudError(op, q.Object, err)
	}
	back, err := tier.Recall(receipt)
	if err == nil && !bytes.Equal(back, data) {
		err = tct.ErrTampered
	}
	if err != nil {
		return Report{}, cloudError(op, q.Object+" cannot be read back", err)
	}
	kept := cloudReceipt{
		Object: q.Object, Group: g.id, Rank: r.name(), LBA: q.LBA, Sectors: q.Sectors,
		Size: receipt.Size, ID: receipt.ID[:], Released: q.Release, Migrated: l.Now(),
	}
	rep := l.begin(op, q.Object)
	rep.note("%d sectors of %s from %d on: %d bytes at the cloud server, wrapped by key group %d, read back and verified",
		q.Sectors, r.name(), q.LBA, receipt.Size+tct.Overhead, g.id)
	l.cloud.underway = &cloudStep{op: op, receipt: kept, settled: true, release: q.Release}
	if err := l.cloud.finish(); err != nil {
		rep.r.Failed = true
		rep.note("owed: %s", l.cloud.underway)
		return rep.done(), nil
	}
	if q.Release {
		rep.note("the sectors are released: they read as zeros")
	}
	return rep.done(), nil
}

// checkMigration refuses what cannot be migrated.
func (l *Lab) checkMigration(op string, q CloudRequest) (*keyGroup, *Rank, error) {
	if !objectName(q.Object) {
		return nil, nil, refuse(ErrInvalid, op, fmt.Sprintf("object name %q", q.Object), "1 to 64 letters, digits, hyphens, underscores and dots are right")
	}
	if most := tct.SizeMax / l.options.SectorSize; q.Sectors < 1 || q.Sectors > most {
		return nil, nil, refuse(ErrInvalid, op, fmt.Sprintf("%d sectors", q.Sectors), fmt.Sprintf("1 to %d are right", most))
	}
	if err := l.cloudReady(op); err != nil {
		return nil, nil, err
	}
	if err := l.cloud.free(op); err != nil {
		return nil, nil, err
	}
	r, err := l.plant.rankNamed(op, q.Rank)
	if err != nil {
		return nil, nil, err
	}
	if err := r.checkIO(op, q.LBA, q.Sectors*l.options.SectorSize); err != nil {
		return nil, nil, err
	}
	g, err := l.keys.cloudGroup(op, q.KeyGroup)
	if err != nil {
		return nil, nil, err
	}
	if i, ok := l.cloud.find(q.Object); ok {
		switch old := l.cloud.receipts[i]; {
		case old.Released:
			return nil, nil, refuse(ErrState, op, fmt.Sprintf("object %s holds the only copy of sectors of %s", q.Object, old.Rank), "recall it first, or take another name")
		case old.Rank != r.name() || old.LBA != q.LBA || old.Sectors != q.Sectors:
			return nil, nil, refuse(ErrState, op, fmt.Sprintf("object %s is %d sectors of %s from %d on", q.Object, old.Sectors, old.Rank, old.LBA), "take another name, or delete it first")
		}
		return g, r, nil
	}
	if len(l.cloud.receipts) >= cloudObjectsMax {
		return nil, nil, refuse(ErrState, op, fmt.Sprintf("there are %d objects in the cloud", len(l.cloud.receipts)), "delete one first")
	}
	there, err := l.cloud.has(q.Object)
	if err != nil {
		return nil, nil, cloudError(op, q.Object, err)
	}
	if there {
		return nil, nil, refuse(ErrState, op, fmt.Sprintf("the cloud server has an object %s without a receipt here", l.cloud.name(q.Object)), "take another name, or delete it first")
	}
	return g, r, nil
}

func objectName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// cloudGroup is the group whose key wraps the keys of objects: of type TCT, and
// accessible. 0 is the first of that type.
func (k *keys) cloudGroup(op string, id int) (*keyGroup, error) {
	if id == 0 {
		i := slices.IndexFunc(k.groups, func(g *keyGroup) bool { return g.enc.Kind() == encgroup.TCT })
		if i < 0 {
			return nil, refuse(ErrNotFound, op, "no key group of type TCT is configured", "make two key managers of type TCT for a group, then configure it")
		}
		id = k.groups[i].id
	}
	switch g := k.group(id); {
	case g == nil:
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", id), "make two key managers of type TCT for it, then configure it")
	case g.enc.Kind() != encgroup.TCT:
		return nil, refuse(ErrInvalid, op, fmt.Sprintf("key group %d is of type %s", id, g.enc.Kind()), "objects for the cloud need a group of type TCT")
	}
	return k.usableGroup(op, id)
}

// cloudReady refuses a request while the facility cannot read its receipts.
func (l *Lab) cloudReady(op string) error {
	if l.power.dark {
		return refuse(ErrState, op, "the facility has no power", "power restore gives it back")
	}
	if err := l.cloud.broken; err != nil {
		return &RequestError{Op: op, What: "the receipts of the objects cannot be read: " + firstLine(err), Right: "restore the key repository first", Kind: errors.Join(ErrState, err)}
	}
	return nil
}

func (l *Lab) cloudReceipt(op, object string) (cloudReceipt, error) {
	if err := l.cloudReady(op); err != nil {
		return cloudReceipt{}, err
	}
	i, ok := l.cloud.find(object)
	if !ok {
		return cloudReceipt{}, refuse(ErrNotFound, op, fmt.Sprintf("there is no receipt of an object %q", object), existing("objects", l.cloud.receipts, func(r cloudReceipt) string { return r.Object }))
	}
	return l.cloud.receipts[i], nil
}

// has asks the cloud server whether it has an object.
func (c *cloudSide) has(object string) (bool, error) {
	names, err := c.server.List(c.name(object))
	return slices.Contains(names, c.name(object)), err
}

// cloudError refuses a request that changed nothing here, because an object did not leave or come
// back.
func cloudError(op, object string, err error) error {
	kind, right := ErrState, "see to the cloud server, then repeat"
	switch {
	case errors.Is(err, tct.ErrTampered), errors.Is(err, tct.ErrNotFound):
		right = "have the cloud server restored to what was sent there, then repeat; nothing was changed here"
	case errors.Is(err, encgroup.ErrInaccessible):
		kind, right = ErrNoAccess, "see to its key servers, then repeat the IML"
	}
	return &RequestError{Op: op, What: object + ": " + strings.ReplaceAll(firstLine(err), "tct: ", ""), Right: right, Kind: errors.Join(kind, err)}
}

// RecallRequest says what is to come back from the cloud.
type RecallRequest struct {
	Object string
	Rank   string  // where to; empty: where it came from
	LBA    *uint64 // the first sector there; nil: the one that it came from
	Over   bool    // it may go over other data
}

// RecallFromCloud brings an object back. If the cloud had the only copy, the receipt says so until
// the whole object is back. The object stays in the cloud afterwards. A recall over sectors that
// hold other data by now is refused unless Over is set. Errors wrap those of package tct and of the
// encryption group; nothing was changed then.
func (l *Lab) RecallFromCloud(q RecallRequest) (out Report, bad error) {
	const op = "cloud recall"
	defer l.recovered(op, &out, &bad)
	kept, err := l.cloudReceipt(op, q.Object)
	if err != nil {
		return Report{}, err
	}
	if err := l.cloud.free(op); err != nil {
		return Report{}, err
	}
	before := kept
	if q.Rank != "" {
		kept.Rank = q.Rank
	}
	set(&kept.LBA, q.LBA)
	r, err := l.plant.rankNamed(op, kept.Rank)
	if err != nil {
		return Report{}, err
	}
	g, err := l.keys.cloudGroup(op, kept.Group)
	if err != nil {
		return Report{}, err
	}
	data, err := tct.New(g.enc, l.cloud.server, l.cloud.entropy).Recall(l.cloud.receipt(kept))
	if err != nil {
		return Report{}, cloudError(op, q.Object, err)
	}
	now := make([]byte, len(data))
	if err := r.read(kept.LBA, now); err != nil {
		return Report{}, err
	}
	if at := l.otherData(now, data); at >= 0 && !q.Over {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("sector %d of %s holds other data by now", kept.LBA+uint64(at), r.name()), "save it, then recall the object over it")
	}
	rep := l.begin(op, q.Object)
	l.cloud.underway = &cloudStep{op: op, receipt: kept}
	if err = r.write(kept.LBA, data); err == nil {
		err = r.read(kept.LBA, now)
	}
	if err == nil && !bytes.Equal(now, data) {
		err = ErrDataLost
	}
	if err != nil {
		l.cloud.underway = nil
		rep.r.Failed = true
		rep.note("the object is in the cloud still, and not all of it is on %s: %s", r.name(), firstLine(err))
		return rep.done(), nil
	}
	rep.note("%d sectors of %s from %d on are what was sent to the cloud", kept.Sectors, r.name(), kept.LBA)
	kept.Rank, kept.Released = r.name(), false
	l.cloud.underway.receipt, l.cloud.underway.settled = kept, true
	if kept.Released == before.Released && kept.Rank == before.Rank && kept.LBA == before.LBA {
		l.cloud.underway = nil
	} else if err := l.cloud.finish(); err != nil {
		rep.r.Failed = true
		rep.note("owed: %s", l.cloud.underway)
	}
	return rep.done(), nil
}

// otherData is the first sector that holds neither zeros nor the data to be written there; -1 if
// there is none.
func (l *Lab) otherData(now, data []byte) int {
	zero := make([]byte, l.options.SectorSize)
	for i := 0; i < len(now); i += len(zero) {
		if s := now[i : i+len(zero)]; !bytes.Equal(s, zero) && !bytes.Equal(s, data[i:i+len(zero)]) {
			return i / len(zero)
		}
	}
	return -1
}

// DeleteFromCloud deletes an object and its receipt. It also deletes an object that has no receipt
// here. It refuses to delete the only copy of released sectors unless force is set.
func (l *Lab) DeleteFromCloud(object string, force bool) (out Report, bad error) {
	const op = "cloud delete"
	defer l.recovered(op, &out, &bad)
	if err := l.cloudReady(op); err != nil {
		return Report{}, err
	}
	i, ours := l.cloud.find(object)
	switch {
	case !ours && !objectName(object):
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("object name %q", object), "1 to 64 letters, digits, hyphens, underscores and dots are right")
	case ours && l.cloud.receipts[i].Released && !force:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("object %s holds the only copy of sectors of %s", object, l.cloud.receipts[i].Rank), "recall it first, or force it")
	}
	if err := l.cloud.free(op); err != nil {
		return Report{}, err
	}
	i, ours = l.cloud.find(object)
	if ours {
		l.cloud.underway = &cloudStep{op: op, receipt: l.cloud.receipts[i], settled: true}
	}
	err := l.cloud.server.Delete(l.cloud.name(object))
	if !ours && errors.Is(err, tct.ErrNotFound) {
		return Report{}, refuse(errors.Join(ErrNotFound, err), op, fmt.Sprintf("there is no object %q", object), existing("objects", l.cloud.receipts, func(r cloudReceipt) string { return r.Object }))
	}
	if err != nil && !(ours && errors.Is(err, tct.ErrNotFound)) {
		l.cloud.underway = nil // it is there still
		return Report{}, cloudError(op, object, err)
	}
	rep := l.begin(op, object)
	if ours {
		if err := l.cloud.finish(); err != nil {
			rep.r.Failed = true
			rep.note("owed: %s", l.cloud.underway)
			return rep.done(), nil
		}
	}
	if err != nil {
		rep.note("the cloud server had lost it already")
	}
	rep.note("object %s is deleted", object)
	return rep.done(), nil
}
