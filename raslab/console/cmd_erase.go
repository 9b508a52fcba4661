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
		Detail: "There is one for a drive in a slot that was erased here and verified, proves by its factory identity that it is that drive, and was not used since. " +
			"Where the erase was verified and not accepted, the record that says so is shown. fdelab certificate verify FILE checks either.",
		Params: []Param{
			anyDriveParam("the drive"),
			{Name: "file", Kind: textKind, Help: "a file to write, which must not exist yet; without it the certificate is shown"},
			{Name: "as", Kind: textKind, Values: []string{"text", "json"}, Default: "text", Help: "the form"},
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
		return fmt.Errorf("there is no certificate for %s now: a drive proves in a slot that it is the one that was erased, and was not used since", driveName(part, slot))
	}
	c, why, err := lab.CertificateAt(slot)
	if err != nil {
		return err
	}
	if c == nil {
		return fmt.Errorf("there is no certificate for %s: %s", driveName(part, slot), why)
	}
	data := []byte(c.Text())
	if arg[string](a, "as") == "json" {
		data = c.JSON()
	}
	if a.Has("file") {
		return s.writeNew(arg[string](a, "file"), data)
	}
	if arg[string](a, "as") == "json" {
		s.printf("%s", withoutBlankLines(string(data)))
		return nil
	}
	s.showCertificate(string(data))
	return nil
}

// showCertificate prints the fields of a certificate that say something. The armoured form at
// its end is for programs.
func (s *Session) showCertificate(text string) {
	text, _, _ = strings.Cut(text, "-----BEGIN")
	for _, line := range outputLines(text) {
		if line != "" && !strings.HasSuffix(line, ":") {
			s.printf("%s\n", line)
		}
	}
}
