package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The customer's key servers as machines, the facility's entries of them, and the
// recovery key.

func keyServerParam() Param {
	return Param{Name: "keyserver", Kind: intKind("number", 1, 8), Required: true, Help: "its number", Complete: func(s *Session) []string {
		var names []string
		if s.lab != nil {
			for _, k := range s.lab.KeyServers() {
				names = append(names, fmt.Sprint(k.ID))
			}
		}
		return names
	}}
}

// keyHost is the machine that an argument names.
func keyHost(lab *raslab.Lab, a Args) (*raslab.KeyHost, error) {
	return keyHostNumbered(lab, arg[int](a, "keyserver"))
}

func keyHostNumbered(lab *raslab.Lab, n int) (*raslab.KeyHost, error) {
	if hosts := lab.KeyHosts(); n <= len(hosts) {
		return hosts[n-1], nil
	}
	return nil, fmt.Errorf("there is no key server %d: keyserver list shows what there is", n)
}

// onKeyServer is a command that does something to one machine and says what.
func onKeyServer(verb, summary, example string, params []Param, do func(*Session, *raslab.Lab, *raslab.KeyHost, Args) error) *Command {
	return &Command{
		Noun: "keyserver", Verb: verb, Summary: summary, Example: example, Params: append([]Param{keyServerParam()}, params...),
		Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
			h, err := keyHost(lab, a)
			if err != nil {
				return err
			}
			return do(s, lab, h, a)
		}),
	}
}

