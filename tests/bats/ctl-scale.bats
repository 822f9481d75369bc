# SPDX-License-Identifier: MIT
# A Docker root of 20,000 layers: what ovlctl takes there, in time and memory, and that ovlrun does not notice.

setup_file() {
	load ../lib/helpers
	export CTL=$OVL_TOP/build/ovlctl few=$LAB/scale/few many=$LAB/scale/many
	mkdir "$LAB/scale"
	perl "$OVL_TOP/tests/lib/many.pl" "$few" 10 10 >/dev/null
	# Image 1 of both is the same.
	top=$(perl "$OVL_TOP/tests/lib/many.pl" "$many" 20000 10)
	export top
	for tree in "$few" "$many"; do
		tree_busybox "$tree/overlay2/$top/diff"
	done
}

teardown_file() {
	rm -rf "$LAB/scale" /etc/ovlrun.conf
}

setup() {
	load ../lib/helpers
}

# bounded COUNT VERB...: prints as many rows, in at most 64 MiB of data and 2 s of the processor's; more where it is emulated.
bounded() {
	local count=$1
	shift
	run --separate-stderr bash -c 'ulimit -d 65536 -t $((PATIENCE / 5)) && exec "$@" | wc -l' - "$CTL" "$@" --root "$many"
	assert_equal "$status:$stderr" 0:
	assert_equal "$output" "$count"
}

@test "scale: ls, images and tree of 20,000 layers within 64 MiB and 2 s, check within 4" {
	bounded 20001 ls
	bounded 2001 images
	bounded 20002 ls --json
	bounded 2002 images --json
	bounded 1 containers
	bounded 20000 tree
	# On a quiet machine check takes 1.4 s; beside others as much of the processor again.
	run bash -c 'ulimit -d 65536 -t 4 && exec "$@"' - "$CTL" check --quiet --root "$many"
	[ "$status" -lt 2 ] || fail "check: status $status: $output"
}

@test "scale: inspect finds the last of 2,000 images" {
	run "$CTL" inspect --json --root "$many" image1:1
	assert_success
	assert_equal "$(jq -r .Layer <<<"$output")" "$top"
}

# calls_of TREE: the system calls of a launch there.
calls_of() {
	offer "$1/overlay2"
	"$OVLRUN" -r -t "$1/overlay2" "$top" /bin/true # the very first makes /run/ovl
	strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" -r -t "$1/overlay2" "$top" /bin/true
	sed -E 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/; t; d' "$BATS_TEST_TMPDIR/trace" | sort | uniq -c
}

@test "scale: ovlrun makes exactly the system calls that it makes in a tree of ten" {
	run calls_of "$few"
	assert_success
	assert_line --regexp ' openat2$'
	expected=$output
	run calls_of "$many"
	diff <(echo "$expected") <(echo "$output")
}
