package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/decode"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// feature is one of level 0 discovery, for --json.
type feature struct {
	Code   string         `json:"code"`
	Name   string         `json:"name"`
	Fields map[string]any `json:"fields,omitempty"`
}

func newTCGDiscoverCmd(a *app) *cobra.Command {
	w := way{what: "tcg discover"}
	c := &cobra.Command{
		Use:   "discover DEVICE",
		Short: "print level 0 discovery: what the drive claims, and how it is locked",
		Args:  between(1, 1, "one device: a socket, a drive file, or a drive of this machine"),
		RunE: func(_ *cobra.Command, args []string) error {
			w.path = args[0]
			return a.transport(w, func(t transport.Transport) error {
				d, err := host.Discover(t)
				if err != nil {
					return err
				}
				return a.discovery(d)
			})
		},
	}
	w.flags(c)
	return c
}

func (a *app) discovery(d *spec.Discovery) error {
	if a.json {
		all := []feature{}
		for _, f := range d.Features {
			one := feature{Code: fmt.Sprintf("%04X", f.Code), Name: decode.FeatureName(f.Code), Fields: map[string]any{}}
			for _, field := range decode.Fields(d, f.Code) {
				one.Fields[field.Name] = field.Value
			}
			all = append(all, one)
		}
		return a.printJSON(all)
	}
	for _, f := range d.Features {
		a.printf("%s (0x%04X)\n", decode.FeatureName(f.Code), f.Code)
		for _, field := range decode.Fields(d, f.Code) {
			a.printf("    %s = %s\n", field.Name, field.Text())
		}
	}
	return nil
}

func newTCGPropertiesCmd(a *app) *cobra.Command {
	return deviceCmd(a, "properties", "print what the drive takes, and what it uses of what the host takes", "", nil, func(_ way, d *host.Device) error {
		own, back := d.Properties()
		if a.json {
			list := func(l []host.Property) map[string]uint64 {
				m := map[string]uint64{}
				for _, p := range l {
					m[p.Name] = p.Value
				}
				return m
			}
			return a.printJSON(map[string]any{"com_id": fmt.Sprintf("%04X", d.ComID()), "tper": list(own), "host": list(back)})
		}
		a.printf("ComID %04X\n", d.ComID())
		for _, l := range []struct {
			whose string
			list  []host.Property
		}{{"TPer", own}, {"Host", back}} {
			a.printf("%s properties\n", l.whose)
			for _, p := range l.list {
				a.printf("    %s = %d\n", oneLine(p.Name), p.Value)
			}
		}
		return nil
	})
}

// ownership is the JSON answer of tcg owner.
type ownership struct {
	SIDAtMSID   *bool       `json:"sid_at_msid"` // null: the drive does not say
	SIDBlocked  *bool       `json:"sid_blocked"`
	Authorities []authority `json:"authorities"`
}

type authority struct {
	SP      string `json:"sp"`
	Name    string `json:"name"`
	UID     string `json:"uid"`
	Enabled *bool  `json:"enabled"` // null: it is not for who asks
}

func newTCGOwnerCmd(a *app) *cobra.Command {
	var by doer
	long := "owner says whether SID still has the factory PIN, as far as the drive tells (feature Block SID),\n" +
		"and who there is. It tries no PIN that is not given: a wrong one would count. Who of an Opal\n" +
		"drive's Locking SP is enabled is for its Admins: --as Admin1."
	return deviceCmd(a, "owner", "say whether somebody owns the drive, and which authorities it has", long, func(c *cobra.Command) {
		by.flags(c, "anybody")
	}, func(w way, d *host.Device) error {
		o := ownership{Authorities: []authority{}}
		if s, ok := d.Discovery().BlockSID(); ok {
			factory := !s.NotMSID
			o.SIDAtMSID, o.SIDBlocked = &factory, &s.Blocked
		}
		var err error
		if o.Authorities, err = a.authorities(w, d, &by); err != nil {
			return err
		}
		if a.json {
			return a.printJSON(o)
		}
		switch {
		case o.SIDAtMSID == nil:
			a.printf("The drive does not say whether it has an owner.\n")
		case *o.SIDAtMSID:
			a.printf("Nobody owns the drive: SID has the factory PIN.\n")
		default:
			a.printf("The drive has an owner: SID has a PIN of its own.\n")
		}
		if o.SIDBlocked != nil && *o.SIDBlocked {
			a.printf("SID is blocked until the next power cycle.\n")
		}
		for _, who := range o.Authorities {
			a.printf("%-12s %-14s %s  %s\n", who.SP, who.Name, who.UID, who.enabled())
		}
		return nil
	})
}

