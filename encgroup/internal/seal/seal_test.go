package seal

import (
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func TestASealOpensForItsKeyAndPurposeOnly(t *testing.T) {
	private, other, want := secret.Key32{8}, secret.Key32{16}, secret.Key32{9}
	public, err := Public(&private)
	require.NoError(t, err)
	s, err := Seal(public, "test", &want, entropy.Stream(1, "seal"))
	require.NoError(t, err)
	got, err := Open(&private, "test", &s)
	require.NoError(t, err)
	require.True(t, got.Equal(&want))
	_, err = Open(&other, "test", &s)
	require.ErrorIs(t, err, ErrOpen)
	_, err = Open(&private, "text", &s)
	require.ErrorIs(t, err, ErrOpen)
	for bit := range len(s) * 8 {
		bent := s
		bent[bit/8] ^= 1 << (bit % 8)
		got, err := Open(&private, "test", &bent)
		require.ErrorIs(t, err, ErrOpen, "bit %d", bit)
		require.Nil(t, got)
	}
	_, err = Seal([32]byte{}, "test", &want, entropy.Stream(1, "seal"))
	require.Error(t, err, "a public key of low order agrees on nothing")
	_, err = Open(&private, "test", &[Size]byte{})
	require.ErrorIs(t, err, ErrOpen)
	_, err = Seal(public, "test", &want, iotest.ErrReader(iotest.ErrTimeout))
	require.ErrorIs(t, err, iotest.ErrTimeout)
}
