package raslab

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// reported is the report of an action, or why it was refused.
func reported(r Report, err error) any { return answer(r, err) }

// answer is a value, or why there is none.
func answer[T any](v T, err error) any {
	if err != nil {
		return err
	}
	return v
}

// refused is an error or nothing.
func refused(err error) any {
	if err != nil {
		return err
	}
	return nil
}

// passes lets time go by.
func passes(s *teller, d time.Duration) {
	s.step(d.String()+" pass", func(l *Lab) any { return refused(l.Advance(d)) })
}

// closes tries to close every open event.
func closes(s *teller) {
	s.step("the open events are closed", func(l *Lab) any {
		var all []error
		for _, e := range l.events.OpenEvents() {
			if _, err := l.CloseEvent(e.ID, "mary", "seen to", false); err != nil {
				all = append(all, err)
			}
		}
		return refused(errors.Join(all...))
	})
}

// do is a step without an answer.
func do(s *teller, name string, f func(l *Lab) error) {
	s.step(name, func(l *Lab) any { return refused(f(l)) })
}

func on(t *testing.T, n int, f func(*customer.KeyServer)) func(*Lab) error {
	return func(l *Lab) error { f(keyHost(t, l, n).KeyServer); return nil }
}

// TestStoryOfKeys is what is seen of a facility by KMIP while its key servers, the ways to them and
// their certificates fail and are mended.
func TestStoryOfKeys(t *testing.T) {
	s := tell(t, newLab(t, Options{Drives: 16}))
	s.step("a group is configured", func(l *Lab) any { return reported(l.ConfigureGroup(1)) })
	s.step("an array", func(l *Lab) any { return reported(l.CreateArray("S1", RAIDAuto)) })
	s.step("a rank", func(l *Lab) any { return reported(l.CreateRank("A0", 1)) })
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	s.step("one of one server", func(l *Lab) any { return answer(l.TestAccessOf(1, 2)) })
	do(s, "one that takes a while", func(l *Lab) error { return l.SubmitTestAccess(1) })
	passes(s, TestAccessDuration)

	do(s, "key server 2 loses its power", func(l *Lab) error { return l.customer.Stop(2) })
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	s.step("one of one server", func(l *Lab) any { return answer(l.TestAccessOf(1, 2)) })
	passes(s, keyPeriod)
	closes(s)
	passes(s, silenceMax)
	do(s, "its link to partition 0 is cut at both consoles", func(l *Lab) error {
		return errors.Join(l.SetLink(0, 1, LinkCut), l.SetLink(0, 2, LinkCut))
	})
	s.step("a periodic retrieval", func(l *Lab) any { l.RetrieveKeys(); return nil })
	do(s, "one is mended, one stalls", func(l *Lab) error {
		return errors.Join(l.SetLink(0, 1, LinkUp), l.SetLink(0, 2, LinkStalled), l.customer.Start(2))
	})
	passes(s, connectivityQuery)
	closes(s)
	s.step("an event by force", func(l *Lab) any {
		must(t, l.customer.Stop(2))
		l.RetrieveKeys()
		return answer(l.CloseEvent(len(l.events.Events()), "mary", "", true))
	})
	do(s, "all is mended", func(l *Lab) error {
		return errors.Join(l.SetLink(0, 2, LinkUp), l.customer.Start(2))
	})
	passes(s, connectivityQuery)
	closes(s)

	do(s, "the service of server 1 ends, another answers at 2", func(l *Lab) error {
		return errors.Join(on(t, 1, (*customer.KeyServer).StopService)(l), on(t, 2, (*customer.KeyServer).Garble)(l))
	})
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	closes(s)
	passes(s, connectivityQuery)
	do(s, "the services are back", func(l *Lab) error {
		return errors.Join(on(t, 1, (*customer.KeyServer).StartService)(l), on(t, 2, (*customer.KeyServer).Ungarble)(l))
	})
	passes(s, connectivityQuery+imlDuration)
	closes(s)

	for _, c := range []struct {
		name       string
		hurt, heal func(*Lab) error
	}{
		{"a console hangs, the other has no ESSNI", func(l *Lab) error { return errors.Join(l.HangConsole(1, true), l.SetESSNI(2, false)) }, func(l *Lab) error { return errors.Join(l.HangConsole(1, false), l.SetESSNI(2, true)) }},
		{"no console has ESSNI", func(l *Lab) error { return errors.Join(l.SetESSNI(1, false), l.SetESSNI(2, false)) }, func(l *Lab) error { return errors.Join(l.SetESSNI(1, true), l.SetESSNI(2, true)) }},
		{"the consoles are off", func(l *Lab) error { return errors.Join(l.PowerConsole(1, false), l.PowerConsole(2, false)) }, func(l *Lab) error { return errors.Join(l.PowerConsole(1, true), l.PowerConsole(2, true)) }},
		{"a bit of the key flips on both disks", func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).DamageKey(1, 9), keyHost(t, l, 2).DamageKey(1, 9))
		}, func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).DamageKey(1, 9), keyHost(t, l, 2).DamageKey(1, 9))
		}},
		{"no entry is active", func(l *Lab) error { activate(false)(t, l, 1); activate(false)(t, l, 2); return nil }, func(l *Lab) error { activate(true)(t, l, 1); activate(true)(t, l, 2); return nil }},
		{"server 1 shows a certificate of a stranger, server 2 for another name", func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).Reissue("unknown", "", 0), keyHost(t, l, 2).Reissue("", "other.example.com", 0))
		}, func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).Reissue("customer", "", 0), keyHost(t, l, 2).Reissue("", "", 0))
		}},
		{"server 1 shows an expired certificate, server 2 does not take the facility's", func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).Reissue("customer", "", -time.Hour), keyHost(t, l, 2).Distrust("factory"))
		}, func(l *Lab) error {
			return errors.Join(keyHost(t, l, 1).Reissue("customer", "", 0), keyHost(t, l, 2).Trust("factory"))
		}},
	} {
		do(s, c.name, c.hurt)
		s.step("a periodic retrieval", func(l *Lab) any { l.RetrieveKeys(); return nil })
		closes(s)
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		do(s, "that is mended", c.heal)
		s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
		closes(s)
	}
	s.told("keys")
}

