package tcg

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// storeSizes is a parameter with the sizes of DataStore tables.
func storeSizes(number uint64, sizes ...uint64) token.Value {
	l := token.L()
	for _, s := range sizes {
		l.Items = append(l.Items, token.U(s))
	}
	return token.N(token.U(number), l)
}

func (b *bench) storeSet(n int, data ...byte) spec.Status {
	_, st := b.call(spec.DataStore(n), spec.Set, token.N(token.U(0), token.U(0)), token.N(token.U(1), token.B(data)))
	return st
}

func (b *bench) storeGet(n int) ([]byte, spec.Status) {
	v, st := b.call(spec.DataStore(n), spec.Get, token.L(token.N(token.U(1), token.U(0)), token.N(token.U(2), token.U(1))))
	if st != spec.Success {
		return nil, st
	}
	got, _ := v[0].Bytes()
	return got, st
}

// stores are the names and sizes of the DataStore tables by table Table.
func (b *bench) stores() (names []string) {
	v, st := b.call(spec.TableTable, spec.Next)
	require.Equal(b.t, spec.Success, st)
	for _, r := range v[0].Items {
		u, _ := r.UID()
		cells, st := b.oget(spec.UID(u), 1, 7)
		require.Equal(b.t, spec.Success, st)
		if name, _ := cells[1].Bytes(); len(name) >= 9 && string(name[:9]) == "DataStore" {
			rows, _ := cells[7].Uint()
			names = append(names, fmt.Sprint(string(name), " ", rows))
		}
	}
	return names
}

// TestOpalDataStoreTables: Activate and Reactivate say how many DataStore tables there are (Additional DataStore
// Tables 1.01, 5.1). Each has ACEs and a key of its own; one that is not there cannot be told from one that
// never was.
func TestOpalDataStoreTables(t *testing.T) {
	b := newOpalBench(t)
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, b.msid()))
	activate := func(sizes ...uint64) spec.Status {
		_, st := b.call(spec.OpalLockingSP, spec.Activate, storeSizes(dataStoreSizes, sizes...))
		return st
	}
	require.Equal(t, spec.InvalidParameter, activate(1000), "not a multiple of the alignment that level 0 discovery tells")
	require.Equal(t, spec.InsufficientSpace, activate(10<<20, 512))
	require.Equal(t, spec.InsufficientSpace, activate(make([]uint64, drive.MaxDataStores+1)...))
	require.Equal(t, spec.Success, activate(1<<20, 512, 4096))
	b.end()

	admin := func() { require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.Admin(1), b.msid())) }
	admin()
	require.Equal(t, []string{"DataStore 1048576", "DataStore2 512", "DataStore3 4096"}, b.stores())
	for n := 1; n <= 3; n++ {
		require.Equal(t, spec.Success, b.storeSet(n, byte(n), byte(n)))
	}
	require.Equal(t, spec.NotAuthorized, b.storeSet(4, 4))
	_, st := b.call(spec.DataStore(2), spec.Set, token.N(token.U(0), token.U(511)), token.N(token.U(1), token.B([]byte{1, 1})))
	require.Equal(t, spec.InvalidParameter, st, "beyond its end")
	require.Equal(t, spec.InvalidParameter, b.oset(spec.ACETable+0x3FC06, col(3, expr(spec.User(1)))), "nobody is granted a table that is not there")

	// User1 is granted the second table for reading, and no other.
	require.Equal(t, spec.Success, b.oset(spec.User(1), col(5, token.U(1))))
	require.Equal(t, spec.Success, b.oset(spec.CPINUser(1), col(3, token.B(pin(7)))))
	require.Equal(t, spec.Success, b.oset(spec.ACETable+0x3FC02, col(3, expr(spec.Admins, spec.User(1)))))
	b.end()
	for n, want := range map[int][]drive.Authority{0: nil, 1: {drive.User(1)}, 2: nil} {
		h, root, err := b.tp.opalDrive().Holders(drive.DataStoreArea(n))
		require.NoError(t, err)
		require.False(t, root)
		require.Equal(t, want, append([]drive.Authority(nil), h[4:]...), "the wraps of table %d beside those of the Admins", n+1)
	}
	require.Equal(t, spec.Success, b.sign(spec.OpalLockingSP, spec.User(1), pin(7)))
	got, st := b.storeGet(2)
	require.Equal(t, spec.Success, st)
	require.Equal(t, []byte{2, 2}, got)
	require.Equal(t, spec.NotAuthorized, b.storeSet(2, 9))
	_, st = b.storeGet(3)
	require.Equal(t, spec.NotAuthorized, st)
	b.end()
	b.cycle()

	admin()
	for n := 1; n <= 3; n++ {
		got, st := b.storeGet(n)
		require.Equal(t, spec.Success, st)
		require.Equal(t, []byte{byte(n), byte(n)}, got, "over a power cycle")
	}
	_, st = b.call(spec.ThisSP, spec.Reactivate, storeSizes(reactivatedStoreSizes, 512, 512))
	require.Equal(t, spec.Success, st)
	admin()
	require.Equal(t, []string{"DataStore 512", "DataStore2 512"}, b.stores())
	got, st = b.storeGet(2)
	require.Equal(t, spec.Success, st)
	require.Equal(t, []byte{0, 0}, got, "the tables are other ones")
	_, st = b.storeGet(3)
	require.Equal(t, spec.NotAuthorized, st)
	h, _, err := b.tp.opalDrive().Holders(drive.DataStoreArea(1))
	require.NoError(t, err)
	require.Len(t, h, 4, "they are the Admins' again")
}

