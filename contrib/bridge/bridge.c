/* A client of the bridge to drives (docs/bridge.md), with nothing but POSIX:
 *
 * bridge SOCKET DRIVE discover                 the features of level 0 discovery, a line each
 * bridge SOCKET DRIVE send PROTOCOL COMID      IF-SEND of standard input
 * bridge SOCKET DRIVE recv PROTOCOL COMID SIZE IF-RECV, to standard output
 * bridge SOCKET DRIVE identify CNS             NVMe Identify, to standard output
 *
 * cc -o bridge bridge.c */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { VERSION = 1, SEND = 1, RECV = 2, IDENTIFY = 3, INQUIRY = 4, MOST = 16 << 20 };

static void die(int code, const char *text) {
	fprintf(stderr, "bridge: %s\n", text);
	exit(code);
}

static void put(uint8_t *b, int bytes, uint32_t v) {
	while (bytes-- > 0) b[bytes] = v & 0xFF, v >>= 8;
}

static uint32_t get(const uint8_t *b, int bytes) {
	uint32_t v = 0;
	while (bytes-- > 0) v = v << 8 | *b++;
	return v;
}

static void whole(int fd, uint8_t *b, size_t n, int out) { /* reads or writes n bytes */
	while (n > 0) {
		ssize_t m = out ? write(fd, b, n) : read(fd, b, n);
		if (m <= 0) die(3, "the server hung up");
		b += m, n -= m;
	}
}

/* command does one, and gives how many bytes of answer are in data, which has room for size. */
static uint32_t command(int fd, int drive, int op, int protocol, int number, uint8_t *data, uint32_t size) {
	uint8_t head[16] = {VERSION, op, drive, protocol}, answer[8];
	put(head + 4, 2, number);
	put(head + 8, 4, size);
	whole(fd, head, sizeof head, 1);
	if (op == SEND) whole(fd, data, size, 1);
	whole(fd, answer, sizeof answer, 0);
	uint32_t n = get(answer + 4, 4);
	if (answer[0] != VERSION || (op == SEND ? n > 0 : n > size)) die(3, "what listens there does not speak version 1 of the bridge");
	whole(fd, data, n, 0);
	if (answer[1] != 0) {
		fprintf(stderr, "bridge: refused: status %02Xh\n", answer[1]);
		exit(1);
	}
	return n;
}

static void discover(const uint8_t *b, uint32_t n) { /* TCG Core 2.01, 3.3.6 */
	uint32_t end = n < 4 ? 0 : get(b, 4) + 4, at = 48;
	if (end > n) end = n;
	while (at + 4 <= end) {
		uint32_t length = b[at + 3];
		if (length > end - at - 4) break;
		printf("%04x version %d: ", get(b + at, 2), b[at + 2] >> 4);
		for (uint32_t i = 0; i < length; i++) printf("%02x", b[at + 4 + i]);
		printf("\n");
		at += 4 + length;
	}
}

int main(int argc, char **argv) {
	long v[3] = {0};
	const char *what = argc > 3 ? argv[3] : "";
	int need = !strcmp(what, "discover") ? 0 : !strcmp(what, "identify") ? 1 : !strcmp(what, "send") ? 2 : !strcmp(what, "recv") ? 3 : -1;
	if (need < 0 || argc != 4 + need) die(2, "SOCKET DRIVE discover | send PROTOCOL COMID | recv PROTOCOL COMID SIZE | identify CNS");
	for (int i = 0; i < need; i++) v[i] = strtol(argv[4 + i], NULL, 0);
	int drive = atoi(argv[2]), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (strlen(argv[1]) >= sizeof to.sun_path) die(3, "the path of the socket is too long");
	strcpy(to.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die(3, "nobody listens at the socket");
	signal(SIGPIPE, SIG_IGN); /* a server that hangs up is an error of write */
	uint8_t *data = malloc(MOST);
	if (data == NULL || v[2] < 0 || v[2] > MOST) die(2, "need at most 16 MiB");
	if (!strcmp(what, "send")) {
		command(fd, drive, SEND, v[0], v[1], data, fread(data, 1, MOST, stdin));
	} else if (!strcmp(what, "discover")) {
		discover(data, command(fd, drive, RECV, 1, 1, data, 2048));
	} else {
		uint32_t n = *what == 'r' ? command(fd, drive, RECV, v[0], v[1], data, v[2]) : command(fd, drive, IDENTIFY, 0, v[0], data, 4096);
		fwrite(data, 1, n, stdout);
	}
	return 0;
}
