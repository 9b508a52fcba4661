package raslab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// RAIDType is how an array uses its site.
type RAIDType string

// The RAID types. RAIDAuto makes the first two arrays of a DA pair 6+P+S, so
// that the pair has its spares, and the others 7+P (assumption).
const (
	RAIDAuto RAIDType = ""
	RAID6PS  RAIDType = "6+P+S"
	RAID7P   RAIDType = "7+P"
)

// array is RAID 5 on a site. home is where its members were at first; members
// are the slots that serve the positions now, spares included.
type array struct {
	id      int
	site    *site
	raid    RAIDType
	members []*slot
	rank    *Rank
}

func (a *array) name() string { return fmt.Sprintf("A%d", a.id) }

func (a *array) home(position int) *slot { return a.site.slots[position] }

func (a *array) raidText() string { return "5 (" + string(a.raid) + ")" }

func (t RAIDType) members() int {
	if t == RAID6PS {
		return drivesPerSite - 1
	}
	return drivesPerSite
}

// lowestFree is the lowest number that no member of a list has.
func lowestFree[T any](list []T, id func(T) int) int {
	for n := 0; ; n++ {
		if !slices.ContainsFunc(list, func(x T) bool { return id(x) == n }) {
			return n
		}
	}
}

func insertByID[T any](list []T, x T, id func(T) int) []T {
	i, _ := slices.BinarySearchFunc(list, id(x), func(y T, n int) int { return id(y) - n })
	return slices.Insert(list, i, x)
}

// CreateArray makes an array of a site; every drive of it must be Normal and
// free. Report.Object is its name.
func (l *Lab) CreateArray(siteName string, raid RAIDType) (out Report, bad error) {
	const op = "array create"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	t, err := l.plant.siteNamed(op, siteName)
	if err != nil {
		return Report{}, err
	}
	switch raid {
	case RAIDAuto, RAID6PS, RAID7P:
	default:
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("no RAID type %q", string(raid)), "6+P+S and 7+P are right here")
	}
	if t.array != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s has array %s already", t.name(), t.array.name()), "name an unassigned site")
	}
	for _, s := range t.slots {
		if s.array != nil {
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s of %s still serves %s", s.name, t.name(), s.array.name()), "wait until it is free")
		}
		if s.state != Normal {
			is := string(s.state)
			if s.why != "" {
				is += " (" + s.why + ")"
			}
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s of %s is %s", s.name, t.name(), is), s.first())
		}
	}
	if raid == RAIDAuto {
		raid = RAID7P
		if n := l.plant.arraysOnPair(t.pair()); n < sparesRequired {
			raid = RAID6PS
		}
	}
	a := &array{id: lowestFree(l.plant.arrays, arrayID), site: t, raid: raid, members: slices.Clone(t.slots[:raid.members()])}
	for i, s := range a.members {
		s.array, s.position = a, i
	}
	t.array = a
	l.plant.arrays = insertByID(l.plant.arrays, a, arrayID)
	r := l.begin(op, a.name())
	r.note("array %s: %s on site %s", a.name(), a.raidText(), t.name())
	return r.done(), nil
}

func arrayID(a *array) int { return a.id }

func (p *plant) arraysOnPair(pair int) (n int) {
	for _, a := range p.arrays {
		if a.site.pair() == pair {
			n++
		}
	}
	return n
}

// RemoveArray removes an array that has no rank.
func (l *Lab) RemoveArray(name string) (out Report, bad error) {
	const op = "array remove"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	a, err := l.plant.arrayNamed(op, name)
	if err != nil {
		return Report{}, err
	}
	if a.rank != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s carries rank %s", a.name(), a.rank.name()), "remove the rank first")
	}
	if r := a.removal(); r != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("rank %s of %s is being removed", r.name(), a.name()), "finish that first: rank show tells what is missing")
	}
	for _, s := range a.members {
		s.array = nil
	}
	a.site.array = nil
	l.plant.arrays = slices.DeleteFunc(l.plant.arrays, func(x *array) bool { return x == a })
	r := l.begin(op, a.name())
	r.note("array %s removed, site %s is unassigned", a.name(), a.site.name())
	return r.done(), nil
}

// Arrays lists the arrays, by number.
func (p *plant) Arrays() []ArrayInfo {
	out := make([]ArrayInfo, len(p.arrays))
	for i, a := range p.arrays {
		out[i] = ArrayInfo{
			ID: a.name(), State: "Unassigned", Data: "Normal", RAID: a.raidText(), Site: a.site.name(), DAPair: a.site.pair(),
		}
		if a.rank != nil {
			out[i].State, out[i].Rank, out[i].Data = "Assigned", a.rank.name(), a.rank.dataState()
		}
		if r := a.removal(); r != nil {
			out[i].State, out[i].Rank, out[i].Data = "Assigned", r.name(), "Inaccessible"
		}
	}
	return out
}

func (p *plant) siteNamed(op, name string) (*site, error) {
	if n, ok := numbered(name, "S"); ok && n >= 1 && n <= len(p.sites) {
		return p.sites[n-1], nil
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no array site %q", name), fmt.Sprintf("sites are S1 to S%d", len(p.sites)))
}

func (p *plant) arrayNamed(op, name string) (*array, error) {
	n, ok := numbered(name, "A")
	for _, a := range p.arrays {
		if ok && a.id == n {
			return a, nil
		}
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no array %q", name), existing("arrays", p.arrays, (*array).name))
}

// numbered reads "S3" as 3, in any case.
func numbered(name, letter string) (int, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(name)), letter)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil && n >= 0
}
