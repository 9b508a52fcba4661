package erase

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// keysOf takes the AK and the MEK of the global range out of a dump, as its
// owner could.
func keysOf(t *testing.T, b *bench) (ak, mek []byte) {
	t.Helper()
	dump, fuses := b.Dump(), b.Fuses()
	at := func(s forensic.Step) []byte {
		for _, p := range dump.Flash {
			if p.Block == s.Block && p.Page == s.Page {
				return p.Data[s.Offset-16 : s.Offset+s.Size]
			}
		}
		return nil
	}
	f, err := forensic.Search(dump, secretsOf(b), nil, forensic.Options{})
	require.NoError(t, err)
	for _, w := range f.Wraps {
		if len(w.Path) != 3 || w.Path[0].Name != "credential and root key" {
			continue
		}
		slot := at(w.Path[1])
		kek, err := drive.KEK(fuses.Root, pin(1), [16]byte(slot), 2)
		require.NoError(t, err)
		ak, err = keywrap.Unwrap(kek[:], slot[16:])
		require.NoError(t, err)
		mek, err = keywrap.Unwrap(ak, at(w.Path[2])[16:])
		require.NoError(t, err)
		return ak, mek
	}
	require.FailNow(t, "the owner's way to the MEK was not found")
	return nil, nil
}

// rootMEK takes the MEK of the open global range out of a dump.
func rootMEK(t *testing.T, b *bench) []byte {
	t.Helper()
	dump, fuses := b.Dump(), b.Fuses()
	kek := drive.RootKEK(fuses.Root)
	f, err := forensic.Search(dump, secretsOf(b), nil, forensic.Options{})
	require.NoError(t, err)
	for _, w := range f.Wraps {
		if w.Path[0].Name != "KEK of the root key" {
			continue
		}
		for _, p := range dump.Flash {
			if s := w.Last(); p.Block == s.Block && p.Page == s.Page {
				mek, err := keywrap.Unwrap(kek[:], p.Data[s.Offset:s.Offset+s.Size])
				require.NoError(t, err)
				return mek
			}
		}
	}
	require.FailNow(t, "no MEK under the KEK of the root key was found")
	return nil
}

func mustWrap(t *testing.T, kek, key []byte) []byte {
	t.Helper()
	b, err := keywrap.Wrap(kek, key)
	require.NoError(t, err)
	return b
}

