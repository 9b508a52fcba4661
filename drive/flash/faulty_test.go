package flash

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// foreign is a device of another package: nothing but the interface.
type foreign struct{ Device }

// onEachFaulty runs a test on a Faulty over each kind of device below.
func onEachFaulty(t *testing.T, test func(t *testing.T, f *Faulty)) {
	t.Run("Mem", func(t *testing.T) { test(t, NewFaulty(NewMem(small))) })
	t.Run("File", func(t *testing.T) { test(t, NewFaulty(newDiskFile(t, small))) })
	t.Run("a Faulty", func(t *testing.T) { test(t, NewFaulty(NewFaulty(NewMem(small)))) })
	t.Run("another package's", func(t *testing.T) { test(t, NewFaulty(foreign{NewMem(small)})) })
}

func armed(f *Faulty, plan string) *fault.Plan {
	p := fault.MustParse(plan)
	f.Arm(p)
	return p
}

// requireFired says that exactly this happened under the plan.
func requireFired(t *testing.T, p *fault.Plan, point fault.Point, count uint64) {
	t.Helper()
	require.Len(t, p.Fired(), 1)
	require.Equal(t, point, p.Fired()[0].Point)
	require.Equal(t, count, p.Fired()[0].Count)
}

var record = bytes.Repeat([]byte("wrapped key! "), 20)

func TestRefusedProgramLeavesThePageBlank(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		p := armed(f, "(flash.program.refused (OnIndex 1))")
		require.NoError(t, f.Program(0, 0, record), "the first program is not the second")
		err := f.Program(0, 1, record)
		require.ErrorIs(t, err, ErrProgram)
		require.EqualError(t, err, "flash: page refused programming: block 0 page 1")
		require.Equal(t, page(small, nil, 0xFF), read(t, f, 0, 1), "a refused page is blank")
		require.NoError(t, f.Program(0, 1, record), "the third program works, on the same page")
		requireFired(t, p, ProgramRefused, 1)
	})
}

func TestTornProgramLeavesAPart(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		p := armed(f, "(flash.program.torn)")
		require.ErrorIs(t, f.Program(1, 0, record), ErrProgram)
		got := read(t, f, 1, 0)
		n := 0
		for n < len(record) && got[n] == record[n] {
			n++
		}
		require.Less(t, n, len(record), "a torn page is not whole")
		require.Zero(t, record[n]&^got[n], "the byte after the prefix lacks some bits of the data and has no others")
		require.Equal(t, page(small, nil, 0xFF)[n+1:], got[n+1:], "behind it all is erased")
		requireFired(t, p, ProgramTorn, 1)
		f.Disarm()
		require.Equal(t, got, read(t, f, 1, 0), "the tear stays when the plan is gone")
	})
}

func TestTornProgramIsNeverWholeAndTearsWithinAByte(t *testing.T) {
	data := []byte{0x00, 0x11, 0x22, 0x33}
	within := 0
	for seed := range uint64(200) {
		f := NewFaulty(NewMem(small), WithTearSeed(seed))
		armed(f, "(flash.program.torn)")
		require.Error(t, f.Program(0, 0, data))
		got := read(t, f, 0, 0)[:len(data)]
		require.NotEqual(t, data, got, "seed %d", seed)
		for i, b := range got {
			if b != data[i] && b != 0xFF {
				within++
			}
		}
	}
	require.Greater(t, within, 100, "most tears are within a byte")
}

func TestRefusedEraseKeepsTheBlock(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		require.NoError(t, f.Program(2, 1, record))
		p := armed(f, "(flash.erase.refused (Block 2))")
		for range 3 {
			require.ErrorIs(t, f.Erase(2), ErrErase, "a plan without a count is a block that is worn out")
		}
		require.NoError(t, f.Erase(1), "another block erases")
		require.Equal(t, []Page{{Block: 2, Page: 1, Data: page(small, record, 0xFF)}}, f.Dump(), "the thief sees the refused block's content")
		require.Equal(t, []uint64{0, 1, 0, 0}, f.Wear(), "a refused erase is none")
		require.NoError(t, f.Zero(2, 1), "a block that does not erase takes zeros")
		require.Equal(t, make([]byte, 512), read(t, f, 2, 1))
		requireFired(t, p, EraseRefused, 3)
	})
}

