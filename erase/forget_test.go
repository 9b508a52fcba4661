package erase

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// fused is a drive that remembers what it gave out of its fuses, and the owner's PINs that it got.
type fused struct {
	*bench
	given []*drive.Fuses
	heard []drive.PIN
}

func (f *fused) Authenticate(a drive.Authority, p drive.PIN) (drive.Session, error) {
	if p.Equal(pin(1)) {
		f.heard = append(f.heard, p)
	}
	return f.bench.Authenticate(a, p)
}

func (f *fused) Fuses() *drive.Fuses {
	g := f.bench.Fuses()
	f.given = append(f.given, g)
	return g
}

// cleared says whether a secret is 32 zero bytes by now: then it opens what they wrap.
func cleared(t *testing.T, s forensic.Secret) bool {
	t.Helper()
	wrap := mustWrap(t, make([]byte, 32), pin(99).Bytes())
	f, err := forensic.Search(drive.Dump{Flash: pageOf(2048, 200, wrap)}, []forensic.Secret{s}, nil, forensic.Options{})
	require.NoError(t, err)
	return f.Wraps[0].Path[0].Name == s.Name()
}

// A run clears the copies of secrets that it made, and leaves the caller's.
func TestARunForgetsItsOwnCopiesOfSecrets(t *testing.T) {
	b, job := locked(t, "Y1", nil)
	f := &fused{bench: b}
	job.Target = f
	job.Secrets = []forensic.Secret{forensic.PIN("former", pin(3))}
	rep, err := engine(t, nil).Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.True(t, rep.OK(), rep.Text())
	require.Len(t, f.given, 1)
	require.Equal(t, [32]byte{}, [32]byte(*f.given[0].Root))
	require.Zero(t, f.given[0].MSID.Len())
	require.Greater(t, len(f.heard), 1, "the caller's own is presented for the proof, a copy of it from then on")
	require.Zero(t, f.heard[len(f.heard)-1].Len(), "the copy that was presented after the erase")
	require.True(t, job.Owner[0].PIN.Equal(pin(1)), "the caller's credential is as it was")
	require.False(t, cleared(t, job.Secrets[0]), "and the caller's secret")

	r := &run{e: engine(t, nil), job: &job, t: f, cfg: b.Config()}
	r.job.PSID, r.job.EraseMaster = pin(5), pin(6)
	r.msid = pin(7)
	r.ranges = []target{{pin: pin(1)}, {pin: pin(2)}}
	r.know()
	require.Len(t, r.secrets, 7)
	r.search()
	found := reflect.ValueOf(r.searcher).Elem().FieldByName("memory").FieldByName("all")
	require.NotZero(t, found.Len(), "the searcher remembers what it opened")
	for _, s := range r.secrets {
		require.False(t, cleared(t, s), s.Name())
	}
	r.forget()
	for i, s := range r.secrets {
		require.Equal(t, i < 6, cleared(t, s), s.Name())
	}
	require.Zero(t, found.Len(), "and what the searcher had found")
	for _, g := range r.ranges {
		require.Zero(t, g.pin.Len())
	}
	require.Equal(t, 32, r.job.PSID.Len())

	r = &run{e: engine(t, nil), job: &Job{Target: f}, t: f, cfg: b.Config()}
	r.know()
	require.Len(t, r.secrets, 2, "the root key and MSID: a PIN that nobody gave is no secret")
}
