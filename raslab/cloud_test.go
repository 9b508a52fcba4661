package raslab

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// tiered is encrypted with key group 2 of type TCT, whose keys are at two servers of
// its own.
func tiered(t testing.TB, o Options) *Lab {
	t.Helper()
	l := encrypted(t, o)
	for _, addr := range []string{"cloudkeys1.example.com", "cloudkeys2.example.com"} {
		_, err := l.customer.Add(addr)
		must(t, err)
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2, Type: "TCT"})
		must(t, err)
	}
	ok(t, l)(l.ConfigureGroup(2))
	return l
}

// payroll is the 40 sectors of encrypted.
func payroll(release bool) CloudRequest {
	return CloudRequest{Object: "payroll", Rank: "R0", Sectors: 40, Release: release}
}

func cloudHost(t testing.TB, l *Lab) *customer.CloudServer {
	t.Helper()
	h, err := l.customer.Cloud()
	must(t, err)
	return h
}

// cloudKeys stops or starts the key servers of group 2.
func cloudKeys(t testing.TB, l *Lab, do func(*Lab, int) error) {
	t.Helper()
	for id := 3; id <= 4; id++ {
		must(t, do(l, id))
	}
}

// released requires that the 40 sectors read as zeros.
func released(t testing.TB, l *Lab) {
	t.Helper()
	r, err := l.plant.Rank("R0")
	must(t, err)
	got := make([]byte, 40*l.options.SectorSize)
	must(t, r.Read(0, got))
	require.Equal(t, make([]byte, len(got)), got, "released sectors read as zeros")
}

func TestAnObjectGoesToTheCloudAndComesBack(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(false)))
	readable(t, l)
	list, asked, err := l.CloudObjects()
	must(t, err)
	must(t, asked)
	require.Equal(t, []CloudObject{{
		Object: "payroll", State: "in the cloud", Rank: "R0", Sectors: 40, Bytes: 40 * 512, KeyGroup: 2,
		Migrated: l.Now(), Name: "75NR641/payroll",
	}}, list)
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	released(t, l)
	ok(t, l)(l.PowerCycle())
	advance(t, l, 9*time.Hour)
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	ok(t, l)(l.DeleteFromCloud("payroll", false))
	list, _, err = l.CloudObjects()
	must(t, err)
	require.Empty(t, list)
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	noEvents(t, l)
}

func TestTheCloudServerHasNeitherPlaintextNorKeys(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(false)))
	raw, err := cloudHost(t, l).Get("75NR641/payroll", 1<<20)
	must(t, err)
	plain := pattern(1, 40*512)
	require.Len(t, raw, len(plain)+tct.Overhead)
	for i := 0; i+8 <= len(plain); i++ {
		require.False(t, bytes.Contains(raw, plain[i:i+8]), "plaintext from byte %d on is there", i)
	}
	secrets, err := l.keys.Group(2).Secrets("")
	must(t, err)
	for _, s := range secrets {
		for _, form := range [][]byte{s.Secret[:8], []byte(hex.EncodeToString(s.Secret[:8])), []byte(base64.StdEncoding.EncodeToString(s.Secret[:9]))} {
			require.False(t, bytes.Contains(raw, form), "the %s is there", s.Name)
			require.NotContains(t, l.TraceText(), string(form), "the %s is in the trace", s.Name)
			require.NotContains(t, string(l.cloud.backup), string(form), "the %s is in the receipts", s.Name)
		}
	}
	v, err := l.LookIntoCloud("payroll")
	must(t, err)
	require.Equal(t, len(plain)/pieceSize, v.Pieces)
	require.Zero(t, v.Found)
	pieces, found := piecesIn(append([]byte("x"), plain...), plain)
	require.Equal(t, pieces, found, "the search finds plaintext where it is")
}

