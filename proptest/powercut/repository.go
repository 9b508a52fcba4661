package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// repositoryWorld is a key repository and what it may hold.
type repositoryWorld struct {
	supply *supply
	seed   uint64
	repo   *repository.Repository
	random io.Reader
	op     repositoryOperation
	old    map[string]string // what it held
	new    map[string]string // what it is to hold; nil if nothing changes
	done   bool              // that was acknowledged
}

// repositoryOperation is what is done with a repository.
type repositoryOperation struct {
	name, about string
	big         bool // its snapshot is so big that changes are appended
	prepare     func(w *repositoryWorld) error
	do          func(w *repositoryWorld) error
	creates     bool // there may be no repository afterwards, unless it was acknowledged
}

// repositoryPages is how many pages a copy has: room for two slots.
const repositoryPages = 24

var repositoryCases = []repositoryOperation{
	{name: "create", about: "a new repository on copies that held another", creates: true, do: func(w *repositoryWorld) (err error) {
		w.new = map[string]string{}
		w.repo, err = repository.Create(w.random, w.supply.devices()...)
		return err
	}},
	{name: "put", about: "an entry of a small one, which is written whole", do: func(w *repositoryWorld) error {
		return w.change(repository.Change{Name: "group 1", Value: []byte("two")})
	}},
	{name: "append", about: "an entry of a big one, in a record that is appended", big: true, do: func(w *repositoryWorld) error {
		return w.change(repository.Change{Name: "group 1", Value: []byte("two")})
	}},
	{name: "append-long", about: "a record of several pages", big: true, do: func(w *repositoryWorld) error {
		return w.change(repository.Change{Name: "group 1", Value: []byte(strings.Repeat("two ", 2000))})
	}},
	{name: "change", about: "several entries in one step", big: true, do: func(w *repositoryWorld) error {
		return w.change(repository.Change{Name: "group 1", Delete: true}, repository.Change{Name: "group 2", Value: []byte("new")}, repository.Change{Name: "certificate", Value: []byte("short")})
	}},
	{name: "rewrite", about: "a change for which the log has no room", big: true, prepare: func(w *repositoryWorld) error {
		w.old["group 1"] = strings.Repeat("one ", 3000)
		return w.repo.Put("group 1", []byte(w.old["group 1"]))
	}, do: func(w *repositoryWorld) error {
		return w.change(repository.Change{Name: "group 1", Value: []byte(strings.Repeat("long ", 2000))})
	}},
	{name: "repair", about: "the reboot that finds a damaged copy", big: true, prepare: func(w *repositoryWorld) error {
		if err := w.supply.copies[1].WritePage(0, bytes.Repeat([]byte{'x'}, repository.PageSize)); err != nil {
			return err
		}
		return w.supply.copies[1].WritePage(repositoryPages/2, bytes.Repeat([]byte{'x'}, repository.PageSize))
	}, do: func(w *repositoryWorld) error { return w.open() }},
}

func repositoryOperations() (out []operation) {
	for _, c := range repositoryCases {
		out = append(out, operation{"repository", c.name, c.about, func(seed uint64) (world, error) { return newRepositoryWorld(c, seed) }, true})
	}
	return out
}

func newRepositoryWorld(op repositoryOperation, seed uint64) (world, error) {
	w := &repositoryWorld{supply: &supply{on: true}, seed: seed, op: op, random: entropy.Stream(seed, "repository")}
	for range repository.CopiesMin {
		w.supply.newCopy(repositoryPages)
	}
	var err error
	if w.repo, err = repository.Create(w.random, w.supply.devices()...); err != nil {
		return nil, err
	}
	size := 100
	if op.big {
		size = 20000
	}
	w.old = map[string]string{"certificate": strings.Repeat("c", size), "group 1": "one"}
	for _, name := range slices.Sorted(maps.Keys(w.old)) {
		if err := w.repo.Put(name, []byte(w.old[name])); err != nil {
			return nil, err
		}
	}
	if op.prepare != nil {
		return w, op.prepare(w)
	}
	return w, nil
}

// change makes changes, and notes what they lead to.
func (w *repositoryWorld) change(changes ...repository.Change) error {
	w.new = maps.Clone(w.old)
	for _, c := range changes {
		if c.Delete {
			delete(w.new, c.Name)
		} else {
			w.new[c.Name] = string(c.Value)
		}
	}
	return w.repo.Change(changes...)
}

func (w *repositoryWorld) open() (err error) {
	w.repo, _, err = repository.Open(w.supply.devices()...)
	return err
}

func (w *repositoryWorld) power() *supply { return w.supply }

func (w *repositoryWorld) run() error {
	err := w.op.do(w)
	w.done = err == nil
	return err
}

func (w *repositoryWorld) start() error {
	w.supply.start()
	err := w.open()
	if w.op.creates && !w.done && errors.Is(err, repository.ErrPermanent) {
		// A creation that was cut may leave no repository: it is made anew.
		w.repo, err = repository.Create(w.random, w.supply.devices()...)
		w.old, w.new = map[string]string{}, map[string]string{}
	}
	return err
}

func (w *repositoryWorld) check() error {
	rep := w.repo.Check()
	if rep.Verdict != repository.Good || rep.Bad() > 0 {
		return fmt.Errorf("the copies are not good after the reboot: %s", rep)
	}
	items, _, err := w.repo.List("")
	if err != nil {
		return err
	}
	got := map[string]string{}
	for _, it := range items {
		got[it.Name] = string(it.Value)
	}
	switch isNew := w.new != nil && maps.Equal(got, w.new); {
	case isNew:
		w.done = true // and stays so
	case !maps.Equal(got, w.old):
		return fmt.Errorf("the entries are neither the old nor the new ones: %q", w.repo.Names())
	case w.done && w.new != nil:
		return errors.New("a change that was acknowledged is gone")
	default:
		w.new = nil // it must not come back
	}
	return nil
}

func (w *repositoryWorld) state(out io.Writer) {
	fmt.Fprintf(out, "done %v, %d old, %d new entries; ", w.done, len(w.old), len(w.new))
	w.supply.state(out)
}

func (w *repositoryWorld) dark() world {
	c := *w
	c.supply, c.repo = w.supply.copy(), nil
	return &c
}

func (w *repositoryWorld) wake(streams string) error {
	w.random = entropy.Stream(w.seed, "repository"+streams)
	return nil
}
