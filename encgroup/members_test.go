package encgroup

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func TestAdmitLocksADrive(t *testing.T) {
	r := accessible(t)
	d := r.drive("A1")
	old := data("left from before")
	require.NoError(t, d.Write(7, old))
	require.NoError(t, r.group.Admit(d))
	require.Equal(t, drive.Configured, d.Status().State)
	require.Equal(t, []Member{{Serial: "A1", Generation: 1, Last: 1}}, r.group.Members())

	got := make([]byte, 512)
	require.NoError(t, d.Read(7, got))
	require.NotEqual(t, old, got, "the media key is a new one")
	require.NoError(t, d.Write(0, data("A1")))
	d.requireData(t, "a drive that was just admitted is open")

	d.cycle(t)
	requireLocked(t, d)
	require.NoError(t, r.group.Unlock(d))
	d.requireData(t, "the credential opens it")

	_, err := d.Authenticate(drive.BandMaster(0), d.label.MSID)
	require.ErrorIs(t, err, drive.NotAuthorized, "the factory PIN opens nothing any more")
	requireAdmitError(t, r.group.Admit(d), StepGroup, ErrMember)
}

// TestAdmitTouchesNothingItMayNot: each refusal leaves drive and record as they were.
func TestAdmitTouchesNothingItMayNot(t *testing.T) {
	foreign := func(*rig) *testDrive { return accessible(t).member("F1") }
	for name, c := range map[string]struct {
		make func(*rig) *testDrive
		step Step
		want error
	}{
		"configured elsewhere": {foreign, StepState, ErrConfigured},
		"security degraded": {func(r *rig) *testDrive {
			d := r.drive("D1")
			d.arm(t, "(flash.erase.refused) (flash.zero.refused)")
			s, err := d.Authenticate(drive.EraseMaster, d.label.MSID)
			require.NoError(t, err)
			require.ErrorIs(t, s.EraseAll(), drive.Degraded)
			s.Close()
			d.flash.Disarm()
			require.Equal(t, drive.SecurityDegraded, d.Status().State)
			return d
		}, StepState, drive.Degraded},
		"no power": {func(r *rig) *testDrive {
			d := r.drive("P1")
			d.PowerOff()
			return d
		}, StepState, drive.NoPower},
		"group without its key": {func(r *rig) *testDrive {
			r.group.PowerOff()
			return r.drive("G1")
		}, StepGroup, ErrInaccessible},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			d := c.make(r)
			before, flash := r.store.Record(), d.Dump().Flash
			requireAdmitError(t, r.group.Admit(d), c.step, c.want)
			require.Equal(t, before, r.store.Record(), "the record is as it was")
			require.Equal(t, flash, d.Dump().Flash, "the drive's flash is as it was")
			require.Empty(t, r.group.Members())
		})
	}
}

func TestForeignDriveKeepsItsData(t *testing.T) {
	there, here := accessible(t), accessible(t)
	d := there.member("F1")
	requireAdmitError(t, here.group.Admit(d), StepState, ErrConfigured)
	d.cycle(t)
	require.NoError(t, there.group.Unlock(d))
	d.requireData(t, "a refused admission costs the owner nothing")
}

