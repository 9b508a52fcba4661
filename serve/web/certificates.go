package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// certified are the custody records of drives in slots that were erased here, and those that were not accepted.
func certified(st *State) (all []raslab.CustodyRecord) {
	for _, r := range st.Custody {
		if r.Certificate != nil && r.Present {
			all = append(all, r)
		}
	}
	return all
}

// certificate is that of the drive in a slot; why says why there is none.
func (s *Server) certificate(st *State, slot string) (c *erase.Certificate, why string) {
	why = "the laboratory has moved on"
	s.lab.ask(st, func(f *raslab.Lab) {
		var err error
		if c, why, err = f.CertificateAt(slot); err != nil {
			c, why = nil, console.ErrorText(err)
		}
	})
	return c, why
}

// field is a line of a certificate.
type field struct{ name, value string }

// fieldsOf are the readable lines of a certificate, as its text has them; a line without a value begins a part.
func fieldsOf(c *erase.Certificate) (all []field) {
	text, _, _ := strings.Cut(c.Text(), "-----BEGIN")
	for _, line := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) != "" {
			all = append(all, field{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return all
}

func (s *Server) certificatesPage(st *State, slot string, role Role) page {
	if slot == "" {
		return one("Certificates of sanitization", "certificates", "certificates", certificates(st, "", nil, "", role))
	}
	c, why := s.certificate(st, slot)
	return one("Certificate of "+slot, "certificates", "certificates", certificates(st, slot, c, why, role))
}

// save sends a certificate as a file: the JSON that fdelab certificate verify takes.
func (s *Server) save(w http.ResponseWriter, r *http.Request, _ Role) {
	st, _ := s.lab.news()
	c, why := s.certificate(st, r.PathValue("slot"))
	if c == nil {
		http.Error(w, "there is no certificate: "+why, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", strings.ToLower(r.PathValue("slot"))+".cert"))
	write(w, r, http.StatusOK, "application/json", c.JSON())
}

// verify judges a certificate that is sent: who signed it, and whether that is the facility at hand.
func (s *Server) verify(w http.ResponseWriter, r *http.Request, role Role) {
	name, content, err := upload(r, transcriptMost)
	if err == nil && content == nil {
		err = fmt.Errorf("no file was chosen")
	}
	if err != nil {
		s.wrong(w, r, role, err)
		return
	}
	st, _ := s.lab.news()
	var v verdict
	v.file = name
	s.lab.ask(st, func(f *raslab.Lab) {
		key, err := f.CertificateKey()
		if err != nil {
			v.why = console.ErrorText(err)
			return
		}
		c, err := erase.VerifyCertificate(content, key)
		if err != nil {
			v.why = console.ErrorText(err)
			return
		}
		v.good, v.c = true, c
	})
	p := page{title: "Certificate " + name, nav: "certificates", status: http.StatusOK, body: verified(st, v)}
	s.render(w, r, http.StatusOK, layout(p, st, frame{at: "/certificates", version: s.version(st, "/certificates"), role: role}))
}

// verdict is what a certificate that was sent came to.
type verdict struct {
	file, why string
	good      bool
	c         *erase.Certificate
}
