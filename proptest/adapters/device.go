package adapters

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// device is one device of a program. It has the methods of every capability; Has says which count.
type device struct {
	program *Program
	run     *process // nil while the power is off and the process was killed
	state   string
	armed   bool                  // faults
	fed     *conformance.Entropy  // nil: its own source
	size    int                   // of a sector; 0 before it was asked
	derived map[[32]byte][][]byte // what kdf and derive gave, by the hash of what they were asked
}

// Has implements conformance.Limited.
func (d *device) Has(c conformance.Capability) bool { return slices.Contains(d.program.caps, c) }

// Close gives the process back and removes the state.
func (d *device) Close() error {
	if d.run != nil {
		d.program.give(d.run)
		d.run = nil
	}
	all, err := filepath.Glob(d.state + "*")
	if err != nil {
		return err
	}
	for _, name := range all {
		if rest := name[len(d.state):]; rest == "" || rest[0] < '0' || rest[0] > '9' { // drive1 is not drive10
			err = errors.Join(err, os.RemoveAll(name))
		}
	}
	return err
}

// ask sends a request. fill, if not nil, takes the fields of the reply. The error is a refusal.
func (d *device) ask(do string, args map[string]any, fill func(r reply, bad *error)) error {
	if d.run == nil {
		d.restart()
	}
	r, err := d.run.ask(do, args, d.program.o.Deadline)
	if err != nil {
		panic(&conformance.Hung{Why: err.Error()})
	}
	refused, bad := r.refusal()
	if bad == nil && refused == nil {
		if fill != nil {
			fill(r, &bad)
		}
		r.end(&bad)
	}
	if bad != nil {
		d.run.kill() // nobody knows what it did
		panic(&conformance.Hung{Why: fmt.Sprintf("%s: %v", do, bad)})
	}
	if refused != nil {
		return fmt.Errorf("%s: %w", do, refused)
	}
	return nil
}

// must is ask for what cannot be refused.
func (d *device) must(do string, args map[string]any, fill func(r reply, bad *error)) {
	if err := d.ask(do, args, fill); err != nil {
		d.run.kill()
		panic(&conformance.Hung{Why: fmt.Sprintf("it refuses what nobody may refuse: %v", err)})
	}
}

// restart gives a device another process, with the state of the one that was killed.
func (d *device) restart() {
	d.run = d.program.take()
	d.must("attach", map[string]any{"state": d.state}, nil)
	if d.fed != nil {
		if err := d.Feed(d.fed); err != nil {
			panic(&conformance.Hung{Why: err.Error()})
		}
	}
}

// binary puts a binary value into a request; what is long goes into a file.
func (d *device) binary(args map[string]any, name string, b []byte) {
	if len(b) <= inlineMax {
		args[name] = base64.StdEncoding.EncodeToString(b)
		return
	}
	path := d.file(name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		panic("adapters: " + err.Error())
	}
	args[name+"_path"] = path
}

// file is a path for a binary value.
func (d *device) file(name string) string { return d.state + "." + name + ".bulk" }

// content is what the program wrote into a file.
func (d *device) content(name string, bad *error) []byte {
	i, err := os.Lstat(d.file(name))
	if err == nil && (!i.Mode().IsRegular() || i.Size() > bulkMax) {
		err = fmt.Errorf("a file of %d bytes, %v: want one of at most %d", i.Size(), i.Mode(), bulkMax)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(d.file(name))
	}
	if err != nil && *bad == nil {
		*bad = fmt.Errorf("it did not write %s_path: %w", name, err)
	}
	return b
}

func pins(args map[string]any, name string, pin drive.PIN) {
	b := pin.Bytes()
	args[name] = base64.StdEncoding.EncodeToString(b)
	clear(b)
}

// with makes the arguments of a command that carries a PIN.
func with(pin drive.PIN, more map[string]any) map[string]any {
	args := map[string]any{}
	for k, v := range more {
		args[k] = v
	}
	pins(args, "pin", pin)
	return args
}

