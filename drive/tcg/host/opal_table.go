package host

import (
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// What surrounds the bytes of a Set or a Get of a byte table: headers of ComPacket, Packet and Subpacket,
// UIDs, parameters, status, and the padding.
const byteTableOverhead = 20 + 24 + 12 + 72 + 4

// chunk is how many bytes of a table one method takes.
func (d *Device) chunk() int {
	n := min(d.limit.comPacket, d.limit.packet+20) - byteTableOverhead
	for _, list := range [][]Property{d.own, d.host} {
		for _, p := range list {
			if p.Name == "MaxIndTokenSize" && p.Value > 8 {
				n = int(min(uint64(n), p.Value-8))
			}
		}
	}
	return max(1, n)
}

// TableSize is how many bytes a byte table has, such as spec.MBRTable (column Rows of table Table).
func (d *Device) TableSize(table spec.UID) (size uint64, err error) {
	err = d.atLocking(Credential{}, func(s *Session) error {
		row, err := s.Get(table.TableRow(), "Rows", "Rows")
		if err != nil {
			return err
		}
		ok := false
		if size, ok = row.Uint("Rows"); !ok {
			return malformed("Get on "+spec.Name(table.TableRow()), "Rows is no number")
		}
		return nil
	})
	return size, err
}

// WriteTable writes bytes of a byte table from an offset on, in as many methods as it takes. progress, which
// may be nil, is told how many bytes are written. What was written before a failure stays written.
func (d *Device) WriteTable(table spec.UID, by Credential, offset uint64, data []byte, progress func(int)) error {
	return d.atLocking(by, func(s *Session) error {
		for at := 0; at < len(data); {
			part := data[at:min(len(data), at+d.chunk())]
			if _, err := s.Call(table, spec.Set, token.N(token.U(0), token.U(offset+uint64(at))), token.N(token.U(1), token.B(part))); err != nil {
				return err
			}
			at += len(part)
			if progress != nil {
				progress(at)
			}
		}
		return nil
	})
}

// ReadTable fills dst from an offset of a byte table on. Anybody may read the MBR shadow.
func (d *Device) ReadTable(table spec.UID, by Credential, offset uint64, dst []byte) error {
	return d.atLocking(by, func(s *Session) error {
		for at := 0; at < len(dst); {
			n := min(len(dst)-at, d.chunk())
			first := offset + uint64(at)
			values, err := s.Call(table, spec.Get, token.L(token.N(token.U(1), token.U(first)), token.N(token.U(2), token.U(first+uint64(n)-1))))
			if err != nil {
				return err
			}
			if len(values) != 1 {
				return malformed("Get on "+spec.Name(table), "%d results, need 1", len(values))
			}
			b, ok := values[0].Bytes()
			if !ok || len(b) != n {
				return malformed("Get on "+spec.Name(table), "it is not %d bytes", n)
			}
			at += copy(dst[at:], b)
		}
		return nil
	})
}

// MBRControl is the row of table MBRControl (Opal 4.3.5.3): while Enabled and not Done, hosts read the MBR
// shadow in place of the first sectors. DoneOnReset holds the kinds of reset that set Done back.
type MBRControl struct {
	Enabled, Done bool
	DoneOnReset   []uint64
}

// MBRControl reads the row.
func (d *Device) MBRControl() (m MBRControl, err error) {
	const doing = "Get on MBRControl"
	err = d.atLocking(Credential{}, func(s *Session) error {
		row, err := s.Get(spec.MBRControlRow, "Enable", "DoneOnReset")
		if err != nil {
			return err
		}
		var ok, isBool bool
		m.Enabled, ok = row.Bool("Enable")
		m.Done, isBool = row.Bool("Done")
		if !ok || !isBool {
			return malformed(doing, "Enable or Done is neither true nor false")
		}
		v, _ := row.Value("DoneOnReset")
		items, ok := v.List()
		for _, i := range items {
			u, isUint := i.Uint()
			ok = ok && isUint
			m.DoneOnReset = append(m.DoneOnReset, u)
		}
		if !ok {
			return malformed(doing, "DoneOnReset is no list of numbers")
		}
		return nil
	})
	return m, err
}

// SetMBREnabled says, as an Admin, whether there is an MBR shadow.
func (d *Device) SetMBREnabled(by Credential, on bool) error {
	return d.setMBR(by, Cell{"Enable", token.Bool(on)})
}

// SetMBRDone says, as an Admin or who is granted it, whether hosts read the disk in place of the MBR shadow.
func (d *Device) SetMBRDone(by Credential, on bool) error {
	return d.setMBR(by, Cell{"Done", token.Bool(on)})
}

func (d *Device) setMBR(by Credential, c Cell) error {
	return d.atLocking(by, func(s *Session) error { return s.Set(spec.MBRControlRow, c) })
}
