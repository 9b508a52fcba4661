package tcg

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// single is what Single User Mode puts in the place of the ACLs of an object: those of the range that it
// belongs to, by the policy (0: the owner places the range; 1: the Admins do). The UIDs of its ACEs are
// from memory.
type single struct {
	n   int
	acl [2]acl
}

// aclOf is the ACL of a method on an object that is in force.
func (t *TPer) aclOf(o *object, m spec.UID) []*ace {
	if o.single == nil {
		return o.acl[m]
	}
	n, err := t.note()
	if err != nil || !slices.Contains(n.single, o.single.n) {
		return o.acl[m]
	}
	if n.adminsPlace {
		return o.single.acl[1][m]
	}
	return o.single.acl[0][m]
}

// opalSingle gives the objects of each range that has an owner what Single User Mode puts in their
// place. It is called before the tables are built.
func opalSingle(e *opalACEs, authorities, cpins, locking, keys *table) {
	row := func(t *table, u spec.UID) *object {
		return t.rows[slices.IndexFunc(t.rows, func(o *object) bool { return o.uid == u })]
	}
	place := []string{"RangeStart", "RangeLength", "ReadLockEnabled", "WriteLockEnabled", "ReadLocked", "WriteLocked", "LockOnReset", "ActiveKey"}
	// Of the preconfigured ones, with an expression of their own.
	read := &ace{uid: e.anybody.uid, name: e.anybody.name, expr: e.anybody.expr, columns: place}
	noPIN := e.add(0x42000, "C_PIN_Anybody_Get_NOPIN", false, spec.CPINTable, opalNoPIN, spec.Anybody)
	for n := range min(len(locking.rows), drive.Users) {
		owner := spec.User(n + 1)
		name := fmt.Sprintf("Range%d", n)
		if n == 0 {
			name = "GRange"
		}
		locks := e.add(0x40000+spec.UID(n), "Locking_"+name+"_Set_ReadToLOR", false, spec.LockingTable, place[2:7], owner)
		own := e.add(0x41000+spec.UID(n), "Locking_"+name+"_Set_Range", false, spec.LockingTable, place[:2], owner)
		admins := &ace{uid: own.uid, name: own.name, expr: anyOf(spec.Admins), columns: own.columns, table: own.table}
		genKey := &ace{uid: e.genKey[n].uid, name: e.genKey[n].name, expr: anyOf(owner)}
		pin := &ace{uid: e.userPIN[n+1].uid, name: e.userPIN[n+1].name, expr: anyOf(owner), columns: []string{"PIN"}, table: spec.CPINTable}
		both := func(policy int) acl {
			set := []*ace{locks, own, e.commonNameSet}
			if policy == 1 {
				set[1] = admins
			}
			if n == 0 {
				set = []*ace{locks, e.commonNameSet}
			}
			return acl{spec.Get: {read, e.commonNameGet}, spec.Set: set, spec.Erase: {e.admin, locks}}
		}
		same := func(a acl) *single { return &single{n, [2]acl{a, a}} }
		row(locking, spec.Range(n)).single = &single{n, [2]acl{both(0), both(1)}}
		row(keys, spec.RangeKey(n)).single = same(acl{spec.Get: {e.keyMode}, spec.GenKey: {genKey}})
		row(cpins, spec.CPINUser(n+1)).single = same(acl{spec.Get: {noPIN}, spec.Set: {pin}})
		row(authorities, owner).single = same(acl{spec.Get: {e.authorityGet, e.commonNameGet}, spec.Set: {e.userName[n+1]}})
	}
}

// The parameters of Activate (Single User Mode 1.00, 4.1; Additional DataStore Tables 1.01, 5.1).
const (
	selectionList  = 0x060000
	policy         = 0x060001
	dataStoreSizes = 0x060002
)

// activation reads the parameters of Activate.
func (c *invocation) activation(ranges int, params []token.Value) (a drive.ActivateOptions, err error) {
	for _, p := range params {
		name, v, ok := p.Named()
		switch {
		case ok && isName(name, selectionList, "SingleUserModeSelectionList"):
			a.SingleUser, ok = selection(v, ranges)
		case ok && isName(name, policy, "RangeStartLengthPolicy"):
			a.AdminsPlace, ok = v.Bool()
		case ok && isName(name, dataStoreSizes, "DataStoreTableSizes"):
			a.DataStores, ok = sizes(v)
		default:
			ok = false
		}
		if !ok {
			return a, spec.InvalidParameter
		}
	}
	return a, nil
}

