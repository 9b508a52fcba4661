package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// bomPath is where the list of modules is in a folder.
const bomPath = "share/doc/fdelab/fdelab.spdx.json"

// spdx is a document of SPDX 2.3, in the fields that are used here (clauses 6, 7 and 11).
type spdx struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      spdxCreation   `json:"creationInfo"`
	Describes     []string       `json:"documentDescribes"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []spdxRelation `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string         `json:"SPDXID"`
	Name      string         `json:"name"`
	Version   string         `json:"versionInfo"`
	FileName  string         `json:"packageFileName,omitempty"`
	Location  string         `json:"downloadLocation"`
	Analyzed  bool           `json:"filesAnalyzed"`
	Concluded string         `json:"licenseConcluded"`
	Declared  string         `json:"licenseDeclared"`
	Copyright string         `json:"copyrightText"`
	Checksums []spdxChecksum `json:"checksums,omitempty"`
	Comment   string         `json:"comment,omitempty"`
	Refs      []spdxRef      `json:"externalRefs"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelation struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// billOfMaterials lists the modules that are linked into a binary, and Go's standard library.
func billOfMaterials(binary string, src source, p platform) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(b))
	main := modulePackage("SPDXRef-fdelab", info.Main.Path, src.version)
	main.FileName = "bin/fdelab"
	if p.os == "windows" {
		main.FileName += ".exe"
	}
	main.Checksums = []spdxChecksum{{"SHA256", sum}}
	main.Comment = "built for " + p.os + "/" + p.arch + " from commit " + src.commit
	if src.commit == "" {
		main.Comment = "built for " + p.os + "/" + p.arch
	}
	d := spdx{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT",
		Name: fmt.Sprintf("fdelab %s %s/%s", src.version, p.os, p.arch),
		// Unique, as clause 6.5 wants it: the checksum of the binary is in it.
		Namespace: "https://" + info.Main.Path + "/spdx/" + sum,
		Creation:  spdxCreation{Created: src.date.Format(time.RFC3339), Creators: []string{"Tool: fdelab-dist"}},
		Describes: []string{main.ID},
		Packages:  []spdxPackage{main},
	}
	d.Relationships = append(d.Relationships, spdxRelation{d.ID, "DESCRIBES", main.ID})
	add := func(p spdxPackage) {
		d.Packages = append(d.Packages, p)
		d.Relationships = append(d.Relationships, spdxRelation{main.ID, "CONTAINS", p.ID})
	}
	add(modulePackage("SPDXRef-go-std", "std", strings.TrimPrefix(info.GoVersion, "go")))
	for i, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p := modulePackage(fmt.Sprintf("SPDXRef-module-%d", i+1), m.Path, m.Version)
		if m.Sum != "" {
			p.Comment = "go.sum " + m.Sum // of the tree of files, so it is not a checksum of SPDX
		}
		add(p)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}

// modulePackage is a module of Go, with nothing said that a binary does not tell.
func modulePackage(id, path, version string) spdxPackage {
	const unknown = "NOASSERTION"
	locator := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return spdxPackage{
		ID: id, Name: path, Version: version, Location: unknown, Concluded: unknown, Declared: unknown, Copyright: unknown,
		Refs: []spdxRef{{"PACKAGE-MANAGER", "purl", locator}},
	}
}
