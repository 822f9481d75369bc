# SPDX-License-Identifier: MIT
# Launches held or ended behind each stage, by the fault points of a test build.

setup_file() {
	load ../lib/helpers
	make_tree fault 4
	top=$(tree_id 3) other=$(tree_id 4) # one layer is above the stack that is launched
	export other
	middle=$(tree_id 2)
	export middle stages='process privs policy isolate tree mount rootfs'
}

setup() {
	load ../lib/helpers
}

# held_behind STAGE ARGUMENT...: starts a launch as the user that stops behind STAGE. Sets pid.
held_behind() {
	coproc HELD { cd / && OVL_FAULT=$1:stop exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- \
		"$LAB/bin/ovlrun-fault" "${@:2}" 3>&- 2>&1; }
	# shellcheck disable=SC2153 # bash sets it
	pid=$HELD_PID
	exec {said_fd}<&"${HELD[0]}" # bash forgets its own copy when the process ends
	until [ "$(state_of "$pid")" = T ]; do kill -0 "$pid"; done
}

# go_on: sets output and status of the launch.
go_on() {
	local launch=$pid
	kill -CONT "$launch"
	run cat <&"$said_fd"
	exec {said_fd}<&-
	status=0
	wait "$launch" || status=$?
}

@test "the shipped program has no fault point, and one that has is refused" {
	works env OVL_FAULT=process:die setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" true
	cp "$LAB/bin/ovlrun-fault" "$BATS_TEST_TMPDIR/copy"
	run "$OVL_TOP/packaging/check-binary.sh" "$BATS_TEST_TMPDIR/copy"
	assert_failure
	assert_output --partial 'fault points'
	[ ! -e "$BATS_TEST_TMPDIR/copy" ]
}

@test "T21 T22 behind every stage the caller can neither look in nor stop nor kill" {
	for stage in $stages; do
		held_behind "$stage" "$top" /bin/probe nnp
		for file in mem environ maps fd/0 root cwd exe; do
			run as_user head -c 1 "/proc/$pid/$file"
			assert_output --partial 'Permission denied'
		done
		for signal in STOP KILL TERM; do
			run as_user kill -$signal "$pid"
			assert_failure
		done
		go_on
		assert_equal "$status" 0
		assert_line 'no_new_privs: 1'
	done
}

@test "T21 behind the drop the caller's signals reach it, and still nobody looks in" {
	held_behind drop "$top" /bin/probe nnp
	run as_user head -c 1 "/proc/$pid/environ"
	assert_output --partial 'Permission denied'
	launch=$pid
	works as_user kill -TERM "$launch"
	kill -CONT "$launch"
	status=0
	wait "$launch" || status=$?
	assert_equal "$status" 143
}

@test "T22 held for a second behind any stage, the launch is what it was" {
	for stage in $stages drop; do
		run env OVL_FAULT=$stage:sleep setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB/bin/ovlrun-fault" "$top" cat /layer1
		assert_equal "$status" 0
		assert_output 1
	done
}

@test "T46 dead behind any stage, nothing is left" {
	before=$(mounts)
	fine=$(fingerprint "$tree")
	for stage in $stages drop; do
		rm -rf /run/ovlrun
		run env OVL_FAULT=$stage:die setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB/bin/ovlrun-fault" "$top" true
		assert_equal "$status" 137
		[ ! -e /run/ovlrun ] || rmdir /run/ovlrun
	done
	assert_equal "$(mounts)" "$before"
	assert_equal "$(fingerprint "$tree")" "$fine"
}

@test "C20 T06 a link that is swapped between check and mount: nothing is run" {
	for target in "$other" "$(tree_id 1)" "$top"; do
		held_behind tree "$top" cat /layer1
		ln -sfn "../$target/diff" "$tree/l/$(tree_link 2)"
		go_on
		ln -sfn "../$middle/diff" "$tree/l/$(tree_link 2)"
		assert_equal "$status" 125
		assert_output --partial 'ovlrun: cannot '
		refute_output --regexp '^1'
	done
	# And one that is gone.
	held_behind tree "$top" cat /layer1
	mv "$tree/l/$(tree_link 2)" "$tree/aside"
	go_on
	mv "$tree/aside" "$tree/l/$(tree_link 2)"
	assert_equal "$status" 125
}

@test "T22 what is mounted over the tree or moved meanwhile changes nothing" {
	held_behind isolate "$top" cat /layer1
	mount -t tmpfs over "$tree"
	go_on
	umount "$tree"
	assert_equal "$status" 0
	assert_output 1
	held_behind tree "$top" cat /layer1
	mv "$tree" "$tree.moved"
	mkdir "$tree"
	go_on
	rmdir "$tree"
	mv "$tree.moved" "$tree"
	assert_equal "$status" 0
	assert_output 1
}

@test "T10 the policy is asked once: a change behind it is for the next launch" {
	held_behind policy "$top" cat /layer1
	policy "tree $tree" 'permit * any' 'deny * any'
	go_on
	assert_output 1
	refused launch "$top"
	offer "$tree"
}

@test "T42 /run/ovlrun taken away or replaced during a launch" {
	held_behind tree "$top" cat /layer1
	rm -rf /run/ovlrun
	ln -s "$tree" /run/ovlrun
	go_on
	rm /run/ovlrun
	assert_equal "$status" 125
	held_behind mount "$top" cat /layer1
	rmdir /run/ovlrun # which takes what is mounted there off in every namespace
	go_on
	assert_equal "$status" 125
	refute_line 1
}
