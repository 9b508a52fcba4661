package lint

import (
	"go/ast"
	"go/types"
	"strings"
)

// secrets finds keys that are passed or kept by value: a runtime prints arguments
// by value into the traceback of a panic, package fmt looks into unexported fields
// without asking their Format, and each copy is one more that nobody clears. A key
// is an array type of a package named secret; that package itself is free. Function
// Watch of a package named watch, which shows keys as they are made, is for tests alone.
func secrets(m *module) []Finding {
	var found []Finding
	for _, p := range m.pkgs {
		if p.Name == "secret" {
			continue
		}
		look := func(what string, e ast.Expr) {
			if key := keyIn(p.TypesInfo.TypeOf(e)); key != "" {
				found = append(found, m.at(p, e.Pos(), "secret", "%s holds a secret.%s by value: pass and keep a pointer", what, key))
			}
		}
		fields := func(what string, l *ast.FieldList) {
			if l == nil {
				return
			}
			for _, f := range l.List {
				look(what, f.Type)
			}
		}
		for _, f := range p.Syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					fields("a receiver", n.Recv)
				case *ast.FuncType:
					fields("a parameter", n.Params)
					fields("a result", n.Results)
				case *ast.StructType:
					fields("a field", n.Fields)
				case *ast.MapType:
					look("a key of a map", n.Key)
					look("a value of a map", n.Value)
				case *ast.ArrayType:
					look("an element", n.Elt)
				case *ast.ChanType:
					look("a channel", n.Value)
				case *ast.Ident:
					if o := p.TypesInfo.Uses[n]; o != nil && o.Name() == "Watch" && o.Pkg() != nil && o.Pkg().Name() == "watch" {
						found = append(found, m.at(p, n.Pos(), "secret", "watch.Watch shows keys: for tests alone"))
					}
				}
				return true
			})
		}
	}
	return found
}

// keyIn names the key type that a value of type t holds; empty if it holds none,
// or only a pointer to one.
func keyIn(t types.Type) string {
	if t == nil {
		return ""
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		if _, array := n.Underlying().(*types.Array); array && n.Obj().Pkg() != nil && n.Obj().Pkg().Name() == "secret" && strings.HasPrefix(n.Obj().Name(), "Key") {
			return n.Obj().Name()
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return keyIn(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if key := keyIn(f.Type()); key != "" {
				return key
			}
		}
	}
	return ""
}
