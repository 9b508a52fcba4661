package raslab

import (
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// telling is a key server of the customer's own that says who it is and what state its keys have.
type telling struct {
	*encgroup.MemKeyServer
	says *told
}

type told struct {
	version, reached string
	at               time.Time
	shown            *x509.Certificate
	life             encgroup.KeyLife
	mute             bool // of the life of its keys
	greet            error
	greeted          int
}

func (s telling) Speaks() string                              { return s.says.version }
func (s telling) Shown() *x509.Certificate                    { return s.says.shown }
func (s telling) Reached() string                             { return s.says.reached }
func (s telling) Connected() time.Time                        { return s.says.at }
func (s telling) Life(string) (life encgroup.KeyLife, _ bool) { return s.says.life, !s.says.mute }

func (s telling) Greet() error {
	s.says.greeted++
	return s.says.greet
}

// TestStoryOfDialledServers is what is seen of real key servers that say who they are.
func TestStoryOfDialledServers(t *testing.T) {
	const day = 24 * time.Hour
	start := time.Date(2026, time.November, 3, 12, 0, 0, 0, time.UTC) // by the clock of the real world
	ids := []string{"s1", "s2", "s3", "s4"}
	cluster, err := encgroup.NewMemCluster(entropy.Stream(1, "customer"), ids...)
	must(t, err)
	pki := newLab(t, Options{Drives: 8, KeyServers: 4, Start: start})
	must(t, pki.customer.KeyServers()[1].Reissue("customer", "", 50*day))
	all := map[int]*told{}
	l := newLab(t, Options{Drives: 8, Dial: func(m KeyManagerInfo) encgroup.KeyServer {
		if m.ID > 4 {
			return nil // one of the lab's own
		}
		if all[m.ID] == nil {
			all[m.ID] = &told{
				version: "1.4", reached: fmt.Sprintf("203.0.113.%d:5696", m.ID), at: start, shown: shownBy(t, pki, m.ID-1+1).X509(),
				life: encgroup.KeyLife{State: encgroup.KeyActive, Activation: start},
			}
		}
		s, err := cluster.Server(ids[m.ID-1])
		must(t, err)
		return telling{s, all[m.ID]}
	}})
	s := tell(t, l)
	retrieve := func(name string, f func()) {
		s.step(name+": a periodic retrieval", func(l *Lab) any {
			f()
			l.RetrieveKeys()
			return nil
		})
	}
	s.step("group 1", func(l *Lab) any { return reported(l.ConfigureGroup(1)) })
	require.Equal(t, []int{1, 1}, []int{all[1].greeted, all[2].greeted}, "they are asked who they are")
	retrieve("server 1 is of another version, server 2 of a later day", func() { all[1].version, all[2].at = "1.2", start.Add(30*day) })
	retrieve("server 2 is of the last day", func() { all[2].at = start.Add(49 * day) })
	retrieve("the certificate of server 2 is out of date", func() { all[2].at = start.Add(51 * day) })
	retrieve("server 2 does not say when", func() { all[2].at = time.Time{} })
	retrieve("server 2 shows none", func() { all[2].shown = nil })
	retrieve("the key on server 1 has a date", func() { all[1].life.Deactivation = l.Now().Add(10 * day) })
	retrieve("server 1 says nothing of it", func() { all[1].mute = true })
	retrieve("server 1 says it", func() { all[1].mute = false })
	retrieve("the key on server 1 is compromised", func() {
		all[1].life.State, all[1].life.Compromised = encgroup.KeyCompromised, l.Now()
	})
	s.step("the data key is exchanged", func(l *Lab) any {
		all[1].life = encgroup.KeyLife{State: encgroup.KeyPreActive}
		return reported(l.RekeyDataKey(1))
	})
	retrieve("both connections end at one place", func() { all[2].reached = all[1].reached })
	other, why := l.SameServer(2)
	require.Equal(t, 1, other)
	require.Contains(t, why, "both connections end at ")
	closes(s)
	s.step("the data key is exchanged", func(l *Lab) any { return reported(l.RekeyDataKey(1)) })
	retrieve("at two", func() { all[2].reached = "203.0.113.2:5696" })
	other, _ = l.SameServer(2)
	require.Zero(t, other)
	closes(s)
	retrieve("both show one certificate", func() { all[2].shown = all[1].shown })
	closes(s)
	retrieve("each its own", func() { all[2].shown = shownBy(t, pki, 1+1).X509() })
	closes(s)
	port := 5697
	s.step("server 2 at another port", func(l *Lab) any { return answer(l.ChangeKeyManager(2, KeyManagerChange{Port: &port})) })

	serversAreOne(t, s, all)
	s.told("dialled")
}

// serversAreOne: a group whose two key managers lead to one server, then to two.
func serversAreOne(t *testing.T, s *teller, all map[int]*told) {
	port := 5697
	s.step("servers of group 2", func(l *Lab) any {
		return refused(errors.Join(second(l.MakeKeyManager(KeyManagerRequest{Addr: "s3", KeyGroup: 2})), second(l.MakeKeyManager(KeyManagerRequest{Addr: "s4", KeyGroup: 2}))))
	})
	all[4].reached = all[3].reached
	s.step("that are one", func(l *Lab) any { return reported(l.ConfigureGroup(2)) })
	all[3].greet = encgroup.ErrUnreachable
	all[4].reached = "203.0.113.4:5696"
	s.step("that are two, one does not greet", func(l *Lab) any { return reported(l.ConfigureGroup(2)) })
	s.step("the same server once more", func(l *Lab) any {
		must(t, second(l.ChangeKeyManager(4, KeyManagerChange{Port: &port})))
		return answer(l.MakeKeyManager(KeyManagerRequest{Addr: "S3", KeyGroup: 2}))
	})
	s.step("at another port", func(l *Lab) any {
		return answer(l.MakeKeyManager(KeyManagerRequest{Addr: "S3", KeyGroup: 2, Port: 5698}))
	})
	require.Equal(t, "S3:5698", s.l.keys.managers[4].serverID(), "with the port, where another entry is at the address")
	require.Equal(t, "s3", s.l.keys.managers[2].serverID())
}
