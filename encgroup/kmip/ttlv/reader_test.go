package ttlv

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReaderTakesFields(t *testing.T) {
	at := time.Unix(1234567890, 0).UTC()
	i := Struct(1, Text(2, "two"), Int(3, -3), Enum(4, uint32(4)), Date(5, at), Bytes(6, []byte{6}), Bytes(6, []byte{7}), Bool(7, true))
	r := Read(&i)
	require.Equal(t, "two", r.Text(2))
	require.Equal(t, int32(-3), r.Int(3))
	require.Equal(t, uint32(4), r.Enum(4))
	require.Equal(t, at, r.Date(5))
	require.Len(t, r.All(6, ByteString), 2, "all of them, in order")
	require.NoError(t, r.Err())
	require.ErrorIs(t, r.Done(), ErrUnknown, "field 7 was not taken")

	r = Read(&i)
	for tag, typ := range map[Tag]Type{2: TextString, 3: Integer, 4: Enumeration, 5: DateTime} {
		require.Equal(t, i.Find(tag), r.Required(tag, typ))
	}
	all := r.All(6, ByteString)
	require.Equal(t, []byte{6}, all[0].Bytes)
	require.Equal(t, []byte{7}, all[1].Bytes)
	require.Equal(t, i.Find(7), r.Any(7))
	require.NoError(t, r.Done(), "every field was taken, whatever its type")

	r = Read(&i)
	require.Empty(t, r.Text(99))
	require.Zero(t, r.Int(99))
	require.Zero(t, r.Enum(99))
	require.True(t, r.Date(99).IsZero())
	require.Nil(t, r.Optional(99, Structure))
	require.NoError(t, r.Err(), "what may be missing, may")
}

func TestReaderTellsWhatIsWrong(t *testing.T) {
	i := Struct(1, Text(2, "a"), Text(2, "b"), Int(3, 3))
	for _, c := range []struct {
		name string
		take func(*Reader)
		want error
	}{
		{"repeated", func(r *Reader) { r.Text(2) }, ErrRepeated},
		{"type", func(r *Reader) { r.Text(3) }, ErrType},
		{"type of all", func(r *Reader) { r.All(3, TextString) }, ErrType},
		{"missing", func(r *Reader) { r.Required(4, TextString) }, ErrMissing},
		{"missing, of any type", func(r *Reader) { r.Any(4) }, ErrMissing},
		{"unknown", func(r *Reader) { r.All(2, TextString) }, ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Read(&i)
			c.take(r)
			require.ErrorIs(t, r.Done(), c.want)
			if c.want != ErrUnknown {
				require.ErrorIs(t, r.Err(), c.want, "at once")
			}
		})
	}
	mixed := Struct(1, Bytes(2, []byte{1}), Int(2, 3), Bytes(2, []byte{4}))
	r := Read(&mixed)
	require.Len(t, r.All(2, ByteString), 2, "one of the wrong type hides none")
	require.ErrorIs(t, r.Done(), ErrType)
	r = Read(&i)
	r.Text(3)
	r.Text(2)
	require.ErrorIs(t, r.Done(), ErrType, "the first thing that was wrong is what is told")
	n := Int(1, 1)
	require.ErrorIs(t, Read(&n).Done(), ErrType, "no structure")
}

// TestANewerVersionMayHaveMoreFields: in a structure that ignores them, and in all in it, a field
// that nobody takes is none of the reader's business; another fault still is.
func TestANewerVersionMayHaveMoreFields(t *testing.T) {
	i := Struct(1, Int(2, 2), Struct(3, Int(4, 4), Int(5, 5)))
	inner := i.Find(3)
	require.ErrorIs(t, Read(&i).Done(), ErrUnknown)
	i.IgnoreUnknown()
	require.NoError(t, Read(&i).Done())
	r := Read(inner)
	require.Equal(t, int32(4), r.Int(4))
	require.NoError(t, r.Done())
	require.ErrorIs(t, func() error { r := Read(inner); r.Text(4); return r.Done() }(), ErrType)
	n := Int(1, 1)
	n.IgnoreUnknown()
	require.Equal(t, Int(1, 1), n, "what is no structure has no fields")
	require.Nil(t, n.Find(1))
	require.Nil(t, i.Find(9))
}
