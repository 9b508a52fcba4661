package raslab

import (
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/customer"
	"github.com/stretchr/testify/require"
)

// TestKeyWarningsComeFromWhatWasAsked: a change at a server gives a warning only once the facility
// has asked. While the server does not answer, the warning stays, with the time of the last answer.
func TestKeyWarningsComeFromWhatWasAsked(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, keyHost(t, l, 2).SetKeyState(1, customer.KeyCompromise, 0))
	must(t, keyHost(t, l, 2).Reissue("customer", "", 30*24*time.Hour))
	require.Empty(t, l.KeyWarnings(), "the facility does not look into the server")
	l.RetrieveKeys()
	at := l.Now()
	want := []KeyWarning{
		{2, "keyserver2.example.com", 1, "the certificate of its server expires in 30 days", at, "the server needs a new certificate"},
		{2, "keyserver2.example.com", 1, "the data key is compromised since 2026-01-05 08:00:00", at, "exchange both keys: keygrp newdatakey keygrp=1, keygrp newgroupkey keygrp=1"},
	}
	require.Equal(t, want, l.KeyWarnings())
	must(t, l.customer.Stop(2))
	must(t, l.Advance(9*time.Hour))
	want[0].Why = "the certificate of its server expires in 29 days"
	require.Equal(t, want, l.KeyWarnings(), "the last answer, with its time")

	must(t, l.customer.Start(2))
	ok(t, l)(l.RekeyDataKey(1))
	now := l.KeyWarnings()
	require.Len(t, now, 1, "another data key is another matter")
	require.Equal(t, l.Now(), now[0].Learned)
	inactive := false
	_, err := l.ChangeKeyManager(2, KeyManagerChange{Active: &inactive})
	require.NoError(t, err)
	require.Empty(t, l.KeyWarnings(), "what is not asked matters to nobody")
}

// TestAKeyManagerThatIsNotAskedHidesNoOther: nor does one of another group.
func TestAKeyManagerThatIsNotAskedHidesNoOther(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, keyHost(t, l, 2).Reissue("customer", "", 30*24*time.Hour))
	l.RetrieveKeys()
	inactive := false
	_, err := l.ChangeKeyManager(1, KeyManagerChange{Active: &inactive})
	require.NoError(t, err)
	w := l.KeyWarnings()
	require.Len(t, w, 1)
	require.Equal(t, 2, w[0].KeyManager)
	require.Len(t, l.keyWarnings(1), 1)
	require.Empty(t, l.keyWarnings(2))
	l.keys.managers[0].group = 2
	require.Len(t, l.keyWarnings(1), 1)
}

// TestKeyWarningOfALockedGroup: a new data key needs the old one.
func TestKeyWarningOfALockedGroup(t *testing.T) {
	l := encrypted(t, Options{})
	for n := 1; n <= 2; n++ {
		must(t, keyHost(t, l, n).SetKeyState(1, customer.KeyDestroy, 0))
	}
	_, err := l.PowerCycle()
	require.NoError(t, err)
	w := l.KeyWarnings()
	require.Len(t, w, 2)
	require.Equal(t, "the data key is destroyed", w[0].Why)
	require.Equal(t, "the group needs its key before it can get another one", w[0].Next)
}

// TestOwnCertificateIsWarnedOf: where a server asks for it.
func TestOwnCertificateIsWarnedOf(t *testing.T) {
	l := encrypted(t, Options{})
	l.LoseCertificate()
	require.Equal(t, []KeyWarning{{Why: "no certificate is installed", Learned: l.Now(), Next: "install a new one: certificate import"}}, l.KeyWarnings())
	for id := 1; id <= 2; id++ {
		must(t, l.RemoveKeyManager(id))
	}
	require.Empty(t, l.KeyWarnings())
}
