package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A tree is a copy of the repository's last commit, in a directory of its own, which is
// removed with everything that tests leave in it. That of treeAsIs is the repository itself.
type tree struct {
	root   string // the repository
	commit string // the commit that was copied
	dirty  bool   // the repository has changes that are not in the copy
	work   string // the directory for everything of this run
	dir    string // the copy, in work
	module string // the path of the module at its root
}

// treeAsIs is the repository around dir as it is, in place of a copy. Nothing is written into it.
func treeAsIs(ctx context.Context, dir string) (t *tree, err error) {
	t = &tree{}
	if t.root, err = output(ctx, dir, "git", "rev-parse", "--show-toplevel"); err != nil {
		return nil, err
	}
	if t.dir, err = filepath.EvalSymlinks(t.root); err != nil {
		return nil, err
	}
	if t.module, err = output(ctx, t.dir, "go", "list", "-m"); err != nil {
		return nil, err
	}
	if t.work, err = os.MkdirTemp("", "mutation-"); err != nil {
		return nil, err
	}
	t.work, err = filepath.EvalSymlinks(t.work)
	return t, err
}

// copyTree copies the last commit of the repository around dir.
func copyTree(ctx context.Context, dir string) (t *tree, err error) {
	t = &tree{}
	if t.root, err = output(ctx, dir, "git", "rev-parse", "--show-toplevel"); err != nil {
		return nil, err
	}
	if t.commit, err = output(ctx, t.root, "git", "rev-parse", "HEAD"); err != nil {
		return nil, err
	}
	status, err := output(ctx, t.root, "git", "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	t.dirty = status != ""
	if t.work, err = os.MkdirTemp("", "mutation-"); err != nil {
		return nil, err
	}
	if t.work, err = filepath.EvalSymlinks(t.work); err != nil {
		return nil, err
	}
	t.dir = filepath.Join(t.work, "src")
	if err := t.extract(ctx); err != nil {
		t.remove()
		return nil, err
	}
	if t.module, err = output(ctx, t.dir, "go", "list", "-m"); err != nil {
		t.remove()
		return nil, err
	}
	return t, nil
}

// extract unpacks what git archive writes.
func (t *tree) extract(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "git", "archive", "--format=tar", t.commit)
	cmd.Dir = t.root
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = untar(pipe, t.dir)
	if werr := cmd.Wait(); werr != nil {
		return fmt.Errorf("git archive: %w: %s", werr, bytes.TrimSpace(complaint.Bytes()))
	}
	return err
}

func untar(r io.Reader, dir string) error {
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // the padding
			return err
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, path)
		case tar.TypeReg:
			err = write(path, tr, fs.FileMode(h.Mode).Perm())
		}
		if err != nil {
			return err
		}
	}
}

func write(path string, r io.Reader, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// remove removes the copy and everything else in work. A test can have taken away the right to
// write to its directories.
func (t *tree) remove() {
	removeAll(t.work)
}

func removeAll(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}

// fingerprint stands for everything that decides which tests of a package reach which change:
// the committed folders of the package and of all that its tests import, the modules they come
// from, the Go version, and this program.
func (t *tree) fingerprint(ctx context.Context, pkg string) (string, error) {
	list, err := output(ctx, t.dir, "go", "list", "-deps", "-test", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", "./"+pkg)
	if err != nil {
		return "", err
	}
	dirs := strings.Fields(list)
	slices.Sort(dirs)
	query := []string{"ls-tree", t.commit, "--", "go.mod", "go.sum"}
	for _, d := range slices.Compact(dirs) {
		rel, err := filepath.Rel(t.dir, d)
		if err != nil {
			return "", err
		}
		query = append(query, filepath.ToSlash(rel))
	}
	objects, err := output(ctx, t.root, "git", query...)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), objects)
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12]), nil
}

// output runs a command and gives what it prints, without the space around it.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+dir)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
