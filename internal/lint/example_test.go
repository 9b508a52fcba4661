package lint_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/lint"
)

func Example() {
	found, err := lint.Run("testdata/bad", lint.Limits{Lines: 46, Code: 40}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found {
		if f.Rule == "src-once" {
			fmt.Println(f)
		}
	}
	// Output:
	// raslab/doc.go:10: src-once: BE34009E is raised in Once (raslab/doc.go) too: a code is raised in one place
	// raslab/doc.go:13: src-once: "BE34009F" is spelt as a string: use the constant of raslab/src
}
