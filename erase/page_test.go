package erase

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// crowded is a statement whose every field and event is as long as it may be.
func crowded(letter string) Statement {
	long := strings.Repeat(letter, fieldMax)
	s := statement()
	s.MediaVendor, s.MediaModel, s.MediaSerial, s.MediaProperty, s.MediaType, s.MediaSource = long, long, long, long, long, long
	s.MediaIdentity, s.Classification, s.Extent, s.Method, s.Technique, s.MethodDetails = IdentityText(drive.Identity{1}), long, long, long, long, long
	s.Tool, s.Verification.Method, s.Verification.Adversary, s.Verification.Checks = long, long, forensic.KnowsRetired.Level(), long
	const most = 1<<31 - 1
	s.Verification.Samples = Samples{most, most, most, most, most, most, most, most, most}
	s.Validation = Validation{Accepted, long, long, long, long}
	s.Started, s.PostClassification, s.Destination, s.Operator, s.Position, s.Organization = s.Date, long, long, long, long, long
	s.Location, s.Contact, s.Notes = long, long, long
	for range TimelineMax {
		s.Timeline = append(s.Timeline, Event{s.Date, strings.Repeat(letter, eventMax)})
	}
	return s
}

func signed(t testing.TB, s Statement) *Certificate {
	t.Helper()
	c, err := Sign(s, signer)
	require.NoError(t, err)
	return c
}

// What a statement says is text on the page, whatever it looks like.
func TestAPageEscapesWhatItShows(t *testing.T) {
	for _, evil := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><h1>`, `</svg></text><a href="javascript:x">`,
		`<!--`, `]]>`, `&lt;&amp;`, `'`, `{{.}}`, `</style>`, `<meta name="fdelab-certificate" content="x">`,
	} {
		s := statement()
		s.MediaSerial, s.Operator, s.Notes, s.Validation.Reason = evil, evil, evil, evil
		s.Timeline = []Event{{s.Date, evil}}
		c := signed(t, s)
		page := c.HTML()
		got, err := VerifyCertificate(page, public())
		require.NoError(t, err, evil)
		require.Equal(t, c, got)
		plain := signed(t, statement())
		plain.Statement.Timeline = []Event{{s.Date, "x"}}
		require.Equal(t, tags(t, string(plain.HTML())), tags(t, string(page)), "%s adds no element and no attribute", evil)
		require.GreaterOrEqual(t, strings.Count(texts(t, page), evil), 6, "%s is read as it was signed", evil)
	}
}

var tag = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

// tags lists the elements of a page with the names of their attributes.
func tags(t *testing.T, page string) []string {
	t.Helper()
	value := regexp.MustCompile(`="[^"]*"`)
	var all []string
	for _, m := range tag.FindAllString(page, -1) {
		all = append(all, value.ReplaceAllString(m, "="))
	}
	require.NotEmpty(t, all)
	return all
}

// texts is what can be read on a page, by a parser that is not the template's.
func texts(t *testing.T, page []byte) string {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(string(page)))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var b strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			require.EqualError(t, err, "EOF")
			return b.String()
		}
		if c, ok := token.(xml.CharData); ok {
			b.Write(c)
		}
	}
}

// A page fetches nothing: no address but the name of SVG, no script, no style from elsewhere.
func TestAPageNeedsNothingFromElsewhere(t *testing.T) {
	page := string(signed(t, crowded("W")).HTML())
	page = strings.Replace(page, `xmlns="http://www.w3.org/2000/svg"`, "", 1)
	for _, no := range []string{"http:", "https:", "src=", "href", "url(", "@import", "<script", "<link", "<iframe", "//"} {
		require.NotContains(t, page, no)
	}
	require.Contains(t, page, `content="default-src 'none'; style-src 'unsafe-inline'"`)
}

// All that was signed is on the page, and each event of the timeline is a dot with its time.
func TestAPageShowsAllThatWasSigned(t *testing.T) {
	s := statement()
	for i := range TimelineMax {
		s.Timeline = append(s.Timeline, Event{fmt.Sprintf("2026-02-%02dT00:00:00Z", i+1), fmt.Sprintf("event <%d>", i)})
	}
	c := signed(t, s)
	page := c.HTML()
	read := texts(t, page)
	for _, f := range s.fields() {
		require.Contains(t, read, f.label)
		require.Contains(t, read, f.value)
	}
	for _, e := range s.Timeline {
		require.Contains(t, read, e.Time+e.What)
	}
	require.Equal(t, TimelineMax, strings.Count(string(page), "<circle "))
	require.Contains(t, read, c.Signature.KeyID)
	require.Contains(t, read, "CERTIFICATE OF SANITIZATION")
	s.Validation.Outcome = Rejected
	require.Contains(t, texts(t, signed(t, s).HTML()), "RECORD OF A SANITIZATION THAT IS NOT ACCEPTED", "nobody takes it for a certificate")
	s.Timeline = nil
	require.NotContains(t, string(signed(t, s).HTML()), "<svg")
}

// The more there is to say, the smaller the letters, so that it stays one sheet.
func TestAPageChoosesItsLetters(t *testing.T) {
	s := statement()
	require.Equal(t, 9.0, s.pageSize())
	full := crowded("W")
	size := full.pageSize()
	require.GreaterOrEqual(t, size, 5.5, "it can be read")
	require.Less(t, size, 9.0)
	require.Contains(t, string(signed(t, full).HTML()), fmt.Sprintf("body { font: %gpt/1.25 monospace", size))
}

func TestAPageThatHoldsNoCertificateIsRefused(t *testing.T) {
	page := string(certificate(t).HTML())
	begin := strings.Index(page, pageBegin) + len(pageBegin)
	for _, x := range []struct{ data, want string }{
		{page[:begin+10], "the page is truncated: it holds no certificate"},
		{page[:begin] + "!" + page[begin:], "the certificate in the page is not base64: corrupt or truncated"},
		{page[:begin] + page[begin+4:], "at byte"},
		{strings.Replace(page, "<h1>", `<h1 hidden>`, 1), ErrChanged.Error()},
		{strings.Replace(page, "accepted", "rejected", 1), ErrChanged.Error()},
		{page + "<script>x</script>", ErrChanged.Error()},
		{page[:begin] + page[begin:] + page, ErrChanged.Error()},
	} {
		_, err := VerifyCertificate([]byte(x.data), public())
		require.ErrorIs(t, err, ErrCertificate)
		require.ErrorContains(t, err, x.want)
		require.NotContains(t, err.Error(), "\n")
	}
}
