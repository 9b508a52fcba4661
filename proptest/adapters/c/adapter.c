/* The line protocol of fdelab (docs/adapter.md) over the drive of drive.c: one line, one request; one
 * line, one reply.
 *
 *     cc -O2 -o drive adapter.c drive.c -lcrypto
 */
#include "drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (128 << 10)
#define FIELDS_MAX 20

/* ---- Requests: flat objects of texts, numbers, true and false ---- */

static struct field {
	char *name, *value; /* in the line itself */
} fields[FIELDS_MAX];
static int count;

static void bad(const char *what)
{
	fprintf(stderr, "adapter: a request that is none: %s\n", what);
	exit(4);
}

static char *blanks(char *p) { return p + strspn(p, " \t\r\n"); }

/* text reads a string in place and returns what follows it. */
static char *text(char *p, char **out)
{
	char *to;
	unsigned u;
	if (*p++ != '"')
		bad("a text is missing");
	for (*out = to = p; *p != '"'; p++) {
		if (*p == 0)
			bad("a text does not end");
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		switch (*++p) {
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 't': *to++ = '\t'; break;
		case 'u':
			if (sscanf(p + 1, "%4x", &u) != 1)
				bad("\\u without four digits");
			p += 4;
			if (u < 0x80) {
				*to++ = (char)u;
			} else if (u < 0x800) {
				*to++ = (char)(0xC0 | u >> 6);
				*to++ = (char)(0x80 | (u & 63));
			} else {
				*to++ = (char)(0xE0 | u >> 12);
				*to++ = (char)(0x80 | (u >> 6 & 63));
				*to++ = (char)(0x80 | (u & 63));
			}
			break;
		default: *to++ = *p;
		}
	}
	*to = 0;
	return p + 1;
}

static void parse(char *p)
{
	count = 0;
	p = blanks(p);
	if (*p != '{')
		bad("no object");
	p = blanks(p + 1);
	while (*p != '}') {
		struct field *f = &fields[count++];
		char *end;
		if (count == FIELDS_MAX)
			bad("too many fields");
		p = blanks(text(p, &f->name));
		if (*p != ':')
			bad("a colon is missing");
		p = blanks(p + 1);
		if (*p == '"') {
			p = text(p, &f->value);
		} else {
			f->value = p;
			p += strcspn(p, ",} \t\r\n");
			if (p == f->value || *p == 0)
				bad("a value is missing");
		}
		end = p;
		p = blanks(p);
		if (*p == ',')
			p = blanks(p + 1);
		else if (*p != '}')
			bad("a comma is missing");
		else if (end == p) {
			*end = 0; /* ends the value, and the object with it */
			return;
		}
		*end = 0;
	}
}

static const char *value(const char *name)
{
	int i;
	for (i = 0; i < count; i++)
		if (!strcmp(fields[i].name, name))
			return fields[i].value;
	return NULL;
}

static uint64_t number(const char *name)
{
	const char *v = value(name);
	return v ? strtoull(v, NULL, 10) : 0;
}

static int is(const char *name)
{
	const char *v = value(name);
	return v && !strcmp(v, "true");
}

/* ---- Binary ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t decode64(const char *in, uint8_t *out)
{
	size_t n = 0;
	uint32_t acc = 0;
	int bits = 0;
	for (; *in && *in != '='; in++) {
		const char *d = strchr(digits, *in);
		if (!d)
			bad("no base64");
		acc = acc << 6 | (uint32_t)(d - digits);
		if ((bits += 6) >= 8)
			out[n++] = (uint8_t)(acc >> (bits -= 8));
	}
	return n;
}

/* put64 prints a text of base64. */
static void put64(const uint8_t *b, size_t len)
{
	size_t i;
	putchar('"');
	for (i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)b[i] << 16 | (i + 1 < len ? (uint32_t)b[i + 1] << 8 : 0) | (i + 2 < len ? b[i + 2] : 0);
		putchar(digits[v >> 18]);
		putchar(digits[v >> 12 & 63]);
		putchar(i + 1 < len ? digits[v >> 6 & 63] : '=');
		putchar(i + 2 < len ? digits[v & 63] : '=');
	}
	putchar('"');
}

static void print64(const char *name, const uint8_t *b, size_t len)
{
	printf(",\"%s\":", name);
	put64(b, len);
}

