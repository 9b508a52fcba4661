package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sampleRow has a change of each outcome. Numbers 5 and 6 are accepted.
func sampleRow() row {
	r := row{target: target{Pkg: "p", Aim: 55}, judged: true, accepted: accepted{}}
	for i, s := range []status{noticed, tooSlow, survived, unreached, survived, survived, hung} {
		c := Change{Number: i + 1, File: "p/f.go", Func: "f", Line: i + 1, Col: 1, Op: opRemove, Text: "remove call()", Ordinal: i + 1}
		r.all = append(r.all, c)
		r.verdicts = append(r.verdicts, verdict{Change: c, status: s, by: "TestX"})
	}
	r.accept(5, equivalent)
	r.accept(6, "message")
	return r
}

func (r row) accept(number int, kind string) {
	k := key{File: "p/f.go", Func: "f", Text: "remove call()", Ordinal: number}
	r.accepted[k] = entry{key: k, Kind: kind, Why: "why", Line: number}
}

func TestScore(t *testing.T) {
	n := sampleRow().count()
	require.Equal(t, count{tried: 7, noticed: 3, tooSlow: 1, hung: 1, unreached: 1, equivalent: 1}, n)
	require.InDelta(t, 50, n.score(), 1e-9, "3 of 6: an equivalent change does not count, another accepted one does")
	require.Equal(t, 100.0, count{tried: 2, equivalent: 2}.score(), "nothing could be noticed")
	require.Equal(t, count{tried: 14, noticed: 6, tooSlow: 2, hung: 2, unreached: 2, equivalent: 2}, n.plus(n))
}

func TestReport(t *testing.T) {
	r := sampleRow()
	var out bytes.Buffer
	require.False(t, report(&out, []row{r}, time.Second))
	require.Equal(t, `
  package  tried  noticed  too slow  hung  not reached  equivalent   score   aim  result
        p      7        3         1     1            1           1  50.0 %  55 %  MISSED

2 not noticed and not accepted (make mutation ONLY=file:line:col:word shows one closely):
p/f.go:3:1:remove  f  remove call()
p/f.go:4:1:remove  f  remove call()  (no test reaches it)
`, out.String())

	r.accept(3, "other")
	r.accept(4, "speed")
	r.Aim = 50
	out.Reset()
	require.True(t, report(&out, []row{r}, time.Second), "an aim that is met, and all others accepted: %s", &out)
	require.Contains(t, out.String(), "met")

	r.judged, r.Aim = false, 100
	out.Reset()
	require.True(t, report(&out, []row{r}, time.Second), "part of a package is not judged by its aim")
	require.Contains(t, out.String(), "part")
}

func TestAStaleEntryIsReported(t *testing.T) {
	r := sampleRow()
	r.accept(7, "speed") // it did not end: that may have been the machine
	require.Empty(t, r.stale())
	r.accept(1, "speed")
	r.accept(2, "speed") // processor time does not depend on the machine
	r.accept(9, "speed")
	require.Equal(t, []string{
		"p.txt:1: TestX notices it: p/f.go f: remove call()",
		"p.txt:2: TestX notices it: p/f.go f: #2 remove call()",
		"p.txt:9: the code has no such change: p/f.go f: #9 remove call()",
	}, r.stale())
	r.verdicts = r.verdicts[2:]
	require.Len(t, r.stale(), 1, "what was not tried is not stale")

	r = sampleRow()
	r.accept(1, machine)
	r.accept(3, machine)
	r.accept(4, machine)
	require.Empty(t, r.stale(), "this machine has what the change needs")
	require.Equal(t, 2, r.count().equivalent, "one that no test reaches here is out of the score")
	require.Len(t, r.fresh(), 1, "one that tests reach and do not notice is told of")

	r = sampleRow()
	r.Aim = 0
	r.accept(3, "other")
	r.accept(4, "other")
	require.True(t, report(&bytes.Buffer{}, []row{r}, time.Second))
	r.accept(9, "speed")
	var out bytes.Buffer
	require.False(t, report(&out, []row{r}, time.Second), "a stale entry is a failure")
	require.Contains(t, out.String(), "warning: no longer to be accepted: p.txt:9:")
}
