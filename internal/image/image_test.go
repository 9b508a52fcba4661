package image

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// copied is what is made of the image of a root.
func copied[T any](t *testing.T, root *T, kinds ...Kind) *T {
	t.Helper()
	b, err := NewForm(reflect.TypeFor[*T](), kinds...).Encode(root)
	require.NoError(t, err)
	out, err := NewForm(reflect.TypeFor[*T](), kinds...).Decode(b)
	require.NoError(t, err)
	return out.(*T)
}

type node struct {
	name string
	next *node
	all  []*node
}

func TestPointersToOneThing(t *testing.T) {
	a := &node{name: "a"}
	b := &node{name: "b", next: a, all: []*node{a, nil, a}}
	a.next = b
	c := copied(t, b)
	require.Equal(t, "b", c.name)
	require.Equal(t, "a", c.next.name)
	require.Same(t, c, c.next.next)
	require.Same(t, c.all[0], c.all[2])
	require.Same(t, c.next, c.all[0])
	require.Nil(t, c.all[1])
	require.NotSame(t, b, c)
}

type outer struct {
	before uint8
	in     inner
	three  [3]inner
	numbers,
	part, rest, none, empty []int
	bytes   [8]byte
	window  []byte
	to      *inner
	second  *inner
	number  *int
	first   *uint8
	itself  *outer
	nothing *struct{}
}

type inner struct {
	ok     bool
	number int
	text   string
}

// TestPointersIntoThings: fields, elements and parts of arrays are the same memory afterwards.
func TestPointersIntoThings(t *testing.T) {
	array := make([]int, 6, 10)
	for i := range array {
		array[i] = i
	}
	o := &outer{before: 7, in: inner{true, 1, "one"}, numbers: array[:2], part: array[1:4:4], rest: array[5:], empty: []int{}, nothing: &struct{}{}}
	o.three[1] = inner{true, 5, "five"}
	o.to, o.second, o.number, o.first, o.itself, o.window = &o.in, &o.three[1], &o.three[2].number, &o.before, o, o.bytes[2:5]
	c := copied(t, o)
	require.Equal(t, o.in, c.in)
	require.Equal(t, o.three, c.three)
	require.Same(t, &c.in, c.to)
	require.Same(t, &c.three[1], c.second)
	require.Same(t, &c.three[2].number, c.number)
	require.Same(t, &c.before, c.first)
	require.Same(t, c, c.itself)
	require.Nil(t, c.none)
	require.NotNil(t, c.empty)
	require.NotNil(t, c.nothing)
	c.window[0] = 9
	require.Equal(t, byte(9), c.bytes[2])
	require.Equal(t, []int{1, 2, 3}, c.part)
	require.Equal(t, 3, cap(c.part))
	require.Equal(t, 10, cap(c.numbers))
	c.part[0] = 77
	require.Equal(t, 77, c.numbers[1])
	require.Equal(t, []int{5}, c.rest)
	require.Equal(t, []int{0, 77, 2, 3, 4, 5}, c.numbers[:6], "what lies between two slices of an array is there")
}

// TestSlicesWithAGap: values between two slices that no pointer reaches are there, with what they point to.
func TestSlicesWithAGap(t *testing.T) {
	type pair struct{ a, b []*node }
	array := []*node{{name: "0"}, {name: "1"}, {name: "2"}, {name: "3"}, {name: "4"}}
	c := copied(t, &pair{array[:1:5], array[4:]})
	require.Equal(t, "4", c.b[0].name)
	require.Equal(t, "2", c.a[:5][2].name)
	require.Same(t, c.a[:5][4], c.b[0])
	// Neither is a part of the other.
	p := &pair{array[0:2:3], array[1:3:5]}
	c = copied(t, p)
	require.Same(t, c.a[1], c.b[0])
	c.b[0] = nil
	require.Nil(t, c.a[1])
}

type shape interface{ area() int }

type square struct{ side int }

func (s square) area() int { return s.side * s.side }

type grown struct {
	by int
	of shape
}

func (g *grown) area() int { return g.by * g.of.area() }

