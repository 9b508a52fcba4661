package dscli

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var keyManagerCommands = []*Command{
	{
		Name: "lskeymgr", Summary: "list the key managers: the key servers that are configured",
		Params:  []Param{longParam, shortParam, managersParam(false)},
		Example: "lskeymgr",
		Run:     lskeymgr,
	},
	{
		Name: "showkeymgr", Summary: "describe a key manager",
		Params:  []Param{managerParam(true)},
		Example: "showkeymgr 1",
		Run:     showkeymgr,
	},
	{
		Name: "mkkeymgr", Summary: "configure a key manager",
		Detail: "Nothing is sent to it: whether it is there is found out when a key is asked for.",
		Params: []Param{
			{Name: "addr", Kind: textKind, Required: true, Help: "host name of the key server", Complete: of(hostNames)},
			portParam(), protocolParam(), keyProtocolParam(),
			{Name: "type", Kind: wordKind, Values: []string{"DAR", "TCT"}, Help: "what its key group protects: data at rest or transparent cloud tiering"},
			{Name: "keygrp", Kind: numberKind(1, 4), Help: "its key group; 1 if it is not given"},
			certificateParam(), managerParam(false),
		},
		Example: "mkkeymgr -addr keys3.example.com -keygrp 1 3",
		Run:     mkkeymgr,
	},
	{
		Name: "chkeymgr", Summary: "change a key manager; an inactive one is not asked for keys",
		Params: []Param{
			{Name: "addr", Kind: textKind, Help: "host name of the key server", Complete: of(hostNames)},
			portParam(), protocolParam(), keyProtocolParam(),
			{Name: "state", Kind: wordKind, Values: []string{"active", "inactive"}, Help: "whether it is asked"},
			certificateParam(),
			{Name: "storage", Kind: textKind, Help: "where its server keeps its storage, as its administrator answered (assumption): own if no encrypting facility holds it, other if another one does, or a rank such as R0", Complete: of(rankIDs)},
			{Name: "facility", Kind: textKind, Help: "storage other: the serial number of that facility (assumption)"},
			{Name: "waits", Kind: wordKind, Values: []string{"yes", "no"}, Help: "storage other: whether that facility waits for storage of this one before it gets its own keys (assumption)"},
			managerParam(true),
		},
		Example: "chkeymgr -state inactive 2",
		Check:   fitsKeyManager,
		Run:     chkeymgr,
	},
	{
		Name: "rmkeymgr", Summary: "remove key managers; the servers and their keys stay what they are",
		Params:  []Param{quietParam, managersParam(true)},
		Example: "rmkeymgr -quiet 2",
		Run:     rmkeymgr,
	},
}

func lskeymgr(c *call, a Args) error {
	ids := arg[[]string](a, "keymgr")
	if err := c.exist("key manager", ids, managerIDs(c.lab)); err != nil {
		return err
	}
	r := &result{class: "Key Manager", columns: []column{
		left("ID"), left("state"), left("status"), left("keyprotocol"), left("addr"), number("port"), left("type"), number("keygrp"), left("protocol"), left("certificate"),
	}}
	for _, m := range c.lab.KeyManagers() {
		if wanted(ids, strconv.Itoa(m.ID)) {
			r.row(m.ID, m.State, m.Status, m.KeyProtocol, m.Addr, m.Port, m.Type, m.KeyGroup, m.Protocol, m.Certificate)
		}
	}
	if err := c.list(r, 8); err != nil || !arg[bool](a, "l") {
		return err
	}
	c.warn(func(w raslab.KeyWarning) bool { return w.KeyManager != 0 && wanted(ids, strconv.Itoa(w.KeyManager)) })
	return nil
}

func showkeymgr(c *call, a Args) error {
	m, err := c.lab.KeyManager(arg[int](a, "keymgr"))
	if err != nil {
		return c.refuse(err)
	}
	r := &result{class: "Key Manager", one: true, columns: []column{
		left("ID"), left("State"), left("Status"), left("addr"), left("port"), left("protocol"), left("keyprotocol"), left("certificate"),
	}}
	r.row(m.ID, m.State, m.Status, m.Addr, m.Port, m.Protocol, m.KeyProtocol, m.Certificate)
	if err := c.print(r); err != nil {
		return err
	}
	c.warn(func(w raslab.KeyWarning) bool { return w.KeyManager == m.ID })
	return nil
}

