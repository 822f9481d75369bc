# SPDX-License-Identifier: MIT
# What the payload is and has, what it cannot do, and what a caller can do to the program.

setup_file() {
	load ../lib/helpers
	make_tree privs 2
}

setup() {
	load ../lib/helpers
}

@test "T16 a setuid root file in a layer gives nothing" {
	install -o 0 -m 6755 "$PROBES/probe" "$tree/$top/diff/suid"
	# The attack is real where there is neither nosuid nor no_new_privs.
	works as_user "$tree/$top/diff/suid" ids || true
	chmod 0711 "$tree" "$tree/$top"
	works as_user "$tree/$top/diff/suid" ids
	assert_equal "$(value uid)" '65534 0 0'
	chmod 0710 "$tree" "$tree/$top"
	works launch "$top" /suid ids
	assert_equal "$(value uid)" '65534 65534 65534'
	assert_equal "$(value gid)" '65534 65534 65534'
}

@test "T16 nor does it from outside, through the payload's root directory" {
	hold "$top" /bin/probe wait
	works as_user "/proc/$held/root/suid" ids
	assert_equal "$(value uid)" '65534 65534 65534'
	info=$(cat "/proc/$held/mountinfo")
	release
	[[ $info == *' / / rw,nosuid,nodev,'* ]] || fail "$info"
}

@test "T17 file capabilities in a layer give nothing" {
	install -m 0755 "$PROBES/probe" "$tree/$top/diff/capable"
	setcap cap_dac_override,cap_setuid+ep "$tree/$top/diff/capable"
	echo x >"$tree/$top/diff/shadow"
	chmod 0600 "$tree/$top/diff/shadow"
	chmod 0711 "$tree" "$tree/$top"
	works as_user "$tree/$top/diff/capable" open "$tree/$top/diff/shadow" # the attack is real
	chmod 0710 "$tree" "$tree/$top"
	run launch "$top" /capable open /shadow
	assert_output 'open: Permission denied'
	works launch "$top" /capable caps
	assert_equal "$(value effective)" 0000000000000000
}

@test "T18 a passwd of the caller's own and the image's su" {
	base=$(tree_id 1)
	chmod 4755 "$tree/$base/diff/bin/busybox"
	chown 65534 "$tree/$base/diff/etc" "$tree/$base/diff/etc/passwd"
	become='echo "root::0:0::/:/bin/sh" >/etc/passwd; su -c id'
	run chroot --userspec=65534:65534 "$tree/$base/diff" sh -c "$become" # the attack is real
	assert_output --partial uid=0
	run launch "$top" sh -c "$become"
	chmod 0755 "$tree/$base/diff/bin/busybox"
	assert_failure
	refute_output --partial uid=0
}

@test "T19 device nodes in a layer do not open" {
	mknod -m 0666 "$tree/$top/diff/null" c 1 3
	mknod -m 0666 "$tree/$top/diff/disk" b 7 0
	for option in -r -q; do
		run launch $option "$top" /bin/probe open /null
		assert_output 'open: Permission denied'
		run launch $option "$top" /bin/probe open /disk
		assert_output 'open: Permission denied'
		run "$OVLRUN" $option "$top" /bin/probe open /null
		assert_output 'open: Permission denied'
	done
}

@test "T38 no way back: every attempt to regain fails" {
	works launch "$top" /bin/probe regain
	refute_output --partial SUCCEEDED
	assert_equal "${#lines[@]}" 14
	works "$OVLRUN" --caps none "$top" /bin/probe regain
	# uid 0 may ask for the id it has; nothing else.
	[ "$(grep -c SUCCEEDED <<<"$output")" = "$(grep -cE '^(setuid|setresuid|setresgid): SUCC' <<<"$output")" ]
}

