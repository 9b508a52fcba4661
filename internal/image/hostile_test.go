package image

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoSliceBehindABlock: a slice without room may not point to where a block ends, for the garbage collector takes that
// for a pointer to what lies there.
func TestNoSliceBehindABlock(t *testing.T) {
	type all struct{ a []int64 }
	form := NewForm(reflect.TypeFor[*all]())
	b, err := form.Encode(&all{make([]int64, 4)})
	require.NoError(t, err)
	// isThere, the block, from its byte 0 on, 4 values, room for 4
	var number byte
	for number = range byte(2) {
		if bytes.Contains(b, []byte{isThere, number, 0, 4, 4}) {
			break
		}
	}
	for _, end := range []byte{0, 8, 32} {
		bad := bytes.Replace(b, []byte{isThere, number, 0, 4, 4}, []byte{isThere, number, end, 0, 0}, 1)
		require.NotEqual(t, b, bad)
		_, err = form.Decode(bad)
		require.ErrorContains(t, err, "a []int64 into a int64")
	}
}

// around is a value that holds another one, without a pointer between them.
type around struct{ of shape }

func (a around) area() int { return a.of.area() }

// TestNoStackOverflows: it could not be recovered from.
func TestNoStackOverflows(t *testing.T) {
	type all struct{ s shape }
	form := NewForm(reflect.TypeFor[*all](), Holds[around]())
	root := &all{}
	for range deepMax {
		root.s = around{root.s}
	}
	b, err := form.Encode(root)
	require.NoError(t, err)
	_, err = form.Decode(b)
	require.NoError(t, err)
	one := binary.AppendUvarint(nil, uint64(isThere+form.numbers[reflect.TypeFor[around]()]))
	require.True(t, bytes.HasSuffix(b, append(bytes.Clone(one), isNil)))
	bad := append(append(bytes.Clone(b[:len(b)-1]), bytes.Repeat(one, 20_000_000)...), isNil)
	_, err = form.Decode(bad)
	require.ErrorContains(t, err, "interfaces in each other")
}

// TestNoRoomForNothing: an image asks for no more than it can be of, and none is made that would.
func TestNoRoomForNothing(t *testing.T) {
	type all struct{ a []int64 }
	form := NewForm(reflect.TypeFor[*all]())
	b, err := form.Encode(&all{make([]int64, 1, 100_000)})
	require.NoError(t, err)
	root, err := form.Decode(b)
	require.NoError(t, err)
	require.Equal(t, 100_000, cap(root.(*all).a))
	_, err = form.Encode(&all{make([]int64, 1, 200_000)})
	require.ErrorContains(t, err, "room that slices do not show")
	number := binary.AppendUvarint(nil, 100_000)
	require.Equal(t, 2, bytes.Count(b, number), "of the block, and of the slice")
	_, err = form.Decode(bytes.ReplaceAll(b, number, binary.AppendUvarint(nil, 200_000)))
	require.ErrorContains(t, err, "the number 200000")
}
