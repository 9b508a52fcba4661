package repository

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/faulttest"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// bench is a facility's repository with its copies.
type bench struct {
	t    testing.TB
	mem  []*MemDevice
	bad  *Faulty
	repo *Repository
	logs bool // however small it is, changes are appended
}

// logging lets the repository append changes, however small it is, and appends some.
func (b *bench) logging(records int) *bench {
	b.t.Helper()
	b.logs, b.repo.small = true, 0
	for i := range records {
		require.NoError(b.t, b.repo.Put("count", []byte{byte(i)}))
		require.Equal(b.t, i+1, b.repo.layout.log)
	}
	return b
}

func newBench(t testing.TB, copies int) *bench {
	t.Helper()
	b := &bench{t: t}
	var devices []Device
	for range copies {
		d := NewMemDevice(16)
		b.mem = append(b.mem, d)
		devices = append(devices, d)
	}
	b.bad = NewFaulty(devices...)
	var err error
	b.repo, err = Create(entropy.Stream(1, "repository"), b.bad.Devices()...)
	require.NoError(t, err)
	require.NoError(t, b.repo.Put("group 1", []byte("one")))
	require.NoError(t, b.repo.Put("certificate", []byte(strings.Repeat("c", 5000))))
	return b
}

// arm arms a plan. Every rule of it must fire before the test ends, but for those that
// spare names.
func (b *bench) arm(plan string, spare ...string) {
	b.t.Helper()
	faulttest.MustFire(b.t, []*fault.Plan{b.armUnchecked(plan)}, spare...)
}

// armUnchecked is arm for a sweep, whose last plan does not fire: that ends it.
func (b *bench) armUnchecked(plan string) *fault.Plan {
	b.t.Helper()
	p, err := fault.Parse(plan)
	require.NoError(b.t, err)
	b.bad.Arm(p)
	return p
}

// reboot opens the repository anew, power on.
func (b *bench) reboot() (Report, error) {
	b.bad.PowerOn()
	r, rep, err := Open(b.bad.Devices()...)
	if err == nil {
		b.repo = r
		if b.logs {
			r.small = 0
		}
	}
	return rep, err
}

func (b *bench) require(name, value, why string) {
	b.t.Helper()
	got, _, err := b.repo.Read(name)
	require.NoError(b.t, err, why)
	require.Equal(b.t, value, string(got), why)
}

func conditions(r Report) (out []Condition) {
	for _, c := range r.Copies {
		out = append(out, c.Condition)
	}
	return out
}

func TestWhatIsPutComesBack(t *testing.T) {
	b := newBench(t, 3)
	require.Equal(t, []string{"certificate", "group 1"}, b.repo.Names())
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, Good, rep.Verdict)
	require.Equal(t, "key repository: good, generation 3: copy 0 good; copy 1 good; copy 2 good", rep.String())
	require.Equal(t, uint64(3), b.repo.Generation())
	b.require("group 1", "one", "after a reboot")
	b.require("certificate", strings.Repeat("c", 5000), "over more than one page")
	require.NoError(t, b.repo.Put("group 1", nil))
	b.require("group 1", "", "an empty value is a value")
	require.NoError(t, b.repo.Delete("group 1"))
	require.ErrorIs(t, b.repo.Delete("group 1"), ErrNoEntry)
	_, _, err = b.repo.Read("group 1")
	require.ErrorIs(t, err, ErrNoEntry)
	require.Equal(t, Good, b.repo.Check().Verdict)
}

// damage is a physical fault of copies and what reading them must say.
type damage struct {
	name string
	do   func(b *bench)
	want []Condition
}

