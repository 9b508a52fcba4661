package tcg

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// enterpriseFeatures is what an Enterprise drive claims in level 0 discovery.
func enterpriseFeatures(t *TPer) []spec.Feature {
	st := t.d.Status()
	return t.withBlockSID(append(t.firstFeatures(spec.Locking{Supported: true, Enabled: true, Locked: st.Locked, MediaEncryption: true}),
		spec.Enterprise{BaseComID: t.pers.baseComID, ComIDs: uint16(t.pers.comIDs)}.Feature()))
}

// firstFeatures are those that every SSC has, in front of its own.
func (t *TPer) firstFeatures(l spec.Locking) []spec.Feature {
	features := []spec.Feature{spec.TPer{Sync: true, Streaming: true, ComIDMgmt: true}.Feature(), l.Feature()}
	if i, err := t.d.LockingInfo(); err == nil {
		features = append(features, spec.Geometry{
			Align: i.AlignmentRequired, LogicalBlockSize: uint32(i.LogicalBlockSize),
			AlignmentGranularity: i.AlignmentGranularity, LowestAlignedLBA: i.LowestAlignedLBA,
		}.Feature())
	}
	return features
}

// withBlockSID adds what there is to say of Block SID, while the drive has a record.
func (t *TPer) withBlockSID(features []spec.Feature) []spec.Feature {
	if atMSID, err := t.d.AtMSID(drive.SID); err == nil {
		return append(features, spec.BlockSID{NotMSID: !atMSID, Blocked: t.blocked, ClearedByReset: t.byReset}.Feature())
	}
	return features
}

// enterpriseLogin opens a session of the drive.
func enterpriseLogin(t *TPer, o *object, pin drive.PIN) (handle, error) {
	if o.who == drive.PSID {
		return t.d.AuthenticatePSID(pin)
	}
	return t.d.Authenticate(o.who, pin)
}

// batch is a transaction over an Enterprise drive: its methods say what they would change, and the
// drive makes it in one step. The drive has one session at a time, so it is of one authority.
type batch struct{ b drive.Batch }

func (x *batch) commit(s *session) error {
	ses, err := s.handle()
	if err != nil {
		return err
	}
	return ses.Apply(x.b)
}

func (x *batch) drop() { x.b.PIN.Clear() }

// handle is the drive's session of who has authenticated.
func (s *session) handle() (drive.BatchSession, error) {
	for _, l := range s.logins {
		if ses, ok := l.handle.(drive.BatchSession); ok {
			return ses, nil
		}
	}
	return nil, spec.NotAuthorized
}

// stage makes a change, or keeps it for the end of the open transaction if it is one that the drive
// would make.
func (c *invocation) stage(change func(*drive.Batch)) error {
	ses, err := c.s.handle()
	if err != nil {
		return err
	}
	tx, open := c.s.tx.(*batch)
	if !open {
		var b drive.Batch
		change(&b)
		return ses.Apply(b)
	}
	b := tx.b
	b.Erase, b.Enabled = slices.Clone(b.Erase), slices.Clone(b.Enabled)
	change(&b)
	if err := ses.Check(b); err != nil {
		return err
	}
	if !b.PIN.Equal(tx.b.PIN) {
		tx.b.PIN.Clear()
	}
	tx.b = b
	return nil
}

// info is a band as the session sees it: what its open transaction would make of it.
func (c *invocation) info(n int) (drive.RangeInfo, error) {
	i, err := c.t.d.Range(n)
	tx, open := c.s.tx.(*batch)
	if err != nil || !open {
		return i, err
	}
	own := slices.ContainsFunc(c.s.logins, func(l login) bool { return l.who == spec.BandMaster(n) })
	if own && tx.b.Range != nil {
		i.RangeConfig = *tx.b.Range
	}
	if own && tx.b.Locks != nil {
		i.ReadLocked, i.WriteLocked = tx.b.Locks.Read, tx.b.Locks.Write
	}
	if slices.Contains(tx.b.Erase, n) {
		i.ReadLockEnabled, i.WriteLockEnabled, i.LockOnReset = false, false, drive.OnPowerCycle
		i.ReadLocked, i.WriteLocked = false, false
	}
	return i, nil
}

// band are the cells of band n (Core 5.7.2.2).
func band(n int) map[string]reader {
	return named(spec.Band(n), bandName(n), rangeCells((*invocation).info, resets, spec.BandKey(n)))
}

