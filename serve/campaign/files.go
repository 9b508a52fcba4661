package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// file is a word of the line of a program that names a file, which is sent.
type file struct {
	Word int    `json:"word"` // from 0
	Sum  string `json:"sum"`  // SHA-256, in hexadecimal
	Size int64  `json:"size"` // bytes
}

// The bounds of what is sent.
const (
	fileBytesMax  = 64 << 20  // of a file
	lineFilesMax  = 16        // of the line of a program
	planBytesMax  = 256 << 20 // of the files of a plan
	storeBytesMax = 512 << 20 // of the files of all campaigns of a server
)

// plainSum is the form of a sum.
var plainSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ErrFile is wrapped by the errors about a file that cannot be sent, or that is not what a job names.
var ErrFile = errors.New("the program")

// files are those that the programs of a plan need.
type files struct {
	of  map[string][]file // by the line of the plan
	all []sentFile        // each once
}

type sentFile struct {
	file
	path string
}

// filesOf reads the files that programs of a plan are and have as arguments. The first word is one if it has a slash, and
// else a program that each worker looks for on its PATH; any other word is one if there is a regular file of that name.
func filesOf(p *campaign.Plan) (*files, error) {
	out := &files{of: map[string][]file{}}
	total := int64(0)
	for _, e := range p.Entries {
		if e.Program == "" {
			continue
		}
		var own []file
		for i, word := range strings.Fields(e.Program) {
			if i == 0 && !strings.Contains(word, "/") {
				continue
			}
			info, err := os.Stat(word)
			switch {
			case i == 0 && err != nil:
				return nil, fmt.Errorf("campaign: %w: %w", ErrFile, err)
			case i == 0 && !info.Mode().IsRegular():
				return nil, fmt.Errorf("campaign: %w: %s is no file", ErrFile, word)
			case err != nil || !info.Mode().IsRegular():
				continue
			case info.Size() > fileBytesMax:
				return nil, fmt.Errorf("campaign: %w: %s has %d bytes, want %d or fewer", ErrFile, word, info.Size(), fileBytesMax)
			case len(own) == lineFilesMax:
				return nil, fmt.Errorf("campaign: %w: %q names more than %d files", ErrFile, e.Program, lineFilesMax)
			}
			if _, _, err := place(i, word); err != nil {
				return nil, err
			}
			b, err := os.ReadFile(word)
			if err != nil {
				return nil, fmt.Errorf("campaign: %w: %w", ErrFile, err)
			}
			f := file{Word: i, Sum: sumOf(b), Size: int64(len(b))}
			own = append(own, f)
			if slices.ContainsFunc(out.all, func(s sentFile) bool { return s.Sum == f.Sum }) {
				continue
			}
			if total += f.Size; total > planBytesMax {
				return nil, fmt.Errorf("campaign: %w: the files of the plan have more than %d bytes", ErrFile, planBytesMax)
			}
			out.all = append(out.all, sentFile{f, word})
		}
		out.of[e.String()] = own
	}
	return out, nil
}

