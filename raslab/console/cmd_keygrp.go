package console

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var groupCommands = []*Command{
	{
		Name: "keygrp configure", Summary: "configure an encryption group with every key server: a data key is made, and read back from another server",
		Params: []Param{
			keygrpParam(false, "1"),
			{Name: "label", Kind: textKind, Help: "IPP: the label of a key pair at the key servers; without it, one that the customer has for this facility"},
			{Name: "label2", Kind: textKind, Help: "IPP: the label of the other key pair"},
		},
		Example: "keygrp configure keygrp=1",
		Run:     withLab(configureGroup),
	},
	{
		Name: "keygrp list", Summary: "list the encryption groups and their states",
		Window:  "DS CLI, lskeygrp; for service, Manage SFI Resources, encryptionGroupsStates",
		Example: "keygrp list",
		Run:     withLab(listGroups),
	},
	{
		Name: "keygrp show", Summary: "describe an encryption group and its members",
		Window:  "DS CLI, showkeygrp; DS Storage Manager, Settings, Security, Encryption",
		Params:  []Param{keygrpParam(false, "1")},
		Example: "keygrp show keygrp=1",
		Run:     withLab(showGroup),
	},
	{
		Name: "keygrp rekey", Summary: "give a member of an encrypted rank its next credential; its data stays",
		Params:  []Param{slotParam("the member")},
		Example: "keygrp rekey drive=R1-I1-D05",
		Run:     withLab(rekeyGroup),
	},
	{
		Name: "keygrp testaccess", Summary: "ask each key server for the key of a group; nothing is changed",
		Detail:  "With keymgr it asks that one alone, which is for groups of type DAR (data at rest) only.",
		Window:  "Key Server Utilities, Test Key Retrieval; DS CLI, managekeygrp -action testaccess; with keymgr, the test of a chosen key server in the Storage Management GUI",
		Params:  []Param{keygrpParam(false, "1"), {Name: "keymgr", Kind: numberKind(1, 8), Help: "the key manager that is asked; without it, all of the group"}},
		Example: "keygrp testaccess keygrp=1",
		Run:     withLab(testaccessGroup),
	},
	{
		Name: "keygrp access", Summary: "show when each key manager was asked last for the key of a group, and what came",
		Window:  "Test Key Retrieval status; DS CLI, showkeygrp -access",
		Params:  []Param{keygrpParam(false, "1")},
		Example: "keygrp access keygrp=1",
		Run:     withLab(groupAccess),
	},
	{
		Name: "keygrp audit", Summary: "say what follows from where the key servers of a group keep their storage; with keymgr, enter what its administrator answered",
		Detail: "No facility can see where the disks of a key server lie, so a person asks. If every key server stands on storage that waits for the group, it is a deadlock: it works until the " +
			"power fails. The verdict is as good as the answers.",
		Params: []Param{
			keygrpParam(false, "1"),
			{Name: "keymgr", Kind: numberKind(1, 8), Help: "the key manager for whose server there is an answer"},
			{Name: "storage", Kind: nameKind("storage", "OWN, OTHER or a rank such as R0"), Help: "the answer: own is storage that no encrypting facility holds, other that of another facility"},
			{Name: "facility", Kind: nameKind("serial", "1 to 10 letters and digits"), Help: "with other: its serial number"},
			{Name: "waits", Kind: textKind, Values: yesNo, Help: "with other: whether that facility needs storage of this one before it gets its own keys"},
		},
		Example: "keygrp audit keymgr=1 storage=R0",
		Run:     withLab(auditGroup),
	},
	{
		Name: "keygrp retrieve", Summary: "run the periodic key retrieval now; the clock runs it every 8 hours",
		Example: "keygrp retrieve",
		Run:     withLab(retrieveGroup),
	},
	{
		Name: "keygrp schedule", Summary: "set how often keys are retrieved from every key server; without every=, show it",
		Params:  []Param{{Name: "every", Kind: durationKind, Help: "the time between two periodic key retrievals, at least 1m"}},
		Example: "keygrp schedule every=4h",
		Run:     withLab(scheduleGroup),
	},
	{
		Name: "keygrp newdatakey", Summary: "exchange the data key of a group at its key servers",
		Params:  []Param{keygrpParam(false, "1")},
		Example: "keygrp newdatakey keygrp=1",
		Run:     withLab(newdatakeyGroup),
	},
	{
		Name: "keygrp newgroupkey", Summary: "exchange the group key: the credential of every member migrates; data stay readable",
		Params:  []Param{keygrpParam(false, "1")},
		Example: "keygrp newgroupkey keygrp=1",
		Run:     withLab(newgroupkeyGroup),
	},
	{
		Name: "keygrp remove", Summary: "remove an encryption group that no rank uses",
		Params:  []Param{keygrpParam(true, "")},
		Example: "keygrp remove keygrp=1",
		Run:     withLab(removeGroup),
	},
}

