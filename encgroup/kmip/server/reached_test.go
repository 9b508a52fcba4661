package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// set puts the clock so far ahead of the real time.
func (c *clock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
}

// TestStatesDoNotGoBackWithTheClock: what a client was told of a state holds when the
// clock is set back, and after a restart too (KMIP specification 1.4, section 3.22:
// states only go forward).
func TestStatesDoNotGoBackWithTheClock(t *testing.T) {
	clk := &clock{}
	withClock := func(c *server.Config) { c.Clock = clk.now }
	r := newRig(t, withClock)
	c := r.client("facility")
	at := func(n int) time.Time { return time.Now().Add(time.Duration(n) * 10 * time.Minute) }
	register := func(name string, from, to int) string {
		uid, err := c.Register(password(1), kmip.NameOf(name), kmip.DateOf(kmip.AttrActivationDate, at(from)), kmip.DateOf(kmip.AttrDeactivationDate, at(to)))
		require.NoError(t, err)
		return uid
	}
	state := func(uid string) string { return attribute(t, c, uid, kmip.AttrState) }
	active, deactivated, got, located, checked, unseen := register("a", 1, 9), register("d", -1, 2), register("g", -1, 2), register("l", -1, 2), register("c", -1, 2), register("u", -1, 2)
	require.Equal(t, "State=Pre-Active", state(active))
	require.Equal(t, "State=Active", state(deactivated))

	clk.set(30 * time.Minute)
	require.Equal(t, "State=Active", state(active))
	require.Equal(t, "State=Deactivated", state(deactivated))
	_, err := c.Get(got)
	require.NoError(t, err)
	found, err := c.Locate(0, kmip.NameOf("l"), kmip.EnumOf(kmip.AttrState, kmip.Active))
	require.NoError(t, err)
	require.Empty(t, found, "that it is not Active any more is told too")
	require.NoError(t, c.Check(checked, 0))

	for _, when := range []string{"the clock is set back", "the server is started anew"} {
		clk.set(0)
		require.Equal(t, "State=Active", state(active), when)
		for _, uid := range []string{deactivated, got, located, checked} {
			require.Equal(t, "State=Deactivated", state(uid), when)
		}
		require.Equal(t, "State=Active", state(unseen), "nobody saw this one while the clock was ahead")
		refused(t, kmip.PermissionDenied, c.Activate(active), when)
		refused(t, kmip.PermissionDenied, c.ModifyAttribute(active, kmip.DateOf(kmip.AttrActivationDate, at(5))), "its date counts as come")
		refused(t, kmip.PermissionDenied, c.ModifyAttribute(deactivated, kmip.DateOf(kmip.AttrDeactivationDate, at(5))), "its date counts as come")
		r.stop()
		r.start(withClock)
		c = r.client("facility")
	}
	require.NoError(t, c.Revoke(active, kmip.RevokedCessationOfOperation, "", time.Time{}), "forward it goes")
	require.Equal(t, "State=Deactivated", state(active), "although its Activation Date is still to come")
}

// TestActivationHoldsWhenTheClockGoesBack: what a client itself did is no less certain.
func TestActivationHoldsWhenTheClockGoesBack(t *testing.T) {
	clk := &clock{}
	clk.set(50 * time.Minute)
	c := newRig(t, func(c *server.Config) { c.Clock = clk.now }).client("facility")
	uid, err := c.Create(aes()...)
	require.NoError(t, err)
	require.NoError(t, c.Activate(uid))
	clk.set(30 * time.Minute)
	require.Equal(t, "State=Active", attribute(t, c, uid, kmip.AttrState))
	refused(t, kmip.PermissionDenied, c.Destroy(uid), "an Active key is not destroyed")
	require.NoError(t, c.Revoke(uid, kmip.RevokedUnspecified, "", time.Time{}))
	clk.set(0)
	require.Equal(t, "State=Deactivated", attribute(t, c, uid, kmip.AttrState))
}
