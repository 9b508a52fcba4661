package nvmetcp

import (
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// discovery is a discovery controller: it tells a host which subsystems there are (NVMe Base 2.1, 3.1.3.3).
type discovery struct {
	t    *Target
	at   net.Addr // where the host reached us
	cc   atomic.Uint32
	gone atomic.Bool
	kato time.Duration
	last atomic.Int64 // when the host was heard of, Unix nanoseconds
}

// discoveryKeepAlive is the time-out of a host that asks for none: it reads a page and goes.
const discoveryKeepAlive = 2 * time.Minute

func newDiscovery(t *Target, at net.Addr, kato time.Duration) *discovery {
	if kato == 0 {
		kato = discoveryKeepAlive
	}
	d := &discovery{t: t, at: at, kato: kato}
	d.hear()
	return d
}

func (d *discovery) hear() { d.last.Store(time.Now().UnixNano()) }

func (d *discovery) ID() uint16 { return 1 }

func (d *discovery) IO(uint16, *nvme.Command, []byte, []byte) nvme.Result {
	return nvme.Result{Status: nvme.InvalidOpcode | nvme.DNR}
}

func (d *discovery) Events() []nvme.Completion { return nil }
func (d *discovery) Connected() bool           { return false }
func (d *discovery) Disconnected()             {}
func (d *discovery) Close()                    { d.gone.Store(true) }

func (d *discovery) Alive() bool {
	return !d.gone.Load() && time.Since(time.Unix(0, d.last.Load())) <= 2*d.kato
}

func (d *discovery) Property(offset uint32, size int) (uint64, nvme.Status) {
	d.hear()
	const capabilities = nvme.MaxQueueEntries - 1 | 1<<16 | 10<<24 | 1<<37
	ready := uint64(d.cc.Load() & 1)
	switch {
	case offset == nvme.PropertyCAP && size == 8:
		return capabilities, nvme.Success
	case offset == nvme.PropertyVS && size == 4:
		return 0x20100, nvme.Success
	case offset == nvme.PropertyCC && size == 4:
		return uint64(d.cc.Load()), nvme.Success
	case offset == nvme.PropertyCSTS && size == 4:
		if d.cc.Load()>>14&3 != 0 {
			ready |= 2 << 2
		}
		return ready, nvme.Success
	}
	return 0, nvme.InvalidField | nvme.DNR
}

func (d *discovery) SetProperty(offset uint32, size int, v uint64) nvme.Status {
	d.hear()
	if offset != nvme.PropertyCC || size != 4 {
		return nvme.InvalidField | nvme.DNR
	}
	d.cc.Store(uint32(v))
	return nvme.Success
}

const (
	identifySize  = 4096
	cnsController = 1
	logDiscovery  = 0x70
	entrySize     = 1024
)

func (d *discovery) Admin(cmd *nvme.Command, _, out []byte) nvme.Result {
	d.hear()
	refuse := func(s nvme.Status) nvme.Result { return nvme.Result{Status: s | nvme.DNR} }
	if d.cc.Load()&1 == 0 {
		return refuse(nvme.SequenceError)
	}
	switch cmd.Opcode() {
	case nvme.OpKeepAlive:
		return nvme.Result{}
	case nvme.OpAsyncEvent:
		return nvme.Result{Pending: true} // nothing happens that it would be told of
	case nvme.OpIdentify:
		if uint8(cmd.DW(10)) != cnsController || len(out) != identifySize {
			return refuse(nvme.InvalidField)
		}
		d.identify(out)
		return nvme.Result{}
	case nvme.OpSetFeatures, nvme.OpGetFeatures:
		switch uint8(cmd.DW(10)) {
		case 0x0B, 0x0F:
			return nvme.Result{}
		}
		return refuse(nvme.InvalidField)
	case nvme.OpGetLog:
		if uint8(cmd.DW(10)) != logDiscovery {
			return refuse(nvme.InvalidLog)
		}
		page, offset := d.page(), uint64(cmd.DW(13))<<32|uint64(cmd.DW(12))
		if offset%4 != 0 || offset > uint64(len(page)) {
			return refuse(nvme.InvalidField)
		}
		copy(out, page[offset:])
		return nvme.Result{}
	}
	return refuse(nvme.InvalidOpcode)
}

func (d *discovery) identify(b []byte) {
	le := binary.LittleEndian
	nvme.Text(b[4:24], "fdelab discovery")
	nvme.Text(b[24:64], "fdelab discovery controller")
	nvme.Text(b[64:72], "1")
	b[77] = 5
	le.PutUint16(b[78:], d.ID())
	le.PutUint32(b[80:], 0x20100)
	b[111] = 2 // CNTRLTYPE: discovery
	b[261] = 1 << 2
	le.PutUint16(b[320:], 10)
	le.PutUint16(b[514:], nvme.MaxQueueEntries)
	le.PutUint32(b[536:], 1|1<<20|1<<21)
	copy(b[768:], DiscoveryNQN)
	le.PutUint32(b[1792:], 4)
	le.PutUint32(b[1796:], 1)
	b[1803] = 1
}

// page is the discovery log (NVMe Base 2.1, 5.1.12.3.1): a header, and an entry for each subsystem.
func (d *discovery) page() []byte {
	le := binary.LittleEndian
	b := make([]byte, entrySize*(1+len(d.t.subsystems)))
	le.PutUint64(b, 1)
	le.PutUint64(b[8:], uint64(len(d.t.subsystems)))
	host, port, _ := net.SplitHostPort(d.at.String())
	family := byte(1)
	if strings.Contains(host, ":") {
		family = 2
	}
	for i, s := range d.t.subsystems {
		e := b[entrySize*(i+1):]
		const tcp, nvmSubsystem, noFlowControl = 3, 2, 1 << 2
		e[0], e[1], e[2], e[3] = tcp, family, nvmSubsystem, noFlowControl
		le.PutUint16(e[4:], 1)
		le.PutUint16(e[6:], anyController)
		le.PutUint16(e[8:], adminQueueDepth)
		nvme.Text(e[32:64], port)
		copy(e[256:512], s.NQN())
		nvme.Text(e[512:768], host)
	}
	return b
}
