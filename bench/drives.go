//go:build unix

package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

func manufactured(serial string, ranges int) (*drive.Drive, drive.Label) {
	d, label, err := drive.Manufacture(
		drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 20, Ranges: ranges, TryLimit: 5, PBKDF2Iterations: 1000},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, serial)},
	)
	if err != nil {
		panic(err)
	}
	return d, label
}

func with(d *drive.Drive, a drive.Authority, pin drive.PIN, f func(drive.Session) error) {
	s, err := d.Authenticate(a, pin)
	if err == nil {
		err = f(s)
	}
	if err != nil {
		panic(err)
	}
	s.Close()
}

// allocations is how many f makes.
func allocations(f func()) side {
	return func(int) (time.Duration, error) { return time.Duration(testing.AllocsPerRun(200, f)), nil }
}

// drives is what has no peer: aims are times.
func drives() (all []row) {
	credential := func(n int) drive.PIN { return drive.CredentialPIN(&secret.Key32{byte(n), byte(n >> 8), 1}) }
	migrated, migratedLabel := manufactured("MIGRATE", 0)
	rekeyed, label := manufactured("REKEY", 0)
	with(rekeyed, drive.BandMaster(0), label.MSID, func(s drive.Session) error { return s.Migrate(credential(0)) })
	erased, erasedLabel := manufactured("ERASE", 0)
	n := 0
	erase := func() { with(erased, drive.EraseMaster, erasedLabel.MSID, drive.Session.EraseAll) }
	back := func() { with(migrated, drive.EraseMaster, migratedLabel.MSID, drive.Session.EraseAll) }
	migrate := func() {
		with(migrated, drive.BandMaster(0), migratedLabel.MSID, func(s drive.Session) error { return s.Migrate(credential(1)) })
	}
	rekey := func() {
		with(rekeyed, drive.BandMaster(0), credential(n%1000), func(s drive.Session) error { return s.SetPIN(credential((n + 1) % 1000)) })
		n++
	}
	const most = 35
	all = []row{
		// An erase brings a drive back to its factory PIN, so that it can migrate again.
		{name: "migration and erase of a drive in memory", most: 18 * time.Microsecond, ours: timed(func() { migrate(); back() })},
		{name: "rekey of a drive in memory", most: 6 * time.Microsecond, ours: timed(rekey)},
		{name: "erase of a drive in memory", most: 8 * time.Microsecond, ours: timed(erase)},
		{name: "allocations of a migration and an erase", most: 2 * most, count: true, once: true, ours: allocations(func() { migrate(); back() })},
		{name: "allocations of a rekey", most: most, count: true, once: true, ours: allocations(rekey)},
		{name: "allocations of an erase", most: most, count: true, once: true, ours: allocations(erase)},
	}
	for _, ranges := range []int{0, 4, 16} {
		r := row{name: fmt.Sprintf("erase engine with forensic verification, %d ranges", ranges+1), ours: timed(verifiedErase(ranges))}
		if ranges == 0 {
			r.most = 800 * time.Microsecond
		}
		all = append(all, r)
	}
	return all
}

// verifiedErase is a run of the engine over one drive.
func verifiedErase(ranges int) func() {
	d, _ := manufactured("ENGINE", ranges)
	if err := d.Write(5, make([]byte, 512)); err != nil {
		panic(err)
	}
	e := must(erase.New(erase.Options{Clock: time.Now, Entropy: entropy.Stream(1, "erase")}))
	return func() {
		r, err := e.Run(context.Background(), []erase.Job{{Target: d, Method: erase.DriveErase}})
		if err != nil || !r.OK() {
			panic(fmt.Sprint("the erase did not pass: ", err, r.Text()))
		}
	}
}

// searches are those of a thief.
func searches() (all []row) {
	for _, ranges := range []int{1, 4, 16} {
		r := row{name: fmt.Sprintf("deep search, %d ranges", ranges+1), turns: 3, ours: timed(search(ranges, true))}
		if ranges == 16 {
			r.most = 600 * time.Millisecond
		}
		all = append(all, r)
	}
	for _, size := range []int{1 << 18, 1 << 19, 1 << 20} {
		r := row{name: fmt.Sprintf("thief over %d KiB of random pages", size>>10), turns: 3, once: true, ours: timed(randomPages(size))}
		if size == 1<<20 {
			r.most = 4 * time.Second // 2 s on two cores
		}
		all = append(all, r)
	}
	return all
}

// search is a search of a drive with the root key and the PINs of its label.
func search(ranges int, deep bool) func() {
	d, label := manufactured("SEARCH", ranges)
	plain := make([]byte, 512)
	if err := d.Write(5, plain); err != nil {
		panic(err)
	}
	ciphertext, _ := d.Dump().Sector(5)
	oracle := forensic.Oracle{Name: "LBA 5", SectorSize: 512, LBA: 5, Plain: plain[:32], Cipher: ciphertext[:32]}
	secrets := []forensic.Secret{forensic.Root(d.Fuses().Root), forensic.PIN("MSID", label.MSID), forensic.PIN("PSID", label.PSID)}
	dump := d.Dump()
	return func() {
		found, err := forensic.Search(dump, secrets, []forensic.Oracle{oracle}, forensic.Options{Deep: deep, Iterations: 1000})
		if err != nil || len(found.Keys) == 0 {
			panic(fmt.Sprint("the search found no key: ", err))
		}
	}
}

// randomPages is a search of pages in which every place could be a wrap.
func randomPages(size int) func() {
	dump := drive.Dump{}
	random := entropy.Stream(1, "pages")
	for i := 0; i < size; i += 4096 {
		page := make([]byte, 4096)
		if _, err := random.Read(page); err != nil {
			panic(err)
		}
		dump.Flash = append(dump.Flash, flash.Page{Block: i / 4096 / 64, Page: i / 4096 % 64, Data: page})
	}
	oracle := forensic.Oracle{Name: "none", SectorSize: 512, Plain: make([]byte, 32), Cipher: make([]byte, 32)}
	secrets := []forensic.Secret{forensic.Root(&secret.Key32{1}), forensic.PIN("MSID", drive.CredentialPIN(&secret.Key32{2}))}
	return func() {
		if _, err := forensic.Search(dump, secrets, []forensic.Oracle{oracle}, forensic.Options{}); err != nil {
			panic(err)
		}
	}
}