// rangeCells are the cells of a range, by how the session sees it, the kinds of reset that there are, and its key.
func rangeCells(info func(c *invocation, n int) (drive.RangeInfo, error), kinds []drive.ResetSet, key spec.UID) map[string]reader {
	of := func(f func(*drive.RangeInfo) token.Value) reader {
		return func(c *invocation, o *object) (token.Value, error) {
			i, err := info(c, o.n)
			if err != nil {
				return token.Value{}, err
			}
			return f(&i), nil
		}
	}
	return map[string]reader{
		"LockOnReset":      of(func(i *drive.RangeInfo) token.Value { return listOf(kinds, i.LockOnReset) }),
		"ActiveKey":        fixed(token.UID(key)),
		"RangeStart":       of(func(i *drive.RangeInfo) token.Value { return token.U(i.Start) }),
		"RangeLength":      of(func(i *drive.RangeInfo) token.Value { return token.U(i.Length) }),
		"ReadLockEnabled":  of(func(i *drive.RangeInfo) token.Value { return token.Bool(i.ReadLockEnabled) }),
		"WriteLockEnabled": of(func(i *drive.RangeInfo) token.Value { return token.Bool(i.WriteLockEnabled) }),
		"ReadLocked":       of(func(i *drive.RangeInfo) token.Value { return token.Bool(i.ReadLocked) }),
		"WriteLocked":      of(func(i *drive.RangeInfo) token.Value { return token.Bool(i.WriteLocked) }),
	}
}

// resets are the kinds of reset as the specification numbers them (Core 5.1.3, reset_types).
var resets = []drive.ResetSet{spec.PowerCycle: drive.OnPowerCycle, spec.HardwareReset: drive.OnHardware, spec.HotPlugReset: drive.OnHotPlug}

// listOf is a set of resets as a list of their numbers.
func listOf(kinds []drive.ResetSet, s drive.ResetSet) token.Value {
	var l []token.Value
	for n, r := range kinds {
		if s&r != 0 {
			l = append(l, token.U(uint64(n)))
		}
	}
	return token.L(l...)
}

// setOf reads a list of kinds of reset.
func setOf(kinds []drive.ResetSet, v token.Value) (s drive.ResetSet, ok bool) {
	items, ok := v.List()
	for _, i := range items {
		u, isUint := i.Uint()
		if !isUint || u >= uint64(len(kinds)) {
			return 0, false
		}
		s |= kinds[u]
	}
	return s, ok
}

// assign sets one column of a range; it says whether the column takes the value.
func assign(i *drive.RangeInfo, a assignment, kinds []drive.ResetSet) (ok bool) {
	switch a.column {
	case "RangeStart":
		i.Start, ok = a.value.Uint()
	case "RangeLength":
		i.Length, ok = a.value.Uint()
	case "ReadLockEnabled":
		i.ReadLockEnabled, ok = a.value.Bool()
	case "WriteLockEnabled":
		i.WriteLockEnabled, ok = a.value.Bool()
	case "ReadLocked":
		i.ReadLocked, ok = a.value.Bool()
	case "WriteLocked":
		i.WriteLocked, ok = a.value.Bool()
	case "LockOnReset":
		i.LockOnReset, ok = setOf(kinds, a.value)
	}
	return ok
}

// setBand sets columns of a band, all in one step.
func setBand(c *invocation, o *object, cells []assignment) error {
	i, err := c.info(o.n)
	if err != nil {
		return err
	}
	was := i
	for _, a := range cells {
		if !assign(&i, a, resets) {
			return spec.InvalidParameter
		}
	}
	return c.stage(func(b *drive.Batch) {
		if i.RangeConfig != was.RangeConfig {
			b.Range = &i.RangeConfig
		}
		if slices.ContainsFunc(cells, func(a assignment) bool { return a.column == "ReadLocked" || a.column == "WriteLocked" }) {
			b.Locks = &drive.Locks{Read: i.ReadLocked, Write: i.WriteLocked}
		}
	})
}

// pinOf reads the PIN that cells of a row of C_PIN set; no other column of the table can be set.
func pinOf(cells []assignment) (drive.PIN, error) {
	if len(cells) != 1 || cells[0].column != "PIN" {
		return drive.PIN{}, spec.NotAuthorized
	}
	b, ok := cells[0].value.Bytes()
	pin, err := drive.NewPIN(b)
	if !ok || err != nil {
		return drive.PIN{}, spec.InvalidParameter
	}
	return pin, nil
}

// setPIN sets the PIN of an authority that has authenticated (Core 5.3.2.12.4).
func setPIN(c *invocation, _ *object, cells []assignment) error {
	pin, err := pinOf(cells)
	if err != nil {
		return err
	}
	err = c.stage(func(b *drive.Batch) { b.PIN = pin })
	if err != nil || c.s.tx == nil {
		pin.Clear()
	}
	return err
}

