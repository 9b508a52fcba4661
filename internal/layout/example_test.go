package layout_test

import (
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

func Example() {
	t := layout.NewTable(os.Stdout, 30)
	t.Head("slot\tstate\twhy")
	fmt.Fprintln(t, "R1-I1-D05\tFailed\tit does not answer")
	_ = t.Flush()
	// Output:
	// slot       state   why
	// R1-I1-D05  Failed  it does not
	//                    answer
}
