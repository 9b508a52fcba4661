package outside

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var (
	_ raslab.Drive      = (*Drive)(nil)
	_ raslab.Injectable = (*Drive)(nil)
)

const slot = "R1-I1-D01"

// done fails the test unless the action reached its aim.
func done(t *testing.T, r raslab.Report, err error) {
	t.Helper()
	must(t, err)
	if r.Failed {
		t.Fatalf("%s: %v", r.Action, r.Notes)
	}
}

// seated is a facility with an encrypted rank R0, one member of which is a drive of another make.
func seated(t *testing.T) (*raslab.Lab, *Drive) {
	t.Helper()
	shelf := raslab.NewShelf(7)
	lab, err := raslab.New(raslab.Options{Drives: 16, Sectors: 4096, Seed: 7, Shelf: shelf})
	must(t, err)
	must(t, lab.Pull(slot))
	d := newDrive(t, "OUT3")
	_, err = shelf.Add(d, drive.Label{Serial: "OUT3", MSID: d.fuses.MSID.Clone(), PSID: d.psid.Clone()})
	must(t, err)
	r, err := lab.Insert(slot, "OUT3")
	done(t, r, err)
	r, err = lab.ConfigureGroup(1)
	done(t, r, err)
	r, err = lab.CreateArray("S1", raslab.RAIDAuto)
	done(t, r, err)
	r, err = lab.CreateRank("A0", 1)
	done(t, r, err)
	if i, err := lab.Drive(slot); err != nil || i.Rank != "R0" || d.Status().State != drive.Configured {
		t.Fatalf("the drive is no member of the rank: %+v, %v", i, err)
	}
	return lab, d
}

func events(lab *raslab.Lab) (codes []string) {
	for _, e := range lab.OpenEvents() {
		codes = append(codes, e.SRC)
	}
	return codes
}

// The rank stores data on the drive, and a facility that was without power opens it again.
func TestADriveOfAnotherMakeServesInARank(t *testing.T) {
	lab, d := seated(t)
	rank, err := lab.Rank("R0")
	must(t, err)
	want := bytes.Repeat([]byte("payroll "), 64)
	for row := range uint64(32) {
		must(t, rank.Write(row, want))
	}
	if len(d.Dump().Written) == 0 {
		t.Fatal("nothing was written to the drive")
	}
	must(t, lab.CutFacilityPower())
	if d.Status().Powered {
		t.Fatal("the drive has power, and the facility has none")
	}
	r, err := lab.RestoreFacilityPower()
	done(t, r, err)
	got := make([]byte, len(want))
	for row := range uint64(32) {
		must(t, rank.Read(row, got))
		if !bytes.Equal(got, want) {
			t.Fatalf("row %d is another", row)
		}
	}
	if c := events(lab); len(c) > 0 {
		t.Fatalf("the facility is well, and the events are %v", c)
	}
}

func TestADriveOfAnotherMakeTakesItsNextCredential(t *testing.T) {
	lab, d := seated(t)
	before := d.pages[d.inForce]
	r, err := lab.RekeyDrive(slot)
	done(t, r, err)
	if d.pages[d.inForce] == before {
		t.Fatal("the record of the drive is the old one")
	}
	r, err = lab.RekeyGroupKey(1)
	done(t, r, err)
	if h := lab.CheckHealth(); h.Checked == 0 || len(h.Bad) > 0 {
		t.Fatalf("after the rekey the check says %+v", h)
	}
}

// The check finds what somebody did at the bus, and a spare takes the place of the drive.
func TestTheHealthCheckMeetsADriveOfAnotherMake(t *testing.T) {
	lab, d := seated(t)
	if h := lab.CheckHealth(); h.Checked != 7 || len(h.Bad) > 0 {
		t.Fatalf("the rank is well, and the check says %+v", h)
	}
	must(t, d.RevertPSID(d.psid))
	if h := lab.CheckHealth(); !slices.Equal(h.Bad, []string{slot}) {
		t.Fatalf("the drive was reverted, and the check says %+v", h)
	}
	if c := events(lab); !slices.Contains(c, "BE3400B3") {
		t.Fatalf("the events are %v", c)
	}
}

// A rank that is removed gives its drives back erased, with a certificate.
func TestADriveOfAnotherMakeIsErasedAndCertified(t *testing.T) {
	lab, d := seated(t)
	r, err := lab.RemoveRank("R0")
	done(t, r, err)
	if s := d.Status().State; s != drive.Erased {
		t.Fatalf("the drive is %v", s)
	}
	if lab.Certificate("OUT3") == nil {
		t.Fatal("it was erased, and has no certificate")
	}
	if v, err := lab.Discontinue(); err != nil || v.Failed {
		t.Fatalf("the scan says %v, %v", v.Notes, err)
	}
}

// A plan reaches the parts that the drive lets it into, and the port of its slot.
func TestFaultsOfADriveOfAnotherMake(t *testing.T) {
	arm := func(lab *raslab.Lab, text string) error {
		plan, err := fault.Parse(text)
		must(t, err)
		return lab.Arm(slot, plan)
	}
	lab, d := seated(t)
	if err := arm(lab, "(flash.program.refused)"); err == nil || !strings.Contains(err.Error(), "drive OUT3 lets no faults into its flash") {
		t.Fatalf("the drive has no fault points in its flash, and the answer is %v", err)
	}
	must(t, arm(lab, "(media.write.error (LBA 0))"))
	rank, err := lab.Rank("R0")
	must(t, err)
	for row := range uint64(8) {
		must(t, rank.Write(row, make([]byte, sectorSize)))
	}
	if d.faults.plan.Fired() == nil {
		t.Fatal("the fault did not fire")
	}
	must(t, lab.Disarm(slot))
	must(t, arm(lab, "(port.command.dead)"))
	must(t, lab.Advance(2*time.Hour))
	if i, err := lab.Drive(slot); err != nil || i.State != raslab.Failed {
		t.Fatalf("the electronics died, and the drive is %v, %v", i.State, err)
	}
}
