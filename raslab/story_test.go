package raslab

import (
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the stories and scenes in testdata anew")

// A teller writes down what happens to a facility, as in testdata/stories: each step, its answer,
// what was logged, and every visible field that has changed.
type teller struct {
	t    *testing.T
	l    *Lab
	text strings.Builder
	seq  uint64
	seen map[string]string // by object and field
}

// tell begins the story of a facility.
func tell(t *testing.T, l *Lab) *teller {
	s := &teller{t: t, l: l, seen: map[string]string{}}
	s.step("the beginning", nil)
	return s
}

// step does something and writes down what came of it. The values of do are printed but for nil.
func (s *teller) step(name string, do func(l *Lab) any) {
	s.t.Helper()
	fmt.Fprintf(&s.text, "> %s\n", name)
	if do != nil {
		switch v := do(s.l).(type) {
		case nil:
		case error:
			fmt.Fprintf(&s.text, "! %v\n", v)
		default:
			s.line("= ", fields("", v))
		}
	}
	for _, e := range s.l.TraceSince(s.seq) {
		fmt.Fprintf(&s.text, "%s %s: %s\n", e.Time.Format("01-02 15:04:05"), e.Actor, e.Text)
		s.seq = e.Seq
	}
	s.view()
	s.text.WriteByte('\n')
}

// field is a value by its place in an object.
type field struct{ name, value string }

func (s *teller) line(begin string, all []field) {
	s.text.WriteString(begin)
	for i, f := range all {
		if i > 0 {
			s.text.WriteString(" | ")
		}
		if f.name != "" {
			s.text.WriteString(f.name + " ")
		}
		s.text.WriteString(f.value)
	}
	s.text.WriteByte('\n')
}

// view writes down the fields of the facility that have changed since the last step.
func (s *teller) view() {
	l, now := s.l, map[string]string{}
	show := func(object string, v any) {
		var news []field
		for _, f := range fields("", v) {
			key := object + "\x00" + f.name
			now[key] = f.value
			if s.seen[key] != f.value {
				news = append(news, f)
			}
		}
		for key := range s.seen {
			name, ok := strings.CutPrefix(key, object+"\x00")
			if _, still := now[key]; ok && !still {
				news = append(news, field{name, "-"})
			}
		}
		if slices.SortStableFunc(news, func(a, b field) int {
			if a.value == "-" && b.value == "-" {
				return strings.Compare(a.name, b.name)
			}
			return 0
		}); len(news) > 0 {
			s.line("  "+object+": ", news)
		}
	}
	show("facility", struct {
		ValidState, Action string
		States             []int
		Licensed           bool
		Repository         []string
		Period             time.Duration
		ServiceNeeded      []int
		CallsHome          bool
		Partitions         []PartitionInfo
		Certificate        CertificateInfo
		Owed               []string
	}{
		l.sfi.ValidState(), l.service.ServiceAction(), l.keys.GroupStates(), l.keys.Licensed(), first(l.records.Repository()), l.KeyPeriod(),
		l.support.CallHomeInfo().Pending, l.support.CallHomeInfo().On, l.Partitions(), l.FacilityCertificate(), l.Owed(),
	})
	for _, c := range l.Consoles() {
		show("console "+c.Name, c)
	}
	for i, h := range l.customer.Info() {
		show("key server "+h.Addr, h)
		k := l.customer.KeyServers()[i]
		show("machine "+h.Addr, struct{ Product, KMIP string }{string(k.Product()), k.KMIP()})
	}
	for _, m := range l.KeyManagers() {
		show(fmt.Sprintf("key manager %d", m.ID), m)
	}
	for _, g := range l.Groups() {
		show(fmt.Sprintf("key group %d", g.ID), g)
		access, err := l.keys.GroupAccess(g.ID)
		require.NoError(s.t, err)
		show(fmt.Sprintf("access of key group %d", g.ID), access)
	}
	if list, asked, err := l.CloudObjects(); asked != nil || err != nil || len(list) > 0 {
		show("cloud", struct{ Asked, Err error }{asked, err})
		for _, o := range list {
			show("object "+o.Object, o)
		}
	}
	for _, r := range l.plant.Ranks() {
		show("rank "+r.ID, r)
	}
	for _, e := range l.events.Events() {
		show(fmt.Sprintf("event %d", e.ID), e)
	}
	s.seen = now
}

func first[T, U any](a T, _ U) T { return a }

// fields takes a value apart: what is zero is left out, times are short, and bytes are a length and
// a check sum, for they are long or secret.
func fields(name string, v any) (out []field) {
	r := reflect.ValueOf(v)
	switch v := v.(type) {
	case nil:
		return nil
	case error:
		return []field{{name, "error: " + v.Error()}}
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return []field{{name, v.UTC().Format("2006-01-02 15:04:05")}}
	case DriveResult:
		what := v.Slot + " " + v.Location + " " + v.Serial + " " + v.Did
		if v.Err != nil {
			what += ": " + v.Err.Error()
		}
		return []field{{name, what}}
	case Report, DiscontinueReport, HealthReport, AccessResult: // their text leaves out a part
	case fmt.Stringer:
		return []field{{name, v.String()}}
	case ServiceEvent:
		if name != "" { // the events have lines of their own
			return []field{{name, fmt.Sprintf("%d %s", v.ID, v.SRC)}}
		}
	case FRU:
		return []field{{name, strings.Join([]string{fmt.Sprint(v.Order), string(v.Kind), v.Part, v.Location, v.Serial}, ",")}}
	case []byte:
		if len(v) == 0 {
			return nil
		}
		return []field{{name, fmt.Sprintf("%d bytes %08x", len(v), crc32.ChecksumIEEE(v))}}
	}
	under := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	switch r.Kind() {
	case reflect.Struct:
		for i := range r.NumField() {
			if f := r.Type().Field(i); f.IsExported() {
				out = append(out, fields(under(f.Name), r.Field(i).Interface())...)
			}
		}
		return out
	case reflect.Slice, reflect.Array:
		if k := r.Type().Elem().Kind(); k == reflect.Int || k == reflect.Bool {
			return []field{{name, fmt.Sprint(v)}}
		}
		for i := range r.Len() {
			out = append(out, fields(fmt.Sprintf("%s[%d]", name, i), r.Index(i).Interface())...)
		}
		return out
	}
	if r.IsZero() {
		return nil
	}
	return []field{{name, fmt.Sprint(v)}}
}

// told compares the story with testdata/stories/NAME.txt.
func (s *teller) told(name string) {
	s.t.Helper()
	golden(s.t, filepath.Join("testdata", "stories", name+".txt"), s.text.String())
}

// golden compares a text with a file, or writes the file anew.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o666))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range b {
		if i >= len(a) || a[i] != b[i] {
			require.Equal(t, strings.Join(a[min(i, len(a)):min(i+3, len(a))], "\n"), strings.Join(b[i:min(i+3, len(b))], "\n"),
				"line %d of %s; go test ./raslab -run 'Story|Scenes' -update writes it anew: read the difference", i+1, file)
		}
	}
	require.Len(t, b, len(a), "%s has more lines; go test ./raslab -run 'Story|Scenes' -update writes it anew", file)
}
