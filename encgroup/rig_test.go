package encgroup

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/fault/faulttest"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// rig is a facility on a bench: key servers, a store, a group, drives.
type rig struct {
	t       testing.TB
	cluster *MemCluster
	store   *cutStore
	random  io.Reader
	group   *Group
	drives  []*testDrive
	bands   int // of the drives that it makes, beside the global one
	wipes   wipes
}

// testDrive is a drive whose flash can be broken.
type testDrive struct {
	*drive.Drive
	label drive.Label
	flash *flash.Faulty
	holds bool // customer data, in sector 0
}

var (
	errCut  = errors.New("the facility lost power")
	errFull = errors.New("the medium takes nothing")
)

// cutStore is a non-volatile store that fails at one Save: it refuses that one, or the power
// of the facility goes there.
type cutStore struct {
	MemStore
	at     int  // the Save that fails, from 0; -1 for none
	after  bool // it fails after the record was stored
	out    func()
	saves  int
	off    bool
	refuse bool // this Save only; power stays
}

func (s *cutStore) Save(entries []Entry) error {
	return s.fail(func() error { return s.MemStore.Save(entries) })
}

func (s *cutStore) Replace(record []Entry) error {
	return s.fail(func() error { return s.MemStore.Replace(record) })
}

func (s *cutStore) fail(save func() error) error {
	if s.off {
		return errCut
	}
	n := s.saves
	s.saves++
	if n != s.at {
		return save()
	}
	if s.after {
		_ = save()
	}
	if s.refuse {
		return errFull
	}
	s.off = true
	s.out()
	return errCut
}

// arm lets the power go at the n-th Save from now on.
func (s *cutStore) arm(n int, after bool) {
	*s = cutStore{MemStore: s.MemStore, out: s.out, at: n, after: after}
}

// refuseOne lets the n-th Save from now on fail, and no other.
func (s *cutStore) refuseOne(n int, after bool) { s.arm(n, after); s.refuse = true }

// fired says whether the Save that was to fail was reached.
func (s *cutStore) fired() bool { return s.saves > s.at }

func newRig(t testing.TB, servers ...string) *rig {
	t.Helper()
	if len(servers) == 0 {
		servers = []string{"ks1", "ks2"}
	}
	c, err := NewMemCluster(entropy.Stream(1, "key servers"), servers...)
	require.NoError(t, err)
	r := &rig{t: t, cluster: c}
	r.random = r.wipes.source(entropy.Checked(entropy.Stream(1, "group")))
	r.store = &cutStore{at: -1, out: r.powerOut}
	r.group = New(r.servers(), r.random, r.store)
	t.Cleanup(func() {
		if !t.Failed() {
			r.powerOut()
			r.wipes.requireZero(t)
		}
	})
	return r
}

// servers is the key servers, each key of which is looked after.
func (r *rig) servers() []KeyServer {
	out := r.cluster.Servers()
	for i, s := range out {
		out[i] = r.wipes.server(s)
	}
	return out
}

// accessible is a rig whose group is configured.
func accessible(t testing.TB, servers ...string) *rig {
	t.Helper()
	r := newRig(t, servers...)
	require.NoError(t, r.group.Configure("test"))
	return r
}

func (r *rig) powerOut() {
	r.group.PowerOff()
	for _, d := range r.drives {
		d.PowerOff()
	}
}

// restart is what a facility does when power comes back. No key that the group had before, from
// a server or from its source of entropy, is left in memory.
func (r *rig) restart() {
	r.t.Helper()
	r.powerOut()
	r.wipes.requireZero(r.t)
	r.store.arm(-1, false)
	var err error
	r.group, err = Load(r.store.Record(), r.servers(), r.random, r.store)
	require.NoError(r.t, err)
	for _, d := range r.drives {
		d.flash.Disarm()
		require.NoError(r.t, d.PowerOn())
	}
	if r.group.State() == Inaccessible {
		require.NoError(r.t, r.group.Retrieve())
	}
}

func (r *rig) server(id string) *MemKeyServer {
	s, err := r.cluster.Server(id)
	require.NoError(r.t, err)
	return s
}

// drive manufactures one.
func (r *rig) drive(serial string) *testDrive {
	r.t.Helper()
	d := makeDrive(r.t, serial, r.bands)
	r.drives = append(r.drives, d)
	return d
}

func makeDrive(t testing.TB, serial string, bands int) *testDrive {
	t.Helper()
	f := flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))
	d, label, err := drive.Manufacture(
		drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 16, Ranges: bands, TryLimit: 8, Persistent: true, PBKDF2Iterations: 1},
		drive.Parts{Flash: f, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive "+serial)})
	require.NoError(t, err)
	return &testDrive{Drive: d, label: label, flash: f}
}

// member is a drive that was admitted and holds data.
func (r *rig) member(serial string) *testDrive {
	r.t.Helper()
	d := r.drive(serial)
	require.NoError(r.t, r.group.Admit(d))
	require.NoError(r.t, d.Write(0, data(serial)))
	d.holds = true
	return d
}

func data(serial string) []byte {
	return bytes.Repeat([]byte("customer data on "+serial+" "), 512)[:512]
}

// arm arms a plan. Every rule of it must fire before the test ends, but for those that
// spare names.
func (d *testDrive) arm(t testing.TB, plan string, spare ...string) {
	t.Helper()
	faulttest.MustFire(t, []*fault.Plan{d.armUnchecked(t, plan)}, spare...)
}

// armUnchecked is arm for a sweep, whose last plan does not fire: that ends it.
func (d *testDrive) armUnchecked(t testing.TB, plan string) *fault.Plan {
	t.Helper()
	p, err := fault.Parse(plan)
	require.NoError(t, err)
	d.flash.Arm(p)
	return p
}

func (d *testDrive) cycle(t testing.TB) {
	t.Helper()
	d.PowerOff()
	require.NoError(t, d.PowerOn())
}

func (d *testDrive) requireData(t testing.TB, why string) {
	t.Helper()
	got := make([]byte, 512)
	require.NoError(t, d.Read(0, got), why)
	require.True(t, bytes.Equal(data(d.Serial()), got), why)
}

func requireLocked(t testing.TB, d *testDrive) {
	t.Helper()
	require.ErrorIs(t, d.Read(0, make([]byte, 512)), drive.Locked, "a member comes up locked")
}

func requireAdmitError(t testing.TB, err error, step Step, target error) {
	t.Helper()
	var a *AdmitError
	require.ErrorAs(t, err, &a)
	require.Equal(t, step, a.Step, "it ended at another step: %v", err)
	if target != nil {
		require.ErrorIs(t, err, target)
	}
}

func requireMemberError(t testing.TB, err error, step Step, target error) {
	t.Helper()
	var m *MemberError
	require.ErrorAs(t, err, &m)
	require.Equal(t, step, m.Step, "it ended at another step: %v", err)
	require.ErrorIs(t, err, target)
}

// hears is the notes of a test.
type hears func(serial, did string)

func (h hears) Mended(serial, did string) { h(serial, did) }
