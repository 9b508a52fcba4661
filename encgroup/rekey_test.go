package encgroup

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func (r *rig) members(serials ...string) []Drive {
	var out []Drive
	for _, s := range serials {
		out = append(out, r.member(s))
	}
	return out
}

func (r *rig) secret(name string) *secret.Key32 {
	r.t.Helper()
	list, err := r.group.Secrets("")
	require.NoError(r.t, err)
	for _, s := range list {
		if s.Name == name {
			return s.Secret
		}
	}
	require.Fail(r.t, "no "+name)
	return nil
}

// requireReadable says that every drive opens and has its data.
func (r *rig) requireReadable(why string) {
	r.t.Helper()
	for _, d := range r.drives {
		require.NoError(r.t, r.group.Unlock(d), "%s: %s", why, d.Serial())
		d.requireData(r.t, why)
	}
}

func TestDataRekeyExchangesTheDataKeyOnly(t *testing.T) {
	r := accessible(t)
	r.members("A1", "A2")
	before, group, data := r.group.Record(), r.secret("group key"), r.secret("data key")
	former, err := r.group.RekeyDataKey()
	require.NoError(t, err)
	require.Equal(t, before.UID, former)
	now := r.group.Record()
	require.NotEqual(t, former, now.UID)
	require.NotEqual(t, before.Wrapped, now.Wrapped)
	require.Equal(t, before.Members, now.Members, "no drive is touched")
	same, fresh := r.secret("group key"), r.secret("data key")
	require.True(t, same.Equal(group), "the group key stays")
	require.False(t, fresh.Equal(data), "the data key does not")

	// The former data key may be destroyed at the servers now.
	for _, id := range []string{"ks1", "ks2"} {
		require.NoError(t, r.server(id).LoseKey(former))
	}
	r.restart()
	r.requireReadable("the data is there under the new data key")
}

func TestDataRekeyNeedsASecondServer(t *testing.T) {
	r := accessible(t)
	r.member("A1")
	before := r.group.Record()
	require.NoError(t, r.cluster.CutLink("ks1", "ks2"))
	_, err := r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrNoKey)
	require.Equal(t, "data key, enabling", r.group.Rekeying().String())
	require.Equal(t, "group key, 1 of 2 members; data key, prepare", RekeyState{DataKey: Prepare, GroupKey: true, Done: 1, Members: 2}.String())
	now := r.group.Record()
	require.Equal(t, before.UID, now.UID, "the old data key is in force")
	require.Equal(t, before.Wrapped, now.Wrapped)
	r.restart()
	r.requireReadable("the old data key serves")
	require.Equal(t, Enabling, r.group.Rekeying().DataKey, "the new data key outlives a power cycle")

	require.NoError(t, r.cluster.MendLink("ks1", "ks2"))
	_, err = r.group.RekeyDataKey()
	require.NoError(t, err)
	require.Len(t, r.server("ks1").Keys(), 2, "it goes on with the key that was made")
	require.Equal(t, RekeyState{Members: 1}, r.group.Rekeying())

	require.NoError(t, r.cluster.CutLink("ks1", "ks2"))
	_, err = r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrNoKey)
	uid := r.group.Record().UID
	require.NoError(t, r.group.CancelDataRekey())
	require.NoError(t, r.group.CancelDataRekey(), "twice is once")
	require.Equal(t, uid, r.group.Record().UID)
	require.Equal(t, "none", r.group.Rekeying().String())
}

func TestDataRekeyRefusals(t *testing.T) {
	_, err := newRig(t).group.RekeyDataKey()
	require.ErrorIs(t, err, ErrUnconfigured)
	r := accessible(t)
	before := r.group.Record()
	r.group.SetServers(r.servers()[:1])
	_, err = r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrFewServers)
	r.group.SetServers(r.servers())
	r.server("ks1").PowerOff()
	r.server("ks2").Stall()
	_, err = r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrTimeout)
	require.Equal(t, before, r.group.Record(), "where no server makes a key nothing is under way")

	r.group.SetServers([]KeyServer{parrot{r.servers()[1], before.UID}, r.servers()[0]})
	_, err = r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrNotNew, "a server that gives the old identifier makes no new key")
	require.Equal(t, before, r.group.Record())
	r.group.PowerOff()
	_, err = r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrInaccessible)
}

