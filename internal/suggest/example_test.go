package suggest_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

func Example() {
	verbs := []string{"lsrank", "mkrank", "rmrank"}
	fmt.Println(suggest.DidYouMean("lsrnak", verbs))
	fmt.Println(suggest.DidYouMean("x", verbs))
	// Output:
	// did you mean lsrank?
	// use lsrank, mkrank or rmrank
}