func TestTornErase(t *testing.T) {
	g := Geometry{Blocks: 4, PagesPerBlock: 8, PageSize: 512}
	for seed := range uint64(30) {
		f := NewFaulty(NewMem(g), WithTearSeed(seed))
		for p := range 8 {
			require.NoError(t, f.Program(1, p, record))
		}
		armed(f, "(flash.erase.torn)")
		err := f.Erase(1)
		require.EqualError(t, err, "flash: block refused erasing: block 1")
		intact, erased, half := 0, 0, 0
		for p := range 8 {
			got := read(t, f, 1, p)
			switch {
			case bytes.Equal(got, page(g, record, 0xFF)):
				intact++
			case bytes.Equal(got, page(g, nil, 0xFF)):
				erased++
			default:
				half++
				for i, b := range page(g, record, 0xFF) {
					require.Zero(t, b&^got[i], "half erased, a page has no new zero")
				}
			}
		}
		require.Equal(t, 1, half, "one page is half erased, whatever the seed")
		require.Positive(t, erased, "some are erased")
		require.Positive(t, intact, "some are as they were")
	}
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		require.NoError(t, f.Program(1, 0, record))
		p := armed(f, "(flash.erase.torn)")
		require.ErrorIs(t, f.Erase(1), ErrErase)
		require.NotContains(t, string(read(t, f, 1, 0)), string(record[:13]), "a single page is the one half erased")
		require.NotEmpty(t, f.Dump())
		require.ErrorIs(t, f.Erase(3), ErrErase, "a blank block can refuse as well")
		require.Equal(t, page(small, nil, 0xFF), read(t, f, 3, 0), "and is blank")
		requireFired(t, p, EraseTorn, 2)
	})
}

func TestRefusedZeroKeepsThePage(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		require.NoError(t, f.Program(2, 1, record))
		p := armed(f, "(flash.zero.refused (Programmed))")
		require.NoError(t, f.Zero(2, 0), "a blank page is not what the plan is about")
		require.EqualError(t, f.Zero(2, 1), "flash: page refused overwriting: block 2 page 1")
		require.Equal(t, page(small, record, 0xFF), read(t, f, 2, 1))
		requireFired(t, p, ZeroRefused, 1)
	})
}

func TestReadErrorChangesNothing(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		require.NoError(t, f.Program(0, 0, record))
		p := armed(f, "(flash.read.error (And (Page 0) (OnIndex 0)))")
		require.Equal(t, page(small, nil, 0xFF), read(t, f, 0, 1), "another page reads")
		dst := bytes.Repeat([]byte{0x55}, 512)
		require.EqualError(t, f.Read(0, 0, dst), "flash: page cannot be read: block 0 page 0")
		require.Equal(t, bytes.Repeat([]byte{0x55}, 512), dst, "nothing is read")
		require.Equal(t, page(small, record, 0xFF), read(t, f, 0, 0), "the next read succeeds")
		requireFired(t, p, ReadError, 1)
	})
}

func TestRotFlipsOneBitOfTheDataForGood(t *testing.T) {
	for seed := range uint64(50) {
		mem := NewMem(small)
		f := NewFaulty(mem, WithTearSeed(seed))
		require.NoError(t, f.Program(0, 0, record))
		p := armed(f, "(flash.read.rot (OnIndex 0))")
		require.Equal(t, page(small, nil, 0xFF), read(t, f, 0, 1), "where nothing is stored, nothing rots, and it does not count")
		got := read(t, f, 0, 0)
		requireFired(t, p, ReadRot, 1)
		flipped := 0
		for i, b := range page(small, record, 0xFF) {
			for d := b ^ got[i]; d != 0; d &= d - 1 {
				flipped++
				require.Less(t, i, len(record), "the bit is one of the data")
			}
		}
		require.Equal(t, 1, flipped, "one bit flips")
		require.Equal(t, got, read(t, f, 0, 0), "and stays flipped")
		require.Equal(t, got, read(t, mem, 0, 0), "in the medium")
	}
	t.Run("where bits cannot decay", func(t *testing.T) {
		f := NewFaulty(foreign{NewMem(small)})
		require.NoError(t, f.Program(0, 0, record))
		armed(f, "(flash.read.rot)")
		require.Error(t, f.Read(0, 0, make([]byte, 512)), "a rot that cannot be carried out is no silent success")
		require.Error(t, f.Decay(0, 0, 0))
	})
}

