package kmip

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Version is a version of the protocol.
type Version struct{ Major, Minor int32 }

// The versions that client and server speak.
var (
	V10 = Version{1, 0}
	V11 = Version{1, 1}
	V12 = Version{1, 2}
	V13 = Version{1, 3}
	V14 = Version{1, 4}
)

// Versions lists them, the newest first, as Discover Versions answers.
func Versions() []Version { return []Version{V14, V13, V12, V11, V10} }

// Known says whether client and server speak it.
func (v Version) Known() bool { return v.Major == 1 && v.Minor >= 0 && v.Minor <= 4 }

// AtLeast compares versions.
func (v Version) AtLeast(o Version) bool {
	return v.Major > o.Major || v.Major == o.Major && v.Minor >= o.Minor
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Item is the version as a field of a message.
func (v Version) Item() ttlv.Item {
	return ttlv.Struct(TagProtocolVersion, ttlv.Int(TagProtocolVersionMajor, v.Major), ttlv.Int(TagProtocolVersionMinor, v.Minor))
}

// ReadVersion reads such a field.
func ReadVersion(i *ttlv.Item) (Version, error) {
	r := ttlv.Read(i)
	v := Version{
		int32(r.Required(TagProtocolVersionMajor, ttlv.Integer).Int),
		int32(r.Required(TagProtocolVersionMinor, ttlv.Integer).Int),
	}
	return v, r.Done()
}

// Request is a request message (KMIP specification 1.4, section 7).
type Request struct {
	Version      Version
	MaxResponse  int32        // the largest answer that the client takes, in bytes; 0: no limit
	Correlation  string       // Client Correlation Value, since 1.4; comes back in the answer's log only
	Continuation Continuation // 0 means Stop
	Ordered      bool         // Batch Order Option; a batch is always done in order
	Time         time.Time    // Time Stamp; zero: none
	Items        []RequestItem
}

// RequestItem is one operation of a batch.
type RequestItem struct {
	Op      Operation
	ID      []byte    // Unique Batch Item ID; required when there is more than one item
	Payload ttlv.Item // the structure of TagRequestPayload
	// Critical is the vendor of a Message Extension that must be understood.
	// There is none that the server understands.
	Critical string
}

// Encode appends the message to dst. Payloads get their tag.
func (q *Request) Encode(dst []byte) []byte {
	h := ttlv.Struct(TagRequestHeader, q.Version.Item())
	if q.MaxResponse != 0 {
		h.Add(ttlv.Int(TagMaximumResponseSize, q.MaxResponse))
	}
	if q.Correlation != "" {
		h.Add(ttlv.Text(TagClientCorrelationValue, q.Correlation))
	}
	if q.Continuation != 0 {
		h.Add(ttlv.Enum(TagBatchErrorContinuationOption, q.Continuation))
	}
	if q.Ordered {
		h.Add(ttlv.Bool(TagBatchOrderOption, true))
	}
	if !q.Time.IsZero() {
		h.Add(ttlv.Date(TagTimeStamp, q.Time))
	}
	h.Add(ttlv.Int(TagBatchCount, int32(len(q.Items))))
	m := ttlv.Struct(TagRequestMessage, h)
	for n := range q.Items {
		i := &q.Items[n]
		b := ttlv.Struct(TagBatchItem, ttlv.Enum(TagOperation, i.Op))
		if i.ID != nil {
			b.Add(ttlv.Bytes(TagUniqueBatchItemID, i.ID))
		}
		b.Add(ttlv.Struct(TagRequestPayload, i.Payload.Items...))
		if i.Critical != "" {
			b.Add(ttlv.Struct(TagMessageExtension, ttlv.Text(TagVendorIdentification, i.Critical),
				ttlv.Bool(TagCriticalityIndicator, true), ttlv.Struct(TagVendorExtension)))
		}
		m.Add(b)
	}
	return ttlv.Append(dst, &m)
}

// ParseRequest reads a request message. Payloads refer to the bytes of the
// message. The version is known even if the rest can not be read, so that the answer
// can be given in it; otherwise it is zero. Errors are a *Failure.
func ParseRequest(msg []byte, l ttlv.Limits) (*Request, error) {
	q := &Request{}
	m, err := ttlv.Decode(msg, l)
	if err != nil {
		return q, FailureOf(err)
	}
	if m.Tag != TagRequestMessage {
		return q, Fail(InvalidMessage, "tag %06x is no request message", uint32(m.Tag))
	}
	r := ttlv.Read(&m)
	count, err := q.header(r.Required(TagRequestHeader, ttlv.Structure))
	if err != nil {
		return q, FailureOf(err)
	}
	items := r.All(TagBatchItem, ttlv.Structure)
	if err := r.Done(); err != nil {
		return q, FailureOf(err)
	}
	if int(count) != len(items) || count < 1 {
		return q, Fail(InvalidMessage, "the batch count is %d, and there are %d items", count, len(items))
	}
	q.Items = make([]RequestItem, len(items))
	for n, i := range items {
		if err := q.Items[n].parse(i); err != nil {
			return q, FailureOf(err)
		}
		if len(items) > 1 && q.Items[n].ID == nil {
			return q, Fail(InvalidMessage, "item %d of a batch of %d has no Unique Batch Item ID", n, len(items))
		}
	}
	return q, nil
}

func (q *Request) header(i *ttlv.Item) (count int32, err error) {
	r := ttlv.Read(i)
	v, err := ReadVersion(r.Required(TagProtocolVersion, ttlv.Structure))
	if err != nil {
		return 0, err
	}
	if !v.Known() {
		return 0, Fail(InvalidMessage, "KMIP %s is not spoken here: 1.0 to 1.4 are", v)
	}
	q.Version = v
	q.MaxResponse = r.Int(TagMaximumResponseSize)
	q.Correlation = r.Text(TagClientCorrelationValue)
	r.Optional(TagServerCorrelationValue, ttlv.TextString)
	r.Optional(TagAsynchronousIndicator, ttlv.Boolean) // the client could wait; it need not
	r.Optional(TagAttestationCapableIndicator, ttlv.Boolean)
	r.Optional(TagAuthentication, ttlv.Structure) // the certificate is what counts
	q.Continuation = Continuation(r.Enum(TagBatchErrorContinuationOption))
	if b := r.Optional(TagBatchOrderOption, ttlv.Boolean); b != nil {
		q.Ordered = b.Int == 1
	}
	q.Time = r.Date(TagTimeStamp)
	count = int32(r.Required(TagBatchCount, ttlv.Integer).Int)
	if q.MaxResponse < 0 {
		return 0, Fail(InvalidField, "the Maximum Response Size is %d", q.MaxResponse)
	}
	if q.Continuation > Undo {
		return 0, Fail(InvalidField, "there is no Batch Error Continuation Option %d", q.Continuation)
	}
	return count, r.Done()
}

func (q *RequestItem) parse(i *ttlv.Item) error {
	r := ttlv.Read(i)
	q.Op = Operation(r.Required(TagOperation, ttlv.Enumeration).Int)
	if id := r.Optional(TagUniqueBatchItemID, ttlv.ByteString); id != nil {
		q.ID = append([]byte{}, id.Bytes...)
	}
	q.Payload = *r.Required(TagRequestPayload, ttlv.Structure)
	if e := r.Optional(TagMessageExtension, ttlv.Structure); e != nil {
		x := ttlv.Read(e)
		vendor := x.Required(TagVendorIdentification, ttlv.TextString).Text()
		critical := x.Required(TagCriticalityIndicator, ttlv.Boolean).Int == 1
		x.Required(TagVendorExtension, ttlv.Structure)
		if err := x.Done(); err != nil {
			return err
		}
		if critical {
			q.Critical = "vendor " + vendor
		}
	}
	return r.Done()
}

// Response is a response message.
type Response struct {
	Version Version
	Time    time.Time
	Items   []ResponseItem
}

// ResponseItem is what became of one operation.
type ResponseItem struct {
	Op      Operation // 0 when the whole message was refused
	ID      []byte
	Status  Status
	Reason  Reason // when the status is OperationFailed
	Message string
	Payload *ttlv.Item // the structure of TagResponsePayload; nil when there is none
}

// Encode appends the message to dst.
func (p *Response) Encode(dst []byte) []byte {
	m := ttlv.Struct(TagResponseMessage, ttlv.Struct(TagResponseHeader, p.Version.Item(),
		ttlv.Date(TagTimeStamp, p.Time), ttlv.Int(TagBatchCount, int32(len(p.Items)))))
	for n := range p.Items {
		i := &p.Items[n]
		b := ttlv.Item{Tag: TagBatchItem, Type: ttlv.Structure, Items: make([]ttlv.Item, 0, 6)}
		if i.Op != 0 {
			b.Add(ttlv.Enum(TagOperation, i.Op))
		}
		if i.ID != nil {
			b.Add(ttlv.Bytes(TagUniqueBatchItemID, i.ID))
		}
		b.Add(ttlv.Enum(TagResultStatus, i.Status))
		if i.Reason != 0 {
			b.Add(ttlv.Enum(TagResultReason, i.Reason))
		}
		if i.Message != "" {
			b.Add(ttlv.Text(TagResultMessage, i.Message))
		}
		if i.Payload != nil {
			b.Add(ttlv.Struct(TagResponsePayload, i.Payload.Items...))
		}
		m.Add(b)
	}
	return ttlv.Append(dst, &m)
}

// ParseResponse reads a response message. Payloads refer to its bytes.
func ParseResponse(msg []byte, l ttlv.Limits) (*Response, error) {
	m, err := ttlv.Decode(msg, l)
	if err != nil {
		return nil, err
	}
	if m.Tag != TagResponseMessage {
		return nil, fmt.Errorf("kmip: tag %06x is no response message", uint32(m.Tag))
	}
	p, r := &Response{}, ttlv.Read(&m)
	h := ttlv.Read(r.Required(TagResponseHeader, ttlv.Structure))
	if p.Version, err = ReadVersion(h.Required(TagProtocolVersion, ttlv.Structure)); err != nil {
		return nil, err
	}
	p.Time = h.Required(TagTimeStamp, ttlv.DateTime).Time()
	count := h.Required(TagBatchCount, ttlv.Integer).Int
	if err := h.Err(); err != nil {
		return nil, err
	}
	items := r.All(TagBatchItem, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	if count != int64(len(items)) {
		return nil, fmt.Errorf("kmip: the batch count is %d, and there are %d items", count, len(items))
	}
	p.Items = make([]ResponseItem, len(items))
	for n, i := range items {
		if err := p.Items[n].parse(i); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *ResponseItem) parse(i *ttlv.Item) error {
	r := ttlv.Read(i)
	p.Op = Operation(r.Enum(TagOperation))
	if id := r.Optional(TagUniqueBatchItemID, ttlv.ByteString); id != nil {
		p.ID = append([]byte{}, id.Bytes...)
	}
	p.Status = Status(r.Required(TagResultStatus, ttlv.Enumeration).Int)
	p.Reason = Reason(r.Enum(TagResultReason))
	p.Message = r.Text(TagResultMessage)
	p.Payload = r.Optional(TagResponsePayload, ttlv.Structure)
	return r.Err()
}

// Err is the Failure of an item that did not succeed.
func (p *ResponseItem) Err() error {
	if p.Status == Success {
		return nil
	}
	f := &Failure{Op: p.Op, Reason: p.Reason, Message: p.Message}
	if p.Status == OperationUndone && f.Message == "" {
		f.Message = "undone, because another item of the batch failed"
	}
	return f
}
