package raslab

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// TestStoryOfIPP is what is seen of a facility by IPP without TLS.
func TestStoryOfIPP(t *testing.T) {
	s := tell(t, ippLab(t, Options{Drives: 16}, ProtocolNone))
	do(s, "one key pair more", func(l *Lab) error { return l.customer.MakePair("tier1") })
	do(s, "the same", func(l *Lab) error { return l.customer.MakePair("tier1") })
	do(s, "one without a name", func(l *Lab) error { return l.customer.MakePair("tier 1") })
	do(s, "server 2 loses its power", func(l *Lab) error { return l.customer.Stop(2) })
	s.step("a group is configured", func(l *Lab) any { return reported(l.ConfigureGroup(1, "tier1")) })
	do(s, "server 2 is back", func(l *Lab) error { return l.customer.Start(2) })
	s.step("with other labels", func(l *Lab) any { return reported(l.ConfigureGroup(1, "ds8000_b")) })
	s.step("a group is configured", func(l *Lab) any { return reported(l.ConfigureGroup(1)) })
	s.step("and again", func(l *Lab) any { return reported(l.ConfigureGroup(1)) })
	s.step("keys are kept", func(l *Lab) any {
		eedks, err := l.Safe(1).Kept(l.keys.Group(1).UID())
		if err != nil {
			return err
		}
		_, none := l.Safe(1).Kept("other")
		_, nobody := l.Safe(2).Kept("other")
		return []any{eedks, none, nobody, errors.Is(l.Safe(2).Keep("other", eedks), ipp.ErrNotKept)}
	})
	s.step("an array", func(l *Lab) any { return reported(l.CreateArray("S1", RAIDAuto)) })
	s.step("a rank", func(l *Lab) any { return reported(l.CreateRank("A0", 1)) })
	s.step("a key with a state", func(l *Lab) any { return refused(keyHost(t, l, 1).SetKeyState(1, customer.KeyDestroy, 0)) })
	for _, c := range []struct {
		name       string
		hurt, heal func(*Lab) error
	}{
		{"server 1 loses its key pairs", func(l *Lab) error { return keyHost(t, l, 1).LoseKey(1) }, func(l *Lab) error { return keyHost(t, l, 1).RestoreFrom(keyHost(t, l, 2)) }},
		{"server 2 loses the first one, a bit flips in the second", func(l *Lab) error {
			return errors.Join(keyHost(t, l, 2).LosePair("tier1"), keyHost(t, l, 2).DamagePair("ds8000_a", 77))
		}, func(l *Lab) error { return keyHost(t, l, 2).RestoreFrom(keyHost(t, l, 1)) }},
		{"memory is bad, and the other one garbles", func(l *Lab) error {
			keyHost(t, l, 1).BreakMemory(true)
			keyHost(t, l, 2).Garble()
			return nil
		}, func(l *Lab) error {
			keyHost(t, l, 1).BreakMemory(false)
			keyHost(t, l, 2).Ungarble()
			return nil
		}},
		{"the network is cut at console 1, refuses at console 2", func(l *Lab) error {
			return errors.Join(l.customer.SetPath(1, keyServerAddr(1), false), l.customer.SetPath(1, "192.0.2.12", false), l.customer.Arm(2, fault.MustParse("(net.connect.refused)")))
		}, func(l *Lab) error {
			return errors.Join(l.customer.SetPath(1, keyServerAddr(1), true), l.customer.SetPath(1, keyServerAddr(2), true), l.customer.Arm(2, nil))
		}},
	} {
		do(s, c.name, c.hurt)
		s.step("a periodic retrieval", func(l *Lab) any { l.RetrieveKeys(); return nil })
		closes(s)
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		do(s, "that is mended", c.heal)
		passes(s, keyPeriod)
		closes(s)
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		closes(s)
	}
	do(s, "a pair that is none", func(l *Lab) error { return keyHost(t, l, 1).LosePair("tier9") })
	do(s, "both servers are off", func(l *Lab) error { return errors.Join(l.customer.Stop(1), l.customer.Stop(2)) })
	passes(s, 8*time.Hour)
	passes(s, 4*time.Hour)
	do(s, "both servers are on", func(l *Lab) error { return errors.Join(l.customer.Start(1), l.customer.Start(2)) })
	passes(s, connectivityQuery)
	closes(s)
	s.step("the data key is exchanged", func(l *Lab) any { return reported(l.RekeyDataKey(1)) })
	s.step("the repository is restored", func(l *Lab) any { return reported(l.RestoreRepository()) })
	s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
	s.told("ipp")
}

