package lint

import (
	"cmp"
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// The concerns of raslab stand in ARCHITECTURE.md, from the lowest to the highest, with their files.
// The numbers are what was measured there; they may only fall.
const (
	upwardNames = 152
	upwardUses  = 264
)

var concernRow = regexp.MustCompile("(?m)^\\| \\d (\\w+) \\|.*\\| ((?:`\\w+`,? ?)+)\\|$")

// concerns reads the table: for each file its place from the bottom.
func concerns(t *testing.T, dir string) (place map[string]int, names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	place = map[string]int{}
	for n, m := range concernRow.FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
		for _, f := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(m[2], -1) {
			if _, twice := place[f[1]+".go"]; twice {
				t.Errorf("%s.go has two concerns", f[1])
			}
			place[f[1]+".go"] = n
		}
	}
	return place, names
}

// TestConcernsOfRaslab: every file has one, and no more names run from a lower concern to a higher
// one than ARCHITECTURE.md says. A name is a function, a method, a type, a variable or a constant of
// the package, but for Lab and Options, which all share; a use is one place in the source.
func TestConcernsOfRaslab(t *testing.T) {
	dir := filepath.Join("..", "..")
	place, names := concerns(t, dir)
	pkgs, err := packages.Load(&packages.Config{
		Dir:  dir,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedExportFile,
	}, "./raslab")
	if err != nil || len(pkgs) != 1 || len(pkgs[0].Errors) > 0 {
		t.Fatal(err, pkgs)
	}
	p := pkgs[0]
	for _, f := range p.GoFiles {
		if _, ok := place[filepath.Base(f)]; !ok && filepath.Base(f) != "doc.go" {
			t.Errorf("%s has no concern in ARCHITECTURE.md", filepath.Base(f))
		}
	}
	up, uses := map[string]int{}, 0
	for id, o := range p.TypesInfo.Uses {
		if o.Pkg() != p.Types || !named(o) {
			continue
		}
		from, to := filepath.Base(p.Fset.Position(id.Pos()).Filename), filepath.Base(p.Fset.Position(o.Pos()).Filename)
		if place[from] < place[to] {
			up[fmt.Sprintf("%s of %s", o.Name(), to)]++
			uses++
		}
	}
	if len(up) > upwardNames || uses > upwardUses {
		list := make([]string, 0, len(up))
		for n := range up {
			list = append(list, n)
		}
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(up[b], up[a]), cmp.Compare(a, b)) })
		for i, n := range list {
			list[i] = fmt.Sprintf("%4d %s", up[n], n)
		}
		t.Errorf("%d uses of %d names run upwards in %s, at most %d of %d:\n%s", uses, len(up), strings.Join(names, ", "), upwardUses, upwardNames, strings.Join(list, "\n"))
	}
}

// named says whether an object is a name of the package itself.
func named(o types.Object) bool {
	if o.Name() == "Lab" || o.Name() == "Options" {
		return false
	}
	if f, ok := o.(*types.Func); ok {
		return f.Signature().Recv() != nil || o.Parent() == o.Pkg().Scope()
	}
	return o.Parent() == o.Pkg().Scope()
}
