package remote

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Identity is what is printed on a drive, and what it answers to Identify.
type Identity struct {
	Serial, Model string
	SectorSize    int // bytes
	Sectors       uint64
}

// Block is the block interface of a drive. Errors are drive.StatusErrors, of which the codes are used.
type Block interface {
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	// SelfTest is the device self-test, as of NVMe.
	SelfTest() error
}

// Drive is a drive at the other end of its interfaces.
type Drive struct {
	id    Identity
	block Block
	t     transport.Transport
	h     *host.Device  // nil: to be opened
	fixed *drive.Config // what the factory decided; nil: not asked yet
	open  []*session    // at most one at each service provider
}

// New makes a Drive of its transport, of what is printed on it, and of its block interface. Nothing is
// sent yet.
func New(t transport.Transport, id Identity, b Block) *Drive { return &Drive{id: id, block: b, t: t} }

// Serial is the serial number on the label.
func (d *Drive) Serial() string { return d.id.Serial }

// Read reads whole sectors.
func (d *Drive) Read(lba uint64, dst []byte) error { return bare("read", d.block.Read(lba, dst)) }

// Write writes whole sectors.
func (d *Drive) Write(lba uint64, src []byte) error { return bare("write", d.block.Write(lba, src)) }

// SelfTest lets the drive check the record of its security area.
func (d *Drive) SelfTest() error { return bare("self test", d.block.SelfTest()) }

// bare leaves of a status what a block interface gives: which it is.
func bare(op string, err error) error {
	var st *drive.StatusError
	if errors.As(err, &st) {
		return refused(op, st.Code)
	}
	return err
}

func refused(op string, c drive.Code) error { return &drive.StatusError{Op: op, Code: c} }

// codes are what the statuses of a wire stand for.
var codes = []struct {
	of   error
	code drive.Code
}{
	{spec.NotAuthorized, drive.NotAuthorized},
	{spec.AuthorityLockedOut, drive.LockedOut},
	{spec.SPBusy, drive.SPBusy},
	{spec.NoSessionsAvailable, drive.SPBusy},
	{spec.InvalidParameter, drive.InvalidParameter},
	{spec.InsufficientSpace, drive.NoSpace},
	{spec.TransactionFailure, drive.Conflict},
	{transport.NoPower, drive.NoPower},
	{transport.Sanitizing, drive.SanitizeInProgress},
}

// coded is an error of the wire as package drive has it. What is no status stays what it is.
func (d *Drive) coded(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, transport.NoPower) {
		d.h = nil // it negotiates anew
	}
	var known *drive.StatusError
	if errors.As(err, &known) {
		return refused(op, known.Code)
	}
	var closed *host.ClosedError
	if errors.As(err, &closed) {
		return refused(op, drive.NoSession)
	}
	for _, c := range codes {
		if errors.Is(err, c.of) {
			return refused(op, c.code)
		}
	}
	if errors.Is(err, spec.Fail) {
		return refused(op, d.failed())
	}
	return err
}

// failures are what FAIL stands for, as a report numbers it.
var failures = map[uint8]drive.Code{
	spec.FailedDegraded: drive.Degraded, spec.FailedState: drive.InvalidState, spec.FailedEntropy: drive.EntropyFailure,
}

// failed says what a FAIL was about.
func (d *Drive) failed() drive.Code {
	if r, err := d.report(); err == nil && failures[r.LastFailure] != 0 {
		return failures[r.LastFailure]
	}
	return drive.HardwareFailure
}

// report asks for the page of the maker.
func (d *Drive) report() (*spec.Report, error) {
	b, err := d.t.Receive(transport.ProtocolMaker, spec.MakerReport, spec.ReportSize)
	if err != nil {
		return nil, err
	}
	return spec.ParseReport(b)
}

// recorded is report of a drive that has a record; any other is refused as Degraded, or as what it is.
func (d *Drive) recorded(op string) (*spec.Report, error) {
	r, err := d.report()
	if err != nil {
		return nil, d.coded(op, err)
	}
	if len(r.Authorities) < 2 { // PSID alone
		return nil, refused(op, drive.Degraded)
	}
	return r, nil
}

// device opens the drive as a host that has just come, if it is not open.
func (d *Drive) device() (*host.Device, error) {
	if d.h == nil {
		h, err := host.Open(d.t, host.Options{})
		if err != nil {
			return nil, err
		}
		if !h.Enterprise() {
			return nil, errors.New("remote: the device does not speak SSC Enterprise")
		}
		d.h = h
	}
	return d.h, nil
}

