package mutq

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// with calls f while a change is on.
func with[T any](number int, f func() T) T {
	defer func(was int) { active = was }(active)
	active = number
	return f()
}

// both gives the value of an expression without the change 3, with another one, and with it.
func both[T any](f func() T) [3]T { return [3]T{with(0, f), with(4, f), with(3, f)} }

func TestEveryFunctionHasItsTwoValues(t *testing.T) {
	ints := func(f func() int) [3]int { return both(f) }
	for name, c := range map[string]struct{ have, want [3]int }{
		"Z":      {ints(func() int { return Z(3, 9) }), [3]int{9, 9, 0}},
		"One":    {ints(func() int { return One(3, 9) }), [3]int{1, 1, -1}},
		"Neg":    {ints(func() int { return Neg(3, 9, 5) }), [3]int{5, 5, -5}},
		"Minus":  {ints(func() int { return Minus(3, 5) }), [3]int{5, 5, -5}},
		"Add":    {ints(func() int { return Add(3, 7, 2) }), [3]int{9, 9, 5}},
		"Sub":    {ints(func() int { return Sub(3, 7, 2) }), [3]int{5, 5, 9}},
		"Mul":    {ints(func() int { return Mul(3, 6, 2) }), [3]int{12, 12, 3}},
		"Div":    {ints(func() int { return Div(3, 6, 2) }), [3]int{3, 3, 12}},
		"Rem":    {ints(func() int { return Rem(3, 7, 2) }), [3]int{1, 1, 14}},
		"And":    {ints(func() int { return And(3, 6, 3) }), [3]int{2, 2, 7}},
		"Or":     {ints(func() int { return Or(3, 6, 3) }), [3]int{7, 7, 2}},
		"Xor":    {ints(func() int { return Xor(3, 6, 3) }), [3]int{5, 5, 2}},
		"AndNot": {ints(func() int { return AndNot(3, 6, 3) }), [3]int{4, 4, 2}},
		"Shl":    {ints(func() int { return Shl(3, 8, 1) }), [3]int{16, 16, 4}},
		"Shr":    {ints(func() int { return Shr(3, 8, 1) }), [3]int{4, 4, 16}},
	} {
		require.Equal(t, c.want, c.have, "%s: without a change, with another, with its own", name)
	}
	for name, c := range map[string]struct{ have, want [3]bool }{
		"N true":  {both(func() bool { return N(3, true) }), [3]bool{true, true, false}},
		"N false": {both(func() bool { return N(3, false) }), [3]bool{false, false, true}},
	} {
		require.Equal(t, c.want, c.have, "%s: without a change, with another, with its own", name)
	}
	err := errors.New("an error")
	require.Equal(t, [3]error{err, err, nil}, both(func() error { return E(3, err) }), "E")
}

func TestABoundaryMovesAtEqualNumbersAlone(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(a, b int) bool
		want [3][2]bool // a below b, equal, above; each without and with the change
	}{
		"Lt": {func(a, b int) bool { return Lt(3, a, b) }, [3][2]bool{{true, true}, {false, true}, {false, false}}},
		"Le": {func(a, b int) bool { return Le(3, a, b) }, [3][2]bool{{true, true}, {true, false}, {false, false}}},
		"Gt": {func(a, b int) bool { return Gt(3, a, b) }, [3][2]bool{{false, false}, {false, true}, {true, true}}},
		"Ge": {func(a, b int) bool { return Ge(3, a, b) }, [3][2]bool{{false, false}, {true, false}, {true, true}}},
	} {
		for i, a := range []int{1, 2, 3} {
			v := both(func() bool { return c.f(a, 2) })
			require.Equal(t, c.want[i], [2]bool{v[0], v[2]}, "%s(%d, 2)", name, a)
		}
	}
}

func TestWhatIsReachedIsInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reach")
	require.NoError(t, os.WriteFile(path, make([]byte, 5), 0o600))
	reach = mapReach(path)
	defer func() { reach = nil }()
	M(2)
	Add(4, 1, 1)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 1, 0, 1}, b, "the numbers that were asked for are marked")
}
