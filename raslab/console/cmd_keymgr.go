package console

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var protocolParams = []Param{
	{Name: "protocol", Kind: textKind, Values: []string{"tls", "none"}, Help: "how the connection is protected"},
	{Name: "keyprotocol", Kind: textKind, Values: []string{"KMIP", "IPP"}, Help: "what is spoken over it"},
	{Name: "port", Kind: numberKind(1, 65535), Help: "its port; without it, that of the protocol"},
	{Name: "certificate", Kind: textKind, Help: "PEM file of the authority by which the server is known; customer_ca.pem, if there is no such file, is the customer's"},
}

// The facility's entries of key servers.
var keyManagerCommands = []*Command{
	{
		Name: "keymgr list", Summary: "list the key managers: the key servers that the facility knows",
		Window:  "DS Storage Manager, Key Managers; DS CLI, lskeymgr and showkeymgr",
		Example: "keymgr list",
		Run:     withLab(listKeyManagers),
	},
	{
		Name: "keymgr show", Summary: "describe a key manager, and what its server has told: version, certificate, state of the data key",
		Params:  []Param{managerParam()},
		Example: "keymgr show keymgr=1",
		Run:     withLab(showManager),
	},
	{
		Name: "keymgr make", Summary: "make a key manager for a key server",
		Params: append([]Param{
			{Name: "addr", Kind: textKind, Required: true, Help: "host name of the server, or its IPv4 or IPv6 address"},
			keygrpParam(false, "1"),
			{Name: "type", Kind: textKind, Values: []string{"DAR", "TCT"}, Help: "what the group protects: data at rest, or what leaves for a cloud"},
		}, protocolParams...),
		Example: "keymgr make addr=keyserver3.example.com keygrp=1",
		Run:     withLab(makeKeyManager),
	},
	{
		Name: "keymgr change", Summary: "change a key manager; an inactive one is not asked",
		Params: append([]Param{
			managerParam(),
			{Name: "addr", Kind: textKind, Help: "host name of the server, or its IPv4 or IPv6 address"},
			{Name: "active", Kind: textKind, Values: yesNo, Help: "whether it is asked"},
		}, protocolParams...),
		Example: "keymgr change keymgr=1 active=no",
		Run:     withLab(changeManager),
	},
	{
		Name: "keymgr remove", Summary: "remove a key manager; the server keeps its keys",
		Params:  []Param{managerParam()},
		Example: "keymgr remove keymgr=2",
		Run:     withLab(removeKeyManager),
	},
}

func listKeyManagers(s *Session, lab *raslab.Lab, _ Args) error {
	return s.managers(lab.KeyManagers()...)
}

func makeKeyManager(s *Session, lab *raslab.Lab, a Args) error {
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
}

func removeKeyManager(s *Session, lab *raslab.Lab, a Args) error {
	if err := lab.RemoveKeyManager(arg[int](a, "keymgr")); err != nil {
		return err
	}
	s.printf("key manager %d is removed\n", arg[int](a, "keymgr"))
	return nil
}

func managerParam() Param {
	return Param{Name: "keymgr", Kind: numberKind(1, 8), Required: true, Help: "its number"}
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
	if other, why := lab.SameServer(m.ID); other != 0 {
		s.paragraph("server", fmt.Sprintf("that of key manager %d: %s; the two count as one", other, why))
	}
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

// learned is a warning with the time at which the server gave the facts behind it.
func learned(warning string, at time.Time) string {
	if warning == "" {
		return ""
	}
	return warning + "; learned " + at.UTC().Format(timeLayout)
}

// keyWarnings prints what an operator should know of the data keys and certificates, below what he
// asked to see.
func (s *Session) keyWarnings(lab *raslab.Lab) {
	for _, w := range lab.KeyWarnings() {
		s.say("warning: %s; %s", w, w.Next)
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
