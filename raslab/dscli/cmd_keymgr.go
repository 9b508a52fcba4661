package dscli

import (
	"errors"
	"strconv"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// keyManagersMax is the highest number of a key manager that is taken for one.
const keyManagersMax = 8

func managerCommands() []*Command {
	return []*Command{
		{
			Name: "lskeymgr", Summary: "list the key managers: the key servers that are configured",
			Params:  []Param{longParam, shortParam, managersParam(false)},
			Example: "lskeymgr",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "keymgr")
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
				if err := c.list(r, 8); err != nil || !arg[bool](c.args, "l") {
					return err
				}
				c.warn(func(w raslab.KeyWarning) bool { return w.KeyManager != 0 && wanted(ids, strconv.Itoa(w.KeyManager)) })
				return nil
			},
		},
		{
			Name: "showkeymgr", Summary: "describe a key manager",
			Params:  []Param{managerParam(true)},
			Example: "showkeymgr 1",
			Run: func(c *call) error {
				m, err := c.lab.KeyManager(arg[int](c.args, "keymgr"))
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
			},
		},
		{
			Name: "mkkeymgr", Summary: "configure a key manager",
			Detail: "Nothing is sent to it: whether it is there is found out when a key is asked for.",
			Params: []Param{
				{Name: "addr", Kind: textKind, Required: true, Help: "host name of the key server", Complete: hostNames},
				portParam(), protocolParam(), keyProtocolParam(),
				{Name: "type", Kind: wordKind, Values: []string{"DAR", "TCT"}, Help: "what its key group protects: data at rest or transparent cloud tiering"},
				{Name: "keygrp", Kind: numberKind(1, 4), Help: "its key group; 1 if it is not given"},
				certificateParam(), managerParam(false),
			},
			Example: "mkkeymgr -addr keys3.example.com -keygrp 1 3",
			Run: func(c *call) error {
				trust, err := c.trust()
				if err != nil {
					return err
				}
				m, err := c.lab.MakeKeyManager(raslab.KeyManagerRequest{
					Trust: trust,
					ID:    arg[int](c.args, "keymgr"), Addr: arg[string](c.args, "addr"), Port: arg[int](c.args, "port"),
					Protocol: raslab.Protocol(arg[string](c.args, "protocol")), KeyProtocol: raslab.KeyProtocol(arg[string](c.args, "keyprotocol")),
					Type: arg[string](c.args, "type"), KeyGroup: arg[int](c.args, "keygrp"), Certificate: arg[string](c.args, "certificate"),
				})
				if err != nil {
					return c.refuse(err)
				}
				c.say(msgManagerMade, m.ID)
				return nil
			},
		},
		{
			Name: "chkeymgr", Summary: "change a key manager; an inactive one is not asked for keys",
			Params: []Param{
				{Name: "addr", Kind: textKind, Help: "host name of the key server", Complete: hostNames},
				portParam(), protocolParam(), keyProtocolParam(),
				{Name: "state", Kind: wordKind, Values: []string{"active", "inactive"}, Help: "whether it is asked"},
				certificateParam(), managerParam(true),
			},
			Example: "chkeymgr -state inactive 2",
			Check: func(a args) error {
				for _, p := range a.command.Params {
					if !p.Operand && a.has(p.Name) {
						return nil
					}
				}
				return errors.New("nothing is given that would change; as in: " + a.command.Example)
			},
			Run: changeManager,
		},
		{
			Name: "rmkeymgr", Summary: "remove key managers; the servers and their keys stay what they are",
			Params:  []Param{quietParam, managersParam(true)},
			Example: "rmkeymgr -quiet 2",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "keymgr")
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
			},
		},
	}
}

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

func changeManager(c *call) error {
	var q raslab.KeyManagerChange
	var err error
	if q.Trust, err = c.trust(); err != nil {
		return err
	}
	if v := arg[string](c.args, "addr"); v != "" {
		q.Addr = &v
	}
	if v := arg[int](c.args, "port"); v != 0 {
		q.Port = &v
	}
	if v := raslab.Protocol(arg[string](c.args, "protocol")); v != "" {
		q.Protocol = &v
	}
	if v := raslab.KeyProtocol(arg[string](c.args, "keyprotocol")); v != "" {
		q.KeyProtocol = &v
	}
	if v := arg[string](c.args, "state"); v != "" {
		active := v == "active"
		q.Active = &active
	}
	if v := arg[string](c.args, "certificate"); v != "" {
		q.Certificate = &v
	}
	m, err := c.lab.ChangeKeyManager(arg[int](c.args, "keymgr"), q)
	if err != nil {
		return c.refuse(err)
	}
	c.say(msgManagerChanged, m.ID)
	return nil
}

func managerParam(required bool) Param {
	return Param{Name: "keymgr", Kind: numberKind(1, keyManagersMax), Operand: true, Required: required, Help: "the number of the key manager", Complete: managerIDs}
}

func managersParam(required bool) Param {
	return Param{Name: "keymgr", Kind: idKind("keymgr", ""), Operand: true, Repeat: true, Required: required, Help: "key managers by number", Complete: managerIDs}
}

func portParam() Param {
	return Param{Name: "port", Kind: numberKind(1, 65535), Help: "the port; of KMIP 5696, of IPP with TLS 441, without 3801"}
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

func managerIDs(lab *raslab.Lab) (ids []string) {
	for _, m := range lab.KeyManagers() {
		ids = append(ids, strconv.Itoa(m.ID))
	}
	return ids
}

func hostNames(lab *raslab.Lab) (names []string) {
	for _, h := range lab.KeyHosts() {
		names = append(names, h.Name)
	}
	return names
}
