package erase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// noPlaintext is a drive of which no sector can be read or written: what has to go shows in its
// wraps alone.
type noPlaintext struct{ *bench }

func (noPlaintext) Read(uint64, []byte) error  { return refuse(drive.MediaFailure) }
func (noPlaintext) Write(uint64, []byte) error { return refuse(drive.MediaFailure) }

// A range erase is held to the wraps of its range, and to no other's: those stay.
func TestARangeEraseIsHeldToItsOwnWraps(t *testing.T) {
	cred := func(n int, name string, c byte) Credential { return Credential{Range: n, Name: name, PIN: pin(c)} }
	for _, c := range []struct {
		name  string
		owner []Credential
		two   byte // PIN of range 2
	}{
		{"its credential", []Credential{cred(1, "", 11)}, 21},
		{"two credentials", []Credential{cred(1, "", 11), cred(2, "", 21)}, 21},
		{"two credentials, the other first", []Credential{cred(2, "", 21), cred(1, "", 11)}, 21},
		{"a name that begins with the other", []Credential{cred(2, "group key and pepper", 21), cred(1, "group key", 11)}, 21},
		{"the same name", []Credential{cred(2, "group key", 21), cred(1, "group key", 11)}, 21},
		{"the same PIN", []Credential{cred(1, "", 11)}, 11},
		{"the same PIN, given twice", []Credential{cred(2, "", 11), cred(1, "", 11)}, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, blind := range []bool{false, true} {
				b := newBench(t, "G1", nil, nil)
				require.NoError(t, b.Write(100, customer))
				b.configure(1, pin(11))
				b.configure(2, pin(c.two))
				job := Job{Target: b.Drive, Method: RangeErase, Range: 1, Owner: c.owner}
				if blind {
					job.Target = noPlaintext{b}
				}
				r := run1(t, job)
				remains, _ := r.Check(CheckRemains)
				if blind && c.two == 11 {
					require.Equal(t, Failed, r.Outcome, "nothing tells the wraps of two ranges with one PIN apart: %s", text(r))
					continue
				}
				require.Empty(t, r.Failing(), text(r))
				require.Equal(t, Pass, remains.Verdict, text(r))
				control, _ := r.Check(CheckControl)
				require.Equal(t, blind, control.Verdict == NotPossible)
				require.Equal(t, Passed, r.Outcome, text(r))
				require.Equal(t, customer, b.read(2000))
			}
		})
	}
}

// A range at MSID has no credential of its own: without a known plaintext nothing tells which
// wraps are its own, and nothing is evidence.
func TestARangeAtMSIDWithoutAKnownPlaintextIsNotProved(t *testing.T) {
	b := newBench(t, "G2", nil, nil)
	for _, owner := range [][]Credential{nil, {{Range: 0, Name: "the MSID", PIN: b.label.MSID}}} {
		r := run1(t, Job{Target: noPlaintext{b}, Method: RangeErase, Range: 0, Owner: owner})
		require.Empty(t, r.Failing(), text(r))
		verdict(t, r, CheckRemains, NotPossible)
		require.Equal(t, Failed, r.Outcome, text(r))
	}
}
