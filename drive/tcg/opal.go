package tcg

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// opal is SSC Opal 2.02 as data: the preconfiguration tables of its Admin SP (4.2) and its Locking SP
// (4.3), for a drive with some ranges beside the global one.
func opal(ranges int) *personality {
	methods := map[spec.UID]method{
		spec.Get:          {"Get", false, get},
		spec.Set:          {"Set", true, set},
		spec.Next:         {"Next", false, next},
		spec.GetACL:       {"GetACL", false, getACL},
		spec.Authenticate: {"Authenticate", false, authenticate},
		spec.Random:       {"Random", false, random},
		spec.GenKey:       {"GenKey", true, opalGenKey},
		spec.Activate:     {"Activate", true, opalActivate},
		spec.Erase:        {"Erase", true, opalErase},
		spec.Reactivate:   {"Reactivate", true, opalReactivate},
		spec.Revert:       {"Revert", true, opalRevert},
		spec.RevertSP:     {"RevertSP", true, opalRevertSP},
	}
	return &personality{
		baseComID: 0x1000, comIDs: 1, methods: methods, sid: drive.SID, maxLogins: 4, noPIN: true,
		providers: []*provider{opalAdmin(methods), opalLocking(methods, ranges)},
		features:  opalFeatures, login: opalLogin, startable: opalStartable, expr: opalExpr, reset: opalReset,
		begin: func() transaction { return new(opalTx) },
	}
}

// opalACL is an ACL for Get and Set; a nil ACE admits nobody.
func opalACL(get []*ace, set ...*ace) acl {
	a := acl{}
	if len(get) > 0 {
		a[spec.Get] = get
	}
	if len(set) > 0 {
		a[spec.Set] = set
	}
	return a
}

func only(a ...*ace) []*ace { return a }

// opalNoPIN are the columns of C_PIN that are not the PIN.
var opalNoPIN = []string{"UID", "CharSet", "TryLimit", "Tries", "Persistence"}

// opalAuthority is a row of table Authority.
func opalAuthority(u spec.UID, name string, who drive.Authority, class spec.UID, a acl) *object {
	o := authority(u, name, who, a)
	o.cells["Class"] = fixed(token.UID(class))
	o.cells["Enabled"] = opalEnabled
	o.cells["CommonName"] = opalCommonName
	return o
}

// opalCPIN is a row of C_PIN.
func opalCPIN(u spec.UID, name string, who drive.Authority, a acl) *object {
	o := cpin(u, name, who, a)
	o.cells["CharSet"] = fixed(token.UID(spec.Null))
	o.cells["Tries"] = opalTries
	return o
}