@test "T37 ids and supplementary groups are the caller's" {
	works with user:4321:8765:$(seq -s : 100 150) -- "$top" /bin/probe ids groups
	assert_equal "$(value uid)" '4321 4321 4321'
	assert_equal "$(value gid)" '8765 8765 8765'
	assert_equal "$(value fsuid)" 4321
	assert_equal "$(value fsgid)" 8765
	assert_equal "$(value groups)" "$(seq -s " " 100 150)"
	works with -- "$top" /bin/probe groups
	assert_equal "$(value groups)" ''
}

@test "T37 a setgid file passes no group on" {
	install -o 0 -g 42 -m 6755 "$OVLRUN" "$LAB/bin/sgid"
	works as_user "$LAB/bin/sgid" "$top" /bin/probe ids
	assert_equal "$(value gid)" '65534 65534 65534'
}

@test "T25 descriptors 0 to 2 closed, all seven combinations" {
	for user in $USER_ID:$USER_ID 0:0; do
		for closed in '0' '1' '2' '0 1' '0 2' '1 2' '0 1 2'; do
			states=()
			for fd in $closed; do states+=("close:$fd"); done
			before=$(fingerprint "$tree")
			out=$BATS_TEST_TMPDIR/out
			rm -f "$out"
			run --separate-stderr with "user:$user" "${states[@]}" -- "$top" /bin/sh -c \
				'for fd in 0 1 2; do [ -c /dev/fd/$fd ]; done; /bin/probe fds >&2; /bin/probe fds; exit 7'
			assert_equal "$status" 7
			[[ $closed == *1* ]] || assert_equal "$(grep -c '^fd: [012] ' <<<"$output")" 3
			[[ $closed == *2* ]] || assert_equal "$(grep -c '^fd: [012] ' <<<"$stderr")" 3
			assert_equal "$(fingerprint "$tree")" "$before"
		done
	done
}

@test "T26 no descriptor from the caller reaches the payload" {
	works with open:3:/ open:7:/etc/passwd path:9:/ many:40 -- "$top" /bin/probe fds
	assert_equal "$(grep -c '^fd:' <<<"$output")" 3
	works with open:1000:/ limit:7:64:64 -- "$top" /bin/probe fds # above the limit
	assert_equal "$(grep -c '^fd:' <<<"$output")" 3
}

@test "T26 nothing of the caller's is open while the program is privileged" {
	stopped_at mount 3 "$top" true 7</etc/passwd 9</
	open=$(find "/proc/$pid/fd" -mindepth 1 -printf '%l\n')
	resume
	[[ $open == *"$tree"* ]] # the look is a real one
	! grep -xE '/etc/passwd|/' <<<"$open"
}

@test "T26 T21 nothing of the program's is open any more when its ids become the caller's" {
	for request in "$top true" "-n $top" "no-such-image"; do
		# shellcheck disable=SC2086 # words
		run bash -c 'cd / && strace -u nobody "$OVLRUN" "$@" 2>&1 | grep -B 60 "^setresuid(65534, 65534, 65534)" |
			sed "1,/^close_range(.*= 0/d" | grep -E "^(open|socket|fsopen|dup|pivot)"' x $request
		assert_output ''
		# shellcheck disable=SC2086
		run bash -c 'cd / && strace -u nobody -e trace=close_range,setresuid "$OVLRUN" "$@" 2>&1 |
			grep -B 1 "^setresuid(65534, 65534, 65534)"' x $request
		assert_line --index 0 --regexp '^close_range\([0-9]+, (4294967295|~0U), .* = 0$'
	done
}

@test "T27 0 to 2 a directory or O_PATH is refused" {
	for fd in 0 1; do
		refused with open:$fd:/ -- "$top" true
		says "descriptor $fd"
		refused with path:$fd:/ -- "$top" true
		refused with path:$fd:/etc/passwd -- "$top" true
	done
	run with open:2:/ -- "$top" true
	assert_equal "$status" 125
	works with open:0:/etc/passwd -- "$top" cat
	assert_output --partial 'root:x:0:0'
}

