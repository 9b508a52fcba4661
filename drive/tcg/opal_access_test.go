package tcg

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// The access control tables of SSC Opal 2.02 (4.2.1.6, 4.3.1.6), as they are at first.

var opalMethods = []spec.UID{
	spec.Next, spec.GetACL, spec.GenKey, spec.RevertSP, spec.Get, spec.Set, spec.Authenticate, spec.Revert, spec.Activate, spec.Random, spec.Reactivate, spec.Erase,
}

const opalCPINRow = "UID CharSet TryLimit Tries Persistence"

func opalAdminRules() []rule {
	tables := []spec.UID{
		spec.TableTable, spec.SPInfoTable, spec.SPTemplatesTable, spec.MethodIDTable, spec.AccessControlTable, spec.ACETable,
		spec.AuthorityTable, spec.CPINTable, spec.TPerInfoTable, spec.TemplateTable, spec.SPTable, spec.DataRemovalTable,
	}
	aces := []spec.UID{0x01, 0x02, 0x30001, 0x30002, 0x30003, 0x8C02, 0x8C03, 0x8C04, 0x3A001, 0x50001, 0x100E0, 0x100E1}
	for i := range aces {
		aces[i] += spec.ACETable
	}
	authority := rowOfAuthority + " Class"
	return append(everywhere(tables, opalMethods, aces),
		rule{object: spec.ThisSP, methods: map[spec.UID]string{
			spec.Authenticate: "Anybody", spec.Random: "Anybody", spec.RevertSP: "SID PSID",
		}},
		rule{object: spec.AdminSP, open: rowOfSP, methods: map[spec.UID]string{spec.Revert: "SID PSID"}},
		rule{object: spec.OpalLockingSP, open: rowOfSP, methods: map[spec.UID]string{spec.Revert: "SID", spec.Activate: "SID"}},
		rule{object: spec.TPerInfoRow, open: "UID ProtocolVersion SpaceForIssuance SSC ProgrammaticResetEnable", sets: map[string]string{"ProgrammaticResetEnable": "SID"}},
		rule{object: spec.DataRemovalRow, open: "UID ActiveDataRemovalMechanism", sets: map[string]string{"ActiveDataRemovalMechanism": "SID"}},
		rule{object: spec.TemplateBase, open: rowOfTemplate}, rule{object: spec.TemplateAdmin, open: rowOfTemplate},
		rule{object: spec.TemplateLocking, open: rowOfTemplate},
		rule{object: spec.Anybody, open: authority}, rule{object: spec.Admins, open: authority}, rule{object: spec.Makers, open: authority},
		rule{object: spec.SID, open: authority}, rule{object: spec.PSID, open: authority},
		rule{object: spec.AdminSPAdmin(1), open: authority, sets: map[string]string{"Enabled": "SID"}},
		rule{object: spec.CPINSID, reads: map[string]string{opalCPINRow: "SID"}, sets: map[string]string{"PIN": "SID"}},
		rule{object: spec.CPINMSID, open: "UID PIN"},
		rule{object: spec.CPINTable + 0x201, reads: map[string]string{opalCPINRow: "SID"}, sets: map[string]string{"PIN": "SID"}},
		rule{object: spec.CPINPSID, open: opalCPINRow},
	)
}