// opalAdmin is the Admin SP (Opal 4.2).
func opalAdmin(methods map[spec.UID]method) *provider {
	var (
		anybody   = &ace{uid: 0x00000008_00000001, name: "ACE_Anybody", expr: anyOf(spec.Anybody)}
		admin     = &ace{uid: 0x00000008_00000002, name: "ACE_Admin", expr: anyOf(spec.Admins)}
		enable    = &ace{uid: 0x00000008_00030001, name: "ACE_Set_Enabled", expr: anyOf(spec.SID), columns: []string{"Enabled"}, table: spec.AuthorityTable}
		spSID     = &ace{uid: 0x00000008_00030002, name: "ACE_SP_SID", expr: anyOf(spec.SID)}
		reset     = &ace{uid: 0x00000008_00030003, name: "ACE_TPerInfo_Set_ProgrammaticResetEnable", expr: anyOf(spec.SID), columns: []string{"ProgrammaticResetEnable"}, table: spec.TPerInfoTable}
		sidNoPIN  = &ace{uid: 0x00000008_00008C02, name: "ACE_C_PIN_SID_Get_NOPIN", expr: anyOf(spec.Admins, spec.SID), columns: opalNoPIN, table: spec.CPINTable}
		sidPIN    = &ace{uid: 0x00000008_00008C03, name: "ACE_C_PIN_SID_Set_PIN", expr: anyOf(spec.SID), columns: []string{"PIN"}, table: spec.CPINTable}
		msid      = &ace{uid: 0x00000008_00008C04, name: "ACE_C_PIN_MSID_Get_PIN", expr: anyOf(spec.Anybody), columns: []string{"UID", "PIN"}, table: spec.CPINTable}
		adminPIN  = &ace{uid: 0x00000008_0003A001, name: "ACE_C_PIN_Admins_Set_PIN", expr: anyOf(spec.Admins, spec.SID), columns: []string{"PIN"}, table: spec.CPINTable}
		removal   = &ace{uid: 0x00000008_00050001, name: "ACE_DataRemovalMechanism_Set_ActiveDataRemovalMechanism", expr: anyOf(spec.Admins, spec.SID), columns: []string{"ActiveDataRemovalMechanism"}, table: spec.DataRemovalTable}
		psid      = &ace{uid: 0x00000008_000100E0, name: "ACE_SP_PSID", expr: anyOf(spec.PSID)}
		psidNoPIN = &ace{uid: 0x00000008_000100E1, name: "ACE_C_PIN_Get_PSID_NoPIN", expr: anyOf(spec.Anybody), columns: opalNoPIN, table: spec.CPINTable}
	)
	open := opalACL(only(anybody))
	tper := &object{uid: spec.TPerInfoRow, acl: opalACL(only(anybody), reset), cells: map[string]reader{
		"UID": fixed(token.UID(spec.TPerInfoRow)), "ProtocolVersion": fixed(token.U(1)), "SpaceForIssuance": fixed(token.U(0)),
		"SSC": fixed(token.L(token.S("Opal"))), "ProgrammaticResetEnable": opalResetEnable,
	}}
	sp := &provider{
		uid: spec.AdminSP, name: "Admin", aces: []*ace{anybody, admin, enable, spSID, reset, sidNoPIN, sidPIN, msid, adminPIN, removal, psid, psidNoPIN},
		classes: map[spec.UID][]spec.UID{spec.AdminSPAdmin(1): {spec.Admins}},
		tables: append(opalBase(spec.AdminSP, "Admin", open),
			&table{uid: spec.AuthorityTable, name: "Authority", set: opalSetAuthority, rows: []*object{
				opalAuthority(spec.Anybody, "Anybody", drive.Nobody, spec.Null, open),
				classOf(opalAuthority(spec.Admins, "Admins", drive.Nobody, spec.Null, open)),
				classOf(opalAuthority(spec.Makers, "Makers", drive.Nobody, spec.Null, open)),
				opalAuthority(spec.SID, "SID", drive.SID, spec.Null, open),
				opalAuthority(spec.AdminSPAdmin(1), "Admin1", drive.AdminSPAdmin, spec.Admins, opalACL(only(anybody), enable)),
				opalAuthority(spec.PSID, "PSID", drive.PSID, spec.Null, open),
			}},
			&table{uid: spec.CPINTable, name: "C_PIN", set: opalSetPIN, rows: []*object{
				opalCPIN(spec.CPINSID, "C_PIN_SID", drive.SID, opalACL(only(sidNoPIN), sidPIN)),
				{uid: spec.CPINMSID, acl: opalACL(only(msid)), cells: named(spec.CPINMSID, "C_PIN_MSID", map[string]reader{"PIN": readMSID})},
				opalCPIN(spec.CPINTable+0x201, "C_PIN_Admin1", drive.AdminSPAdmin, opalACL(only(sidNoPIN), adminPIN)),
				opalCPIN(spec.CPINPSID, "C_PIN_PSID", drive.PSID, opalACL(only(psidNoPIN))),
			}},
			&table{uid: spec.TPerInfoTable, name: "TPerInfo", set: opalSetTPerInfo, rows: []*object{tper}},
			&table{uid: spec.TemplateTable, name: "Template", rows: opalTemplates(open)},
			&table{uid: spec.DataRemovalTable, name: "DataRemovalMechanism", set: opalSetRemoval, rows: []*object{{
				uid: spec.DataRemovalRow, acl: opalACL(only(anybody), removal), cells: map[string]reader{
					"UID": fixed(token.UID(spec.DataRemovalRow)), "ActiveDataRemovalMechanism": fixed(token.U(spec.DataRemovalCrypto)),
				},
			}}},
			&table{uid: spec.SPTable, name: "SP", rows: []*object{
				opalSP(spec.AdminSP, "Admin", acl{spec.Get: {anybody}, spec.Revert: {spSID, admin, psid}}),
				opalSP(spec.OpalLockingSP, "Locking", acl{spec.Get: {anybody}, spec.Revert: {spSID, admin}, spec.Activate: {spSID}}),
			}},
		),
	}
	sp.build(methods, acl{spec.Authenticate: {anybody}, spec.Random: {anybody}, spec.RevertSP: {spSID, admin, psid}}, anybody)
	return sp
}

