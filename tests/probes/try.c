/* SPDX-License-Identifier: MIT */
/*
 * try WORD...: system calls of a process that may have capabilities in a user namespace, each with
 * its result, one `word: result` line each. For a payload, or from outside through nsenter(1).
 *
 *   remount:DIR[:FLAGS]  with no other flags than these, of ro nosuid nodev noexec
 *   setattr:DIR          mount_setattr(2): neither nosuid nor nodev
 *   umount:DIR           move:DIR:TO   bind:DIR:TO   rbind:DIR:TO
 *   tmpfs:DIR            proc:DIR      sysfs:DIR
 *   clone:DIR            open_tree(2) of the mount without those below
 *   mknod:FILE           as /dev/null is, and then opened
 *   open:FILE            write:FILE    chown:FILE
 *   setgroups sethostname settime nice port
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/mount.h>

static unsigned long flags_of(const char *text)
{
	unsigned long flags = MS_REMOUNT | MS_BIND;

	if (text)
		flags |= (strstr(text, "ro") ? MS_RDONLY : 0) |
			 (strstr(text, "nosuid") ? MS_NOSUID : 0) |
			 (strstr(text, "nodev") ? MS_NODEV : 0) |
			 (strstr(text, "noexec") ? MS_NOEXEC : 0);
	return flags;
}

static long on_mount(const char *what, const char *dir, const char *to)
{
	struct mount_attr clear = { .attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

	if (strcmp(what, "remount") == 0)
		return mount(NULL, dir, NULL, flags_of(to), NULL);
	if (strcmp(what, "setattr") == 0)
		return syscall(SYS_mount_setattr, AT_FDCWD, dir, 0, &clear, sizeof(clear));
	if (strcmp(what, "umount") == 0)
		return umount2(dir, MNT_DETACH);
	if (strcmp(what, "move") == 0)
		return mount(dir, to, NULL, MS_MOVE, NULL);
	if (strcmp(what, "bind") == 0)
		return mount(dir, to, NULL, MS_BIND, NULL);
	if (strcmp(what, "rbind") == 0)
		return mount(dir, to, NULL, MS_BIND | MS_REC, NULL);
	if (strcmp(what, "clone") == 0)
		return syscall(SYS_open_tree, AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return mount("try", dir, what, 0, NULL); /* tmpfs, proc, sysfs */
}

static long on_file(const char *what, const char *file)
{
	if (strcmp(what, "mknod") == 0)
		return mknod(file, S_IFCHR | 0666, makedev(1, 3)) < 0 ? -1 : open(file, O_RDWR);
	if (strcmp(what, "open") == 0)
		return open(file, O_RDONLY);
	if (strcmp(what, "write") == 0)
		return open(file, O_WRONLY);
	return chown(file, 0, 0);
}

static long on_host(const char *what)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct timespec now;

	if (strcmp(what, "setgroups") == 0)
		return setgroups(0, NULL);
	if (strcmp(what, "sethostname") == 0)
		return sethostname("tried", 5);
	if (strcmp(what, "settime") == 0)
		return clock_gettime(CLOCK_REALTIME, &now) < 0
			       ? -1
			       : clock_settime(CLOCK_REALTIME, &now);
	if (strcmp(what, "nice") == 0)
		return setpriority(PRIO_PROCESS, 0, -5);
	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address));
}

int main(int argc, char **argv)
{
	static const char *const of_files[] = { "mknod", "open", "write", "chown" };

	for (int i = 1; i < argc; i++) {
		char word[4096], *dir, *to;
		long result;
		int is_file = 0;

		snprintf(word, sizeof(word), "%s", argv[i]);
		dir = strchr(word, ':');
		if (dir)
			*dir++ = '\0';
		to = dir ? strchr(dir, ':') : NULL;
		if (to)
			*to++ = '\0';
		for (int k = 0; k < 4; k++)
			is_file |= strcmp(word, of_files[k]) == 0;
		result = !dir	   ? on_host(word)
			 : is_file ? on_file(word, dir)
				   : on_mount(word, dir, to);
		printf("%s: %s\n", argv[i], result < 0 ? strerror(errno) : "SUCCEEDED");
	}
	return 0;
}