// TestOpalDataRemoval: the mechanism is new keys, level 0 discovery says so, and no other can be chosen (Opal 4.2.8 and
// 3.1.1.6; test cases SPF-20 and ETC-23).
func TestOpalDataRemoval(t *testing.T) {
	b := newOpalBench(t)
	w, err := b.tp.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 2048)
	require.NoError(t, err)
	require.Contains(t, hex.EncodeToString(w), hex.EncodeToString(unhex(t, "0404 10 20 00 00 04 00 0000 0000 0001 0000 0000 0000 00000000000000000000000000000000")))
	require.Equal(t, spec.Success, b.start(spec.AdminSP, true))
	cells, st := b.oget(spec.DataRemovalRow, 0, 1)
	require.Equal(t, spec.Success, st)
	require.Equal(t, token.U(2), cells[1])
	require.Equal(t, spec.NotAuthorized, b.oset(spec.DataRemovalRow, col(1, token.U(2))), "Anybody does not choose")
	b.end()
	require.Equal(t, spec.Success, b.sign(spec.AdminSP, spec.SID, b.msid()))
	for _, v := range []token.Value{token.U(0), token.U(1), token.U(3), token.U(5), token.U(1 << 40), token.B([]byte{2}), token.L()} {
		require.Equal(t, spec.InvalidParameter, b.oset(spec.DataRemovalRow, col(1, v)), "%v", v)
	}
	require.Equal(t, spec.Success, b.oset(spec.DataRemovalRow, col(1, token.U(2))))
	cells, _ = b.oget(spec.DataRemovalRow, 1, 1)
	require.Equal(t, token.U(2), cells[1])

	// It is what a revert does: what was written is gone, under whatever key.
	require.NoError(t, b.d.Write(3, make([]byte, 512)))
	_, st = b.call(spec.AdminSP, spec.Revert)
	require.Equal(t, spec.Success, st)
	got := make([]byte, 512)
	require.NoError(t, b.d.Read(3, got))
	require.NotEqual(t, make([]byte, 512), got)
}

// TestAnAnswerThatDoesNotFit waits for a transfer that it fits in (Core 3.3.10.2; Opal 3.3.10.3): an IF-RECV that is too
// short gets an empty ComPacket which says how much is outstanding, and how much has to be asked for, as often as
// it is too short. Nothing is cut off, and nothing is lost.
func TestAnAnswerThatDoesNotFit(t *testing.T) {
	for name, b := range map[string]*bench{"Enterprise": newBench(t, nil), "Opal": newOpalBench(t)} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			_, st := b.manage(spec.Properties, token.N(b.tp.pers.name(0, "HostProperties"), token.L(
				token.N(token.S("MaxComPacketSize"), token.U(8192)), token.N(token.S("MaxPacketSize"), token.U(8172)), token.N(token.S("MaxIndTokenSize"), token.U(8000)),
			)))
			require.Equal(t, spec.Success, st)
			require.Equal(t, spec.Success, b.start(spec.AdminSP, false))
			ask := call(spec.ThisSP, spec.Random, token.U(1000))
			require.NoError(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, ask)))
			const whole = 20 + 24 + 12 + 2 + 1 + 1000 + 7 + 2 // headers, the list with the bytes, the status, the padding
			for _, size := range []int{0, 19, 20, 56, 512, 1024, whole - 1} {
				w, err := b.tp.Receive(transport.ProtocolTCG, b.com, size)
				require.NoError(t, err)
				require.Len(t, w, min(size, 20), "an empty ComPacket")
				if size < 20 {
					continue
				}
				require.EqualValues(t, b.com, binary.BigEndian.Uint16(w[4:]))
				outstanding, least, length := binary.BigEndian.Uint32(w[8:]), binary.BigEndian.Uint32(w[12:]), binary.BigEndian.Uint32(w[16:])
				require.EqualValues(t, 0, length)
				require.EqualValues(t, outstanding, least)
				require.EqualValues(t, whole, least)
				require.ErrorIs(t, b.tp.Send(transport.ProtocolTCG, b.com, b.packet(b.tsn, b.hsn, ask)), transport.SyncViolation, "the answer is still to be fetched")
			}
			w, err := b.tp.Receive(transport.ProtocolTCG, b.com, whole)
			require.NoError(t, err)
			require.Len(t, w, whole)
			require.Zero(t, binary.BigEndian.Uint64(w[8:]), "nothing is outstanding")
			c, err := token.ParseComPacket(w)
			require.NoError(t, err)
			v, st := b.parse(c.Packets[0].Subpackets[0].Payload)
			require.Equal(t, spec.Success, st)
			got, _ := v[0].Bytes()
			require.Len(t, got, 1000)
			_, _, more := b.receive()
			require.Nil(t, more)
		})
	}
}
