package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// programSum is the SHA-256 of the file of this program, in hexadecimal. A version says less: two builds of changed
// source have the same.
func programSum() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