func TestPowerCuts(t *testing.T) {
	mutations := []struct {
		name string
		do   func(d Device) error
	}{
		{"program", func(d Device) error { return d.Program(1, 1, record) }},
		{"erase", func(d Device) error { return d.Erase(0) }},
		{"zero", func(d Device) error { return d.Zero(0, 0) }},
	}
	for _, m := range mutations {
		for _, phase := range []string{"before", "torn", "after"} {
			t.Run(m.name+" "+phase, func(t *testing.T) {
				onEachFaulty(t, func(t *testing.T, f *Faulty) {
					// Two mutations and any number of reads come first.
					p := armed(f, "(flash.power."+phase+" (OnIndex 2))")
					require.NoError(t, f.Program(0, 0, record))
					read(t, f, 0, 0)
					require.NoError(t, f.Program(0, 1, record))
					read(t, f, 0, 1)
					before := f.Dump()
					whole := NewMem(small)
					require.NoError(t, whole.Program(0, 0, record))
					require.NoError(t, whole.Program(0, 1, record))
					require.NoError(t, m.do(whole))

					require.ErrorIs(t, m.do(f), ErrPowerLost, "the operation in which power goes does not know how far it came")
					require.Equal(t, fault.Point("flash.power."+phase), p.Fired()[0].Point)
					now := f.Dump()
					switch phase {
					case "before":
						require.Equal(t, before, now, "nothing happened")
					case "after":
						require.Equal(t, whole.Dump(), now, "all happened")
					case "torn":
						require.NotEqual(t, before, now, "a part happened")
						if _, coarse := f.dev.(clearer); coarse || m.name != "zero" {
							require.NotEqual(t, whole.Dump(), now, "and a part did not")
						}
					}

					require.ErrorIs(t, f.Read(0, 0, make([]byte, 512)), ErrPowerLost, "without power nothing reads")
					for _, m := range mutations {
						require.ErrorIs(t, m.do(f), ErrPowerLost, "nor changes")
					}
					require.Equal(t, now, f.Dump(), "while power is off nothing happens")
					require.Equal(t, uint64(1), p.Fired()[0].Count, "and the plan is not asked")

					f.PowerOn()
					require.NoError(t, f.Read(0, 0, make([]byte, 512)), "power is back")
					require.NoError(t, f.Erase(3), "the plan cut once")
				})
			})
		}
	}
}

func TestPowerCountsMutationsOfAllKindsAcrossCuts(t *testing.T) {
	f := NewFaulty(NewMem(small))
	p := armed(f, "(flash.power.before (Or (OnIndex 2) (OnIndex 3)))")
	require.NoError(t, f.Program(0, 0, record))
	require.NoError(t, f.Erase(0))
	require.ErrorIs(t, f.Zero(1, 0), ErrPowerLost, "program, erase, zero: the third")
	f.PowerOn()
	require.ErrorIs(t, f.Program(0, 0, record), ErrPowerLost, "the recovery's first mutation is the fourth")
	f.PowerOn()
	require.NoError(t, f.Program(0, 0, record))
	requireFired(t, p, PowerBefore, 2)
	require.Equal(t, "flash.power block 0 page 0 blank", p.Fired()[0].Last.String())
}

func TestPowerWinsOverTheOperationsOwnFault(t *testing.T) {
	f := NewFaulty(NewMem(small))
	p := armed(f, "(flash.program.refused) (flash.power.before (OnIndex 1))")
	require.ErrorIs(t, f.Program(0, 0, record), ErrProgram)
	require.ErrorIs(t, f.Program(0, 0, record), ErrPowerLost)
	require.Len(t, p.Fired(), 2)
	require.Equal(t, uint64(1), p.Fired()[0].Count, "a program that power did not reach was not refused")
}

func TestWhatTheDeviceRefusesAnywayIsNotAskedAbout(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		require.NoError(t, f.Program(0, 0, record))
		p := armed(f, "(flash.power.before) (flash.read.error)")
		require.ErrorIs(t, f.Program(0, 0, record), ErrNotBlank)
		require.ErrorIs(t, f.Program(9, 0, record), ErrAddress)
		require.ErrorIs(t, f.Program(0, 1, nil), ErrLength)
		require.ErrorIs(t, f.Erase(9), ErrAddress)
		require.ErrorIs(t, f.Zero(0, 9), ErrAddress)
		require.ErrorIs(t, f.Read(0, 0, nil), ErrLength)
		require.Empty(t, p.Fired(), "no cell was touched, so nothing could fail")
	})
}