func keyServerCommands() []*Command {
	return []*Command{
		{
			Noun: "keyserver", Verb: "list", Summary: "list the customer's key servers",
			Example: "keyserver list",
			Run: withLab(func(s *Session, lab *raslab.Lab, _ Args) error {
				servers := lab.KeyServers()
				if len(servers) == 0 {
					s.printf("no key servers\n")
				}
				for _, k := range servers {
					state := "running"
					switch {
					case !k.Up:
						state = "stopped"
					case !k.Service:
						state = "its service does not run"
					}
					storage := ""
					if k.Rank != "" {
						storage = ", storage on " + k.Rank + " of " + k.Facility
					}
					s.printf("key server %d: %s, %s%s\n", k.ID, k.Addr, state, storage)
				}
				return nil
			}),
		},
		{
			Noun: "keyserver", Verb: "add", Summary: "put another machine of the customer into the network, with the keys that the others have",
			Params:  []Param{{Name: "addr", Kind: textKind, Required: true, Help: "its host name"}},
			Example: "keyserver add addr=keyserver3.example.com",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				h, err := lab.AddKeyServer(arg[string](a, "addr"))
				if err == nil {
					s.printf("key server %d: %s, %s\n", len(lab.KeyHosts()), h.Name, h.IP)
				}
				return err
			}),
		},
		onKeyServer("stop", "stop a key server; it keeps its keys", "keyserver stop keyserver=1", nil, func(s *Session, lab *raslab.Lab, _ *raslab.KeyHost, a Args) error {
			s.printf("key server %d is stopped\n", arg[int](a, "keyserver"))
			return lab.StopKeyServer(arg[int](a, "keyserver"))
		}),
		onKeyServer("start", "start a key server again", "keyserver start keyserver=1", nil, func(s *Session, lab *raslab.Lab, _ *raslab.KeyHost, a Args) error {
			s.printf("key server %d is running\n", arg[int](a, "keyserver"))
			return lab.StartKeyServer(arg[int](a, "keyserver"))
		}),
		onKeyServer("service", "let the key service run, end (its ports refuse), hang, or be replaced by something that speaks no key protocol", "keyserver service keyserver=1 to=ended",
			[]Param{toParam("what the service does", "running", "ended", "hanging", "garbled")}, keyService),
		onKeyServer("product", "replace the software of a key server by a product, with what that speaks and whom it knows", "keyserver product keyserver=1 to=SKLM",
			[]Param{toParam("TKLM: IPP only; SKLM: KMIP up to 1.2 and IPP, a new client waits to be accepted; KeySecure: KMIP up to 1.1 only, knows no certificate of the facility's maker; generic: everything (assumptions)", "generic", "TKLM", "SKLM", "KeySecure")},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				if err := h.Install(raslab.Product(arg[string](a, "to"))); err != nil {
					return err
				}
				s.printf("%s runs %s, KMIP %s\n", h.Name, h.Product(), orElse(h.KMIP(), "not spoken"))
				return nil
			}),
		onKeyServer("accept", "accept the client certificate that waits at a key server of the product SKLM", "keyserver accept keyserver=1", nil,
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, _ Args) error {
				if err := h.Accept(); err != nil {
					return err
				}
				s.printf("%s has accepted the client\n", h.Name)
				return nil
			}),
		onKeyServer("lose", "delete the key of a group from one key server; with IPP, its key pairs", "keyserver lose keyserver=1 keygrp=1",
			[]Param{keygrpParam(false, "1"), {Name: "label", Kind: textKind, Help: "IPP: the key pair of this label alone"}},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				if a.Has("label") {
					s.printf("%s does not have the key pair %s any more\n", h.Name, arg[string](a, "label"))
					return h.LosePair(arg[string](a, "label"))
				}
				if err := h.LoseKey(arg[int](a, "keygrp")); err != nil {
					return err
				}
				s.printf("%s does not have the key of key group %d any more\n", h.Name, arg[int](a, "keygrp"))
				return nil
			}),
		onKeyServer("damage", "flip a bit of the key of a group on the disk of one key server; with IPP, of its key pairs", "keyserver damage keyserver=1 keygrp=1", []Param{keygrpParam(false, "1"), {Name: "bit", Kind: intKind("number", 0, 255), Default: "9", Help: "which bit; the same one once more is right again"}},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				if err := h.DamageKey(arg[int](a, "keygrp"), arg[int](a, "bit")); err != nil {
					return err
				}
				s.printf("bit %d of the key of key group %d is flipped on %s\n", arg[int](a, "bit"), arg[int](a, "keygrp"), h.Name)
				return nil
			}),
		onKeyServer("key", "change the state of the data key of a group at one key server, as its administrator does", "keyserver key keyserver=1 to=deactivated in=30d",
			[]Param{
				keygrpParam(false, "1"),
				toParam("its state from now on; a destroyed key is gone from this server", "active", "deactivated", "compromised", "destroyed"),
				{Name: "in", Kind: durationKind, Help: "deactivated: how long until then; without it, now"},
			},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				in := arg[time.Duration](a, "in")
				if err := h.SetKeyState(arg[int](a, "keygrp"), raslab.KeyFate(arg[string](a, "to")), in); err != nil {
					return err
				}
				when := ""
				if in > 0 {
					when = " in " + raslab.Spell(in)
				}
				s.printf("the key of key group %d is %s on %s%s\n", arg[int](a, "keygrp"), arg[string](a, "to"), h.Name, when)
				return nil
			}),
		onKeyServer("restore", "copy all keys to a key server from another one, over what is there", "keyserver restore keyserver=1 from=2",
			[]Param{{Name: "from", Kind: intKind("number", 1, 8), Required: true, Help: "the server that has them"}},
			func(s *Session, lab *raslab.Lab, h *raslab.KeyHost, a Args) error {
				from, err := keyHostNumbered(lab, arg[int](a, "from"))
				if err != nil {
					return err
				}
				if err := h.RestoreFrom(from); err != nil {
					return err
				}
				s.printf("%s has the keys of key server %d\n", h.Name, arg[int](a, "from"))
				return nil
			}),
		onKeyServer("memory", "put a bad memory module into a key server, or a good one: a bit of each key flips on its way out", "keyserver memory keyserver=1 to=bad",
			[]Param{toParam("bad or good", "bad", "good")},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				h.BreakMemory(arg[string](a, "to") == "bad")
				s.printf("the memory of %s is %s\n", h.Name, arg[string](a, "to"))
				return nil
			}),
		{
			Noun: "keyserver", Verb: "pair", Summary: "make a key pair with a label for IPP on all of the customer's key servers",
			Params:  []Param{{Name: "label", Kind: textKind, Required: true, Help: "its label; keygrp configure wraps a data key with two of them"}},
			Example: "keyserver pair label=tier1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.MakeKeyPair(arg[string](a, "label")); err != nil {
					return err
				}
				s.printf("the key servers have a key pair %s\n", arg[string](a, "label"))
				return nil
			}),
		},
		onKeyServer("certificate", "give a key server another certificate", "keyserver certificate keyserver=1 issuer=unknown",
			[]Param{
				{Name: "issuer", Kind: textKind, Values: []string{"customer", "factory", "unknown"}, Default: "customer", Help: "who signs it: the customer's authority, that of the facility's maker, or one that nobody here trusts"},
				{Name: "name", Kind: textKind, Help: "the host name that it is made out to; without it, the server's own"},
				{Name: "life", Kind: durationKind, Help: "how long it is valid; without it, for decades"},
				{Name: "expired", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it is past its time already"},
			},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				life := arg[time.Duration](a, "life")
				if arg[string](a, "expired") == "yes" {
					life = -time.Hour
				}
				if err := h.Reissue(arg[string](a, "issuer"), arg[string](a, "name"), life); err != nil {
					return err
				}
				s.printf("%s has a new certificate\n", h.Name)
				return nil
			}),
		onKeyServer("trust", "let a key server take client certificates of an issuer, or not", "keyserver trust keyserver=1 issuer=factory to=no",
			[]Param{
				{Name: "issuer", Kind: textKind, Values: []string{"factory", "customer"}, Default: "factory", Help: "who signed the facility's certificate"},
				toParam("whether it takes them", yesNo...),
			},
			func(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
				issuer := arg[string](a, "issuer")
				if arg[string](a, "to") == "yes" {
					s.printf("%s takes client certificates of the %s\n", h.Name, issuer)
					return h.Trust(issuer)
				}
				s.printf("%s takes no client certificates of the %s\n", h.Name, issuer)
				return h.Distrust(issuer)
			}),
		onKeyServer("place", "move the storage of a key server onto a rank of this facility; without a rank, onto its own", "keyserver place keyserver=1 rank=R0",
			[]Param{{Name: "rank", Kind: nameKind("rank", "a rank such as R0"), Help: "the rank"}},
			func(s *Session, lab *raslab.Lab, h *raslab.KeyHost, a Args) error {
				if err := h.Place(lab, arg[string](a, "rank")); err != nil {
					return err
				}
				s.printf("%s keeps its storage on %s\n", h.Name, orElse(arg[string](a, "rank"), "disks of its own"))
				return nil
			}),
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func keyService(s *Session, _ *raslab.Lab, h *raslab.KeyHost, a Args) error {
	to := arg[string](a, "to")
	h.StartService()
	h.Ungarble()
	h.Store().Resume()
	switch to {
	case "ended":
		h.StopService()
	case "hanging":
		h.Store().Stall()
	case "garbled":
		h.Garble()
	}
	s.printf("the service of %s is %s\n", h.Name, to)
	return nil
}

