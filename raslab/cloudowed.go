package raslab

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// cloudStep is an action between the facility and the cloud server, written down before it begins.
// The last step of each action saves the receipts. If the save is refused, or the power goes, it is
// owed.
type cloudStep struct {
	op      string       // "cloud migrate", "cloud recall", "cloud delete"
	receipt cloudReceipt // as it is to be kept; of a delete: what goes
	settled bool         // the data are where they belong; only the receipt is missing
	release bool         // and then the sectors, which are to read as zeros
	why     string       // why it could not be done; ""
}

func (s *cloudStep) String() string {
	text := fmt.Sprintf("%s of object %s: its receipt is to be saved", s.op, s.receipt.Object)
	if s.why != "" {
		text += ": " + s.why
	}
	return text
}

// finish does the rest of a step. After an error the rest is still owed.
func (c *cloudSide) finish() error {
	s := c.underway
	err := c.finishReceipt(s)
	if err == nil && s.release {
		var r *Rank
		if r, err = c.lab.plant.rankNamed(s.op, s.receipt.Rank); err == nil {
			err = r.write(s.receipt.LBA, make([]byte, s.receipt.Sectors*c.lab.options.SectorSize))
		} else {
			err = nil // its rank is gone, and the sectors with it
		}
	}
	if err != nil {
		s.why = firstLine(err)
		return err
	}
	c.underway = nil
	return nil
}

func (c *cloudSide) finishReceipt(s *cloudStep) error {
	i, have := c.find(s.receipt.Object)
	switch {
	case s.op == "cloud delete" && have:
		return c.drop(i)
	case s.op == "cloud delete":
		return nil
	}
	return c.keep(s.receipt)
}

// goOn does what is owed: at a reboot, each hour, and before the next step with the cloud.
func (c *cloudSide) goOn(rep *reporter) {
	s := c.underway
	if s == nil || c.broken != nil {
		return
	}
	if !s.settled {
		c.underway = nil
		rep.note("the %s of object %s was cut short by the loss of power: repeat it", s.op, s.receipt.Object)
		return
	}
	if s.op == "cloud delete" {
		if err := c.server.Delete(c.name(s.receipt.Object)); err != nil && !errors.Is(err, tct.ErrNotFound) {
			s.why = firstLine(err)
			return
		}
	}
	if c.finish() == nil {
		rep.note("the %s of object %s was cut short, and is done now", s.op, s.receipt.Object)
	}
}

// free refuses a step with the cloud while another one is owed.
func (c *cloudSide) free(op string) error {
	if c.underway == nil {
		return nil
	}
	c.goOn(c.lab.begin(op, c.underway.receipt.Object))
	if s := c.underway; s != nil {
		return refuse(ErrBusy, op, s.String(), "see to the key repository first; the facility tries again each hour")
	}
	return nil
}
