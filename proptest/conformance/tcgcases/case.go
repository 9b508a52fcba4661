package tcgcases

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Disk moves sectors of the device, whole ones from a sector on, as a host without any PIN does.
type Disk interface {
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
}

// Bench is a device that is judged.
type Bench struct {
	Transport transport.Transport
	PSID      drive.PIN    // of its label
	Wait      func()       // between two polls; nil does not wait
	Disk      Disk         // nil: the sectors cannot be reached
	Sector    int          // bytes of a sector of Disk
	Power     func() error // takes the power and gives it back; nil: nobody can
}

// Outcome is how a row ended.
type Outcome string

// The outcomes.
const (
	Passed        Outcome = "passed"
	Failed        Outcome = "failed"
	NotApplicable Outcome = "not applicable"
	NotJudged     Outcome = "not judged"
)

// Verdict is that of one row.
type Verdict struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"` // empty where it passed
}

// Case is a row of the list.
type Case struct {
	ID, Name string
	// Never is why the row applies to no device here, Enterprise why it does not to one of that SSC.
	Never, Enterprise string

	run func(*trial)
}

// Cases are the rows of the list, in its order.
func Cases() []Case {
	return append(append(useCases(), functionCases()...), errorCases()...)
}

// notTried is why a row is not judged behind one at whose beginning the PSID was refused: a device has so many
// tries, and may never be reverted again behind the last one.
const notTried = "the PSID was refused before, and a wrong one is tried once"

// Run judges a device by rows, those whose identifiers are named, or all. It reverts the device before each. A PSID
// that the device refuses is not tried again.
func Run(b Bench, only ...string) []Verdict {
	var all []Verdict
	refused := false
	for _, c := range Cases() {
		named := len(only) == 0
		for _, id := range only {
			named = named || strings.EqualFold(id, c.ID)
		}
		switch {
		case !named:
		case refused && c.Never == "":
			all = append(all, Verdict{ID: c.ID, Name: c.Name, Outcome: NotJudged, Why: notTried})
		default:
			v, psid := judge(b, c)
			all, refused = append(all, v), refused || psid
		}
	}
	return all
}

// judge runs one row. refused: the device refused the PSID.
func judge(b Bench, c Case) (v Verdict, refused bool) {
	v = Verdict{ID: c.ID, Name: c.Name, Outcome: Passed}
	if c.Never != "" {
		v.Outcome, v.Why = NotApplicable, c.Never
		return v, false
	}
	t := &trial{Bench: b}
	defer func() {
		refused = t.psidRefused
		switch end := recover().(type) {
		case nil:
		case ending:
			v.Outcome, v.Why = end.outcome, end.why
		default:
			panic(end)
		}
	}()
	t.begin()
	if t.enterprise() && c.Enterprise != "" {
		v.Outcome, v.Why = NotApplicable, c.Enterprise
		return v, false
	}
	c.run(t)
	return v, false
}

// ending is with what a row ends before its last step.
type ending struct {
	outcome Outcome
	why     string
}

// trial is one row at work.
type trial struct {
	Bench
	dev  *host.Device
	msid drive.PIN

	psidRefused bool
}

func (t *trial) end(o Outcome, format string, args ...any) {
	panic(ending{o, fmt.Sprintf(format, args...)})
}

// need fails the row unless ok holds; the sentence says what must hold.
func (t *trial) need(ok bool, format string, args ...any) {
	if !ok {
		t.end(Failed, "it does not hold that "+format, args...)
	}
}

// works fails the row where a step is refused.
func (t *trial) works(err error, step string) {
	if err != nil {
		t.end(Failed, "%s: %s", step, strings.TrimPrefix(err.Error(), "tcg: "))
	}
}

// refused fails the row unless a step is refused with one of some statuses.
func (t *trial) refused(err error, step string, with ...spec.Status) {
	var names []string
	for _, st := range with {
		if errors.Is(err, st) {
			return
		}
		names = append(names, st.String())
	}
	got := "it was done"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "tcg: ")
	}
	t.end(Failed, "%s: %s, and not %s", step, got, strings.Join(names, " or "))
}

// begin makes the device what the factory made it.
func (t *trial) begin() {
	var err error
	t.dev, err = host.Open(t.Transport, host.Options{Wait: t.Wait})
	t.works(err, "opening the device")
	t.works(t.dev.Recover(), "STACK_RESET")
	err = t.dev.Revert(t.PSID)
	t.psidRefused = errors.Is(err, spec.NotAuthorized) || errors.Is(err, spec.AuthorityLockedOut)
	t.works(err, "the revert by PSID that every row begins with")
	t.reopen()
	t.msid, err = t.dev.MSID()
	t.works(err, "reading MSID")
}

// reopen asks the device anew what it is, with no session left.
func (t *trial) reopen() {
	var err error
	t.dev, err = host.Open(t.Transport, host.Options{Wait: t.Wait})
	t.works(err, "opening the device")
	t.works(t.dev.Recover(), "STACK_RESET")
}

