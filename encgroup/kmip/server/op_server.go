package server

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Vendor is what Query answers for the vendor identification.
const Vendor = "fdelab key server"

// profiles are the names of the profile Storage Array with Self-Encrypting
// Drive Server for KMIP 1.0 to 1.4 (KMIP specification 1.4, section 9.1.3.2.42).
var profiles = []uint32{0x40, 0x41, 0x42, 0x72, 0x96}

// query tells what the server can do (section 4.25).
func (c *call) query(r *ttlv.Reader) (*ttlv.Item, error) {
	functions := r.All(kmip.TagQueryFunction, ttlv.Enumeration)
	if err := r.Done(); err != nil {
		return nil, err
	}
	p := ttlv.Struct(kmip.TagResponsePayload)
	asked := func(f kmip.QueryFunction) bool {
		return slices.ContainsFunc(functions, func(i *ttlv.Item) bool { return i.Int == int64(f) })
	}
	for _, f := range functions {
		if f.Int < 1 || f.Int > int64(kmip.QueryClientRegistrationMethods) {
			return nil, kmip.Fail(kmip.InvalidField, "there is no query function %d", f.Int)
		}
	}
	if asked(kmip.QueryOperations) {
		for _, op := range supported {
			if o, _ := operations(op); c.version.AtLeast(o.since) {
				p.Add(ttlv.Enum(kmip.TagOperation, op))
			}
		}
	}
	if asked(kmip.QueryObjects) {
		for _, t := range []kmip.ObjectType{kmip.Certificate, kmip.SymmetricKey, kmip.Template, kmip.SecretData, kmip.OpaqueObject} {
			p.Add(ttlv.Enum(kmip.TagObjectType, t))
		}
	}
	if asked(kmip.QueryServerInformation) {
		p.Add(ttlv.Text(kmip.TagVendorIdentification, Vendor))
	}
	if asked(kmip.QueryProfiles) && c.version.AtLeast(kmip.V13) {
		for _, n := range profiles {
			p.Add(ttlv.Struct(kmip.TagProfileInformation, ttlv.Enum(kmip.TagProfileName, n)))
		}
	}
	if asked(kmip.QueryCapabilities) && c.version.AtLeast(kmip.V13) {
		i := ttlv.Struct(kmip.TagCapabilityInformation, ttlv.Bool(kmip.TagStreamingCapability, false),
			ttlv.Bool(kmip.TagAsynchronousCapability, false), ttlv.Bool(kmip.TagAttestationCapability, false))
		if c.version.AtLeast(kmip.V14) {
			i.Add(ttlv.Bool(kmip.TagBatchUndoCapability, true), ttlv.Bool(kmip.TagBatchContinueCapability, true))
		}
		p.Add(i)
	}
	return &p, nil
}

// discoverVersions tells which versions are spoken; of those that the client
// lists, in its order (section 4.26).
func (c *call) discoverVersions(r *ttlv.Reader) (*ttlv.Item, error) {
	listed := r.All(kmip.TagProtocolVersion, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	p := ttlv.Struct(kmip.TagResponsePayload)
	if len(listed) == 0 {
		for _, v := range kmip.Versions() {
			p.Add(v.Item())
		}
	}
	for _, i := range listed {
		v, err := kmip.ReadVersion(i)
		if err != nil {
			return nil, err
		}
		if v.Known() {
			p.Add(v.Item())
		}
	}
	return &p, nil
}
