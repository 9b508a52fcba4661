package console

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// The customer's key servers as machines.
var keyServerCommands = []*Command{
	{
		Name: "keyserver list", Summary: "list the customer's key servers",
		Example: "keyserver list",
		Run:     withLab(listKeyServers),
	},
	{
		Name: "keyserver add", Summary: "put another machine of the customer into the network, with the keys that the others have",
		Params:  []Param{{Name: "addr", Kind: textKind, Required: true, Help: "its host name"}},
		Example: "keyserver add addr=keyserver3.example.com",
		Run:     withLab(addKeyServer),
	},
	{
		Name: "keyserver stop", Summary: "stop a key server; it keeps its keys",
		Params:  []Param{keyServerParam()},
		Example: "keyserver stop keyserver=1",
		Run:     onKeyServer(stopKeyServer),
	},
	{
		Name: "keyserver start", Summary: "start a key server again",
		Params:  []Param{keyServerParam()},
		Example: "keyserver start keyserver=1",
		Run:     onKeyServer(startKeyServer),
	},
	{
		Name: "keyserver service", Summary: "let the key service run, end (its ports refuse), hang, or be replaced by something that speaks no key protocol",
		Params:  []Param{keyServerParam(), toParam("what the service does", "running", "ended", "hanging", "garbled")},
		Example: "keyserver service keyserver=1 to=ended",
		Run:     onKeyServer(keyService),
	},
	{
		Name: "keyserver product", Summary: "replace the software of a key server by a product: the protocols it speaks, the clients it knows",
		Params:  []Param{keyServerParam(), toParam("TKLM: IPP only; SKLM: KMIP up to 1.2 and IPP, a new client waits to be accepted; KeySecure: KMIP up to 1.1 only, knows no certificate of the facility's maker; generic: everything (assumptions)", "generic", "TKLM", "SKLM", "KeySecure")},
		Example: "keyserver product keyserver=1 to=SKLM",
		Run:     onKeyServer(productKeyServer),
	},
	{
		Name: "keyserver accept", Summary: "accept the client certificate that waits at a key server of the product SKLM",
		Params:  []Param{keyServerParam()},
		Example: "keyserver accept keyserver=1",
		Run:     onKeyServer(acceptKeyServer),
	},
	{
		Name: "keyserver lose", Summary: "delete the key of a group from one key server; with IPP, its key pairs",
		Params:  []Param{keyServerParam(), keygrpParam(false, "1"), {Name: "label", Kind: textKind, Help: "IPP: the key pair of this label alone"}},
		Example: "keyserver lose keyserver=1 keygrp=1",
		Run:     onKeyServer(loseKeyServer),
	},
	{
		Name: "keyserver damage", Summary: "flip a bit of the key of a group on the disk of one key server; with IPP, of its key pairs",
		Params:  []Param{keyServerParam(), keygrpParam(false, "1"), {Name: "bit", Kind: numberKind(0, 255), Default: "9", Help: "which bit; the same one once more is right again"}},
		Example: "keyserver damage keyserver=1 keygrp=1",
		Run:     onKeyServer(damageKeyServer),
	},
	{
		Name: "keyserver key", Summary: "change the state of the data key of a group at one key server, as its administrator does",
		Params: []Param{
			keyServerParam(),
			keygrpParam(false, "1"),
			toParam("its state from now on; a destroyed key is gone from this server", "active", "deactivated", "compromised", "destroyed"),
			{Name: "in", Kind: durationKind, Help: "deactivated: how long until then; without it, now"},
		},
		Example: "keyserver key keyserver=1 to=deactivated in=30d",
		Run:     onKeyServer(keyKeyServer),
	},
	{
		Name: "keyserver restore", Summary: "copy all keys to a key server from another one, over what is there",
		Params:  []Param{keyServerParam(), {Name: "from", Kind: numberKind(1, 8), Required: true, Help: "the server that has them"}},
		Example: "keyserver restore keyserver=1 from=2",
		Run:     onKeyServer(restoreKeyServer),
	},
	{
		Name: "keyserver memory", Summary: "put a bad memory module into a key server, or a good one: a bit of each key flips on its way out",
		Params:  []Param{keyServerParam(), toParam("bad or good", "bad", "good")},
		Example: "keyserver memory keyserver=1 to=bad",
		Run:     onKeyServer(memoryKeyServer),
	},
	{
		Name: "keyserver pair", Summary: "make a key pair with a label for IPP on all of the customer's key servers",
		Params:  []Param{{Name: "label", Kind: textKind, Required: true, Help: "its label; keygrp configure wraps a data key with two of them"}},
		Example: "keyserver pair label=tier1",
		Run:     withLab(pairKeyServer),
	},
	{
		Name: "keyserver certificate", Summary: "give a key server another certificate",
		Params: []Param{
			keyServerParam(),
			{Name: "issuer", Kind: textKind, Values: []string{"customer", "factory", "unknown"}, Default: "customer", Help: "who signs it: the customer's authority, that of the facility's maker, or one that nobody here trusts"},
			{Name: "name", Kind: textKind, Help: "the host name that it is made out to; without it, the server's own"},
			{Name: "life", Kind: durationKind, Help: "how long it is valid; without it, for decades"},
			{Name: "expired", Kind: textKind, Values: yesNo, Default: "no", Help: "whether it is past its time already"},
		},
		Example: "keyserver certificate keyserver=1 issuer=unknown",
		Run:     onKeyServer(certificateKeyServer),
	},
	{
		Name: "keyserver trust", Summary: "let a key server take client certificates of an issuer, or not",
		Params: []Param{
			keyServerParam(),
			{Name: "issuer", Kind: textKind, Values: []string{"factory", "customer"}, Default: "factory", Help: "who signed the facility's certificate"},
			toParam("whether it takes them", yesNo...),
		},
		Example: "keyserver trust keyserver=1 issuer=factory to=no",
		Run:     onKeyServer(trustKeyServer),
	},
	{
		Name: "keyserver place", Summary: "move the storage of a key server onto a rank of this facility; without a rank, onto its own",
		Params:  []Param{keyServerParam(), {Name: "rank", Kind: nameKind("rank", "a rank such as R0"), Help: "the rank"}},
		Example: "keyserver place keyserver=1 rank=R0",
		Run:     onKeyServer(placeKeyServer),
	},
}

