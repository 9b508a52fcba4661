package tcg

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// enterprise is SSC Enterprise 1.01 as data. Rows and UIDs are those of its preconfiguration tables.
// What is marked (assumed) stands in no text that we could read.
func enterprise(ranges int) *personality {
	methods := map[spec.UID]method{
		spec.EnterpriseGet:          {"Get", false, get},
		spec.EnterpriseSet:          {"Set", true, set},
		spec.Next:                   {"Next", false, next},
		spec.GetACL:                 {"GetACL", false, getACL},
		spec.EnterpriseAuthenticate: {"Authenticate", false, authenticate},
		spec.Random:                 {"Random", false, random},
		spec.Erase:                  {"Erase", true, eraseBand},
		spec.GenKey:                 {"GenKey", true, genKey},
		spec.Revert:                 {"Revert", true, revert},
		spec.RevertSP:               {"RevertSP", true, revert},
		spec.Restore:                {"Restore", true, restore},
	}
	return &personality{
		names: true, maker: true, maxLogins: 1, baseComID: 0x07FE, comIDs: 2, methods: methods, sid: drive.SID,
		providers: []*provider{enterpriseAdmin(methods), enterpriseLocking(methods, ranges)},
		features:  enterpriseFeatures, login: enterpriseLogin,
		begin: func() transaction { return new(batch) },
	}
}

// acl is the ACL of an object: for each method, who may.
type acl = map[spec.UID][]*ace

// readable is an ACL in which one ACE governs Get.
func readable(a *ace) acl { return acl{spec.EnterpriseGet: {a}} }

// settable is an ACL for Get and Set.
func settable(get, set *ace) acl {
	return acl{spec.EnterpriseGet: {get}, spec.EnterpriseSet: {set}}
}

// named are the cells UID and Name, with others behind them.
func named(u spec.UID, name string, more map[string]reader) map[string]reader {
	cells := map[string]reader{"UID": fixed(token.UID(u)), "Name": fixed(token.S(name)), "CommonName": fixed(token.S(""))}
	if more == nil {
		return cells
	}
	for _, column := range spec.Columns(u) {
		if r := more[column]; r != nil {
			cells[column] = r
		}
	}
	return cells
}

// enterpriseAdmin is the Admin SP.
func enterpriseAdmin(methods map[spec.UID]method) *provider {
	notPIN := []string{"UID", "Name", "CommonName", "CharSet", "TryLimit", "Tries", "Persistence"}
	var (
		anybody   = &ace{uid: 0x00000008_00000001, name: "Anybody", expr: anyOf(spec.Anybody), columns: nil}
		makers    = &ace{uid: 0x00000008_00000003, name: "Makers", expr: anyOf(spec.Makers), columns: nil}
		sid       = &ace{uid: 0x00000008_00000201, name: "SID", expr: anyOf(spec.SID), columns: nil}
		setSelf   = &ace{uid: 0x00000008_00008C03, name: "SID_SetSelf", expr: anyOf(spec.SID), columns: []string{"PIN"}}
		msidGet   = &ace{uid: 0x00000008_00008C04, name: "MSID_Get", expr: anyOf(spec.Anybody), columns: []string{"PIN"}}
		setMakers = &ace{uid: 0x00000008_00008C05, name: "SID_SetMakers", expr: anyOf(spec.SID), columns: []string{"Enabled"}}
		psid      = &ace{uid: 0x00000008_000100E0, name: "SP_PSID", expr: anyOf(spec.PSID), columns: nil}
		psidNoPIN = &ace{uid: 0x00000008_000100E1, name: "C_PIN_Get_PSID_NoPIN", expr: anyOf(spec.Anybody), columns: notPIN}
	)
	sp := &provider{
		uid: spec.AdminSP, name: "Admin", aces: []*ace{anybody, makers, sid, setSelf, msidGet, setMakers, psid, psidNoPIN},
		tables: append(baseTables(spec.AdminSP, "Admin", anybody),
			&table{uid: spec.AuthorityTable, name: "Authority", set: setEnabled, rows: []*object{
				authority(spec.Anybody, "Anybody", drive.Nobody, readable(anybody)),
				classOf(authority(spec.Makers, "Makers", drive.Makers, settable(anybody, setMakers))),
				authority(spec.SID, "SID", drive.SID, readable(anybody)),
				authority(spec.PSID, "PSID", drive.PSID, readable(anybody)),
			}},
			&table{uid: spec.CPINTable, name: "C_PIN", set: setPIN, rows: []*object{
				cpin(spec.CPINSID, "C_PIN_SID", drive.SID, settable(sid, setSelf)),
				{uid: spec.CPINMSID, acl: readable(msidGet), cells: named(spec.CPINMSID, "C_PIN_MSID", map[string]reader{"PIN": readMSID})},
				cpin(spec.CPINPSID, "C_PIN_PSID", drive.PSID, readable(psidNoPIN)),
			}},
			&table{uid: spec.TPerInfoTable, name: "TPerInfo", rows: []*object{{uid: spec.TPerInfoRow, acl: readable(anybody), cells: map[string]reader{
				"UID": fixed(token.UID(spec.TPerInfoRow)), "ProtocolVersion": fixed(token.U(1)), "SpaceForIssuance": fixed(token.U(0)),
				"SSC": fixed(token.L(token.S("Enterprise"))),
			}}}},
			&table{uid: spec.TemplateTable, name: "Template", rows: []*object{
				template(spec.TemplateBase, "Base", 2, anybody), template(spec.TemplateAdmin, "Admin", 1, anybody),
				template(spec.TemplateLocking, "Locking", 1, anybody),
			}},
			&table{uid: spec.SPTable, name: "SP", rows: []*object{
				spRow(spec.AdminSP, "Admin", acl{spec.EnterpriseGet: {anybody}, spec.Revert: {psid}}),
				spRow(spec.EnterpriseLockingSP, "Locking", readable(anybody)),
			}},
		),
	}
	sp.build(methods, acl{spec.EnterpriseAuthenticate: {anybody}, spec.Random: {anybody}, spec.RevertSP: {psid}}, anybody)
	return sp
}