// parrot is a server that makes the same key again and again.
type parrot struct {
	KeyServer
	uid string
}

func (p parrot) Create(string) (string, error) { return p.uid, nil }

// echo is a server that gives the value of one key for every identifier.
type echo struct {
	KeyServer
	uid string
}

func (e echo) Get(string) (*secret.Key32, error) { return e.KeyServer.Get(e.uid) }

func TestDataRekeyFindsAnOldKeyUnderANewName(t *testing.T) {
	r := accessible(t)
	uid := r.group.Record().UID
	s := r.servers()
	r.group.SetServers([]KeyServer{echo{s[0], uid}, echo{s[1], uid}})
	_, err := r.group.RekeyDataKey()
	require.ErrorIs(t, err, ErrNotNew)
	require.Equal(t, uid, r.group.Record().UID)
}

func TestDataRekeySurvivesAPowerCutAtEverySave(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 0; ; n++ {
			require.Less(t, n, 20, "the sweep does not end")
			r := accessible(t)
			r.member("A1")
			old := r.group.Record().UID
			r.store.arm(n, after)
			_, err := r.group.RekeyDataKey()
			if err == nil {
				require.Equal(t, 3, n, "prepare, enabling, exchanged")
				break
			}
			require.ErrorIs(t, err, ErrStore)
			r.restart()
			exchanged := r.group.Record().UID != old
			require.Equal(t, n == 2 && after, exchanged, "old or new, and new only once it is kept")
			if n == 0 && after {
				require.Equal(t, "data key, prepare", r.group.Rekeying().String())
			}
			r.requireReadable(fmt.Sprintf("cut at save %d, after %v", n, after))
			_, err = r.group.RekeyDataKey()
			require.NoError(t, err)
			r.restart()
			r.requireReadable("the next exchange went through")
		}
	}
}

func TestGroupRekeyMovesEveryMember(t *testing.T) {
	r := accessible(t)
	drives := r.members("A1", "A2", "A3")
	require.NoError(t, r.group.Rekey(drives[1]), "generations differ")
	old := r.secret("group key")
	require.NoError(t, r.group.BeginGroupRekey())
	require.NoError(t, r.group.BeginGroupRekey(), "twice is once")
	next := r.secret("next group key")
	require.False(t, next.Equal(old))
	require.Equal(t, "group key, 0 of 3 members", r.group.Rekeying().String())
	require.ErrorIs(t, r.group.FinishGroupRekey(), ErrMembersLeft)

	for i, d := range drives {
		require.NoError(t, r.group.RekeyMember(d))
		require.NoError(t, r.group.RekeyMember(d), "one that moved stays")
		require.Equal(t, RekeyState{GroupKey: true, Done: i + 1, Members: 3}, r.group.Rekeying())
		for _, d := range r.drives {
			d.requireData(t, "data is readable between the steps")
		}
		r.restart()
		r.requireReadable("both group keys are retrieved")
		now := r.secret("next group key")
		require.True(t, now.Equal(next), "the new group key is the one begun with")
	}
	list, err := r.group.Secrets("A2")
	require.NoError(t, err)
	require.Len(t, list, 6, "data key, both group keys, three generations")
	for i, s := range list[3:] {
		key := old
		if i == 2 {
			key = next
		}
		want := credential(key, "A2", uint32(i+1))
		require.True(t, s.Secret.Equal(want), "%s derives from the wrong group key", s.Name)
	}

	require.NoError(t, r.group.Rekey(drives[2]), "a step in the middle stays with the new key")
	list, err = r.group.Secrets("A3")
	require.NoError(t, err)
	want := credential(next, "A3", 2)
	require.True(t, list[4].Secret.Equal(want), "and so does what came before it")

	require.NoError(t, r.group.FinishGroupRekey())
	now := r.secret("group key")
	require.True(t, now.Equal(next))
	require.Equal(t, RekeyState{Members: 3}, r.group.Rekeying())
	list, err = r.group.Secrets("A2")
	require.NoError(t, err)
	require.Len(t, list, 3, "what derived from the old group key cannot be had any more")
	r.restart()
	r.requireReadable("the new group key alone opens every member")
	for _, d := range drives {
		require.NoError(t, r.group.Readmit(d))
		require.NoError(t, r.group.Rekey(d), "ordinary steps go on")
	}
	// The previous credential of a drive that was just moved cannot be tried any more.
	_, err = r.group.RekeyGroupKey(drives)
	require.NoError(t, err)
	requireAdmitError(t, r.group.Readmit(accessible(t).member("A1")), StepAuthenticate, drive.NotAuthorized)
	results, err := r.group.RekeyGroupKey(drives)
	require.NoError(t, err, "and so does the next group key")
	require.Len(t, results, 3)
	r.restart()
	r.requireReadable("after the second group key")
}

