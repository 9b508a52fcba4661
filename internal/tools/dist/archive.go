package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// file is one file of a folder: its name below it, with slashes, and where it is.
type file struct {
	name, path string
	mode       fs.FileMode
	size       int64
}

// listFiles lists the files of dir by name. Modes are those that an installed file has, whatever
// the umask was here.
func listFiles(dir string) ([]file, error) {
	var all []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(name), path: path, mode: 0o644, size: info.Size()}
		if filepath.Base(filepath.Dir(path)) == "bin" {
			f.mode = 0o755
		}
		all = append(all, f)
		return nil
	})
	return all, err
}

// pack writes the archive of a folder beside it, zip for Windows, and returns its name. Every entry
// has the same date.
func pack(dir string, p platform, date time.Time) (string, error) {
	name, fill := dir+".tar.gz", fillTar
	if p.os == "windows" {
		name, fill = dir+".zip", fillZip
	}
	files, err := listFiles(dir)
	if err != nil {
		return "", err
	}
	out, err := os.Create(name)
	if err != nil {
		return "", err
	}
	if err := fill(out, filepath.Base(dir), files, date); err != nil {
		out.Close()
		return "", err
	}
	return name, out.Close()
}

func fillTar(out io.Writer, top string, files []file, date time.Time) error {
	z := gzip.NewWriter(out) // its header has no name and no date
	w := tar.NewWriter(z)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: top + "/" + f.name, Mode: int64(f.mode), Size: f.size, ModTime: date, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if err := copyFile(w, f.path); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return z.Close()
}

func fillZip(out io.Writer, top string, files []file, date time.Time) error {
	z := zip.NewWriter(out)
	for _, f := range files {
		header := &zip.FileHeader{Name: top + "/" + f.name, Method: zip.Deflate, Modified: date}
		header.SetMode(f.mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		if err := copyFile(w, f.path); err != nil {
			return err
		}
	}
	return z.Close()
}

func copyFile(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