// TestStoryOfKeyRecords is what is seen of certificates and data keys that run out, of new keys, of
// the recovery key, the key repository and call home.
func TestStoryOfKeyRecords(t *testing.T) {
	s := tell(t, encrypted(t, Options{}))
	keysRunOut(t, s)
	recoveryKeyIsUsed(s)
	repositoryIsDamaged(s)
	callHomeFails(s)
	s.step("quiesce", func(l *Lab) any { return reported(l.Quiesce()) })
	passes(s, quiesceDuration)
	s.step("shutdown", func(l *Lab) any { return reported(l.Shutdown()) })
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	s.step("one of one server", func(l *Lab) any { return answer(l.TestAccessOf(1, 1)) })
	passes(s, shutdownDuration)
	s.step("resume", func(l *Lab) any { return reported(l.Resume()) })
	s.told("records")
}

// keysRunOut: certificates and data keys run out, and are exchanged.
func keysRunOut(t *testing.T, s *teller) {
	const day = 24 * time.Hour
	do(s, "server 1 gets a certificate of 40 days, the key on server 2 a date", func(l *Lab) error {
		return errors.Join(keyHost(t, l, 1).Reissue("customer", "", 40*day), keyHost(t, l, 2).SetKeyState(1, customer.KeyDeactivate, 40*day))
	})
	do(s, "the facility gets one of 45 days", func(l *Lab) error {
		pem, err := l.customer.ClientCertificate(45 * day)
		must(t, err)
		_, err = l.ImportCertificate(pem)
		return err
	})
	for _, d := range []time.Duration{9 * day, 6 * day, 19 * day, 7 * day, 5 * day} {
		passes(s, d)
	}
	closes(s)
	do(s, "the facility's own certificate again, a new one for server 1", func(l *Lab) error {
		return errors.Join(l.DefaultCertificate(), keyHost(t, l, 1).Reissue("customer", "", 0))
	})
	s.step("the key on server 2 is compromised", func(l *Lab) any { return refused(keyHost(t, l, 2).SetKeyState(1, customer.KeyCompromise, 0)) })
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	s.step("the key on server 2 is to be active", func(l *Lab) any { return refused(keyHost(t, l, 2).SetKeyState(1, customer.KeyActivate, 0)) })
	s.step("the key on server 2 is destroyed", func(l *Lab) any { return refused(keyHost(t, l, 2).SetKeyState(1, customer.KeyDestroy, 0)) })
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	do(s, "it is restored from server 1", func(l *Lab) error { return keyHost(t, l, 2).RestoreFrom(keyHost(t, l, 1)) })
	do(s, "server 2 has bad memory", on(t, 2, func(h *customer.KeyServer) { h.BreakMemory(true) }))
	s.step("the data key is exchanged", func(l *Lab) any { return reported(l.RekeyDataKey(1)) })
	do(s, "it has good memory", on(t, 2, func(h *customer.KeyServer) { h.BreakMemory(false) }))
	passes(s, keyPeriod)
	closes(s)
	s.step("the data key is exchanged", func(l *Lab) any { return reported(l.RekeyDataKey(1)) })
	s.step("the group key is exchanged", func(l *Lab) any { return reported(l.RekeyGroupKey(1)) })
}

