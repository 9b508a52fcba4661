package erase

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Statement is what a certificate of sanitization says: the fields that NIST SP 800-88 Rev. 2 lists
// in section 4.6 (the package documentation has the sources), and the factory identity of the
// drive. Every field is one line of printable text, at most 200 characters; those that the engine
// cannot know may be empty.
type Statement struct {
	// Form is "certificate of sanitization 2". Certificates of form 1 followed
	// Rev. 1: they name no technique and no result of the verification, and hold
	// no validation. They still verify.
	Form string `json:"form"`

	MediaVendor    string `json:"media_vendor"`
	MediaModel     string `json:"media_model"`
	MediaSerial    string `json:"media_serial"`
	MediaIdentity  string `json:"media_identity,omitempty"` // IdentityText; "" where the drive proved none
	MediaProperty  string `json:"media_property_number"`
	MediaType      string `json:"media_type"`
	MediaSource    string `json:"media_source"` // user or place that the media came from
	Classification string `json:"pre_sanitization_categorization"`
	Extent         string `json:"extent"` // "whole drive", "range 2"

	Method        string `json:"method"`              // "Purge"; in form 1 "Purge: Cryptographic Erase"
	Technique     string `json:"technique,omitempty"` // "Cryptographic Erase"; "" in form 1
	MethodDetails string `json:"method_details"`      // the command, the keys
	Tool          string `json:"tool"`                // name and version
	Verification
	Validation
	Date string `json:"date"` // RFC 3339, UTC, seconds

	PostClassification string `json:"post_sanitization_categorization"`
	Destination        string `json:"post_sanitization_destination"`

	Operator     string `json:"operator"` // who performed it
	Position     string `json:"position"`
	Organization string `json:"organization"`
	Location     string `json:"location"`
	Contact      string `json:"contact"`
	Notes        string `json:"notes"`
}

// Verification is what was checked after the erase: did the technique do what it
// should (Rev. 2 section 4.5.1)?
type Verification struct {
	Method string `json:"verification_method"`
	Checks string `json:"verification_checks"`           // names of the checks that passed
	Result string `json:"verification_result,omitempty"` // "passed"; "" in form 1
}

// Validation is the judgment on the erase that was verified: is it accepted as a
// sanitization of this drive (Rev. 2 section 4.5.2)? All are "" in form 1.
type Validation struct {
	Outcome    Judgment `json:"validation_outcome,omitempty"`
	Reason     string   `json:"validation_reason,omitempty"`     // why, one clause
	Considered string   `json:"validation_considered,omitempty"` // what was looked at, and how each came out
	Basis      string   `json:"validation_basis,omitempty"`      // which key the sanitization rests on
	By         string   `json:"validation_by,omitempty"`         // whose policy it was judged by
}

// Judgment is how a validation ended.
type Judgment string

// The judgments. What is not accepted has to be sanitized again in another way,
// or destroyed.
const (
	Accepted Judgment = "accepted"
	Rejected Judgment = "not accepted"
)

const (
	form1    = "certificate of sanitization 1"
	form2    = "certificate of sanitization 2"
	fieldMax = 200
)

// Accepted says whether the sanitization was validated and accepted. A statement
// of form 1 holds no validation, so it is never accepted by this.
func (s *Statement) Accepted() bool { return s.Validation.Outcome == Accepted }

// Validated says whether the statement holds a validation, whatever its outcome.
func (s *Statement) Validated() bool { return s.Form == form2 }

// Sanitization is the method and the technique: "Purge: Cryptographic Erase".
func (s *Statement) Sanitization() string {
	if s.Technique == "" {
		return s.Method
	}
	return s.Method + ": " + s.Technique
}

func (s *Statement) canonical() []byte {
	return append([]byte("fdelab "+s.Form+"\n"), marshal(s)...)
}

