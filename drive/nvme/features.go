package nvme

import (
	"encoding/binary"
	"time"
)

// Features (NVMe Base 2.1, figure 385; NVM Command Set 1.1, 4.1.3).
const (
	featArbitration = 0x01
	featPower       = 0x02
	featTemperature = 0x04
	featErrors      = 0x05
	featWriteCache  = 0x06
	featQueues      = 0x07
	featAtomicity   = 0x0A
	featEvents      = 0x0B
	featTimestamp   = 0x0E
	featKeepAlive   = 0x0F
	featSanitize    = 0x17
	featHostID      = 0x81
)

// features are what a host has set. They last until the controller is reset.
type features struct {
	values    [256]uint32
	keepAlive time.Duration
	clock     clock
}

// init sets the defaults, at a time. The keep-alive time-out is Connect's, in whole units of KAS.
func (f *features) init(keepAlive, now time.Duration) {
	*f = features{clock: clock{at: now}}
	f.setKeepAlive(keepAlive)
	f.values[featTemperature] = warning
	f.values[featWriteCache] = 1
	f.values[featEvents] = oaes
}

func (f *features) setKeepAlive(t time.Duration) {
	const unit = kas * 100 * time.Millisecond
	f.keepAlive = (t + unit - 1) / unit * unit
	f.values[featKeepAlive] = uint32(f.keepAlive / time.Millisecond)
}

// clock is feature Timestamp (NVMe Base 2.1, 5.1.25.1.9): what a host said that the time is, and when. From a
// reset of the controller until then it counts from 0.
type clock struct {
	ms  uint64        // since 1970, at that moment; 48 bits
	at  time.Duration // of the clock of the subsystem
	set bool
}

const timestampSize = 8

// read is the data structure of the feature: 48 bits of milliseconds, and in byte 6 whether a host has set them.
func (k *clock) read(now time.Duration) []byte {
	const setByHost = 1 << 1
	ms := (k.ms + uint64(max(now-k.at, 0)/time.Millisecond)) & (1<<48 - 1)
	b := binary.LittleEndian.AppendUint64(nil, ms)
	if k.set {
		b[6] = setByHost
	}
	return b
}

// setTimestamp is Set Features of the timestamp. The lock is held.
func (c *Controller) setTimestamp(in []byte) Result {
	if len(in) != timestampSize {
		return refused(SGLLength)
	}
	now := c.s.o.Now()
	was := c.features.clock.read(now)
	c.s.history.add(c.id, was, eventTimestamp, append(append([]byte(nil), was...), make([]byte, 8)...))
	c.features.clock = clock{ms: binary.LittleEndian.Uint64(in) & (1<<48 - 1), at: now, set: true}
	return done
}

// known says whether a feature is there, and whether a host may change it.
func known(id uint8) (ok, changeable bool) {
	switch id {
	case featArbitration, featPower, featTemperature, featErrors, featWriteCache, featQueues, featEvents, featTimestamp, featKeepAlive, featSanitize:
		return true, true
	case featAtomicity, featHostID:
		return true, id == featAtomicity
	}
	return false, false
}

// setFeatures is Set Features (NVMe Base 2.1, 5.1.25). None is saved.
func (c *Controller) setFeatures(cmd *Command, in []byte) Result {
	id, v := uint8(cmd.DW(10)), cmd.DW(11)
	ok, changeable := known(id)
	switch {
	case !ok || len(in) != 0 && id != featTimestamp:
		return refused(InvalidField)
	case id == featHostID:
		return refused(SequenceError) // with Fabrics it is Connect's
	case !changeable:
		return refused(NotChangeable)
	case cmd.DW(10)>>31 != 0:
		return refused(NotSaveable)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.features
	switch id {
	case featTimestamp:
		return c.setTimestamp(in)
	case featQueues:
		return c.setQueues(v)
	case featKeepAlive:
		if v == 0 {
			return refused(KeepAliveInvalid)
		}
		f.setKeepAlive(time.Duration(v) * time.Millisecond)
		return done
	case featPower:
		if v&0x1F != 0 { // one power state
			return refused(InvalidField)
		}
	case featWriteCache:
		v &= 1
	}
	f.values[id] = v
	return done
}

// setQueues is feature Number of Queues (NVMe Base 2.1, 5.1.25.1.5). The lock is held.
func (c *Controller) setQueues(v uint32) Result {
	submission, completion := v&0xFFFF, v>>16
	switch {
	case submission == 0xFFFF || completion == 0xFFFF:
		return refused(InvalidField)
	case c.queues > 0:
		return refused(SequenceError)
	}
	got := min(submission, completion, MaxQueues-1)
	c.features.values[featQueues] = got<<16 | got
	return Result{DW0: got<<16 | got}
}

// getFeatures is Get Features (NVMe Base 2.1, 5.1.11).
func (c *Controller) getFeatures(cmd *Command, out []byte) Result {
	const current, byDefault, saved, capability = 0, 1, 2, 3
	id, sel := uint8(cmd.DW(10)), cmd.DW(10)>>8&7
	ok, changeable := known(id)
	if !ok || sel > capability {
		return refused(InvalidField)
	}
	if sel == capability {
		if changeable {
			return Result{DW0: 1 << 2}
		}
		return done
	}
	if id == featHostID {
		if cmd.DW(11)&1 == 0 {
			return refused(InvalidField) // Fabrics: the long form only
		}
		if len(out) < 16 {
			return refused(SGLLength)
		}
		copy(out, c.host.ID[:])
		return done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.features
	if sel == byDefault || sel == saved {
		f.init(c.host.KeepAlive, c.s.o.Now())
	}
	if id == featTimestamp {
		if len(out) < timestampSize {
			return refused(SGLLength)
		}
		copy(out, f.clock.read(c.s.o.Now()))
		return done
	}
	if id == featTemperature && cmd.DW(11)>>16&0xF != 0 {
		return refused(InvalidField) // sensors beside the composite one
	}
	return Result{DW0: f.values[id]}
}
