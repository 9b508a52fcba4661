package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Finding is one breach of one rule.
type Finding struct {
	File string // relative to the root of the module, with slashes
	Line int
	Rule string // "imports", "ambient", "goroutine", "map-order", "length", "function", "doc", "words", "src-once", "secret", "exported", "allow"
	In   string // the enclosing function, "Name" or "Type.Name"; empty outside
	Text string // what is wrong, and what would be right
}

// String is one line, in the form that editors understand.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text)
}

// Limits are the numbers that the rules go by.
type Limits struct {
	Lines int // the most lines that a file may have
	Code  int // the most lines of code that a function may have
}

// Run checks the module whose root is dir and gives the findings that no
// exception excuses, sorted by file and line.
func Run(dir string, limits Limits, allow []Exception) ([]Finding, error) {
	m, err := load(dir)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, rule := range []func(*module) []Finding{imports, ambient, secrets, exported, sources, documentation} {
		found = append(found, rule(m)...)
	}
	text, err := files(m, limits)
	if err != nil {
		return nil, err
	}
	found = excuse(append(found, text...), allow)
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text))
	})
	return found, nil
}

// module is the loaded source.
type module struct {
	dir  string // absolute
	path string // the module path
	// pkgs are the packages without their tests, type-checked.
	pkgs []*packages.Package
	// listed is what the go command knows of each package, tests included.
	listed []listing
}

func load(dir string) (*module, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	m := &module{dir: dir}
	if m.listed, m.path, err = list(dir); err != nil {
		return nil, err
	}
	m.pkgs, err = packages.Load(&packages.Config{
		Dir: dir,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedExportFile,
	}, "./...")
	if err != nil {
		return nil, fmt.Errorf("lint: load: %w", err)
	}
	for _, p := range m.pkgs {
		for _, e := range p.Errors {
			return nil, fmt.Errorf("lint: %s does not compile: %w", p.PkgPath, e)
		}
	}
	return m, nil
}

// room is the top-level directory of a package, such as "drive" for
// drive/flash; the packages of the ground are rooms of their own, and the root
// package has none.
func (m *module) room(pkgPath string) string {
	if !m.holds(pkgPath) {
		return ""
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(pkgPath, m.path), "/")
	room, below, _ := strings.Cut(rest, "/")
	next, _, _ := strings.Cut(below, "/")
	if ground := room + "/" + next; known(ground) {
		return ground
	}
	return room
}

func known(room string) bool {
	_, ok := floors[room]
	return ok
}

func (m *module) holds(pkgPath string) bool {
	return pkgPath == m.path || strings.HasPrefix(pkgPath, m.path+"/")
}

// rel is the name of a file relative to the root of the module.
func (m *module) rel(file string) string {
	r, err := filepath.Rel(m.dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(r)
}

// at makes a finding at a position.
func (m *module) at(p *packages.Package, pos token.Pos, rule, text string, args ...any) Finding {
	where := p.Fset.Position(pos)
	return Finding{
		File: m.rel(where.Filename), Line: where.Line, Rule: rule,
		In: enclosing(p, pos), Text: fmt.Sprintf(text, args...),
	}
}

// enclosing names the function that a position is in.
func enclosing(p *packages.Package, pos token.Pos) string {
	for _, f := range p.Syntax {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Pos() <= pos && pos < fn.End() {
				if r := receiver(fn); r != "" {
					return r + "." + fn.Name.Name
				}
				return fn.Name.Name
			}
		}
	}
	return ""
}

// receiver names the receiver's type, or is empty for a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	for t := fn.Recv.List[0].Type; ; {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
