/* SPDX-License-Identifier: MIT */
/*
 * lister [-t] DIR   describes everything beneath DIR, one line a path, sorted by the paths' bytes.
 *
 * A line is the path, with every byte that is not plain written as \ooo, and KEY=VALUE words: type,
 * mode, owner, time, and what the type has besides: device number, size, link target, SHA-256 of
 * the contents, the first of the paths that are hard links of the same file, extended attributes.
 * What may not be read is !ERRNO. Of a directory size and link count are left out: they are its
 * file system's own bookkeeping. A directory on which something else is mounted is described, not
 * entered.
 *
 * -t leaves out what Docker does not write into a tar: fractions of a second, all extended
 * attributes but the capabilities, links outside of DIR.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct entry {
	char *path; /* from DIR, "/" first */
	char *name; /* the same, to open it by */
	struct stat st;
};

static struct entry *entries;
static size_t count, room;
static bool tar_only;
static int status;

static void die(const char *what)
{
	fprintf(stderr, "lister: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *check(void *memory)
{
	if (!memory)
		die("memory");
	return memory;
}

static char *join(const char *a, const char *b)
{
	size_t len = strlen(a);
	char *out = check(malloc(len + strlen(b) + 2));
	const char *slash = len && a[len - 1] == '/' ? "" : "/";

	sprintf(out, "%s%s%s", a, slash, b);
	return out;
}

/* SHA-256, FIPS 180-4. */
static const uint32_t sha_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void sha_block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], s[8];
	int i;

	for (i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       w[i - 7] + (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, h, sizeof(s));
	for (i = 0; i < 64; i++) {
		uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
			      ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha_k[i] + w[i];
		uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
			      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h[i] += s[i];
}

static void print_sha(int fd)
{
	uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	static unsigned char buf[65536 + 128];
	uint64_t total = 0;
	size_t have = 0, i;
	ssize_t got;

	while ((got = read(fd, buf + have, 65536)) > 0) {
		total += (uint64_t)got;
		have += (size_t)got;
		for (i = 0; have - i >= 64; i += 64)
			sha_block(h, buf + i);
		have -= i;
		memmove(buf, buf + i, have);
	}
	if (got < 0) {
		printf(" sha256=!%d", errno);
		status = 1;
		return;
	}
	buf[have++] = 0x80;
	while (have % 64 != 56)
		buf[have++] = 0;
	for (i = 0; i < 8; i++)
		buf[have++] = (unsigned char)(total * 8 >> (56 - 8 * i));
	for (i = 0; i < have; i += 64)
		sha_block(h, buf + i);
	printf(" sha256=");
	for (i = 0; i < 8; i++)
		printf("%08x", h[i]);
}

static void print_escaped(const char *text, size_t len)
{
	for (; len; len--, text++) {
		unsigned char c = (unsigned char)*text;

		if (c > ' ' && c < 127 && c != '\\')
			putchar(c);
		else
			printf("\\%03o", c);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_xattrs(const char *name)
{
	static char list[65536], value[65536];
	char *names[1024], *p;
	size_t n = 0, i;
	ssize_t len = llistxattr(name, list, sizeof(list));

	if (len < 0) {
		if (errno != ENOTSUP)
			printf(" xattrs=!%d", errno);
		return;
	}
	for (p = list; p < list + len && n < 1024; p += strlen(p) + 1)
		if (!tar_only || strcmp(p, "security.capability") == 0)
			names[n++] = p;
	qsort(names, n, sizeof(names[0]), by_name);
	for (i = 0; i < n; i++) {
		ssize_t size = lgetxattr(name, names[i], value, sizeof(value));

		putchar(' ');
		print_escaped(names[i], strlen(names[i]));
		putchar('=');
		if (size < 0)
			printf("!%d", errno);
		else
			print_escaped(value, (size_t)size);
	}
}

static void print_link_target(const char *name)
{
	char target[8192];
	ssize_t len = readlink(name, target, sizeof(target));

	printf(" to=");
	if (len < 0)
		printf("!%d", errno);
	else
		print_escaped(target, (size_t)len);
}

static void print_contents(const char *name)
{
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		printf(" sha256=!%d", errno);
		return;
	}
	print_sha(fd);
	close(fd);
}

/* The first path with the same inode, if it has more than one here. */
static void print_hard_links(const struct entry *e)
{
	size_t i, same = 0;
	const struct entry *first = NULL;

	if (!tar_only)
		printf(" links=%lu", (unsigned long)e->st.st_nlink);
	if (e->st.st_nlink < 2)
		return;
	for (i = 0; i < count; i++) {
		if (entries[i].st.st_ino != e->st.st_ino || entries[i].st.st_dev != e->st.st_dev)
			continue;
		if (!same++)
			first = &entries[i];
	}
	if (same > 1) {
		printf(" same-as=");
		print_escaped(first->path, strlen(first->path));
	}
}

static void print_entry(const struct entry *e)
{
	const struct stat *st = &e->st;
	const char *type = S_ISREG(st->st_mode)	   ? "file"
			   : S_ISDIR(st->st_mode)  ? "directory"
			   : S_ISLNK(st->st_mode)  ? "symlink"
			   : S_ISCHR(st->st_mode)  ? "char-device"
			   : S_ISBLK(st->st_mode)  ? "block-device"
			   : S_ISFIFO(st->st_mode) ? "fifo"
						   : "socket";

	print_escaped(e->path, strlen(e->path));
	if (!st->st_mode) {
		printf(" !%d\n", EACCES);
		return;
	}
	printf(" type=%s mode=%04o uid=%u gid=%u mtime=%lld", type, st->st_mode & 07777, st->st_uid,
	       st->st_gid, (long long)st->st_mtim.tv_sec);
	if (!tar_only)
		printf(".%09ld", st->st_mtim.tv_nsec);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf(" device=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (S_ISLNK(st->st_mode))
		print_link_target(e->name);
	if (S_ISREG(st->st_mode)) {
		printf(" size=%lld", (long long)st->st_size);
		print_contents(e->name);
	}
	if (!S_ISDIR(st->st_mode))
		print_hard_links(e);
	print_xattrs(e->name);
	if (S_ISDIR(st->st_mode) && access(e->name, R_OK | X_OK))
		printf(" entries=!%d", errno);
	putchar('\n');
}

static void add(char *path, char *name)
{
	struct entry *e;

	if (count == room) {
		room = room ? room * 2 : 1024;
		entries = check(realloc(entries, room * sizeof(*entries)));
	}
	e = &entries[count];
	e->path = path;
	e->name = name;
	/* Through the one symlink that is allowed, DIR itself: it may be /proc/PID/root. */
	if (count ? lstat(name, &e->st) : stat(name, &e->st)) {
		if (count &&
		    errno == EACCES) /* readable, not searchable: the name is all there is */
			memset(&e->st, 0, sizeof(e->st));
		else
			die(name);
	}
	count++;
}

static void walk(size_t dir)
{
	const struct dirent *d;
	DIR *stream;

	if (!S_ISDIR(entries[dir].st.st_mode) || entries[dir].st.st_dev != entries[0].st.st_dev)
		return;
	stream = opendir(entries[dir].name);
	if (!stream) {
		if (errno != EACCES)
			die(entries[dir].name);
		return; /* print_entry says so */
	}
	while ((errno = 0, d = readdir(stream)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			add(join(entries[dir].path, d->d_name), join(entries[dir].name, d->d_name));
	if (errno)
		die(entries[dir].name);
	closedir(stream);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

int main(int argc, char **argv)
{
	size_t i;

	tar_only = argc == 3 && strcmp(argv[1], "-t") == 0;
	if (argc != 2 && !tar_only) {
		fprintf(stderr, "usage: lister [-t] DIR\n");
		return 2;
	}
	add(join("", ""), join(argv[argc - 1], ""));
	for (i = 0; i < count; i++)
		walk(i);
	qsort(entries, count, sizeof(*entries), by_path);
	for (i = 0; i < count; i++)
		print_entry(&entries[i]);
	if (fflush(stdout) || ferror(stdout))
		die("standard output");
	return status;
}
