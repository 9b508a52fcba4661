package kmip

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Failure is the answer of a server that refuses an operation: the server makes
// it, and the client of this package returns it.
type Failure struct {
	Op      Operation // 0 when the whole message was refused
	Reason  Reason
	Message string // for people; holds no secret
}

func (f *Failure) Error() string {
	op := "request"
	if f.Op != 0 {
		op = f.Op.String()
	}
	if f.Message == "" {
		return fmt.Sprintf("kmip: %s: %s", op, f.Reason)
	}
	return fmt.Sprintf("kmip: %s: %s: %s", op, f.Reason, f.Message)
}

// Is makes errors.Is match a Failure by its reason.
func (f *Failure) Is(target error) bool {
	t, ok := target.(*Failure)
	return ok && t.Reason == f.Reason && (t.Op == 0 || t.Op == f.Op)
}

// Fail makes a Failure.
func Fail(r Reason, format string, args ...any) *Failure {
	return &Failure{Reason: r, Message: fmt.Sprintf(format, args...)}
}

// FailureOf is the Failure that an error is or stands for: a field that is
// missing, unknown, repeated or of a wrong type (KMIP specification 1.4, section 11.1).
func FailureOf(err error) *Failure {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ttlv.ErrUnknown):
		return Fail(InvalidField, "%v", err)
	}
	return Fail(InvalidMessage, "%v", err)
}
