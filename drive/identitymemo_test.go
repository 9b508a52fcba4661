package drive

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/memo"
)

// TestARememberedProofIsTheSame: with a memo a drive answers what it answers without, once it has power, and what does
// not fit is refused as ever.
func TestARememberedProofIsTheSame(t *testing.T) {
	plain := newBench(t, nil)
	remembering := newBench(t, nil)
	m := memo.New()
	remembering.parts.Memo = m
	for range 2 {
		for i := range byte(3) {
			challenge := [ChallengeSize]byte{i}
			want, err := plain.Attest(challenge)
			require.NoError(t, err)
			a, err := remembering.Attest(challenge)
			require.NoError(t, err)
			require.Equal(t, want, a)
			require.NoError(t, a.VerifyWith(m, challenge))
			require.NoError(t, a.VerifyWith(nil, challenge))

			require.ErrorIs(t, a.VerifyWith(m, [ChallengeSize]byte{i + 1}), ErrAttestation)
			for _, alter := range []func(*Attestation){
				func(a *Attestation) { a.Signature[0] ^= 1 },
				func(a *Attestation) { a.Serial += "x" },
				func(a *Attestation) { a.Identity[1] ^= 1 },
			} {
				bad := a
				alter(&bad)
				require.ErrorIs(t, bad.VerifyWith(m, challenge), ErrAttestation)
			}
		}
	}
	require.Equal(t, 3*(1+1+4), m.Fresh(), "each once")
	remembering.PowerOff()
	_, err := remembering.Attest([ChallengeSize]byte{})
	require.ErrorIs(t, err, NoPower)
}
