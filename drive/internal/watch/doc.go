// Package watch shows tests the keys that package secret makes, so that they can look later whether
// each was cleared. Package secret calls [Made]; a test calls [Watch], as its example does. Nobody
// outside the drive's packages can import it, and internal/lint (rule secret) lets tests alone call
// Watch.
//
// # Invariants
//
//   - While nobody watches, Made costs one atomic load.
//   - A watcher gets the bytes themselves, not a copy.
//
// # Limitations
//
//   - There is one watcher in the process: tests that watch do not run side by side.
package watch
