//go:build unix

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// openssl is its own benchmark of AES-256-XTS on 4 KiB. It measures for a second, however much work
// is asked for, and tells bytes a second.
func openssl(n int) (time.Duration, error) {
	return opensslWith("")(n)
}

// opensslAESNI is openssl without VAES and VPCLMULQDQ (bits 41 and 42 of the second word: CPUID leaf 7,
// ECX bits 9 and 10), which OpenSSL uses for this cipher from version 3.5 on.
func opensslAESNI(n int) (time.Duration, error) { return opensslWith(":~0x60000000000")(n) }

func opensslWith(capabilities string) side {
	return func(n int) (time.Duration, error) {
		c := exec.Command("openssl", "speed", "-evp", "aes-256-xts", "-bytes", "4096", "-seconds", "1")
		if capabilities != "" {
			c.Env = append(os.Environ(), "OPENSSL_ia32cap="+capabilities)
		}
		return speed(c, n)
	}
}

func speed(c *exec.Cmd, n int) (time.Duration, error) {
	out, err := c.Output()
	if err != nil {
		return 0, fail("openssl speed", err)
	}
	words := strings.Fields(string(out)) // the last is thousands of bytes a second: 5922570.24k
	thousands, err := strconv.ParseFloat(strings.TrimSuffix(words[len(words)-1], "k"), 64)
	if err != nil {
		return 0, fail("the answer of openssl speed", err)
	}
	one := 4096 / (thousands * 1000) * float64(time.Second)
	return time.Duration(one * float64(n)), nil
}

// noOpenSSL says why OpenSSL cannot be asked, "" if it can.
func noOpenSSL() string {
	if _, err := exec.LookPath("openssl"); err != nil {
		return "openssl is not installed"
	}
	return ""
}
