package forensic_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// victim is a drive on a thief's bench, with one sector that he knows.
type victim struct {
	t      *testing.T
	d      *drive.Drive
	label  drive.Label
	chip   *flash.Faulty
	oracle forensic.Oracle

	opal    *drive.OpalDrive // nil: an Enterprise drive
	retired []drive.PIN
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{t: t, chip: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))}
	var err error
	v.d, v.label, err = drive.Manufacture(drive.Config{Serial: "VICTIM", SectorSize: 512, Sectors: 1 << 10, PBKDF2Iterations: 1},
		drive.Parts{Flash: v.chip, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, t.Name())})
	require.NoError(t, err)
	return v
}

func (v *victim) write() { v.writeAt(5) }

func (v *victim) writeAt(lba uint64) {
	plain := bytes.Repeat([]byte("customer's data "), 32)
	require.NoError(v.t, v.d.Write(lba, plain))
	sector, ok := v.d.Dump().Sector(lba)
	require.True(v.t, ok)
	v.oracle = forensic.Oracle{Name: fmt.Sprintf("sector %d", lba), SectorSize: 512, LBA: lba, Plain: plain[:64], Cipher: bytes.Clone(sector[:64])}
}

func (v *victim) as(who drive.Authority, pin drive.PIN, do func(s drive.Session) error) error {
	s, err := v.d.Authenticate(who, pin)
	require.NoError(v.t, err)
	defer s.Close()
	return do(s)
}

func credentialOf(n byte) drive.PIN {
	return drive.CredentialPIN((*secret.Key32)(bytes.Repeat([]byte{n, 0x5A, ^n, 3 * n}, 8)))
}

// own gives the drive a credential and lets it lock itself at a loss of power, or not.
func (v *victim) own(locks bool) {
	require.NoError(v.t, v.as(drive.BandMaster(0), v.label.MSID, func(s drive.Session) error { return s.Migrate(credentialOf(1)) }))
	require.NoError(v.t, v.as(drive.BandMaster(0), credentialOf(1), func(s drive.Session) error {
		if err := s.SetRange(drive.RangeConfig{ReadLockEnabled: locks, WriteLockEnabled: locks, LockOnReset: drive.OnPowerCycle}); err != nil {
			return err
		}
		return s.Unlock()
	}))
}

func (v *victim) breakErase() {
	plan, err := fault.Parse("(flash.erase.refused) (flash.zero.refused)")
	require.NoError(v.t, err)
	v.chip.Arm(plan)
}

func (v *victim) rekey() error {
	return v.as(drive.BandMaster(0), credentialOf(1), func(s drive.Session) error { return s.Migrate(credentialOf(2)) })
}

func (v *victim) erase() error {
	return v.as(drive.EraseMaster, v.label.MSID, func(s drive.Session) error { return s.EraseAll() })
}

// life is that of a drive up to a state of its lifecycle.
type life struct {
	state drive.State
	what  string
	live  func(v *victim)
}

var lives = []life{
	{drive.Erased, "written with the factory's PIN", func(v *victim) { v.write() }},
	{drive.Configured, "has an owner, no locks", func(v *victim) { v.own(false); v.write() }},
	{drive.Configured, "has an owner, locks at a loss of power", func(v *victim) { v.own(true); v.write() }},
	{drive.Configured, "the same, with its second credential", func(v *victim) {
		v.own(true)
		v.write()
		require.NoError(v.t, v.rekey())
	}},
	{drive.Erased, "the same, after an erase", func(v *victim) {
		v.own(true)
		v.write()
		require.NoError(v.t, v.erase())
	}},
	{drive.SecurityDegraded, "second credential, the old wrap could not be destroyed", func(v *victim) {
		v.own(true)
		v.write()
		v.breakErase()
		require.Error(v.t, v.rekey())
	}},
	{drive.SecurityDegraded, "an erase that could not destroy the old wrap", func(v *victim) {
		v.own(true)
		v.write()
		v.breakErase()
		require.Error(v.t, v.erase())
	}},
	{drive.SecurityDegraded, "the same, of a drive without locks", func(v *victim) {
		v.own(false)
		v.write()
		v.breakErase()
		require.Error(v.t, v.erase())
	}},
}

// reach is what each adversary gets in each state, as the table of docs/thief.md.
func reach(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| state | the drive |")
	for _, who := range forensic.Adversaries() {
		fmt.Fprintf(&b, " %v |", who)
	}
	b.WriteString("\n|---|---|---|---|---|\n")
	for _, l := range lives {
		v := newVictim(t)
		l.live(v)
		if held, err := v.d.Authenticate(drive.BandMaster(0), credentialOf(1)); err == nil {
			held.Close() // it is in force still, and nobody has retired it
		} else {
			v.retired = append(v.retired, credentialOf(1))
		}
		b.WriteString(v.row(l))
	}
	for _, l := range opalLives {
		v := newOpalVictim(t)
		l.live(v)
		b.WriteString(v.row(l))
	}
	return b.String()
}

// row is what each adversary gets of a drive at the end of a life.
func (v *victim) row(l life) string {
	require.Equal(v.t, l.state, v.d.Status().State, l.what)
	secrets := []forensic.Secret{forensic.Public(forensic.PIN("MSID", v.label.MSID)), forensic.Public(forensic.PIN("PSID", v.label.PSID)), forensic.Root(v.d.Fuses().Root)}
	for _, pin := range v.retired {
		secrets = append(secrets, forensic.PIN("retired credential", pin))
	}
	found, err := forensic.SearchAs(v.d.Dump(), secrets, []forensic.Oracle{v.oracle}, forensic.Options{Also: forensic.Encoded | forensic.GCM | forensic.Masked})
	require.NoError(v.t, err)
	least := forensic.KnowsRetired + 1
	for _, k := range found.Keys {
		least = min(least, k.Who)
	}
	row := fmt.Sprintf("| %v | %s |", l.state, l.what)
	for _, who := range forensic.Adversaries() {
		row += fmt.Sprintf(" %s |", map[bool]string{true: "the data", false: "nothing"}[who >= least])
	}
	return row + "\n"
}

// levels are the adversaries, as the table of docs/thief.md.
func levels() string {
	var b strings.Builder
	b.WriteString("| in a certificate | has, beside what those before have |\n|---|---|\n")
	for _, who := range forensic.Adversaries() {
		fmt.Fprintf(&b, "| %s | %s |\n", who.Level(), who.Has())
	}
	return b.String()
}

var levelsTable = regexp.MustCompile(`(?s)<!-- generated: adversaries -->\n(.*?)<!-- end -->`)

// TestLevelsOfTheDocuments: one list of adversaries, for the search, certificates and the documents.
func TestLevelsOfTheDocuments(t *testing.T) {
	page, err := os.ReadFile("../../docs/thief.md")
	require.NoError(t, err)
	shown := levelsTable.FindSubmatch(page)
	require.NotNil(t, shown)
	require.Equal(t, levels(), string(shown[1]), "docs/thief.md")
}

var reachTable = regexp.MustCompile(`(?s)<!-- generated: reach -->\n(.*?)<!-- end -->`)

// The table of the documents is what a search of real drives finds.
func TestWhatEachAdversaryReaches(t *testing.T) {
	page, err := os.ReadFile("../../docs/thief.md")
	require.NoError(t, err)
	shown := reachTable.FindSubmatch(page)
	require.NotNil(t, shown)
	require.Equal(t, reach(t), string(shown[1]), "docs/thief.md")
}