func TestWhatIsDoneToAnObjectIsFoundAndNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		name        string
		hurt, mend  func(*customer.CloudServer) error
		want        error
		unreachable bool
	}{
		{"altered", func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", 1000) }, func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", 1000) }, tct.ErrTampered, false},
		{"its wrapped key altered", func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", 30) }, func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", 30) }, encgroup.ErrUnwrap, false},
		{"its tag altered", func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", -1) }, func(h *customer.CloudServer) error { return h.Alter("75NR641/payroll", -1) }, tct.ErrTampered, false},
		{"an older version", func(h *customer.CloudServer) error { return h.Rollback("75NR641/payroll") }, func(h *customer.CloudServer) error { return h.Rollback("75NR641/payroll") }, tct.ErrTampered, false},
		{"lost", func(h *customer.CloudServer) error { return h.Lose("75NR641/payroll") }, nil, tct.ErrNotFound, false},
		{"down", func(h *customer.CloudServer) error { return h.SetService(customer.CloudDown) }, func(h *customer.CloudServer) error { return h.SetService(customer.CloudRunning) }, tct.ErrCloud, true},
		{"refusing", func(h *customer.CloudServer) error { return h.SetService(customer.CloudRefusing) }, func(h *customer.CloudServer) error { return h.SetService(customer.CloudRunning) }, tct.ErrRefused, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := tiered(t, Options{})
			h := cloudHost(t, l)
			ok(t, l)(l.MigrateToCloud(payroll(false)))
			ok(t, l)(l.MigrateToCloud(payroll(true)))
			must(t, c.hurt(h))
			before := l.cloud.receipts[0]
			_, err := l.RecallFromCloud(RecallRequest{Object: "payroll"})
			require.ErrorIs(t, err, c.want, "the recall says what is wrong")
			require.ErrorIs(t, err, ErrState)
			released(t, l)
			require.Equal(t, before, l.cloud.receipts[0], "the receipt stays")
			list, asked, err := l.CloudObjects()
			must(t, err)
			require.Len(t, list, 1, "the receipts are listed whatever the server does")
			require.Equal(t, c.unreachable, asked != nil)
			if c.unreachable {
				q := payroll(false)
				q.Object = "other"
				_, err = l.MigrateToCloud(q)
				require.ErrorIs(t, err, c.want)
				_, err = l.DeleteFromCloud("payroll", true)
				require.ErrorIs(t, err, c.want)
				require.Len(t, l.cloud.receipts, 1, "what could not be deleted keeps its receipt")
			}
			if c.mend == nil {
				require.Equal(t, "missing", list[0].State)
				return
			}
			must(t, c.mend(h))
			ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
			readable(t, l)
			noEvents(t, l)
		})
	}
}

// forgetful is a cloud server that acknowledges an object and does not keep it.
type forgetful struct{ *customer.CloudServer }

func (f forgetful) Put(name string, body []byte) error {
	err := f.CloudServer.Put(name, body)
	return errors.Join(err, f.Alter(name, 200))
}

func TestNothingIsReleasedThatWasNotReadBack(t *testing.T) {
	l := tiered(t, Options{})
	l.cloud.server = forgetful{cloudHost(t, l)}
	_, err := l.MigrateToCloud(payroll(true))
	require.ErrorIs(t, err, tct.ErrTampered, "the object does not open, and so it is not in the cloud")
	readable(t, l)
	require.Empty(t, l.cloud.receipts)
	list, _, err := l.CloudObjects()
	must(t, err)
	require.Equal(t, "without a receipt", list[0].State)
	l.cloud.server = cloudHost(t, l)
	_, err = l.MigrateToCloud(payroll(true))
	require.ErrorIs(t, err, ErrState, "what lies there already is not overwritten")
	ok(t, l)(l.DeleteFromCloud("payroll", false))
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	released(t, l)
}

func TestNoReceiptNoRelease(t *testing.T) {
	l := tiered(t, Options{})
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	rep := fails(t, l)(l.MigrateToCloud(payroll(true)))
	require.Contains(t, rep.Notes[1], "owed: cloud migrate of object payroll: its receipt is to be saved")
	readable(t, l)
	require.Empty(t, l.cloud.receipts)
	require.Len(t, l.Owed(), 1)
	_, err := l.MigrateToCloud(CloudRequest{Object: "more", Rank: "R0", Sectors: 1})
	require.ErrorIs(t, err, ErrBusy, "one step with the cloud after the other")

	// Owed work is done as soon as possible: the receipt, and then the release.
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.DualClusterIML())
	require.Empty(t, l.Owed())
	released(t, l)
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
}

// TestWhatTheCloudIsOwed refuses the save of a receipt in a recall and in a delete.
func TestWhatTheCloudIsOwed(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	fails(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
	require.True(t, l.cloud.receipts[0].Released, "the receipt says what it said")
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.DualClusterIML())
	require.Empty(t, l.Owed())
	require.False(t, l.cloud.receipts[0].Released)

	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	fails(t, l)(l.DeleteFromCloud("payroll", false))
	require.Len(t, l.Owed(), 1)
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.DualClusterIML())
	require.Empty(t, l.Owed())
	require.Empty(t, l.cloud.receipts)
}

