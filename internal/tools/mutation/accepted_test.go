package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const goodList = `# the list of p

p/f.go T.m
	negate a < b
		equivalent: b is never a
	#2 negate a < b
		message: only the number in the text

p/g.go f
	remove call()
		speed: fills a cache
`

func TestAcceptedLists(t *testing.T) {
	a, err := parseAccepted([]byte(goodList), "p")
	require.NoError(t, err)
	require.Len(t, a, 3)
	k := key{File: "p/f.go", Func: "T.m", Text: "negate a < b", Ordinal: 2}
	require.Equal(t, entry{key: k, Kind: "message", Why: "only the number in the text", Line: 6}, a[k])
	k.Ordinal = 1
	require.Equal(t, equivalent, a[k].Kind, "an entry without a number is the first one")

	c := Change{File: "p/f.go", Func: "f", Text: "negate a", Ordinal: 2}
	_, err = parseAccepted([]byte(c.format()), "p")
	require.ErrorContains(t, err, "3: ", "the form to fill in is refused until a kind is chosen")
}

func TestBadAcceptedLists(t *testing.T) {
	head := "p/f.go f\n"
	for bad, want := range map[string]string{
		head + "\tnegate a\n":                                            "2: the change has no reason",
		head + "\tnegate a\n\tnegate b\n\t\tspeed: x\n":                  "2: the change has no reason",
		head + "\tnegate a\n\t\tspeed:\n":                                `3: "speed:" is not a reason`,
		head + "\tnegate a\n\t\tbecause: x\n":                            "write one of equivalent, machine, message, speed, other",
		head + "\t\tspeed: x\n":                                          "is not a reason for one change",
		head + "\tnegate a\n\t\tspeed: x\n\t\tspeed: y\n":                "4: ",
		head + "\tnegate a\n\t\tspeed: x\n\tnegate a\n\t\tspeed: x\n":    "4: the same change as in line 2",
		head + "\tnegate a\n\t\tspeed: x\n\t#1 negate a\n\t\tspeed: x\n": "4: the same change as in line 2",
		"\tnegate a\n\t\tspeed: x\n":                                     "1: a change before any file",
		"q/f.go f\n":                                                     "1: ",
		"p/f.go\n":                                                       "1: ",
		head + "\tnegate a\n\t\t\tspeed: x\n":                            "2: the change has no reason",
	} {
		_, err := parseAccepted([]byte(bad), "p")
		require.ErrorContains(t, err, want, bad)
	}
}

func TestTheListsOfThisRepositoryAreGood(t *testing.T) {
	_, err := readLists("accepted", aims)
	require.NoError(t, err)
	for _, a := range aims {
		require.DirExists(t, filepath.Join("../../..", a.Pkg), "a package with an aim exists")
	}
}

func TestAListOfNoPackageIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p-q.txt"), []byte("p/q/f.go f\n\tnegate a\n\t\tspeed: x\n"), 0o600))
	lists, err := readLists(dir, []target{{Pkg: "p/q"}, {Pkg: "r"}})
	require.NoError(t, err)
	require.Len(t, lists["p/q"], 1)
	require.Empty(t, lists["r"], "a package may have no list")
	_, err = readLists(dir, []target{{Pkg: "r"}})
	require.ErrorContains(t, err, "p-q.txt")
}