// Identify implements conformance.Device.
func (d *device) Identify() (id conformance.Identity, err error) {
	err = d.ask("identify", nil, func(r reply, bad *error) {
		take(r, "maker", &id.Maker, bad)
		take(r, "model", &id.Model, bad)
		take(r, "serial", &id.Serial, bad)
		take(r, "sector_size", &id.SectorSize, bad)
		take(r, "sectors", &id.Sectors, bad)
		take(r, "ranges", &id.Ranges, bad)
		take(r, "try_limit", &id.TryLimit, bad)
		take(r, "persistent", &id.Persistent, bad)
		take(r, "granularity", &id.Granularity, bad)
	})
	if err == nil {
		d.size = id.SectorSize
	}
	return id, err
}

// MSID implements conformance.Device.
func (d *device) MSID() (pin drive.PIN, err error) {
	err = d.ask("msid", nil, func(r reply, bad *error) { pin = r.pin("msid", bad) })
	return pin, err
}

// Try implements conformance.Device.
func (d *device) Try(who drive.Authority, pin drive.PIN) error {
	return d.ask("try", with(pin, map[string]any{"who": who.String()}), nil)
}

// SetPIN implements conformance.Device.
func (d *device) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	args := with(pin, map[string]any{"who": who.String()})
	pins(args, "new", to)
	return d.ask("set-pin", args, nil)
}

// SetRange implements conformance.Device.
func (d *device) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	return d.ask("set-range", with(pin, map[string]any{
		"range": n, "start": c.Start, "length": c.Length, "read_lock": c.ReadLockEnabled, "write_lock": c.WriteLockEnabled, "lock_on_reset": c.LockOnReset,
	}), nil)
}

// SetLocks implements conformance.Device.
func (d *device) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return d.ask("set-locks", with(pin, map[string]any{"range": n, "read": read, "write": write}), nil)
}

// Erase implements conformance.Device.
func (d *device) Erase(n int, pin drive.PIN) error {
	return d.ask("erase", with(pin, map[string]any{"range": n}), nil)
}

// Revert implements conformance.Device.
func (d *device) Revert(psid drive.PIN) error { return d.ask("revert", with(psid, nil), nil) }

// sectors is how many sectors a buffer has.
func (d *device) sectors(b []byte) int {
	if d.size <= 0 {
		if id, err := d.Identify(); err != nil || id.SectorSize <= 0 {
			panic("BUG: a transfer with a device that did not say what it is")
		}
	}
	return len(b) / d.size
}

// Read implements conformance.Device.
func (d *device) Read(lba uint64, dst []byte) error {
	args := map[string]any{"lba": lba, "sectors": d.sectors(dst)}
	long := len(dst) > inlineMax
	if long {
		args["data_path"] = d.file("data")
	}
	return d.ask("read", args, func(r reply, bad *error) {
		var got []byte
		if long {
			got = d.content("data", bad)
		} else {
			got = r.bytes("data", bad)
		}
		if *bad == nil && len(got) != len(dst) {
			*bad = fmt.Errorf("it gave %d bytes, want %d", len(got), len(dst))
		}
		copy(dst, got)
	})
}

// Write implements conformance.Device.
func (d *device) Write(lba uint64, src []byte) error {
	args := map[string]any{"lba": lba, "sectors": d.sectors(src)}
	d.binary(args, "data", src)
	return d.ask("write", args, nil)
}

// Flush implements conformance.Device.
func (d *device) Flush() error { return d.ask("flush", nil, nil) }

// PowerOff implements conformance.Device.
func (d *device) PowerOff() {
	if d.program.o.Kill && !d.armed && d.run != nil {
		d.run.kill()
		d.program.give(d.run)
		d.run = nil
		return
	}
	d.must("power-off", nil, nil)
}

// PowerOn implements conformance.Device.
func (d *device) PowerOn() error { return d.ask("power-on", nil, nil) }

// Reset implements conformance.Device.
func (d *device) Reset(k drive.ResetKind) error {
	kind := "warm"
	if k == drive.HotPlugReset {
		kind = "hot"
	}
	return d.ask("reset", map[string]any{"kind": kind}, nil)
}
