//go:build unix

package main

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
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

// drives is what has no peer: aims are times.
func drives() []row {
	credential := func(n int) drive.PIN { return drive.CredentialPIN(&secret.Key32{byte(n), byte(n >> 8), 1}) }
	rekeyed, label := manufactured("REKEY", 0)
	with(rekeyed, drive.BandMaster(0), label.MSID, func(s drive.Session) error { return s.Migrate(credential(0)) })
	erased, erasedLabel := manufactured("ERASE", 0)
	n := 0
	return []row{
		{name: "rekey of a drive in memory", most: 6 * time.Microsecond, ours: timed(func() {
			with(rekeyed, drive.BandMaster(0), credential(n%1000), func(s drive.Session) error { return s.SetPIN(credential((n + 1) % 1000)) })
			n++
		})},
		{name: "erase of a drive in memory", most: 8 * time.Microsecond, ours: timed(func() {
			with(erased, drive.EraseMaster, erasedLabel.MSID, drive.Session.EraseAll)
		})},
		{name: "deep search, 17 ranges", most: 600 * time.Millisecond, ours: timed(search(16, true))},
		{name: "thief over a MiB of random pages", most: 4 * time.Second, ours: timed(randomPages(1 << 20))},
	}
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
