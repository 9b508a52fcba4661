package kmip

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Negotiate finds the newest version of KMIP that both sides speak, and speaks it from then on.
// It offers 1.4 with Discover Versions. A server that refuses the message, or closes
// the connection, is offered the next older version, down to 1.0, which has no Discover
// Versions: there Query is asked instead. A server that takes a version and does not know Discover
// Versions is spoken to in that version. The error is an *Error: of FaultVersion if
// there is no common version.
func (c *Client) Negotiate() (Version, error) {
	all := Versions()
	var first error
	for n := 0; n < len(all); n++ {
		v, says, err := c.offer(all[n])
		switch {
		case err == nil:
			c.cfg.Version = v
			return v, nil
		case !lower(err):
			return Version{}, err
		case c.broken != nil:
			if err := c.redial(); err != nil {
				return Version{}, err
			}
		}
		if first == nil {
			first = err
		}
		// A refusal may say which version the server speaks.
		if at := slices.Index(all, says); at > n {
			n = at - 1
		}
	}
	if at := FaultOf(first); at == FaultHangUp || at == FaultProtocol {
		return Version{}, first // it is no KMIP server
	}
	why := first
	var e *Error
	if errors.As(first, &e) {
		why = e.Err // without it the address would stand there twice
	}
	return Version{}, &Error{c.cfg.Addr, OpDiscoverVersions.String(), FaultVersion, fmt.Errorf("the client speaks 1.0 to 1.4: %w", why)}
}

// lower says whether an older version may help: the server closed the connection, or refused
// the message for its form and not for its sender.
func lower(err error) bool {
	var f *Failure
	if errors.As(err, &f) {
		return f.Reason != AuthenticationNotSuccessful && f.Reason != PermissionDenied
	}
	at := FaultOf(err)
	return at == FaultHangUp || at == FaultVersion || at == FaultProtocol || at == FaultAnswer
}

// offer asks in one version. chosen is what is to be spoken; says, with an error, the version in
// which the refusal came.
func (c *Client) offer(v Version) (chosen, says Version, err error) {
	i := RequestItem{Op: OpDiscoverVersions, Payload: ttlv.Struct(TagRequestPayload)}
	if v == V10 {
		i = RequestItem{Op: OpQuery, Payload: ttlv.Struct(TagRequestPayload, ttlv.Enum(TagQueryFunction, QueryOperations))}
	} else {
		for _, o := range Versions() {
			i.Payload.Add(o.Item())
		}
	}
	q := Request{Version: v, Items: []RequestItem{i}}
	p, err := c.send(&q)
	if err != nil {
		return Version{}, Version{}, err
	}
	answeredIn := p.Version
	p.Version = v // an older one is what is looked for here
	if err := answers(p, &q); err != nil {
		return Version{}, answeredIn, c.fail(i.Op.String(), err)
	}
	if !answeredIn.Known() || !v.AtLeast(answeredIn) {
		return Version{}, answeredIn, &Error{c.cfg.Addr, i.Op.String(), FaultVersion, fmt.Errorf("the answer to KMIP %s is KMIP %s", v, answeredIn)}
	}
	if err := p.Items[0].Err(); err != nil {
		var f *Failure
		if errors.As(err, &f); f.Reason == OperationNotSupported {
			return answeredIn, answeredIn, nil // it knows the version, but not the operation
		}
		return Version{}, answeredIn, c.fail(i.Op.String(), err)
	}
	if i.Op == OpQuery {
		return answeredIn, answeredIn, nil
	}
	return c.newest(p.Items[0].Payload, answeredIn)
}

// newest is the newest version in the answer of Discover Versions that is known. A server that
// answers in an older one than it lists is spoken to in that.
func (c *Client) newest(payload *ttlv.Item, answeredIn Version) (chosen, says Version, err error) {
	op := OpDiscoverVersions.String()
	var listed []string
	for _, i := range ttlv.Read(payload).All(TagProtocolVersion, ttlv.Structure) {
		v, err := ReadVersion(i)
		if err != nil {
			return Version{}, answeredIn, c.fail(op, err)
		}
		listed = append(listed, v.String())
		if v.Known() && !answeredIn.AtLeast(v) {
			v = answeredIn
		}
		if v.Known() && v.AtLeast(chosen) {
			chosen = v
		}
	}
	if chosen == (Version{}) {
		return Version{}, V10, &Error{c.cfg.Addr, op, FaultVersion, fmt.Errorf("the server speaks %q", listed)}
	}
	return chosen, answeredIn, nil
}