// The slot in force is 0 after an odd number of writes: its pages are 0 to 7.
var damages = []damage{
	{"a page rots", func(b *bench) {
		b.arm("(repository.read.rot (And (Block 1) (Page 2)))")
		b.repo.Check()
		b.bad.Disarm()
	}, []Condition{CopyGood, CopyStale, CopyGood}},
	{"the base page rots", func(b *bench) {
		b.arm("(repository.read.rot (And (Block 0) (Page 0)))")
		b.repo.Check()
		b.bad.Disarm()
	}, []Condition{CopyStale, CopyGood, CopyGood}},
	{"a copy rots all over", func(b *bench) { b.arm("(repository.read.rot (Block 2))"); b.repo.Check(); b.bad.Disarm() }, []Condition{CopyGood, CopyGood, CopyDamaged}},
	{"a page cannot be read", func(b *bench) { b.armUnchecked("(repository.read.error (And (Block 1) (Page 0)))") }, []Condition{CopyGood, CopyUnreadable, CopyGood}},
	{"a page of the entries cannot be read", func(b *bench) { b.armUnchecked("(repository.read.error (And (Block 1) (Page 2)))") }, []Condition{CopyGood, CopyUnreadable, CopyGood}},
	{"a copy cannot be read", func(b *bench) { b.armUnchecked("(repository.read.error (Block 0))") }, []Condition{CopyUnreadable, CopyGood, CopyGood}},
	{"two copies cannot be read", func(b *bench) { b.armUnchecked("(repository.read.error (Not (Block 1)))") }, []Condition{CopyUnreadable, CopyGood, CopyUnreadable}},
	{"a copy is replaced by a blank one", func(b *bench) { *b.mem[1] = *NewMemDevice(16) }, []Condition{CopyGood, CopyBlank, CopyGood}},
	{"a copy missed a write", func(b *bench) {
		b.arm("(repository.write.refused (Block 2))")
		require.NoError(b.t, b.repo.Put("certificate", []byte(strings.Repeat("c", 5000))))
		b.bad.Disarm()
	}, []Condition{CopyGood, CopyGood, CopyStale}},
	{"a copy lost a write", func(b *bench) {
		b.arm("(repository.write.lost (And (Block 0) (Page 8)))")
		require.NoError(b.t, b.repo.Put("certificate", []byte(strings.Repeat("c", 5000))), "the base page of the other slot")
		b.bad.Disarm()
	}, []Condition{CopyStale, CopyGood, CopyGood}},
	{"a copy of another facility", func(b *bench) {
		o := newBench(b.t, 3)
		o.repo.id[0] ^= 1
		for range 9 {
			require.NoError(b.t, o.repo.Put("group 1", []byte("theirs")))
		}
		*b.mem[0] = *o.mem[0]
	}, []Condition{CopyForeign, CopyGood, CopyGood}},
	{"a copy of the same generation says something else", func(b *bench) {
		pages := encodeSlot(b.repo.id, b.repo.newest, encodeEntries([]entry{{"group 1", []byte("other")}}))
		for i, p := range pages {
			require.NoError(b.t, b.mem[2].WritePage(i, p))
		}
	}, []Condition{CopyGood, CopyGood, CopyDiffers}},
}

func TestADamagedCopyIsFoundAndRepaired(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			b := newBench(t, 3)
			d.do(b)
			rep := b.repo.Check()
			require.Equal(t, d.want, conditions(rep))
			require.Equal(t, Mismatch, rep.Verdict)
			for i, c := range rep.Copies {
				require.Equal(t, c.Condition == CopyGood, c.Err == nil, "copy %d: it says what is wrong, if anything is: %v", i, c.Err)
			}
			b.require("group 1", "one", "the good copies serve meanwhile")
			require.Equal(t, conditions(rep), conditions(b.repo.Check()), "a check changes nothing")

			b.bad.Disarm() // a page that could not be read can be written
			rep, err := b.reboot()
			require.NoError(t, err)
			if rep.Verdict == Mismatch {
				require.Zero(t, rep.Bad(), "the reboot repairs it: %s", rep)
				require.Contains(t, rep.String(), "repaired")
			}
			b.require("group 1", "one", "after the reboot")
			require.Equal(t, Good, b.repo.Check().Verdict)
			require.NoError(t, b.repo.Put("group 1", []byte("two")))
			rep, err = b.reboot()
			require.NoError(t, err)
			require.Equal(t, Good, rep.Verdict, "and all copies work")
			b.require("group 1", "two", "at the end")
		})
	}
}