// TestGroupRekeyLeavesNobodyBehind: the old key stays while a member needs it.
func TestGroupRekeyLeavesNobodyBehind(t *testing.T) {
	r := accessible(t)
	drives := append([]Drive{makeDrive(t, "X1", 0)}, r.members("A1", "A2", "A3")...)
	drives = append(drives, makeDrive(t, "X9", 0))
	r.drives[1].PowerOff()
	results, err := r.group.RekeyGroupKey(drives)
	require.ErrorIs(t, err, ErrMembersLeft)
	require.ErrorContains(t, err, "1 of 3, the first is A2")
	require.Len(t, results, 3, "a drive that is no member is none of its business")
	requireMemberError(t, results[1].Err, StepState, drive.NoPower)
	require.NoError(t, results[2].Err, "the others go on")

	// A drive that joins meanwhile gets a credential of the new key at once.
	late := r.member("B1")
	m, _ := r.group.Member("B1")
	require.True(t, migrated(m))
	r.restart()
	r.requireReadable("after a power cycle in the middle")
	results, err = r.group.RekeyGroupKey([]Drive{r.drives[1]})
	require.NoError(t, err)
	require.Equal(t, []RekeyResult{{"A2", nil}}, results)
	r.restart()
	r.requireReadable("at the end")
	require.NoError(t, r.group.Unlock(late))

	// A member that is gone for good is forgotten, and comes back with new generations.
	require.NoError(t, r.group.BeginGroupRekey())
	require.NoError(t, r.group.Release(r.drives[0]))
	_, err = r.group.RekeyGroupKey([]Drive{r.drives[1], r.drives[2], late})
	require.NoError(t, err)
	list, err := r.group.Secrets("A1")
	require.NoError(t, err)
	require.Len(t, list, 2, "its old credentials went with the old group key")
	require.NoError(t, r.group.Admit(r.drives[0]))
	m, _ = r.group.Member("A1")
	require.Equal(t, uint32(3), m.Generation)
	r.restart()
	require.NoError(t, r.group.Unlock(r.drives[0]))
}