func listKeyServers(s *Session, lab *raslab.Lab, _ Args) error {
	servers := lab.Customer().Info()
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
}

func addKeyServer(s *Session, lab *raslab.Lab, a Args) error {
	h, err := lab.Customer().Add(arg[string](a, "addr"))
	if err == nil {
		s.printf("key server %d: %s, %s\n", len(lab.Customer().KeyServers()), h.Name, h.IP)
	}
	return err
}

func stopKeyServer(s *Session, lab *raslab.Lab, _ *customer.KeyServer, a Args) error {
	s.printf("key server %d is stopped\n", arg[int](a, "keyserver"))
	return lab.Customer().Stop(arg[int](a, "keyserver"))
}

func startKeyServer(s *Session, lab *raslab.Lab, _ *customer.KeyServer, a Args) error {
	s.printf("key server %d is running\n", arg[int](a, "keyserver"))
	return lab.Customer().Start(arg[int](a, "keyserver"))
}

func productKeyServer(s *Session, _ *raslab.Lab, h *customer.KeyServer, a Args) error {
	if err := h.Install(customer.Product(arg[string](a, "to"))); err != nil {
		return err
	}
	s.printf("%s runs %s, KMIP %s\n", h.Name, h.Product(), orElse(h.KMIP(), "not spoken"))
	return nil
}

func acceptKeyServer(s *Session, _ *raslab.Lab, h *customer.KeyServer, _ Args) error {
	if err := h.Accept(); err != nil {
		return err
	}
	s.printf("%s has accepted the client\n", h.Name)
	return nil
}

func loseKeyServer(s *Session, lab *raslab.Lab, h *customer.KeyServer, a Args) error {
	if a.Has("label") {
		s.printf("%s does not have the key pair %s any more\n", h.Name, arg[string](a, "label"))
		return h.LosePair(arg[string](a, "label"))
	}
	if err := onKey(lab, a, h.LoseKey); err != nil {
		return err
	}
	s.printf("%s does not have the key of key group %d any more\n", h.Name, arg[int](a, "keygrp"))
	return nil
}

func damageKeyServer(s *Session, lab *raslab.Lab, h *customer.KeyServer, a Args) error {
	if err := onKey(lab, a, func(d customer.DataKey) error { return h.DamageKey(d, arg[int](a, "bit")) }); err != nil {
		return err
	}
	s.printf("bit %d of the key of key group %d is flipped on %s\n", arg[int](a, "bit"), arg[int](a, "keygrp"), h.Name)
	return nil
}

