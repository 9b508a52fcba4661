/* A small self-encrypting drive. drive.c is the drive, adapter.c the line protocol. */
#ifndef DRIVE_H
#define DRIVE_H

#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 8
#define BANDS (RANGES_MAX + 1)
#define SLOTS (RANGES_MAX + 3) /* SID, EraseMaster, BandMaster 0, 1, ... */
#define PIN_MAX 32
#define BLOCKS 3 /* of flash, of one page each */
#define PAGE 4096

/* Bits of LockOnReset; bits of locks. */
enum { BY_POWER = 1, BY_WARM = 2, BY_HOT = 4 };
enum { READING = 1, WRITING = 2 };

/* What a host is answered. The names are those of the protocol, see refusal(). */
enum code {
	DONE, NOT_AUTHORIZED, LOCKED_OUT, BUSY, NO_SESSION, LOCKED, INVALID_PARAMETER, DEGRADED,
	HARDWARE_FAILURE, NO_POWER, POWER_LOST, ENTROPY_FAILURE, OUT_OF_RANGE, INVALID_STATE
};

/* How the last sanitize is. */
enum { NEVER, SANITIZING, SANITIZED, FAILED };

struct pin {
	size_t len; /* 0 is none */
	uint8_t b[PIN_MAX];
};

/* What the factory decides. */
struct identity {
	char serial[32];
	uint32_t sector_size, ranges, try_limit, persistent;
	uint64_t sectors;
};

struct slot {
	uint32_t tries, at_msid;
	uint8_t salt[16], wrap[40];
};

struct band {
	uint64_t start, length;
	uint8_t enabled, resets, keep; /* keep: locks that a power loss leaves closed */
	uint8_t by_ak[72], by_chip[72];
};

struct record {
	uint64_t generation;
	uint32_t psid_tries, sanitize;
	struct slot slots[SLOTS];
	struct band bands[BANDS];
};

/* Everything that holds a key, and only that: it is what a debugger would look at. */
struct ram {
	uint8_t mek[BANDS][64], has[BANDS], locks[BANDS];
	uint8_t saved_mek[BANDS][64], saved_has[BANDS], saved_locks[BANDS];
	uint8_t ak[32], new_ak[32], kek[32], session_ak[32], key[64];
};

struct fed {
	int is, repeat; /* is 0: the source of the operating system */
	uint8_t *b;
	size_t len, at;
};

extern struct ram ram;
extern struct identity id;
extern struct record rec;
extern struct pin msid, psid;
extern uint8_t root[32];
extern int on, degraded;

const char *refusal(enum code c);
int slot_of(const char *who); /* -1: none */

enum code drive_make(const char *state, const struct identity *wish);
enum code drive_attach(const char *state);
void drive_off(void);
enum code drive_on(void);
enum code drive_try(int slot, const struct pin *pin);
enum code drive_set_pin(int slot, const struct pin *pin, const struct pin *new);
enum code drive_migrate(int n, const struct pin *pin, const struct pin *new);
enum code drive_set_range(int n, const struct pin *pin, uint64_t start, uint64_t length, int enabled, int resets);
enum code drive_set_locks(int n, const struct pin *pin, int locks);
enum code drive_genkey(int n, const struct pin *pin);
enum code drive_erase(int n, const struct pin *pin);
enum code drive_erase_all(const struct pin *pin);
enum code drive_revert(const struct pin *pin);
enum code drive_sanitize(void);
enum code drive_sanitize_status(void); /* rec.sanitize says it */
enum code drive_open(int slot, const struct pin *pin);
enum code drive_use(void);
void drive_close(void);
enum code drive_reset(int by);
enum code drive_read(uint64_t lba, uint64_t sectors, uint8_t *dst);
enum code drive_write(uint64_t lba, uint64_t sectors, const uint8_t *src);

/* For the laboratory. */
void derive_kek(const uint8_t root[32], const struct pin *pin, const uint8_t salt[16], uint8_t out[32]);
int record_salt(const uint8_t page[PAGE], size_t i, uint8_t salt[16]); /* 0: the page has no i-th */
void derive_chip_key(uint8_t out[32]);
void entropy_feed(const struct fed *f); /* takes f->b over */
int faults_arm(const char *faults);     /* 0: a kind that is not known */
int faults_fired(size_t i, const char **kind);
int dump_flash(const char *path);
int dump_media(const char *path);

#endif
