package raslab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

var (
	secAdmin = reckey.User{Name: "alice", Role: reckey.SecurityAdministrator}
	admin    = reckey.User{Name: "bob", Role: reckey.StorageAdministrator}
)

// withRecoveryKey configures a recovery key for group 1, and returns it as it was
// shown.
func withRecoveryKey(t *testing.T, l *Lab) string {
	t.Helper()
	shown, r, err := l.RecoveryKey(1, RecoveryConfigure, secAdmin, "")
	ok(t, l)(r, err)
	_, r, err = l.RecoveryKey(1, RecoveryVerify, secAdmin, shown)
	ok(t, l)(r, err)
	_, r, err = l.RecoveryKey(1, RecoveryAuthorize, admin, "")
	ok(t, l)(r, err)
	g, err := l.GroupByID(1)
	must(t, err)
	require.Equal(t, "configured", g.ReckeyState)
	require.Equal(t, l.Now(), g.ReckeyDate)
	require.NotContains(t, l.TraceText(), shown, "the key is in no log")
	return shown
}

func TestDeadlockAndRecovery(t *testing.T) {
	l := encrypted(t, Options{})
	key := withRecoveryKey(t, l)
	for n := 1; n <= 2; n++ {
		must(t, keyHost(t, l, n).Place(l, "R0"))
	}
	advance(t, l, keyPeriod)
	require.Empty(t, l.events.OpenEvents(), "it works as long as the power stays on")

	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E008"}, openCodes(l))
	advance(t, l, 24*time.Hour)
	require.Equal(t, encgroup.Inaccessible, l.keys.Group(1).State(), "no waiting helps")

	_, _, err := l.RecoveryKey(1, RecoveryRecover, secAdmin, strings.Repeat("0", len(key)))
	require.ErrorIs(t, err, ErrState, "another key opens nothing")
	_, r, err := l.RecoveryKey(1, RecoveryRecover, secAdmin, key)
	ok(t, l)(r, err)
	_, _, err = l.RecoveryKey(1, RecoveryAuthorize, reckey.User{Name: "alice", Role: reckey.StorageAdministrator}, "")
	require.ErrorIs(t, err, reckey.ErrSameUser, "it takes two people")
	_, r, err = l.RecoveryKey(1, RecoveryAuthorize, admin, "")
	ok(t, l)(r, err)
	readable(t, l)
	require.True(t, l.Partitions()[0].DataAccess)

	// The servers have their storage again; one of them is given its own.
	must(t, keyHost(t, l, 1).Place(l, ""))
	closeAll(t, l)
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	require.Empty(t, l.events.OpenEvents())
}

func TestDeadlockOfTwoFacilities(t *testing.T) {
	a, b := encrypted(t, Options{Serial: "A"}), encrypted(t, Options{Serial: "B"})
	for n := 1; n <= 2; n++ {
		must(t, keyHost(t, a, n).Place(b, "R0"))
	}
	must(t, keyHost(t, b, 1).Place(a, "R0"))
	must(t, keyHost(t, b, 2).Place(a, "R0"))
	fails(t, b)(func() (Report, error) { both(stopServer)(t, b); return b.PowerCycle() }())
	fails(t, a)(a.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E008"}, openCodes(a), "its servers do not run without their storage")
}

func TestRekeyOfTheDataKey(t *testing.T) {
	l := encrypted(t, Options{})
	before := dataKeyOf(l)
	advance(t, l, time.Hour)
	ok(t, l)(l.RekeyDataKey(1))
	require.NotEqual(t, before, dataKeyOf(l))
	g, err := l.GroupByID(1)
	must(t, err)
	require.Equal(t, l.Now(), g.DataKeyDate)
	ok(t, l)(l.PowerCycle())
	readable(t, l)

	// A second server must show the new key before it counts.
	stopServer(t, l, 2)
	former := dataKeyOf(l)
	fails(t, l)(l.RekeyDataKey(1))
	require.Equal(t, former, dataKeyOf(l), "the old key stays in force")
	ok(t, l)(l.PowerCycle())
	startServer(t, l, 2)
	ok(t, l)(l.RekeyDataKey(1))
	require.NotEqual(t, former, dataKeyOf(l))
	readable(t, l)
	advance(t, l, 2*keyPeriod)
	noEvents(t, l)
}

func TestRekeyOfTheGroupKey(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.RekeyGroupKey(1))
	readable(t, l)
	advance(t, l, 2*time.Hour)
	noEvents(t, l)
	ok(t, l)(l.PowerCycle())
	readable(t, l)

	// The power of one drive is cut in the middle: the rekey goes on when the
	// drive is back, and both keys live until then.
	arm(t, l, "R1-I1-D04", "(flash.power.torn (OnIndex 1))")
	fails(t, l)(l.RekeyGroupKey(1))
	readable(t, l)
	must(t, l.Disarm("R1-I1-D04"))
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	advance(t, l, time.Hour) // a spare takes the place of the drive
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D04"))
	advance(t, l, time.Hour)
	ok(t, l)(l.RekeyGroupKey(1))
	require.False(t, l.keys.Group(1).Rekeying().GroupKey, "it is finished")
	readable(t, l)
	advance(t, l, 3*time.Hour)
	closeAll(t, l)
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	advance(t, l, 3*time.Hour)
	require.Empty(t, l.events.OpenEvents())
}

