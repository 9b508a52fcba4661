package adapters_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain plays a bad program when it is started as one: see fake.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "fake" {
		fake(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

const good = `"maker":"x","model":"y","serial":"z","sector_size":512,"sectors":100,"ranges":0,"try_limit":5,"persistent":true,"granularity":1`

// fakeIdentify is what the fakes answer when they are asked what they are; ID is the request's.
var fakeIdentify = map[string]string{
	"garbage":  "Segmentation fault?",
	"array":    `[1,2]`,
	"other":    `{"id":1,` + good + `}`,
	"no id":    `{` + good + `}`,
	"long":     strings.Repeat("x", 200<<10),
	"missing":  `{"id":ID,` + strings.ReplaceAll(good, `"ranges":0,`, "") + `}`,
	"type":     `{"id":ID,` + strings.ReplaceAll(good, `512`, `"512"`) + `}`,
	"leftover": `{"id":ID,` + good + `,"refuse":"locked"}`,
	"refusal":  `{"id":ID,"refused":"lockd"}`,
	"noise":    `{"id":ID,` + good + `}`,
	"endless":  `{"id":ID,` + good + `}`,
}

func fake(mode string) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var q struct {
			ID   uint64
			Do   string
			Path string `json:"data_path"`
		}
		if json.Unmarshal(in.Bytes(), &q) != nil {
			os.Exit(9)
		}
		id := fmt.Sprint(q.ID)
		switch {
		case q.Do == "hello" && mode == "mute":
			time.Sleep(time.Hour)
		case q.Do == "hello" && mode == "version":
			fmt.Println(`{"id":1,"protocol":2,"capabilities":[]}`)
		case q.Do == "hello" && mode == "capability":
			fmt.Println(`{"id":1,"protocol":1,"capabilities":["trys"]}`)
		case q.Do == "hello":
			fmt.Println(`{"id":1,"protocol":1,"capabilities":[]}`)
		case q.Do == "make":
			fmt.Println(`{"id":` + id + `,"serial":"z","msid":"TVNJRA==","psid":"UFNJRA=="}`)
		case mode == "hang":
			time.Sleep(time.Hour)
		case mode == "environment":
			fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), " "))
			os.Exit(7)
		case mode == "endless" && q.Do == "read":
			_ = os.Symlink("/dev/zero", q.Path)
			fmt.Println(`{"id":` + id + `}`)
		case mode == "die":
			fmt.Fprintln(os.Stderr, "assertion failed: 1 == 2")
			os.Exit(7)
		case mode == "noise":
			fmt.Fprintln(os.Stderr, "debug: a line")
			fallthrough
		default:
			fmt.Println(strings.ReplaceAll(fakeIdentify[mode], "ID", id))
		}
	}
}
