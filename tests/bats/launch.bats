# SPDX-License-Identifier: MIT
# The main job: launches that work, and what they show and leave.

setup_file() {
	load ../lib/helpers
	make_tree launch 3
	base=$(tree_id 1) middle=$(tree_id 2)
	export base middle
	echo base >"$tree/$base/diff/file"
	echo top >"$tree/$top/diff/file"
	echo secret >"$tree/$middle/diff/secret"
	mknod "$tree/$top/diff/secret" c 0 0
	mkdir "$tree/$base/diff/dir" "$tree/$top/diff/dir"
	: >"$tree/$base/diff/dir/old" 
	: >"$tree/$top/diff/dir/new"
	setfattr -n trusted.overlay.opaque -v y "$tree/$top/diff/dir"
}

setup() {
	load ../lib/helpers
}

@test "a layer with all its lowers, by cache-id" {
	works launch "$top" cat /file /layer1 /layer2 /layer3
	assert_equal "$output" $'top\n1\n2\n3'
}

@test "a layer with all its lowers, by link" {
	works launch "$(tree_link 3)" cat /layer1 /layer3
	assert_equal "$output" $'1\n3'
}

@test "a lower layer alone has only its own lowers" {
	works launch "$middle" ls /secret /layer2
	run launch "$middle" ls /layer3
	assert_failure 1
}

@test "-l takes exactly the layers named, by cache-id and link, uppermost first" {
	works launch -l "$middle:$(tree_link 1)" sh -c 'cat /file; cat /secret; ls /layer3 2>&1 || true'
	assert_line base
	assert_line secret
	assert_line --partial 'No such file'
	works launch -l "$base:$top" cat /file
	assert_output base
}

@test "whiteouts hide and opaque directories end what is below" {
	run launch "$top" cat /secret
	assert_failure 1
	works launch "$top" ls /dir
	assert_output new
}

@test "the default is a shell" {
	run bash -c 'echo "echo hello; exit 5" | (cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top")'
	assert_output hello
	assert_equal "$status" 5
}

@test "writes go to an upper that is gone afterwards, and no layer changes" {
	before=$(fingerprint "$tree")
	works launch "$top" sh -c 'echo x >/tmp/x; cat /tmp/x'
	assert_output x
	run launch "$top" cat /tmp/x
	assert_failure 1
	works "$OVLRUN" "$top" sh -c 'echo changed >/file; rm -rf /dir /layer1; cat /file'
	assert_output changed
	works launch "$top" cat /file /layer1
	assert_equal "$(fingerprint "$tree")" "$before"
}

@test "two launches at once do not see each other's writes" {
	mkfifo "$BATS_TEST_TMPDIR/go"
	launch "$top" sh -c 'echo one >/tmp/x; echo ready; read line; cat /tmp/x' \
		<"$BATS_TEST_TMPDIR/go" >"$BATS_TEST_TMPDIR/out" &
	exec 9>"$BATS_TEST_TMPDIR/go"
	works launch "$top" sh -c 'echo two >/tmp/x; cat /tmp/x'
	echo >&9
	exec 9>&-
	wait
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" one
}

@test "-r is read-only, also for root" {
	run launch -r "$top" sh -c 'echo x >/var/x'
	assert_failure
	assert_output --partial 'Read-only file system'
	run "$OVLRUN" -r "$top" touch /x
	assert_output --partial 'Read-only file system'
}

@test "T09 one layer read-only works, and a write is EROFS" {
	works launch -r "$base" cat /layer1
	run launch -r "$base" sh -c 'echo x >/x'
	assert_output --partial 'Read-only file system'
	works launch -r -l "$base" cat /layer1
}

@test "T09 the root directory looks like the image's own" {
	chmod 1751 "$tree/$top/diff"
	chown 12:34 "$tree/$top/diff"
	for option in -r --bare -q; do
		works launch $option "$top" stat -c '%a %u %g' /
		assert_output '1751 12 34'
	done
	chmod 0755 "$tree/$top/diff"
	chown 0:0 "$tree/$top/diff"
}

@test "T44 the upper has the size asked for, in bytes and in files" {
	run launch --tmpfs-size 1m "$top" dd if=/bin/busybox of=/tmp/x bs=64k count=32
	assert_failure
	assert_output --partial 'No space left'
	run launch --tmpfs-size 64k "$top" sh -c 'i=0; while [ $i -lt 300 ]; do : >/tmp/$i || exit 3; i=$((i+1)); done'
	assert_failure
	assert_output --partial 'No space left'
	works launch --tmpfs-size 2m "$top" dd if=/bin/busybox of=/tmp/x bs=64k count=8
}

