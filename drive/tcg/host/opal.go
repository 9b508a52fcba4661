package host

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// The whole tasks on a device of SSC Opal 2. Those that change a range, a PIN or a table are done in the
// name of a Credential, in a session of their own.

// Credential is an authority and its PIN. The PIN that is zero is the empty one, which the owner of a range
// in Single User Mode has at first. The Credential that is zero is Anybody.
type Credential struct {
	Who spec.UID
	PIN drive.PIN
}

// errNotOpal refuses a whole task on a device of another SSC.
var errNotOpal = errors.New("tcg: the device does not speak SSC Opal")

// ErrInactive means that the Locking SP of an Opal device is not activated: it has no sessions then.
var ErrInactive = errors.New("tcg: the Locking SP is not activated")

// by opens a session with a service provider in the name of a credential, runs do, and closes the session.
func (d *Device) by(sp spec.UID, c Credential, do func(*Session) error) error {
	if d.names {
		return errNotOpal
	}
	if sp == spec.OpalLockingSP {
		active, err := d.Activated()
		if err != nil {
			return err
		}
		if !active {
			return ErrInactive
		}
	}
	if c.Who == spec.Null {
		return d.with(sp, do)
	}
	s, err := d.StartAs(sp, c.Who, c.PIN, SessionOptions{})
	if err != nil {
		return err
	}
	return s.ending(do(s))
}

// locked is by at the Locking SP.
func (d *Device) atLocking(c Credential, do func(*Session) error) error {
	return d.by(spec.OpalLockingSP, c, do)
}

// Activated says whether the Locking SP is enabled now, by level 0 discovery (Core 3.3.6.5): that of an
// Enterprise device always is.
func (d *Device) Activated() (bool, error) {
	now, err := Discover(d.t)
	if err != nil {
		return false, err
	}
	l, _ := now.Locking()
	return l.Enabled, nil
}

// LifeCycle is the life cycle state of a service provider, such as spec.ManufacturedInactive (Opal 5.2.2).
func (d *Device) LifeCycle(sp spec.UID) (state uint64, err error) {
	err = d.by(spec.AdminSP, Credential{}, func(s *Session) error {
		row, err := s.Get(sp, "LifeCycleState", "LifeCycleState")
		if err != nil {
			return err
		}
		state, _ = row.Uint("LifeCycleState")
		return nil
	})
	return state, err
}

// Activation says how a Locking SP begins.
type Activation struct {
	// SingleUser are the ranges in Single User Mode, 0 for the global one: range n is User n+1's alone.
	SingleUser []int
	// AllSingleUser puts all ranges into it.
	AllSingleUser bool
	// AdminsPlace leaves start and length of those ranges to the Admins.
	AdminsPlace bool
	// DataStores are the sizes of the DataStore tables in bytes; none is one table of all there is.
	DataStores []uint64
}

// The parameters of Activate and Reactivate (Single User Mode 1.00, 4.1; Additional DataStore Tables 1.01,
// 5.1; those of Reactivate as Linux has them).
const (
	paramSelection     = 0x060000
	paramPolicy        = 0x060001
	paramActivateSizes = 0x060002
	paramAdmin1PIN     = 0x060002
	paramReactivateTo  = 0x060003
)

func (a *Activation) params(sizes uint64) (p []token.Value) {
	if a.AllSingleUser {
		p = append(p, token.N(token.U(paramSelection), token.UID(spec.LockingTable)))
	} else if len(a.SingleUser) > 0 {
		list := token.L()
		for _, n := range a.SingleUser {
			list.Items = append(list.Items, token.UID(spec.Range(n)))
		}
		p = append(p, token.N(token.U(paramSelection), list))
	}
	if a.AdminsPlace {
		p = append(p, token.N(token.U(paramPolicy), token.Bool(true)))
	}
	if len(a.DataStores) > 0 {
		list := token.L()
		for _, n := range a.DataStores {
			list.Items = append(list.Items, token.U(n))
		}
		p = append(p, token.N(token.U(sizes), list))
	}
	return p
}

