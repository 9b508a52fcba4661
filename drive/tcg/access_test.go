package tcg

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// Who may read and set which column, written from the access control tables of SSC Enterprise 1.01 and
// the PSID feature set, not from the code. One line is one kind of object: the columns that are there
// for everybody; the columns that only some may read; the columns that only some may set. "self" is the
// authority that the object belongs to. Everything else is refused to everybody, the owner included.
type rule struct {
	object  spec.UID
	open    string            // columns that anybody reads
	reads   map[string]string // columns: who
	sets    map[string]string // columns: who
	methods map[spec.UID]string
}

const (
	rowOfAuthority = "UID Name CommonName IsClass Enabled Operation"
	rowOfCPIN      = "UID Name CommonName TryLimit Tries Persistence" // never PIN
	rowOfBand      = "UID Name CommonName RangeStart RangeLength ReadLockEnabled WriteLockEnabled ReadLocked WriteLocked LockOnReset ActiveKey"
	rowOfInfo      = "UID Name Version EncryptSupport MaxRanges MaxReEncryptions KeysAvailableCfg AlignmentRequired LogicalBlockSize AlignmentGranularity LowestAlignedLBA"
	rowOfTable     = "UID Name Kind NumColumns"
	rowOfACE       = "UID Name BooleanExpr Columns"
	rowOfSP        = "UID Name LifeCycleState Frozen"
	rowOfTemplate  = "UID Name RevisionNumber Instances MaxInstances"
	rowOfSPInfo    = "UID SPID Name Enabled"
	rowOfSPTempl   = "UID TemplateID Name Version"
	locks          = "ReadLockEnabled WriteLockEnabled ReadLocked WriteLocked LockOnReset"
)

// everywhere are the objects of both service providers.
func everywhere(tables, methods, aces []spec.UID) (rules []rule) {
	for _, u := range tables {
		if u == spec.MBRTable || u == spec.DataStoreTable {
			rules = append(rules, rule{object: u.TableRow(), open: rowOfTable + " Rows MandatoryWriteGranularity RecommendedAccessGranularity"})
			continue
		}
		rules = append(rules, rule{object: u.TableRow(), open: rowOfTable})
		r := rule{object: u, methods: map[spec.UID]string{spec.Next: "Anybody"}}
		if u == spec.AccessControlTable {
			r.methods[spec.GetACL] = "Anybody"
		}
		if u == spec.LockingInfoTable {
			r.open = rowOfInfo // hosts read its row by the UID of the table, too
		}
		rules = append(rules, r)
	}
	for _, u := range methods {
		rules = append(rules, rule{object: u, open: "UID Name"})
	}
	for _, u := range aces {
		rules = append(rules, rule{object: u, open: rowOfACE})
	}
	return append(rules,
		rule{object: spec.SPInfoRow, open: rowOfSPInfo},
		rule{object: spec.SPTemplatesBase, open: rowOfSPTempl}, rule{object: spec.SPTemplatesSpecific, open: rowOfSPTempl},
	)
}

var enterpriseMethods = []spec.UID{
	spec.EnterpriseGet, spec.EnterpriseSet, spec.Next, spec.EnterpriseAuthenticate, spec.GetACL, spec.GenKey, spec.RevertSP,
	spec.Revert, spec.Random, spec.Erase, spec.Restore,
}

func adminRules() []rule {
	tables := []spec.UID{
		spec.TableTable, spec.SPInfoTable, spec.SPTemplatesTable, spec.MethodIDTable, spec.AccessControlTable, spec.ACETable,
		spec.AuthorityTable, spec.CPINTable, spec.TPerInfoTable, spec.TemplateTable, spec.SPTable,
	}
	aces := []spec.UID{
		0x0000000800000001, 0x0000000800000003, 0x0000000800000201, 0x0000000800008C03, 0x0000000800008C04, 0x0000000800008C05,
		0x00000008000100E0, 0x00000008000100E1,
	}
	return append(everywhere(tables, enterpriseMethods, aces),
		rule{object: spec.ThisSP, methods: map[spec.UID]string{
			spec.EnterpriseAuthenticate: "Anybody", spec.Random: "Anybody", spec.RevertSP: "PSID",
		}},
		rule{object: spec.AdminSP, open: rowOfSP, methods: map[spec.UID]string{spec.Revert: "PSID"}},
		rule{object: spec.EnterpriseLockingSP, open: rowOfSP},
		rule{object: spec.TPerInfoRow, open: "UID ProtocolVersion SpaceForIssuance SSC"},
		rule{object: spec.TemplateBase, open: rowOfTemplate}, rule{object: spec.TemplateAdmin, open: rowOfTemplate},
		rule{object: spec.TemplateLocking, open: rowOfTemplate},
		rule{object: spec.Anybody, open: rowOfAuthority},
		rule{object: spec.Makers, open: rowOfAuthority, sets: map[string]string{"Enabled": "SID"}},
		rule{object: spec.SID, open: rowOfAuthority}, rule{object: spec.PSID, open: rowOfAuthority},
		rule{object: spec.CPINSID, reads: map[string]string{rowOfCPIN: "SID"}, sets: map[string]string{"PIN": "SID"}},
		rule{object: spec.CPINMSID, open: "PIN"},
		rule{object: spec.CPINPSID, open: rowOfCPIN},
	)
}

