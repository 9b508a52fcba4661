package encgroup

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// The vectors of this file were computed apart from this code, from what the comments of the
// formats say. Facilities and drives out there have what is in these formats.

// count is n, n+1, n+2 and so on.
func count(n byte, to []byte) {
	for i := range to {
		to[i] = n + byte(i)
	}
}

func keyFrom(n byte) *secret.Key32 {
	k := new(secret.Key32)
	count(n, k[:])
	return k
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

const (
	vectorHead = "03" + "044453384b" + "03756964" + "036b7331" + // phase, label, UID, maker
		"101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637" +
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	vectorNext = "00" + "02" + "0475696432" + "036b7332" + // kind, next phase, UID, maker
		"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061626364656667" +
		"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf" +
		"0005" + "7374617465" + "02" // recovery, escrows
)

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func vectorRecord() Record {
	r := Record{Phase: Enabled, Label: "DS8K", UID: "uid", Maker: "ks1"}
	count(0x10, r.Wrapped[:])
	count(0x80, r.Signature[:])
	return r
}

func extendedVectorRecord() Record {
	r := vectorRecord()
	r.NextPhase, r.NextUID, r.NextMaker = Enabling, "uid2", "ks2"
	count(0x40, r.NextWrapped[:])
	count(0xC0, r.NextSignature[:])
	r.Recovery = []byte("state")
	r.Escrows = []Escrow{
		{[32]byte(bytes.Repeat([]byte{0xE1}, 32)), [72]byte(bytes.Repeat([]byte{0xE2}, 72)), [72]byte(bytes.Repeat([]byte{0xE3}, 72))},
		{[32]byte(bytes.Repeat([]byte{0xE4}, 32)), [72]byte(bytes.Repeat([]byte{0xE5}, 72)), [72]byte(bytes.Repeat([]byte{0xE6}, 72))},
	}
	r.Members = []Member{
		{Serial: "A1", Generation: 7, Pending: 0x01020304, Last: 0x01020304, First: 5, Next: 0x01020303},
		{Serial: "B22", Last: 9, First: 10},
	}
	return r
}

// TestEntryVectors: a record in its entries, byte for byte, and back.
func TestEntryVectors(t *testing.T) {
	r := extendedVectorRecord()
	entries, err := r.Entries()
	require.NoError(t, err)
	body := "4644454703" + vectorHead + vectorNext +
		repeat("e1", 32) + repeat("e2", 72) + repeat("e3", 72) + repeat("e4", 32) + repeat("e5", 72) + repeat("e6", 72) +
		"00000002" + "579951dbed339cd2b99044bd8b56986e6d04fe1f0e2a4d35c7e73122643e37b2"
	a := "4644454d01" + "024131" + "0000000701020304010203040000000501020303" + "57736d1a"
	b := "4644454d01" + "03423232" + "0000000000000000000000090000000a00000000" + "d8be58cc"
	for i, want := range []string{body + "d1e2a799", a, b} {
		require.Equal(t, want, hex.EncodeToString(entries[i].Bytes))
	}
	require.Equal(t, []string{"", "A1", "B22"}, []string{entries[0].Serial, entries[1].Serial, entries[2].Serial})
	back, err := ReadRecord(entries)
	require.NoError(t, err)
	require.Equal(t, r, back)
}

// TestRecordVectors: each version of the record from before it had entries.
func TestRecordVectors(t *testing.T) {
	plain := vectorRecord()
	plain.Members = []Member{{Serial: "A1", Generation: 1, Last: 1}, {Serial: "B22", Generation: 0x01020304, Pending: 0x05060708, Last: 0x05060708}}
	for name, v := range map[string]struct {
		r    Record
		want string
	}{
		"version 1": {plain, "4644454701" + vectorHead + "00000002" + "024131" + "000000010000000000000001" + "03423232" + "010203040506070805060708" + "b33a4110"},
		"version 2": {
			extendedVectorRecord(), "4644454702" + vectorHead + vectorNext +
				repeat("e1", 32) + repeat("e2", 72) + repeat("e3", 72) + repeat("e4", 32) + repeat("e5", 72) + repeat("e6", 72) +
				"00000002" + "024131" + "0000000701020304010203040000000501020303" + "03423232" + "000000000000000000000009" + "0000000a00000000" + "e0c9d2e4",
		},
		"version 2 of another kind": {Record{Phase: Prepare, Kind: TCT}, "464445470201000000" + repeat("00", 72) + "01000000" + repeat("00", 72) + "0000" + "00" + "00000000" + "1cb6d05c"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, v.want, hex.EncodeToString(v.r.whole(t)[0].Bytes))
			back, err := ReadRecord([]Entry{{Bytes: unhex(t, v.want)}})
			require.NoError(t, err)
			require.Equal(t, v.r, back)
		})
	}
}