// enterpriseLocking is the Locking SP of a drive with some bands beside the global one.
func enterpriseLocking(methods map[spec.UID]method, ranges int) *provider {
	var (
		anybody  = &ace{uid: 0x00000008_00000001, name: "Anybody", expr: anyOf(spec.Anybody), columns: nil}
		erase    = &ace{uid: 0x00000008_00008C01, name: "EraseMaster", expr: anyOf(spec.EraseMaster), columns: nil}
		eraseSet = &ace{uid: 0x00000008_00008C02, name: "EraseMaster_SetSelf", expr: anyOf(spec.EraseMaster), columns: []string{"PIN"}}
		anyOne   = &ace{uid: 0x00000008_00008C05, name: "AnyMaster", expr: anyOf(spec.BandMasters, spec.EraseMaster), columns: nil}
		masters  = &ace{uid: 0x00000008_00008C06, name: "BandMasters", expr: anyOf(spec.BandMasters), columns: nil}
		getBand  = &ace{uid: 0x00000008_00020001, name: "Anybody_GetBand", expr: anyOf(spec.Anybody), columns: spec.Columns(spec.LockingTable)[:11]}
		getMode  = &ace{uid: 0x00000008_0003BFFF, name: "Get_K_AES_Mode", expr: anyOf(spec.Anybody), columns: []string{"UID", "Name", "CommonName", "Mode"}}
	)
	authorities := &table{uid: spec.AuthorityTable, name: "Authority", set: setEnabled, rows: []*object{
		authority(spec.Anybody, "Anybody", drive.Nobody, readable(anybody)),
		classOf(authority(spec.BandMasters, "BandMasters", drive.Nobody, readable(anybody))),
		authority(spec.EraseMaster, "EraseMaster", drive.EraseMaster, readable(anybody)),
	}}
	cpins := &table{uid: spec.CPINTable, name: "C_PIN", set: setPIN, rows: []*object{
		cpin(spec.CPINEraseMaster, "C_PIN_EraseMaster", drive.EraseMaster, settable(erase, eraseSet)),
	}}
	bands := &table{uid: spec.LockingTable, name: "Locking", set: setBand}
	keys := &table{uid: spec.KAES256Table, name: "K_AES_256"}
	info := &object{uid: spec.LockingInfoRow, acl: readable(anybody), cells: lockingInfo()}
	sp := &provider{
		uid: spec.EnterpriseLockingSP, name: "Locking", classes: map[spec.UID][]spec.UID{},
		aces: []*ace{anybody, erase, eraseSet, anyOne, masters, getBand, getMode},
		tables: append(baseTables(spec.EnterpriseLockingSP, "Locking", anybody), authorities, cpins,
			&table{uid: spec.LockingInfoTable, name: "LockingInfo", rows: []*object{info}}, bands, keys),
	}
	for n := range ranges + 1 {
		name := fmt.Sprintf("BandMaster%d", n)
		master := &ace{uid: 0x00000008_00008001 + spec.UID(n), name: name, expr: anyOf(spec.BandMaster(n)), columns: nil}
		setSelf := &ace{uid: 0x00000008_00008401 + spec.UID(n), name: name + "_SetSelf", expr: anyOf(spec.BandMaster(n)), columns: []string{"PIN"}}
		setBand := &ace{uid: 0x00000008_00008801 + spec.UID(n), name: name + "_SetBand", expr: anyOf(spec.BandMaster(n)), columns: bandColumns(n)}
		sp.aces = append(sp.aces, master, setSelf, setBand)
		sp.classes[spec.BandMaster(n)] = []spec.UID{spec.BandMasters}
		authorities.rows = append(authorities.rows, authority(spec.BandMaster(n), name, drive.BandMaster(n), settable(anybody, erase)))
		cpins.rows = append(cpins.rows, cpin(spec.CPINBandMaster(n), "C_PIN_"+name, drive.BandMaster(n), settable(master, setSelf)))
		bands.rows = append(bands.rows, &object{
			uid: spec.Band(n), n: n, cells: band(n),
			acl: acl{spec.EnterpriseGet: {getBand}, spec.EnterpriseSet: {setBand}, spec.Erase: {erase}},
		})
		keys.rows = append(keys.rows, &object{
			uid: spec.BandKey(n), n: n, acl: acl{spec.EnterpriseGet: {getMode}, spec.GenKey: {master}},
			cells: named(spec.BandKey(n), bandName(n)+"_AES_256", map[string]reader{"Mode": fixed(token.U(7))}), // XTS
		})
	}
	sp.build(methods, acl{spec.EnterpriseAuthenticate: {anybody}, spec.Random: {anybody}, spec.Restore: {masters}}, anybody)
	// Hosts read the one row of LockingInfo also by the UID of its table.
	sp.objects[spec.LockingInfoTable].acl[spec.EnterpriseGet] = []*ace{anybody}
	sp.objects[spec.LockingInfoTable].cells = info.cells
	return sp
}