// TestStoryOfKeyManagers is how key managers are made, changed and removed.
func TestStoryOfKeyManagers(t *testing.T) {
	s := tell(t, encrypted(t, Options{}))
	s.l.customer.UsePairs(drawOnce(Options{}))
	s.step("a server is added", func(l *Lab) any { return refused(second(l.customer.Add(" Keys3.Example.com. "))) })
	s.step("once more", func(l *Lab) any { return refused(second(l.customer.Add("keys3.example.com"))) })
	s.step("a bad name", func(l *Lab) any { return refused(second(l.customer.Add("10.0.0.1"))) })
	keyManagersAreMade(t, s)
	keyManagersAreChanged(t, s)
	s.step("group 4 of one server", func(l *Lab) any { must(t, l.RemoveKeyManager(8)); return reported(l.ConfigureGroup(4)) })
	s.step("group 3 of servers that are not there", func(l *Lab) any { return reported(l.ConfigureGroup(3)) })
	s.step("group 5", func(l *Lab) any { return reported(l.ConfigureGroup(5)) })
	do(s, "the licence is gone", func(l *Lab) error { l.RemoveLicence(); return nil })
	s.step("group 2", func(l *Lab) any { return reported(l.ConfigureGroup(2)) })
	do(s, "another licence", func(l *Lab) error { return l.InstallLicence(LicenceKey("75NR642")) })
	do(s, "its licence", func(l *Lab) error { return l.InstallLicence(" " + LicenceKey(l.Serial()) + "\n") })
	s.step("group 2", func(l *Lab) any { return reported(l.ConfigureGroup(2)) })
	s.step("group 1 is removed", func(l *Lab) any { return reported(l.RemoveGroup(1)) })
	s.step("access of group 4", func(l *Lab) any { return answer(l.TestAccess(4)) })
	s.step("access of server 9", func(l *Lab) any { return answer(l.TestAccessOf(1, 9)) })
	s.step("access of a server of group 2", func(l *Lab) any { return answer(l.TestAccessOf(1, 5)) })
	s.step("access of one of type TCT", func(l *Lab) any { return answer(l.TestAccessOf(2, 5)) })
	s.step("access of an inactive one", func(l *Lab) any {
		changes(2, KeyManagerChange{Active: new(false)})(l)
		return answer(l.TestAccessOf(1, 2))
	})
	s.step("a rekey with one server that is there", func(l *Lab) any { return reported(l.RekeyDataKey(1)) })
	passes(s, keyPeriod)
	s.told("managers")
}

func makes(q KeyManagerRequest) func(l *Lab) any {
	return func(l *Lab) any { return answer(l.MakeKeyManager(q)) }
}

func changes(id int, c KeyManagerChange) func(l *Lab) any {
	return func(l *Lab) any { return answer(l.ChangeKeyManager(id, c)) }
}

func keyManagersAreMade(t *testing.T, s *teller) {
	s.step("a key manager", makes(KeyManagerRequest{Addr: "keys3.example.com"}))
	s.step("one more at the same server", makes(KeyManagerRequest{Addr: "192.0.2.13"}))
	s.step("number 9", makes(KeyManagerRequest{ID: 9, Addr: "x"}))
	s.step("number 1 again", makes(KeyManagerRequest{ID: 1, Addr: "x"}))
	s.step("no address", makes(KeyManagerRequest{Addr: "keys 3"}))
	s.step("a bad port", makes(KeyManagerRequest{Addr: "x", Port: 70000}))
	s.step("a bad protocol", makes(KeyManagerRequest{Addr: "x", Protocol: "ssh"}))
	s.step("a bad key protocol", makes(KeyManagerRequest{Addr: "x", KeyProtocol: "KMIP2"}))
	s.step("KMIP without TLS", makes(KeyManagerRequest{Addr: "x", Protocol: ProtocolNone}))
	s.step("group 5", makes(KeyManagerRequest{Addr: "x", KeyGroup: 5}))
	s.step("no group", makes(KeyManagerRequest{Addr: "x", KeyGroup: -1}))
	s.step("another type", makes(KeyManagerRequest{Addr: "x", Type: "TCT"}))
	s.step("no type", makes(KeyManagerRequest{Addr: "x", KeyGroup: 2, Type: "DATA"}))
	s.step("IPP in a group by KMIP", makes(KeyManagerRequest{Addr: "x", KeyProtocol: IPP}))
	s.step("trust that is none", makes(KeyManagerRequest{Addr: "x", Trust: []byte("no PEM")}))
	s.step("IPP with TLS for group 3", makes(KeyManagerRequest{ID: 7, Addr: "Keys7.example.com", KeyProtocol: IPP, KeyGroup: 3}))
	s.step("IPP without for group 3", makes(KeyManagerRequest{Addr: "[2001:DB8::7]", Protocol: ProtocolNone, KeyProtocol: IPP, KeyGroup: 3}))
	s.step("type TCT for group 2", makes(KeyManagerRequest{Addr: "keys5.example.com", KeyGroup: 2, Type: "tct"}))
	s.step("the factory's authority", func(l *Lab) any {
		pem, err := l.customer.Authority("factory")
		must(t, err)
		return makes(KeyManagerRequest{Addr: "keys6.example.com", KeyGroup: 2, Trust: pem, Certificate: "other_ca.pem"})(l)
	})
	s.step("a server at the address of number 5", func(l *Lab) any { return refused(second(l.customer.Add("keys5.example.com"))) })
	s.step("one for group 4", func(l *Lab) any {
		makes(KeyManagerRequest{Addr: "a", KeyGroup: 4})(l)
		return makes(KeyManagerRequest{Addr: "b", KeyGroup: 4})(l)
	})
	s.step("one too many", makes(KeyManagerRequest{Addr: "c", KeyGroup: 4}))
}

