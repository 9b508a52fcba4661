package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// programs is the SHA-256, in hexadecimal, of the files that the plan names as programs and as their arguments; "" if it
// names none. A program that is not there is judged when it is to be run.
func programs(p *campaign.Plan) (string, error) {
	sum, any := sha256.New(), false
	for _, e := range p.Entries {
		for i, word := range strings.Fields(e.Program) {
			any = true
			path := word
			if i == 0 {
				if found, err := exec.LookPath(word); err == nil {
					path = found
				}
			}
			if err := addFile(sum, path); err != nil {
				return "", fmt.Errorf("campaign: %w", err)
			}
		}
	}
	if !any {
		return "", nil
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addFile adds the name, and what is in it if it is a file.
func addFile(sum io.Writer, path string) error {
	fmt.Fprintf(sum, "%q ", path)
	i, err := os.Stat(path)
	if err != nil || !i.Mode().IsRegular() { // an argument need not be the name of a file
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	fmt.Fprintf(sum, "%d ", i.Size())
	_, err = io.Copy(sum, f)
	return err
}
