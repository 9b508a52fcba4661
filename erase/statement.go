package erase

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Statement is what a certificate of sanitization says: the fields that NIST SP 800-88 Rev. 2 lists
// in section 4.6 (the package documentation has the sources), the factory identity of the drive, how
// deep the verification looked, and the drive's timeline. Every field is one line of printable text,
// at most 200 characters; those that the engine cannot know may be empty. Fields that identify (a
// thing: ASCII; a person or a place: Latin letters) hold no character that looks like another one.
type Statement struct {
	MediaVendor    string `json:"media_vendor"`
	MediaModel     string `json:"media_model"`
	MediaSerial    string `json:"media_serial"`
	MediaIdentity  string `json:"media_identity,omitempty"` // IdentityText; "" where the drive proved none
	MediaProperty  string `json:"media_property_number"`
	MediaType      string `json:"media_type"`
	MediaSource    string `json:"media_source"` // user or place that the media came from
	Classification string `json:"pre_sanitization_categorization"`
	Extent         string `json:"extent"` // "whole drive", "range 2"

	Method        string `json:"method"`         // "Purge"
	Technique     string `json:"technique"`      // "Cryptographic Erase"
	MethodDetails string `json:"method_details"` // the command, the keys
	Tool          string `json:"tool"`           // name and version
	Verification
	Validation
	Started string `json:"started,omitempty"` // RFC 3339, UTC, seconds
	Date    string `json:"date"`              // when it was judged; RFC 3339, UTC, seconds
	// Timeline is what is known of the drive, oldest first; at most TimelineMax events.
	Timeline []Event `json:"timeline,omitempty"`

	PostClassification string `json:"post_sanitization_categorization"`
	Destination        string `json:"post_sanitization_destination"`

	Operator     string `json:"operator"` // who performed it
	Position     string `json:"position"`
	Organization string `json:"organization"`
	Location     string `json:"location"`
	Contact      string `json:"contact"`
	Notes        string `json:"notes"`
}

// Event is one line of a drive's timeline.
type Event struct {
	Time string `json:"time"` // RFC 3339, UTC, seconds
	What string `json:"what"` // one clause of at most 100 characters: ASCII, or Latin letters
}

// Verification is what was checked after the erase: did the technique do what it
// should (Rev. 2 section 4.5.1)?
type Verification struct {
	Method string `json:"verification_method"`
	// Adversary is whose means the search had: the Level of a forensic.Adversary. The engine always
	// reads the fuses.
	Adversary string  `json:"verification_adversary,omitempty"`
	Samples   Samples `json:"verification_samples,omitzero"`
	Checks    string  `json:"verification_checks"` // names of the checks that passed
	Result    string  `json:"verification_result"` // "passed"
}

// Samples counts what the verification looked at.
type Samples struct {
	Plaintexts int `json:"known_plaintexts"` // sectors whose plaintext was known, canaries included
	Unread     int `json:"unread"`           // those among them that could not be read back
	Secrets    int `json:"secrets"`          // secrets that the search tried
	Pages      int `json:"flash_pages"`      // pages of flash that are not blank
	Windows    int `json:"key_windows"`      // places of the flash that were tried as a bare key
	Unwraps    int `json:"unwraps"`          // times that a key was tried on a wrap
	Pieces     int `json:"wrap_pieces"`      // pieces of old wraps that were looked for
	Written    int `json:"written_sectors"`  // sectors of the medium that were ever written
	Read       int `json:"read_sectors"`     // those among them that could be read from the medium
}

// String is the counts as one line.
func (s Samples) String() string {
	return fmt.Sprintf("plaintexts: %d (not read: %d), secrets: %d, pages: %d, key windows: %d, unwraps: %d, pieces: %d, sectors read: %d of %d",
		s.Plaintexts, s.Unread, s.Secrets, s.Pages, s.Windows, s.Unwraps, s.Pieces, s.Read, s.Written)
}

func (s Samples) check() error {
	for _, n := range []int{s.Plaintexts, s.Unread, s.Secrets, s.Pages, s.Windows, s.Unwraps, s.Pieces, s.Written, s.Read} {
		if n < 0 {
			return fmt.Errorf("a count of samples is %d, need 0 or more", n)
		}
	}
	if s.Unread > s.Plaintexts || s.Read > s.Written {
		return errors.New("the samples count a part that is more than the whole")
	}
	return nil
}

// Validation is the judgment on the erase that was verified: is it accepted as a
// sanitization of this drive (Rev. 2 section 4.5.2)?
type Validation struct {
	Outcome    Judgment `json:"validation_outcome"`
	Reason     string   `json:"validation_reason"`     // why, one clause
	Considered string   `json:"validation_considered"` // what was looked at, and how each came out
	Basis      string   `json:"validation_basis"`      // which key the sanitization rests on
	By         string   `json:"validation_by"`         // whose policy it was judged by
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
	fieldMax = 200
	eventMax = 100
)

// TimelineMax is how many events a certificate holds: with them it prints on one sheet.
const TimelineMax = 12

// Accepted says whether the sanitization was validated and accepted.
func (s *Statement) Accepted() bool { return s.Validation.Outcome == Accepted }

// Sanitization is the method and the technique: "Purge: Cryptographic Erase".
func (s *Statement) Sanitization() string { return s.Method + ": " + s.Technique }

