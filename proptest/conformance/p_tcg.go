package conformance

import "maps"

// SpeaksTCG is a device with the commands of TCG Storage. No Device has them yet, so what needs them
// is not judged.
const SpeaksTCG Capability = "tcg"

// tcgProperties are the rows of TCG's Opal Family Test Cases Specification, by their numbers: use
// cases (UCT), specific functionality (SPF) and error cases (ETC). Those that a host can try without
// the wire format are judged.
var tcgProperties = tcgRows()

// tcgRow is a row that needs no wire.
type tcgRow struct {
	p   Property
	run func(*Trial)
}

// tcgTried are those rows.
var tcgTried = func() map[string]tcgRow {
	all := maps.Clone(tcgUseCases)
	maps.Copy(all, tcgOthers)
	return all
}()

var tcgUseCases = map[string]tcgRow{
	"UCT-03": {Property{}, func(t *Trial) {
		w := t.World(nil)
		w.Do("try SID msid; set-pin SID msid p1; try SID msid; try SID p1; power-off; power-on; try SID msid; try SID p1")
	}},
	"UCT-05": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(nil)
		w.Do("set-pin EraseMaster msid p8; set-pin BandMaster0 msid p1; set-pin BandMaster1 msid p5; power-off; power-on")
		w.Do("try EraseMaster p8; try BandMaster0 p1; try BandMaster1 p5; try BandMaster0 p5; try BandMaster1 p1; try EraseMaster p1; try BandMaster0 p1")
	}},
	"UCT-06": {Property{Ranges: 2}, func(t *Trial) {
		w := t.World(nil)
		w.lockable(1, "msid", "rw", 1)
		w.lockable(2, "msid", "r-", 7)
		w.Do("write %d 2 1; write %d 2 2; power-off; power-on; read %d 1; read %d 1; read 0 1", w.at(1), w.at(2), w.at(1), w.at(2))
	}},
	"UCT-07": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(nil)
		w.own(1, "p1")
		w.Do("write %d 2 1; power-off; power-on; read %d 1; set-locks 1 msid --; read %d 1; set-locks 1 p1 --; read %d 2; write %d 1 2", w.at(1), w.at(1), w.at(1), w.at(1), w.at(1))
	}},
	"UCT-08": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(nil)
		w.own(1, "p1")
		w.Do("write %d 2 1; write 0 2 2; erase 1 msid; read %d 2; read 0 2; try BandMaster1 p1; try BandMaster1 msid; power-off; power-on; read %d 2", w.at(1), w.at(1), w.at(1))
	}},
	"UCT-16": {Property{}, func(t *Trial) {
		w := t.owned(0, "p1")
		w.Do("set-pin SID msid p7; revert psid; read 0 2; try SID p7; try SID msid; try BandMaster0 p1; try BandMaster0 msid; power-off; power-on; read 0 2")
	}},
}

