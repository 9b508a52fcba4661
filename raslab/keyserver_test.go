package raslab

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// TestAMachineMoreHasTheKeysOfTheOthers: it copies them from the first one that has power, or has
// none. A key manager at its address is asked there from then on.
func TestAMachineMoreHasTheKeysOfTheOthers(t *testing.T) {
	asked := map[int]int{}
	l := encrypted(t, Options{Dial: func(m KeyManagerInfo) encgroup.KeyServer { asked[m.ID]++; return nil }})
	uid := l.keys.Group(1).UID()
	has := func(addr string) bool {
		h, err := l.customer.Add(addr)
		must(t, err)
		key, err := h.Store().Get(uid)
		key.Clear()
		return err == nil
	}
	must(t, second(l.MakeKeyManager(KeyManagerRequest{Addr: "C.example.com"})))
	require.True(t, has("a.example.com"))
	stopServer(t, l, 1)
	loseKey(t, l, 2)
	require.False(t, has("b.example.com"), "the first one with power is the one without the key")
	stopServer(t, l, 2)
	before := asked[3]
	require.True(t, has("c.example.com"), "a.example.com gives it")
	require.Equal(t, map[int]int{1: 1, 2: 1, 3: before + 1}, asked, "only the key manager at its address is dialled again")
	for n := range l.customer.KeyServers() {
		stopServer(t, l, n+1)
	}
	require.False(t, has("d.example.com"), "nobody is there to give it")
	require.Len(t, l.customer.KeyServers(), 6)
	require.Equal(t, "192.0.2.16", l.customer.KeyServers()[5].IP)
	for _, addr := range []string{"d.example.com", "D.example.com", "192.0.2.16", "::ffff:192.0.2.16", "d.example.com."} {
		h, err := l.customer.KeyServer(addr)
		must(t, err)
		require.Same(t, l.customer.KeyServers()[5], h, "%s is one machine", addr)
	}
}

// TestWhichWrappedKeysAreKept: those of the data key in force and of the newest. A repository that
// cannot be read does not count as an empty one.
func TestWhichWrappedKeysAreKept(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolNone)
	uid, safe := l.keys.Group(1).UID(), l.Safe(1)
	inForce, err := safe.Kept(uid)
	must(t, err)
	must(t, safe.Keep("first", []byte("1")))
	must(t, safe.Keep("second", []byte("22")))
	got, err := safe.Kept("second")
	must(t, err)
	require.Equal(t, "22", string(got))
	_, err = safe.Kept("first")
	require.ErrorIs(t, err, ipp.ErrNotKept, "what is neither in force nor the newest opens nothing any more")
	got, err = safe.Kept(uid)
	must(t, err)
	require.Equal(t, inForce, got)
	require.ElementsMatch(t, []string{"key group 1", "key group 1 EEDK"}, ownEntries(l))

	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	require.Error(t, safe.Keep("third", []byte("3")))
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.RestoreRepository())
	_, err = safe.Kept("third")
	require.ErrorIs(t, err, ipp.ErrNotKept, "what could not be written was not restored either")
	got, err = safe.Kept("second")
	must(t, err)
	require.Equal(t, "22", string(got))
	for c := 1; c <= repositoryCopies; c++ {
		must(t, l.DamageRepository(c))
	}
	_, err = safe.Kept(uid)
	require.Error(t, err)
	require.NotErrorIs(t, err, ipp.ErrNotKept)
	require.Error(t, safe.Keep("fourth", []byte("4")), "nothing is written over what cannot be read")
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.PowerCycle())
	readable(t, l)
}

// TestAGroupLeavesNothingInTheRepository: a new group of the same number has nothing of it.
func TestAGroupLeavesNothingInTheRepository(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	ok(t, l)(l.ConfigureGroup(1))
	uid := l.keys.Group(1).UID()
	require.Equal(t, []string{"key group 1"}, l.records.repository.Names())
	ok(t, l)(l.RemoveGroup(1))
	require.Empty(t, l.records.repository.Names())
	_, _, err := l.records.repository.Read("key group 1")
	require.ErrorIs(t, err, repository.ErrNoEntry)
	require.Empty(t, l.Groups())
	require.Equal(t, []int{0, 0}, l.keys.GroupStates())
	ok(t, l)(l.ConfigureGroup(1))
	require.NotEqual(t, uid, l.keys.Group(1).UID(), "it has a data key of its own")

	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	_, err = l.RemoveGroup(1)
	require.Error(t, err, "a group whose record stays is not removed")
	require.NotNil(t, l.keys.Group(1))
	require.Equal(t, encgroup.Accessible, l.keys.Group(1).State())
}

// TestAnotherWayIsAnUnknownServer: whichever part of its way changes, nothing is known of the
// server behind it.
func TestAnotherWayIsAnUnknownServer(t *testing.T) {
	addr, port := "keyserver9.example.com", 5697
	for name, c := range map[string]KeyManagerChange{"address": {Addr: &addr}, "port": {Port: &port}} {
		l := newLab(t, Options{Drives: 8})
		ok(t, l)(l.ConfigureGroup(1))
		before, err := l.KeyManager(2)
		must(t, err)
		require.Equal(t, []string{"1.4", "pre-active"}, []string{before.Version, before.KeyState})
		l.keys.managers[1].failed = true
		after, err := l.ChangeKeyManager(2, c)
		must(t, err)
		require.Equal(t, []string{"", "", "normal"}, []string{after.Version, after.KeyState, after.Status}, name)
		require.Zero(t, after.CertificateExpiry, name)
	}
	l := newLab(t, Options{Drives: 8})
	bad := errors.New("no entropy")
	l.customer.UsePairs(func(string) (ipp.KeyPair, error) { return ipp.KeyPair{}, bad })
	for _, addr := range []string{keyServerAddr(1), keyServerAddr(2)} {
		must(t, second(l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyProtocol: IPP, KeyGroup: 2})))
	}
	r := fails(t, l)(l.ConfigureGroup(2))
	require.Contains(t, r.Notes[0], "it cannot make its key pairs", "without key pairs there is no data key")
	require.ErrorIs(t, keyHost(t, l, 1).LosePair("ds8000_a"), bad)
}

// TestKeysWaitForAServiceAction: no key is exchanged while a drive is in the hands of service.
func TestKeysWaitForAServiceAction(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.StartRepair("R1-I1-D16"))
	_, _, recovery := l.RecoveryKey(1, RecoveryConfigure, secAdmin, "")
	for name, err := range map[string]error{
		"data key": second(l.RekeyDataKey(1)), "group key": second(l.RekeyGroupKey(1)), "credential": second(l.RekeyDrive("R1-I1-D01")),
		"recovery key": recovery, "removal": second(l.RemoveGroup(1)), "configuration": second(l.ConfigureGroup(2)),
	} {
		require.ErrorIs(t, err, ErrBusy, name)
	}
}
