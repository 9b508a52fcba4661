package facility

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// verb is one kind of step.
type verb struct {
	args  []argument
	help  string // one clause
	run   func(m *Machine, a []string) error
	usage string // the name and the arguments
}

// verbs are all kinds of steps, by name.
var verbs map[string]verb

func list(a ...argument) []argument { return a }

func init() {
	verbs = map[string]verb{
		"array":         {args: list(site), run: (*Machine).createArray, help: "make an array of the drives of an array site"},
		"rank":          {args: list(array, numbers("GROUP", 0, 4)), run: (*Machine).createRank, help: "make a rank of an array, in a key group or, with 0, not encrypted"},
		"remove-rank":   {args: list(rankName), run: (*Machine).removeRank, help: "remove a rank, and erase its drives"},
		"remove-array":  {args: list(array), run: (*Machine).removeArray, help: "remove an array"},
		"repair":        {args: list(slot), run: (*Machine).startRepair, help: "begin the repair of a slot"},
		"exchange":      {args: list(slot, words("same", "new").or(part)), run: (*Machine).exchange, help: "put a part into the slot that is repaired"},
		"resume":        {args: list(slot), run: (*Machine).resumeRepair, help: "end the repair with the part that is in the slot"},
		"cancel":        {args: list(slot), run: func(m *Machine, a []string) error { return m.endsRepair(m.Lab.CancelRepair(a[0])) }, help: "give a repair up"},
		"smart-rebuild": {args: list(slot), run: (*Machine).smartRebuild, help: "copy a member to a spare"},
		"rekey":         {args: list(slot), run: func(m *Machine, a []string) error { return m.report(m.Lab.RekeyDrive(a[0])) }, help: "give a drive new credentials"},
		"erase":         {args: list(slot), run: byHand((*raslab.Lab).EraseDrive), help: "erase a drive that is in no rank"},
		"revert":        {args: list(slot), run: byHand((*raslab.Lab).RevertDrive), help: "revert a drive with its PSID"},
		"discontinue":   {run: (*Machine).discontinue, help: "scan for drives that are not erased, before the facility leaves the house"},
		"health":        {run: func(m *Machine, _ []string) error { m.Lab.CheckHealth(); return nil }, help: "check the health of the drives now"},
		"write":         {args: list(rankName, sector, numbers("CONTENT", 0, 1<<32-1)), run: (*Machine).write, help: "a host writes a sector; each CONTENT gives other data"},
		"read":          {args: list(rankName, sector), run: (*Machine).read, help: "a host reads a sector, which is compared"},

		// What people, fuses and age do to drives.
		"arm":           {args: list(slot, drivePlan), run: (*Machine).arm, help: "arm a fault plan in a drive"},
		"disarm":        {args: list(slot), run: func(m *Machine, a []string) error { return m.refusal(m.Lab.Disarm(a[0])) }, help: "take the fault plan of a drive away"},
		"break":         {args: list(slot), run: func(m *Machine, a []string) error { return m.breakDrive(a[0], kindBroken, m.Lab.Break) }, help: "the electronics of a drive die"},
		"cut-power":     {args: list(slot), run: func(m *Machine, a []string) error { return m.breakDrive(a[0], kindPower, m.Lab.CutPower) }, help: "a slot loses its power"},
		"restore-power": {args: list(slot), run: func(m *Machine, a []string) error { return m.expect(true, m.Lab.RestorePower(a[0])) }, help: "a slot has its power back"},
		"pull":          {args: list(slot), run: func(m *Machine, a []string) error { return m.breakDrive(a[0], kindPulled, m.Lab.Pull) }, help: "pull a drive and put it on the shelf"},
		"insert":        {args: list(slot, words("any").or(part)), run: (*Machine).insert, help: "put a part of the shelf into an empty slot"},

		// What an outsider with a cable to a drive does.
		"outsider-guess":  {args: list(slot), run: (*Machine).outsiderGuess, help: "an outsider tries a wrong PIN"},
		"outsider-erase":  {args: list(slot), run: (*Machine).outsiderErase, help: "an outsider erases with the MSID, where it still opens"},
		"outsider-revert": {args: list(slot), run: (*Machine).outsiderRevert, help: "an outsider reverts a drive with the PSID of its label"},
		"outsider-write":  {args: list(slot), run: (*Machine).outsiderWrite, help: "an outsider writes a sector, where the drive is open"},

		"outsider": {args: list(slot, tamperings), run: (*Machine).outsiderDoes, help: "an outsider does things with the factory PIN: " + strings.Join(tamperNames, ", ")},
		"used":     {args: list(tamperings), run: (*Machine).used, help: "a used spare part comes to the shelf; what was done to it, as with outsider"},

		// What makes records in the key repository.
		"group":       {args: list(group), run: (*Machine).configure, help: "configure a key group"},
		"rekey-data":  {args: list(group), run: (*Machine).rekeyData, help: "have a new data key made for a key group"},
		"rekey-group": {args: list(group), run: (*Machine).rekeyGroup, help: "give a key group a new group key"},
		"mes":         {run: (*Machine).mes, help: "install one more enclosure with drives"},
	}
	maps.Copy(verbs, keyVerbs())
	for name, v := range verbs {
		v.usage = name
		for _, a := range v.args {
			v.usage += " " + a.name
		}
		verbs[name] = v
	}
}

