package proptest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// life is one drive from the factory to the proof that its data is gone. It is manufactured, admitted,
// written, rekeyed, loses its power in the middle of the next rekey, recovers, is erased, and its chip is
// searched.
func life(seed uint64, ranges int, plan *fault.Plan) error {
	cfg := DefaultConfig()
	cfg.Serial, cfg.Ranges, cfg.Sectors = fmt.Sprintf("LIFE%d", seed), ranges, 1<<20
	chip, media := flash.NewFaulty(flash.NewMem(flash.DefaultGeometry)), drive.NewMemMedia(cfg.SectorSize)
	d, label, err := drive.Manufacture(cfg, drive.Parts{Flash: chip, Media: media, Entropy: entropy.Stream(seed, cfg.Serial)})
	if err != nil {
		return err
	}
	credential := func(n byte) drive.PIN {
		return drive.CredentialPIN(&secret.Key32{n, byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	}
	as := func(a drive.Authority, pin drive.PIN, do func(drive.Session) error) error {
		s, err := d.Authenticate(a, pin)
		if err != nil {
			return err
		}
		defer s.Close()
		return do(s)
	}
	band := drive.BandMaster(0)
	plain := make([]byte, cfg.SectorSize)
	fill(plain, uint32(seed), 7)
	if err := errors.Join(
		as(band, label.MSID, drive.Session.GenKey),
		as(band, label.MSID, func(s drive.Session) error { return s.Migrate(credential(1)) }),
		d.Write(7, plain),
		as(band, credential(1), func(s drive.Session) error { return s.SetPIN(credential(2)) }),
	); err != nil {
		return err
	}
	cipher, _ := d.Dump().Sector(7)
	chip.Arm(plan)
	if err := as(band, credential(2), func(s drive.Session) error { return s.SetPIN(credential(3)) }); !errors.Is(err, drive.PowerLost) {
		return fmt.Errorf("a rekey without power: %v", err)
	}
	chip.Disarm()
	if err := d.PowerOn(); err != nil {
		return err
	}
	if as(band, credential(2), drive.Session.Unlock) != nil {
		if err := as(band, credential(3), drive.Session.Unlock); err != nil {
			return fmt.Errorf("neither PIN opens the drive: %w", err)
		}
	}
	if err := as(drive.EraseMaster, label.MSID, drive.Session.EraseAll); err != nil {
		return err
	}
	fuses := d.Fuses()
	defer fuses.Clear()
	secrets := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", label.MSID), forensic.PIN("PSID", label.PSID)}
	for n := byte(1); n <= 3; n++ {
		secrets = append(secrets, forensic.PIN("credential", credential(n)))
	}
	oracle := forensic.Oracle{Name: "LBA 7", SectorSize: cfg.SectorSize, LBA: 7, Plain: plain[:32], Cipher: cipher[:32]}
	found, err := forensic.Search(d.Dump(), secrets, []forensic.Oracle{oracle}, forensic.Options{Iterations: cfg.PBKDF2Iterations})
	if err == nil && len(found.Keys) > 0 {
		err = fmt.Errorf("after the erase: %v", found.Keys[0])
	}
	return err
}

// lossAt is a plan that cuts the power of a rekey: as it writes the record, or as it erases the old block, the
// third and the fourth change of the flash.
func lossAt(n uint64) *fault.Plan {
	return fault.MustParse(fmt.Sprintf("(flash.power.torn (OnIndex %d))", 2+n%2))
}

// Every life ends with nothing that opens the old data.
func TestALife(t *testing.T) {
	for seed := range uint64(20) {
		require.NoError(t, life(seed, int(seed%4), lossAt(seed)), "life %d", seed)
	}
}

// BenchmarkLives counts whole lives a second on all cores.
func BenchmarkLives(b *testing.B) {
	for _, ranges := range []int{0, 4, 16} {
		b.Run(fmt.Sprintf("ranges=%d", ranges), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				plans := []*fault.Plan{lossAt(0), lossAt(1)}
				for seed := uint64(0); pb.Next(); seed++ {
					if err := life(seed, ranges, plans[seed%2]); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
		})
	}
}