func keyKeyServer(s *Session, lab *raslab.Lab, h *customer.KeyServer, a Args) error {
	in := arg[time.Duration](a, "in")
	if err := onKey(lab, a, func(d customer.DataKey) error { return h.SetKeyState(d, customer.KeyFate(arg[string](a, "to")), in) }); err != nil {
		return err
	}
	when := ""
	if in > 0 {
		when = " in " + raslab.Spell(in)
	}
	s.printf("the key of key group %d is %s on %s%s\n", arg[int](a, "keygrp"), arg[string](a, "to"), h.Name, when)
	if g, err := lab.GroupByID(arg[int](a, "keygrp")); err == nil && g.State == "accessible" {
		s.say("the facility learns of it at its next key retrieval, %s", lab.NextKeyRetrieval().Format(timeLayout))
	}
	return nil
}

func restoreKeyServer(s *Session, lab *raslab.Lab, h *customer.KeyServer, a Args) error {
	from, err := keyServerNumbered(lab, arg[int](a, "from"))
	if err != nil {
		return err
	}
	if err := h.RestoreFrom(from); err != nil {
		return err
	}
	s.printf("%s has the keys of key server %d\n", h.Name, arg[int](a, "from"))
	return nil
}

func memoryKeyServer(s *Session, _ *raslab.Lab, h *customer.KeyServer, a Args) error {
	h.BreakMemory(arg[string](a, "to") == "bad")
	s.printf("the memory of %s is %s\n", h.Name, arg[string](a, "to"))
	return nil
}

func pairKeyServer(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.Customer().MakePair(arg[string](a, "label")); err != nil {
		return err
	}
	s.printf("the key servers have a key pair %s\n", arg[string](a, "label"))
	return nil
}

func certificateKeyServer(s *Session, _ *raslab.Lab, h *customer.KeyServer, a Args) error {
	life := arg[time.Duration](a, "life")
	if arg[string](a, "expired") == "yes" {
		life = -time.Hour
	}
	if err := h.Reissue(arg[string](a, "issuer"), arg[string](a, "name"), life); err != nil {
		return err
	}
	s.printf("%s has a new certificate\n", h.Name)
	return nil
}

func trustKeyServer(s *Session, _ *raslab.Lab, h *customer.KeyServer, a Args) error {
	issuer := arg[string](a, "issuer")
	if arg[string](a, "to") == "yes" {
		s.printf("%s takes client certificates of the %s\n", h.Name, issuer)
		return h.Trust(issuer)
	}
	s.printf("%s takes no client certificates of the %s\n", h.Name, issuer)
	return h.Distrust(issuer)
}

func placeKeyServer(s *Session, lab *raslab.Lab, h *customer.KeyServer, a Args) error {
	if !a.Has("rank") {
		h.Place(nil)
	} else if on, err := lab.Storage(arg[string](a, "rank")); err != nil {
		return err
	} else {
		h.Place(on)
	}
	s.printf("%s keeps its storage on %s\n", h.Name, orElse(arg[string](a, "rank"), "disks of its own"))
	return nil
}

func keyServerParam() Param {
	return Param{Name: "keyserver", Kind: numberKind(1, 8), Required: true, Help: "its number", Complete: keyServerNumbers}
}

// keyServerNumbered is a machine by its number.
func keyServerNumbered(lab *raslab.Lab, n int) (*customer.KeyServer, error) {
	if all := lab.Customer().KeyServers(); n <= len(all) {
		return all[n-1], nil
	}
	return nil, fmt.Errorf("there is no key server %d: keyserver list shows what there is", n)
}

// onKey does something to the data key of the group that an argument names, wherever that key is
// kept.
func onKey(lab *raslab.Lab, a Args, do func(customer.DataKey) error) error {
	d, err := lab.DataKey(arg[int](a, "keygrp"))
	if err != nil {
		return err
	}
	return do(d)
}

// onKeyServer makes the Run of a command that does something to one machine.
func onKeyServer(do func(*Session, *raslab.Lab, *customer.KeyServer, Args) error) func(*Session, Args) error {
	return withLab(func(s *Session, lab *raslab.Lab, a Args) error {
		h, err := keyServerNumbered(lab, arg[int](a, "keyserver"))
		if err != nil {
			return err
		}
		return do(s, lab, h, a)
	})
}

func keyService(s *Session, _ *raslab.Lab, h *customer.KeyServer, a Args) error {
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

func keyServerNumbers(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, k := range s.lab.Customer().Info() {
			names = append(names, fmt.Sprint(k.ID))
		}
	}
	return names
}
