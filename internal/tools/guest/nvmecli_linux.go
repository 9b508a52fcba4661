package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var nvmeSteps = []step{
	{"nvme: its decoders find nothing of the drive's reserved or wrong", (*trial).decoders, false},
	{"nvme format -s 1: user data erase", func(t *trial) error { return t.format("1") }, false},
	{"nvme format -s 2: cryptographic erase", func(t *trial) error { return t.format("2") }, false},
	{"nvme sanitize: crypto erase", func(t *trial) error { return t.sanitize("crypto-erase", 0, "-a", "4") }, false},
	{"nvme sanitize: crypto erase, unrestricted", func(t *trial) error { return t.sanitize("crypto-erase-unrestricted", 0, "-a", "4", "-u") }, false},
	{"nvme sanitize: block erase", func(t *trial) error { return t.sanitize("block-erase", 0, "-a", "2") }, false},
	{"nvme sanitize: overwrite, two passes, without deallocation", func(t *trial) error {
		return t.sanitize("overwrite", 0xA5, "-a", "3", "-n", "2", "-p", "0xA5A5A5A5", "-d")
	}, false},
	{"nvme sanitize: an overwrite survives a loss of power", (*trial).sanitizeCut, false},
	{"nvme sanitize: media verification", (*trial).mediaVerification, false},
	{"nvme sanitize: exit of a failure that is none is well", func(*trial) error { return runs("nvme sanitize /dev/nvme0 -a 1") }, false},
	{"nvme sanitize and format: refused while a range is locked", (*trial).sanitizeLocked, false},
}

var (
	nonzeroReserved = regexp.MustCompile(`(?mi)^.*:\s*(0x)?0*[1-9a-f][0-9a-f]*\s+reserved.*$`)
	undecoded       = regexp.MustCompile(`(?mi)^.*\b(unknown|invalid|unrecogni[sz]ed|illegal)\b.*$`)
)

