package adapters

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Migrate implements conformance.Migrator.
func (d *device) Migrate(n int, pin, credential drive.PIN) error {
	args := with(pin, map[string]any{"range": n})
	pins(args, "new", credential)
	return d.ask("migrate", args, nil)
}

// GenKey implements conformance.KeyGenerator.
func (d *device) GenKey(n int, pin drive.PIN) error {
	return d.ask("genkey", with(pin, map[string]any{"range": n}), nil)
}

// EraseAll implements conformance.WholeEraser.
func (d *device) EraseAll(pin drive.PIN) error { return d.ask("erase-all", with(pin, nil), nil) }

// Open implements conformance.Sessioner.
func (d *device) Open(who drive.Authority, pin drive.PIN) (conformance.Session, error) {
	if err := d.ask("open", with(pin, map[string]any{"who": who.String()}), nil); err != nil {
		return nil, err
	}
	return session{d}, nil
}

// session is the one session of a device.
type session struct{ d *device }

// Unlock implements conformance.Session.
func (s session) Unlock() error { return s.d.ask("use", nil, nil) }

// Close implements conformance.Session.
func (s session) Close() { s.d.must("close", nil, nil) }

// Range implements conformance.RangeReader.
func (d *device) Range(n int) (i drive.RangeInfo, err error) {
	err = d.ask("range", map[string]any{"range": n}, func(r reply, bad *error) {
		take(r, "start", &i.Start, bad)
		take(r, "length", &i.Length, bad)
		take(r, "read_lock", &i.ReadLockEnabled, bad)
		take(r, "write_lock", &i.WriteLockEnabled, bad)
		take(r, "lock_on_reset", &i.LockOnReset, bad)
		take(r, "read_locked", &i.ReadLocked, bad)
		take(r, "write_locked", &i.WriteLocked, bad)
	})
	return i, err
}

// Tries implements conformance.TryReader.
func (d *device) Tries(who drive.Authority) (used, limit uint16, err error) {
	err = d.ask("tries", map[string]any{"who": who.String()}, func(r reply, bad *error) {
		take(r, "used", &used, bad)
		take(r, "limit", &limit, bad)
	})
	return used, limit, err
}

// AtMSID implements conformance.Indicator.
func (d *device) AtMSID(who drive.Authority) (at bool, err error) {
	err = d.ask("at-msid", map[string]any{"who": who.String()}, func(r reply, bad *error) { take(r, "at_msid", &at, bad) })
	return at, err
}

// State implements conformance.StateReader.
func (d *device) State() (s drive.State, err error) {
	err = d.ask("state", nil, func(r reply, bad *error) {
		var name string
		take(r, "state", &name, bad)
		for _, one := range []drive.State{drive.Erased, drive.Configured, drive.SecurityDegraded} {
			if one.String() == name {
				s = one
			}
		}
		if *bad == nil && s == 0 {
			*bad = fmt.Errorf("no state %q, want Erased, Configured or SecurityDegraded", beginning([]byte(name)))
		}
	})
	return s, err
}

// Sanitize implements conformance.Sanitizer.
func (d *device) Sanitize() error { return d.ask("sanitize", nil, nil) }

// sanitizeStates are those of a conformance.SanitizeStatus by their names.
var sanitizeStates = map[string]conformance.SanitizeState{
	"never": conformance.NeverSanitized, "sanitizing": conformance.Sanitizing, "sanitized": conformance.Sanitized, "failed": conformance.SanitizeFailed,
}

// SanitizeStatus implements conformance.Sanitizer.
func (d *device) SanitizeStatus() (s conformance.SanitizeStatus, err error) {
	err = d.ask("sanitize-status", nil, func(r reply, bad *error) {
		var name string
		take(r, "state", &name, bad)
		take(r, "progress", &s.Progress, bad)
		var known bool
		if s.State, known = sanitizeStates[name]; *bad == nil && !known {
			*bad = fmt.Errorf("no state %q, want never, sanitizing, sanitized or failed", beginning([]byte(name)))
		}
	})
	return s, err
}

