package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

// switches is the name by which a changed file imports package mutq.
const switches = "mutq"

// textMost is the most bytes of source that the text of a change shows.
const textMost = 110

// A rewriter finds the changes of one file and puts each behind its number. It adds no line, so
// that positions in the result are those of the source.
type rewriter struct {
	pkg  *packages.Package
	src  []byte
	file *token.File
	rel  string       // the file's name, relative to the repository
	skip map[int]bool // lines whose changes do not compile
	// number gives a change its number and keeps it.
	number func(Change) int

	edits      []edit
	fn         string     // the function that the walk is in
	stack      []ast.Node // from the declaration down to the node that is visited
	conditions map[ast.Expr]bool
	imports    map[string]string // import path to the name in this file
}

// rewrite gives the source of a file with all its changes, or "" if it has none.
func (w *rewriter) rewrite(f *ast.File, mutq string) string {
	w.conditions, w.imports = map[ast.Expr]bool{}, map[string]string{}
	for _, im := range f.Imports {
		path := strings.Trim(im.Path.Value, `"`)
		if im.Name != nil {
			w.imports[path] = im.Name.Name
		} else if p := w.pkg.Imports[path]; p != nil {
			w.imports[path] = p.Name
		}
	}
	for _, d := range f.Decls {
		w.stack = nil
		ast.Inspect(d, w.visit)
	}
	if len(w.edits) == 0 {
		return ""
	}
	end := w.offset(f.Name.End())
	w.edits = append(w.edits, edit{pos: end, end: end, text: fmt.Sprintf("; import %s %q", switches, mutq)})
	// A file of which no change is left after all must still use the import.
	return apply(w.src, w.edits) + "\nvar _ = " + switches + ".M\n"
}

func (w *rewriter) offset(p token.Pos) int { return w.file.Offset(p) }

// source is the text of a node as it stands in the file.
func (w *rewriter) source(n ast.Node) string {
	return string(w.src[w.offset(n.Pos()):w.offset(n.End())])
}

// text is the text of a node on one line, cut where it is long.
func (w *rewriter) text(n ast.Node) string {
	s := strings.Join(strings.Fields(w.source(n)), " ")
	if len(s) > textMost {
		s = strings.ToValidUTF8(s[:textMost], "") + "…"
	}
	return s
}

// add notes a change at a position and gives the call of mutq that asks for it, with the
// call's first argument: "mutq.NAME(7". It is empty if the change is to be left out.
func (w *rewriter) add(at token.Pos, op, name, text string) string {
	pos := w.file.Position(at)
	if w.skip[pos.Line] {
		return ""
	}
	n := w.number(Change{File: w.rel, Func: w.fn, Line: pos.Line, Col: pos.Column, Op: op, Text: text})
	return fmt.Sprintf("%s.%s(%d", switches, name, n)
}

// wrap puts text before and after a node. Of two wraps of one node, that with the smaller inner
// is outside.
func (w *rewriter) wrap(n ast.Node, inner int, before, after string) {
	depth := len(w.stack)*10 + inner
	from, to := w.offset(n.Pos()), w.offset(n.End())
	w.edits = append(w.edits, edit{pos: from, end: from, depth: depth, text: before},
		edit{pos: to, end: to, closes: true, depth: depth, text: after})
}

// replace puts text in the place of the n bytes at a position.
func (w *rewriter) replace(at token.Pos, n int, text string) {
	w.edits = append(w.edits, edit{pos: w.offset(at), end: w.offset(at) + n, text: text})
}

// parent is the n-th node around the one that is visited, nil if there is none.
func (w *rewriter) parent(n int) ast.Node {
	if len(w.stack) <= n {
		return nil
	}
	return w.stack[len(w.stack)-1-n]
}

// inList tells whether the visited statement stands in a list of statements, where an if
// statement can take its place.
func (w *rewriter) inList() bool {
	switch w.parent(1).(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

func (w *rewriter) isConst(e ast.Expr) bool {
	tv, ok := w.pkg.TypesInfo.Types[e]
	return ok && tv.Value != nil
}

// inConst tells whether the visited expression is part of a constant one, or a case of a switch:
// neither may call a function.
func (w *rewriter) inConst() bool {
	switch p := w.parent(1).(type) {
	case ast.Expr:
		return w.isConst(p)
	case *ast.CaseClause:
		return true
	}
	return false
}

// is tells whether the underlying type of an expression has one of these properties.
func (w *rewriter) is(e ast.Expr, info types.BasicInfo) bool {
	tv, ok := w.pkg.TypesInfo.Types[e]
	if !ok || tv.Type == nil {
		return false
	}
	b, ok := tv.Type.Underlying().(*types.Basic)
	return ok && b.Info()&info != 0
}

// typeName writes a type as this file has to; ok is false if the file does not import its package.
func (w *rewriter) typeName(t types.Type) (name string, ok bool) {
	ok = true
	name = types.TypeString(t, func(p *types.Package) string {
		if p.Path() == w.pkg.PkgPath {
			return ""
		}
		n, known := w.imports[p.Path()]
		ok = ok && known
		return n
	})
	return name, ok
}
