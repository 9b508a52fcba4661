package token

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzTokens(f *testing.F) {
	f.Add(unhex(f, startSession))
	f.Add(unhex(f, "B1 41 A1 42 FB 00 FC 01 FA FF 7F 91 80 D0 02 0102 E2 000001 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		var tokens []Token
		for rest := b; len(rest) > 0; {
			tok, n, err := Next(rest)
			if err != nil {
				require.ErrorAs(t, err, new(*SyntaxError))
				break
			}
			require.Positive(t, n)
			rest = rest[n:]
			tokens = append(tokens, tok)
			again = Append(again, tok)
		}
		for _, want := range tokens {
			got, n, err := Next(again)
			require.NoError(t, err)
			require.Equal(t, want, got, "what was written is what was read")
			again = again[n:]
		}
		require.Empty(t, again)
	})
}

func FuzzValues(f *testing.F) {
	f.Add(unhex(f, "F0 01 F2 A1 41 F0 F1 F3 F1 05"))
	f.Add(unhex(f, "B1 41 A1 42"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := Limits{Continued: true, MaxAggTokenSize: 64, MaxIndTokenSize: 64}
		values, err := Parse(b, l)
		if err != nil {
			var syntax *SyntaxError
			require.True(t, errors.As(err, &syntax))
			require.LessOrEqual(t, syntax.At, len(b))
			return
		}
		again := appendAll(nil, values)
		back, err := Parse(again, Limits{})
		require.NoError(t, err)
		require.True(t, bytes.Equal(again, appendAll(nil, back)))
	})
}

func FuzzComPacket(f *testing.F) {
	f.Add(unhex(f, comPacket))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseComPacket(b)
		if err != nil {
			require.ErrorAs(t, err, new(*SyntaxError))
			return
		}
		again := c.Append(nil)
		require.LessOrEqual(t, len(again), len(b))
		back, err := ParseComPacket(again)
		require.NoError(t, err)
		require.Equal(t, c, back)
	})
}
