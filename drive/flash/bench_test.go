package flash

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// keyRecord is as long as the record of a drive with a few ranges.
var keyRecord = func() []byte {
	b := make([]byte, 1024)
	s := stream(1)
	for i := range b {
		b[i] = byte(s.next())
	}
	return b
}()

// benchKinds are what the speed of a drive depends on.
var benchKinds = []struct {
	name string
	make func(tb testing.TB) Device
}{
	{"Mem", func(testing.TB) Device { return NewMem(DefaultGeometry) }},
	{"Mem in Faulty", func(testing.TB) Device { return NewFaulty(NewMem(DefaultGeometry)) }},
	{"Mem in armed Faulty", func(testing.TB) Device {
		f := NewFaulty(NewMem(DefaultGeometry))
		f.Arm(fault.MustParse("(flash.power.torn (OnIndex 18446744073709551615))"))
		return f
	}},
	{"File", func(tb testing.TB) Device { return tempFile(tb, 0, DefaultGeometry) }},
}

func benchEach(b *testing.B, run func(b *testing.B, d Device)) {
	for _, k := range benchKinds {
		b.Run(k.name, func(b *testing.B) {
			d := k.make(b)
			b.ReportAllocs()
			run(b, d)
		})
	}
}

// BenchmarkProgram programs a record of 1024 bytes, with an eighth of an erase.
func BenchmarkProgram(b *testing.B) {
	benchEach(b, func(b *testing.B, d Device) {
		page := 0
		for b.Loop() {
			if page == DefaultGeometry.PagesPerBlock {
				page = 0
				_ = d.Erase(0)
			}
			if err := d.Program(0, page, keyRecord); err != nil {
				b.Fatal(err)
			}
			page++
		}
	})
}

func BenchmarkReadProgrammed(b *testing.B) { benchRead(b, 1) }

func BenchmarkReadBlank(b *testing.B) { benchRead(b, 2) }

func benchRead(b *testing.B, block int) {
	benchEach(b, func(b *testing.B, d Device) {
		require.NoError(b, d.Program(1, 0, keyRecord))
		dst := make([]byte, DefaultGeometry.PageSize)
		for b.Loop() {
			if err := d.Read(block, 0, dst); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkErase erases a block with one programmed page, and programs it.
func BenchmarkErase(b *testing.B) {
	benchEach(b, func(b *testing.B, d Device) {
		for b.Loop() {
			_ = d.Program(0, 0, keyRecord)
			if err := d.Erase(0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMemAtRestIsSmall: of the 12 KiB that a drive at rest may take, its flash
// with two records and a retired block of zeros takes a small part.
func TestMemAtRestIsSmall(t *testing.T) {
	const devices = 500
	all := make([]*Faulty, devices)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range all {
		f := NewFaulty(NewMem(DefaultGeometry))
		require.NoError(t, f.Program(0, 0, keyRecord))
		require.NoError(t, f.Program(0, 1, append(keyRecord[:512:512], page(DefaultGeometry, nil, 0xFF)[512:]...)))
		for p := range DefaultGeometry.PagesPerBlock {
			require.NoError(t, f.Zero(3, p))
		}
		all[i] = f
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / devices
	t.Logf("%d bytes a device, of which 1536 are records", each)
	require.Less(t, each, uint64(3<<10), "blank and zeroed pages and the erased ends of pages take no memory")
	runtime.KeepAlive(all)
}

// TestOperationsAllocateLittle: a sweep asks the plan about every operation.
func TestOperationsAllocateLittle(t *testing.T) {
	f := NewFaulty(NewMem(DefaultGeometry))
	f.Arm(fault.MustParse("(flash.power.torn (And (Block 7) (OnIndex 99))) (flash.read.error (Page 7))"))
	dst := make([]byte, DefaultGeometry.PageSize)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = f.Read(0, 0, dst)
		_ = f.Zero(0, 0)
		_ = f.Read(0, 0, dst)
		_ = f.Erase(0)
	}), "an armed plan that does not fire costs no allocation")
}
