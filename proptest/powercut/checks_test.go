package powercut

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Each check of a world is made to fail once: the world is broken after a start that was good.

func TestChecksOfTheRepository(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(w *repositoryWorld){
		"the copies are not good after the reboot": func(w *repositoryWorld) {
			require.NoError(t, w.supply.copies[0].WritePage(0, bytes.Repeat([]byte{1}, repository.PageSize)))
			require.NoError(t, w.supply.copies[0].WritePage(repositoryPages/2, bytes.Repeat([]byte{1}, repository.PageSize)))
		},
		"the entries are neither the old nor the new ones": func(w *repositoryWorld) { require.NoError(t, w.repo.Put("group 1", []byte("three"))) },
		"a change that was acknowledged is gone":           func(w *repositoryWorld) { require.NoError(t, w.repo.Put("group 1", []byte("one"))) },
	} {
		w := worldAfter[*repositoryWorld](t, "repository/append")
		spoil(w)
		require.ErrorContains(t, w.check(), want)
	}
	// What was not acknowledged, and was not there after a start, must not come back.
	w := worldAfter[*repositoryWorld](t, "repository/append")
	w.done = false
	require.NoError(t, w.repo.Put("group 1", []byte("one")))
	require.NoError(t, w.check())
	require.NoError(t, w.repo.Put("group 1", []byte("two")))
	require.ErrorContains(t, w.check(), "neither the old nor the new")
}

func TestChecksOfAGroup(t *testing.T) {
	t.Parallel()
	credential := func(w *groupWorld, d *groupDrive) drive.PIN {
		d.plain = nil // whose PIN is tried locks again, so that the data would be missed first
		all, err := w.group.Secrets(d.Serial())
		require.NoError(t, err)
		for _, s := range all {
			pin := drive.CredentialPIN(s.Secret)
			if d.as(drive.BandMaster(0), pin, func(drive.Session) error { return nil }) == nil {
				return pin
			}
		}
		t.Fatal("no credential opens it")
		return drive.PIN{}
	}
	stranger := drive.PIN(testPIN(50))
	for want, spoil := range map[string]func(w *groupWorld, d *groupDrive){
		"the group is inaccessible": func(w *groupWorld, _ *groupDrive) { w.group.PowerOff() },
		"a new group key is still under way": func(w *groupWorld, _ *groupDrive) {
			require.NoError(t, w.group.BeginGroupRekey())
		},
		"the member was lost": func(w *groupWorld, d *groupDrive) { require.NoError(t, w.group.Forget(d.Serial())) },
		"it is Erased": func(_ *groupWorld, d *groupDrive) {
			require.NoError(t, d.RevertPSID(d.label.PSID))
		},
		"the customer's data is gone": func(_ *groupWorld, d *groupDrive) {
			require.NoError(t, d.Write(0, bytes.Repeat([]byte{1}, 512)))
		},
		"0 of the group's credentials open it": func(w *groupWorld, d *groupDrive) {
			require.NoError(t, d.as(drive.BandMaster(0), credential(w, d), func(s drive.Session) error { return s.SetPIN(stranger) }))
		},
		"the factory PIN opens it": func(w *groupWorld, d *groupDrive) {
			// A drive of which the label says what is not so.
			d.label.MSID = credential(w, d)
		},
		"it comes up open": func(w *groupWorld, d *groupDrive) {
			require.NoError(t, d.as(drive.BandMaster(0), credential(w, d), func(s drive.Session) error { return s.SetRange(drive.RangeConfig{}) }))
		},
		"is in use again": func(w *groupWorld, _ *groupDrive) { w.used = 99 },
		"generation 3 is still pending": func(w *groupWorld, d *groupDrive) {
			w.supply.arm(&cut{driveTorn, 2})
			require.Error(t, w.group.Rekey(d))
			w.supply.arm(nil)
			d.PowerOff()
			require.NoError(t, d.PowerOn())
			m, _ := w.group.Member(d.Serial())
			require.EqualValues(t, 3, m.Pending)
		},
	} {
		w := worldAfter[*groupWorld](t, "group/rekey")
		spoil(w, w.first())
		require.ErrorContains(t, w.check(), want, "%s", want)
	}
	w := worldAfter[*groupWorld](t, "group/data-key")
	w.uid = w.group.UID()
	require.ErrorContains(t, w.check(), "a new data key was acknowledged, and the old one is in force")
	require.Equal(t, encgroup.Accessible, w.group.State())
}

func TestChecksOfTheEngine(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(w *eraseWorld){
		"the drive came up open":               func(w *eraseWorld) { w.open = true },
		"the drive said that the key was gone": func(w *eraseWorld) { w.kept = true },
		"the drive was reported as":            func(w *eraseWorld) { w.found = true },
		"a thief finds a way to the owner's data": func(w *eraseWorld) {
			// The thief wants what the drive holds now.
			require.NoError(t, w.drive.Write(eraseSector, w.plain))
			cipher, _ := w.drive.Dump().Sector(eraseSector)
			w.oracle = forensic.Oracle{Name: "x", SectorSize: 512, LBA: eraseSector, Plain: w.plain[:32], Cipher: cipher[:32]}
		},
		"the drive had passed, and was erased again": func(w *eraseWorld) { w.last.Outcome = erase.Passed },
		"its keys have changed since it passed":      func(w *eraseWorld) { w.passed++ },
		"the engine ends with failed":                func(w *eraseWorld) { w.last.Outcome = erase.Failed },
		"a drive that passed has no certificate":     func(w *eraseWorld) { w.last.Certificate = nil },
		"it is reported as erased, and is Configured": func(w *eraseWorld) {
			require.NoError(t, w.as(w.label.MSID, func(s drive.Session) error { return s.Migrate(w.owner) }))
			w.passed = 0
		},
		"the drive passed, and the journal does not know": func(w *eraseWorld) { require.NoError(t, w.supply.disk.Remove(journalName)) },
		"the drive had passed, and its erase began again": func(w *eraseWorld) {
			j, err := w.journal()
			require.NoError(t, err)
			e, _ := j.Entries()
			require.NoError(t, j.Append(e[0]))
		},
	} {
		w := worldAfter[*eraseWorld](t, "erase/drive")
		w.last.Outcome = erase.AlreadyErased
		spoil(w)
		require.ErrorContains(t, w.check(), want, "%s", want)
	}
	for want, spoil := range map[string]func(w *eraseWorld){
		"the drive refuses, and the engine ends with passed": func(w *eraseWorld) { w.last.Outcome = erase.Passed },
		"the locks of the owner's range are not as they were": func(w *eraseWorld) {
			require.NoError(t, w.as(w.owner, func(s drive.Session) error {
				return s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle})
			}))
		},
		"the owner does not read the data": func(w *eraseWorld) { w.plain = make([]byte, 512) },
	} {
		w := worldAfter[*eraseWorld](t, "erase/refused")
		spoil(w)
		require.ErrorContains(t, w.check(), want, "%s", want)
	}
}