func managerParam() Param {
	return Param{Name: "keymgr", Kind: intKind("number", 1, 8), Required: true, Help: "its number"}
}

func (s *Session) managers(list ...raslab.KeyManagerInfo) error {
	t := s.table()
	t.Head("keymgr\tstate\tstatus\tprotocol\tkeyprotocol\taddr\tport\ttype\tkeygrp")
	for _, m := range list {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%d\n", m.ID, s.paintState(m.State), s.paintState(m.Status), m.Protocol, m.KeyProtocol, m.Addr, m.Port, m.Type, m.KeyGroup)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, m := range list {
		for _, w := range []string{learned(m.CertificateWarns, m.CertificateSeen), learned(m.KeyWarns, m.KeyTold)} {
			if w != "" {
				s.say("key manager %d: %s", m.ID, w)
			}
		}
	}
	return nil
}

// showManager describes a key manager, and what its server has told.
func showManager(s *Session, lab *raslab.Lab, a Args) error {
	m, err := lab.KeyManager(arg[int](a, "keymgr"))
	if err != nil {
		return err
	}
	speaks := string(m.KeyProtocol)
	if m.KeyProtocol == raslab.KMIP {
		speaks += ", version " + orElse(m.Version, "not negotiated yet")
	}
	s.say("key manager %d: %s, port %d, key group %d, %s, %s", m.ID, m.Addr, m.Port, m.KeyGroup, m.State, m.Status)
	s.printf("  protocol   %s, %s\n", m.Protocol, speaks)
	if m.Protocol == raslab.ProtocolTLS {
		expiry := "not seen yet"
		if !m.CertificateExpiry.IsZero() {
			expiry = "expires " + m.CertificateExpiry.Format(timeLayout)
		}
		s.paragraph("certif.", "of the server: "+expiry+because(learned(m.CertificateWarns, m.CertificateSeen)))
	}
	s.paragraph("data key", orElse(m.KeyState, "the server has not told its state")+because(learned(m.KeyWarns, m.KeyTold)))
	return nil
}

