package xts

import (
	"bytes"
	"crypto/aes"
	"crypto/sha512"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// FuzzAgainstXCrypto holds every path of this machine against golang.org/x/crypto/xts: both sector
// sizes, buffers at any alignment, apart and in place, and not a byte written beside the sector.
func FuzzAgainstXCrypto(f *testing.F) {
	f.Add([]byte("key"), uint64(0), []byte("plain"), uint8(0), uint8(0), false)
	f.Add([]byte{}, ^uint64(0), []byte{0xff}, uint8(1), uint8(15), true)
	f.Add([]byte{7}, uint64(1)<<63, []byte("abcdefghijklmnop"), uint8(63), uint8(64), true)
	f.Fuzz(func(t *testing.T, seed []byte, lba uint64, text []byte, to, from uint8, large bool) {
		key := secret.Key64(sha512.Sum512(seed))
		size := 512
		if large {
			size = 4096
		}
		reference, err := xts.NewCipher(aes.NewCipher, key[:])
		require.NoError(t, err)
		plain := make([]byte, size)
		for i := 0; i < size; i += 64 { // no two blocks alike
			block := sha512.Sum512(append(text, byte(i>>8), byte(i)))
			copy(plain[i:], block[:])
		}
		copy(plain, text)
		want, back := make([]byte, size), make([]byte, size)
		reference.Encrypt(want, plain, lba)
		reference.Decrypt(back, plain, lba)
		for _, path := range aes256.Paths() {
			c, err := NewOn(path, &key, size)
			require.NoError(t, err)
			run := func(crypt func(dst, src []byte, lba uint64), want []byte) {
				src := append(make([]byte, from), plain...)[from:]
				room := bytes.Repeat([]byte{0xa5}, size+512)
				dst := room[to : int(to)+size]
				crypt(dst, src, lba)
				require.Equal(t, want, dst, path)
				require.Equal(t, plain, src, "%v: the source stays", path)
				beside := append(room[:to:to], room[int(to)+size:]...)
				require.Equal(t, bytes.Repeat([]byte{0xa5}, len(beside)), beside, "%v: nothing beside it is written", path)
				crypt(src, src, lba)
				require.Equal(t, want, src, "%v in place", path)
			}
			run(c.Encrypt, want)
			run(c.Decrypt, back)
		}
	})
}
