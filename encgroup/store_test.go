package encgroup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// storeCase is an operation that saves the record.
type storeCase struct {
	name    string
	fresh   bool // of a group that was not configured yet; else it is, with a recovery key and two members
	prepare func(*rig)
	run     func(*rig) error
	ends    error // what it ends with where the store fails nowhere
	again   func(*rig) error
}

func (r *rig) all() (out []Drive) {
	for _, d := range r.drives {
		out = append(out, d)
	}
	return out
}

// enabling leads to a data key that only its maker has shown.
func enabling(r *rig) {
	require.NoError(r.t, r.cluster.CutLink("ks1", "ks2"))
	if r.group.State() == Unconfigured {
		require.ErrorIs(r.t, r.group.Configure("x"), ErrNoKey)
	} else {
		_, err := r.group.RekeyDataKey()
		require.ErrorIs(r.t, err, ErrNoKey)
	}
	require.NoError(r.t, r.cluster.MendLink("ks1", "ks2"))
}

func serversOff(r *rig) {
	r.server("ks1").PowerOff()
	r.server("ks2").PowerOff()
}

func serversOn(r *rig) {
	r.server("ks1").PowerOn()
	r.server("ks2").PowerOn()
}

func begun(r *rig) { require.NoError(r.t, r.group.BeginGroupRekey()) }

// cutRekey leaves a member with a credential that is pending, or has it.
func cutRekey(r *rig) {
	r.drives[0].arm(r.t, "(flash.power.after (OnIndex 3))")
	requireMemberError(r.t, r.group.Rekey(r.drives[0]), StepMigrate, drive.PowerLost)
	r.restart()
}

func configure(r *rig) error { return r.group.Configure("x") }

func rekeyData(r *rig) error {
	_, err := r.group.RekeyDataKey()
	return err
}

func rekeyGroup(r *rig) error {
	_, err := r.group.RekeyGroupKey(r.all())
	return err
}

var storeCases = []storeCase{
	{name: "configure", fresh: true, run: configure},
	{name: "configure, begun before", fresh: true, prepare: enabling, run: configure},
	{name: "configure, where no server makes a key", fresh: true, prepare: serversOff, run: configure, ends: ErrUnreachable, again: func(r *rig) error {
		serversOn(r)
		return configure(r)
	}},
	{name: "cancel", fresh: true, prepare: enabling, run: func(r *rig) error { return r.group.Cancel() }},
	{name: "set recovery", run: func(r *rig) error {
		_, public := recoveryPair(r.t, 2)
		return r.group.SetRecovery([]byte("new"), public)
	}, again: func(r *rig) error {
		_, public := recoveryPair(r.t, 1)
		return r.group.SetRecovery([]byte("state"), public)
	}},
	{name: "admit", prepare: func(r *rig) { r.drive("B1") }, run: func(r *rig) error { return r.group.Admit(r.drives[2]) }, again: func(r *rig) error {
		return finishAdmission(r, r.drives[2])
	}},
	{name: "readmit of a member that was erased", prepare: func(r *rig) {
		require.NoError(r.t, r.drives[0].RevertPSID(r.drives[0].label.PSID))
		r.drives[0].holds = false
	}, run: func(r *rig) error { return r.group.Readmit(r.drives[0]) }},
	{name: "readmit after a rekey that was cut", prepare: cutRekey, run: func(r *rig) error { return r.group.Readmit(r.drives[0]) }},
	{name: "unlock after a rekey that was cut", prepare: cutRekey, run: func(r *rig) error { return r.group.Unlock(r.drives[0]) }},
	{name: "rekey", run: func(r *rig) error { return r.group.Rekey(r.drives[0]) }},
	{name: "release", run: func(r *rig) error {
		r.drives[0].holds = false
		return r.group.Release(r.drives[0])
	}},
	{name: "forget", run: func(r *rig) error { return r.group.Forget("A1") }},
	{name: "begin of a new group key", run: func(r *rig) error { return r.group.BeginGroupRekey() }},
	{name: "rekey of a member in it", prepare: begun, run: func(r *rig) error { return r.group.RekeyMember(r.drives[0]) }},
	{name: "a new group key", run: rekeyGroup},
	{name: "a new data key", run: rekeyData},
	{name: "a new data key, begun before", prepare: enabling, run: rekeyData},
	{name: "a new data key in a new group key", prepare: begun, run: rekeyData},
	{name: "a new data key, where no server makes it", prepare: serversOff, run: rekeyData, ends: ErrUnreachable, again: func(r *rig) error {
		serversOn(r)
		return rekeyData(r)
	}},
	{name: "cancel of a new data key", prepare: enabling, run: func(r *rig) error { return r.group.CancelDataRekey() }},
}