// Each of these drives says that it is erased, accepts the MSID, refuses the old
// credential and reads noise. What gives it away is in its flash.
func TestWhatIsLeftInTheDumpIsFound(t *testing.T) {
	var zeros [32]byte
	salt := [16]byte{1, 200, 3, 40, 5, 60, 7, 80, 9, 10, 11, 120, 13, 14, 150, 16}
	for _, c := range []struct {
		name    string
		deep    bool
		leave   func(t *testing.T, b *bench, ak, mek []byte) []byte
		failing []string
		why     string // of the first
	}{
		{"the MEK bare", false, func(_ *testing.T, _ *bench, _, mek []byte) []byte { return mek }, []string{CheckSearch}, "bare key at block 99 page 0 offset 200 opens LBA 100"},
		{"the MEK under the MSID", false, func(t *testing.T, b *bench, _, mek []byte) []byte {
			root := b.Fuses().Root
			kek, err := drive.KEK(root, b.label.MSID, salt, 2)
			require.NoError(t, err)
			return append(salt[:len(salt):len(salt)], mustWrap(t, kek[:], mek)...)
		}, []string{CheckSearch}, "MSID and root key -> MEK at block 99 page 0 offset 216 opens LBA 100"},
		{"the MEK under the old credential itself", false, func(t *testing.T, _ *bench, _, mek []byte) []byte {
			return mustWrap(t, pin(1).Bytes(), mek)
		}, []string{CheckSearch}, "BandMaster0 credential generation 1 -> MEK at block 99 page 0 offset 200 opens LBA 100"},
		{"the MEK under the KEK of the root key", false, func(t *testing.T, b *bench, _, mek []byte) []byte {
			root := b.Fuses().Root
			kek := drive.RootKEK(root)
			return mustWrap(t, kek[:], mek)
		}, []string{CheckSearch}, "KEK of the root key -> MEK at block 99 page 0 offset 200 opens LBA 100"},
		{"the MEK under a zero key", false, func(t *testing.T, _ *bench, _, mek []byte) []byte {
			return mustWrap(t, zeros[:], mek)
		}, []string{CheckSearch, CheckWeak}, "constant 00 -> MEK at block 99 page 0 offset 200 opens LBA 100"},
		{"some key under a zero key", false, func(t *testing.T, _ *bench, _, _ []byte) []byte {
			return mustWrap(t, zeros[:], pin(99).Bytes())
		}, []string{CheckWeak}, "constant 00 -> AK at block 99 page 0 offset 200"},
		{"the old MEK wrap, its AK gone", false, func(t *testing.T, _ *bench, ak, mek []byte) []byte {
			return mustWrap(t, ak, mek)
		}, []string{CheckRemains}, "old key material at block 99 page 0 offset 200"},
		{"the old MEK wrap beside its bare AK", true, func(t *testing.T, _ *bench, ak, mek []byte) []byte {
			return append(mustWrap(t, ak, mek), ak...)
		}, []string{CheckSearch, CheckWeak, CheckRemains}, "bytes at block 99 page 0 offset 272 -> MEK at block 99 page 0 offset 200 opens LBA 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, job := locked(t, "V1", nil)
			ak, mek := keysOf(t, b)
			left := c.leave(t, b, ak, mek)
			job.Target = &tampered{bench: b, extra: func() []flash.Page { return pageOf(2048, 200, left) }}
			rep, err := engine(t, func(o *Options) { o.Search.Deep = c.deep }).Run(t.Context(), []Job{job})
			require.NoError(t, err)
			r := rep.Results[0]
			require.Equal(t, Failed, r.Outcome, text(r))
			require.True(t, r.Degraded(), "the drive counts as security degraded, whatever it says")
			require.Equal(t, drive.Erased, b.Status().State, "the drive itself says it is erased")
			require.Equal(t, c.failing, r.Failing(), text(r))
			first, _ := r.Check(c.failing[0])
			require.Equal(t, c.why, first.Why)
			require.Nil(t, r.Certificate, "no certificate for a drive that failed")
		})
	}
}

func TestABlockThatCanNotBeDestroyedFailsTheErase(t *testing.T) {
	b, job := locked(t, "V2", nil)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	r := run1(t, job)
	require.Equal(t, Failed, r.Outcome, text(r))
	require.Subset(t, r.Failing(), []string{CheckCommand, CheckState, CheckSearch, CheckRemains}, text(r))
	search, _ := r.Check(CheckSearch)
	require.Contains(t, search.Why, "BandMaster0 credential generation 1 and root key -> AK at block", "the search shows how the old block is opened")
	require.Equal(t, drive.SecurityDegraded, b.Status().State)

	b.flash.Disarm()
	job.Method, job.PSID, job.Destroy = PSIDRevert, b.label.PSID, b.Serial()
	r = run1(t, job)
	require.Equal(t, Passed, r.Outcome, "once the flash obeys, a revert mends it: %s", text(r))
}

func TestABlockThatOnlyTakesZerosIsDestroyed(t *testing.T) {
	b, job := locked(t, "V3", nil)
	p := b.arm("(flash.erase.refused)")
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	require.NotEmpty(t, p.Fired())
}

// remapping is flash whose controller answers an erase with a fresh block from
// its spares: the old one reads as blank, and lies in the chip as it was.
type remapping struct {
	*flash.Mem
	spared []flash.Page
}

func (r *remapping) Erase(block int) error {
	for _, p := range r.Dump() {
		if p.Block == block {
			p.Block += 1000
			r.spared = append(r.spared, p)
		}
	}
	return r.Mem.Erase(block)
}

