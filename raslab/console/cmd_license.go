package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

var licenseCommands = []*Command{
	{
		Name: "license show", Summary: "say whether the encryption software is licensed",
		Example: "license show",
		Run:     withLab(showLicense),
	},
	{
		Name: "license install", Summary: "install a licence key for encryption; without a key, the one that the maker gives for this facility",
		Detail:  "Without it no key group is configured and no encrypted rank is made. What is configured goes on (assumption).",
		Params:  []Param{{Name: "key", Kind: textKind, Help: "8 groups of 4 hexadecimal digits"}},
		Example: "license install",
		Run:     withLab(installLicense),
	},
	{
		Name: "license remove", Summary: "take the licence key for encryption out, as in a facility that was ordered without it",
		Example: "license remove",
		Run:     withLab(removeLicense),
	},
}

func showLicense(s *Session, lab *raslab.Lab, _ Args) error {
	s.printf("encryption: %s\n", map[bool]string{true: "licensed", false: "not licensed"}[lab.Licensed()])
	return nil
}

func installLicense(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.InstallLicence(orElse(arg[string](a, "key"), raslab.LicenceKey(lab.Serial()))); err != nil {
		return err
	}
	s.printf("encryption: licensed\n")
	return nil
}

func removeLicense(s *Session, lab *raslab.Lab, _ Args) error {
	lab.RemoveLicence()
	s.printf("encryption: not licensed\n")
	return nil
}
