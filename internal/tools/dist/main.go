package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// The exit statuses.
const (
	exitGood  = 0
	exitUsage = 2
	exitError = 3
)

// The systems and processors that archives are built for.
const allPlatforms = "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the repository")
	out := flags.String("out", "dist", "the folder to write, emptied before")
	platforms := flags.String("platforms", allPlatforms, "what to build for: GOOS/GOARCH, separated by spaces; host is this machine")
	version := flags.String("version", "", "the version to stamp; git knows it otherwise")
	into := flags.String("install", "", "build for this machine alone, and copy the folder into this one")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitGood
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "dist: %q is not expected: every argument is a flag\n", flags.Arg(0))
		return exitUsage
	}
	targets, err := parsePlatforms(*platforms)
	if err == nil && *version != "" && !plainVersion.MatchString(*version) {
		err = fmt.Errorf("version %q: use letters, digits and . _ + - alone, as in v1.2.3", *version)
	}
	if err != nil {
		fmt.Fprintf(stderr, "dist: %v\n", err)
		return exitUsage
	}
	err = func() error {
		if *into != "" {
			return install(*root, *version, *into)
		}
		return build(*root, *out, *version, targets, stdout)
	}()
	if err != nil {
		fmt.Fprintf(stderr, "dist: %v\n", err)
		return exitError
	}
	return exitGood
}

var plainVersion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// platform is a system and a processor, in Go's words.
type platform struct{ os, arch string }

var host = platform{runtime.GOOS, runtime.GOARCH}

func parsePlatforms(words string) ([]platform, error) {
	var all []platform
	for _, word := range strings.Fields(words) {
		system, arch, ok := strings.Cut(word, "/")
		switch {
		case word == "host":
			all = append(all, host)
		case !ok || !strings.Contains(" "+allPlatforms+" ", " "+word+" "):
			return nil, fmt.Errorf("platform %q: use host, or one of %s", word, strings.Join(strings.Fields(allPlatforms), ", "))
		default:
			all = append(all, platform{system, arch})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no platform: name one such as linux/amd64")
	}
	return all, nil
}

// build writes the folder out: a folder, an archive and a list of modules for each platform, and
// the checksums last.
func build(root, out, version string, targets []platform, stdout io.Writer) error {
	src, err := readSource(root, version)
	if err != nil {
		return err
	}
	if err := empty(out); err != nil {
		return err
	}
	texts, err := makeTexts(src)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, p := range targets {
		name := fmt.Sprintf("fdelab_%s_%s_%s", src.version, p.os, p.arch)
		dir := filepath.Join(out, name)
		if err := stage(src, p, dir, texts); err != nil {
			return err
		}
		archive, err := pack(dir, p, src.date)
		if err != nil {
			return err
		}
		for _, file := range []string{archive, filepath.Join(dir, bomPath)} {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if file != archive {
				file = dir + ".spdx.json"
				if err := os.WriteFile(file, b, 0o644); err != nil {
					return err
				}
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b), filepath.Base(file))
		}
	}
	if err := os.WriteFile(filepath.Join(out, sumsName), sums.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = stdout.Write(sums.Bytes())
	return err
}

const sumsName = "SHA256SUMS"

// empty makes an empty folder of out. It removes nothing that it did not write: a folder with other
// things in it is refused.
func empty(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != sumsName && !strings.HasPrefix(e.Name(), "fdelab_") {
			return fmt.Errorf("%s holds %q, which is not of a build: name an empty folder", out, e.Name())
		}
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(out, e.Name())); err != nil {
			return err
		}
	}
	return os.MkdirAll(out, 0o755)
}

// stage fills the folder of one platform.
func stage(src source, p platform, dir string, texts map[string][]byte) error {
	binary := filepath.Join(dir, "bin", "fdelab")
	if p.os == "windows" {
		binary += ".exe"
	}
	if err := compile(src, p, binary); err != nil {
		return err
	}
	bom, err := billOfMaterials(binary, src, p)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, bomPath), bom); err != nil {
		return err
	}
	for name, text := range texts {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}

// install copies what is built for this machine into the folder prefix.
func install(root, version, prefix string) error {
	src, err := readSource(root, version)
	if err != nil {
		return err
	}
	texts, err := makeTexts(src)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fdelab-install")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := stage(src, host, dir, texts); err != nil {
		return err
	}
	files, err := listFiles(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := replace(filepath.Join(prefix, f.name), f); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file anew beside the old one and renames it: a command that runs is not
// written to.
func replace(name string, f file) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	fresh := name + ".new"
	if err := os.WriteFile(fresh, b, f.mode); err != nil {
		return err
	}
	return os.Rename(fresh, name)
}

// command runs a program in dir and returns what it prints.
func command(dir string, env []string, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var diagnostics bytes.Buffer
	c.Stderr = &diagnostics
	b, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(append([]string{filepath.Base(name)}, args...), " "), err, strings.TrimSpace(diagnostics.String()))
	}
	return b, nil
}