func TestGroupKeyVector(t *testing.T) {
	wrapped, signature := sealGroupKey(keyFrom(0), keyFrom(32), "ks1-0001")
	require.Equal(t, "04f8a3c3c302d3b0b7e94b14dcf85ad1da69cd74056ed7907d3cb49fb27799a4104db058f2901adb", hex.EncodeToString(wrapped[:]))
	require.Equal(t, "7ff34b37452f199b92010fc4ec63d627cd8d4a7315525d8c8d19ee8952918ae4", hex.EncodeToString(signature[:]))
}

// TestTheSignatureBindsTheWrap: another group key under the same data key, beside the signature
// of the first, is not the group key. Nor does a byte move from the identifier into the wrap.
func TestTheSignatureBindsTheWrap(t *testing.T) {
	data := keyFrom(0)
	_, signature := sealGroupKey(data, keyFrom(32), "uid")
	other, _ := sealGroupKey(data, keyFrom(33), "uid")
	k, err := unseal(nil, data, "uid", other, signature)
	require.ErrorIs(t, err, ErrSignature)
	require.Nil(t, k)
	require.NotEqual(t, sign(data, "ab", []byte("c")), sign(data, "a", []byte("bc")))
}

func TestCredentialVectors(t *testing.T) {
	got := credential(keyFrom(0), "75NR641-D05", 1)
	require.Equal(t, "edbcd74ad8c7c5f608e7ebacdf753f9106e4ef6d66f1c8644e173b6e42169de1", hex.EncodeToString(got[:]))
	got = bandCredential(keyFrom(0), "75NR641-D05", 258, 3)
	require.Equal(t, "f68018dfd620381c81ab400ca9fe1288079284ed3f02d4e37346a24d6c34fceb", hex.EncodeToString(got[:]))
}

// TestEscrowVector: a seal that a facility keeps opens to its recovery key.
func TestEscrowVector(t *testing.T) {
	sealed := [72]byte(unhex(t, "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b20c74112f9cb8c842b678d221b2b6201a30097b4baaf663bf3a5244cdd1801b30e10c9eb8cf7a666"))
	got, err := openSeal(keyFrom(1), &sealed)
	require.NoError(t, err)
	require.True(t, got.Equal(keyFrom(64)))
}

// TestObjectKeyVector: objects that left for a cloud carry such wraps.
func TestObjectKeyVector(t *testing.T) {
	r := newRig(t)
	r.group = NewOf(TCT, r.servers(), r.random, r.store)
	require.NoError(t, r.group.Configure(""))
	*r.group.ram().group = *keyFrom(32)
	w, err := r.group.WrapObjectKey(keyFrom(64))
	require.NoError(t, err)
	require.Equal(t, "e73ad0753eca7e3a5cd2a68448cc712c621b6176bbab52c5c3fe65aedd7a1493f24edb6db6e05453", hex.EncodeToString(w[:]))
	k, err := r.group.UnwrapObjectKey(w)
	require.NoError(t, err)
	require.True(t, k.Equal(keyFrom(64)))
}
