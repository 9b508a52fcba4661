package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// More commands of the noun host: what the owner of a drive sets on a bench, and what he leaves
// behind when he sells it.

func bandParam(fallback string) Param {
	return Param{Name: "band", Kind: intKind("number", 0, drive.MaxRanges), Default: fallback, Help: "the band; 0 is the global one"}
}

func sectorParam(name, help string) Param {
	return Param{Name: name, Kind: intKind("number", 0, 1<<47), Default: "0", Help: help}
}

func psidParam() Param {
	return Param{Name: "psid", Kind: textKind, Help: "the PSID as it stands on the label or in the file of the label, typed; without it, from a label that is at hand"}
}

func lockParam(name, help string) Param {
	return Param{Name: name, Kind: textKind, Values: []string{"none", "read", "write", "both"}, Default: "both", Help: help}
}

func locksOf(word string) (read, write bool) {
	return word == "read" || word == "both", word == "write" || word == "both"
}

func benchCommands() []*Command {
	return []*Command{
		{
			Noun: "host", Verb: "bands", Summary: "list the bands of a drive: place, locks, and whether the BandMaster has the factory PIN",
			Params:  []Param{anyDriveParam("the drive")},
			Example: "host bands drive=R1-I1-D05",
			Run:     onDrive((*Session).hostBands),
		},
		{
			Noun: "host", Verb: "band", Summary: "give a band a place and say which of its locks a loss of power closes",
			Detail: "A band without sectors has no place. The global band is all sectors that no other has, and takes no place.",
			Params: []Param{
				anyDriveParam("the drive"), bandParam("1"), sectorParam("start", "its first sector"), sectorParam("sectors", "how many sectors; 0 takes its place away"),
				lockParam("lock", "the locks that are enabled"), pinParam("pin", "msid", "the PIN of its BandMaster"),
			},
			Example: "host band drive=S1 band=1 start=8 sectors=1000 lock=none",
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asBandMasterOf(d, arg[int](a, "band"), arg[string](a, "pin"), func(session drive.Session) error {
					read, write := locksOf(arg[string](a, "lock"))
					return session.SetRange(drive.RangeConfig{
						Start: uint64(arg[int](a, "start")), Length: uint64(arg[int](a, "sectors")),
						ReadLockEnabled: read, WriteLockEnabled: write, LockOnReset: drive.OnPowerCycle,
					})
				})
			}),
		},
		{
			Noun: "host", Verb: "lock", Summary: "close or open the locks of a band now; each counts while it is enabled",
			Params:  []Param{anyDriveParam("the drive"), bandParam("0"), lockParam("to", "the locks that are closed"), pinParam("pin", "msid", "the PIN of its BandMaster")},
			Example: "host lock drive=S1 band=1 to=read",
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asBandMasterOf(d, arg[int](a, "band"), arg[string](a, "pin"), func(session drive.Session) error {
					return session.SetLocks(locksOf(arg[string](a, "to")))
				})
			}),
		},
		{
			Noun: "host", Verb: "pin", Summary: "change the PIN of an authority: SID, EraseMaster or the BandMaster of a band",
			Detail: "A BandMaster goes back to the factory PIN by an erase only.",
			Params: []Param{
				anyDriveParam("the drive"), authorityParam("bandmaster"), bandParam("0"), pinParam("old", "msid", "the PIN now"), pinParam("new", "", "the PIN from now on"),
			},
			Example: `host pin drive=S1 as=erasemaster new="my own"`,
			Run: onDrive(func(s *Session, d *target, a Args) error {
				return s.asAuthority(d, d.authority(a), arg[string](a, "old"), func(session drive.Session) error {
					pin, err := d.pin(arg[string](a, "new"))
					if err != nil {
						return err
					}
					return session.SetPIN(pin)
				})
			}),
		},
	}
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

// psid is a PSID as it was typed, else that of the label; its zero value if there is neither.
func (d *target) psid(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return d.Label.PSID, nil
	}
	return typedPSID(a)
}

func typedPSID(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return drive.PIN{}, nil
	}
	pin, ok := labelPIN(strings.TrimSpace(arg[string](a, "psid")))
	if !ok {
		return drive.PIN{}, fmt.Errorf("psid: a PSID has %d characters, or %d hexadecimal digits in the file of a label: type what the label says", drive.PINSize, 2*drive.PINSize)
	}
	return pin, nil
}
