package console

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var certificateCommands = []*Command{
	{
		Name: "certificate show", Summary: "show the certificate that the facility shows to key servers",
		Window:  "DS Storage Manager, Settings, Security, Encryption; DS CLI, showkeygrp, field certificateexpiry",
		Example: "certificate show",
		Run:     withLab(showCertificate),
	},
	{
		Name: "certificate import", Summary: "install a certificate of the customer; without a file, the customer's authority makes one",
		Window: "DS CLI, managekeygrp -action importcert",
		Params: []Param{
			{Name: "file", Kind: textKind, Help: "a file in PEM with a certificate, those between it and a root, and its private key"},
			{Name: "life", Kind: durationKind, Default: "2y", Help: "how long one that is made is valid"},
		},
		Example: "certificate import life=60d",
		Run:     withLab(importCertificate),
	},
	{
		Name: "certificate authority", Summary: "write the certificate of an authority to a new file, for keymgr make or change",
		Params: []Param{
			{Name: "file", Kind: textKind, Required: true, Help: "the file, which must not exist"},
			{Name: "of", Kind: textKind, Values: []string{"customer", "factory", "unknown"}, Default: "customer", Help: "whose: the customer's, that of the facility's maker, or one that nobody here trusts"},
		},
		Example: "certificate authority of=unknown file=other_ca.pem",
		Run:     withLab(authorityCertificate),
	},
	{
		Name: "certificate default", Summary: "install the default certificate of the facility again",
		Example: "certificate default",
		Run:     withLab(defaultCertificate),
	},
	{
		Name: "certificate lose", Summary: "take the certificate out of the facility, as in a delivery without one",
		Example: "certificate lose",
		Run:     withLab(loseCertificate),
	},
}

func showCertificate(s *Session, lab *raslab.Lab, _ Args) error {
	s.certificate(lab.FacilityCertificate())
	return nil
}

func importCertificate(s *Session, lab *raslab.Lab, a Args) error {
	data, err := lab.Customer().ClientCertificate(arg[time.Duration](a, "life"))
	if file := arg[string](a, "file"); file != "" {
		data, err = s.readFile(file)
	}
	if err != nil {
		return err
	}
	c, err := lab.ImportCertificate(data)
	if err == nil {
		s.certificate(c)
	}
	return err
}

func authorityCertificate(s *Session, lab *raslab.Lab, a Args) error {
	data, err := lab.Customer().Authority(arg[string](a, "of"))
	if err != nil {
		return err
	}
	return s.writeNew(arg[string](a, "file"), data)
}

func defaultCertificate(s *Session, lab *raslab.Lab, _ Args) error {
	if err := lab.DefaultCertificate(); err != nil {
		return err
	}
	s.certificate(lab.FacilityCertificate())
	return nil
}

func loseCertificate(s *Session, lab *raslab.Lab, _ Args) error {
	lab.LoseCertificate()
	s.certificate(lab.FacilityCertificate())
	return nil
}

func (s *Session) certificate(c raslab.CertificateInfo) {
	if c.Kind == "" {
		s.printf("certificate: none\n")
		return
	}
	s.say("certificate: %s, %s, expires %s%s", c.Kind, c.Subject, c.Expiry.Format(timeLayout), because(c.Warning))
}
