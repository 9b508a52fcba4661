package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// physical is what a thief has collected of a world.
type physical struct {
	graves []grave
	used   []Name // every PIN that occurred in a command, in order
	ram    map[uint32]bool
	claims int    // searches that found nothing where the same search would have found something
	blind  string // why a search could not have found anything
}

// grave is what a thief saw of a range before a command that could give it another key.
type grave struct {
	key    uint32
	n      int
	oracle forensic.Oracle
	pages  []flash.Page
	shown  bool // the search for it finds it in pages
}

// remember looks at the dump before a command that may destroy a key, and notes PINs.
func (w *World) remember(c Command) {
	for _, n := range []Name{c.PIN, c.To} {
		if strings.HasPrefix(string(n), "p") && n != "psid" && !slices.Contains(w.look.used, n) {
			w.look.used = append(w.look.used, n)
		}
	}
	m, sure := w.sure()
	if w.dumper == nil || w.unseen || !sure || !slices.Contains([]Verb{SetPIN, SetRange, Migrate, GenKey, Erase, EraseAll, Revert, SanitizeIt}, c.Verb) {
		return
	}
	dump := w.dumper.Dump()
	for n := range m.ranges {
		if slices.ContainsFunc(w.look.graves, func(g grave) bool { return g.key == m.ranges[n].key }) {
			continue
		}
		for _, o := range w.oracles(m, dump, n) {
			w.look.graves = append(w.look.graves, grave{key: m.ranges[n].key, n: n, oracle: o, pages: dump.Flash})
		}
	}
}

// oracleSize is how many bytes of a sector a thief knows.
const oracleSize = 64

// oracles are up to two sectors of range n whose data the range's key gives.
func (w *World) oracles(m *model, dump drive.Dump, n int) []forensic.Oracle {
	var out []forensic.Oracle
	for _, lba := range m.written() {
		s := m.sectors[lba]
		if len(out) == 2 || s.content == unknown || s.content == 0 || s.maybe || m.rangeOf(lba) != n || s.key != m.ranges[n].key {
			continue
		}
		cipher, written := dump.Sector(lba)
		if !written || len(cipher) < oracleSize {
			continue
		}
		plain := make([]byte, w.id.SectorSize)
		fill(plain, s.content, lba)
		out = append(out, forensic.Oracle{
			Name: fmt.Sprintf("range %d, key %d, sector %d, number %d", n, s.key, lba, s.content), SectorSize: w.id.SectorSize, LBA: lba,
			Plain: plain[:oracleSize], Cipher: cipher[:oracleSize],
		})
	}
	return out
}

// secrets are what opens the chip and every PIN of the world, but one.
func (w *World) known(dump drive.Dump, but Name) []forensic.Secret {
	var out []forensic.Secret
	if o := capability[Opened](w, HasChip); o != nil {
		out = o.Chip()
	}
	derive := capability[Deriver](w, Derives)
	for _, name := range append([]Name{"msid", "psid"}, w.look.used...) {
		pin := name.pin(w.label)
		if name == but || pin.Len() == 0 || pin.Equal(but.pin(w.label)) {
			continue
		}
		out = append(out, forensic.PIN("PIN "+string(name), pin))
		if derive != nil {
			for i, k := range derive.KEKs(dump, pin) {
				out = append(out, forensic.Key(fmt.Sprintf("key %d of PIN %s", i, name), k))
			}
		}
	}
	return out
}

// ways are what the thief of the suite tries beyond package forensic's own: what drives of other makes
// call for, and costs little.
const ways = forensic.Encoded | forensic.GCM

// search looks for keys with every secret but one.
func (w *World) search(dump drive.Dump, but Name, oracles []forensic.Oracle, deep bool) forensic.Findings {
	opts := forensic.Options{}
	if o := capability[Opened](w, HasChip); o != nil {
		opts = o.Derivation()
	}
	if w.has(Derives) { // which has every key that a PIN leads to: see known
		opts.KDF = func(*secret.Key32, drive.PIN, [16]byte) (*secret.Key32, error) { return nil, errors.ErrUnsupported }
	}
	opts.Deep, opts.Also = deep, ways
	found, err := forensic.Search(dump, w.known(dump, but), oracles, opts)
	if err != nil {
		w.failf("answer", "the dump cannot be searched: %v", err)
	}
	return found
}

// buried is a dump with pages of an earlier one of so many blocks behind it, as if nothing had been destroyed.
func buried(dump drive.Dump, blocks int, pages []flash.Page) drive.Dump {
	out := dump
	out.Geometry.Blocks += blocks
	out.Flash = slices.Clone(dump.Flash)
	for _, p := range pages {
		p.Block += dump.Geometry.Blocks
		out.Flash = append(out.Flash, p)
	}
	return out
}

// thief searches the dump for keys that should be gone, for keys that open without the PIN that they
// should need, and for wraps that open without any secret. A search proves something only where the
// same search finds the key once it is there. So the search with all PINs must find every key that is
// in use, and must have found every key that is gone in pages from when it was in use.
func (w *World) thief(deep bool) {
	m, sure := w.sure()
	if !sure {
		return // the device says that it lost track, or nobody can say what it is
	}
	dump := w.dumper.Dump()
	if len(dump.Flash) == 0 {
		w.blindly("the dump of the flash is empty")
		return
	}
	var dead []*grave
	for i := len(w.look.graves) - 1; i >= 0 && len(dead) < deadMax; i-- {
		if g := &w.look.graves[i]; !m.inUse(g.key) {
			dead = append(dead, g)
		}
	}
	var oracles []forensic.Oracle
	for _, g := range dead {
		oracles = append(oracles, g.oracle)
	}
	alive := make([][]forensic.Oracle, len(m.ranges))
	for n := range m.ranges {
		alive[n] = w.oracles(m, dump, n)
		oracles = append(oracles, alive[n]...)
	}
	found := w.search(dump, "empty", oracles, deep)
	w.thiefOfTheDead(dump, dead, found)
	for n := range m.ranges {
		w.thiefOfRange(m, dump, n, alive[n], found, deep)
	}
}

