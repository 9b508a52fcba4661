package nvme

// Admin does a command of the admin queue, but for those of Fabrics. in are the data that came with it; out
// is as long as the transfer that the host asks for, and zeros; data for the host go there.
//
// The caller clears in when the command was Security Send: a PIN may be in it.
func (c *Controller) Admin(cmd *Command, in, out []byte) Result {
	if c.over() {
		return Result{Gone: true}
	}
	c.hear()
	r := c.admin(cmd, in, out)
	if !c.s.Powered() || c.over() {
		r = Result{Gone: true}
	}
	c.note(0, cmd, r)
	return r
}

func (c *Controller) admin(cmd *Command, in, out []byte) Result {
	if !c.ready.Load() {
		return refused(SequenceError)
	}
	if cmd[1]&3 != 0 {
		return refused(InvalidField) // fused commands
	}
	if r, ok := c.whileSanitizing(cmd); !ok {
		return r
	}
	switch cmd.Opcode() {
	case OpIdentify:
		return c.identify(cmd, out)
	case OpGetLog:
		return c.getLog(cmd, out)
	case OpSetFeatures:
		return c.setFeatures(cmd, in)
	case OpGetFeatures:
		return c.getFeatures(cmd, out)
	case OpAsyncEvent:
		return c.requestEvent(cmd)
	case OpAbort:
		return c.abort(cmd)
	case OpKeepAlive:
		return done
	case OpSecuritySend, OpSecurityReceive:
		return c.security(cmd, in, out)
	case OpFormat:
		return c.format(cmd)
	case OpSanitize:
		return c.sanitize(cmd)
	}
	return refused(InvalidOpcode)
}

// security is Security Send and Security Receive (NVMe Base 2.1, 5.1.23 and 5.1.24; SIIS 1.07, section 3).
func (c *Controller) security(cmd *Command, in, out []byte) Result {
	dw10, length := cmd.DW(10), int64(cmd.DW(11))
	protocol, specific := uint8(dw10>>24), uint16(dw10>>8)
	data := len(in)
	if cmd.Opcode() == OpSecurityReceive {
		data = len(out)
	}
	switch {
	case c.s.o.Security == nil:
		return refused(InvalidOpcode)
	case int64(data) != length:
		return refused(SGLLength)
	}
	c.s.securityMu.Lock()
	defer c.s.securityMu.Unlock()
	if cmd.Opcode() == OpSecuritySend {
		return security(c.s.o.Security.Send(protocol, specific, in))
	}
	b, err := c.s.o.Security.Receive(protocol, specific, len(out))
	if err == nil {
		copy(out, b)
	}
	return security(err)
}

// format is Format NVM (NVMe Base 2.1, 5.1.10): of the one namespace, with the one format that there is. Data
// are given up whatever SES says: with their keys, and the sectors read as zeros. A drive of which a range is
// locked, or will be, denies it (SIIS 1.07, interactions with Format NVM; the text was not read).
func (c *Controller) format(cmd *Command) Result {
	dw10 := cmd.DW(10)
	ses := dw10 >> 9 & 7
	switch {
	case cmd.NSID() != namespace && cmd.NSID() != allNamespaces:
		return refused(InvalidNamespace)
	case dw10&0xF != 0 || dw10>>12&3 != 0:
		return refused(InvalidFormat)
	case ses > 2 || dw10>>4&0x1F != 0:
		return refused(InvalidField)
	}
	c.s.history.add(c.id, c.stamp(), eventFormatStart, formatStarts(cmd))
	r := giveUp(c.s.d.EraseData())
	c.s.history.add(c.id, c.stamp(), eventFormatEnd, formatEnds(cmd, r))
	return r
}

// giveUp is the result of what erases without a PIN.
func giveUp(err error) Result {
	r := media(err, WriteFault)
	if r.Status&statusMask == AccessDenied {
		r = refused(OperationDenied)
	}
	return r
}

// event is one that waits for a request of the host.
type event struct {
	dw0, dw1 uint32
}

func (e event) kind() uint8 { return uint8(e.dw0 & 7) }

// maxEventRequests is AERL + 1.
const maxEventRequests = 4

// requestEvent is Asynchronous Event Request (NVMe Base 2.1, 5.1.2).
func (c *Controller) requestEvent(cmd *Command) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) >= maxEventRequests {
		return refused(TooManyEvents)
	}
	c.waiting = append(c.waiting, cmd.CID())
	c.match()
	return Result{Pending: true}
}

// raise has an event reported. Of a type that was reported and whose log was not read since, none is.
func (c *Controller) raise(e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
	c.match()
}

// match gives events to requests. The lock is held.
func (c *Controller) match() {
	for i := 0; i < len(c.events) && len(c.waiting) > 0; {
		e := c.events[i]
		if c.masked[e.kind()] {
			i++
			continue
		}
		c.out = append(c.out, Completion{c.waiting[0], Result{DW0: e.dw0, DW1: e.dw1}})
		c.waiting = c.waiting[1:]
		c.events = append(c.events[:i:i], c.events[i+1:]...)
		if c.masked == nil {
			c.masked = map[uint8]bool{}
		}
		c.masked[e.kind()] = true
	}
}

// unmask: the host has read the log of a type of events.
func (c *Controller) unmask(kind uint8) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.masked, kind)
	c.match()
}

// Events gives the completions that did not come at once, each once.
func (c *Controller) Events() []Completion {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.out
	c.out = nil
	return out
}

// abort is Abort (NVMe Base 2.1, 5.1.1). Commands are done when they arrive, so that only a request for
// events can still be aborted.
func (c *Controller) abort(cmd *Command) Result {
	queue, cid := uint16(cmd.DW(10)), uint16(cmd.DW(10)>>16)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.waiting {
		if queue == 0 && w == cid {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			c.out = append(c.out, Completion{cid, failed(AbortRequested)})
			return done
		}
	}
	return Result{DW0: 1}
}
