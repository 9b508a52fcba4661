package raslab

import (
	"github.com/seed-9d983aeb/fdelab/internal/image"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

func init() {
	image.Register(
		image.Holds[direct](), image.Holds[*direct](), image.Holds[eitherPath](), image.Holds[*memory](), image.Holds[*supplied](), image.Holds[*suppliedPages](),
		image.Outside(
			ErrBusy, ErrNoAccess, ErrDataLost, ErrOpen, ErrNoConsole, ErrCommandTimeout, ErrNoAnswer, request.ErrNotFound,
			request.ErrInvalid, request.ErrState, customer.ErrNotAccepted, errNotErased, errNoPartition, errPassedOver, errNoSpare, errGone,
		),
		// matters
		image.Holds[invalidConfiguration](), image.Holds[lostReceipts](), image.Holds[unprovenDrives](), image.Holds[notErased](),
		image.Holds[configuredElsewhere](), image.Holds[unfitMembers](), image.Holds[twoMatters](), image.Holds[inaccessibleGroup](),
		image.Holds[keyFromNowhere](), image.Holds[failingServers](), image.Holds[silentServer](), image.Holds[fewServers](),
		image.Holds[lockedGroups](), image.Holds[notJoined](), image.Holds[brokenRecord](), image.Holds[impossibleRecord](),
		image.Holds[badCopies](), image.Holds[keylessGroup](), image.Holds[faultyTables](),
		// tasks
		image.Holds[hourly](), image.Holds[testOfAccess](), image.Holds[periodic](), image.Holds[connectivity](),
		image.Holds[elseFailed](), image.Holds[elseAgain](), image.Holds[freesSpare](), image.Holds[replaces](), image.Holds[hostStorage](),
		image.Holds[displacedMembers](), image.Holds[*copyJob](), image.Holds[laterRebuild](), image.Holds[sfiStep](), image.Holds[*Lab](), image.Holds[notes](),
		image.Then((*Lab).resume),
	)
}

// resume gives the parts of a facility that was made of an image what they call.
func (l *Lab) resume() (err error) {
	if err := l.wireCustomer(); err != nil {
		return err
	}
	l.eraser, err = l.newEraser()
	return err
}
