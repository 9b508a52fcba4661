package kmip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

var update = flag.Bool("update", false, "write the expected differences anew")

// The same questions are asked of our server and of PyKMIP's, by our client and by
// PyKMIP's. Where the answers differ the difference is in testdata/pykmip.txt, with a reason;
// everything else is the same, and so is what is listed there.

// outcome is an answer without what no two servers share.
func outcome(value any, err error) string {
	var f *kmip.Failure
	switch {
	case errors.As(err, &f):
		return f.Reason.String()
	case err != nil:
		return "error: " + err.Error()
	case value == nil:
		return "done"
	}
	return fmt.Sprint(value)
}

type step struct{ name, outcome string }

// ourSteps is what our client asks beyond TestClientAgainstPyKMIP.
func ourSteps(t *testing.T, cfg kmip.Config) (out []step) {
	do := func(name string, f func(c *kmip.Client) (any, error)) {
		c, err := kmip.Dial(cfg) // a server may hang up after a refusal
		require.NoError(t, err)
		defer c.Close()
		out = append(out, step{"our client: " + name, outcome(f(c))})
	}
	c, err := kmip.Dial(cfg)
	require.NoError(t, err)
	defer c.Close()
	aes := []kmip.Attribute{kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt)}
	name := func(s string) kmip.Attribute { return kmip.NameOf(s + " " + cfg.Version.String()) }
	group := func(s string) kmip.Attribute { return kmip.TextOf(kmip.AttrObjectGroup, s+" "+cfg.Version.String()) }
	uid, err := c.Create(append(aes, name("key"), group("g"))...)
	require.NoError(t, err)
	same := func(found []string, err error) (any, error) { return len(found) == 1 && found[0] == uid, err }

	do("Modify Attribute, Name", func(c *kmip.Client) (any, error) { return nil, c.ModifyAttribute(uid, name("other")) })
	do("Locate by the new Name", func(c *kmip.Client) (any, error) { return same(c.Locate(0, name("other"))) })
	do("Locate by the old Name", func(c *kmip.Client) (any, error) { return same(c.Locate(0, name("key"))) })
	do("Modify Attribute, Object Group", func(c *kmip.Client) (any, error) { return nil, c.ModifyAttribute(uid, group("h")) })
	do("Locate by the new Object Group", func(c *kmip.Client) (any, error) { return same(c.Locate(0, group("h"))) })
	do("Modify Attribute, State", func(c *kmip.Client) (any, error) {
		return nil, c.ModifyAttribute(uid, kmip.EnumOf(kmip.AttrState, kmip.Active))
	})
	do("Delete Attribute, Object Group", func(c *kmip.Client) (any, error) { return nil, c.DeleteAttribute(uid, kmip.AttrObjectGroup, 0) })
	do("Delete Attribute, none there", func(c *kmip.Client) (any, error) { return nil, c.DeleteAttribute(uid, kmip.AttrObjectGroup, 0) })
	do("Delete Attribute, Cryptographic Length", func(c *kmip.Client) (any, error) { return nil, c.DeleteAttribute(uid, kmip.AttrLength, 0) })
	do("Add Attribute, Name", func(c *kmip.Client) (any, error) { return nil, c.AddAttribute(uid, name("second")) })
	do("Add Attribute, custom", func(c *kmip.Client) (any, error) { return nil, c.AddAttribute(uid, kmip.TextOf("x-note", "n")) })
	do("Check", func(c *kmip.Client) (any, error) { return nil, c.Check(uid, kmip.UsageEncrypt) })
	do("Check, not for this use", func(c *kmip.Client) (any, error) { return nil, c.Check(uid, kmip.UsageDecrypt) })
	do("Re-key", func(c *kmip.Client) (any, error) { _, err := c.Rekey(uid, -1); return nil, err })
	do("Register, template", func(c *kmip.Client) (any, error) {
		_, err := c.Register(&kmip.Object{Type: kmip.Template, Attributes: aes}, name("template"))
		return nil, err
	})
	for _, how := range []kmip.Continuation{kmip.Continue, kmip.Stop, kmip.Undo} {
		do(fmt.Sprintf("batch with %s", [...]string{"", "Continue", "Stop", "Undo"}[how]), func(c *kmip.Client) (any, error) {
			about := func(uid string) ttlv.Item { return ttlv.Struct(0, ttlv.Text(kmip.TagUniqueIdentifier, uid)) }
			q := kmip.Request{Continuation: how, Ordered: true, Items: []kmip.RequestItem{
				{Op: kmip.OpCreate, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey), kmip.TemplateOf(aes...))},
				{Op: kmip.OpGet, Payload: ttlv.Struct(0)}, // of the ID Placeholder
				{Op: kmip.OpGet, Payload: about("no such key")},
				{Op: kmip.OpGet, Payload: about(uid)},
			}}
			p, err := c.Do(&q)
			if err != nil {
				return nil, err
			}
			var all []string
			for n := range p.Items {
				i := &p.Items[n]
				said := outcome(nil, i.Err())
				if i.Status == kmip.OperationUndone {
					said = "undone"
				}
				all = append(all, i.Op.String()+" "+said)
			}
			return strings.Join(all, ", "), nil
		})
	}
	return out
}