// What a loss of power cut short is told, or done when the cloud can be reached again.
func TestWhatWasCutShortWithTheCloud(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(false)))
	l.cloud.underway = &cloudStep{op: "cloud recall", receipt: cloudReceipt{Object: "payroll"}}
	rep := l.begin("power restore", "")
	l.cloud.goOn(rep)
	require.Equal(t, []string{"the cloud recall of object payroll was cut short by the loss of power: repeat it"}, rep.r.Notes)
	require.Nil(t, l.cloud.underway)

	h := cloudHost(t, l)
	must(t, h.SetService(customer.CloudDown))
	l.cloud.underway = &cloudStep{op: "cloud delete", receipt: l.cloud.receipts[0], settled: true}
	l.cloud.goOn(rep)
	require.Len(t, rep.r.Notes, 1, "it is not done")
	require.Contains(t, l.cloud.underway.String(), tct.ErrCloud.Error(), "and why not is shown")
	must(t, h.SetService(customer.CloudRunning))
	l.cloud.goOn(rep)
	require.Equal(t, "the cloud delete of object payroll was cut short, and is done now", rep.r.Notes[1])
	require.Nil(t, l.cloud.underway)
	list, _, err := l.CloudObjects()
	must(t, err)
	require.Empty(t, list)
}

func TestWithoutItsKeyNoObjectOpens(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	cloudKeys(t, l, stopMachine)
	ok(t, l)(l.PowerCycle())
	require.Equal(t, []int{3, 2}, l.keys.GroupStates(), "data at rest do not wait for the key of the cloud")
	released(t, l)
	_, err := l.RecallFromCloud(RecallRequest{Object: "payroll"})
	require.ErrorIs(t, err, ErrNoAccess)
	_, err = l.MigrateToCloud(CloudRequest{Object: "more", Rank: "R0", Sectors: 1})
	require.ErrorIs(t, err, ErrNoAccess)
	there, err := l.cloud.has("more")
	must(t, err)
	require.False(t, there, "nothing leaves that cannot be encrypted")
	v, err := l.LookIntoCloud("payroll")
	must(t, err)
	require.ErrorIs(t, v.Why, ErrNoAccess)

	codes := map[string][]string{}
	for _, e := range l.events.OpenEvents() {
		codes[e.SRC] = e.Locations
	}
	require.Equal(t, map[string][]string{
		"BE14CFE0": {"KS3-192.0.2.13", "KS4-192.0.2.14"}, "BE14E008": {"KS3-192.0.2.13", "KS4-192.0.2.14"},
	}, codes, "the codes of an IML, about the servers of this group only")

	cloudKeys(t, l, startMachine)
	advance(t, l, 13*time.Minute)
	require.Equal(t, []int{3, 3}, l.keys.GroupStates(), "the connectivity query gets the key")
	require.Equal(t, 1, imls(l), "and no partition reboots for it")
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
	for _, e := range l.events.OpenEvents() {
		closed(t, l, e)
	}
}

// imls counts the reboots in the trace.
func imls(l *Lab) int {
	n := 0
	for _, e := range l.Trace() {
		if e.Text == "begins on both partitions" {
			n++
		}
	}
	return n
}

func TestAMissingCloudKeyDoesNotHoldUpDataAtRest(t *testing.T) {
	l := tiered(t, Options{})
	for id := 1; id <= 4; id++ {
		must(t, l.customer.Stop(id))
	}
	fails(t, l)(l.PowerCycle())
	must(t, l.customer.Start(1))
	must(t, l.customer.Start(2))
	advance(t, l, 40*time.Minute)
	require.Equal(t, []int{3, 2}, l.keys.GroupStates(), "the partitions reboot for the data that they can get")
	readable(t, l)
	require.Equal(t, 2, imls(l))
	cloudKeys(t, l, startMachine)
	advance(t, l, 13*time.Minute)
	require.Equal(t, []int{3, 3}, l.keys.GroupStates())
	require.Equal(t, 2, imls(l))
}

func TestNewKeysKeepOldObjectsReadable(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	ok(t, l)(l.RekeyDataKey(2))
	_, err := l.RekeyGroupKey(2)
	require.ErrorIs(t, err, ErrState, "the key that wraps the objects' keys stays")
	_, err = l.RemoveGroup(2)
	require.ErrorIs(t, err, ErrState, "and so does the group that has it")
	ok(t, l)(l.PowerCycle())
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
	ok(t, l)(l.DeleteFromCloud("payroll", false))
	ok(t, l)(l.RemoveGroup(2))
}

