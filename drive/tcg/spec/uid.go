package spec

import "fmt"

// UID is the identifier of a service provider, a table, an object or a method, 8 bytes (Core 3.2.5.1).
// The upper 4 bytes of an object's are those of its table.
type UID uint64

// String has the two halves apart: 00000205 00000001.
func (u UID) String() string { return fmt.Sprintf("%08X %08X", uint32(u>>32), uint32(u)) }

// Table is the UID of the table that an object is in, or of the table itself.
func (u UID) Table() UID { return u &^ 0xFFFFFFFF }

// TableRow is the row of table Table that describes a table (Core 5.3.2.2).
func (u UID) TableRow() UID { return 0x00000001_00000000 | u>>32 }

// What methods are invoked on beside objects (Core 5.2 and 3.3.7).
const (
	SessionManager UID = 0x00000000_000000FF // SMUID
	ThisSP         UID = 0x00000000_00000001
	Null           UID = 0
)

// The service providers (Core 5.4, Opal 4.2 and 4.3; the Enterprise Locking SP as hosts send it).
const (
	AdminSP             UID = 0x00000205_00000001
	OpalLockingSP       UID = 0x00000205_00000002
	EnterpriseLockingSP UID = 0x00000205_00010001
)

// The tables (Core 5.3.2, 5.4.2, 5.7.2; byte tables included).
const (
	TableTable             UID = 0x00000001_00000000
	SPInfoTable            UID = 0x00000002_00000000
	SPTemplatesTable       UID = 0x00000003_00000000
	ColumnTable            UID = 0x00000004_00000000
	TypeTable              UID = 0x00000005_00000000
	MethodIDTable          UID = 0x00000006_00000000
	AccessControlTable     UID = 0x00000007_00000000
	ACETable               UID = 0x00000008_00000000
	AuthorityTable         UID = 0x00000009_00000000
	CertificatesTable      UID = 0x0000000A_00000000
	CPINTable              UID = 0x0000000B_00000000
	SecretProtectTable     UID = 0x0000001D_00000000
	TPerInfoTable          UID = 0x00000201_00000000
	CryptoSuiteTable       UID = 0x00000203_00000000
	TemplateTable          UID = 0x00000204_00000000
	SPTable                UID = 0x00000205_00000000
	LockingInfoTable       UID = 0x00000801_00000000
	LockingTable           UID = 0x00000802_00000000
	MBRControlTable        UID = 0x00000803_00000000
	MBRTable               UID = 0x00000804_00000000
	KAES128Table           UID = 0x00000805_00000000
	KAES256Table           UID = 0x00000806_00000000
	DataStoreTable         UID = 0x00001001_00000000
	DataRemovalTable       UID = 0x00001101_00000000
	EnterpriseDataStore    UID = 0x00008001_00000000
	SPInfoRow              UID = 0x00000002_00000001
	TPerInfoRow            UID = 0x00000201_00030001
	LockingInfoRow         UID = 0x00000801_00000001
	MBRControlRow          UID = 0x00000803_00000001
	DataRemovalRow         UID = 0x00001101_00000001
	SPTemplatesBase        UID = 0x00000003_00000001
	SPTemplatesSpecific    UID = 0x00000003_00000002
	TemplateBase           UID = 0x00000204_00000001
	TemplateAdmin          UID = 0x00000204_00000002
	TemplateLocking        UID = 0x00000204_00000006
	GlobalRange            UID = 0x00000802_00000001
	GlobalRangeKey         UID = 0x00000806_00000001
	opalRange              UID = 0x00000802_00030000
	opalRangeKey           UID = 0x00000806_00030000
	SecretProtectKAES256   UID = 0x0000001D_0000001E
	HalfAuthorityObjectRef     = 0x00000C05 // half UIDs that tell the types in a BooleanExpr (Core 5.1.3)
	HalfBooleanACE             = 0x0000040E
)

// The authorities (Core 5.3.4.2; Enterprise; Opal 4.2.1.8 and 4.3.1.8; PSID feature set).
const (
	Anybody     UID = 0x00000009_00000001
	Admins      UID = 0x00000009_00000002
	Makers      UID = 0x00000009_00000003
	SID         UID = 0x00000009_00000006
	PSID        UID = 0x00000009_0001FF01
	EraseMaster UID = 0x00000009_00008401
	BandMasters UID = 0x00000009_00008403
	Users       UID = 0x00000009_00030000

	adminSPAdmin   UID = 0x00000009_00000200
	lockingSPAdmin UID = 0x00000009_00010000
	bandMaster     UID = 0x00000009_00008001
)

// The rows of C_PIN (Core 5.3.2.12).
const (
	CPINSID         UID = 0x0000000B_00000001
	CPINMSID        UID = 0x0000000B_00008402
	CPINPSID        UID = 0x0000000B_0001FF01
	CPINEraseMaster UID = 0x0000000B_00008401

	cpinBandMaster   UID = 0x0000000B_00008001
	cpinLockingAdmin UID = 0x0000000B_00010000
	cpinUser         UID = 0x0000000B_00030000
)

// BandMaster is the authority over band n of an Enterprise device.
func BandMaster(n int) UID { return bandMaster + UID(n) }

// CPINBandMaster is its row of C_PIN.
func CPINBandMaster(n int) UID { return cpinBandMaster + UID(n) }

// Band is band n of an Enterprise device; 0 is the global one.
func Band(n int) UID { return GlobalRange + UID(n) }