func lockingRules(bands int) []rule {
	tables := []spec.UID{
		spec.TableTable, spec.SPInfoTable, spec.SPTemplatesTable, spec.MethodIDTable, spec.AccessControlTable, spec.ACETable,
		spec.AuthorityTable, spec.CPINTable, spec.LockingInfoTable, spec.LockingTable, spec.KAES256Table,
	}
	aces := []spec.UID{
		0x0000000800000001, 0x0000000800008C01, 0x0000000800008C02, 0x0000000800008C05, 0x0000000800008C06, 0x0000000800020001,
		0x000000080003BFFF,
	}
	var rules []rule
	for n := range spec.UID(bands) {
		aces = append(aces, 0x0000000800008001+n, 0x0000000800008401+n, 0x0000000800008801+n)
		self := fmt.Sprintf("BandMaster%d", n)
		place := "RangeStart RangeLength " + locks
		if n == 0 {
			place = locks
		}
		rules = append(rules,
			rule{object: 0x0000000900008001 + n, open: rowOfAuthority, sets: map[string]string{"Enabled": "EraseMaster"}},
			rule{object: 0x0000000B00008001 + n, reads: map[string]string{rowOfCPIN: self}, sets: map[string]string{"PIN": self}},
			rule{object: 0x0000080200000001 + n, open: rowOfBand, sets: map[string]string{place: self}, methods: map[spec.UID]string{spec.Erase: "EraseMaster"}},
			rule{object: 0x0000080600000001 + n, open: "UID Name CommonName Mode", methods: map[spec.UID]string{spec.GenKey: self}},
		)
	}
	return append(append(everywhere(tables, enterpriseMethods, aces), rules...),
		rule{object: spec.ThisSP, methods: map[spec.UID]string{spec.EnterpriseAuthenticate: "Anybody", spec.Random: "Anybody", spec.Restore: "BandMaster0 BandMaster1 BandMaster2"}},
		rule{object: spec.LockingInfoRow, open: rowOfInfo},
		rule{object: spec.Anybody, open: rowOfAuthority}, rule{object: spec.BandMasters, open: rowOfAuthority},
		rule{object: spec.EraseMaster, open: rowOfAuthority},
		rule{object: spec.CPINEraseMaster, reads: map[string]string{rowOfCPIN: "EraseMaster"}, sets: map[string]string{"PIN": "EraseMaster"}},
	)
}

// may says whether an authority is admitted to a column.
func may(by map[string]string, column, who string) bool {
	for columns, admitted := range by {
		if slices.Contains(strings.Fields(columns), column) && (slices.Contains(strings.Fields(admitted), who) || admitted == "Anybody") {
			return true
		}
	}
	return false
}

// value is one that a column takes.
func (b *bench) value(column string) token.Value {
	switch column {
	case "LockOnReset", "DoneOnReset":
		return token.L(token.U(0))
	case "CommonName":
		return token.S("it")
	case "BooleanExpr":
		return expr(spec.Admins)
	case "PIN":
		return token.B(pin(7))
	case "ActiveDataRemovalMechanism":
		return token.U(spec.DataRemovalCrypto)
	case "RangeStart", "RangeLength", "ReadLocked", "WriteLocked":
		return token.U(0)
	}
	return token.U(1)
}

// isGetOrSet says of a method that it is the SSC's Get or Set, which are played elsewhere.
func (b *bench) isGetOrSet(m spec.UID) bool {
	if b.opal {
		return m == spec.Get || m == spec.Set
	}
	return m == spec.EnterpriseGet || m == spec.EnterpriseSet
}

