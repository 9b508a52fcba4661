package raslab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// TestStoryOfRefusals is the answers to requests that make no sense: one line each, and nothing is
// changed.
func TestStoryOfRefusals(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 2)
	advance(t, l, keyPeriod)
	startServer(t, l, 2)
	s := tell(t, l)
	do(s, "event 1 is closed", func(l *Lab) error { return second(l.CloseEvent(1, " mary ", " ", false)) })
	h := keyHost(t, l, 1)
	dir := t.TempDir()
	read := func(name string) ([]byte, error) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("reading: %w", err)
		}
		return b, nil
	}
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"no path to console 0", func() error { return l.customer.SetPath(0, "192.0.2.11", false) }},
		{"no path to console 3", func() error { return l.customer.SetPath(3, "192.0.2.11", false) }},
		{"no path to nobody", func() error { return l.customer.SetPath(1, "nobody", false) }},
		{"no link of partition 2", func() error { return l.SetLink(2, 1, LinkUp) }},
		{"no link of partition -1", func() error { return l.SetLink(-1, 1, LinkUp) }},
		{"no link to console 3", func() error { return l.SetLink(0, 3, LinkUp) }},
		{"no link like that", func() error { return l.SetLink(0, 1, "slow") }},
		{"power of console 3", func() error { return l.PowerConsole(3, false) }},
		{"a plan on the network of console 3", func() error { return l.customer.Arm(3, nil) }},
		{"a plan on the link to console 3", func() error { return l.ArmLink(0, 3, nil) }},
		{"a plan on the link of partition 2", func() error { return l.ArmLink(2, 1, nil) }},
		{"a plan on the link of partition -1", func() error { return l.ArmLink(-1, 1, nil) }},
		{"a plan of something else", func() error { return l.customer.Arm(1, fault.MustParse("(link.command.lost)")) }},
		{"no key server 0", func() error { return l.customer.Stop(0) }},
		{"no key server 3", func() error { return l.customer.Start(3) }},
		{"no key host", func() error { return second(l.customer.KeyServer("nobody")) }},
		{"storage on no rank", func() error { return h.Place(l, "R9") }},
		{"restored from itself", func() error { return h.RestoreFrom(h) }},
		{"restored from one that is off", func() error {
			must(t, l.customer.Stop(2))
			defer func() { must(t, l.customer.Start(2)) }()
			return h.RestoreFrom(keyHost(t, l, 2))
		}},
		{"the key of group 2 is lost", func() error { return h.LoseKey(2) }},
		{"the key of group 2 is damaged", func() error { return h.DamageKey(2, 1) }},
		{"a pair that is not there is damaged", func() error { return h.DamagePair("x", 1) }},
		{"a state of the key of group 2", func() error { return h.SetKeyState(2, customer.KeyDestroy, 0) }},
		{"a state that is none", func() error { return h.SetKeyState(1, "lost", 0) }},
		{"destroyed in an hour", func() error { return h.SetKeyState(1, customer.KeyDestroy, time.Hour) }},
		{"deactivated an hour ago", func() error { return h.SetKeyState(1, customer.KeyDeactivate, -time.Hour) }},
		{"a product that is none", func() error { return h.Install("OPENSSL") }},
		{"nobody waits", h.Accept},
		{"an issuer that is none", func() error { return h.Reissue("nobody", "", 0) }},
		{"no such authority", func() error { return second(l.customer.Authority("nobody")) }},
		{"trust in nobody", func() error { return h.Trust("nobody") }},
		{"trust in the stranger", func() error { return h.Distrust("unknown") }},
		{"a certificate that is none", func() error { return second(l.ImportCertificate([]byte("x"))) }},
		{"a file that is not there", func() error { return second(ReadTrust("none.pem", read)) }},
		{"a file and nobody who reads", func() error { return second(ReadTrust("none.pem", nil)) }},
		{"copy 0", func() error { return l.DamageRepository(0) }},
		{"copy 4", func() error { return l.DamageRepository(4) }},
		{"a plan on the repository", func() error { return l.ArmRepository(fault.MustParse("(flash.erase.torn)")) }},
		{"key group 5", func() error { return second(l.ConfigureGroup(5)) }},
		{"key group 0", func() error { return second(l.ConfigureGroup(0)) }},
		{"labels by KMIP", func() error {
			must(t, second(l.MakeKeyManager(KeyManagerRequest{ID: 5, Addr: "a", KeyGroup: 4})))
			must(t, second(l.MakeKeyManager(KeyManagerRequest{ID: 6, Addr: "b", KeyGroup: 4})))
			defer func() { must(t, errors.Join(l.RemoveKeyManager(5), l.RemoveKeyManager(6))) }()
			return second(l.ConfigureGroup(4, "x"))
		}},
		{"group 2 is shown", func() error { return second(l.GroupByID(2)) }},
		{"group 2 is removed", func() error { return second(l.RemoveGroup(2)) }},
		{"access to the key of group 2", func() error { return second(l.keys.GroupAccess(2)) }},
		{"a test of access of group 2", func() error { return l.SubmitTestAccess(2) }},
		{"key manager 4", func() error { return second(l.KeyManager(4)) }},
		{"the data key of group 0", func() error { return second(l.RekeyDataKey(0)) }},
		{"the group key of group 2", func() error { return second(l.RekeyGroupKey(2)) }},
		{"a recovery key of group 2", func() error {
			_, _, err := l.RecoveryKey(2, RecoveryConfigure, secAdmin, "")
			return err
		}},
		{"recovery by nobody", func() error {
			_, _, err := l.RecoveryKey(1, RecoveryConfigure, reckey.User{}, "")
			return err
		}},
		{"rekey of a spare", func() error { return second(l.RekeyDrive("R1-I1-D08")) }},
		{"rekey of no slot", func() error { return second(l.RekeyDrive("D1")) }},
		{"a period of 59 s", func() error { return l.SetKeyPeriod(59 * time.Second) }},
		{"back in time", func() error { return l.Advance(-1) }},
		{"until yesterday", func() error { return l.RunUntil(l.Now().Add(-time.Second)) }},
		{"shutdown before quiesce", func() error { return second(l.Shutdown()) }},
		{"resume before shutdown", func() error { return second(l.Resume()) }},
		{"event 0", func() error { return second(l.events.Event(0)) }},
		{"event 3", func() error { return second(l.events.Event(3)) }},
		{"event 3 is closed", func() error { return second(l.CloseEvent(3, "mary", "", false)) }},
		{"event 1 again", func() error { return second(l.CloseEvent(1, "mary", "", false)) }},
		{"event 2 by nobody", func() error { return second(l.CloseEvent(2, " ", "", true)) }},
		{"event 2 in two lines", func() error { return second(l.CloseEvent(2, "mary", "a\nb", true)) }},
		{"event 2 by two lines", func() error { return second(l.CloseEvent(2, "ma\rry", "", true)) }},
		{"a support centre that is none", func() error { return l.support.SetSupport("busy") }},
		{"the network of console 3", func() error { return l.CutOutside(3, true) }},
		{"an object without a group", func() error { return second(l.MigrateToCloud(payroll(false))) }},
		{"an object beyond the rank", func() error {
			return second(l.MigrateToCloud(CloudRequest{Object: "x", Rank: "R0", LBA: 393216, Sectors: 1}))
		}},
		{"an object of a long name", func() error { return second(l.DeleteFromCloud(strings.Repeat("x", 65), true)) }},
	} {
		do(s, c.name, func(*Lab) error { return c.do() })
	}
	s.told("refusals")
}

