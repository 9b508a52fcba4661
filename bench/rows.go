//go:build unix

package main

import (
	"crypto/aes"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"syscall"
	"time"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
	xcrypto "golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// timed is a side of work that cannot fail. It counts processor time, as OpenSSL does: another
// process that takes the core for a while costs nothing then.
func timed(f func()) side {
	return func(n int) (time.Duration, error) {
		start := used()
		for range n {
			f()
		}
		return used() - start, nil
	}
}

// used is the processor time of this process so far.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func rows() []row {
	var all []row
	all = append(all, sectors()...)
	all = append(all, wraps()...)
	all = append(all, derivation())
	all = append(all, drives()...)
	all = append(all, searches()...)
	all = append(all, lifecycles())
	all = append(all, groups()...)
	all = append(all, servers()...)
	all = append(all, files()...)
	return append(all, sweep())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sectors is AES-256-XTS on 4 KiB, on each path of this machine.
func sectors() (all []row) {
	key := secret.Key64{1}
	buf := make([]byte, 4096)
	aims := map[aes256.Path]float64{aes256.VAES: 1 / 1.5, aes256.AESNI: 1 / 0.85}
	for _, path := range aes256.Paths() {
		c := must(xts.NewOn(path, &key, len(buf)))
		r := row{name: "XTS, sector of 4 KiB, " + path.String(), ours: timed(func() { c.Encrypt(buf, buf, 7) })}
		if aim, ok := aims[path]; ok {
			r.peer, r.theirs, r.ratio = "OpenSSL", openssl, aim
			if path == aes256.AESNI {
				r.peer, r.theirs = "OpenSSL, AES-NI", opensslAESNI
			}
			if why := noOpenSSL(); why != "" {
				r.skip = why
			}
		} else {
			r.most = 4096 * time.Second / 1.4e9
		}
		all = append(all, r)
	}
	x := must(xcrypto.NewCipher(aes.NewCipher, key[:]))
	c := must(xts.New(&key, len(buf)))
	return append(all, row{
		name: "XTS, sector of 4 KiB, fastest", peer: "x/crypto/xts", ratio: 0.2,
		ours: timed(func() { c.Encrypt(buf, buf, 7) }), theirs: timed(func() { x.Encrypt(buf, buf, 7) }),
	})
}

// wraps is AES Key Wrap of 32 bytes under 32.
func wraps() (all []row) {
	kek, key, buffer := make([]byte, 32), make([]byte, 32), make([]byte, 40)
	tink := must(subtle.NewKWP(kek))
	block := must(aes.NewCipher(kek))
	for _, path := range aes256.Paths() {
		ratio, eight := 0.65, 8*80*time.Nanosecond
		if path == aes256.Generic {
			ratio, eight = 0.95, 8*300*time.Nanosecond
		}
		var k keywrap.KEK // expanded once, as the peers' keys are
		k.ExpandOn(path, (*[32]byte)(kek))
		ours := timed(func() {
			copy(buffer[8:], key)
			k.Wrap(buffer)
		})
		all = append(
			all,
			row{name: "key wrap of 32 bytes, " + path.String(), peer: "tink KWP", ratio: ratio, ours: ours, theirs: timed(func() { must(tink.Wrap(key)) })},
			row{name: "key wrap of 32 bytes, " + path.String(), peer: "go-jose", ratio: 1, ours: ours, theirs: timed(func() { must(josecipher.KeyWrap(block, key)) })},
		)
		eightWraps := make([]byte, 8*40)
		all = append(all, row{name: "eight unwraps under one key, " + path.String(), most: eight, ours: timed(func() { k.OpenEight(eightWraps) })})
	}
	return all
}

// The yardstick stands in for a peer where there is none. An aim that is a time was set on a machine
// on which the yardstick took yardstickThen; on another machine the aim is as many times the yardstick.
// It is HKDF-SHA256 of 32 bytes by crypto/hkdf, of which a key step of a drive has several: hashing,
// small allocations and copies, in the proportion of that work. It is no more than a proportion: code
// that is bound by AES, or by memory, may grow by another factor.
var yardstick = timed(func() { must(hkdf.Key(sha256.New, make([]byte, 32), make([]byte, 16), "fdelab/kek/1", 32)) })

// yardstickThen was measured on an AMD EPYC with AVX-512, whose OpenSSL needs 585 ns for 4 KiB of
// AES-256-XTS with AES-NI.
const yardstickThen = 1196 * time.Nanosecond

func derivation() row {
	root, salt := make([]byte, 32), make([]byte, 16)
	return row{
		name: "HKDF of 32 bytes", peer: "crypto/hkdf", ratio: 0.75,
		ours:   timed(func() { secret.Derive32(root, salt, "fdelab/kek/1") }),
		theirs: timed(func() { must(hkdf.Key(sha256.New, root, salt, "fdelab/kek/1", 32)) }),
	}
}

func fail(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
