package raslab

import "time"

// sfi is the storage facility image: both partitions, and how far they are down.
type sfi struct {
	partitions [2]partition
	state      sfiState
	steps      int
}

// sfiState is how far the storage facility image was taken down by hand.
type sfiState string

const (
	sfiRunning   sfiState = "running"
	sfiQuiescing sfiState = "quiescing"
	sfiQuiesced  sfiState = "quiesced"
	sfiStopping  sfiState = "shutting down"
	sfiDown      sfiState = "shut down"
)

// How long a quiesce and a shutdown take (assumptions).
const (
	quiesceDuration  = 5 * time.Minute
	shutdownDuration = 10 * time.Minute
)

// ValidState is the next step that the storage facility image allows, as the panel of MAP4980 shows
// it: "quiesce", "shutdown", "resume", or "" while a step is under way.
func (s *sfi) ValidState() string {
	switch s.state {
	case sfiRunning:
		return "quiesce"
	case sfiQuiesced:
		return "shutdown"
	case sfiDown:
		return "resume"
	}
	return ""
}

func (l *Lab) valid(op, want string) error {
	if err := l.free(op); err != nil {
		return err
	}
	switch have := l.sfi.ValidState(); have {
	case want:
		return nil
	case "":
		return refuse(ErrState, op, "the facility is "+string(l.sfi.state), "refresh the panel until a state is valid")
	default:
		return refuse(ErrState, op, "the valid state is "+have+", not "+want, "the order is quiesce, shutdown, resume")
	}
}

// Quiesce stops host I/O on both partitions. It takes five minutes; then the valid state is
// shutdown.
func (l *Lab) Quiesce() (rep Report, err error) {
	const op = "sfi quiesce"
	defer l.recovered(op, &rep, &err)
	if err := l.valid(op, "quiesce"); err != nil {
		return Report{}, err
	}
	r := l.begin(op, l.options.Serial)
	for i := range l.sfi.partitions {
		l.sfi.partitions[i].access = false
	}
	l.step(sfiQuiescing, sfiQuiesced, quiesceDuration)
	r.note("host I/O is stopped; refresh until the valid state is shutdown")
	return r.done(), nil
}

// Shutdown stops both partitions of a quiesced facility. It takes ten minutes; then the valid state
// is resume.
func (l *Lab) Shutdown() (rep Report, err error) {
	const op = "sfi shutdown"
	defer l.recovered(op, &rep, &err)
	if err := l.valid(op, "shutdown"); err != nil {
		return Report{}, err
	}
	r := l.begin(op, l.options.Serial)
	l.stopPartitions()
	l.step(sfiStopping, sfiDown, shutdownDuration)
	r.note("the partitions are stopped; refresh until the valid state is resume")
	return r.done(), nil
}

// Resume boots both partitions of a facility that was shut down: a dual cluster
// IML.
func (l *Lab) Resume() (rep Report, err error) {
	const op = "sfi resume"
	defer l.recovered(op, &rep, &err)
	if err := l.valid(op, "resume"); err != nil {
		return Report{}, err
	}
	r := l.begin(op, l.options.Serial)
	l.iml(r, op)
	return r.done(), nil
}

// step goes to a state and, after a while, to the next; a power cycle meanwhile
// ends it.
func (l *Lab) step(now, then sfiState, after time.Duration) {
	l.sfi.state = now
	l.sfi.steps++
	l.logf("sfi", "%s", now)
	l.clock.after(after, "sfi", sfiStep{l, l.sfi.steps, now, then})
}

// sfiStep is the end of a step. It does nothing if another one has begun since.
type sfiStep struct {
	lab       *Lab
	number    int
	now, then sfiState
}

func (s sfiStep) run() {
	if have := &s.lab.sfi; have.steps == s.number && have.state == s.now {
		have.state = s.then
		s.lab.logf("sfi", "%s", s.then)
	}
}
