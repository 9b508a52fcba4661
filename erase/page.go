package erase

import (
	"bytes"
	_ "embed" // the page
	"encoding/base64"
	"errors"
	"html/template"
	"unicode/utf8"
)

// The page is one sheet of A4, 186 by 273 mm without its margins. All of it is in a font whose
// letters are of one width, 0.6 of its size, so that the lines can be counted here.
const (
	pageName  = "fdelab-certificate" // of the element that holds the certificate
	pageBegin = `<meta name="` + pageName + `" content="`
	pageEnd   = `">`

	pageMM      = 273.0 // height
	pageFixedMM = 38.0  // the title, the headings and the footer
	valueMM     = 146.0 // width of a value
	pointMM     = 0.3528
	eventUnits  = 20            // height of an event, in units of the drawing
	unitMM      = 186.0 / 1000. // the drawing is 1,000 units wide
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New(pageName).Parse(pageSource))

type pageField struct {
	Label, Value string
	Result       bool // it says how the sanitization was judged
}

type pageEvent struct {
	Event
	Y, Text int // of the dot and of the base line, in units of the drawing
}

// HTML is the certificate as a page that prints on one sheet of A4 and needs nothing from elsewhere,
// with the drive's timeline as a drawing. Whatever was signed is escaped. The certificate itself is
// in the page, so that VerifyCertificate reads it: every other byte is rendered again and compared.
func (c *Certificate) HTML() []byte {
	s := &c.Statement
	p := struct {
		Name, Envelope, Title, Subtitle, Serial, Algorithm, KeyID string
		Color                                                     template.CSS
		Size                                                      float64
		Fields                                                    []pageField
		Events                                                    []pageEvent
		Height, Last                                              int
	}{
		Name: pageName, Envelope: base64.RawURLEncoding.EncodeToString(marshal(c.envelope())), Title: s.title(), Subtitle: subtitle, Serial: s.MediaSerial,
		Algorithm: c.Signature.Algorithm, KeyID: c.Signature.KeyID, Color: "#060", Size: s.pageSize(),
	}
	if !s.Accepted() {
		p.Color = "#b00"
	}
	for _, f := range s.fields() {
		p.Fields = append(p.Fields, pageField{f.label, f.shown(), f.label == "Validation"})
	}
	for i, e := range s.Timeline {
		p.Last = 12 + i*eventUnits
		p.Events = append(p.Events, pageEvent{e, p.Last, p.Last + 4})
	}
	p.Height = p.Last + 12
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		panic("BUG: the page of a certificate: " + err.Error())
	}
	return b.Bytes()
}

// pageSize is the largest size of the font, in points, with which the page has one sheet.
func (s *Statement) pageSize() float64 {
	left := pageMM - pageFixedMM - float64(len(s.Timeline)*eventUnits)*unitMM
	for size := 9.0; size > 5; size -= 0.5 {
		lines := 0.0
		for _, f := range s.fields() {
			lines += float64(1 + int(width(f.shown())*size*pointMM/valueMM))
		}
		if lines*size*1.25*pointMM+0.1*lines <= left {
			return size
		}
	}
	return 5
}

// width is that of a text, in sizes of its font. Letters that are not Latin come from another font:
// they are taken for one and a half of the widest. A tenth is for what wrapping at words leaves.
func width(text string) float64 {
	w := 0.0
	for _, r := range text {
		if r < 0x250 || r == utf8.RuneError {
			w += 0.6
		} else {
			w += 1.5
		}
	}
	return w * 1.1
}

// parsePage reads the certificate that a page holds.
func parsePage(data []byte) (*Certificate, error) {
	_, code, _ := bytes.Cut(data, []byte(pageBegin))
	code, _, ok := bytes.Cut(code, []byte(pageEnd))
	if !ok {
		return nil, errors.New("the page is truncated: it holds no certificate")
	}
	inner, err := base64.RawURLEncoding.Strict().DecodeString(string(code))
	if err != nil {
		return nil, errors.New("the certificate in the page is not base64: corrupt or truncated")
	}
	return parseCertificateJSON(inner)
}