// Activate activates the Locking SP as SID: Admin1 has the PIN of SID then, and the data stays (Opal 5.1.1).
// One that is active stays as it is.
func (d *Device) Activate(sid drive.PIN, a Activation) error {
	return d.by(spec.AdminSP, Credential{spec.SID, sid}, func(s *Session) error {
		_, err := s.Call(spec.OpalLockingSP, spec.Activate, a.params(paramActivateSizes)...)
		return err
	})
}

// Reactivate begins an active Locking SP anew as Admin1, with other ranges in Single User Mode or none; the
// data stays, every session ends. A next PIN of Admin1 that is zero leaves it as it is. It is FAIL where a
// range has a lock enabled.
func (d *Device) Reactivate(admin1 drive.PIN, a Activation, next drive.PIN) error {
	return d.atLocking(Credential{spec.Admin(1), admin1}, func(s *Session) error {
		p := a.params(paramReactivateTo)
		if next.Len() > 0 {
			at := 0
			for at < len(p) && !d.isName(p[at].Items[0], paramReactivateTo, "") {
				at++
			}
			p = append(p[:at:at], append([]token.Value{token.N(token.U(paramAdmin1PIN), token.B(next.Bytes()))}, p[at:]...)...)
		}
		_, err := s.Call(spec.ThisSP, spec.Reactivate, p...)
		return err
	})
}

// SetPINOf gives an authority another PIN in the name of somebody who may: itself, SID for Admin1 of the
// Admin SP, an Admin for the Admins and Users of the Locking SP.
func (d *Device) SetPINOf(who spec.UID, by Credential, pin drive.PIN) error {
	return d.by(d.Home(who), by, func(s *Session) error {
		return s.Set(CPIN(who), Cell{"PIN", token.B(pin.Bytes())})
	})
}

// SetEnabled enables or disables an authority: an Admin or User as an Admin, Admin1 of the Admin SP as SID.
func (d *Device) SetEnabled(who spec.UID, by Credential, on bool) error {
	return d.by(d.Home(who), by, func(s *Session) error { return s.Set(who, Cell{"Enabled", token.Bool(on)}) })
}

// Ranges reads all ranges that the device has, the global one first. Who may not read where one is and how
// it is locked gets it with Hidden set: Anybody may for ranges in Single User Mode alone.
func (d *Device) Ranges(by Credential) (all []Band, err error) {
	err = d.atLocking(by, func(s *Session) error {
		i, err := s.LockingInfo()
		if err != nil {
			return err
		}
		for n := range i.MaxRanges + 1 {
			row, err := s.Get(spec.Range(n), "RangeStart", "LockOnReset")
			if err != nil {
				return err
			}
			b := Band{N: n, Name: spec.Name(spec.Range(n)), Hidden: true}
			if _, ok := row.Value("RangeStart"); ok {
				if b, err = rangeOf(n, row); err != nil {
					return err
				}
			}
			all = append(all, b)
		}
		return nil
	})
	return all, err
}

func rangeOf(n int, row Row) (b Band, err error) {
	b = Band{N: n, Name: spec.Name(spec.Range(n))}
	var ok, isUint bool
	b.Start, ok = row.Uint("RangeStart")
	b.Length, isUint = row.Uint("RangeLength")
	if !ok || !isUint {
		return b, malformed("Get on "+b.Name, "RangeStart or RangeLength is no number")
	}
	return b, b.flags(row)
}

// SetRange sets some columns of a range, in one step; those that are not named stay as they are.
func (d *Device) SetRange(n int, by Credential, cells ...Cell) error {
	return d.atLocking(by, func(s *Session) error { return s.Set(spec.Range(n), cells...) })
}

// SetRangeLocks locks or opens a range for reading and writing, as one who is granted it. A lock counts
// where it is enabled.
func (d *Device) SetRangeLocks(n int, by Credential, read, write bool) error {
	return d.SetRange(n, by, Cell{"ReadLocked", token.Bool(read)}, Cell{"WriteLocked", token.Bool(write)})
}

