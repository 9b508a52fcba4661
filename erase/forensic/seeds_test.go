package forensic

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// What each generator makes of a seed, computed with other programs: Python's hashlib and Mersenne twister,
// the C library's random, and the published constants of the others.
var madeOfSeeds = []struct {
	generator string
	seed      uint32
	want      string
}{
	{"SHA-512 of the number in decimal", 1, "4dff4ea340f0a823f15d3f4f01ab62eae0e5da579ccb851f8db9dfe84c58b2b37b89903a740e1ee172da793a6e79d560e5f7f9bd058a12a280433ed6fa46510a"},
	{"SHA-512 of the number in decimal", 1<<31 + 1, "bfd82665e7597ff9e28a3e5412e3b49ed2ecf1f2c2367694f0a471b66cd3f3f182bc87c107232ca31655b8cca0a1237c43f2e896d34c703717ac2654c132a1ad"},
	{"SHA-512 of 4 bytes, big-endian", 1, "57c365278e08f99674dd24f08425b17c71b0511dea3b5ffa474deeb26d64cb993ebda4650583b29cba6307d7f4dbb42ca11b093de2b8ecab16ff52445401facf"},
	{"SHA-512 of 4 bytes, big-endian", 1<<31 + 1, "51a76ef1e3fd4b0160f7388917cc7ef88b437e55f6ffeadf141401c6781bdf9de2e40015ccd50cb5e989a0b97ff4800a46a028a3d23a55a8f5509706007ce980"},
	{"SHA-512 of 4 bytes, little-endian", 1, "edf92e3d4f80fc47d948ea2f17b9bfc742d34e2e785a7a4927f3e261e8bd9d400b648bff2123b8396d24fb28f5869979e08d58b4b5d156e640344a2c0a54675d"},
	{"SHA-512 of 4 bytes, little-endian", 1<<31 + 1, "5b79e04a0f2b9ea3165eab91cb66230a26b0e33defaeff9c091bb4a9a5e20474d010a1c3cd6414efd35664b318d3394ed8aa3211d5a9163221e7c16d12848da3"},
	{"SHA-256 of 4 bytes and a count of one, big-endian", 1, "060dc63e5595dffbd161c9ec98bc06fcf67cb22e2e75ecdf0003821388aeee4da1f9a549ddc784959537f084c79ac5564de8080503dfc842a54616337b87d795"},
	{"SHA-256 of 4 bytes and a count of one, big-endian", 1<<31 + 1, "e0ad19729d7e4e5dff5d7a6a3610adf96c2510c1675606b5b29edc00301f5844ad2eb288815f778d44ad4616cf40971d71afd7c5d2f81c2334115f72a8fd22a5"},
	{"rand of ANSI C", 1, "c67e816b4bfbe2fb54f6bddf7c1ce18701bf31de56720f4767668759aa883c59ea56137bd285a1d83c54552f37ae655bda027998cce31a768e5fd9998f1f3f36"},
	{"rand of ANSI C", 1<<31 + 1, "c67e816b4bfbe2fb54f6bddf7c1ce18701bf31de56720f4767668759aa883c59ea56137bd285a1d83c54552f37ae655bda027998cce31a768e5fd9998f1f3f36"},
	{"rand of Microsoft C", 1, "2923be84e16cd6ae529049f1f1bbe9ebb3a6db3c870c3e99245e0d1c06b747deb3124dc843bb8ba61f035a7d0938251f5dd4cbfc96f5453b130d890a1cdbae32"},
	{"rand of Microsoft C", 1<<31 + 1, "2923be84e16cd6ae529049f1f1bbe9ebb3a6db3c870c3e99245e0d1c06b747deb3124dc843bb8ba61f035a7d0938251f5dd4cbfc96f5453b130d890a1cdbae32"},
	{"rand of glibc", 0, "67c6697351ff4aec29cdbaabf2fbe3467cc254f81be8e78d765a2e63339fc99a66320db73158a35a255d051758e95ed4abb2cdc69bb454110e827441213ddc87"},
	{"rand of glibc", 1, "67c6697351ff4aec29cdbaabf2fbe3467cc254f81be8e78d765a2e63339fc99a66320db73158a35a255d051758e95ed4abb2cdc69bb454110e827441213ddc87"},
	{"rand of glibc", 2147483647, "deece7e2ee5dbcf4bfff6e137e2a58f363b6e8f921a1c3f17de40a5a1d0734fbf31bdee1799ad53899444b176ea30ad159f3ca7a948d6c1172766b8f7d9f8a71"},
	{"rand of glibc", 1<<31 + 1, "2114181d12a2440c410191ec81d5a80d9d4a1707df5f3d0e831bf6a5e3f8cc040ce4221e87662ac867bcb4e8915cf52ea60d35856c7294ef8e8a94718260758f"},
	{"rand of glibc", 4_000_000_000, "b5464b905a805e20693ce8bb50612fa99111ccbe2d8b3af88349e4e19a24454f6b91dfc5113ee57a7acd36ca2e6574c076407ea3cbb89c4e01802f9ba575eb10"},
	{"xorshift32", 1, "2120040001060804c5a8cc9d4f995512d117f98ed05b6f2c1a33b225b21cf919257187777423d0adcb02609e37971c598a4bb8b4aef8e304f5af3605b195c4c9"},
	{"xorshift32", 1<<31 + 1, "21600c808582008d8de95d37db9bedc790f34ee64e1ea13f3adf729170b42a9862b73e1a6bb080568df53351cc0bcadf3556cb485301b1635e53f330527c8f09"},
	{"MT19937, words", 1, "25f4c16aeb8047ff8c2f67b84814bceeff7e070089c3cc20cbaa654d851ec1ff4fcb9125c053703c9080a31781508665ccbfae2f471e4e63edaa7658fc7974ab"},
	{"MT19937, words", 1<<31 + 1, "acc654f411b8f6665fe85c13067370511a4b5e76a4a939a1126e3e305296e5f3745463817c72c027d45de6b208c151dab21d89e91e49ec4e89ee27e88cb854d3"},
	{"MT19937, bytes", 1, "25eb8c48ff89cb854fc09081cc47edfc8619b214fe6592d48bfcea9c9d8e3244d7d7e9f1f7de60568de989073f3d163901803cd108d88d73afea79c81e4783c6"},
	{"MT19937, bytes", 1<<31 + 1, "ac115f061aa41252747cd408b21e898cc47adddae1e63ebc2c1930602053f8c7cc08e95833e88154b81a72ebee3fb89c0a6a928aca47abe89ccb1932da8b3241"},
}

