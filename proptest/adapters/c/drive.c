/* A small self-encrypting drive.
 *
 * A record fills one block of flash. A new one goes to a blank block, and then the old one is erased.
 *
 *     root key  32 bytes in the chip
 *     KEK       HMAC-SHA256(root key, PBKDF2-HMAC-SHA256(PIN and its length, salt))
 *     AK        32 random bytes for each authority, stored as AES-KW(KEK, AK)
 *     MEK       64 random bytes for each range, stored as AES-KW(AK of its BandMaster, MEK); while the
 *               range is open after a power loss, also as AES-KW(key of the chip, MEK). After a sanitize,
 *               which takes no PIN, the second alone is there until the BandMaster comes
 *
 * The state lies in PATH.chip, PATH.flash and PATH.media: a process that is killed loses only its RAM.
 */
#include "drive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define ITERATIONS 100 /* of PBKDF2: far too few for a drive, but a suite opens thousands of sessions */

struct ram ram;
struct identity id;
struct record rec;
struct pin msid, psid;
uint8_t root[32];
int on, degraded;

static uint8_t psid_check[32];
static int session = -1; /* the slot that opened it */
static int block;        /* of the record in force */
static char state[4000];

static const char *const names[] = {
	"", "not authorized", "authority locked out", "security provider busy", "no session", "locked", "invalid parameter",
	"security degraded", "hardware failure", "no power", "power lost", "entropy failure", "address out of range",
	"invalid state",
};

const char *refusal(enum code c) { return names[c]; }

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static void need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "drive: libcrypto: %s failed\n", what);
		exit(3);
	}
}

/* ---- Keys ---- */

static void hmac(const uint8_t *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
	unsigned n = 32;
	need(HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &n) != NULL, "HMAC");
}

void derive_kek(const uint8_t of[32], const struct pin *pin, const uint8_t salt[16], uint8_t out[32])
{
	/* HMAC pads its key with zeros: without the length "PIN" and "PIN\0" would be one PIN. */
	uint8_t text[PIN_MAX + 1];
	memcpy(text, pin->b, pin->len);
	text[pin->len] = (uint8_t)pin->len;
	need(PKCS5_PBKDF2_HMAC((char *)text, (int)pin->len + 1, salt, 16, ITERATIONS, EVP_sha256(), 32, out), "PBKDF2");
	hmac(of, 32, out, 32, out);
	OPENSSL_cleanse(text, sizeof text);
}

void derive_chip_key(uint8_t out[32]) { hmac(root, 32, "drive.c chip", 12, out); }

/* AES Key Wrap (RFC 3394): len bytes become len + 8. */
static void wrap(const uint8_t kek[32], const uint8_t *key, int len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	need(EVP_EncryptInit_ex(c, EVP_aes_256_wrap(), NULL, kek, NULL) && EVP_EncryptUpdate(c, out, &n, key, len), "wrap");
	EVP_CIPHER_CTX_free(c);
}

