package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var eraseCommands = []*Command{
	{
		Name: "erase run", Summary: "cryptographically erase a drive that belongs to no rank, and verify it without believing the drive",
		Params:  []Param{slotParam("the slot")},
		Example: "erase run drive=R1-I1-D08",
		Run:     withLab(runErase),
	},
	{
		Name: "erase revert", Summary: "erase a drive that belongs to no rank with the PSID that is printed on its label, and verify it",
		Detail:  "The way out for a drive that trusts none of its records. A drive that is configured for somebody else is not reverted.",
		Params:  []Param{slotParam("the slot"), psidParam()},
		Example: "erase revert drive=R1-I1-D08",
		Run:     withLab(revertErase),
	},
	{
		Name: "erase certificate", Summary: "show the certificate of sanitization of a drive that was erased here, or write it to a file",
		Detail: "A drive in a slot has one if it was erased here and verified, proves its factory identity, and was not used since. " +
			"If the erase was verified but not accepted, the record that says so is shown. fdelab certificate verify FILE checks either.",
		Params: []Param{
			anyDriveParam("the drive"),
			{Name: "file", Kind: textKind, Help: "a file to write, which must not exist yet; without it the certificate is shown"},
			{Name: "as", Kind: textKind, Values: []string{"text", "json", "html"}, Default: "text", Help: "the form; html is a page of one sheet"},
		},
		Example: "erase certificate drive=R1-I1-D08 file=d08.cert",
		Run:     withLab(certificateErase),
	},
}

func runErase(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.EraseDrive(arg[string](a, "drive")))
}

func revertErase(s *Session, lab *raslab.Lab, a Args) error {
	psid, err := typedPSID(a)
	if err != nil {
		return err
	}
	return s.report(lab.RevertDriveWith(arg[string](a, "drive"), psid))
}

func certificateErase(s *Session, lab *raslab.Lab, a Args) error {
	part, slot, err := s.part(arg[string](a, "drive"))
	if err != nil {
		return err
	}
	if slot == "" {
		return fmt.Errorf("there is no certificate for %s now: the drive must be in a slot, prove that it is the one that was erased, and not be used since", driveName(part, slot))
	}
	c, why, err := lab.CertificateAt(slot)
	if err != nil {
		return err
	}
	if c == nil {
		return fmt.Errorf("there is no certificate for %s: %s", driveName(part, slot), why)
	}
	as := arg[string](a, "as")
	data := map[string]func() []byte{"text": func() []byte { return []byte(c.Text()) }, "json": c.JSON, "html": c.HTML}[as]()
	if a.Has("file") {
		return s.writeNew(arg[string](a, "file"), data)
	}
	if as != "text" {
		s.printf("%s", withoutBlankLines(string(data)))
		return nil
	}
	s.showCertificate(string(data))
	return nil
}

// showCertificate prints the fields of a certificate, without the armoured form at its end, which
// is for programs.
func (s *Session) showCertificate(text string) {
	text, _, _ = strings.Cut(text, "-----BEGIN")
	for _, line := range outputLines(text) {
		if line != "" && !strings.HasSuffix(line, ":") {
			s.printf("%s\n", line)
		}
	}
}