// title is the first line of what people read. A sanitization that is not accepted must not look
// like one that is.
func (s *Statement) title() string {
	if !s.Accepted() {
		return "RECORD OF A SANITIZATION THAT IS NOT ACCEPTED"
	}
	return "CERTIFICATE OF SANITIZATION"
}

const subtitle = "(after NIST SP 800-88 Rev. 2)"

// field is one line of what people read.
type field struct {
	label, value string
	chars        charset
}

func (s *Statement) fields() []field {
	return []field{
		{"Media vendor", s.MediaVendor, code},
		{"Media model", s.MediaModel, code},
		{"Media serial number", s.MediaSerial, code},
		{"Media identity", cmp.Or(s.MediaIdentity, "not proved: the drive is known by its serial number only"), code},
		{"Media property number", s.MediaProperty, code},
		{"Media type", s.MediaType, code},
		{"Media source", s.MediaSource, name},
		{"Categorization before", s.Classification, free},
		{"Extent", s.Extent, code},
		{"Method", s.Method, code},
		{"Technique", s.Technique, code},
		{"Method details", s.MethodDetails, free},
		{"Tool", s.Tool, code},
		{"Verification method", s.Verification.Method, free},
		{"Adversary", s.Verification.Adversary, code},
		{"Samples", s.samples(), code},
		{"Checks passed", s.Verification.Checks, free},
		{"Verification", s.Verification.Result, code},
		{"Validation", string(s.Validation.Outcome), code},
		{"Reason", s.Validation.Reason, free},
		{"Considered", s.Validation.Considered, free},
		{"Rests on", s.Validation.Basis, free},
		{"Validated by", s.Validation.By, name},
		{"Started", s.Started, code},
		{"Date", s.Date, code},
		{"Categorization after", s.PostClassification, free},
		{"Destination", s.Destination, free},
		{"Performed by", s.Operator, name},
		{"Position", s.Position, name},
		{"Organization", s.Organization, name},
		{"Location", s.Location, name},
		{"Contact", s.Contact, name},
		{"Notes", s.Notes, free},
	}
}

func (s *Statement) samples() string {
	if s.Verification.Samples == (Samples{}) {
		return ""
	}
	return s.Verification.Samples.String()
}

func (s *Statement) check() error {
	for _, f := range s.fields() {
		if err := checkText(f); err != nil {
			return err
		}
	}
	if s.MediaSerial == "" || s.Method == "" || s.Technique == "" || s.Tool == "" {
		return errors.New("media serial number, method, technique and tool must be given")
	}
	if s.MediaIdentity != "" && s.fingerprint() == "" {
		return fmt.Errorf("the media identity is %q, need none or \"Ed25519\", 64 hexadecimal digits and \", proved by challenge\"", clip(s.MediaIdentity))
	}
	if a := s.Verification.Adversary; a != "" && !slices.ContainsFunc(forensic.Adversaries(), func(x forensic.Adversary) bool { return x.Level() == a }) {
		return fmt.Errorf("the adversary is %q, need one such as %q", clip(a), forensic.ReadsFuses.Level())
	}
	if err := s.Verification.Samples.check(); err != nil {
		return err
	}
	if err := s.checkValidation(); err != nil {
		return err
	}
	return s.checkTimes()
}

func (s *Statement) checkValidation() error {
	switch v := s.Validation; {
	case s.Verification.Result != verificationPassed:
		return fmt.Errorf("the result of the verification is %q, need %q: nothing else is certified", clip(s.Verification.Result), verificationPassed)
	case v.Outcome != Accepted && v.Outcome != Rejected:
		return fmt.Errorf("the validation is %q, need %q or %q", clip(string(v.Outcome)), Accepted, Rejected)
	case v.Reason == "" || v.Considered == "" || v.Basis == "" || v.By == "":
		return errors.New("a validation needs a reason, what was considered, what it rests on, and by whom")
	}
	return nil
}

// checkTimes wants times in one spelling, and none before the one above it.
func (s *Statement) checkTimes() error {
	if !spelt(s.Date) {
		return fmt.Errorf("the date is %q, need a form like 2026-01-31T12:00:00Z", clip(s.Date))
	}
	if s.Started != "" && !spelt(s.Started) { // after the date, perhaps: a clock can be set back
		return fmt.Errorf("it started at %q, need a form like 2026-01-31T12:00:00Z", clip(s.Started))
	}
	if len(s.Timeline) > TimelineMax {
		return fmt.Errorf("the timeline has %d events, need at most %d", len(s.Timeline), TimelineMax)
	}
	before := ""
	for _, e := range s.Timeline {
		if !spelt(e.Time) || e.Time < before {
			return fmt.Errorf("the timeline has an event at %q, need a form like 2026-01-31T12:00:00Z, oldest first", clip(e.Time))
		}
		if err := checkText(field{"Timeline", e.What, name}); err != nil {
			return err
		}
		if utf8.RuneCountInString(e.What) > eventMax {
			return fmt.Errorf("an event of the timeline has more than %d characters", eventMax)
		}
		before = e.Time
	}
	return nil
}

// spelt says whether a time is written as certificates have it. Such times, of the years 0 to 9999,
// sort like text.
func spelt(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && at(t) == text
}

// at is a time as certificates have it: RFC 3339, UTC, seconds.
func at(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
