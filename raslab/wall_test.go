package raslab

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOnlyHandsReachOverTheWall: only wall.go reaches the customer's side by another way than
// Lab.wire.
func TestOnlyHandsReachOverTheWall(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	reached := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "customer" || s.Sel.Name == "Customer" && name != "certificate.go") {
				reached[name] = true
			}
			return true
		})
	}
	require.Equal(t, map[string]bool{"wall.go": true}, reached)
}