// readEnabled says whether an authority may authenticate. The PSID and the classes that no drive
// records always may.
func readEnabled(c *invocation, o *object) (token.Value, error) {
	if o.who == drive.Nobody || o.who == drive.PSID {
		return token.Bool(true), nil
	}
	on, err := c.t.d.Enabled(o.who)
	if tx, open := c.s.tx.(*batch); open {
		for _, e := range tx.b.Enabled {
			if e.Who == o.who {
				on = e.On
			}
		}
	}
	return token.Bool(on), err
}

// setEnabled sets column Enabled of an authority; no other column of the table can be set.
func setEnabled(c *invocation, o *object, cells []assignment) error {
	if len(cells) != 1 || cells[0].column != "Enabled" {
		return spec.NotAuthorized
	}
	on, ok := cells[0].value.Bool()
	if !ok {
		return spec.InvalidParameter
	}
	return c.stage(func(b *drive.Batch) {
		b.Enabled = slices.DeleteFunc(b.Enabled, func(e drive.Enabled) bool { return e.Who == o.who })
		b.Enabled = append(b.Enabled, drive.Enabled{Who: o.who, On: on})
	})
}

// eraseBand is method Erase (Enterprise 5.1): a new key, the locks open, its BandMaster at MSID.
func eraseBand(c *invocation, o *object, _ grant) ([]token.Value, error) {
	if len(c.params) != 0 {
		return nil, spec.InvalidParameter
	}
	return nil, c.stage(func(b *drive.Batch) {
		if !slices.Contains(b.Erase, o.n) {
			b.Erase = append(b.Erase, o.n)
		}
	})
}

// genKey is method GenKey (Core 5.3.3.16) on the key of a band.
func genKey(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	return nil, c.stage(func(b *drive.Batch) { b.GenKey = true })
}

// revert is Revert and RevertSP of who has proved the PSID (PSID feature set 1.00, 4.2): the drive is as
// it was made. The session ends with it, and every other.
func revert(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	if c.s.tx != nil {
		return nil, spec.Fail // it cannot be taken back
	}
	for _, l := range c.s.logins {
		ses, ok := l.handle.(drive.PSIDSession)
		if !ok {
			continue
		}
		c.over = true // the drive ended its session, also where it failed
		if err := ses.Revert(); err != nil {
			return nil, err
		}
		c.t.blocked, c.t.byReset = false, false
		for _, s := range slices.Clone(c.t.sessions) {
			c.t.close(s)
		}
		return nil, nil
	}
	return nil, spec.NotAuthorized
}

// readMSID reads the factory PIN, which anybody may.
func readMSID(c *invocation, _ *object) (token.Value, error) {
	pin, err := c.t.d.MSID()
	if err != nil {
		return token.Value{}, err
	}
	defer pin.Clear()
	return token.B(pin.Bytes()), nil
}

func readTries(c *invocation, o *object) (token.Value, error) {
	used, _, err := c.t.d.Tries(o.who)
	return token.U(uint64(used)), err
}

func readTryLimit(c *invocation, o *object) (token.Value, error) {
	_, limit, err := c.t.d.Tries(o.who)
	return token.U(uint64(limit)), err
}

func readPersistence(c *invocation, _ *object) (token.Value, error) {
	cfg := c.t.d.Config()
	return token.Bool(cfg.Persistent), nil
}

// lockingInfo are the cells of the one row of LockingInfo (Core 5.7.2.1).
func lockingInfo() map[string]reader {
	of := func(f func(*drive.LockingInfo) token.Value) reader {
		return func(c *invocation, _ *object) (token.Value, error) {
			i, err := c.t.d.LockingInfo()
			if err != nil {
				return token.Value{}, err
			}
			return f(&i), nil
		}
	}
	return map[string]reader{
		"UID": fixed(token.UID(spec.LockingInfoRow)), "Name": fixed(token.S("LockingInfo")), "Version": fixed(token.U(1)),
		"EncryptSupport":       fixed(token.U(1)),
		"MaxRanges":            of(func(i *drive.LockingInfo) token.Value { return token.U(uint64(i.MaxRanges)) }),
		"MaxReEncryptions":     fixed(token.U(0)),
		"KeysAvailableCfg":     fixed(token.U(0)),
		"AlignmentRequired":    of(func(i *drive.LockingInfo) token.Value { return token.Bool(i.AlignmentRequired) }),
		"LogicalBlockSize":     of(func(i *drive.LockingInfo) token.Value { return token.U(uint64(i.LogicalBlockSize)) }),
		"AlignmentGranularity": of(func(i *drive.LockingInfo) token.Value { return token.U(i.AlignmentGranularity) }),
		"LowestAlignedLBA":     of(func(i *drive.LockingInfo) token.Value { return token.U(i.LowestAlignedLBA) }),
	}
}