/* binary gives a value that is in the line, or in a file where it is long. The caller frees it. */
static uint8_t *binary(const char *name, size_t *len)
{
	char key[64];
	const char *v;
	uint8_t *b;
	snprintf(key, sizeof key, "%s_path", name);
	if ((v = value(key))) {
		FILE *f = fopen(v, "rb");
		long n;
		if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
			bad("a file cannot be read");
		b = malloc((size_t)n + 1);
		*len = fread(b, 1, (size_t)n, f);
		fclose(f);
		return b;
	}
	v = value(name);
	b = malloc(v ? strlen(v) + 1 : 1);
	*len = v ? decode64(v, b) : 0;
	return b;
}

static struct pin pin(const char *name)
{
	struct pin p = {0};
	size_t n;
	uint8_t *b = binary(name, &n);
	if (n > PIN_MAX)
		bad("a PIN of more than 32 bytes");
	p.len = n;
	memcpy(p.b, b, n);
	free(b);
	return p;
}

/* ---- Commands. A reply has begun with its id: each prints the further fields. ---- */

static enum code powered(void) { return on ? DONE : NO_POWER; }

static enum code do_hello(void)
{
	const char *kind;
	size_t i;
	if (number("protocol") != 1)
		bad("this is protocol 1");
	printf(",\"protocol\":1,\"capabilities\":[\"migrate\",\"genkey\",\"erase-all\",\"sessions\",\"ranges\",\"tries\",\"msid\","
	       "\"state\",\"dump\",\"chip\",\"derive\",\"ram\",\"breaks\",\"feed\",\"sanitize\"],\"breaks\":[");
	for (i = 0; faults_fired(i, &kind) >= 0; i++)
		printf("%s\"%s\"", i ? "," : "", kind);
	printf("]");
	return DONE;
}

static void feed(int has)
{
	struct fed f = {0};
	if (has) {
		f.is = 1;
		f.b = binary("entropy", &f.len);
		f.repeat = is("repeat");
	}
	entropy_feed(&f);
}

static int fed_here(void) { return value("entropy") || value("entropy_path"); }

static enum code do_make(void)
{
	struct identity wish = {
		.sector_size = (uint32_t)number("sector_size"), .ranges = (uint32_t)number("ranges"), .sectors = number("sectors"),
		.try_limit = (uint32_t)number("try_limit"), .persistent = (uint32_t)is("persistent"),
	};
	enum code c;
	snprintf(wish.serial, sizeof wish.serial, "C%06llu", (unsigned long long)number("seed") % 1000000);
	faults_arm("");
	feed(fed_here());
	if ((c = drive_make(value("state"), &wish)) != DONE)
		return c;
	printf(",\"serial\":\"%s\"", id.serial);
	print64("msid", msid.b, msid.len);
	print64("psid", psid.b, psid.len);
	memset(&psid, 0, sizeof psid); /* it is on the label */
	return DONE;
}

static enum code do_attach(void)
{
	faults_arm("");
	feed(0);
	return drive_attach(value("state"));
}

static enum code do_identify(void)
{
	if (!on)
		return NO_POWER;
	printf(",\"maker\":\"fdelab\",\"model\":\"drive.c\",\"serial\":\"%s\",\"sector_size\":%u,\"sectors\":%llu,\"ranges\":%u,"
	       "\"try_limit\":%u,\"persistent\":%s,\"granularity\":1",
	       id.serial, id.sector_size, (unsigned long long)id.sectors, id.ranges, id.try_limit, id.persistent ? "true" : "false");
	return DONE;
}

static enum code do_msid(void)
{
	if (on)
		print64("msid", msid.b, msid.len);
	return powered();
}

static int who(void) { return value("who") ? slot_of(value("who")) : -1; }

static int range(void)
{
	uint64_t n = number("range");
	return n > 1000 ? 1000 : (int)n;
}

static enum code do_try(void)
{
	struct pin p = pin("pin");
	return drive_try(who(), &p);
}

static enum code do_set_pin(void)
{
	struct pin p = pin("pin"), n = pin("new");
	return drive_set_pin(who(), &p, &n);
}

static enum code do_migrate(void)
{
	struct pin p = pin("pin"), n = pin("new");
	return drive_migrate(range(), &p, &n);
}

static enum code do_set_range(void)
{
	struct pin p = pin("pin");
	int enabled = is("read_lock") * READING + is("write_lock") * WRITING;
	return drive_set_range(range(), &p, number("start"), number("length"), enabled, (int)number("lock_on_reset"));
}

static enum code do_set_locks(void)
{
	struct pin p = pin("pin");
	return drive_set_locks(range(), &p, is("read") * READING + is("write") * WRITING);
}