func configureGroup(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.ConfigureGroup(arg[int](a, "keygrp"), arg[string](a, "label"), arg[string](a, "label2")))
}

func listGroups(s *Session, lab *raslab.Lab, _ Args) error {
	groups := lab.Groups()
	if len(groups) == 0 {
		s.printf("no encryption group is configured\n")
	}
	for _, g := range groups {
		s.groupLine(g)
	}
	s.keyWarnings(lab)
	return nil
}

func showGroup(s *Session, lab *raslab.Lab, a Args) error {
	for _, g := range lab.Groups() {
		if g.ID == arg[int](a, "keygrp") {
			s.groupLine(g)
			s.groupKeys(g)
			s.printf("  ranks      %s\n", orNone(strings.Join(g.Ranks, ", ")))
			s.paragraph("members", orNone(strings.Join(g.Members, ", ")))
			s.owed(lab.OwedToGroup(g.ID))
			return nil
		}
	}
	return fmt.Errorf("key group %d is not configured: keygrp configure does that", arg[int](a, "keygrp"))
}

func rekeyGroup(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.RekeyDrive(arg[string](a, "drive")))
}

func testaccessGroup(s *Session, lab *raslab.Lab, a Args) error {
	results, err := testAccess(lab, a)
	if err != nil {
		return err
	}
	failed := false
	for _, r := range results {
		if r.Err != nil {
			failed = true
			s.printf("key manager %d: failed: %s\n", r.KeyManager, plain(oneLine(r.Err)))
			continue
		}
		s.say("key manager %d: success%s", r.KeyManager, because(r.Warns))
	}
	if failed {
		return &FailedError{"keygrp testaccess"}
	}
	return s.stillLocked(lab, arg[int](a, "keygrp"))
}

func retrieveGroup(s *Session, lab *raslab.Lab, _ Args) error {
	lab.RetrieveKeys()
	s.printf("periodic key retrieval done\n")
	return s.stillLocked(lab, 0)
}

func auditGroup(s *Session, lab *raslab.Lab, a Args) error {
	group := arg[int](a, "keygrp")
	if a.Has("keymgr") {
		answer, err := storageAnswer(a)
		if err != nil {
			return err
		}
		m, err := lab.KeyManager(arg[int](a, "keymgr"))
		if err != nil {
			return err
		}
		if err := lab.AnswerAudit(m.ID, answer); err != nil {
			return err
		}
		group = m.KeyGroup
	} else if a.Has("storage") || a.Has("facility") || a.Has("waits") {
		return errors.New("an answer without keymgr: name the key manager that it is for")
	}
	audit, err := lab.Audit(group)
	if err != nil {
		return err
	}
	c := good
	if audit.Verdict != raslab.AuditIsolated {
		c = alarm
	}
	s.say("key group %d: %s, by what was answered: %s", audit.KeyGroup, s.paint(c, string(audit.Verdict)), auditMeans[audit.Verdict])
	for _, k := range audit.Servers {
		storage, needs := "no answer", ""
		if !k.Answered.IsZero() {
			storage = "storage " + k.Storage.String() + ", answered " + k.Answered.Format(timeLayout)
			if k.Needs != "" {
				needs = "; it needs " + k.Needs + " first"
			}
		}
		s.item(fmt.Sprintf("key manager %d %s: %s%s", k.KeyManager, k.Addr, storage, needs))
	}
	return nil
}

// auditMeans says what each verdict of an audit means.
var auditMeans = map[raslab.AuditVerdict]string{
	raslab.AuditIsolated: "a key server comes up without this group",
	raslab.AuditDeadlock: "no key server comes up before this group has its key; after a loss of power only the recovery key opens it",
	raslab.AuditOpen:     "it hangs on an answer that is missing",
}

