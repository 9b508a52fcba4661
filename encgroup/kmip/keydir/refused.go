package keydir

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	gosync "sync"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// RefusedList is the list of certificates that a server refuses although its authority signed them:
// the file "refused" in its directory. It is read again whenever it has changed. A line has the
// SHA-256 of a certificate's DER, 64 hexadecimal digits with or without colons, and after a blank
// any text. A line that begins with # is a comment.
//
// If the list cannot be read, or has gone, every certificate is refused: a damaged file must not
// take back a refusal.
type RefusedList struct {
	path string

	mu   gosync.Mutex
	read fs.FileInfo // of the file at the last reading; nil: there was none yet
	seen map[[sha256.Size]byte]bool
	bad  error
}

// OpenRefused reads the list of a directory. A missing list is empty.
func OpenRefused(dir string) (*RefusedList, error) {
	l := &RefusedList{path: filepath.Join(dir, Refused)}
	l.look()
	return l, l.bad
}

// Check says why a certificate is refused, nil if it is not.
func (l *RefusedList) Check(cert *x509.Certificate) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.look()
	if l.bad != nil {
		return fmt.Errorf("no certificate is taken: %w", l.bad)
	}
	if l.seen[sha256.Sum256(cert.Raw)] {
		return fmt.Errorf("the certificate of %s is on the list of refused ones", cert.Subject)
	}
	return nil
}

// look reads the file if it has changed. The caller holds the lock.
func (l *RefusedList) look() {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.read == nil:
		return
	case err != nil:
		l.bad = fmt.Errorf("keydir: the list of refused certificates: %w", err)
		return
	case l.bad == nil && l.read != nil && os.SameFile(info, l.read) && info.ModTime().Equal(l.read.ModTime()) && info.Size() == l.read.Size():
		return
	}
	l.read = info
	b, err := os.ReadFile(l.path)
	if err != nil {
		l.bad = fmt.Errorf("keydir: the list of refused certificates: %w", err)
		return
	}
	l.seen, l.bad = parseRefused(l.path, b)
}

func parseRefused(path string, b []byte) (map[[sha256.Size]byte]bool, error) {
	seen := map[[sha256.Size]byte]bool{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		word, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		sum, err := hex.DecodeString(strings.ReplaceAll(word, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("keydir: %s line %d is no SHA-256 of a certificate, need 64 hexadecimal digits", path, n)
		}
		seen[[sha256.Size]byte(sum)] = true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("keydir: %s: %w", path, err)
	}
	return seen, nil
}

// Refuse puts the certificate of a PEM file on the list of a directory, unless it is there already.
// A running server reads the list by itself.
func Refuse(dir, certificate string) (subject string, err error) {
	if err := Finished(dir); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, Database)); err != nil {
		return "", fmt.Errorf("keydir: %s is no directory of a key server: %w", dir, err)
	}
	b, err := os.ReadFile(certificate)
	if err != nil {
		return "", fmt.Errorf("keydir: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return "", fmt.Errorf("keydir: %s holds no certificate in PEM", certificate)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("keydir: %s: %w", certificate, err)
	}
	path := filepath.Join(dir, Refused)
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keydir: %w", err)
	}
	seen, err := parseRefused(path, have)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(cert.Raw)
	if seen[sum] {
		return cert.Subject.String(), nil
	}
	if len(have) > 0 && have[len(have)-1] != '\n' {
		have = append(have, '\n')
	}
	have = fmt.Appendf(have, "%x %s\n", sum, strings.Join(strings.Fields(cert.Subject.String()), " "))
	next := path + ".part"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keydir: %w", err)
	}
	if err := pki.WriteNew(next, have, 0o644); err != nil {
		return "", err
	}
	if err := os.Rename(next, path); err != nil {
		return "", fmt.Errorf("keydir: %w", err)
	}
	return cert.Subject.String(), sync(dir)
}
