package spec

// Columns are the names of a table's columns, by number, nil for a table that is not known. Opal
// sends the numbers, Enterprise the names (Core 5.3.2, 5.4.2, 5.7.2).
func Columns(table UID) []string { return columns[table.Table()] }

// Column is the number of a column, or -1.
func Column(table UID, name string) int {
	for i, n := range columns[table.Table()] {
		if n == name {
			return i
		}
	}
	return -1
}

var columns = map[UID][]string{
	TableTable: {
		"UID", "Name", "CommonName", "TemplateID", "Kind", "Column", "NumColumns", "Rows", "RowsFree", "RowBytes", "LastID",
		"MinSize", "MaxSize", "MandatoryWriteGranularity", "RecommendedAccessGranularity",
	},
	SPInfoTable:      {"UID", "SPID", "Name", "Size", "SizeInUse", "SPSessionTimeout", "Enabled"},
	SPTemplatesTable: {"UID", "TemplateID", "Name", "Version"},
	MethodIDTable:    {"UID", "Name", "CommonName", "TemplateID"},
	AccessControlTable: {
		"UID", "InvokingID", "MethodID", "CommonName", "ACL", "Log", "AddACEACL", "RemoveACEACL", "GetACLACL",
		"DeleteMethodACL", "AddACELog", "RemoveACELog", "GetACLLog", "DeleteMethodLog", "LogTo",
	},
	ACETable: {"UID", "Name", "CommonName", "BooleanExpr", "Columns"},
	AuthorityTable: {
		"UID", "Name", "CommonName", "IsClass", "Class", "Enabled", "Secure", "HashAndSign", "PresentCertificate", "Operation",
		"Credential", "ResponseSign", "ResponseExch", "ClockStart", "ClockEnd", "Limit", "Uses", "Log", "LogTo",
	},
	CPINTable:          {"UID", "Name", "CommonName", "PIN", "CharSet", "TryLimit", "Tries", "Persistence"},
	SecretProtectTable: {"UID", "Table", "ColumnNumber", "ProtectMechanisms"},
	TPerInfoTable: {
		"UID", "Bytes", "GUDID", "Generation", "FirmwareVersion", "ProtocolVersion", "SpaceForIssuance", "SSC",
		"ProgrammaticResetEnable",
	},
	TemplateTable: {"UID", "Name", "RevisionNumber", "Instances", "MaxInstances"},
	SPTable:       {"UID", "Name", "ORG", "EffectiveAuth", "DateOfIssue", "Bytes", "LifeCycleState", "Frozen"},
	LockingInfoTable: {
		"UID", "Name", "Version", "EncryptSupport", "MaxRanges", "MaxReEncryptions", "KeysAvailableCfg", "AlignmentRequired",
		"LogicalBlockSize", "AlignmentGranularity", "LowestAlignedLBA",
	},
	LockingTable: {
		"UID", "Name", "CommonName", "RangeStart", "RangeLength", "ReadLockEnabled", "WriteLockEnabled", "ReadLocked",
		"WriteLocked", "LockOnReset", "ActiveKey", "NextKey", "ReEncryptState", "ReEncryptRequest", "AdvKeyMode", "VerifyMode",
		"ContOnReset", "LastReEncryptLBA", "LastReEncStat", "GeneralStatus",
	},
	MBRControlTable:  {"UID", "Enable", "Done", "DoneOnReset"},
	KAES128Table:     {"UID", "Name", "CommonName", "Key", "Mode"},
	KAES256Table:     {"UID", "Name", "CommonName", "Key", "Mode"},
	DataRemovalTable: {"UID", "ActiveDataRemovalMechanism"},
}
