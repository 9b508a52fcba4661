package flash

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is flash as its documentation says it is: bits, and nothing clever.
type model struct {
	g    Geometry
	off  bool
	bits map[[2]int][]byte
	wear []uint64
}

func newModel(g Geometry) *model {
	m := &model{g: g, bits: map[[2]int][]byte{}, wear: make([]uint64, g.Blocks)}
	for b := range g.Blocks {
		for p := range g.PagesPerBlock {
			m.bits[[2]int{b, p}] = bytes.Repeat([]byte{0xFF}, g.PageSize)
		}
	}
	return m
}

func (m *model) blank(b, p int) bool {
	for _, v := range m.bits[[2]int{b, p}] {
		if v != 0xFF {
			return false
		}
	}
	return true
}

func (m *model) program(b, p int, data []byte) error {
	if m.off {
		return ErrPowerLost
	}
	if !m.blank(b, p) {
		return ErrNotBlank
	}
	copy(m.bits[[2]int{b, p}], data)
	return nil
}

func (m *model) erase(b int) error {
	if m.off {
		return ErrPowerLost
	}
	for p := range m.g.PagesPerBlock {
		m.bits[[2]int{b, p}] = bytes.Repeat([]byte{0xFF}, m.g.PageSize)
	}
	m.wear[b]++
	return nil
}

func (m *model) zero(b, p int) error {
	if m.off {
		return ErrPowerLost
	}
	m.bits[[2]int{b, p}] = make([]byte, m.g.PageSize)
	return nil
}

func (m *model) dump() []Page {
	var all []Page
	for b := range m.g.Blocks {
		for p := range m.g.PagesPerBlock {
			if !m.blank(b, p) {
				all = append(all, Page{Block: b, Page: p, Data: bytes.Clone(m.bits[[2]int{b, p}])})
			}
		}
	}
	return all
}

// content draws data that finds the seams: ends in ones, all ones, all zeros.
func content(t *rapid.T, g Geometry) []byte {
	n := rapid.IntRange(1, g.PageSize).Draw(t, "length")
	data := make([]byte, n)
	switch rapid.IntRange(0, 3).Draw(t, "content") {
	case 0:
		s := stream(rapid.Uint64().Draw(t, "noise"))
		for i := range data {
			data[i] = byte(s.next())
		}
	case 1:
		fill(data)
	case 2: // zeros
	case 3:
		fill(data)
		data[rapid.IntRange(0, n-1).Draw(t, "position")] = rapid.Byte().Draw(t, "byte")
	}
	return data
}

// sameAs compares all that can be seen of a device with the model, and checks
// that no bit rose but by an erase or by decay.
func sameAs(t require.TestingT, m *model, d Device) {
	require.Equal(t, m.dump(), d.Dump(), "the dump is the bits that the operations leave")
	require.Equal(t, m.wear, d.Wear(), "wear is the count of erases")
	dst := make([]byte, m.g.PageSize)
	for b := range m.g.Blocks {
		for p := range m.g.PagesPerBlock {
			err := d.Read(b, p, dst)
			if m.off {
				require.ErrorIs(t, err, ErrPowerLost)
				continue
			}
			require.NoError(t, err)
			require.True(t, bytes.Equal(m.bits[[2]int{b, p}], dst), "block %d page %d reads what was stored", b, p)
		}
	}
}

func TestDeviceIsItsModel(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m, d := newModel(small), k.quick(t, small)
				where := func() (int, int) {
					return rapid.IntRange(0, small.Blocks-1).Draw(rt, "block"), rapid.IntRange(0, small.PagesPerBlock-1).Draw(rt, "page")
				}
				same := func(want, got error) {
					require.True(rt, errors.Is(got, want), "the model answers %v, the device %v", want, got)
				}
				rt.Repeat(map[string]func(*rapid.T){
					"": func(rt *rapid.T) { sameAs(rt, m, d) },
					"program": func(rt *rapid.T) {
						b, p := where()
						data := content(rt, small)
						same(m.program(b, p, data), d.Program(b, p, data))
					},
					"erase": func(*rapid.T) {
						b, _ := where()
						same(m.erase(b), d.Erase(b))
					},
					"zero": func(*rapid.T) {
						b, p := where()
						same(m.zero(b, p), d.Zero(b, p))
					},
					"decay": func(rt *rapid.T) {
						b, p := where()
						bit := rapid.IntRange(0, small.PageSize*8-1).Draw(rt, "bit")
						m.bits[[2]int{b, p}][bit/8] ^= 1 << (bit % 8)
						require.NoError(rt, d.(Decayer).Decay(b, p, bit))
					},
					"reopen": func(*rapid.T) {
						if !k.reopen {
							return
						}
						f := d.(*File)
						opened, err := openFile(f.f, f.offset, small)
						require.NoError(rt, err)
						if d = opened; m.off {
							d.PowerOff()
						}
					},
					"power": func(*rapid.T) {
						if m.off = !m.off; m.off {
							d.PowerOff()
						} else {
							d.PowerOn()
						}
					},
				})
			})
		})
	}
}

// TestBitsOnlyFallWithoutErase states the physics by itself, with no model:
// between two erases of its block a page only loses bits.
func TestBitsOnlyFallWithoutErase(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				d := k.quick(t, small)
				for range rapid.IntRange(1, 10).Draw(rt, "operations") {
					b, p := rapid.IntRange(0, 3).Draw(rt, "block"), rapid.IntRange(0, 1).Draw(rt, "page")
					before := read(t, d, b, p)
					if rapid.Bool().Draw(rt, "zero") {
						_ = d.Zero(b, p)
					} else {
						_ = d.Program(b, p, content(rt, small))
					}
					for i, v := range read(t, d, b, p) {
						if v&^before[i] != 0 {
							rt.Fatalf("byte %d of block %d page %d has a bit that was zero", i, b, p)
						}
					}
				}
			})
		})
	}
}
