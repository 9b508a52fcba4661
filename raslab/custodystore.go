package raslab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

const (
	custodyPrefix = "custody record " // and the number in the order of arrival, six digits
	custodyCopies = 3
	custodyPages  = 4096 // two generations of records of 1,536 drives with their certificates
)

// custody is the records of a facility.
type custody struct {
	lab     *Lab
	repo    *repository.Repository
	devices []repository.Device

	entries []*CustodyRecord // in the order of arrival
	proven  map[drive.Identity]*CustodyRecord
	named   map[string][]*CustodyRecord // by serial number, in the order of arrival
	moved   []*CustodyRecord            // to another slot; saved with the next ones
	decoded map[string]kept             // what load made of each entry

	challenges io.Reader // by which drives prove who they are
}

func (l *Lab) newCustody() error {
	c := &l.custody
	c.lab = l
	for range custodyCopies {
		c.devices = append(c.devices, &suppliedPages{Device: repository.NewMemDevice(custodyPages), lab: l})
	}
	repo, err := repository.Create(l.stream("custody records"), c.devices...)
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	c.repo = repo
	c.clear()
	return nil
}

// clear forgets what the partitions have in memory.
func (c *custody) clear() {
	c.entries, c.moved, c.proven, c.named = nil, nil, map[drive.Identity]*CustodyRecord{}, map[string][]*CustodyRecord{}
}

// add takes a record in; the caller saves.
func (c *custody) add(e *CustodyRecord) {
	e.number = len(c.entries)
	c.entries = append(c.entries, e)
	if !e.Identity.IsZero() {
		c.proven[e.Identity] = e
	}
	c.named[e.Serial] = append(c.named[e.Serial], e)
}

// of finds the record of a drive by the identity that it proved, or by its serial number if it can
// prove none.
func (c *custody) of(id drive.Identity, serial string) *CustodyRecord {
	if !id.IsZero() {
		return c.proven[id]
	}
	for _, e := range c.named[serial] {
		if e.Identity.IsZero() {
			return e
		}
	}
	return nil
}

// like lists the records with this identity or this serial number, in the order of arrival.
func (c *custody) like(id drive.Identity, serial string) []*CustodyRecord {
	out := slices.Clone(c.named[serial])
	if e := c.proven[id]; e != nil && !slices.Contains(out, e) {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *CustodyRecord) int { return a.number - b.number })
	return out
}

// save writes records, all of them in one step. A record that cannot be kept must not be acted on.
func (c *custody) save(records ...*CustodyRecord) {
	if len(records) == 0 {
		return
	}
	for _, e := range c.moved {
		if !slices.Contains(records, e) {
			records = append(records, e)
		}
	}
	c.moved = nil
	changes := make([]repository.Change, len(records))
	var err error
	for i, e := range records {
		changes[i].Name = fmt.Sprintf("%s%06d", custodyPrefix, e.number)
		if changes[i].Value, err = json.Marshal(e); err != nil {
			break
		}
	}
	if err == nil {
		err = c.repo.Change(changes...)
	}
	if err != nil {
		panic("BUG: raslab: the custody records cannot be kept: " + firstLine(err))
	}
}

// load reads the records as partitions that have booted.
func (c *custody) load() {
	repo, _, err := repository.Open(c.devices...)
	if err != nil {
		panic("BUG: raslab: the custody records cannot be read: " + firstLine(err))
	}
	c.repo = repo
	c.clear()
	decoded := make(map[string]kept, len(c.decoded))
	for _, it := range repo.Kept(custodyPrefix) {
		k := c.decoded[it.Name]
		if !bytes.Equal(k.text, it.Value) {
			k = kept{text: it.Value}
			if err := json.Unmarshal(it.Value, &k.record); err != nil {
				panic("BUG: raslab: the custody records cannot be read: " + firstLine(err))
			}
		}
		decoded[it.Name] = k
		e := k.record
		c.add(&e)
	}
	c.decoded = decoded
}

// kept is a record as it was read last, and its text. Records with their certificates are long, and few change from
// one IML to the next.
type kept struct {
	text   []byte
	record CustodyRecord
}