// RekeyRange gives a range a new key, as an Admin, or as its owner in Single User Mode: what was written is
// gone (method GenKey, Core 5.3.3.16).
func (d *Device) RekeyRange(n int, by Credential) error {
	return d.atLocking(by, func(s *Session) error { return s.GenKey(spec.Range(n)) })
}

// EraseRange erases a range in Single User Mode, as an Admin or its owner: it has a new key, its locks are
// open, its owner has the empty PIN (Single User Mode 1.00, 5.1).
func (d *Device) EraseRange(n int, by Credential) error {
	return d.atLocking(by, func(s *Session) error {
		_, err := s.Call(spec.Range(n), spec.Erase)
		return err
	})
}

// Grants are who may do what with a range: lock and open it for reading and for writing. In the DataStore
// they are who may read and write it.
type Grants struct{ Read, Write []spec.UID }

// The ACEs that grant a range and the DataStore (Opal 4.3.1.7); that of range n is n behind.
const (
	aceRangeGet  = spec.ACETable + 0x3D000
	aceReadLock  = spec.ACETable + 0x3E000
	aceWriteLock = spec.ACETable + 0x3E800
	aceStoreGet  = spec.ACETable + 0x3FC00
	aceStoreSet  = spec.ACETable + 0x3FC01
)

// Grant says who may lock and open a range, as an Admin, in one step: nobody but those who are named, and the
// device gives each of them a wrap of the range's key. The Admins and those who are named may read how it is.
func (d *Device) Grant(n int, by Credential, g Grants) error {
	look := append([]spec.UID{spec.Admins}, g.Read...)
	return d.grant(by, []ace{{aceReadLock + spec.UID(n), g.Read}, {aceWriteLock + spec.UID(n), g.Write}, {aceRangeGet + spec.UID(n), append(look, g.Write...)}})
}

// GrantDataStore says who may read and write DataStore table n, from 1, as an Admin, in one step.
func (d *Device) GrantDataStore(n int, by Credential, g Grants) error {
	if n < 1 || n > maxDataStores {
		return fmt.Errorf("tcg: no DataStore %d, need 1 to %d", n, maxDataStores)
	}
	behind := 2 * spec.UID(n-1)
	return d.grant(by, []ace{{aceStoreGet + behind, g.Read}, {aceStoreSet + behind, g.Write}})
}

// maxDataStores is how many DataStore tables have their ACEs one behind the other (Additional DataStore
// Tables 1.01, 5.2).
const maxDataStores = 128

// ace is an ACE and whom it is to admit.
type ace struct {
	uid spec.UID
	who []spec.UID
}

// grant sets the expressions of ACEs in one transaction.
func (d *Device) grant(by Credential, all []ace) error {
	for _, a := range all {
		if len(a.who) == 0 {
			return errors.New("tcg: an ACE that admits nobody cannot be written; name who may")
		}
	}
	return d.atLocking(by, func(s *Session) error {
		if err := s.Begin(); err != nil {
			return err
		}
		for _, a := range all {
			if err := s.Set(a.uid, Cell{"BooleanExpr", anyOf(a.who)}); err != nil {
				return err
			}
		}
		return s.Commit()
	})
}

// anyOf is the expression that admits any of some authorities: each, and an OR behind each but the first
// (Core 5.1.3, ACE_expression). Who is named twice is in it once.
func anyOf(who []spec.UID) token.Value {
	half := func(tag uint32, v token.Value) token.Value {
		return token.N(token.B(binary.BigEndian.AppendUint32(nil, tag)), v)
	}
	const or = 1
	list, seen := token.L(), map[spec.UID]bool{}
	for _, u := range who {
		if seen[u] {
			continue
		}
		list.Items = append(list.Items, half(spec.HalfAuthorityObjectRef, token.UID(u)))
		if len(seen) > 0 {
			list.Items = append(list.Items, half(spec.HalfBooleanACE, token.U(or)))
		}
		seen[u] = true
	}
	return list
}

