package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/serve/web"
)

func Example() {
	pages, err := web.New(web.Options{Session: console.NewSession(console.Options{Seed: 7, Start: true}), Listen: "127.0.0.1:8980", Token: web.NewToken()})
	if err != nil {
		fmt.Println(err)
		return
	}
	get := func(host string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w.Code
	}
	fmt.Println("without the token:", get("127.0.0.1:8980"))
	fmt.Println("under another name:", get("evil.example:8980"))
	// Output:
	// without the token: 401
	// under another name: 421
}