func TestReceiptsOutliveTheRepository(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	must(t, l.DamageRepository(2))
	ok(t, l)(l.PowerCycle())
	require.Len(t, l.cloud.receipts, 1, "one damaged copy costs nothing")
	for copy := 1; copy <= repositoryCopies; copy++ {
		must(t, l.DamageRepository(copy))
	}
	fails(t, l)(l.PowerCycle())
	for name, err := range map[string]error{
		"migrate": second(l.MigrateToCloud(payroll(false))), "recall": second(l.RecallFromCloud(RecallRequest{Object: "payroll", Over: true})),
		"delete": second(l.DeleteFromCloud("payroll", true)), "remove the group": second(l.RemoveGroup(2)),
	} {
		require.ErrorIs(t, err, ErrState, "without receipts the facility does not %s", name)
	}
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	readable(t, l)
}

func second[T any](_ T, err error) error { return err }

func TestNewerDataIsNotOverwritten(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	r, err := l.plant.Rank("R0")
	must(t, err)
	newer := bytes.Repeat([]byte{7}, 512)
	must(t, r.Write(39, newer))
	_, err = l.RecallFromCloud(RecallRequest{Object: "payroll"})
	require.ErrorContains(t, err, "sector 39 of R0 holds other data by now")
	got := make([]byte, 512)
	must(t, r.Read(39, got))
	require.Equal(t, newer, got)
	_, err = l.DeleteFromCloud("payroll", false)
	require.ErrorIs(t, err, ErrState, "the only copy is not deleted by a slip")
	_, err = l.MigrateToCloud(payroll(false))
	require.ErrorIs(t, err, ErrState, "nor overwritten by another version")
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll", Over: true}))
	readable(t, l)
}

func TestCloudRefusals(t *testing.T) {
	l := encrypted(t, Options{})
	_, err := l.MigrateToCloud(payroll(false))
	require.ErrorContains(t, err, "no key group of type TCT is configured; make two key managers")
	l = tiered(t, Options{})
	before := l.TraceText()
	for name, c := range map[string]struct {
		q    CloudRequest
		want string
	}{
		"name":      {CloudRequest{Object: "a b", Rank: "R0", Sectors: 1}, `object name "a b"`},
		"no name":   {CloudRequest{Rank: "R0", Sectors: 1}, `object name ""`},
		"nothing":   {CloudRequest{Object: "a", Rank: "R0"}, "0 sectors; 1 to 2097152 are right"},
		"too much":  {CloudRequest{Object: "a", Rank: "R0", Sectors: 1 << 22}, "1 to 2097152 are right"},
		"rank":      {CloudRequest{Object: "a", Rank: "R7", Sectors: 1}, `there is no rank "R7"`},
		"beyond":    {CloudRequest{Object: "a", Rank: "R0", LBA: 1 << 40, Sectors: 1}, "R0 has "},
		"DAR group": {CloudRequest{Object: "a", Rank: "R0", Sectors: 1, KeyGroup: 1}, "key group 1 is of type DAR"},
		"no group":  {CloudRequest{Object: "a", Rank: "R0", Sectors: 1, KeyGroup: 3}, "key group 3 is not configured"},
	} {
		_, err := l.MigrateToCloud(c.q)
		require.ErrorContains(t, err, c.want, name)
	}
	require.ErrorContains(t, second(l.RecallFromCloud(RecallRequest{Object: "a"})), `there is no receipt of an object "a"`)
	require.ErrorIs(t, second(l.DeleteFromCloud("a", false)), tct.ErrNotFound)
	require.ErrorIs(t, second(l.DeleteFromCloud("a/b", false)), ErrInvalid)
	require.ErrorIs(t, second(l.LookIntoCloud("a")), ErrNotFound)
	h := cloudHost(t, l)
	require.ErrorIs(t, h.Lose("a"), ErrNotFound)
	require.ErrorIs(t, h.Alter("a", 0), ErrNotFound)
	require.ErrorIs(t, h.Rollback("a"), ErrNotFound)
	require.ErrorIs(t, h.SetService("odd"), ErrInvalid)
	require.Equal(t, before, l.TraceText(), "what is refused changes nothing")
	ok(t, l)(l.MigrateToCloud(payroll(false)))
	q := payroll(false)
	q.LBA = 1
	require.ErrorContains(t, second(l.MigrateToCloud(q)), "object payroll is 40 sectors of R0 from 0 on")
	require.ErrorIs(t, h.Alter("75NR641/payroll", 1<<30), ErrInvalid)

	_, err = New(Options{Cloud: &customer.CloudServer{}})
	require.ErrorContains(t, err, "a cloud server without a source of entropy")
	l = newLab(t, Options{Cloud: &customer.CloudServer{}, CloudEntropy: noEntropy{}})
	_, err = l.customer.Cloud()
	require.ErrorIs(t, err, ErrState, "a real cloud server is not broken from here")
}