// TestACopyThatCanNotBeRepairedIsSetAside: it stays so for as long as it lasts.
func TestACopyThatCanNotBeRepairedIsSetAside(t *testing.T) {
	b := newBench(t, 3)
	b.arm("(repository.read.error (Block 1)) (repository.write.refused (Block 1))")
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, Mismatch, rep.Verdict)
	require.Equal(t, 1, rep.Bad())
	require.ErrorIs(t, rep.Copies[1].Err, ErrWriteFailed)
	require.NoError(t, b.repo.Put("group 1", []byte("two")), "two of three copies are enough")
	b.arm("(repository.write.refused (Not (Block 0)))")
	require.ErrorIs(t, b.repo.Put("group 1", []byte("three")), ErrCopies)
	require.ErrorIs(t, b.repo.Put("group 1", []byte("four")), ErrCopies, "one of three is not")
	b.bad.Disarm()
	rep, err = b.reboot()
	require.NoError(t, err)
	require.Zero(t, rep.Bad())
	b.require("group 1", "three", "what one copy took and the caller was not promised is newest: old or new")
}

// TestMoreThanHalfOfTheCopies have to take a change, and one that is set aside is not written.
func TestMoreThanHalfOfTheCopies(t *testing.T) {
	for _, fault := range []string{"repository.write.refused", "repository.write.lost", "repository.read.error"} {
		b := newBench(t, 4)
		b.arm(fmt.Sprintf("(%s (Block 0))", fault))
		require.NoError(t, b.repo.Put("group 1", []byte("two")), "three of four")
		b.bad.Disarm()
		before := fmt.Sprint(b.mem[0].pages)
		require.NoError(t, b.repo.Put("group 1", []byte("three")))
		require.Equal(t, before, fmt.Sprint(b.mem[0].pages), "a copy that is set aside stays so until the next reboot")
		b.arm(fmt.Sprintf("(%s (Block 3))", fault))
		require.ErrorIs(t, b.repo.Put("group 1", []byte("four")), ErrCopies, "two of four, which were written")
		before = fmt.Sprint(b.mem[1].pages)
		b.bad.Disarm()
		require.ErrorIs(t, b.repo.Put("group 1", []byte("five")), ErrCopies, "two of four")
		require.ErrorIs(t, b.repo.Delete("group 1"), ErrCopies)
		require.Equal(t, []string{"certificate", "group 1"}, b.repo.Names(), "what was not deleted is there")
		require.Equal(t, before, fmt.Sprint(b.mem[1].pages), "nothing is written")
	}
}

// TestARepairThatTheGoodCopiesRefuse: only the repaired one has the new generation.
func TestARepairThatTheGoodCopiesRefuse(t *testing.T) {
	b := newBench(t, 3)
	damages[0].do(b)
	b.arm("(repository.write.refused (Not (Block 1)))")
	rep, err := b.reboot()
	require.NoError(t, err)
	require.True(t, rep.Copies[1].Repaired)
	require.Equal(t, 2, rep.Bad(), "the others missed it: %s", rep)
	b.require("group 1", "one", "it can be read")
	require.ErrorIs(t, b.repo.Put("group 1", nil), ErrCopies, "and not be changed")
	b.bad.Disarm()
	rep, err = b.reboot()
	require.NoError(t, err)
	require.Zero(t, rep.Bad())
	b.require("group 1", "one", "at the end")
}

func TestNoCopyToBelieve(t *testing.T) {
	for name, d := range map[string]func(b *bench){
		"no copy can be read":        func(b *bench) { b.arm("(repository.read.error)") },
		"no base page can be read":   func(b *bench) { b.arm("(repository.read.error (Page 0))") },
		"every base page rotted":     func(b *bench) { b.arm("(repository.read.rot (Page 0))"); b.repo.Check(); b.bad.Disarm() },
		"every copy rotted all over": func(b *bench) { b.arm("(repository.read.rot)"); b.repo.Check(); b.bad.Disarm() },
		"all copies are blank": func(b *bench) {
			*b.mem[0], *b.mem[1], *b.mem[2] = *NewMemDevice(16), *NewMemDevice(16), *NewMemDevice(16)
		},
		"two left, and they disagree": func(b *bench) { *b.mem[0] = *NewMemDevice(16); damages[len(damages)-1].do(b) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 3)
			d(b)
			rep := b.repo.Check()
			require.Equal(t, Permanent, rep.Verdict, "%s", rep)
			_, _, err := b.repo.Read("group 1")
			require.ErrorIs(t, err, ErrPermanent)
			before := fmt.Sprint(b.mem[0].pages, b.mem[1].pages, b.mem[2].pages)
			rep, err = b.reboot()
			require.ErrorIs(t, err, ErrPermanent)
			require.Equal(t, Permanent, rep.Verdict)
			require.Equal(t, 3, len(rep.Copies))
			for i, c := range rep.Copies {
				require.ErrorContains(t, err, fmt.Sprintf("copy %d is %s", i, c.Condition), "it says what each is like")
			}
			require.Equal(t, before, fmt.Sprint(b.mem[0].pages, b.mem[1].pages, b.mem[2].pages), "nothing is written")
		})
	}
}

