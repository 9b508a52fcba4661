package tcg

import (
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// opalDrive is the drive as an Opal drive. A TPer of another one never gets here.
func (t *TPer) opalDrive() *drive.OpalDrive {
	o, err := t.d.Opal()
	if err != nil {
		panic("BUG: tcg: Opal tables over a drive that is none: " + err.Error())
	}
	return o
}

// opalFeatures is what an Opal drive claims in level 0 discovery.
func opalFeatures(t *TPer) []spec.Feature {
	st, o := t.d.Status(), t.opalDrive()
	active, _ := o.Activated()
	mbr, _ := o.MBRControl()
	cfg := t.d.Config()
	features := t.firstFeatures(spec.Locking{
		Supported: true, Enabled: active, Locked: st.Locked, MediaEncryption: true, MBREnabled: mbr.Enable, MBRDone: mbr.Done,
	})
	// The descriptor has 4 bytes for the size; row Table of the DataStore tells all of it.
	features = append(features, opalSingleFeature(t).Feature(),
		spec.DataStoreTables{
			Tables: drive.MaxDataStores, Size: uint32(min(cfg.DataStoreSize, math.MaxUint32)), Alignment: uint32(cfg.SectorSize),
		}.Feature(),
		spec.Opal2{BaseComID: t.pers.baseComID, ComIDs: uint16(t.pers.comIDs), Admins: drive.Admins, Users: drive.Users}.Feature(),
	)
	// A new key takes less than the 2 seconds that are the unit.
	return append(t.withBlockSID(features), spec.DataRemoval{Supported: 1 << spec.DataRemovalCrypto, Times: [6]uint16{spec.DataRemovalCrypto: 1}}.Feature())
}

// opalSetRemoval sets the mechanism by which Revert, RevertSP and GenKey remove data (Opal 4.2.8). There is one:
// new keys.
func opalSetRemoval(_ *invocation, _ *object, cells []assignment) error {
	if u, ok := cells[0].value.Uint(); len(cells) != 1 || !ok || u != spec.DataRemovalCrypto {
		return spec.InvalidParameter
	}
	return nil
}

// opalLogin proves a PIN.
func opalLogin(t *TPer, o *object, pin drive.PIN) (handle, error) {
	l, err := t.opalDrive().Login(o.who, pin)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// opalStartable: there are no sessions with a Locking SP that is not activated (Opal 5.2.2.1).
func opalStartable(t *TPer, sp *provider) bool {
	active, err := t.opalDrive().Activated()
	return sp.uid != spec.OpalLockingSP || err == nil && active
}

// opalLogins are the logins of a session.
func (s *session) opalLogins() (all []*drive.Login) {
	for _, l := range s.logins {
		if o, ok := l.handle.(*drive.Login); ok {
			all = append(all, o)
		}
	}
	return all
}

// opalLogin is the login of one of some authorities, nil if there is none.
func (s *session) opalLogin(who ...drive.Authority) *drive.Login {
	for _, l := range s.opalLogins() {
		if slices.Contains(who, l.Authority()) {
			return l
		}
	}
	return nil
}

// opalTx is a transaction over an Opal drive: one change of it, begun by its first method.
type opalTx struct {
	c      *drive.Change
	note   *note
	ranges []rangeState // what a range would be
	mbr    *drive.MBRControl
}

type rangeState struct {
	n    int
	info drive.RangeInfo
}

// keep says what a range would be.
func (x *opalTx) keep(n int, i drive.RangeInfo) {
	x.ranges = append(slices.DeleteFunc(x.ranges, func(r rangeState) bool { return r.n == n }), rangeState{n, i})
}

func (x *opalTx) commit(*session) error {
	if x.c != nil {
		if err := x.c.Commit(); err != nil {
			return err
		}
		x.c = nil
	}
	return nil
}

func (x *opalTx) drop() {
	if x.c != nil {
		x.c.Abort()
	}
	x.c = nil
}

// change makes a change, or keeps it for the end of the open transaction. What do says of ranges and of
// the row of MBRControl is kept in the transaction, so that its next method begins there. Where do fails,
// nothing of it is left in the transaction.
func (c *invocation) change(do func(x *opalTx) error) error {
	x, open := c.s.tx.(*opalTx)
	if !open {
		x = new(opalTx)
		defer x.drop()
	}
	if x.c == nil {
		ch, err := c.t.opalDrive().Begin(c.s.opalLogins()...)
		if err != nil {
			return err
		}
		x.c = ch
	}
	note, ranges, mbr := x.note, slices.Clone(x.ranges), x.mbr
	if err := x.c.Whole(func() error { return do(x) }); err != nil {
		x.note, x.ranges, x.mbr = note, ranges, mbr
		return err
	}
	if open {
		return nil
	}
	return x.commit(c.s)
}

// open is the transaction that is open, nil if none is, or no method of it changed anything yet.
func (c *invocation) open() *opalTx {
	if x, ok := c.s.tx.(*opalTx); ok && x.c != nil {
		return x
	}
	return nil
}

// authority is an authority as the session sees it.
func (c *invocation) authority(who drive.Authority) (drive.AuthorityInfo, error) {
	if x := c.open(); x != nil {
		return x.c.Authority(who)
	}
	return c.t.opalDrive().Authority(who)
}

// opalInfo is a range as the session sees it.
func (c *invocation) opalInfo(n int) (drive.RangeInfo, error) {
	if x, open := c.s.tx.(*opalTx); open {
		for _, r := range x.ranges {
			if r.n == n {
				return r.info, nil
			}
		}
	}
	return c.t.d.Range(n)
}

// opalRange are the cells of range n.
func opalRange(n int, name string) map[string]reader {
	cells := named(spec.Range(n), name, rangeCells((*invocation).opalInfo, opalResets, spec.RangeKey(n)))
	cells["CommonName"] = opalCommonName
	return cells
}

// opalResets are the kinds of reset as the specification numbers them.
var opalResets = append(slices.Clone(resets), drive.OnProgrammatic)

// opalSetRange sets columns of a range, all in one step.
func opalSetRange(c *invocation, o *object, cells []assignment) error {
	i, err := c.opalInfo(o.n)
	if err != nil {
		return err
	}
	was := i
	var name []assignment
	for _, a := range cells {
		if a.column == "CommonName" {
			name = append(name, a)
			continue
		}
		if !assign(&i, a, opalResets) {
			return spec.InvalidParameter
		}
	}
	return c.change(func(x *opalTx) error {
		if i.RangeConfig != was.RangeConfig {
			if err := x.c.SetRange(o.n, i.RangeConfig); err != nil {
				return err
			}
		}
		// A lock that stays as it is takes no key: Linux says it of a range that it gives to a user alone.
		if i.ReadLocked != was.ReadLocked || i.WriteLocked != was.WriteLocked {
			if err := x.c.SetLocks(o.n, i.ReadLocked, i.WriteLocked); err != nil {
				return err
			}
		}
		x.keep(o.n, i)
		return c.setNames(x, o, name)
	})
}

// opalSetPIN sets the PIN of an authority.
func opalSetPIN(c *invocation, o *object, cells []assignment) error {
	pin, err := pinOf(cells)
	if err != nil {
		return err
	}
	defer pin.Clear()
	return c.change(func(x *opalTx) error { return x.c.SetPIN(o.who, pin) })
}

// opalSetAuthority sets Enabled and CommonName of an authority.
func opalSetAuthority(c *invocation, o *object, cells []assignment) error {
	return c.change(func(x *opalTx) error {
		for _, a := range cells {
			switch a.column {
			case "Enabled":
				on, ok := a.value.Bool()
				if !ok {
					return spec.InvalidParameter
				}
				if err := x.c.SetEnabled(o.who, on); err != nil {
					return err
				}
			case "CommonName":
				if err := c.setNames(x, o, []assignment{a}); err != nil {
					return err
				}
			default:
				return spec.NotAuthorized
			}
		}
		return nil
	})
}

// opalEnabled says whether an authority may authenticate.
func opalEnabled(c *invocation, o *object) (token.Value, error) {
	if o.who == drive.Nobody || o.who == drive.PSID {
		return token.Bool(true), nil
	}
	i, err := c.authority(o.who)
	return token.Bool(i.Enabled), err
}

// opalTries is how often a PIN was wrong since it was right.
func opalTries(c *invocation, o *object) (token.Value, error) {
	if o.who == drive.PSID {
		return readTries(c, o)
	}
	i, err := c.authority(o.who)
	return token.U(uint64(i.Tries)), err
}

// opalLifeCycle is the life cycle state of the Locking SP (Opal 5.2.2).
func opalLifeCycle(c *invocation, _ *object) (token.Value, error) {
	active, err := c.t.opalDrive().Activated()
	if active {
		return token.U(spec.Manufactured), err
	}
	return token.U(spec.ManufacturedInactive), err
}

// opalGenKey is method GenKey on the key of a range.
func opalGenKey(c *invocation, o *object, _ grant) ([]token.Value, error) {
	return nil, c.change(func(x *opalTx) error { return x.c.GenKey(drive.RangeArea(o.n)) })
}

// opalActivate is method Activate of the Locking SP (Opal 5.1.1). Its parameters are those of Single
// User Mode and Additional DataStore Tables.
func opalActivate(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	a, err := c.activation(c.t.d.Config().Ranges, c.params)
	if err != nil {
		return nil, err
	}
	l := c.s.opalLogin(drive.SID)
	if l == nil || c.s.tx != nil {
		return nil, spec.Fail
	}
	n, err := c.t.note()
	if err != nil {
		return nil, err
	}
	next := n.reverted()
	next.single, next.adminsPlace = a.SingleUser, a.AdminsPlace
	a.Note = next.encode()
	return nil, c.t.opalDrive().Activate(l, a)
}

// closeAll ends every session: what a revert does (Opal 5.1.2.2).
func (c *invocation) closeAll() {
	c.over = true
	for _, s := range slices.Clone(c.t.sessions) {
		c.t.close(s)
	}
}

// opalRevert is method Revert (Opal 5.1.2): of the Admin SP, which is the whole TPer, or of the Locking
// SP.
func opalRevert(c *invocation, o *object, g grant) ([]token.Value, error) {
	if o.uid == spec.OpalLockingSP {
		return opalRevertSP(c, o, g)
	}
	l := c.s.opalLogin(drive.SID, drive.PSID, drive.AdminSPAdmin)
	if l == nil || len(c.params) != 0 || c.s.tx != nil {
		return nil, spec.InvalidParameter
	}
	defer c.closeAll()
	if err := c.t.opalDrive().Revert(l); err != nil {
		return nil, err
	}
	c.t.blocked, c.t.byReset = false, false
	return nil, nil
}

// opalRevertSP is method RevertSP (Opal 5.1.3) of the Locking SP, by an Admin of its own or by who owns
// the TPer; of the Admin SP it is Revert.
func opalRevertSP(c *invocation, o *object, g grant) ([]token.Value, error) {
	if c.s.sp.uid == spec.AdminSP && o.uid == spec.ThisSP {
		return opalRevert(c, &object{uid: spec.AdminSP}, g)
	}
	var r drive.RevertOptions
	for _, p := range c.params {
		name, v, ok := p.Named()
		if ok = ok && isName(name, spec.RevertSPKeepGlobalRangeKey, "KeepGlobalRangeKey"); ok {
			r.KeepGlobalRangeKey, ok = v.Bool()
		}
		if !ok {
			return nil, spec.InvalidParameter
		}
	}
	by := []drive.Authority{drive.SID, drive.AdminSPAdmin}
	for n := 1; n <= drive.Admins; n++ {
		by = append(by, drive.Admin(n))
	}
	l := c.s.opalLogin(by...)
	if l == nil || c.s.tx != nil {
		return nil, spec.Fail
	}
	n, err := c.t.note()
	if err != nil {
		return nil, err
	}
	r.Note = n.reverted().encode()
	active, err := c.t.opalDrive().Activated()
	if err != nil {
		return nil, err
	}
	if err := c.t.opalDrive().RevertLocking(l, r); err != nil {
		return nil, err
	}
	if active {
		c.closeAll()
	}
	return nil, nil
}

// opalReset is TPER_RESET (Opal 3.2.3), where the owner has enabled it.
func opalReset(t *TPer) error {
	n, err := t.note()
	if err != nil || !n.resetEnable {
		return transportParameter
	}
	if err := t.d.Reset(drive.ProgrammaticReset); err != nil {
		return transportParameter
	}
	t.forget()
	return nil
}