// learned is a warning with the time at which the server told what it rests on.
func learned(warning string, at time.Time) string {
	if warning == "" {
		return ""
	}
	return warning + "; learned " + at.UTC().Format(timeLayout)
}

// keyWarnings is what an operator should know of the data keys and certificates, wherever he
// looks by himself.
func (s *Session) keyWarnings(lab *raslab.Lab) {
	for _, w := range lab.KeyWarnings() {
		s.say("warning: %s; %s", w, w.Next)
	}
}

func managerCommands() []*Command {
	protocols := []Param{
		{Name: "protocol", Kind: textKind, Values: []string{"tls", "none"}, Help: "how the connection is protected"},
		{Name: "keyprotocol", Kind: textKind, Values: []string{"KMIP", "IPP"}, Help: "what is spoken over it"},
		{Name: "port", Kind: intKind("number", 1, 65535), Help: "its port; without it, that of the protocol"},
		{Name: "certificate", Kind: textKind, Help: "PEM file of the authority by which the server is known; customer_ca.pem, if there is no such file, is the customer's"},
	}
	return []*Command{
		{
			Noun: "keymgr", Verb: "list", Summary: "list the key managers: the key servers that the facility knows",
			Example: "keymgr list",
			Run:     withLab(func(s *Session, lab *raslab.Lab, _ Args) error { return s.managers(lab.KeyManagers()...) }),
		},
		{
			Noun: "keymgr", Verb: "show", Summary: "describe a key manager, and what its server has told: version, certificate, state of the data key",
			Params:  []Param{managerParam()},
			Example: "keymgr show keymgr=1",
			Run:     withLab(showManager),
		},
		{
			Noun: "keymgr", Verb: "make", Summary: "make a key manager for a key server",
			Params: append([]Param{
				{Name: "addr", Kind: textKind, Required: true, Help: "host name of the server, or its IPv4 or IPv6 address"},
				keygrpParam(false, "1"),
				{Name: "type", Kind: textKind, Values: []string{"DAR", "TCT"}, Help: "what the group protects: data at rest, or what leaves for a cloud"},
			}, protocols...),
			Example: "keymgr make addr=keyserver3.example.com keygrp=1",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				trust, err := s.trust(a)
				if err != nil {
					return err
				}
				m, err := lab.MakeKeyManager(raslab.KeyManagerRequest{
					Certificate: arg[string](a, "certificate"), Trust: trust,
					Addr: arg[string](a, "addr"), KeyGroup: arg[int](a, "keygrp"), Type: arg[string](a, "type"), Port: arg[int](a, "port"),
					Protocol: raslab.Protocol(arg[string](a, "protocol")), KeyProtocol: raslab.KeyProtocol(arg[string](a, "keyprotocol")),
				})
				if err != nil {
					return err
				}
				return s.managers(m)
			}),
		},
		{
			Noun: "keymgr", Verb: "change", Summary: "change a key manager; an inactive one is not asked",
			Params: append([]Param{
				managerParam(),
				{Name: "addr", Kind: textKind, Help: "host name of the server, or its IPv4 or IPv6 address"},
				{Name: "active", Kind: textKind, Values: yesNo, Help: "whether it is asked"},
			}, protocols...),
			Example: "keymgr change keymgr=1 active=no",
			Run:     withLab(changeManager),
		},
		{
			Noun: "keymgr", Verb: "remove", Summary: "remove a key manager; the server keeps its keys",
			Params:  []Param{managerParam()},
			Example: "keymgr remove keymgr=2",
			Run: withLab(func(s *Session, lab *raslab.Lab, a Args) error {
				if err := lab.RemoveKeyManager(arg[int](a, "keymgr")); err != nil {
					return err
				}
				s.printf("key manager %d is removed\n", arg[int](a, "keymgr"))
				return nil
			}),
		},
	}
}

