package customer

import (
	"errors"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// answerKMIP is the KMIP service of the machine: a message in, a message out. It keeps data keys as
// secret data, and does what a facility asks: Discover Versions, Register, Get, Get Attributes.
// Errors are those of the way, and wrap those of encgroup.KeyServer.
func (k *KeyServer) answerKMIP(request []byte) (answer []byte, err error) {
	if err := k.mem.Reach(); err != nil {
		return nil, err
	}
	newest := k.newestKMIP()
	k.decoder.Reset()
	q, err := kmip.ParseRequestWith(&k.decoder, request)
	p := kmip.Response{Version: q.Version, Time: k.site.config.Clock()}
	if err == nil && !newest.AtLeast(q.Version) {
		err = kmip.Fail(kmip.InvalidMessage, "KMIP %s is not spoken here", q.Version)
	}
	if err != nil {
		p.Version = newest
		p.Items = []kmip.ResponseItem{refusal(0, err)}
		return p.Encode(nil), nil
	}
	for n := range q.Items {
		i := &q.Items[n]
		payload, err := k.perform(i, newest)
		item := kmip.ResponseItem{Op: i.Op, Payload: payload}
		if err != nil {
			item = refusal(i.Op, err)
		}
		item.ID = i.ID
		if p.Items = append(p.Items, item); err != nil {
			break
		}
	}
	answer = p.Encode(nil)
	for n := range p.Items {
		wipe(p.Items[n].Payload)
	}
	return answer, nil
}

// wipe overwrites what a payload has of a key.
func wipe(i *ttlv.Item) {
	if i == nil {
		return
	}
	clear(i.Bytes)
	for n := range i.Items {
		wipe(&i.Items[n])
	}
}

func refusal(op kmip.Operation, err error) kmip.ResponseItem {
	f := kmip.FailureOf(err)
	return kmip.ResponseItem{Op: op, Status: kmip.OperationFailed, Reason: f.Reason, Message: f.Message}
}

// newestKMIP is the newest version that the product speaks.
func (k *KeyServer) newestKMIP() kmip.Version {
	for _, v := range kmip.Versions() {
		if v.String() == k.KMIP() {
			return v
		}
	}
	return kmip.V10
}

func (k *KeyServer) perform(i *kmip.RequestItem, newest kmip.Version) (*ttlv.Item, error) {
	if i.Err != nil {
		return nil, i.Err
	}
	r, p := ttlv.Read(&i.Payload), ttlv.Struct(kmip.TagResponsePayload)
	switch i.Op {
	case kmip.OpDiscoverVersions:
		for _, v := range kmip.Versions() {
			if newest.AtLeast(v) {
				p.Add(v.Item())
			}
		}
		return &p, nil
	case kmip.OpRegister:
		return &p, k.register(r, &p)
	case kmip.OpGet:
		return &p, k.give(r, &p)
	case kmip.OpGetAttributes:
		return &p, k.tell(r, &p)
	}
	return nil, kmip.Fail(kmip.OperationNotSupported, "%s is not done here", i.Op)
}

// register keeps a data key: secret data of 32 bytes.
func (k *KeyServer) register(r *ttlv.Reader, p *ttlv.Item) error {
	t := kmip.ObjectType(r.Required(kmip.TagObjectType, ttlv.Enumeration).Int)
	template := ttlv.Read(r.Required(kmip.TagTemplateAttribute, ttlv.Structure))
	if err := r.Err(); err != nil {
		return err
	}
	label := ""
	for _, i := range template.All(kmip.TagAttribute, ttlv.Structure) {
		a, err := kmip.ReadAttribute(i)
		if err != nil {
			return err
		}
		if a.Name == kmip.AttrName && len(a.Value.Items) > 0 {
			label = a.Value.Items[0].Text()
		}
	}
	o, err := kmip.ReadObject(r, t)
	if err != nil {
		return err
	}
	if o.Type != kmip.SecretData || len(o.Material) != len(secret.Key32{}) {
		return kmip.Fail(kmip.InvalidField, "data keys are secret data of 32 bytes")
	}
	var key secret.Key32
	defer key.Clear()
	copy(key[:], o.Material)
	uid, err := k.mem.Register(label, &key)
	if err != nil {
		return err
	}
	p.Add(ttlv.Text(kmip.TagUniqueIdentifier, uid))
	return nil
}

// give gives a data key, through the memory of the machine.
func (k *KeyServer) give(r *ttlv.Reader, p *ttlv.Item) error {
	uid := r.Required(kmip.TagUniqueIdentifier, ttlv.TextString).Text()
	if err := r.Done(); err != nil {
		return err
	}
	if state := k.life(uid).State; state.Destroyed() {
		return kmip.Fail(kmip.ObjectDestroyed, "it is %s", state)
	}
	key, err := k.mem.Get(uid)
	switch {
	case errors.Is(err, encgroup.ErrNoKey):
		return kmip.Fail(kmip.ItemNotFound, "there is no object %q", uid)
	case err != nil:
		return err
	}
	k.remembers(key)
	o := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: key[:]}
	p.Add(ttlv.Enum(kmip.TagObjectType, o.Type))
	p.Add(ttlv.Text(kmip.TagUniqueIdentifier, uid))
	p.Add(o.Item())
	return nil
}

// tell tells the state and the dates of a data key, whatever was asked for; also of one that is not
// on the disk any more.
func (k *KeyServer) tell(r *ttlv.Reader, p *ttlv.Item) error {
	uid := r.Required(kmip.TagUniqueIdentifier, ttlv.TextString).Text()
	r.All(kmip.TagAttributeName, ttlv.TextString)
	if err := r.Done(); err != nil {
		return err
	}
	l := k.life(uid)
	p.Add(ttlv.Text(kmip.TagUniqueIdentifier, uid))
	state := kmip.EnumOf(kmip.AttrState, kmip.State(l.State))
	p.Add(state.Item())
	for _, d := range []struct {
		name string
		at   time.Time
	}{
		{kmip.AttrActivationDate, l.Activation},
		{kmip.AttrProtectStopDate, l.ProtectStop},
		{kmip.AttrDeactivationDate, l.Deactivation},
		{kmip.AttrCompromiseOccurrenceDate, l.Compromised},
	} {
		if !d.at.IsZero() {
			a := kmip.DateOf(d.name, d.at)
			p.Add(a.Item())
		}
	}
	return nil
}
