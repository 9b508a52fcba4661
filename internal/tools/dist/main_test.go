package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// repository is where this module lies.
const repository = "../../.."

// The command is built for this machine once, and everything that is handed out is looked at.
func TestWhatIsBuiltRunsAndIsWhole(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	out := filepath.Join(t.TempDir(), "dist")
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitGood, run([]string{"-root", repository, "-out", out, "-platforms", "host", "-version", "v1.2.3-test"}, &stdout, &stderr), stderr.String())
	name := fmt.Sprintf("fdelab_v1.2.3-test_%s_%s", host.os, host.arch)
	dir := filepath.Join(out, name)

	binary := filepath.Join(dir, "bin", "fdelab")
	said, err := command(out, nil, binary, "version")
	require.NoError(t, err)
	require.Contains(t, string(said), "fdelab v1.2.3-test\ncommit ", "the version is stamped")
	completion, err := command(out, nil, binary, "completion", "bash")
	require.NoError(t, err)
	require.Equal(t, completion, read(t, dir, "share/bash-completion/completions/fdelab"))
	require.Contains(t, string(read(t, dir, "share/zsh/site-functions/_fdelab")), "#compdef fdelab")
	require.Contains(t, string(read(t, dir, "share/fish/vendor_completions.d/fdelab.fish")), "complete -c fdelab")

	page := string(read(t, dir, "share/man/man1/fdelab.1"))
	require.Contains(t, page, "Nov 2023", "the date is the source's")
	require.Contains(t, page, "fdelab v1.2.3-test")
	require.Contains(t, page, "fdelab-certificate(1)", "it leads on to the subcommands")
	verify := string(read(t, dir, "share/man/man1/fdelab-certificate-verify.1"))
	require.Contains(t, verify, "--key", "a flag of its own")
	require.Contains(t, verify, "--no-color", "and one of every command")

	var bom spdx
	require.NoError(t, json.Unmarshal(read(t, dir, bomPath), &bom))
	require.Equal(t, "2023-11-14T22:13:20Z", bom.Creation.Created)
	modules := map[string]string{}
	for _, p := range bom.Packages {
		modules[p.Name] = p.Version
	}
	gomod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	require.NoError(t, err)
	require.Equal(t, "v1.2.3-test", modules["github.com/seed-9d983aeb/fdelab"])
	cobra := regexp.MustCompile(`github.com/spf13/cobra (\S+)`).FindSubmatch(gomod)
	require.Equal(t, string(cobra[1]), modules["github.com/spf13/cobra"], "a module that is linked in")
	require.NotContains(t, modules, "github.com/cpuguy83/go-md2man/v2", "what writes the man pages is not")
	require.NotContains(t, modules, "github.com/stretchr/testify", "nor what the tests need")

	sums := string(read(t, out, sumsName))
	require.Equal(t, stdout.String(), sums)
	require.Regexp(t, `(?m)^[0-9a-f]{64}  `+regexp.QuoteMeta(name)+`\.(tar\.gz|zip)$`, sums)
	require.Regexp(t, `(?m)^[0-9a-f]{64}  `+regexp.QuoteMeta(name)+`\.spdx\.json$`, sums)
}

// The page on installing names what is there.
func TestInstallPageIsTrue(t *testing.T) {
	page := string(read(t, repository, "docs/install.md"))
	for _, p := range strings.Fields(allPlatforms) {
		require.Contains(t, page, p)
	}
	prefix := t.TempDir()
	for range 2 { // the second time over the first
		_, err := command(repository, []string{"MAKEFLAGS="}, "make", "install", "PREFIX=/usr", "DESTDIR="+prefix)
		require.NoError(t, err)
	}
	files, err := listFiles(filepath.Join(prefix, "usr"))
	require.NoError(t, err)
	have := map[string]bool{}
	for _, f := range files {
		have[f.name] = true
		if !strings.HasPrefix(f.name, "share/man/man1/fdelab-") {
			require.Contains(t, page, "`"+f.name+"`", "every file that is installed is on the page")
		}
	}
	named := regexp.MustCompile("`((?:bin|share)/[^`]+)`").FindAllStringSubmatch(page, -1)
	require.NotEmpty(t, named)
	for _, m := range named {
		require.True(t, have[m[1]], "%s is on the page, and not installed", m[1])
	}
	_, err = command(prefix, nil, filepath.Join(prefix, "usr/bin/fdelab"), "version")
	require.NoError(t, err, "what is installed runs")

	makefile := string(read(t, repository, "Makefile"))
	for _, m := range regexp.MustCompile(`make ([a-z-]+)`).FindAllStringSubmatch(page, -1) {
		require.Contains(t, makefile, "\n"+m[1]+": ## ", "a target of the Makefile")
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return b
}

// Neither the umask, nor when and where a folder was written, is in its archive.
func TestArchivesOfEqualFoldersAreEqual(t *testing.T) {
	date := time.Unix(1_700_000_000, 0).UTC()
	for _, p := range []platform{{"linux", "amd64"}, {"windows", "arm64"}} {
		var archives [2][]byte
		for i, mode := range []os.FileMode{0o600, 0o755} {
			dir := filepath.Join(t.TempDir(), "fdelab_v1")
			for _, name := range []string{"bin/fdelab", "share/b", "share/a"} {
				path := filepath.Join(dir, name)
				require.NoError(t, writeFile(path, []byte(name)))
				require.NoError(t, os.Chmod(path, mode))
				old := time.Unix(int64(1e9*(i+1)), 0)
				require.NoError(t, os.Chtimes(path, old, old))
			}
			name, err := pack(dir, p, date)
			require.NoError(t, err)
			archives[i] = read(t, "", name)
		}
		require.True(t, bytes.Equal(archives[0], archives[1]), "%s: two folders with the same files", p.os)
		want := []string{"fdelab_v1/bin/fdelab 755 1700000000", "fdelab_v1/share/a 644 1700000000", "fdelab_v1/share/b 644 1700000000"}
		require.Equal(t, want, entries(t, p, archives[0]), p.os)
	}
}

// entries are the name, the mode and the date of every file in an archive.
func entries(t *testing.T, p platform, archive []byte) (all []string) {
	if p.os == "windows" {
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		require.NoError(t, err)
		for _, f := range z.File {
			all = append(all, fmt.Sprintf("%s %o %d", f.Name, f.Mode(), f.Modified.Unix()))
		}
		return all
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, fmt.Sprintf("%s %o %d", h.Name, h.Mode, h.ModTime.Unix()))
	}
}