// theirSteps is what PyKMIP's client asks beyond TestServerAgainstPyKMIP, the
// payloads of its low-level client and batches that it builds itself included.
const theirSteps = `
import sys, json
from kmip.pie import client, objects
from kmip.core import attributes, enums, primitives, objects as cobjects, exceptions
from kmip.core.messages import contents, messages, payloads
from kmip.core.factories.attributes import AttributeFactory
host, port, cert, key, ca, version = sys.argv[1:7]
version = getattr(enums.KMIPVersion, version)
f, steps = AttributeFactory(), []
def connect():
    return client.ProxyKmipClient(hostname=host, port=int(port), cert=cert, key=key, ca=ca, config_file=sys.argv[7], kmip_version=version)
def step(name, do):
    with connect() as c:
        try:
            value = do(c)
            steps.append([name, "done" if value is None else str(value)])
        except (client.exceptions.KmipOperationFailure, exceptions.OperationFailure) as e:
            steps.append([name, e.reason.name])
        except Exception as e:
            steps.append([name, "cannot: " + type(e).__name__])
def attribute(kind, value, index=None): return f.create_attribute(kind, value, index)
with connect() as c:
    uid = c.create(enums.CryptographicAlgorithm.AES, 256, name="steps " + version.name, cryptographic_usage_mask=[enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT])
A = enums.AttributeType
step("Get Attribute List", lambda c: [n in c.get_attribute_list(uid) for n in ("State", "Name", "Initial Date", "Digest")])
step("Modify Attribute, Name", lambda c: c.modify_attribute(unique_identifier=uid, attribute=attribute(A.NAME, "renamed " + version.name, 0)) and None)
step("Locate by the new Name", lambda c: c.locate(attributes=[attribute(A.NAME, "renamed " + version.name)]) == [uid])
step("Modify Attribute, State", lambda c: c.modify_attribute(unique_identifier=uid, attribute=attribute(A.STATE, enums.State.ACTIVE)) and None)
step("Modify Attribute, no such index", lambda c: c.modify_attribute(unique_identifier=uid, attribute=attribute(A.NAME, "x", 7)) and None)
step("Delete Attribute, Cryptographic Length", lambda c: c.delete_attribute(unique_identifier=uid, attribute_name="Cryptographic Length") and None)
step("Delete Attribute, none there", lambda c: c.delete_attribute(unique_identifier=uid, attribute_name="Object Group", attribute_index=0) and None)
step("Delete Attribute, Name", lambda c: c.delete_attribute(unique_identifier=uid, attribute_name="Name", attribute_index=0) and None)
step("Set Attribute", lambda c: c.set_attribute(unique_identifier=uid, attribute_name="Sensitive", attribute_value=True) and None)
step("Check", lambda c: c.check(uid, cryptographic_usage_mask=[enums.CryptographicUsageMask.ENCRYPT]) == uid)
step("Check, not for this use", lambda c: c.check(uid, cryptographic_usage_mask=[enums.CryptographicUsageMask.SIGN]) == uid)
step("Derive Key", lambda c: c.derive_key(enums.ObjectType.SYMMETRIC_KEY, [uid], enums.DerivationMethod.HASH,
    {'cryptographic_parameters': {'hashing_algorithm': enums.HashingAlgorithm.SHA_256}}, cryptographic_length=128,
    cryptographic_algorithm=enums.CryptographicAlgorithm.AES) and None)
def rekey(c, **more):
    r = c.proxy.rekey(uuid=uid, **more)
    if r['result_status'] != enums.ResultStatus.SUCCESS: return r['result_reason'].name
    return r['unique_identifier'] != uid
step("Re-key with an offset", lambda c: rekey(c, offset=60))
step("Re-key once more", lambda c: rekey(c))
def template(c):
    t = cobjects.TemplateAttribute(names=[attributes.Name.create("no such template", enums.NameType.UNINTERPRETED_TEXT_STRING)])
    r = c.proxy.create(enums.ObjectType.SYMMETRIC_KEY, t)
    return r.result_reason.value.name if r.result_reason else None
step("Create from a template that is not there", template)
def batch(c, continuation):
    ids = [uid, "no such key", uid]
    items = [messages.RequestBatchItem(operation=primitives.Enumeration(enums.Operation, enums.Operation.GET_ATTRIBUTES, tag=enums.Tags.OPERATION),
        unique_batch_item_id=contents.UniqueBatchItemID(bytes([n + 1])),
        request_payload=payloads.GetAttributesRequestPayload(unique_identifier=i, attribute_names=["State"])) for n, i in enumerate(ids)]
    m = c.proxy._build_request_message(None, items)
    m.request_header.batch_error_cont_option = contents.BatchErrorContinuationOption(continuation)
    r = c.proxy._send_and_receive_message(m)
    return ", ".join(str(b.unique_batch_item_id.value[0]) + " " + (b.result_reason.value.name if b.result_reason else b.result_status.value.name) for b in r.batch_items)
step("batch with Continue", lambda c: batch(c, enums.BatchErrorContinuationOption.CONTINUE))
step("batch with Stop", lambda c: batch(c, enums.BatchErrorContinuationOption.STOP))
step("batch with Undo", lambda c: batch(c, enums.BatchErrorContinuationOption.UNDO))
print(json.dumps(steps))
`

