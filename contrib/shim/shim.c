/*
 * The preload library with which Linux programs that do not know fdelab use drives that
 * `fdelab serve` serves, as if they were devices of this machine:
 *
 *	FDELAB_SOCKET=drives.sock LD_PRELOAD=.../libfdelab.so PROGRAM /dev/nvme0
 *
 * Drive 0 is /dev/nvme0 and /dev/sda, drive 1 is /dev/nvme1 and /dev/sdb, and so on, up to the
 * FDELAB_DRIVES drives of the socket (1 where it is not set). Opening one gives a connection to the
 * socket. On it, ioctl knows NVME_IOCTL_ADMIN_CMD with Identify, Security Send and Security Receive, and
 * SG_IO with INQUIRY, TEST UNIT READY, SECURITY PROTOCOL IN and OUT. A listing of /dev has the NVMe names
 * in it, or the SCSI ones where FDELAB_BUS=scsi.
 *
 * The protocol is that of package serve/secsock. Limits: no reading or writing of sectors; a program
 * that is linked statically is not reached; fork is not looked after.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { IF_SEND = 1, IF_RECV = 2, IDENTIFY = 3, INQUIRY = 4 };
enum { MAX_FD = 4096, MAX_DRIVES = 26 };

/* Each descriptor that is a drive has its number plus one here. */
static unsigned char drive_of[MAX_FD];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static int drives(void)
{
	const char *s = getenv("FDELAB_DRIVES");
	int n = s ? atoi(s) : 1;

	if (!getenv("FDELAB_SOCKET"))
		return 0;
	return n < 0 ? 0 : n > MAX_DRIVES ? MAX_DRIVES : n;
}

/* The number of the drive that a path names, -1 if it names none. */
static int named(const char *path)
{
	int n = -1, used = 0;

	if (path && sscanf(path, "/dev/nvme%d%n", &n, &used) == 1 && n >= 0 && (!path[used] || !strcmp(path + used, "n1")))
		;
	else if (path && !strncmp(path, "/dev/sd", 7) && path[7] >= 'a' && path[7] <= 'z' && !path[8])
		n = path[7] - 'a';
	else
		return -1;
	return n < drives() ? n : -1;
}

/* Connects to the socket. */
static int attach(int drive)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("FDELAB_SOCKET");
	int fd;

	if (strlen(path) >= sizeof to.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (fd >= MAX_FD || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		REAL(close)(fd);
		errno = ENXIO;
		return -1;
	}
	drive_of[fd] = drive + 1;
	return fd;
}

static int whole(int fd, void *p, size_t n, int out)
{
	while (n > 0) {
		ssize_t done = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		p = (char *)p + done;
		n -= done;
	}
	return 0;
}

