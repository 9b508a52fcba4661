package dscli

import (
	"encoding/csv"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The widths of the rules in the samples of MAP4980, and the order of their columns. (Names of
// hosts aside: with the names that the document prints its rule of lskeymgr would be 74 wide; 76 is
// that of a name of 30 characters, which the transcript has.)
func TestLayoutsOfTheSamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "samples.txt"))
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	find := func(start string) int {
		for i, l := range lines {
			if strings.HasPrefix(l, start) {
				return i
			}
		}
		t.Fatalf("no line begins with %q", start)
		return 0
	}
	i := find("ID state")
	require.Equal(t, strings.Fields("ID state status keyprotocol addr port type keygrp"), strings.Fields(lines[i]))
	require.Equal(t, strings.Repeat("=", 76), lines[i+1])
	require.Len(t, lines[i], 76, "the names fill the rule")
	i = find("ID KeyMgr")
	require.Equal(t, strings.Fields("ID KeyMgr lastaccess lastsuccess lastfailure"), strings.Fields(lines[i]))
	require.Equal(t, strings.Repeat("=", 57), lines[i+1])

	fields := func(from int) (names []string) {
		for ; lines[from] != ""; from++ {
			names = append(names, strings.Fields(lines[from])[0])
		}
		return names
	}
	require.Equal(t, strings.Fields("ID State Status addr port protocol keyprotocol certificate"), fields(find("ID          1")))
	require.Equal(t, strings.Fields(`ID numranks numpools state reckeystate reckeydate datakeydate grpstatus mgrstatus
		label label2 certificate certificateexpiry uuid keyprotocol`), fields(find("ID                1")))
}

func odd() *result {
	r := &result{class: `a "<class>"`, columns: []column{left("name"), number("n")}}
	r.row(`a,"b" & <c>`, 1)
	r.row("", 20)
	return r
}

func TestFormats(t *testing.T) {
	s := Settings{}.with(Args{Command: &Command{}})
	require.Equal(t, "name         n\n==============\na,\"b\" & <c>  1\n-           20\n", odd().text(s, 0))
	s.Header = "off"
	require.Equal(t, "a,\"b\" & <c>  1\n-           20\n", odd().text(s, 0))

	s.Format = formatDelim
	rows, err := csv.NewReader(strings.NewReader(odd().text(s, 0))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{{`a,"b" & <c>`, "1"}, {"-", "20"}}, rows, "a value that holds the delimiter is read as it is")

	s.Format = formatXML
	var doc struct {
		Instance []struct {
			Class    string `xml:"CLASSNAME,attr"`
			Property []struct {
				Name  string `xml:"NAME,attr"`
				Value string `xml:"VALUE"`
			} `xml:"PROPERTY"`
		} `xml:"INSTANCE"`
	}
	require.NoError(t, xml.Unmarshal([]byte(odd().text(s, 0)), &doc))
	require.Len(t, doc.Instance, 2)
	require.Equal(t, `a "<class>"`, doc.Instance[0].Class)
	require.Equal(t, `a,"b" & <c>`, doc.Instance[0].Property[0].Value)

	s.Format = formatStanza
	require.Equal(t, "name a,\"b\" & <c>\nn    1\nname -\nn    20\n", odd().text(s, 0))
}

func TestXMLHasNoBanner(t *testing.T) {
	b := newBench(t)
	b.options.Output = Settings{}
	require.True(t, strings.HasPrefix(b.must("lsarraysite -fmt xml"), "<?xml"), "a document begins with its declaration")
	require.True(t, strings.HasPrefix(b.must("lsarraysite -fmt delim"), "Date/Time: "))
}
