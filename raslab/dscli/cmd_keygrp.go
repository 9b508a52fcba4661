package dscli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var groupCommands = []*Command{
	{
		Name: "lskeygrp", Summary: "list the key groups",
		Params:  []Param{longParam, shortParam},
		Example: "lskeygrp -l",
		Run:     lskeygrp,
	},
	{
		Name: "showkeygrp", Summary: "describe a key group, show when each key manager was asked for its key, or what follows from where its key servers keep their storage",
		Params: []Param{
			{Name: "access", Flag: true, Help: "the last access of each key manager, with its result"},
			{Name: "audit", Flag: true, Help: "what follows from the answers that chkeymgr -storage entered (assumption): isolated, deadlock or open, and what each key server needs before it is up"},
			groupParam(),
		},
		Example: "showkeygrp -access 1",
		Run:     showkeygrp,
	},
	{
		Name: "mkkeygrp", Summary: "configure a key group with its key managers: a data key is made, and read back from another server",
		Params: []Param{
			{Name: "label", Kind: textKind, Help: "IPP: the label of a key pair at the key servers; one of the customer's if it is not given"},
			{Name: "label2", Kind: textKind, Help: "IPP: the label of the other key pair"},
			groupParam(),
		},
		Example: "mkkeygrp 1",
		Run:     mkkeygrp,
	},
	{
		Name: "rmkeygrp", Summary: "remove a key group that no rank uses",
		Params:  []Param{quietParam, groupParam()},
		Example: "rmkeygrp -quiet 1",
		Run:     rmkeygrp,
	},
	{
		Name: "managekeygrp", Summary: "test the access to the key of a group, exchange its keys, or install a certificate of the customer",
		Detail: "The test is submitted; its results are seen with showkeygrp -access eleven seconds later, in the time of the lab (!time advance by=11s). The file " + customerFile +
			" is the certificate, with its private key, that the customer's authority in the lab makes for the facility; other files are read where the session can. " +
			"rekey exchanges the data key at the key servers, rekeyall (assumption) the group key and with it every member's credential.",
		Params: []Param{
			{Name: "action", Kind: wordKind, Values: []string{"testaccess", "rekey", "rekeyall", "importcert"}, Required: true, Help: "what to do"},
			{Name: "loc", Kind: textKind, Help: "importcert: the file, in PEM, with the certificate and its private key", Complete: customerFiles},
			quietParam, groupParam(),
		},
		Example: "managekeygrp -action testaccess 1",
		Check:   fileFitsAction,
		Run:     managekeygrp,
	},
}

func lskeygrp(c *call, a Args) error {
	r := &result{class: "Key Group", columns: []column{
		left("ID"), left("state"), left("reckeystate"), left("reckeydate"), left("datakeydate"),
		left("type"), number("numranks"), number("numpools"), left("grpstatus"), left("mgrstatus"), left("keyprotocol"),
	}}
	for _, g := range c.lab.Groups() {
		r.row(g.ID, g.State, g.ReckeyState, c.instant(g.ReckeyDate), c.instant(g.DataKeyDate), g.Type, g.NumRanks, g.NumPools, g.GroupStatus, g.ManagerStatus, g.KeyProtocol)
	}
	if err := c.list(r, 5); err != nil || !arg[bool](a, "l") {
		return err
	}
	c.warn(func(raslab.KeyWarning) bool { return true })
	return nil
}

func mkkeygrp(c *call, a Args) error {
	id := arg[int](a, "keygrp")
	if err := c.done(c.lab.ConfigureGroup(id, arg[string](a, "label"), arg[string](a, "label2"))); err != nil {
		return err
	}
	c.say(msgGroupMade, id)
	return nil
}

func rmkeygrp(c *call, a Args) error {
	id := arg[int](a, "keygrp")
	if _, err := c.lab.GroupByID(id); err != nil {
		return c.refuse(err)
	}
	return c.each([]string{strconv.Itoa(id)}, msgGroupRemove, msgGroupGone, func(string) error { return c.done(c.lab.RemoveGroup(id)) })
}

// customerFile is the name under which managekeygrp finds the certificate that the
// customer's authority in the lab makes for the facility (assumption).
const customerFile = "customer.pem"

