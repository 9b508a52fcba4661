package main

import (
	"fmt"
	"os"
	"strings"
)

func Example() {
	code := run([]string{"src", "be34009"}, strings.NewReader(""), os.Stdout, os.Stdout)
	fmt.Println("exit code", code)
	// Output:
	// fdelab: error: src: "be34009" is not a service reference code: need eight hexadecimal digits
	// fdelab: hint: did you mean BE34009E?
	// exit code 2
}