// matrix plays every authority against every column of every object of a service provider.
func matrix(t *testing.T, make func() *bench, sp spec.UID, rules []rule, authorities map[string]spec.UID) {
	ruled := map[spec.UID]bool{}
	for _, r := range rules {
		ruled[r.object] = true
	}
	b := make()
	for u := range b.tp.pers.provider(sp).objects {
		require.True(t, ruled[u], "%v is an object, and the matrix says nothing of it", u)
	}
	for _, who := range slices.Sorted(maps.Keys(authorities)) {
		b := make()
		if who == "Anybody" {
			require.Equal(t, spec.Success, b.start(sp, true))
		} else {
			proof := b.msid()
			if who == "PSID" {
				proof = b.label.PSID.Bytes()
			} else if b.opal {
				proof = pin(1)
			}
			require.Equal(t, spec.Success, b.as(sp, authorities[who], proof), who)
		}
		for _, r := range rules {
			b.readAll(who, r)
			b.setAll(who, r)
			b.invokeAll(who, r)
		}
	}
}

// readAll reads each column of an object by itself.
func (b *bench) readAll(who string, r rule) {
	for _, column := range spec.Columns(r.object) {
		cells, st := b.get(r.object, column, column)
		_, got := cells[column]
		want := slices.Contains(strings.Fields(r.open), column) || may(r.reads, column, who)
		require.Equal(b.t, want, got, "%s reads %s of %v: %v", who, column, r.object, st)
		any := r.open != ""
		for _, admitted := range r.reads {
			any = any || slices.Contains(strings.Fields(admitted), who)
		}
		wantStatus := spec.Success
		if !any {
			wantStatus = spec.NotAuthorized
		}
		require.Equal(b.t, wantStatus, st, "%s reads %s of %v", who, column, r.object)
	}
}

// setAll sets each column of an object by itself.
func (b *bench) setAll(who string, r rule) {
	before := b.d.Dump().Flash
	for _, column := range spec.Columns(r.object) {
		if may(r.sets, column, who) {
			require.True(b.t, reflect.DeepEqual(before, b.d.Dump().Flash), "%s at %v: what is refused writes nothing", who, r.object)
		}
		st := b.set(r.object, cell(column, b.value(column)))
		if may(r.sets, column, who) {
			want := spec.Success
			if r.object == spec.Band(1) || r.object == spec.Band(2) {
				if column == "ReadLocked" || column == "WriteLocked" {
					want = spec.InvalidParameter // it has no place
				}
			}
			require.Equal(b.t, want, st, "%s sets %s of %v", who, column, r.object)
			before = b.d.Dump().Flash
			continue
		}
		require.Equal(b.t, spec.NotAuthorized, st, "%s sets %s of %v", who, column, r.object)
	}
	require.True(b.t, reflect.DeepEqual(before, b.d.Dump().Flash), "%s at %v: what is refused writes nothing", who, r.object)
}

// invokeAll invokes every other method on an object. Those that change the drive are invoked only by
// whom they must refuse; that they work for the others is shown elsewhere.
func (b *bench) invokeAll(who string, r rule) {
	params := map[spec.UID][]token.Value{
		spec.Random: {token.U(1)}, spec.GetACL: {token.UID(spec.ThisSP), token.UID(spec.Random)},
		spec.EnterpriseAuthenticate: {token.UID(spec.Anybody)}, spec.Authenticate: {token.UID(spec.Anybody)},
	}
	for _, m := range append([]spec.UID{spec.Get, spec.Set, spec.Authenticate, spec.Activate, spec.Reactivate, spec.DeleteSP}, enterpriseMethods...) {
		if b.isGetOrSet(m) {
			continue
		}
		admitted := r.methods[m]
		changes := m == spec.Erase || m == spec.GenKey || m == spec.Revert || m == spec.RevertSP || m == spec.Activate || m == spec.Reactivate || m == spec.Restore
		if changes && slices.Contains(strings.Fields(admitted), who) {
			continue
		}
		_, st := b.call(r.object, m, params[m]...)
		want := spec.NotAuthorized
		if admitted == "Anybody" {
			want = spec.Success
		}
		require.Equal(b.t, want, st, "%s invokes %s on %v", who, spec.MethodName(m), r.object)
	}
}