func TestPowerCutInAPut(t *testing.T) {
	for _, mode := range []string{"before", "torn", "after"} {
		for n := 0; ; n++ {
			require.Less(t, n, 100, "the sweep does not end")
			b := newBench(t, 3)
			p := b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, n))
			next := strings.Repeat("d", 9000)
			err := b.repo.Put("certificate", []byte(next))
			if len(p.Fired()) == 0 {
				require.NoError(t, err)
				require.Equal(t, 12, n, "three pages and the base page in three copies")
				break
			}
			require.ErrorIs(t, err, ErrPowerLost)
			b.bad.Disarm()
			rep, err := b.reboot()
			require.NoError(t, err, "%s at %d", mode, n)
			require.Zero(t, rep.Bad())
			got, _, err := b.repo.Read("certificate")
			require.NoError(t, err)
			if string(got) != next {
				require.Equal(t, strings.Repeat("c", 5000), string(got), "old or new, %s at %d", mode, n)
				require.Less(t, n, 4, "with one copy written the new ones are found")
			}
			b.require("group 1", "one", "other entries stay")
			require.Equal(t, Good, b.repo.Check().Verdict)
		}
	}
}

// cut says whether a plan took the power.
func cut(p *fault.Plan) bool {
	return slices.ContainsFunc(p.Fired(), func(f fault.Firing) bool { return f.Point != PointReadError && f.Point != PointReadRot })
}

// TestPowerCutInAPutAfterAReboot: whichever slot is in force, the other one is written.
func TestPowerCutInAPutAfterAReboot(t *testing.T) {
	for puts := range 2 {
		for n := 0; ; n++ {
			require.Less(t, n, 100, "the sweep does not end")
			b := newBench(t, 3)
			for range puts {
				require.NoError(t, b.repo.Put("group 1", []byte("one")))
			}
			_, err := b.reboot()
			require.NoError(t, err)
			p := b.armUnchecked(fmt.Sprintf("(repository.power.torn (OnIndex %d))", n))
			err = b.repo.Put("group 1", []byte("two"))
			if len(p.Fired()) == 0 {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, err, ErrPowerLost)
			b.bad.Disarm()
			rep, err := b.reboot()
			require.NoError(t, err, "cut at %d", n)
			got, _, err := b.repo.Read("group 1")
			require.NoError(t, err)
			if string(got) != "two" {
				require.Equal(t, "one", string(got))
				require.Equal(t, Good, rep.Verdict, "cut at %d: the slot in force of every copy is whole: %s", n, rep)
			}
		}
	}
}

func TestARebootWithoutPower(t *testing.T) {
	b := newBench(t, 3)
	b.arm("(repository.power.before (OnIndex 0))")
	require.ErrorIs(t, b.repo.Put("group 1", nil), ErrPowerLost)
	_, rep, err := Open(b.bad.Devices()...)
	require.ErrorIs(t, err, ErrPowerLost, "%s", rep)
	require.NotErrorIs(t, err, ErrPermanent, "the copies may be as good as ever")
}

// TestPowerCutInARepair cuts the reboot that follows each damage.
func TestPowerCutInARepair(t *testing.T) {
	for _, d := range damages {
		for _, mode := range []string{"before", "torn", "after"} {
			for n := 0; ; n++ {
				require.Less(t, n, 100, "the sweep does not end")
				b := newBench(t, 3)
				d.do(b)
				// What the damage armed holds on beside the cut.
				p := b.armUnchecked(fmt.Sprintf("%s (repository.power.%s (OnIndex %d))", b.bad.Plan(), mode, n))
				_, err := b.reboot()
				b.bad.Disarm()
				if !cut(p) {
					require.NoError(t, err)
					break
				}
				require.ErrorIs(t, err, ErrPowerLost)
				rep, err := b.reboot()
				require.NoError(t, err, "%s, %s at %d", d.name, mode, n)
				require.Zero(t, rep.Bad())
				b.require("group 1", "one", fmt.Sprintf("%s, %s at %d", d.name, mode, n))
			}
		}
	}
}

