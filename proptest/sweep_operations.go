package proptest

// operation is something that the sweep cuts: the commands before it, and the command that is cut.
type operation struct {
	name  string
	about string
	setup string // commands
	cut   string // one command; empty for manufacture
}

// There is data in the global range and in range 1, at sectors 8 to 15, so that a lost key shows.
const (
	inUse = "authenticate BandMaster1 1; set-range 8 8 -- 1; close; write 1 2 1; write 8 2 2; "
	owned = inUse + "authenticate BandMaster0 1; genkey; migrate 4; close; write 1 2 3; "
	both  = owned + "authenticate BandMaster1 1; migrate 5; close; write 8 2 4; "
)

var operations = []operation{
	{"manufacture", "the first record on blank flash", "", ""},
	{"migrate", "access credential migration from MSID", inUse + "authenticate BandMaster0 1", "migrate 4"},
	{"rekey", "from one credential to the next", owned + "authenticate BandMaster0 4", "set-pin 7"},
	{"set-sid", "a PIN for the owner", owned + "authenticate SID 1", "set-pin 7"},
	{"genkey", "a new media encryption key", owned + "authenticate BandMaster0 4", "genkey"},
	{
		"restore", "out of security degraded",
		owned + "authenticate BandMaster0 4; arm (flash.erase.refused) (flash.zero.refused); set-pin 7; disarm; close; authenticate BandMaster0 7", "restore",
	},
	{"erase", "cryptographic erase of everything", both + "authenticate EraseMaster 1", "erase-all"},
	{"erase-band", "cryptographic erase of one of two bands", both + "authenticate EraseMaster 1", "erase 1"},
	{
		"erase-degraded", "the erase that cures a security degraded drive",
		owned + "authenticate EraseMaster 1; arm (flash.erase.refused) (flash.zero.refused); erase-all; disarm", "erase-all",
	},
	{"psid-revert", "factory defaults with the PSID", both, "revert-psid 2"},
	{"lock-enable", "locks enabled, so that the root key's wrap goes", inUse + "authenticate BandMaster0 1", "set-range 0 0 rw 1"},
	{"lock", "an explicit lock that outlives power", inUse + "authenticate BandMaster0 1; set-range 0 0 rw 0", "set-locks rw"},
	{"unlock", "an explicit unlock that outlives power", inUse + "authenticate BandMaster0 1; set-range 0 0 rw 0; set-locks rw", "set-locks --"},
	{"move-range", "another place for a range", inUse + "authenticate BandMaster1 1", "set-range 16 8 -- 1"},
	{"authentication", "the right PIN", owned, "authenticate BandMaster0 4"},
	{"failed-authentication", "a wrong PIN", owned, "authenticate BandMaster0 7"},
	{"failed-revert", "a wrong PSID", owned, "revert-psid 7"},
	{
		"compaction", "a note when the block is full",
		owned + "authenticate BandMaster0 4; close; authenticate BandMaster0 7", "authenticate BandMaster0 4",
	},
	{
		"worn-migrate", "migration on flash whose blocks do not erase any more",
		inUse + "authenticate BandMaster0 1; arm (flash.erase.refused)", "migrate 4",
	},
	{
		"regain", "a new credential on flash whose blocks were all retired, and erase again",
		owned + "authenticate BandMaster0 4; arm (flash.erase.refused); set-pin 5; set-pin 6; set-pin 7; set-pin 8; set-pin 9; disarm", "set-pin 4",
	},
}

// SweepOperations lists the names of the operations that Sweep cuts, in its
// order, each with what it is.
func SweepOperations() [][2]string {
	var all [][2]string
	for _, o := range operations {
		all = append(all, [2]string{o.name, o.about})
	}
	return all
}
