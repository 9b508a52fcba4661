package web

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// secrets are what must stand on no page, and what each is.
type secrets map[string]string

// add adds some bytes, as they could stand on a page.
func (s secrets) add(what string, b []byte) {
	h := hex.EncodeToString(b)
	for _, form := range []string{string(b), h, strings.ToUpper(h), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b)} {
		s[form] = what
	}
}

// recovery adds the recovery key that an answer shows, and gives it.
func (s secrets) recovery(t *testing.T, answer string) string {
	t.Helper()
	words := regexp.MustCompile(`[0-9A-Z]{8}(-[0-9A-Z]{8}){7}`).FindString(answer)
	require.NotEmpty(t, words, "a recovery key is shown to who asked for it: %s", answer)
	s[words] = "the recovery key"
	s[strings.ReplaceAll(words, "-", "")] = "the recovery key, without dashes"
	return words
}

// look fails where a text has one of them.
func (s secrets) look(t *testing.T, who, body string) {
	t.Helper()
	for secret, what := range s {
		require.False(t, strings.Contains(body, secret), "%s sees %s", who, what)
	}
}

// visit looks at pages.
func (s secrets) visit(t *testing.T, who string, b *browser, addresses ...string) {
	t.Helper()
	for _, at := range addresses {
		_, body := b.get(at)
		s.look(t, who+" at "+at, body)
	}
}

// blank says whether a piece of flash holds nothing: it is erased, or zeros.
func blank(b []byte) bool {
	return len(bytes.Trim(b, "\x00")) == 0 || len(bytes.TrimFunc(b, func(r rune) bool { return r == utf8.RuneError })) == 0
}

// tapped is a drive that tells which PINs it gets.
type tapped struct {
	*drive.Drive
	hear func(who drive.Authority, pin []byte)
}

func (d tapped) Authenticate(who drive.Authority, pin drive.PIN) (drive.Session, error) {
	session, err := d.Drive.Authenticate(who, pin)
	if err == nil {
		d.hear(who, bytes.Clone(pin.Bytes()))
	}
	return session, err
}

func TestNoSecretStandsOnAnyPage(t *testing.T) {
	t.Parallel()
	s, all := newSite(t), secrets{}
	lab, credentials := s.session.Lab(), 0
	for _, d := range lab.Drives() {
		p, err := lab.Part(d.Slot)
		require.NoError(t, err)
		p.Drive = tapped{p.Drive.(*drive.Drive), func(who drive.Authority, pin []byte) {
			if who == drive.BandMaster(0) && !bytes.Equal(pin, p.Label.MSID.Bytes()) {
				credentials++
				all.add("a credential of "+d.Slot, pin)
			}
		}}
	}
	o, g := s.browser(ownerToken), s.browser(guestToken)
	stream := g.live("at=/")
	for _, line := range append(incident[:7:7], "power cycle", "shelf order", `host authenticate drive=R1-I2-D01 pin="sesame one"`) {
		o.run(line)
	}
	require.GreaterOrEqual(t, credentials, 6, "the drives of the rank were unlocked with credentials")
	words := all.recovery(t, o.run("reckey configure"))
	o.run("reckey verify key=" + words)
	o.run(`host authenticate drive=R1-I2-D01 pin="sesame two"`)
	o.run(`host authenticat drive=R1-I2-D01 pin="sesame two"`)
	o.run(`dscli "managereckey -action verify -key ` + words + ` 1"`)
	all["sesame one"], all["sesame two"] = "a PIN", "a PIN"
	for _, d := range lab.Drives() {
		p, err := lab.Part(d.Slot)
		require.NoError(t, err)
		all.add("the PSID of "+d.Slot, p.Label.PSID.Bytes())
		for _, page := range p.Drive.Dump().Flash {
			for i := 0; i+16 <= len(page.Data); i += 16 {
				if piece := page.Data[i : i+16]; !blank(piece) {
					all.add("the flash of "+d.Slot, piece)
				}
			}
		}
	}
	for _, k := range lab.Customer().KeyServers() {
		for _, uid := range k.Store().Keys() {
			if key, err := k.Store().Get(uid); err == nil {
				all.add("a data key", key[:])
			}
		}
	}
	all.add("the token", []byte(ownerToken))
	require.Greater(t, len(all), 1000, "there are secrets to look for")
	addresses := append(s.addresses(), "/history.txt", "/hands/drawer")
	all.visit(t, "the owner", o, addresses...)
	all.visit(t, "a guest", g, addresses...)
	for last := ""; !strings.Contains(last, "dscli"); {
		last = g.update(stream)
		all.look(t, "a guest who was told of a change", last)
	}
}

func TestNoSecretStandsOnThePagesOfARehearsal(t *testing.T) {
	t.Parallel()
	s, all := newSite(t), secrets{"sesame": "a PIN"}
	o, g := s.browser(ownerToken), s.browser(guestToken)
	look := func() {
		for _, at := range []string{"/", "/encryption", "/rehearsal", "/history.txt"} {
			all.visit(t, "the owner", o, at)
			all.visit(t, "a guest", g, at)
		}
	}
	o.send("/rehearse", url.Values{"name": {"be14cfe0-deadlock"}})
	stream := g.live("at=/rehearsal")
	shown := false
	for n := 0; ; n++ {
		st, _ := s.server.lab.news()
		if st.Story.Ended {
			break
		}
		hint := o.run("hint") + o.run("hint")
		said := o.run("next")
		if strings.Contains(said, "shown once") {
			key := all.recovery(t, said)
			look()
			require.Contains(t, o.run("reckey verify key="+key), "the recovery key of key group 1 is authorize pending", "the command of the story")
			require.Contains(t, o.run("reckey verify kee="+key), key, "who mistypes a command sees it")
			require.Contains(t, o.run(key), key)
			require.Contains(t, o.run("host authenticat drive=R1-I1-D01 pin=sesamey"), "pin=sesamey")
			o.run("host authenticate drive=R1-I1-D01 pin=sesame")
			other := o.run("lab new serial=75NR642; keygrp configure; reckey configure; host authenticate drive=R1-I1-D01 pin=sesame")
			all.recovery(t, other)
			require.Contains(t, other, "failed")
			shown = true
		}
		require.NotEmpty(t, hint)
		look()
	}
	require.True(t, shown, "the rehearsal shows a recovery key")
	_, body := g.get("/rehearsal")
	text := textOf(body)
	require.Contains(t, text, "Debrief")
	for _, row := range []string{"host ... not understood", "reckey verify ... not understood", "host authenticate drive=R1-I1-D01 pin=(hidden) failed host authenticate failed"} {
		require.Contains(t, text, row, "a wrong turn stands there without its secret")
	}
	for last := ""; !strings.Contains(last, "Debrief"); {
		last = g.update(stream)
		all.look(t, "a guest who was told of a change", last)
	}
}

func TestGuestGetsNoButtonForAFormThatIsNotRight(t *testing.T) {
	t.Parallel()
	s := newSite(t, incident...)
	for role, token := range map[Role]string{Guest: guestToken, Owner: ownerToken} {
		status, body := s.browser(token).send("/verify", url.Values{})
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, textOf(body), "no file was chosen")
		require.Equal(t, role == Owner, strings.Contains(body, `name="press"`), "buttons are the owner's")
		require.Equal(t, role == Owner, strings.Contains(body, `id="prompt"`), "so is the prompt")
		require.Equal(t, role == Guest, strings.Contains(body, "guest: you look"))
	}
}