// storageAnswer is the answer that the arguments give.
func storageAnswer(a Args) (raslab.StorageAnswer, error) {
	other := a.Has("facility") || a.Has("waits")
	switch storage := arg[string](a, "storage"); {
	case storage == "":
		return raslab.StorageAnswer{}, errors.New("no answer: storage is own, other or a rank")
	case storage == "OTHER" && !(a.Has("facility") && a.Has("waits")):
		return raslab.StorageAnswer{}, errors.New("storage=other needs facility, its serial number, and waits, which is yes or no")
	case storage == "OTHER":
		return raslab.StorageAnswer{Facility: arg[string](a, "facility"), Waits: arg[string](a, "waits") == "yes"}, nil
	case other:
		return raslab.StorageAnswer{}, errors.New("facility and waits belong to storage=other")
	case storage == "OWN":
		return raslab.StorageAnswer{}, nil
	default:
		return raslab.StorageAnswer{Rank: storage}, nil
	}
}

func scheduleGroup(s *Session, lab *raslab.Lab, a Args) error {
	if a.Has("every") {
		if err := lab.SetKeyPeriod(arg[time.Duration](a, "every")); err != nil {
			return err
		}
	}
	s.printf("keys are retrieved every %s\n", raslab.Spell(lab.KeyPeriod()))
	return nil
}

func newdatakeyGroup(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.RekeyDataKey(arg[int](a, "keygrp")))
}

func newgroupkeyGroup(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.RekeyGroupKey(arg[int](a, "keygrp")))
}

func removeGroup(s *Session, lab *raslab.Lab, a Args) error {
	return s.report(lab.RemoveGroup(arg[int](a, "keygrp")))
}

// stillLocked says of a group, or of each (0), that it lacks its key although servers may
// give it, and what comes next.
func (s *Session) stillLocked(lab *raslab.Lab, id int) error {
	for _, g := range lab.Groups() {
		if g.Next != "" && (id == 0 || id == g.ID) {
			s.say("key group %d is still %s: %s", g.ID, g.State, g.Next)
		}
	}
	return nil
}

func groupAccess(s *Session, lab *raslab.Lab, a Args) error {
	records, err := lab.GroupAccess(arg[int](a, "keygrp"))
	if err != nil {
		return err
	}
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format(timeLayout)
	}
	t := s.table()
	t.Head("key manager\tlast access\tlast success\tlast failure")
	for _, r := range records {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", r.KeyManager, dash(r.LastAccess), stamp(r.LastSuccess), stamp(r.LastFailure))
	}
	return t.Flush()
}

func (s *Session) groupLine(g raslab.GroupInfo) {
	c := good
	if g.State != "accessible" {
		c = alarm
	}
	s.say("key group %d: %s, %s, %s%s", g.ID, s.paint(c, g.State), count(len(g.Ranks), "rank"), count(len(g.Members), "member"), because(plain(g.Why)))
}

// groupKeys says what else is known of the keys of a group.
func (s *Session) groupKeys(g raslab.GroupInfo) {
	labels := ""
	if g.KeyProtocol == raslab.IPP {
		labels = ", labels " + g.Label + " and " + g.Label2
	}
	s.printf("  type       %s, %s%s\n", g.Type, g.KeyProtocol, labels)
	s.printf("  data key   %s, made %s\n", orNone(g.UUID), g.DataKeyDate.Format(timeLayout))
	if g.Next != "" {
		s.paragraph("next", g.Next)
	}
	s.printf("  recovery   %s\n", g.ReckeyState)
	s.paragraph("servers", g.ManagerStatus)
	s.paragraph("certif.", g.Certificate+", expires "+g.CertificateExpiry.Format(timeLayout)+because(g.CertificateWarns))
	for _, w := range g.KeyWarns {
		s.paragraph("warning", w)
	}
}

func testAccess(lab *raslab.Lab, a Args) ([]raslab.AccessResult, error) {
	if !a.Has("keymgr") {
		return lab.TestAccess(arg[int](a, "keygrp"))
	}
	r, err := lab.TestAccessOf(arg[int](a, "keygrp"), arg[int](a, "keymgr"))
	return []raslab.AccessResult{r}, err
}