// TestAdmitSaysWhereItEnded breaks the drive's flash at each of its operations in turn.
func TestAdmitSaysWhereItEnded(t *testing.T) {
	for name, c := range map[string]struct {
		plan   string
		step   Step
		want   error
		member bool
	}{
		"no try can be counted":        {"(flash.program.refused (After 4))", StepAuthenticate, drive.HardwareFailure, false},
		"power goes at the first try":  {"(flash.power.torn (OnIndex 4))", StepAuthenticate, drive.PowerLost, false},
		"no new media key":             {"(flash.program.refused (After 6))", StepNewKey, drive.HardwareFailure, false},
		"old media key resists":        {"(flash.erase.refused) (flash.zero.refused)", StepNewKey, drive.Degraded, false},
		"credential is not taken":      {"(flash.program.refused (After 7))", StepMigrate, drive.HardwareFailure, true},
		"old wrap resists":             {"(flash.erase.refused (After 1)) (flash.zero.refused)", StepMigrate, drive.Degraded, true},
		"power goes in the migration":  {"(flash.power.before (OnIndex 9))", StepMigrate, drive.PowerLost, true},
		"no try can be counted after":  {"(flash.program.refused (After 8))", StepVerify, drive.HardwareFailure, true},
		"power goes in the last proof": {"(flash.power.after (OnIndex 10))", StepVerify, drive.PowerLost, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			d := r.drive("A1")
			d.arm(t, c.plan)
			err := r.group.Admit(d)
			requireAdmitError(t, err, c.step, c.want)
			var se *drive.StatusError
			require.ErrorAs(t, err, &se, "the device status is in the error")
			m, ok := r.group.Member("A1")
			require.Equal(t, c.member, ok, "a drive that may have the credential is not lost: %+v", m)
			require.Equal(t, c.member, len(r.group.Members()) == 1)
			require.Zero(t, m.Generation, "nothing counts as current that was not proven")
			require.EqualValues(t, 1, r.group.lookup("A1").Last, "the generation is used up")
		})
	}
}

func TestAdmitGivesALockedOutBandItsTriesBack(t *testing.T) {
	r := accessible(t)
	d := r.drive("A1")
	wrong, err := drive.NewPIN([]byte("not it"))
	require.NoError(t, err)
	for range 8 {
		_, err := d.Authenticate(drive.BandMaster(0), wrong)
		require.ErrorIs(t, err, drive.NotAuthorized)
	}
	var did []string
	r.group.SetNotes(hears(func(_, what string) { did = append(did, what) }))
	require.NoError(t, r.group.Admit(d), "the EraseMaster has the factory PIN, and no owner is there to ask")
	require.Equal(t, []string{"BandMaster0 has used up its 8 tries: band 0 was erased, which gives them back"}, did)
}

func TestAdmitFinishesAnInterruptedAdmission(t *testing.T) {
	r := accessible(t)
	d := r.drive("A1")
	d.arm(t, "(flash.power.after (OnIndex 10))")
	requireAdmitError(t, r.group.Admit(d), StepVerify, drive.PowerLost)
	r.restart()
	require.Equal(t, drive.Configured, d.Status().State)
	require.NoError(t, r.group.Admit(d), "the drive has the pending credential")
	require.Equal(t, []Member{{Serial: "A1", Generation: 1, Last: 1}}, r.group.Members())

	e := r.drive("E1")
	e.arm(t, "(flash.power.before (OnIndex 8))")
	requireAdmitError(t, r.group.Admit(e), StepMigrate, drive.PowerLost)
	r.restart()
	require.Equal(t, drive.Erased, e.Status().State)
	require.NoError(t, r.group.Admit(e), "the drive is as before, so it is admitted afresh")
	m, _ := r.group.Member("E1")
	require.Equal(t, Member{Serial: "E1", Generation: 2, Last: 2}, m)
}

func TestReadmitRestoresADegradedMember(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	d.arm(t, "(flash.erase.refused) (flash.zero.refused)")
	requireMemberError(t, r.group.Rekey(d), StepMigrate, drive.Degraded)
	require.Equal(t, drive.SecurityDegraded, d.Status().State)
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 1, Pending: 2, Last: 2}, m, "which one it has is open")

	requireMemberError(t, r.group.Unlock(d), StepUnlock, drive.Degraded)
	requireMemberError(t, r.group.Rekey(d), StepState, drive.Degraded)
	requireAdmitError(t, r.group.Readmit(d), StepRestore, drive.Degraded)
	require.Equal(t, drive.SecurityDegraded, d.Status().State, "as long as the old wrap is there it stays degraded")
	d.flash.Disarm()
	require.NoError(t, r.group.Readmit(d), "a pseudo repair is enough once the flash erases again")
	require.Equal(t, drive.Configured, d.Status().State)
	m, _ = r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 2, Last: 2}, m)
	d.requireData(t, "a restored member has its data")
	d.cycle(t)
	require.NoError(t, r.group.Unlock(d))
	d.requireData(t, "and keeps it")
}

