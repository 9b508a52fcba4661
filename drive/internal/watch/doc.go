// Package watch shows tests the keys that package secret makes, so that they can
// look later whether each was cleared. Nobody outside the drive's rooms can import
// it, and internal/lint (rule secret) keeps everything but tests from Watch.
//
// # Invariants
//
//   - While nobody watches, Made costs one atomic load.
//   - A watcher gets the bytes themselves, no copy.
//
// # Limitations
//
// There is one watcher in the process: tests that watch do not run side by side.
package watch
