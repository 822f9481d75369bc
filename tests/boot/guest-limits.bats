# SPDX-License-Identifier: MIT
# For the booted guest: limits that root can set there, and not on every machine that builds. Run by guest.bash.
#
# What stands in single quotes is for the shell of the payload; the variables come from the helpers.
# shellcheck disable=SC2016,SC2154

setup_file() {
	load ../lib/helpers
	mount -t tmpfs -o mode=0755 limits-state /var/lib
	make_tree limits 2
	MAX=$(cat /proc/sys/user/max_mnt_namespaces)
	export MAX STATE=/var/lib/ovlrun
}

teardown_file() {
	umount /var/lib
}

setup() {
	load ../lib/helpers
	USER_ID=4321
	policy "tree $tree" 'permit * any may writable'
}

teardown() {
	echo "$MAX" >/proc/sys/user/max_mnt_namespaces
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true
	wait
	! mountpoint -q "$STATE" || umount "$STATE"
	rm -rf "$BATS_FILE_TMPDIR/disk"
}

@test "T45 of 200 launches at once user.max_mnt_namespaces lets 20 run, the others are told, and none is left" {
	works launch "$top" true
	echo 20 >/proc/sys/user/max_mnt_namespaces
	mkfifo "$BATS_TEST_TMPDIR"/{go,said}
	exec 8<>"$BATS_TEST_TMPDIR/go" 9<>"$BATS_TEST_TMPDIR/said"
	before=$(host_state)
	for n in {1..200}; do
		{
			status=0
			"$PROBES/start" "user:$USER_ID:$USER_ID" -- "$OVLRUN" "$top" probe wait \
				<"$BATS_TEST_TMPDIR/go" >&9 2>"$BATS_TEST_TMPDIR/err$n" 3>&- 8>&- || status=$?
			echo "$status" >&9
		} 8>&- &
	done
	ready=0 told=0
	while [ $((ready + told)) -lt 200 ]; do
		read -r -u 9 -t 600 said
		case $said in
		ready) ready=$((ready + 1)) ;;
		125) told=$((told + 1)) ;;
		*) fail "one says: $said" ;;
		esac
	done
	assert_equal "$ready $told" '20 180'
	texts=$(awk '{ print FNR, $0 }' "$BATS_TEST_TMPDIR"/err* | sort | uniq -c)
	assert_equal "$(wc -l <<<"$texts")" 2
	assert_regex "$texts" '^ *180 1 ovlrun: cannot make namespaces: '
	assert_regex "$texts" $'\n *180 2 ovlrun: hint: too many launches at once: sysctl user\\.max_mnt_namespaces'
	USER_ID=4322 works launch "$top" true # another user is not held by it
	exec 8>&-
	for ((n = 0; n < ready; n++)); do
		read -r -u 9 -t 300 status
		assert_equal "$status" 0
	done
	wait
	exec 9>&-
	assert_equal "$(pgrep -c -f "^$OVLRUN " || true)" 0
	same "$before" "$(host_state)"
	for _ in {1..20}; do
		works launch "$top" true
	done
}

# quota_on FILE: an ext4 with quotas on $STATE, in which the user has 1 MiB and 60 files. There may be no setquota(8).
quota_on() {
	truncate -s 32m "$1"
	mkfs.ext4 -q -O quota "$1"
	mkdir -p "$STATE"
	mount -o loop,usrquota "$1" "$STATE"
	chmod 0700 "$STATE"
	perl -e '
		my ($dir, $id) = (@ARGV, "");
		open(my $fd, "<", $dir) or die;
		my $limits = pack("Q8L2", 1024, 1024, 0, 60, 60, 0, 0, 0, 5, 0);
		syscall(443, fileno($fd), 0x80000800, $id + 0, $limits) == 0 or die "quotactl_fd: $!\n"; # Q_SETQUOTA
	' "$STATE" "$USER_ID"
}

@test "T44 a disk quota of the caller's holds in his uppers" {
	# What he changes of the image counts as his, too.
	install -o $USER_ID -m 0644 /dev/null "$tree/$(tree_id 1)/diff/big"
	head -c 2m /dev/zero | tr '\0' x >"$tree/$(tree_id 1)/diff/big"
	quota_on "$BATS_FILE_TMPDIR/disk"
	run launch -w one "$top" sh -c 'cat /bin/busybox >/tmp/x; echo x >>/big; rm /tmp/x; echo x >/tmp/y && cat /tmp/y'
	assert_equal "$(grep -c 'Disk quota exceeded' <<<"$output")" 2
	assert_line x
	run launch -w one "$top" sh -c 'n=0; while [ $n -lt 90 ]; do : >/tmp/f$n || exit 3; n=$((n + 1)); done'
	assert_failure
	assert_output --partial 'Disk quota exceeded'
	# It is his alone.
	USER_ID=4322 works launch -w one "$top" sh -c 'cat /bin/busybox >/tmp/x'
	rm "$tree/$(tree_id 1)/diff/big"
}
