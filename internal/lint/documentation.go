package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// customary are methods whose meaning an interface of the standard library
// fixes; a comment would only repeat it.
var customary = []string{
	"String", "GoString", "Format", "Error", "Unwrap", "Is", "As", "LogValue", "Len", "Less", "Swap", "Read", "Write",
	"Close", "MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON",
}

// documentation finds packages without doc.go or Example, and public
// identifiers without a comment.
func documentation(m *module) []Finding {
	var found []Finding
	for _, l := range m.listed {
		file := m.rel(filepath.Join(l.Dir, "doc.go"))
		if !slices.Contains(l.GoFiles, "doc.go") {
			found = append(found, Finding{File: file, Line: 1, Rule: "doc", Text: "package " + l.ImportPath + " has no doc.go"})
		}
		if !hasExample(l) {
			found = append(found, Finding{File: file, Line: 1, Rule: "doc", Text: "package " + l.ImportPath + " has no runnable Example (an Example function with an Output comment)"})
		}
	}
	for _, p := range m.pkgs {
		commented := false
		for _, f := range p.Syntax {
			commented = commented || f.Doc.Text() != ""
			for _, d := range f.Decls {
				found = append(found, undocumented(m, p, d)...)
			}
		}
		if !commented {
			found = append(found, Finding{File: m.rel(filepath.Join(p.Dir, "doc.go")), Line: 1, Rule: "doc", Text: "package " + p.PkgPath + " has no package comment"})
		}
	}
	return found
}

// hasExample looks for an Example function with an expected output, which the
// go command therefore runs.
func hasExample(l listing) bool {
	for _, name := range slices.Concat(l.TestGoFiles, l.XTestGoFiles) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, name), nil, parser.ParseComments)
		if err != nil {
			continue // the compiler reports it better
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Example") {
				continue
			}
			for _, c := range f.Comments {
				text := strings.ToLower(c.Text())
				if c.Pos() > fn.Pos() && c.End() < fn.End() && (strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")) {
					return true
				}
			}
		}
	}
	return false
}

// undocumented gives the public identifiers of a declaration that lack a comment.
func undocumented(m *module, p *packages.Package, d ast.Decl) []Finding {
	if p.Name == "main" {
		return nil
	}
	var found []Finding
	miss := func(pos token.Pos, what, name string) {
		found = append(found, m.at(p, pos, "doc", "%s has no comment", fmt.Sprintf("public %s %s", what, name)))
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		r := receiver(d)
		switch {
		case !d.Name.IsExported() || d.Doc.Text() != "":
		case r == "":
			miss(d.Pos(), "function", d.Name.Name)
		case ast.IsExported(r) && !slices.Contains(customary, d.Name.Name):
			miss(d.Pos(), "method", r+"."+d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
					miss(s.Pos(), "type", s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
						miss(n.Pos(), d.Tok.String(), n.Name)
					}
				}
			}
		}
	}
	return found
}