// TestAnUnfinishedWriteDoesNotComeBack: a copy that took a write alone and could
// not be read at the next reboot must not win later.
func TestAnUnfinishedWriteDoesNotComeBack(t *testing.T) {
	b := newBench(t, 3)
	b.arm("(repository.power.before (And (Block 1) (Page 8)))")
	require.ErrorIs(t, b.repo.Put("group 1", []byte("ghost")), ErrPowerLost)
	b.arm("(repository.read.error (Block 0)) (repository.write.refused (Block 0))")
	rep, err := b.reboot()
	require.NoError(t, err)
	require.Equal(t, 1, rep.Bad())
	b.require("group 1", "one", "the write was not finished")
	b.bad.Disarm()
	rep, err = b.reboot()
	require.NoError(t, err)
	require.Equal(t, CopyStale, rep.Copies[0].Condition)
	b.require("group 1", "one", "what the facility went on with stays")
}

func TestRepositoryRefusals(t *testing.T) {
	three := func(n int) []Device { return []Device{NewMemDevice(n), NewMemDevice(n), NewMemDevice(n)} }
	_, err := Create(entropy.Stream(1, "x"), three(8)[:2]...)
	require.ErrorContains(t, err, "2 copies, need at least 3")
	_, _, err = Open(three(8)[:2]...)
	require.ErrorContains(t, err, "2 copies, need at least 3")
	_, err = Create(entropy.Stream(1, "x"), three(3)...)
	require.ErrorIs(t, err, ErrFull)
	_, err = Create(iotest.ErrReader(errors.New("stuck")), three(8)...)
	require.ErrorContains(t, err, "stuck")
	r, err := Create(entropy.Stream(1, "x"), three(8)...)
	require.NoError(t, err)
	require.ErrorContains(t, r.Put("", nil), "need 1 to 64 printable")
	require.ErrorContains(t, r.Put("a\n", nil), "need 1 to 64 printable")
	require.NoError(t, r.Put("a", make([]byte, 3*contentSize-6)), "a slot filled to the last byte")
	require.ErrorIs(t, r.Put("a", make([]byte, 3*contentSize-5)), ErrFull)
	require.Equal(t, Good, r.Check().Verdict)
	require.Equal(t, []string{"a"}, r.Names())
	require.ErrorContains(t, NewMemDevice(1).ReadPage(1, make([]byte, PageSize)), "need 0 to 0")
	require.Error(t, NewMemDevice(1).WritePage(0, nil))

	f := NewFaulty(three(8)...)
	p, err := fault.Parse("(repository.write.lost (Block 1))")
	require.NoError(t, err)
	f.Arm(p)
	_, err = Create(entropy.Stream(1, "x"), f.Devices()...)
	require.ErrorIs(t, err, ErrCopies, "a new repository has all of its copies")
	require.ErrorContains(t, err, "2 of 3")
	for n := range 6 { // each base page of each copy is wiped first
		f := NewFaulty(three(8)...)
		p, err := fault.Parse(fmt.Sprintf("(repository.write.refused (OnIndex %d))", n))
		require.NoError(t, err)
		f.Arm(p)
		_, err = Create(entropy.Stream(1, "x"), f.Devices()...)
		require.ErrorIs(t, err, ErrWriteFailed)
		require.NotErrorIs(t, err, ErrCopies, "write %d", n)
	}
	require.NotEmpty(t, f.Plan().Fired())
}

func TestAGroupLivesInIt(t *testing.T) {
	b := newBench(t, 3)
	c, err := encgroup.NewMemCluster(entropy.Stream(1, "servers"), "a", "b")
	require.NoError(t, err)
	g := encgroup.New(c.Servers(), entropy.Stream(1, "group"), b.repo.Store("group 2"))
	require.NoError(t, g.Configure("x"))
	b.arm("(repository.read.rot (And (Block 0) (Page 1)))")
	b.repo.Check()
	b.bad.Disarm()
	_, err = b.reboot()
	require.NoError(t, err)
	record, rep, err := b.repo.Store("group 2").Load()
	require.NoError(t, err)
	require.Equal(t, Good, rep.Verdict)
	g, err = encgroup.Load(record, c.Servers(), entropy.Stream(2, "group"), b.repo.Store("group 2"))
	require.NoError(t, err)
	require.NoError(t, g.Retrieve())
	b.arm("(repository.write.refused)")
	_, err = g.RekeyDataKey()
	require.ErrorIs(t, err, encgroup.ErrStore)
	require.ErrorIs(t, err, ErrCopies)
}

