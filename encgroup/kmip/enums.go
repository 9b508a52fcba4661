package kmip

import "fmt"

// Operation is what a batch item asks for (KMIP specification 1.4, section 9.1.3.2.27).
type Operation uint32

// The operations that the server performs.
const (
	OpCreate           Operation = 0x01
	OpRegister         Operation = 0x03
	OpRekey            Operation = 0x04
	OpLocate           Operation = 0x08
	OpCheck            Operation = 0x09
	OpGet              Operation = 0x0a
	OpGetAttributes    Operation = 0x0b
	OpGetAttributeList Operation = 0x0c
	OpAddAttribute     Operation = 0x0d
	OpModifyAttribute  Operation = 0x0e
	OpDeleteAttribute  Operation = 0x0f
	OpActivate         Operation = 0x12
	OpRevoke           Operation = 0x13
	OpDestroy          Operation = 0x14
	OpQuery            Operation = 0x18
	OpDiscoverVersions Operation = 0x1e
)

func (o Operation) String() string {
	switch o {
	case OpCreate:
		return "Create"
	case OpRegister:
		return "Register"
	case OpRekey:
		return "Re-key"
	case OpLocate:
		return "Locate"
	case OpCheck:
		return "Check"
	case OpGet:
		return "Get"
	case OpGetAttributes:
		return "Get Attributes"
	case OpGetAttributeList:
		return "Get Attribute List"
	case OpAddAttribute:
		return "Add Attribute"
	case OpModifyAttribute:
		return "Modify Attribute"
	case OpDeleteAttribute:
		return "Delete Attribute"
	case OpActivate:
		return "Activate"
	case OpRevoke:
		return "Revoke"
	case OpDestroy:
		return "Destroy"
	case OpQuery:
		return "Query"
	case OpDiscoverVersions:
		return "Discover Versions"
	}
	return fmt.Sprintf("operation %d", uint32(o))
}

// Status is the result of a batch item (section 9.1.3.2.28).
type Status uint32

// The statuses.
const (
	Success         Status = 0
	OperationFailed Status = 1
	OperationUndone Status = 3
)

func (s Status) String() string {
	switch s {
	case Success:
		return "Success"
	case OperationFailed:
		return "Operation Failed"
	case OperationUndone:
		return "Operation Undone"
	}
	return fmt.Sprintf("status %d", uint32(s))
}

// Reason says why an operation failed (section 9.1.3.2.29).
type Reason uint32

// The reasons of KMIP 1.0 to 1.4, and two of 2.0 that a client should understand.
const (
	ItemNotFound                Reason = 0x01
	ResponseTooLarge            Reason = 0x02
	AuthenticationNotSuccessful Reason = 0x03
	InvalidMessage              Reason = 0x04
	OperationNotSupported       Reason = 0x05
	MissingData                 Reason = 0x06
	InvalidField                Reason = 0x07
	FeatureNotSupported         Reason = 0x08
	CanceledByRequester         Reason = 0x09
	CryptographicFailure        Reason = 0x0a
	IllegalOperation            Reason = 0x0b
	PermissionDenied            Reason = 0x0c
	ObjectArchived              Reason = 0x0d
	IndexOutOfBounds            Reason = 0x0e
	NamespaceNotSupported       Reason = 0x0f
	KeyFormatNotSupported       Reason = 0x10
	KeyCompressionNotSupported  Reason = 0x11
	EncodingOptionError         Reason = 0x12
	KeyValueNotPresent          Reason = 0x13
	AttestationRequired         Reason = 0x14
	AttestationFailed           Reason = 0x15
	Sensitive                   Reason = 0x16
	NotExtractable              Reason = 0x17
	ObjectAlreadyExists         Reason = 0x18
	ObjectDestroyed             Reason = 0x36 // of KMIP 2.0, as ObjectNotFound; a server may say so in an older version too
	ObjectNotFound              Reason = 0x37
	GeneralFailure              Reason = 0x100
)