// selection reads a list of ranges, or the table Locking for all of them.
func selection(v token.Value, ranges int) (list []int, ok bool) {
	if u, isUID := v.UID(); isUID {
		for n := range ranges + 1 {
			list = append(list, n)
		}
		return list, spec.UID(u) == spec.LockingTable
	}
	items, ok := v.List()
	if !ok {
		return nil, false
	}
	for _, i := range items {
		u, isUID := i.UID()
		n := 0
		for isUID && n <= ranges && spec.Range(n) != spec.UID(u) {
			n++
		}
		if !isUID || n > ranges || slices.Contains(list, n) {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

func sizes(v token.Value) (list []uint64, ok bool) {
	items, ok := v.List()
	for _, i := range items {
		u, isUint := i.Uint()
		if !isUint {
			return nil, false
		}
		list = append(list, u)
	}
	return list, ok
}

// The parameters that Reactivate has in other places (as Linux sends them).
const (
	admin1PIN             = 0x060002
	reactivatedStoreSizes = 0x060003
)

// opalReactivate is method Reactivate (Single User Mode 1.00): the Locking SP begins anew with other ranges
// in Single User Mode, or none. It ends every session.
func opalReactivate(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	var r drive.ReactivateOptions
	var params []token.Value
	for _, p := range c.params {
		name, v, ok := p.Named()
		switch {
		case ok && isName(name, admin1PIN, "Admin1PIN"):
			b, isBytes := v.Bytes()
			pin, err := drive.NewPIN(b)
			if !isBytes || err != nil {
				return nil, spec.InvalidParameter
			}
			r.Admin1PIN.Clear()
			r.Admin1PIN = pin
		case ok && isName(name, reactivatedStoreSizes, "DataStoreTableSizes"):
			params = append(params, token.N(token.U(dataStoreSizes), v))
		default:
			params = append(params, p)
		}
	}
	defer r.Admin1PIN.Clear()
	var err error
	if r.ActivateOptions, err = c.activation(c.t.d.Config().Ranges, params); err != nil {
		return nil, err
	}
	l := c.s.opalLogin(drive.Admin(1))
	if l == nil || c.s.tx != nil {
		return nil, spec.Fail
	}
	n, err := c.t.note()
	if err != nil {
		return nil, err
	}
	next := n.reverted()
	next.single, next.adminsPlace = r.SingleUser, r.AdminsPlace
	r.Note = next.encode()
	if err := c.t.opalDrive().Reactivate(l, r); err != nil {
		return nil, err
	}
	c.closeAll()
	return nil, nil
}

// opalErase is method Erase of a range in Single User Mode: new keys, its locks open, its owner without
// a PIN.
func opalErase(c *invocation, o *object, _ grant) ([]token.Value, error) {
	if len(c.params) != 0 {
		return nil, spec.InvalidParameter
	}
	return nil, c.change(func(x *opalTx) error {
		if err := x.c.EraseRange(o.n); err != nil {
			return err
		}
		i, err := c.opalInfo(o.n)
		if err != nil {
			return err
		}
		i.ReadLockEnabled, i.WriteLockEnabled, i.ReadLocked, i.WriteLocked = false, false, false, false
		x.keep(o.n, i)
		return nil
	})
}

// singleColumns are the columns that Single User Mode adds to LockingInfo (as Linux reads them): the
// ranges in it, or the table Locking for all of them, and the policy.
var singleColumns = []farCell{
	{selectionList, readSelection},
	{policy, readPolicy},
}

func readSelection(c *invocation, _ *object) (token.Value, error) {
	n, err := c.t.note()
	if err != nil {
		return token.Value{}, err
	}
	if len(n.single) == c.t.d.Config().Ranges+1 {
		return token.UID(spec.LockingTable), nil
	}
	list := token.L()
	for _, r := range n.single {
		list.Items = append(list.Items, token.UID(spec.Range(r)))
	}
	return list, nil
}

func readPolicy(c *invocation, _ *object) (token.Value, error) {
	n, err := c.t.note()
	if err != nil {
		return token.Value{}, err
	}
	return token.Bool(n.adminsPlace), nil
}

// opalSingleFeature is what level 0 discovery says of Single User Mode.
func opalSingleFeature(t *TPer) spec.SingleUser {
	ranges := t.d.Config().Ranges
	f := spec.SingleUser{Objects: uint32(min(ranges+1, drive.Users))}
	if n, err := t.note(); err == nil {
		f.Any, f.All, f.AdminsPlace = len(n.single) > 0, len(n.single) == ranges+1, n.adminsPlace
	}
	return f
}
