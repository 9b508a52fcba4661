package server

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// TestLocatedItems: the number of all that was found comes with the first few, without what is
// destroyed and without what other clients have.
func TestLocatedItems(t *testing.T) {
	b := newBench(t)
	located := func(fields ...ttlv.Item) (number int64, uids int) {
		i, trouble := b.do(kmip.OpLocate, fields...)
		require.NoError(t, trouble)
		require.NoError(t, i.Err())
		return i.Payload.Find(kmip.TagLocatedItems).Int, len(i.Payload.Items) - 1
	}
	most := ttlv.Int(kmip.TagMaximumItems, 2)
	number, uids := located(most)
	require.Zero(t, number)
	require.Zero(t, uids)
	first := b.register(0)
	for n := range 4 {
		b.register(byte(n))
	}
	for _, fields := range [][]ttlv.Item{{most}, {most, ttlv.Int(kmip.TagOffsetItems, 1)}, {most, attribute(kmip.TextOf(kmip.AttrObjectGroup, "g"))}} {
		number, uids = located(fields...)
		require.EqualValues(t, 5, number)
		require.Equal(t, 2, uids)
	}
	_, trouble := b.do(kmip.OpDestroy, ttlv.Text(kmip.TagUniqueIdentifier, first))
	require.NoError(t, trouble)
	number, _ = located(most)
	require.EqualValues(t, 4, number)
	out, trouble := b.handle(identity{2}, locateTen(), nil)
	require.NoError(t, trouble)
	p, err := kmip.ParseResponse(out, ttlv.Limits{})
	require.NoError(t, err)
	require.Zero(t, p.Items[0].Payload.Find(kmip.TagLocatedItems).Int, "another client has nothing")
}

func attribute(a kmip.Attribute) ttlv.Item { return a.Item() }

// locateTen asks for any ten objects.
func locateTen() []byte {
	q := kmip.Request{Version: kmip.V14, Items: []kmip.RequestItem{{Op: kmip.OpLocate, Payload: ttlv.Struct(0, ttlv.Int(kmip.TagMaximumItems, 10))}}}
	return q.Encode(nil)
}

// BenchmarkLocate is Locate without attributes, of at most ten objects, among so many.
func BenchmarkLocate(b *testing.B) {
	for _, objects := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("objects=%d", objects), func(b *testing.B) {
			s := newBench(b)
			create := kmip.RequestItem{Op: kmip.OpCreate, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey),
				kmip.TemplateOf(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt)))}
			for left := objects; left > 0; left -= 1_000 {
				q := kmip.Request{Version: kmip.V14}
				for n := range 1_000 {
					create.ID = fmt.Appendf(nil, "%d", n)
					q.Items = append(q.Items, create)
				}
				_, trouble := s.handle(identity{1}, q.Encode(nil), nil)
				require.NoError(b, trouble)
			}
			n, err := s.store.Count()
			require.NoError(b, err)
			require.Equal(b, objects, n)
			ask := locateTen()
			b.ReportAllocs()
			for b.Loop() {
				_, trouble := s.handle(identity{1}, ask, nil)
				require.NoError(b, trouble)
			}
		})
	}
}
