package console

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The commands of the noun host speak to one drive directly, past the facility, as anybody can
// who has it on a bench or on the bus: with the MSID (which every drive tells), with the
// label in the hand, or with a PIN of his own.

func pinParam(name, fallback, help string) Param {
	return Param{Name: name, Kind: textKind, Required: fallback == "", Default: fallback, Help: help + "; msid for the factory PIN, or a phrase (its SHA-256 is the PIN, 32 bytes)"}
}

func authorityParam(fallback string) Param {
	return Param{Name: "as", Kind: textKind, Values: []string{"bandmaster", "erasemaster", "sid"}, Default: fallback, Help: "the authority"}
}

func lbaParam() Param {
	return Param{Name: "lba", Kind: intKind("number", 0, 1<<31-1), Default: "0", Help: "the first sector"}
}

func countParam(fallback string) Param {
	return Param{Name: "count", Kind: intKind("number", 1, 4096), Default: fallback, Help: "how many sectors"}
}

func textParam() Param {
	return Param{Name: "text", Kind: textKind, Default: "customer data", Help: "what the sectors say, with their number"}
}

func hostCommands() []*Command {
	return []*Command{
		{
			Noun: "host", Verb: "power", Summary: "give a loose drive power on the bench, or take it away",
			Params: []Param{
				anyDriveParam("a drive on the shelf"),
				{Name: "to", Kind: textKind, Values: []string{"on", "off"}, Required: true, Help: "on or off"},
			},
			Example: "host power drive=S1 to=on",
			Run:     onDrive((*Session).hostPower),
		},
		{
			Noun: "host", Verb: "reset", Summary: "reset a drive without loss of power",
			Params: []Param{
				anyDriveParam("the drive"),
				{Name: "kind", Kind: textKind, Values: []string{"hardware", "hotplug"}, Default: "hardware", Help: "the kind of reset"},
			},
			Example: "host reset drive=R1-I1-D05 kind=hotplug",
			Run: onDrive(func(s *Session, d *target, a Args) error {
				kind := map[string]drive.ResetKind{"hardware": drive.HardwareReset, "hotplug": drive.HotPlugReset}[arg[string](a, "kind")]
				if err := d.Drive.Reset(kind); err != nil {
					return err
				}
				s.printf("%s was reset: %s\n", d.name, statusWords(d.Drive.Status()))
				return nil
			}),
		},
		{
			Noun: "host", Verb: "authenticate", Summary: "try a PIN on a drive; a wrong one counts against its limit of tries",
			Params: []Param{
				anyDriveParam("the drive"), authorityParam("bandmaster"), bandParam("0"), pinParam("pin", "msid", "the PIN to try"),
				{Name: "times", Kind: intKind("number", 1, 1000), Default: "1", Help: "how often"},
			},
			Example: "host authenticate drive=R1-I1-D05 pin=guess times=5",
			Run:     onDrive((*Session).hostAuthenticate),
		},
		{
			Noun: "host", Verb: "migrate", Summary: "take an erased drive into possession: from the MSID to a credential of one's own, locks enabled",
			Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "", "the new credential")},
			Example: `host migrate drive=R1-I1-D05 pin="somebody else"`,
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asBandMaster(d, "msid", func(session drive.Session) error {
					pin, err := d.pin(arg[string](a, "pin"))
					if err != nil {
						return err
					}
					return session.Migrate(pin)
				})
			}),
		},
		{
			Noun: "host", Verb: "rekey", Summary: "change the credential of a drive, knowing the old one",
			Params:  []Param{anyDriveParam("the drive"), pinParam("old", "", "the credential now"), pinParam("new", "", "the credential from now on")},
			Example: `host rekey drive=R1-I1-D05 old="somebody else" new="another"`,
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asBandMaster(d, arg[string](a, "old"), func(session drive.Session) error {
					pin, err := d.pin(arg[string](a, "new"))
					if err != nil {
						return err
					}
					return session.SetPIN(pin)
				})
			}),
		},
		{
			Noun: "host", Verb: "unlock", Summary: "unlock a drive, knowing its credential",
			Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "", "the credential")},
			Example: `host unlock drive=R1-I1-D05 pin="somebody else"`,
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asBandMaster(d, arg[string](a, "pin"), drive.Session.Unlock)
			}),
		},
		{
			Noun: "host", Verb: "erase", Summary: "cryptographic erase by the EraseMaster: new media keys, factory PINs, whatever was stored is noise",
			Params:  []Param{anyDriveParam("the drive"), pinParam("pin", "msid", "the EraseMaster's PIN")},
			Example: "host erase drive=R1-I1-D05",
			Run:     onDrive((*Session).hostErase),
		},
		{
			Noun: "host", Verb: "revert", Summary: "PSID revert with the PIN printed on the label: everything erased, factory defaults",
			Params:  []Param{anyDriveParam("the drive"), psidParam()},
			Example: "host revert drive=R1-I1-D05",
			Run: onDrive(func(s *Session, d *target, a Args) error {
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
			}),
		},
		{
			Noun: "host", Verb: "selftest", Summary: "let the drive read its key record back from flash and mend what rotted",
			Params:  []Param{anyDriveParam("the drive")},
			Example: "host selftest drive=R1-I1-D05",
			Run: onDrive(func(s *Session, d *target, _ Args) error {
				if err := d.Drive.SelfTest(); err != nil {
					return err
				}
				s.printf("%s: %s\n", d.name, statusWords(d.Drive.Status()))
				return nil
			}),
		},
		{
			Noun: "host", Verb: "write", Summary: "write sectors to a drive directly",
			Params:  []Param{anyDriveParam("the drive"), lbaParam(), countParam("1"), textParam()},
			Example: `host write drive=S1 lba=0 count=4 text="test"`,
			Run:     onDrive((*Session).hostWrite),
		},
		{
			Noun: "host", Verb: "read", Summary: "read sectors from a drive directly and say what they hold",
			Params:  []Param{anyDriveParam("the drive"), lbaParam(), countParam("1")},
			Example: "host read drive=S1 lba=0 count=4",
			Run:     onDrive((*Session).hostRead),
		},
	}
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

func (s *Session) readSectors(first uint64, n, size int, read func(lba uint64, dst []byte) error) error {
	buf := make([]byte, size)
	for i := range n {
		lba := first + uint64(i)
		if err := read(lba, buf); err != nil {
			return fmt.Errorf("sector %d: %w", lba, err)
		}
		if i < maxShown {
			s.printf("sector %d: %s\n", lba, describe(buf))
		}
	}
	if n > maxShown {
		s.printf("and %d more\n", n-maxShown)
	}
	return nil
}
