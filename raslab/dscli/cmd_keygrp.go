package dscli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// customerFile is the name under which managekeygrp finds the certificate that the
// customer's authority in the lab makes for the facility (assumption).
const customerFile = "customer.pem"

func groupCommands() []*Command {
	return []*Command{
		{
			Name: "lskeygrp", Summary: "list the key groups", Facility: true,
			Params:  []Param{longParam, shortParam},
			Example: "lskeygrp -l",
			Run: func(c *call) error {
				r := &result{class: "Key Group", columns: []column{
					left("ID"), left("state"), left("reckeystate"), left("reckeydate"), left("datakeydate"),
					left("type"), number("numranks"), number("numpools"), left("grpstatus"), left("mgrstatus"), left("keyprotocol"),
				}}
				for _, g := range c.lab.Groups() {
					r.row(g.ID, g.State, g.ReckeyState, c.instant(g.ReckeyDate), c.instant(g.DataKeyDate), g.Type, g.NumRanks, g.NumPools, g.GroupStatus, g.ManagerStatus, g.KeyProtocol)
				}
				if err := c.list(r, 5); err != nil || !arg[bool](c.args, "l") {
					return err
				}
				c.warn(func(raslab.KeyWarning) bool { return true })
				return nil
			},
		},
		{
			Name: "showkeygrp", Summary: "describe a key group, or show when each key manager was asked for its key", Facility: true,
			Params: []Param{
				{Name: "access", Flag: true, Help: "the last access of each key manager, with its result"},
				groupParam(),
			},
			Example: "showkeygrp -access 1",
			Run:     showGroup,
		},
		{
			Name: "mkkeygrp", Summary: "configure a key group with its key managers: a data key is made, and read back from another server", Facility: true,
			Params: []Param{
				{Name: "label", Kind: textKind, Help: "IPP: the label of a key pair at the key servers; one of the customer's if it is not given"},
				{Name: "label2", Kind: textKind, Help: "IPP: the label of the other key pair"},
				groupParam(),
			},
			Example: "mkkeygrp 1",
			Run: func(c *call) error {
				id := arg[int](c.args, "keygrp")
				if err := c.done(c.lab.ConfigureGroup(id, arg[string](c.args, "label"), arg[string](c.args, "label2"))); err != nil {
					return err
				}
				c.say(msgGroupMade, id)
				return nil
			},
		},
		{
			Name: "rmkeygrp", Summary: "remove a key group that no rank uses", Facility: true,
			Params:  []Param{quietParam, groupParam()},
			Example: "rmkeygrp -quiet 1",
			Run: func(c *call) error {
				id := arg[int](c.args, "keygrp")
				if _, err := c.lab.GroupByID(id); err != nil {
					return c.refuse(err)
				}
				return c.each([]string{strconv.Itoa(id)}, msgGroupRemove, msgGroupGone, func(string) error { return c.done(c.lab.RemoveGroup(id)) })
			},
		},
		{
			Name: "managekeygrp", Summary: "test the access to the key of a group, exchange its keys, or install a certificate of the customer", Facility: true,
			Detail: "The test is submitted; its results are seen with showkeygrp -access eleven seconds later, in the time of the lab (!time advance by=11s). The file " + customerFile +
				" is the certificate, with its private key, that the customer's authority in the lab makes for the facility; other files are read where the session can. " +
				"rekey exchanges the data key at the key servers, rekeyall (assumption) the group key and with it every member's credential.",
			Params: []Param{
				{Name: "action", Kind: wordKind, Values: []string{"testaccess", "rekey", "rekeyall", "importcert"}, Required: true, Help: "what to do"},
				{Name: "loc", Kind: textKind, Help: "importcert: the file, in PEM, with the certificate and its private key", Complete: func(*raslab.Lab) []string { return []string{customerFile} }},
				quietParam, groupParam(),
			},
			Example: "managekeygrp -action testaccess 1",
			Check: func(a args) error {
				switch action := arg[string](a, "action"); {
				case action == "importcert" && !a.has("loc"):
					return errors.New("-loc is missing; -action importcert needs a file")
				case action != "importcert" && a.has("loc"):
					return errors.New("-loc has no meaning with -action " + action + "; leave it out")
				}
				return nil
			},
			Run: manageGroup,
		},
	}
}

func showGroup(c *call) error {
	id := arg[int](c.args, "keygrp")
	g, err := c.lab.GroupByID(id)
	if err != nil {
		return c.refuse(err)
	}
	if arg[bool](c.args, "access") {
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

func manageGroup(c *call) error {
	id, action := arg[int](c.args, "keygrp"), arg[string](c.args, "action")
	if _, err := c.lab.GroupByID(id); err != nil {
		return c.refuse(err)
	}
	switch action {
	case "importcert":
		return c.importCertificate(arg[string](c.args, "loc"))
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
		if data, err = c.lab.CustomerCertificate(0); err != nil {
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

func groupParam() Param {
	return Param{Name: "keygrp", Kind: numberKind(1, 4), Operand: true, Required: true, Help: "the number of the key group", Complete: groupIDs}
}

func groupIDs(lab *raslab.Lab) (ids []string) {
	for _, g := range lab.Groups() {
		ids = append(ids, strconv.Itoa(g.ID))
	}
	return ids
}