// cobra would take the clock's date, or that of the environment.
func TestManPageHasTheDateOfTheSource(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	help := commandHelp{Use: "fdelab", Commands: []commandHelp{{Use: "src CODE", Short: "explain"}}}
	texts := map[string][]byte{}
	require.NoError(t, manPages(help.command(), source{version: "v1", date: noDate}, texts))
	require.Len(t, texts, 2, "a page for each command, none for help")
	for _, name := range []string{"fdelab", "fdelab-src"} {
		require.Contains(t, string(texts["share/man/man1/"+name+".1"]), "Jan 1980")
	}
}

func TestSourceIsWhatGitSays(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	dir := t.TempDir()
	src, err := readSource(dir, "")
	require.NoError(t, err)
	require.Equal(t, source{root: dir, version: "devel", date: noDate}, src, "a source without history")

	who := []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_COMMITTER_DATE=1700000000 +0000"}
	git := func(args ...string) {
		t.Helper()
		_, err := command(dir, who, "git", args...)
		require.NoError(t, err)
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "one")
	src, err = readSource(dir, "")
	require.NoError(t, err)
	require.Equal(t, time.Unix(1_700_000_000, 0).UTC(), src.date)
	require.Equal(t, "v0.0.0-20231114221320-"+src.commit[:12], src.version, "as Go writes a commit without a tag")
	git("tag", "v0.3.0")
	tagged, err := readSource(dir, "")
	require.NoError(t, err)
	require.Equal(t, "v0.3.0", tagged.version)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
	src, err = readSource(dir, "")
	require.NoError(t, err)
	require.Equal(t, tagged.commit+"-dirty", src.commit, "a change is told")
	require.Equal(t, "v0.3.0+dirty", src.version)
	t.Setenv("SOURCE_DATE_EPOCH", "1600000000")
	src, err = readSource(dir, "v9")
	require.NoError(t, err)
	require.Equal(t, "v9", src.version)
	require.EqualValues(t, 1_600_000_000, src.date.Unix())
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	_, err = readSource(dir, "")
	require.EqualError(t, err, `SOURCE_DATE_EPOCH="today": use seconds since 1970, from 315532800 on`)
}

func TestWrongArgumentsAreOneLine(t *testing.T) {
	for _, c := range []struct {
		line string
		args []string
	}{
		{`dist: platform "linux": use host, or one of ` + strings.ReplaceAll(allPlatforms, " ", ", "), []string{"-platforms", "linux"}},
		{`dist: platform "amd64": use host, or one of ` + strings.ReplaceAll(allPlatforms, " ", ", "), []string{"-platforms", "amd64"}},
		{"dist: no platform: name one such as linux/amd64", []string{"-platforms", ""}},
		{`dist: version "a b": use letters, digits and . _ + - alone, as in v1.2.3`, []string{"-version", "a b"}},
		{`dist: "all" is not expected: every argument is a flag`, []string{"all"}},
	} {
		var stderr bytes.Buffer
		require.Equal(t, exitUsage, run(c.args, io.Discard, &stderr))
		require.Equal(t, c.line+"\n", stderr.String())
	}
}

func TestFolderWithOtherThingsIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{sumsName, "fdelab_v1.tar.gz", "thesis.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	require.ErrorContains(t, empty(dir), `holds "thesis.txt"`)
	require.FileExists(t, filepath.Join(dir, sumsName), "nothing is removed")
	require.NoError(t, os.Remove(filepath.Join(dir, "thesis.txt")))
	require.NoError(t, empty(dir))
	require.NoFileExists(t, filepath.Join(dir, sumsName))
}
