package host

import (
	"errors"
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// SessionOptions say how a session is opened.
type SessionOptions struct {
	ReadOnly bool
	// Timeout of the session in milliseconds; 0 leaves it to the device.
	Timeout uint64
}

// Session is open between StartSession and EndOfSession (Core 3.3.7).
type Session struct {
	d    *Device
	at   address
	sp   spec.UID
	over bool
}

// Start opens a session with a service provider, as Anybody.
func (d *Device) Start(sp spec.UID, o SessionOptions) (*Session, error) { return d.start(sp, o) }

// StartSigned opens a session that proves an authority's PIN at its start, as Linux does, and not by
// Authenticate. A wrong one is a StatusError of StartSession with NotAuthorized.
func (d *Device) StartSigned(sp, who spec.UID, pin drive.PIN, o SessionOptions) (*Session, error) {
	return d.start(sp, o, token.N(d.name(spec.HostChallenge, spec.HostChallengeName), token.B(pin.Bytes())),
		token.N(d.name(spec.HostSigningAuthority, spec.HostSigningAuthorityName), token.UID(who)))
}

func (d *Device) start(sp spec.UID, o SessionOptions, signed ...token.Value) (*Session, error) {
	d.hsn = d.hsn%math.MaxInt32 + 1
	params := append([]token.Value{token.U(uint64(d.hsn)), token.UID(sp), token.Bool(!o.ReadOnly)}, signed...)
	if o.Timeout > 0 {
		params = append(params, token.N(d.name(spec.SessionTimeout, spec.SessionTimeoutName), token.U(o.Timeout)))
	}
	values, err := d.manage(spec.StartSession, spec.SyncSession, params...)
	if err != nil {
		return nil, err
	}
	if len(values) < 2 {
		return nil, malformed("StartSession", "SyncSession has %d values, need 2", len(values))
	}
	hsn, ok := values[0].Uint()
	tsn, isUint := values[1].Uint()
	if !ok || !isUint || hsn != uint64(d.hsn) || tsn == 0 || tsn > math.MaxUint32 {
		return nil, malformed("StartSession", "SyncSession does not name this host's session and one of the device")
	}
	return &Session{d: d, at: address{uint32(tsn), uint32(hsn)}, sp: sp}, nil
}

// StartAs opens a session and proves an authority's PIN in it. A wrong one is a StatusError of
// Authenticate with NotAuthorized; the session is closed then.
func (d *Device) StartAs(sp, who spec.UID, pin drive.PIN, o SessionOptions) (*Session, error) {
	s, err := d.Start(sp, o)
	if err != nil {
		return nil, err
	}
	if err := s.Authenticate(who, pin); err != nil {
		return nil, s.ending(err)
	}
	return s, nil
}

func ignoreClosed(err error) error {
	var closed *ClosedError
	if errors.As(err, &closed) {
		return nil
	}
	return err
}

// send sends a stream of the session.
func (s *Session) send(doing string, stream []byte) ([]byte, error) {
	if s.over {
		return nil, &ClosedError{doing}
	}
	b, err := s.d.exchange(doing, s.at, stream)
	if errors.Is(err, errClosed) || errors.Is(err, errNothing) {
		s.over = true
		return nil, &ClosedError{doing}
	}
	return b, err
}

// Call calls a method and gives its results. A status other than SUCCESS is a *StatusError.
func (s *Session) Call(object, method spec.UID, params ...token.Value) ([]token.Value, error) {
	doing := spec.MethodName(method) + " on " + spec.Name(object)
	out := call(object, method, params)
	defer clear(out)
	stream, err := s.send(doing, out)
	if err != nil {
		return nil, err
	}
	a, err := parseResult(token.NewReader(stream, token.Limits{}))
	if err != nil {
		return nil, malformed(doing, "%v", err)
	}
	if a.status != spec.Success {
		return nil, &StatusError{Object: object, Method: method, Status: a.status}
	}
	return a.values, nil
}

// method is the UID of a method that has one of its own in Enterprise.
func (d *Device) method(opal, enterprise spec.UID) spec.UID {
	if d.names {
		return enterprise
	}
	return opal
}

// Authenticate proves that the session speaks for an authority (Core 5.3.4.1.14). A wrong PIN is a
// StatusError with NotAuthorized.
func (s *Session) Authenticate(who spec.UID, pin drive.PIN) error {
	m := s.d.method(spec.Authenticate, spec.EnterpriseAuthenticate)
	values, err := s.Call(spec.ThisSP, m, token.UID(who), token.N(s.d.name(spec.AuthenticateProof, spec.AuthenticateChallengeName), token.B(pin.Bytes())))
	if err != nil {
		return err
	}
	if len(values) != 1 {
		return malformed("Authenticate", "%d results, need 1", len(values))
	}
	right, ok := values[0].Bool()
	if !ok {
		return malformed("Authenticate", "the result is neither true nor false")
	}
	if !right {
		return &StatusError{Object: who, Method: m, Status: spec.NotAuthorized}
	}
	return nil
}

// Begin opens a transaction (Core 3.2.2.3.2.6): what follows counts once Commit has worked, and not at
// all otherwise.
func (s *Session) Begin() error { return s.transact("StartTransaction", token.StartTransaction, 0) }

// Commit makes all that was done since Begin count.
func (s *Session) Commit() error { return s.transact("EndTransaction", token.EndTransaction, 0) }

// Rollback forgets what was done since Begin.
func (s *Session) Rollback() error { return s.transact("EndTransaction", token.EndTransaction, 1) }

func (s *Session) transact(doing string, k token.Kind, status uint64) error {
	stream, err := s.send(doing, token.AppendUint(token.Append(nil, token.Token{Kind: k}), status))
	if err != nil {
		return err
	}
	r := token.NewReader(stream, token.Limits{})
	if _, err := r.Expect(k); err != nil {
		return malformed(doing, "%v", err)
	}
	v, err := r.Value()
	if err != nil {
		return malformed(doing, "%v", err)
	}
	st, ok := v.Uint()
	switch {
	case !ok || st > 0xFF:
		return malformed(doing, "its status is no number of one byte")
	case st != status:
		return &StatusError{Object: s.sp, Status: spec.Status(st)}
	}
	return nil
}

// Close ends the session (EndOfSession). An open transaction counts as never begun. A session that the
// device has ended is a ClosedError.
func (s *Session) Close() error {
	stream, err := s.send("EndOfSession", token.Append(nil, token.Token{Kind: token.EndOfSession}))
	if err != nil {
		return err
	}
	s.over = true
	if _, err := token.NewReader(stream, token.Limits{}).Expect(token.EndOfSession); err != nil {
		return malformed("EndOfSession", "%v", err)
	}
	return nil
}

// Cell is a column and its value.
type Cell struct {
	Column string
	Value  token.Value
}

// Row is the columns of an object that a Get gave, in the order of the device.
type Row []Cell

// Value gives a column; ok is false where the device gave none.
func (r Row) Value(column string) (v token.Value, ok bool) {
	i := slices.IndexFunc(r, func(c Cell) bool { return c.Column == column })
	if i < 0 {
		return v, false
	}
	return r[i].Value, true
}

// Uint gives a column that is a number.
func (r Row) Uint(column string) (u uint64, ok bool) {
	v, ok := r.Value(column)
	if !ok {
		return 0, false
	}
	return v.Uint()
}

// Bool gives a column that is a boolean.
func (r Row) Bool(column string) (b, ok bool) {
	v, ok := r.Value(column)
	if !ok {
		return false, false
	}
	return v.Bool()
}

// Text gives a column that is a byte sequence.
func (r Row) Text(column string) (s string, ok bool) {
	v, ok := r.Value(column)
	if !ok {
		return "", false
	}
	b, ok := v.Bytes()
	return string(b), ok
}

// Get reads the columns of an object from first to last, both included; two empty names are all of them
// (Core 5.3.3.6). Columns that the session may not read are left out by the device.
func (s *Session) Get(object spec.UID, first, last string) (Row, error) {
	var block []token.Value
	for _, c := range []struct {
		number uint64
		text   string
		column string
	}{{3, "startColumn", first}, {4, "endColumn", last}} {
		if c.column == "" {
			continue
		}
		v, err := s.d.column(object, c.column)
		if err != nil {
			return nil, err
		}
		block = append(block, token.N(s.d.name(c.number, c.text), v))
	}
	m := s.d.method(spec.Get, spec.EnterpriseGet)
	values, err := s.Call(object, m, token.L(block...))
	if err != nil {
		return nil, err
	}
	return s.d.row(object, values)
}

// column is how a column is named to the device.
func (d *Device) column(object spec.UID, name string) (token.Value, error) {
	if d.names {
		return token.S(name), nil
	}
	n := spec.Column(object.Table(), name)
	if n < 0 {
		return token.Value{}, malformed("Get", "table %s has no column %s", spec.Name(object.Table()), name)
	}
	return token.U(uint64(n)), nil
}

// row reads the results of Get: Enterprise has one list more around the pairs.
func (d *Device) row(object spec.UID, values []token.Value) (Row, error) {
	const doing = "Get"
	if len(values) != 1 {
		return nil, malformed(doing, "%d results, need 1", len(values))
	}
	pairs, ok := values[0].List()
	if ok && d.names {
		if len(pairs) == 0 {
			return nil, nil
		}
		pairs, ok = pairs[0].List()
	}
	if !ok {
		return nil, malformed(doing, "the result is no row")
	}
	var row Row
	for _, p := range pairs {
		name, v, ok := p.Named()
		if !ok {
			return nil, malformed(doing, "a cell has no name")
		}
		if b, ok := name.Bytes(); ok {
			row = append(row, Cell{string(b), v})
			continue
		}
		n, ok := name.Uint()
		columns := spec.Columns(object.Table())
		if !ok || n >= uint64(len(columns)) {
			continue // of a later version
		}
		row = append(row, Cell{columns[n], v})
	}
	return row, nil
}

// Set writes columns of an object, all or none (Core 5.3.3.7).
func (s *Session) Set(object spec.UID, cells ...Cell) error {
	var pairs []token.Value
	for _, c := range cells {
		name, err := s.d.column(object, c.Column)
		if err != nil {
			return err
		}
		pairs = append(pairs, token.N(name, c.Value))
	}
	m := s.d.method(spec.Set, spec.EnterpriseSet)
	var err error
	if s.d.names {
		_, err = s.Call(object, m, token.L(), token.L(token.L(pairs...)))
	} else {
		_, err = s.Call(object, m, token.N(token.U(1), token.L(pairs...)))
	}
	return err
}

// Next gives rows of a table behind one, Null for the first; count 0 is all of them (Core 5.3.3.8).
func (s *Session) Next(table, where spec.UID, count uint64) ([]spec.UID, error) {
	var params []token.Value
	if where != spec.Null {
		params = append(params, token.N(s.d.name(0, "Where"), token.UID(where)))
	}
	if count > 0 {
		params = append(params, token.N(s.d.name(1, "Count"), token.U(count)))
	}
	values, err := s.Call(table, spec.Next, params...)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, malformed("Next", "%d results, need 1", len(values))
	}
	items, ok := values[0].List()
	if !ok {
		return nil, malformed("Next", "the result is no list")
	}
	var all []spec.UID
	for _, i := range items {
		u, ok := i.UID()
		if !ok {
			return nil, malformed("Next", "a row is no UID")
		}
		all = append(all, spec.UID(u))
	}
	return all, nil
}

// Random asks the device for n random bytes (Core 5.6.4.1).
func (s *Session) Random(n int) ([]byte, error) {
	values, err := s.Call(spec.ThisSP, spec.Random, token.U(uint64(n)))
	if err != nil {
		return nil, err
	}
	if len(values) == 1 {
		if b, ok := values[0].Bytes(); ok && len(b) == n {
			return slices.Clone(b), nil
		}
	}
	return nil, malformed("Random", "it is not %d bytes", n)
}

// Numbers are those of the session: what the device calls it, and what this host does (Core 3.3.7.1).
func (s *Session) Numbers() (tsn, hsn uint32) { return s.at.tsn, s.at.hsn }
