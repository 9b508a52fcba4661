package raslab

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// A restore of the repository that is cut short anywhere loses nothing: after a power
// cycle data are there or an event says what is missing, and a second restore brings
// everything back.
func TestRestoreCutShort(t *testing.T) {
	for _, point := range []string{"power.before", "power.torn", "power.after", "write.refused"} {
		cut := 0
		for n := range 40 { // it writes fewer pages
			l := tiered(t, Options{})
			ok(t, l)(l.MigrateToCloud(payroll(true)))
			must(t, l.ArmRepository(fault.MustParse(fmt.Sprintf("(repository.%s (OnIndex %d))", point, n))))
			rep, err := l.RestoreRepository()
			must(t, err)
			must(t, l.ArmRepository(nil))
			if rep.Failed {
				cut++
			}
			_, err = l.PowerCycle()
			must(t, err)
			r, err := l.plant.Rank("R0")
			must(t, err)
			if r.Read(0, make([]byte, 512)) != nil || len(l.cloud.receipts) != 1 {
				require.NotEmpty(t, l.events.OpenEvents(), "%s %d: what is missing is reported\n%s", point, n, history{l})
			}
			ok(t, l)(l.RestoreRepository())
			ok(t, l)(l.DualClusterIML())
			ok(t, l)(l.RecallFromCloud(RecallRequest{Object: "payroll"}))
			readable(t, l)
			closeAll(t, l)
		}
		require.Greater(t, cut, 5, "the restore failed in more than a few places")
		require.Less(t, cut, 40, "and there is nothing after its end")
	}
}

// A copy that takes no more writes ends a restore, and nothing else.
func TestRestoreRefused(t *testing.T) {
	l := encrypted(t, Options{})
	both(stopServer)(t, l)
	fails(t, l)(l.PowerCycle())
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused (Block 0))")))
	r := fails(t, l)(l.RestoreRepository())
	require.Contains(t, r.Notes[0], "cannot be made anew")
	for _, e := range l.events.OpenEvents() {
		staysOpen(t, l, e)
	}
	must(t, l.ArmRepository(nil))
	both(startServer)(t, l)
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
	closeAll(t, l)
}

// A key step whose record cannot be written as it should be touches no drive.
func TestBadRecordStopsAKeyStep(t *testing.T) {
	for name, step := range map[string]func(l *Lab) (Report, error){
		"rekey of drives": func(l *Lab) (rep Report, err error) {
			for i := 1; i <= 7; i++ {
				if rep, err = l.RekeyDrive(fmt.Sprintf("R1-I1-D%02d", i)); err == nil && !rep.Failed {
					return rep, err
				}
			}
			return rep, err
		},
		"group rekey": func(l *Lab) (Report, error) { return l.RekeyGroupKey(1) },
		"data rekey":  func(l *Lab) (Report, error) { return l.RekeyDataKey(1) },
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			must(t, l.ArmMemory(0, fault.MustParse("(memory.record.flipped (Byte 0))")))
			fails(t, l)(step(l))
			require.Equal(t, []string{"BE31CFE8"}, openCodes(l))
			must(t, l.ArmMemory(0, nil))
			ok(t, l)(l.PowerCycle())
			readable(t, l)
			closeAll(t, l)
			ok(t, l)(step(l))
			ok(t, l)(l.PowerCycle())
			readable(t, l)
		})
	}
}

// A removed group does not come back, even if its number is used again and that fails.
func TestRemovedGroupStaysAway(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	ok(t, l)(l.ConfigureGroup(1))
	former := dataKeyOf(l)
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	_, err := l.RemoveGroup(1)
	require.Error(t, err, "what cannot be deleted is not removed")
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.PowerCycle())
	require.Equal(t, encgroup.Accessible, l.keys.Group(1).State())
	ok(t, l)(l.RemoveGroup(1))
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	fails(t, l)(l.ConfigureGroup(1))
	must(t, l.ArmRepository(nil))
	_, err = l.PowerCycle()
	must(t, err)
	require.NotEqual(t, former, l.keys.Group(1).Record().UID, "the former data key")
}

// The report does not claim a mend that failed.
func TestACopyThatCanNotBeMended(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.DamageRepository(2))
	must(t, l.ArmRepository(fault.MustParse("(repository.write.refused (Block 1))")))
	r := ok(t, l)(l.PowerCycle())
	require.Contains(t, fmt.Sprint(r.Notes), "1 of 3 copies of the key repository cannot be mended")
	require.Empty(t, openCodes(l), "nothing was recovered")
	must(t, l.ArmRepository(nil))
	ok(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE5"}, openCodes(l))
	closeAll(t, l)
}

func TestCloudIsUsableAfterARestore(t *testing.T) {
	l := tiered(t, Options{})
	damageAll(t, l)
	fails(t, l)(l.DualClusterIML())
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	ok(t, l)(l.MigrateToCloud(payroll(false)))
}

// A group that no rank waits for holds up nobody: neither one for the cloud nor one
// without a rank.
func TestIdleGroupsHoldUpNobody(t *testing.T) {
	for name, typ := range map[string]string{"cloud": "TCT", "no rank": "DAR"} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			for _, addr := range []string{"cloudkeys1.example.com", "cloudkeys2.example.com"} {
				_, err := l.customer.Add(addr)
				must(t, err)
				_, err = l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2, Type: typ})
				must(t, err)
			}
			ok(t, l)(l.ConfigureGroup(2))
			cloudKeys(t, l, stopMachine)
			both(stopServer)(t, l)
			fails(t, l)(l.PowerCycle())
			require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E008", "BE14E008"}, openCodes(l))
			both(startServer)(t, l)
			advance(t, l, 12*time.Minute+imlDuration)
			readable(t, l)
			require.Equal(t, []string{"BE14CFE0", "BE14CFE0", "BE14E008"}, openCodes(l), "the event of the group that waits stays\n%s", history{l})
			n := 0
			for _, e := range l.events.Events() {
				if e.SRC == "BE14CFE1" {
					n++
				}
			}
			require.Equal(t, 1, n, "access to data came back once")
			cloudKeys(t, l, startMachine)
			advance(t, l, time.Hour)
			require.Equal(t, []int{3, 3}, l.keys.GroupStates(), "and its key comes without a reboot\n%s", history{l})
			closeAll(t, l)
		})
	}
}

// Partitions that are being taken down by hand do not reboot by themselves.
func TestNoRebootOfAQuiescedFacility(t *testing.T) {
	l := encrypted(t, Options{})
	both(stopServer)(t, l)
	fails(t, l)(l.PowerCycle())
	ok(t, l)(l.Quiesce())
	both(startServer)(t, l)
	advance(t, l, 12*time.Minute)
	require.Equal(t, []string{"BE14CFE0", "BE14E008", "BE14E1F6"}, openCodes(l), "%s", history{l})
	require.Contains(t, openEvent(t, l, "BE14E1F6").Found[0], "the facility is quiesced")
	require.Equal(t, "shutdown", l.sfi.ValidState())
}
