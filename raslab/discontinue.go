package raslab

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// DriveVerdict is what the discontinue scan says of one drive.
type DriveVerdict struct {
	Slot, Location, Serial string
	Identity               string // the first 16 digits of the fingerprint that it proved; "" if it proved none
	Passed                 bool
	Verdict                string // verdictErased, verdictNeverWritten, "security degraded", ...
	Certificate            []byte // JSON; nil if it was never erased here, or not proved
}

// What the scan says of a drive that passes.
const (
	verdictErased       = "erased, certificate held"
	verdictNeverWritten = "never written, nothing is on its medium"
)

// DiscontinueReport is the result of the scan.
type DiscontinueReport struct {
	Report
	Verdicts []DriveVerdict  // every drive that is in a slot, in slot order
	Away     []CustodyRecord // drives that left with data, or without being looked at, in the order of arrival
}

// String is the report, with a line for each drive and for each that is away.
func (r DiscontinueReport) String() string {
	text := r.Report.String()
	for _, v := range r.Verdicts {
		text += fmt.Sprintf("\n  %s %s: %s", v.Slot, v.Serial, v.Verdict)
	}
	for _, c := range r.Away {
		text += fmt.Sprintf("\n  away: %s: %s", c.Name(), c.State)
	}
	return text
}

// Discontinue asks every drive for its erase status before the facility leaves its site, and checks
// the answer against what the facility itself proved. A drive passes in one of two ways:
//
//   - it was erased here by the erase engine, it proves to be that very drive, and its
//     medium is bit for bit as it was when the erase was verified;
//   - nothing was ever written to its medium.
//
// Both are read from the medium, as the erase engine does, and not from what the drive says of
// itself. Every other drive is not proved, and the scan says what to do with it. Drives that are
// not there are reported from the custody records. The scan removes nothing and erases nothing; it
// records what it finds. It is refused while ranks exist, because their members are in use.
func (l *Lab) Discontinue() (result DiscontinueReport, failure error) {
	const op = "discontinue"
	defer l.recovered(op, &result.Report, &failure)
	if err := l.idle(op); err != nil {
		return DiscontinueReport{}, err
	}
	if len(l.plant.ranks) > 0 {
		return DiscontinueReport{}, refuse(ErrState, op, fmt.Sprintf("rank %s still exists", l.plant.ranks[0].name()), "remove every rank first")
	}
	rep := l.begin(op, l.options.Serial)
	var out DiscontinueReport
	var bad []finding
	here := l.rollCall()
	for _, p := range here {
		s := p.slot
		v := DriveVerdict{Slot: s.name, Location: s.location, Serial: s.port.Serial()}
		if p.err == nil {
			v.Identity = p.id.String()
		}
		var c *erase.Certificate
		v.Verdict, c, v.Passed = l.eraseStatus(p, here)
		if c != nil {
			v.Certificate = c.JSON()
		}
		out.Verdicts = append(out.Verdicts, v)
		if !v.Passed {
			bad = append(bad, driveFinding(s, v.Serial, v.Verdict))
		}
	}
	if len(bad) > 0 {
		rep.note("%d of %d drives are not proved to be erased", len(bad), len(out.Verdicts))
		l.raise(src.BE34009F, "", bad, unprovenDrives{l})
	} else {
		rep.note("all %d drives that are here are proved to hold no data", len(out.Verdicts))
	}
	lost := l.reportAway(rep, &out, here)
	rep.r.Failed = len(bad) > 0 || lost > 0
	out.Report = rep.done()
	return out, nil
}

// unprovenDrives is drives in their slots that do not pass the erase status of a discontinue.
type unprovenDrives struct{ lab *Lab }

func (m unprovenDrives) still(e *event) (still []string) {
	for _, f := range e.found {
		if f.slot.port.Serial() != f.serial {
			continue // it was taken out
		}
		all := m.lab.rollCall()
		i := slices.IndexFunc(all, func(p present) bool { return p.slot == f.slot })
		if verdict, _, ok := m.lab.eraseStatus(all[i], all); !ok {
			still = append(still, f.slot.name+": "+verdict)
		}
	}
	return still
}

