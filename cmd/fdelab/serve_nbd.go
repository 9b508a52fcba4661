package main

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/serve/nbd"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// nbdDisk is a drive as an NBD export.
type nbdDisk struct {
	File string `json:"file"`
	URI  string `json:"uri"`
}

// nbd opens the NBD socket: a TCP socket, or a Unix socket for its owner.
func (d *doors) nbd(a *app, files []*driveFile) error {
	var exports []nbd.Export
	for _, f := range files {
		exports = append(exports, nbd.Export{Name: f.Serial(), Drive: f.Drive})
	}
	server, err := nbd.NewServer(exports)
	if err != nil {
		return usagef("serve: %w", err)
	}
	var uri func(name string) string
	if path, ok := strings.CutPrefix(d.o.nbd, unixPrefix); ok {
		l, err := sockets.Listen(path)
		if err != nil {
			return cannotf("serve: %w", plainSocketError(path, err))
		}
		d.listeners, d.servers = append(d.listeners, l), append(d.servers, server)
		whole, err := filepath.Abs(path)
		if err != nil {
			return cannotf("serve: --nbd: %w", err)
		}
		uri = func(name string) string {
			return "nbd+unix:///" + name + "?socket=" + strings.ReplaceAll(url.QueryEscape(whole), "%2F", "/")
		}
	} else {
		l, err := d.listen(a, "--nbd", d.o.nbd, server)
		if err != nil {
			return err
		}
		uri = func(name string) string { return "nbd://" + l.Addr().String() + "/" + name }
	}
	for n, f := range files {
		d.answer.NBD = append(d.answer.NBD, nbdDisk{f.path, uri(url.PathEscape(exports[n].Name))})
	}
	return nil
}