// decoders has nvme-cli print in words whatever it can decode of the drive.
func (t *trial) decoders() error {
	if err := t.fresh(); err != nil {
		return err
	}
	var wrong []string
	for _, l := range []string{
		"id-ctrl -H /dev/nvme0", "id-ns -H /dev/nvme0n1", "nvm-id-ctrl /dev/nvme0", "ns-descs /dev/nvme0n1", "list-ns /dev/nvme0",
		"cmdset-ind-id-ns /dev/nvme0n1", "list-subsys", "smart-log -H /dev/nvme0", "error-log /dev/nvme0", "fw-log /dev/nvme0",
		"effects-log -H /dev/nvme0", "supported-log-pages /dev/nvme0", "sanitize-log -H /dev/nvme0",
		"get-feature -H -f 2 /dev/nvme0", "get-feature -H -f 4 /dev/nvme0", "get-feature -H -f 7 /dev/nvme0",
		"get-feature -H -f 11 /dev/nvme0", "get-feature -H -f 15 /dev/nvme0", "get-feature -H -f 23 /dev/nvme0",
		"show-regs -H /dev/nvme0",
	} {
		out, err := run("", "nvme", strings.Fields(l)...)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		for _, bad := range append(nonzeroReserved.FindAllString(out, -1), undecoded.FindAllString(out, -1)...) {
			wrong = append(wrong, l+": "+strings.TrimSpace(bad))
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

func (t *trial) format(ses string) error {
	name := "nvme-format-" + ses
	if err := t.put(5); err != nil {
		return err
	}
	if err := t.witness(name, 3); err != nil {
		return err
	}
	if err := runs("nvme format /dev/nvme0 -n 1 --force -s " + ses); err != nil {
		return err
	}
	if err := erased(name); err != nil {
		return err
	}
	return t.constant(0)
}

// sanitizeLog gives the status of the last operation, and the state of the machine.
func (t *trial) sanitizeLog() (status byte, state byte, err error) {
	page := buffer(512)
	err = t.admin(opGetLog, allNamespaces, page, 127<<16|logSanitize, 0)
	return page[2] & 7, page[36], err
}

const (
	sanitized  = 1
	inProgress = 2
)

// sanitizeDone waits until an operation is over, and wants it to have succeeded.
func (t *trial) sanitizeDone() error {
	var status, state byte
	for range 1200 {
		var err error
		if status, state, err = t.sanitizeLog(); err != nil {
			return fmt.Errorf("log: %w", err)
		}
		if status != inProgress {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if status != sanitized || state != 0 {
		return fmt.Errorf("the log says status %d, state %02X", status, state)
	}
	return nil
}

// sanitize begins an operation, and looks at the log until it is over. The thief looks for what was there.
func (t *trial) sanitize(name string, reads byte, args ...string) error {
	if err := t.put(6); err != nil {
		return err
	}
	if err := t.witness("nvme-sanitize-"+name, 5); err != nil {
		return err
	}
	if _, err := run("", "nvme", append([]string{"sanitize", "/dev/nvme0"}, args...)...); err != nil {
		return err
	}
	if err := t.sanitizeDone(); err != nil {
		return err
	}
	if err := erased("nvme-sanitize-" + name); err != nil {
		return err
	}
	out, err := run("", "nvme", "sanitize-log", "/dev/nvme0", "-o", "json")
	if err != nil {
		return err
	}
	if !json.Valid([]byte(out)) {
		return fmt.Errorf("nvme sanitize-log: %s", out)
	}
	return t.constant(reads)
}

// sanitizeCut takes the power while the drive is overwritten: what it does next is to go on.
func (t *trial) sanitizeCut() error {
	if err := t.put(6); err != nil {
		return err
	}
	if err := runs("nvme sanitize /dev/nvme0 -a 3 -n 8 -p 0x3C3C3C3C -d"); err != nil {
		return err
	}
	if err := t.powerCycle(); err != nil {
		return err
	}
	if err := t.sanitizeDone(); err != nil {
		return err
	}
	return t.constant(0x3C)
}

// mediaVerification ends an operation in the state in which a host may look at the medium, and leaves it.
func (t *trial) mediaVerification() error {
	if err := t.put(6); err != nil {
		return err
	}
	if err := t.witness("nvme-sanitize-verified", 6); err != nil {
		return err
	}
	if err := runs("nvme sanitize /dev/nvme0 -a 2 -e"); err != nil {
		return err
	}
	const verifying = 5
	var state byte
	for range 1200 {
		var err error
		if _, state, err = t.sanitizeLog(); err != nil {
			return err
		}
		if state == verifying {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if state != verifying {
		return fmt.Errorf("state %02X, want media verification", state)
	}
	if err := erased("nvme-sanitize-verified"); err != nil {
		return err
	}
	if out, err := run("", "nvme", "sanitize-log", "/dev/nvme0", "-H"); err != nil || undecoded.MatchString(out) {
		return fmt.Errorf("nvme sanitize-log: %w: %s", err, out)
	}
	if _, err := t.disk.WriteAt(buffer(sector), 0); err == nil {
		return errors.New("a write is done in media verification")
	}
	if err := runs("nvme sanitize /dev/nvme0 -a 5"); err != nil {
		return err
	}
	if err := t.sanitizeDone(); err != nil {
		return err
	}
	return t.constant(0)
}

// sanitizeLocked: nobody gives data up without a PIN that takes one to read them.
func (t *trial) sanitizeLocked() error {
	if err := t.own(); err != nil {
		return err
	}
	if err := t.put(2); err != nil {
		return err
	}
	if err := t.setLock(locked, password); err != nil {
		return err
	}
	for _, l := range []string{"format /dev/nvme0 -n 1 --force -s 2", "sanitize /dev/nvme0 -a 4"} {
		if err := refused("Operation Denied", "", "nvme", strings.Fields(l)...); err != nil {
			return err
		}
	}
	if err := t.setLock(readWrite, password); err != nil {
		return err
	}
	if err := t.has(2); err != nil {
		return err
	}
	return t.opal(revertTPr, opalKey(0, password))
}

var sedSteps = []step{
	{"nvme sed: discover", (*trial).sedDiscover, false},
	{"nvme sed: initialize, lock, unlock, password, revert", (*trial).sed, false},
}

func (t *trial) sedDiscover() error {
	for _, flag := range []string{"", " -v"} {
		out, err := run("", "nvme", strings.Fields("sed discover /dev/nvme0n1"+flag)...)
		if err != nil {
			return err
		}
		if !regexp.MustCompile(`Locking Supported\s+: yes`).MatchString(out) {
			return fmt.Errorf("it prints %s", out)
		}
		if bad := append(nonzeroReserved.FindAllString(out, -1), undecoded.FindAllString(out, -1)...); len(bad) > 0 {
			return errors.New(strings.Join(bad, "; "))
		}
	}
	return nil
}

// sed is the order of things of blktests nvme/066, with passwords typed.
func (t *trial) sed() error {
	const first, second = "password one", "password two"
	shows := func(enabled, locked string) error {
		out, err := run("", "nvme", "sed", "discover", "/dev/nvme0n1")
		if err != nil {
			return err
		}
		if !regexp.MustCompile(`Locking Feature Enabled\s+: `+enabled).MatchString(out) || !regexp.MustCompile(`Locked\s+: `+locked).MatchString(out) {
			return fmt.Errorf("want enabled %s, locked %s; it prints %s", enabled, locked, out)
		}
		return nil
	}
	if err := t.fresh(); err != nil {
		return err
	}
	// A kernel before 6.13 changes the password of Admin1 alone, and not SID's: revert takes both to be the same.
	type typed struct{ in, command, enabled, locked string }
	do := func(lines ...typed) error {
		for _, l := range lines {
			words := append([]string{"sed"}, strings.Fields(l.command)...)
			if _, err := run(l.in, "nvme", append(words, "/dev/nvme0n1")...); err != nil {
				return err
			}
			if err := shows(l.enabled, l.locked); err != nil {
				return fmt.Errorf("after %s: %w", l.command, err)
			}
		}
		return nil
	}
	err := do(
		typed{first + "\n" + first + "\n", "initialize", "yes", "no"},
		typed{first + "\n", "lock -k", "yes", "yes"},
		typed{first + "\n", "unlock -k", "yes", "no"},
		typed{first + "\n" + second + "\n" + second + "\n", "password", "yes", "no"},
		typed{second + "\n", "lock -k", "yes", "yes"},
		typed{second + "\n", "unlock -k", "yes", "no"},
		typed{second + "\n" + first + "\n" + first + "\n", "password", "yes", "no"},
		typed{first + "\n", "revert", "no", "no"},
		typed{first + "\n" + first + "\n", "initialize", "yes", "no"},
	)
	if err != nil {
		return err
	}
	if err := t.put(10); err != nil {
		return err
	}
	if err := t.witness("nvme-sed-revert", 11); err != nil {
		return err
	}
	err = do(
		typed{first + "\n", "lock -k", "yes", "yes"},
		typed{"y\ny" + first + "\n", "revert -e", "no", "no"}, // a line's end behind the second y would be the password
	)
	if err != nil {
		return err
	}
	return erased("nvme-sed-revert")
}