// TestNothingAcknowledgedIsLost breaks one copy at a time, cuts power, and
// compares with a variable.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, rapid.IntRange(3, 5).Draw(rt, "copies"))
		acked, maybe := "one", "one"
		broken := false // one copy is, since the last reboot
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			value := fmt.Sprintf("value %d %s", i, strings.Repeat("x", rapid.IntRange(0, 9000).Draw(rt, "size")))
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				require.NoError(rt, b.repo.Put("group 1", []byte(value)))
				acked, maybe = value, value
			case 1:
				if broken {
					continue
				}
				broken = true
				b.armUnchecked(fmt.Sprintf("(%s (Block %d))", rapid.SampledFrom([]string{"repository.read.rot", "repository.write.refused", "repository.write.lost", "repository.read.error"}).Draw(rt, "fault"), rapid.IntRange(0, 2).Draw(rt, "copy")))
				b.repo.Check()
				require.NoError(rt, b.repo.Put("group 1", []byte(value)))
				acked, maybe = value, value
				b.bad.Disarm()
			case 2:
				b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", rapid.SampledFrom([]string{"before", "torn", "after"}).Draw(rt, "mode"), rapid.IntRange(0, 20).Draw(rt, "at")))
				if err := b.repo.Put("group 1", []byte(value)); err == nil {
					acked, maybe = value, value
				} else {
					maybe = value
				}
				b.bad.Disarm()
				fallthrough
			case 3:
				broken = false
				rep, err := b.reboot()
				require.NoError(rt, err)
				require.Zero(rt, rep.Bad(), "%s", rep)
			}
			got, _, err := b.repo.Read("group 1")
			require.NoError(rt, err)
			require.Contains(rt, []string{acked, maybe}, string(got))
			acked, maybe = string(got), string(got)
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add(encodeEntries([]entry{{"a", []byte("1")}, {"b", nil}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeEntries(b)
		if err == nil {
			require.Equal(t, len(b), len(encodeEntries(list)), "what is accepted has one encoding")
		}
	})
}

// FuzzPage: no stored bytes crash the reader.
func FuzzPage(f *testing.F) {
	f.Add(encodePage(1, 0, (&base{length: 5}).encode()))
	f.Fuzz(func(t *testing.T, p []byte) {
		d := NewMemDevice(8)
		page := make([]byte, PageSize)
		copy(page, p)
		require.NoError(t, d.WritePage(0, page))
		require.False(t, (&replica{dev: d}).read().ok && blank(page))
	})
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			r, err := Create(entropy.Stream(1, "x"), NewMemDevice(256), NewMemDevice(256), NewMemDevice(256))
			require.NoError(b, err)
			v := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Put("group 1", v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestACreateThatIsCutShortBringsNothingOldBack cuts the power at each page of a Create over
// devices that are in use: afterwards the entries are those that were in force, or there are none.
func TestACreateThatIsCutShortBringsNothingOldBack(t *testing.T) {
	for i := range 6 {
		mode := []string{"before", "torn", "after"}[i%3]
		for n := 0; ; n++ {
			require.Less(t, n, 100, "the sweep does not end")
			b := newBench(t, 3)
			for range 1 + i/3 { // so that either slot is in force
				require.NoError(t, b.repo.Put("group 1", []byte("1.5")))
			}
			require.NoError(t, b.repo.Put("group 1", []byte("two")))
			b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, n))
			_, err := Create(entropy.Stream(2, "repository"), b.bad.Devices()...)
			if err == nil {
				require.Empty(t, b.bad.Plan().Fired())
				break
			}
			b.bad.Disarm()
			if _, err := b.reboot(); err != nil {
				require.ErrorIs(t, err, ErrPermanent, "%s %d", mode, n)
				continue
			}
			got, _, err := b.repo.Read("group 1")
			if errors.Is(err, ErrNoEntry) {
				continue
			}
			require.NoError(t, err)
			require.Equal(t, "two", string(got), "%s %d: what was replaced long ago is in force again", mode, n)
		}
	}
}
