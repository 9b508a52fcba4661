package console

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The commands of the noun host speak to one drive directly, past the facility, as anybody can who
// has it on a bench or on the bus: with the MSID (which every drive tells), with the label in the
// hand, or with a PIN of his own.
var hostCommands = []*Command{
	{
		Name: "host bands", Summary: "list the bands of a drive: place, locks, and whether the BandMaster has the factory PIN",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "host bands drive=R1-I1-D05",
		Run:     onDrive((*Session).hostBands),
	},
	{
		Name: "host band", Summary: "give a band a place and say which of its locks a loss of power closes",
		Detail: "A band without sectors has no place. The global band is all sectors that no other has, and takes no place.",
		Params: []Param{
			anyDriveParam("the drive"), bandParam("1"), sectorParam("start", "its first sector"), sectorParam("sectors", "how many sectors; 0 takes its place away"),
			lockParam("lock", "the locks that are enabled"), pinParam("pin", "msid", "the PIN of its BandMaster"),
		},
		Example: "host band drive=S1 band=1 start=8 sectors=1000 lock=none",
		Run:     onDrive(bandHost),
	},
	{
		Name: "host lock", Summary: "close or open the locks of a band now; a lock counts only while it is enabled",
		Params:  []Param{anyDriveParam("the drive"), bandParam("0"), lockParam("to", "the locks that are closed"), pinParam("pin", "msid", "the PIN of its BandMaster")},
		Example: "host lock drive=S1 band=1 to=read",
		Run:     onDrive(lockHost),
	},
	{
		Name: "host pin", Summary: "change the PIN of an authority: SID, EraseMaster or the BandMaster of a band",
		Detail: "A BandMaster goes back to the factory PIN by an erase only.",
		Params: []Param{
			anyDriveParam("the drive"), authorityParam("bandmaster"), bandParam("0"), pinParam("old", "msid", "the PIN now"), pinParam("new", "", "the PIN from now on"),
		},
		Example: `host pin drive=S1 as=erasemaster new="my own"`,
		Run:     onDrive(pinHost),
	},
	{
		Name: "host power", Summary: "give a loose drive power on the bench, or take it away",
		Params: []Param{
			anyDriveParam("a drive on the shelf"),
			{Name: "to", Kind: textKind, Values: []string{"on", "off"}, Required: true, Help: "on or off"},
		},
		Example: "host power drive=S1 to=on",
		Run:     onDrive((*Session).hostPower),
	},
	{
		Name: "host reset", Summary: "reset a drive without loss of power",
		Params: []Param{
			anyDriveParam("the drive"),
			{Name: "kind", Kind: textKind, Values: []string{"hardware", "hotplug"}, Default: "hardware", Help: "the kind of reset"},
		},
		Example: "host reset drive=R1-I1-D05 kind=hotplug",
		Run:     onDrive(resetHost),
	},
	{
		Name: "host authenticate", Summary: "try a PIN on a drive; a wrong one counts against its limit of tries",
		Params: []Param{
			anyDriveParam("the drive"), authorityParam("bandmaster"), bandParam("0"), pinParam("pin", "msid", "the PIN to try"),
			{Name: "times", Kind: numberKind(1, 1000), Default: "1", Help: "how often"},
		},
		Example: "host authenticate drive=R1-I1-D05 pin=guess times=5",
		Run:     onDrive((*Session).hostAuthenticate),
	},
	{
		Name: "host migrate", Summary: "take an erased drive into possession: from the MSID to a credential of one's own, locks enabled",
		Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "", "the new credential")},
		Example: `host migrate drive=R1-I1-D05 pin="somebody else"`,
		Run:     onDrive(migrateHost),
	},
	{
		Name: "host rekey", Summary: "change the credential of a drive, knowing the old one",
		Params:  []Param{anyDriveParam("the drive"), pinParam("old", "", "the credential now"), pinParam("new", "", "the credential from now on")},
		Example: `host rekey drive=R1-I1-D05 old="somebody else" new="another"`,
		Run:     onDrive(rekeyHost),
	},
	{
		Name: "host unlock", Summary: "unlock a drive, knowing its credential",
		Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "", "the credential")},
		Example: `host unlock drive=R1-I1-D05 pin="somebody else"`,
		Run:     onDrive(unlockHost),
	},
	{
		Name: "host erase", Summary: "cryptographic erase by the EraseMaster: new media keys, factory PINs, whatever was stored is noise",
		Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "msid", "the EraseMaster's PIN")},
		Example: "host erase drive=R1-I1-D05",
		Run:     onDrive((*Session).hostErase),
	},
	{
		Name: "host revert", Summary: "PSID revert with the PIN printed on the label: everything erased, factory defaults",
		Params:  []Param{anyDriveParam("the drive"), psidParam()},
		Example: "host revert drive=R1-I1-D05",
		Run:     onDrive(revertHost),
	},
	{
		Name: "host selftest", Summary: "let the drive read its key record back from flash and mend what rotted",
		Params:  []Param{anyDriveParam("the drive")},
		Example: "host selftest drive=R1-I1-D05",
		Run:     onDrive(selftestHost),
	},
	{
		Name: "host write", Summary: "write sectors to a drive directly",
		Params:  []Param{anyDriveParam("the drive"), lbaParam(), countParam("1"), textParam()},
		Example: `host write drive=S1 lba=0 count=4 text="test"`,
		Run:     onDrive((*Session).hostWrite),
	},
	{
		Name: "host read", Summary: "read sectors from a drive directly and say what they hold",
		Params:  []Param{anyDriveParam("the drive"), lbaParam(), countParam("1")},
		Example: "host read drive=S1 lba=0 count=4",
		Run:     onDrive((*Session).hostRead),
	},
}

