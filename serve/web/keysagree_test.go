package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// numbered are the words of a text with a digit in them, without punctuation around them: counts, times, names.
func numbered(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		if word = strings.Trim(word, `.,:;()"`); strings.ContainsAny(word, "0123456789") {
			all[word] = true
		}
	}
	return all
}

// numbersAreTheLabs fails where a part of a page has a number that the shell does not print to any of these questions.
// But are numbers that are no fact of the facility.
func numbersAreTheLabs(b *browser, page, id string, but []string, questions ...string) string {
	t := b.t
	_, body := b.get(page)
	text := textOf(element(t, body, id))
	said := strings.Join(but, " ")
	for _, q := range questions {
		answer, err := b.try(q)
		require.NoError(t, err, q)
		said += " " + answer
	}
	known := numbered(said)
	for word := range numbered(text) {
		require.True(t, known[word], "%s has %q, and the shell says so to none of %q: %s", page, word, questions, text)
	}
	return text
}

func retrievalAgrees(b *browser) {
	t, lab := b.t, b.session.Lab()
	questions := []string{"keygrp list", "keymgr list", "keygrp schedule"}
	for _, g := range lab.Groups() {
		questions = append(questions, fmt.Sprintf("keygrp access keygrp=%d", g.ID))
	}
	text := numbersAreTheLabs(b, "/retrieval", "retrieval", []string{stamp(lab.NextKeyRetrieval())}, questions...)
	for _, g := range lab.Groups() {
		require.Contains(t, text, fmt.Sprintf("Test key retrieval, key group %d %s", g.ID, g.State))
		for i, line := range b.answer(fmt.Sprintf("keygrp access keygrp=%d", g.ID))[1:] {
			cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1)
			row := fmt.Sprintf("%s %s %s", cells[0], addrOf(b.server.lab.state.Load(), lab.KeyManagers()[i].ID), strings.Join(cells[1:], " "))
			require.Contains(t, text, row, "what came from each key manager for group %d", g.ID)
		}
	}
}

func encryptionAgrees(b *browser) {
	t, lab := b.t, b.session.Lab()
	questions := []string{"keygrp list", "certificate show", "keymgr list"}
	but := []string{fmt.Sprint(len(lab.Groups()) + 1)} // the group that can be configured
	normal := 0
	for _, m := range lab.KeyManagers() {
		if m.Status == "normal" {
			normal++
		}
	}
	but = append(but, fmt.Sprint(normal), fmt.Sprint(len(lab.KeyManagers())))
	for _, g := range lab.Groups() {
		questions = append(questions, fmt.Sprintf("keygrp show keygrp=%d", g.ID))
		if len(g.Members) == 0 { // the shell has a word for none
			but = append(but, "0")
		}
		if !g.ReckeyDate.IsZero() {
			but = append(but, stamp(g.ReckeyDate))
		}
	}
	text := numbersAreTheLabs(b, "/encryption", "encryption", but, questions...)
	for _, g := range lab.Groups() {
		require.Contains(t, text, fmt.Sprintf("%d of %d normal", normal, len(lab.KeyManagers())))
		for _, line := range b.answer(fmt.Sprintf("keygrp show keygrp=%d", g.ID)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			value = strings.Join(strings.Fields(value), " ")
			switch key {
			case "recovery":
				require.Contains(t, text, "Recovery key "+value)
			case "servers":
				require.Contains(t, text, "servers "+value)
			case "certif.":
				require.Contains(t, text, "certificate "+value)
			case "ranks":
				require.Contains(t, text, "ranks "+strings.ReplaceAll(value, ",", ""))
			case "key":
				require.Contains(t, text, fmt.Sprintf("Key group %d %s", g.ID, g.State))
				require.Contains(t, text, "members "+count(len(g.Members), "drive"))
			}
		}
	}
	if c := lab.FacilityCertificate(); c.Kind != "" {
		require.Contains(t, text, "expires "+stamp(c.Expiry))
		require.Contains(t, b.answer("certificate show")[0], stamp(c.Expiry))
	}
}

func handsAgree(b *browser) {
	t, lab := b.t, b.session.Lab()
	text := numbersAreTheLabs(b, "/hands", "hands", []string{"1 2 3", "0"}, "shelf list", "fault list", "keyserver list", "hmc list", "drive list")
	for _, line := range b.answer("shelf list") {
		if strings.HasPrefix(line, "the shelf is empty") {
			require.Contains(t, text, "It is empty.")
			continue
		}
		require.Contains(t, text, strings.Join(strings.Fields(line), " "), "a drive on the shelf")
	}
	for _, d := range lab.Drives() {
		if p, err := lab.Part(d.Slot); err == nil && p.Plan() != "" {
			require.Contains(t, strings.Join(b.answer("fault list"), "\n"), p.Plan())
			require.Contains(t, text, d.Slot+": "+p.Plan())
		}
	}
	for _, line := range b.answer("keyserver list") {
		if m := regexp.MustCompile(`^key server (\d+): (\S+), (stopped|running)`).FindStringSubmatch(line); m != nil {
			require.Contains(t, text, m[1]+" "+m[2]+" "+m[3], "a key server: %s", line)
		}
	}
	for p := range lab.Partitions() {
		row := fmt.Sprintf("partition %d", p)
		for _, line := range b.answer("hmc list") {
			if m := regexp.MustCompile(fmt.Sprintf(`to partition %d (\w+)`, p)).FindStringSubmatch(line); m != nil {
				row += " " + m[1] + map[bool]string{true: " Cut", false: " Mend"}[m[1] == "up"]
			}
		}
		require.Contains(t, text, row, "the links of the consoles")
	}
	for i, k := range lab.Customer().Info() {
		row := fmt.Sprintf("server %d", k.ID)
		for c := range lab.Consoles() {
			how := "up Cut"
			for _, name := range lab.Customer().CutFrom(c + 1) {
				if name == lab.Customer().KeyServers()[i].Name {
					how = "cut Mend"
				}
			}
			row += " " + how
		}
		require.Contains(t, text, row, "the networks of the consoles")
	}
}

func TestNumbersAreFoundInAText(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]bool{"75NR641-0021": true, "R1-I2-D05": true, "08:00:00": true, "3": true}, numbered(`75NR641-0021 (R1-I2-D05): at 08:00:00, "3" of them.`))
}
