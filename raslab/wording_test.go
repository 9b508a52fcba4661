package raslab

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPlainLeavesOutWhatOnlyProgrammersKnow(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"raslab: rank read: R0: drive: read: locked: range 0", "rank read: R0: read: locked: range 0"},
		{"drive: open a.drive: not a drive file", "a.drive: not a drive file"},
		{"drive: open /tmp/x: no such file or directory", "/tmp/x: no such file or directory"},
		{"keyserver init: keydir: mkdir /a/b.part-123: permission denied", "keyserver init: /a/b: permission denied"},
		{"key server 127.0.0.1:5696: connect: dial tcp 127.0.0.1:5696: connect: connection refused", "key server 127.0.0.1:5696: connect: connection refused"},
		{"exchange the drive: repair start", "exchange the drive: repair start"},
		{"of the server: not seen yet", "of the server: not seen yet"},
		{"read: locked: range 0", "read: locked: range 0"},
		{"rekey: migrate: drive: migrate: power lost: flash: power lost", "rekey: migrate: power lost"},
		{"read back: a: connect: connection refused: dial tcp 1.2.3.4:5: connect: connection refused; b: delivered the key", "read back: a: connect: connection refused; b: delivered the key"},
		{"sector 0: 0: 0", "sector 0: 0: 0"},
	} {
		require.Equal(t, c.want, Plain(c.text))
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		480 * time.Hour: "20 days", 90 * time.Minute: "1 h 30 min", 8 * time.Hour: "8 h", 24 * time.Hour: "1 day",
		36*time.Hour + time.Second: "1 day 12 h 1 s", time.Minute: "1 min", 0: "0s", 5 * time.Millisecond: "5ms",
	} {
		require.Equal(t, want, Spell(d))
	}
	require.Equal(t, "1 key server", plural(1, "key server"))
	require.Equal(t, "0 key servers", plural(0, "key server"))
}

func TestPlainErrorHasNoCalls(t *testing.T) {
	missing := &fs.PathError{Op: "open", Path: "nope", Err: fs.ErrNotExist}
	require.Equal(t, "nope: file does not exist", PlainError(missing))
	require.Equal(t, "certificate: nope: file does not exist", PlainError(fmt.Errorf("certificate: %w", missing)))
	require.Equal(t, "a b: nope: file does not exist", PlainError(errors.Join(errors.New("a"), fmt.Errorf("b: %w", missing))))
	require.Equal(t, "read: locked: range 0", PlainError(errors.New("drive: read: locked: range 0")))
}
