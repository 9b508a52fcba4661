package spell_test

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/spell"
)

func Example() {
	fmt.Println(spell.Duration(30 * 24 * time.Hour))
	fmt.Println(spell.Duration(90 * time.Minute))
	fmt.Println(spell.Duration(-time.Second))
	// Output:
	// 30 days
	// 1 h 30 min
	// -1 s
}