func (w authority) enabled() string {
	if w.Enabled == nil {
		return "not told"
	}
	return word(*w.Enabled, "enabled", "disabled")
}

// authorities lists who there is, at a Locking SP that is activated in somebody's name.
func (a *app) authorities(w way, d *host.Device, by *doer) ([]authority, error) {
	list := []authority{}
	active, err := d.Activated()
	if err != nil {
		return nil, err
	}
	for _, sp := range []spec.UID{spec.AdminSP, d.LockingSP()} {
		var c host.Credential
		if sp != spec.AdminSP && !active {
			continue
		}
		if sp != spec.AdminSP && by.named() && !d.Enterprise() {
			if c, err = by.credential(a, w, d, spec.Admin(1)); err != nil {
				return nil, err
			}
			defer c.PIN.Clear()
		}
		all, err := d.AuthoritiesBy(sp, c)
		if err != nil {
			return nil, err
		}
		for _, who := range all {
			if who.IsClass || who.UID == spec.Anybody || who.UID == spec.Admins || who.UID == spec.Users {
				continue
			}
			one := authority{spec.Name(sp), who.Name, who.UID.String(), &who.Enabled}
			if who.Hidden {
				one.Enabled = nil
			}
			list = append(list, one)
		}
	}
	return list, nil
}

// lockingRange is the JSON answer of tcg ranges, for each.
type lockingRange struct {
	N                int      `json:"n"`
	Name             string   `json:"name"`
	Start            uint64   `json:"start"`
	Length           uint64   `json:"length"`
	ReadLockEnabled  bool     `json:"read_lock_enabled"`
	WriteLockEnabled bool     `json:"write_lock_enabled"`
	ReadLocked       bool     `json:"read_locked"`
	WriteLocked      bool     `json:"write_locked"`
	LockOnReset      []uint64 `json:"lock_on_reset"`
	Hidden           bool     `json:"hidden,omitempty"` // the rest is not for who asks
}

func newTCGRangesCmd(a *app) *cobra.Command {
	var by doer
	long := "ranges lists the ranges of a drive. How those of an Opal drive are is for its Admins, and for who\n" +
		"is granted them: --as says who asks. A range in Single User Mode is for anybody."
	return deviceCmd(a, "ranges", "list the ranges: where they are, and how they are locked", long, func(c *cobra.Command) {
		by.flags(c, "anybody")
	}, func(w way, d *host.Device) error {
		bands, err := a.bands(w, d, &by)
		if err != nil {
			return err
		}
		if a.json {
			all := []lockingRange{}
			for _, b := range bands {
				all = append(all, lockingRange{
					b.N, b.Name, b.Start, b.Length, b.ReadLockEnabled, b.WriteLockEnabled, b.ReadLocked, b.WriteLocked,
					append([]uint64{}, b.LockOnReset...), b.Hidden,
				})
			}
			return a.printJSON(all)
		}
		for _, b := range bands {
			place := fmt.Sprintf("from %d, %d blocks", b.Start, b.Length)
			switch {
			case b.N == 0:
				place = "all blocks of no other range"
			case b.Length == 0:
				place = "no blocks"
			}
			if b.Hidden {
				a.printf("%-12s  not told: give --as and its PIN\n", oneLine(b.Name))
				continue
			}
			a.printf("%-12s  read %-20s  write %-20s  %s\n", oneLine(b.Name), lockWord(b.ReadLockEnabled, b.ReadLocked), lockWord(b.WriteLockEnabled, b.WriteLocked), place)
		}
		return nil
	})
}

