package objectstore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNotFound means that there is no object of that name.
var ErrNotFound = errors.New("objectstore: there is no such object")

// backend keeps objects. The caller checks names.
type backend interface {
	put(name string, body []byte) (fresh bool, err error)
	get(name string) ([]byte, error)
	remove(name string) error
	names() ([]string, error) // ascending
}

// memory is a backend in RAM.
type memory struct{ objects []object }

type object struct {
	name string
	body []byte
}

func (m *memory) find(name string) (int, bool) {
	return slices.BinarySearchFunc(m.objects, name, func(o object, n string) int { return strings.Compare(o.name, n) })
}

func (m *memory) put(name string, body []byte) (bool, error) {
	i, ok := m.find(name)
	if !ok {
		m.objects = slices.Insert(m.objects, i, object{name: name})
	}
	m.objects[i].body = bytes.Clone(body)
	return !ok, nil
}

func (m *memory) get(name string) ([]byte, error) {
	i, ok := m.find(name)
	if !ok {
		return nil, ErrNotFound
	}
	return bytes.Clone(m.objects[i].body), nil
}

func (m *memory) remove(name string) error {
	i, ok := m.find(name)
	if !ok {
		return ErrNotFound
	}
	m.objects = slices.Delete(m.objects, i, i+1)
	return nil
}

func (m *memory) names() ([]string, error) {
	out := make([]string, len(m.objects))
	for i, o := range m.objects {
		out[i] = o.name
	}
	return out, nil
}

// directory is a backend on disk.
type directory string

func (d directory) path(name string) string {
	return filepath.Join(string(d), hex.EncodeToString([]byte(name)))
}

func (d directory) put(name string, body []byte) (bool, error) {
	_, err := os.Stat(d.path(name))
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.CreateTemp(string(d), ".new-*")
	if err != nil {
		return false, fmt.Errorf("objectstore: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // finds nothing after the rename
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.path(name))
	}
	if err == nil {
		err = syncDir(string(d))
	}
	if err != nil {
		return false, fmt.Errorf("objectstore: %w", err)
	}
	return fresh, nil
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d directory) get(name string) ([]byte, error) {
	b, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("objectstore: %w", err)
	}
	return b, nil
}

func (d directory) remove(name string) error {
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("objectstore: %w", err)
	}
	return syncDir(string(d))
}

func (d directory) names() ([]string, error) {
	list, err := os.ReadDir(string(d))
	if err != nil {
		return nil, fmt.Errorf("objectstore: %w", err)
	}
	var out []string
	for _, e := range list {
		if name, err := hex.DecodeString(e.Name()); err == nil && e.Type().IsRegular() {
			out = append(out, string(name))
		}
	}
	slices.Sort(out)
	return out, nil
}