// TestStoryOfTheWayToAKey is what a facility with one console and key servers of other makers
// meets, and one whose key servers wait for its ranks.
func TestStoryOfTheWayToAKey(t *testing.T) {
	s := tell(t, encrypted(t, Options{Consoles: 1}))
	ask := func(name string, hurt, heal func(l *Lab) error) {
		do(s, name, hurt)
		s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		do(s, "that is mended", heal)
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		closes(s)
	}
	plan := func(p string) (hurt, heal func(l *Lab) error) {
		return func(l *Lab) error { return l.customer.Arm(1, fault.MustParse(p)) }, func(l *Lab) error { return l.customer.Arm(1, nil) }
	}
	for _, p := range []string{"lost", "refused"} {
		hurt, heal := plan("(net.connect." + p + ")")
		ask("a connection is "+p, hurt, heal)
	}
	for _, p := range []string{"reset", "garbled", "silent"} {
		hurt, heal := plan("(net.session." + p + ")")
		ask("a session is "+p, hurt, heal)
	}
	ask("the link loses commands", func(l *Lab) error {
		return errors.Join(l.ArmLink(0, 1, fault.MustParse("(link.command.lost)")), l.ArmLink(1, 1, fault.MustParse("(link.command.stalled)")))
	},
		func(l *Lab) error { return errors.Join(l.ArmLink(0, 1, nil), l.ArmLink(1, 1, nil)) })
	ask("the facility has no certificate", func(l *Lab) error { l.LoseCertificate(); return nil }, (*Lab).DefaultCertificate)
	ask("an SKLM that does not know it, and a KeySecure", func(l *Lab) error {
		return errors.Join(keyHost(t, l, 1).Install(customer.SKLM), keyHost(t, l, 2).Install(customer.KeySecure))
	}, func(l *Lab) error { return errors.Join(keyHost(t, l, 1).Accept(), keyHost(t, l, 2).Trust("factory")) })
	ask("a TKLM", func(l *Lab) error { return keyHost(t, l, 1).Install(customer.TKLM) }, func(l *Lab) error { return keyHost(t, l, 1).Install(customer.Generic) })
	port := 3801
	ask("a port without TLS", func(l *Lab) error { return second(l.ChangeKeyManager(1, KeyManagerChange{Port: &port})) }, func(l *Lab) error {
		port = 5696
		return second(l.ChangeKeyManager(1, KeyManagerChange{Port: &port}))
	})
	ask("server 1 keeps its storage on R0", func(l *Lab) error { return keyHost(t, l, 1).Place(l, "r0") }, func(l *Lab) error { return keyHost(t, l, 1).Place(l, "") })
	do(s, "both keep their storage on R0", func(l *Lab) error {
		return errors.Join(keyHost(t, l, 1).Place(l, "R0"), keyHost(t, l, 2).Place(l, "R0"))
	})
	passes(s, keyPeriod)
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	do(s, "server 2 has storage of its own", func(l *Lab) error { return keyHost(t, l, 2).Place(l, "") })
	passes(s, connectivityQuery)
	closes(s)
	do(s, "a retrieval every 2 h", func(l *Lab) error { return l.SetKeyPeriod(2 * time.Hour) })
	s.step("a drive gets its next credential", func(l *Lab) any { return reported(l.RekeyDrive("R1-I1-D01")) })
	do(s, "two machines for group 3", func(l *Lab) error {
		return errors.Join(second(l.customer.Add("g3a.example.com")), second(l.customer.Add("g3b.example.com")),
			second(l.MakeKeyManager(KeyManagerRequest{Addr: "g3a.example.com", KeyGroup: 3, Type: "DAR"})),
			second(l.MakeKeyManager(KeyManagerRequest{Addr: "192.0.2.14", KeyGroup: 3})))
	})
	s.step("group 3", func(l *Lab) any { return reported(l.ConfigureGroup(3)) })
	do(s, "its servers are off", func(l *Lab) error { return errors.Join(l.customer.Stop(3), l.customer.Stop(4)) })
	s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
	passes(s, 2*time.Hour)
	do(s, "they are on", func(l *Lab) error { return errors.Join(l.customer.Start(3), l.customer.Start(4)) })
	passes(s, 2*time.Hour)
	closes(s)
	s.step("group 3 is removed", func(l *Lab) any { return reported(l.RemoveGroup(3)) })
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	s.told("ways")
}
