package drive

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// facilityConfig is a drive as the facility uses it: one data range.
func facilityConfig(serial string) Config {
	return Config{
		Serial: serial, Model: "FDE", SectorSize: 4096, Sectors: 1 << 28, TryLimit: 5, Persistent: true,
		PBKDF2Iterations: 1000,
	}
}

func manufacture(b *testing.B, cfg Config) (*Drive, Label) {
	b.Helper()
	d, l, err := Manufacture(cfg, Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(cfg.SectorSize), Entropy: entropy.Stream(1, cfg.Serial),
	})
	if err != nil {
		b.Fatal(err)
	}
	return d, l
}

func do(b *testing.B, d *Drive, a Authority, pin PIN, f func(Session) error) {
	s, err := d.Authenticate(a, pin)
	if err != nil {
		b.Fatal(err)
	}
	if err := f(s); err != nil {
		b.Fatal(err)
	}
	s.Close()
}

// BenchmarkMigrate is one access credential migration from MSID with
// authentication, flash log, destruction of the old block and its read-back. The
// erases that bring the drives back to MSID are not timed; they are done for many
// drives at once, since to stop the clock costs more than a migration.
func BenchmarkMigrate(b *testing.B) {
	drives := make([]*Drive, 512)
	labels := make([]Label, len(drives))
	for i := range drives {
		drives[i], labels[i] = manufacture(b, facilityConfig(fmt.Sprintf("B%d", i)))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(drives) {
			b.StopTimer()
			for i := range drives {
				do(b, drives[i], EraseMaster, labels[i].MSID, Session.EraseAll)
			}
			i = 0
			b.StartTimer()
		}
		do(b, drives[i], BandMaster(0), labels[i].MSID, func(s Session) error { return s.Migrate(credential(1)) })
		i++
	}
}

// BenchmarkRekey is one migration from credential to credential, everything
// included.
func BenchmarkRekey(b *testing.B) {
	d, l := manufacture(b, facilityConfig("B"))
	do(b, d, BandMaster(0), l.MSID, func(s Session) error { return s.Migrate(credential(1)) })
	b.ReportAllocs()
	i := byte(1)
	for b.Loop() {
		do(b, d, BandMaster(0), credential(i), func(s Session) error { return s.SetPIN(credential(i%100 + 1)) })
		i = i%100 + 1
	}
}

// BenchmarkErase is one cryptographic erase by the EraseMaster, authentication,
// flash log, destruction and read-back included.
func BenchmarkErase(b *testing.B) {
	d, l := manufacture(b, facilityConfig("B"))
	b.ReportAllocs()
	for b.Loop() {
		do(b, d, EraseMaster, l.MSID, Session.EraseAll)
	}
}

// BenchmarkEraseSeventeenRanges is the same on a drive with 16 ranges beside the
// global one.
func BenchmarkEraseSeventeenRanges(b *testing.B) {
	cfg := facilityConfig("B")
	cfg.Ranges = 16
	d, l := manufacture(b, cfg)
	b.ReportAllocs()
	for b.Loop() {
		do(b, d, EraseMaster, l.MSID, Session.EraseAll)
	}
}

func BenchmarkPowerCycle(b *testing.B) {
	d, _ := manufacture(b, facilityConfig("B"))
	b.ReportAllocs()
	for b.Loop() {
		d.PowerOff()
		if err := d.PowerOn(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkManufacture(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		manufacture(b, facilityConfig("B"))
	}
}

func BenchmarkSelfTest(b *testing.B) {
	d, _ := manufacture(b, facilityConfig("B"))
	for b.Loop() {
		if err := d.SelfTest(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatus(b *testing.B) {
	d, _ := manufacture(b, facilityConfig("B"))
	for b.Loop() {
		if !d.Status().Powered {
			b.Fatal("off")
		}
	}
}

func BenchmarkWrite4K(b *testing.B) {
	d, _ := manufacture(b, facilityConfig("B"))
	buf := make([]byte, 4096)
	b.SetBytes(4096)
	for i := uint64(0); b.Loop(); i++ {
		if err := d.Write(i%1024, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead4K(b *testing.B) {
	d, _ := manufacture(b, facilityConfig("B"))
	buf := make([]byte, 4096)
	if err := d.Write(0, buf); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(4096)
	for b.Loop() {
		if err := d.Read(0, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDriveAtRest reports the heap that one powered drive with empty media
// takes, as B/drive: fresh from the factory, and configured with a full block of
// records in its flash.
func BenchmarkDriveAtRest(b *testing.B) {
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("worn=%v", full), func(b *testing.B) {
			for b.Loop() {
				const n = 200
				var before, after runtime.MemStats
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&before)
				drives := make([]*Drive, n)
				for i := range drives {
					d, l := manufacture(b, facilityConfig(fmt.Sprintf("B%d", i)))
					drives[i] = d
					if full {
						do(b, d, BandMaster(0), l.MSID, func(s Session) error { return s.Migrate(credential(1)) })
						for d.store.next < d.store.geo.PagesPerBlock-1 {
							do(b, d, BandMaster(0), credential(1), Session.Unlock)
						}
					}
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/drive")
				runtime.KeepAlive(drives)
			}
		})
	}
}

// BenchmarkOpalDriveAtRest is the same for an Opal drive with 8 ranges beside the global one: from the factory, with
// its Locking SP activated, and with a record in every page of a block. Aim: 24 KiB at most.
func BenchmarkOpalDriveAtRest(b *testing.B) {
	for _, c := range []struct {
		name             string
		activated, notes bool
	}{{"factory", false, false}, {"activated", true, false}, {"worn", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				const n = 100
				var before, after runtime.MemStats
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&before)
				drives := make([]*Drive, n)
				for i := range drives {
					drives[i] = opalAtRest(b, fmt.Sprintf("O%d", i), c.activated, c.notes)
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/drive")
				runtime.KeepAlive(drives)
			}
		})
	}
}

func opalAtRest(b *testing.B, serial string, activated, notes bool) *Drive {
	b.Helper()
	cfg := facilityConfig(serial)
	cfg.Personality, cfg.Ranges, cfg.MBRSize, cfg.DataStoreSize = Opal, 8, 128<<20, 10<<20
	d, l, err := Manufacture(cfg, Parts{
		Flash: flash.NewMem(Opal.FlashGeometry()), Media: NewMemMedia(cfg.SectorSize), Entropy: entropy.Stream(1, cfg.Serial),
	})
	if err != nil {
		b.Fatal(err)
	}
	o, _ := d.Opal()
	sid, err := o.Login(SID, l.MSID)
	if err != nil {
		b.Fatal(err)
	}
	if activated {
		if err := o.Activate(sid, ActivateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	sid.Close()
	for notes && d.store.next < d.store.geo.PagesPerBlock-1 {
		l, err := o.Login(SID, l.MSID)
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
	d.PowerOff()
	if err := d.PowerOn(); err != nil {
		b.Fatal(err)
	}
	return d
}