func bandHost(s *Session, d *target, a Args) error {
	return s.asBandMasterOf(d, arg[int](a, "band"), arg[string](a, "pin"), func(session drive.Session) error {
		read, write := locksOf(arg[string](a, "lock"))
		return session.SetRange(drive.RangeConfig{
			Start: uint64(arg[int](a, "start")), Length: uint64(arg[int](a, "sectors")),
			ReadLockEnabled: read, WriteLockEnabled: write, LockOnReset: drive.OnPowerCycle,
		})
	})
}

func lockHost(s *Session, d *target, a Args) error {
	return s.asBandMasterOf(d, arg[int](a, "band"), arg[string](a, "pin"), func(session drive.Session) error {
		return session.SetLocks(locksOf(arg[string](a, "to")))
	})
}

func pinHost(s *Session, d *target, a Args) error {
	return s.asAuthority(d, d.authority(a), arg[string](a, "old"), func(session drive.Session) error {
		pin, err := d.pin(arg[string](a, "new"))
		if err != nil {
			return err
		}
		return session.SetPIN(pin)
	})
}

func resetHost(s *Session, d *target, a Args) error {
	kind := map[string]drive.ResetKind{"hardware": drive.HardwareReset, "hotplug": drive.HotPlugReset}[arg[string](a, "kind")]
	r, err := able[raslab.Resetter](d.Part, d.name, "reset")
	if err != nil {
		return err
	}
	if err := r.Reset(kind); err != nil {
		return err
	}
	s.printf("%s was reset: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func migrateHost(s *Session, d *target, a Args) error {
	return s.asBandMaster(d, "msid", func(session drive.Session) error {
		pin, err := d.pin(arg[string](a, "pin"))
		if err != nil {
			return err
		}
		return session.Migrate(pin)
	})
}

func rekeyHost(s *Session, d *target, a Args) error {
	return s.asBandMaster(d, arg[string](a, "old"), func(session drive.Session) error {
		pin, err := d.pin(arg[string](a, "new"))
		if err != nil {
			return err
		}
		return session.SetPIN(pin)
	})
}

func unlockHost(s *Session, d *target, a Args) error {
	return s.asBandMaster(d, arg[string](a, "pin"), drive.Session.Unlock)
}

func revertHost(s *Session, d *target, a Args) error {
	psid, err := d.psid(a)
	if err != nil {
		return err
	}
	if psid.Len() == 0 {
		return fmt.Errorf("the label of %s is not at hand: give its PSID with psid=", d.name)
	}
	if err := d.Drive.RevertPSID(psid); err != nil {
		return err
	}
	s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func selftestHost(s *Session, d *target, _ Args) error {
	if err := d.Drive.SelfTest(); err != nil {
		return err
	}
	s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func sectorParam(name, help string) Param {
	return Param{Name: name, Kind: numberKind(0, 1<<47), Default: "0", Help: help}
}

func lockParam(name, help string) Param {
	return Param{Name: name, Kind: textKind, Values: []string{"none", "read", "write", "both"}, Default: "both", Help: help}
}

func locksOf(word string) (read, write bool) {
	return word == "read" || word == "both", word == "write" || word == "both"
}

// authority is who an authority and a band name together.
func (d *target) authority(a Args) drive.Authority {
	if who := authorityOf(arg[string](a, "as")); who != drive.BandMaster(0) {
		return who
	}
	return drive.BandMaster(arg[int](a, "band"))
}

func (s *Session) asBandMasterOf(d *target, band int, pin string, run func(drive.Session) error) error {
	return s.asAuthority(d, drive.BandMaster(band), pin, run)
}

func (s *Session) asAuthority(d *target, who drive.Authority, pin string, run func(drive.Session) error) error {
	session, err := d.session(who, pin)
	if err != nil {
		return err
	}
	defer session.Close()
	if err := run(session); err != nil {
		return err
	}
	s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func (s *Session) hostBands(d *target, _ Args) error {
	s.printf("%s: %s beside the global one\n", d.name, count(d.Drive.Config().Ranges, "band"))
	for n := 0; n <= d.Drive.Config().Ranges; n++ {
		r, err := d.Drive.Range(n)
		if err != nil {
			return err
		}
		s.item(fmt.Sprintf("band %d: %s", n, strings.Join(bandWords(n, r), ", ")))
	}
	return nil
}

func bandWords(n int, r drive.RangeInfo) (words []string) {
	switch {
	case n == 0:
		words = append(words, "all sectors that no other has")
	case r.Length == 0:
		words = append(words, "no place")
	default:
		words = append(words, fmt.Sprintf("sectors %d to %d", r.Start, r.Start+r.Length-1))
	}
	lock := func(what string, enabled, closed bool) {
		if enabled && closed {
			words = append(words, what+"-locked")
		} else if enabled {
			words = append(words, what+"-lock enabled")
		}
	}
	lock("read", r.ReadLockEnabled, r.ReadLocked)
	lock("write", r.WriteLockEnabled, r.WriteLocked)
	if r.AtMSID {
		return append(words, "factory PIN")
	}
	return append(words, "a PIN of its own")
}

func authorityParam(fallback string) Param {
	return Param{Name: "as", Kind: textKind, Values: []string{"bandmaster", "erasemaster", "sid"}, Default: fallback, Help: "the authority"}
}

// target is a drive that a command speaks to directly.
type target struct {
	*raslab.Part
	slot, name string
}

func onDrive(run func(*Session, *target, Args) error) func(*Session, Args) error {
	return func(s *Session, a Args) error {
		part, slot, err := s.part(arg[string](a, "drive"))
		if err != nil {
			return err
		}
		return run(s, &target{part, slot, driveName(part, slot)}, a)
	}
}

// pin reads a PIN as it was typed: msid means the one the drive tells everybody. A phrase
// becomes 32 bytes, the length of a credential.
func (d *target) pin(text string) (drive.PIN, error) {
	if strings.EqualFold(text, "msid") {
		return d.Drive.MSID()
	}
	sum := sha256.Sum256([]byte(text))
	return drive.NewPIN(sum[:])
}

func authorityOf(name string) drive.Authority {
	switch name {
	case "erasemaster":
		return drive.EraseMaster
	case "sid":
		return drive.SID
	}
	return drive.BandMaster(0)
}

// session opens a session on the drive; the caller closes it.
func (d *target) session(who drive.Authority, pinText string) (drive.Session, error) {
	pin, err := d.pin(pinText)
	if err != nil {
		return nil, err
	}
	return d.Drive.Authenticate(who, pin)
}

func (s *Session) asBandMaster(d *target, pin string, run func(drive.Session) error) error {
	return s.asBandMasterOf(d, 0, pin, run)
}

func (s *Session) hostPower(d *target, a Args) error {
	if d.slot != "" {
		return fmt.Errorf("%s gets its power from its slot: use power cut and power restore", d.name)
	}
	if arg[string](a, "to") == "off" {
		d.Drive.PowerOff()
	} else if err := d.Drive.PowerOn(); err != nil {
		return err
	}
	s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func (s *Session) hostAuthenticate(d *target, a Args) error {
	who := d.authority(a)
	var last error
	times := arg[int](a, "times")
	for range times {
		session, err := d.session(who, arg[string](a, "pin"))
		if last = err; err == nil {
			session.Close()
		}
		if err != nil && !errors.Is(err, drive.NotAuthorized) && !errors.Is(err, drive.LockedOut) {
			return err
		}
	}
	if last == nil {
		s.printf("%s: %s accepted the PIN\n", d.name, who)
		return nil
	}
	var refused *drive.StatusError
	why := ErrorText(last)
	if errors.As(last, &refused) {
		why = refused.Code.Error() + because(refused.Why)
	}
	s.say("%s: %s refused the PIN: %s", d.name, who, why)
	s.item("tries: " + triesWords(d.Drive))
	return &FailedError{"host authenticate"}
}

func (s *Session) hostErase(d *target, a Args) error {
	session, err := d.session(drive.EraseMaster, arg[string](a, "pin"))
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.EraseAll(); err != nil {
		return err
	}
	s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
	return nil
}

func (s *Session) hostWrite(d *target, a Args) error {
	size := d.Drive.Config().SectorSize
	first, n := uint64(arg[int](a, "lba")), arg[int](a, "count")
	for lba := first; lba < first+uint64(n); lba++ {
		if err := d.Drive.Write(lba, pattern(arg[string](a, "text"), lba, size)); err != nil {
			return err
		}
	}
	s.printf("%s written to %s\n", count(n, "sector"), d.name)
	return nil
}

func (s *Session) hostRead(d *target, a Args) error {
	size := d.Drive.Config().SectorSize
	first, n := uint64(arg[int](a, "lba")), arg[int](a, "count")
	return s.readSectors(first, n, size, func(lba uint64, dst []byte) error { return d.Drive.Read(lba, dst) })
}

// maxShown is how many sectors a read command spells out.
const maxShown = 16
