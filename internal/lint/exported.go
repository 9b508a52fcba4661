package lint

import (
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

// exported finds types of an internal package in what strangers see: the
// signatures, fields, methods and variables of exported identifiers. Somebody
// outside the module can neither name such a type nor make a value of it, so he
// can neither call nor implement what stands there. Internal packages and
// commands are free.
func exported(m *module) []Finding {
	var found []Finding
	for _, p := range m.pkgs {
		if p.Name == "main" || inside(p.PkgPath) {
			continue
		}
		e := &exportedOf{m: m, p: p}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			if obj := scope.Lookup(name); obj.Exported() {
				e.object(obj)
			}
		}
		found = append(found, e.found...)
	}
	return found
}

// inside says whether only the module itself can import a package.
func inside(pkgPath string) bool {
	return strings.Contains(pkgPath+"/", "/internal/")
}

// exportedOf looks at the exported identifiers of one package.
type exportedOf struct {
	m     *module
	p     *packages.Package
	found []Finding
}

func (e *exportedOf) object(obj types.Object) {
	name, ok := obj.(*types.TypeName)
	if !ok {
		e.look(obj.Pos(), obj.Name(), obj.Type())
		return
	}
	if name.IsAlias() {
		e.look(obj.Pos(), obj.Name(), types.Unalias(obj.Type()))
		return
	}
	named, ok := name.Type().(*types.Named)
	if !ok {
		return
	}
	e.look(obj.Pos(), obj.Name(), named.Underlying())
	// The methods of an embedded type that is not exported are shown as its own.
	for m := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		if f, ok := m.Obj().(*types.Func); ok && f.Exported() && f.Pkg() == e.p.Types {
			e.look(f.Pos(), obj.Name()+"."+f.Name(), f.Type())
		}
	}
}

// look reports each internal type that a value of type t shows.
func (e *exportedOf) look(pos token.Pos, what string, t types.Type) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if pkg := t.Obj().Pkg(); pkg != nil && inside(pkg.Path()) && e.m.holds(pkg.Path()) {
			e.found = append(e.found, e.m.at(e.p, pos, "exported",
				"%s shows %s.%s, which nobody outside the module can name: export the type, or keep it out of sight", what, pkg.Name(), t.Obj().Name()))
		}
		for a := range t.TypeArgs().Types() {
			e.look(pos, what, a)
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			e.look(pos, what, v.Type())
		}
		for v := range t.Results().Variables() {
			e.look(pos, what, v.Type())
		}
		for p := range t.TypeParams().TypeParams() {
			e.look(pos, what, p.Constraint())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				e.look(f.Pos(), what+"."+f.Name(), f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if m.Exported() {
				e.look(m.Pos(), what+"."+m.Name(), m.Type())
			}
		}
		for em := range t.EmbeddedTypes() {
			e.look(pos, what, em)
		}
	case *types.Map:
		e.look(pos, what, t.Key())
		e.look(pos, what, t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		e.look(pos, what, t.Elem())
	}
}