func keyManagersAreChanged(t *testing.T, s *teller) {
	taken, bad, file := "keyserver1.example.com", "keys 3", "other_ca.pem"
	port, noPort, off, isOn := 441, 70000, false, true
	none, tls, no := ProtocolNone, ProtocolTLS, Protocol("ssh")
	byIPP, byKMIP := IPP, KMIP
	s.step("number 3 moves to another address", changes(3, KeyManagerChange{Addr: &taken}))
	s.step("to no address", changes(3, KeyManagerChange{Addr: &bad}))
	s.step("to port 441", changes(3, KeyManagerChange{Port: &port}))
	s.step("a periodic retrieval", func(l *Lab) any { l.RetrieveKeys(); return nil })
	s.step("is inactive", changes(3, KeyManagerChange{Active: &off}))
	closes(s)
	s.step("is active", changes(3, KeyManagerChange{Active: &isOn}))
	s.step("to another file", changes(3, KeyManagerChange{Certificate: &file}))
	s.step("to a file of nothing", changes(3, KeyManagerChange{Certificate: &file, Trust: []byte{}}))
	s.step("to the factory's authority", func(l *Lab) any {
		pem, err := l.customer.Authority("factory")
		must(t, err)
		return changes(3, KeyManagerChange{Trust: pem})(l)
	})
	s.step("number 4 to no protocol", changes(4, KeyManagerChange{Protocol: &no}))
	s.step("number 7 to none", changes(7, KeyManagerChange{Protocol: &none}))
	s.step("number 7 to TLS", changes(7, KeyManagerChange{Protocol: &tls}))
	s.step("number 7 to KMIP", changes(7, KeyManagerChange{KeyProtocol: &byKMIP}))
	s.step("number 7 to IPP at a port of its own", changes(7, KeyManagerChange{KeyProtocol: &byIPP, Port: &noPort}))
	s.step("number 7 to IPP at a port of its own", changes(7, KeyManagerChange{KeyProtocol: &byIPP, Port: &port}))
	s.step("number 9 to anything", changes(9, KeyManagerChange{Port: &port}))
	s.step("number 3 is removed", func(l *Lab) any { return refused(l.RemoveKeyManager(3)) })
	s.step("once more", func(l *Lab) any { return refused(l.RemoveKeyManager(3)) })
	s.step("number 3 again", makes(KeyManagerRequest{Addr: "x"}))
}

