package adapters

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// reply is what a program answered, field by field. Each field is taken once; what is left over is
// a mistake of the program, such as a refusal under another name.
type reply map[string]json.RawMessage

// parse reads a line and checks that it answers request id.
func parse(line []byte, id uint64) (reply, error) {
	var r reply
	if err := json.Unmarshal(line, &r); err != nil || r == nil {
		return nil, fmt.Errorf("wrote on standard output what is no reply, a JSON object: %q", beginning(line))
	}
	var n uint64
	raw, there := r["id"]
	if !there || json.Unmarshal(raw, &n) != nil {
		return nil, fmt.Errorf("gave a reply without an \"id\", want %d: %q", id, beginning(line))
	}
	if n != id {
		return nil, fmt.Errorf("gave the reply to request %d, want %d", n, id)
	}
	delete(r, "id")
	return r, nil
}

// refusals are the kinds of refusal by their names.
var refusals = func() map[string]drive.Code {
	all := map[string]drive.Code{}
	for c := drive.NotAuthorized; c <= drive.OutOfRange; c++ {
		all[c.Error()] = c
	}
	return all
}()

// refusal is the refusal in a reply, or nil. bad says that it is none that the protocol has.
func (r reply) refusal() (refused, bad error) {
	if _, there := r["refused"]; !there {
		return nil, nil
	}
	var name string
	take(r, "refused", &name, &bad)
	code, known := refusals[name]
	if bad == nil && !known {
		names := slices.Sorted(maps.Keys(refusals))
		bad = fmt.Errorf("no refusal %q: %s", name, suggest.DidYouMean(name, names))
	}
	why := ""
	if _, there := r["why"]; there {
		take(r, "why", &why, &bad)
	}
	r.end(&bad)
	if bad != nil {
		return nil, bad
	}
	if why != "" {
		return fmt.Errorf("%w: %s", code, beginning([]byte(why))), nil
	}
	return code, nil
}

// take moves a field of a reply to where to is. bad keeps what was wrong first.
func take[T any](r reply, name string, to *T, bad *error) {
	raw, there := r[name]
	delete(r, name)
	switch {
	case *bad != nil:
	case !there || string(raw) == "null":
		*bad = fmt.Errorf("the reply has no %q", name)
	default:
		if err := json.Unmarshal(raw, to); err != nil {
			*bad = fmt.Errorf("%q in the reply is no %s: %s", name, kindOf(to), beginning(raw))
		}
	}
}

func kindOf(to any) string {
	switch to.(type) {
	case *string:
		return "text"
	case *bool:
		return "true or false"
	case *[]string:
		return "list of texts"
	case *map[string]int:
		return "object with numbers"
	}
	return "number of its size"
}

// bytes takes a binary field.
func (r reply) bytes(name string, bad *error) []byte {
	var text string
	take(r, name, &text, bad)
	return decode(name, text, bad)
}

func decode(name, text string, bad *error) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil && *bad == nil {
		*bad = fmt.Errorf("%q in the reply is no base64", name)
	}
	return b
}

// pin takes a PIN.
func (r reply) pin(name string, bad *error) drive.PIN {
	b := r.bytes(name, bad)
	defer clear(b)
	pin, err := drive.NewPIN(b)
	if err != nil && *bad == nil {
		*bad = fmt.Errorf("%q in the reply: %d bytes, want 1 to %d", name, len(b), drive.PINSize)
	}
	return pin
}

// end refuses what is left over.
func (r reply) end(bad *error) {
	if *bad == nil && len(r) > 0 {
		*bad = fmt.Errorf("the reply has a field that nothing is known of: %q", slices.Sorted(maps.Keys(r))[0])
	}
}
