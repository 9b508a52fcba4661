package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/erase"
)

func newCertificateShowCmd(a *app) *cobra.Command {
	var page string
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "write a certificate of sanitization in another form",
		Long: "show reads a certificate in any form and prints it as text, or with --json as an in-toto\n" +
			"statement in a DSSE envelope. With --html it writes a page that prints on one sheet of A4, with the\n" +
			"drive's timeline. Every form verifies byte for byte. A file in which a byte was changed is not\n" +
			"shown. That proves nothing about who signed: fdelab certificate verify does. FILE - is standard\n" +
			"input.",
		Example: "  fdelab certificate show drive.cert --html drive.html\n  fdelab certificate verify drive.html --key operator.pem",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := a.readFile(args[0])
			if err != nil {
				return cannotf("certificate: %w", err)
			}
			c, err := erase.VerifyCertificate(b, nil)
			if err != nil {
				return failedf("%s is no certificate of sanitization that can be shown: %w", args[0], err)
			}
			switch {
			case page != "" && a.json:
				return usagef("certificate show: --html and --json are given: one form at a time")
			case page != "":
				if err := writeNew(page, c.HTML()); errors.Is(err, os.ErrExist) {
					return cannotf("certificate show: %s exists: give the name of a new file", page)
				} else if err != nil {
					return cannotf("certificate show: %w", err)
				}
				a.printf("written: %s, %d bytes\n", page, len(c.HTML()))
				return nil
			case a.json:
				_, err = a.out.Write(c.JSON())
				return err
			}
			_, err = a.out.Write([]byte(c.Text()))
			return err
		},
	}
	c.Flags().StringVar(&page, "html", "", "write a page to this new file")
	return c
}