@test "a launch leaves nothing but /run/ovlrun" {
	rm -rf /run/ovlrun
	before=$(mounts; ls -lR /run "$tree")
	works launch "$top" true
	assert_equal "$(stat -c '%a %u %g' /run/ovlrun)" '700 0 0'
	rmdir /run/ovlrun # which fails if anything is in it
	assert_equal "$(mounts; ls -lR /run "$tree")" "$before"
}

@test "T38 it works without /proc, and capabilities are all gone" {
	works unshare --mount sh -c 'umount -l /proc && cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" /bin/probe caps nnp'
	for set in effective permitted inheritable bounding ambient; do
		assert_equal "$(value $set)" 0000000000000000
	done
	assert_equal "$(value no_new_privs)" 1
}

@test "a launch by root has root's ids and what Docker leaves of the capabilities" {
	works "$OVLRUN" "$top" /bin/probe ids caps nnp
	assert_equal "$(value uid)" '0 0 0'
	assert_equal "$(value effective)" 00000000a80425fb
	assert_equal "$(value bounding)" 00000000a80425fb
	assert_equal "$(value no_new_privs)" 1
}

@test "depth: 1, 2, 64 and 128 layers by mount(2) below a path of 200 bytes" {
	long=$LAB
	while [ ${#long} -lt 180 ]; do long=$long/a-longer-name; mkdir "$long"; done
	long=$long/$(printf 'x%.0s' $(seq $((199 - ${#long}))))
	assert_equal ${#long} 200
	tree_init "$long"
	tree_chain "$long" 128 fill_base
	offer "$long" "$tree"
	for n in 1 2 64 128; do
		for option in -r -q; do
			works launch -n "$(tree_id $n)"
			assert_line --regexp '^mount +mount\(2\)$'
			works launch $option "$(tree_id $n)" sh -c 'ls -d /layer* | wc -l; cat /layer1'
			assert_equal "$output" "$n"$'\n1'
		done
	done
	offer "$tree"
}

@test "depth: 141 to 500 layers by lowerdir+ below a path of 200 bytes, 501 refused" {
	long=$LAB/$(printf 'y%.0s' $(seq $((199 - ${#LAB}))))
	assert_equal ${#long} 200
	tree_init "$long"
	tree_chain "$long" 501 fill_base
	offer "$long" "$tree"
	if ! has_lowerdir_plus; then
		for n in 141 300 499; do
			refused launch "$(tree_id $n)"
			says 'max depth exceeded: the options pass one page, and this kernel has no lowerdir+'
			says 'use fewer layers, or Linux 6.8'
		done
		offer "$tree"
		return
	fi
	for n in 141 300 499; do
		works launch -n "$(tree_id $n)"
		assert_line --regexp '^mount +fsopen, lowerdir\+$'
		for option in -r -q; do
			works launch $option "$(tree_id $n)" sh -c 'ls -d /layer* | wc -l; cat /layer1'
			assert_equal "$output" "$n"$'\n1'
		done
	done
	# 500 fill the kernel's limit: with --bare the generated directory gives way.
	for option in -r -q; do
		works launch --bare $option "$(tree_id 500)" sh -c 'ls -d /layer* | wc -l'
		assert_output 500
	done
	refused launch "$(tree_id 500)"
	says 'max depth exceeded'
	says 501
	refused launch --bare "$(tree_id 501)"
	says 'max depth exceeded'
	says 500
	offer "$tree"
}

@test "T05 every depth around the page is mounted whole" {
	deep=$LAB/page
	tree_init "$deep"
	tree_chain "$deep" 145 fill_base
	offer "$deep" "$tree"
	plus=yes
	has_lowerdir_plus || plus=no
	local -A full=() # by option: the kernel that must take a page takes no more
	for n in ${OVL_DEPTHS-129 130 131 132 133 134 135 136 137 138 139 140 141 142}; do # fewer where it takes minutes
		for option in -r -q; do
			run --separate-stderr launch $option "$(tree_id $n)" sh -c 'ls -d /layer* | wc -l; cat /layer1; touch /tmp/x && echo wrote || true'
			if [ $plus = no ] && [ "$status" = 125 ]; then
				says 'max depth exceeded: the options pass one page, and this kernel has no lowerdir+'
				[ "$n" -gt 134 ] || fail "$n layers are too many"
				full[$option]=$n
				continue
			fi
			[ "$status" = 0 ] || fail "status $status: $stderr"
			[ -z "${full[$option]-}" ] || fail "$n layers are mounted, and ${full[$option]} are not"
			assert_line --index 0 $n
			assert_line --index 1 1
			[ $option = -r ] || assert_line wrote
		done
	done
	[ $plus = yes ] || [ "${#full[@]}" = 2 ]
	offer "$tree"
}
