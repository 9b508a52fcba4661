package tcg

import (
	"encoding/binary"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

const transportParameter = transport.InvalidParameter

// note is what the TPer keeps in the drive's record: what hosts have changed in its tables that is no
// matter of keys. As bytes it is a list of tokens: the flag of the programmatic reset; pairs of a UID and
// an expression; pairs of a UID and a name; the policy of Single User Mode and the ranges in it.
type note struct {
	resetEnable bool
	single      []int // ranges in Single User Mode
	adminsPlace bool  // whose place is the Admins'
	exprs       []exprNote
	names       []nameNote
}

type exprNote struct {
	ace  spec.UID
	expr []term
}

type nameNote struct {
	object spec.UID
	name   []byte
}

// maxName is how long a CommonName is at most (Core 5.1.3, type name, is 32 bytes).
const maxName = 32

func (n *note) encode() []byte {
	exprs, names := token.L(), token.L()
	for _, e := range n.exprs {
		exprs.Items = append(exprs.Items, token.UID(e.ace), exprValue(e.expr))
	}
	for _, m := range n.names {
		names.Items = append(names.Items, token.UID(m.object), token.B(m.name))
	}
	single := token.L(token.Bool(n.adminsPlace))
	for _, r := range n.single {
		single.Items = append(single.Items, token.U(uint64(r)))
	}
	return token.L(token.Bool(n.resetEnable), exprs, names, single).Append(nil)
}

// parseNote reads a note; no bytes are an empty one. What is none is an error of ours, or of the flash
// behind a check sum that holds: hosts get TPER_MALFUNCTION.
func parseNote(b []byte) (*note, error) {
	n := new(note)
	if len(b) == 0 {
		return n, nil
	}
	v, err := token.Parse(b, token.Limits{})
	if err != nil || len(v) != 1 || len(v[0].Items) != 4 || len(v[0].Items[3].Items) == 0 {
		return nil, spec.TPerMalfunction
	}
	for i, r := range v[0].Items[3].Items {
		if u, _ := r.Uint(); i == 0 {
			n.adminsPlace = u != 0
		} else {
			n.single = append(n.single, int(u))
		}
	}
	n.resetEnable, _ = v[0].Items[0].Bool()
	for p := range slices.Chunk(v[0].Items[1].Items, 2) {
		u, ok := p[0].UID()
		if len(p) != 2 || !ok {
			return nil, spec.TPerMalfunction
		}
		expr, ok := parseExpr(p[1])
		if !ok {
			return nil, spec.TPerMalfunction
		}
		n.exprs = append(n.exprs, exprNote{spec.UID(u), expr})
	}
	for p := range slices.Chunk(v[0].Items[2].Items, 2) {
		u, ok := p[0].UID()
		if len(p) != 2 || !ok {
			return nil, spec.TPerMalfunction
		}
		name, _ := p[1].Bytes()
		n.names = append(n.names, nameNote{spec.UID(u), name})
	}
	return n, nil
}

// reverted is what is left when the Locking SP is reverted: what is of the Admin SP.
func (n *note) reverted() *note { return &note{resetEnable: n.resetEnable} }

// parseExpr reads a BooleanExpr (Core 5.1.3.3): names are half UIDs that tell the types.
func parseExpr(v token.Value) (expr []term, ok bool) {
	items, ok := v.List()
	if !ok {
		return nil, false
	}
	for _, i := range items {
		name, value, ok := i.Named()
		half, isBytes := name.Bytes()
		if !ok || !isBytes || len(half) != 4 {
			return nil, false
		}
		var t term
		switch binary.BigEndian.Uint32(half) {
		case spec.HalfAuthorityObjectRef:
			u, isUID := value.UID()
			t.who, ok = spec.UID(u), isUID
		case spec.HalfBooleanACE:
			u, isUint := value.Uint()
			t.op, ok = opAnd+uint8(u), isUint && u <= 1
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		expr = append(expr, t)
	}
	return expr, true
}

// note is what is kept in the record now.
func (t *TPer) note() (*note, error) {
	b, err := t.opalDrive().Note()
	if err != nil {
		return nil, err
	}
	return parseNote(b)
}

// noteOf is the note that a change of the session begins with.
func (c *invocation) noteOf(x *opalTx) (*note, error) {
	if x.note == nil {
		n, err := c.t.note()
		if err != nil {
			return nil, err
		}
		x.note = n
	}
	return x.note, nil
}

// setNote puts a note into a change.
func (x *opalTx) setNote(n *note) error {
	if err := x.c.SetNote(n.encode()); err != nil {
		return err
	}
	x.note = n
	return nil
}

// seenNote is the note as the session sees it.
func (c *invocation) seenNote() (*note, error) {
	if x := c.open(); x != nil && x.note != nil {
		return x.note, nil
	}
	return c.t.note()
}

// seenExpr is the expression of an ACE as the session sees it. Who may do what is decided by the one in
// force until the transaction is committed.
func (c *invocation) seenExpr(a *ace) []term {
	if x := c.open(); x != nil && x.note != nil && a.acl[spec.Set] != nil {
		return c.s.sp.exprIn(x.note, a.uid)
	}
	return c.t.exprOf(a)
}

// opalExpr is the expression of an ACE: the host's, or that of the preconfiguration.
func opalExpr(t *TPer, a *ace) []term {
	if a.acl[spec.Set] == nil {
		return a.expr
	}
	n, err := t.note()
	if err != nil {
		return nil
	}
	for _, e := range n.exprs {
		if e.ace == a.uid {
			return e.expr
		}
	}
	return a.expr
}

// opalSetACE sets the BooleanExpr of an ACE. Whom it admits to the locks of a range, or to a DataStore,
// gets a wrap of its key in the same step, and who is admitted no more loses it: the ACE alone opens
// nothing.
func opalSetACE(c *invocation, o *object, cells []assignment) error {
	if len(cells) != 1 || cells[0].column != "BooleanExpr" {
		return spec.NotAuthorized
	}
	expr, ok := parseExpr(cells[0].value)
	if !ok || !c.s.sp.valid(expr) || !c.s.sp.kept(o.ace, expr) {
		return spec.InvalidParameter
	}
	return c.change(func(x *opalTx) error {
		n, err := c.noteOf(x)
		if err != nil {
			return err
		}
		before, area := c.s.sp.holders(n, o.ace)
		next := *n
		next.exprs = append(slices.DeleteFunc(slices.Clone(n.exprs), func(e exprNote) bool { return e.ace == o.uid }), exprNote{o.uid, expr})
		after, _ := c.s.sp.holders(&next, o.ace)
		for _, a := range after {
			if !slices.Contains(before, a) {
				if err := x.c.Grant(area, a); err != nil {
					return err
				}
			}
		}
		for _, a := range before {
			if !slices.Contains(after, a) {
				if err := x.c.Revoke(area, a); err != nil {
					return err
				}
			}
		}
		return x.setNote(&next)
	})
}

// valid says whether an expression is one that hosts may set: authorities of the service provider, and
// OR between them. With AND nobody alone would have the key.
func (sp *provider) valid(expr []term) bool {
	depth := 0
	for _, t := range expr {
		switch t.op {
		case opNone:
			o := sp.objects[t.who]
			if o == nil || o.table == nil || o.table.uid != spec.AuthorityTable {
				return false
			}
			depth++
		case opOr:
			depth--
		default:
			return false
		}
		if depth < 1 {
			return false
		}
	}
	return depth == 1
}

// kept says whether the drive would let everybody whom an expression of an ACE admits do what the ACE is
// for. New keys of a range are wrapped for all its holders, whose keys the Admins alone have; a User has no
// key but his own to wrap by another PIN; and Anybody has none at all.
func (sp *provider) kept(a *ace, expr []term) bool {
	own := spec.Null
	switch tail := a.uid - spec.ACETable; {
	case tail >= 0x3A800 && tail < 0x3B000:
		own = spec.User(int(tail - 0x3A800))
	case tail >= 0x3B800 && tail < 0x3BFFF:
	default:
		_, tails := keyed(a)
		return len(tails) == 0 && tail != 0x3F801 || !slices.ContainsFunc(expr, func(t term) bool { return t.who == spec.Anybody })
	}
	for _, t := range expr {
		if t.op == opNone && t.who != own && t.who != spec.Admins && !slices.Contains(sp.classes[t.who], spec.Admins) {
			return false
		}
	}
	return true
}

// keyed says to which area an ACE admits, and which ACEs do; no ACEs for one that admits to none.
func keyed(a *ace) (area drive.Area, tails []spec.UID) {
	switch tail := a.uid - spec.ACETable; {
	case tail >= 0x3E000 && tail < 0x3F000:
		n := tail & 0x7FF
		return drive.RangeArea(int(n)), []spec.UID{0x3E000 + n, 0x3E800 + n}
	case tail >= 0x3FC00 && tail < 0x3FC00+2*drive.MaxDataStores:
		get := tail &^ 1
		return drive.DataStoreArea(int(get-0x3FC00) / 2), []spec.UID{get, get + 1}
	}
	return 0, nil
}

// holders are the authorities that the expressions of a note admit to the area of an ACE; none for an
// ACE that admits to none.
func (sp *provider) holders(n *note, a *ace) (who []drive.Authority, area drive.Area) {
	area, tails := keyed(a)
	for _, tail := range tails {
		for _, t := range sp.exprIn(n, spec.ACETable+tail) {
			for _, a := range sp.members(t.who) {
				if t.op == opNone && !slices.Contains(who, a) {
					who = append(who, a)
				}
			}
		}
	}
	return who, area
}

// exprIn is the expression of an ACE under a note.
func (sp *provider) exprIn(n *note, u spec.UID) []term {
	for _, e := range n.exprs {
		if e.ace == u {
			return e.expr
		}
	}
	for _, a := range sp.aces {
		if a.uid == u {
			return a.expr
		}
	}
	return nil
}

// members are the authorities of the drive that an authority or a class stands for.
func (sp *provider) members(u spec.UID) (who []drive.Authority) {
	for _, t := range sp.tables {
		if t.uid != spec.AuthorityTable {
			continue
		}
		for _, o := range t.rows {
			if o.who != drive.Nobody && (o.uid == u || slices.Contains(sp.classes[o.uid], u)) {
				who = append(who, o.who)
			}
		}
	}
	return who
}

// opalCommonName is column CommonName of an object that hosts may name.
func opalCommonName(c *invocation, o *object) (token.Value, error) {
	n, err := c.seenNote()
	if err != nil {
		return token.Value{}, err
	}
	for _, m := range n.names {
		if m.object == o.uid {
			return token.B(m.name), nil
		}
	}
	return token.S(""), nil
}

// setNames sets the CommonName of an object.
func (c *invocation) setNames(x *opalTx, o *object, cells []assignment) error {
	for _, a := range cells {
		b, ok := a.value.Bytes()
		if !ok || len(b) > maxName {
			return spec.InvalidParameter
		}
		n, err := c.noteOf(x)
		if err != nil {
			return err
		}
		next := *n
		next.names = append(slices.DeleteFunc(slices.Clone(n.names), func(m nameNote) bool { return m.object == o.uid }), nameNote{o.uid, slices.Clone(b)})
		if err := x.setNote(&next); err != nil {
			return err
		}
	}
	return nil
}

func opalResetEnable(c *invocation, _ *object) (token.Value, error) {
	n, err := c.seenNote()
	if err != nil {
		return token.Value{}, err
	}
	return token.Bool(n.resetEnable), nil
}

// opalSetTPerInfo sets ProgrammaticResetEnable.
func opalSetTPerInfo(c *invocation, _ *object, cells []assignment) error {
	on, ok := cells[0].value.Bool()
	if len(cells) != 1 || !ok {
		return spec.InvalidParameter
	}
	return c.change(func(x *opalTx) error {
		n, err := c.noteOf(x)
		if err != nil {
			return err
		}
		next := *n
		next.resetEnable = on
		return x.setNote(&next)
	})
}
