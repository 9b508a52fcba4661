package leftovertest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/leftover"
)

func TestParentAndChild(t *testing.T) { Run(t, "TestTheChild", 1, "key") }

func TestTheChild(t *testing.T) {
	plant := Child(t)
	key, random := make([]byte, 32), Stream(5)
	_, err := random.Read(key)
	require.NoError(t, err)
	needle := leftover.New("key", key)
	if plant {
		Planted = bytes.Clone(key)
	}
	clear(key)
	Report(t, []*leftover.Needle{needle})
}

func ExampleStream() {
	random := Stream(77)
	b := make([]byte, 4)
	_, err := random.Read(b)
	fmt.Println(b, err)
	// Output: [105 65 176 240] <nil>
}