func TestArmStartsThePlanAnewAndDisarmHeals(t *testing.T) {
	f := NewFaulty(NewMem(small))
	require.Nil(t, f.Plan())
	p := armed(f, "(flash.erase.refused (OnIndex 0))")
	require.Same(t, p, f.Plan())
	require.Error(t, f.Erase(0))
	require.NoError(t, f.Erase(0))
	f.Arm(p)
	require.Empty(t, p.Fired())
	require.Error(t, f.Erase(0), "armed again, the plan counts from 0")
	f.Arm(fault.MustParse("(flash.erase.refused)"))
	f.Disarm()
	require.Nil(t, f.Plan())
	require.NoError(t, f.Erase(0))
	f.Arm(nil)
	require.NoError(t, f.Erase(0), "the nil plan breaks nothing")
}

func TestOpsCountsWhatFoundPower(t *testing.T) {
	f := NewFaulty(NewMem(small))
	require.NoError(t, f.Program(0, 0, record))
	require.Error(t, f.Program(0, 0, record))
	require.NoError(t, f.Erase(0))
	require.NoError(t, f.Zero(0, 0))
	read(t, f, 0, 0)
	f.PowerOff()
	require.Error(t, f.Erase(0))
	f.PowerOn()
	armed(f, "(flash.power.torn (OnIndex 1))")
	require.NoError(t, f.Erase(0))
	require.Error(t, f.Erase(0))
	require.Error(t, f.Erase(0))
	require.Equal(t, Counts{Reads: 1, Programs: 2, Erases: 3, Zeros: 1}, f.Ops(), "operations without power are not counted")
	require.Equal(t, uint64(6), f.Ops().Mutations())
}

// life plays operations drawn from noise on d, which may fail and lose power.
func life(d Device, noise uint64, operations int) {
	s := stream(noise)
	for range operations {
		b, p := s.below(small.Blocks), s.below(small.PagesPerBlock)
		switch s.below(5) {
		case 0, 1:
			_ = d.Program(b, p, record[:1+s.below(len(record))])
		case 2:
			_ = d.Erase(b)
		case 3:
			_ = d.Zero(b, p)
		case 4:
			_ = d.Read(b, p, make([]byte, small.PageSize))
		}
		if s.below(4) == 0 {
			d.PowerOn()
		}
	}
}

const everythingBreaks = `(flash.program.refused (Randomly 0.1 1)) (flash.program.torn (Randomly 0.2 2)) (flash.erase.refused (Randomly 0.1 3))
	(flash.erase.torn (Randomly 0.2 4)) (flash.zero.refused (Randomly 0.2 5)) (flash.read.error (Randomly 0.1 6)) (flash.read.rot (Randomly 0.1 7))
	(flash.power.before (Randomly 0.03 8)) (flash.power.torn (Randomly 0.1 9)) (flash.power.after (Randomly 0.03 10))`

// TestSamePlanSameSeedSameBits is the determinism that a replay stands on, and
// holds across the kinds of device; with another tear seed the tears are
// elsewhere.
func TestSamePlanSameSeedSameBits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		noise, seed := rapid.Uint64().Draw(rt, "noise"), rapid.Uint64().Draw(rt, "tear seed")
		run := func(dev Device, seed uint64) ([]Page, []fault.Firing, Counts) {
			f := NewFaulty(dev, WithTearSeed(seed))
			p := armed(f, everythingBreaks)
			life(f, noise, 200)
			return f.Dump(), p.Fired(), f.Ops()
		}
		dump, fired, ops := run(NewMem(small), seed)
		dump2, fired2, ops2 := run(newDiskFile(t, small), seed)
		require.Equal(rt, dump, dump2, "the same bits, in memory and in a file")
		require.Equal(rt, fired, fired2)
		require.Equal(rt, ops, ops2)
	})
	f, g := NewFaulty(NewMem(small)), NewFaulty(NewMem(small), WithTearSeed(1))
	for _, f := range []*Faulty{f, g} {
		armed(f, "(flash.program.torn)")
		require.Error(t, f.Program(0, 0, record))
	}
	once := f.Dump()
	require.NotEqual(t, once, g.Dump(), "another seed tears elsewhere")
	require.NoError(t, f.Erase(0))
	require.Error(t, f.Program(0, 0, record))
	require.NotEqual(t, once, f.Dump(), "so does a later operation on the same page")
}