static enum code do_genkey(void)
{
	struct pin p = pin("pin");
	return drive_genkey(range(), &p);
}

static enum code do_erase(void)
{
	struct pin p = pin("pin");
	return drive_erase(range(), &p);
}

static enum code do_erase_all(void)
{
	struct pin p = pin("pin");
	return drive_erase_all(&p);
}

static enum code do_revert(void)
{
	struct pin p = pin("pin");
	return drive_revert(&p);
}

static enum code do_sanitize_status(void)
{
	static const char *const states[] = {"never", "sanitizing", "sanitized", "failed"};
	enum code c = drive_sanitize_status();
	if (c == DONE)
		printf(",\"state\":\"%s\",\"progress\":0", states[rec.sanitize]);
	return c;
}

static enum code do_open(void)
{
	struct pin p = pin("pin");
	return drive_open(who(), &p);
}

static enum code do_use(void) { return drive_use(); }

static enum code do_close(void)
{
	drive_close();
	return DONE;
}

static int write_file(const char *path, const void *b, size_t len)
{
	FILE *f = path ? fopen(path, "wb") : NULL;
	int ok = f && fwrite(b, 1, len, f) == len;
	return f && fclose(f) == 0 && ok;
}

static enum code do_read(void)
{
	uint64_t sectors = number("sectors");
	uint8_t *b = malloc((size_t)sectors * 4096 + 1);
	enum code c = b ? drive_read(number("lba"), sectors, b) : INVALID_PARAMETER;
	size_t len = (size_t)sectors * id.sector_size;
	if (c == DONE && !value("data_path"))
		print64("data", b, len);
	else if (c == DONE && !write_file(value("data_path"), b, len))
		bad("data_path cannot be written");
	free(b);
	return c;
}

static enum code do_write(void)
{
	size_t len;
	uint8_t *b = binary("data", &len);
	enum code c = drive_write(number("lba"), id.sector_size ? len / id.sector_size : 0, b);
	free(b);
	return c;
}

static enum code do_power_off(void)
{
	drive_off();
	return DONE;
}

static enum code do_reset(void)
{
	return drive_reset(value("kind") && !strcmp(value("kind"), "hot") ? BY_HOT : BY_WARM);
}

static enum code do_range(void)
{
	int n = range();
	struct band *g = &rec.bands[n];
	if (!on)
		return NO_POWER;
	if (n > (int)id.ranges)
		return INVALID_PARAMETER;
	printf(",\"start\":%llu,\"length\":%llu,\"read_lock\":%s,\"write_lock\":%s,\"lock_on_reset\":%d,\"read_locked\":%s,\"write_locked\":%s",
	       (unsigned long long)g->start, (unsigned long long)g->length, g->enabled & READING ? "true" : "false",
	       g->enabled & WRITING ? "true" : "false", g->resets, ram.locks[n] & READING ? "true" : "false",
	       ram.locks[n] & WRITING ? "true" : "false");
	return DONE;
}

static enum code do_tries(void)
{
	int s = who();
	if (!on)
		return NO_POWER;
	if (value("who") && !strcmp(value("who"), "PSID"))
		printf(",\"used\":%u,\"limit\":%u", rec.psid_tries, id.try_limit);
	else if (s < 0)
		return INVALID_PARAMETER;
	else
		printf(",\"used\":%u,\"limit\":%u", rec.slots[s].tries, id.try_limit);
	return DONE;
}

static enum code do_at_msid(void)
{
	int s = who();
	if (!on)
		return NO_POWER;
	if (s < 0)
		return INVALID_PARAMETER;
	printf(",\"at_msid\":%s", rec.slots[s].at_msid ? "true" : "false");
	return DONE;
}

static enum code do_state(void)
{
	const char *s = "Erased";
	uint32_t n;
	for (n = 2; n < id.ranges + 3; n++)
		if (!rec.slots[n].at_msid)
			s = "Configured";
	if (on)
		printf(",\"state\":\"%s\"", degraded ? "SecurityDegraded" : s);
	return powered();
}

static enum code do_dump(void)
{
	if (!dump_flash(value("flash_path")) || !dump_media(value("media_path")))
		bad("the dump cannot be written");
	printf(",\"blocks\":%d,\"pages\":1,\"page_size\":%d", BLOCKS, PAGE);
	return DONE;
}

