/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "ovl/lowerdir.h"

#define SAFE "index=off,redirect_dir=nofollow,metacopy=off,"

static struct ovl_stack stack;
static struct ovl_overlay overlay;
static struct ovl_error err;
static char data[OVL_DATA_SIZE];

static void make(unsigned int depth)
{
	memset(&stack, 0, sizeof(stack));
	for (unsigned int i = 0; i < depth; i++)
		memcpy(stack.layer[i].link, unit_link(i), 27);
	stack.depth = depth;
	overlay = (struct ovl_overlay){ .stack = &stack,
					.generated = "/run/x/top",
					.upperdir = "/run/x/upper",
					.workdir = "/run/x/work" };
}

static void strings(void **state)
{
	(void)state;
	make(2);
	assert_true(ovl_overlay_data(&overlay, data, sizeof(data)) == (int)strlen(data));
	assert_string_equal(data, SAFE "lowerdir=/run/x/top:l/AAAAAAAAAAAAAAAAAAAAAAAAAA:"
				       "l/AAAAAAAAAAAAAAAAAAAAAAAAAB"
				       ",upperdir=/run/x/upper,workdir=/run/x/work");
	overlay.upperdir = overlay.workdir = overlay.generated = NULL;
	overlay.index = true;
	ovl_overlay_data(&overlay, data, sizeof(data));
	assert_string_equal(data,
			    "index=on,redirect_dir=nofollow,metacopy=off,"
			    "lowerdir=l/AAAAAAAAAAAAAAAAAAAAAAAAAA:l/AAAAAAAAAAAAAAAAAAAAAAAAAB");
}

/* The length is exact at every size of the buffer, and nothing is written past it. */
static void exact_size(void **state)
{
	int len;

	(void)state;
	make(3);
	len = ovl_overlay_data(&overlay, data, sizeof(data));
	for (int size = 1; size <= len; size++) {
		data[size] = '#';
		assert_int_equal(ovl_overlay_data(&overlay, data, (size_t)size), -E2BIG);
		assert_int_equal(data[size], '#');
	}
	assert_int_equal(ovl_overlay_data(&overlay, data, (size_t)len + 1), len);
}

static void page(void **state)
{
	(void)state;
	make(128);
	assert_true(ovl_overlay_data(&overlay, data, sizeof(data)) <= OVL_PAGE_DATA_MAX);
	make(499);
	assert_int_equal(ovl_overlay_check(&overlay, &err), 0);
	assert_true(ovl_overlay_data(&overlay, data, sizeof(data)) > OVL_PAGE_DATA_MAX);
}

static void depth(void **state)
{
	(void)state;
	make(500);
	assert_int_equal(ovl_overlay_check(&overlay, &err), -E2BIG);
	overlay.generated = NULL;
	assert_int_equal(ovl_overlay_check(&overlay, &err), 0);
	make(1);
	overlay.upperdir = overlay.workdir = NULL;
	assert_int_equal(ovl_overlay_check(&overlay, &err), 0);
	overlay.generated = NULL;
	assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
	make(0);
	assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
}

/* The sink's own check: none of this can come from the stages before, and none of it passes. */
static void T04_sink(void **state)
{
	static const char *const bad[] = { "",	    "relative", "/a,b", "/a:b", "/a\\b",
					   "/a\nb", "/a/../b",	"/a b", "/a=b" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make(2);
		overlay.upperdir = bad[i];
		assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
		make(2);
		overlay.workdir = bad[i];
		assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
		make(2);
		overlay.generated = bad[i];
		assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
	}
	make(2);
	overlay.workdir = NULL;
	assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
	make(2);
	memcpy(stack.layer[1].link, "A,upperdir=/tmp/uAAAAAAAAA", 27);
	assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
	make(2);
	stack.layer[1].link[25] = '\0';
	assert_int_equal(ovl_overlay_check(&overlay, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings), cmocka_unit_test(exact_size), cmocka_unit_test(page),
		cmocka_unit_test(depth),   cmocka_unit_test(T04_sink),
	};

	return cmocka_run_group_tests_name("lowerdir", tests, NULL, NULL);
}
