package raslab

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// CloudService is what the simulated cloud server does with requests.
type CloudService string

// What it can do.
const (
	CloudRunning  CloudService = "running"
	CloudDown     CloudService = "down"     // nothing answers
	CloudRefusing CloudService = "refusing" // it answers that it will not
)

// CloudHost is the simulated cloud server: objects in memory, without sockets. It
// knows nothing of encryption; what it was given can be lost, altered and put
// back behind the facility's back.
type CloudHost struct {
	lab     *Lab
	service CloudService
	objects []cloudBody // by name
}

// cloudBody is an object as the server has it, or one that it had.
type cloudBody struct {
	name   string
	body   []byte
	gone   bool
	before []byte // what was under this name before; nil: nothing was
}

var _ tct.Cloud = (*CloudHost)(nil)

// CloudHost is the simulated cloud server, to break it. It is refused where
// Options.Cloud gave the facility another one.
func (l *Lab) CloudHost() (*CloudHost, error) {
	if l.cloud.host == nil {
		return nil, refuse(ErrState, "cloud server", "the cloud server is a real one", "break it where it is")
	}
	return l.cloud.host, nil
}

// SetService lets the server run, be down, or refuse.
func (h *CloudHost) SetService(to CloudService) error {
	if to != CloudRunning && to != CloudDown && to != CloudRefusing {
		return refuse(ErrInvalid, "cloud service", fmt.Sprintf("no cloud server can be %q", to), "running, down and refusing are right")
	}
	h.service = to
	h.lab.logf("cloud server", "the service is %s", to)
	return nil
}

// Service says what it does.
func (h *CloudHost) Service() CloudService { return h.service }

// Lose drops an object, by the name that it has at the server.
func (h *CloudHost) Lose(name string) error {
	return h.meddle("cloud lose", name, "was lost", func(b *cloudBody) error {
		b.gone = true
		return nil
	})
}

// Alter flips one bit of an object; counted from its end where at is negative. It
// is refused where the object has no such byte.
func (h *CloudHost) Alter(name string, at int) error {
	return h.meddle("cloud alter", name, fmt.Sprintf("has another bit in byte %d", at), func(b *cloudBody) error {
		n := at
		if n < 0 {
			n += len(b.body)
		}
		if n < 0 || n >= len(b.body) {
			return refuse(ErrInvalid, "cloud alter", fmt.Sprintf("byte %d of an object of %d bytes", at, len(b.body)), "a byte that it has is right")
		}
		b.body = bytes.Clone(b.body)
		b.body[n] ^= 0x01
		return nil
	})
}

// Rollback puts the older version of an object back, whoever asked for the newer one.
func (h *CloudHost) Rollback(name string) error {
	const op = "cloud rollback"
	i, ok := h.find(name)
	if !ok || h.objects[i].before == nil {
		return refuse(ErrNotFound, op, fmt.Sprintf("the cloud server had no older version of %q", name), "one comes about when an object is migrated again")
	}
	b := &h.objects[i]
	b.body, b.before, b.gone = b.before, b.body, false
	h.lab.logf("cloud server", "%s is an older version again", name)
	return nil
}

func (h *CloudHost) meddle(op, name, what string, do func(*cloudBody) error) error {
	i, ok := h.find(name)
	if !ok || h.objects[i].gone {
		return refuse(ErrNotFound, op, fmt.Sprintf("the cloud server has no object %q", name), "the list of objects shows what there is")
	}
	if err := do(&h.objects[i]); err != nil {
		return err
	}
	h.lab.logf("cloud server", "%s %s", name, what)
	return nil
}

func (h *CloudHost) find(name string) (int, bool) {
	return slices.BinarySearchFunc(h.objects, name, func(b cloudBody, n string) int { return strings.Compare(b.name, n) })
}

// answers is nil if the server does what it is asked.
func (h *CloudHost) answers() error {
	switch h.service {
	case CloudDown:
		return tct.ErrCloud
	case CloudRefusing:
		return tct.ErrRefused
	}
	return nil
}

// Put implements tct.Cloud.
func (h *CloudHost) Put(name string, body []byte) error {
	if err := h.answers(); err != nil {
		return err
	}
	i, ok := h.find(name)
	if !ok {
		h.objects = slices.Insert(h.objects, i, cloudBody{name: name})
	} else {
		h.objects[i].before = h.objects[i].body
	}
	h.objects[i].body, h.objects[i].gone = bytes.Clone(body), false
	return nil
}

// Get implements tct.Cloud.
func (h *CloudHost) Get(name string, max int64) ([]byte, error) {
	if err := h.answers(); err != nil {
		return nil, err
	}
	i, ok := h.find(name)
	switch {
	case !ok || h.objects[i].gone:
		return nil, tct.ErrNotFound
	case int64(len(h.objects[i].body)) > max:
		return nil, tct.ErrTooLarge
	}
	return bytes.Clone(h.objects[i].body), nil
}

// Delete implements tct.Cloud.
func (h *CloudHost) Delete(name string) error {
	if err := h.answers(); err != nil {
		return err
	}
	i, ok := h.find(name)
	if !ok || h.objects[i].gone {
		return tct.ErrNotFound
	}
	h.objects[i].gone = true
	return nil
}

// List implements tct.Cloud.
func (h *CloudHost) List(prefix string) (names []string, err error) {
	if err := h.answers(); err != nil {
		return nil, err
	}
	for _, b := range h.objects {
		if !b.gone && strings.HasPrefix(b.name, prefix) {
			names = append(names, b.name)
		}
	}
	return names, nil
}