// TestEveryPointFires: a point that nothing can meet is no point.
func TestEveryPointFires(t *testing.T) {
	f := NewFaulty(NewMem(small))
	p := armed(f, everythingBreaks)
	life(f, 1, 5000)
	var fired []fault.Point
	for _, x := range p.Fired() {
		fired = append(fired, x.Point)
	}
	for _, info := range fault.Points() {
		if info.Point.Component() == "flash" {
			require.Contains(t, fired, info.Point)
		}
	}
}

// TestFaultsStayWithinTheContract: whatever breaks, each operation leaves each
// bit as Device says that its answer allows.
func TestFaultsStayWithinTheContract(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := NewMem(small)
		f := NewFaulty(mem, WithTearSeed(rapid.Uint64().Draw(rt, "tear seed")))
		armed(f, "(flash.program.torn (Every 2)) (flash.erase.torn (Every 2)) (flash.power.torn (Every 5))")
		for range 40 {
			mem.PowerOn()
			f.PowerOn()
			b, p := rapid.IntRange(0, 3).Draw(rt, "block"), rapid.IntRange(0, 1).Draw(rt, "page")
			was := [][]byte{read(t, mem, b, 0), read(t, mem, b, 1)}
			data := content(rt, small)
			action := rapid.IntRange(0, 2).Draw(rt, "operation")
			var err error
			switch action {
			case 0:
				err = f.Program(b, p, data)
			case 1:
				err = f.Erase(b)
			case 2:
				err = f.Zero(b, p)
			}
			mem.PowerOn()
			for q := range 2 {
				goal := was[q]
				switch {
				case action == 1:
					goal = page(small, nil, 0xFF)
				case q == p && action == 0 && len(trim(was[q])) == 0:
					goal = page(small, data, 0xFF)
				case q == p && action == 2:
					goal = make([]byte, small.PageSize)
				}
				for i, v := range read(t, mem, b, q) {
					if err == nil && v != goal[i] {
						rt.Fatalf("what succeeded is whole, but byte %d of block %d page %d is %#x", i, b, q, v)
					}
					if (v^goal[i])&(v^was[q][i]) != 0 {
						rt.Fatalf("byte %d of block %d page %d has a bit that is neither old nor new: %#x", i, b, q, v)
					}
				}
			}
		}
	})
}

// TestTearAt: the place is the caller's, and nil is back to the seed's.
func TestTearAt(t *testing.T) {
	onEachFaulty(t, func(t *testing.T, f *Faulty) {
		for _, n := range []int{0, 16, len(record) - 1, -1, len(record)} {
			f.Disarm()
			require.NoError(t, f.Erase(0))
			whole := min(max(0, n), len(record)-1)
			f.TearAt(func(length int) int {
				require.Equal(t, len(record), length)
				return n
			})
			armed(f, "(flash.program.torn)")
			require.ErrorIs(t, f.Program(0, 0, record), ErrProgram)
			got := read(t, f, 0, 0)
			require.Equal(t, record[:whole], got[:whole])
			require.NotEqual(t, byte(0xFF), got[whole], "some bits of the next byte are there")
			require.Equal(t, bytes.Repeat([]byte{0xFF}, len(got)-whole-1), got[whole+1:])
		}
		f.Disarm()
		for page := range 2 {
			require.NoError(t, f.Program(1, page, record))
		}
		for whole := range 2 {
			f.TearAt(func(held int) int {
				require.Equal(t, 2, held, "pages that hold something")
				return whole
			})
			armed(f, "(flash.erase.torn)")
			require.ErrorIs(t, f.Erase(1), ErrErase)
			require.NotEqual(t, page(small, record, 0xFF), read(t, f, 1, whole), "one is torn")
			if whole == 0 {
				require.Equal(t, page(small, record, 0xFF), read(t, f, 1, 1), "one is intact")
			} else {
				require.Equal(t, page(small, nil, 0xFF), read(t, f, 1, 0), "one is erased")
			}
		}
	})
}
