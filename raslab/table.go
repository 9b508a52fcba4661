package raslab

import "fmt"

// The table of drives says of each slot which array it is a member of, and where. It lies in the
// memory of partition 0, two bytes a slot: the number of the array plus one, 0 for none, and the
// position there.

// readTable reads the table from memory, as every service action does first. An impossible table is
// a severe software error, found before a drive is touched.
func (l *Lab) readTable() {
	own := l.table()
	table := l.sfi.partitions[0].memory.Keep(regionTable, own)
	if &table[0] != &own[0] { // sound memory gives the same bytes back
		l.plant.takeTable(table)
	}
	if why := l.plant.tableFault(); why != "" {
		panic("BUG: raslab: " + why)
	}
}

// takeTable takes over the table from memory.
func (p *plant) takeTable(table []byte) {
	var arrays [256]*array
	for _, a := range p.arrays {
		arrays[a.id+1] = a
	}
	for i, s := range p.slots {
		number, position := int(table[2*i]), int(table[2*i+1])
		s.array, s.position = nil, position
		if number == 0 {
			continue
		}
		if s.array = arrays[number]; s.array == nil {
			panic(fmt.Sprintf("BUG: raslab: the table of drives has %s in array A%d, which does not exist", s.name, number-1))
		}
	}
}

// table is the table as the software has it.
func (l *Lab) table() []byte {
	l.health.table = l.health.table[:0]
	for _, s := range l.plant.slots {
		number := 0
		if s.array != nil {
			number = s.array.id + 1
		}
		l.health.table = append(l.health.table, byte(number), byte(s.position))
	}
	return l.health.table
}

// tableFault compares the table with the arrays, both ways; "" if they agree.
func (p *plant) tableFault() string {
	for _, s := range p.slots {
		if s.array != nil && (s.position >= len(s.array.members) || s.array.members[s.position] != s) {
			return fmt.Sprintf("the table of drives has %s at position %d of %s, where it is not", s.name, s.position, s.array.name())
		}
	}
	for _, a := range p.arrays {
		for i, s := range a.members {
			if s.array != a || s.position != i {
				return fmt.Sprintf("the table of drives has %s in no array, and it is at position %d of %s", s.name, i, a.name())
			}
		}
	}
	return ""
}

// rebuildTable makes the table of drives anew from the arrays.
func (l *Lab) rebuildTable() {
	for _, s := range l.plant.slots {
		s.array, s.position = nil, 0
	}
	for _, a := range l.plant.arrays {
		for i, s := range a.members {
			s.array, s.position = a, i
		}
	}
	l.health.stale = true
	l.logf("service", "the table of drives was made anew from %s", plural(len(l.plant.arrays), "array"))
}
