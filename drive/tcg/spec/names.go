package spec

import "fmt"

// names are those of single objects, and of the tables.
var names = map[UID]string{
	SessionManager: "SMUID", ThisSP: "ThisSP", Null: "Null",
	AdminSP: "Admin SP", OpalLockingSP: "Locking SP", EnterpriseLockingSP: "Locking SP",
	TableTable: "Table", SPInfoTable: "SPInfo", SPTemplatesTable: "SPTemplates", ColumnTable: "Column", TypeTable: "Type",
	MethodIDTable: "MethodID", AccessControlTable: "AccessControl", ACETable: "ACE", AuthorityTable: "Authority",
	CertificatesTable: "Certificates", CPINTable: "C_PIN", SecretProtectTable: "SecretProtect", TPerInfoTable: "TPerInfo",
	CryptoSuiteTable: "CryptoSuite", TemplateTable: "Template", SPTable: "SP", LockingInfoTable: "LockingInfo",
	LockingTable: "Locking", MBRControlTable: "MBRControl", MBRTable: "MBR", KAES128Table: "K_AES_128", KAES256Table: "K_AES_256",
	DataStoreTable: "DataStore", DataRemovalTable: "DataRemovalMechanism", EnterpriseDataStore: "DataStore",
	GlobalRange: "Global_Range", GlobalRangeKey: "Global_Range_Key",
	Anybody: "Anybody", Admins: "Admins", Makers: "Makers", SID: "SID", PSID: "PSID", EraseMaster: "EraseMaster",
	BandMasters: "BandMasters", Users: "Users",
	CPINSID: "C_PIN_SID", CPINMSID: "C_PIN_MSID", CPINPSID: "C_PIN_PSID", CPINEraseMaster: "C_PIN_EraseMaster",
}

// numbered are the objects that have a number: count of them, the first of which has the number from.
var numbered = []struct {
	first       UID
	from, count UID
	name        string
}{
	{BandMaster(0), 0, 1024, "BandMaster"},
	{CPINBandMaster(0), 0, 1024, "C_PIN_BandMaster"},
	{Admin(1), 1, 0xFF, "Admin"},
	{CPINAdmin(1), 1, 0xFF, "C_PIN_Admin"},
	{User(1), 1, 0xFFFF, "User"},
	{CPINUser(1), 1, 0xFFFF, "C_PIN_User"},
	{AdminSPAdmin(1), 1, 0xFF, "Admin"},
	{Band(1), 1, 1023, "Band"},
	{BandKey(1), 1, 1023, "Band_Key"},
	{Range(1), 1, 0xFFFF, "Range"},
	{RangeKey(1), 1, 0xFFFF, "Range_Key"},
}

// Name is the name of an object or a table as people say it, such as C_PIN_SID, Band3, BandMaster0; of a
// row that has no name the table and the number, such as "SPInfo row 1"; else the UID. The global range
// has one UID in both SSCs.
func Name(u UID) string {
	if n, ok := names[u]; ok {
		return n
	}
	for _, s := range numbered {
		if u >= s.first && u-s.first < s.count {
			return fmt.Sprintf("%s%d", s.name, s.from+u-s.first)
		}
	}
	if n := (u - DataStoreTable) >> 32; u > DataStoreTable && u.Table() == u && n < 0xFF {
		return fmt.Sprintf("DataStore%d", n+1)
	}
	if table, ok := names[u.Table()]; ok && u.Table() != 0 {
		return fmt.Sprintf("%s row %X", table, uint32(u))
	}
	return u.String()
}
