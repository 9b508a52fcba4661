package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/erase"
)

// fileMax bounds what is read of a file, in bytes: a certificate or a key has
// a few kilobytes, and a device or an endless file must not fill the memory.
const fileMax = 1 << 20

func newCertificateCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "certificate",
		Short: "work with certificates of sanitization",
	})
	c.AddCommand(newCertificateVerifyCmd(a))
	return c
}

// verified is the JSON answer of `fdelab certificate verify`.
type verified struct {
	Verified bool `json:"verified"`
	Trusted  bool `json:"trusted"` // signed by the key given with --key
	*erase.Certificate
}

func newCertificateVerifyCmd(a *app) *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "check the signature of a certificate of sanitization",
		Long: "verify reads a certificate, in JSON or as text, and checks its signature. With --key it\n" +
			"must be signed by that key. Without, any key will do: then compare the key's name with\n" +
			"one that you got another way. FILE - is standard input.\n" +
			"The exit code is 1 if it is not what was signed, or not by that key.",
		Example: "  fdelab certificate verify drive.cert --key operator.pem",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			var trusted ed25519.PublicKey
			if keyFile != "" {
				b, err := a.readFile(keyFile)
				if err != nil {
					return cannotf("certificate: key: %w", err)
				}
				if trusted, err = parsePublicKey(b); err != nil {
					return usagef("certificate: key %s: %w", keyFile, err)
				}
			}
			b, err := a.readFile(args[0])
			if err != nil {
				return cannotf("certificate: %w", err)
			}
			c, err := erase.VerifyCertificate(b, trusted)
			if errors.Is(err, erase.ErrSignature) {
				return failedf("%s is not valid: %w", args[0], err)
			}
			if err != nil {
				return usagef("%s is no certificate of sanitization: %w", args[0], err)
			}
			return a.printVerified(c, trusted != nil)
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the public key that must have signed (PEM, or base64 of 32 bytes)")
	return c
}

func (a *app) printVerified(c *erase.Certificate, trusted bool) error {
	if a.json {
		return a.printJSON(verified{Verified: true, Trusted: trusted, Certificate: c})
	}
	s := c.Statement
	a.printf("valid: drive %s, %s, %s\n", s.MediaSerial, s.Extent, s.Method)
	a.printf("date:  %s\n", s.Date)
	if trusted {
		a.printf("key:   %s, the one given\n", c.Signature.KeyID)
		return nil
	}
	a.printf("key:   %s\n", c.Signature.KeyID)
	a.hint("nobody vouches for this key: compare it with one that you got another way, or give --key")
	return nil
}

// readFile reads a file, or standard input for "-".
func (a *app) readFile(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, fileMax+1))
	if err == nil && len(b) > fileMax {
		return nil, fmt.Errorf("%s has more than %d bytes, too much for a certificate or a key", name, fileMax)
	}
	return b, err
}

// parsePublicKey reads an Ed25519 public key: PEM as `openssl pkey -pubout`
// writes it (RFC 8410), or the base64 of its 32 bytes as in a certificate.
func parsePublicKey(b []byte) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode(b); block != nil {
		if block.Type != "PUBLIC KEY" {
			return nil, errors.New("the PEM block is no PUBLIC KEY")
		}
		k, err := x509.ParsePKIXPublicKey(block.Bytes)
		if pub, ok := k.(ed25519.PublicKey); err == nil && ok {
			return pub, nil
		}
		return nil, errors.New("the PEM block holds no Ed25519 public key")
	}
	k, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(k) != ed25519.PublicKeySize {
		return nil, errors.New("neither a PEM block nor the base64 of 32 bytes")
	}
	return k, nil
}
