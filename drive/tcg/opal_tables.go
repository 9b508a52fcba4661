package tcg

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// byteTable is a table of bytes: the MBR shadow or a DataStore.
type byteTable struct{ area drive.Area }

// describe adds the columns of a byte table to its row of table Table (Opal 4.3.1.2).
func (b *byteTable) describe(o *object) {
	o.cells["Kind"] = fixed(token.U(2))
	o.cells["Rows"] = func(c *invocation, _ *object) (token.Value, error) {
		n, err := c.t.opalDrive().TableSize(b.area)
		return token.U(n), err
	}
	o.cells["MandatoryWriteGranularity"] = fixed(token.U(1))
	o.cells["RecommendedAccessGranularity"] = fixed(token.U(1))
}

// get is method Get on a byte table: the bytes from startRow to endRow, both inclusive (Core 5.3.3.6).
func (b *byteTable) get(c *invocation) ([]token.Value, error) {
	size, err := c.t.opalDrive().TableSize(b.area)
	if err != nil {
		return nil, err
	}
	if len(c.params) != 1 {
		return nil, spec.InvalidParameter
	}
	items, ok := c.params[0].List()
	if !ok {
		return nil, spec.InvalidParameter
	}
	first, last := uint64(0), size-1
	for _, i := range items {
		name, v, ok := i.Named()
		switch {
		case ok && isName(name, 1, "startRow"):
			first, ok = v.Uint()
		case ok && isName(name, 2, "endRow"):
			last, ok = v.Uint()
		default:
			ok = false
		}
		if !ok {
			return nil, spec.InvalidParameter
		}
	}
	if first > last || last >= size {
		return nil, spec.InvalidParameter
	}
	if last-first >= maxPacket || !c.s.com.fits(int(last-first)+1) {
		return nil, spec.ResponseOverflow // before so much is read
	}
	out := make([]byte, last-first+1)
	if err := c.t.opalDrive().ReadTable(b.area, first, out, c.s.opalLogins()...); err != nil {
		return nil, err
	}
	return []token.Value{token.B(out)}, nil
}

// set is method Set on a byte table: bytes from a row on (Core 5.3.3.7). There is none of it in a
// transaction, which the drive could not take back.
func (b *byteTable) set(c *invocation) error {
	var where uint64
	var data []byte
	for _, p := range c.params {
		name, v, ok := p.Named()
		switch {
		case ok && isName(name, 0, "Where"):
			where, ok = v.Uint()
		case ok && isName(name, 1, "Values"):
			data, ok = v.Bytes()
		default:
			ok = false
		}
		if !ok {
			return spec.InvalidParameter
		}
	}
	if c.s.tx != nil {
		return spec.Fail
	}
	if len(data) == 0 {
		return nil
	}
	return c.t.opalDrive().WriteTable(b.area, where, data, c.s.opalLogins()...)
}

// mbrInfo is the row of MBRControl as the session sees it.
func (c *invocation) mbrInfo() (drive.MBRControl, error) {
	if x, open := c.s.tx.(*opalTx); open && x.mbr != nil {
		return *x.mbr, nil
	}
	return c.t.opalDrive().MBRControl()
}

// mbrControl are the cells of the row of MBRControl (Opal 4.3.5.3).
func mbrControl() map[string]reader {
	of := func(f func(*drive.MBRControl) token.Value) reader {
		return func(c *invocation, _ *object) (token.Value, error) {
			m, err := c.mbrInfo()
			if err != nil {
				return token.Value{}, err
			}
			return f(&m), nil
		}
	}
	return map[string]reader{
		"UID":         fixed(token.UID(spec.MBRControlRow)),
		"Enable":      of(func(m *drive.MBRControl) token.Value { return token.Bool(m.Enable) }),
		"Done":        of(func(m *drive.MBRControl) token.Value { return token.Bool(m.Done) }),
		"DoneOnReset": of(func(m *drive.MBRControl) token.Value { return listOf(opalResets, m.DoneOnReset) }),
	}
}

// opalSetMBRControl sets columns of the row of MBRControl.
func opalSetMBRControl(c *invocation, _ *object, cells []assignment) error {
	m, err := c.mbrInfo()
	if err != nil {
		return err
	}
	for _, a := range cells {
		ok := false
		switch a.column {
		case "Enable":
			m.Enable, ok = a.value.Bool()
		case "Done":
			m.Done, ok = a.value.Bool()
		case "DoneOnReset":
			m.DoneOnReset, ok = setOf(opalResets, a.value)
		}
		if !ok {
			return spec.InvalidParameter
		}
	}
	return c.change(func(x *opalTx) error {
		if err := x.c.SetMBRControl(m); err != nil {
			return err
		}
		x.mbr = &m
		return nil
	})
}