func TestGroupKinds(t *testing.T) {
	l := encrypted(t, Options{})
	for i, addr := range []string{"cloudkeys1.example.com", "cloudkeys2.example.com"} {
		_, err := l.customer.Add(addr)
		must(t, err)
		m, err := l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2, Type: "TCT"})
		must(t, err)
		require.Equal(t, "TCT", m.Type)
		require.Equal(t, 3+i, m.ID)
	}
	ok(t, l)(l.ConfigureGroup(2))
	g, err := l.GroupByID(2)
	must(t, err)
	require.Equal(t, "TCT", g.Type)
	require.Equal(t, []int{3, 3}, l.keys.GroupStates())
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: "x.example.com", KeyGroup: 1, Type: "TCT"})
	require.ErrorIs(t, err, ErrInvalid, "group 1 is for data at rest")
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	_, err = l.CreateRank("A1", 2)
	require.ErrorIs(t, err, ErrInvalid, "a cloud group takes no drives")
	ok(t, l)(l.PowerCycle())
	require.Equal(t, []int{3, 3}, l.keys.GroupStates())

	// The servers of the one group are no servers of the other.
	both(stopServer)(t, l)
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []int{2, 3}, l.keys.GroupStates())
	require.Equal(t, []string{"KG1"}, []string{l.keys.group(1).location()})
	both(startServer)(t, l)
	advance(t, l, 12*time.Minute)
	readable(t, l)
	closeAll(t, l)
	_, err = l.RemoveGroup(1)
	require.ErrorIs(t, err, ErrState, "R0 uses it")
	ok(t, l)(l.RemoveGroup(2))
	require.Equal(t, []int{3, 0}, l.keys.GroupStates(), "as in the sample of MAP4980")
}

func TestTestAccessTakesAWhile(t *testing.T) {
	l := encrypted(t, Options{})
	before, err := l.keys.GroupAccess(1)
	must(t, err)
	require.Equal(t, l.Now(), before[0].LastSuccess, "the key was made and read back just now")
	advance(t, l, time.Hour)
	must(t, l.SubmitTestAccess(1))
	a, err := l.keys.GroupAccess(1)
	must(t, err)
	require.Equal(t, before, a, "nothing is there at once")
	at := l.Now().Add(TestAccessDuration)
	stopServer(t, l, 2)
	advance(t, l, time.Minute)
	a, err = l.keys.GroupAccess(1)
	must(t, err)
	require.Equal(t, AccessRecord{KeyManager: 1, LastAccess: "success", LastSuccess: at}, a[0])
	require.Equal(t, "failed", a[1].LastAccess)
	require.Equal(t, at, a[1].LastFailure)
	noEvents(t, l)
	m, err := l.KeyManager(2)
	must(t, err)
	require.Equal(t, "failed", m.Status)
	require.ErrorIs(t, l.SubmitTestAccess(3), ErrNotFound)
}

