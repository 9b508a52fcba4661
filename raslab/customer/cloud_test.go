package customer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

func must(t testing.TB, err error) {
	t.Helper()
	require.NoError(t, err)
}

// TestWhatTheCloudServerKeeps plays the cloud server.
func TestWhatTheCloudServerKeeps(t *testing.T) {
	h := NewCloudServer(nil)
	get := func(name string) string {
		b, err := h.Get(name, 100)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	body := []byte("one")
	must(t, h.Put("b", body))
	must(t, h.Put("a/2", []byte("A")))
	must(t, h.Put("c", []byte("C")))
	body[0] = 'X'
	require.Equal(t, "one", get("b"), "it has a copy of its own")
	first, err := h.Get("b", 3)
	must(t, err)
	first[0] = 'X'
	require.Equal(t, "one", get("b"), "and hands out copies")
	_, err = h.Get("b", 2)
	require.ErrorIs(t, err, tct.ErrTooLarge, "3 bytes are more than 2")
	names, err := h.List("")
	must(t, err)
	require.Equal(t, []string{"a/2", "b", "c"}, names)
	names, err = h.List("a/")
	must(t, err)
	require.Equal(t, []string{"a/2"}, names)

	require.ErrorIs(t, h.Rollback("b"), request.ErrNotFound, "there was nothing before it")
	must(t, h.Put("b", []byte("two")))
	must(t, h.Rollback("b"))
	require.Equal(t, "one", get("b"))
	must(t, h.Rollback("b"))
	require.Equal(t, "two", get("b"), "and the newer one back")
	must(t, h.Lose("b"))
	require.Equal(t, tct.ErrNotFound.Error(), get("b"))
	require.ErrorIs(t, h.Delete("b"), tct.ErrNotFound)
	require.ErrorIs(t, h.Alter("b", 0), request.ErrNotFound)
	names, err = h.List("")
	must(t, err)
	require.Equal(t, []string{"a/2", "c"}, names)
	must(t, h.Rollback("b"))
	require.Equal(t, "one", get("b"), "the older version is there again")
	must(t, h.Lose("b"))
	must(t, h.Put("b", []byte("three")))
	require.Equal(t, "three", get("b"))
	for at, want := range map[int]string{0: "uhree", 4: "thred", -1: "thred", -5: "uhree"} {
		must(t, h.Alter("b", at))
		require.Equal(t, want, get("b"), "byte %d has another bit", at)
		must(t, h.Alter("b", at))
	}
	for _, at := range []int{5, -6} {
		require.ErrorIs(t, h.Alter("b", at), request.ErrInvalid, "there is no byte %d", at)
	}
	must(t, h.Delete("c"))
	require.Equal(t, tct.ErrNotFound.Error(), get("c"))
	for service, want := range map[CloudService]error{CloudDown: tct.ErrCloud, CloudRefusing: tct.ErrRefused} {
		must(t, h.SetService(service))
		require.Equal(t, service, h.Service())
		_, err := h.Get("b", 100)
		require.ErrorIs(t, err, want)
		_, err = h.List("")
		require.ErrorIs(t, err, want)
		require.ErrorIs(t, h.Put("b", nil), want)
		require.ErrorIs(t, h.Delete("b"), want)
	}
	must(t, h.SetService(CloudRunning))
	require.Equal(t, "three", get("b"), "what was refused changed nothing")
}