func mkkeymgr(c *call, a Args) error {
	trust, err := c.trust()
	if err != nil {
		return err
	}
	m, err := c.lab.MakeKeyManager(raslab.KeyManagerRequest{
		Trust: trust,
		ID:    arg[int](a, "keymgr"), Addr: arg[string](a, "addr"), Port: arg[int](a, "port"),
		Protocol: raslab.Protocol(arg[string](a, "protocol")), KeyProtocol: raslab.KeyProtocol(arg[string](a, "keyprotocol")),
		Type: arg[string](a, "type"), KeyGroup: arg[int](a, "keygrp"), Certificate: arg[string](a, "certificate"),
	})
	if err != nil {
		return c.refuse(err)
	}
	c.say(msgManagerMade, m.ID)
	return nil
}

func rmkeymgr(c *call, a Args) error {
	ids := arg[[]string](a, "keymgr")
	if err := c.exist("key manager", ids, managerIDs(c.lab)); err != nil {
		return err
	}
	return c.each(ids, msgManagerRemove, msgManagerGone, func(id string) error {
		n, err := strconv.Atoi(id)
		if err == nil {
			err = c.lab.RemoveKeyManager(n)
		}
		if err != nil {
			return c.refuse(err)
		}
		return nil
	})
}

// keyManagersMax is the highest number of a key manager that is taken for one.
const keyManagersMax = 8

// trust reads the file that -certificate names; nil without it.
func (c *call) trust() ([]byte, error) {
	name := arg[string](c.args, "certificate")
	if name == "" {
		return nil, nil
	}
	data, err := raslab.ReadTrust(name, c.session.options.ReadFile)
	if err != nil {
		return nil, c.refuse(err)
	}
	return data, nil
}

func chkeymgr(c *call, a Args) error {
	if a.Has("storage") {
		id := arg[int](a, "keymgr")
		if err := c.lab.AnswerAudit(id, storageAnswer(a)); err != nil {
			return c.refuse(err)
		}
		c.say(msgManagerChanged, id)
		return nil
	}
	var q raslab.KeyManagerChange
	var err error
	if q.Trust, err = c.trust(); err != nil {
		return err
	}
	if v := arg[string](a, "addr"); v != "" {
		q.Addr = &v
	}
	if v := arg[int](a, "port"); v != 0 {
		q.Port = &v
	}
	if v := raslab.Protocol(arg[string](a, "protocol")); v != "" {
		q.Protocol = &v
	}
	if v := raslab.KeyProtocol(arg[string](a, "keyprotocol")); v != "" {
		q.KeyProtocol = &v
	}
	if v := arg[string](a, "state"); v != "" {
		active := v == "active"
		q.Active = &active
	}
	if v := arg[string](a, "certificate"); v != "" {
		q.Certificate = &v
	}
	m, err := c.lab.ChangeKeyManager(arg[int](a, "keymgr"), q)
	if err != nil {
		return c.refuse(err)
	}
	c.say(msgManagerChanged, m.ID)
	return nil
}

// storageAnswer is what the administrator of a key server answered about its storage.
func storageAnswer(a Args) raslab.StorageAnswer {
	switch storage := arg[string](a, "storage"); strings.ToLower(storage) {
	case "own":
		return raslab.StorageAnswer{}
	case "other":
		return raslab.StorageAnswer{Facility: arg[string](a, "facility"), Waits: arg[string](a, "waits") == "yes"}
	default:
		return raslab.StorageAnswer{Rank: storage}
	}
}

func protocolParam() Param {
	return Param{Name: "protocol", Kind: wordKind, Values: []string{"none", "tls"}, Help: "how the connection is protected"}
}

func keyProtocolParam() Param {
	return Param{Name: "keyprotocol", Kind: wordKind, Values: []string{"IPP", "KMIP"}, Help: "what is spoken over it"}
}

func certificateParam() Param {
	return Param{Name: "certificate", Kind: textKind, Help: "PEM file of the authority by which the server is known; customer_ca.pem, if there is no such file, is the customer's"}
}

func hostNames(lab *raslab.Lab) (names []string) {
	for _, h := range lab.Customer().KeyServers() {
		names = append(names, h.Name)
	}
	return names
}

// fitsKeyManager refuses chkeymgr without a change, and an answer about storage that is not whole.
func fitsKeyManager(a Args) error {
	other := strings.EqualFold(arg[string](a, "storage"), "other")
	switch {
	case other && !(a.Has("facility") && a.Has("waits")):
		return errors.New("-storage other needs -facility, its serial number, and -waits, which is yes or no")
	case !other && (a.Has("facility") || a.Has("waits")):
		return errors.New("-facility and -waits belong to -storage other")
	}
	answer, given := []string{"storage", "facility", "waits"}, false
	for _, p := range a.Command.Params {
		if p.Bare || !a.Has(p.Name) {
			continue
		}
		if given = true; a.Has("storage") && !slices.Contains(answer, p.Name) {
			return errors.New("-storage enters an answer, and comes without -" + p.Name)
		}
	}
	if given {
		return nil
	}
	return errors.New("nothing is given that would change; as in: " + a.Command.Example)
}
