package drive

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// claim is a sentence of ARCHITECTURE.md and the tests that would refute it: a name
// alone is of this package, another begins with its file.
type claim struct {
	sentence string
	tests    string
}

var keyClaims = []claim{
	{"root key 32 bytes, per drive, in fuses, outside the flash", "TestKeysAreReachedByTheirWrapsAlone"},
	{"PIN what an authority presents: MSID, SID, BandMaster n, EraseMaster, PSID", "TestPSIDRevert TestManufacturedDriveIsErasedAndOpen"},
	{"KEK HKDF-SHA256(root key || PIN, slot salt) for a 32-byte credential; shorter PINs are stretched first with PBKDF2-HMAC-SHA256", "TestKeysAreReachedByTheirWrapsAlone TestShortPINIsStretched"},
	{"AK authority key, 32 random bytes, stored as AES-KW(KEK, AK)", "TestKeysAreReachedByTheirWrapsAlone"},
	{"MEK media encryption key, 64 bytes (AES-256-XTS), one a range, stored as AES-KW(AK, MEK); while the range will be open after a power loss, as AES-KW(KEK of the root key, MEK)", "TestKeysAreReachedByTheirWrapsAlone"},
	{"- A MEK is reachable only through those wraps.", "TestKeysAreReachedByTheirWrapsAlone proptest/sweep_test.go:TestSweep proptest/sweep_test.go:TestSweepOfDepthThree"},
	{"Patch out every `if` and the data is still ciphertext.", "TestKeysAreReachedByTheirWrapsAlone"},
	{"A wrong PIN is found by the unwrap's integrity check, in constant time.", "TestKeysAreReachedByTheirWrapsAlone"},
	{"- Which of the two wraps a range has follows from one question: will it be usable after power comes back without anyone authenticating? (`openAtPowerOn` in `drive/range.go`.)", "TestLockOnResetByKind TestLockEnabledRangeHasNoRootWrap"},
	{"Setting a lock that outlives power is therefore a key step.", "TestExplicitLockSurvivesPowerWithoutLockOnReset"},
	{"- **Access credential** = the BandMaster PIN of the data range, 32 bytes.", "TestMigrationTakesACredentialOf32Bytes"},
	{"In the facility the data range is the global range.", "encgroup/members_test.go:TestAdmitLocksADrive"},
	{"Every other band of a member covers no sectors, and its BandMaster has a credential of its own: with the factory PIN, anybody at the drive's port could lay that band over customer data, and what is written there would be under a key that the root key alone opens.", "encgroup/inspect_test.go:TestOutsiderAtABandOfAMember encgroup/inspect_test.go:TestBandsFollowTheGroupKey"},
	{"- **Access credential migration** = wrapping the AK anew, from the KEK of the old credential to the KEK of the new one, with the old wrap physically destroyed before the drive reports success.", "TestMigrationKeepsDataAndLocksAtPowerLoss TestOldBlockThatCannotBeDestroyedDegrades"},
	{"The MEK does not change: the data stays readable.", "TestMigrationKeepsDataAndLocksAtPowerLoss"},
	{"From MSID, which anyone can read, the AK is replaced as well: who once copied the factory's wrap holds nothing.", "TestMigrationFromMSIDMakesANewAK"},
	{"- **A drive that joins is judged whole**, at drive certify and again when it joins: every band's place, locks and PIN, SID, EraseMaster, counts of tries, geometry.", "encgroup/inspect_test.go:TestUsedDrives raslab/used_test.go:TestUsedDriveInARepair"},
	{"What the factory PIN reaches is put right and said; a PIN that is somebody else's is refused.", "encgroup/inspect_test.go:TestUsedDrives"},
	{"There is one check (`encgroup.Normalize`), and every way into a rank leads through it.", "raslab/used_test.go:TestUsedDriveInARepair raslab/used_test.go:TestUsedDriveInAnMES raslab/used_test.go:TestSpareThatSomebodyHadHandsOn"},
	{"- A BandMaster that is disabled is kept out by a key: the wrap of its PIN is wrapped once more by the AK of EraseMaster, who may enable it, and the old one is destroyed.", "TestADisabledBandMasterHasNoWrapForItsPIN"},
	{"The facility enables a BandMaster of a member again that somebody has disabled by the factory PIN.", "encgroup/enable_test.go:TestOutsiderDisablesBandMasters"},
	{"- EraseMaster and SID of a member stay at MSID (assumption).", "raslab/src_repair_test.go:TestPseudoRepairSaysThatTheMemberWasErased"},
	{"Who uses them from outside can destroy data, and cannot expose any: an erase is a key step, and no sector is written to a member whose key generation the facility has not proved.", "raslab/used_test.go:TestOutsiderAtAMemberIsSeenBeforeTheNextWrite"},
	{"- **Admitting a drive to an encrypted rank** first replaces its MEK (what was ever wrapped by the root key must not protect customer data), then migrates from MSID to the group's credential.", "encgroup/members_test.go:TestAdmitLocksADrive encgroup/powercut_test.go:TestPowerCutInTheDrive"},
	{"- **Cryptographic erase** = a new MEK, the range unlocked, its BandMaster back at MSID, every older wrap physically destroyed and read back.", "TestEraseGivesNewKeyAndFactoryPIN TestAnEraseReadsWhatIsBehindItsRecord"},
	{"Only then does the drive say \"erased\".", "TestFailedEraseIsNeverCalledErased TestEraseCutBeforeAnUnreadableOldBlockIsNotCalledErased TestEraseBesideAFragmentThatResistsIsNotCalledErased"},
	{"- **Factory identity** = an Ed25519 key pair derived from the root key (HKDF-SHA256).", "TestADriveProvesItsIdentity"},
	{"The drive signs challenges with it, without a PIN and without a record; it outlives every erase and revert.", "TestADriveProvesItsIdentity TestTheIdentityOutlivesEverything"},
	{"Serial numbers can be there twice.", "TestAnotherDriveWithTheSameSerialHasAnotherIdentity"},
	{"A file copied with its fuses is the same drive twice.", "TestTheIdentityOfADriveFile"},
}