var tcgOthers = map[string]tcgRow{
	"SPF-03": {Property{Limited: true}, func(t *Trial) {
		w := t.World(nil)
		for range w.id.TryLimit {
			w.Do("try SID p9")
		}
		w.Do("try SID msid; try SID p9; try EraseMaster msid")
	}},
	"SPF-04": {Property{Limited: true}, func(t *Trial) {
		w := t.World(nil)
		for range 2 {
			for range w.id.TryLimit - 1 {
				w.Do("try SID p9")
			}
			w.Do("try SID msid")
		}
	}},
	"SPF-05": {Property{Limited: true}, func(t *Trial) {
		w := t.World(func(x *Wish) { x.Persistent = false })
		if w.id.Persistent {
			panic(&unjudged{why: "a power cycle of the device keeps the counts of tries, as it says"})
		}
		for range w.id.TryLimit {
			w.Do("try SID p9")
		}
		w.Do("try SID msid; power-off; power-on; try SID msid")
	}},
	"SPF-09": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(func(x *Wish) { x.Granularity = 16 })
		if w.id.Granularity < 2 {
			panic(&unjudged{why: "the ranges of the device need no alignment"})
		}
		g := w.id.Granularity
		w.Do("set-range 1 msid %d %d -- 1; set-range 1 msid %d %d -- 1; set-range 1 msid %d %d -- 1; write %d 2 1; read %d 2", g+1, g, g, g+1, g, 2*g, g, g)
	}},
	"ETC-01": {Property{}, func(t *Trial) {
		w := t.owned(0, "p1")
		w.Do("set-locks 0 p1 rw; read 0 1; write 0 1 2; set-locks 0 p1 r-; read 0 1; write 2 1 3; set-locks 0 p1 -w; read 0 2; write 0 1 4; set-locks 0 p1 --; read 0 3")
	}},
	"ETC-12": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(func(x *Wish) { x.TryLimit = 1000 })
		w.own(0, "p1")
		w.own(1, "p5")
		w.Do("write 0 2 1; erase 0 p1; set-locks 1 p1 rw; set-range 0 p5 0 0 -- 1; set-pin SID p1 p9; set-pin EraseMaster p5 p9; read 0 2; try SID msid; try EraseMaster msid")
	}},
	"ETC-16": {Property{Ranges: 2}, func(t *Trial) {
		w := t.World(nil)
		w.place(1, "msid")
		at, g := w.at(1), w.grid()
		w.Do("write %d 2 1; set-range 2 msid %d %d -- 1; set-range 2 msid 0 %d -- 1; set-range 2 msid %d %d -- 1; set-range 2 msid %d %d -- 1; read %d 2", at, at, g, 3*g, at, 2*g, at+g, g, at)
	}},
	"ETC-24": {Property{Ranges: 1}, func(t *Trial) {
		w := t.World(nil)
		w.own(1, "p1")
		w.Do("write %d 2 1; write 0 1 2; set-locks 1 p1 rw; read %d 2; write %d 2 3; read %d 2; read 0 1; set-locks 1 p1 --; read %d 2", w.at(1), w.at(1)-1, w.at(1)-1, w.at(1), w.at(1))
		w.Do("set-locks 1 p1 r-; read %d 2; set-locks 1 p1 -w; write %d 2 4; read %d 2", w.at(1)-1, w.at(1)-1, w.at(1)-1)
	}},
}

var tcgNames = []struct {
	family string
	names  []string
}{
	{"UCT", []string{
		"level 0 discovery", "properties", "taking ownership", "activate the Locking SP", "configuring authorities", "configuring locking objects",
		"unlocking ranges", "erasing ranges", "using the DataStore table", "enabling MBR shadowing", "MBR done",
		"revert the Locking SP by SID, Manufactured-Inactive", "revert the Locking SP by SID, Manufactured", "revert the Admin SP by SID, Manufactured-Inactive",
		"revert the Admin SP by SID or Admin1, Manufactured", "revert by PSID",
	}},
	{"SPF", []string{
		"transaction", "behaviour of IF-RECV", "TryLimit", "tries reset by a right PIN", "tries reset by a power cycle", "Next", "host session number",
		"RevertSP", "range alignment", "byte table granularity", "stack reset", "TPer reset", "Authenticate", "session abort (deprecated)", "Random",
		"CommonName", "additional DataStore tables", "range crossing", "Block SID", "data removal mechanism",
	}},
	{"ETC", []string{
		"native read and write of a locked range", "synchronous protocol of IF-SEND and IF-RECV", "invalid transfer length", "invalid session number",
		"unexpected token outside a method, regular session", "unexpected token in the method header, regular session",
		"unexpected token outside a method, control session", "unexpected token in the parameters, control session", "transaction limit",
		"invalid invoking ID, Get", "invalid invoking ID, other methods", "authorization", "malformed ComPacket",
		"exceeding the TPer properties, regular session", "exceeding the TPer properties, control session", "overlapping ranges", "invalid type",
		"RevertSP with a locked global range", "Activate and ATA security", "StartSession on an inactive Locking SP", "wrong host challenge",
		"several sessions", "data removal with an unsupported value", "read and write over the border of a locked range",
	}},
}

func tcgRows() []*Property {
	var all []*Property
	for _, f := range tcgNames {
		for i, name := range f.names {
			id := f.family + "-" + string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
			tried, is := tcgTried[id]
			if !is {
				tried.p.Needs = []Capability{SpeaksTCG}
				tried.run = func(*Trial) {}
			}
			all = append(all, family(id, name, "title of TCG Storage Opal Family Test Cases; the steps are ours (not read)", tried.p, tried.run))
		}
	}
	return all
}