// TestAnEraseThatNobodyBeganIsSeen: the journal is lost while the drive is erased.
func TestAnEraseThatNobodyBeganIsSeen(t *testing.T) {
	t.Parallel()
	w := worldAfter[*eraseWorld](t, "erase/drive")
	require.NoError(t, w.supply.disk.Remove(journalName))
	require.NoError(t, w.start())
	require.ErrorContains(t, w.check(), "the journal does not know that its erase was begun")
}

// TestAnEraseThatIsReportedIsLookedAt: the thief tries a drive as soon as the engine calls it erased.
func TestAnEraseThatIsReportedIsLookedAt(t *testing.T) {
	t.Parallel()
	made, err := newEraseWorld(eraseCases[0], 1)
	require.NoError(t, err)
	w := made.(*eraseWorld)
	require.NoError(t, w.as(w.owner, func(s drive.Session) error { return s.Unlock() }))
	require.Error(t, w.thief(), "the control: before the erase")
	w.last = erase.Result{Outcome: erase.Passed}
	w.reported()
	require.True(t, w.found)
	require.ErrorContains(t, w.check(), "was reported as erased")
}

// TestAKeyStepIsLookedAtAtOnce: a drive that says that it erased, and did not, is seen before the engine looks; one that
// refused is not accused.
func TestAKeyStepIsLookedAtAtOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []erase.Method{erase.DriveErase, erase.RangeErase, erase.PSIDRevert} {
		made, err := newEraseWorld(eraseOperation{method: method, data: true}, 1)
		require.NoError(t, err)
		w := made.(*eraseWorld)
		w.job.Target = watched{idle{w.drive}, w}
		require.Error(t, w.job.Target.RevertPSID(testPIN(60)))
		require.False(t, w.kept)
		require.NoError(t, w.run())
		require.True(t, w.kept, method)
		require.ErrorContains(t, w.check(), "said that the key was gone")
	}
}

// idle is a drive whose key steps do nothing, and succeed.
type idle struct{ *drive.Drive }

type idleSession struct{ drive.BatchSession }

func (d idle) RevertPSID(psid drive.PIN) error {
	_, err := d.Drive.AuthenticatePSID(psid)
	return err
}

func (d idle) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	s, err := d.Drive.Authenticate(a, pin)
	if err != nil {
		return nil, err
	}
	return idleSession{s.(drive.BatchSession)}, nil
}

func (idleSession) Erase(int) error { return nil }
func (idleSession) EraseAll() error { return nil }

// TestADriveThatComesUpOpenIsSeen: it is read before the engine gets it.
func TestADriveThatComesUpOpenIsSeen(t *testing.T) {
	t.Parallel()
	made, err := newEraseWorld(eraseCases[0], 1)
	require.NoError(t, err)
	w := made.(*eraseWorld)
	require.NoError(t, w.as(w.owner, func(s drive.Session) error { return s.SetRange(drive.RangeConfig{}) }))
	require.NoError(t, w.start())
	require.ErrorContains(t, w.check(), "came up open")
}

// TestChecksOfAnOpalDrive: a step that is half done, one that is taken back, and a thief who gets in are seen.
func TestChecksOfAnOpalDrive(t *testing.T) {
	t.Parallel()
	admin := func(w *opalWorld) *drive.Login { return w.login(drive.Admin(1), testPIN(adminPIN)) }
	for want, spoil := range map[string]func(w *opalWorld){
		"neither as before nor as after the step": func(w *opalWorld) {
			w.changed(admin(w), func(c *drive.Change) error { return c.SetNote([]byte("x")) })
		},
		"the step was acknowledged, and the drive is as before": func(w *opalWorld) {
			w.changed(admin(w), func(c *drive.Change) error { return c.Grant(drive.RangeArea(1), drive.User(1)) })
		},
		"a thief with retired PINs finds a way to range 1": func(w *opalWorld) { w.secret = append(w.secret, forensic.PIN("Admin1", testPIN(adminPIN))) },
	} {
		w := worldAfter[*opalWorld](t, "opal/revoke")
		w.searched = [sha256.Size]byte{}
		spoil(w)
		require.ErrorContains(t, w.check(), want, "%s", want)
	}
	w := worldAfter[*opalWorld](t, "opal/revoke")
	w.done = false
	w.changed(admin(w), func(c *drive.Change) error { return c.Grant(drive.RangeArea(1), drive.User(1)) })
	require.ErrorContains(t, w.check(), "the step was taken, and the drive is as before")
}
