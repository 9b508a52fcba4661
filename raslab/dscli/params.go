package dscli

import (
	"strconv"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func eventsParam(required bool) Param {
	return Param{Name: "event", Kind: idKind("event", ""), Bare: true, Repeat: true, Required: required, Help: "events by number", Complete: of(eventIDs)}
}

func eventIDs(lab *raslab.Lab) (ids []string) {
	for _, e := range lab.Events() {
		ids = append(ids, strconv.Itoa(e.ID))
	}
	return ids
}

func groupParam() Param {
	return Param{Name: "keygrp", Kind: numberKind(1, 4), Bare: true, Required: true, Help: "the number of the key group", Complete: of(groupIDs)}
}

func groupIDs(lab *raslab.Lab) (ids []string) {
	for _, g := range lab.Groups() {
		ids = append(ids, strconv.Itoa(g.ID))
	}
	return ids
}

func managerParam(required bool) Param {
	return Param{Name: "keymgr", Kind: numberKind(1, keyManagersMax), Bare: true, Required: required, Help: "the number of the key manager", Complete: of(managerIDs)}
}

func managersParam(required bool) Param {
	return Param{Name: "keymgr", Kind: idKind("keymgr", ""), Bare: true, Repeat: true, Required: required, Help: "key managers by number", Complete: of(managerIDs)}
}

func portParam() Param {
	return Param{Name: "port", Kind: numberKind(1, 65535), Help: "the port; of KMIP 5696, of IPP with TLS 441, without 3801"}
}

func managerIDs(lab *raslab.Lab) (ids []string) {
	for _, m := range lab.KeyManagers() {
		ids = append(ids, strconv.Itoa(m.ID))
	}
	return ids
}

// each asks about one object after the other and changes those that were confirmed. It stops at the
// first that is refused.
func (c *call) each(ids []string, ask, told *Message, do func(id string) error) error {
	for _, id := range ids {
		yes, err := c.confirmed(ask, id)
		if err != nil {
			return err
		}
		if !yes {
			continue
		}
		if err := do(id); err != nil {
			return err
		}
		c.say(told, id)
	}
	return nil
}

func siteParam(operand bool) Param {
	p := Param{Name: "arsite", Kind: oneIDKind("arsite", "S"), Required: true, Help: "an unassigned array site", Complete: of(siteIDs)}
	if operand {
		p = Param{Name: "arsite", Kind: idKind("arsite", "S"), Bare: true, Repeat: true, Help: "array sites", Complete: of(siteIDs)}
	}
	return p
}

func arraysParam(required bool) Param {
	return Param{Name: "array", Kind: idKind("array", "A"), Bare: true, Repeat: true, Required: required, Help: "arrays", Complete: of(arrayIDs)}
}

func ranksParam(required bool) Param {
	return Param{Name: "rank", Kind: idKind("rank", "R"), Bare: true, Repeat: true, Required: required, Help: "ranks", Complete: of(rankIDs)}
}

func images(lab *raslab.Lab) []string { return []string{imageID(lab.Serial())} }

func siteIDs(lab *raslab.Lab) (ids []string) {
	for _, s := range lab.Sites() {
		ids = append(ids, s.ID)
	}
	return ids
}

func arrayIDs(lab *raslab.Lab) (ids []string) {
	for _, a := range lab.Arrays() {
		ids = append(ids, a.ID)
	}
	return ids
}

func rankIDs(lab *raslab.Lab) (ids []string) {
	for _, r := range lab.Ranks() {
		ids = append(ids, r.ID)
	}
	return ids
}

func imageOperand() Param {
	return Param{Name: "image", Kind: imageKind, Bare: true, Help: "the storage image", Complete: of(images)}
}

func poolIDs(lab *raslab.Lab) (ids []string) {
	for _, p := range lab.Pools() {
		ids = append(ids, p.ID)
	}
	return ids
}
