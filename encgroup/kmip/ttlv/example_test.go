package ttlv_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// The example of the specification (KMIP 1.4, section 9.1.2): a structure with
// an enumeration and an integer.
func Example() {
	i := ttlv.Struct(0x420020, ttlv.Enum(0x420004, uint32(254)), ttlv.Int(0x420005, 255))
	b := ttlv.Append(nil, &i)
	fmt.Printf("% x\n", b)

	back, err := ttlv.Decode(b, ttlv.Limits{})
	fmt.Println(back, err)
	_, err = ttlv.Decode(b[:32], ttlv.Limits{})
	fmt.Println(err)
	// Output:
	// 42 00 20 01 00 00 00 20 42 00 04 05 00 00 00 04 00 00 00 fe 00 00 00 00 42 00 05 02 00 00 00 04 00 00 00 ff 00 00 00 00
	// 420020{420004=254 420005=255} <nil>
	// ttlv: malformed TTLV at byte 0: tag 420020 needs 32 bytes, has 24
}
