package forensic

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// decodedFrom are the bytes that a page of text stands for, by encoding, of phase 0 unless another is asked
// for. It fails where a page of bytes is not laid out as search.load expects it.
func decodedFrom(t *testing.T, text string) (out []page) {
	t.Helper()
	out = decoded(flash.Page{Block: 3, Page: 7, Data: []byte(text)})
	for _, p := range out {
		require.Equal(t, []int{3, 7}, []int{p.block, p.page}, "each is of the page of the text")
		require.Equal(t, p.full, p.data)
		require.Len(t, p.where, len(p.full), "each byte has its place")
		require.Contains(t, []string{"hex", "base64", "base64url"}, p.how)
	}
	return out
}

func of(how string, pages []page) (out []page) {
	for _, p := range pages {
		if p.how == how {
			out = append(out, p)
		}
	}
	return out
}

func numbers(from, step, n int) (out []int) {
	for i := range n {
		out = append(out, from+i*step)
	}
	return out
}

func TestTextsOfHex(t *testing.T) {
	b := noise("hex", 20)
	for _, text := range []string{hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b))} {
		pages := of("hex", decodedFrom(t, "\n#:"+text+"g rest"))
		require.Len(t, pages, 2, "two phases, and no text that is joined: 20 bytes are no key")
		require.Equal(t, b, pages[0].full)
		require.Equal(t, numbers(3, 2, 20), pages[0].where)
		shifted, err := hex.DecodeString(text[1:39])
		require.NoError(t, err)
		require.Equal(t, shifted, pages[1].full, "the last character alone is no byte")
		require.Equal(t, numbers(4, 2, 19), pages[1].where)
	}
	odd := of("hex", decodedFrom(t, "a"+hex.EncodeToString(b)))
	require.Equal(t, b, odd[1].full, "behind a digit of something else")
}

func TestTextsOfBase64(t *testing.T) {
	for _, n := range []int{20, 21, 22} { // with two characters, none and one for padding
		b := noise(fmt.Sprint("base64 ", n), n)
		b[4], b[5], b[6] = 0xFB, 0xEF, 0xBE // give - or + in any phase
		b[8], b[9], b[10] = 0xFF, 0xFF, 0xFF
		for how, e := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.URLEncoding} {
			text := e.EncodeToString(b)
			pages := of(how, decodedFrom(t, "{\""+text+"\"}"))
			require.Len(t, pages, 4, "%s of %d bytes: a phase for each character of a group", how, n)
			require.Equal(t, b, pages[0].full)
			for i, at := range pages[0].where {
				require.Equal(t, 2+i*4/3, at, "byte %d of %d", i, n)
			}
			bare := strings.TrimRight(text, "=")
			for phase := range 4 {
				rest := bare[phase:]
				if len(rest)%4 == 1 {
					rest = rest[:len(rest)-1]
				}
				want, err := e.WithPadding(base64.NoPadding).DecodeString(rest)
				require.NoError(t, err)
				require.Equal(t, want, pages[phase].full, "phase %d", phase)
				require.Equal(t, 2+phase, pages[phase].where[0])
				require.Equal(t, 2+phase+(len(want)-1)*4/3, pages[phase].where[len(want)-1])
			}
		}
	}
}

// A text has 16 characters or more.
func TestShortTextsAreNotDecoded(t *testing.T) {
	require.Empty(t, decodedFrom(t, strings.Repeat("A", 15)))
	require.Empty(t, decodedFrom(t, ""))
	require.Empty(t, decodedFrom(t, "!?"))
	require.Len(t, decodedFrom(t, strings.Repeat("A", 16)), 2+4+4)
	short := decodedFrom(t, strings.Repeat("A", 15)+"!"+strings.Repeat("B", 16))
	require.Len(t, short, 2+4+4, "a short text hides none behind it")
	require.Equal(t, bytes.Repeat([]byte{0xBB}, 8), short[0].full)
	require.Equal(t, 16, short[0].where[0])
}

// The texts of one encoding make one page together, as soon as there is room for a key in it.
func TestTextsAreJoined(t *testing.T) {
	for _, n := range []int{63, 64, 65} {
		b := noise("joined", n)
		pages := of("hex", decodedFrom(t, "k1="+hex.EncodeToString(b[:32])+" k2="+hex.EncodeToString(b[32:])))
		if n < 64 {
			require.Len(t, pages, 4)
			continue
		}
		require.Len(t, pages, 5, "%d bytes", n)
		require.Equal(t, b[:32], pages[0].full)
		require.Equal(t, b[32:], pages[2].full)
		require.Equal(t, b, pages[4].full)
		require.Equal(t, slices.Concat(numbers(3, 2, 32), numbers(3+64+4, 2, n-32)), pages[4].where)
	}
}

// A text goes on behind the end of a line, and nowhere else.
func TestTheNextText(t *testing.T) {
	e := encodings[0]
	require.Equal(t, "hex", e.name)
	for _, c := range []struct {
		data  string
		at    int
		text  string
		where []int
		end   int
	}{
		{"", 0, "", nil, 0},
		{"xyz", 0, "", nil, 3},
		{"ab", 0, "ab", []int{0, 1}, 2},
		{"ab", 1, "b", []int{1}, 2},
		{"ab", 2, "", nil, 2},
		{"--aB1-cd", 0, "aB1", []int{2, 3, 4}, 5},
		{"--aB1-cd", 5, "cd", []int{6, 7}, 8},
		{"\r\nab\r\ncd\n", 0, "abcd", []int{2, 3, 6, 7}, 9},
		{"ab\n\n-cd", 0, "ab", []int{0, 1}, 4},
		{"ab cd", 0, "ab", []int{0, 1}, 2},
		{"ab\tcd", 0, "ab", []int{0, 1}, 2},
	} {
		text, where, end := e.text([]byte(c.data), c.at)
		require.Equal(t, c.text, string(text), "%q from %d", c.data, c.at)
		require.Equal(t, c.where, where, "%q", c.data)
		require.Equal(t, c.end, end, "%q", c.data)
	}
}

// Each encoding has its characters, and no others.
func TestCharactersOfEncodings(t *testing.T) {
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i, want := range []string{"0123456789abcdefABCDEF", letters + "0123456789+/", letters + "0123456789-_"} {
		for c := range 256 {
			require.Equal(t, bytes.IndexByte([]byte(want), byte(c)) >= 0, encodings[i].of[c], "%s, %q", encodings[i].name, rune(c))
		}
	}
}
