package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

// rewritten gives the body of a function with its changes, and the changes.
func rewritten(t *testing.T, signature, body string, skip ...int) (string, []Change) {
	t.Helper()
	src := "package p\ntype T int\nvar g int\nfunc call(...any) error { return nil }\nfunc f" + signature + " {" + body + "}"
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "f.go", src, 0)
	require.NoError(t, err)
	p := &packages.Package{PkgPath: "p", TypesInfo: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	_, err = (&types.Config{}).Check("p", fset, []*ast.File{f}, p.TypesInfo)
	require.NoError(t, err)
	var all []Change
	w := &rewriter{pkg: p, src: []byte(src), file: fset.File(f.FileStart), rel: "p/f.go", skip: map[int]bool{}, number: func(c Change) int {
		all = append(all, c)
		return len(all)
	}}
	for _, line := range skip {
		w.skip[line] = true
	}
	out := w.rewrite(f, "p/mutq")
	if out == "" {
		return body, all
	}
	_, err = parser.ParseFile(fset, "out.go", out, 0)
	require.NoError(t, err, "the result is Go:\n%s", out)
	require.Equal(t, strings.Count(src, "\n")+2, strings.Count(out, "\n"), "no line moves")
	_, out, _ = strings.Cut(out, "func f"+signature+" {")
	return strings.TrimSuffix(out, "}\nvar _ = mutq.M\n"), all
}

func TestOperators(t *testing.T) {
	for _, c := range []struct {
		signature, body string
		want            string
		ops             string
	}{
		{"(a, b int) bool", "return a < b", "return mutq.N(2, mutq.Lt(1, a , b))", "boundary negate"},
		{"(a, b int) bool", "return a>=b", "return mutq.N(2, mutq.Ge(1, a,b))", "boundary negate"},
		{"(a, b int) bool", "return a == b", "return mutq.N(1, a == b)", "negate"},
		{
			"(a, b bool) bool", "return a && !b",
			"return ((((mutq.N(2, a) ) != mutq.M(1)) && (( !mutq.N(3, b)) != mutq.M(1))) != mutq.M(1))", "logic negate negate",
		},
		{"(a bool)", "if a { return }", "if ((mutq.N(2, a)) && !mutq.M(1)) { return }", "drop negate"},
		{"(a bool)", "for a { }", "for mutq.N(1, a) { }", "negate"},
		{"() error", "return call()", "return mutq.E(1, call())", "nil"},
		{"() error", "return nil", "return nil", ""},
		{"() (int, error)", "return g, call()", "return g, mutq.E(1, call())", "nil"},
		{"()", "call()", "if !mutq.M(1) { call() }", "remove"},
		{"()", "defer call()", "if !mutq.M(1) { defer call() }", "remove"},
		{"()", "g = 0", "if !mutq.M(1) { g = 0 }", "remove"},
		{"(a int)", "_ = a", "_ = a", ""},
		{"()", "g++", "if !mutq.M(1) { g += mutq.One(2, g) }", "remove invert"},
		{"()", "g--", "if !mutq.M(1) { g -= mutq.One(2, g) }", "remove invert"},
		{"(a int)", "g += a", "if !mutq.M(1) { g += mutq.Neg(2, g, a) }", "remove invert"},
		{"()", "for { break }", "for { if mutq.M(1) { continue }; break }", "loop"},
		{"()", "for { continue }", "for { if mutq.M(1) { break }; continue }", "loop"},
		{"()", "for { switch { default: break } }", "for { switch { default: break } }", ""},
		{"(a int) int", "return -a", "return mutq.Minus(1, -a)", "minus"},
		{"(a, b int) int", "return a + b*a", "return mutq.Add(1, a , mutq.Mul(2, b,a))", "swap swap"},
		{"(a, b string) string", "return a + b", "return a + b", ""},
		{"(a, b int) int", "return a &^ b", "return mutq.AndNot(1, a , b)", "swap"},
		{"(a int) int", "return a << 3", "return mutq.Shl(1, a , 3)", "swap"},
		{"() T", "return 7", "return mutq.Z(1, T(7))", "zero"},
		{"() T", "return 0", "return 0", ""},
		{"() int", "return 2 + 3", "return 2 + 3", ""},
		{"(a int) int", "switch a { case 4: return 0 }; return 0", "switch a { case 4: return 0 }; return 0", ""},
		{"() bool", "return true", "return mutq.N(1, true)", "flip"},
		{"()", "const c = 1 < 2; panic(g)", "const c = 1 < 2; panic(g)", ""},
	} {
		have, changes := rewritten(t, c.signature, c.body)
		var ops []string
		for _, ch := range changes {
			ops = append(ops, ch.Op)
		}
		require.Equal(t, c.want, have, c.body)
		require.Equal(t, c.ops, strings.Join(ops, " "), c.body)
	}
}

func TestAChangeKnowsItsPlace(t *testing.T) {
	_, all := rewritten(t, "(a, b int) bool", "\n\treturn a <\n\t\tb")
	require.Equal(t, "p/f.go:6:11:boundary", all[0].ID(), "the place is that of the operator")
	require.Equal(t, "boundary of a < b", all[0].Text, "the text is on one line")
	require.Equal(t, "f", all[0].Func)
}

func TestALineThatIsSkippedStays(t *testing.T) {
	body := "\ncall()\ncall(g)"
	have, all := rewritten(t, "()", body, 6)
	require.Equal(t, "\ncall()\nif !mutq.M(1) { call(g) }", have)
	require.Len(t, all, 1)
}