// recoveryKeyIsUsed: a recovery key is made, exchanged, used and ended.
func recoveryKeyIsUsed(s *teller) {
	shown := ""
	recovery := func(step RecoveryAction, by reckey.User, entered *string) {
		s.step("recovery key: "+string(step)+" by "+by.Name, func(l *Lab) any {
			key, r, err := l.RecoveryKey(1, step, by, *entered)
			if key != "" {
				shown = key
			}
			return reported(r, err)
		})
	}
	none, wrong := "", "00000"
	recovery(RecoveryConfigure, admin, &none)
	recovery(RecoveryConfigure, secAdmin, &none)
	recovery(RecoveryVerify, secAdmin, &wrong)
	recovery(RecoveryVerify, secAdmin, &shown)
	recovery(RecoveryCancel, admin, &none)
	recovery(RecoveryConfigure, secAdmin, &none)
	recovery(RecoveryVerify, secAdmin, &shown)
	recovery(RecoveryAuthorize, admin, &none)
	recovery(RecoveryRekey, secAdmin, &none)
	recovery(RecoveryVerify, secAdmin, &shown)
	recovery(RecoveryAuthorize, admin, &none)
	recovery("forget", admin, &none)
	do(s, "both servers are off", func(l *Lab) error { return errors.Join(l.customer.Stop(1), l.customer.Stop(2)) })
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	recovery(RecoveryRecover, secAdmin, &shown)
	recovery(RecoveryAuthorize, admin, &none)
	do(s, "both servers are on", func(l *Lab) error { return errors.Join(l.customer.Start(1), l.customer.Start(2)) })
	passes(s, connectivityQuery)
	closes(s)
	recovery(RecoveryDeconfigure, secAdmin, &none)
	recovery(RecoveryAuthorize, admin, &none)
	recovery(RecoveryDisable, secAdmin, &none)
	recovery(RecoveryAuthorize, admin, &none)
}

// repositoryIsDamaged: one copy of the key repository, then all.
func repositoryIsDamaged(s *teller) {
	do(s, "a copy of the repository is damaged", func(l *Lab) error { return l.DamageRepository(2) })
	s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
	closes(s)
	do(s, "all copies are damaged", func(l *Lab) error {
		return errors.Join(l.DamageRepository(1), l.DamageRepository(2), l.DamageRepository(3))
	})
	s.step("a test of access", func(l *Lab) any { return answer(l.TestAccess(1)) })
	s.step("one of one server", func(l *Lab) any { return answer(l.TestAccessOf(1, 1)) })
	s.step("a periodic retrieval", func(l *Lab) any { l.RetrieveKeys(); return nil })
	closes(s)
	s.step("the power is turned off and on", func(l *Lab) any { return reported(l.PowerCycle()) })
	s.step("the repository is restored", func(l *Lab) any { return reported(l.RestoreRepository()) })
	s.step("an IML", func(l *Lab) any { return reported(l.DualClusterIML()) })
	closes(s)
}

// callHomeFails: on every part of its way.
func callHomeFails(s *teller) {
	do(s, "the support centre is silent", func(l *Lab) error { return l.support.SetSupport(SupportSilent) })
	s.step("call home is tested", func(l *Lab) any { return reported(l.TestCallHome()) })
	do(s, "both servers are off", func(l *Lab) error { return errors.Join(l.customer.Stop(1), l.customer.Stop(2)) })
	passes(s, keyPeriod)
	do(s, "it takes no call", func(l *Lab) error { return l.support.SetSupport(SupportDown) })
	passes(s, time.Hour)
	s.step("call home is tested", func(l *Lab) any { return reported(l.TestCallHome()) })
	do(s, "call home is off", func(l *Lab) error { l.SetCallHome(false); return nil })
	s.step("call home is tested", func(l *Lab) any { return reported(l.TestCallHome()) })
	passes(s, 4*time.Hour)
	do(s, "the centre answers, console 1 does not reach it", func(l *Lab) error {
		return errors.Join(l.support.SetSupport(SupportAnswers), l.CutOutside(1, true))
	})
	do(s, "call home is on", func(l *Lab) error { l.SetCallHome(true); return nil })
	s.step("call home is tested", func(l *Lab) any { return reported(l.TestCallHome()) })
	do(s, "consoles cannot be reached", func(l *Lab) error { return errors.Join(l.SetLink(0, 1, LinkStalled), l.HangConsole(2, true)) })
	s.step("call home is tested", func(l *Lab) any { return reported(l.TestCallHome()) })
	do(s, "all is mended", func(l *Lab) error {
		return errors.Join(l.SetLink(0, 1, LinkUp), l.HangConsole(2, false), l.CutOutside(1, false), l.customer.Start(1), l.customer.Start(2))
	})
	passes(s, time.Hour)
	closes(s)
}
