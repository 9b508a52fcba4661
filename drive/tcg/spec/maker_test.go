package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

func TestTheMakersPages(t *testing.T) {
	r := spec.Report{
		State: spec.ReportConfigured, ScrubNeeded: true, Persistent: true, KeyGeneration: 0x01020304, Iterations: 1000, TryLimit: 16,
		LastFailure: spec.FailedDegraded, Authorities: []spec.ReportedAuthority{{UID: spec.SID, Tries: 3}, {UID: spec.BandMaster(2), AtMSID: true}},
	}
	b := r.Append(nil)
	got, err := spec.ParseReport(append(b, 0, 0, 0))
	require.NoError(t, err, "zeros behind it are padding")
	require.Equal(t, &r, got)
	row, ok := got.Find(spec.BandMaster(2))
	require.True(t, ok)
	require.True(t, row.AtMSID)
	_, ok = got.Find(spec.EraseMaster)
	require.False(t, ok)
	for n := range len(b) {
		_, err := spec.ParseReport(b[:n])
		require.Error(t, err, "%d bytes", n)
	}
	b[4]++
	_, err = spec.ParseReport(b)
	require.Error(t, err, "of another version")

	a := spec.Attestation{Identity: [32]byte{1}, Signature: [64]byte{2}, Serial: strings.Repeat("s", 20)}
	b = a.Append(nil)
	back, err := spec.ParseAttestation(append(b, 0))
	require.NoError(t, err)
	require.Equal(t, a, back)
	for n := range len(b) {
		_, err := spec.ParseAttestation(b[:n])
		require.Error(t, err, "%d bytes", n)
	}
}