// bandColumns are what the BandMaster of band n may set. The global band has no place of its own.
func bandColumns(n int) []string {
	all := []string{"RangeStart", "RangeLength", "ReadLockEnabled", "WriteLockEnabled", "ReadLocked", "WriteLocked", "LockOnReset"}
	if n == 0 {
		return all[2:]
	}
	return all
}

func bandName(n int) string {
	if n == 0 {
		return "Global_Range"
	}
	return fmt.Sprintf("Band%d", n)
}

// baseTables are SPInfo and SPTemplates (Core 5.3.2.3 and 5.3.2.4).
func baseTables(sp spec.UID, name string, anybody *ace) []*table {
	specific := spec.TemplateLocking
	if sp == spec.AdminSP {
		specific = spec.TemplateAdmin
	}
	templateRow := func(u, t spec.UID, name string) *object {
		return &object{uid: u, acl: readable(anybody), cells: map[string]reader{
			"UID": fixed(token.UID(u)), "TemplateID": fixed(token.UID(t)), "Name": fixed(token.S(name)), "Version": fixed(token.B([]byte{0, 0, 0, 2})),
		}}
	}
	return []*table{
		{uid: spec.SPInfoTable, name: "SPInfo", rows: []*object{{uid: spec.SPInfoRow, acl: readable(anybody), cells: map[string]reader{
			"UID": fixed(token.UID(spec.SPInfoRow)), "SPID": fixed(token.UID(sp)), "Name": fixed(token.S(name)), "Enabled": fixed(token.Bool(true)),
		}}}},
		{uid: spec.SPTemplatesTable, name: "SPTemplates", rows: []*object{
			templateRow(spec.SPTemplatesBase, spec.TemplateBase, "Base"), templateRow(spec.SPTemplatesSpecific, specific, name),
		}},
	}
}

// authority is a row of table Authority (Core 5.3.2.10). Who has a key slot in the drive authenticates
// with a PIN (Operation 1), everybody else not at all (0).
func authority(u spec.UID, name string, who drive.Authority, a acl) *object {
	operation := token.U(1)
	if who == drive.Nobody || who == drive.Makers {
		operation = token.U(0)
	}
	return &object{uid: u, who: who, acl: a, cells: named(u, name, map[string]reader{
		"IsClass": fixed(token.Bool(false)), "Enabled": readEnabled, "Operation": fixed(operation),
	})}
}

func classOf(o *object) *object {
	o.class = true
	o.cells["IsClass"] = fixed(token.Bool(true))
	return o
}

// cpin is a row of C_PIN (Core 5.3.2.12). Nobody reads its PIN.
func cpin(u spec.UID, name string, who drive.Authority, a acl) *object {
	return &object{uid: u, who: who, acl: a, cells: named(u, name, map[string]reader{
		"TryLimit": readTryLimit, "Tries": readTries, "Persistence": readPersistence,
	})}
}

// template is a row of table Template (Core 5.4.2.3).
func template(u spec.UID, name string, instances uint64, anybody *ace) *object {
	return &object{uid: u, acl: readable(anybody), cells: map[string]reader{
		"UID": fixed(token.UID(u)), "Name": fixed(token.S(name)), "RevisionNumber": fixed(token.U(1)),
		"Instances": fixed(token.U(instances)), "MaxInstances": fixed(token.U(instances)),
	}}
}

// spRow is a row of table SP (Core 5.4.2.4).
func spRow(u spec.UID, name string, a acl) *object {
	return &object{uid: u, acl: a, cells: map[string]reader{
		"UID": fixed(token.UID(u)), "Name": fixed(token.S(name)), "LifeCycleState": fixed(token.U(spec.Manufactured)), "Frozen": fixed(token.Bool(false)),
	}}
}