// TestGenerationsThatAreUsedUp: the last one there is serves, none comes after it, and a new group
// key does not begin at 0 again.
func TestGenerationsThatAreUsedUp(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	for serial, last := range map[string]uint32{"L1": math.MaxUint32 - 1, "U1": math.MaxUint32, "V1": 7} { // former members
		require.NoError(t, r.group.saveMember(Member{Serial: serial, Last: last}))
	}
	used := r.drive("U1")
	before := used.Status()
	err := r.group.Admit(used)
	requireAdmitError(t, err, StepGroup, nil)
	require.ErrorContains(t, err, "used up")
	require.Equal(t, before, used.Status(), "the drive is as it was")
	_, err = r.group.RekeyGroupKey([]Drive{d})
	require.NoError(t, err)
	for serial, want := range map[string]Member{
		"A1": {Serial: "A1", Generation: 2, Last: 2, First: 2},
		"L1": {Serial: "L1", Last: math.MaxUint32 - 1, First: math.MaxUint32},
		"U1": {Serial: "U1", Last: math.MaxUint32, First: math.MaxUint32},
		"V1": {Serial: "V1", Last: 7, First: 8},
	} {
		require.Equal(t, want, r.group.lookup(serial))
	}
	r.restart()
	last := r.drive("L1")
	require.NoError(t, r.group.Admit(last), "the last generation is one")
	m, _ := r.group.Member("L1")
	require.EqualValues(t, uint32(math.MaxUint32), m.Generation)
	secrets, err := r.group.Secrets("L1")
	require.NoError(t, err)
	require.Len(t, secrets, 3, "data key, group key, one generation; and the list ends")
	bands, err := r.group.BandSecrets("L1", 2)
	require.NoError(t, err)
	require.Len(t, bands, 2)
	r.restart()
	require.NoError(t, r.group.Unlock(last))
}

func TestGroupRekeyFinishesAnOlderStepFirst(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	d.arm(t, "(flash.power.torn (OnIndex 3))")
	requireMemberError(t, r.group.Rekey(d), StepMigrate, drive.PowerLost)
	r.restart()
	require.NoError(t, r.group.BeginGroupRekey())
	m, _ := r.group.Member("A1")
	require.NotZero(t, m.Pending, "a step under the old key is pending")
	require.NoError(t, r.group.RekeyMember(d))
	m, _ = r.group.Member("A1")
	require.True(t, migrated(m))
	require.NoError(t, r.group.FinishGroupRekey())
	r.restart()
	r.requireReadable("the older step cost nothing")
}

func TestGroupRekeyRefusals(t *testing.T) {
	r := newRig(t)
	require.ErrorIs(t, r.group.BeginGroupRekey(), ErrUnconfigured)
	require.ErrorIs(t, r.group.FinishGroupRekey(), ErrUnconfigured)
	r = accessible(t)
	d := r.member("A1")
	requireMemberError(t, r.group.RekeyMember(d), StepGroup, ErrNoRekey)
	require.ErrorIs(t, r.group.FinishGroupRekey(), ErrNoRekey)
	r.group.PowerOff()
	require.ErrorIs(t, r.group.BeginGroupRekey(), ErrInaccessible)

	r = newRig(t)
	r.group = NewOf(TCT, r.servers(), r.random, r.store)
	require.NoError(t, r.group.Configure(""))
	require.Equal(t, TCT, r.group.Kind())
	require.ErrorIs(t, r.group.BeginGroupRekey(), ErrKind)
	requireAdmitError(t, r.group.Admit(makeDrive(t, "A1", 0)), StepGroup, ErrKind)
	r.restart()
	require.Equal(t, TCT, r.group.Kind(), "the kind is kept")
	_, err := r.group.RekeyDataKey()
	require.NoError(t, err)
}

// TestDataRekeyInAGroupRekey: the new data key wraps both group keys.
func TestDataRekeyInAGroupRekey(t *testing.T) {
	r := accessible(t)
	drives := r.members("A1", "A2")
	require.NoError(t, r.group.BeginGroupRekey())
	require.NoError(t, r.group.RekeyMember(drives[0]))
	former, err := r.group.RekeyDataKey()
	require.NoError(t, err)
	for _, id := range []string{"ks1", "ks2"} {
		require.NoError(t, r.server(id).LoseKey(former))
	}
	r.restart()
	r.requireReadable("both group keys open under the new data key")
	_, err = r.group.RekeyGroupKey(drives)
	require.NoError(t, err)
	r.restart()
	r.requireReadable("and the new one alone")
}

