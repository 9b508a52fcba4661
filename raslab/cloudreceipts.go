package raslab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// The facility keeps the receipts of its objects in the cloud in one entry of the key repository
// (assumption). So they are in every copy of it and survive a loss of power. They are no secrets.
const (
	receiptsEntry   = "cloud receipts"
	cloudObjectsMax = 1000 // receipts of so many fit (assumption)
)

// cloudReceipt is the receipt of one object, and where it came from.
type cloudReceipt struct {
	Object   string    `json:"object"`
	Group    int       `json:"keygrp"`
	Rank     string    `json:"rank"`
	LBA      uint64    `json:"lba"`
	Sectors  int       `json:"sectors"`
	Size     int64     `json:"bytes"`
	ID       []byte    `json:"id"` // of this version, 16 bytes
	Released bool      `json:"released"`
	Migrated time.Time `json:"migrated"`
}

// cloudSide is what the facility has of the cloud.
type cloudSide struct {
	lab      *Lab
	server   tct.Cloud
	entropy  io.Reader // of object keys
	receipts []cloudReceipt
	backup   []byte     // the entry as the consoles keep it
	underway *cloudStep // what is not finished between here and there; nil
	broken   error      // the receipts could not be read at the last IML
}

// newCloud gives the facility its cloud server: that of its options, else the customer's.
func (l *Lab) newCloud() {
	l.cloud = cloudSide{lab: l, server: l.options.Cloud, entropy: l.options.CloudEntropy}
	if l.cloud.server == nil {
		l.cloud.server, l.cloud.entropy = l.wire.cloud, l.stream("cloud objects")
	}
}

// name is the name of an object at the cloud server. Facilities share a server, so it begins with
// the serial number.
func (c *cloudSide) name(object string) string { return c.lab.options.Serial + "/" + object }

// receipt is what the tier needs of a receipt.
func (c *cloudSide) receipt(r cloudReceipt) tct.Receipt {
	out := tct.Receipt{Name: c.name(r.Object), Size: r.Size}
	copy(out.ID[:], r.ID)
	return out
}

func (c *cloudSide) find(object string) (int, bool) {
	return slices.BinarySearchFunc(c.receipts, object, func(r cloudReceipt, n string) int { return strings.Compare(r.Object, n) })
}

// keep adds a receipt to the list, or replaces the one of the same object, and saves the list.
func (c *cloudSide) keep(r cloudReceipt) error {
	list := slices.Clone(c.receipts)
	i, ok := c.find(r.Object)
	if !ok {
		list = slices.Insert(list, i, cloudReceipt{})
	}
	list[i] = r
	return c.save(list)
}

func (c *cloudSide) drop(i int) error { return c.save(slices.Delete(slices.Clone(c.receipts), i, i+1)) }

// save writes the list to every copy of the repository; on an error the old one
// stays in force.
func (c *cloudSide) save(list []cloudReceipt) error {
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("raslab: cloud receipts: %w", err)
	}
	if err := c.lab.records.repository.Put(receiptsEntry, b); err != nil {
		return fmt.Errorf("raslab: cloud receipts: %w", err)
	}
	c.receipts, c.backup = list, b
	return nil
}

// load reads the receipts as a partition that has booted.
func (c *cloudSide) load() {
	c.receipts = nil
	b, _, err := c.lab.records.repository.Read(receiptsEntry)
	switch {
	case errors.Is(err, repository.ErrNoEntry) && c.backup == nil:
		c.broken = nil // nothing ever left for the cloud
		return
	case errors.Is(err, repository.ErrNoEntry):
		err = fmt.Errorf("%w: %w", errGone, err)
	}
	if err == nil {
		err = json.Unmarshal(b, &c.receipts)
	}
	if c.broken = err; err != nil {
		c.receipts = nil
		c.lab.logf("cloud", "the receipts cannot be read: %s", firstLine(err))
	}
}

// report says at an IML that the receipts are gone from a repository that can be read.
// One that cannot be read at all is reported for its groups.
func (c *cloudSide) report() {
	if !errors.Is(c.broken, errGone) {
		return
	}
	c.lab.raiseUnreadable(c.lab.location()+"-cloud", c.broken, lostReceipts{c.lab})
}

// lostReceipts is receipts that cannot be read.
type lostReceipts struct{ lab *Lab }

func (m lostReceipts) still(*event) []string {
	if broken := m.lab.cloud.broken; broken != nil {
		return []string{"the receipts of objects in the cloud: " + firstLine(broken)}
	}
	return nil
}

// restore writes the receipts into a new repository, from what the consoles keep.
func (c *cloudSide) restore() error {
	if c.backup == nil {
		c.load()
		return nil
	}
	if err := c.lab.records.repository.Put(receiptsEntry, c.backup); err != nil {
		return fmt.Errorf("raslab: cloud receipts: %w", err)
	}
	c.load()
	return nil
}

// of counts the objects that the key of a group opens.
func (c *cloudSide) of(group int) int {
	n := 0
	for _, r := range c.receipts {
		if r.Group == group {
			n++
		}
	}
	return n
}
