package reckey

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

var (
	anna = User{"anna", SecurityAdministrator}
	ines = User{"ines", SecurityAdministrator}
	otto = User{"otto", StorageAdministrator}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// bench is a facility with a group and its recovery key.
type bench struct {
	t       testing.TB
	cluster *encgroup.MemCluster
	store   *cutStore
	group   *encgroup.Group
	rec     *Recovery
	draws   int
}

// cutStore loses power at a Save.
type cutStore struct {
	encgroup.MemStore
	at    int // -1: never
	after bool
}

var errCut = errors.New("power cut")

func (s *cutStore) Save(entries []encgroup.Entry) error {
	return s.cut(func() error { return s.MemStore.Save(entries) })
}

func (s *cutStore) Replace(record []encgroup.Entry) error {
	return s.cut(func() error { return s.MemStore.Replace(record) })
}

func (s *cutStore) cut(save func() error) error {
	s.at--
	if s.at != -1 {
		return save()
	}
	if s.after {
		_ = save()
	}
	return errCut
}

func newBench(t testing.TB) *bench {
	c, err := encgroup.NewMemCluster(entropy.Stream(1, "servers"), "a", "b")
	require.NoError(t, err)
	b := &bench{t: t, cluster: c, store: &cutStore{at: -1}}
	b.reboot()
	return b
}

// reboot is a power cycle of the facility.
func (b *bench) reboot() {
	b.t.Helper()
	if b.rec != nil {
		b.rec.PowerOff()
		b.group.PowerOff()
	}
	b.store.at = -1
	b.draws++
	random := entropy.Stream(uint64(b.draws), "facility")
	var err error
	b.group, err = encgroup.Load(b.store.Record(), b.cluster.Servers(), random, b.store)
	require.NoError(b.t, err)
	b.rec = New(b.group, random)
}

func (b *bench) servers(on bool) {
	for _, id := range []string{"a", "b"} {
		s, err := b.cluster.Server(id)
		require.NoError(b.t, err)
		if on {
			s.PowerOn()
		} else {
			s.PowerOff()
		}
	}
}

func (b *bench) state() State {
	b.t.Helper()
	s, err := b.rec.Status()
	require.NoError(b.t, err)
	return s.State
}

// configured is a bench with a recovery key in force, and the key.
func configured(t testing.TB) (*bench, string) {
	b := newBench(t)
	require.NoError(t, b.group.Configure("x"))
	key, err := b.rec.Configure(anna)
	require.NoError(t, err)
	text := Encode(key)
	require.NoError(t, b.rec.Verify(anna, text))
	require.NoError(t, b.rec.Authorize(otto, noon))
	require.Equal(t, Configured, b.state())
	return b, text
}

// deadlock is a facility that boots while no key server can be reached.
func (b *bench) deadlock() {
	b.servers(false)
	b.reboot()
	require.ErrorIs(b.t, b.group.Retrieve(), encgroup.ErrUnreachable)
}

func TestARecoveryKeyRecovers(t *testing.T) {
	for _, first := range []string{"group", "recovery key"} {
		t.Run(first+" first", func(t *testing.T) {
			b := newBench(t)
			if first == "group" {
				require.NoError(t, b.group.Configure("x"))
			}
			require.Equal(t, Unconfigured, b.state())
			key, err := b.rec.Configure(anna)
			require.NoError(t, err)
			require.Equal(t, VerifyPending, b.state())
			b.reboot()
			if first == "group" {
				require.NoError(t, b.group.Retrieve())
			}
			require.NoError(t, b.rec.Verify(ines, strings.ToLower(Encode(key))), "another security administrator may verify")
			require.Equal(t, AuthorizePending, b.state())
			require.ErrorIs(t, b.rec.Recover(anna, Encode(key)), ErrState, "a key that was not authorised recovers nothing")
			require.NoError(t, b.rec.Authorize(otto, noon))
			s, err := b.rec.Status()
			require.NoError(t, err)
			require.Equal(t, Status{State: Configured, Date: noon}, s)
			if first != "group" {
				require.NoError(t, b.group.Configure("x"))
			}
			secrets, err := b.group.Secrets("")
			require.NoError(t, err)

			b.deadlock()
			require.NoError(t, b.rec.Recover(anna, Encode(key)))
			require.Equal(t, RecoverAuthorizePending, b.state())
			require.Equal(t, encgroup.Inaccessible, b.group.State(), "one role is not enough")
			require.NoError(t, b.rec.Authorize(otto, noon))
			require.Equal(t, encgroup.Accessible, b.group.State())
			require.Equal(t, Configured, b.state())
			now, err := b.group.Secrets("")
			require.NoError(t, err)
			require.Equal(t, "group key", now[0].Name)
			require.True(t, now[0].Secret.Equal(secrets[1].Secret), "it is the group key")
			require.ErrorIs(t, b.rec.Authorize(otto, noon), ErrState)
		})
	}
}

func TestTwoRolesAreTwoUsers(t *testing.T) {
	b, text := configured(t)
	both := User{"Anna", StorageAdministrator}
	_, err := b.rec.Rekey(otto)
	require.ErrorIs(t, err, ErrRole)
	key, err := b.rec.Rekey(ines)
	require.NoError(t, err)
	require.ErrorIs(t, b.rec.Verify(otto, Encode(key)), ErrRole)
	require.NoError(t, b.rec.Verify(anna, Encode(key)))
	require.ErrorIs(t, b.rec.Authorize(anna, noon), ErrRole)
	require.ErrorIs(t, b.rec.Authorize(both, noon), ErrSameUser, "who verified, in another role and spelling")
	require.ErrorIs(t, b.rec.Authorize(User{"ines", StorageAdministrator}, noon), ErrSameUser, "who asked")
	require.Equal(t, RekeyAuthorizePending, b.state())
	require.NoError(t, b.rec.Cancel(otto))
	require.ErrorIs(t, b.rec.Deconfigure(otto), ErrRole)
	require.ErrorIs(t, b.rec.Cancel(User{"x", 9}), ErrRole)
	for _, name := range []string{"", "a\n", strings.Repeat("a", 65)} {
		require.ErrorIs(t, b.rec.Deconfigure(User{name, SecurityAdministrator}), ErrUser)
	}

	b.deadlock()
	require.ErrorIs(t, b.rec.Recover(otto, text), ErrRole)
	require.NoError(t, b.rec.Recover(anna, text))
	require.ErrorIs(t, b.rec.Authorize(both, noon), ErrSameUser)
	require.Equal(t, encgroup.Inaccessible, b.group.State())
	require.NoError(t, b.rec.Cancel(otto))
	require.Equal(t, Configured, b.state())
	require.ErrorIs(t, b.rec.Authorize(otto, noon), ErrState, "what was cancelled is not authorised")
	require.Equal(t, encgroup.Inaccessible, b.group.State())
}

func TestWrongEntriesAreCounted(t *testing.T) {
	b, text := configured(t)
	other := Encode(&secret.Key32{1})
	require.ErrorIs(t, b.rec.Verify(anna, other), ErrWrong)
	b.deadlock()
	require.ErrorIs(t, b.rec.Recover(anna, other), ErrWrong)
	b.reboot()
	s, err := b.rec.Status()
	require.NoError(t, err)
	require.Equal(t, Status{Configured, noon, 2}, s, "the count outlives power")
	var typo *TypoError
	require.ErrorAs(t, b.rec.Recover(anna, text[:70]+"*"), &typo)
	require.Equal(t, 8, typo.Group)
	b.store.at = 0
	err = b.rec.Recover(anna, other)
	require.ErrorIs(t, err, errCut, "what cannot be counted is not answered")
	require.NotErrorIs(t, err, ErrWrong)
	b.reboot()
	require.NoError(t, b.rec.Recover(anna, text), "there is no limit")
	s, err = b.rec.Status()
	require.NoError(t, err)
	require.Equal(t, Status{RecoverAuthorizePending, noon, 0}, s, "a typing error was not counted, and the right key ends the count")

	b = newBench(t)
	key, err := b.rec.Configure(anna)
	require.NoError(t, err)
	require.ErrorIs(t, b.rec.Verify(anna, other), ErrWrong)
	require.Equal(t, VerifyPending, b.state())
	require.NoError(t, b.rec.Verify(anna, Encode(key)))
	s, err = b.rec.Status()
	require.NoError(t, err)
	require.Equal(t, Status{State: AuthorizePending}, s, "the right key ends the count here, too")
}

func TestRekeyKeepsTheOldKeyUntilTheEnd(t *testing.T) {
	b, old := configured(t)
	key, err := b.rec.Rekey(anna)
	require.NoError(t, err)
	text := Encode(key)
	require.NotEqual(t, old, text)
	for _, step := range []func() error{
		func() error { return nil },
		func() error { return b.rec.Verify(anna, text) },
	} {
		require.NoError(t, step())
		b.deadlock()
		require.ErrorIs(t, b.rec.Recover(anna, text), ErrWrong, "the new key is not in force")
		require.NoError(t, b.rec.Recover(anna, old))
		require.NoError(t, b.rec.Authorize(otto, noon))
		b.servers(true)
		b.reboot()
		require.NoError(t, b.group.Retrieve())
	}
	require.NoError(t, b.rec.Authorize(otto, noon.Add(time.Hour)))
	s, err := b.rec.Status()
	require.NoError(t, err)
	require.Equal(t, Status{State: Configured, Date: noon.Add(time.Hour)}, s)
	require.NoError(t, b.rec.Verify(anna, text), "a key in force can be looked at again")
	b.deadlock()
	require.ErrorIs(t, b.rec.Recover(anna, old), ErrWrong, "the old key opens nothing any more")
	require.NoError(t, b.rec.Recover(anna, text))
	require.NoError(t, b.rec.Authorize(otto, noon))
	require.Equal(t, encgroup.Accessible, b.group.State())
}

func TestGroupKeysChangeWithoutTheRecoveryKey(t *testing.T) {
	b, text := configured(t)
	_, err := b.group.RekeyGroupKey(nil)
	require.NoError(t, err)
	_, err = b.group.RekeyDataKey()
	require.NoError(t, err)
	secrets, err := b.group.Secrets("")
	require.NoError(t, err)
	b.deadlock()
	require.NoError(t, b.rec.Recover(anna, text))
	require.NoError(t, b.rec.Authorize(otto, noon))
	now, err := b.group.Secrets("")
	require.NoError(t, err)
	require.True(t, now[0].Secret.Equal(secrets[1].Secret))
}

func TestDeconfigureAndDisable(t *testing.T) {
	b, text := configured(t)
	require.NoError(t, b.rec.Deconfigure(anna))
	require.Equal(t, DeconfigureAuthorizePending, b.state())
	b.deadlock()
	require.NoError(t, b.rec.Recover(anna, text), "it is in force until its end is authorised")
	b.rec.PowerOff()
	require.NoError(t, b.rec.Authorize(otto, noon))
	require.Equal(t, Unconfigured, b.state())
	require.Nil(t, b.group.Recovery(), "nothing is kept of it")
	require.Empty(t, b.group.Record().Escrows)
	require.ErrorIs(t, b.rec.Recover(anna, text), ErrState)

	require.NoError(t, b.rec.Disable(anna))
	require.Equal(t, DisableAuthorizePending, b.state())
	require.NoError(t, b.rec.Cancel(anna))
	require.NoError(t, b.rec.Disable(anna))
	require.NoError(t, b.rec.Authorize(otto, noon))
	require.Equal(t, "disabled", b.state().String())
	_, err := b.rec.Configure(anna)
	require.ErrorIs(t, err, ErrState)
	require.NoError(t, b.rec.Enable(anna))
	require.NoError(t, b.rec.Cancel(otto))
	require.Equal(t, Disabled, b.state())
	require.NoError(t, b.rec.Enable(anna))
	require.NoError(t, b.rec.Authorize(otto, noon))
	require.Equal(t, Unconfigured, b.state())
	require.ErrorIs(t, b.rec.Cancel(anna), ErrState)
}

// TestEveryStepInEveryState holds the machine to its table: what is not in it is
// refused and changes nothing.
func TestEveryStepInEveryState(t *testing.T) {
	var text string
	key := func(k *secret.Key32, err error) error {
		if err == nil {
			text = Encode(k)
		}
		return err
	}
	steps := map[string]func(b *bench) error{
		"configure":   func(b *bench) error { return key(b.rec.Configure(anna)) },
		"rekey":       func(b *bench) error { return key(b.rec.Rekey(anna)) },
		"deconfigure": func(b *bench) error { return b.rec.Deconfigure(anna) },
		"disable":     func(b *bench) error { return b.rec.Disable(anna) },
		"enable":      func(b *bench) error { return b.rec.Enable(anna) },
		"verify":      func(b *bench) error { return b.rec.Verify(anna, text) },
		"authorize":   func(b *bench) error { return b.rec.Authorize(otto, noon) },
		"cancel":      func(b *bench) error { return b.rec.Cancel(anna) },
	}
	// The way into each state, and what each step that is allowed leads to.
	for state, c := range map[State]struct {
		way  string
		next map[string]State
	}{
		Unconfigured:                {"", map[string]State{"configure": VerifyPending, "disable": DisableAuthorizePending}},
		VerifyPending:               {"configure", map[string]State{"verify": AuthorizePending, "cancel": Unconfigured}},
		AuthorizePending:            {"configure verify", map[string]State{"authorize": Configured, "cancel": Unconfigured}},
		Configured:                  {"configure verify authorize", map[string]State{"rekey": RekeyVerifyPending, "deconfigure": DeconfigureAuthorizePending, "verify": Configured}},
		RekeyVerifyPending:          {"configure verify authorize rekey", map[string]State{"verify": RekeyAuthorizePending, "cancel": Configured}},
		RekeyAuthorizePending:       {"configure verify authorize rekey verify", map[string]State{"authorize": Configured, "cancel": Configured}},
		DeconfigureAuthorizePending: {"configure verify authorize deconfigure", map[string]State{"authorize": Unconfigured, "cancel": Configured, "verify": DeconfigureAuthorizePending}},
		DisableAuthorizePending:     {"disable", map[string]State{"authorize": Disabled, "cancel": Unconfigured}},
		Disabled:                    {"disable authorize", map[string]State{"enable": EnableAuthorizePending}},
		EnableAuthorizePending:      {"disable authorize enable", map[string]State{"authorize": Unconfigured, "cancel": Disabled}},
	} {
		for name, step := range steps {
			reach := func() *bench {
				b := newBench(t)
				require.NoError(t, b.group.Configure("x"))
				for _, s := range strings.Fields(c.way) {
					require.NoError(t, steps[s](b), "%s on the way to %s", s, state)
				}
				require.Equal(t, state, b.state())
				return b
			}
			b := reach()
			before := b.store.Record()
			err := step(b)
			next, allowed := c.next[name]
			if !allowed {
				require.ErrorIs(t, err, ErrState, "%s in %s", name, state)
				require.Equal(t, before, b.store.Record(), "%s in %s changes nothing", name, state)
				continue
			}
			require.NoError(t, err, "%s in %s", name, state)
			require.Equal(t, next, b.state(), "%s in %s", name, state)
			for _, after := range []bool{false, true} {
				if next == state && name == "verify" {
					continue // nothing is kept
				}
				b := reach()
				b.store.at, b.store.after = 0, after
				require.ErrorIs(t, step(b), errCut)
				b.reboot()
				want := state
				if after {
					want = next
				}
				require.Equal(t, want, b.state(), "%s in %s, power cut, after %v: old or new", name, state, after)
			}
		}
	}
}

func TestRecoverRefusals(t *testing.T) {
	b, text := configured(t)
	require.ErrorIs(t, b.rec.Recover(anna, text), ErrState, "an accessible group needs no recovery")
	b.deadlock()
	_, err := b.rec.Rekey(anna)
	require.ErrorIs(t, err, encgroup.ErrInaccessible, "a new key needs the group key")
	require.Equal(t, Configured, b.state())
	require.NoError(t, b.rec.Recover(anna, text))
	_, err = b.rec.Rekey(anna)
	require.ErrorIs(t, err, ErrState)
	e := b.rec.waiting()
	b.rec.PowerOff()
	require.Equal(t, secret.Key32{}, *e.private, "what waited is overwritten")
	require.Equal(t, Configured, b.state())
	require.ErrorIs(t, b.rec.Authorize(otto, noon), ErrState)

	b = newBench(t)
	b.rec = New(b.group, iotest.ErrReader(errors.New("stuck")))
	_, err = b.rec.Configure(anna)
	require.ErrorContains(t, err, "stuck")
	require.Panics(t, func() { New(nil, nil) })

	require.NoError(t, b.group.SetRecovery([]byte{keptVersion, 9}))
	_, err = b.rec.Status()
	require.ErrorIs(t, err, encgroup.ErrImpossible)
	_, err = b.rec.Configure(anna)
	require.ErrorIs(t, err, encgroup.ErrImpossible)
}

func TestKeptHoldsNoKey(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.group.Configure("x"))
	key, err := b.rec.Configure(anna)
	require.NoError(t, err)
	text := Encode(key)
	require.NoError(t, b.rec.Verify(anna, text))
	require.NoError(t, b.rec.Authorize(otto, noon))
	var printed []byte
	for _, e := range b.store.Record() {
		printed = append(printed, e.Bytes...)
	}
	b.deadlock()
	require.NoError(t, b.rec.Recover(anna, text))
	private := b.rec.waiting().private.Clone()
	for _, v := range []any{b.rec, *b.rec, struct{ r any }{b.rec}, b.rec.Recover(anna, text[8:]), b.rec.Recover(anna, "!"+text), key} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			printed = fmt.Appendf(printed, verb, v)
		}
	}
	for name, s := range map[string]*secret.Key32{"recovery key": key, "private half": private} {
		require.False(t, bytes.Contains(printed, s[:8]), "%s is there raw", name)
		require.False(t, bytes.Contains(printed, []byte(hex.EncodeToString(s[:4]))), "%s is there in hexadecimal", name)
		require.False(t, bytes.Contains(printed, []byte(strings.Trim(fmt.Sprintf("%d", s[:4]), "[]"))), "%s is there in decimals", name)
	}
	require.False(t, bytes.Contains(printed, []byte(text[:8])), "the recovery key is there as text")
}