// reportAway reports the drives that are not here, and counts those that somebody has to see to.
func (l *Lab) reportAway(rep *reporter, out *DiscontinueReport, here []present) (lost int) {
	unused := 0
	for _, e := range l.custody.away(here) {
		switch e.State {
		case CustodyHolds:
			lost++
			rep.note("%s is not in the facility, and was not erased here (%s, last in %s): find it and erase it, or let somebody answer for it", quoted(e.Serial), e.Why, e.Slot)
		case CustodyAnswered:
			rep.note("%s is not in the facility, and was not erased here; %s answered for it: %s", quoted(e.Serial), e.By, e.Reason)
			continue
		case CustodyUnused:
			unused++
		default:
			continue // erased here before it left
		}
		out.Away = append(out.Away, *e)
	}
	for _, g := range l.keys.groups { // a member that no record knows would be a gap in the records
		for _, m := range g.enc.Members() {
			if len(l.custody.named[m.Serial]) == 0 && !l.plant.inSlot(m.Serial) {
				panic(fmt.Sprintf("BUG: raslab: %s is a member of key group %d, and has no custody record", m.Serial, g.id))
			}
		}
	}
	if unused > 0 {
		rep.note("%d that no rank used left without being looked at: custody list which=all names them", unused)
	}
	return lost
}

// eraseStatus is the verdict on one drive, and the certificate behind it. The drive's own word is
// necessary but not enough.
func (l *Lab) eraseStatus(p present, here []present) (verdict string, c *erase.Certificate, ok bool) {
	s, st := p.slot, p.slot.port.Status()
	var written int
	if st.Powered {
		written = len(s.port.Dump().Written)
	}
	switch {
	case !st.Powered:
		return "does not answer: nothing is proved", nil, false
	case s.port.part.plain && written == 0:
		return "cannot encrypt; " + verdictNeverWritten, nil, true
	case s.port.part.plain:
		return fmt.Sprintf("not proved: cannot encrypt, and holds %s; exchange it, and see to what it holds", sectorsWritten(written)), nil, false
	case p.err != nil:
		return "not proved: does not prove its identity: " + cause(p.err), nil, false
	case st.State == drive.SecurityDegraded:
		return "security degraded", nil, false
	case st.State != drive.Erased:
		return "configured", nil, false
	}
	if twin := twinOf(here, p); twin != nil {
		return fmt.Sprintf("not proved: %s proves the same identity, one is a copy of the other; take one out, and erase each", twin.name), nil, false
	}
	e := l.custody.of(p.id, s.port.Serial())
	if e == nil {
		e = l.custody.arrived(s, p.id)
	}
	switch {
	case e.NotErased != "":
		return "not erased: " + e.NotErased, nil, false
	case e.State == CustodyErased && bytes.Equal(e.Contents, contents(s.port.Dump())):
		return verdictErased, e.Certificate, true
	case l.ownerOf(s) != nil:
		return "says erased, but its erase was never verified", nil, false
	case e.State == CustodyErased:
		l.custody.found(e, "written since its erase")
		return notProved(e), nil, false
	case e.State == CustodyHolds || e.State == CustodyAnswered:
		return notProved(e), nil, false
	case written > 0:
		l.custody.found(e, sectorsWritten(written)+" that no rank wrote")
		return notProved(e), nil, false
	}
	return verdictNeverWritten, nil, true
}

func notProved(e *CustodyRecord) string { return "not proved: " + e.Why + "; erase it" }

func sectorsWritten(n int) string {
	if n == 1 {
		return "1 sector"
	}
	return fmt.Sprintf("%d sectors", n)
}

// Certificate is the certificate of sanitization of the drive with this serial number that is in a
// slot now: it was erased here, it proves that it is that very drive, and nothing was written to it
// since. It is nil if any of that does not hold, and for a drive that is in no slot, because nobody
// knows what happened to it.
func (l *Lab) Certificate(serial string) (out *erase.Certificate) {
	defer l.unwound("erase certificate", nil)
	for _, s := range l.plant.slots {
		if s.port.part != nil && s.port.Serial() == serial {
			if c, _ := l.certificateAt(s); c != nil {
				return c
			}
		}
	}
	return nil
}

// CertificateAt is Certificate of the drive in a slot, or the record of its erase that was not
// accepted. If there is none, why says why.
func (l *Lab) CertificateAt(slotName string) (c *erase.Certificate, why string, err error) {
	const op = "erase certificate"
	defer l.unwound(op, &err)
	p, err := l.plant.partAt(op, slotName)
	if err != nil {
		return nil, "", err
	}
	if c, why = l.certificateAt(p.slot); c == nil {
		if e := l.custody.at(p.slot); e != nil && e.NotErased != "" {
			c = e.Certificate
		}
	}
	return c, why, nil
}

func (l *Lab) certificateAt(s *slot) (*erase.Certificate, string) {
	if m := s.member(); m != nil && !l.custody.another(m, s) {
		return nil, "it is a member of " + l.plant.rankOf(m).name()
	}
	all := l.rollCall()
	verdict, c, _ := l.eraseStatus(all[slices.IndexFunc(all, func(p present) bool { return p.slot == s })], all)
	return c, verdict
}
