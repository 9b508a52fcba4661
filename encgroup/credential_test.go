package encgroup

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// hkdf32 is RFC 5869 for one block of output and no salt, written down again.
func hkdf32(key, info []byte) []byte {
	mac := func(k []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, k)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	return mac(mac(make([]byte, 32), key), info, []byte{1})
}

func TestCredentialIsHKDF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k secret.Key32
		copy(k[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "group key"))
		serial := rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "serial")
		n := rapid.Uint32().Draw(t, "generation")
		info := fmt.Sprintf("fdelab encgroup access credential v1\x00%c%s%s", rune(len(serial)), serial, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		want := hkdf32(k[:], []byte(info))
		got := credential(&k, serial, n)
		require.Equal(t, want, got[:])
	})
}

func TestCredentialsDiffer(t *testing.T) {
	seen := map[secret.Key32]string{}
	for _, k := range []secret.Key32{{}, {1}, {31: 1}} {
		for _, serial := range []string{"A", "AA", "B", "A\x00", "1", "11"} {
			for _, n := range []uint32{1, 2, 256, 1 << 24, 1<<32 - 1} {
				c := credential(&k, serial, n)
				require.NotContains(t, seen, *c, "%s generation %d", serial, n)
				seen[*c] = serial
			}
		}
	}
}

func TestSealIsBoundToEverything(t *testing.T) {
	data, group := secret.Key32{1}, secret.Key32{2}
	r := Record{UID: "uid"}
	r.Wrapped, r.Signature = sealGroupKey(&data, &group, r.UID)
	got, err := unseal(nil, &data, r.UID, r.Wrapped, r.Signature)
	require.NoError(t, err)
	require.True(t, got.Equal(&group))

	rapid.Check(t, func(t *rapid.T) {
		bit := rapid.IntRange(0, (40+32+32)*8-1).Draw(t, "bit")
		r, data := r, data
		want := ErrUnwrap
		switch at, b := bit/8, byte(1)<<(bit%8); {
		case at < 40:
			r.Wrapped[at] ^= b
		case at < 72:
			r.Signature[at-40] ^= b
			want = ErrSignature
		default:
			data[at-72] ^= b
		}
		got, err := unseal(nil, &data, r.UID, r.Wrapped, r.Signature)
		require.ErrorIs(t, err, want)
		require.Nil(t, got, "nothing comes out")
	})
	r.UID = "uie"
	_, err = unseal(nil, &data, r.UID, r.Wrapped, r.Signature)
	require.ErrorIs(t, err, ErrSignature)
}

func BenchmarkCredential(b *testing.B) {
	k := secret.Key32{1}
	b.ReportAllocs()
	for b.Loop() {
		_ = credential(&k, "75NR641-D05", 1)
	}
}
