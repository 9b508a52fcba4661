package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// groupWorld is a facility with one encryption group: its record is in a key repository, its drives are in
// slots, and the key servers are the customer's.
type groupWorld struct {
	supply  *supply
	seed    uint64
	streams string // names the random streams, with starts
	starts  int
	cluster *encgroup.MemCluster
	store   encgroup.Store
	group   *encgroup.Group
	random  io.Reader
	drives  []*groupDrive
	op      groupOperation
	done    bool
	uid     string // of the data key before the operation
	used    uint32 // the newest generation of the drive before the operation
}

// groupDrive is a drive of it.
type groupDrive struct {
	*drive.Drive
	label drive.Label
	chip  *chip
	plain []byte // of the customer, in sector 0; nil is none
}

// groupOperation is what is done with a group. The drive that it is about is the first.
type groupOperation struct {
	name, about string
	prepare     func(w *groupWorld, d *groupDrive) error
	do          func(w *groupWorld, d *groupDrive) error
	// resume finishes it after a loss of power; nil is that the members are unlocked.
	resume  func(w *groupWorld, d *groupDrive) error
	blank   bool // the group is not configured before
	erases  bool // the customer's data on the drive may go
	grows   bool // the drive ends with a newer credential, if the operation was acknowledged
	noDrive bool
}

func admitted(w *groupWorld, d *groupDrive) error {
	if err := w.group.Admit(d); err != nil {
		return err
	}
	d.plain = bytes.Repeat([]byte("customer data on "+d.Serial()+" "), 512)[:512]
	return d.Write(0, d.plain)
}

func rekey(w *groupWorld, d *groupDrive) error { return w.group.Rekey(d) }

func readmit(w *groupWorld, d *groupDrive) error { return w.group.Readmit(d) }

// joined takes a drive in whose admission was cut, and finishes it.
func joined(w *groupWorld, d *groupDrive) error {
	if m, ok := w.group.Member(d.Serial()); ok && m.Generation != 0 {
		return w.group.Readmit(d)
	}
	return w.group.Admit(d)
}

// erased is a member that somebody reverted with the PSID.
func erased(w *groupWorld, d *groupDrive) error {
	if err := admitted(w, d); err != nil {
		return err
	}
	d.plain = nil
	return d.RevertPSID(d.label.PSID)
}

func released(w *groupWorld, d *groupDrive) error { return w.group.Release(d) }

// given takes a drive back whose release may have been cut.
func given(w *groupWorld, d *groupDrive) error {
	if m, ok := w.group.Member(d.Serial()); ok && m.Generation == w.used {
		if err := w.group.Release(d); err != nil {
			return err
		}
	}
	return joined(w, d)
}

func rekeyed(w *groupWorld, _ *groupDrive) error {
	var drives []encgroup.Drive
	for _, d := range w.drives {
		drives = append(drives, d)
	}
	_, err := w.group.RekeyGroupKey(drives)
	return err
}

func dataRekeyed(w *groupWorld, _ *groupDrive) error { _, err := w.group.RekeyDataKey(); return err }

var groupCases = []groupOperation{
	{
		name: "configure", about: "the data key and the group key are made", blank: true, noDrive: true,
		do: func(w *groupWorld, _ *groupDrive) error { return w.group.Configure("test") },
	},
	{name: "admit", about: "a drive joins", do: func(w *groupWorld, d *groupDrive) error { return w.group.Admit(d) }, resume: joined},
	{name: "admit-used", about: "a drive joins on which somebody has placed and locked a range", prepare: func(_ *groupWorld, d *groupDrive) error {
		return d.as(drive.BandMaster(1), d.label.MSID, func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true})
		})
	}, do: func(w *groupWorld, d *groupDrive) error { return w.group.Admit(d) }, resume: joined},
	{name: "rekey", about: "a member's next credential, resumed by its unlock", prepare: admitted, do: rekey, grows: true},
	{name: "rekey-readmit", about: "the same, resumed by its readmission", prepare: admitted, do: rekey, resume: readmit, grows: true},
	{name: "rekey-rekey", about: "the same, resumed by another rekey", prepare: admitted, do: rekey, resume: rekey, grows: true},
	{name: "readmit-erased", about: "a member comes back that somebody has reverted", prepare: erased, do: readmit, resume: readmit, erases: true},
	{name: "release", about: "a member is erased and dropped, and joins again", prepare: admitted, do: released, resume: given, erases: true, grows: true},
	{name: "forget", about: "a member is dropped from the record", noDrive: true, prepare: erased, do: func(w *groupWorld, d *groupDrive) error { return w.group.Forget(d.Serial()) }, resume: joined, erases: true},
	{name: "group-key", about: "a new group key for all members", prepare: admitted, do: rekeyed, grows: true, resume: func(w *groupWorld, d *groupDrive) error {
		if w.group.Rekeying().GroupKey {
			return rekeyed(w, d)
		}
		return nil
	}},
	{name: "data-key", about: "a new data key, which touches no drive", noDrive: true, prepare: admitted, do: dataRekeyed},
}

