/* SPDX-License-Identifier: MIT */
/* Superblocks, as the file systems' own mkfs writes them (the boot tests use real ones). */
#include "unit.h"

#include "probe.h"

static unsigned char *head, *far;
static const unsigned char uuid[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
					0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };

/* Exactly as long as they may be read, so that a read past the end is seen. */
static int setup(void **state)
{
	(void)state;
	head = calloc(1, PROBE_HEAD_SIZE);
	far = calloc(1, PROBE_FAR_SIZE);
	return head && far ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(head);
	free(far);
	return 0;
}

static void known(void **state)
{
	static const struct {
		const char *type, *magic;
		unsigned int magic_len, magic_at, uuid_at, label_at, label_len, step;
		bool is_far;
	} formats[] = {
		{ "ext4", "\x53\xef", 2, 1080, 1128, 1144, 16, 1, false },
		{ "xfs", "XFSB", 4, 0, 32, 108, 12, 1, false },
		{ "btrfs", "_BHRfS_M", 8, 64, 32, 299, 256, 1, true },
		{ "erofs", "\xe2\xe1\xf5\xe0", 4, 1024, 1072, 1088, 16, 1, false },
		{ "f2fs", "\x10\x20\xf5\xf2", 4, 1024, 1132, 1148, 128, 2, false },
	};
	struct probe probe;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		unsigned char *block = formats[i].is_far ? far : head;

		memset(head, 0, PROBE_HEAD_SIZE);
		memset(far, 0, PROBE_FAR_SIZE);
		memcpy(block + formats[i].magic_at, formats[i].magic, formats[i].magic_len);
		memcpy(block + formats[i].uuid_at, uuid, sizeof(uuid));
		assert_true(probe_identify(&probe, head, far));
		assert_string_equal(probe.type, formats[i].type);
		assert_string_equal(probe.uuid, "01234567-89ab-cdef-fedc-ba9876543210");
		assert_string_equal(probe.label, "");
		/* A label that fills its field has no end in it. */
		for (unsigned int at = 0; at < formats[i].label_len; at++)
			block[formats[i].label_at + at * formats[i].step] = 'a' + at % 26;
		block[formats[i].label_at + formats[i].label_len * formats[i].step] = 'z';
		assert_true(probe_identify(&probe, head, far));
		assert_int_equal(strlen(probe.label), formats[i].label_len);
		assert_memory_equal(probe.label, "abcdefghijkl", 12);
		/* One bit of the magic, and it is unknown. */
		block[formats[i].magic_at + formats[i].magic_len - 1] ^= 1;
		assert_false(probe_identify(&probe, head, far));
	}
	memset(head, 0, PROBE_HEAD_SIZE);
	memset(far, 0, PROBE_FAR_SIZE);
	memcpy(head, "hsqs", 4);
	assert_true(probe_identify(&probe, head, far));
	assert_string_equal(probe.type, "squashfs");
	assert_string_equal(probe.uuid, "");
	/* Two bytes of its compressed data may be ext4's, and what btrfs left behind is not wiped. */
	memcpy(head + 1080, "\x53\xef", 2);
	memcpy(far + 64, "_BHRfS_M", 8);
	assert_true(probe_identify(&probe, head, far));
	assert_string_equal(probe.type, "squashfs");
	memset(head, 0, 4);
	assert_true(probe_identify(&probe, head, far));
	assert_string_equal(probe.type, "ext4");
}

static void unknown(void **state)
{
	struct probe probe;

	(void)state;
	assert_false(probe_identify(&probe, head, far));
	memset(head, 0xff, PROBE_HEAD_SIZE);
	memset(far, 0xff, PROBE_FAR_SIZE);
	assert_false(probe_identify(&probe, head, far));
	/* The magic of btrfs at the beginning of a device says nothing. */
	memcpy(head + 64, "_BHRfS_M", 8);
	assert_false(probe_identify(&probe, head, far));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown, setup, teardown),
	};

	return cmocka_run_group_tests_name("ovlinit's probe", tests, NULL, NULL);
}