// keyVerbs are the steps on the way to the keys.
func keyVerbs() map[string]verb {
	all := map[string]verb{
		"stop-server":    {args: list(server), run: (*Machine).stopServer, help: "a key server loses its power and keeps its keys"},
		"start-server":   {args: list(server), run: (*Machine).startServer, help: "a key server has its power back"},
		"service":        {args: list(server, words("ends", "runs", "hangs", "goes-on", "garbled", "right")), run: (*Machine).service, help: "the key service of a server ends, hangs or talks nonsense, or is mended"},
		"add-server":     {run: (*Machine).addServer, help: "the customer sets up one more key server, four at the most"},
		"lose-key":       {args: list(server, group), run: (*Machine).loseKey, help: "a server loses the data key of a group; with IPP both key pairs"},
		"damage-key":     {args: list(server, group, bit), run: (*Machine).damageKey, help: "flip a bit of the same on the server's disk; flipped twice it is right"},
		"lose-pair":      {args: list(server, label), run: (*Machine).losePair, help: "a server loses the private half of one key pair of IPP"},
		"damage-pair":    {args: list(server, label, bit), run: (*Machine).damagePair, help: "flip a bit of the private half on the server's disk; flipped twice it is right"},
		"restore-keys":   {args: list(server, server), run: (*Machine).restoreKeys, help: "the first server gets all keys and key pairs of the second one"},
		"reissue":        {args: list(server, words("customer", "unknown"), words("own", "other"), numbers("MINUTES", -stepMax, stepMax)), run: (*Machine).reissue, help: "a server's new certificate: issuer, name, and life; 0 is a long life, a negative one is over"},
		"trust":          {args: list(server, words("factory", "customer"), words("yes", "no")), run: (*Machine).trust, help: "a server accepts client certificates of an issuer, or not"},
		"console":        {args: list(console, words("on", "off", "hung", "free", "no-essni", "essni")), run: (*Machine).console, help: "a management console has power or not, hangs or not, runs ESSNI or not"},
		"link":           {args: list(partition, console, words("up", "cut", "stalled")), run: (*Machine).link, help: "the link of a partition to a console is mended, cut or stalled"},
		"path":           {args: list(console, server, words("up", "cut")), run: (*Machine).path, help: "the network between a console and a key server is mended or cut"},
		"arm-net":        {args: list(console, plans("net").removable()), run: (*Machine).armNet, help: "arm a fault plan in the network of a console"},
		"arm-link":       {args: list(partition, console, plans("link").removable()), run: (*Machine).armLink, help: "arm a fault plan in a link"},
		"arm-memory":     {args: list(partition, plans("memory.signature").removable()), run: (*Machine).armMemory, help: "arm a fault plan in the memory where a partition computes signatures of keys"},
		"manager":        {args: list(manager, words("active", "inactive", "kmip", "ipp-tls", "ipp")), run: (*Machine).manager, help: "make a key manager active or inactive, or change its protocol"},
		"rm-manager":     {args: list(manager), run: (*Machine).removeManager, help: "remove a key manager"},
		"mk-manager":     {args: list(manager, server, group), run: (*Machine).makeManager, help: "make a key manager for a key server and a key group, with KMIP"},
		"own-cert":       {args: list(words("default", "lost").or(numbers("MINUTES", 1, stepMax))), run: (*Machine).ownCert, help: "the facility's certificate: the factory's, none, or one of the customer with that life"},
		"damage-copy":    {args: list(numbers("COPY", 1, 3)), run: (*Machine).damageCopy, help: "damage a copy of the key repository"},
		"test-access":    {args: list(group), run: (*Machine).testAccess, help: "test access to a group's key at each server"},
		"restore-copies": {run: (*Machine).restoreCopies, help: "support writes the key repository anew"},
		"iml":            {run: (*Machine).iml, help: "a dual cluster IML"},
		"power-cycle":    {run: (*Machine).powerCycle, help: "all power goes and comes back"},
		"sfi":            {args: list(words("quiesce", "shutdown", "resume")), run: (*Machine).changeSFI, help: "take the facility down or up by a step"},
		"retrieve":       {run: (*Machine).retrieve, help: "run a periodic key retrieval now"},
		"advance":        {args: list(minutes), run: (*Machine).advance, help: "let time pass, with everything that is due"},
		"close":          {args: list(numbers("EVENT", 1, 1<<20)), run: (*Machine).closeEvent, help: "close an event by hand"},
		"mend-all":       {run: (*Machine).mendAll, help: "mend everything on the way to the keys, and let the facility find it out"},
	}
	return all
}

// Verbs lists the names of the steps.
func Verbs() []string { return slices.Sorted(maps.Keys(verbs)) }

// Usage tells how some steps are written and what they do, a line each; with no names it lists
// all. A word in capitals stands for a name or a number, and | separates a choice. It says so of a
// name that is no step.
func Usage(names ...string) string {
	if len(names) == 0 {
		names = Verbs()
	}
	width := 0
	for _, n := range names {
		width = max(width, len(verbs[n].usage))
	}
	var b strings.Builder
	for _, n := range names {
		if v, known := verbs[n]; known {
			fmt.Fprintf(&b, "%-*s  %s\n", width, v.usage, v.help)
		} else {
			fmt.Fprintf(&b, "%s: there is no such step\n", n)
		}
	}
	return b.String()
}
