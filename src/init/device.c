/* SPDX-License-Identifier: MIT */
/*
 * Block devices without udev: uevents from the kernel, names from sysfs, nodes from devtmpfs.
 *
 * A device is mounted as what its superblock says, not by trying one file system after the other: a driver
 * that is not needed never sees its blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/loop.h>
#include <linux/netlink.h>

#include "device.h"
#include "dir.h"
#include "probe.h"
#include "report.h"
#include "words.h"

#define UEVENT_GROUP 1	 /* the kernel's own; udev repeats them in group 2 */
#define LOOK_AGAIN   100 /* ms, where there are no uevents */

struct timespec device_deadline(unsigned int seconds)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += seconds;
	return at;
}

/* Milliseconds until the deadline, rounded up; 0 when it has passed. */
static int time_left(const struct timespec *deadline)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (deadline->tv_sec - now.tv_sec) * 1000LL +
	     (deadline->tv_nsec - now.tv_nsec + 999999) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* What the superblock of path says; false if it has none that is known or cannot be read. */
static bool identify(const char *path, struct probe *probe)
{
	static unsigned char head[PROBE_HEAD_SIZE], far[PROBE_FAR_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_known;

	if (fd < 0)
		return false;
	memset(far, 0, sizeof(far));
	is_known = pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		   pread(fd, far, sizeof(far), PROBE_FAR) >= 0 && probe_identify(probe, head, far);
	close(fd);
	return is_known;
}

/* A drive without a medium has size 0: to open it could take seconds. */
static bool has_medium(const char *name)
{
	char path[DEVICE_PATH_SIZE], digit = '0';
	int fd;

	snprintf(path, sizeof(path), "/sys/class/block/%s/size", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &digit, 1) != 1)
		digit = '0';
	close(fd);
	return digit != '0';
}

static bool is_block(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

static bool is_wanted(const char *path, const char *uuid, const char *label)
{
	struct probe probe;

	return is_block(path) && identify(path, &probe) &&
	       (uuid ? strcasecmp(probe.uuid, uuid) == 0 : strcmp(probe.label, label) == 0);
}

static bool find(char path[DEVICE_PATH_SIZE], const char *spec)
{
	const char *uuid = words_after(spec, "UUID="), *label = words_after(spec, "LABEL=");
	struct dir_reader reader = { 0 };
	bool is_found = false;
	const char *name;

	if (!uuid && !label)
		return snprintf(path, DEVICE_PATH_SIZE, "%s", spec) < DEVICE_PATH_SIZE &&
		       is_block(path);
	reader.fd = open("/sys/class/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (!is_found && (name = dir_next(&reader))) {
		if (!has_medium(name))
			continue;
		snprintf(path, DEVICE_PATH_SIZE, "/dev/%s", name);
		for (char *c = path; (c = strchr(c, '!')); *c = '/') /* cciss!c0d0 in sysfs */
			;
		is_found = is_wanted(path, uuid, label);
	}
	if (reader.fd >= 0)
		close(reader.fd);
	return is_found;
}

static int listen_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = UEVENT_GROUP };
	int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Waits for a uevent, and takes all that have come. Which device they tell of does not matter. */
static void wait_uevent(int fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char event[4096];

	poll(&pollfd, 1, fd < 0 && ms > LOOK_AGAIN ? LOOK_AGAIN : ms);
	while (fd >= 0 && (recv(fd, event, sizeof(event), 0) >= 0 || errno == ENOBUFS))
		;
}

int device_wait(char path[DEVICE_PATH_SIZE], const char *spec, const struct timespec *deadline,
		struct ovl_error *err)
{
	int fd = listen_uevents(); /* before the first look: nothing can be missed */
	bool is_found;
	int left = 1;

	for (bool is_first = true; !(is_found = find(path, spec)) && left > 0; is_first = false) {
		left = time_left(deadline);
		if (is_first)
			report(REPORT_DEBUG, "waiting for %s", spec);
		if (left > 0)
			wait_uevent(fd, left);
	}
	if (fd >= 0)
		close(fd);
	return is_found ? 0
			: ovl_fail(err, ENODEV, "find device", "it did not appear in time",
				   "is its driver in the initramfs? ovl.wait=SECONDS waits longer",
				   "%s", spec);
}

int device_mount(const char *path, const char *target, const char *type, struct ovl_error *err)
{
	struct probe probe;
	int ret;

	if (!type && identify(path, &probe))
		type = probe.type;
	if (!type)
		return ovl_fail(err, EINVAL, "mount", "no file system is recognized on it",
				"ovl.rootfstype=TYPE names the one of ovl.root", "%s", path);
	ret = dir_make(target, 0755, err);
	if (ret < 0)
		return ret;
	if (mount(path, target, type, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	if (errno == ENODEV)
		return ovl_fail(err, ENODEV, "mount", "the kernel does not know this file system",
				"its module belongs into /lib/modules/ovl of the initramfs",
				"%s as %s", path, type);
	return ovl_fail(err, errno, "mount",
			errno == EINVAL ? "it is no such file system, or damaged" : NULL,
			errno == EBUSY ? "it is mounted already: writable, or as another type"
				       : "the kernel's messages may say more",
			"%s as %s", path, type);
}

int device_loop(char path[DEVICE_PATH_SIZE], const char *file, struct ovl_error *err)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR };
	int filefd, loopfd, controlfd, number = -1, ret = 0;

	filefd = open(file, O_RDONLY | O_CLOEXEC);
	if (filefd < 0)
		return ovl_fail(
			err, errno, "open", NULL,
			"ovl.root=initramfs:FILE names a file system image in the initramfs", "%s",
			file);
	controlfd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (controlfd >= 0) {
		number = ioctl(controlfd, LOOP_CTL_GET_FREE);
		close(controlfd);
	}
	snprintf(path, DEVICE_PATH_SIZE, "/dev/loop%d", number);
	loopfd = number < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (loopfd < 0)
		ret = ovl_fail(err, errno, "make a loop device for", NULL,
			       "the module loop belongs into /lib/modules/ovl of the initramfs",
			       "%s", file);
	else if (ioctl(loopfd, LOOP_SET_FD, filefd) < 0)
		ret = ovl_cannot(err, errno, "make a loop device for", file, NULL);
	else if (ioctl(loopfd, LOOP_SET_STATUS64, &info) < 0) {
		ret = ovl_cannot(err, errno, "make a loop device for", file, NULL);
		ioctl(loopfd, LOOP_CLR_FD);
	}
	close(filefd);
	if (ret == 0)
		ret = loopfd; /* until it is mounted the caller holds it */
	else if (loopfd >= 0)
		close(loopfd);
	return ret;
}