// resumed checks what must hold after every cut of a group rekey.
func resumed(t *testing.T, r *rig, why string) {
	t.Helper()
	r.restart()
	r.requireReadable(why + ", before it goes on")
	var drives []Drive
	for _, d := range r.drives {
		drives = append(drives, d)
	}
	if r.group.Rekeying().GroupKey {
		_, err := r.group.RekeyGroupKey(drives)
		require.NoError(t, err, why)
	}
	r.restart()
	r.requireReadable(why + ", after it went on")
	for _, d := range r.drives {
		m, ok := r.group.Member(d.Serial())
		require.True(t, ok, "the member was lost")
		require.Zero(t, m.Pending, why)
		for n := max(m.First, 1); n <= m.Last; n++ {
			if n == m.Generation {
				continue
			}
			_, err := r.group.authenticate(d, n)
			require.ErrorIs(t, err, drive.NotAuthorized, "%s: generation %d opens %s, too", why, n, d.Serial())
		}
	}
}

// TestGroupRekeySurvivesAPowerCutAtEverySave cuts the facility with its drives.
func TestGroupRekeySurvivesAPowerCutAtEverySave(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 0; ; n++ {
			require.Less(t, n, 20, "the sweep does not end")
			r := accessible(t)
			drives := r.members("A1", "A2")
			old := r.secret("group key")
			r.store.arm(n, after)
			results, err := r.group.RekeyGroupKey(drives)
			if err == nil {
				require.Equal(t, 6, n, "begin, two for each of two members, finish")
				break
			}
			require.ErrorIs(t, err, ErrStore, "%v", results)
			why := fmt.Sprintf("cut at save %d, after %v", n, after)
			resumed(t, r, why)
			now := r.secret("group key")
			require.Equal(t, n == 0 && !after, now.Equal(old), "%s: a rekey that was begun is finished", why)
		}
	}
}

// TestGroupRekeySurvivesAPowerCutInADrive cuts each drive in turn at each
// operation on its flash.
func TestGroupRekeySurvivesAPowerCutInADrive(t *testing.T) {
	for _, mode := range []string{"before", "torn", "after"} {
		for which := range 2 {
			for n := 0; ; n++ {
				require.Less(t, n, 100, "the sweep does not end")
				r := accessible(t)
				drives := r.members("A1", "A2")
				r.drives[which].armUnchecked(t, fmt.Sprintf("(flash.power.%s (OnIndex %d))", mode, n))
				results, err := r.group.RekeyGroupKey(drives)
				if err == nil {
					require.Positive(t, n)
					break
				}
				require.ErrorIs(t, err, ErrMembersLeft)
				require.ErrorIs(t, results[which].Err, drive.PowerLost)
				require.NoError(t, results[1-which].Err, "the other member moves all the same")
				resumed(t, r, fmt.Sprintf("%s, drive %d cut at %d", mode, which, n))
			}
		}
	}
}

// TestGroupRekeySurvivesTwoPowerCuts cuts the drive and then, in the
// resumption, the facility.
func TestGroupRekeySurvivesTwoPowerCuts(t *testing.T) {
	for n := 0; ; n++ {
		cut := false
		for k := 0; ; k++ {
			require.Less(t, k, 20, "the sweep does not end")
			r := accessible(t)
			drives := r.members("A1", "A2")
			r.drives[0].armUnchecked(t, fmt.Sprintf("(flash.power.torn (OnIndex %d))", n))
			if _, err := r.group.RekeyGroupKey(drives); err == nil {
				break
			}
			cut = true
			r.restart()
			r.store.arm(k, k%2 == 0)
			_, err := r.group.RekeyGroupKey(drives)
			resumed(t, r, fmt.Sprintf("cut at %d, then at save %d", n, k))
			if err == nil {
				break
			}
		}
		if !cut {
			return
		}
	}
}
