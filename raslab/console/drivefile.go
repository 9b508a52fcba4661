package console

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// openFile is a drive file that this session holds.
type openFile struct{ path, serial string }

// addFile adds the drive of a file to the shelf, with its label if there is one. The session closes
// the file. serial is the serial number of a new drive, and empty for an existing one.
func (s *Session) addFile(a Args, serial string, add func(label drive.Label) (*raslab.Part, io.Closer, error)) error {
	if s.options.Entropy == nil {
		return errors.New("no drive files here: their keys are never the same twice, so they belong in fdelab shell")
	}
	path := filepath.Clean(arg[string](a, "file"))
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	for _, o := range s.opened {
		if o.path == path {
			return fmt.Errorf("the file %s is open in this session already, as drive %s: shelf list and drive list show it", arg[string](a, "file"), quotedEnds(o.serial))
		}
	}
	if serial != "" {
		if old, slot, err := s.part(serial); err == nil {
			return fmt.Errorf("there is a drive %s already: serial numbers are unique", driveName(old, slot))
		}
	}
	label, err := s.keptLabel(a, serial)
	if err != nil {
		return err
	}
	var p *raslab.Part
	made := func() error {
		part, file, err := add(label)
		if err != nil {
			return err
		}
		p = part
		s.closers = append(s.closers, file)
		s.opened = append(s.opened, openFile{path, p.Serial()})
		s.printf("drive %s lies on the shelf\n", p.Serial())
		return nil
	}
	if serial != "" && a.Has("label") {
		name, asked := arg[string](a, "label"), false
		err := s.writeSecret(name, func() ([]byte, error) {
			asked = true
			if err := made(); err != nil {
				return nil, err
			}
			return p.Label.File(), nil
		})
		switch {
		case err == nil:
			s.printf("its label with the PSID is kept in %s\n", name)
		case !asked:
			return fmt.Errorf("label: %w: need the name of a new file; no drive was made", err)
		case p != nil:
			s.printf("its label says PSID %s; it is shown once, and is not in the file\n", p.Label.PSID.Bytes())
			return fmt.Errorf("the drive is made, and its label is not kept: %w", err)
		}
		return err
	}
	if err := made(); err != nil {
		return err
	}
	switch {
	case serial != "":
		s.printf("its label says PSID %s; it is shown once, and is not in the file\n", p.Label.PSID.Bytes())
	case a.Has("label"):
		s.printf("its label is at hand: a PSID revert is possible\n")
	}
	return nil
}

// keptLabel reads the label for a drive that is opened; for a new one there is none yet.
func (s *Session) keptLabel(a Args, serial string) (drive.Label, error) {
	if serial != "" || !a.Has("label") {
		return drive.Label{}, nil
	}
	data, err := s.readFile(arg[string](a, "label"))
	if err != nil {
		return drive.Label{}, err
	}
	label, err := drive.ParseLabel(data)
	if err != nil {
		return drive.Label{}, fmt.Errorf("%s is not the label of a drive: %w", arg[string](a, "label"), err)
	}
	return label, nil
}

func (s *Session) writeSecret(name string, data func() ([]byte, error)) error {
	if s.options.WriteSecret != nil {
		return s.options.WriteSecret(name, data)
	}
	text, err := data()
	if err != nil {
		return err
	}
	return s.writeFile(name, text)
}