@test "T29 nothing of the old root is left" {
	hold "$top" /bin/probe wait
	info=$(cat "/proc/$held/mountinfo")
	root=$(readlink "/proc/$held/root")
	release
	# The overlay; /dev with its pts, and files of /etc; the host's /proc and /sys with all below. No more.
	assert_equal "$(awk '$5 !~ "^/(proc|sys)/" { print $5 }' <<<"$info" | sort | tr '\n' ' ')" \
		'/ /dev /dev/pts /etc/group /etc/hostname /etc/hosts /etc/passwd /etc/resolv.conf /proc /sys '
	[[ $info == *' - overlay overlay '* ]]
	run launch "$top" sh -c 'cd ..; cd ../..; ls -d srv/bin /srv /run/ovlrun'
	assert_failure
	refute_line /srv
}

@test "T40 nothing propagates out, on a shared root" {
	works unshare --mount --propagation shared bash -c '
		. "$OVL_TOP/tests/lib/tree.bash"
		before=$(cat /proc/self/mountinfo)
		grep -q "^[^ ]* [^ ]* [^ ]* [^ ]* / .* shared:" <<<"$before" || exit 9
		coproc HELD { cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" /bin/probe wait; }
		pid=$HELD_PID
		read -r line <&"${HELD[0]}"
		[ "$line" = ready ] || exit 8
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 7
		grep -q "shared:\|master:" "/proc/$pid/mountinfo" && exit 6
		fd=${HELD[1]}
		exec {fd}>&-
		wait "$pid"
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 5'
}

@test "T21 not dumpable again at once after every change of ids" {
	# The kernel resets the flag to fs.suid_dumpable at each: the next call must clear it.
	run bash -c 'cd / && strace -u nobody "$OVLRUN" "$top" true 2>&1 | sed -n "/^getuid/,/^execve(.\/bin/p" | awk "
		/= -1 / { next }
		/^set(res|fs)[ug]id\(/ { changed = \$0; changes++; next }
		changed && !/^prctl\(PR_SET_DUMPABLE, (SUID_DUMP_DISABLE|0)\)/ { print \"no reset after\", changed }
		{ changed = \"\" }
		END { print changes, \"changes\" }"'
	assert_output '18 changes'
}

@test "T21 T22 a caller cannot look into, stop or kill the program" {
	stopped_at mount 3 "$top" /bin/probe nnp
	for file in mem environ maps fd/0 root cwd exe; do
		run as_user head -c 1 "/proc/$pid/$file"
		assert_failure
		assert_output --partial 'Permission denied'
	done
	run as_user kill -STOP "$pid"
	assert_failure
	run as_user kill -KILL "$pid"
	assert_failure
	resume
	assert_line 'no_new_privs: 1'
}

@test "T21 what it says is said as the caller, whatever the descriptor is" {
	# On a socket with the caller's credentials, not root's.
	for arguments in --help --version "-n $top" "-v $top true" "no-such-image" "$top no-such-command" --bogus \
		"--check-policy /nowhere"; do
		for fd in 1 2; do
			# shellcheck disable=SC2086 # words
			run as_user "$PROBES/creds" $fd "$OVLRUN" $arguments
			refute_line 'uid: 0'
			said+=" $output"
		done
	done
	[ "$(grep -o 'uid: 65534' <<<"$said" | wc -l)" -ge 8 ]
	# And on a set-id file that he may write: the kernel takes the bits away, as from any user.
	file=$LAB/set-id
	for arguments in --help "-n $top" no-such-image; do
		install -m 6777 /dev/null "$file"
		# shellcheck disable=SC2086 # words
		as_user bash -c 'exec "$@" >>"$0" 2>&1' "$file" "$OVLRUN" $arguments || true
		[ -s "$file" ]
		assert_equal "$(stat -c %a "$file")" 777
	done
}

@test "T22 frozen and thawed at any moment, exactly what was asked for is mounted" {
	freezer=$(mktemp -d "$LAB/freezer.XXXX")
	if mount -t cgroup -o freezer none "$freezer"; then
		freeze() { echo FROZEN >"$freezer/$group/freezer.state"; }
		thaw() { echo THAWED >"$freezer/$group/freezer.state"; }
	else
		mount -t cgroup2 none "$freezer"
		freeze() { echo 1 >"$freezer/$group/cgroup.freeze"; }
		thaw() { echo 0 >"$freezer/$group/cgroup.freeze"; }
	fi
	group=$(mktemp -d "$freezer/ovlrun-test.XXXXXX") # groups are the whole machine's
	group=${group##*/}
	# The one path that the caller can swap: that of the program and so of its argument 0.
	install -d -o 65534 "$LAB/swap"
	ln "$OVLRUN" "$LAB/bin/ovlrun-too"
	as_user ln -s "$OVLRUN" "$LAB/swap/a"
	# shellcheck disable=SC2016 # perl
	setpriv --reuid $USER_ID --regid $USER_ID --clear-groups perl -e '$SIG{TERM} = sub { print $n; exit };
		for (;;) { symlink $ARGV[++$n % 2 + 1], "$ARGV[0]/x"; rename "$ARGV[0]/x", "$ARGV[0]/a" or die }' \
		"$LAB/swap" "$OVLRUN" "$LAB/bin/ovlrun-too" >"$BATS_TEST_TMPDIR/swaps" 3>&- &
	swapper=$!
	bash -c 'echo $$ >"$0/cgroup.procs"
		for ((n = 0; n < 300; n++)); do
			out=$(cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$1/swap/a" "$2" cat /layer1 /layer2)
			[ "$out" = "1
2" ] || exit 9
		done' "$freezer/$group" "$LAB" "$top" 3>&- &
	looper=$!
	while kill -0 $looper 2>/dev/null; do
		freeze
		thaw
	done
	wait $looper
	kill $swapper
	wait $swapper
	[ "$(<"$BATS_TEST_TMPDIR/swaps")" -gt 10000 ]
	rmdir "$freezer/$group"
	umount "$freezer"
}

@test "T23 signals: ignored and blocked ones are the caller's, and the status is right" {
	works with ignore:17 ignore:25 ignore:2 block-all -- "$top" /bin/probe signals
	assert_equal "$(value ignored)" '2 17 25'
	assert_equal "$(value blocked | wc -w)" 62
	works with -- "$top" /bin/probe signals
	assert_equal "$(value ignored)" ''
	run with ignore:17 block-all -- "$top" sh -c 'exit 9'
	assert_equal "$status" 9
}

@test "T35 limits: tiny and odd ones fail cleanly or work, and the payload has the caller's" {
	works with limit:7:20:4096 limit:4:4096:8192 limit:1:1024:2048 -- "$top" /bin/probe limits
	assert_line 'limit: 7 20 4096'
	assert_line 'limit: 4 4096 8192'
	assert_line 'limit: 1 1024 2048'
	for resource in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		for limit in 0 1 -1; do
			[ "$resource:$limit" != 9:1 ] || continue
			before=$(mounts)
			run --separate-stderr with "limit:$resource:$limit:-1" -- "$top" true
			# Death by a limit of the caller's own on cpu time or memory is his; 99: the limit cannot be set.
			case $status in
			0 | 99 | 125 | 126 | 134 | 137 | 139 | 152) ;;
			*) fail "limit $resource at $limit: status $status, $stderr" ;;
			esac
			assert_equal "$(mounts)" "$before"
		done
	done
	# A file-size limit of 0 kills nobody: the soft one is the program's to raise, the hard one is not.
	works with limit:1:0:-1 -- "$top" true
	works with limit:1:0:0 -- --bare "$top" true
	run with limit:1:0:0 -- "$top" true # whose message is lost, since it goes to a file
	assert_equal "$status" 125
}

@test "T35 the program itself leaves no core, and a file-size limit does not kill it" {
	ulimit -c unlimited
	stopped_at mount 3 "$top" true
	assert_equal "$(awk '/^Max core/ { print $5 }' "/proc/$pid/limits")" 0
	resume
	# SIGXFSZ would end it with 128 + 25 and without a word.
	run bash -c '"$PROBES/start" user:65534:65534 limit:1:0:0 -- "$OVLRUN" -n "$0" >"$1" 2>"$1.err"' "$top" "$BATS_TEST_TMPDIR/out"
	assert_equal "$status" 125
}

@test "T35 a soft stack limit over 8 MiB is cut by the kernel, and the hard one stays" {
	works with limit:3:-1:-1 -- "$top" /bin/probe limits
	assert_line "limit: 3 $((8 << 20)) -1"
}

@test "T36 umask 0777 and 0 change nothing of the program's, and are the payload's" {
	for mask in 0777 0000 0027; do
		rm -rf /run/ovlrun
		works with umask:$mask -- "$top" /bin/probe umask
		assert_equal "$(value umask)" $mask
		assert_equal "$(stat -c %a /run/ovlrun)" 700
	done
}

@test "T41 a linked or copied program takes its policy from the compiled-in path" {
	rm -rf "$LAB/elsewhere" # another file of tests may have left one
	mkdir -p "$LAB/elsewhere/etc"
	ln "$OVLRUN" "$LAB/elsewhere/ovlrun"
	printf 'tree /nowhere\n' >"$LAB/elsewhere/ovlrun.conf"
	cp "$LAB/elsewhere/ovlrun.conf" "$LAB/elsewhere/etc/"
	works bash -c 'cd "$LAB/elsewhere" && setpriv --reuid 65534 --regid 65534 --clear-groups ./ovlrun "$top" true'
	policy 'tree /nowhere'
	refused as_user "$LAB/elsewhere/ovlrun" "$top"
	offer "$tree"
}

@test "T44 the mounter's file-system ids and capabilities are the caller's and the least" {
	run bash -c 'cd / && strace -u nobody -e trace=capset,setfsuid,setfsgid,mount "$OVLRUN" "$top" true 2>&1 |
		grep -B 7 "mount(\"overlay\""'
	assert_line --index 1 --regexp '^setfsgid\(65534\) '
	assert_line --index 2 --regexp '^setfsuid\(65534\) '
	assert_line --index 3 --regexp '^setfsgid\(-1\) += 65534'
	assert_line --index 4 --regexp '^setfsuid\(-1\) += 65534'
	assert_line --index 5 --regexp '^capset\(.*effective=0,'
	assert_line --index 6 --regexp 'effective=1<<CAP_CHOWN\|1<<CAP_DAC_OVERRIDE\|1<<CAP_FOWNER\|1<<CAP_FSETID\|1<<CAP_SYS_ADMIN\|1<<CAP_SETFCAP,'
}

@test "T38 a drop that does not happen is noticed" {
	# Each call that gives something up only seems to work; and last, root can come back.
	for fault in setresuid:retval=0:when=4 setresuid:retval=0:when=5 setresgid:retval=0:when=2; do
		run --separate-stderr injected "$fault" "$top" /bin/probe ids
		[ "$status" = 125 ] || fail "$fault: $status"
		assert_equal "$output" ''
	done
	# For root it is the last capset(2) alone that takes the capabilities.
	last=$(strace -e trace=capset "$OVLRUN" "$top" true 2>&1 | grep -c '^capset')
	run --separate-stderr strace -o /dev/null -e "inject=capset:retval=0:when=$last" "$OVLRUN" "$top" /bin/probe ids
	assert_equal "$status" 125
	says 'something is left'
}

@test "T38 every failing call that gives something up ends the launch" {
	cd /
	# The calls before getuid are libcap-ng's own; the last setresuid is the one that must fail.
	strace -u nobody -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" "$top" /bin/probe ids
	calls=$(sed '/^execve("\/bin\/probe/,$d' "$BATS_TEST_TMPDIR/trace" | sed -n 's/^\([a-z0-9_]*\)(.*/\1/p')
	tried=0
	for call in prctl capset setresuid setresgid unshare mount pivot_root umount2 fchdir chdir; do
		first=$(sed '/^getuid/,$d' <<<"$calls" | grep -cx $call || [ $? = 1 ])
		count=$(grep -cx $call <<<"$calls")
		[ $call != setresuid ] || count=$((count - 1))
		[ "$count" -gt "$first" ]
		for ((k = first + 1; k <= count; k++)); do
			run --separate-stderr injected "$call:error=EPERM:when=$k" "$top" /bin/probe ids
			[ "$status" = 125 ] || fail "$call $k: status $status"
			assert_equal "$output" ''
			tried=$((tried + 1))
		done
	done
	[ "$tried" -gt 60 ]
	for fault in setfsuid:retval=0:when=2 setfsgid:retval=0:when=2; do
		run --separate-stderr injected "$fault" "$top" /bin/probe ids
		[ "$status" = 125 ] || fail "$fault: status $status"
	done
}

@test "T44 the private tmpfs is nosuid, nodev and noexec, and has a size and a number of inodes" {
	stopped_at mount 3 -r --bare "$top" true
	info=$(grep ' /run/ovlrun ' "/proc/$pid/mountinfo")
	resume
	[[ $info == *' rw,nosuid,nodev,noexec,'* && $info == *size=1024k,nr_inodes=256,mode=700* ]] || fail "$info"
}

@test "T40 in the namespace of a launch nothing propagates in or out" {
	mkdir -p "$LAB/shared"
	mount -t tmpfs shared "$LAB/shared"
	mount --make-shared "$LAB/shared"
	stopped_at mount 3 "$top" true
	info=$(cat "/proc/$pid/mountinfo")
	resume
	grep -q ' /run/ovlrun ' <<<"$info"
	umount "$LAB/shared"
	grep -q " $LAB/shared " <<<"$info"
	! grep -qE ' (shared|master|propagate_from):' <<<"$info"
}

@test "T05 a kernel that takes any key of fsconfig is not trusted with lowerdir+" {
	deep=$LAB/fsconfig
	tree_init "$deep"
	id=$(tree_chain "$deep" 150 fill_base)
	offer "$deep"
	works injected read:retval=0:when=1000 "$id" cat /layer1
	run --separate-stderr injected fsconfig:retval=0:when=1 "$id" cat /layer1
	offer "$tree"
	assert_equal "$status" 125
	says 'max depth exceeded'
}

@test "T45 the namespace is made with the caller's effective uid" {
	run bash -c 'cd / && strace -f -u nobody -e trace=setresuid,unshare "$OVLRUN" "$top" true 2>&1 | grep -B 1 unshare | head -n 1'
	assert_output --regexp 'setresuid\(-1, 65534, -1\) += 0'
}

@test "T46 killed at every system call, nothing is left" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	strace -f -u nobody -o "$trace" "$OVLRUN" "$top" true
	rm -rf /run/ovlrun
	before=$(mounts)
	fine=$(fingerprint "$tree")
	killed=0
	while read -r count name; do
		for ((k = 1; k <= count; k++)); do
			run strace -f -u nobody -o /dev/null -e "inject=$name:signal=KILL:when=$k" "$OVLRUN" "$top" true
			# The last ones may already be the payload's.
			if [ "$status" != 137 ]; then
				fail "$name $k: status $status"
			fi
			killed=$((killed + 1))
			assert_equal "$(mounts)" "$before"
			[ ! -e /run/ovlrun ] || rmdir /run/ovlrun
		done
	done < <(sed -n '/execve/,/execve("\/bin\/true/p' "$trace" | sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | grep -v execve | sort | uniq -c)
	[ "$killed" -gt 100 ]
	assert_equal "$(fingerprint "$tree")" "$fine"
	run pgrep -x ovlrun
	assert_failure
}

@test "T49 without the program the tree is closed to the caller" {
	run as_user unshare -Ur ls "$tree/l"
	assert_failure
	assert_output --partial 'Permission denied'
}
