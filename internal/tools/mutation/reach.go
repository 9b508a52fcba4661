package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	baselineLimit = 10 * time.Minute    // for one test without a change
	cacheAge      = 14 * 24 * time.Hour // older measurements are removed
)

// A measured test passes without a change.
type measured struct {
	Name    string
	File    string        // its source, without directory
	Took    time.Duration // without the start of the process
	Used    time.Duration // the same in processor time
	Reached []byte        // by number of change: 1 if the test reaches its place
}

// A reach is what a run of every test without a change showed.
type reach struct {
	Tests  []measured
	Failed []string // tests that fail without a change, which cannot notice one
}

// measure runs each test of the subject alone, or takes the answers of an earlier run on the same
// sources from the cache. It also opens the verdicts of earlier runs on them, for the caller to
// close.
func measure(ctx context.Context, t *tree, s *subject, o *options) (*reach, *keeper, error) {
	print, err := t.fingerprint(ctx, s.pkg)
	if err != nil {
		return nil, nil, err
	}
	name := strings.ReplaceAll(s.pkg, "/", "-") + "-" + print
	path, verdicts := cached(name+".json"), cached(name+".verdicts")
	if o.fresh {
		os.Remove(path)
		os.Remove(verdicts)
	}
	r := &reach{}
	if b, err := os.ReadFile(path); err == nil && json.Unmarshal(b, r) == nil {
		return r, keep(verdicts), nil
	}
	if r, err = s.measure(ctx, o); err != nil {
		return nil, nil, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, nil, err
	}
	// Without a cache the next run measures again.
	if tmp := path + fmt.Sprint(os.Getpid()); os.WriteFile(tmp, b, 0o600) == nil {
		os.Rename(tmp, path)
	}
	return r, keep(verdicts), nil
}

// cached is the path of a file in the cache, from which old files are removed first.
func cached(name string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, "fdelab-mutation")
	os.MkdirAll(dir, 0o700)
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()) > cacheAge {
			os.Remove(path)
		}
		return nil
	})
	return filepath.Join(dir, name)
}

func (s *subject) measure(ctx context.Context, o *options) (*reach, error) {
	list, err := output(ctx, s.dir, s.binary, "-test.list=.")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range strings.Fields(list) {
		if regexp.MustCompile(`^(Test|Example|Fuzz)`).MatchString(name) {
			names = append(names, name)
		}
	}
	where, err := testFiles(s.dir)
	if err != nil {
		return nil, err
	}
	empty, err := s.start(ctx, process{wait: baselineLimit})
	if err != nil {
		return nil, err
	}
	if empty.failed || empty.hung {
		return nil, fmt.Errorf("the tests of %s do not even start: %s", s.pkg, empty.output)
	}
	tests, passed := make([]measured, len(names)), make([]bool, len(names))
	err = parallel(ctx, o.workers, len(names), func(i int) error {
		file := fmt.Sprintf("%s.reach%d", s.binary, i)
		defer os.Remove(file)
		if err := os.WriteFile(file, make([]byte, len(s.changes)+1), 0o600); err != nil {
			return err
		}
		r, err := s.start(ctx, process{tests: names[i : i+1], reach: file, wait: baselineLimit})
		if err != nil {
			return err
		}
		passed[i] = !r.failed && !r.hung
		tests[i] = measured{Name: names[i], File: where[names[i]], Took: max(r.took-empty.took, time.Millisecond), Used: max(r.used-empty.used, time.Millisecond)}
		tests[i].Reached, err = os.ReadFile(file)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := &reach{}
	for i, t := range tests {
		if passed[i] {
			r.Tests = append(r.Tests, t)
		} else {
			r.Failed = append(r.Failed, t.Name)
		}
	}
	return r, nil
}

// testFiles says in which file each test of a directory is.
func testFiles(dir string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	where := map[string]string{}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				where[fn.Name.Name] = filepath.Base(path)
			}
		}
	}
	return where, nil
}

// A batch is some tests that run in one process.
type batch struct {
	tests []string
	took  time.Duration // without a change
	used  time.Duration // the same in processor time
}

// batchTime is how much test time goes into one process at most, unless one test takes longer. A
// process starts in less; and a test that fails ends its process. Test time is processor time, so
// that a machine with other work tries the same tests.
const batchTime = time.Second

// batches gives the tests that reach a change in the order in which they are run: those beside
// its file first (x_test.go for x.go), then the quickest. It stops where most would be exceeded,
// but never before the first test, and counts the tests that are left.
func (r *reach) batches(c Change, most time.Duration) (all []batch, left int) {
	beside := strings.TrimSuffix(filepath.Base(c.File), ".go") + "_test.go"
	var tests []measured
	for _, t := range r.Tests {
		if t.Reached[c.Number] != 0 {
			tests = append(tests, t)
		}
	}
	far := func(t measured) int {
		if t.File == beside {
			return 0
		}
		return 1
	}
	slices.SortFunc(tests, func(a, b measured) int {
		return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(a.Used, b.Used), cmp.Compare(a.Name, b.Name))
	})
	var total time.Duration
	was := 0 // how far the last test was
	for _, t := range tests {
		if total > 0 && total+t.Used > most {
			left++
			continue
		}
		total += t.Used
		if last := len(all) - 1; last >= 0 && was == far(t) && all[last].used+t.Used <= batchTime {
			b := &all[last]
			b.tests, b.took, b.used = append(b.tests, t.Name), b.took+t.Took, b.used+t.Used
		} else {
			all = append(all, batch{tests: []string{t.Name}, took: t.Took, used: t.Used})
		}
		was = far(t)
	}
	return all, left
}
