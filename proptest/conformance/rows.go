package conformance

// Row is one thing that went wrong in real drives.
type Row struct {
	Number   int
	Property string // what a drive must hold
	Source   string // where it was found broken; (m) is from memory, (d) derived
	Test     string // the name of the subtest; empty if the row does not apply
	Why      string // why the row, or a part of it, does not apply
}

// Rows lists all of them.
func Rows() []Row { return append([]Row(nil), rows...) }

var rows = []Row{
	{1, "with the password check patched out there is still no key", "CVE-2018-12037, VU#395981 (Meijer and van Gastel)", "F01_NoKeyWithoutTheCredential", ""},
	{2, "the same in every security mode the drive has", "VU#395981", "F02_NoKeyInAnySecurityMode", ""},
	{3, "after a PIN change no old or plain wrap of a key is left in the flash", "CVE-2018-12038", "F03_PINChangeLeavesNoOldWrap", ""},
	{4, "the same after an erase", "CVE-2019-11686", "F04_EraseLeavesNoOldWrap", ""},
	{5, "no wrap opens with an empty, zero or constant secret", "MX300 reports", "F05_NoWrapOpensWithAConstant", ""},
	{6, "a value inside the drive's own storage never opens a wrap of a locked range", "WDC-19007", "F06_StorageAloneOpensNothing", ""},
	{7, "access-control state cannot substitute for the key", "CVE-2019-10705", "F07_StateIsNoSubstituteForTheKey", ""},
	{8, "ranges have different keys; erasing one leaves the others readable", "Meijer and van Gastel, section V (m)", "F08_RangesHaveTheirOwnKeys", ""},
	{9, "keys never repeat; a dead, stuck or repeating random source fails closed", "WD My Passport: a generator with 255 states", "F09_BrokenEntropyFailsClosed", "a source that is seeded with a guessable value cannot be told from a good one by its output, and one that comes round not before it has"},
	{10, "the tweak differs for each sector; equal plaintext gives unequal ciphertext", "CVE-2022-28382, ECB (m)", "F10_EqualPlaintextDiffersEverywhere", ""},
	{11, "no offline oracle for short PINs", "CVE-2022-28384", "F11_ShortPINIsStretchedAndBoundToTheDrive", ""},
	{12, "TryLimit holds at exactly N on every entry point", "CVE-2022-28386; sedutil issue 124", "F12_TryLimitHoldsAtExactlyN", ""},
	{13, "the try counter is on flash before the comparison; Persistence honoured", "(d); sedutil issue 124", "F13_PowerCutBuysNoGuess", ""},
	{14, "the right PIN after lockout is still refused; the PSID works", "(d); sedutil issues 197, 216", "F14_LockedOutIsLockedOut", ""},
	{15, "an erase that reports success changed the keys", "FAST'11 (Wei et al.), LEN-5595", "F15_EraseChangesTheKeys", ""},
	{16, "PSID revert makes earlier data unreadable, also data from before ownership", "sedutil issues 267, 216", "F16_RevertErasesEverything", ""},
	{17, "a revert that keeps the global range's key keeps its data", "sedutil issue 413", "", "the drive has no such revert (KeepGlobalRangeKey is Opal's)"},
	{18, "a PIN change re-wraps and never replaces the media key", "Intel 540s data loss", "F18_PINChangeKeepsTheData", ""},
	{19, "after a PIN change, a power cycle still unlocks", "Intel X25-M G2, 2009", "F19_NewPINUnlocksAfterPowerCycle", ""},
	{20, "a power cut at every step of erase, migration, rekey: old or new, never mixed", "(d); NIST SP 800-88 Rev. 2 (not read)", "F20_PowerCutLeavesOldOrNew", ""},
	{21, "an erase ends and survives a reset", "nvme-cli issue 1784", "F21_EraseEndsAndSurvivesReset", "progress is the erase engine's: the drive's own erase is one synchronous step"},
	{22, "a failed erase is never reported as success", "FOG issue 125", "F22_FailedEraseIsNoSuccess", "the drive has no format command"},
	{23, "LockOnReset for each reset type; what a warm reset does is explicit", "Black Hat EU 2015; CVE-2015-7267..7269 (m)", "F23_LockOnResetByType", ""},
	{24, "power-off, lock and erase wipe keys from RAM", "DEVSLP pitfall (m)", "F24_KeysLeaveRAM", "the drive has no low-power states"},
	{25, "that the SID is at MSID is visible", "Seagate manual", "F25_FactoryPINsAreVisible", "the drive has no Block SID command"},
	{26, "after a revert the SID follows the advertised indicator", "(d); blktests nvme/066", "F26_SIDFollowsItsIndicatorAfterRevert", ""},
	{27, "MBRDone clears on power cycle; the shadow MBR hides user data", "sedutil issue 420", "", "an Enterprise drive has no shadow MBR"},
	{28, "LockOnReset needs Read- and WriteLockEnabled", "Seagate 1200 manual 8.4", "F28_LockOnResetNeedsLockEnabled", ""},
	{29, "unauthentic or rolled-back firmware is refused", "CVE-2019-10706", "", "the drive has no firmware update"},
	{30, "a cut session leaves no authenticated state", "cryptsetup hw_opal history", "F30_CutSessionLeavesNothing", ""},
	{31, "all copies of a key are destroyed, also those of an interrupted step", "NIST SP 800-88 Rev. 2 (not read)", "F31_EveryCopyIsDestroyed", "a drive of ours never stores data in the clear; where some lies on the medium all the same, the validation of the erase engine does not accept the erase"},
	{32, "I/O to a locked range fails promptly and never reaches the media", "sedutil issue 472; cryptsetup OPAL suite", "F32_LockedIOFailsAtOnce", ""},
}
