//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// lifecycles is 2,500 whole lives of drives a second on two cores, a group for each core.
func lifecycles() row {
	const cores = 2
	return row{
		name: "a drive's life, with the quick search", most: time.Second / 2500, wall: true, cores: cores,
		prepare: func() (ours, theirs side, stop func(), err error) {
			groups := make([]*encgroup.Group, cores)
			for i := range groups {
				groups[i] = newGroup(fmt.Sprint("life", i))
			}
			ours = func(n int) (time.Duration, error) {
				start := elapsed()
				errs := make([]error, cores)
				var wait sync.WaitGroup
				for i, g := range groups {
					wait.Go(func() {
						for range (n + cores - 1) / cores {
							if errs[i] = life(g); errs[i] != nil {
								return
							}
						}
					})
				}
				wait.Wait()
				return elapsed() - start, errors.Join(errs...)
			}
			return ours, nil, func() {}, nil
		},
	}
}

// life is that of one drive: manufactured, admitted, written, rekeyed, its power cut in the middle
// of a rekey, recovered, erased, and searched for the key of what it held.
func life(g *encgroup.Group) error {
	dev := flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))
	d, label, err := drive.Manufacture(
		drive.Config{Serial: "LIFE", SectorSize: 512, Sectors: 4096, TryLimit: 5, PBKDF2Iterations: 1},
		drive.Parts{Flash: dev, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "life")})
	if err != nil {
		return err
	}
	plain, back := bytes.Repeat([]byte("customer's data!"), 32), make([]byte, 512)
	if err := errors.Join(g.Admit(d), d.Write(5, plain), g.Rekey(d)); err != nil {
		return err
	}
	dev.Arm(fault.MustParse("(flash.power.torn (OnIndex 1))")) // a plan counts: each life has its own
	if err := g.Rekey(d); err == nil {
		return errors.New("the power cut did not end the rekey")
	}
	dev.Disarm()
	d.PowerOff()
	if err := errors.Join(d.PowerOn(), g.Unlock(d), g.Rekey(d), d.Read(5, back)); err != nil {
		return err
	}
	if !bytes.Equal(plain, back) {
		return errors.New("the data is not as it was written")
	}
	ciphertext, _ := d.Dump().Sector(5)
	oracle := forensic.Oracle{Name: "LBA 5", SectorSize: 512, LBA: 5, Plain: plain[:32], Cipher: bytes.Clone(ciphertext[:32])}
	with(d, drive.EraseMaster, label.MSID, drive.Session.EraseAll)
	secrets := []forensic.Secret{forensic.Root(d.Fuses().Root), forensic.PIN("MSID", label.MSID)}
	found, err := forensic.Search(d.Dump(), secrets, []forensic.Oracle{oracle}, forensic.Options{})
	if err == nil && len(found.Keys) > 0 {
		err = errors.New("the erased drive still has its key")
	}
	return errors.Join(err, g.Forget("LIFE"))
}
