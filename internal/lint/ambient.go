package lint

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// quiet are the rooms in which time is an argument and entropy an io.Reader.
var quiet = []string{"internal", "internal/image", "drive/entropy", "drive/fault", "drive/secret", "drive", "drive/tcg", "drive/tcg/token", "drive/tcg/spec", "drive/tcg/transport", "drive/tcg/host", "drive/tcg/remote", "drive/nvme", "encgroup", "erase", "raslab/request", "raslab/customer", "raslab"}

// clocks are the functions of package time that look at the real clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// seeded are the functions of math/rand and math/rand/v2 that take their source
// or seed from the caller.
var seeded = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf"}

// ambient finds what differs from run to run: clocks, random sources that
// nobody gave, goroutines, the order of maps.
func ambient(m *module) []Finding {
	var found []Finding
	for _, p := range m.pkgs {
		if !slices.Contains(quiet, m.room(p.PkgPath)) {
			continue
		}
		for _, f := range p.Syntax {
			sorted := map[ast.Node]bool{} // calls whose result is sorted at once
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					found = append(found, m.at(p, n.Pos(), "goroutine", "a goroutine: the order of its work differs from run to run"))
				case *ast.RangeStmt:
					if isMap(p, n.X) {
						found = append(found, m.at(p, n.Pos(), "map-order", "ranges over a map, whose order differs from run to run: range over sorted keys"))
					}
				case *ast.CallExpr:
					if obj := callee(p, n.Fun); obj != nil && inPackage(obj, "slices") && slices.Contains([]string{"Sorted", "SortedFunc", "SortedStableFunc"}, obj.Name()) {
						for _, a := range n.Args {
							sorted[a] = true
						}
					}
					if obj := callee(p, n.Fun); obj != nil && inPackage(obj, "maps") && slices.Contains([]string{"Keys", "Values", "All"}, obj.Name()) && !sorted[n] {
						found = append(found, m.at(p, n.Pos(), "map-order", "maps.%s without slices.Sorted around it: the order differs from run to run", obj.Name()))
					}
				case *ast.Ident:
					if text, rule := forbidden(p.TypesInfo.Uses[n]); text != "" {
						found = append(found, m.at(p, n.Pos(), rule, "%s", text))
					}
				}
				return true
			})
		}
	}
	return found
}

// forbidden tells what is wrong with using an object, and by which rule.
func forbidden(obj types.Object) (text, rule string) {
	if obj == nil || obj.Pkg() == nil {
		return "", ""
	}
	name := obj.Name()
	fn, isFunc := obj.(*types.Func)
	method := isFunc && fn.Signature().Recv() != nil
	switch obj.Pkg().Path() {
	case "time":
		if isFunc && !method && slices.Contains(clocks, name) {
			return "time." + name + " looks at the real clock: take the time as an argument or from a clock", "ambient"
		}
	case "math/rand", "math/rand/v2":
		if isFunc && !method && !slices.Contains(seeded, name) {
			return "rand." + name + " draws from the global source: draw from a seeded stream", "ambient"
		}
	case "crypto/rand":
		return "crypto/rand." + name + " is a random source that nobody gave: take an io.Reader", "ambient"
	case "sync", "golang.org/x/sync/errgroup":
		if method && (name == "Go" || name == "TryGo") {
			return "a goroutine: the order of its work differs from run to run", "goroutine"
		}
	}
	return "", ""
}

func isMap(p *packages.Package, x ast.Expr) bool {
	t := p.TypesInfo.TypeOf(x)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// callee is the function or method that a call names, nil if it names none.
func callee(p *packages.Package, fun ast.Expr) types.Object {
	switch x := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return p.TypesInfo.Uses[x]
	case *ast.SelectorExpr:
		return p.TypesInfo.Uses[x.Sel]
	case *ast.IndexExpr:
		return callee(p, x.X)
	}
	return nil
}

func inPackage(obj types.Object, path string) bool {
	return obj.Pkg() != nil && obj.Pkg().Path() == path
}