func (r *remapping) Dump() []flash.Page {
	return append(r.Mem.Dump(), r.spared...)
}

func TestFlashThatOnlyPretendsToEraseIsFound(t *testing.T) {
	for _, method := range []Method{DriveErase, RangeErase, PSIDRevert} {
		t.Run(string(method), func(t *testing.T) {
			b, job := locked(t, "V4", &remapping{Mem: flash.NewMem(flash.DefaultGeometry)})
			job.Method, job.PSID = method, b.label.PSID
			r := run1(t, job)
			require.Equal(t, Failed, r.Outcome, text(r))
			require.Equal(t, []string{CheckSearch, CheckRemains}, r.Failing(), "the drive noticed nothing, the dump tells: %s", text(r))
		})
	}
	t.Run("without the owner", func(t *testing.T) {
		b, _ := locked(t, "V4", &remapping{Mem: flash.NewMem(flash.DefaultGeometry)})
		r := run1(t, Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID, Destroy: "V4"})
		require.Equal(t, Failed, r.Outcome)
		require.Equal(t, []string{CheckRemains}, r.Failing(), text(r))
	})
}

// liar is a drive that claims to have erased itself and did nothing: sessions of
// the EraseMaster, and everything after the erase, are those of another, really
// erased, drive.
type liar struct {
	*bench
	decoy *bench
	lying bool
}

func (l *liar) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	if a == drive.EraseMaster {
		l.lying = l.decoy.Status().State == drive.Configured // the first session only proves the PIN
		return l.decoy.Authenticate(a, l.decoy.label.MSID)
	}
	if !l.says() {
		return l.bench.Authenticate(a, p)
	}
	if p.Equal(l.label.MSID) {
		p = l.decoy.label.MSID
	}
	return l.decoy.Authenticate(a, p)
}

func (l *liar) says() bool { return l.lying && l.decoy.Status().State == drive.Erased }

func (l *liar) Status() drive.Status {
	if l.says() {
		return l.decoy.Status()
	}
	return l.bench.Status()
}

func (l *liar) Range(n int) (drive.RangeInfo, error) {
	if l.says() {
		return l.decoy.Range(n)
	}
	return l.bench.Range(n)
}

func (l *liar) Read(lba uint64, dst []byte) error {
	if l.says() {
		return l.decoy.Read(lba, dst)
	}
	return l.bench.Read(lba, dst)
}

func TestADriveThatClaimsToHaveErasedItselfIsFound(t *testing.T) {
	b, job := locked(t, "V5", nil)
	decoy, _ := locked(t, "V5-decoy", nil)
	decoy.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.SetPIN(pin(1)) }) // another key generation
	job.Target = &liar{bench: b, decoy: decoy}
	r := run1(t, job)
	require.Equal(t, drive.Configured, b.Status().State, "the drive did nothing")
	require.Equal(t, Failed, r.Outcome, text(r))
	for _, name := range []string{CheckCommand, CheckState, CheckCredential, CheckMSID, CheckPlaintext} {
		verdict(t, r, name, Pass)
	}
	require.Equal(t, []string{CheckSearch, CheckRemains}, r.Failing(), "everything that the drive says agrees; the dump does not")
}

// blind is a drive that shows no flash before the erase and takes no canary.
type blind struct{ *bench }

func (b blind) Dump() drive.Dump {
	return drive.Dump{Sector: func(uint64) ([]byte, bool) { return nil, false }}
}

func TestAgreementAloneNeverPasses(t *testing.T) {
	b, job := locked(t, "V6", nil)
	job.Target = blind{b}
	r := run1(t, job)
	require.Empty(t, r.Failing(), "nothing speaks against the drive: %s", text(r))
	require.Equal(t, Failed, r.Outcome, "but nothing speaks for it, either")
	require.Contains(t, r.Why, "the drive's word is not enough")
}