func showkeygrp(c *call, a Args) error {
	id := arg[int](a, "keygrp")
	g, err := c.lab.GroupByID(id)
	if err != nil {
		return c.refuse(err)
	}
	if arg[bool](a, "access") {
		records, err := c.lab.GroupAccess(id)
		if err != nil {
			return c.refuse(err)
		}
		r := &result{class: "Key Group Access", columns: []column{left("ID"), number("KeyMgr"), left("lastaccess"), left("lastsuccess"), left("lastfailure")}}
		for _, a := range records {
			r.row(id, a.KeyManager, a.LastAccess, c.stamp(a.LastSuccess), c.stamp(a.LastFailure))
		}
		if len(records) == 0 {
			c.say(msgNothing, "Key Manager")
			return nil
		}
		return c.print(r)
	}
	if arg[bool](a, "audit") {
		return c.audit(id)
	}
	label, label2 := "-", "-" // KMIP has no labels
	if g.KeyProtocol == raslab.IPP {
		label, label2 = g.Label, g.Label2
	}
	r := &result{class: "Key Group", one: true, columns: []column{
		left("ID"), left("numranks"), left("numpools"), left("state"), left("reckeystate"), left("reckeydate"), left("datakeydate"), left("grpstatus"), left("mgrstatus"),
		left("label"), left("label2"), left("certificate"), left("certificateexpiry"), left("uuid"), left("keyprotocol"),
	}}
	r.row(g.ID, g.NumRanks, g.NumPools, g.State, g.ReckeyState, c.instant(g.ReckeyDate), c.instant(g.DataKeyDate), g.GroupStatus, g.ManagerStatus,
		label, label2, g.Certificate, c.instant(g.CertificateExpiry), g.UUID, g.KeyProtocol)
	if err := c.print(r); err != nil {
		return err
	}
	c.warn(func(w raslab.KeyWarning) bool { return w.KeyManager == 0 || w.KeyGroup == id })
	return nil
}

// audit prints what follows from where the key servers of a group keep their storage.
func (c *call) audit(id int) error {
	audit, err := c.lab.Audit(id)
	if err != nil {
		return c.refuse(err)
	}
	r := &result{class: "Key Group Audit", columns: []column{left("ID"), left("verdict"), number("KeyMgr"), left("addr"), left("storage"), left("needs"), left("answered")}}
	for _, s := range audit.Servers {
		storage, needs := "-", "-"
		if !s.Answered.IsZero() {
			storage = s.Storage.String()
		}
		if s.Needs != "" {
			needs = s.Needs
		}
		r.row(id, audit.Verdict, s.KeyManager, s.Addr, storage, needs, c.instant(s.Answered))
	}
	return c.print(r)
}

func managekeygrp(c *call, a Args) error {
	id, action := arg[int](a, "keygrp"), arg[string](a, "action")
	if _, err := c.lab.GroupByID(id); err != nil {
		return c.refuse(err)
	}
	switch action {
	case "importcert":
		return c.importCertificate(arg[string](a, "loc"))
	case "rekey":
		return c.rekey(id, msgRekey, msgRekeyed, c.lab.RekeyDataKey)
	case "rekeyall":
		return c.rekey(id, msgRekeyAll, msgRekeyedAll, c.lab.RekeyGroupKey)
	}
	if yes, err := c.confirmed(msgTestAccess, id); !yes {
		return err
	}
	if err := c.lab.SubmitTestAccess(id); err != nil {
		return c.refuse(err)
	}
	c.say(msgTestSubmitted, id)
	c.say(msgTestWhen, c.instant(c.lab.Now().Add(raslab.TestAccessDuration)), raslab.TestAccessDuration)
	return nil
}

func (c *call) rekey(id int, ask, told *Message, do func(int) (raslab.Report, error)) error {
	if yes, err := c.confirmed(ask, id); !yes {
		return err
	}
	if err := c.done(do(id)); err != nil {
		return err
	}
	c.say(told, id)
	return nil
}

func (c *call) importCertificate(file string) error {
	read := c.session.options.ReadFile
	switch {
	case file == customerFile:
		read = func(string) ([]byte, error) { return nil, nil } // made when it is wanted: that draws randomness
	case read == nil:
		return fail(ExitApplication, msgInvalid, c.command.Name, fmt.Sprintf("the file %q cannot be read here; %s can", file, customerFile))
	}
	data, err := read(file)
	if err != nil {
		return fail(ExitApplication, msgInvalid, c.command.Name, "the certificate cannot be read: "+raslab.PlainError(err))
	}
	if yes, err := c.confirmed(msgImport); !yes {
		return err
	}
	if file == customerFile {
		if data, err = c.lab.Customer().ClientCertificate(0); err != nil {
			return c.refuse(err)
		}
	}
	own, err := c.lab.ImportCertificate(data)
	if err != nil {
		return c.refuse(err)
	}
	c.say(msgImported, c.instant(own.Expiry))
	return nil
}

// fileFitsAction refuses managekeygrp with a file that the action does not take, or without a file
// that it needs.
func fileFitsAction(a Args) error {
	switch action := arg[string](a, "action"); {
	case action == "importcert" && !a.Has("loc"):
		return errors.New("-loc is missing; -action importcert needs a file")
	case action != "importcert" && a.Has("loc"):
		return errors.New("-loc has no meaning with -action " + action + "; leave it out")
	}
	return nil
}

func customerFiles(*call) []string { return []string{customerFile} }
