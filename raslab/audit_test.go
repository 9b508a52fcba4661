package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatFollowsFromAnAudit: the verdict comes from the answers and from what the facility knows
// of its own ranks, and from nothing else.
func TestWhatFollowsFromAnAudit(t *testing.T) {
	own, r0, r1 := StorageAnswer{}, StorageAnswer{Rank: "R0"}, StorageAnswer{Rank: "R1"}
	other, waits := StorageAnswer{Facility: "B"}, StorageAnswer{Facility: "B", Waits: true}
	none := StorageAnswer{Rank: "none"}
	for name, c := range map[string]struct {
		answers [4]StorageAnswer // of key managers 1 and 2 of group 1, 3 and 4 of group 2, which R1 is of
		want    [2]AuditVerdict
		needs   string // of key manager 1
	}{
		"nobody answered":             {[4]StorageAnswer{none, none, none, none}, [2]AuditVerdict{AuditOpen, AuditOpen}, "an answer"},
		"one missing":                 {[4]StorageAnswer{r0, none, own, own}, [2]AuditVerdict{AuditOpen, AuditIsolated}, "key group 1"},
		"one of its own":              {[4]StorageAnswer{own, r0, none, none}, [2]AuditVerdict{AuditIsolated, AuditOpen}, ""},
		"both on what they unlock":    {[4]StorageAnswer{r0, r0, own, own}, [2]AuditVerdict{AuditDeadlock, AuditIsolated}, "key group 1"},
		"another facility":            {[4]StorageAnswer{other, r0, own, own}, [2]AuditVerdict{AuditIsolated, AuditIsolated}, ""},
		"another facility that waits": {[4]StorageAnswer{waits, r0, own, own}, [2]AuditVerdict{AuditDeadlock, AuditIsolated}, "facility B"},
		"behind another group":        {[4]StorageAnswer{r1, r0, r0, own}, [2]AuditVerdict{AuditIsolated, AuditIsolated}, "key group 2"},
		"each behind the other":       {[4]StorageAnswer{r1, r1, r0, r0}, [2]AuditVerdict{AuditDeadlock, AuditDeadlock}, "key group 2"},
		"behind a group nobody asked": {[4]StorageAnswer{r1, r0, r0, none}, [2]AuditVerdict{AuditOpen, AuditOpen}, "key group 2"},
		"behind one in a deadlock":    {[4]StorageAnswer{r1, r1, waits, r1}, [2]AuditVerdict{AuditDeadlock, AuditDeadlock}, "key group 2"},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{KeyServers: 2})
			for _, addr := range []string{"c.example.com", "d.example.com"} {
				must(t, second(l.customer.Add(addr)))
				must(t, second(l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2})))
			}
			ok(t, l)(l.ConfigureGroup(2))
			ok(t, l)(l.CreateArray("S2", RAIDAuto))
			ok(t, l)(l.CreateRank("A1", 2))
			for i, a := range c.answers {
				if a != none {
					must(t, l.AnswerAudit(i+1, a))
				}
			}
			for i, want := range c.want {
				got, err := l.Audit(i + 1)
				must(t, err)
				require.Equal(t, want, got.Verdict, "key group %d", i+1)
			}
			got, err := l.Audit(1)
			must(t, err)
			require.Equal(t, c.needs, got.Servers[0].Needs)
			require.Equal(t, c.want[0] == AuditDeadlock, len(l.keyWarnings(1)) == 1, "a deadlock is warned of")
		})
	}
}

// TestAnAuditIsAsGoodAsItsAnswers: the place of a server's storage alone tells the facility
// nothing, and a wrong answer is believed.
func TestAnAuditIsAsGoodAsItsAnswers(t *testing.T) {
	l := encrypted(t, Options{})
	verdict := func() AuditVerdict {
		a, err := l.Audit(1)
		must(t, err)
		return a.Verdict
	}
	for n := 1; n <= 2; n++ {
		must(t, keyHost(t, l, n).Place(l, "R0"))
	}
	require.Equal(t, AuditOpen, verdict(), "nobody was asked")
	must(t, l.AnswerAudit(1, StorageAnswer{}))
	require.Equal(t, AuditIsolated, verdict(), "somebody was asked who did not know")
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E008"}, openCodes(l), "the deadlock itself is met at the IML")
	require.NotContains(t, l.keys.group(1).wayBack(), "recovery key")
	for n := 1; n <= 2; n++ {
		must(t, l.AnswerAudit(n, StorageAnswer{Rank: "r0"}))
	}
	require.Equal(t, AuditDeadlock, verdict())
	require.Contains(t, l.keys.group(1).wayBack(), "the recovery key opens it")

	addr := "elsewhere.example.com"
	must(t, second(l.ChangeKeyManager(2, KeyManagerChange{Addr: &addr})))
	require.Equal(t, AuditOpen, verdict(), "nothing is known of another server")
	no := false
	must(t, second(l.ChangeKeyManager(2, KeyManagerChange{Active: &no})))
	require.Equal(t, AuditDeadlock, verdict(), "one that is not asked helps nobody")
	must(t, second(l.ChangeKeyManager(1, KeyManagerChange{Active: &no})))
	_, err := l.Audit(1)
	require.ErrorIs(t, err, ErrState, "nobody is asked")
}

// TestAnAnswerNeedsItsRank: an answer that names a removed rank counts as no answer.
func TestAnAnswerNeedsItsRank(t *testing.T) {
	l := encrypted(t, Options{})
	for n := 1; n <= 2; n++ {
		must(t, l.AnswerAudit(n, StorageAnswer{Rank: "R0"}))
	}
	ok(t, l)(l.RemoveRank("R0"))
	a, err := l.Audit(1)
	must(t, err)
	require.Equal(t, AuditOpen, a.Verdict)
	require.Equal(t, "an answer", a.Servers[1].Needs)

	ok(t, l)(l.CreateRank("A0", 0))
	a, err = l.Audit(1)
	must(t, err)
	require.Equal(t, AuditOpen, a.Verdict, "a later rank of that name is not the one that was meant")
	for n := 1; n <= 2; n++ {
		must(t, l.AnswerAudit(n, StorageAnswer{Rank: "R0"}))
	}
	a, err = l.Audit(1)
	must(t, err)
	require.Equal(t, AuditIsolated, a.Verdict, "a rank without encryption needs no key")
}

func TestAnswersThatCannotBe(t *testing.T) {
	l := encrypted(t, Options{})
	for name, err := range map[string]error{
		"no key manager 9":   l.AnswerAudit(9, StorageAnswer{}),
		"no rank \"R9\"":     l.AnswerAudit(1, StorageAnswer{Rank: "R9"}),
		"is this one":        l.AnswerAudit(1, StorageAnswer{Facility: "75nr641"}),
		"name a rank":        l.AnswerAudit(1, StorageAnswer{Rank: "R0", Facility: "B"}),
		"serial number":      l.AnswerAudit(1, StorageAnswer{Facility: "B C"}),
		"no other facility":  l.AnswerAudit(1, StorageAnswer{Waits: true}),
		"key group 2 is not": second(l.Audit(2)),
	} {
		require.ErrorContains(t, err, name)
	}
	a, err := l.Audit(1)
	must(t, err)
	require.Zero(t, a.Servers[0].Answered, "what is refused changes nothing")
}
