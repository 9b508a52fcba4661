package outside

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/erase"
)

var (
	_ erase.Target   = (*Drive)(nil)
	_ encgroup.Drive = (*Drive)(nil)
	_ drive.Session  = (*Session)(nil)
)

// must fails the test at once.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newDrive(t *testing.T, serial string) *Drive {
	t.Helper()
	d, err := New(serial, entropy.Stream(1, serial))
	must(t, err)
	return d
}

// erased runs the engine over a locked drive with data.
func erased(t *testing.T, d erase.Target, owner drive.PIN) erase.Result {
	t.Helper()
	e, err := erase.New(erase.Options{
		Clock:   func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		Entropy: entropy.Stream(1, "engine"), Signer: ed25519.NewKeyFromSeed(make([]byte, 32)), Tool: "outside 1",
	})
	must(t, err)
	report, err := e.Run(context.Background(), []erase.Job{{Target: d, Method: erase.DriveErase, Owner: []erase.Credential{{PIN: owner}}}})
	must(t, err)
	return report.Results[0]
}

func owned(t *testing.T) (*Drive, drive.PIN) {
	t.Helper()
	d := newDrive(t, "OUT1")
	owner := drive.CredentialPIN((*secret.Key32)(bytes.Repeat([]byte("credential......"), 2)))
	s, err := d.Authenticate(drive.BandMaster(0), d.fuses.MSID)
	must(t, err)
	must(t, s.GenKey())
	must(t, s.Migrate(owner))
	s.Close()
	must(t, d.Write(7, bytes.Repeat([]byte("payroll "), 64)))
	d.PowerOff()
	must(t, d.PowerOn())
	if err := d.Read(7, make([]byte, sectorSize)); !errors.Is(err, drive.Locked) {
		t.Fatalf("after a loss of power the data is locked, not %v", err)
	}
	return d, owner
}

func TestTheEngineErasesADriveOfAnotherMake(t *testing.T) {
	d, owner := owned(t)
	r := erased(t, d, owner)
	if r.Outcome != erase.Passed {
		t.Fatalf("%v: %s", r.Outcome, r.Why)
	}
	if _, err := erase.VerifyCertificate([]byte(r.Certificate.Text()), ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
}

// keeper keeps a copy of the old record where no command looks.
type keeper struct{ *Drive }

func (k keeper) Dump() drive.Dump {
	dump := k.Drive.Dump()
	dump.Flash = append(dump.Flash, kept)
	return dump
}

var kept flash.Page

func TestTheEngineFindsTheWrapThatADriveOfAnotherMakeKeeps(t *testing.T) {
	d, owner := owned(t)
	kept = flash.Page{Block: 2, Data: bytes.Clone(d.pages[d.inForce][:])}
	r := erased(t, keeper{d}, owner)
	if r.Outcome != erase.Failed {
		t.Fatalf("%v: a wrap of the old key is still there", r.Outcome)
	}
}

func TestADriveOfAnotherMakeJoinsAGroup(t *testing.T) {
	servers, err := encgroup.NewMemCluster(entropy.Stream(7, "servers"), "vinz", "zuul")
	must(t, err)
	g := encgroup.New(servers.Servers(), entropy.Stream(7, "group"), &encgroup.MemStore{})
	must(t, g.Configure("rank keys"))
	d := newDrive(t, "OUT2")
	must(t, g.Admit(d))
	must(t, d.Write(3, bytes.Repeat([]byte{0x42}, sectorSize)))
	d.PowerOff()
	must(t, d.PowerOn())
	if !d.Status().Locked {
		t.Fatal("a member is locked after a loss of power")
	}
	must(t, g.Unlock(d))
	got := make([]byte, sectorSize)
	must(t, d.Read(3, got))
	if !bytes.Equal(got, bytes.Repeat([]byte{0x42}, sectorSize)) {
		t.Fatal("the data is another")
	}
}

// A plan is parsed once, armed on a stranger's flash, and says what fired.
func TestAFaultPlanIsArmed(t *testing.T) {
	plan, err := fault.Parse("(flash.program.refused (OnIndex 0))")
	must(t, err)
	f := flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))
	f.Arm(plan)
	f.PowerOn()
	if err := f.Program(0, 0, []byte{1}); !errors.Is(err, flash.ErrProgram) {
		t.Fatalf("the page was not refused: %v", err)
	}
	if fired := plan.Fired(); len(fired) != 1 {
		t.Fatalf("the plan says that %v fired", fired)
	}
}