// TestReadmitOfADriveWithoutARecord: a drive that cannot read its record has no
// keys, and nothing is lost when it can read it again.
func TestReadmitOfADriveWithoutARecord(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	d.arm(t, "(flash.read.error)")
	d.cycle(t)
	require.Equal(t, drive.SecurityDegraded, d.Status().State)
	before := r.store.Record()
	requireMemberError(t, r.group.Unlock(d), StepAuthenticate, drive.Degraded)
	requireAdmitError(t, r.group.Readmit(d), StepAuthenticate, drive.Degraded)
	require.Equal(t, before, r.store.Record(), "the member stays what it was")
	d.flash.Disarm()
	d.cycle(t)
	require.NoError(t, r.group.Readmit(d))
	d.requireData(t, "a drive that reads its record again has its data")
}

func TestReadmitAfterARepair(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	requireAdmitError(t, r.group.Readmit(r.drive("X1")), StepGroup, ErrNotMember)

	d.cycle(t)
	require.NoError(t, r.group.Readmit(d), "reseated, it comes back locked and is opened")
	d.requireData(t, "a reseated member has its data")

	require.NoError(t, d.RevertPSID(d.label.PSID))
	requireMemberError(t, r.group.Unlock(d), StepState, ErrErased)
	requireMemberError(t, r.group.Rekey(d), StepState, ErrErased)
	require.NoError(t, r.group.Readmit(d), "an erased member is admitted afresh")
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 2, Last: 2}, m, "under a credential that was never used")

	d.PowerOff()
	requireAdmitError(t, r.group.Readmit(d), StepAuthenticate, drive.NoPower)
	r.group.PowerOff()
	requireAdmitError(t, r.group.Readmit(d), StepGroup, ErrInaccessible)
}

// TestReadmitOfAnImpostor: a drive with a member's serial number and someone
// else's credential gets three guesses, of eight, and is not changed.
func TestReadmitOfAnImpostor(t *testing.T) {
	there, here := accessible(t), accessible(t)
	d := there.member("A1")
	require.NoError(t, there.group.Rekey(d))
	mine := here.member("A1")
	for range 3 {
		require.NoError(t, here.group.Rekey(mine))
	}
	before := here.store.Record()
	// The rigs draw the same keys; another group key makes them two facilities.
	here.group.ram().group[0] ^= 1
	requireAdmitError(t, here.group.Readmit(d), StepAuthenticate, drive.NotAuthorized)
	used, _, err := d.Tries(drive.BandMaster(0))
	require.NoError(t, err)
	require.EqualValues(t, 2, used, "current and previous; there is no pending one")
	require.Equal(t, before, here.store.Record())
	require.NoError(t, there.group.Readmit(d))
	d.requireData(t, "the owner's data is untouched")
}

// TestReadmitFindsThePreviousCredential: a drive whose newest record is lost
// comes up with the one before.
func TestReadmitFindsThePreviousCredential(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	rec := r.group.Record()
	rec.Members[0].Generation, rec.Members[0].Last = 2, 2
	require.NoError(t, r.group.saveMember(rec.Members[0]))
	requireMemberError(t, r.group.Unlock(d), StepAuthenticate, drive.NotAuthorized)
	require.NoError(t, r.group.Readmit(d))
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 1, Last: 2}, m, "what the drive has is what counts")
	require.NoError(t, r.group.Rekey(d))
	m, _ = r.group.Member("A1")
	require.EqualValues(t, 3, m.Generation, "the generation that was skipped is not given again")
}

