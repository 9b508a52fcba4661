package forensic

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindingsAreTold(t *testing.T) {
	name := Step{Name: "root key", Secret: 1, Block: 9, Page: 9, Offset: 9, Size: 9}
	place := Step{Name: "MEK", Placed: true, Block: 1, Page: 2, Offset: 333, Size: 72}
	require.Equal(t, "root key", name.String(), "what is no place has none")
	require.Equal(t, "MEK at block 1 page 2 offset 333", place.String())
	require.Equal(t, "", Path{}.String())
	require.Equal(t, "root key -> MEK at block 1 page 2 offset 333", Path{name, place}.String())

	f := Finding{Path: Path{name, place}}
	require.Equal(t, place, f.Last())
	require.Equal(t, "root key -> MEK at block 1 page 2 offset 333", f.String())
	f.Oracle = "LBA 17"
	require.Equal(t, "root key -> MEK at block 1 page 2 offset 333 opens LBA 17", f.String())
	f.Swapped = true
	require.Equal(t, "root key -> MEK at block 1 page 2 offset 333 (halves swapped) opens LBA 17", f.String())
	f.Oracle = ""
	require.Equal(t, "root key -> MEK at block 1 page 2 offset 333 (halves swapped)", f.String())

	require.Equal(t, "1 pages, 2 key windows, 3 possible wraps, 4 KEKs, 5 unwraps", Tried{Pages: 1, Windows: 2, Wraps: 3, KEKs: 4, Unwraps: 5}.String())
}

func TestWeakWraps(t *testing.T) {
	a, b, c := Finding{Oracle: "a", Weak: true}, Finding{Oracle: "b"}, Finding{Oracle: "c", Weak: true}
	require.Equal(t, []Finding{a, c}, (&Findings{Wraps: []Finding{a, b, c}, Keys: []Finding{a}}).Weak())
	require.Empty(t, (&Findings{Wraps: []Finding{b}, Keys: []Finding{a}, Secrets: []Finding{c}}).Weak(), "keys and secrets are no wraps")
}