// Dump implements conformance.Dumper.
func (d *device) Dump() drive.Dump {
	var out drive.Dump
	if d.size <= 0 {
		d.sectors(nil)
	}
	d.must("dump", map[string]any{"flash_path": d.file("flash"), "media_path": d.file("media")}, func(r reply, bad *error) {
		take(r, "blocks", &out.Geometry.Blocks, bad)
		take(r, "pages", &out.Geometry.PagesPerBlock, bad)
		take(r, "page_size", &out.Geometry.PageSize, bad)
		image, media := d.content("flash", bad), d.content("media", bad)
		g := out.Geometry
		switch {
		case *bad != nil:
		case g.Blocks < 1 || g.PagesPerBlock < 1 || g.PageSize < 1 || g.Blocks*g.PagesPerBlock*g.PageSize != len(image):
			*bad = fmt.Errorf("the image of the flash has %d bytes, want %d blocks of %d pages of %d bytes", len(image), g.Blocks, g.PagesPerBlock, g.PageSize)
		case len(media)%(8+d.size) != 0:
			*bad = fmt.Errorf("the image of the media has %d bytes, want a multiple of 8 and %d", len(media), d.size)
		default:
			out.Flash = pages(g, image)
			sectors(&out, media, d.size)
		}
	})
	return out
}

// pages are those of an image in which a bit is programmed.
func pages(g flash.Geometry, image []byte) (all []flash.Page) {
	for i := range g.Blocks * g.PagesPerBlock {
		data := image[i*g.PageSize:][:g.PageSize]
		if len(bytes.TrimLeft(data, "\xff")) > 0 {
			all = append(all, flash.Page{Block: i / g.PagesPerBlock, Page: i % g.PagesPerBlock, Data: data})
		}
	}
	return all
}

// sectors reads an image of the media: LBA in 8 bytes, big endian, and ciphertext.
func sectors(out *drive.Dump, media []byte, size int) {
	at := map[uint64][]byte{}
	for ; len(media) > 0; media = media[8+size:] {
		lba := binary.BigEndian.Uint64(media)
		if at[lba] == nil {
			out.Written = append(out.Written, lba)
		}
		at[lba] = media[8:][:size]
	}
	out.Sector = func(lba uint64) ([]byte, bool) { return bytes.Clone(at[lba]), at[lba] != nil }
}

// chip is what somebody gets who opens the chip.
type chip struct {
	root       []byte
	keys       []string
	iterations int
	kdf        bool
}

func (d *device) chip() chip {
	var c chip
	d.must("chip", nil, func(r reply, bad *error) {
		if _, there := r["root"]; there {
			if c.root = r.bytes("root", bad); *bad == nil && len(c.root) != len(secret.Key32{}) {
				*bad = fmt.Errorf("\"root\" has %d bytes, want 32", len(c.root))
			}
		}
		take(r, "keys", &c.keys, bad)
		take(r, "kdf", &c.kdf, bad)
		if _, there := r["iterations"]; there {
			take(r, "iterations", &c.iterations, bad)
		}
		for _, k := range c.keys {
			if b := decode("keys", k, bad); *bad == nil && len(b) != len(secret.Key32{}) {
				*bad = fmt.Errorf("one of \"keys\" has %d bytes, want 32", len(b))
			}
		}
	})
	return c
}

// Chip implements conformance.Opened.
func (d *device) Chip() []forensic.Secret {
	c := d.chip()
	var out []forensic.Secret
	if c.root != nil {
		out = append(out, forensic.Root((*secret.Key32)(c.root)))
	}
	for i, text := range c.keys {
		b, _ := base64.StdEncoding.DecodeString(text) // chip has looked at it
		out = append(out, forensic.Key(fmt.Sprintf("key %d of the chip", i), (*secret.Key32)(b)))
	}
	return out
}

// Derivation implements conformance.Opened.
func (d *device) Derivation() forensic.Options {
	c := d.chip()
	if !c.kdf {
		return forensic.Options{Iterations: c.iterations}
	}
	return forensic.Options{KDF: d.kdf}
}

