package tct

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// HTTP is a Cloud over HTTPS. TLS configuration and timeout are those of the HTTP client it was
// given.
type HTTP struct {
	base   string
	token  func() string // a closure keeps it from fmt
	client *http.Client
}

var _ Cloud = (*HTTP)(nil)

// ErrAddress means that a cloud server cannot have such an address.
var ErrAddress = errors.New("tct: the address of a cloud server: need https:// and a host")

// NewHTTP is the cloud server at an address such as https://cloud.example:443. An address that is
// not https is refused with ErrAddress: objects travel over TLS only. client has a timeout.
func NewHTTP(address, token string, client *http.Client) (*HTTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, ErrAddress
	}
	if client == nil || client.Timeout <= 0 {
		return nil, errors.New("tct: a cloud server needs an HTTP client with a timeout")
	}
	// A redirection could send the token without TLS.
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &HTTP{strings.TrimSuffix(u.String(), "/"), func() string { return token }, &c}, nil
}

// Put implements Cloud.
func (h *HTTP) Put(name string, body []byte) error {
	_, err := h.do(http.MethodPut, "/objects/"+url.PathEscape(name), body, 1<<16)
	return err
}

// Get implements Cloud.
func (h *HTTP) Get(name string, max int64) ([]byte, error) {
	return h.do(http.MethodGet, "/objects/"+url.PathEscape(name), nil, max)
}

// Delete implements Cloud.
func (h *HTTP) Delete(name string) error {
	_, err := h.do(http.MethodDelete, "/objects/"+url.PathEscape(name), nil, 1<<16)
	return err
}

// List implements Cloud.
func (h *HTTP) List(prefix string) ([]string, error) {
	var all []string
	for after := ""; ; {
		q := url.Values{"prefix": {prefix}, "after": {after}}
		b, err := h.do(http.MethodGet, "/objects?"+q.Encode(), nil, 1<<20)
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			return all, nil
		}
		for line := range strings.Lines(string(b)) {
			name, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
			if err != nil || name <= after {
				return nil, fmt.Errorf("%w: a list of names that is none", ErrRefused)
			}
			all, after = append(all, name), name
		}
	}
}

// do is one request; max is how many bytes of answer are taken.
func (h *HTTP) do(method, path string, body []byte, max int64) ([]byte, error) {
	r, err := http.NewRequest(method, h.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("tct: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token())
	a, err := h.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCloud, err)
	}
	defer func() { _ = a.Body.Close() }()
	switch {
	case a.StatusCode == http.StatusNotFound:
		return nil, ErrNotFound
	case a.StatusCode == http.StatusRequestEntityTooLarge:
		return nil, fmt.Errorf("%w: for the cloud server", ErrTooLarge)
	case a.StatusCode < 200 || a.StatusCode > 299:
		return nil, fmt.Errorf("%w: status %d", ErrRefused, a.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(a.Body, max+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCloud, err)
	}
	if int64(len(b)) > max {
		return nil, fmt.Errorf("%w: the answer has more than %d bytes", ErrTooLarge, max)
	}
	return b, nil
}