// TestStoryOfTheCloud is what is seen of objects in the cloud.
func TestStoryOfTheCloud(t *testing.T) {
	s := tell(t, tiered(t, Options{}))
	s.step("payroll leaves", migrates(payroll(true)))
	s.step("payroll again", migrates(payroll(true)))
	s.step("taxes leave", migrates(CloudRequest{Object: "taxes", Rank: "R0", LBA: 2, Sectors: 5}))
	s.step("taxes from elsewhere", migrates(CloudRequest{Object: "taxes", Rank: "R0", LBA: 3, Sectors: 5}))
	s.step("an object by group 1", migrates(CloudRequest{Object: "more", Rank: "R0", Sectors: 5, KeyGroup: 1}))
	s.step("an object by group 3", migrates(CloudRequest{Object: "more", Rank: "R0", Sectors: 5, KeyGroup: 3}))
	s.step("an object of no sector", migrates(CloudRequest{Object: "more", Rank: "R0"}))
	s.step("an object of a rank that is not there", migrates(CloudRequest{Object: "more", Rank: "R1", Sectors: 1}))
	s.step("a name that is none", migrates(CloudRequest{Object: "more/less", Rank: "R0", Sectors: 1}))
	looks(s, "payroll")
	looks(s, "taxes")
	looks(s, "more")
	cloudServerFails(t, s)
	objectsComeBack(t, s)
	do(s, "the keys of the cloud are off", func(l *Lab) error { return errors.Join(l.customer.Stop(3), l.customer.Stop(4)) })
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	looks(s, "wages")
	s.step("bonus comes back", recalls(RecallRequest{Object: "bonus"}))
	do(s, "they are on", func(l *Lab) error { return errors.Join(l.customer.Start(3), l.customer.Start(4)) })
	passes(s, connectivityQuery)
	closes(s)
	do(s, "all copies are damaged", func(l *Lab) error {
		return errors.Join(l.DamageRepository(1), l.DamageRepository(2), l.DamageRepository(3))
	})
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	looks(s, "wages")
	deletes(s, "wages", true)
	s.step("group 2 is removed", func(l *Lab) any { return reported(l.RemoveGroup(2)) })
	s.step("the repository is restored", func(l *Lab) any { return reported(l.RestoreRepository()) })
	s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
	s.step("group 2 is removed", func(l *Lab) any { return reported(l.RemoveGroup(2)) })
	s.step("the group key is exchanged", func(l *Lab) any { return reported(l.RekeyGroupKey(2)) })
	s.step("bonus comes back", recalls(RecallRequest{Object: "bonus"}))
	s.told("cloud")
}

func migrates(q CloudRequest) func(l *Lab) any {
	return func(l *Lab) any { return reported(l.MigrateToCloud(q)) }
}

func recalls(q RecallRequest) func(l *Lab) any {
	return func(l *Lab) any { return reported(l.RecallFromCloud(q)) }
}

func looks(s *teller, object string) {
	s.step("a look at "+object, func(l *Lab) any { return answer(l.LookIntoCloud(object)) })
}

func deletes(s *teller, object string, force bool) {
	s.step(object+" is deleted", func(l *Lab) any { return reported(l.DeleteFromCloud(object, force)) })
}

// atCloud does something at the cloud server.
func atCloud(t *testing.T, s *teller, name string, f func(*customer.CloudServer) error) {
	do(s, name, func(l *Lab) error { return f(cloudHost(t, l)) })
}

// cloudServerFails: the server is away, alters objects and loses them.
func cloudServerFails(t *testing.T, s *teller) {
	const taxes = "75NR641/taxes"
	for _, c := range []customer.CloudService{customer.CloudDown, customer.CloudRefusing} {
		atCloud(t, s, "the server is "+string(c), func(h *customer.CloudServer) error { return h.SetService(c) })
		looks(s, "taxes")
		s.step("taxes come back", recalls(RecallRequest{Object: "taxes"}))
		deletes(s, "taxes", false)
	}
	atCloud(t, s, "the server does something else", func(h *customer.CloudServer) error { return h.SetService("closed") })
	atCloud(t, s, "the server runs", func(h *customer.CloudServer) error { return h.SetService(customer.CloudRunning) })
	atCloud(t, s, "taxes are altered", func(h *customer.CloudServer) error { return h.Alter(taxes, 300) })
	looks(s, "taxes")
	s.step("taxes come back", recalls(RecallRequest{Object: "taxes"}))
	atCloud(t, s, "and back", func(h *customer.CloudServer) error { return h.Alter(taxes, 300) })
	atCloud(t, s, "they have no such byte", func(h *customer.CloudServer) error { return h.Alter(taxes, -30000) })
	atCloud(t, s, "they have no older version", func(h *customer.CloudServer) error { return h.Rollback(taxes) })
	atCloud(t, s, "taxes are lost", func(h *customer.CloudServer) error { return h.Lose(taxes) })
	atCloud(t, s, "taxes are lost", func(h *customer.CloudServer) error { return h.Lose(taxes) })
	looks(s, "taxes")
	deletes(s, "taxes", false)
	atCloud(t, s, "something is put there", func(h *customer.CloudServer) error {
		return errors.Join(h.Put("75NR641/stray", []byte("x")), h.Put("OTHER/stray", []byte("x")))
	})
	s.step("stray leaves", migrates(CloudRequest{Object: "stray", Rank: "R0", Sectors: 1}))
	deletes(s, "stray", false)
	deletes(s, "stray", false)
	deletes(s, "payroll", false)
}

