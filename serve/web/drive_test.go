package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// insidesAgree compares the drawings of a drive with what the shell prints to drive keys and drive dump.
func insidesAgree(b *browser) {
	t := b.t
	for _, d := range b.session.Lab().Drives() {
		if d.Serial == "" {
			continue
		}
		_, body := b.get("/drive/" + d.Slot)
		keys := element(t, body, "keys")
		said, err := b.try("drive keys drive=" + d.Slot)
		if err != nil {
			require.Contains(t, textOf(keys), console.ErrorText(err), "why %s shows no keys", d.Slot)
		} else {
			text := textOf(keys)
			require.Contains(t, text, regexp.MustCompile(`(?i)key record generation \d+`).FindString(said)[1:])
			for _, line := range strings.Split(said, "\n") {
				node := strings.TrimLeft(line, "│├└─ ")
				switch what, how, _ := strings.Cut(node, ": "); {
				case strings.HasPrefix(node, "PIN of"):
					require.Contains(t, text, what+" "+how, "%s: %s", d.Slot, node)
				case strings.HasPrefix(node, "AK of"):
					require.Contains(t, text, strings.TrimSuffix(node, ", "+console.WrapsNothing))
				case strings.HasPrefix(node, "MEK of"):
					require.Contains(t, text, strings.ReplaceAll(what, ", ", " ")+strings.TrimRight(" "+how, " "), "%s: %s", d.Slot, node)
				}
			}
			require.Equal(t, strings.Count(said, "MEK of"), strings.Count(keys, `class="lines wrap`), "%s: one line for each wrap of a media key", d.Slot)
			require.Equal(t, strings.Count(said, console.WrapsNothing), strings.Count(keys, console.WrapsNothing), d.Slot)
		}
		dump := strings.Join(b.answer("drive dump drive="+d.Slot), "\n")
		thief := element(t, body, "thief")
		_, picture, _ := strings.Cut(dump, "blank\n")
		media := picture[strings.Index(picture, "media:"):]
		require.Contains(t, textOf(thief), media)
		holds, zeros := strings.Count(picture, "■"), strings.Count(picture, "□")
		pages := holds + zeros + strings.Count(picture, "·") + strings.Count(picture, "?")
		require.Contains(t, textOf(thief), fmt.Sprintf("holds data: %s of %d □ overwritten with zeros: %d", count(holds, "page"), pages, zeros), d.Slot)
		require.Equal(t, holds, strings.Count(thief[:strings.Index(thief, "<ul class=\"muted\"")], `class="holds"`), "%s: a square for each page with data", d.Slot)
	}
}

// linesAgree compares the time lines of events, and that of everything, with the shell's.
func linesAgree(b *browser) {
	t := b.t
	compare := func(at, id, ask string) {
		_, body := b.get(at)
		text := textOf(element(t, body, id))
		for _, line := range b.answer(ask + " last=40") {
			if _, words, ok := strings.Cut(line, "●"); ok {
				require.Contains(t, text, strings.Join(strings.Fields(words), " "), "%s and %s", at, ask)
			}
		}
	}
	compare("/clock", "log", "event timeline")
	for _, e := range b.session.Lab().Events() {
		compare(fmt.Sprintf("/events/%d", e.ID), "story", fmt.Sprintf("event timeline event=%d", e.ID))
	}
}

// ranksAgree compares the members of each rank with the shell's answer to rank show.
func ranksAgree(b *browser) {
	t := b.t
	for _, r := range b.session.Lab().Ranks() {
		_, body := b.get("/rank/" + r.ID)
		text := textOf(element(t, body, "rank"))
		for i, line := range b.answer("rank show rank=" + r.ID)[1:] {
			if i >= len(r.Members) {
				require.Contains(t, text, strings.TrimPrefix(strings.TrimSpace(line), "owed: "), "what %s still needs", r.ID)
				continue
			}
			f := strings.Fields(line)
			require.Contains(t, text, f[0]+" "+f[1], "a member of %s", r.ID)
			if _, special, ok := strings.Cut(strings.Join(f, " "), ", "); ok {
				require.Contains(t, text, special, "what is special of %s", f[0])
			}
			if _, copying, ok := strings.Cut(strings.Join(f, " "), " copied to "); ok {
				require.Contains(t, text, "copied to "+copying)
			}
		}
	}
}

func TestKeysAreDrawnWithoutOverlap(t *testing.T) {
	t.Parallel()
	m := drive.KeyMap{Generation: 3}
	for _, who := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.BandMaster(1), drive.BandMaster(2), drive.PSID} {
		m.Slots = append(m.Slots, drive.KeyMapSlot{Authority: who, AtMSID: who == drive.SID, Tries: 2})
	}
	m.Ranges = []drive.KeyMapRange{
		{Range: 0, RootWrap: true, WrapsBy: []drive.Authority{drive.BandMaster(0)}},
		{Range: 1, WrapsBy: []drive.Authority{drive.BandMaster(0), drive.BandMaster(1)}},
		{Range: 2, WrapsBy: []drive.Authority{drive.BandMaster(0)}, InRAM: true},
		{Range: 3},
	}
	k := drawKeys(m, false)
	require.Len(t, k.wraps, 5, "one line for each wrap")
	require.Len(t, k.none, 4, "SID, EraseMaster, BandMaster2 and PSID wrap no media key")
	require.Contains(t, k.words, "MEK of range 1: unwrapped by the AK of BandMaster0 and the AK of BandMaster1. ")
	require.Contains(t, k.words, "MEK of range 3: unwrapped by nothing. ")
	for i, a := range k.boxes {
		require.LessOrEqual(t, a.x+a.w, keysWidth)
		require.LessOrEqual(t, a.y+a.h, k.height)
		for _, b := range k.boxes[i+1:] {
			apart := a.x+a.w <= b.x || b.x+b.w <= a.x || a.y+a.h <= b.y || b.y+b.h <= a.y
			require.True(t, apart, "%s and %s", a.title, b.title)
		}
	}
}

func TestThiefIsToldWhatOpensWhat(t *testing.T) {
	t.Parallel()
	band, other := drive.BandMaster(0), drive.BandMaster(1)
	detail := driveDetail{keys: drive.KeyMap{
		Slots: []drive.KeyMapSlot{{Authority: band}, {Authority: other, AtMSID: true}},
		Ranges: []drive.KeyMapRange{
			{Range: 0, RootWrap: true},
			{Range: 1, WrapsBy: []drive.Authority{band}, InRAM: true},
			{Range: 2, WrapsBy: []drive.Authority{band, other}},
			{Range: 3},
		},
	}}
	d := raslab.DriveInfo{Answers: true}
	var said []string
	for _, w := range waysOf(d, detail) {
		said = append(said, w.glyph+" "+w.what+" "+w.why)
	}
	require.Equal(t, []string{
		"open MEK of the global range is open to whoever holds the drive: the root key in its fuses unwraps it, without any PIN.",
		"lock MEK of range 1 opens only with the PIN of BandMaster0, which is not in the drive. It is in RAM now, and gone when the drive loses power.",
		"open MEK of range 2 is open to whoever holds the drive: it is wrapped by the PIN of BandMaster1, the MSID, which anyone can read.",
		"lock MEK of range 3 is wrapped by nothing: what was written under it is lost.",
	}, said)
	d.Status.State = drive.SecurityDegraded
	require.Equal(t, "bad", waysOf(d, detail)[0].tone)
	require.Len(t, waysOf(d, detail), 5)
}