func TestEveryAuthorityAgainstEveryColumn(t *testing.T) {
	t.Run("Admin SP", func(t *testing.T) {
		t.Parallel()
		matrix(t, func() *bench { return newBench(t, nil) }, spec.AdminSP, adminRules(), map[string]spec.UID{"Anybody": spec.Anybody, "SID": spec.SID, "PSID": spec.PSID})
	})
	t.Run("Locking SP", func(t *testing.T) {
		t.Parallel()
		matrix(t, func() *bench { return newBench(t, nil) }, spec.EnterpriseLockingSP, lockingRules(3), map[string]spec.UID{
			"Anybody": spec.Anybody, "EraseMaster": spec.EraseMaster, "BandMaster0": spec.BandMaster(0),
			"BandMaster1": spec.BandMaster(1), "BandMaster2": spec.BandMaster(2),
		})
	})
}

// A Set that names one column too many changes none.
func TestASetIsAllOrNothing(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.as(spec.EnterpriseLockingSP, spec.BandMaster(1), b.msid()))
	place := []token.Value{cell("RangeStart", token.U(8)), cell("RangeLength", token.U(8))}
	require.Equal(t, spec.NotAuthorized, b.set(spec.Band(1), append(place, cell("ActiveKey", token.UID(spec.BandKey(0))))...))
	require.Equal(t, spec.InvalidParameter, b.set(spec.Band(1), append(place, cell("ReadLocked", token.U(2)))...))
	require.Equal(t, spec.InvalidParameter, b.set(spec.Band(1), append(place, place[0])...))
	require.Equal(t, spec.InvalidParameter, b.set(spec.Band(1), append(place, cell("Nonsense", token.U(2)))...))
	require.Equal(t, spec.InvalidParameter, b.set(spec.Band(1), append(place, cell("LockOnReset", token.L(token.U(3))))...))
	r, err := b.d.Range(1)
	require.NoError(t, err)
	require.Zero(t, r.Length)
	require.Equal(t, spec.Success, b.set(spec.Band(1), append(place, cell("LockOnReset", token.L(token.U(0), token.U(2))))...))
	cells, st := b.get(spec.Band(1), "RangeStart", "LockOnReset")
	require.Equal(t, spec.Success, st)
	require.True(t, cells["LockOnReset"].Equal(token.L(token.U(0), token.U(2))))
	require.True(t, cells["RangeStart"].Equal(token.U(8)))
}

func TestNextAndGetACL(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, spec.Success, b.start(spec.EnterpriseLockingSP, false))
	uids := func(v []token.Value) (u []spec.UID) {
		for _, i := range v[0].Items {
			id, _ := i.UID()
			u = append(u, spec.UID(id))
		}
		return u
	}
	v, st := b.call(spec.LockingTable, spec.Next)
	require.Equal(t, spec.Success, st)
	require.Equal(t, []spec.UID{spec.Band(0), spec.Band(1), spec.Band(2)}, uids(v))
	v, st = b.call(spec.LockingTable, spec.Next, token.N(token.S("Where"), token.UID(spec.Band(0))), token.N(token.S("Count"), token.U(1)))
	require.Equal(t, spec.Success, st)
	require.Equal(t, []spec.UID{spec.Band(1)}, uids(v))
	v, st = b.call(spec.LockingTable, spec.Next, token.N(token.S("Where"), token.UID(spec.Band(2))))
	require.Equal(t, spec.Success, st)
	require.Empty(t, uids(v))
	for _, bad := range [][]token.Value{{token.U(1)}, {token.N(token.S("Where"), token.UID(spec.Band(9)))}, {token.N(token.S("Where"), token.U(1))}, {token.N(token.S("Frob"), token.U(1))}} {
		_, st = b.call(spec.LockingTable, spec.Next, bad...)
		require.Equal(t, spec.InvalidParameter, st)
	}
	v, st = b.call(spec.AccessControlTable, spec.GetACL, token.UID(spec.Band(1)), token.UID(spec.EnterpriseSet))
	require.Equal(t, spec.Success, st)
	require.Equal(t, []spec.UID{0x0000000800008802}, uids(v), "BandMaster1_SetBand")
	_, st = b.call(spec.AccessControlTable, spec.GetACL, token.UID(spec.Band(9)), token.UID(spec.EnterpriseSet))
	require.Equal(t, spec.NotAuthorized, st)
	_, st = b.call(spec.AccessControlTable, spec.GetACL, token.UID(spec.Band(1)))
	require.Equal(t, spec.InvalidParameter, st)
}
