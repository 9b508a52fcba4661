package tcg

import (
	"errors"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// invocation is one call of a method in a session.
type invocation struct {
	t *TPer
	s *session
	message
	over bool // the method ended the session
}

// run finds the object and the method, asks who may, and makes the call (Core 5.3.4.3). What is not
// there, and what nobody may do, cannot be told apart.
func (c *invocation) run() ([]token.Value, error) {
	o := c.t.object(c.s.sp, c.object)
	m, ok := c.t.pers.methods[c.method]
	if o == nil || !ok {
		return nil, spec.NotAuthorized
	}
	g := c.t.granted(c.s, o, c.method)
	if !g.any || m.writes && !c.s.write {
		return nil, spec.NotAuthorized
	}
	if c.aborted {
		return nil, spec.Fail
	}
	return m.run(c, o, g)
}

// statuses are what a drive's refusals are to a host (Core 5.1.5).
var statuses = []struct {
	code drive.Code
	st   spec.Status
}{
	{drive.NotAuthorized, spec.NotAuthorized},
	{drive.LockedOut, spec.AuthorityLockedOut},
	{drive.SPBusy, spec.SPBusy},
	{drive.InvalidParameter, spec.InvalidParameter},
	{drive.OutOfRange, spec.InvalidParameter},
	{drive.KeyNotHeld, spec.NotAuthorized},
	{drive.NoSpace, spec.InsufficientSpace},
	{drive.Conflict, spec.TransactionFailure},
}

// statusOf is the status of a method that ended with an error.
func statusOf(err error) spec.Status {
	if err == nil {
		return spec.Success
	}
	if st, ok := err.(spec.Status); ok {
		return st
	}
	for _, s := range statuses {
		if errors.Is(err, s.code) {
			return s.st
		}
	}
	return spec.Fail
}

// span is a span of columns that a Get asks for, both inclusive.
type span struct{ first, last uint64 }

// column reads the name or the number of a column.
func (c *invocation) column(t spec.UID, v token.Value) (int, error) {
	n := -1
	if u, ok := v.Uint(); ok && !c.t.pers.names && u < uint64(len(spec.Columns(t))) {
		n = int(u)
	} else if b, ok := v.Bytes(); ok && c.t.pers.names {
		n = spec.Column(t, string(b))
	}
	if n < 0 {
		return 0, spec.InvalidParameter
	}
	return n, nil
}

// columnOf is column with those that a feature set adds.
func (c *invocation) columnOf(o *object, v token.Value) (uint64, error) {
	if u, ok := v.Uint(); ok && slices.ContainsFunc(o.far, func(f farCell) bool { return f.column == u }) {
		return u, nil
	}
	n, err := c.column(o.uid.Table(), v)
	return uint64(n), err
}

// columnName is how a column is named in what the TPer sends.
func (c *invocation) columnName(n uint64, name string) token.Value {
	if c.t.pers.names {
		return token.S(name)
	}
	return token.U(n)
}

// cellBlock reads the one parameter of a Get on an object (Core 5.1.3, type cell_block): the columns
// from startColumn to endColumn, all where they are left out. The rows are those of the object.
func (c *invocation) cellBlock(o *object) (s span, err error) {
	s = span{0, uint64(len(spec.Columns(o.uid))) - 1}
	if len(c.params) != 1 {
		return s, spec.InvalidParameter
	}
	items, ok := c.params[0].List()
	if !ok {
		return s, spec.InvalidParameter
	}
	for _, i := range items {
		name, v, ok := i.Named()
		switch {
		case ok && isName(name, 3, "startColumn"):
			s.first, err = c.columnOf(o, v)
		case ok && isName(name, 4, "endColumn"):
			s.last, err = c.columnOf(o, v)
		default:
			err = spec.InvalidParameter
		}
		if err != nil {
			return s, err
		}
	}
	if s.first > s.last {
		return s, spec.InvalidParameter
	}
	return s, nil
}

// get is method Get (Core 5.3.3.6). Columns that nobody may read are left out.
func get(c *invocation, o *object, g grant) ([]token.Value, error) {
	if o.bytes != nil {
		return o.bytes.get(c)
	}
	s, err := c.cellBlock(o)
	if err != nil {
		return nil, err
	}
	var row []token.Value
	for i, name := range spec.Columns(o.uid) {
		n := uint64(i)
		if n < s.first || n > s.last {
			continue
		}
		read := o.cells[name]
		if read == nil || !g.column(name) {
			continue
		}
		v, err := read(c, o)
		if err != nil {
			return nil, err
		}
		row = append(row, token.N(c.columnName(n, name), v))
	}
	for _, f := range o.far {
		if f.column < s.first || f.column > s.last || !g.all {
			continue
		}
		v, err := f.read(c, o)
		if err != nil {
			return nil, err
		}
		row = append(row, token.N(token.U(f.column), v))
	}
	if c.t.pers.names { // a list of rows
		return []token.Value{token.L(token.L(row...))}, nil
	}
	return []token.Value{token.L(row...)}, nil
}

// set is method Set (Core 5.3.3.7): all cells, or none.
func set(c *invocation, o *object, g grant) ([]token.Value, error) {
	if o.bytes != nil {
		return nil, o.bytes.set(c)
	}
	pairs, err := c.setParams()
	if err != nil {
		return nil, err
	}
	var cells []assignment
	for _, p := range pairs {
		name, v, ok := p.Named()
		if !ok {
			return nil, spec.InvalidParameter
		}
		n, err := c.column(o.uid.Table(), name)
		if err != nil {
			return nil, err
		}
		column := spec.Columns(o.uid)[n]
		if slices.ContainsFunc(cells, func(a assignment) bool { return a.column == column }) {
			return nil, spec.InvalidParameter
		}
		if !g.column(column) {
			return nil, spec.NotAuthorized
		}
		cells = append(cells, assignment{column, v})
	}
	if len(cells) == 0 {
		return nil, nil
	}
	if o.table == nil || o.table.set == nil {
		return nil, spec.NotAuthorized
	}
	return nil, o.table.set(c, o, cells)
}

// setParams gives the cells that a Set names. Enterprise has two parameters, an empty list for where,
// and a list with one row; Opal has named ones, of which 1 is the row.
func (c *invocation) setParams() ([]token.Value, error) {
	var row token.Value
	if c.t.pers.names {
		if len(c.params) != 2 {
			return nil, spec.InvalidParameter
		}
		where, ok := c.params[0].List()
		rows, isList := c.params[1].List()
		if !ok || len(where) != 0 || !isList || len(rows) != 1 {
			return nil, spec.InvalidParameter
		}
		row = rows[0]
	} else {
		if len(c.params) == 0 {
			return nil, nil
		}
		name, v, ok := c.params[0].Named()
		if len(c.params) != 1 || !ok || !isName(name, 1, "Values") {
			return nil, spec.InvalidParameter
		}
		row = v
	}
	pairs, ok := row.List()
	if !ok {
		return nil, spec.InvalidParameter
	}
	return pairs, nil
}

// next is method Next (Core 5.3.3.8): the rows of a table from one on, or as many of them as asked for.
func next(c *invocation, o *object, _ grant) ([]token.Value, error) {
	where, count := spec.Null, uint64(1<<32)
	for _, p := range c.params {
		name, v, ok := p.Named()
		switch {
		case ok && isName(name, 0, "Where"):
			var u uint64
			u, ok = v.UID()
			where = spec.UID(u)
		case ok && isName(name, 1, "Count"):
			count, ok = v.Uint()
		default:
			ok = false
		}
		if !ok {
			return nil, spec.InvalidParameter
		}
	}
	rows := []token.Value{}
	found := where == spec.Null
	for _, t := range c.s.sp.tables {
		if t.uid != o.uid {
			continue
		}
		for _, r := range t.rows {
			if c.t.object(c.s.sp, r.uid) == nil {
				continue
			}
			if found && uint64(len(rows)) < count {
				rows = append(rows, token.UID(r.uid))
			}
			found = found || r.uid == where
		}
	}
	if !found {
		return nil, spec.InvalidParameter
	}
	return []token.Value{token.L(rows...)}, nil
}

// getACL is method GetACL (Core 5.3.3.13): the ACEs of a method on an object.
func getACL(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	if len(c.params) != 2 {
		return nil, spec.InvalidParameter
	}
	u, ok := c.params[0].UID()
	m, isUID := c.params[1].UID()
	if !ok || !isUID {
		return nil, spec.InvalidParameter
	}
	o := c.t.object(c.s.sp, spec.UID(u))
	if o == nil || c.t.aclOf(o, spec.UID(m)) == nil {
		return nil, spec.NotAuthorized
	}
	var aces []token.Value
	for _, a := range c.t.aclOf(o, spec.UID(m)) {
		aces = append(aces, token.UID(a.uid))
	}
	return []token.Value{token.L(aces...)}, nil
}

// maxRandom is how many bytes one Random gives at most; the SSCs ask for 32.
const maxRandom = 1024

// random is method Random (Core 5.6.4.1).
func random(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	if len(c.params) != 1 {
		return nil, spec.InvalidParameter
	}
	n, ok := c.params[0].Uint()
	if !ok || n > maxRandom {
		return nil, spec.InvalidParameter
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c.t.o.Entropy, b); err != nil {
		return nil, spec.Fail
	}
	return []token.Value{token.B(b)}, nil
}

// authenticate is method Authenticate (Core 5.3.3.12): whether the proof was right is its result, not
// its status.
func authenticate(c *invocation, _ *object, _ grant) ([]token.Value, error) {
	if len(c.params) < 1 || len(c.params) > 2 {
		return nil, spec.InvalidParameter
	}
	who, ok := c.params[0].UID()
	if !ok {
		return nil, spec.InvalidParameter
	}
	var proof []byte
	if len(c.params) == 2 {
		name, v, isNamed := c.params[1].Named()
		if proof, ok = v.Bytes(); !isNamed || !ok || !isName(name, spec.AuthenticateProof, spec.AuthenticateChallengeName) {
			return nil, spec.InvalidParameter
		}
	}
	right, err := c.t.authenticate(c.s, spec.UID(who), proof)
	if err != nil {
		return nil, err
	}
	return []token.Value{token.Bool(right)}, nil
}

// authenticate opens a session of the drive for an authority. A proof that cannot be a PIN is a wrong
// one. Who authenticates again begins anew.
func (t *TPer) authenticate(s *session, who spec.UID, proof []byte) (right bool, err error) {
	o := s.sp.objects[who]
	if o == nil || o.table == nil || o.table.uid != spec.AuthorityTable || o.class {
		return false, spec.InvalidParameter
	}
	if who == spec.Anybody {
		return true, nil
	}
	if t.blocked && o.who == t.pers.sid {
		return false, nil // no try is counted (Block SID Authentication 1.01, 4.3)
	}
	s.logins = slices.DeleteFunc(s.logins, func(l login) bool {
		if l.who == who {
			l.handle.Close()
		}
		return l.who == who
	})
	if len(s.logins) >= t.pers.maxLogins {
		return false, spec.NotAuthorized
	}
	pin, err := drive.NewPIN(proof)
	if err != nil && (len(proof) > 0 || !t.pers.noPIN) {
		return false, nil
	}
	defer pin.Clear()
	handle, err := t.pers.login(t, o, pin)
	switch {
	case errors.Is(err, drive.NotAuthorized):
		return false, nil
	case err != nil:
		return false, err
	}
	s.logins = append(s.logins, login{who, handle})
	return true, nil
}