func (c *storeCase) rig(t *testing.T) (*rig, *secret.Key32) {
	r := newRig(t)
	private, public := recoveryPair(t, 1)
	require.NoError(t, r.group.SetRecovery([]byte("state"), public))
	if !c.fresh {
		require.NoError(t, r.group.Configure("test"))
		r.members("A1", "A2")
	}
	if c.prepare != nil {
		c.prepare(r)
	}
	return r, &private
}

// requireUsable says that a group works with what it has in memory: the keys, and a recovery
// key, open every member.
func requireUsable(t *testing.T, r *rig, private *secret.Key32, why string) {
	t.Helper()
	unlock := func() {
		for _, d := range r.drives {
			if _, ok := r.group.Member(d.Serial()); !ok || d.Status().State == drive.Erased {
				continue
			}
			require.NoError(t, r.group.Unlock(d), "%s: %s", why, d.Serial())
			if d.holds {
				d.requireData(t, why)
			}
		}
	}
	unlock()
	if r.server("ks1").Powered() && r.group.State() == Accessible && len(r.group.Record().Escrows) > 0 {
		require.NoError(t, r.group.Recover(private), why)
		unlock()
		require.NoError(t, r.group.Retrieve(), why)
	}
}

// TestASaveThatFails lets every Save of every operation fail in turn, before and after the record
// was stored: the operation says so, what was not kept is not believed, the drive is not touched
// before the first one, and the group in memory goes on.
func TestASaveThatFails(t *testing.T) {
	for _, c := range storeCases {
		t.Run(c.name, func(t *testing.T) {
			if c.again == nil {
				c.again = c.run
			}
			for _, after := range []bool{false, true} {
				for n := 0; ; n++ {
					require.Less(t, n, 20, "the sweep does not end")
					r, private := c.rig(t)
					before, state, flash := r.group.Record(), r.group.State(), flashes(r)
					r.store.refuseOne(n, after)
					err := c.run(r)
					if !r.store.fired() {
						require.ErrorIs(t, err, c.ends)
						require.Positive(t, n, "the operation is recorded")
						break
					}
					require.ErrorIs(t, err, ErrStore, "save %d", n)
					require.ErrorIs(t, err, errFull)
					if n == 0 {
						require.Equal(t, before, r.group.Record())
						if c.name == "admit" || c.name == "rekey" {
							require.Equal(t, flash, flashes(r), "a drive was touched before the intent was kept")
						}
					}
					if !after {
						kept, err := Load(r.store.Record(), nil, r.random, r.store)
						require.NoError(t, err)
						require.Equal(t, kept.Record(), r.group.Record(), "what was not kept is believed")
					}
					if state == Accessible {
						require.Equal(t, state, r.group.State(), "keys in memory stay there")
						requireUsable(t, r, private, "after save "+string(rune('0'+n))+" failed")
					} else {
						require.NotEqual(t, Accessible, r.group.State(), "what was not kept counts")
					}
					require.NoError(t, c.again(r), "the second try, after save %d failed", n)
					r.restart()
					requireUsable(t, r, private, "at the end")
				}
			}
		})
	}
}

// flashes is what changes with every write of a drive.
func flashes(r *rig) (out []drive.Status) {
	for _, d := range r.drives {
		out = append(out, d.Status())
	}
	return out
}