// heading is the first lines of the readable form. A sanitization that is not
// accepted must not look like one that is.
func (s *Statement) heading() string {
	switch {
	case !s.Validated():
		return "CERTIFICATE OF SANITIZATION\n(fields after NIST SP 800-88 Rev. 1, Appendix G)"
	case !s.Accepted():
		return "RECORD OF A SANITIZATION THAT IS NOT ACCEPTED\n(form 2, after NIST SP 800-88 Rev. 2)"
	}
	return "CERTIFICATE OF SANITIZATION\n(form 2, after NIST SP 800-88 Rev. 2)"
}

// field is one line of the readable form.
type field struct{ label, value string }

func (s *Statement) fields() []field {
	all := []field{
		{"Media vendor", s.MediaVendor},
		{"Media model", s.MediaModel},
		{"Media serial number", s.MediaSerial},
	}
	if s.MediaIdentity != "" { // certificates from before there was an identity have no such line
		all = append(all, field{"Media identity", s.MediaIdentity})
	}
	all = append(all, []field{
		{"Media property number", s.MediaProperty},
		{"Media type", s.MediaType},
		{"Media source", s.MediaSource},
		{"Categorization before", s.Classification},
		{"Extent", s.Extent},
		{"Method", s.Method},
	}...)
	if s.Validated() {
		all = append(all, field{"Technique", s.Technique})
	}
	all = append(all, []field{
		{"Method details", s.MethodDetails},
		{"Tool", s.Tool},
		{"Verification method", s.Verification.Method},
		{"Checks passed", s.Verification.Checks},
	}...)
	if s.Validated() {
		all = append(all, []field{
			{"Verification", s.Verification.Result},
			{"Validation", string(s.Validation.Outcome)},
			{"Reason", s.Validation.Reason},
			{"Considered", s.Validation.Considered},
			{"Rests on", s.Validation.Basis},
			{"Validated by", s.Validation.By},
		}...)
	}
	return append(all, []field{
		{"Date", s.Date},
		{"Categorization after", s.PostClassification},
		{"Destination", s.Destination},
		{"Performed by", s.Operator},
		{"Position", s.Position},
		{"Organization", s.Organization},
		{"Location", s.Location},
		{"Contact", s.Contact},
		{"Notes", s.Notes},
	}...)
}

func (s *Statement) check() error {
	if s.Form != form1 && s.Form != form2 {
		return fmt.Errorf("the form is %q, need %q or %q", clip(s.Form), form1, form2)
	}
	for _, f := range s.fields() {
		if utf8.RuneCountInString(f.value) > fieldMax {
			return fmt.Errorf("field %q has more than %d characters", f.label, fieldMax)
		}
		if !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("field %q holds a character that does not print", f.label)
		}
	}
	if s.MediaSerial == "" || s.Method == "" || s.Tool == "" {
		return errors.New("media serial number, method and tool must be given")
	}
	if err := s.checkValidation(); err != nil {
		return err
	}
	if t, err := time.Parse(time.RFC3339, s.Date); err != nil || t.UTC().Format(time.RFC3339) != s.Date {
		return fmt.Errorf("the date is %q, need a form like 2026-01-31T12:00:00Z", clip(s.Date))
	}
	return nil
}

func (s *Statement) checkValidation() error {
	if s.Form == form1 {
		if s.Technique != "" || s.Verification.Result != "" || s.Validation != (Validation{}) {
			return errors.New("form 1 has no technique, no result of the verification and no validation")
		}
		return nil
	}
	switch v := s.Validation; {
	case s.Technique == "":
		return errors.New("the technique must be given")
	case s.Verification.Result != verificationPassed:
		return fmt.Errorf("the result of the verification is %q, need %q: nothing else is certified", clip(s.Verification.Result), verificationPassed)
	case v.Outcome != Accepted && v.Outcome != Rejected:
		return fmt.Errorf("the validation is %q, need %q or %q", clip(string(v.Outcome)), Accepted, Rejected)
	case v.Reason == "" || v.Considered == "" || v.Basis == "" || v.By == "":
		return errors.New("a validation needs a reason, what was considered, what it rests on, and by whom")
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