// kdf asks the program for the key that it derives.
func (d *device) kdf(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
	args := map[string]any{"salt": base64.StdEncoding.EncodeToString(salt[:]), "root": base64.StdEncoding.EncodeToString(root[:])}
	pins(args, "pin", pin)
	found := d.remembered("kdf", args, func() (out [][]byte) {
		err := d.ask("kdf", args, func(r reply, bad *error) { out = append(out, r.bytes("key", bad)) })
		if err != nil {
			return nil
		}
		return out
	})
	if len(found) != 1 || len(found[0]) != len(secret.Key32{}) {
		return nil, fmt.Errorf("kdf: no key of 32 bytes")
	}
	return (*secret.Key32)(bytes.Clone(found[0])), nil
}

// KEKs implements conformance.Deriver.
func (d *device) KEKs(dump drive.Dump, pin drive.PIN) []*secret.Key32 {
	g := dump.Geometry
	image := bytes.Repeat([]byte{0xFF}, g.Blocks*g.PagesPerBlock*g.PageSize)
	for _, p := range dump.Flash {
		copy(image[(p.Block*g.PagesPerBlock+p.Page)*g.PageSize:], p.Data)
	}
	sum := sha256.Sum256(image)
	args := map[string]any{"image": string(sum[:])}
	pins(args, "pin", pin)
	found := d.remembered("derive", args, func() [][]byte {
		delete(args, "image")
		d.binary(args, "flash", image)
		args["page_size"] = g.PageSize
		return d.derive(args)
	})
	var out []*secret.Key32
	for _, k := range found {
		out = append(out, (*secret.Key32)(bytes.Clone(k)))
	}
	return out
}

func (d *device) derive(args map[string]any) (out [][]byte) {
	d.must("derive", args, func(r reply, bad *error) {
		var keys []string
		take(r, "keys", &keys, bad)
		for _, k := range keys {
			b := decode("keys", k, bad)
			if *bad == nil && len(b) != len(secret.Key32{}) {
				*bad = fmt.Errorf("one of \"keys\" has %d bytes, want 32", len(b))
			}
			out = append(out, b)
		}
	})
	return out
}

// rememberedMax bounds what is remembered of a device.
const rememberedMax = 1 << 16

// remembered asks nothing twice: what is derived follows from the arguments alone.
func (d *device) remembered(what string, args map[string]any, ask func() [][]byte) [][]byte {
	id := sha256.Sum256(fmt.Append(nil, what, args))
	if found, known := d.derived[id]; known {
		return found
	}
	if d.derived == nil || len(d.derived) >= rememberedMax {
		d.derived = map[[32]byte][][]byte{}
	}
	found := ask()
	d.derived[id] = found
	return found
}

// Feed implements conformance.Feeder.
func (d *device) Feed(e *conformance.Entropy) error {
	args := map[string]any{}
	if e != nil {
		d.binary(args, "entropy", e.Bytes)
		args["repeat"] = e.Repeat
	}
	d.fed = e
	return d.ask("feed", args, nil)
}

// RAM implements conformance.Memory.
func (d *device) RAM() (b []byte, err error) {
	err = d.ask("ram", map[string]any{"ram_path": d.file("ram")}, func(_ reply, bad *error) { b = d.content("ram", bad) })
	return b, err
}

// Breaks implements conformance.Breaker.
func (d *device) Breaks() []conformance.BreakKind { return d.program.breaks }

// Break implements conformance.Breaker.
func (d *device) Break(faults ...conformance.Break) error {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = f.String()
	}
	d.armed = true
	return d.ask("break", map[string]any{"faults": strings.Join(words, " ")}, nil)
}

// Fired implements conformance.Breaker.
func (d *device) Fired() (map[conformance.BreakKind]int, error) {
	out := map[conformance.BreakKind]int{}
	err := d.ask("fired", nil, func(r reply, bad *error) {
		var all map[string]int
		take(r, "fired", &all, bad)
		for _, k := range d.program.breaks { // those that it can have
			if n := all[string(k)]; n != 0 {
				out[k] = n
			}
		}
	})
	return out, err
}

// Mend implements conformance.Breaker.
func (d *device) Mend() error {
	d.armed = false
	return d.ask("mend", nil, nil)
}