func TestInterfacesAndMaps(t *testing.T) {
	type all struct {
		one, two, none shape
		any            any
		by             map[string]shape
		again          map[string]shape
		at             map[*node][]int
		deep           map[inner]map[int]bool
		nothing        map[int]int
	}
	g := &grown{2, square{3}}
	n := &node{name: "n"}
	a := &all{one: g, two: square{4}, any: "text", by: map[string]shape{"g": g, "s": square{5}}, at: map[*node][]int{n: {1, 2}}, deep: map[inner]map[int]bool{{text: "x"}: {3: true}}}
	a.again = a.by
	c := copied(t, a, Holds[*grown](), Holds[square](), Holds[string]())
	require.Equal(t, 18, c.one.area())
	require.Equal(t, square{4}, c.two)
	require.Nil(t, c.none)
	require.Equal(t, "text", c.any)
	require.Same(t, c.one, c.by["g"])
	require.Equal(t, square{5}, c.by["s"])
	c.again["new"] = square{1}
	require.Contains(t, c.by, "new", "it is one map")
	require.Len(t, c.at, 1)
	for k, v := range c.at {
		require.Equal(t, "n", k.name)
		require.Equal(t, []int{1, 2}, v)
	}
	require.Equal(t, a.deep, c.deep)
	require.Nil(t, c.nothing)
}

// hidden keeps a number where no reflection finds it.
type hidden struct{ get func() *int }

func hide(p *int) hidden { return hidden{func() *int { return p }} }

var hiddenKind = As(func(h *hidden) (*int, error) {
	if h.get == nil {
		return nil, nil
	}
	return h.get(), nil
}, func(p *int) (hidden, error) {
	if p == nil {
		return hidden{}, nil
	}
	return hide(p), nil
})

func TestAnotherForm(t *testing.T) {
	type all struct {
		a, b, none hidden
		same       *int
		by         map[string]hidden
		held       any
	}
	n := 5
	a := &all{a: hide(&n), b: hide(&n), same: &n, by: map[string]hidden{"x": hide(&n)}, held: hide(&n)}
	c := copied(t, a, hiddenKind, Holds[hidden]())
	require.Same(t, c.same, c.a.get())
	require.Same(t, c.same, c.b.get())
	require.Nil(t, c.none.get)
	require.Same(t, c.same, c.by["x"].get())
	require.Same(t, c.same, c.held.(hidden).get())
	require.Equal(t, 5, *c.same)

	fails := As(func(*hidden) (int, error) { return 0, errors.New("not now") }, func(int) (hidden, error) { return hidden{}, nil })
	_, err := NewForm(reflect.TypeFor[*all](), fails).Encode(a)
	require.ErrorContains(t, err, "not now")
}

type clocked struct {
	now  func() int `image:"wired"`
	then int
	part *ticking
}

type ticking struct{ ticks int }

// TestWiring is done when everything is there, in the order in which it was asked for.
func TestWiring(t *testing.T) {
	var order []string
	c := copied(t, &clocked{now: func() int { return 1 }, then: 3, part: &ticking{4}},
		Then(func(p *ticking) error {
			order = append(order, fmt.Sprint("ticking ", p.ticks))
			return nil
		}),
		Then(func(c *clocked) error {
			order = append(order, fmt.Sprint("clocked ", c.then))
			c.now = func() int { return c.then + c.part.ticks }
			return nil
		}))
	require.Equal(t, 7, c.now())
	require.Equal(t, []string{"ticking 4", "clocked 3"}, order)
}

var errSentinel = errors.New("the one")

func TestOutside(t *testing.T) {
	type all struct {
		err, other error
		discard    io.Writer
	}
	c := copied(t, &all{errSentinel, nil, io.Discard}, Outside(errSentinel), Like(io.Discard))
	require.Same(t, errSentinel, c.err)
	require.NoError(t, c.other)
	require.Equal(t, io.Discard, c.discard)
}

