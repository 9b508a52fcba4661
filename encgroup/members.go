package encgroup

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Drive is what a group needs of a drive. A *drive.Drive is one, and so is a port with a drive
// behind it, which may be dead.
type Drive interface {
	Serial() string
	Status() drive.Status
	MSID() (drive.PIN, error)
	Config() drive.Config
	Range(n int) (drive.RangeInfo, error)
	Tries(a drive.Authority) (used, limit uint16, err error)
	Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error)
}

var _ Drive = (*drive.Drive)(nil)

// dataBand is the range that holds customer data: the global one. That a
// facility uses no other is our assumption.
const dataBand = 0

// Members lists the drives of the group by serial, ascending, unfinished
// admissions included.
func (g *Group) Members() []Member {
	out := make([]Member, 0, len(g.rec.Members))
	for _, m := range g.rec.Members {
		if m.Current() {
			out = append(out, m)
		}
	}
	return out
}

// Member is the member with this serial; false if there is none.
func (g *Group) Member(serial string) (Member, bool) {
	m := g.lookup(serial)
	return m, m.Current()
}

// Forget drops a member without touching the drive: the erase engine has erased it, or it is gone
// for good. The record keeps which generations it used. Errors: ErrNotMember, ErrStore.
func (g *Group) Forget(serial string) error {
	m, ok := g.Member(serial)
	if !ok {
		return fmt.Errorf("encgroup: forget %s: %w", serial, ErrNotMember)
	}
	m.Generation, m.Pending = 0, 0
	return g.saveMember(m)
}

// lookup is the record's entry for a serial, or an empty Member with that serial.
func (g *Group) lookup(serial string) Member {
	if i, ok := g.rec.find(serial); ok {
		return g.rec.Members[i]
	}
	return Member{Serial: serial}
}

// next is m with a new generation pending, of the next group key if one is under way.
func (g *Group) next(m Member) (Member, error) {
	if m.Last == math.MaxUint32 {
		return m, errors.New("every credential generation of this drive is used up")
	}
	m.Last++
	m.Pending = m.Last
	if m.Next == 0 && g.rec.rekeying() {
		m.Next = m.Last
	}
	return m, nil
}

// authenticate opens a session as BandMaster of the data range with the
// credential of a generation.
func (g *Group) authenticate(d Drive, generation uint32) (drive.Session, error) {
	pin := g.pin(d.Serial(), generation)
	defer pin.Clear()
	return g.asBandMaster(d, dataBand, pin)
}

func (g *Group) pin(serial string, generation uint32) drive.PIN {
	c := credential(g.ram().of(g.lookup(serial), generation), serial, generation)
	defer c.Clear()
	return drive.CredentialPIN(c)
}

// open tries the credentials of generations in order; 0 stands for none. It goes on to the next
// only after drive.NotAuthorized: every wrong guess counts against the drive's try limit.
func (g *Group) open(d Drive, generations ...uint32) (drive.Session, uint32, error) {
	err := error(drive.NotAuthorized)
	for i, n := range generations {
		if n == 0 || slices.Contains(generations[:i], n) {
			continue
		}
		var s drive.Session
		if s, err = g.authenticate(d, n); err == nil {
			return s, n, nil
		}
		if !errors.Is(err, drive.NotAuthorized) {
			break
		}
	}
	return nil, 0, err
}

// settle records that the drive has this generation and no other.
func (g *Group) settle(m Member, generation uint32) error {
	if m.Generation == generation && m.Pending == 0 {
		return nil
	}
	m.Generation, m.Pending = generation, 0
	return g.saveMember(m)
}

// verify requires of a drive what its rank needs: it is Configured, locks on power loss, does not
// have the factory PIN, opens to the credential, and no other band covers a sector.
func (g *Group) verify(d Drive, generation uint32) error {
	if st := d.Status(); st.State != drive.Configured {
		return fmt.Errorf("%w: it is %v, not %v", ErrUnverified, st.State, drive.Configured)
	}
	r, err := d.Range(dataBand)
	if err != nil {
		return err
	}
	if r.AtMSID || !r.ReadLockEnabled || !r.WriteLockEnabled || r.LockOnReset&drive.OnPowerCycle == 0 {
		return fmt.Errorf("%w: its data range does not lock", ErrUnverified)
	}
	if err := checkBands(d); err != nil {
		return err
	}
	s, err := g.authenticate(d, generation)
	if err != nil {
		return err
	}
	s.Close()
	return nil
}

// member is the drive's membership. The group must be accessible.
func (g *Group) member(d Drive) (Member, error) {
	if g.ram == nil {
		return Member{}, g.noKey()
	}
	m, ok := g.Member(d.Serial())
	if !ok {
		return Member{}, ErrNotMember
	}
	return m, nil
}
