package erase

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sheets matches what a PDF has for each page: an object of this type, and none of its own for the tree.
var sheets = regexp.MustCompile(`/Type\s*/Page\b`)

// TestAPagePrintsOnOneSheet lets a browser print pages: a short one, one whose every field and event is as long as
// it may be, and one that is too long, as the control.
func TestAPagePrintsOnOneSheet(t *testing.T) {
	browser, err := exec.LookPath(cmp.Or(os.Getenv("FDELAB_BROWSER"), "chromium"))
	if err != nil || testing.Short() {
		t.Skip("SKIPPED: no chromium, or -short: no page was printed")
	}
	dir := t.TempDir()
	printed := func(page []byte) int {
		html, pdf := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
		require.NoError(t, os.WriteFile(html, page, 0o600))
		ctx, stop := context.WithTimeout(context.Background(), 3*time.Minute)
		defer stop()
		c := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--user-data-dir="+filepath.Join(dir, "profile"), "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+html)
		c.Env = append(os.Environ(), "HOME="+dir)
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
		b, err := os.ReadFile(pdf)
		require.NoError(t, err)
		return len(sheets.FindAll(b, -1))
	}
	for what, s := range map[string]Statement{"short": statement(), "full": crowded("W")} {
		require.Equal(t, 1, printed(signed(t, s).HTML()), what)
	}
	long := signed(t, crowded("W")).HTML()
	long = bytes.Replace(long, []byte("<footer>"), bytes.Repeat([]byte("<p>one line more</p>"), 60), 1)
	require.Greater(t, printed(long), 1, "the control")
}