func groupOperations() (out []operation) {
	for _, c := range groupCases {
		out = append(out, operation{"group", c.name, c.about, func(seed uint64) (world, error) { return newGroupWorld(c, seed) }, c.noDrive})
	}
	return out
}

// groupPages is how many pages a copy of the group's repository has.
const groupPages = 8

var groupGeometry = flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 2048}

func newGroupWorld(op groupOperation, seed uint64) (world, error) {
	w := &groupWorld{supply: &supply{on: true}, seed: seed, op: op, random: entropy.Stream(seed, "group")}
	var err error
	if w.cluster, err = encgroup.NewMemCluster(entropy.Stream(seed, "key servers"), "ks1", "ks2"); err != nil {
		return nil, err
	}
	for range repository.CopiesMin {
		w.supply.newCopy(groupPages)
	}
	repo, err := repository.Create(w.random, w.supply.devices()...)
	if err != nil {
		return nil, err
	}
	w.store = repo.Store("group")
	w.group = encgroup.New(w.cluster.Servers(), w.random, w.store)
	if op.blank {
		return w, nil
	}
	if err := w.group.Configure("test"); err != nil {
		return nil, err
	}
	for _, serial := range []string{"A1", "B1"} {
		if err := w.add(serial); err != nil {
			return nil, err
		}
	}
	if err := admitted(w, w.drives[1]); err != nil {
		return nil, err
	}
	if op.prepare != nil {
		if err := op.prepare(w, w.drives[0]); err != nil {
			return nil, err
		}
	}
	if m, ok := w.group.Member("A1"); ok {
		w.used = m.Last
	}
	w.uid = w.group.UID()
	return w, nil
}

// add manufactures a drive.
func (w *groupWorld) add(serial string) error {
	d := &groupDrive{chip: w.supply.chip(flash.NewMem(groupGeometry))}
	cfg := drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 16, Ranges: 1, TryLimit: 8, Persistent: true, PBKDF2Iterations: 1}
	var err error
	d.Drive, d.label, err = drive.Manufacture(cfg, drive.Parts{Flash: d.chip, Media: d.chip.media(), Entropy: entropy.Stream(w.seed, "drive "+serial)})
	w.drives = append(w.drives, d)
	return err
}

