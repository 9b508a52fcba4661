package kmip_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// TestRequestOnTheWire pins the bytes of the shortest useful request.
func TestRequestOnTheWire(t *testing.T) {
	q := kmip.Request{Version: kmip.V12, Items: []kmip.RequestItem{{Op: kmip.OpGet, Payload: ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, "1"))}}}
	want := "4200780100000070" +
		"4200770100000038" + // header
		"4200690100000020" + "42006a02000000040000000100000000" + "42006b02000000040000000200000000" + // 1.2
		"42000d02000000040000000100000000" + // one item
		"42000f0100000028" + // item
		"42005c05000000040000000a00000000" + // Get
		"4200790100000010" + "42009407000000013100000000000000" // "1"
	require.Equal(t, want, hex.EncodeToString(q.Encode(nil)))
}

func fullRequest() kmip.Request {
	return kmip.Request{
		Version: kmip.V14, MaxResponse: 4096, Correlation: "c-7", Continuation: kmip.Undo, Ordered: true, Time: time.Unix(1e9, 0).UTC(),
		Items: []kmip.RequestItem{
			{Op: kmip.OpGet, ID: []byte{1}, Payload: ttlv.Struct(kmip.TagRequestPayload, ttlv.Text(kmip.TagUniqueIdentifier, "x"))},
			{Op: kmip.OpDestroy, ID: []byte{2}, Payload: ttlv.Struct(kmip.TagRequestPayload), Critical: "vendor v"},
		},
	}
}

func fullResponse() kmip.Response {
	payload := ttlv.Struct(kmip.TagResponsePayload, ttlv.Text(kmip.TagUniqueIdentifier, "x"))
	return kmip.Response{Version: kmip.V11, Time: time.Unix(1e9, 0).UTC(), Items: []kmip.ResponseItem{
		{Op: kmip.OpGet, ID: []byte{1}, Payload: &payload},
		{Op: kmip.OpDestroy, ID: []byte{2}, Status: kmip.OperationFailed, Reason: kmip.PermissionDenied, Message: "no"},
	}}
}

func TestMessagesRoundTrip(t *testing.T) {
	q := fullRequest()
	back, err := kmip.ParseRequest(q.Encode(nil), ttlv.Limits{})
	require.NoError(t, err)
	back.Items[1].Critical = q.Items[1].Critical // it gains a word each time
	require.Equal(t, q, *back)
	p := fullResponse()
	r, err := kmip.ParseResponse(p.Encode(nil), ttlv.Limits{})
	require.NoError(t, err)
	require.Equal(t, p, *r)
}

// TestRequestWithFieldsMissing takes each field of a request away in turn: what
// is required is missed, and the version is still known where it is there.
func TestRequestWithFieldsMissing(t *testing.T) {
	full := fullRequest()
	m, err := ttlv.Decode(full.Encode(nil), ttlv.Limits{})
	require.NoError(t, err)
	required := map[ttlv.Tag]bool{kmip.TagProtocolVersion: true, kmip.TagBatchCount: true}
	h := &m.Items[0]
	for n := range h.Items {
		without := m.Clone()
		without.Items[0].Items = append(without.Items[0].Items[:n:n], without.Items[0].Items[n+1:]...)
		q, err := kmip.ParseRequest(ttlv.Append(nil, &without), ttlv.Limits{})
		tag := h.Items[n].Tag
		if !required[tag] {
			require.NoError(t, err, "%06x may be missing", uint32(tag))
			continue
		}
		refuse(t, kmip.InvalidMessage, err, "%06x", uint32(tag))
		require.Equal(t, tag != kmip.TagProtocolVersion, q.Version == kmip.V14, "the answer is in the version of the question, if it can be")
	}
}

func FuzzRequest(f *testing.F) {
	q := fullRequest()
	f.Add(q.Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := kmip.ParseRequest(b, ttlv.Limits{})
		if err != nil {
			refused := kmip.FailureOf(err)
			if refused.Reason == 0 {
				t.Fatal("a refusal without a reason")
			}
			return
		}
		for n := range q.Items {
			q.Items[n].Critical = ""
		}
		one := q.Encode(nil)
		again, err := kmip.ParseRequest(one, ttlv.Limits{})
		if err != nil {
			t.Fatalf("wrote %x, which is refused: %v", one, err)
		}
		if two := again.Encode(nil); !bytes.Equal(one, two) {
			t.Fatalf("wrote %x, read it, and wrote %x", one, two)
		}
	})
}

func FuzzResponse(f *testing.F) {
	p := fullResponse()
	f.Add(p.Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := kmip.ParseResponse(b, ttlv.Limits{})
		if err != nil {
			return
		}
		one := p.Encode(nil)
		again, err := kmip.ParseResponse(one, ttlv.Limits{})
		if err != nil {
			t.Fatalf("wrote %x, which is refused: %v", one, err)
		}
		if two := again.Encode(nil); !bytes.Equal(one, two) {
			t.Fatalf("wrote %x, read it, and wrote %x", one, two)
		}
	})
}
