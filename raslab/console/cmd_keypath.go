package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// What is between the partitions and their keys, as hardware: consoles, links,
// networks, memory, the key repository, the facility's certificate.

func hmcParam(required bool) Param {
	p := Param{Name: "hmc", Kind: intKind("number", 1, 2), Required: required, Help: "the management console, 1 or 2"}
	if !required {
		p.Help += "; without it, both"
	}
	return p
}

var partitionParam = Param{Name: "partition", Kind: intKind("number", 0, 1), Help: "the partition, 0 or 1; without it, both"}

func toParam(help string, values ...string) Param {
	return Param{Name: "to", Kind: textKind, Values: values, Required: true, Help: help}
}

func optionalPlan() Param {
	return Param{Name: "plan", Kind: planKind, Help: "the fault plan; without it, what is armed is disarmed"}
}

// optional is the plan that was given, or nil.
func optional(a Args) *fault.Plan {
	if !a.Has("plan") {
		return nil
	}
	return arg[*fault.Plan](a, "plan")
}

// eachHMC does something with the console that was named, or with all.
func eachHMC(lab *raslab.Lab, a Args, do func(id int) error) error {
	for _, c := range lab.Consoles() {
		if a.Has("hmc") && arg[int](a, "hmc") != c.ID {
			continue
		}
		if err := do(c.ID); err != nil {
			return err
		}
	}
	if n := len(lab.Consoles()); a.Has("hmc") && arg[int](a, "hmc") > n {
		return fmt.Errorf("there is no console %d: the facility has %s", arg[int](a, "hmc"), count(n, "console"))
	}
	return nil
}

