package customer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// CloudService is what the simulated cloud server does with requests.
type CloudService string

// What it can do.
const (
	CloudRunning  CloudService = "running"
	CloudDown     CloudService = "down"     // nothing answers
	CloudRefusing CloudService = "refusing" // it answers that it will not
)

// CloudServer is the simulated cloud server: objects in memory, without sockets. It
// knows nothing of encryption; what it was given can be lost, altered and put
// back behind the facility's back.
type CloudServer struct {
	hands   hands
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

var _ tct.Cloud = (*CloudServer)(nil)

// NewCloudServer is a cloud server that runs and has no objects. log is told what hands did; nil: nobody
// writes it down.
func NewCloudServer(log func(actor, text string)) *CloudServer {
	return newCloudServer(written(log))
}

func newCloudServer(h hands) *CloudServer { return &CloudServer{hands: h, service: CloudRunning} }

// hands writes down what hands did.
type hands interface {
	logf(actor, format string, args ...any)
}

// written is hands of a stranger.
type written func(actor, text string)

func (w written) logf(actor, format string, args ...any) {
	if w != nil {
		w(actor, fmt.Sprintf(format, args...))
	}
}

func (c *CloudServer) logf(format string, args ...any) { c.hands.logf("cloud server", format, args...) }

// SetService lets the server run, be down, or refuse.
func (c *CloudServer) SetService(to CloudService) error {
	if to != CloudRunning && to != CloudDown && to != CloudRefusing {
		return request.Refuse(request.ErrInvalid, "cloud service", fmt.Sprintf("no cloud server can be %q", to), "running, down and refusing are right")
	}
	c.service = to
	c.logf("the service is %s", to)
	return nil
}

// Service says what it does.
func (c *CloudServer) Service() CloudService { return c.service }

// Lose drops an object, by the name that it has at the server.
func (c *CloudServer) Lose(name string) error {
	return c.meddle("cloud lose", name, "was lost", func(b *cloudBody) error {
		b.gone = true
		return nil
	})
}

// Alter flips one bit of an object; counted from its end where at is negative. It
// is refused where the object has no such byte.
func (c *CloudServer) Alter(name string, at int) error {
	return c.meddle("cloud alter", name, fmt.Sprintf("has another bit in byte %d", at), func(b *cloudBody) error {
		n := at
		if n < 0 {
			n += len(b.body)
		}
		if n < 0 || n >= len(b.body) {
			return request.Refuse(request.ErrInvalid, "cloud alter", fmt.Sprintf("byte %d of an object of %d bytes", at, len(b.body)), "a byte that it has is right")
		}
		b.body = bytes.Clone(b.body)
		b.body[n] ^= 0x01
		return nil
	})
}

// Rollback puts the older version of an object back, whoever asked for the newer one.
func (c *CloudServer) Rollback(name string) error {
	const op = "cloud rollback"
	i, ok := c.find(name)
	if !ok || c.objects[i].before == nil {
		return request.Refuse(request.ErrNotFound, op, fmt.Sprintf("the cloud server had no older version of %q", name), "one comes about when an object is migrated again")
	}
	b := &c.objects[i]
	b.body, b.before, b.gone = b.before, b.body, false
	c.logf("%s is an older version again", name)
	return nil
}

func (c *CloudServer) meddle(op, name, what string, do func(*cloudBody) error) error {
	i, ok := c.find(name)
	if !ok || c.objects[i].gone {
		return request.Refuse(request.ErrNotFound, op, fmt.Sprintf("the cloud server has no object %q", name), "the list of objects shows what there is")
	}
	if err := do(&c.objects[i]); err != nil {
		return err
	}
	c.logf("%s %s", name, what)
	return nil
}

func (c *CloudServer) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c.objects, name, func(b cloudBody, n string) int { return strings.Compare(b.name, n) })
}

// answers is nil if the server does what it is asked.
func (c *CloudServer) answers() error {
	switch c.service {
	case CloudDown:
		return tct.ErrCloud
	case CloudRefusing:
		return tct.ErrRefused
	}
	return nil
}

// Put implements tct.Cloud.
func (c *CloudServer) Put(name string, body []byte) error {
	if err := c.answers(); err != nil {
		return err
	}
	i, ok := c.find(name)
	if !ok {
		c.objects = slices.Insert(c.objects, i, cloudBody{name: name})
	} else {
		c.objects[i].before = c.objects[i].body
	}
	c.objects[i].body, c.objects[i].gone = bytes.Clone(body), false
	return nil
}

// Get implements tct.Cloud.
func (c *CloudServer) Get(name string, max int64) ([]byte, error) {
	if err := c.answers(); err != nil {
		return nil, err
	}
	i, ok := c.find(name)
	switch {
	case !ok || c.objects[i].gone:
		return nil, tct.ErrNotFound
	case int64(len(c.objects[i].body)) > max:
		return nil, tct.ErrTooLarge
	}
	return bytes.Clone(c.objects[i].body), nil
}

// Delete implements tct.Cloud.
func (c *CloudServer) Delete(name string) error {
	if err := c.answers(); err != nil {
		return err
	}
	i, ok := c.find(name)
	if !ok || c.objects[i].gone {
		return tct.ErrNotFound
	}
	c.objects[i].gone = true
	return nil
}

// List implements tct.Cloud.
func (c *CloudServer) List(prefix string) (names []string, err error) {
	if err := c.answers(); err != nil {
		return nil, err
	}
	for _, b := range c.objects {
		if !b.gone && strings.HasPrefix(b.name, prefix) {
			names = append(names, b.name)
		}
	}
	return names, nil
}