// TestAnErrorThatNobodyNamed is refused, for its copy would be another error; so is one within another.
func TestAnErrorThatNobodyNamed(t *testing.T) {
	type all struct{ err error }
	form := NewForm(reflect.TypeFor[*all](), append(Registered(), Outside(errSentinel))...)
	for _, err := range []error{errors.New("another"), fmt.Errorf("within: %w", errors.New("another"))} {
		_, err = form.Encode(&all{err})
		require.ErrorContains(t, err, "image: *errors.errorString: an interface holds one that nobody named")
	}
	c := copied(t, &all{fmt.Errorf("within: %w", errSentinel)}, append(Registered(), Outside(errSentinel))...)
	require.ErrorIs(t, c.err, errSentinel)
	require.EqualError(t, c.err, "within: the one")
	c = copied(t, &all{errors.New("a copy will do")}, Outside(errSentinel), Like(errSentinel))
	require.EqualError(t, c.err, "a copy will do")
}

func TestTimesAndLocks(t *testing.T) {
	type all struct {
		lock sync.Mutex
		at   time.Time
		zero time.Time
		list []time.Time
	}
	at := time.Date(2026, 5, 1, 2, 3, 4, 5, time.UTC)
	a := &all{at: at, list: []time.Time{at, at.Add(time.Hour)}}
	c := copied(t, a)
	require.Equal(t, at, c.at)
	require.True(t, c.zero.IsZero())
	require.Equal(t, a.list, c.list)
	a.lock.Lock()
	_, err := NewForm(reflect.TypeFor[*all]()).Encode(a)
	require.EqualError(t, err, "image: sync.Mutex: it is held, in image.all.lock")
	a.lock.Unlock()
	a.list[1] = a.list[1].In(time.FixedZone("here", 3600))
	_, err = NewForm(reflect.TypeFor[*all]()).Encode(a)
	require.ErrorContains(t, err, "not UTC")
}

// TestWhatCannotBeKept is refused by its name.
func TestWhatCannotBeKept(t *testing.T) {
	type deep struct{ on []struct{ call func() } }
	type all struct {
		f    func()
		c    chan int
		held any
		deep *deep
	}
	form := NewForm(reflect.TypeFor[*all]())
	for want, a := range map[string]*all{
		"image: func(): only nil can be kept, in image.all.f":                             {f: func() {}},
		"image: chan int: only nil can be kept, in image.all.c":                           {c: make(chan int)},
		"image: complex64: an interface holds it, and nobody named it, in image.all.held": {held: complex64(1)},
		"image: func(): only nil can be kept, in struct { call func() }.call":             {deep: &deep{on: []struct{ call func() }{{}, {func() {}}}}},
	} {
		_, err := form.Encode(a)
		require.EqualError(t, err, want)
	}
	_, err := form.Encode(&all{})
	require.NoError(t, err)
	_, err = form.Encode(&deep{})
	require.ErrorContains(t, err, "a root of type *image.deep")
	_, err = form.Encode((*all)(nil))
	require.Error(t, err)
}

// FuzzDecode: whatever the bytes are, there is an error, or a graph that can be walked and written again.
func FuzzDecode(f *testing.F) {
	type all struct {
		one  *outer
		by   map[string]*node
		held []shape
		h    hidden
		at   time.Time
		text string
		ok   bool
	}
	n := 3
	kinds := []Kind{hiddenKind, Holds[*grown](), Holds[square]()}
	form := NewForm(reflect.TypeFor[*all](), kinds...)
	o := &outer{in: inner{true, 1, "x"}, numbers: []int{1, 2, 3}}
	o.to, o.window = &o.in, o.bytes[1:]
	b, err := form.Encode(&all{o, map[string]*node{"a": {name: "b"}}, []shape{square{1}, &grown{1, square{2}}}, hide(&n), time.Unix(5, 0).UTC(), "text", true})
	require.NoError(f, err)
	f.Add(b)
	for i := range b {
		c := append([]byte(nil), b...)
		c[i]++
		f.Add(c)
		f.Add(b[:i])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		root, err := form.Decode(data)
		if err != nil {
			return
		}
		again, err := form.Encode(root)
		if err != nil { // a time in another form, say
			return
		}
		_, err = form.Decode(again)
		require.NoError(t, err)
	})
}