// BandKey is the key of band n, in K_AES_256.
func BandKey(n int) UID { return GlobalRangeKey + UID(n) }

// Range is range n of an Opal device; 0 is the global one.
func Range(n int) UID {
	if n == 0 {
		return GlobalRange
	}
	return opalRange + UID(n)
}

// RangeKey is the key of range n of an Opal device, in K_AES_256.
func RangeKey(n int) UID {
	if n == 0 {
		return GlobalRangeKey
	}
	return opalRangeKey + UID(n)
}

// Admin is Admin n (from 1) of an Opal Locking SP, CPINAdmin its row of C_PIN.
func Admin(n int) UID { return lockingSPAdmin + UID(n) }

// CPINAdmin is the row of C_PIN of Admin n (from 1) of an Opal Locking SP.
func CPINAdmin(n int) UID { return cpinLockingAdmin + UID(n) }

// User is User n (from 1) of an Opal Locking SP.
func User(n int) UID { return Users + UID(n) }

// CPINUser is the row of C_PIN of User n (from 1) of an Opal Locking SP.
func CPINUser(n int) UID { return cpinUser + UID(n) }

// AdminSPAdmin is Admin n (from 1) of the Admin SP of an Opal device.
func AdminSPAdmin(n int) UID { return adminSPAdmin + UID(n) }

// DataStore is byte table DataStore n (from 1) of an Opal device (Additional DataStore Tables 1.01).
func DataStore(n int) UID { return DataStoreTable + UID(n-1)<<32 }

// The methods of the session manager (Core 5.2.2).
const (
	Properties          UID = 0x00000000_0000FF01
	StartSession        UID = 0x00000000_0000FF02
	SyncSession         UID = 0x00000000_0000FF03
	StartTrustedSession UID = 0x00000000_0000FF04
	SyncTrustedSession  UID = 0x00000000_0000FF05
	CloseSession        UID = 0x00000000_0000FF06
)

// The other methods (Core 5.3.3, 5.4.3, 5.6.4, 5.7.3; Opal 5.1). Enterprise has numbers of its own for
// Get, Set and Authenticate.
const (
	DeleteSP               UID = 0x00000006_00000001
	EnterpriseGet          UID = 0x00000006_00000006
	EnterpriseSet          UID = 0x00000006_00000007
	Next                   UID = 0x00000006_00000008
	EnterpriseAuthenticate UID = 0x00000006_0000000C
	GetACL                 UID = 0x00000006_0000000D
	GenKey                 UID = 0x00000006_00000010
	RevertSP               UID = 0x00000006_00000011
	Get                    UID = 0x00000006_00000016
	Set                    UID = 0x00000006_00000017
	Authenticate           UID = 0x00000006_0000001C
	Revert                 UID = 0x00000006_00000202
	Activate               UID = 0x00000006_00000203
	Random                 UID = 0x00000006_00000601
	Reactivate             UID = 0x00000006_00000801
	Erase                  UID = 0x00000006_00000803
	// Restore is a method of fdelab's own drives, on ThisSP of an Enterprise Locking SP: a BandMaster leads a
	// drive out of the state SecurityDegraded. Its number is ours.
	Restore UID = 0x00000006_0000FF01
)

// methodNames are the names of the methods.
var methodNames = map[UID]string{
	Properties: "Properties", StartSession: "StartSession", SyncSession: "SyncSession",
	StartTrustedSession: "StartTrustedSession", SyncTrustedSession: "SyncTrustedSession", CloseSession: "CloseSession",
	DeleteSP: "DeleteSP", EnterpriseGet: "Get", EnterpriseSet: "Set", Next: "Next", EnterpriseAuthenticate: "Authenticate",
	GetACL: "GetACL", GenKey: "GenKey", RevertSP: "RevertSP", Get: "Get", Set: "Set", Authenticate: "Authenticate",
	Revert: "Revert", Activate: "Activate", Random: "Random", Reactivate: "Reactivate", Erase: "Erase", Restore: "Restore",
}

// MethodName is the name of a method; the UID where there is none.
func MethodName(u UID) string {
	if n, ok := methodNames[u]; ok {
		return n
	}
	return u.String()
}

// The optional parameters of the methods of the session manager (Core 5.2.3.1), numbers as Opal has
// them, names as Enterprise has them.
const (
	HostPropertiesName         = "HostProperties"
	HostChallengeName          = "HostChallenge"
	HostSigningAuthorityName   = "HostSigningAuthority"
	SessionTimeoutName         = "SessionTimeout"
	HostProperties             = 0
	HostChallenge              = 0
	HostExchangeAuthority      = 1
	HostExchangeCert           = 2
	HostSigningAuthority       = 3
	HostSigningCert            = 4
	SessionTimeout             = 5
	TransTimeout               = 6
	InitialCredit              = 7
	SignedHash                 = 8
	AuthenticateChallengeName  = "Challenge"
	AuthenticateProof          = 0
	RevertSPKeepGlobalRangeKey = 0x060000
)

// The life cycle states of a service provider (Opal 5.2.2.3; Core 5.1.3, life_cycle_state).
const (
	Issued               = 0
	ManufacturedInactive = 8
	Manufactured         = 9
	ManufacturedFrozen   = 11
	ManufacturedFailed   = 13
)

// The kinds of reset in LockOnReset and DoneOnReset (Core 5.1.3, reset_types).
const (
	PowerCycle        = 0
	HardwareReset     = 1
	HotPlugReset      = 2
	ProgrammaticReset = 3
)
