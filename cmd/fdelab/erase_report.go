package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// signer reads the private key of --key; nil without one.
func (f *eraseFlags) signer() (ed25519.PrivateKey, error) {
	if f.key == "" {
		return nil, nil
	}
	b, err := pki.ReadPrivate(f.key)
	if err != nil {
		return nil, cannotf("erase: key: %s", strings.TrimPrefix(err.Error(), "pki: "))
	}
	defer clear(b)
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, usagef("erase: key %s: not a PEM block of a PRIVATE KEY", f.key).withHint("openssl genpkey -algorithm ed25519 -out operator.key")
	}
	defer clear(block.Bytes)
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := k.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, usagef("erase: key %s: not an Ed25519 key", f.key).withHint("openssl genpkey -algorithm ed25519 -out operator.key")
	}
	return key, nil
}

// fileOfSerial is a serial number as the name of a file.
func fileOfSerial(serial string) string {
	return strings.ReplaceAll(url.PathEscape(serial), ".", "%2E")
}

// certify writes the certificate of a drive that is erased, and takes away an older one of a drive
// that is not: it would stand for what is not so any more.
func (r *eraseRun) certify(d *erasee) error {
	if r.f.key == "" {
		return nil
	}
	path := filepath.Join(r.f.certificates, fileOfSerial(d.serial)+".cert")
	erased := d.outcome == erase.Passed || d.outcome == erase.AlreadyErased
	if !erased || d.result == nil || d.result.Certificate == nil {
		if d.outcome == erase.AlreadyErased && d.result != nil {
			d.uncertified = true
		}
		if d.outcome == erase.Refused || d.outcome == erase.NotStarted || erased {
			return nil // nothing happened to the drive
		}
		if err := os.Rename(path, path+".void"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("erase: certificate: %w", err)
		}
		return nil
	}
	if err := replaceFile(path, []byte(d.result.Certificate.Text())); err != nil {
		return fmt.Errorf("erase: certificate: %w", err)
	}
	d.certificate = path
	return nil
}

// erased is the JSON answer of `fdelab erase`.
type erased struct {
	Method  erase.Method          `json:"method"`
	Journal string                `json:"journal"`
	Drives  []erasedRow           `json:"drives"`
	Counts  map[erase.Outcome]int `json:"counts"`
	Others  int                   `json:"other_files"`
	Seconds float64               `json:"seconds"`
}

type erasedRow struct {
	File        string        `json:"file"`
	Serial      string        `json:"serial,omitempty"`
	Outcome     erase.Outcome `json:"outcome"`
	Why         string        `json:"why,omitempty"`
	Attempts    int           `json:"attempts,omitempty"`
	Certificate string        `json:"certificate,omitempty"`
}

// summary prints how each drive ended: in text only those that are not erased. The error says how many
// that are.
func (r *eraseRun) summary(took time.Duration) error {
	e := erased{Method: r.f.method(), Journal: r.f.journal, Counts: map[erase.Outcome]int{}, Others: r.others, Seconds: took.Seconds()}
	bad, certificates, uncertified := 0, 0, 0
	for _, d := range r.drives {
		if d.outcome == notReached {
			d.outcome = erase.NotStarted
		}
		row := erasedRow{File: d.path, Serial: d.serial, Outcome: d.outcome, Why: d.why, Certificate: d.certificate}
		if d.result != nil {
			row.Attempts = d.result.Attempts
		}
		e.Drives = append(e.Drives, row)
		e.Counts[d.outcome]++
		if d.outcome != erase.Passed && d.outcome != erase.AlreadyErased {
			bad++
		}
		if d.certificate != "" {
			certificates++
		}
		if d.uncertified {
			uncertified++
		}
	}
	if r.a.json {
		if err := r.a.printJSON(e); err != nil {
			return err
		}
	} else {
		r.summaryText(&e, bad, certificates)
		if uncertified > 0 {
			r.a.printf("no certificate for %s that an earlier run erased; --json says why\n", count(uncertified, "drive"))
		}
	}
	if bad > 0 {
		return failedf("erase: %d of %s not erased", bad, count(len(r.drives), "drive")+isOrAre(bad))
	}
	return nil
}

func isOrAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func (r *eraseRun) summaryText(e *erased, bad, certificates int) {
	if bad > 0 {
		t := layout.NewTable(r.a.out, r.a.width())
		t.Head("file\tdrive\toutcome\twhy")
		for _, row := range e.Drives {
			if row.Outcome != erase.Passed && row.Outcome != erase.AlreadyErased {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", oneLine(row.File), row.Serial, row.Outcome, row.Why)
			}
		}
		_ = t.Flush() // a.out keeps its error
	}
	var parts []string
	for _, o := range []erase.Outcome{erase.Passed, erase.AlreadyErased, erase.NotAccepted, erase.Failed, erase.Refused, noPlan, cannotUse, erase.NotStarted} {
		if n := e.Counts[o]; n > 0 || o == erase.Passed {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	r.a.printf("%s of %s: %s, in %.1fs\n", e.Method, count(len(e.Drives), "drive"), strings.Join(parts, ", "), e.Seconds)
	if certificates > 0 {
		r.a.printf("%s in %s\n", count(certificates, "certificate"), r.f.certificates)
	}
}