func opalLockingRules(ranges int) []rule {
	tables := []spec.UID{
		spec.TableTable, spec.SPInfoTable, spec.SPTemplatesTable, spec.MethodIDTable, spec.AccessControlTable,
		spec.AuthorityTable, spec.CPINTable, spec.SecretProtectTable, spec.LockingTable, spec.MBRControlTable, spec.MBRTable,
		spec.KAES256Table, spec.DataStoreTable,
	}
	rules := everywhere(tables, opalMethods, nil)
	rules = append(rules, rule{object: spec.ACETable.TableRow(), open: rowOfTable}, rule{object: spec.ACETable, methods: map[spec.UID]string{spec.Next: "Anybody"}},
		rule{object: spec.LockingInfoTable.TableRow(), open: rowOfTable}, rule{object: spec.LockingInfoTable, methods: map[spec.UID]string{spec.Next: "Anybody"}},
		rule{object: spec.LockingInfoRow, open: rowOfInfo}, rule{object: spec.SecretProtectKAES256, open: "UID Table ColumnNumber ProtectMechanisms"},
		rule{object: spec.ThisSP, methods: map[spec.UID]string{spec.Authenticate: "Anybody", spec.Random: "Anybody", spec.RevertSP: "Admin1", spec.Reactivate: "Admin1"}},
		rule{object: spec.MBRControlRow, open: "UID Enable Done DoneOnReset", sets: map[string]string{"Enable Done DoneOnReset": "Admin1"}},
		rule{object: spec.MBRTable}, rule{object: spec.DataStoreTable},
	)
	ace := func(tail spec.UID, personal bool) {
		r := rule{object: spec.ACETable + tail, reads: map[string]string{rowOfACE: "Admin1"}}
		if personal {
			r.sets = map[string]string{"BooleanExpr": "Admin1"}
		}
		rules = append(rules, r)
	}
	for _, tail := range []spec.UID{1, 2, 3, 4, 0x38001, 0x39001, 0x3A000, 0x3A001, 0x3BFFF, 0x3F000, 0x3F001, 0x3F800} {
		ace(tail, false)
	}
	for _, tail := range []spec.UID{0x38000, 0x39000, 0x3F801} {
		ace(tail, true)
	}
	for n := range spec.UID(16) { // also of DataStore tables that there are not
		ace(0x3FC00+2*n, true)
		ace(0x3FC01+2*n, true)
		if n > 0 {
			rules = append(rules, rule{object: spec.DataStore(int(n) + 1)}, rule{object: spec.DataStore(int(n) + 1).TableRow()})
		}
	}
	who := func(u spec.UID, sets map[string]string) {
		rules = append(rules, rule{object: u, open: "UID CommonName", reads: map[string]string{rowOfAuthority + " Class": "Admin1"}, sets: sets})
	}
	who(spec.Anybody, nil)
	who(spec.Admins, nil)
	who(spec.Users, nil)
	for n := 1; n <= drive.Admins; n++ {
		sets := map[string]string{"Enabled CommonName": "Admin1"}
		if n == 1 {
			sets = map[string]string{"CommonName": "Admin1"}
		}
		who(spec.Admin(n), sets)
		rules = append(rules, rule{object: spec.CPINAdmin(n), reads: map[string]string{opalCPINRow: "Admin1"}, sets: map[string]string{"PIN": "Admin1"}})
	}
	for n := 1; n <= drive.Users; n++ {
		who(spec.User(n), map[string]string{"Enabled CommonName": "Admin1"})
		setter := "Admin1"
		if n == 1 {
			setter = "Admin1 User1"
		}
		rules = append(rules, rule{object: spec.CPINUser(n), reads: map[string]string{opalCPINRow: "Admin1"}, sets: map[string]string{"PIN": setter}})
		ace(0x3A800+spec.UID(n), true)
		ace(0x44000+spec.UID(n), true)
	}
	ace(0x42000, false)
	ace(0x43000, false)
	for n := range spec.UID(ranges + 1) {
		ace(0x40000+n, false)
		ace(0x41000+n, false)
	}
	for n := range ranges + 1 {
		sets := "CommonName RangeStart RangeLength " + locks
		if n == 0 {
			sets = "CommonName " + locks
		}
		rules = append(rules,
			rule{object: spec.Range(n), open: "UID CommonName", reads: map[string]string{"RangeStart RangeLength ActiveKey " + locks: "Admin1"}, sets: map[string]string{sets: "Admin1"}},
			rule{object: spec.RangeKey(n), open: "Mode", methods: map[spec.UID]string{spec.GenKey: "Admin1"}},
		)
		for _, tail := range []spec.UID{0x3B800, 0x3D000, 0x3E000, 0x3E800} {
			ace(tail+spec.UID(n), true)
		}
	}
	return rules
}

// opalMatrixBench is an Opal drive with an owner; SID, Admin1 and User1 have the same PIN.
func opalMatrixBench(t *testing.T) *bench {
	b := newOpalBench(t)
	b.own()
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), pin(1)))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(1), col(3, token.B(pin(1)))))
	require.Equal(t, spec.Success, b.oset(spec.User(1), col(5, token.U(1))))
	b.end()
	return b
}

func TestOpalEveryAuthorityAgainstEveryColumn(t *testing.T) {
	for _, c := range []struct {
		sp    spec.UID
		rules []rule
		who   map[string]spec.UID
	}{
		{spec.AdminSP, opalAdminRules(), map[string]spec.UID{"Anybody": spec.Anybody, "SID": spec.SID, "PSID": spec.PSID}},
		{spec.OpalLockingSP, opalLockingRules(8), map[string]spec.UID{"Anybody": spec.Anybody, "Admin1": spec.Admin(1), "User1": spec.User(1)}},
	} {
		t.Run(fmt.Sprint(c.sp), func(t *testing.T) {
			t.Parallel()
			matrix(t, func() *bench { return opalMatrixBench(t) }, c.sp, c.rules, c.who)
		})
	}
}