// deadMax is how many keys that are gone are searched for, the newest first.
const deadMax = 4

// opening are the findings that open one of the oracles.
func opening(found []forensic.Finding, oracles ...forensic.Oracle) (out []forensic.Finding) {
	for _, f := range found {
		if slices.ContainsFunc(oracles, func(o forensic.Oracle) bool { return o.Name == f.Oracle }) {
			out = append(out, f)
		}
	}
	return out
}

// thiefOfTheDead judges what the search with all PINs has found of keys that are gone.
func (w *World) thiefOfTheDead(dump drive.Dump, dead []*grave, found forensic.Findings) {
	for _, g := range dead {
		if keys := opening(found.Keys, g.oracle); len(keys) > 0 {
			w.failf("key found", "a key that should be gone is in the dump: %v", keys[0])
		}
	}
	if weak := found.Weak(); len(weak) > 0 && w.has(HasChip) {
		w.failf("weak wrap", "a key opens without the secrets that it should need: %v", weak[0])
	}
	w.show(dump, dead)
	for _, g := range dead {
		if !g.shown {
			w.blindly("the key of %s is not found even in the pages from before", g.oracle.Name)
			continue
		}
		w.look.claims++
	}
}

// show searches for keys that are gone where they must be found: in a dump with the pages from when they
// were in use. What was found once, with the PINs of that time, is found with those and more.
func (w *World) show(dump drive.Dump, dead []*grave) {
	var oracles []forensic.Oracle
	with := dump
	for _, g := range dead {
		if !g.shown {
			oracles, with = append(oracles, g.oracle), buried(with, dump.Geometry.Blocks, g.pages)
		}
	}
	if len(oracles) == 0 {
		return
	}
	found := w.search(with, "empty", oracles, false)
	for _, g := range dead {
		g.shown = g.shown || len(opening(found.Keys, g.oracle)) > 0
	}
}

// thiefOfRange judges the key of a range in use: found is what the search with all PINs found.
func (w *World) thiefOfRange(m *model, dump drive.Dump, n int, oracles []forensic.Oracle, found forensic.Findings, deep bool) {
	g := &m.ranges[n]
	pin := m.slots[2+n].pin
	if len(oracles) == 0 {
		return
	}
	if !g.openAfterPower() && pin != "msid" {
		if found := w.search(dump, pin, oracles, deep); len(found.Keys) > 0 {
			w.failf("key found", "the key of range %d opens without the PIN of its BandMaster: %v", n, found.Keys[0])
		}
	}
	if len(opening(found.Keys, oracles...)) == 0 {
		w.blindly("the key of range %d is not found even with the PIN of its BandMaster and whatever else the thief may have", n)
		return
	}
	w.look.claims++
}

func (w *World) blindly(format string, args ...any) {
	if w.look.blind == "" {
		w.look.blind = fmt.Sprintf(format, args...)
	}
}

// ramPage is how the RAM is cut for the search. Pages overlap, so that no key is cut apart.
const ramPage = 4096

// ram searches the RAM for the keys of ranges. The key of a range that moves data must be found:
// else the search is blind. One that is gone, or that waits for its BandMaster, must not be.
func (w *World) ram() {
	m, sure := w.sure()
	if !sure {
		return
	}
	mem, err := w.dev.(Memory).RAM()
	if err != nil {
		w.failf("answer", "the RAM cannot be read: %v", err)
	}
	var pages []flash.Page
	for at := 0; at < len(mem); at += ramPage - 128 {
		pages = append(pages, flash.Page{Page: len(pages), Data: bytes.Clone(mem[at:min(len(mem), at+ramPage)])})
	}
	ram := drive.Dump{Geometry: flash.Geometry{Blocks: 1, PagesPerBlock: max(1, len(pages)), PageSize: ramPage}, Flash: pages}
	inRAM := func(o forensic.Oracle) bool {
		found, err := forensic.Search(ram, nil, []forensic.Oracle{o}, forensic.Options{})
		if err != nil {
			w.failf("answer", "the RAM cannot be searched: %v", err)
		}
		return len(found.Keys) > 0
	}
	if w.look.ram == nil {
		w.look.ram = map[uint32]bool{}
	}
	for _, g := range w.look.graves {
		w.ramClaim(g.key, !m.inUse(g.key), inRAM(g.oracle), "a key that is gone")
	}
	dump := w.dumper.Dump()
	for n := range m.ranges {
		g := &m.ranges[n]
		for _, o := range w.oracles(m, dump, n) {
			shut := !m.on || g.readLocked() && g.writeLocked()
			is := inRAM(o)
			w.ramClaim(g.key, shut, is, fmt.Sprintf("the key of range %d, which is shut", n))
			if !shut && g.ram && !is {
				w.blindly("the key of range %d, which is in use, is not found in RAM", n)
			}
			w.look.ram[g.key] = w.look.ram[g.key] || is
		}
	}
}

func (w *World) ramClaim(key uint32, shut, is bool, what string) {
	switch {
	case shut && is:
		w.failf("key in RAM", "%s is in RAM", what)
	case shut && w.look.ram[key]:
		w.look.claims++ // it was found once
	}
}
