package fault

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
)

type kind uint8

const (
	onIndex kind = iota
	after
	every
	randomly
	block
	page
	lba
	byteOf
	programmed
	blank
	and
	or
	not
)

// grammar is the one table of the predicates: what they are called, what they
// take, and which field of the operation they look at.
var grammar = [...]struct {
	name     string
	usage    string // what would be right
	numbers  int    // natural numbers it takes
	min, max uint64 // bounds of the number
	field    Field
}{
	onIndex:    {name: "OnIndex", usage: "(OnIndex n)", numbers: 1, max: maxUint},
	after:      {name: "After", usage: "(After n)", numbers: 1, max: maxUint},
	every:      {name: "Every", usage: "(Every n)", numbers: 1, min: 1, max: maxUint},
	randomly:   {name: "Randomly", usage: "(Randomly probability seed)"},
	block:      {name: "Block", usage: "(Block n)", numbers: 1, max: maxAddress, field: HasBlock},
	page:       {name: "Page", usage: "(Page n)", numbers: 1, max: maxAddress, field: HasPage},
	lba:        {name: "LBA", usage: "(LBA n)", numbers: 1, max: maxUint, field: HasLBA},
	byteOf:     {name: "Byte", usage: "(Byte n)", numbers: 1, max: maxAddress, field: HasByte},
	programmed: {name: "Programmed", usage: "(Programmed)", field: HasBlank},
	blank:      {name: "Blank", usage: "(Blank)", field: HasBlank},
	and:        {name: "And", usage: "(And predicate predicate ...)"},
	or:         {name: "Or", usage: "(Or predicate predicate ...)"},
	not:        {name: "Not", usage: "(Not predicate)"},
}

const (
	maxUint    = 1<<64 - 1
	maxAddress = 1<<31 - 1 // a block, page or byte number fits an int everywhere
)

type predicate struct {
	kind  kind
	n     uint64 // number, or the seed of randomly
	count uint64 // operations asked about
	p     float64
	below uint64 // fires where a 64-bit draw is below this; 0 stands for 2^64
	draw  *rand.ChaCha8
	sub   []*predicate
}

// holds says whether the predicate is true of op, and counts it.
func (q *predicate) holds(op *Op) bool {
	switch q.kind {
	case onIndex:
		q.count++
		return q.count-1 == q.n
	case after:
		q.count++
		return q.count > q.n
	case every:
		q.count++
		return q.count%q.n == 0
	case randomly:
		v := q.draw.Uint64()
		return v < q.below || q.below == 0
	case block:
		return op.Block == int(q.n)
	case page:
		return op.Page == int(q.n)
	case lba:
		return op.LBA == q.n
	case byteOf:
		return op.Byte == int(q.n)
	case programmed:
		return !op.Blank
	case blank:
		return op.Blank
	case and:
		for _, s := range q.sub {
			if !s.holds(op) {
				return false
			}
		}
		return true
	case or:
		any := false
		for _, s := range q.sub {
			any = s.holds(op) || any // ask all: they count
		}
		return any
	case not:
		return !q.sub[0].holds(op)
	}
	panic("BUG: fault: predicate of no kind")
}

func (q *predicate) reset() {
	q.count = 0
	if q.kind == randomly {
		// 2^64 itself is not a uint64; a probability that rounds to it is 1.
		q.below = 0
		if f := q.p * (1 << 64); f < 1<<64 {
			q.below = max(uint64(f), 1)
		}
		key := [32]byte([]byte("fdelab fault plan, Randomly\x00\x00\x00\x00\x00"))
		var seed [8]byte
		binary.LittleEndian.PutUint64(seed[:], q.n)
		copy(key[24:], seed[:])
		q.draw = rand.NewChaCha8(key)
	}
	for _, s := range q.sub {
		s.reset()
	}
}

func (q *predicate) clone() *predicate {
	if q == nil {
		return nil
	}
	c := &predicate{kind: q.kind, n: q.n, p: q.p}
	for _, s := range q.sub {
		c.sub = append(c.sub, s.clone())
	}
	return c
}

func (q *predicate) print(b *strings.Builder) {
	g := &grammar[q.kind]
	b.WriteByte('(')
	b.WriteString(g.name)
	if q.kind == randomly {
		b.WriteByte(' ')
		b.WriteString(strconv.FormatFloat(q.p, 'g', -1, 64))
	}
	if g.numbers == 1 || q.kind == randomly {
		b.WriteByte(' ')
		b.WriteString(strconv.FormatUint(q.n, 10))
	}
	for _, s := range q.sub {
		b.WriteByte(' ')
		s.print(b)
	}
	b.WriteByte(')')
}
