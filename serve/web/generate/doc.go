// Command generate makes the Go files of the templates of package web anew, with the version of templ that go.mod
// names, and formats them as all code here is.
//
//	go run ./serve/web/generate
//
// It imports nothing of this module, so that it runs while the package does not compile. A test compares the files
// that are committed.
package main
