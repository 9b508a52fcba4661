package secsock

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/decode"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Record is one line of a trace: a command in words. Secrets are blanked (package decode).
type Record struct {
	N          int    `json:"n"`    // from 1
	Time       string `json:"time"` // RFC 3339 with nanoseconds, UTC
	Drive      int    `json:"drive"`
	Connection int    `json:"connection,omitempty"` // from 1; 0 at the control socket
	// Command is "IF-SEND", "IF-RECV", "Identify 1" with its CNS, "INQUIRY 000" with its page, or one of the control socket, such as
	// "power off".
	Command  string          `json:"command"`
	Protocol *uint8          `json:"protocol,omitempty"`
	ComID    string          `json:"com_id,omitempty"` // four hexadecimal digits
	Bytes    int             `json:"bytes"`            // sent by the host, or by the drive
	Status   string          `json:"status"`           // "good", or what the drive refused it with
	Message  *decode.Message `json:"message,omitempty"`
}

// Tracer writes a Record for each command, as a line of JSON.
type Tracer struct {
	now func() time.Time

	mu       sync.Mutex
	e        *json.Encoder
	n        int
	decoders map[int]*decode.Decoder
	err      error
	failed   func(error)
}

// NewTracer makes one that writes to w. Each line is one Write.
func NewTracer(w io.Writer, now func() time.Time) *Tracer {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &Tracer{now: now, e: e, decoders: map[int]*decode.Decoder{}}
}

// Err is the first error of writing. Nothing is written behind it.
func (t *Tracer) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// OnError has f called once, with the first error of writing, when it happens. f writes nothing to the
// Tracer.
func (t *Tracer) OnError(f func(error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = f
}

func (t *Tracer) write(r Record) {
	t.n++
	r.N, r.Time = t.n, t.now().UTC().Format(time.RFC3339Nano)
	if t.err != nil {
		return
	}
	if t.err = t.e.Encode(r); t.err != nil && t.failed != nil {
		t.failed(t.err)
	}
}

// Control writes a line for what the control socket did to a drive.
func (t *Tracer) Control(unit int, command string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	status := "good"
	if err != nil {
		status = err.Error()
	}
	t.write(Record{Drive: unit, Command: command, Status: status})
}

func (t *Tracer) command(connection int, r *request, data []byte, status uint8) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.decoders[r.unit]
	if d == nil {
		d = new(decode.Decoder)
		t.decoders[r.unit] = d
	}
	line := Record{Drive: r.unit, Connection: connection, Status: "good", Bytes: len(data)}
	if status != statusDone {
		line.Status = transport.Error(status).Error()
		if status >= statusNoDrive {
			line.Status = "no such command"
		}
	}
	switch r.op {
	case opSend:
		line.Command, line.Bytes = "IF-SEND", len(r.payload)
		m := d.Send(r.protocol, r.comID, r.payload)
		line.Message = &m
	case opReceive:
		line.Command = "IF-RECV"
		if status == statusDone {
			m := d.Receive(r.protocol, r.comID, data)
			line.Message = &m
		}
	case opIdentify:
		line.Command = fmt.Sprintf("Identify %d", r.comID)
	case opInquiry:
		line.Command = fmt.Sprintf("INQUIRY %03X", r.comID)
	default:
		line.Command = fmt.Sprintf("command %d", r.op)
	}
	if r.op == opSend || r.op == opReceive {
		line.Protocol, line.ComID = &r.protocol, fmt.Sprintf("%04X", r.comID)
	}
	t.write(line)
}
