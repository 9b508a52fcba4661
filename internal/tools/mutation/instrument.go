package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutqSource is the package that switches changes, as it is compiled into the tested module.
//
//go:embed mutq/mutq.go
var mutqSource []byte

// A subject is a package with all its changes, compiled into one test binary.
type subject struct {
	pkg     string // its directory, relative to the repository, with slashes
	dir     string // the same in the copy; tests run there
	changes []Change
	left    int    // lines whose changes were left out because they do not compile
	rapid   bool   // its tests know the flags of pgregory.net/rapid
	overlay string // the file for -overlay, by which the go command reads the changed sources
	binary  string // the test binary, once built
}

// instrument finds the changes of a package and writes its sources with them. What a line's
// changes make of it may not compile, such as the negation of a type of its own that is a bool:
// then all changes of that line are left out.
func instrument(ctx context.Context, t *tree, pkg string) (*subject, error) {
	s := &subject{pkg: pkg, dir: filepath.Join(t.dir, filepath.FromSlash(pkg))}
	work := filepath.Join(t.work, strings.ReplaceAll(pkg, "/", "-"))
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	s.overlay, s.binary = filepath.Join(work, "overlay.json"), filepath.Join(work, "tests")
	loaded, err := packages.Load(&packages.Config{
		Context: ctx, Dir: t.dir, Env: append(os.Environ(), "GOWORK=off", "PWD="+t.dir),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedExportFile,
	}, "./"+pkg)
	if err != nil {
		return nil, err
	}
	for _, e := range loaded[0].Errors {
		return nil, fmt.Errorf("package %s does not compile: %w", pkg, e)
	}
	deps, err := output(ctx, t.dir, "go", "list", "-deps", "-test", "./"+pkg)
	if err != nil {
		return nil, err
	}
	s.rapid = strings.Contains(deps, "\npgregory.net/rapid\n")
	skip := map[string]map[int]bool{} // by file, relative to the repository
	for {
		if err := s.rewrite(t, loaded[0], skip, work); err != nil {
			return nil, err
		}
		cmd := s.build(ctx, t, "build", "-gcflags=-e", "-o", os.DevNull)
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		more := s.refused(string(out), skip)
		if more == 0 {
			return nil, fmt.Errorf("package %s with its changes cannot be built: %w: %s", pkg, err, out)
		}
		s.left += more
	}
	return s, nil
}

// rewrite writes the package's sources with all changes but those of the lines to skip, and the
// overlay that puts them in place of the original ones.
func (s *subject) rewrite(t *tree, p *packages.Package, skip map[string]map[int]bool, work string) error {
	const mutqDir = "internal/mutq"
	s.changes = nil
	equal := map[key]int{}
	number := func(c Change) int {
		k := c.key()
		equal[k]++
		c.Ordinal, c.Number = equal[k], len(s.changes)+1
		s.changes = append(s.changes, c)
		return c.Number
	}
	library := filepath.Join(work, "mutq.go")
	if err := os.WriteFile(library, mutqSource, 0o644); err != nil {
		return err
	}
	replace := map[string]string{filepath.Join(t.dir, filepath.FromSlash(mutqDir), "mutq.go"): library}
	for i, f := range p.Syntax {
		name := p.CompiledGoFiles[i]
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.dir, name)
		if err != nil || !filepath.IsLocal(rel) {
			return fmt.Errorf("package %s has a source outside of the repository: %s", s.pkg, name)
		}
		rel = filepath.ToSlash(rel)
		w := &rewriter{pkg: p, src: src, file: p.Fset.File(f.FileStart), rel: rel, skip: skip[rel], number: number}
		changed := w.rewrite(f, t.module+"/"+mutqDir)
		if changed == "" {
			continue
		}
		replace[name] = filepath.Join(work, filepath.Base(name))
		if err := os.WriteFile(replace[name], []byte(changed), 0o644); err != nil {
			return err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(s.overlay, b, 0o644)
}

// build is a command of go that compiles the changed package. Without the path of the copy in the
// result, the packages around it come from the build cache the next time.
func (s *subject) build(ctx context.Context, t *tree, args ...string) *exec.Cmd {
	args = append(args, "-trimpath", "-overlay", s.overlay, "./"+s.pkg)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+t.dir)
	return cmd
}

// compile builds the test binary.
func (s *subject) compile(ctx context.Context, t *tree) error {
	if out, err := s.build(ctx, t, "test", "-c", "-vet=off", "-o", s.binary).CombinedOutput(); err != nil {
		return fmt.Errorf("the tests of %s cannot be built: %w: %s", s.pkg, err, out)
	}
	return nil
}

var complaint = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):(?:\d+:)? `)

// refused adds the lines that the compiler complains about to skip, and counts those that are new.
// A package has all its files in one folder, so their names alone tell them apart; the compiler
// puts the folder of the changed source or that of the original one before it.
func (s *subject) refused(out string, skip map[string]map[int]bool) (more int) {
	for _, m := range complaint.FindAllStringSubmatch(out, -1) {
		file := s.pkg + "/" + path.Base(filepath.ToSlash(m[1]))
		line, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		if skip[file] == nil {
			skip[file] = map[int]bool{}
		}
		if !skip[file][line] {
			skip[file][line] = true
			more++
		}
	}
	return more
}