func TestGeneratorsMakeWhatOthersMake(t *testing.T) {
	known := map[string]int{}
	for _, c := range madeOfSeeds {
		for _, g := range generators {
			if g.name == c.generator {
				known[g.name]++
				out := [64]byte{0: 1, 63: 1} // what was there does not count
				g.make(c.seed, &out)
				require.Equal(t, c.want, hex.EncodeToString(out[:]), "%s from %d", c.generator, c.seed)
			}
		}
	}
	require.Len(t, known, len(generators), "each has an answer")
}

// seedSearch is a search whose one oracle has the key.
func seedSearch(t *testing.T, key []byte, opts Options) *search {
	s := newScene(t)
	s.keyed(key)
	return newSearch(drive.Dump{}, []Oracle{s.oracle}, opts)
}

func TestSeedsAreTriedWithEachGenerator(t *testing.T) {
	key := sha512.Sum512([]byte("200"))
	for _, swapped := range []bool{false, true} {
		if swapped {
			copy(key[:], append(key[32:], key[:32]...))
		}
		var phases []string
		x := seedSearch(t, key[:], Options{Also: Seeds, Phase: func(p string) { phases = append(phases, p) }})
		x.seeded()
		require.Equal(t, []string{"keys of small seeds"}, phases)
		require.Equal(t, Tried{Windows: 256 * 10}, x.out.Tried)
		require.Equal(t, map[Ways]int{Seeds: 256 * 10}, x.spent)
		require.Equal(t, []Finding{{
			Path: Path{{Name: "SHA-512 of the number in decimal from seed 200"}}, Oracle: "LBA 17", Swapped: swapped, Weak: true, Bits: 8,
		}}, x.out.Keys)
		require.Empty(t, x.out.Left)
		require.Zero(t, x.alone.buf, "no key stays")
	}
}

// The seeds of a quick search are those below 256.
func TestSeedsFromTheFirstToTheLast(t *testing.T) {
	for seed, found := range map[int]bool{0: true, 255: true, 256: false} {
		key := sha512.Sum512(fmt.Append(nil, seed))
		x := seedSearch(t, key[:], Options{Also: Seeds})
		x.seeded()
		require.Equal(t, found, len(x.out.Keys) == 1, "seed %d", seed)
	}
}

func TestSeedsThatAreNotTried(t *testing.T) {
	key := sha512.Sum512([]byte("200"))
	x := seedSearch(t, key[:], Options{Also: AllWays &^ Seeds})
	x.seeded()
	require.Zero(t, x.out, "nobody asked")
	require.Empty(t, x.spent)
	x = newSearch(drive.Dump{}, nil, Options{Also: Seeds})
	x.seeded()
	require.Zero(t, x.out, "there is nothing to hold them against")
	require.Empty(t, x.spent)
	for deep, operations := range map[bool]int{false: 2560, true: 655360} {
		x = seedSearch(t, key[:], Options{Also: Seeds, Deep: deep})
		budget := map[bool]int{false: QuickBudget, true: DeepBudget}[deep]
		x.spent = map[Ways]int{Seeds: budget - operations + 1}
		x.seeded()
		require.Zero(t, x.out.Tried, "they are too many by one")
		require.Equal(t, []string{fmt.Sprintf("keys of small seeds: %d operations, %d are left of the budget", operations, operations-1)}, x.out.Left)
	}
}
