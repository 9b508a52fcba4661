package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// begun is the file of this program as it was when the program began; nil: nobody could tell.
var begun = func() os.FileInfo {
	name, err := os.Executable()
	if err != nil {
		return nil
	}
	i, err := os.Stat(name)
	if err != nil {
		return nil
	}
	return i
}()

// programSum is the SHA-256 of the file of this program, in hexadecimal. A version says less: two builds of changed
// source have the same. It is an error if there is another file by now, such as after an update while fdelab web runs.
func programSum() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	return sumOf(name, begun)
}

// sumOf is the SHA-256 of a file, if it is still the one that it was.
func sumOf(name string, was os.FileInfo) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	now, err := f.Stat()
	if err != nil {
		return "", err
	}
	if was == nil || !os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime()) {
		return "", errors.New("the file of this program is another one by now")
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
