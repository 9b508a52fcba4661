package console

import (
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func eraseCommands() []*Command {
	return []*Command{
		{
			Noun: "erase", Verb: "run", Summary: "cryptographically erase a drive that belongs to no rank, and verify it without believing the drive",
			Params:  []Param{slotParam("the slot")},
			Example: "erase run drive=R1-I1-D08",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return s.report(lab.EraseDrive(arg[string](a, "drive")))
			}),
		},
		{
			Noun: "erase", Verb: "certificate", Summary: "write the certificate of sanitization of an erased drive to a file",
			Detail: "The certificates are those that the discontinue scan collects; fdelab certificate verify FILE checks one.",
			Params: []Param{
				slotParam("the slot"),
				{Name: "file", Kind: textKind, Required: true, Help: "the file to write; it must not exist yet"},
			},
			Example: "erase certificate drive=R1-I1-D08 file=d08.json",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				r, err := lab.Discontinue()
				if err != nil {
					return err
				}
				for _, v := range r.Verdicts {
					if v.Slot != arg[string](a, "drive") {
						continue
					}
					if v.Certificate == nil {
						return fmt.Errorf("there is no certificate for %s: %s", v.Slot, v.Verdict)
					}
					return s.writeNew(arg[string](a, "file"), v.Certificate)
				}
				return fmt.Errorf("no slot %s: drive list shows them", arg[string](a, "drive"))
			}),
		},
	}
}

// writeNew writes a file that must not exist.
func (s *Session) writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		s.printf("written: %s, %d bytes\n", name, len(data))
	}
	return err
}