func TestRekeyKeepsTheData(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	for n := uint32(2); n < 6; n++ {
		require.NoError(t, r.group.Rekey(d))
		m, _ := r.group.Member("A1")
		require.Equal(t, Member{Serial: "A1", Generation: n, Last: n}, m)
		d.requireData(t, "a rekey needs no power cycle")
		_, err := r.group.authenticate(d, n-1)
		require.ErrorIs(t, err, drive.NotAuthorized, "the old credential is dead")
		d.cycle(t)
		requireLocked(t, d)
		require.NoError(t, r.group.Unlock(d))
		d.requireData(t, "the media key is the same")
	}
}

func TestRekeyRefusals(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	requireMemberError(t, r.group.Rekey(r.drive("X1")), StepGroup, ErrNotMember)
	before := r.store.Record()
	d.PowerOff()
	requireMemberError(t, r.group.Rekey(d), StepState, drive.NoPower)
	require.NoError(t, d.PowerOn())
	d.arm(t, "(flash.program.refused)")
	requireMemberError(t, r.group.Rekey(d), StepAuthenticate, drive.HardwareFailure)
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 1, Last: 2}, m, "nothing is pending on a drive that did not open")
	d.flash.Disarm()
	r.group.PowerOff()
	requireMemberError(t, r.group.Rekey(d), StepGroup, ErrInaccessible)
	require.NotEqual(t, before, r.store.Record())

	require.NoError(t, r.group.Retrieve())
	unfinished := Member{Serial: "U1", Pending: 1, Last: 1}
	require.NoError(t, r.group.saveMember(unfinished))
	requireMemberError(t, r.group.Rekey(r.drive("U1")), StepGroup, ErrUnfinished)

	m.Last = math.MaxUint32
	require.NoError(t, r.group.saveMember(m))
	err := r.group.Rekey(d)
	require.ErrorContains(t, err, "used up")
	now, _ := r.group.Member("A1")
	require.Equal(t, m, now)
}

func TestUnlockAllTakesTheOrderGiven(t *testing.T) {
	r := accessible(t)
	a, b, c := r.member("A1"), r.member("B1"), r.member("C1")
	x := r.drive("X1")
	r.restart()
	b.PowerOff()
	got := r.group.UnlockAll([]Drive{c, x, b, a})
	require.Len(t, got, 4)
	for i, want := range []string{"C1", "X1", "B1", "A1"} {
		require.Equal(t, want, got[i].Serial)
	}
	require.NoError(t, got[0].Err)
	requireMemberError(t, got[1].Err, StepGroup, ErrNotMember)
	requireMemberError(t, got[2].Err, StepAuthenticate, drive.NoPower)
	require.NoError(t, got[3].Err, "one dead drive keeps none of the others locked")
	a.requireData(t, "it is open")
	c.requireData(t, "it is open")
	r.group.PowerOff()
	for _, u := range r.group.UnlockAll([]Drive{a, b, c}) {
		requireMemberError(t, u.Err, StepGroup, ErrInaccessible)
	}
}

func TestReleaseErasesAndDrops(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	require.NoError(t, r.group.Rekey(d))
	requireMemberError(t, r.group.Release(r.drive("X1")), StepGroup, ErrNotMember)

	d.arm(t, "(flash.erase.refused) (flash.zero.refused)")
	requireMemberError(t, r.group.Release(d), StepErase, drive.Degraded)
	_, ok := r.group.Member("A1")
	require.True(t, ok, "a drive that did not erase stays a member")
	d.flash.Disarm()

	r.group.PowerOff()
	require.NoError(t, r.group.Release(d), "the erase needs no group key")
	require.Equal(t, drive.Erased, d.Status().State)
	require.Empty(t, r.group.Members())
	require.ErrorIs(t, r.group.Forget("A1"), ErrNotMember)

	require.NoError(t, r.group.Retrieve())
	gone, err := r.group.Secrets("A1")
	require.NoError(t, err)
	require.Len(t, gone, 4, "a search of a released drive looks for its credentials")
	require.NoError(t, r.group.Admit(d), "it may come back")
	m, _ := r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 3, Last: 3}, m, "under a credential that was never used")
	secrets, err := r.group.Secrets("A1")
	require.NoError(t, err)
	require.Len(t, secrets, 5, "a search looks for the first credentials, too")
	secrets, err = r.group.Secrets("nobody")
	require.NoError(t, err)
	require.Len(t, secrets, 2)
}

