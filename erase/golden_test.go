package erase

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

var update = flag.Bool("update", false, "write the files in testdata anew; only for a format that nobody keeps yet")

// golden wants text to be what the file in testdata holds.
func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text), "%s is kept by people: what was written once must read so for good", path)
}

// testdata/certificate.* are what an engine signs for a drive that passed: every field of a
// statement, and one that was not accepted.
func TestACertificateIsWrittenAsItWas(t *testing.T) {
	every := Statement{
		MediaVendor: "Acme", MediaModel: "Test SED", MediaSerial: "GOLD1", MediaIdentity: IdentityText(drive.Identity{7}), MediaProperty: "P-17",
		MediaType: "SSD", MediaSource: "rack 3", Classification: "secret", Extent: "range 2",
		Method: "Purge", Technique: "Cryptographic Erase", MethodDetails: "details", Tool: "fdelab test",
		Verification: Verification{
			Method: "search", Adversary: forensic.KnowsRetired.Level(), Checks: "command, search", Result: "passed",
			Samples: Samples{Plaintexts: 1, Unread: 0, Secrets: 3, Pages: 4, Windows: 5, Unwraps: 6, Pieces: 7, Written: 9, Read: 8},
		},
		Validation: Validation{Outcome: Accepted, Reason: "every point", Considered: "medium pass", Basis: "the new key", By: "fdelab test"},
		Started:    "2026-03-01T11:59:58Z", Date: "2026-03-01T12:00:00Z", PostClassification: "public", Destination: "reuse",
		Operator: "Zoë <z@example.org> & Co", Position: "technician", Organization: "Lab", Location: "Room 1", Contact: "1234", Notes: "50 % off",
		Timeline: []Event{{"2025-01-01T00:00:00Z", "joined <key group> 1"}, {"2026-03-01T12:00:00Z", "judged: accepted"}},
	}
	rejected := every
	rejected.Validation.Outcome, rejected.MediaIdentity = Rejected, ""
	for name, s := range map[string]Statement{"certificate": every, "certificate-rejected": rejected} {
		c, err := Sign(s, signer)
		require.NoError(t, err)
		golden(t, name+".json", c.JSON())
		golden(t, name+".txt", []byte(c.Text()))
		golden(t, name+".html", c.HTML())
		for _, ext := range []string{".json", ".txt", ".html"} {
			data, err := os.ReadFile(filepath.Join("testdata", name+ext))
			require.NoError(t, err)
			got, err := VerifyCertificate(data, public())
			require.NoError(t, err)
			require.Equal(t, s, got.Statement)
			require.Equal(t, s.Validation.Outcome == Accepted, got.Statement.Accepted())
		}
	}
}

// What an engine signs, field by field, for each method.
func TestACertificateSaysExactlyWhatWasDone(t *testing.T) {
	const now = "2026-03-01T12:00:00Z"
	const search = "search of the full flash dump for keys with every known secret, independent of the drive's report"
	for _, c := range []struct {
		method          Method
		extent, details string
		checks          string
		adversary       string
		samples         Samples
	}{
		{DriveErase, "whole drive", "EraseMaster erase of all ranges; new media encryption key, old key wraps destroyed in flash", "command, control, state, credential, msid, plaintext, search, weak wraps, remains", forensic.KnowsRetired.Level(), Samples{Plaintexts: 2, Secrets: 3, Pages: 4, Windows: 947, Unwraps: 1210, Pieces: 28, Written: 2, Read: 2}},
		{RangeErase, "range 1", "EraseMaster erase of range 1; new media encryption key, old key wraps destroyed in flash", "command, control, state, credential, msid, plaintext, search, weak wraps, remains", forensic.KnowsRetired.Level(), Samples{Plaintexts: 1, Unread: 0, Secrets: 3, Pages: 1, Windows: 676, Unwraps: 1034, Pieces: 12, Written: 1, Read: 1}},
		{PSIDRevert, "whole drive", "revert with the PSID; new media encryption key, old key wraps destroyed in flash", "command, state, msid, weak wraps, remains", forensic.ReadsFuses.Level(), Samples{Plaintexts: 0, Unread: 0, Secrets: 3, Pages: 1, Windows: 0, Unwraps: 1034, Pieces: 57, Written: 1, Read: 1}},
	} {
		b := newBench(t, "GOLD3", nil, nil)
		b.configure(1, pin(11))
		command, _, _ := strings.Cut(c.details, ";")
		history := []History{{time.Date(2025, 1, 2, 1, 0, 0, 500, time.FixedZone("", 3600)), "came from the factory"}}
		job := Job{History: history, Target: b.Drive, Method: c.method, Range: 1, Owner: []Credential{{Range: 1, PIN: pin(11)}}}
		if c.method == PSIDRevert {
			b.cycle()
			job.Target = mute{noPlaintext{b}}
			job.PSID, job.Owner, job.Destroy = b.label.PSID, nil, "GOLD3"
		}
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		s := r.Certificate.Statement
		id, err := b.Identity()
		require.NoError(t, err)
		want := Statement{
			MediaModel: "Test SED", MediaSerial: "GOLD3", MediaIdentity: IdentityText(id), MediaType: "self-encrypting drive, AES-256-XTS",
			Extent: c.extent, Method: "Purge", Technique: "Cryptographic Erase", MethodDetails: c.details, Tool: "fdelab test",
			Verification: Verification{Method: search, Adversary: c.adversary, Samples: c.samples, Checks: c.checks, Result: "passed"},
			Validation: Validation{
				Outcome: Accepted, Reason: "every point was judged and holds",
				Considered: "medium pass, plain data pass, key strength pass, key copies pass, outside keys pass, identity pass",
				Basis:      "the new media encryption key, made in the drive, and the destruction of the old one", By: "fdelab test",
			},
			Started: now, Date: now, Operator: "A. Tester", Organization: "Lab <7> & Co", Location: "Room 1",
			Timeline: []Event{{"2025-01-02T00:00:00Z", "came from the factory"}, {now, "this erase began"}, {now, "the drive answered: " + command}, {now, "verified by search of its flash"}, {now, "judged: accepted"}},
		}
		if c.method == PSIDRevert {
			want.MediaIdentity = ""
			want.Validation.Reason = "nothing speaks against it; could not be judged: key strength, identity"
			want.Validation.Considered = "medium pass, plain data pass, key strength not possible, key copies pass, outside keys pass, identity not possible"
		}
		require.Equal(t, want, s)
	}
}

func TestACertificateKeepsTheTypeThatWasGiven(t *testing.T) {
	_, job := locked(t, "GOLD4", nil)
	e := engine(t, func(o *Options) { o.Statement.MediaType = "SSD"; o.Tool = "" })
	rep, err := e.Run(t.Context(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, "SSD", rep.Results[0].Certificate.Statement.MediaType)
	require.Equal(t, "fdelab", rep.Results[0].Certificate.Statement.Tool, "a tool without a name is this one")
}
