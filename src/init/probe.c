/* SPDX-License-Identifier: MIT */
/* Reads superblocks by a table: where the magic, the UUID and the label are. */
#include <string.h>

#include "probe.h"

#define NOT_THERE 0

static const struct format {
	const char *type;
	bool is_far; /* offsets count from PROBE_FAR */
	unsigned short magic_at, magic_len;
	const char *magic;
	unsigned short uuid_at;
	unsigned short label_at, label_len, label_step; /* step 2: UTF-16, of which ASCII is read */
} formats[] = {
	{ "xfs", false, 0, 4, "XFSB", 32, 108, 12, 1 },
	{ "erofs", false, 1024, 4, "\xe2\xe1\xf5\xe0", 1024 + 48, 1024 + 64, 16, 1 },
	{ "f2fs", false, 1024, 4, "\x10\x20\xf5\xf2", 1024 + 108, 1024 + 124, 256, 2 },
	{ "squashfs", false, 0, 4, "hsqs", NOT_THERE, NOT_THERE, 0, 1 },
	/* Two bytes, which may stand there by chance in those above. It reads ext2 and ext3 as well. */
	{ "ext4", false, 0x438, 2, "\x53\xef", 0x468, 0x478, 16, 1 },
	/* So far from the beginning that the mkfs of the others may leave it. */
	{ "btrfs", true, 0x40, 8, "_BHRfS_M", 0x20, 0x12b, 256, 1 },
};

static void print_uuid(char *out, const unsigned char *uuid)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid[i] >> 4];
		*out++ = digits[uuid[i] & 15];
	}
	*out = '\0';
}

bool probe_identify(struct probe *probe, const unsigned char *head, const unsigned char *far)
{
	*probe = (struct probe){ 0 };
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct format *format = &formats[i];
		const unsigned char *block = format->is_far ? far : head;
		size_t len = 0;

		if (memcmp(block + format->magic_at, format->magic, format->magic_len) != 0)
			continue;
		probe->type = format->type;
		if (format->uuid_at != NOT_THERE)
			print_uuid(probe->uuid, block + format->uuid_at);
		while (len < format->label_len / format->label_step) {
			unsigned char c = block[format->label_at + len * format->label_step];

			if (c == '\0')
				break;
			probe->label[len++] = (char)c;
		}
		return true;
	}
	return false;
}