static enum code do_chip(void)
{
	uint8_t key[32];
	derive_chip_key(key);
	print64("root", root, 32);
	printf(",\"keys\":[");
	put64(key, 32);
	printf("],\"kdf\":true");
	return DONE;
}

static enum code do_kdf(void)
{
	struct pin p = pin("pin");
	size_t n, m;
	uint8_t *of = binary("root", &n), *salt = binary("salt", &m), out[32];
	enum code c = p.len && n == 32 && m == 16 ? DONE : INVALID_PARAMETER;
	if (c == DONE) {
		derive_kek(of, &p, salt, out);
		print64("key", out, 32);
	}
	free(of);
	free(salt);
	return c;
}

/* seen says whether a salt is among the n before, and else adds it. */
static int seen(uint8_t (*salts)[16], size_t n, const uint8_t salt[16])
{
	size_t i;
	for (i = 0; i < n; i++)
		if (!memcmp(salts[i], salt, 16))
			return 1;
	memcpy(salts[n], salt, 16);
	return 0;
}

/* do_derive gives every key to which a PIN leads with the salts in a flash image, each once: a record
 * has most salts of the record before it. */
static enum code do_derive(void)
{
	struct pin p = pin("pin");
	size_t len, at, i, n = 0;
	uint8_t *image = binary("flash", &len), salt[16], key[32];
	uint8_t(*salts)[16] = malloc(len + 16); /* each salt is 16 bytes of the image */
	printf(",\"keys\":[");
	for (at = 0; p.len && at + PAGE <= len; at += PAGE)
		for (i = 0; record_salt(image + at, i, salt); i++) {
			if (seen(salts, n, salt))
				continue;
			derive_kek(root, &p, salt, key);
			printf("%s", n++ ? "," : "");
			put64(key, 32);
		}
	free(salts);
	printf("]");
	free(image);
	return DONE;
}

static enum code do_ram(void)
{
	if (!write_file(value("ram_path"), &ram, sizeof ram))
		bad("ram_path cannot be written");
	return DONE;
}

static enum code do_feed(void)
{
	feed(fed_here());
	return DONE;
}

static enum code do_break(void) { return faults_arm(value("faults") ? value("faults") : "") ? DONE : INVALID_PARAMETER; }

static enum code do_fired(void)
{
	const char *kind, *comma = "";
	size_t i;
	int n;
	printf(",\"fired\":{");
	for (i = 0; (n = faults_fired(i, &kind)) >= 0; i++)
		if (n > 0) {
			printf("%s\"%s\":%d", comma, kind, n);
			comma = ",";
		}
	printf("}");
	return DONE;
}

static enum code do_mend(void)
{
	faults_arm("");
	return DONE;
}

static const struct {
	const char *name;
	enum code (*f)(void);
} commands[] = {
	{"hello", do_hello}, {"make", do_make}, {"attach", do_attach}, {"identify", do_identify}, {"msid", do_msid}, {"try", do_try},
	{"set-pin", do_set_pin}, {"set-range", do_set_range}, {"set-locks", do_set_locks}, {"migrate", do_migrate}, {"genkey", do_genkey},
	{"erase", do_erase}, {"erase-all", do_erase_all}, {"revert", do_revert}, {"read", do_read}, {"write", do_write}, {"flush", powered},
	{"power-off", do_power_off}, {"power-on", drive_on}, {"reset", do_reset}, {"open", do_open}, {"use", do_use}, {"close", do_close},
	{"range", do_range}, {"tries", do_tries}, {"at-msid", do_at_msid}, {"state", do_state}, {"dump", do_dump}, {"chip", do_chip},
	{"kdf", do_kdf}, {"derive", do_derive}, {"ram", do_ram}, {"feed", do_feed}, {"break", do_break}, {"fired", do_fired}, {"mend", do_mend},
	{"sanitize", drive_sanitize}, {"sanitize-status", do_sanitize_status},
};

int main(void)
{
	static char line[LINE_MAX_BYTES + 1];
	size_t i, n = sizeof commands / sizeof *commands;
	while (fgets(line, sizeof line, stdin)) {
		enum code c;
		parse(line);
		for (i = 0; i < n && (!value("do") || strcmp(value("do"), commands[i].name)); i++)
			;
		if (i == n)
			bad("no such command");
		printf("{\"id\":%llu", (unsigned long long)number("id"));
		if ((c = commands[i].f()) != DONE)
			printf(",\"refused\":\"%s\"", refusal(c));
		printf("}\n");
		fflush(stdout);
	}
	return 0;
}