// Granted reads who may lock and open a range, as an Admin.
func (d *Device) Granted(n int, by Credential) (g Grants, err error) {
	err = d.atLocking(by, func(s *Session) error {
		if g.Read, err = s.admitted(aceReadLock + spec.UID(n)); err != nil {
			return err
		}
		g.Write, err = s.admitted(aceWriteLock + spec.UID(n))
		return err
	})
	return g, err
}

// admitted are the authorities in the expression of an ACE.
func (s *Session) admitted(ace spec.UID) (who []spec.UID, err error) {
	doing := "Get on " + spec.Name(ace)
	row, err := s.Get(ace, "BooleanExpr", "BooleanExpr")
	if err != nil {
		return nil, err
	}
	v, _ := row.Value("BooleanExpr")
	items, ok := v.List()
	if !ok {
		return nil, malformed(doing, "its expression is no list, or not for who asks")
	}
	for _, i := range items {
		name, value, ok := i.Named()
		tag, isBytes := name.Bytes()
		if !ok || !isBytes || len(tag) != 4 {
			return nil, malformed(doing, "its expression has what is no term")
		}
		if u, ok := value.UID(); ok && binary.BigEndian.Uint32(tag) == spec.HalfAuthorityObjectRef {
			who = append(who, spec.UID(u))
		}
	}
	return who, nil
}

// RevertTPer sets the whole device back to what the factory made, as SID, Admin1 of the Admin SP, or with
// the PSID of its label: every key is another one, every PIN the factory's (Opal 5.1.2).
func (d *Device) RevertTPer(by Credential) error {
	return d.by(spec.AdminSP, by, func(s *Session) error {
		_, err := s.Call(spec.AdminSP, spec.Revert)
		return err
	})
}

// RevertLocking sets the Locking SP back as an Admin of it: it is not activated then, and the data is gone,
// but that of the global range where its key is kept (method RevertSP, Opal 5.1.3). SID keeps its PIN.
func (d *Device) RevertLocking(by Credential, keepGlobalRangeKey bool) error {
	return d.atLocking(by, func(s *Session) error {
		var p []token.Value
		if keepGlobalRangeKey {
			p = append(p, token.N(token.U(spec.RevertSPKeepGlobalRangeKey), token.Bool(true)))
		}
		_, err := s.Call(spec.ThisSP, spec.RevertSP, p...)
		return err
	})
}

// AllowTPerReset says, as SID, whether ResetTPer works (Opal 4.2.6, ProgrammaticResetEnable).
func (d *Device) AllowTPerReset(sid drive.PIN, on bool) error {
	return d.by(spec.AdminSP, Credential{spec.SID, sid}, func(s *Session) error {
		return s.Set(spec.TPerInfoRow, Cell{"ProgrammaticResetEnable", token.Bool(on)})
	})
}

// ResetTPer ends every session, and locks what locks at a programmatic reset: TPER_RESET (Opal 3.2.3). It is
// an error of the transport where it is not allowed.
func (d *Device) ResetTPer() error {
	if err := d.t.Send(transport.ProtocolComID, spec.TPerReset, make([]byte, block)); err != nil {
		return err
	}
	return d.negotiate()
}

// BlockSID keeps SID out until the next power cycle, and where asked for the next hardware reset, as long as
// SID has the factory PIN (Block SID Authentication 1.01, 3.2). It is an error of the transport where SID is
// blocked already.
func (d *Device) BlockSID(untilHardwareReset bool) error {
	b := make([]byte, block)
	if untilHardwareReset {
		b[0] = 1
	}
	return d.t.Send(transport.ProtocolComID, spec.BlockSIDComID, b)
}

// Authenticate proves a PIN, and does nothing else, on a device of either SSC. A wrong one is a StatusError
// with NotAuthorized, and counts.
func (d *Device) Authenticate(c Credential) error {
	if !d.names && d.Home(c.Who) == spec.OpalLockingSP {
		return d.atLocking(c, func(*Session) error { return nil })
	}
	return d.as(c.Who, c.PIN, func(*Session) error { return nil })
}