func TestCertificateIsWarnedOfInTime(t *testing.T) {
	l := encrypted(t, Options{})
	pem, err := l.customer.ClientCertificate(100 * 24 * time.Hour)
	must(t, err)
	_, err = l.ImportCertificate(pem)
	must(t, err)
	require.Empty(t, l.FacilityCertificate().Warning)
	advance(t, l, 99*24*time.Hour)
	require.Equal(t, 4, strings.Count(l.TraceText(), "the certificate expires in"), "at 90, 30, 7 days and 1 day\n%s", history{l})
	noEvents(t, l)
	advance(t, l, 2*24*time.Hour)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3", "BE14EAF3", "BE14EAF4", "BE14EAF4"}, openCodes(l), "then it fails")
	_, err = l.ImportCertificate(pem)
	require.ErrorIs(t, err, ErrInvalid, "an expired one is not installed")
	must(t, l.DefaultCertificate())
	closeAll(t, l)
}

func TestKeyManagersAreHeldToWhatCanBe(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	bad := func(q KeyManagerRequest, says string) {
		t.Helper()
		_, err := l.MakeKeyManager(q)
		require.ErrorContains(t, err, says)
		require.Len(t, l.KeyManagers(), 2, "nothing was changed")
	}
	bad(KeyManagerRequest{Addr: "keyserver1.example.com"}, "each server once")
	bad(KeyManagerRequest{Addr: "a b"}, "letters, digits")
	bad(KeyManagerRequest{Addr: "x", ID: 1}, "key manager 1 exists")
	bad(KeyManagerRequest{Addr: "x", ID: 9}, "1 to 8")
	bad(KeyManagerRequest{Addr: "x", Port: 70000}, "65535")
	bad(KeyManagerRequest{Addr: "x", KeyGroup: 5}, "1 to 4")
	bad(KeyManagerRequest{Addr: "x", Protocol: "ssl"}, "none and tls")
	bad(KeyManagerRequest{Addr: "x", KeyProtocol: "PKCS"}, "IPP and KMIP")
	bad(KeyManagerRequest{Addr: "x", Protocol: ProtocolNone}, "KMIP needs protocol tls")
	m, err := l.MakeKeyManager(KeyManagerRequest{Addr: "nowhere.example.com", KeyProtocol: IPP})
	must(t, err)
	require.Equal(t, KeyManagerInfo{ID: 3, State: "active", Status: "normal", Addr: "nowhere.example.com", Port: 441, Protocol: "tls", KeyProtocol: "IPP", Type: "DAR", KeyGroup: 1, Certificate: customerCertificate, Trust: l.wire.authority}, m)
	for i := 4; i <= keyManagersMax; i++ {
		_, err := l.MakeKeyManager(KeyManagerRequest{Addr: fmt.Sprintf("k%d", i)})
		must(t, err)
	}
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: "one-too-many"})
	require.ErrorContains(t, err, "1 to 8")
}

func TestNothingInTheKeyPathPrintsAKey(t *testing.T) {
	l := encrypted(t, Options{})
	withRecoveryKey(t, l)
	all, err := l.keys.Group(1).Secrets("75NR641-0001")
	must(t, err)
	for _, text := range []string{
		fmt.Sprintf("%v %+v", l.KeyManagers(), l.Groups()), l.TraceText(), fmt.Sprintf("%+v", l.customer.Info()),
		fmt.Sprintf("%v %+v %#v", l.keys.managers[0].paths[0], l.customer.KeyServers()[0], l.customer.KeyServers()[0]),
	} {
		for i := range all {
			require.NotContains(t, text, fmt.Sprintf("%x", all[i].Secret[:]), "%s", all[i].Name)
			require.NotContains(t, text, strings.Trim(fmt.Sprint(all[i].Secret[:]), "[]"), "%s", all[i].Name)
		}
	}
}

// TestADataRekeyNeedsTwoServers, and says how many there are.
func TestADataRekeyNeedsTwoServers(t *testing.T) {
	l := encrypted(t, Options{})
	ms := l.keys.activeOf(1)
	ok(t, l)(l.RekeyDataKey(1)) // two are enough
	require.Len(t, ms, 2)
	ms[1].active = false
	_, err := l.RekeyDataKey(1)
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "key group 1 has 1 key server")
	ms[0].active = false
	_, err = l.RekeyDataKey(1)
	require.ErrorContains(t, err, "key group 1 has 0 key servers")
}