func eachLink(lab *raslab.Lab, a Args, do func(partition, hmc int) error) error {
	return eachHMC(lab, a, func(id int) error {
		for p := range 2 {
			if a.Has("partition") && arg[int](a, "partition") != p {
				continue
			}
			if err := do(p, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func armed(s *Session, what string, plan *fault.Plan) {
	if plan == nil {
		s.printf("%s: no plan= is given, so nothing is armed now\n", what)
		return
	}
	s.say("%s: armed %s", what, plan)
}

func keyPathCommands() []*Command {
	return []*Command{
		{
			Noun: "hmc", Verb: "list", Summary: "list the management consoles and their links",
			Example: "hmc list",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				for _, c := range lab.Consoles() {
					state := "on"
					switch {
					case !c.On:
						state = "off"
					case c.Hung:
						state = "hangs"
					case !c.ESSNI:
						state = "on, ESSNI does not run"
					}
					cut := ""
					if len(c.CutTo) > 0 {
						cut = ", does not reach " + strings.Join(c.CutTo, ", ")
					}
					s.say("%s: %s, link to partition 0 %s, to partition 1 %s%s", c.Name, state, c.Links[0], c.Links[1], cut)
				}
				return nil
			}),
		},
		{
			Noun: "hmc", Verb: "power", Summary: "turn a management console on or off",
			Params:  []Param{hmcParam(false), toParam("on or off", "on", "off")},
			Example: "hmc power hmc=1 to=off",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachHMC(lab, a, func(id int) error {
					s.printf("HMC%d is %s\n", id, arg[string](a, "to"))
					return lab.PowerConsole(id, arg[string](a, "to") == "on")
				})
			}),
		},
		{
			Noun: "hmc", Verb: "hang", Summary: "let a console hang: it takes commands and does not answer in time; or let it go on",
			Params:  []Param{hmcParam(false), toParam("whether it hangs", yesNo...)},
			Example: "hmc hang hmc=1 to=yes",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachHMC(lab, a, func(id int) error {
					s.printf("HMC%d %s\n", id, map[string]string{"yes": "hangs", "no": "answers"}[arg[string](a, "to")])
					return lab.HangConsole(id, arg[string](a, "to") == "yes")
				})
			}),
		},
		{
			Noun: "hmc", Verb: "essni", Summary: "end the process of a console that takes the commands of the partitions and of DS CLI (ESSNI), or start it again",
			Detail:  "The console itself stays on and is reached. The partitions then report BE14E009, as for a console that is off; BE14E008 needs an ESSNI that runs.",
			Params:  []Param{hmcParam(false), toParam("running or ended", "running", "ended")},
			Example: "hmc essni hmc=1 to=ended",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachHMC(lab, a, func(id int) error {
					s.printf("ESSNI of HMC%d is %s\n", id, arg[string](a, "to"))
					return lab.SetESSNI(id, arg[string](a, "to") == "running")
				})
			}),
		},
		{
			Noun: "link", Verb: "set", Summary: "cut, stall or mend the link between partition and console",
			Params:  []Param{partitionParam, hmcParam(false), toParam("up, cut, or stalled: commands arrive and their answers do not come in time", "up", "cut", "stalled")},
			Example: "link set partition=0 hmc=1 to=cut",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachLink(lab, a, func(p, id int) error {
					s.printf("link of partition %d to HMC%d is %s\n", p, id, arg[string](a, "to"))
					return lab.SetLink(p, id, raslab.LinkState(arg[string](a, "to")))
				})
			}),
		},
		{
			Noun: "link", Verb: "arm", Summary: "arm a fault plan on the link between partition and console (points link.*)",
			Params:  []Param{partitionParam, hmcParam(false), optionalPlan()},
			Example: `link arm partition=0 hmc=1 plan="(link.command.stalled (OnIndex 1))"`,
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachLink(lab, a, func(p, id int) error {
					if err := lab.ArmLink(p, id, optional(a)); err != nil {
						return err
					}
					armed(s, fmt.Sprintf("link of partition %d to HMC%d", p, id), optional(a))
					return nil
				})
			}),
		},
		{
			Noun: "network", Verb: "set", Summary: "cut or mend the customer's network between console and key server",
			Params:  []Param{hmcParam(false), keyServerParam(), toParam("up, or cut: what is sent is lost without an answer", "up", "cut")},
			Example: "network set hmc=1 keyserver=2 to=cut",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				h, err := keyHost(lab, a)
				if err != nil {
					return err
				}
				return eachHMC(lab, a, func(id int) error {
					s.printf("network of HMC%d to %s is %s\n", id, h.Name, arg[string](a, "to"))
					return lab.SetPath(id, h.Name, arg[string](a, "to") == "up")
				})
			}),
		},
		{
			Noun: "network", Verb: "arm", Summary: "arm a fault plan on the network of a console to the key servers (points net.*)",
			Params:  []Param{hmcParam(false), optionalPlan()},
			Example: `network arm hmc=1 plan="(net.session.reset (OnIndex 0))"`,
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				return eachHMC(lab, a, func(id int) error {
					if err := lab.ArmNetwork(id, optional(a)); err != nil {
						return err
					}
					armed(s, fmt.Sprintf("network of HMC%d", id), optional(a))
					return nil
				})
			}),
		},
		{
			Noun: "memory", Verb: "arm", Summary: "arm a fault plan on the memory of the partitions (points memory.*)",
			Params:  []Param{partitionParam, optionalPlan()},
			Example: `memory arm partition=0 plan="(memory.table.flipped (Byte 2))"`,
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				for p := range 2 {
					if a.Has("partition") && arg[int](a, "partition") != p {
						continue
					}
					if err := lab.ArmMemory(p, optional(a)); err != nil {
						return err
					}
					armed(s, fmt.Sprintf("memory of partition %d", p), optional(a))
				}
				return nil
			}),
		},
		{
			Noun: "repository", Verb: "show", Summary: "say what the copies of the key repository are like",
			Example: "repository show",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				copies, _ := lab.Repository()
				for i, c := range copies {
					s.printf("copy %d: %s\n", i+1, c)
				}
				return nil
			}),
		},
		{
			Noun: "repository", Verb: "damage", Summary: "flip a bit in every page of one copy of the key repository",
			Params:  []Param{{Name: "copy", Kind: intKind("number", 1, 3), Required: true, Help: "the copy"}},
			Example: "repository damage copy=2",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				s.printf("copy %d is damaged\n", arg[int](a, "copy"))
				return lab.DamageRepository(arg[int](a, "copy"))
			}),
		},
		{
			Noun: "repository", Verb: "restore", Summary: "what the next level of support does: write the records of all groups anew",
			Detail:  "From memory where a group is at work, else from what the consoles kept of the last record that a key opened (assumption).",
			Example: "repository restore",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				return s.report(lab.RestoreRepository())
			}),
		},
		{
			Noun: "license", Verb: "show", Summary: "say whether the encryption software is licensed",
			Example: "license show",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				s.printf("encryption: %s\n", map[bool]string{true: "licensed", false: "not licensed"}[lab.Licensed()])
				return nil
			}),
		},
		{
			Noun: "license", Verb: "install", Summary: "install a licence key for encryption; without a key, the one that the maker gives for this facility",
			Detail:  "Without it no key group is configured and no encrypted rank is made. What is configured goes on (assumption).",
			Params:  []Param{{Name: "key", Kind: textKind, Help: "8 groups of 4 hexadecimal digits"}},
			Example: "license install",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.InstallLicence(orElse(arg[string](a, "key"), raslab.LicenceKey(lab.Serial()))); err != nil {
					return err
				}
				s.printf("encryption: licensed\n")
				return nil
			}),
		},
		{
			Noun: "license", Verb: "remove", Summary: "take the licence key for encryption out, as in a facility that was ordered without it",
			Example: "license remove",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				lab.RemoveLicence()
				s.printf("encryption: not licensed\n")
				return nil
			}),
		},
		{
			Noun: "certificate", Verb: "show", Summary: "show the certificate that the facility shows to key servers",
			Example: "certificate show",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				s.certificate(lab.FacilityCertificate())
				return nil
			}),
		},
		{
			Noun: "certificate", Verb: "import", Summary: "install a certificate of the customer; without a file, the customer's authority makes one",
			Params: []Param{
				{Name: "file", Kind: textKind, Help: "a file in PEM with a certificate, those between it and a root, and its private key"},
				{Name: "life", Kind: durationKind, Default: "2y", Help: "how long one that is made is valid"},
			},
			Example: "certificate import life=60d",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				data, err := lab.CustomerCertificate(arg[time.Duration](a, "life"))
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
			}),
		},
		{
			Noun: "certificate", Verb: "authority", Summary: "write the certificate of an authority to a new file, for keymgr make or change",
			Params: []Param{
				{Name: "file", Kind: textKind, Required: true, Help: "the file, which must not exist"},
				{Name: "of", Kind: textKind, Values: []string{"customer", "factory", "unknown"}, Default: "customer", Help: "whose: the customer's, that of the facility's maker, or one that nobody here trusts"},
			},
			Example: "certificate authority of=unknown file=other_ca.pem",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				data, err := lab.Authority(arg[string](a, "of"))
				if err != nil {
					return err
				}
				return s.writeNew(arg[string](a, "file"), data)
			}),
		},
		{
			Noun: "certificate", Verb: "default", Summary: "install the default certificate of the facility again",
			Example: "certificate default",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				if err := lab.DefaultCertificate(); err != nil {
					return err
				}
				s.certificate(lab.FacilityCertificate())
				return nil
			}),
		},
		{
			Noun: "certificate", Verb: "lose", Summary: "take the certificate out of the facility, as in a delivery without one",
			Example: "certificate lose",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				lab.LoseCertificate()
				s.certificate(lab.FacilityCertificate())
				return nil
			}),
		},
		{
			Noun: "sfi", Verb: "show", Summary: "show the valid state of the storage facility image and the states of its encryption groups",
			Example: "sfi show",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				states := strings.Trim(strings.ReplaceAll(fmt.Sprint(lab.GroupStates()), " ", ","), "[]")
				s.printf("valid state %s, encryptionGroupsStates {%s}\n", orNone(lab.ValidState()), states)
				return nil
			}),
		},
		sfiStep("quiesce", "stop host I/O; the first of three steps of a reboot by hand", (*raslab.Lab).Quiesce),
		sfiStep("shutdown", "stop both partitions of a quiesced facility", (*raslab.Lab).Shutdown),
		sfiStep("resume", "boot both partitions of a facility that was shut down", (*raslab.Lab).Resume),
	}
}

func sfiStep(verb, summary string, do func(*raslab.Lab) (raslab.Report, error)) *Command {
	return &Command{
		Noun: "sfi", Verb: verb, Summary: summary, Example: "sfi " + verb,
		Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error { return s.report(do(lab)) }),
	}
}

func (s *Session) certificate(c raslab.CertificateInfo) {
	if c.Kind == "" {
		s.printf("certificate: none\n")
		return
	}
	s.say("certificate: %s, %s, expires %s%s", c.Kind, c.Subject, c.Expiry.Format(timeLayout), because(c.Warning))
}
