package raslab

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/seed-9d983aeb/fdelab/raslab/customer"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// cloudModel is what a host, a cloud server and a facility should have: sectors that each hold one
// byte value, and numbered objects, each of four sectors at a place of its own.
type cloudModel struct {
	t       *rapid.T
	l       *Lab
	h       *customer.CloudServer
	sectors [cloudModelObjects * 4]byte
	objects [cloudModelObjects]modelObject
	version int
	up      bool
	keys    bool // the TCT group has its key
}

const cloudModelObjects = 3

type modelObject struct {
	receipt  int // version; 0: none
	released bool
	content  [4]byte
	cur      modelBody
	before   modelBody // version 0: nothing was there
	there    bool
}

type modelBody struct {
	version int
	altered bool
}

func (m *cloudModel) name(n int) string { return fmt.Sprintf("object-%d", n) }
func (m *cloudModel) at(n int) string   { return "75NR641/" + m.name(n) }

func (m *cloudModel) draw() (int, *modelObject) {
	n := rapid.IntRange(0, cloudModelObjects-1).Draw(m.t, "object")
	return n, &m.objects[n]
}

// opens says whether the cloud server has the version that the receipt is for.
func (o *modelObject) opens() bool { return o.there && o.cur == modelBody{version: o.receipt} }

// expect requires that a request was taken exactly when it should be.
func (m *cloudModel) expect(taken bool, r Report, err error) bool {
	require.Equal(m.t, taken, err == nil && !r.Failed, "%v %v\n%s", err, r.Notes, history{m.l})
	return taken
}

func (m *cloudModel) write() {
	lba := rapid.IntRange(0, len(m.sectors)-1).Draw(m.t, "lba")
	m.sectors[lba] = byte(rapid.IntRange(0, 250).Draw(m.t, "value"))
	r, err := m.l.plant.Rank("R0")
	require.NoError(m.t, err)
	require.NoError(m.t, r.Write(uint64(lba), bytes.Repeat(m.sectors[lba:lba+1], 512)))
}

func (m *cloudModel) migrate() {
	n, o := m.draw()
	release := rapid.Bool().Draw(m.t, "release")
	r, err := m.l.MigrateToCloud(CloudRequest{Object: m.name(n), Rank: "R0", LBA: uint64(4 * n), Sectors: 4, Release: release})
	stranger := o.receipt == 0 && o.there
	if !m.expect(m.up && m.keys && !o.released && !stranger, r, err) {
		return
	}
	m.version++
	o.before, o.cur, o.there = o.cur, modelBody{version: m.version}, true
	o.receipt, o.released = m.version, release
	at := m.sectors[4*n : 4*n+4]
	copy(o.content[:], at)
	if release {
		clear(at)
	}
}

func (m *cloudModel) recall() {
	n, o := m.draw()
	over := rapid.Bool().Draw(m.t, "over")
	at, free := m.sectors[4*n:4*n+4], true
	for i, have := range at {
		free = free && (have == 0 || have == o.content[i])
	}
	r, err := m.l.RecallFromCloud(RecallRequest{Object: m.name(n), Over: over})
	if m.expect(o.receipt != 0 && m.up && m.keys && o.opens() && (free || over), r, err) {
		copy(at, o.content[:])
		o.released = false
	}
}

func (m *cloudModel) remove() {
	n, o := m.draw()
	force := rapid.Bool().Draw(m.t, "force")
	r, err := m.l.DeleteFromCloud(m.name(n), force)
	if m.expect(m.up && (!o.released || force) && (o.receipt != 0 || o.there), r, err) {
		o.receipt, o.released, o.there = 0, false, false
	}
}

func (m *cloudModel) meddle() {
	n, o := m.draw()
	switch rapid.IntRange(0, 2).Draw(m.t, "how") {
	case 0:
		require.Equal(m.t, o.there, m.h.Lose(m.at(n)) == nil)
		o.there = false
	case 1:
		require.Equal(m.t, o.there, m.h.Alter(m.at(n), 321) == nil)
		o.cur.altered = o.cur.altered != o.there
	case 2:
		had := o.before.version != 0
		require.Equal(m.t, had, m.h.Rollback(m.at(n)) == nil)
		if had {
			o.cur, o.before, o.there = o.before, o.cur, true
		}
	}
}

func (m *cloudModel) service() {
	to := rapid.SampledFrom([]customer.CloudService{customer.CloudRunning, customer.CloudRunning, customer.CloudDown, customer.CloudRefusing}).Draw(m.t, "service")
	m.up = to == customer.CloudRunning
	require.NoError(m.t, m.h.SetService(to))
}

// boot is a power cycle, with or without the key servers of the cloud's group, and now and
// then with a damaged copy of the repository.
func (m *cloudModel) boot() {
	m.keys = rapid.Bool().Draw(m.t, "keys")
	for id := 3; id <= 4; id++ {
		do := m.l.customer.Start
		if !m.keys {
			do = m.l.customer.Stop
		}
		require.NoError(m.t, do(id))
	}
	if copy := rapid.IntRange(0, repositoryCopies).Draw(m.t, "copy"); copy > 0 {
		require.NoError(m.t, m.l.DamageRepository(copy))
	}
	r, err := m.l.PowerCycle()
	m.expect(true, r, err)
	require.Equal(m.t, map[bool][]int{true: {3, 3}, false: {3, 2}}[m.keys], m.l.keys.GroupStates())
}

// check compares what a host and an administrator see.
func (m *cloudModel) check() {
	r, err := m.l.plant.Rank("R0")
	require.NoError(m.t, err)
	got := make([]byte, 512*len(m.sectors))
	require.NoError(m.t, r.Read(0, got))
	for i, want := range m.sectors {
		require.Equal(m.t, bytes.Repeat([]byte{want}, 512), got[512*i:512*i+512], "sector %d\n%s", i, history{m.l})
	}
	list, asked, err := m.l.CloudObjects()
	require.NoError(m.t, err)
	require.Equal(m.t, m.up, asked == nil)
	for n, o := range m.objects {
		state := map[bool]string{true: "in the cloud", false: "missing"}[o.there]
		switch {
		case o.receipt == 0 && !(o.there && m.up):
			continue
		case o.receipt == 0:
			state = "without a receipt"
		case !m.up:
			state = ""
		}
		require.NotEmpty(m.t, list, "object %d is listed", n)
		require.Equal(m.t, m.name(n), list[0].Object)
		require.Equal(m.t, state, list[0].State)
		require.Equal(m.t, o.released, list[0].Released)
		list = list[1:]
	}
	require.Empty(m.t, list)
}

// TestTheCloudAndItsModelAgree runs random requests, faults at the cloud server and power cycles. A
// request is taken exactly when it should be, and a refused one changes nothing. A sector only ever
// holds what a host wrote, what an object brought back, or zeros after a release.
func TestTheCloudAndItsModelAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := tiered(t, Options{Seed: rapid.Uint64().Draw(rt, "seed")})
		r, err := l.plant.Rank("R0")
		require.NoError(rt, err)
		require.NoError(rt, r.Write(0, make([]byte, 40*512)))
		m := &cloudModel{t: rt, l: l, up: true, keys: true}
		m.h, err = l.customer.Cloud()
		require.NoError(rt, err)
		actions := []func(){m.write, m.write, m.migrate, m.migrate, m.recall, m.recall, m.remove, m.meddle, m.service, m.boot}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			rapid.SampledFrom(actions).Draw(rt, "action")()
			m.check()
		}
	})
}
