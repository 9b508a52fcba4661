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
	require.ErrorIs(t, r.Done(), ErrUnknown, "field 7 was not taken")

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
		})
	}
	n := Int(1, 1)
	require.ErrorIs(t, Read(&n).Done(), ErrType, "no structure")
}