func TestTheCloudIsDeterministic(t *testing.T) {
	run := func() (string, []byte) {
		l := tiered(t, Options{Seed: 5})
		ok(t, l)(l.MigrateToCloud(payroll(false)))
		ok(t, l)(l.MigrateToCloud(payroll(true)))
		must(t, cloudHost(t, l).Rollback("75NR641/payroll"))
		_, err := l.RecallFromCloud(RecallRequest{Object: "payroll"})
		require.Error(t, err)
		ok(t, l)(l.PowerCycle())
		raw, err := cloudHost(t, l).Get("75NR641/payroll", 1<<20)
		must(t, err)
		return l.TraceText(), raw
	}
	trace, raw := run()
	again, rawAgain := run()
	require.Equal(t, trace, again, "the same seed and the same calls give the same trace")
	require.Equal(t, raw, rawAgain, "and the same objects, byte for byte")
}

func TestTheCloudsKeyGroupHasItsOwnLocation(t *testing.T) {
	l := tiered(t, Options{})
	no := false
	for id := 3; id <= 4; id++ {
		_, err := l.ChangeKeyManager(id, KeyManagerChange{Active: &no})
		must(t, err)
	}
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	codes := map[string][]string{}
	for _, e := range l.events.OpenEvents() {
		codes[e.SRC] = e.Locations
	}
	require.Equal(t, map[string][]string{"BE14CFE0": {"KG2"}, "BE14E004": {"KG2"}}, codes)
}

// TestARecallThatTheDrivesDoNotTake has a row that takes no more writes. The object is then
// recalled to another place.
func TestARecallThatTheDrivesDoNotTake(t *testing.T) {
	l := tiered(t, Options{})
	ok(t, l)(l.MigrateToCloud(payroll(true)))
	for _, s := range []string{"R1-I1-D01", "R1-I1-D02"} {
		arm(t, l, s, "(media.write.error (LBA 2))")
	}
	r := fails(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
	require.Contains(t, r.Notes[0], "the object is in the cloud still", "the report says what became of it")
	require.Contains(t, r.Notes[0], "row 2")
	require.True(t, l.cloud.receipts[0].Released, "the cloud has the only copy still")
	r = fails(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll", Over: true}))
	require.Contains(t, r.Notes[0], "row 2", "the place is bad")
	beyond, elsewhere := uint64(1<<50), uint64(600)
	_, err := l.RecallFromCloud(RecallRequest{Object: "payroll", Rank: "R9"})
	require.ErrorIs(t, err, ErrNotFound)
	_, err = l.RecallFromCloud(RecallRequest{Object: "payroll", LBA: &beyond})
	require.ErrorIs(t, err, ErrInvalid)
	ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll", Rank: "R0", LBA: &elsewhere}))
	rank, err := l.plant.Rank("R0")
	must(t, err)
	got := make([]byte, 40*512)
	must(t, rank.Read(600, got))
	require.Equal(t, pattern(1, len(got)), got)
	list, _, err := l.CloudObjects()
	must(t, err)
	require.Equal(t, uint64(600), list[0].LBA, "that is where it is now")
	require.False(t, list[0].Released)
}

func TestTheReceiptsOfAllObjectsFit(t *testing.T) {
	l := tiered(t, Options{})
	for n := range cloudObjectsMax {
		l.cloud.receipts = append(l.cloud.receipts, cloudReceipt{
			Object: fmt.Sprintf("%064d", n), Group: 2, Rank: "R191", LBA: 1 << 40, Sectors: 1 << 21, Size: 1 << 30, ID: make([]byte, 16), Released: true, Migrated: l.Now(),
		})
	}
	must(t, l.cloud.save(l.cloud.receipts))
	ok(t, l)(l.PowerCycle())
	require.Len(t, l.cloud.receipts, cloudObjectsMax)
	_, err := l.MigrateToCloud(payroll(true))
	require.ErrorContains(t, err, "there are 1000 objects in the cloud; delete one first")
}