// opalTemplates are the rows of table Template.
func opalTemplates(open acl) (rows []*object) {
	for i, u := range []spec.UID{spec.TemplateBase, spec.TemplateAdmin, spec.TemplateLocking} {
		o := template(u, []string{"Base", "Admin", "Locking"}[i], []uint64{2, 1, 1}[i], nil)
		o.acl = open
		rows = append(rows, o)
	}
	return rows
}

// opalSP is a row of table SP.
func opalSP(u spec.UID, name string, a acl) *object {
	o := spRow(u, name, a)
	if u == spec.OpalLockingSP {
		o.cells["LifeCycleState"] = opalLifeCycle
	}
	return o
}

// opalBase are SPInfo and SPTemplates.
func opalBase(sp spec.UID, name string, open acl) []*table {
	tables := baseTables(sp, name, nil)
	for _, t := range tables {
		for _, r := range t.rows {
			r.acl = open
		}
	}
	return tables
}

// opalACEs are the ACEs of the Locking SP (Opal 4.3.1.7). Those in personal may get another expression.
type opalACEs struct {
	anybody, admin, commonNameGet, commonNameSet, authorityGet, authorityEnable, cpinGet, cpinAdmin, keyMode,
	globalSet, rangeSet, reactivate, mbrSet, mbrDone *ace
	aceGet, aceSet                        *ace
	userPIN, userName                     []*ace // by User, from 1
	genKey, rangeGet, readLock, writeLock []*ace // by range
	storeGet, storeSet                    []*ace // by DataStore table
	all                                   []*ace
}

// add makes an ACE. Where personal is set, Admins may change its expression.
func (e *opalACEs) add(tail spec.UID, name string, personal bool, table spec.UID, columns []string, who ...spec.UID) *ace {
	a := &ace{uid: spec.ACETable + tail, name: "ACE_" + name, expr: anyOf(who...), columns: columns, table: table}
	if personal {
		a.acl = acl{spec.Get: {e.aceGet}, spec.Set: {e.aceSet}}
	} else if e.aceGet != nil {
		a.acl = acl{spec.Get: {e.aceGet}}
	}
	e.all = append(e.all, a)
	return a
}