var opalClaims = []claim{
	{"An Opal drive has the same fuses, flash log and media, and more between a PIN and a MEK:", "TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"RK range key, 32 random bytes, made with each MEK and never alone; the MEK is stored as AES-KW(RK, MEK)", "TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"holder of an area (a range, a DataStore table): an Admin or a User of the Locking SP who is granted it; RK is stored as AES-KW(AK, RK) for each holder, and as AES-KW(KEK of the root key, RK) exactly while the range will be open after a power loss", "TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"UK users' key, 32 random bytes, made by activate, stored as AES-KW(AK, UK) for each Admin; the AK of each Admin and User is stored a second time, as AES-KW(UK, AK)", "TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"- A grant writes a wrap of RK, a revocation destroys it physically; both are key steps.", "TestOpalKeyStepsAreCutAnywhere TestOpalOldWrapThatCannotBeDestroyedDegrades"},
	{"Who grants must hold RK, and reaches the AK of the other by UK; else the method fails, and so does one that would take the last wrap of a closed range away.", "TestOpalRefusals"},
	{"An Admin opens a range over a power loss that others alone are granted: the AK of a holder comes by UK.", "TestOpalAnAdminOpensARangeThatIsGrantedToAUserAlone"},
	{"- That an Admin may set a User's PIN is UK and nothing else.", "TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"A disabled authority has the wrap of its PIN wrapped once more by UK, Admin1 of the Admin SP by the AK of SID: its PIN opens nothing.", "TestADisabledAdminOfTheAdminSPHasNoWrapForItsPIN TestOpalKeyStepsAreCutAnywhere TestOpalKeysAreReachedByTheirWrapsAlone"},
	{"- In Single User Mode the owner of a range is its only holder, and its AK is not under UK: no Admin gets there.", "TestOpalSingleUserMode"},
	{"An owner whose PIN is the empty one has its AK under a key that the root key alone gives; its range is locked for nobody.", "TestOpalSingleUserMode"},
	{"- Key steps are: a PIN, a grant, a revocation, enabling and disabling, a new MEK, closing a range over a power loss and opening it, activate, reactivate, every revert.", "TestOpalKeyStepsAreCutAnywhere"},
	{"A change of several of them is one record, so it is whole or not there.", "TestOpalChangeIsWholeOrNotThere"},
	{"- MBR shadow and DataStore lie encrypted on the medium, behind the last sector, under MEKs of their own, which a revert replaces; the MBR shadow's is open to the root key, since anybody may read it.", "TestOpalTables"},
	{"A stamp beside each sector, derived from its key and place, says that it was written under this key; without it the sector reads as zeros.", "TestOpalTables"},
	{"A write within one sector is whole or not there.", "TestOpalTableWritesAreCutAnywhere"},
	{"- The record is version 2 in a page of 16 KiB, and has a note: what the TPer keeps (ACEs, names) changes in the same step as the keys.", "TestKnownOpalRecord TestOpalChangeIsWholeOrNotThere"},
	{"Who needs more wraps than the page has room for is refused before anything changes.", "TestOpalRecordThatDoesNotFit"},
}

var flashClaims = []claim{
	{"`flash.Device`: pages programmed once (bits only go from 1 to 0), erased a block at a time, synchronous.", "drive/flash/device_test.go:TestProgramOnceUntilErased drive/flash/model_test.go:TestBitsOnlyFallWithoutErase drive/flash/file_cut_test.go:TestFileSurvivesTheDeathOfItsHost"},
	{"Faults wrap the interface; `Dump` returns every physical page, blocks that no longer erase included.", "drive/flash/faulty_test.go:TestFaultsStayWithinTheContract drive/flash/device_test.go:TestDumpShowsEveryProgrammedPageInOrder"},
	{"The security area is a log of whole records, one page each.", "TestRecordRoundTrip"},
	{"A record that changes no key (a count of tries) is appended to the active block; one that changes a key goes to a fresh block, is read back, and every other used block is erased and read back before success is reported.", "TestNotesAreAppendedAndKeyRecordsMove TestFullBlockMovesOn TestAnEraseReadsWhatIsBehindItsRecord"},
	{"A block that does not erase is overwritten with zeros; where that fails too the drive is *security degraded*, and says so.", "TestBlockThatOnlyZeroesIsGoodEnough TestOldBlockThatCannotBeDestroyedDegrades"},
	{"A page that refuses a record is survived on another block; when no block takes it, the old state stays in force and the command fails.", "TestWornFlashKeepsTheOldState TestSettingsThatCanNotBeWrittenDoNotCount TestTornNoteThatIsWholeIsInForceAtOnce"},
	{"Where no other block is left, one that was overwritten is erased again: it holds nothing, and may be sound by now.", "TestAFlashThatIsUsedUp TestARetiredBlockIsRegainedOverAPowerCut"},
	{"In a drive file a key step takes three syncs: the try before the PIN is looked at, the new record before the old one is destroyed, the destruction before success is reported.", "TestEverySyncOfAKeyStepIsNeeded"},
	{"The record that takes the try back becomes safe with the key step's.", "TestADriveFileSurvivesEveryPowerCutOfItsHost"},
	{"A host that loses its power before may find one try used up, never more: a count that was not 0 is taken back with a sync of its own.", "TestPowerCutsOfTheHostLockNobodyOut"},
	{"The bytes behind a record are no part of it: a record counts when its own check sum holds.", "TestRotBehindARecordIsAWarningAndTheSelfTestMendsIt TestRotBehindANoteGivesNoTryBack TestEveryBitOfARecordIsLookedAt"},
	{"Odd bytes there are a warning (`Status.ScrubNeeded`), which the self test mends: it moves the record to a fresh block and destroys the page.", "TestRotBehindARecordIsAWarningAndTheSelfTestMendsIt TestSelfTestSeesRotBehindTheRecord"},
	{"Nothing may hide there: the block of a new key record is read back up to its end, and odd bytes in a block that resists destruction count as keys.", "TestAnEraseReadsWhatIsBehindItsRecord TestNothingHidesBehindARecordOfABlockThatResists"},
	{"Within a block the later page is the newer one, and among blocks the one with the higher generation.", "TestTryCountedBesideAnUnreadNoteStays TestNewerRecords"},
	{"At power-on the newest record wins and unfinished destruction is finished first.", "TestEraseCutBeforeAnUnreadableOldBlockIsNotCalledErased TestKillAtAnyWrite"},
	{"Where no record can be read the drive is security degraded with its flash untouched, since a page that is unreadable now may be readable later.", "TestUnreadablePageDestroysNothing TestDriveWithoutRecord"},
	{"A page that cannot be read, or that holds a record of an unknown form, puts the state in doubt, unless it lies in front of the record in force in the same block: it may hold an old wrap, newer settings, or the newer record of a key step that was not acknowledged.", "TestEraseCutBeforeAnUnreadableOldBlockIsNotCalledErased TestRecordOfAnUnknownVersionIsNotDestroyed TestUnreadablePageInFrontOfTheRecordIsNoDoubt TestSettingsInAnUnreadNoteAreNotUndone TestSelfTestInDoubtDestroysNothing"},
	{"The drive is then security degraded in RAM, destroys nothing unread, and judges again at the next power-on; a restore or an erase ends the doubt.", "TestEraseCutBeforeAnUnreadableOldBlockIsNotCalledErased TestSelfTestInDoubtDestroysNothing TestEraseAndRestoreEndTheDoubtOfAnUnreadablePage"},
	{"Counts of tries that are written in doubt put no record in force, and are kept when the page reads again.", "TestTriesInDoubtPutNothingInForceAndAreKept TestTryCountedBesideAnUnreadNoteStays TestUnreadNotesLeaveEverybodyTheLastTry"},
	{"A self test in doubt copies a rotten record and destroys nothing.", "TestSelfTestInDoubtDestroysNothing TestSelfTestInDoubtSavesTheRecordInForce"},
	{"A key record that is written while something is unread gets a generation above what may lie there, so that a revert that ended degraded is not undone.", "TestDegradedRevertIsNotUndoneByAPowerCycle TestEraseBesideAnUnreadRecordIsNotUndone TestRevertBesideAnUnreadRecordIsCutAnywhere"},
	{"No generation is used by two key records, so that a fragment that a failed attempt left behind cannot win.", "TestNoGenerationIsUsedTwice TestFragmentOfAKeyRecordNeverComesIntoForce"},
	{"A power cut at any flash operation, also during recovery and in the recovery of that, leaves the old state or the new one, never a mixture, never \"erased\" with a recoverable key, never a lost key without an accepted erase or migration.", "TestKillAtAnyWrite TestRevertBesideAnUnreadRecordIsCutAnywhere proptest/sweep_test.go:TestSweep proptest/sweep_test.go:TestSweepOfDepthThree"},
}

// budgets are the tests that hold the drive to what each point of its flash costs.
var budgets = map[fault.Point]string{
	flash.ProgramRefused: "TestWornFlashKeepsTheOldState",
	flash.ProgramTorn:    "TestTornRecordIsSurvived TestTornNoteThatIsWholeIsInForceAtOnce",
	flash.EraseRefused:   "TestBlockThatOnlyZeroesIsGoodEnough TestFailedEraseIsNeverCalledErased",
	flash.EraseTorn:      "TestTornEraseIsFoundAndDestroyed",
	flash.ZeroRefused:    "TestOldBlockThatCannotBeDestroyedDegrades",
	flash.ReadError:      "TestUnreadablePageDestroysNothing TestUnreadablePageInFrontOfTheRecordIsNoDoubt TestSelfTestInDoubtDestroysNothing",
	flash.ReadRot:        "TestDriveWithoutRecord TestSelfTestRewritesARottenRecord TestEveryBitOfARecordIsLookedAt",
	flash.PowerBefore:    "proptest/sweep_test.go:TestSweep",
	flash.PowerTorn:      "proptest/sweep_test.go:TestSweep TestRevertBesideAnUnreadRecordIsCutAnywhere",
	flash.PowerAfter:     "TestTryIsCountedBeforeTheComparison proptest/sweep_test.go:TestSweep",
}

// TestEverySentenceHasItsTest: the two sections consist of the claims above and of
// nothing else, and each claim's tests are there.
func TestEverySentenceHasItsTest(t *testing.T) {
	raw, err := os.ReadFile("../ARCHITECTURE.md")
	require.NoError(t, err)
	known := declared(t, "*_test.go")
	for section, claims := range map[string][]claim{"Keys in a drive": keyClaims, "Keys in an Opal drive": opalClaims, "The drive's flash": flashClaims} {
		_, text, found := strings.Cut(string(raw), "\n## "+section+"\n")
		require.True(t, found, section)
		text, _, _ = strings.Cut(text, "\n## ")
		text = strings.Join(strings.Fields(text), " ")
		for _, c := range claims {
			require.True(t, strings.HasPrefix(text, c.sentence), "%s: after the sentences before it comes\n%.200s\nand no test knows it; expected\n%s", section, text, c.sentence)
			text = strings.TrimSpace(strings.TrimPrefix(text, c.sentence))
			testsExist(t, known, c.tests)
		}
		require.Empty(t, text, "%s: no test knows these sentences", section)
	}
	for _, p := range fault.Points() {
		if p.Point.Component() == "flash" {
			testsExist(t, known, budgets[p.Point])
		}
	}
}

// declared are the names of the tests that the files of a pattern declare.
func declared(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range files {
		source, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range testDeclaration.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
	}
	return names
}

var testDeclaration = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// testsExist says that each of names is a test, of this package (known) or of the
// file that it names.
func testsExist(t *testing.T, known map[string]bool, names string) {
	t.Helper()
	require.NotEmpty(t, names)
	for _, name := range strings.Fields(names) {
		if file, test, elsewhere := strings.Cut(name, ":"); elsewhere {
			require.True(t, declared(t, filepath.Join("..", file))[test], "no test %s in %s", test, file)
			continue
		}
		require.True(t, known[name], "no test %s", name)
	}
}

// TestKeysAreReachedByTheirWrapsAlone walks from the root key and a PIN to a
// plaintext by hand, with nothing but the standard algorithms, and fails without
// either of them.
func TestKeysAreReachedByTheirWrapsAlone(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(3, sectors(1, 1)))
	fuses := b.Fuses()
	for _, p := range b.Dump().Flash {
		require.NotContains(t, string(p.Data), string(fuses.Root[:]), "the root key is outside the flash")
	}
	cipher, _ := b.Dump().Sector(3)
	decrypt := func(mek []byte) []byte {
		c, err := xts.New((*secret.Key64)(mek), 512)
		require.NoError(t, err)
		plain := make([]byte, 512)
		c.Decrypt(plain, cipher, 3)
		return plain
	}
	// Open to all: under the KEK of the root key.
	rootKEK := RootKEK(fuses.Root)
	require.Len(t, b.rec.ranges[0].wraps, 1)
	mek, err := keywrap.Unwrap(rootKEK[:], b.rec.ranges[0].wraps[0].wrap[:])
	require.NoError(t, err)
	require.Equal(t, sectors(1, 1), decrypt(mek))
	other, err := keywrap.Unwrap(rootKEK[:], b.rec.ranges[1].wraps[0].wrap[:])
	require.NoError(t, err)
	require.NotEqual(t, mek, other, "one MEK a range")

	// Closed: under the AK, and that under the KEK of root key and credential.
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	wraps, slot := b.rec.ranges[0].wraps, b.rec.slot(BandMaster(0)).slot
	require.Len(t, wraps, 1)
	_, err = keywrap.Unwrap(rootKEK[:], wraps[0].wrap[:])
	require.ErrorIs(t, err, keywrap.ErrIntegrity, "the root key alone opens nothing")
	kek, err := KEK(fuses.Root, credential(1), slot.Salt, fuses.Config.PBKDF2Iterations)
	require.NoError(t, err)
	ak, err := keywrap.Unwrap(kek[:], slot.Wrap[:])
	require.NoError(t, err)
	mek, err = keywrap.Unwrap(ak, wraps[0].wrap[:])
	require.NoError(t, err)
	require.Equal(t, sectors(1, 1), decrypt(mek))

	wrong, err := NewPIN(append(make([]byte, PINSize-1), 1))
	require.NoError(t, err)
	kek, err = KEK(fuses.Root, wrong, slot.Salt, fuses.Config.PBKDF2Iterations)
	require.NoError(t, err)
	_, err = keywrap.Unwrap(kek[:], slot.Wrap[:])
	require.ErrorIs(t, err, keywrap.ErrIntegrity, "a wrong PIN is found by the unwrap")
	elsewhere := *fuses.Root
	elsewhere[0] ^= 1
	kek, err = KEK(&elsewhere, credential(1), slot.Salt, fuses.Config.PBKDF2Iterations)
	require.NoError(t, err)
	_, err = keywrap.Unwrap(kek[:], slot.Wrap[:])
	require.ErrorIs(t, err, keywrap.ErrIntegrity, "and so is another chip")
}

func TestMigrationTakesACredentialOf32Bytes(t *testing.T) {
	b := newBench(t, nil)
	short, err := NewPIN(make([]byte, PINSize-1))
	require.NoError(t, err)
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(short) }), InvalidParameter)
	require.Equal(t, Erased, b.Status().State)
}

