package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// functions finds functions that do not fit a screen. What counts is code: lines inside the braces
// of a composite literal or inside a string are data, and are left out. A function literal inside a
// table is code, and counts, unless it is one line, as an entry of a table is. So a table of cases
// with one loop below it is short, and a table of closures is not, wherever it stands.
func functions(file string, source []byte, limit int) ([]Finding, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []Finding
	look := func(n ast.Node, name string, code int) {
		if code > limit {
			found = append(found, Finding{
				File: file, Line: fset.Position(n.Pos()).Line, Rule: "function", In: name,
				Text: fmt.Sprintf("%s has %d lines of code, at most %d: give its parts names", name, code, limit),
			})
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if r := receiver(d); r != "" {
				name = r + "." + name
			}
			look(d, name, codeLines(fset, d, true))
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					look(v, v.Names[0].Name, codeLines(fset, v, false))
				}
			}
		}
	}
	return found, nil
}

// codeLines counts the lines of a declaration without those of its data. code says what a line is
// that is in no literal: that of a function is code, that of a variable is not.
func codeLines(fset *token.FileSet, decl ast.Node, code bool) int {
	line := func(p token.Pos) int { return fset.Position(p).Line }
	counts := map[int]bool{}
	mark := func(first, last int, code bool) {
		for i := first; i <= last; i++ {
			counts[i] = code
		}
	}
	mark(line(decl.Pos()), line(decl.End()), code)
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			mark(line(n.Lbrace)+1, line(n.Rbrace)-1, false)
		case *ast.BasicLit:
			mark(line(n.Pos())+1, line(n.End()), false)
		case *ast.FuncLit: // visited after the literal that holds it
			if first, last := line(n.Pos()), line(n.End()); first < last {
				mark(first, last, true)
			}
		}
		return true
	})
	n := 0
	for i := line(decl.Pos()); i <= line(decl.End()); i++ {
		if counts[i] {
			n++
		}
	}
	return n
}