static void put32(unsigned char *p, uint32_t v)
{
	p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v;
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/*
 * Makes a command. What comes back goes to data, filled with zeros up to size; *got is how many bytes
 * there were. The result is the status of the answer, or -1 where the socket is broken.
 */
static int command(int fd, int op, int protocol, int com_id, void *data, uint32_t size, uint32_t *got)
{
	unsigned char h[16] = { 1, op, drive_of[fd] - 1, protocol, com_id >> 8, com_id };
	unsigned char a[8];
	int bad;

	put32(h + 8, size);
	*got = 0;
	pthread_mutex_lock(&lock);
	bad = whole(fd, h, sizeof h, 1) || (op == IF_SEND && whole(fd, data, size, 1)) || whole(fd, a, sizeof a, 0);
	if (!bad) {
		*got = get32(a + 4);
		bad = a[0] != 1 || *got > size || (*got && whole(fd, data, *got, 0));
	}
	pthread_mutex_unlock(&lock);
	if (bad)
		return -1;
	if (op != IF_SEND && !a[1])
		memset((char *)data + *got, 0, size - *got);
	return a[1];
}

/* SCT in bits 8 to 10, SC in 0 to 7, for the numbers of drive/tcg/transport's errors; from 8 on: no such drive or command. */
static const int nvme_status[] = { 0, 0x4002, 0x4002, 0x4002, 0x400C, 0x4286, 0x4006, 0x401D, 0x4002 };

static int nvme(int fd, struct nvme_passthru_cmd *c)
{
	void *data = (void *)(uintptr_t)c->addr;
	uint32_t got;
	int status;

	switch (c->opcode) {
	case 0x06:
		status = command(fd, IDENTIFY, 0, c->cdw10 & 0xFF, data, c->data_len, &got);
		break;
	case 0x81:
	case 0x82:
		status = command(fd, c->opcode == 0x81 ? IF_SEND : IF_RECV, c->cdw10 >> 24, c->cdw10 >> 8 & 0xFFFF, data, c->data_len, &got);
		break;
	default:
		return 0x4001; /* invalid opcode */
	}
	c->result = 0;
	if (status == 6) { /* no power: the controller is gone */
		errno = ENODEV;
		return -1;
	}
	if (status < 0) {
		errno = EIO;
		return -1;
	}
	return nvme_status[status < 8 ? status : 8];
}

/* Sense data in fixed format: key, code, qualifier. */
static void sense(sg_io_hdr_t *h, int key, int asc, int ascq)
{
	unsigned char s[18] = { 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq };

	h->status = 2;
	h->masked_status = 1;
	h->driver_status = 8;
	h->info = SG_INFO_CHECK;
	h->sb_len_wr = h->mx_sb_len < sizeof s ? h->mx_sb_len : sizeof s;
	if (h->sbp)
		memcpy(h->sbp, s, h->sb_len_wr);
	h->resid = h->dxfer_len;
}

static int scsi(int fd, sg_io_hdr_t *h)
{
	const unsigned char *c = h->cmdp;
	uint32_t size = h->dxfer_len, got = 0;
	int status;

	if (h->interface_id != 'S' || !c || h->cmd_len < 6) {
		errno = EINVAL;
		return -1;
	}
	h->status = h->masked_status = h->host_status = h->driver_status = h->sb_len_wr = h->info = 0;
	h->msg_status = h->duration = h->resid = 0;
	switch (c[0]) {
	case 0x00: /* TEST UNIT READY */
		status = command(fd, INQUIRY, 0, 0, (unsigned char[96]){ 0 }, 96, &got);
		size = got = 0;
		break;
	case 0x12: /* INQUIRY */
		if (size > (uint32_t)(c[3] << 8 | c[4]))
			size = c[3] << 8 | c[4];
		status = command(fd, INQUIRY, 0, c[1] & 1 ? 0x100 | c[2] : 0, h->dxferp, size, &got);
		break;
	case 0xA2: /* SECURITY PROTOCOL IN */
	case 0xB5: /* SECURITY PROTOCOL OUT */
		if (h->cmd_len < 12) {
			sense(h, 5, 0x24, 0);
			return 0;
		}
		if (get32(c + 6) < (c[4] & 0x80 ? size / 512 : size))
			size = c[4] & 0x80 ? get32(c + 6) * 512 : get32(c + 6);
		status = command(fd, c[0] == 0xB5 ? IF_SEND : IF_RECV, c[1], c[2] << 8 | c[3], h->dxferp, size, &got);
		if (!status)
			got = size; /* filled with zeros */
		break;
	default:
		sense(h, 5, 0x20, 0); /* invalid operation code */
		return 0;
	}
	switch (status) {
	case 0:
		h->resid = h->dxfer_len - got;
		return 0;
	case 4:
		sense(h, 5, 0x2C, 0);
		return 0;
	case 5:
		sense(h, 7, 0x20, 2);
		return 0;
	case 6: /* no power: the target does not answer */
		h->host_status = 1;
		return 0;
	case 7:
		sense(h, 2, 0x04, 0x1B);
		return 0;
	case -1:
		errno = EIO;
		return -1;
	}
	sense(h, 5, 0x24, 0);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd >= MAX_FD || !drive_of[fd])
		return REAL(ioctl)(fd, request, arg);
	switch (request) {
	case NVME_IOCTL_ADMIN_CMD:
		return nvme(fd, arg);
	case SG_IO:
		return scsi(fd, arg);
	}
	errno = ENOTTY;
	return -1;
}

#define OPEN(name)                                                           \
	int name(const char *path, int flags, ...)                           \
	{                                                                    \
		va_list args;                                                \
		mode_t mode = 0;                                             \
		int drive = named(path);                                     \
                                                                             \
		if (drive >= 0)                                              \
			return attach(drive);                                \
		if (flags & (O_CREAT | O_TMPFILE)) {                         \
			va_start(args, flags);                               \
			mode = va_arg(args, mode_t);                         \
			va_end(args);                                        \
		}                                                            \
		return REAL(name)(path, flags, mode);                        \
	}

OPEN(open)
OPEN(open64)

int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }

int close(int fd)
{
	if (fd >= 0 && fd < MAX_FD)
		drive_of[fd] = 0;
	return REAL(close)(fd);
}

int access(const char *path, int mode)
{
	return named(path) >= 0 ? 0 : REAL(access)(path, mode);
}

/* A listing of /dev has the drives behind its end. */
static DIR *dev;
static int listed;

DIR *opendir(const char *path)
{
	DIR *d = REAL(opendir)(path);

	if (d && drives() > 0 && (!strcmp(path, "/dev") || !strcmp(path, "/dev/")))
		dev = d, listed = 0;
	return d;
}

int closedir(DIR *d)
{
	if (d == dev)
		dev = NULL;
	return REAL(closedir)(d);
}

#define READDIR(name, type)                                                                       \
	struct type *name(DIR *d)                                                                 \
	{                                                                                         \
		static struct type extra;                                                         \
		const char *bus = getenv("FDELAB_BUS");                                           \
		struct type *e;                                                                   \
		char path[sizeof "/dev/" + 256];                                                  \
                                                                                                  \
		while ((e = REAL(name)(d)) != NULL) {                                             \
			snprintf(path, sizeof path, "/dev/%s", e->d_name);                        \
			if (d != dev || named(path) < 0)                                          \
				return e; /* a device of this machine that is not hidden */       \
		}                                                                                 \
		if (d != dev || listed >= drives())                                               \
			return NULL;                                                              \
		memset(&extra, 0, sizeof extra);                                                  \
		extra.d_reclen = sizeof extra;                                                    \
		if (bus && !strcmp(bus, "scsi"))                                                  \
			snprintf(extra.d_name, sizeof extra.d_name, "sd%c", 'a' + listed);        \
		else                                                                              \
			snprintf(extra.d_name, sizeof extra.d_name, "nvme%d", listed);            \
		listed++;                                                                         \
		return &extra;                                                                    \
	}

READDIR(readdir, dirent)
READDIR(readdir64, dirent64)
