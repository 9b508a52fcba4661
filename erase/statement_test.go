package erase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

func TestAForeignTextIsQuotedUpToItsFortiethByte(t *testing.T) {
	short := strings.Repeat("x", 40)
	for in, want := range map[string]string{"": "", short: short, short + "y": short + "...", short + short: short + "..."} {
		require.Equal(t, want, clip(in))
	}
}

// What cannot be is not signed, and not believed whoever signed it.
func TestStatementsThatCannotBe(t *testing.T) {
	id := strings.Repeat("0a", 32)
	identity := func(v string) func(s *Statement) { return func(s *Statement) { s.MediaIdentity = v } }
	samples := func(v Samples) func(s *Statement) { return func(s *Statement) { s.Verification.Samples = v } }
	timeline := func(events ...Event) func(s *Statement) { return func(s *Statement) { s.Timeline = events } }
	const at, later = "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"
	for name, c := range map[string]struct {
		change func(s *Statement)
		says   string
	}{
		"an identity without a name":     {identity(id + ", proved by challenge"), "the media identity is"},
		"an identity that is not proved": {identity("Ed25519 " + id), "the media identity is"},
		"an identity too short":          {identity("Ed25519 " + id[2:] + ", proved by challenge"), "need none or"},
		"an identity too long":           {identity("Ed25519 " + id + "0a, proved by challenge"), "need none or"},
		"an identity of half a digit":    {identity("Ed25519 " + id[1:] + ", proved by challenge"), "need none or"},
		"an identity in capitals":        {identity("Ed25519 " + strings.ToUpper(id) + ", proved by challenge"), "need none or"},
		"an identity that is no number":  {identity("Ed25519 " + id[2:] + "0g, proved by challenge"), "need none or"},
		"an adversary that is none":      {func(s *Statement) { s.Verification.Adversary = "anybody" }, `the adversary is "anybody", need one such as`},
		"less than no plaintext":         {samples(Samples{Plaintexts: -1, Unread: -1}), "a count of samples is -1"},
		"less than no sector":            {samples(Samples{Written: 1, Read: -1}), "a count of samples is -1"},
		"more unread than there are":     {samples(Samples{Plaintexts: 1, Unread: 2}), "a part that is more than the whole"},
		"more read than was written":     {samples(Samples{Written: 1, Read: 2}), "a part that is more than the whole"},
		"a begin that is no time":        {func(s *Statement) { s.Started = "yesterday" }, `it started at "yesterday"`},
		"too many events":                {func(s *Statement) { s.Timeline = make([]Event, TimelineMax+1) }, "events, need at most"},
		"an event at no time":            {timeline(Event{"", "x"}), "the timeline has an event at"},
		"events out of order":            {timeline(Event{later, "x"}, Event{at, "y"}), "oldest first"},
		"events out of order, at last":   {timeline(Event{at, "x"}, Event{later, "y"}, Event{at, "z"}), "oldest first"},
		"an event that cannot be seen":   {timeline(Event{at, "x\u200b"}), `field "Timeline" holds`},
		"an event too long":              {timeline(Event{at, strings.Repeat("x", eventMax+1)}), "more than"},
	} {
		s := statement()
		c.change(&s)
		_, err := Sign(s, signer)
		require.ErrorContains(t, err, c.says, name)
		for form, data := range forms(signAnyway(s)) {
			_, err := VerifyCertificate(data, public())
			require.ErrorIs(t, err, ErrCertificate, "%s, as %s", name, form)
			require.NotErrorIs(t, err, ErrSignature, "%s, as %s", name, form)
		}
	}
	for name, change := range map[string]func(s *Statement){
		"an identity":             identity("Ed25519 " + id + ", proved by challenge"),
		"all of the samples":      samples(Samples{Plaintexts: 2, Unread: 2, Written: 3, Read: 3}),
		"events at one time":      timeline(Event{at, strings.Repeat("x", eventMax)}, Event{at, "y"}),
		"a begin behind the date": func(s *Statement) { s.Started = "2027-01-31T12:00:00Z" },
	} {
		s := statement()
		change(&s)
		c, err := Sign(s, signer)
		require.NoError(t, err, name)
		_, err = VerifyCertificate(c.JSON(), public())
		require.NoError(t, err, name)
	}
	for _, a := range forensic.Adversaries() {
		s := statement()
		s.Verification.Adversary = a.Level()
		_, err := Sign(s, signer)
		require.NoError(t, err, a.Level())
	}
}

// A retired secret is one that somebody may still have: an owner's PIN, or any other.
func TestTheAdversaryOfACertificate(t *testing.T) {
	owner, secret := []Credential{{PIN: pin(1)}}, []forensic.Secret{forensic.PIN("former", pin(3))}
	for _, c := range []struct {
		job  Job
		want forensic.Adversary
	}{
		{Job{}, forensic.ReadsFuses},
		{Job{Owner: owner}, forensic.KnowsRetired},
		{Job{Secrets: secret}, forensic.KnowsRetired},
		{Job{Owner: owner, Secrets: secret}, forensic.KnowsRetired},
	} {
		r := &run{e: engine(t, nil), job: &c.job}
		require.Equal(t, c.want.Level(), r.statement().Verification.Adversary)
	}
}
