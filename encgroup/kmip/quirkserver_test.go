package kmip_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// quirk is one peculiarity of a key server that somebody has met.
type quirk struct {
	max      kmip.Version                                              // the newest version that it takes; zero: any
	shuts    bool                                                      // it closes the connection instead of refusing a version
	mute     bool                                                      // it does not know Discover Versions
	answerAs kmip.Version                                              // it answers in this version
	locate   func(s *quirkServer, name string, uids []string) []string // what Locate finds
	payload  func(uids []string) *ttlv.Item                            // the whole payload of Locate
	object   func(o ttlv.Item) ttlv.Item                               // what Get gives
	hangUp   bool                                                      // after each answer
	chop     int                                                       // answers come in pieces of this size
	tls      func(*tls.Config)
	query    func(*ttlv.Item)
	alone    bool          // one connection at a time
	get      *kmip.Failure // of each Get
	register *kmip.Failure
	state    kmip.State // of each key; 0: it does not know Get Attributes
}

// quirkServer is a key server with one peculiarity. Several share keys, as a customer's
// replicated servers do.
type quirkServer struct {
	quirk
	addr string
	*quirkKeys
	open int
	seen []kmip.Version // of the requests
}

type quirkKeys struct {
	mu     sync.Mutex
	keys   map[string][]byte // by unique identifier
	byName map[string][]string
	order  []string
}

func serveQuirk(t *testing.T, a *authority, q quirk, keys *quirkKeys) *quirkServer {
	own := a.server()
	cfg := &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: a.ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}
	if q.tls != nil {
		q.tls(cfg)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &quirkServer{quirk: q, addr: l.Addr().String(), quirkKeys: keys}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.connection(tls.Server(c, cfg)) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return s
}

func (s *quirkServer) connection(c *tls.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	s.mu.Lock()
	s.open++
	busy := s.alone && s.open > 1
	s.mu.Unlock()
	for n := 0; busy && n < 1000; n++ { // the one before may just be closing
		time.Sleep(time.Millisecond)
		s.mu.Lock()
		busy = s.open > 1
		s.mu.Unlock()
	}
	defer func() { s.mu.Lock(); s.open--; s.mu.Unlock() }()
	for !busy {
		head := make([]byte, ttlv.HeaderSize)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		_, _, size, err := ttlv.Header(head)
		if err != nil {
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		q, err := kmip.ParseRequest(append(head, body...), ttlv.Limits{})
		if err != nil {
			return
		}
		out := s.answer(q)
		for len(out) > 0 {
			n := len(out)
			if s.chop > 0 {
				n = min(n, s.chop)
			}
			if _, err := c.Write(out[:n]); err != nil {
				return
			}
			out = out[n:]
		}
		s.mu.Lock()
		over := s.hangUp
		s.mu.Unlock()
		if over {
			return
		}
	}
}

// answer is nil where the server closes the connection.
func (s *quirkServer) answer(q *kmip.Request) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, q.Version)
	p := kmip.Response{Version: q.Version, Time: time.Now()}
	if s.max != (kmip.Version{}) && (!s.max.AtLeast(q.Version) || s.max.Major > q.Version.Major) {
		if s.shuts {
			s.hangUp = true
			return nil
		}
		p.Version = s.max
		p.Items = []kmip.ResponseItem{{Status: kmip.OperationFailed, Reason: kmip.InvalidMessage, Message: "Error parsing Protocol Version Minor"}}
		return p.Encode(nil)
	}
	s.hangUp = s.hangUp && !s.shuts
	if s.answerAs != (kmip.Version{}) {
		p.Version = s.answerAs
	}
	for n := range q.Items {
		i := &q.Items[n]
		o := kmip.ResponseItem{Op: i.Op, ID: i.ID}
		if f := s.item(i, &o); f != nil {
			o.Status, o.Reason, o.Message = kmip.OperationFailed, f.Reason, f.Message
		}
		p.Items = append(p.Items, o)
	}
	return p.Encode(nil)
}

func pay(o *kmip.ResponseItem, items ...ttlv.Item) *kmip.Failure {
	p := ttlv.Struct(kmip.TagResponsePayload, items...)
	o.Payload = &p
	return nil
}

func nameIn(in *ttlv.Item) string {
	for n := range in.Items {
		if a, err := kmip.ReadAttribute(&in.Items[n]); in.Items[n].Tag == kmip.TagAttribute && err == nil && a.Name == kmip.AttrName {
			return a.Value.Find(kmip.TagNameValue).Text()
		}
	}
	return ""
}

func (s *quirkServer) item(i *kmip.RequestItem, o *kmip.ResponseItem) *kmip.Failure {
	uid := ""
	if u := i.Payload.Find(kmip.TagUniqueIdentifier); u != nil {
		uid = u.Text()
	}
	switch {
	case i.Op == kmip.OpDiscoverVersions && !s.mute:
		v := kmip.V14
		if s.max != (kmip.Version{}) {
			v = s.max
		}
		return pay(o, v.Item())
	case i.Op == kmip.OpQuery:
		_ = pay(o, ttlv.Enum(kmip.TagOperation, kmip.OpLocate), ttlv.Enum(kmip.TagOperation, kmip.OpRegister), ttlv.Enum(kmip.TagOperation, kmip.OpGet), ttlv.Enum(kmip.TagObjectType, kmip.SecretData))
		if s.query != nil {
			s.query(o.Payload)
		}
		return nil
	case i.Op == kmip.OpLocate:
		name := nameIn(&i.Payload)
		uids := slices.Clone(s.byName[name])
		if s.locate != nil {
			uids = s.locate(s, name, uids)
		}
		if s.payload != nil {
			o.Payload = s.payload(uids)
			return nil
		}
		_ = pay(o)
		for _, u := range uids {
			o.Payload.Add(ttlv.Text(kmip.TagUniqueIdentifier, u))
		}
		return nil
	case i.Op == kmip.OpRegister && s.register == nil:
		name := nameIn(i.Payload.Find(kmip.TagTemplateAttribute))
		m := i.Payload.Find(kmip.TagSecretData).Find(kmip.TagKeyBlock).Find(kmip.TagKeyValue).Find(kmip.TagKeyMaterial)
		uid = "uid of " + name
		s.keys[uid], s.byName[name], s.order = bytes.Clone(m.Bytes), append(s.byName[name], uid), append(s.order, uid)
		return pay(o, ttlv.Text(kmip.TagUniqueIdentifier, uid))
	case i.Op == kmip.OpRegister:
		return s.register
	case i.Op == kmip.OpGet && s.get != nil:
		return s.get
	case i.Op == kmip.OpGet:
		key, ok := s.keys[uid]
		if !ok {
			return kmip.Fail(kmip.ItemNotFound, "no such object")
		}
		whole := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key}
		it, typ := whole.Item(), kmip.SecretData
		if s.object != nil && !strings.Contains(uid, "copy") {
			it = s.object(it)
		}
		if it.Tag == kmip.TagSymmetricKey {
			typ = kmip.SymmetricKey
		}
		return pay(o, ttlv.Enum(kmip.TagObjectType, typ), ttlv.Text(kmip.TagUniqueIdentifier, uid), it)
	case i.Op == kmip.OpGetAttributes && s.state != 0:
		state := kmip.EnumOf(kmip.AttrState, s.state)
		return pay(o, ttlv.Text(kmip.TagUniqueIdentifier, uid), state.Item())
	}
	return kmip.Fail(kmip.OperationNotSupported, "no")
}