// A drive that is security degraded serves no data, so there is no known
// plaintext; its owner can still have it erased, and its wraps are the evidence.
func TestADegradedDriveOfTheOwnerIsErased(t *testing.T) {
	b, job := locked(t, "V7", nil)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	s, err := b.Authenticate(drive.BandMaster(0), pin(1))
	require.NoError(t, err)
	require.ErrorIs(t, s.SetPIN(pin(30)), drive.Degraded)
	s.Close()
	require.Equal(t, drive.SecurityDegraded, b.Status().State)
	b.flash.Disarm()
	job.Owner = nil
	require.Equal(t, Refused, run1(t, job).Outcome, "a degraded drive may hold someone's data")
	job.Owner = []Credential{{Range: 0, PIN: pin(30)}}
	job.Secrets = []forensic.Secret{forensic.PIN("former credential", pin(1))}
	r := run1(t, job)
	require.Equal(t, Passed, r.Outcome, text(r))
	verdict(t, r, CheckControl, NotPossible)
	verdict(t, r, CheckRemains, Pass)
}

func TestTheCredentialCheckNeverLocksAnAuthority(t *testing.T) {
	b := newBench(t, "V8", nil, func(c *drive.Config) { c.TryLimit = 1 })
	b.configure(0, pin(1))
	r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}})
	require.Equal(t, Passed, r.Outcome, text(r))
	verdict(t, r, CheckCredential, NotPossible)
	verdict(t, r, CheckMSID, Pass)
}

// A limit of 0 is none, and a drive that cannot be asked for its tries is tried.
func TestTheCredentialCheckIsMadeWhereItLocksNobodyOut(t *testing.T) {
	for _, c := range []struct {
		used, limit uint16
		err         error
		want        Verdict
		why         string
	}{
		{0, 5, nil, Pass, "the old credential is refused"},
		{3, 5, nil, Pass, "the old credential is refused"},
		{4, 5, nil, NotPossible, "BandMaster1 has 1 of 5 tries left: the check would lock it"},
		{5, 5, nil, NotPossible, "BandMaster1 has 0 of 5 tries left: the check would lock it"},
		{0, 1, nil, NotPossible, "BandMaster1 has 1 of 1 tries left: the check would lock it"},
		{0, 0, nil, Pass, "the old credential is refused"},
		{9, 0, nil, Pass, "the old credential is refused"},
		{4, 5, refuse(drive.Degraded), Pass, "the old credential is refused"},
	} {
		b, owner := three(t, "V9")
		w := &wrong{bench: b, tries: func(drive.Authority) (uint16, uint16, error) { return c.used, c.limit, c.err }}
		r := runWrong(t, w, Job{Method: RangeErase, Range: 1, Owner: owner[:1]}, "verify", nil)
		require.Equal(t, Passed, r.Outcome, text(r))
		got, _ := r.Check(CheckCredential)
		require.Equal(t, Check{CheckCredential, c.want, c.why}, got, "%d of %d, %v", c.used, c.limit, c.err)
	}
}

func BenchmarkErase(b *testing.B) {
	for _, c := range []struct {
		name   string
		method Method
	}{{"drive erase with verification", DriveErase}, {"PSID revert with verification", PSIDRevert}} {
		b.Run(c.name, func(b *testing.B) {
			d := newBench(b, "B1", nil, func(c *drive.Config) { c.Ranges = 0 })
			require.NoError(b, d.Write(100, customer))
			e := engine(b, func(o *Options) { o.Signer = nil })
			job := []Job{{Target: d.Drive, Method: c.method, PSID: d.label.PSID}}
			b.ReportAllocs()
			for b.Loop() {
				rep, err := e.Run(b.Context(), job)
				require.NoError(b, err)
				if !rep.OK() {
					b.Fatal(rep.Text())
				}
			}
		})
	}
	b.Run("the command alone", func(b *testing.B) {
		d := newBench(b, "B2", nil, func(c *drive.Config) { c.Ranges = 0 })
		s, err := d.Authenticate(drive.EraseMaster, d.label.MSID)
		require.NoError(b, err)
		for b.Loop() {
			require.NoError(b, s.EraseAll())
		}
	})
}

