package erase_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// A customer's drive is erased by its owner, and the certificate is verified.
func Example() {
	d, label, err := drive.Manufacture(
		drive.Config{Serial: "75NR641-D05", Model: "Example SED", SectorSize: 512, Sectors: 1 << 20, TryLimit: 5, PBKDF2Iterations: 1000},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "75NR641-D05")},
	)
	if err != nil {
		panic(err)
	}
	credential, _ := drive.NewPIN(bytes.Repeat([]byte("example!"), 4))
	s, err := d.Authenticate(drive.BandMaster(0), label.MSID)
	if err != nil {
		panic(err)
	}
	if err := s.Migrate(credential); err != nil {
		panic(err)
	}
	s.Close()

	key := ed25519.NewKeyFromSeed(make([]byte, 32)) // of the one who certifies
	engine, err := erase.New(erase.Options{
		Clock:   func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		Entropy: entropy.Stream(1, "erase"), Signer: key, Tool: "example 1.0",
	})
	if err != nil {
		panic(err)
	}
	job := erase.Job{Target: d, Method: erase.DriveErase}
	report, err := engine.Run(context.Background(), []erase.Job{job})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Results[0].Outcome+":", report.Results[0].Why)

	job.Owner = []erase.Credential{{Range: 0, PIN: credential}}
	report, err = engine.Run(context.Background(), []erase.Job{job})
	if err != nil {
		panic(err)
	}
	r := report.Results[0]
	fmt.Println(r.Outcome)
	for _, c := range r.Checks {
		fmt.Println(" ", c.Name+":", c.Verdict)
	}
	c, err := erase.VerifyCertificate([]byte(r.Certificate.Text()), key.Public().(ed25519.PublicKey))
	fmt.Println(c.Statement.MediaSerial, c.Statement.Sanitization(), c.Statement.Validation.Outcome, err)
	// Output:
	// refused: range 0 is configured and no credential was given for it: it may hold someone's data
	// passed
	//   command: pass
	//   control: pass
	//   state: pass
	//   credential: pass
	//   msid: pass
	//   plaintext: pass
	//   search: pass
	//   weak wraps: pass
	//   remains: pass
	// 75NR641-D05 Purge: Cryptographic Erase accepted <nil>
}
