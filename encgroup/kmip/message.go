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
	Credential   bool         // of a request that was read: its header holds an Authentication
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
	// Err is what is wrong with an item that was read, a *Failure: the others of the
	// batch are good all the same.
	Err error
}

// append writes the version as a field of a message.
func (v Version) append(dst []byte) []byte {
	dst, at := ttlv.Open(dst, TagProtocolVersion)
	dst = ttlv.AppendAll(dst, ttlv.Int(TagProtocolVersionMajor, v.Major), ttlv.Int(TagProtocolVersionMinor, v.Minor))
	ttlv.Close(dst, at)
	return dst
}

// Encode appends the message to dst. Payloads get their tag.
func (q *Request) Encode(dst []byte) []byte {
	dst, message := ttlv.Open(dst, TagRequestMessage)
	dst, header := ttlv.Open(dst, TagRequestHeader)
	dst = q.Version.append(dst)
	if q.MaxResponse != 0 {
		dst = ttlv.AppendAll(dst, ttlv.Int(TagMaximumResponseSize, q.MaxResponse))
	}
	if q.Correlation != "" {
		dst = ttlv.AppendAll(dst, ttlv.Text(TagClientCorrelationValue, q.Correlation))
	}
	if q.Continuation != 0 {
		dst = ttlv.AppendAll(dst, ttlv.Enum(TagBatchErrorContinuationOption, q.Continuation))
	}
	if q.Ordered {
		dst = ttlv.AppendAll(dst, ttlv.Bool(TagBatchOrderOption, true))
	}
	if !q.Time.IsZero() {
		dst = ttlv.AppendAll(dst, ttlv.Date(TagTimeStamp, q.Time))
	}
	dst = ttlv.AppendAll(dst, ttlv.Int(TagBatchCount, int32(len(q.Items))))
	ttlv.Close(dst, header)
	for n := range q.Items {
		dst = q.Items[n].append(dst)
	}
	ttlv.Close(dst, message)
	return dst
}

func (q *RequestItem) append(dst []byte) []byte {
	dst, item := ttlv.Open(dst, TagBatchItem)
	dst = ttlv.AppendAll(dst, ttlv.Enum(TagOperation, q.Op))
	if q.ID != nil {
		dst = ttlv.AppendAll(dst, ttlv.Bytes(TagUniqueBatchItemID, q.ID))
	}
	dst, payload := ttlv.Open(dst, TagRequestPayload)
	dst = ttlv.AppendAll(dst, q.Payload.Items...)
	ttlv.Close(dst, payload)
	if q.Critical != "" {
		dst = ttlv.AppendAll(dst, ttlv.Struct(TagMessageExtension, ttlv.Text(TagVendorIdentification, q.Critical),
			ttlv.Bool(TagCriticalityIndicator, true), ttlv.Struct(TagVendorExtension)))
	}
	ttlv.Close(dst, item)
	return dst
}

// ParseRequest reads a request message. Payloads refer to the bytes of the
// message. The version is known even if the rest cannot be read, so that the answer
// can be given in it; otherwise it is zero. Errors are a *Failure.
//
// An error in one batch item is told of in that item alone. A request of a minor
// version above 1.4 is read as one of 1.4, without the fields that 1.4 does not
// know (KMIP specification 1.4, section 11.1).
func ParseRequest(msg []byte, l ttlv.Limits) (*Request, error) {
	return ParseRequestWith(&ttlv.Decoder{Limits: l}, msg)
}

// ParseRequestWith is ParseRequest with a decoder: payloads are good until its Reset.
func ParseRequestWith(d *ttlv.Decoder, msg []byte) (*Request, error) {
	q := &Request{}
	m, err := d.Decode(msg)
	if err != nil {
		return q, FailureOf(err)
	}
	if m.Tag != TagRequestMessage {
		return q, Fail(InvalidMessage, "tag %06x is no request message", uint32(m.Tag))
	}
	if h := m.Find(TagRequestHeader); h != nil {
		if v := h.Find(TagProtocolVersion); v != nil && newer(v) {
			m.IgnoreUnknown()
		}
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
			q.Items[n].Err = FailureOf(err)
		}
		if len(items) > 1 && q.Items[n].ID == nil {
			return q, Fail(InvalidMessage, "item %d of a batch of %d has no Unique Batch Item ID", n, len(items))
		}
	}
	return q, nil
}

// newer says whether a field has a version with the major of ours and a minor above.
func newer(i *ttlv.Item) bool {
	major, minor := i.Find(TagProtocolVersionMajor), i.Find(TagProtocolVersionMinor)
	return major != nil && minor != nil && major.Int == int64(V14.Major) && minor.Int > int64(V14.Minor)
}

func (q *Request) header(i *ttlv.Item) (count int32, err error) {
	r := ttlv.Read(i)
	v, err := ReadVersion(r.Required(TagProtocolVersion, ttlv.Structure))
	if err != nil {
		return 0, err
	}
	if v.Major == V14.Major && v.Minor > V14.Minor {
		v = V14
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
	q.Credential = r.Optional(TagAuthentication, ttlv.Structure) != nil
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
	dst, message := ttlv.Open(dst, TagResponseMessage)
	dst, header := ttlv.Open(dst, TagResponseHeader)
	dst = p.Version.append(dst)
	dst = ttlv.AppendAll(dst, ttlv.Date(TagTimeStamp, p.Time), ttlv.Int(TagBatchCount, int32(len(p.Items))))
	ttlv.Close(dst, header)
	for n := range p.Items {
		dst = p.Items[n].append(dst)
	}
	ttlv.Close(dst, message)
	return dst
}

func (p *ResponseItem) append(dst []byte) []byte {
	dst, item := ttlv.Open(dst, TagBatchItem)
	if p.Op != 0 {
		dst = ttlv.AppendAll(dst, ttlv.Enum(TagOperation, p.Op))
	}
	if p.ID != nil {
		dst = ttlv.AppendAll(dst, ttlv.Bytes(TagUniqueBatchItemID, p.ID))
	}
	dst = ttlv.AppendAll(dst, ttlv.Enum(TagResultStatus, p.Status))
	if p.Reason != 0 {
		dst = ttlv.AppendAll(dst, ttlv.Enum(TagResultReason, p.Reason))
	}
	if p.Message != "" {
		dst = ttlv.AppendAll(dst, ttlv.Text(TagResultMessage, p.Message))
	}
	if p.Payload != nil {
		var payload int
		dst, payload = ttlv.Open(dst, TagResponsePayload)
		dst = ttlv.AppendAll(dst, p.Payload.Items...)
		ttlv.Close(dst, payload)
	}
	ttlv.Close(dst, item)
	return dst
}

// ParseResponse reads a response message. Payloads refer to its bytes.
func ParseResponse(msg []byte, l ttlv.Limits) (*Response, error) {
	return ParseResponseWith(&ttlv.Decoder{Limits: l}, msg)
}

// ParseResponseWith is ParseResponse with a decoder: payloads are good until its Reset.
func ParseResponseWith(d *ttlv.Decoder, msg []byte) (*Response, error) {
	m, err := d.Decode(msg)
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