// bands reads the ranges of a device of either SSC.
func (a *app) bands(w way, d *host.Device, by *doer) ([]host.Band, error) {
	if d.Enterprise() {
		return d.Bands()
	}
	if err := w.active(d); err != nil {
		return nil, err
	}
	var c host.Credential
	if by.named() {
		var err error
		if c, err = by.credential(a, w, d, spec.Admin(1)); err != nil {
			return nil, err
		}
		defer c.PIN.Clear()
	}
	return d.Ranges(c)
}

func lockWord(enabled, locked bool) string {
	switch {
	case enabled && locked:
		return "locked"
	case enabled:
		return "open, can be locked"
	}
	return "always open"
}

// decodeMax is how many bytes tcg decode reads.
const decodeMax = 64 << 20

func newTCGDecodeCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "decode [FILE]",
		Short: "say in words what bytes of TCG Storage mean, without their secrets",
		Long: "decode reads lines, from a file or standard input, each with what went over a security interface in\n" +
			"hexadecimal digits:\n\n" +
			"  > 01 07FE 0000...    IF-SEND, security protocol, ComID, payload\n" +
			"  < 01 07FE 0000...    IF-RECV, and what came\n\n" +
			"and says which method on which object it was, and how it ended. PINs, keys and data are left out.\n" +
			"A line that begins with # is passed over. The exit code is 1 if something could not be decoded.",
		Example: "  fdelab tcg decode capture.txt",
		Args:    between(0, 1, "one file or none"),
		RunE: func(_ *cobra.Command, args []string) error {
			in := a.in
			if len(args) > 0 {
				f, err := os.Open(args[0])
				if err != nil {
					return cannotf("tcg decode: %w", plainDriveError(err))
				}
				defer f.Close()
				in = f
			}
			return a.decodeLines(in)
		},
	}
}

// decoded is one line of the JSON answer.
type decoded struct {
	Line     int    `json:"line"`
	Command  string `json:"command"`
	Protocol uint8  `json:"protocol"`
	ComID    string `json:"com_id"`
	decode.Message
}

func (a *app) decodeLines(in io.Reader) error {
	b, err := limitedRead(in, decodeMax)
	if err != nil {
		return cannotf("tcg decode: %w", plainDriveError(err))
	}
	defer clear(b)
	var d decode.Decoder
	all, problems := []decoded{}, 0
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		one, err := decodeLine(&d, words)
		if err != nil {
			return usagef("tcg decode: line %d: %w", n, err)
		}
		one.Line = n
		if one.Problem != "" {
			problems++
		}
		all = append(all, one)
	}
	if a.json {
		if err := a.printJSON(all); err != nil {
			return err
		}
	} else {
		for _, m := range all {
			a.printf("%s %s\n", m.Command, strings.Join(m.Lines(), "\n"))
		}
	}
	if problems > 0 {
		return failedf("tcg decode: %s could not be decoded", count(problems, "message"))
	}
	return nil
}

func decodeLine(d *decode.Decoder, words []string) (decoded, error) {
	if len(words) < 3 || words[0] != ">" && words[0] != "<" {
		return decoded{}, errors.New("need > or <, the protocol, the ComID and hexadecimal digits")
	}
	protocol, err := strconv.ParseUint(words[1], 16, 8)
	if err != nil {
		return decoded{}, errors.New("the security protocol has two hexadecimal digits")
	}
	comID, err := strconv.ParseUint(words[2], 16, 16)
	if err != nil {
		return decoded{}, errors.New("the ComID has four hexadecimal digits")
	}
	b, err := hex.DecodeString(strings.Join(words[3:], ""))
	if err != nil {
		return decoded{}, errors.New("the bytes have two hexadecimal digits each")
	}
	defer clear(b)
	one := decoded{Command: "IF-SEND", Protocol: uint8(protocol), ComID: fmt.Sprintf("%04X", comID)}
	if words[0] == ">" {
		one.Message = d.Send(one.Protocol, uint16(comID), b)
	} else {
		one.Command = "IF-RECV"
		one.Message = d.Receive(one.Protocol, uint16(comID), b)
	}
	return one, nil
}
