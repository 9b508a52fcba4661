package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// catalogue is the package of the codes, below the module path.
const catalogue = "/raslab/src"

// sources finds service reference codes that are named in more than one place
// outside the catalogue: a code is raised where its cause is found, and nowhere
// else. Tests may name any code. A code spelt as a string would slip through,
// and is refused.
func sources(m *module) []Finding {
	codes := map[string]bool{}
	for _, p := range m.pkgs {
		if p.PkgPath != m.path+catalogue {
			continue
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			if c, ok := scope.Lookup(name).(*types.Const); ok && isCode(c.Type(), m.path) {
				codes[constant.StringVal(c.Val())] = true
			}
		}
	}
	var found []Finding
	first := map[string]Finding{}
	for _, p := range m.pkgs {
		// proptest raises nothing: it names the codes that it expects.
		if p.PkgPath == m.path+catalogue || strings.HasPrefix(p.PkgPath, m.path+"/proptest") {
			continue
		}
		for _, f := range p.Syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					c, ok := p.TypesInfo.Uses[n].(*types.Const)
					if !ok || !isCode(c.Type(), m.path) || c.Pkg().Path() != m.path+catalogue {
						break
					}
					here := m.at(p, n.Pos(), "src-once", "%s is named here a second time", c.Name())
					if was, again := first[c.Name()]; again {
						here.Text = c.Name() + " is raised in " + was.In + " (" + was.File + ") too: a code is raised in one place"
						found = append(found, here)
					} else {
						first[c.Name()] = here
					}
				case *ast.BasicLit:
					if v := constant.MakeFromLiteral(n.Value, n.Kind, 0); n.Kind == token.STRING && codes[constant.StringVal(v)] {
						found = append(found, m.at(p, n.Pos(), "src-once", "%s is spelt as a string: use the constant of raslab/src", n.Value))
					}
				}
				return true
			})
		}
	}
	return found
}

func isCode(t types.Type, modulePath string) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Name() == "Code" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == modulePath+catalogue
}