func askTheirClient(t *testing.T, python, addr string, a *authority, v kmip.Version) (out []step) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.base("client.conf"), []byte("[client]\n"), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-W", "ignore", "-c", theirSteps, host, port, a.base("facility.crt"), a.base("facility.key"),
		a.base("ca.crt"), fmt.Sprintf("KMIP_1_%d", v.Minor), a.base("client.conf"))
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	require.NoError(t, err, "their client did all of it: %s", said.String())
	var steps [][2]string
	require.NoError(t, json.Unmarshal(b, &steps))
	for _, s := range steps {
		out = append(out, step{"their client: " + s[0], s[1]})
	}
	return out
}

// TestDifferencesFromPyKMIP compares the two servers, question by question.
func TestDifferencesFromPyKMIP(t *testing.T) {
	t.Parallel()
	theirs, a := pykmipServer(t)
	python := judge(t)
	ours := theirs
	var stop func()
	ours.Addr, stop = serve(t, a)
	defer stop()
	listed := map[string]bool{}
	var found strings.Builder
	for _, v := range []kmip.Version{kmip.V10, kmip.V14} {
		theirs.Version, ours.Version = v, v
		one, two := ourSteps(t, ours), ourSteps(t, theirs)
		one = append(one, askTheirClient(t, python, ours.Addr, a, v)...)
		two = append(two, askTheirClient(t, python, theirs.Addr, a, v)...)
		require.Equal(t, len(one), len(two))
		require.Greater(t, len(one), 30, "many questions were asked")
		for n := range one {
			require.Equal(t, one[n].name, two[n].name)
			line := fmt.Sprintf("%s\n    ours    %s\n    theirs  %s\n", one[n].name, one[n].outcome, two[n].outcome)
			if one[n] != two[n] && !listed[line] {
				listed[line] = true
				found.WriteString(line)
			}
		}
	}
	const file = "testdata/pykmip.txt"
	head, have := "", ""
	b, err := os.ReadFile(file)
	if err == nil {
		head, have, _ = strings.Cut(string(b), "----\n")
	}
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(head+"----\n"+found.String()), 0o644))
		return
	}
	require.NoError(t, err)
	require.Equal(t, have, found.String(), "the differences from PyKMIP are the ones that are known")
}
