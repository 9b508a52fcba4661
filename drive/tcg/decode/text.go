package decode

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// readable are the methods whose parameters hold no secret but in columns that are told below. Of all
// others no byte sequence is shown.
var readable = map[spec.UID]bool{
	spec.Properties: true, spec.StartSession: true, spec.SyncSession: true, spec.CloseSession: true,
	spec.EnterpriseGet: true, spec.EnterpriseSet: true, spec.Get: true, spec.Set: true, spec.Next: true, spec.GetACL: true,
	spec.EnterpriseAuthenticate: true, spec.Authenticate: true, spec.Revert: true, spec.RevertSP: true,
	spec.Activate: true, spec.Erase: true, spec.GenKey: true,
}

// printer writes values under the rules of one method.
type printer struct {
	m      method
	result bool
	b      strings.Builder
}

// text shows a list of parameters or results in round brackets.
func text(m method, result bool, v token.Value) string {
	p := &printer{m: m, result: result}
	items, ok := v.List()
	if !ok {
		items = []token.Value{v}
	}
	p.list("(", items, ")", p.open())
	s := p.b.String()
	if len(s) > MaxText {
		s = strings.ToValidUTF8(s[:MaxText], "") + "…"
	}
	return s
}

// open says whether byte sequences of 8 that stand by themselves are UIDs: the method has no secrets
// there.
func (p *printer) open() bool {
	table := p.m.object.Table()
	switch {
	case !readable[p.m.method], p.guarded() && (!p.result || p.m.method != spec.Next):
		return false
	case p.result && (p.m.method == spec.Get || p.m.method == spec.EnterpriseGet), p.m.method == spec.Set, p.m.method == spec.EnterpriseSet:
		return p.m.object != table // a row, not a byte table
	}
	return true
}

// guarded says whether the object has secrets in its cells, or is their table.
func (p *printer) guarded() bool {
	switch p.m.object.Table() {
	case spec.CPINTable, spec.KAES256Table, spec.KAES128Table:
		return true
	}
	return false
}

// isName says whether v is a name or a number.
func isName(v token.Value, number uint64, name string) bool {
	if u, ok := v.Uint(); ok {
		return u == number
	}
	b, ok := v.Bytes()
	return ok && string(b) == name
}

// secret says of a named value whether it is one. A PIN is one in whatever row it is set.
func (p *printer) secret(name token.Value) bool {
	if b, ok := name.Bytes(); ok && string(b) == "PIN" {
		return true
	}
	switch p.m.method {
	case spec.StartSession, spec.SyncSession:
		return !isName(name, spec.HostSigningAuthority, spec.HostSigningAuthorityName) && !isName(name, spec.HostExchangeAuthority, "HostExchangeAuthority")
	case spec.EnterpriseAuthenticate, spec.Authenticate:
		return true
	}
	return false
}

// proves says whether a PIN goes with the call.
func (p *printer) proves() bool {
	return p.m.method == spec.StartSession || p.m.method == spec.Authenticate || p.m.method == spec.EnterpriseAuthenticate
}

// shown says of a column whether its byte sequences may be seen although the row has secrets: in what the
// device answers those that no host sets, and the columns that a Get asks for by their names.
func (p *printer) shown(column string, value token.Value) bool {
	switch b, _ := value.Bytes(); {
	case column == "startColumn", column == "endColumn":
		return spec.Column(p.m.object, string(b)) >= 0
	case column == "UID", column == "Name", column == "CharSet":
		return p.result
	}
	return false
}

// known are the names of parameters that are no columns.
var known = []string{
	"startColumn", "endColumn", "startRow", "endRow", "Where", "Values", "Count", "Challenge", "HostChallenge",
	"HostSigningAuthority", "HostExchangeAuthority", "SPChallenge", "SPSigningAuthority", "SessionTimeout",
	"TransTimeout", "InitialCredit", "SignedHash", "KeepGlobalRangeKey",
}

// names says whether a name may be seen: a host that swaps name and value has a PIN there.
func (p *printer) names(name string) bool {
	return p.m.method == spec.Properties || name == "PIN" || slices.Contains(known, name) || spec.Column(p.m.object, name) >= 0
}

func (p *printer) list(begin string, items []token.Value, end string, open bool) {
	p.b.WriteString(begin)
	for i, v := range items {
		if p.b.Len() > MaxText {
			break
		}
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.value(v, open)
	}
	p.b.WriteString(end)
}

func (p *printer) value(v token.Value, open bool) {
	if items, ok := v.List(); ok {
		p.list("[", items, "]", open)
		return
	}
	if name, value, ok := v.Named(); ok {
		column := p.column(name)
		p.b.WriteString(column)
		p.b.WriteByte('=')
		p.value(value, (open || p.shown(column, value)) && !p.secret(name))
		return
	}
	if u, ok := v.Uint(); ok {
		fmt.Fprint(&p.b, u)
		return
	}
	b, ok := v.Bytes()
	if !ok {
		fmt.Fprint(&p.b, v.Atom.Int)
		return
	}
	u, isUID := v.UID()
	if t := spec.UID(u).Table(); p.proves() && t != spec.AuthorityTable && t != spec.SPTable {
		open = false // a proof in the wrong place
	}
	switch {
	case open && isUID && !printable(b):
		p.b.WriteString(spec.Name(spec.UID(u)))
	case open && printable(b):
		fmt.Fprintf(&p.b, "%q", b)
	default:
		fmt.Fprintf(&p.b, "<%d bytes>", len(b))
	}
}

// column is how a name is shown: Opal's numbers of columns get their names.
func (p *printer) column(name token.Value) string {
	if b, ok := name.Bytes(); ok {
		if printable(b) && p.names(string(b)) {
			return string(b)
		}
		return fmt.Sprintf("<%d bytes>", len(b))
	}
	u, ok := name.Uint()
	if !ok {
		return "?"
	}
	columns := spec.Columns(p.m.object.Table())
	if p.result && p.m.method == spec.Get && u < uint64(len(columns)) {
		return columns[u]
	}
	return fmt.Sprint(u)
}

// printable says whether bytes are a name as people read it.
func printable(b []byte) bool {
	if len(b) == 0 || !utf8.Valid(b) {
		return false
	}
	for _, c := range string(b) {
		if c < ' ' || c == 0x7F || c > 0x7E {
			return false
		}
	}
	return true
}
