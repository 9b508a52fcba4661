package mutants

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// compiled tells the type checker of the packages that a mutant is made of: what go list says of each,
// and what the compiler exported of each that they import.
type compiled struct {
	fset    *token.FileSet
	imports types.Importer
	files   map[string][]string // by folder from the root of the module: the files for this platform
}

// listed is what go list prints of one package, apart by what no path has.
const listed = "{{.Dir}}|{{.ImportPath}}|{{.Export}}|{{range .GoFiles}}{{.}} {{end}}"

func compile(t *testing.T, folders []string) *compiled {
	t.Helper()
	abs, err := filepath.Abs(root)
	require.NoError(t, err)
	arguments := []string{"list", "-export", "-deps", "-f", listed}
	for _, f := range folders {
		arguments = append(arguments, "./"+f)
	}
	list := exec.Command("go", arguments...)
	list.Dir = abs
	out, err := list.Output()
	require.NoError(t, err)
	c := &compiled{fset: token.NewFileSet(), files: map[string][]string{}}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		part := strings.Split(strings.TrimSpace(line), "|")
		require.Len(t, part, 4, line)
		exports[part[1]] = part[2]
		if rel, err := filepath.Rel(abs, part[0]); err == nil {
			c.files[filepath.ToSlash(rel)] = strings.Fields(part[3])
		}
	}
	c.imports = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("go list names no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	return c
}

// check type-checks one package with the files of a mutant in place of those of the tree.
func (c *compiled) check(folder string, mutated map[string]string) error {
	var files []*ast.File
	for _, name := range c.files[folder] {
		name = path.Join(folder, name)
		var source any
		if text, ok := mutated[name]; ok {
			source = text
		}
		f, err := parser.ParseFile(c.fset, filepath.Join(root, name), source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	_, err := (&types.Config{Importer: c.imports}).Check(folder, c.fset, files, nil)
	return err
}