func newOpalACEs(ranges int) *opalACEs {
	e := &opalACEs{}
	e.aceGet = e.add(0x38000, "ACE_Get_All", false, 0, nil, spec.Admins)
	e.aceSet = e.add(0x38001, "ACE_Set_BooleanExpression", false, spec.ACETable, []string{"BooleanExpr"}, spec.Admins)
	e.aceGet.acl = acl{spec.Get: {e.aceGet}, spec.Set: {e.aceSet}}
	e.anybody = e.add(0x00001, "Anybody", false, 0, nil, spec.Anybody)
	e.admin = e.add(0x00002, "Admin", false, 0, nil, spec.Admins)
	e.commonNameGet = e.add(0x00003, "Anybody_Get_CommonName", false, spec.AuthorityTable, []string{"UID", "CommonName"}, spec.Anybody)
	e.commonNameSet = e.add(0x00004, "Admins_Set_CommonName", false, spec.AuthorityTable, []string{"CommonName"}, spec.Admins)
	e.authorityGet = e.add(0x39000, "Authority_Get_All", true, 0, nil, spec.Admins)
	e.authorityEnable = e.add(0x39001, "Authority_Set_Enabled", false, spec.AuthorityTable, []string{"Enabled"}, spec.Admins)
	e.cpinGet = e.add(0x3A000, "C_PIN_Admins_Get_All_NOPIN", false, spec.CPINTable, opalNoPIN, spec.Admins)
	e.cpinAdmin = e.add(0x3A001, "C_PIN_Admins_Set_PIN", false, spec.CPINTable, []string{"PIN"}, spec.Admins)
	e.keyMode = e.add(0x3BFFF, "K_AES_Mode", false, spec.KAES256Table, []string{"Mode"}, spec.Anybody)
	e.userPIN, e.userName = []*ace{nil}, []*ace{nil}
	for u := 1; u <= drive.Users; u++ {
		e.userPIN = append(e.userPIN, e.add(0x3A800+spec.UID(u), fmt.Sprintf("C_PIN_User%d_Set_PIN", u), true, spec.CPINTable, []string{"PIN"}, spec.Admins, spec.User(u)))
		e.userName = append(e.userName, e.add(0x44000+spec.UID(u), fmt.Sprintf("User%d_Set_CommonName", u), true, spec.AuthorityTable, []string{"CommonName"}, spec.Admins))
	}
	place := []string{"RangeStart", "RangeLength", "ReadLockEnabled", "WriteLockEnabled", "ReadLocked", "WriteLocked", "LockOnReset", "ActiveKey"}
	for n := range spec.UID(ranges + 1) {
		name := fmt.Sprintf("Range%d", n)
		if n == 0 {
			name = "GlobalRange"
		}
		e.genKey = append(e.genKey, e.add(0x3B800+n, "K_AES_256_"+name+"_GenKey", true, 0, nil, spec.Admins))
		e.rangeGet = append(e.rangeGet, e.add(0x3D000+n, "Locking_"+name+"_Get_RangeStartToActiveKey", true, spec.LockingTable, place, spec.Admins))
		e.readLock = append(e.readLock, e.add(0x3E000+n, "Locking_"+name+"_Set_RdLocked", true, spec.LockingTable, []string{"ReadLocked"}, spec.Admins))
		e.writeLock = append(e.writeLock, e.add(0x3E800+n, "Locking_"+name+"_Set_WrLocked", true, spec.LockingTable, []string{"WriteLocked"}, spec.Admins))
	}
	e.globalSet = e.add(0x3F000, "Locking_GlblRng_Admins_Set", false, spec.LockingTable, place[2:7], spec.Admins)
	e.reactivate = e.add(0x43000, "SP_Reactivate_Admin", false, 0, nil, spec.Admins)
	e.rangeSet = e.add(0x3F001, "Locking_Admins_RangeStartToLOR", false, spec.LockingTable, place[:7], spec.Admins)
	e.mbrSet = e.add(0x3F800, "MBRControl_Admins_Set", false, spec.MBRControlTable, []string{"Enable", "Done", "DoneOnReset"}, spec.Admins)
	e.mbrDone = e.add(0x3F801, "MBRControl_Set_DoneToDOR", true, spec.MBRControlTable, []string{"Done", "DoneOnReset"}, spec.Admins)
	for n := range spec.UID(drive.MaxDataStores) { // Additional DataStore Tables 1.01, 4.3
		name := opalStoreName(int(n))
		e.storeGet = append(e.storeGet, e.add(0x3FC00+2*n, name+"_Get_All", true, 0, nil, spec.Admins))
		e.storeSet = append(e.storeSet, e.add(0x3FC01+2*n, name+"_Set_All", true, 0, nil, spec.Admins))
	}
	return e
}

// opalStoreName is the name of DataStore table n, from 0.
func opalStoreName(n int) string {
	if n == 0 {
		return "DataStore"
	}
	return fmt.Sprintf("DataStore%d", n+1)
}

// opalStores are the DataStore tables that a drive may have. Activate and Reactivate say how many there
// are (Additional DataStore Tables 1.01, 5.1).
func opalStores(e *opalACEs) (tables []*table) {
	for n := range drive.MaxDataStores {
		tables = append(tables, &table{
			uid: spec.DataStore(n + 1), name: opalStoreName(n), bytes: &byteTable{area: drive.DataStoreArea(n)},
			acl: opalACL(only(e.storeGet[n]), e.storeSet[n]),
			there: func(t *TPer) bool {
				have, err := t.opalDrive().DataStores()
				return err == nil && n < have
			},
		})
	}
	return tables
}