// idle is a drive that accepts the erase and does nothing.
type idle struct{ *bench }

func (i idle) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	if a == drive.EraseMaster {
		decoy := newBench(i.t, "V9-decoy", nil, nil)
		return decoy.Authenticate(a, decoy.label.MSID)
	}
	return i.bench.Authenticate(a, p)
}

func TestADriveThatDoesNothingFailsEveryCheck(t *testing.T) {
	b := newBench(t, "V9", nil, nil)
	b.configure(0, pin(1))
	r := run1(t, Job{Target: idle{b}, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}}})
	require.Equal(t, []string{CheckState, CheckCredential, CheckMSID, CheckPlaintext, CheckSearch, CheckRemains}, r.Failing(), text(r))
	require.Equal(t, "security degraded: what it says of itself does not agree with an erased drive, an old credential is not refused, the MSID does not open each erased range, "+
		"the old data can still be read, a key in its flash still opens the old data, and pieces of an old wrap are left in its flash", r.Why)
	require.Equal(t, "security degraded: pieces of an old wrap are left in its flash", degradedBecause([]string{CheckRemains}))
}

func TestAnErasedDriveThatDoesNothingIsFound(t *testing.T) {
	b := newBench(t, "V11", nil, nil)
	require.NoError(t, b.Write(100, customer))
	r := run1(t, Job{Target: idle{b}, Method: RangeErase})
	require.Equal(t, []string{CheckState, CheckPlaintext, CheckSearch, CheckRemains}, r.Failing(), text(r))
	state, _ := r.Check(CheckState)
	require.Equal(t, "the drive says no key has changed", state.Why)
}

func TestNoCanaryIsWrittenToADriveOfSomeoneElse(t *testing.T) {
	b := newBench(t, "V12", nil, nil)
	b.as(drive.BandMaster(0), b.label.MSID, func(s drive.Session) error { return s.Migrate(pin(1)) })
	require.False(t, b.Status().Locked, "it would take a write")
	r := run1(t, Job{Target: b.Drive, Method: PSIDRevert, PSID: pin(9), Destroy: b.Serial()})
	require.Equal(t, Refused, r.Outcome, text(r))
	written := b.Dump().Written
	require.NotContains(t, written, uint64(0), "the owner's range was not written, as the PSID was not yet proved")
}

func TestALockedDriveThatRefusesTheEraseIsAsLockedAsBefore(t *testing.T) {
	for k := 0; ; k++ {
		b, job := locked(t, "V10", nil)
		plan := b.armUnchecked("(flash.program.refused (After " + strconv.Itoa(k) + "))")
		r := run1(t, job)
		if len(plan.Fired()) == 0 {
			break
		}
		b.flash.Disarm()
		require.NotEqual(t, Passed, r.Outcome, "no flash block took the new record: %s", text(r))
		if b.Status().State == drive.Configured {
			require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked, "refused at program %d: the customer's data is not left open", k)
			b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.Unlock() })
			require.Equal(t, customer, b.read(100), "and not lost")
		}
	}
}

// A page of the flash that cannot be read may hold anything: no erase passes beside it.
func TestAPageThatCannotBeReadFailsTheErase(t *testing.T) {
	b, job := locked(t, "U1", nil)
	job.Target = &dumping{b, func(d drive.Dump) drive.Dump {
		d.Flash = append(d.Flash, flash.Page{Block: 5, Page: 1, Err: fmt.Errorf("%w: block 5 page 1", flash.ErrRead)})
		return d
	}}
	r := run1(t, job)
	require.Equal(t, Failed, r.Outcome, text(r))
	search, _ := r.Check(CheckSearch)
	require.Equal(t, "a page of the flash cannot be read, and nobody knows what it holds: flash: page cannot be read: block 5 page 1", search.Why)
	require.Nil(t, r.Certificate)
	_, err := forensic.Search(job.Target.Dump(), nil, nil, forensic.Options{})
	require.ErrorIs(t, err, flash.ErrRead)
}
