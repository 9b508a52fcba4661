package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func psidParam() Param {
	return Param{Name: "psid", Kind: textKind, Secret: true, Help: "the PSID as it stands on the label or in the file of the label, typed; without it, from a label that is at hand"}
}

// psid is a PSID as it was typed, else that of the label; its zero value if there is neither.
func (d *target) psid(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return d.Label.PSID, nil
	}
	return typedPSID(a)
}

func typedPSID(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return drive.PIN{}, nil
	}
	pin, err := drive.LabelPIN([]byte(strings.TrimSpace(arg[string](a, "psid"))))
	if err != nil {
		return drive.PIN{}, fmt.Errorf("psid: %w: type what the label says", err)
	}
	return pin, nil
}