// ask does something in the session that is open with a service provider, or in one of its own.
func (d *Drive) ask(op string, sp spec.UID, do func(*host.Session) error) error {
	for _, s := range d.open {
		if s.sp != sp {
			continue
		}
		err := do(s.s)
		var closed *host.ClosedError
		if !errors.As(err, &closed) {
			return d.coded(op, err)
		}
		s.gone() // a reset ended it
		break
	}
	h, err := d.device()
	if err != nil {
		return d.coded(op, err)
	}
	s, err := h.Start(sp, host.SessionOptions{ReadOnly: true})
	if err != nil {
		return d.coded(op, err)
	}
	err = do(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return d.coded(op, err)
}

// states are the lifecycle states as a report numbers them.
var states = map[uint8]drive.State{
	spec.ReportErased: drive.Erased, spec.ReportConfigured: drive.Configured, spec.ReportSecurityDegraded: drive.SecurityDegraded,
}

// Status is what the drive says of itself; that of a drive that does not answer is zero.
func (d *Drive) Status() drive.Status {
	r, err := d.report()
	if err != nil {
		return drive.Status{}
	}
	found, err := host.Discover(d.t)
	if err != nil {
		return drive.Status{}
	}
	l, _ := found.Locking()
	return drive.Status{
		Powered: true, State: states[r.State], Locked: l.Locked, LockEnabled: r.LockEnabled, KeyGeneration: r.KeyGeneration, ScrubNeeded: r.ScrubNeeded,
	}
}

// Config is what the factory decided. Before the drive has answered for the first time it is what is
// printed on it.
func (d *Drive) Config() drive.Config {
	if d.fixed != nil {
		return *d.fixed
	}
	c := drive.Config{Serial: d.id.Serial, Model: d.id.Model, SectorSize: d.id.SectorSize, Sectors: d.id.Sectors}
	r, err := d.report()
	if err != nil {
		return c
	}
	err = d.ask("config", spec.EnterpriseLockingSP, func(s *host.Session) error {
		i, err := s.LockingInfo()
		c.Ranges = i.MaxRanges
		if i.AlignmentRequired {
			c.AlignmentGranularity, c.LowestAlignedLBA = i.AlignmentGranularity, i.LowestAlignedLBA
		}
		return err
	})
	if err != nil {
		return c
	}
	c.TryLimit, c.Persistent, c.PBKDF2Iterations = r.TryLimit, r.Persistent, int(r.Iterations)
	d.fixed = &c
	return c
}

// MSID is the factory PIN.
func (d *Drive) MSID() (pin drive.PIN, err error) {
	err = d.ask("msid", spec.AdminSP, func(s *host.Session) error {
		pin, err = s.MSID()
		return err
	})
	return pin, err
}

// Tries is how many authentications of an authority failed since the last one that worked, and the
// TryLimit.
func (d *Drive) Tries(a drive.Authority) (used, limit uint16, err error) {
	const op = "tries"
	ask := d.recorded
	if a == drive.PSID {
		ask = func(string) (*spec.Report, error) { return d.report() }
	}
	r, err := ask(op)
	if err != nil {
		return 0, 0, d.coded(op, err)
	}
	u, _ := d.uid(a)
	row, ok := r.Find(u)
	if !ok {
		return 0, 0, refused(op, drive.InvalidParameter)
	}
	return row.Tries, r.TryLimit, nil
}

// Range is range n as its row in table Locking has it, with what there is to say of its BandMaster.
func (d *Drive) Range(n int) (i drive.RangeInfo, err error) {
	const op = "range"
	r, err := d.recorded(op)
	if err != nil {
		return i, err
	}
	master, ok := r.Find(spec.BandMaster(max(n, 0)))
	if !ok || n < 0 {
		return i, refused(op, drive.InvalidParameter)
	}
	err = d.ask(op, spec.EnterpriseLockingSP, func(s *host.Session) error {
		b, err := s.Band(n)
		i = infoOf(b)
		return err
	})
	i.AtMSID = master.AtMSID
	return i, err
}

// resets are the kinds of reset, in both languages.
var resets = []struct {
	is   drive.ResetSet
	kind uint64
}{{drive.OnPowerCycle, spec.PowerCycle}, {drive.OnHardware, spec.HardwareReset}, {drive.OnHotPlug, spec.HotPlugReset}}

func infoOf(b host.Band) (i drive.RangeInfo) {
	i.Start, i.Length, i.ReadLockEnabled, i.WriteLockEnabled = b.Start, b.Length, b.ReadLockEnabled, b.WriteLockEnabled
	i.ReadLocked, i.WriteLocked, i.Disabled = b.ReadLocked, b.WriteLocked, b.MasterDisabled
	for _, r := range resets {
		for _, kind := range b.LockOnReset {
			if kind == r.kind {
				i.LockOnReset |= r.is
			}
		}
	}
	return i
}

func bandOf(c drive.RangeConfig) host.BandConfig {
	b := host.BandConfig{Start: c.Start, Length: c.Length, ReadLockEnabled: c.ReadLockEnabled, WriteLockEnabled: c.WriteLockEnabled}
	for _, r := range resets {
		if c.LockOnReset&r.is != 0 {
			b.LockOnReset = append(b.LockOnReset, r.kind)
		}
	}
	return b
}

// Attest lets the drive prove its factory identity.
func (d *Drive) Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error) {
	const op = "attest"
	if err := d.t.Send(transport.ProtocolMaker, spec.MakerAttestation, challenge[:]); err != nil {
		return drive.Attestation{}, d.coded(op, err)
	}
	b, err := d.t.Receive(transport.ProtocolMaker, spec.MakerAttestation, 512)
	if err != nil {
		return drive.Attestation{}, d.coded(op, err)
	}
	a, err := spec.ParseAttestation(b)
	if err != nil {
		return drive.Attestation{}, err
	}
	return drive.Attestation{Identity: a.Identity, Serial: a.Serial, Signature: a.Signature}, nil
}

// RevertPSID gives everything up, with the PIN of the label.
func (d *Drive) RevertPSID(psid drive.PIN) error {
	const op = "revert psid"
	if psid.Len() == 0 {
		return refused(op, drive.InvalidParameter)
	}
	s, err := d.login(op, spec.PSID, psid)
	if err != nil {
		return err
	}
	_, err = s.Call(spec.AdminSP, spec.Revert)
	_ = s.Close() // the drive has ended it
	return d.coded(op, d.lost(err))
}

// lost makes of a drive that answered before a command, and does not now, one that lost its power in it.
func (d *Drive) lost(err error) error {
	if errors.Is(err, transport.NoPower) {
		d.h = nil
		return refused("", drive.PowerLost)
	}
	return err
}
