package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"
)

// A keptVerdict is a line of the file of verdicts, with the options that decided it. Accepting a
// change alters the time it gets, so it is tried again.
type keptVerdict struct {
	Number      int
	ID          string
	Status      status
	By          string
	Left        int
	Most, Grace time.Duration
}

// A keeper keeps the verdicts on one state of the sources, so that a run that was interrupted goes
// on where it stopped. Every verdict is written at once, on a line of its own.
type keeper struct {
	mu    sync.Mutex
	file  *os.File // nil if there is no cache: then the next run tries all again
	known map[keptVerdict]keptVerdict
}

// ask is what has to be the same for a verdict to count again. The name of the change is there
// because its number alone would say nothing to somebody who reads the file.
func (k keptVerdict) ask() keptVerdict {
	return keptVerdict{Number: k.Number, ID: k.ID, Most: k.Most, Grace: k.Grace}
}

// keep opens the verdicts that belong to path, which is made of a fingerprint.
func keep(path string) *keeper {
	k := &keeper{known: map[keptVerdict]keptVerdict{}}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return k
	}
	old, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return k
	}
	k.file = f
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		f.WriteString("\n") // the run was killed in the middle of a line, which is passed over
	}
	for lines := bufio.NewScanner(bytes.NewReader(old)); lines.Scan(); {
		var v keptVerdict
		if json.Unmarshal(lines.Bytes(), &v) == nil {
			k.known[v.ask()] = v
		}
	}
	return k
}

// find is the verdict of an earlier run on a change, if there is one by the same options.
func (k *keeper) find(c Change, most, grace time.Duration) (verdict, bool) {
	v, ok := k.known[keptVerdict{Number: c.Number, ID: c.ID(), Most: most, Grace: grace}]
	return verdict{Change: c, status: v.Status, by: v.By, left: v.Left, earlier: true}, ok
}

// add writes a verdict. Where that fails the next run tries the change again.
func (k *keeper) add(v verdict, most, grace time.Duration) {
	b, err := json.Marshal(keptVerdict{v.Number, v.ID(), v.status, v.by, v.left, most, grace})
	if err != nil || k.file == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.file.Write(append(b, '\n'))
}

func (k *keeper) close() {
	if k.file != nil {
		k.file.Close()
	}
}