func (t *trial) enterprise() bool { return t.dev.Enterprise() }

// pin is a PIN of the trial.
func pin(text string) drive.PIN {
	p, err := drive.NewPIN([]byte(text))
	if err != nil {
		panic("BUG: tcgcases: " + err.Error())
	}
	return p
}

var owner = pin("owner of this device")

// own gives SID, or each master of an Enterprise device, the owner's PIN, and activates the Locking SP.
func (t *trial) own() {
	o := host.Owner{SID: owner}
	if t.enterprise() {
		i, err := t.dev.LockingInfo()
		t.works(err, "reading LockingInfo")
		o.EraseMaster = owner
		for range min(i.MaxRanges, 1) + 1 {
			o.Bands = append(o.Bands, owner)
		}
	}
	t.works(t.dev.TakeOwnership(o), "taking ownership")
	if !t.enterprise() {
		t.works(t.dev.Activate(owner, host.Activation{}), "activating the Locking SP")
	}
}

// master is who governs range n: Admin1, or its BandMaster.
func (t *trial) master(n int) host.Credential {
	if t.enterprise() {
		return host.Credential{Who: spec.BandMaster(n), PIN: owner}
	}
	return host.Credential{Who: spec.Admin(1), PIN: owner}
}

// row is the row of table Locking of range n.
func (t *trial) row(n int) spec.UID {
	if t.enterprise() {
		return spec.Band(n)
	}
	return spec.Range(n)
}

// set sets columns of range n as somebody.
func (t *trial) set(n int, by host.Credential, cells ...host.Cell) error {
	return t.as(t.dev.LockingSP(), by, func(s *host.Session) error { return s.Set(t.row(n), cells...) })
}

// as runs do in a session in somebody's name.
func (t *trial) as(sp spec.UID, by host.Credential, do func(*host.Session) error) error {
	s, err := t.start(sp, by)
	if err != nil {
		return err
	}
	err = do(s)
	var closed *host.ClosedError
	if end := s.Close(); err == nil && !errors.As(end, &closed) {
		err = end
	}
	return err
}

func (t *trial) start(sp spec.UID, by host.Credential) (*host.Session, error) {
	if by.Who == spec.Null {
		return t.dev.Start(sp, host.SessionOptions{})
	}
	return t.dev.StartAs(sp, by.Who, by.PIN, host.SessionOptions{})
}

// session is start of a session that must work.
func (t *trial) session(sp spec.UID, by host.Credential) *host.Session {
	s, err := t.start(sp, by)
	t.works(err, "opening a session")
	return s
}

func flag(column string, on bool) host.Cell { return host.Cell{Column: column, Value: token.Bool(on)} }

func number(column string, n uint64) host.Cell { return host.Cell{Column: column, Value: token.U(n)} }

// locks are the two lock columns of a range.
func locks(read, write bool) []host.Cell {
	return []host.Cell{flag("ReadLocked", read), flag("WriteLocked", write)}
}

// grid is a start and a length that fit the device.
func (t *trial) grid() (start, length uint64) {
	if g, ok := t.dev.Discovery().Geometry(); ok && g.Align && g.AlignmentGranularity > 0 {
		return g.LowestAlignedLBA + g.AlignmentGranularity, 2 * g.AlignmentGranularity
	}
	return 64, 64
}

// place puts range 1 on the grid, with both locks enabled.
func (t *trial) place() (start, length uint64) {
	if i, err := t.dev.LockingInfo(); err == nil && i.MaxRanges < 1 {
		t.end(NotApplicable, "the device has the global range alone")
	}
	start, length = t.grid()
	t.works(t.set(1, t.master(1), number("RangeStart", start), number("RangeLength", length), flag("ReadLockEnabled", true), flag("WriteLockEnabled", true)),
		"placing range 1 and enabling its locks")
	return start, length
}

// disk ends the row as not judged where the sectors cannot be reached.
func (t *trial) disk() {
	if t.Disk == nil {
		t.end(NotJudged, "it takes a way to the sectors, which a security interface is not")
	}
}

// cycle takes the power and gives it back, or ends the row as not judged.
func (t *trial) cycle() {
	if t.Power == nil {
		t.end(NotJudged, "it takes a hand at the power of the device")
	}
	t.works(t.Power(), "the power cycle")
	t.reopen()
}

// fill is a sector of one byte.
func (t *trial) fill(b byte) []byte {
	s := make([]byte, t.Sector)
	for i := range s {
		s[i] = b
	}
	return s
}

// holds says whether a sector reads as one of a byte.
func (t *trial) holds(lba uint64, b byte) bool {
	got := make([]byte, t.Sector)
	return t.Disk.Read(lba, got) == nil && string(got) == string(t.fill(b))
}