// as does something with an authority of the drive.
func (d *groupDrive) as(a drive.Authority, pin drive.PIN, do func(drive.Session) error) error {
	s, err := d.Authenticate(a, pin)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

func (w *groupWorld) power() *supply { return w.supply }

func (w *groupWorld) run() error {
	err := w.op.do(w, w.first())
	w.done = err == nil
	return err
}

// first is the drive that the operation is about; nil if there is none.
func (w *groupWorld) first() *groupDrive {
	if len(w.drives) == 0 {
		return nil
	}
	return w.drives[0]
}

func (w *groupWorld) start() error {
	if w.group != nil {
		w.group.PowerOff()
	}
	for _, d := range w.drives {
		d.PowerOff()
	}
	w.supply.start()
	w.starts++
	w.random = entropy.Stream(w.seed, fmt.Sprintf("group after start %d%s", w.starts, w.streams))
	repo, _, err := repository.Open(w.supply.devices()...)
	if err != nil {
		return err
	}
	store := repo.Store("group")
	w.store = store
	entries, _, err := store.Load()
	if err != nil && !errors.Is(err, repository.ErrNoEntry) {
		return err
	}
	if w.group, err = encgroup.Load(entries, w.cluster.Servers(), w.random, w.store); err != nil {
		return err
	}
	for _, d := range w.drives {
		if err := d.PowerOn(); err != nil {
			return err
		}
	}
	return w.resume()
}

// resume is what a facility does once it is up.
func (w *groupWorld) resume() error {
	switch w.group.State() {
	case encgroup.Inaccessible:
		if err := w.group.Retrieve(); err != nil {
			return err
		}
	case encgroup.Accessible:
	default:
		if err := w.group.Configure("test"); err != nil {
			return err
		}
	}
	if w.op.resume != nil && w.first() != nil {
		if err := w.op.resume(w, w.first()); err != nil {
			return err
		}
	}
	for _, d := range w.drives {
		if err := w.group.Unlock(d); err != nil {
			return err
		}
	}
	return nil
}

// check: each drive is a member, exactly its one credential opens it, and its data is there.
func (w *groupWorld) check() error {
	if w.group.State() != encgroup.Accessible {
		return fmt.Errorf("the group is %v", w.group.State())
	}
	if r := w.group.Rekeying(); r.GroupKey {
		return errors.New("a new group key is still under way")
	}
	for _, d := range w.drives {
		if err := w.checkDrive(d); err != nil {
			return fmt.Errorf("drive %s: %w", d.Serial(), err)
		}
	}
	if m, ok := w.group.Member("A1"); ok && w.op.grows && w.done && m.Generation <= w.used {
		return fmt.Errorf("generation %d was left, with an answer of success, and is in use again", m.Generation)
	}
	if w.op.name == "data-key" && w.done && w.group.UID() == w.uid {
		return errors.New("a new data key was acknowledged, and the old one is in force")
	}
	return nil
}

func (w *groupWorld) checkDrive(d *groupDrive) error {
	m, ok := w.group.Member(d.Serial())
	switch {
	case !ok:
		return errors.New("the member was lost")
	case m.Pending != 0:
		return fmt.Errorf("generation %d is still pending", m.Pending)
	case d.Status().State != drive.Configured:
		return fmt.Errorf("it is %v", d.Status().State)
	}
	if d.plain != nil && !(w.op.erases && d == w.first()) {
		got := make([]byte, len(d.plain))
		if err := d.Read(0, got); err != nil || !bytes.Equal(got, d.plain) {
			return fmt.Errorf("the customer's data is gone (%v)", err)
		}
	}
	opens, err := w.openers(d)
	if err != nil {
		return err
	}
	if opens != 1 {
		return fmt.Errorf("%d of the group's credentials open it, want 1", opens)
	}
	return d.locked()
}

// openers counts the secrets of the group, and the factory PIN, that open the data range.
func (w *groupWorld) openers(d *groupDrive) (opens int, err error) {
	all, err := w.group.Secrets(d.Serial())
	if err != nil {
		return 0, err
	}
	pins := []drive.PIN{d.label.MSID}
	for _, s := range all {
		pins = append(pins, drive.CredentialPIN(s.Secret))
	}
	for _, pin := range pins {
		switch err := d.as(drive.BandMaster(0), pin, func(drive.Session) error { return nil }); {
		case err == nil:
			opens++
			if pin.Equal(d.label.MSID) {
				return 0, errors.New("the factory PIN opens it")
			}
		case !errors.Is(err, drive.NotAuthorized):
			return 0, err
		}
	}
	return opens, nil
}

// locked: after a loss of power nobody reads it without a credential.
func (d *groupDrive) locked() error {
	d.PowerOff()
	if err := d.PowerOn(); err != nil {
		return err
	}
	if err := d.Read(0, make([]byte, 512)); !errors.Is(err, drive.Locked) {
		return fmt.Errorf("it comes up open (%v)", err)
	}
	return nil
}

func (w *groupWorld) state(out io.Writer) {
	fmt.Fprintf(out, "done %v; ", w.done)
	for _, s := range w.cluster.Servers() {
		fmt.Fprintf(out, "%q ", s.(*encgroup.MemKeyServer).Keys())
	}
	w.supply.state(out)
}

func (w *groupWorld) dark() world {
	c := *w
	c.supply = w.supply.copy()
	c.cluster = w.cluster.Clone(nil) // wake gives it a stream
	c.group, c.store, c.drives, c.starts = nil, nil, nil, 0
	for i, d := range w.drives {
		c.drives = append(c.drives, &groupDrive{Drive: d.Drive, label: d.label, chip: c.supply.chips[i], plain: d.plain})
	}
	return &c
}

func (w *groupWorld) wake(streams string) (err error) {
	w.streams = streams
	w.cluster = w.cluster.Clone(entropy.Stream(w.seed, "key servers"+streams))
	for _, d := range w.drives {
		parts := drive.Parts{Flash: d.chip, Media: d.chip.media(), Entropy: entropy.Stream(w.seed, "drive "+d.Serial()+streams)}
		if d.Drive, err = drive.Open(d.Fuses(), parts); err != nil {
			return err
		}
	}
	return nil
}
