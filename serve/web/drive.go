package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// driveDetail is what the page of a drive says beside the state of its slot.
type driveDetail struct {
	keys   drive.KeyMap
	noKeys string // why there are none
	dump   drive.Dump
	size   uint64 // of the medium, in sectors
	events []raslab.ServiceEvent
	line   timeLine
}

func (s *Server) drivePage(st *State, slot string, role Role) page {
	for _, e := range st.Enclosures {
		for _, d := range e.Slots {
			if !strings.EqualFold(d.Slot, slot) {
				continue
			}
			detail := driveDetail{events: eventsOf(st, d)}
			s.lab.ask(st, func(f *raslab.Lab) { detail.look(f, d) })
			facts, line := driveAside(d, detail, role), timeLineOf("driveline", "What happened to it", detail.line)
			own, insides := []part{{"drive", facts}, {"driveline", line}}, []part(nil)
			if detail.dump.Geometry.Blocks > 0 { // no drive is there, or it has gone since
				insides = []part{{"keys", keyHierarchy(detail, degraded(d))}, {"thief", thief(d, detail)}}
			}
			return page{
				title: "Drive " + d.Slot, status: http.StatusOK, body: driveView(e, d, facts, line, insides),
				parts: slices.Concat(enclosureParts(e, d.Slot), own, insides),
			}
		}
	}
	return missing("there is no slot " + slot)
}

// look takes a drive apart, without touching it: what its key record says, what lies in its flash and on its medium, and
// what the log has of it.
func (d *driveDetail) look(f *raslab.Lab, info raslab.DriveInfo) {
	d.line = storyOf(f, console.About(info.Slot, info.Serial))
	part, err := f.Part(info.Slot)
	if err != nil || info.Serial == "" {
		return
	}
	if d.keys, err = console.KeyMap(f, info.Slot); err != nil {
		d.noKeys = console.ErrorText(err)
	}
	d.dump, d.size = part.Drive.Dump(), part.Drive.Config().Sectors
}

// eventsOf are the events that name the drive in a slot.
func eventsOf(st *State, d raslab.DriveInfo) []raslab.ServiceEvent {
	var all []raslab.ServiceEvent
	for _, e := range st.Events {
		for i, slot := range e.Slots {
			if slot == d.Slot && (i >= len(e.Serials) || e.Serials[i] == d.Serial) {
				all = append(all, e)
				break
			}
		}
	}
	return all
}

// degraded says whether a drive says that it is.
func degraded(d raslab.DriveInfo) bool { return d.Answers && d.Status.State == drive.SecurityDegraded }

// way is how a thief stands before one media key.
type way struct{ glyph, tone, what, why string }

// waysOf says for each media key what opens it, as the key record has it: with the drive alone, with what anyone can
// read, or only with a PIN that is not in the drive.
func waysOf(d raslab.DriveInfo, detail driveDetail) (all []way) {
	if degraded(d) {
		all = append(all, way{"warn", "bad", "Key records that should be gone", "may still lie in the flash: the drive says that it is security degraded."})
	}
	for _, r := range detail.keys.Ranges {
		which, _ := console.MEKText(r)
		w := way{"lock", "", which, "is wrapped by nothing: what was written under it is lost."}
		var secret []string
		public := ""
		for _, by := range r.WrapsBy {
			i := slices.IndexFunc(detail.keys.Slots, func(s drive.KeyMapSlot) bool { return s.Authority == by })
			if i < 0 {
				continue
			}
			whose, what := console.PINText(detail.keys.Slots[i])
			if detail.keys.Slots[i].AtMSID {
				public = whose + ", " + what
			} else {
				secret = append(secret, whose)
			}
		}
		switch {
		case r.RootWrap:
			w.glyph, w.why = "open", "is "+console.OpenToHolder+": the root key in its fuses unwraps it, without any PIN."
		case public != "":
			w.glyph, w.why = "open", "is "+console.OpenToHolder+": it is wrapped by the "+public+"."
		case len(secret) > 0:
			w.why = "opens only with the " + strings.Join(secret, " or the ") + ", which is not in the drive."
		}
		if r.InRAM && !r.RootWrap {
			w.why += " It is in RAM now, and gone when the drive loses power."
		}
		all = append(all, w)
	}
	return all
}

// flashCounts counts the pages of each kind.
func flashCounts(pages [][]console.PageKind) (n map[console.PageKind]int, all int) {
	n = map[console.PageKind]int{}
	for _, block := range pages {
		for _, kind := range block {
			n[kind]++
			all++
		}
	}
	return n, all
}

// flashLabel says in words what the map of the flash draws.
func flashLabel(pages [][]console.PageKind) string {
	var words []string
	for i, block := range pages {
		n, _ := flashCounts([][]console.PageKind{block})
		for _, kind := range []struct {
			of   console.PageKind
			says string
		}{{console.Holds, "%s of block %d hold data"}, {console.Zeros, "%s of block %d were overwritten with zeros"}, {console.Unread, "%s of block %d cannot be read"}} {
			if n[kind.of] > 0 {
				words = append(words, fmt.Sprintf(kind.says, count(n[kind.of], "page"), i))
			}
		}
	}
	if len(words) == 0 {
		return "all pages are blank"
	}
	return strings.Join(words, ", ") + "; all others are blank"
}

// mediaCells is how many cells the picture of a medium has.
const mediaCells = 128

// written says which cells of the picture of a medium have a sector that was written.
func written(dump drive.Dump, size uint64) (cells [mediaCells]bool) {
	for _, lba := range dump.Written {
		if lba < size {
			cells[lba*mediaCells/size] = true
		}
	}
	return cells
}
