package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Capability is something that not every device can do, or lets the suite do to it.
type Capability string

// The capabilities. Each is an interface of this package, found by type assertion on the Device.
const (
	CanMigrate   Capability = "migrate"    // Migrator
	CanGenKey    Capability = "genkey"     // KeyGenerator
	CanEraseAll  Capability = "erase-all"  // WholeEraser
	HasSessions  Capability = "sessions"   // Sessioner
	TellsRanges  Capability = "ranges"     // RangeReader
	TellsTries   Capability = "tries"      // TryReader
	TellsMSID    Capability = "msid"       // Indicator
	TellsState   Capability = "state"      // StateReader
	HasDump      Capability = "dump"       // Dumper
	HasChip      Capability = "chip"       // Opened
	HasBreaks    Capability = "breaks"     // Breaker
	HasFeed      Capability = "feed"       // Feeder
	HasRAM       Capability = "ram"        // Memory
	IsOnParts    Capability = "parts"      // OnParts
	IsConcurrent Capability = "concurrent" // Concurrent
	Derives      Capability = "derive"     // Deriver; it only helps the thief
)

// Migrator moves a range to an access credential of 32 bytes and enables its locks, in one step.
type Migrator interface {
	Migrate(n int, pin, credential drive.PIN) error
}

// KeyGenerator gives range n a new media key, as BandMaster(n): a cryptographic erase that keeps
// the PIN and the place.
type KeyGenerator interface {
	GenKey(n int, pin drive.PIN) error
}

// WholeEraser erases every range in one step, with the PIN of EraseMaster.
type WholeEraser interface {
	EraseAll(pin drive.PIN) error
}

// Session is one that a host has opened.
type Session interface {
	Unlock() error
	Close()
}

// Sessioner opens sessions.
type Sessioner interface {
	Open(who drive.Authority, pin drive.PIN) (Session, error)
}

// RangeReader tells anyone what range n is.
type RangeReader interface {
	Range(n int) (drive.RangeInfo, error)
}

// TryReader tells anyone how many wrong PINs of who were counted.
type TryReader interface {
	Tries(who drive.Authority) (used, limit uint16, err error)
}

// Indicator tells anyone whether who still has the factory PIN.
type Indicator interface {
	AtMSID(who drive.Authority) (bool, error)
}

// StateReader tells anyone the state of the device's lifecycle.
type StateReader interface {
	State() (drive.State, error)
}

// Dumper gives what a soldering iron gets, with power or without.
type Dumper interface {
	Dump() drive.Dump
}

// Opened gives what somebody gets who opens the chip, and how he derives keys then.
type Opened interface {
	Chip() []forensic.Secret
	// Derivation is how keys come from PINs; only KDF and Iterations count. The zero value is the
	// derivation of package drive.
	Derivation() forensic.Options
}

// Deriver gives every key-encrypting key that a PIN may lead to with what lies in the dump, for a
// device whose salts do not lie beside its wraps.
type Deriver interface {
	KEKs(dump drive.Dump, pin drive.PIN) []*secret.Key32
}

// Feeder feeds the device's random source; nil gives the device its own again.
type Feeder interface {
	Feed(*Entropy) error
}

// Memory gives what is in the RAM of the device: at least every place where it holds keys.
type Memory interface {
	RAM() ([]byte, error)
}

// OnParts is a device that is built from the parts of the Wish and nothing else.
type OnParts interface {
	OnParts() bool
}

// Concurrent is a device that takes commands while others run.
type Concurrent interface {
	Concurrent() bool
}

// BreakKind is a kind of fault of the non-volatile memory.
type BreakKind string

// The kinds. Power goes before an operation that changes the memory, in its middle, or after it.
const (
	PowerBefore    BreakKind = "power-before"
	PowerTorn      BreakKind = "power-torn"
	PowerAfter     BreakKind = "power-after"
	ProgramRefused BreakKind = "program-refused"
	ProgramTorn    BreakKind = "program-torn"
	EraseRefused   BreakKind = "erase-refused"
	EraseTorn      BreakKind = "erase-torn"
	ZeroRefused    BreakKind = "zero-refused"
	ReadError      BreakKind = "read-error"
	MediaRead      BreakKind = "media-read"
	MediaWrite     BreakKind = "media-write"
)

var breakKinds = []BreakKind{
	PowerBefore, PowerTorn, PowerAfter, ProgramRefused, ProgramTorn, EraseRefused, EraseTorn, ZeroRefused, ReadError, MediaRead, MediaWrite,
}

// BreakKinds lists the kinds of faults that the suite knows.
func BreakKinds() []BreakKind { return slices.Clone(breakKinds) }

// power says whether the kind takes power away.
func (k BreakKind) power() bool { return strings.HasPrefix(string(k), "power-") }

// media says whether the kind concerns the media alone.
func (k BreakKind) media() bool { return strings.HasPrefix(string(k), "media-") }

// Break is one fault: at the At-th operation of its kind from now on, counted from 0; every one
// where At is negative.
type Break struct {
	Kind BreakKind
	At   int
}

func (b Break) String() string {
	if b.At < 0 {
		return string(b.Kind)
	}
	return fmt.Sprintf("%s@%d", b.Kind, b.At)
}

// Breaker breaks the device's non-volatile memory.
type Breaker interface {
	Breaks() []BreakKind // those that the device can have
	// Break arms faults in place of those before. What they damage stays damaged.
	Break(faults ...Break) error
	// Fired says how many operations were broken since Break, by kind.
	Fired() (map[BreakKind]int, error)
	// Mend takes the faults away.
	Mend() error
}

// Limited is a device whose type has the methods of more capabilities than it has, such as a client
// of a program that says at run time what it can do.
type Limited interface {
	Has(Capability) bool
}

// has are the assertions by capability.
var has = []struct {
	Capability
	by func(Device) bool
}{
	{CanMigrate, is[Migrator]},
	{CanGenKey, is[KeyGenerator]},
	{CanEraseAll, is[WholeEraser]},
	{HasSessions, is[Sessioner]},
	{TellsRanges, is[RangeReader]},
	{TellsTries, is[TryReader]},
	{TellsMSID, is[Indicator]},
	{TellsState, is[StateReader]},
	{HasDump, func(d Device) bool { return onParts(d) || is[Dumper](d) }},
	{HasChip, is[Opened]},
	{HasBreaks, func(d Device) bool { return onParts(d) || is[Breaker](d) }},
	{HasFeed, func(d Device) bool { return onParts(d) || is[Feeder](d) }},
	{HasRAM, is[Memory]},
	{IsOnParts, onParts},
	{IsConcurrent, func(d Device) bool { c, ok := d.(Concurrent); return ok && c.Concurrent() }},
	{Derives, is[Deriver]},
	{CanSanitize, is[Sanitizer]},
}

func is[T any](d Device) bool {
	_, ok := d.(T)
	return ok
}

func onParts(d Device) bool {
	on, ok := d.(OnParts)
	return ok && on.OnParts()
}

// Capabilities lists what d can do, in a fixed order.
func Capabilities(d Device) []Capability {
	limit, limited := d.(Limited)
	var all []Capability
	for _, h := range has {
		if h.by(d) && (!limited || limit.Has(h.Capability)) {
			all = append(all, h.Capability)
		}
	}
	return all
}

// missing are those of want that have does not hold.
func missing(have, want []Capability) []Capability {
	var out []Capability
	for _, c := range want {
		if !slices.Contains(have, c) {
			out = append(out, c)
		}
	}
	return out
}
