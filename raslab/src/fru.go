package src

// FRU is a part to replace, or a procedure to go through, for a code. MAP4980 gives
// no list of field replaceable units: every list here is ours.
type FRU string

// The kinds of entry in a FRU list. The list of a serviceable event names real parts and symbolic
// entries. A symbolic entry stands for a procedure, or for a part that the maker does not replace.
const (
	Procedure FRU = "procedure MAP4980"  // symbolic: the software checks of the map come before any part
	Drive     FRU = "drive"              // the drive in the location
	Enclosure FRU = "enclosure"          // the storage enclosure, with the port of the drive
	HMC       FRU = "management console" // its hardware
	KeyServer FRU = "key server"         // symbolic: the customer's machine and network
	Microcode FRU = "microcode"          // symbolic: next level of support
)

// frus lists, for each code, what to replace or go through, in this order. A procedure stands first
// where the map puts software checks before the replacement of a drive.
var frus = map[Code][]FRU{
	BE14CFE0: {Procedure, KeyServer, HMC},
	BE14CFE1: nil, // informational
	BE14CFE5: nil, // informational
	BE14CFEA: {Procedure, KeyServer},
	BE14CFEB: {Procedure},
	BE14CFF5: {Procedure, Drive},
	BE14E004: {Procedure},
	BE14E008: {Procedure, KeyServer},
	BE14E009: {Procedure, HMC},
	BE14E00B: {Procedure, HMC},
	BE14E011: {Procedure, KeyServer},
	BE14E012: {Procedure, KeyServer},
	BE14E013: {Procedure, KeyServer},
	BE14E0F1: {Procedure, KeyServer},
	BE14E1F6: {Procedure},
	BE14E3F7: {Microcode},
	BE14EA0B: {Procedure, HMC},
	BE14EA11: {Procedure, KeyServer},
	BE14EA12: {Procedure, KeyServer},
	BE14EA13: {Procedure, KeyServer},
	BE14EAF1: {Procedure, KeyServer},
	BE14EAF2: {Procedure, KeyServer},
	BE14EAF3: {Procedure, KeyServer},
	BE14EAF4: {Procedure, KeyServer},
	BE316023: {Microcode},
	BE31CFE8: {Microcode},
	BE31F004: {Procedure, Drive, Enclosure},
	BE34009E: {Procedure, Drive},
	BE34009F: {Procedure, Drive},
	BE3400A2: {Procedure, KeyServer},
	BE3400A3: {Procedure},
	BE3400B3: {Procedure, Drive, Enclosure},
}

// FRUs lists what to replace or go through for a code, in this order. It is nil for an
// informational code and for one that is not in the catalogue.
func FRUs(c Code) []FRU { return frus[c] }

// CallsHome says whether a serviceable event of this code sends a request for service. BE14EAF1 and
// BE14EAF3 announce one that follows after four hours (rows BE14EAF1 and BE14EAF3). An
// informational event sends none. That every other code sends one is an assumption.
func (e Entry) CallsHome() bool {
	return e.Severity != Informational && e.Code != BE14EAF1 && e.Code != BE14EAF3
}