static int unwrap(const uint8_t kek[32], const uint8_t *in, int len, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n, ok;
	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_DecryptInit_ex(c, EVP_aes_256_wrap(), NULL, kek, NULL) && EVP_DecryptUpdate(c, out, &n, in, len) > 0;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

static void xts(const uint8_t mek[64], uint64_t lba, const uint8_t *in, uint8_t *out, int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t tweak[16] = {0};
	int i, n;
	for (i = 0; i < 8; i++)
		tweak[i] = (uint8_t)(lba >> 8 * i);
	need(EVP_CipherInit_ex(c, EVP_aes_256_xts(), NULL, mek, tweak, encrypt) && EVP_CipherUpdate(c, out, &n, in, (int)id.sector_size), "XTS");
	EVP_CIPHER_CTX_free(c);
}

/* ---- Entropy ---- */

static struct fed fed;
static uint64_t seen[8192]; /* hashes of the last blocks that were drawn */
static size_t drawn;

void entropy_feed(const struct fed *f)
{
	free(fed.b);
	fed = *f;
}

/* draw gives len random bytes, a multiple of 16. A source that ends, stands still or repeats fails. */
static enum code draw(uint8_t *out, size_t len)
{
	uint8_t sum[32];
	uint64_t h;
	size_t i, j;
	if (!fed.is)
		need(RAND_bytes(out, (int)len) == 1, "RAND_bytes");
	for (i = 0; fed.is && i < len; i++) {
		if (fed.at == fed.len) {
			if (!fed.repeat || fed.len == 0)
				return ENTROPY_FAILURE;
			fed.at = 0;
		}
		out[i] = fed.b[fed.at++];
	}
	for (i = 0; i < len; i += 16) {
		for (j = 1; j < 16 && out[i + j] == out[i]; j++)
			;
		if (j == 16)
			return ENTROPY_FAILURE;
		need(EVP_Digest(out + i, 16, sum, NULL, EVP_sha256(), NULL), "SHA-256");
		memcpy(&h, sum, 8);
		for (j = 0; j < drawn && j < 8192; j++)
			if (seen[j] == h)
				return ENTROPY_FAILURE;
		seen[drawn++ % 8192] = h;
	}
	return DONE;
}

/* ---- Flash: faults come from here, and from nowhere else ---- */

enum { POWER_BEFORE, POWER_TORN, POWER_AFTER, PROGRAM_REFUSED, PROGRAM_TORN, ERASE_REFUSED, ERASE_TORN, KINDS };
static const char *const kinds[KINDS] = {
	"power-before", "power-torn", "power-after", "program-refused", "program-torn", "erase-refused", "erase-torn",
};
static struct {
	int count, at[16]; /* -1: every one */
	int done, fired;
} fault[KINDS];

int faults_arm(const char *text)
{
	char kind[32];
	int n, at, i;
	memset(fault, 0, sizeof fault);
	while (sscanf(text, " %31[a-z-]%n", kind, &n) == 1) {
		text += n;
		at = -1;
		if (*text == '@') {
			if (sscanf(text, "@%d%n", &at, &n) != 1)
				return 0;
			text += n;
		}
		for (i = 0; i < KINDS && strcmp(kinds[i], kind); i++)
			;
		if (i == KINDS || fault[i].count == 16)
			return 0;
		fault[i].at[fault[i].count++] = at;
	}
	return 1;
}

int faults_fired(size_t i, const char **kind)
{
	if (i >= KINDS)
		return -1;
	*kind = kinds[i];
	return fault[i].fired;
}

static int fires(int kind)
{
	int i, n = fault[kind].done++;
	for (i = 0; i < fault[kind].count; i++)
		if (fault[kind].at[i] < 0 || fault[kind].at[i] == n) {
			fault[kind].fired++;
			return 1;
		}
	return 0;
}

static const char *path(const char *what)
{
	static char p[4100];
	snprintf(p, sizeof p, "%s.%s", state, what);
	return p;
}

static void flash_read(int b, uint8_t page[PAGE])
{
	int f = open(path("flash"), O_RDONLY);
	if (f < 0 || pread(f, page, PAGE, (off_t)b * PAGE) != PAGE)
		die("drive: flash");
	close(f);
}

static void flash_put(int b, const uint8_t page[PAGE])
{
	int f = open(path("flash"), O_RDWR | O_CREAT, 0600);
	if (f < 0 || pwrite(f, page, PAGE, (off_t)b * PAGE) != PAGE)
		die("drive: flash");
	close(f);
}

static int blank(const uint8_t page[PAGE])
{
	int i;
	for (i = 0; i < PAGE; i++)
		if (page[i] != 0xFF)
			return 0;
	return 1;
}

/* change writes whole, or torn where a fault ends it in its middle. refused and half are kinds, or -1. */
static enum code change(int b, const uint8_t *whole, const uint8_t *torn, int refused, int half)
{
	int before = fires(POWER_BEFORE), middle = fires(POWER_TORN), after = fires(POWER_AFTER);
	int no = refused >= 0 && fires(refused), part = half >= 0 && fires(half);
	if (!before && !no)
		flash_put(b, middle || part ? torn : whole);
	if (before || middle || after)
		return POWER_LOST;
	return no || part ? HARDWARE_FAILURE : DONE;
}

static int used(const uint8_t page[PAGE])
{
	int n = PAGE;
	while (n > 0 && page[n - 1] == 0xFF)
		n--;
	return n;
}

static enum code flash_program(int b, const uint8_t page[PAGE])
{
	uint8_t old[PAGE], torn[PAGE];
	flash_read(b, old);
	if (!blank(old))
		return HARDWARE_FAILURE;
	memset(torn, 0xFF, PAGE);
	memcpy(torn, page, (size_t)used(page) / 2);
	return change(b, page, torn, PROGRAM_REFUSED, PROGRAM_TORN);
}

static enum code flash_erase(int b)
{
	uint8_t torn[PAGE], clean[PAGE];
	flash_read(b, torn);
	memset(clean, 0xFF, PAGE);
	memset(torn, 0xFF, (size_t)used(torn) / 2);
	return change(b, clean, torn, ERASE_REFUSED, ERASE_TORN);
}

/* destroy leaves nothing of a block: where it cannot be erased it is overwritten with zeros. */
static enum code destroy(int b)
{
	uint8_t zero[PAGE] = {0}, torn[PAGE];
	enum code c = flash_erase(b);
	if (c != HARDWARE_FAILURE)
		return c;
	flash_read(b, torn);
	memset(torn, 0, PAGE / 2);
	return change(b, zero, torn, -1, -1);
}

int dump_flash(const char *to)
{
	uint8_t page[PAGE];
	FILE *f = fopen(to, "wb");
	int b, ok = f != NULL;
	for (b = 0; ok && b < BLOCKS; b++) {
		flash_read(b, page);
		ok = fwrite(page, PAGE, 1, f) == 1;
	}
	return ok && fclose(f) == 0;
}

/* ---- Media: LBA (8 bytes, big endian) and ciphertext, one after the other ---- */

static uint64_t *places; /* LBAs in the order of the file */
static size_t written;
static int media = -1;

static void media_open(int new)
{
	uint8_t b[8];
	struct stat st;
	size_t i, j;
	if (media >= 0)
		close(media);
	media = open(path("media"), O_RDWR | O_CREAT | (new ? O_TRUNC : 0), 0600);
	if (media < 0 || fstat(media, &st))
		die("drive: media");
	written = (size_t)st.st_size / (8 + id.sector_size);
	places = realloc(places, (written + 1) * sizeof *places);
	for (i = 0; i < written; i++) {
		if (pread(media, b, 8, (off_t)(i * (8 + id.sector_size))) != 8)
			die("drive: media");
		for (places[i] = 0, j = 0; j < 8; j++)
			places[i] = places[i] << 8 | b[j];
	}
}

static size_t place(uint64_t lba)
{
	size_t i;
	for (i = 0; i < written && places[i] != lba; i++)
		;
	return i;
}

static int media_read(uint64_t lba, uint8_t *dst)
{
	size_t i = place(lba);
	return i < written && pread(media, dst, id.sector_size, (off_t)(i * (8 + id.sector_size) + 8)) == (ssize_t)id.sector_size;
}

static void media_write(uint64_t lba, const uint8_t *src)
{
	uint8_t b[8 + 4096];
	size_t i = place(lba), j;
	for (j = 0; j < 8; j++)
		b[j] = (uint8_t)(lba >> (56 - 8 * j));
	memcpy(b + 8, src, id.sector_size);
	if (pwrite(media, b, 8 + id.sector_size, (off_t)(i * (8 + id.sector_size))) < 0)
		die("drive: media");
	if (i == written) {
		places = realloc(places, (written + 2) * sizeof *places);
		places[written++] = lba;
	}
}

int dump_media(const char *to)
{
	uint8_t b[8 + 4096];
	FILE *f = fopen(to, "wb");
	size_t i, n = 8 + id.sector_size;
	int ok = f != NULL;
	for (i = 0; ok && i < written; i++)
		ok = pread(media, b, n, (off_t)(i * n)) == (ssize_t)n && fwrite(b, n, 1, f) == 1;
	return ok && fclose(f) == 0;
}

/* ---- The record ---- */

static uint8_t *put(uint8_t *p, uint64_t v, int n)
{
	while (n > 0)
		*p++ = (uint8_t)(v >> 8 * --n);
	return p;
}

static const uint8_t *get(const uint8_t *p, int n, uint64_t *v)
{
	for (*v = 0; n > 0; n--)
		*v = *v << 8 | *p++;
	return p;
}

/* openable: nobody has to authenticate for the range after a power loss. */
static int openable(const struct band *g) { return !(g->enabled & (g->resets & BY_POWER ? 3 : g->keep)); }

static void tag(const uint8_t *page, size_t len, uint8_t out[32])
{
	uint8_t key[32];
	hmac(root, 32, "drive.c record", 14, key);
	hmac(key, 32, page, len, out);
	OPENSSL_cleanse(key, 32);
}

/* Salts lie before their wraps, wraps at multiples of 8: a search that knows no format finds them. */
static void encode(uint8_t page[PAGE])
{
	uint8_t *p = page;
	uint32_t i;
	memset(page, 0xFF, PAGE);
	memcpy(p, "CDRIVE01", 8);
	p = put(put(put(p + 8, rec.generation, 8), id.ranges, 4), rec.psid_tries, 4);
	p = put(put(p, rec.sanitize, 4), 0, 4);
	for (i = 0; i < id.ranges + 3; i++) {
		struct slot *s = &rec.slots[i];
		p = put(put(p, s->tries, 4), s->at_msid, 4);
		memcpy(p, s->salt, 16);
		memcpy(p + 16, s->wrap, 40);
		p += 56;
	}
	for (i = 0; i < id.ranges + 1; i++) {
		struct band *g = &rec.bands[i];
		p = put(put(p, g->start, 8), g->length, 8);
		p = put(put(put(put(p, g->enabled, 1), g->resets, 1), g->keep, 1), 0, 5);
		memcpy(p, g->by_ak, 72);
		memset(p + 72, 0, 8);
		memcpy(p + 80, g->by_chip, 72);
		memset(p + 152, 0, 8);
		p += 160;
	}
	tag(page, (size_t)(p - page), p);
}

static int decode(const uint8_t page[PAGE], struct record *r)
{
	const uint8_t *p = page + 8;
	uint8_t want[32];
	uint64_t v;
	uint32_t i;
	if (memcmp(page, "CDRIVE01", 8))
		return 0;
	p = get(p, 8, &r->generation);
	p = get(p, 4, &v);
	if (v != id.ranges)
		return 0;
	p = get(p, 4, &v);
	r->psid_tries = (uint32_t)v;
	p = get(p, 4, &v) + 4;
	r->sanitize = (uint32_t)v;
	for (i = 0; i < id.ranges + 3; i++) {
		struct slot *s = &r->slots[i];
		p = get(p, 4, &v);
		s->tries = (uint32_t)v;
		p = get(p, 4, &v);
		s->at_msid = (uint32_t)v;
		memcpy(s->salt, p, 16);
		memcpy(s->wrap, p + 16, 40);
		p += 56;
	}
	for (i = 0; i < id.ranges + 1; i++) {
		struct band *g = &r->bands[i];
		p = get(get(p, 8, &g->start), 8, &g->length);
		g->enabled = p[0], g->resets = p[1], g->keep = p[2];
		memcpy(g->by_ak, p + 8, 72);
		memcpy(g->by_chip, p + 88, 72);
		p += 168;
	}
	tag(page, (size_t)(p - page), want);
	return CRYPTO_memcmp(want, p, 32) == 0;
}

int record_salt(const uint8_t page[PAGE], size_t i, uint8_t salt[16])
{
	uint64_t ranges;
	if (memcmp(page, "CDRIVE01", 8))
		return 0;
	get(page + 16, 4, &ranges);
	if (ranges > RANGES_MAX || i >= ranges + 3)
		return 0;
	memcpy(salt, page + 32 + i * 64 + 8, 16);
	return 1;
}

static void reload(void)
{
	uint8_t page[PAGE];
	flash_read(block, page);
	decode(page, &rec);
}

/* commit puts the record into force and destroys the old one. */
static enum code commit(void)
{
	uint8_t page[PAGE], there[PAGE];
	int spare = (block + 1) % BLOCKS, old = block;
	enum code c = DONE;
	rec.generation++;
	encode(page);
	flash_read(spare, there);
	if (!blank(there))
		c = flash_erase(spare);
	if (c == DONE)
		c = flash_program(spare, page);
	if (c == HARDWARE_FAILURE) {
		enum code d = destroy(spare);
		return d == DONE ? c : d;
	}
	if (c != DONE)
		return c;
	block = spare;
	return destroy(old);
}

/* ---- PINs ---- */

int slot_of(const char *who)
{
	char *end;
	long n;
	if (!strcmp(who, "SID"))
		return 0;
	if (!strcmp(who, "EraseMaster"))
		return 1;
	if (strncmp(who, "BandMaster", 10) || who[10] < '0' || who[10] > '9')
		return -1;
	n = strtol(who + 10, &end, 10);
	return *end || n > (long)id.ranges ? -1 : (int)n + 2;
}

static enum code start(void)
{
	if (!on)
		return NO_POWER;
	return session >= 0 ? BUSY : DONE;
}

/* authenticate finds the authority key, in ram.ak. A wrong PIN is counted on flash before it is looked at. */
static enum code authenticate(int s, const struct pin *pin)
{
	enum code c = start();
	int ok;
	if (c != DONE)
		return c;
	if (degraded)
		return DEGRADED;
	if (s < 0 || s >= (int)id.ranges + 3 || pin->len == 0)
		return INVALID_PARAMETER;
	if (id.try_limit && rec.slots[s].tries >= id.try_limit)
		return LOCKED_OUT;
	rec.slots[s].tries++;
	if ((c = commit()) != DONE)
		return c;
	derive_kek(root, pin, rec.slots[s].salt, ram.kek);
	ok = unwrap(ram.kek, rec.slots[s].wrap, 40, ram.ak);
	OPENSSL_cleanse(ram.kek, 32);
	if (!ok)
		return NOT_AUTHORIZED;
	rec.slots[s].tries = 0;
	return DONE;
}

/* seal gives an authority a PIN; its key is ram.new_ak. */
static enum code seal(int s, const struct pin *pin)
{
	enum code c = draw(rec.slots[s].salt, 16);
	if (c != DONE)
		return c;
	derive_kek(root, pin, rec.slots[s].salt, ram.kek);
	wrap(ram.kek, ram.new_ak, 32, rec.slots[s].wrap);
	OPENSSL_cleanse(ram.kek, 32);
	rec.slots[s].tries = 0;
	rec.slots[s].at_msid = pin->len == msid.len && !CRYPTO_memcmp(pin->b, msid.b, msid.len);
	return DONE;
}

/* ---- Ranges ---- */

static void shut(int n)
{
	OPENSSL_cleanse(ram.mek[n], 64);
	ram.has[n] = 0;
}

/* keep wraps ram.key, the key of a range, under ak, and for the chip while the range opens by itself. */
static void keep(int n, const uint8_t ak[32])
{
	struct band *g = &rec.bands[n];
	wrap(ak, ram.key, 64, g->by_ak);
	memset(g->by_chip, 0, 72);
	if (openable(g)) {
		derive_chip_key(ram.kek);
		wrap(ram.kek, ram.key, 64, g->by_chip);
		OPENSSL_cleanse(ram.kek, 32);
	}
	if ((ram.locks[n] & g->enabled) == 3)
		shut(n); /* nobody needs it */
}

/* media_key finds the key of a range, in ram.key, for its BandMaster, whose key is ak. */
static void media_key(int n, const uint8_t ak[32])
{
	static const uint8_t none[72];
	struct band *g = &rec.bands[n];
	if (memcmp(g->by_ak, none, 72)) {
		need(unwrap(ak, g->by_ak, 72, ram.key), "the wrap of a range");
		return;
	}
	derive_chip_key(ram.kek);
	need(unwrap(ram.kek, g->by_chip, 72, ram.key), "the wrap of the chip");
	OPENSSL_cleanse(ram.kek, 32);
}

/* relocked comes after the locks of a range were set by its BandMaster, whose key is ak. */
static void relocked(int n, const uint8_t ak[32])
{
	struct band *g = &rec.bands[n];
	media_key(n, ak);
	if (!(g->resets & BY_POWER))
		g->keep = ram.locks[n];
	memcpy(ram.mek[n], ram.key, 64);
	ram.has[n] = 1;
	keep(n, ak);
}

/* wipe gives a range a new key, MSID and no locks. It keeps its place. */
static enum code wipe(int n)
{
	struct band g = {.start = rec.bands[n].start, .length = rec.bands[n].length, .resets = BY_POWER};
	enum code c;
	if ((c = draw(ram.key, 64)) != DONE || (c = draw(ram.new_ak, 32)) != DONE || (c = seal(2 + n, &msid)) != DONE)
		return c;
	rec.bands[n] = g;
	ram.locks[n] = 0;
	memcpy(ram.mek[n], ram.key, 64);
	ram.has[n] = 1;
	keep(n, ram.new_ak);
	return DONE;
}

static enum code factory(void)
{
	enum code c;
	uint32_t n;
	for (n = 0; n < id.ranges + 1; n++) {
		rec.bands[n].start = rec.bands[n].length = 0;
		if ((c = wipe((int)n)) != DONE)
			return c;
	}
	for (n = 0; n < 2; n++)
		if ((c = draw(ram.new_ak, 32)) != DONE || (c = seal((int)n, &msid)) != DONE)
			return c;
	rec.psid_tries = 0;
	return DONE;
}

/* ---- Commands that carry a PIN ---- */

struct args {
	int n, enabled, resets, locks;
	uint64_t start, length;
	const struct pin *new;
};

static void save(void)
{
	memcpy(ram.saved_mek, ram.mek, sizeof ram.mek);
	memcpy(ram.saved_has, ram.has, sizeof ram.has);
	memcpy(ram.saved_locks, ram.locks, sizeof ram.locks);
}

static void restore(void)
{
	memcpy(ram.mek, ram.saved_mek, sizeof ram.mek);
	memcpy(ram.has, ram.saved_has, sizeof ram.has);
	memcpy(ram.locks, ram.saved_locks, sizeof ram.locks);
}

static void forget(void)
{
	OPENSSL_cleanse(ram.saved_mek, sizeof ram.saved_mek);
	OPENSSL_cleanse(ram.ak, 32);
	OPENSSL_cleanse(ram.new_ak, 32);
	OPENSSL_cleanse(ram.key, 64);
}

/* settle ends a command: DONE puts the record into force, a failed flash brings back the old one, and
 * so does a refusal, which gives the tries back through count. */
static enum code settle(enum code c, uint32_t *count)
{
	if (c == DONE) {
		c = commit();
	} else if (c != HARDWARE_FAILURE && c != POWER_LOST) {
		enum code d;
		restore();
		reload();
		*count = 0;
		if ((d = commit()) != DONE)
			c = d;
	}
	if (c == HARDWARE_FAILURE) {
		restore();
		reload();
	}
	forget();
	if (c == POWER_LOST)
		drive_off();
	return c;
}

static enum code with(int s, const struct pin *pin, enum code (*effect)(struct args *), struct args *a)
{
	enum code c = authenticate(s, pin);
	switch (c) {
	case DONE:
		save();
		return settle(effect ? effect(a) : DONE, &rec.slots[s].tries);
	case HARDWARE_FAILURE:
		reload();
		break;
	case POWER_LOST:
		drive_off();
		break;
	default:
		break;
	}
	return c;
}

enum code drive_try(int s, const struct pin *pin) { return with(s, pin, NULL, NULL); }

static enum code set_pin(struct args *a)
{
	enum code c;
	if (a->new->len == 0)
		return INVALID_PARAMETER;
	if ((c = draw(ram.new_ak, 32)) != DONE || (c = seal(a->n, a->new)) != DONE)
		return c;
	if (a->n >= 2) {
		media_key(a->n - 2, ram.ak);
		wrap(ram.new_ak, ram.key, 64, rec.bands[a->n - 2].by_ak);
	}
	return DONE;
}

enum code drive_set_pin(int s, const struct pin *pin, const struct pin *new)
{
	return with(s, pin, set_pin, &(struct args){.n = s, .new = new});
}

static enum code migrate(struct args *a)
{
	struct band *g = &rec.bands[a->n];
	enum code c;
	if (a->new->len != PIN_MAX || !CRYPTO_memcmp(a->new->b, msid.b, PIN_MAX))
		return INVALID_PARAMETER;
	if ((c = draw(ram.new_ak, 32)) != DONE || (c = seal(2 + a->n, a->new)) != DONE)
		return c;
	media_key(a->n, ram.ak);
	g->enabled = 3;
	g->resets |= BY_POWER;
	keep(a->n, ram.new_ak);
	return DONE;
}

enum code drive_migrate(int n, const struct pin *pin, const struct pin *new)
{
	return with(2 + n, pin, migrate, &(struct args){.n = n, .new = new});
}

static enum code set_range(struct args *a)
{
	struct band *g = &rec.bands[a->n];
	uint64_t most = a->n ? id.sectors : 0;
	int o;
	if (a->resets > 7 || a->length > most || a->start > most - a->length)
		return INVALID_PARAMETER;
	for (o = 1; o <= (int)id.ranges; o++) {
		struct band *other = &rec.bands[o];
		if (o != a->n && a->length && other->length && a->start < other->start + other->length && other->start < a->start + a->length)
			return INVALID_PARAMETER;
	}
	g->start = a->start, g->length = a->length, g->enabled = (uint8_t)a->enabled, g->resets = (uint8_t)a->resets;
	relocked(a->n, ram.ak);
	return DONE;
}

enum code drive_set_range(int n, const struct pin *pin, uint64_t from, uint64_t length, int enabled, int resets)
{
	return with(2 + n, pin, set_range, &(struct args){.n = n, .start = from, .length = length, .enabled = enabled, .resets = resets});
}

static enum code set_locks(struct args *a)
{
	ram.locks[a->n] = (uint8_t)a->locks;
	relocked(a->n, ram.ak);
	return DONE;
}

enum code drive_set_locks(int n, const struct pin *pin, int locks)
{
	return with(2 + n, pin, set_locks, &(struct args){.n = n, .locks = locks});
}

static enum code genkey(struct args *a)
{
	enum code c = draw(ram.key, 64);
	if (c != DONE)
		return c;
	if (ram.has[a->n])
		memcpy(ram.mek[a->n], ram.key, 64);
	keep(a->n, ram.ak);
	return DONE;
}

enum code drive_genkey(int n, const struct pin *pin) { return with(2 + n, pin, genkey, &(struct args){.n = n}); }

static enum code erase(struct args *a)
{
	enum code c = DONE;
	int n;
	if (a->n > (int)id.ranges)
		return INVALID_PARAMETER;
	for (n = 0; c == DONE && n <= (int)id.ranges; n++)
		if (a->n < 0 || a->n == n)
			c = wipe(n);
	return c;
}

enum code drive_erase(int n, const struct pin *pin) { return with(1, pin, erase, &(struct args){.n = n}); }
enum code drive_erase_all(const struct pin *pin) { return with(1, pin, erase, &(struct args){.n = -1}); }

enum code drive_revert(const struct pin *pin)
{
	enum code c = start();
	uint8_t sum[32];
	if (c != DONE)
		return c;
	if (pin->len == 0)
		return INVALID_PARAMETER;
	if (id.try_limit && rec.psid_tries >= id.try_limit)
		return LOCKED_OUT;
	rec.psid_tries++;
	save();
	if ((c = commit()) == DONE) {
		hmac(root, 32, pin->b, pin->len, sum);
		if (CRYPTO_memcmp(sum, psid_check, 32) || pin->len != PIN_MAX)
			return forget(), NOT_AUTHORIZED;
		c = settle(factory(), &rec.psid_tries);
		if (c == DONE)
			degraded = 0;
		return c;
	}
	if (c == HARDWARE_FAILURE)
		reload();
	if (c == POWER_LOST)
		drive_off();
	return c;
}

/* ---- Sanitize ---- */

static enum code ready(void) { return !on ? NO_POWER : degraded ? DEGRADED : DONE; }

/* A range with locks is its owner's: nobody gives its data up without a PIN. */
enum code drive_sanitize(void)
{
	enum code c = ready();
	uint32_t n;
	for (n = 0; c == DONE && n < id.ranges + 1; n++)
		if (rec.bands[n].enabled)
			c = LOCKED;
	if (c != DONE)
		return c;
	save();
	rec.sanitize = SANITIZING;
	return settle(DONE, NULL);
}

static enum code new_keys(void)
{
	enum code c = DONE;
	uint32_t n;
	derive_chip_key(ram.kek);
	for (n = 0; c == DONE && n < id.ranges + 1; n++) {
		struct band *g = &rec.bands[n];
		if ((c = draw(ram.key, 64)) != DONE)
			break;
		memset(g->by_ak, 0, 72);
		wrap(ram.kek, ram.key, 64, g->by_chip);
		memcpy(ram.mek[n], ram.key, 64);
		ram.has[n] = 1;
	}
	OPENSSL_cleanse(ram.kek, 32);
	rec.sanitize = SANITIZED;
	return c;
}

/* A sanitize that was begun does its work when somebody asks how it is: new keys, in one record. */
enum code drive_sanitize_status(void)
{
	enum code c = ready();
	uint32_t none;
	if (c != DONE || rec.sanitize != SANITIZING)
		return c;
	save();
	c = settle(new_keys(), &none);
	if (c == DONE || c == POWER_LOST)
		return c;
	rec.sanitize = FAILED;
	if ((c = commit()) == POWER_LOST) {
		drive_off();
		return c;
	}
	return DONE; /* where the flash does not take that, it is so in RAM, and after a power loss it goes on */
}

/* ---- Sessions ---- */

static enum code open_session(struct args *a)
{
	(void)a;
	memcpy(ram.session_ak, ram.ak, 32);
	return DONE;
}

enum code drive_open(int s, const struct pin *pin)
{
	enum code c = with(s, pin, open_session, NULL);
	if (c == DONE)
		session = s;
	else if (session < 0)
		OPENSSL_cleanse(ram.session_ak, 32);
	return c;
}

void drive_close(void)
{
	session = -1;
	OPENSSL_cleanse(ram.session_ak, 32);
}

enum code drive_use(void)
{
	if (!on)
		return NO_POWER;
	if (session < 0)
		return NO_SESSION;
	if (session < 2)
		return INVALID_PARAMETER;
	save();
	ram.locks[session - 2] = 0;
	relocked(session - 2, ram.session_ak);
	return settle(DONE, NULL);
}

/* ---- Power and resets ---- */

void drive_off(void)
{
	OPENSSL_cleanse(&ram, sizeof ram);
	memset(&rec, 0, sizeof rec);
	on = degraded = 0;
	session = -1;
}

enum code drive_on(void)
{
	uint8_t page[PAGE];
	struct record r;
	enum code c = DONE;
	uint32_t n;
	int b, found = -1;
	if (on)
		return DONE;
	on = 1;
	for (b = 0; b < BLOCKS; b++) {
		flash_read(b, page);
		if (decode(page, &r) && (found < 0 || r.generation > rec.generation))
			rec = r, found = b;
	}
	if (found < 0) {
		degraded = 1;
		return DONE;
	}
	block = found;
	for (b = 0; b < BLOCKS; b++) { /* what a step that was cut has left behind */
		flash_read(b, page);
		if (b != block && !blank(page) && (c = destroy(b)) != DONE) {
			drive_off();
			return c;
		}
	}
	if (!id.persistent) {
		rec.psid_tries = 0;
		for (n = 0; n < id.ranges + 3; n++)
			rec.slots[n].tries = 0;
	}
	for (n = 0; n < id.ranges + 1; n++) {
		struct band *g = &rec.bands[n];
		ram.locks[n] = g->keep | (g->resets & BY_POWER ? g->enabled : 0);
		if (openable(g)) {
			derive_chip_key(ram.kek);
			need(unwrap(ram.kek, g->by_chip, 72, ram.mek[n]), "the wrap of the chip");
			OPENSSL_cleanse(ram.kek, 32);
			ram.has[n] = 1;
		}
	}
	return DONE;
}

enum code drive_reset(int by)
{
	enum code c = DONE;
	uint32_t n;
	int changed = 0;
	if (!on)
		return NO_POWER;
	drive_close();
	if (degraded)
		return DONE;
	save();
	for (n = 0; n < id.ranges + 1; n++) {
		struct band *g = &rec.bands[n];
		if (!(g->resets & by))
			continue;
		ram.locks[n] |= g->enabled;
		if (!(g->resets & BY_POWER) && g->keep != ram.locks[n]) {
			g->keep = ram.locks[n];
			changed = 1;
			if (!openable(g))
				memset(g->by_chip, 0, 72);
		}
		if ((ram.locks[n] & g->enabled) == 3)
			shut((int)n);
	}
	if (changed)
		c = settle(DONE, NULL);
	forget();
	return c;
}

/* ---- Data ---- */

/* where finds the range of a sector that is open in a direction. */
static enum code where(uint64_t lba, int direction, int *n)
{
	int o;
	*n = 0;
	for (o = 1; o <= (int)id.ranges; o++)
		if (lba >= rec.bands[o].start && lba - rec.bands[o].start < rec.bands[o].length)
			*n = o;
	return ram.locks[*n] & rec.bands[*n].enabled & direction || !ram.has[*n] ? LOCKED : DONE;
}

/* allowed says whether all sectors may be moved: nothing moves before. */
static enum code allowed(uint64_t lba, uint64_t sectors, int direction)
{
	enum code c = DONE;
	uint64_t i;
	int n;
	if (!on)
		return NO_POWER;
	if (degraded)
		return DEGRADED;
	if (rec.sanitize == SANITIZING || rec.sanitize == FAILED)
		return INVALID_STATE;
	if (sectors > id.sectors || lba > id.sectors - sectors)
		return OUT_OF_RANGE;
	for (i = 0; c == DONE && i < sectors; i++)
		c = where(lba + i, direction, &n);
	return c;
}

enum code drive_read(uint64_t lba, uint64_t sectors, uint8_t *dst)
{
	uint8_t sector[4096];
	enum code c = allowed(lba, sectors, READING);
	uint64_t i;
	int n;
	for (i = 0; c == DONE && i < sectors; i++) {
		where(lba + i, READING, &n);
		if (media_read(lba + i, sector))
			xts(ram.mek[n], lba + i, sector, dst + i * id.sector_size, 0);
		else
			memset(dst + i * id.sector_size, 0, id.sector_size);
	}
	return c;
}

enum code drive_write(uint64_t lba, uint64_t sectors, const uint8_t *src)
{
	uint8_t sector[4096];
	enum code c = allowed(lba, sectors, WRITING);
	uint64_t i;
	int n;
	for (i = 0; c == DONE && i < sectors; i++) {
		where(lba + i, WRITING, &n);
		xts(ram.mek[n], lba + i, src + i * id.sector_size, sector, 1);
		media_write(lba + i, sector);
	}
	return c;
}

/* ---- The factory ---- */

struct chip {
	struct identity id;
	struct pin msid;
	uint8_t root[32], psid_check[32];
};

enum code drive_make(const char *where_to, const struct identity *wish)
{
	struct chip chip = {.id = *wish};
	uint8_t page[PAGE];
	enum code c;
	FILE *f;
	int b;
	drive_off();
	drawn = 0;
	if ((c = draw(chip.root, 32)) != DONE || (c = draw(chip.msid.b, 32)) != DONE || (c = draw(psid.b, 32)) != DONE)
		return c;
	chip.msid.len = psid.len = PIN_MAX;
	if (chip.id.ranges > RANGES_MAX)
		chip.id.ranges = RANGES_MAX;
	hmac(chip.root, 32, psid.b, 32, chip.psid_check);
	snprintf(state, sizeof state, "%s", where_to);
	f = fopen(path("chip"), "wb");
	if (!f || fwrite(&chip, sizeof chip, 1, f) != 1 || fclose(f))
		die("drive: chip");
	memset(page, 0xFF, PAGE);
	for (b = 0; b < BLOCKS; b++)
		flash_put(b, page);
	id = chip.id;
	media_open(1);
	if ((c = drive_attach(where_to)) != DONE)
		return c;
	on = 1;
	block = 0;
	save();
	return settle(factory(), &rec.psid_tries);
}

enum code drive_attach(const char *where_from)
{
	struct chip chip;
	FILE *f;
	snprintf(state, sizeof state, "%s", where_from);
	f = fopen(path("chip"), "rb");
	if (!f || fread(&chip, sizeof chip, 1, f) != 1)
		die("drive: chip");
	fclose(f);
	id = chip.id, msid = chip.msid;
	memcpy(root, chip.root, 32);
	memcpy(psid_check, chip.psid_check, 32);
	media_open(0);
	drive_off();
	return DONE;
}