func TestNotesAreAppendedAndKeyRecordsMove(t *testing.T) {
	b := newBench(t, nil)
	block, at := b.store.active, b.store.at
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	require.Equal(t, []int{block, at + 2}, []int{b.store.active, b.store.at}, "a try, and that it was right")
	require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(credential(1)) }))
	require.Equal(t, []int{block + 1, 0}, []int{b.store.active, b.store.at})
	require.Equal(t, 1, blocksInUse(b), "and the block before is gone")
}

func TestTornRecordIsSurvived(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	block := b.store.active
	b.arm("(flash.program.torn (OnIndex 0))")
	require.NoError(t, s.Migrate(credential(1)))
	require.Equal(t, block+2, b.store.active, "another block took the record")
	s.Close()
	b.arm("(flash.program.torn (OnIndex 0))")
	_, err := b.Authenticate(BandMaster(0), credential(2))
	require.ErrorIs(t, err, NotAuthorized)
	b.cycle()
	require.Equal(t, Configured, b.Status().State)
	used, _, _ := b.Tries(BandMaster(0))
	require.Equal(t, uint16(1), used)
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
}

func TestTornEraseIsFoundAndDestroyed(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.erase.torn)")
	require.NoError(t, s.Migrate(credential(1)), "what is left of the pages is overwritten with zeros")
	for _, p := range b.Dump().Flash {
		if p.Block != b.store.active {
			require.Equal(t, make([]byte, len(p.Data)), p.Data)
		}
	}
	s.Close()
	s = b.auth(BandMaster(0), credential(1))
	b.arm("(flash.erase.torn) (flash.zero.refused)")
	require.ErrorIs(t, s.SetPIN(credential(2)), Degraded)
}

// TestAPINAndTheSamePINWithZerosBehindItAreTwo: HMAC pads its key with zeros (RFC 2104 section 2),
// and no short PIN may profit from that.
func TestAPINAndTheSamePINWithZerosBehindItAreTwo(t *testing.T) {
	var root secret.Key32
	seen := map[secret.Key32]string{}
	for _, text := range []string{"4711", "4711\x00", "4711\x00\x00", "\x00", "\x00\x00", "\x004711"} {
		pin, err := NewPIN([]byte(text))
		require.NoError(t, err)
		kek, err := KEK(&root, pin, [16]byte{1}, 3)
		require.NoError(t, err)
		require.Empty(t, seen[*kek], "%q gives the key of another PIN", text)
		seen[*kek] = text
	}
}
