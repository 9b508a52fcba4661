package tcg

import (
	"maps"
	"slices"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// personality is a Security Subsystem Class: what there is, who may do what, and what it does to the
// drive. It is data and handlers; the TPer has no other knowledge of an SSC.
type personality struct {
	names     bool   // columns and optional parameters have names, not numbers (Enterprise)
	baseComID uint16 // the first static ComID
	comIDs    int    // how many static ComIDs
	providers []*provider
	methods   map[spec.UID]method
	sid       drive.Authority
	features  func(*TPer) []spec.Feature
	login     func(*TPer, *object, drive.PIN) (handle, error)
	begin     func() transaction
	reset     func(*TPer) error           // TPER_RESET; nil: there is none
	expr      func(*TPer, *ace) []term    // the expression of an ACE where hosts may change it; nil: they may not
	startable func(*TPer, *provider) bool // whether sessions with a service provider can start; nil: always
	maxLogins int                         // how many authorities a session authenticates beside Anybody
	noPIN     bool                        // the proof of an authority may be empty
	maker     bool                        // the maker's security protocol is there
}

// personalities are shared by all TPers: they are data, which depends on how many bands there are.
var personalities [2][drive.MaxRanges + 1]struct {
	once sync.Once
	p    *personality
}

func personalityOf(c drive.Config) *personality {
	p := &personalities[c.Personality][c.Ranges]
	p.once.Do(func() {
		if p.p = enterprise(c.Ranges); c.Personality == drive.Opal {
			p.p = opal(c.Ranges)
		}
	})
	return p.p
}

// handle is what an authority holds in the drive that has proved its PIN.
type handle interface{ Close() }

// method is one that hosts may invoke.
type method struct {
	name   string
	writes bool // it needs a read-write session
	run    func(c *invocation, o *object, g grant) ([]token.Value, error)
}

func (p *personality) provider(u spec.UID) *provider {
	for _, sp := range p.providers {
		if sp.uid == u {
			return sp
		}
	}
	return nil
}

// name is how an optional parameter is named in what the TPer sends.
func (p *personality) name(number uint64, text string) token.Value {
	if p.names {
		return token.S(text)
	}
	return token.U(number)
}

// provider is a service provider: its tables, and who may do what (Core 4.2).
type provider struct {
	uid     spec.UID
	name    string
	tables  []*table
	objects map[spec.UID]*object
	classes map[spec.UID][]spec.UID // by authority: the classes that it is in
	aces    []*ace
	setACE  setter // nil: no ACE can be changed
}

// table is an object table (Core 4.2.5). Its columns are those of package spec.
type table struct {
	uid  spec.UID
	name string
	rows []*object
	set  setter // nil: nothing in it can be set
	// bytes is what a byte table has in place of rows (Core 4.2.5.2).
	bytes *byteTable
	acl   map[spec.UID][]*ace // of a byte table
	there func(*TPer) bool    // nil: always
}

// setter sets cells of an object: all of them, or none.
type setter func(c *invocation, o *object, cells []assignment) error

// assignment is a column and what it is to be.
type assignment struct {
	column string
	value  token.Value
}

// object is what methods are invoked on: a row of a table, a table, or the service provider itself.
type object struct {
	uid    spec.UID
	table  *table // nil for what is no row
	bytes  *byteTable
	n      int // number of the band, where it has to do with one
	who    drive.Authority
	class  bool    // an authority that is a class
	ace    *ace    // whose row it is
	single *single // what Single User Mode puts in the place of acl; nil: nothing
	cells  map[string]reader
	far    []farCell           // columns that a feature set adds, far behind the others, ascending
	acl    map[spec.UID][]*ace // by method (Core 5.3.2.7, column ACL)
	there  func(*TPer) bool    // whether the drive has it now; nil: always
}

// reader gives what is in a cell. A column without a reader is not there.
type reader func(c *invocation, o *object) (token.Value, error)

// farCell is a column that a feature set adds. It has no name.
type farCell struct {
	column uint64
	read   reader
}

// fixed is a cell that does not change.
func fixed(v token.Value) reader {
	return func(*invocation, *object) (token.Value, error) { return v, nil }
}

// ace is an access control element (Core 5.3.2.8): who, and which columns; nil is all of them.
type ace struct {
	uid     spec.UID
	name    string
	expr    []term
	columns []string
	table   spec.UID            // whose columns they are, where hosts see their numbers
	acl     map[spec.UID][]*ace // of its own row; nil: anybody reads it
}

// term is one of a BooleanExpr in postfix form (Core 5.1.3.3): an authority, or an operator over the two
// before it.
type term struct {
	who spec.UID
	op  uint8 // opNone: the term is an authority
}

const (
	opNone uint8 = iota
	opAnd
	opOr
)

// anyOf is a BooleanExpr that holds where one of some authorities has authenticated.
func anyOf(who ...spec.UID) (e []term) {
	for i, u := range who {
		if e = append(e, term{who: u}); i > 0 {
			e = append(e, term{op: opOr})
		}
	}
	return e
}

// holds evaluates an expression for a session. What is no expression holds for nobody.
func holds(expr []term, s *session) bool {
	var stack []bool
	for _, t := range expr {
		if t.op == opNone {
			stack = append(stack, s.as(t.who))
			continue
		}
		n := len(stack) - 2
		if n < 0 {
			return false
		}
		v := stack[n] && stack[n+1]
		if t.op == opOr {
			v = stack[n] || stack[n+1]
		}
		stack = append(stack[:n], v)
	}
	return len(stack) == 1 && stack[0]
}

// grant is what the ACEs of a method let a session have.
type grant struct {
	any     bool // the method may be invoked
	all     bool
	columns []string
}

func (g *grant) column(name string) bool { return g.all || slices.Contains(g.columns, name) }

// object finds what a method is invoked on, nil where the drive has it not.
func (t *TPer) object(sp *provider, u spec.UID) *object {
	o := sp.objects[u]
	if o != nil && o.there != nil && !o.there(t) {
		return nil
	}
	return o
}

// granted evaluates the ACL of a method on an object (Core 5.3.4.3).
func (t *TPer) granted(s *session, o *object, m spec.UID) (g grant) {
	for _, a := range t.aclOf(o, m) {
		if !holds(t.exprOf(a), s) {
			continue
		}
		g.any = true
		g.all = g.all || a.columns == nil
		g.columns = append(g.columns, a.columns...)
	}
	return g
}

// exprOf is the expression of an ACE that is in force.
func (t *TPer) exprOf(a *ace) []term {
	if t.pers.expr != nil {
		return t.pers.expr(t, a)
	}
	return a.expr
}

// build fills in what follows from the tables of a service provider: the tables of its ACEs, its
// methods, its tables, and where each object is. Everybody may read them.
func (sp *provider) build(methods map[spec.UID]method, this map[spec.UID][]*ace, anybody *ace) {
	get := spec.Get
	if _, ok := methods[get]; !ok {
		get = spec.EnterpriseGet
	}
	open := map[spec.UID][]*ace{get: {anybody}}
	row := func(u spec.UID, cells map[string]token.Value) *object {
		o := &object{uid: u, cells: map[string]reader{}, acl: open}
		for _, column := range spec.Columns(u) {
			if v, ok := cells[column]; ok {
				o.cells[column] = fixed(v)
			}
		}
		return o
	}
	ids := &table{uid: spec.MethodIDTable, name: "MethodID"}
	for _, u := range slices.Sorted(maps.Keys(methods)) {
		ids.rows = append(ids.rows, row(u, map[string]token.Value{"UID": token.UID(u), "Name": token.S(methods[u].name)}))
	}
	aces := &table{uid: spec.ACETable, name: "ACE"}
	for _, a := range sp.aces {
		r := row(a.uid, a.cells(get == spec.EnterpriseGet))
		r.cells["BooleanExpr"] = func(c *invocation, _ *object) (token.Value, error) { return exprValue(c.seenExpr(a)), nil }
		if a.acl != nil {
			r.acl = a.acl
		}
		r.ace = a
		aces.rows = append(aces.rows, r)
	}
	aces.set = sp.setACE
	all := &table{uid: spec.TableTable, name: "Table"}
	sp.tables = append([]*table{all, ids, {uid: spec.AccessControlTable, name: "AccessControl"}, aces}, sp.tables...)
	for _, t := range sp.tables {
		r := row(t.uid.TableRow(), map[string]token.Value{
			"UID": token.UID(t.uid.TableRow()), "Name": token.S(t.name), "Kind": token.U(1),
			"NumColumns": token.U(uint64(len(spec.Columns(t.uid)))),
		})
		if t.bytes != nil {
			t.bytes.describe(r)
		}
		r.there = t.there
		all.rows = append(all.rows, r)
	}
	sp.objects = map[spec.UID]*object{spec.ThisSP: {uid: spec.ThisSP, acl: this}}
	for _, t := range sp.tables {
		sp.objects[t.uid] = &object{uid: t.uid, acl: map[spec.UID][]*ace{spec.Next: {anybody}}}
		if t.bytes != nil {
			sp.objects[t.uid] = &object{uid: t.uid, table: t, bytes: t.bytes, acl: t.acl, there: t.there}
		}
		for _, o := range t.rows {
			o.table = t
			sp.objects[o.uid] = o
		}
	}
	sp.objects[spec.AccessControlTable].acl[spec.GetACL] = []*ace{anybody}
}

// cells are the columns of the row of an ACE that do not change (Core 5.3.2.8).
func (a *ace) cells(names bool) map[string]token.Value {
	var columns []token.Value
	for _, c := range a.columns {
		if names {
			columns = append(columns, token.S(c))
		} else {
			columns = append(columns, token.U(uint64(spec.Column(a.table, c))))
		}
	}
	return map[string]token.Value{"UID": token.UID(a.uid), "Name": token.S(a.name), "Columns": token.L(columns...)}
}

// exprValue is an expression as hosts see it: named by half UIDs that tell the types (Core 5.1.3.3).
func exprValue(terms []term) token.Value {
	half := func(b ...byte) token.Value { return token.B(b) }
	var expr []token.Value
	for _, t := range terms {
		if t.op == opNone {
			expr = append(expr, token.N(half(0, 0, 0x0C, 0x05), token.UID(t.who)))
		} else {
			expr = append(expr, token.N(half(0, 0, 0x04, 0x0E), token.U(uint64(t.op-opAnd))))
		}
	}
	return token.L(expr...)
}