var reasonNames = [...]string{
	"reason 0", "Item Not Found", "Response Too Large", "Authentication Not Successful", "Invalid Message", "Operation Not Supported",
	"Missing Data", "Invalid Field", "Feature Not Supported", "Operation Canceled By Requester", "Cryptographic Failure",
	"Illegal Operation", "Permission Denied", "Object Archived", "Index Out Of Bounds", "Application Namespace Not Supported",
	"Key Format Type Not Supported", "Key Compression Type Not Supported", "Encoding Option Error", "Key Value Not Present",
	"Attestation Required", "Attestation Failed", "Sensitive", "Not Extractable", "Object Already Exists",
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	if r == GeneralFailure {
		return "General Failure"
	}
	return fmt.Sprintf("reason %d", uint32(r))
}

// ObjectType is the type of a managed object (section 9.1.3.2.12).
type ObjectType uint32

// The object types that the server keeps.
const (
	Certificate  ObjectType = 0x01
	SymmetricKey ObjectType = 0x02
	Template     ObjectType = 0x06
	SecretData   ObjectType = 0x07
	OpaqueObject ObjectType = 0x08
)

func (t ObjectType) String() string {
	switch t {
	case Certificate:
		return "Certificate"
	case OpaqueObject:
		return "Opaque Object"
	case SymmetricKey:
		return "Symmetric Key"
	case Template:
		return "Template"
	case SecretData:
		return "Secret Data"
	}
	return fmt.Sprintf("object type %d", uint32(t))
}

// State is where an object is in its life (section 3.22).
type State uint32

// The states.
const (
	PreActive            State = 1 // not to be used yet; Activate or the Activation Date leaves it
	Active               State = 2 // Revoke or the Deactivation Date leaves it
	Deactivated          State = 3 // only for processing what was protected before
	Compromised          State = 4 // someone else may have it
	Destroyed            State = 5 // the key is gone, its attributes are kept
	DestroyedCompromised State = 6 // the same, and someone else may have had it
)

var stateNames = [...]string{"state 0", "Pre-Active", "Active", "Deactivated", "Compromised", "Destroyed", "Destroyed Compromised"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint32(s))
}

// Algorithm is a cryptographic algorithm (section 9.1.3.2.13).
type Algorithm uint32

// The algorithms for which the server makes and takes keys; RSA and ECDSA are of the keys
// in certificates.
const (
	AES        Algorithm = 0x03
	RSA        Algorithm = 0x04
	ECDSA      Algorithm = 0x06
	HMACSHA1   Algorithm = 0x07
	HMACSHA224 Algorithm = 0x08
	HMACSHA256 Algorithm = 0x09
	HMACSHA384 Algorithm = 0x0a
	HMACSHA512 Algorithm = 0x0b
)

// Usage is the cryptographic usage mask (section 9.1.3.3.1).
type Usage uint32

// Bits of the mask.
const (
	UsageEncrypt   Usage = 0x04
	UsageDecrypt   Usage = 0x08
	UsageWrapKey   Usage = 0x10
	UsageUnwrapKey Usage = 0x20
	UsageExport    Usage = 0x40
)

// KeyFormat is the form of key material (section 9.1.3.2.3).
type KeyFormat uint32

// The formats that the server keeps.
const (
	FormatRaw         KeyFormat = 0x01
	FormatOpaque      KeyFormat = 0x02
	FormatTransparent KeyFormat = 0x07 // Transparent Symmetric Key
)

// SecretType is the type of secret data (section 9.1.3.2.9).
type SecretType uint32

// The types of secret data.
const (
	Password SecretType = 0x01
	Seed     SecretType = 0x02
)

// CertificateType is the type of a certificate (section 9.1.3.2.6).
type CertificateType uint32

// The types of certificates.
const (
	X509 CertificateType = 0x01
	PGP  CertificateType = 0x02
)