// objectsComeBack: elsewhere, over other data, and with a repository that takes no receipt.
func objectsComeBack(t *testing.T, s *teller) {
	at := uint64(100)
	s.step("payroll comes back elsewhere", recalls(RecallRequest{Object: "payroll", LBA: &at}))
	s.step("the host writes", func(l *Lab) any {
		r, err := l.plant.Rank("R0")
		must(t, err)
		return refused(r.Write(103, pattern(9, 512)))
	})
	s.step("payroll comes back", recalls(RecallRequest{Object: "payroll"}))
	s.step("over it", recalls(RecallRequest{Object: "payroll", Over: true}))
	s.step("payroll leaves by another name", migrates(CloudRequest{Object: "wages", Rank: "R0", LBA: 100, Sectors: 40, Release: true}))
	do(s, "the repository refuses writes", func(l *Lab) error { return l.ArmRepository(fault.MustParse("(repository.write.refused)")) })
	s.step("wages come back", recalls(RecallRequest{Object: "wages"}))
	deletes(s, "payroll", false)
	do(s, "the repository takes them", func(l *Lab) error { return l.ArmRepository(nil) })
	passes(s, time.Hour)
	s.step("an IML opens the copies anew", func(l *Lab) any { return reported(l.DualClusterIML()) })
	do(s, "the repository refuses writes", func(l *Lab) error { return l.ArmRepository(fault.MustParse("(repository.write.refused)")) })
	deletes(s, "payroll", false)
	s.step("bonus leaves", migrates(CloudRequest{Object: "bonus", Rank: "R0", LBA: 100, Sectors: 1, Release: true}))
	do(s, "the repository takes them", func(l *Lab) error { return l.ArmRepository(nil) })
	s.step("an IML opens the copies anew", func(l *Lab) any { return reported(l.DualClusterIML()) })
	s.step("bonus leaves", migrates(CloudRequest{Object: "bonus", Rank: "R0", LBA: 100, Sectors: 1, Release: true}))
}

// TestStoryOfPredictedFailures is what RAS does by itself with members whose failure is predicted.
func TestStoryOfPredictedFailures(t *testing.T) {
	s := tell(t, encrypted(t, Options{}))
	do(s, "smart rebuilds are held", func(l *Lab) error { l.HoldExchange(true); return nil })
	do(s, "D03 shows media errors", func(l *Lab) error { failing(t, l, "R1-I1-D03"); return nil })
	passes(s, 2*time.Hour)
	s.step("a repair begins", func(l *Lab) any { return reported(l.StartRepair("R1-I1-D16")) })
	do(s, "smart rebuilds are started", func(l *Lab) error { l.HoldExchange(false); return nil })
	passes(s, 2*time.Hour)
	s.step("the repair is cancelled", func(l *Lab) any { return reported(l.CancelRepair("R1-I1-D16")) })
	do(s, "the spare is broken", func(l *Lab) error { return l.Break("R1-I1-D08") })
	passes(s, 2*time.Hour)
	s.step("the spare is exchanged", func(l *Lab) any { return reported(exchange(t, l, "R1-I1-D08", "")) })
	s.step("quiesce", func(l *Lab) any { return reported(l.Quiesce()) })
	passes(s, time.Hour)
	s.step("shutdown", func(l *Lab) any { return reported(l.Shutdown()) })
	passes(s, shutdownDuration)
	do(s, "no key server", func(l *Lab) error { return errors.Join(l.customer.Stop(1), l.customer.Stop(2)) })
	s.step("resume", func(l *Lab) any { return reported(l.Resume()) })
	passes(s, 2*time.Hour)
	do(s, "key servers", func(l *Lab) error { return errors.Join(l.customer.Start(1), l.customer.Start(2)) })
	passes(s, 3*time.Hour)
	s.step("D03 is as it was", func(l *Lab) any { return answer(l.plant.Drive("R1-I1-D03")) })
	s.step("the spare took its place", func(l *Lab) any { return answer(l.plant.Drive("R1-I1-D08")) })
	closes(s)
	s.told("predicted")
}
