package conformance

import "fmt"

// Row is one thing that went wrong in real drives.
type Row struct {
	Number   int
	Property string // what a drive must hold
	Source   string // where it was found broken
	Why      string // why there is no property of a device alone, or what a part of the row needs
}

// Rows lists all of them.
func Rows() []Row { return append([]Row(nil), rows...) }

// id of the row's property.
func (r Row) id() string { return fmt.Sprintf("F%02d", r.Number) }

const needsTCG = "it needs the commands of TCG Storage, which a Device has not"

var rows = []Row{
	{1, "with the password check patched out there is still no key", "CVE-2018-12037, VU#395981 (Meijer and van Gastel)", ""},
	{2, "the same in every security mode the drive has", "VU#395981", ""},
	{3, "after a PIN change no old or plain wrap of a key is left in the flash", "CVE-2018-12038", ""},
	{4, "the same after an erase", "CVE-2019-11686", ""},
	{5, "no wrap opens with an empty, zero or constant secret", "MX300 reports", ""},
	{6, "a value inside the drive's own storage never opens a wrap of a locked range", "WDC-19007", ""},
	{7, "access-control state cannot substitute for the key", "CVE-2019-10705", "the suite alters bytes of the flash and the checksums that it knows (CRC-32); a record that is authenticated with a key cannot be altered so"},
	{8, "ranges have different keys; erasing one leaves the others readable", "Meijer and van Gastel, section V (from memory)", ""},
	{9, "keys never repeat; a dead, stuck or repeating random source fails closed", "WD My Passport: a generator with 255 states", "a source that is seeded with a guessable value cannot be told from a good one by its output, and one that comes round not before it has"},
	{10, "the tweak differs for each sector; equal plaintext gives unequal ciphertext", "CVE-2022-28382, ECB (from memory)", ""},
	{11, "no offline oracle for short PINs", "CVE-2022-28384", "how much work a guess costs is the maker's figure: the suite shows that the chip is needed, and the rounds that the device names"},
	{12, "TryLimit holds at exactly N on every entry point", "CVE-2022-28386; sedutil issue 124", ""},
	{13, "the try counter is on flash before the comparison; Persistence honoured", "derived; sedutil issue 124", ""},
	{14, "the right PIN after lockout is still refused; the PSID works", "derived; sedutil issues 197, 216", ""},
	{15, "an erase that reports success changed the keys", "FAST'11 (Wei et al.), LEN-5595", ""},
	{16, "PSID revert makes earlier data unreadable, also data from before ownership", "sedutil issues 267, 216", ""},
	{17, "a revert that keeps the global range's key keeps its data", "sedutil issue 413", needsTCG + " (KeepGlobalRangeKey)"},
	{18, "a PIN change re-wraps and never replaces the media key", "Intel 540s data loss", ""},
	{19, "after a PIN change, a power cycle still unlocks", "Intel X25-M G2, 2009", ""},
	{20, "a power cut at every step of erase, migration, rekey: old or new, never mixed", "derived; NIST SP 800-88 Rev. 2 (not read)", ""},
	{21, "an erase ends and survives a reset", "nvme-cli issue 1784", "progress is that of an asynchronous erase, which a Device has not"},
	{22, "a failed erase is never reported as success", "FOG issue 125", "a Device has no format command"},
	{23, "LockOnReset for each reset type; what a warm reset does is explicit", "Black Hat EU 2015; CVE-2015-7267..7269 (from memory)", ""},
	{24, "power-off, lock and erase wipe keys from RAM", "DEVSLP pitfall (from memory)", "a Device has no low-power states"},
	{25, "that the SID is at MSID is visible", "Seagate manual", "Block SID: " + needsTCG},
	{26, "after a revert the SID follows the advertised indicator", "derived; blktests nvme/066", ""},
	{27, "MBRDone clears on power cycle; the shadow MBR hides user data", "sedutil issue 420", needsTCG},
	{28, "LockOnReset needs Read- and WriteLockEnabled", "Seagate 1200 manual 8.4", ""},
	{29, "unauthentic or rolled-back firmware is refused", "CVE-2019-10706", "a Device has no firmware update"},
	{30, "a cut session leaves no authenticated state", "cryptsetup hw_opal history", ""},
	{31, "all copies of a key are destroyed, also those of an interrupted step", "NIST SP 800-88 Rev. 2 (not read)", "that a crypto-erase is refused where data was stored in the clear is the erase engine's to judge"},
	{32, "I/O to a locked range fails promptly and never reaches the media", "sedutil issue 472; cryptsetup OPAL suite", "whether it reaches the media is seen only where the suite holds them"},
	{33, "a drive that joins protects every sector", "sedutil issues 13, 474, 521; TrueNAS sedhelper", "it is the facility that lets a drive join: package encgroup tests it"},
	{34, "\"erased\" and its certificate are of the device, not of its serial number", "openSeaChest issue 102; nwipe PR 116, 317", "certificates are the erase engine's: package erase tests it"},
	{35, "taking a known plaintext, a self test or a status never weakens what protects the data", "derived, no incident found", ""},
	{36, "what was reported as done is not undone by the next power-on, whatever broke in between", "derived, no incident found", ""},
	{37, "PINs that almost fit are refused; tries above 255 count", "derived, no incident found", ""},
	{38, "a write in flight during an erase ends under the new key or not at all", "derived, no incident found", ""},
	{39, "no part of an old key is in the new one; a new key depends on fresh entropy", "derived, no incident found", ""},
	{40, "no secret's own bytes are in flash or on the media", "CVE-2018-12038 kind", ""},
}
