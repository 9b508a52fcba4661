package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source is what is built: where it is, and what is stamped.
type source struct {
	root    string // an absolute path
	version string // such as v1.2.3
	commit  string // in hexadecimal, or empty where it is not known
	date    time.Time
}

// noDate stands where no source has a date; zip archives know none before it.
var noDate = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// readSource asks git for what was not said. A source that has no history of its own is built too.
func readSource(root, version string) (source, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return source{}, err
	}
	src := source{root: root, version: version, date: noDate}
	// A folder inside somebody else's repository must not take that one's commit.
	if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
		if err := src.askGit(); err != nil {
			return source{}, err
		}
	}
	if src.version == "" {
		src.version = "devel"
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < noDate.Unix() {
			return source{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q: use seconds since 1970, from %d on", epoch, noDate.Unix())
		}
		src.date = time.Unix(seconds, 0).UTC()
	}
	return src, nil
}

func (s *source) askGit() error {
	git := func(args ...string) (string, error) {
		b, err := command(s.root, nil, "git", args...)
		return strings.TrimSpace(string(b)), err
	}
	log, err := git("log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	commit, when, _ := strings.Cut(log, " ")
	seconds, err := strconv.ParseInt(when, 10, 64)
	if err != nil {
		return fmt.Errorf("git log: the date of the commit: %w", err)
	}
	changes, err := git("status", "--porcelain")
	if err != nil {
		return err
	}
	s.commit, s.date = commit, time.Unix(seconds, 0).UTC()
	if changes != "" {
		s.commit += "-dirty"
	}
	if s.version != "" {
		return nil
	}
	if s.version, err = git("describe", "--tags", "--match", "v[0-9]*"); err != nil { // no tag
		s.version = "v0.0.0-" + s.date.Format("20060102150405") + "-" + commit[:12]
	}
	if changes != "" {
		s.version += "+dirty"
	}
	return nil
}

// compile builds the command, static and without a path of this machine in it.
func compile(src source, p platform, binary string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	// What git says is stamped here, since Go finds no history in a second work tree.
	_, err = command(src.root, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off"},
		"go", "build", "-trimpath", "-buildvcs=false", "-o", binary,
		"-ldflags", "-s -w -X main.version="+src.version+" -X main.commit="+src.commit, "./cmd/fdelab")
	return err
}
