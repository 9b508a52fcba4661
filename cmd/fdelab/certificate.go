package main

import (
	"cmp"
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
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// fileMax bounds what is read of a file, in bytes: a certificate or a key has
// a few kilobytes, and a device or an endless file must not fill the memory.
const fileMax = 1 << 20

func newCertificateCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "certificate",
		Short: "work with certificates of sanitization",
	})
	c.AddCommand(newCertificateVerifyCmd(a), newCertificateShowCmd(a), newCertificateKeyCmd(a))
	return c
}

// verified is the JSON answer of `fdelab certificate verify`.
type verified struct {
	Verified bool `json:"verified"` // trusted and intact: this, and only this, is a proof
	Trusted  bool `json:"trusted"`  // there was a --key, and it signed
	Intact   bool `json:"intact"`   // the file is byte for byte what was written, and the key in it signed that
	// Validation is "accepted" or "not accepted".
	Validation string          `json:"validation"`
	Statement  erase.Statement `json:"statement"`
	Signature  erase.Signature `json:"signature"`
}

func newCertificateVerifyCmd(a *app) *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "check the signature of a certificate of sanitization",
		Long: "verify reads a certificate, in JSON (an in-toto statement in a DSSE envelope), as text or as\n" +
			"a page, and checks its signature. It must be signed by the key of --key. Without --key it proves\n" +
			"nothing, since anybody can make a key and sign with it: verify then names the key, \"signed\n" +
			"by an unknown key\", for you to compare with one that you got another way. FILE - is standard input.\n" +
			"fdelab certificate key prints the key of a simulated facility.\n" +
			"A certificate tells the verification (did the erase do what an erase does?) from the validation\n" +
			"(is that accepted as a sanitization of this drive?).\n" +
			"FILE must be byte for byte what fdelab wrote: a blank or a line end that was changed is found too.\n" +
			"The exit code is 0 only for a certificate that the key of --key signed, and that does not say\n" +
			"\"not accepted\". It is 1 for whatever else was read: one that says so, that was changed or cut,\n" +
			"that another key signed, or that no --key is given for, and a file that is no certificate at all.",
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
			if errors.Is(err, erase.ErrSignature) || errors.Is(err, erase.ErrChanged) {
				return failedf("%s is not valid: %w", args[0], err)
			}
			if err != nil {
				// It may have been one before it was altered: what cannot be read proves nothing.
				return failedf("%s is no certificate of sanitization: %w", args[0], err)
			}
			return a.printVerified(args[0], c, trusted != nil)
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the public key that must have signed (PEM, or base64 of 32 bytes)")
	return c
}

// facilityKey is the JSON answer of `fdelab certificate key`.
type facilityKey struct {
	Facility  string `json:"facility"` // its serial number
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"` // base64 of 32 bytes
}

func newCertificateKeyCmd(a *app) *cobra.Command {
	var seed, commands string
	c := &cobra.Command{
		Use:   "key",
		Short: "print the public key with which a simulated facility signs certificates",
		Long: "key prints the public key, in PEM, of a facility that fdelab shell simulates: the one of a seed,\n" +
			"or the one that commands of the shell build. It follows from the seed and the serial number, so it\n" +
			"is the key of every certificate that a facility of that seed and serial number wrote.",
		Example: "  fdelab certificate key --seed 7 > facility.pem\n  fdelab certificate verify drive.cert --key facility.pem",
		Args:    between(0, 0, "none: the facility is named by --seed or -c"),
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := console.ParseSeed(seed)
			if err != nil {
				return usagef("certificate key: --seed %q: %w", seed, err)
			}
			if commands != "" && c.Flags().Changed("seed") {
				return usagef("certificate key: --seed and -c are given: write lab new seed=%s in -c", seed)
			}
			s := console.NewSession(console.Options{Seed: n, Start: true})
			defer s.Close()
			if err := s.Run(commands, io.Discard); err != nil && !errors.Is(err, console.ErrQuit) {
				return usagef("certificate key: -c: %s", console.ErrorText(err))
			}
			key, err := s.Lab().CertificateKey()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(facilityKey{s.Lab().Serial(), erase.KeyID(key), base64.StdEncoding.EncodeToString(key)})
			}
			der, err := x509.MarshalPKIXPublicKey(key)
			if err != nil {
				return fmt.Errorf("certificate key: %w", err)
			}
			a.printf("%s", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			return nil
		},
	}
	c.Flags().StringVar(&seed, "seed", "0", "the seed of the facility, as of fdelab shell")
	c.Flags().StringVarP(&commands, "command", "c", "", "commands of the shell, separated by semicolons, that build the facility")
	return c
}

// printVerified prints a certificate that is intact. Only a trusted one is valid:
// any other is told apart by its words and by the exit code of a failed check.
func (a *app) printVerified(name string, c *erase.Certificate, trusted bool) error {
	s := c.Statement
	if a.json {
		v := verified{Verified: trusted, Trusted: trusted, Intact: true, Validation: string(s.Validation.Outcome), Statement: s, Signature: c.Signature}
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		verdict, whose := "valid", ", the one given"
		if !trusted {
			verdict, whose = "signed by an unknown key", ", unknown"
		}
		a.printf("%s: drive %s, %s, %s\n", verdict, s.MediaSerial, s.Extent, s.Sanitization())
		a.printf("date:  %s\n", s.Date)
		a.printf("key:   %s%s\n", c.Signature.KeyID, whose)
		if trusted { // of any other nothing is proved
			a.printf("identity:      %s\n", cmp.Or(s.MediaIdentity, "not proved: the drive is known by its serial number only"))
			a.printf("verification:  %s: %s\n", s.Verification.Result, s.Verification.Checks)
			a.printf("adversary:     %s\n", cmp.Or(s.Verification.Adversary, "not said"))
			a.printf("samples:       %s\n", s.Verification.Samples)
			a.printf("validation:    %s: %s\n", s.Validation.Outcome, s.Validation.Reason)
			a.printf("validated by:  %s\n", s.Validation.By)
			a.printf("rests on:      %s\n", s.Validation.Basis)
		}
	}
	if trusted && !s.Accepted() {
		return failedf("%s: the signature is valid, and what it says is that the sanitization is not accepted", name).
			withHint("sanitize the drive in another way, or destroy it")
	}
	if trusted {
		return nil
	}
	return failedf("%s is signed by an unknown key, %s: nothing is proved", name, c.Signature.KeyID).
		withHint("give --key; or compare the key with one that you got another way")
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
			return pub, erase.CheckPublicKey(pub)
		}
		return nil, errors.New("the PEM block holds no Ed25519 public key")
	}
	k, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(k) != ed25519.PublicKeySize {
		return nil, errors.New("neither a PEM block nor the base64 of 32 bytes")
	}
	return k, erase.CheckPublicKey(k)
}