func TestTextFindsWhatPeopleMistype(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var key secret.Key32
		copy(key[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		text := Encode(&key)
		require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{8}-){7}[0-9A-HJKMNP-TV-Z]{8}$`, text)
		got, err := Decode(text)
		require.NoError(t, err)
		require.True(t, got.Equal(&key))
		got, err = Decode(" " + strings.NewReplacer("-", " ", "1", "l", "0", "o").Replace(strings.ToLower(text)) + "\n")
		require.NoError(t, err)
		require.True(t, got.Equal(&key))

		chars := []byte(strings.ReplaceAll(text, "-", ""))
		at := rapid.IntRange(0, 63).Draw(t, "at")
		other := alphabet[rapid.IntRange(0, 31).Draw(t, "character")]
		if chars[at] != other {
			bent := bytes.Clone(chars)
			bent[at] = other
			_, err = Decode(string(bent))
			require.Equal(t, &TypoError{at/8 + 1, "it is mistyped"}, err, "one wrong character is always found, and its group named")
		}
		a, b := rapid.IntRange(0, 7).Draw(t, "group"), rapid.IntRange(0, 7).Draw(t, "other group")
		if g := strings.Split(text, "-"); g[a] != g[b] {
			g[a], g[b] = g[b], g[a]
			_, err = Decode(strings.Join(g, "-"))
			require.Error(t, err, "groups that changed places are found")
		}
	})
	for text, want := range map[string]string{
		"":                        "reckey: it has 0 characters, need 64",
		strings.Repeat("0", 65):   "reckey: it has more than 64 characters",
		"00000000-0000U":          "reckey: group 2 of the recovery key: there is a character in it that no recovery key has",
		strings.Repeat("\xff", 9): "reckey: group 1 of the recovery key: there is a character in it that no recovery key has",
	} {
		_, err := Decode(text)
		require.EqualError(t, err, want)
	}
}

// TestTextIsPinned: it is on paper in somebody's safe.
func TestTextIsPinned(t *testing.T) {
	key := secret.Key32{}
	for i := range key {
		key[i] = byte(i * 7)
	}
	require.Equal(t, "003GW5E9-3GHJMC8E-70ZMCKER-AHDP4T94-E1VQX1A8-HJ9SN8CB-N2QVDFB2-RK5X5P8V", Encode(&key))
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(&secret.Key32{1}))
	f.Fuzz(func(t *testing.T, text string) {
		key, err := Decode(text)
		if err != nil {
			require.Nil(t, key)
			return
		}
		again, err := Decode(Encode(key))
		require.NoError(t, err)
		require.True(t, again.Equal(key))
	})
}

func FuzzKept(f *testing.F) {
	f.Add((&kept{state: RekeyAuthorizePending, asked: "a"}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := decode(b); err == nil && len(b) > 0 && k != (kept{}) {
			require.Equal(t, b, k.encode(), "what is accepted has one encoding")
		}
	})
}
