package raslab

import (
	"fmt"
	"strings"
	"time"
)

// TraceEntry is one line of the facility's log. It never holds a secret.
type TraceEntry struct {
	Seq   uint64    // counts from 1
	Time  time.Time // virtual
	Actor string    // "service", "health check", "rank R0", "R1-I1-D05", "iml", "event", "power"
	Text  string    // one line
}

func (e TraceEntry) String() string {
	return fmt.Sprintf("%06d %s %s: %s", e.Seq, e.Time.Format("2006-01-02 15:04:05"), e.Actor, e.Text)
}

// Trace is the whole log so far, oldest first; the slice is a copy. The same
// options and the same calls give the same trace, byte for byte.
func (l *Lab) Trace() []TraceEntry { return append([]TraceEntry(nil), l.trace...) }

// TraceSince is the log from entry number seq+1 on, oldest first.
func (l *Lab) TraceSince(seq uint64) []TraceEntry {
	if seq >= uint64(len(l.trace)) {
		return nil
	}
	return append([]TraceEntry(nil), l.trace[seq:]...)
}

// TraceText is the log as text, one line an entry.
func (l *Lab) TraceText() string {
	var b strings.Builder
	for _, e := range l.trace {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func (l *Lab) logf(actor, format string, args ...any) {
	l.trace = append(l.trace, TraceEntry{
		Seq: uint64(len(l.trace)) + 1, Time: l.Now(), Actor: actor, Text: fmt.Sprintf(format, args...),
	})
}