// place is where a file lies in the folder in which a program runs, and how its line names it there. A name below the
// folder stays, so that what a program says about itself is the same everywhere; any other is one of the folder's own.
func place(word int, name string) (path, named string, err error) {
	base := filepath.Base(name)
	if base != campaign.Clean(base, 200) || base == "." || base == ".." || base == "/" {
		return "", "", fmt.Errorf("campaign: %w: %q is no name of a file", ErrFile, campaign.Clean(base, 80))
	}
	if path = filepath.Clean(name); filepath.IsLocal(name) && (path == name || "./"+path == name) {
		return path, name, nil
	}
	path = fmt.Sprintf("sent/%d/%s", word, base)
	return path, "./" + path, nil
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sum is one over the lines and the files, which a campaign keeps.
func (f *files) sum(p *campaign.Plan) string {
	all := sha256.New()
	for _, e := range p.Entries {
		fmt.Fprintf(all, "%q %v ", e.Program, f.of[e.String()])
	}
	return hex.EncodeToString(all.Sum(nil))
}

// objectOf is the name of a file of a campaign: two campaigns have their own, so that the end of one takes nothing from
// the other.
func objectOf(id, sum string) string { return id + "-" + sum }

func storeConfig(replicas int) jetstream.ObjectStoreConfig {
	return jetstream.ObjectStoreConfig{
		Bucket: programStore, Description: "programs of campaigns, for workers that run them", TTL: ageMax, MaxBytes: storeBytesMax,
		Storage: jetstream.FileStorage, Replicas: replicas,
	}
}

// sendFiles puts on the server what is not there, and what would soon be too old.
func (c *coordinator) sendFiles(ctx context.Context) error {
	if c.files == nil {
		return nil
	}
	store, err := c.js.CreateOrUpdateObjectStore(ctx, storeConfig(c.o.Replicas))
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	for _, f := range c.files.all {
		name := objectOf(c.state.ID, f.Sum)
		raw, _ := hex.DecodeString(f.Sum) // it is of sumOf
		info, err := store.GetInfo(ctx, name)
		if err == nil && info.Size == uint64(f.Size) && info.Digest == "SHA-256="+base64.URLEncoding.EncodeToString(raw) && time.Since(info.ModTime) < ageMax/2 {
			continue
		}
		b, err := os.ReadFile(f.path)
		if err == nil && sumOf(b) != f.Sum {
			err = fmt.Errorf("%w: %s has changed since the campaign began", ErrFile, f.path)
		}
		if err == nil {
			_, err = store.Put(ctx, jetstream.ObjectMeta{Name: name, Description: filepath.Base(f.path)}, bytes.NewReader(b))
		}
		if err != nil {
			return fmt.Errorf("campaign: %s: %w", f.path, err)
		}
		c.o.Note("%s is on the server: %d bytes, SHA-256 %s", f.path, f.Size, f.Sum)
	}
	c.sent = time.Now()
	return nil
}

// removeFiles takes the files of the campaign off the server.
func (c *coordinator) removeFiles(ctx context.Context) error {
	if c.files == nil {
		return nil
	}
	store, err := c.js.ObjectStore(ctx, programStore)
	for _, f := range c.files.all {
		if err != nil {
			break
		}
		if err = store.Delete(ctx, objectOf(c.state.ID, f.Sum)); errors.Is(err, jetstream.ErrObjectNotFound) {
			err = nil
		}
	}
	return err
}

// sendAgainAfter is how often the coordinator looks whether files are still on the server, and nobodyAfter how often it
// looks whether somebody has the jobs with programs.
const sendAgainAfter = time.Hour

var nobodyAfter = 30 * time.Second

// keepFiles is done once a second: see sendFiles and State.Waits.
func (c *coordinator) keepFiles(ctx context.Context, now time.Time) {
	if c.files == nil {
		return
	}
	if now.Sub(c.sent) > sendAgainAfter {
		c.sent = now
		if err := c.sendFiles(ctx); err != nil && ctx.Err() == nil {
			c.o.Note("%v", err)
		}
	}
	if now.Sub(c.looked) < nobodyAfter {
		return
	}
	c.looked = now
	consumer, err := c.js.Consumer(ctx, jobsStream, programConsumer)
	if err != nil {
		return // the server is gone for a while
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return
	}
	was := c.delivered
	c.delivered = info.Delivered.Consumer
	if info.NumPending == 0 || info.NumAckPending > 0 || was != c.delivered {
		c.state.Waits = ""
		return
	}
	if c.state.Waits == "" {
		c.state.Waits = fmt.Sprintf("%d jobs run a program, and no worker takes them: fdelab campaign work --allow-programs does", info.NumPending)
		c.o.Note("%s", c.state.Waits)
	}
}
