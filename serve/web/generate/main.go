package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
	"mvdan.cc/gofumpt/format"
)

const folder = "serve/web"

func main() {
	made, err := generate(folder)
	for file, code := range made {
		if err == nil {
			err = os.WriteFile(file, code, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate makes a Go file of each template in a folder, by the name that it has.
func generate(folder string) (map[string][]byte, error) {
	templates, err := filepath.Glob(filepath.Join(folder, "*.templ"))
	if err != nil {
		return nil, err
	}
	if len(templates) == 0 {
		return nil, fmt.Errorf("%s: no templates: run it at the root of the module", folder)
	}
	made := map[string][]byte{}
	for _, name := range templates {
		t, err := parser.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var b bytes.Buffer
		if _, err := generator.Generate(t, &b, generator.WithFileName(filepath.Base(name))); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		code, err := format.Source(b.Bytes(), format.Options{LangVersion: "go1.26", ModulePath: "github.com/seed-9d983aeb/fdelab"})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made[strings.TrimSuffix(name, ".templ")+"_templ.go"] = code
	}
	return made, nil
}