// LinkType is the type of a link between objects (section 9.1.3.2.20).
type LinkType uint32

// The links that Re-key sets.
const (
	ReplacementLink LinkType = 0x106 // from a key to the one that replaces it
	ReplacedLink    LinkType = 0x107 // and back
)

// RevocationReason is why an object is revoked (section 9.1.3.2.19).
type RevocationReason uint32

// The reasons; the two compromises make an object Compromised, the others
// Deactivated.
const (
	RevokedUnspecified          RevocationReason = 1
	RevokedKeyCompromise        RevocationReason = 2
	RevokedCACompromise         RevocationReason = 3
	RevokedAffiliationChanged   RevocationReason = 4
	RevokedSuperseded           RevocationReason = 5
	RevokedCessationOfOperation RevocationReason = 6
	RevokedPrivilegeWithdrawn   RevocationReason = 7
)

// Continuation says what happens to the rest of a batch when an item of it
// fails (section 9.1.3.2.30).
type Continuation uint32

// The options; Stop is the default.
const (
	Continue Continuation = 1
	Stop     Continuation = 2
	Undo     Continuation = 3
)

// QueryFunction is something that Query asks for (section 9.1.3.2.24).
type QueryFunction uint32

// The functions of Query.
const (
	QueryOperations                QueryFunction = 1
	QueryObjects                   QueryFunction = 2
	QueryServerInformation         QueryFunction = 3
	QueryApplicationNamespaces     QueryFunction = 4
	QueryExtensionList             QueryFunction = 5
	QueryExtensionMap              QueryFunction = 6
	QueryAttestationTypes          QueryFunction = 7
	QueryRNGs                      QueryFunction = 8
	QueryValidations               QueryFunction = 9
	QueryProfiles                  QueryFunction = 10
	QueryCapabilities              QueryFunction = 11
	QueryClientRegistrationMethods QueryFunction = 12
)

// Names of attributes (section 3).
const (
	AttrUniqueIdentifier         = "Unique Identifier"
	AttrName                     = "Name"
	AttrObjectType               = "Object Type"
	AttrAlgorithm                = "Cryptographic Algorithm"
	AttrLength                   = "Cryptographic Length"
	AttrParameters               = "Cryptographic Parameters"
	AttrDigest                   = "Digest"
	AttrOperationPolicyName      = "Operation Policy Name"
	AttrUsageMask                = "Cryptographic Usage Mask"
	AttrState                    = "State"
	AttrInitialDate              = "Initial Date"
	AttrActivationDate           = "Activation Date"
	AttrProcessStartDate         = "Process Start Date"
	AttrProtectStopDate          = "Protect Stop Date"
	AttrDeactivationDate         = "Deactivation Date"
	AttrDestroyDate              = "Destroy Date"
	AttrCompromiseOccurrenceDate = "Compromise Occurrence Date"
	AttrCompromiseDate           = "Compromise Date"
	AttrRevocationReason         = "Revocation Reason"
	AttrObjectGroup              = "Object Group"
	AttrLink                     = "Link"
	AttrApplicationInformation   = "Application Specific Information"
	AttrContactInformation       = "Contact Information"
	AttrLastChangeDate           = "Last Change Date"
	AttrAlternativeName          = "Alternative Name"
	AttrOriginalCreationDate     = "Original Creation Date"
	AttrDescription              = "Description"
	AttrComment                  = "Comment"
	AttrCertificateType          = "Certificate Type"
	AttrCertificateLength        = "Certificate Length"
	AttrX509Identifier           = "X.509 Certificate Identifier"
	AttrX509Subject              = "X.509 Certificate Subject"
	AttrX509Issuer               = "X.509 Certificate Issuer"
	AttrSensitive                = "Sensitive"
	AttrAlwaysSensitive          = "Always Sensitive"
	AttrExtractable              = "Extractable"
	AttrNeverExtractable         = "Never Extractable"
)