// trust reads the file that certificate names; nil without it.
func (s *Session) trust(a Args) ([]byte, error) {
	if !a.Has("certificate") {
		return nil, nil
	}
	return raslab.ReadTrust(arg[string](a, "certificate"), s.readFile)
}

func changeManager(s *Session, lab *raslab.Lab, a Args) error {
	var c raslab.KeyManagerChange
	var err error
	if c.Trust, err = s.trust(a); err != nil {
		return err
	}
	if a.Has("certificate") {
		name := arg[string](a, "certificate")
		c.Certificate = &name
	}
	if a.Has("addr") {
		addr := arg[string](a, "addr")
		c.Addr = &addr
	}
	if a.Has("active") {
		active := arg[string](a, "active") == "yes"
		c.Active = &active
	}
	if a.Has("protocol") {
		p := raslab.Protocol(arg[string](a, "protocol"))
		c.Protocol = &p
	}
	if a.Has("keyprotocol") {
		p := raslab.KeyProtocol(arg[string](a, "keyprotocol"))
		c.KeyProtocol = &p
	}
	if a.Has("port") {
		p := arg[int](a, "port")
		c.Port = &p
	}
	m, err := lab.ChangeKeyManager(arg[int](a, "keymgr"), c)
	if err != nil {
		return err
	}
	return s.managers(m)
}

// The names under which the two roles act when none is given.
const (
	securityUser = "secadmin"
	storageUser  = "admin"
)

func recoveryCommands() []*Command {
	var out []*Command
	for _, c := range []struct {
		step    raslab.RecoveryAction
		summary string
		role    reckey.Role
		enters  bool
	}{
		{raslab.RecoveryConfigure, "draw a recovery key; it is shown once", reckey.SecurityAdministrator, false},
		{raslab.RecoveryVerify, "enter the recovery key that was shown", reckey.SecurityAdministrator, true},
		{raslab.RecoveryAuthorize, "the storage administrator's word: ends whatever waits for it", reckey.StorageAdministrator, false},
		{raslab.RecoveryCancel, "give up what is pending", reckey.SecurityAdministrator, false},
		{raslab.RecoveryRekey, "draw another recovery key; the one before stays in force until it is authorised", reckey.SecurityAdministrator, false},
		{raslab.RecoveryDeconfigure, "ask for the end of the recovery key", reckey.SecurityAdministrator, false},
		{raslab.RecoveryDisable, "ask that there shall be none", reckey.SecurityAdministrator, false},
		{raslab.RecoveryEnable, "ask for the end of that", reckey.SecurityAdministrator, false},
		{raslab.RecoveryRecover, "enter the recovery key for a group that no key server can open", reckey.SecurityAdministrator, true},
	} {
		user := securityUser
		if c.role == reckey.StorageAdministrator {
			user = storageUser
		}
		cmd := &Command{
			Noun: "reckey", Verb: string(c.step), Summary: c.summary, Example: "reckey " + string(c.step) + " keygrp=1",
			Params: []Param{keygrpParam(false, "1"), {Name: "by", Kind: textKind, Default: user, Help: "who does it: the " + c.role.String()}},
		}
		if c.enters {
			cmd.Params = append(cmd.Params, Param{Name: "key", Kind: textKind, Required: true, Help: "the recovery key, as it was written down"})
			cmd.Example += " key=0000-0000"
		}
		cmd.Run = withLab(func(s *Session, lab *raslab.Lab, a Args) error {
			entered := ""
			if c.enters {
				entered = arg[string](a, "key")
			}
			shown, r, err := lab.RecoveryKey(arg[int](a, "keygrp"), c.step, reckey.User{Name: arg[string](a, "by"), Role: c.role}, entered)
			if err != nil {
				return err
			}
			if shown != "" {
				s.printf("recovery key, shown once:\n  %s\n", strings.TrimSpace(shown))
			}
			return s.report(r, nil)
		})
		out = append(out, cmd)
	}
	return out
}
