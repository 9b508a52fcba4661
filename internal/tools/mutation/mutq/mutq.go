// Package mutq switches the changes of a package on, one at a time, by their numbers. It is
// compiled into the test binary of the package that is changed: every place that can change calls
// one of its functions with the numbers of its changes. The environment of the process says
// which number is on.
//
// It imports nothing but the standard library, because it is compiled into other people's
// packages.
package mutq

import (
	"cmp"
	"os"
	"strconv"
	"syscall"
)

// The environment of a test process.
const (
	EnvNumber = "MUTQ_NUMBER" // the number of the change that is on; none or 0: no change
	EnvReach  = "MUTQ_REACH"  // a file with a byte for each number, set to 1 when its place is reached
	EnvMemory = "MUTQ_MEMORY" // the most address space that the process may take, in bytes
	EnvTime   = "MUTQ_TIME"   // the most processor time that the process may take, in seconds
)

// Int is any integer.
type Int interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// Num is any number with an order.
type Num interface{ Int | ~float32 | ~float64 }

var (
	active, _ = strconv.Atoi(os.Getenv(EnvNumber))
	reach     = mapReach(os.Getenv(EnvReach))
)

// A change can turn a loop into one that allocates for ever or does not end. It must not take the
// machine with it.
func init() {
	limit(EnvMemory, syscall.RLIMIT_AS)
	limit(EnvTime, syscall.RLIMIT_CPU) // the kernel kills the process
}

// limit limits what the process may take to the number in the environment, if there is one.
func limit(env string, resource int) {
	most, err := strconv.ParseUint(os.Getenv(env), 10, 64)
	if err != nil {
		return
	}
	if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		panic("mutq: cannot set the limit " + env + ": " + err.Error())
	}
}

// mapReach maps the file in which the reached numbers are kept. It is shared with child processes
// of a test, and what was written stays when a process is killed.
func mapReach(path string) []byte {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic("mutq: " + err.Error())
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		panic("mutq: " + err.Error())
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic("mutq: " + err.Error())
	}
	return b
}

// M tells whether the change with this number is on, and notes that its place was reached.
func M(id int) bool {
	if reach != nil {
		reach[id] = 1
	}
	return id == active
}

// N is b, or its opposite.
func N(id int, b bool) bool { return b != M(id) }

// E is e, or nil.
func E(id int, e error) error {
	if M(id) {
		return nil
	}
	return e
}

// Z is v, or 0.
func Z[T Int](id int, v T) T {
	if M(id) {
		return 0
	}
	return v
}

// One is 1, or -1, of the type of its second argument.
func One[T Num](id int, _ T) T {
	var one T = 1
	if M(id) {
		return -one
	}
	return one
}

// Neg is v, or -v, of the type of its second argument.
func Neg[T Num](id int, _, v T) T { return Minus(id, v) }

// Minus is v, or -v.
func Minus[T Num](id int, v T) T {
	if M(id) {
		return -v
	}
	return v
}

// Lt is a < b, or a <= b.
func Lt[T cmp.Ordered](id int, a, b T) bool {
	if M(id) {
		return a <= b
	}
	return a < b
}

// Le is a <= b, or a < b.
func Le[T cmp.Ordered](id int, a, b T) bool {
	if M(id) {
		return a < b
	}
	return a <= b
}

// Gt is a > b, or a >= b.
func Gt[T cmp.Ordered](id int, a, b T) bool {
	if M(id) {
		return a >= b
	}
	return a > b
}

// Ge is a >= b, or a > b.
func Ge[T cmp.Ordered](id int, a, b T) bool {
	if M(id) {
		return a > b
	}
	return a >= b
}

// Add is a + b, or a - b.
func Add[T Num](id int, a, b T) T {
	if M(id) {
		return a - b
	}
	return a + b
}

// Sub is a - b, or a + b.
func Sub[T Num](id int, a, b T) T {
	if M(id) {
		return a + b
	}
	return a - b
}

// Mul is a * b, or a / b.
func Mul[T Num](id int, a, b T) T {
	if M(id) {
		return a / b
	}
	return a * b
}

// Div is a / b, or a * b.
func Div[T Num](id int, a, b T) T {
	if M(id) {
		return a * b
	}
	return a / b
}

// Rem is a % b, or a * b.
func Rem[T Int](id int, a, b T) T {
	if M(id) {
		return a * b
	}
	return a % b
}

// And is a & b, or a | b.
func And[T Int](id int, a, b T) T {
	if M(id) {
		return a | b
	}
	return a & b
}

// Or is a | b, or a & b.
func Or[T Int](id int, a, b T) T {
	if M(id) {
		return a & b
	}
	return a | b
}

// Xor is a ^ b, or a & b.
func Xor[T Int](id int, a, b T) T {
	if M(id) {
		return a & b
	}
	return a ^ b
}

// AndNot is a &^ b, or a & b.
func AndNot[T Int](id int, a, b T) T {
	if M(id) {
		return a & b
	}
	return a &^ b
}

// Shl is a << n, or a >> n.
func Shl[T, S Int](id int, a T, n S) T {
	if M(id) {
		return a >> n
	}
	return a << n
}

// Shr is a >> n, or a << n.
func Shr[T, S Int](id int, a T, n S) T {
	if M(id) {
		return a << n
	}
	return a >> n
}
