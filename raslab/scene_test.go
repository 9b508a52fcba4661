package raslab

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A scene is a small facility in which things break and service works on it. Its transcript holds
// every report, every line of the log and, at its end, all that the facility says of itself:
// testdata/scenes/NAME.txt. The rehearsals hold the story that an operator sees. A scene tests that
// this package reports all of it.
type scene struct {
	name    string
	options Options
	bare    bool // no key group, array and rank at its beginning
	play    func(*drama)
}

// drama is the facility of a scene and its transcript.
type drama struct {
	*Lab
	t    *testing.T
	out  strings.Builder
	seen uint64
}

func TestScenes(t *testing.T) {
	for _, sc := range slices.Concat(driveScenes, facilityScenes, trustScenes, refusalScenes) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			if sc.options.Drives == 0 {
				sc.options.Drives = 16
			}
			l := newLab(t, sc.options)
			if !sc.bare {
				occupied(t, l)
			}
			s := &drama{Lab: l, t: t, seen: uint64(len(l.trace))}
			if sc.bare {
				s.seen = 0
			}
			sc.play(s)
			s.end()
			golden(t, filepath.Join("testdata", "scenes", strings.ReplaceAll(sc.name, " ", "-")+".txt"), s.out.String())
		})
	}
}

func (s *drama) printf(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// log prints what came to the log since the last call.
func (s *drama) log() {
	for _, e := range s.TraceSince(s.seen) {
		s.printf("    %s %s: %s", e.Time.Format("02 15:04"), e.Actor, e.Text)
		s.seen = e.Seq
	}
}

// act prints a service action and what it did.
func (s *drama) act(format string, args ...any) func(Report, error) Report {
	what := fmt.Sprintf(format, args...)
	return func(r Report, err error) Report {
		s.printf("> %s", what)
		s.log()
		if err != nil {
			s.printf("  refused: %v", err)
			require.Zero(s.t, r.Action, "an action that was refused has no report")
			return r
		}
		s.printf("  %s %s, failed %t", r.Action, r.Object, r.Failed)
		for _, n := range r.Notes {
			s.printf("  note: %s", n)
		}
		for _, d := range r.Drives {
			s.printf("  %s %s %s %s", d.Slot, d.Location, d.Serial, d.Did)
			if d.Err != nil {
				s.printf("    error: %v", d.Err)
			}
		}
		for _, e := range r.Events {
			s.printf("  event %d %s, found %d times", e.ID, e.SRC, e.Count)
		}
		return r
	}
}

// does prints an action that is not a service action.
func (s *drama) does(err error, format string, args ...any) {
	s.printf("> %s", fmt.Sprintf(format, args...))
	s.log()
	if err != nil {
		s.printf("  refused: %v", err)
	}
}

// waits lets time pass.
func (s *drama) waits(d time.Duration) { s.does(s.Advance(d), "wait %s", d) }

// check is a health check by hand.
func (s *drama) check() {
	r := s.CheckHealth()
	s.does(nil, "health check: %+v", r)
}

// writes is the host's part: so many sectors from the first on.
func (s *drama) writes(rank string, seed uint64, sectors int) {
	r, err := s.plant.Rank(rank)
	if err == nil {
		err = r.Write(0, pattern(seed, sectors*s.options.SectorSize))
	}
	s.does(err, "host writes %d sectors of %s", sectors, rank)
}

func (s *drama) reads(rank string, seed uint64, sectors int) {
	got := make([]byte, sectors*s.options.SectorSize)
	r, err := s.plant.Rank(rank)
	if err == nil {
		err = r.Read(0, got)
	}
	same := "that were written"
	if string(got) != string(pattern(seed, len(got))) {
		same = "that were not written"
	}
	if err != nil {
		same = "not"
	}
	s.does(err, "host reads %d sectors of %s: %s", sectors, rank, same)
}

// repairs exchanges a drive for a part of the shelf; "" is a pseudo repair.
func (s *drama) repairs(slot, serial string) {
	s.act("repair start %s", slot)(s.StartRepair(slot))
	s.act("repair exchange %s %q", slot, serial)(s.ExchangeFRU(slot, serial))
	s.act("repair resume %s", slot)(s.ResumeRepair(slot))
}

func (s *drama) part(c PartConfig) *Part {
	p, err := s.OrderSpareAs(c)
	require.NoError(s.t, err)
	return p
}

// spare orders a part that fits, and is the serial number of it.
func (s *drama) spare() string { return s.part(s.Lab.part()).Serial() }

// configured orders a part that has somebody else's credential.
func (s *drama) configured() string {
	p := s.part(s.Lab.part())
	configure(s.t, p)
	return p.Serial()
}

// configure gives a loose drive somebody else's credential.
func configure(t testing.TB, p *Part) {
	t.Helper()
	require.NoError(t, p.Drive.PowerOn())
	msid, err := p.Drive.MSID()
	require.NoError(t, err)
	session, err := p.Drive.Authenticate(drive.BandMaster(0), msid)
	require.NoError(t, err)
	pin, err := drive.NewPIN([]byte("a credential of another house"))
	require.NoError(t, err)
	require.NoError(t, session.SetPIN(pin))
	session.Close()
	p.Drive.PowerOff()
}

// closes tries to close every open event, the last one first.
func (s *drama) closes() {
	open := s.events.OpenEvents()
	slices.Reverse(open)
	for _, e := range open {
		_, err := s.CloseEvent(e.ID, "operator", "", false)
		s.does(err, "event close %d", e.ID)
	}
}

// scan is the discontinue scan.
func (s *drama) scan() {
	d, err := s.Discontinue()
	s.act("discontinue")(d.Report, err)
	for _, v := range d.Verdicts {
		s.printf("  %s %s %s %q: passed %t, %s, certificate %t", v.Slot, v.Location, v.Serial, v.Identity, v.Passed, v.Verdict, v.Certificate != nil)
	}
	for _, a := range d.Away {
		s.printf("  away: %s", custodyLine(a))
	}
}

func custodyLine(r CustodyRecord) string {
	text := fmt.Sprintf("%s in %s: %s since %s", r.Name(), r.Slot, r.State, r.Since.Format("02 15:04"))
	for _, f := range []struct{ what, is string }{{"why", r.Why}, {"not erased", r.NotErased}, {"by", r.By}, {"reason", r.Reason}} {
		if f.is != "" {
			text += ", " + f.what + " " + f.is
		}
	}
	if r.Certificate != nil {
		text += fmt.Sprintf(", certificate %s of %s, %s", r.Certificate.Statement.Method, r.Certificate.Statement.MediaSerial, r.Certificate.Statement.Date)
	}
	return text + fmt.Sprintf(", used %t, keys %d, open %t, present %t, contents %d bytes", r.Used, r.Keys, r.Open(), r.Present, len(r.Contents))
}

// end prints all that the facility says of itself, except for drives that are well.
func (s *drama) end() {
	s.log()
	s.printf("----\naction %q, dark %t", s.service.ServiceAction(), s.power.Dark())
	for _, d := range s.plant.Drives() {
		well := d.State == Normal && d.Answers && !d.Status.Locked && d.Errors == 0 && !d.Plain && d.Why == ""
		if !well || d.Number == 1 {
			s.printf("drive %s %s enclosure %d number %d pair %d site %q array %q rank %q group %d serial %q: %s, %s (%s) predicted %t errors %d answers %t plain %t %v locked %t generation %d",
				d.Slot, d.Location, d.Enclosure, d.Number, d.DAPair, d.Site, d.Array, d.Rank, d.KeyGroup, d.Serial, d.State, d.Use, d.Why, d.Predicted, d.Errors, d.Answers, d.Plain, d.Status.State, d.Status.Locked, d.Status.KeyGeneration)
		}
	}
	for _, e := range s.plant.Enclosures() {
		s.printf("enclosure %d %s %s pair %d, %d slots from %s", e.Number, e.Name, e.Location, e.DAPair, len(e.Slots), e.Slots[0].Slot)
	}
	for _, x := range s.plant.Sites() {
		s.printf("site %+v", x)
	}
	for _, a := range s.plant.Arrays() {
		s.printf("array %+v", a)
	}
	for _, p := range s.plant.Pools() {
		s.printf("pool %+v", p)
	}
	for _, r := range s.plant.Ranks() {
		s.printf("rank %s group %d: %s, data %s, array %s %s pool %s key group %d, %d rows, %d sectors", r.ID, r.Group, r.State, r.DataState, r.Array, r.RAID, r.Pool, r.KeyGroup, r.Rows, r.Capacity)
		for _, m := range r.Members {
			s.printf("  %+v", m)
		}
		for _, o := range s.owed.OwedToRank(r.ID) {
			s.printf("  owed %s", o)
		}
	}
	for _, p := range s.Partitions() {
		s.printf("partition %d %s, access %t, since %s", p.ID, p.State, p.DataAccess, p.LastIML.Format("02 15:04"))
	}
	for _, f := range s.DriveFailures() {
		s.printf("failure %+v", f)
	}
	for _, o := range s.Owed() {
		s.printf("owed %s", o)
	}
	for _, g := range s.Groups() {
		for _, o := range s.OwedToGroup(g.ID) {
			s.printf("owed to group %d %s", g.ID, o)
		}
	}
	for _, e := range s.events.Events() {
		s.printf("event %d %s %v count %d first %s last %s partitions %v open %t", e.ID, e.SRC, e.Severity, e.Count, e.First.Format("02 15:04"), e.Last.Format("02 15:04"), e.Partitions, e.Open)
		for i, f := range e.Found {
			s.printf("  %s: %s", e.Locations[i], f)
		}
		s.printf("  slots %v serials %v", e.Slots, e.Serials)
		for _, f := range e.FRUs {
			s.printf("  FRU %+v", f)
		}
		if !e.Open {
			s.printf("  closed %s by %s: %s", e.Closed.Format("02 15:04"), e.ClosedBy, e.ClosedWhy)
		}
	}
	for _, r := range s.Custody() {
		if r.State != CustodyUnused || !r.Present {
			s.printf("custody %s", custodyLine(r))
		}
	}
	for _, p := range s.Shelf().Parts() {
		s.printf("shelf %s: plain %t, dead %t, plan %q", s.Shelf().Name(p), p.Plain(), p.Dead(), p.Plan())
	}
}