// opalLocking is the Locking SP (Opal 4.3).
func opalLocking(methods map[spec.UID]method, ranges int) *provider {
	e := newOpalACEs(ranges)
	open := opalACL(only(e.anybody))
	readAuthority := only(e.authorityGet, e.commonNameGet)
	authorities := &table{uid: spec.AuthorityTable, name: "Authority", set: opalSetAuthority, rows: []*object{
		opalAuthority(spec.Anybody, "Anybody", drive.Nobody, spec.Null, opalACL(readAuthority)),
		classOf(opalAuthority(spec.Admins, "Admins", drive.Nobody, spec.Null, opalACL(readAuthority))),
		classOf(opalAuthority(spec.Users, "Users", drive.Nobody, spec.Null, opalACL(readAuthority))),
	}}
	cpins := &table{uid: spec.CPINTable, name: "C_PIN", set: opalSetPIN}
	classes := map[spec.UID][]spec.UID{}
	for n := 1; n <= drive.Admins; n++ {
		set := only(e.commonNameSet)
		if n > 1 {
			set = only(e.authorityEnable, e.commonNameSet)
		}
		name := fmt.Sprintf("Admin%d", n)
		authorities.rows = append(authorities.rows, opalAuthority(spec.Admin(n), name, drive.Admin(n), spec.Admins, opalACL(readAuthority, set...)))
		cpins.rows = append(cpins.rows, opalCPIN(spec.CPINAdmin(n), "C_PIN_"+name, drive.Admin(n), opalACL(only(e.cpinGet), e.cpinAdmin)))
		classes[spec.Admin(n)] = []spec.UID{spec.Admins}
	}
	for n := 1; n <= drive.Users; n++ {
		name := fmt.Sprintf("User%d", n)
		authorities.rows = append(authorities.rows, opalAuthority(spec.User(n), name, drive.User(n), spec.Users, opalACL(readAuthority, e.authorityEnable, e.userName[n])))
		cpins.rows = append(cpins.rows, opalCPIN(spec.CPINUser(n), "C_PIN_"+name, drive.User(n), opalACL(only(e.cpinGet), e.userPIN[n])))
		classes[spec.User(n)] = []spec.UID{spec.Users}
	}
	locking, keys := opalRanges(e, ranges)
	opalSingle(e, authorities, cpins, locking, keys)
	info := &object{uid: spec.LockingInfoRow, acl: open, cells: lockingInfo(), far: singleColumns}
	secret := &object{uid: spec.SecretProtectKAES256, acl: open, cells: map[string]reader{
		"UID": fixed(token.UID(spec.SecretProtectKAES256)), "Table": fixed(token.UID(spec.KAES256Table)), "ColumnNumber": fixed(token.U(3)),
		"ProtectMechanisms": fixed(token.L(token.U(1))),
	}}
	control := &object{uid: spec.MBRControlRow, acl: opalACL(only(e.anybody), e.mbrSet, e.mbrDone), cells: mbrControl()}
	sp := &provider{
		uid: spec.OpalLockingSP, name: "Locking", aces: e.all, classes: classes, setACE: opalSetACE,
		tables: slices.Concat(opalBase(spec.OpalLockingSP, "Locking", open), []*table{
			authorities, cpins,
			{uid: spec.SecretProtectTable, name: "SecretProtect", rows: []*object{secret}},
			{uid: spec.LockingInfoTable, name: "LockingInfo", rows: []*object{info}},
			locking,
			{uid: spec.MBRControlTable, name: "MBRControl", set: opalSetMBRControl, rows: []*object{control}},
			{uid: spec.MBRTable, name: "MBR", bytes: &byteTable{area: drive.MBRShadow}, acl: opalACL(only(e.anybody), e.admin)},
			keys,
		}, opalStores(e)),
	}
	sp.build(methods, acl{
		spec.Authenticate: {e.anybody}, spec.Random: {e.anybody}, spec.RevertSP: {e.admin}, spec.Reactivate: {e.reactivate},
	}, e.anybody)
	return sp
}

// opalRanges are the tables Locking and K_AES_256.
func opalRanges(e *opalACEs, ranges int) (locking, keys *table) {
	locking = &table{uid: spec.LockingTable, name: "Locking", set: opalSetRange}
	keys = &table{uid: spec.KAES256Table, name: "K_AES_256"}
	for n := range ranges + 1 {
		name, set := fmt.Sprintf("Range%d", n), e.rangeSet
		if n == 0 {
			name, set = "GlobalRange", e.globalSet
		}
		locking.rows = append(locking.rows, &object{
			uid: spec.Range(n), n: n, cells: opalRange(n, "Locking_"+name),
			acl: opalACL(only(e.rangeGet[n], e.commonNameGet), set, e.readLock[n], e.writeLock[n], e.commonNameSet),
		})
		keys.rows = append(keys.rows, &object{
			uid: spec.RangeKey(n), n: n, acl: acl{spec.Get: {e.keyMode}, spec.GenKey: {e.genKey[n]}},
			cells: named(spec.RangeKey(n), "K_AES_256_"+name+"_Key", map[string]reader{"Mode": fixed(token.U(7))}),
		})
	}
	return locking, keys
}