// TestAMemberThatDoesNotLockIsReported: whoever has the credential can switch
// the locks off, and a member without them is not what its rank requires.
func TestAMemberThatDoesNotLockIsReported(t *testing.T) {
	for name, c := range map[string]drive.RangeConfig{
		"no locks":          {},
		"no read lock":      {WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle},
		"no write lock":     {ReadLockEnabled: true, LockOnReset: drive.OnPowerCycle},
		"not at power loss": {ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			d := r.member("A1")
			s, err := r.group.authenticate(d, 1)
			require.NoError(t, err)
			require.NoError(t, s.SetRange(c))
			s.Close()
			requireAdmitError(t, r.group.Readmit(d), StepVerify, ErrUnverified)
			requireMemberError(t, r.group.Rekey(d), StepVerify, ErrUnverified)
			m, _ := r.group.Member("A1")
			require.Equal(t, Member{Serial: "A1", Generation: 1, Pending: 2, Last: 2}, m, "it stays pending until it was proven")
		})
	}
}

// unchanged is a drive that takes every command and shows no effect.
type unchanged struct {
	*testDrive
	was drive.Status
}

func (d unchanged) Status() drive.Status { return d.was }

func TestADriveThatShowsNoEffectIsNotBelieved(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	requireMemberError(t, r.group.Release(unchanged{d, d.Status()}), StepVerify, ErrNotErased)
	_, ok := r.group.Member("A1")
	require.True(t, ok)

	e := r.drive("E1")
	requireAdmitError(t, r.group.Admit(unchanged{e, e.Status()}), StepVerify, ErrUnverified)
	m, ok := r.group.Member("E1")
	require.True(t, ok)
	require.Equal(t, Member{Serial: "E1", Pending: 1, Last: 1}, m)
}

// TestReadmitLosesNoMember: a member whose drive was erased and does not take
// its admission stays a member.
func TestReadmitLosesNoMember(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	require.NoError(t, d.RevertPSID(d.label.PSID))
	d.arm(t, "(flash.program.refused (After 6))")
	requireAdmitError(t, r.group.Readmit(d), StepNewKey, drive.HardwareFailure)
	m, ok := r.group.Member("A1")
	require.True(t, ok)
	require.Equal(t, Member{Serial: "A1", Pending: 2, Last: 2}, m)
	d.flash.Disarm()
	require.NoError(t, r.group.Readmit(d))
	m, _ = r.group.Member("A1")
	require.Equal(t, Member{Serial: "A1", Generation: 3, Last: 3}, m)
}

func TestForgetTouchesNoDrive(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	r.member("B1")
	flash := d.Dump().Flash
	require.NoError(t, r.group.Forget("A1"))
	require.Equal(t, flash, d.Dump().Flash)
	r.restart()
	require.Equal(t, []Member{{Serial: "B1", Generation: 1, Last: 1}}, r.group.Members())
}

// TestSecretsOpenTheDrive: what the group hands to a search is what the drive has.
func TestSecretsOpenTheDrive(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	require.NoError(t, r.group.Rekey(d))
	secrets, err := r.group.Secrets("A1")
	require.NoError(t, err)
	s, err := d.Authenticate(drive.BandMaster(0), drive.CredentialPIN(secrets[3].Secret))
	require.NoError(t, err)
	s.Close()
	_, err = d.Authenticate(drive.BandMaster(0), drive.CredentialPIN(secrets[2].Secret))
	require.ErrorIs(t, err, drive.NotAuthorized)
}

func TestMembersAreSorted(t *testing.T) {
	r := accessible(t)
	for _, s := range []string{"C", "A", "D", "B"} {
		r.member(s)
	}
	var got []string
	for _, m := range r.group.Members() {
		got = append(got, m.Serial)
	}
	require.Equal(t, []string{"A", "B", "C", "D"}, got)
}
