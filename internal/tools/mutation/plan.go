package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path"
	"slices"
)

// A target is a package and what its own tests are held to.
type target struct {
	Pkg    string
	Aim    float64 // the share of changes to be noticed, in percent
	Sample int     // as many changes are tried unless the caller says how many; 0 for all
}

// aims are the packages that make mutation goes through.
var aims = []target{
	{Pkg: "internal/keywrap", Aim: 97},
	{Pkg: "internal/xts", Aim: 97},
	{Pkg: "drive", Aim: 85},
	{Pkg: "erase", Aim: 88},
	{Pkg: "erase/forensic", Aim: 88},
	{Pkg: "encgroup", Aim: 93},
	{Pkg: "encgroup/repository", Aim: 90},
	{Pkg: "encgroup/kmip/ttlv", Aim: 93},
	{Pkg: "raslab", Aim: 80, Sample: 600},
}

// pick draws n changes, each equally likely, and gives them in the order of the source. The same
// seed draws the same ones from the same changes.
func pick(changes []Change, n int, seed string) []Change {
	h := fnv.New128a()
	h.Write([]byte(seed))
	sum := h.Sum(nil)
	var half [2]uint64
	for i, b := range sum {
		half[i/8] = half[i/8]<<8 | uint64(b)
	}
	drawn := slices.Clone(changes)
	rand.New(rand.NewPCG(half[0], half[1])).Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	if n > 0 && n < len(drawn) {
		drawn = drawn[:n]
	}
	slices.SortStableFunc(drawn, func(a, b Change) int {
		if a.File != b.File {
			if a.File < b.File {
				return -1
			}
			return 1
		}
		return a.Number - b.Number
	})
	return drawn
}

// ofFiles are the changes in some files of a package; none means all.
func ofFiles(changes []Change, files []string) []Change {
	if len(files) == 0 {
		return changes
	}
	var out []Change
	for _, c := range changes {
		if slices.Contains(files, path.Base(c.File)) {
			out = append(out, c)
		}
	}
	return out
}

// floor is the share in percent below which a sample of n changes says that the aims are missed:
// where exactly the weighted aim is noticed, a sample has less than floor with three
// standard deviations once in 740 runs.
func floor(weighted float64, n int, deviations float64) float64 {
	p := weighted / 100
	return math.Max(0, 100*(p-deviations*math.Sqrt(p*(1-p)/float64(n))))
}
