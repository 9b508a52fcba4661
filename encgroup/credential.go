package encgroup

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// The purposes that keys are derived for; HKDF binds each key to one.
const (
	infoCredential = "fdelab encgroup access credential v1\x00"
	infoSignature  = "fdelab encgroup data key signature v1\x00"
)

// credential is the 32-byte access credential of a drive: HKDF-SHA256 (RFC 5869) of the group key
// over serial (length byte and bytes) and generation (4 bytes, big endian).
func credential(groupKey *secret.Key32, serial string, generation uint32) *secret.Key32 {
	info := make([]byte, 0, len(infoCredential)+1+serialMax+4)
	info = append(info, infoCredential...)
	info = append(append(info, byte(len(serial))), serial...)
	info = binary.BigEndian.AppendUint32(info, generation)
	return derive(groupKey, string(info))
}

func derive(key *secret.Key32, info string) *secret.Key32 {
	return secret.Derive32(key[:], nil, info)
}

// sign is HMAC-SHA256 (RFC 2104) under a key derived from the data key, over the
// UID (length byte and bytes) and the wrapped group key.
func sign(dataKey *secret.Key32, uid string, wrapped []byte) (out [32]byte) {
	k := derive(dataKey, infoSignature)
	defer k.Clear()
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte{byte(len(uid))})
	h.Write([]byte(uid))
	h.Write(wrapped)
	h.Sum(out[:0])
	return out
}

// sealGroupKey wraps the group key and signs the wrap.
func sealGroupKey(dataKey, groupKey *secret.Key32, uid string) (wrapped [40]byte, signature [32]byte) {
	wrapped = wrap(dataKey, groupKey)
	return wrapped, sign(dataKey, uid, wrapped[:])
}

func wrap(kek, key *secret.Key32) [40]byte {
	w, err := keywrap.Wrap(kek[:], key[:])
	if err != nil {
		panic("BUG: encgroup: a key of 32 bytes is not wrapped under one of 32: " + err.Error())
	}
	return [40]byte(w)
}

// unseal is the reverse of sealGroupKey. The error is ErrUnwrap or ErrSignature if the data key is
// not the right one or the record was altered.
func unseal(m Memory, dataKey *secret.Key32, uid string, wrapped [40]byte, signature [32]byte) (*secret.Key32, error) {
	k, err := keywrap.Unwrap(dataKey[:], wrapped[:])
	if err != nil {
		return nil, ErrUnwrap
	}
	defer clear(k)
	want := sign(dataKey, uid, wrapped[:])
	if subtle.ConstantTimeCompare(keep(m, RegionSignature, want[:]), signature[:]) != 1 {
		return nil, ErrSignature
	}
	return secret.Take32(k), nil
}
