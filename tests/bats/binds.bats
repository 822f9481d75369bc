# SPDX-License-Identifier: MIT
# -b and --home: what may be bound, as whom it is opened, where it lands, and that the host stays what it was.
#
# What stands in single quotes is for the shell of the payload; run, hold and setup_file set variables.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC2115,SC2154

setup_file() {
	load ../lib/helpers
	mount -t tmpfs -o mode=0755 binds-state /var/lib
	make_tree binds 2
	base=$(tree_id 1) hostile=$(tree_id 5)
	export base hostile
	tree_layer "$tree" "$hostile" "$(tree_link 5)" "$base"
	export d=$tree/$hostile/diff
	install -m 0755 "$PROBES/tries" "$tree/$base/diff/bin/tries"
	install -m 0755 "$PROBES/logger" "$tree/$base/diff/bin/logger"
	# What the user has on the host, and what is closed to him.
	export u=$LAB/user closed=$LAB/closed
	install -d -o $USER_ID -g $USER_ID "$u" "$u/dir" "$u/dir/sub"
	echo mine | as_user tee "$u/dir/file" "$u/file" >/dev/null
	mkdir -m 0700 "$closed"
	mkdir -m 0755 "$closed/open"
	echo secret >"$closed/file"
	echo secret >"$closed/open/file"
	mkdir -p "$LAB/victim"
	echo victim >"$LAB/victim/file"
}

teardown_file() {
	umount /var/lib
	rm -rf "$LAB/closed" "$LAB/victim" "$LAB/user"
}

setup() {
	load ../lib/helpers
	permit_with bind,writable,dev
	works launch "$top" true # the mount point is made by the first launch
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	user_before=$(fingerprint "$u")
}

teardown() {
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true # there may be none
	wait
	rm -rf "${d:?}" /var/lib/* "$LAB/swap"
	mkdir -m 0755 "$d"
	chmod 0755 "$LAB/victim" /run
}

permit_with() {
	policy "tree $tree" "permit * any ${1:+may $1}"
}

# unchanged: nothing of the host is other than when the test began.
unchanged() {
	same "$before" "$(host_state "$LAB/victim" "$closed" "$tree")"
	same "$user_before" "$(fingerprint "$u")"
}

# refused_bind TEXT [OPTION...]: a launch with these binds is refused, says TEXT, and changes nothing.
refused_bind() {
	local text=$1
	shift
	refused launch "$@" "$top" true
	says "$text"
	unchanged
}

# inside_or_refused [OPTION...] ID: a launch whose binds land inside the root directory, which is the image's still; or a
# refusal.
inside_or_refused() {
	run --separate-stderr launch "$@" /bin/busybox sh -c \
		'echo inside; cat /layer1; cat /srv/victim/file /proc/self/mountinfo 2>/dev/null; exit 42'
	case $status in
	42)
		assert_line --index 0 inside
		assert_line --index 1 1
		refute_line victim
		assert_equal "$(grep -c '^[^ ]* [^ ]* [^ ]* [^ ]* / ' <<<"$output")" 1
		;;
	125) assert_regex "${stderr_lines[0]}" '^ovlrun: cannot ' ;;
	*) fail "$*: status $status: $output $stderr" ;;
	esac
}

@test "a directory, with and without a place, and what is written is the caller's" {
	works launch -b "$u/dir" "$top" cat "$u/dir/file"
	assert_output mine
	for option in -r -q "-w name"; do
		works launch $option --bind "$u/dir:/mnt" "$top" sh -c 'cat /mnt/file; echo new >/mnt/new'
		assert_output mine
		assert_equal "$(stat -c '%u %g' "$u/dir/new")" "$USER_ID $USER_ID"
		rm "$u/dir/new"
	done
	works launch "-b$u/dir:/mnt" "--bind=$u/file:/f" "$top" cat /mnt/file /f
	assert_output $'mine\nmine'
	# In the order given: the later covers.
	works launch -b "$u/dir:/mnt" -b "$u/dir/sub:/mnt" "$top" ls /mnt
	assert_output ''
}

@test "a file, a device, a socket and a FIFO" {
	works launch -b "$u/file:/etc/motd" "$top" cat /etc/motd
	assert_output mine
	works launch -b "$u/file:/bin/probe" "$top" cat /bin/probe # over a file of the image
	assert_output mine
	for option in -r -q; do
		works launch $option -b /dev/null:/x "$top" sh -c 'echo x >/x; stat -c %t:%T /x'
		assert_output 1:3
	done
	as_user mkfifo "$u/fifo"
	works launch -b "$u/fifo:/fifo" "$top" stat -c %F /fifo
	rm "$u/fifo"
	coproc LOGGER { exec "$PROBES/logger" "$u/socket" 3>&-; }
	read -r line <&"${LOGGER[0]}"
	works launch -b "$u/socket:/run/socket" "$top" /bin/tries send /run/socket
	echo drain >&"${LOGGER[1]}"
	read -r line <&"${LOGGER[0]}"
	[[ $line == "$USER_ID $USER_ID "*' hello' ]]
	rm "$u/socket"
}

@test "T12 a source below a directory that is closed to the caller, and that directory itself" {
	for source in "$closed" "$closed/" "$closed/file" "$closed/open" "$closed/open/file" "$closed/nothing" "$closed/open/.." \
		"$u/../closed/open" "$tree" "$tree/l" "$tree/$top/diff" /run/ovlrun /root "$closed/."; do
		refused_bind 'Permission denied' -b "$source:/x"
		refused_bind 'Permission denied' -r -b "$source:/x:ro"
	done
	# One answer for what is there and what is not.
	refused launch -b "$closed/file:/x" "$top"
	there=$stderr
	refused launch -b "$closed/fill:/x" "$top"
	assert_equal "${stderr//fill/file}" "$there"
	# Through symlinks of his.
	as_user ln -s "$closed/open" "$u/link"
	user_before=$(fingerprint "$u")
	refused_bind 'Permission denied' -b "$u/link:/x"
	refused_bind 'Permission denied' -b "$u/link/file:/x"
	rm "$u/link"
	# root may.
	works "$OVLRUN" -b "$closed:/x" "$top" cat /x/file
	assert_output secret
}

@test "T12 what search permission the caller has by his groups, and by nothing else, counts" {
	install -d -m 0710 -g 3001 "$LAB/grouped" "$LAB/grouped/in"
	echo ours >"$LAB/grouped/in/file"
	for source in "$LAB/grouped" "$LAB/grouped/in" "$LAB/grouped/in/file"; do
		works as_ids 2001:2001:3001 "$OVLRUN" -b "$source:/x" "$top" true
		works as_ids 2001:3001 "$OVLRUN" -b "$source:/x" "$top" true
		refused as_ids 2001:2001:3002 "$OVLRUN" -b "$source:/x" "$top" true
		says 'Permission denied'
		refused as_ids 2001:0 "$OVLRUN" -b "$source:/x" "$top" true
	done
	works as_ids 2001:2001:3001 "$OVLRUN" -b "$LAB/grouped:/x" "$top" cat /x/in/file
	assert_output ours
	# Search is enough, and gives no more than search.
	chmod 0711 "$LAB/grouped"
	run launch -b "$LAB/grouped:/x" "$top" ls /x
	assert_failure
	assert_output --partial 'Permission denied'
	# A file that he cannot read may be bound; he cannot read it there either.
	install -m 0600 "$closed/file" "$LAB/unreadable"
	run launch -b "$LAB/unreadable:/x" "$top" cat /x
	assert_failure
	refute_output --partial secret
	rm -r "$LAB/grouped" "$LAB/unreadable"
}

@test "T12 what the host covers stays covered: recursive, and of the uppermost mount" {
	mkdir "$u/dir/over"
	echo beneath >"$u/dir/over/file"
	mount -t tmpfs -o mode=0755 cover "$u/dir/over"
	echo above >"$u/dir/over/above"
	mkdir "$u/dir/over/deep"
	mount -t tmpfs -o mode=0700 cover "$u/dir/over/deep"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	for option in -r -q; do
		works launch $option -b "$u/dir:/x" "$top" ls /x/over
		assert_output $'above\ndeep'
		works launch $option -b "$u/dir/over:/x" "$top" ls /x
		assert_output $'above\ndeep'
		run launch $option -b "$u:/x" "$top" ls /x/dir/over/deep
		assert_failure
	done
	refused launch -b "$u/dir/over/deep:/x" "$top"
	same "$before" "$(host_state "$LAB/victim" "$closed" "$tree")"
	umount "$u/dir/over/deep" "$u/dir/over"
	rm -r "$u/dir/over"
}

@test "T12 sources that name what the program itself has open or stands in" {
	cd /
	for source in /proc/self/cwd /proc/self/cwd/l /proc/thread-self/cwd /proc/self/root/root /proc/self/fd /proc/self/fd/3 \
		/proc/self/task/../cwd; do
		for option in -r -q; do
			run launch $option -b "$source:/x" "$top" sh -c 'ls /x /x/* 2>/dev/null; exit 42'
			[ "$status" = 42 ] || [ "$status" = 125 ] || [ "$status" = 126 ] || fail "$source: $status $output"
			refute_output --partial layer1
			refute_output --partial "${top:0:20}"
			refute_output --partial LAYERLAYER
		done
	done
	for ((fd = 3; fd < 40; fd++)); do
		for name in /proc/self/fd/$fd /dev/fd/$fd; do
			run launch -b "$name:/x" "$top" sh -c 'ls /x /x/*'
			refute_output --partial layer1
			refute_output --partial "${top:0:20}"
			refute_output --partial LAYERLAYER
			run launch -b "$name/$top/diff:/x" "$top" ls /x
			refute_output --partial layer2
		done
	done
	unchanged
}

@test "a source that is relative, empty, missing, too long, a loop" {
	for source in dir ./dir ../user/dir . .. '~' "" ; do
		(cd "$u" && refused as_user "$OVLRUN" -b "$source:/x" "$top")
	done
	refused launch -b dir:/x "$top"
	says 'not an absolute path'
	refused_bind 'No such file' -b "$u/nothing:/x"
	refused_bind 'No such file' -b "$u/nothing"
	refused_bind 'Not a directory' -b "$u/file/x:/x"
	refused_bind cannot -b "/$(printf 'x%.0s' {1..5000}):/x"
	refused_bind cannot -b "$(printf '/x%.0s' {1..3000}):/x"
	as_user ln -s loop "$u/loop"
	user_before=$(fingerprint "$u")
	refused_bind cannot -b "$u/loop:/x"
	rm "$u/loop"
	as_user ln -s dir "$u/to-dir"
	works launch -b "$u/to-dir:/x" "$top" cat /x/file
	assert_output mine
	rm "$u/to-dir"
	works launch -b "$u//dir/./sub/..:/x" "$top" cat /x/file
	assert_output mine
}

@test "what is not SRC[:DST[:ro]] is refused" {
	for text in '' : :: :/x "$u/dir:" "$u/dir::ro" "$u/dir:/x:" "$u/dir:/x:rw" "$u/dir:/x:ro:" "$u/dir:/x:ro:ro" "$u/dir:/x:RO" \
		"$u/dir:x" "$u/dir:./x" "$u/dir:../x" "$u/dir:ro"; do
		refused launch -b "$text" "$top" true
		unchanged
	done
}

# none_accepts PLACE...: a bind onto any of these places is refused in all its parts, and nothing changes.
none_accepts() {
	local place option accepted=()
	for place; do
		for option in -r -q; do
			for source in "$u/dir" "$u/file"; do
				if launch $option -b "$source:$place" "$hostile" true >/dev/null 2>&1; then
					accepted+=("$option $place")
				else
					refused launch $option -b "$source:$place" "$hostile" true
				fi
			done
		done
	done
	unchanged
	assert_equal "$(printf '%s\n' "${accepted[@]}")" ''
}

@test "T32 a place cannot be the root directory, however it is written" {
	mkdir "$d/l"
	ln -s / "$d/l/root"
	ln -s ../../../.. "$d/l/up"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	none_accepts / // /. /.. /../.. /bin/.. /l/root /l/root/ /l/root/l/root /l/up /l/up/l/..
}

@test "T32 a place cannot be on /proc or /sys, however it is written" {
	mkdir "$d/l"
	ln -s /proc "$d/l/proc"
	ln -s ../../../../sys "$d/l/sys"
	ln -s / "$d/l/root"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	none_accepts /proc /proc/ //proc /bin/../proc /l/proc /l/root/proc /proc/sys /proc/1 /proc/self/cwd /proc/self/root \
		/proc/self/fd/1 /proc/new /l/proc/sys /sys /sys/kernel /l/sys /l/sys/kernel /sys/new /l/root/sys \
		/l/root/l/root/l/proc/version
	run launch -b "$u/dir:/proc" "$hostile" cat /proc/self/mountinfo
	refute_line --regexp ' /(proc|sys)[^ ]* .* /user'
}

@test "T32 a place cannot be on a procfs that a bind brought in" {
	for place in /p /p/sys /p/self/cwd /p/self/cwd/new /p/self/root/new /p/1/root/new; do
		refused launch -b /proc:/p -b "$u/dir:$place" "$top" true
		refused launch -b /:/p -b "$u/dir:/p/proc/${place#/p}" "$top" true
	done
	unchanged
}

@test "T31 a place through the image's symlinks is inside" {
	mkdir "$d/var"
	ln -s /run "$d/var/run"
	ln -s ../../../../../../run "$d/up"
	ln -s "$LAB/victim" "$d/abroad"
	mkdir -p "$d/usr/lib"
	echo image >"$d/usr/lib/other"
	ln -s usr/lib "$d/lib"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	for option in -q "-w name"; do
		works launch $option -b "$u/dir:/var/run/x" "$hostile" sh -c 'cat /run/x/file; readlink /var/run'
		assert_output $'mine\n/run'
		works launch $option -b "$u/dir:/up/x/y" "$hostile" cat /run/x/y/file
		assert_output mine
		# The symlink is not covered by a directory of its name.
		works launch $option -b "$u/file:/lib/x" "$hostile" sh -c 'cat /usr/lib/x /lib/other; readlink /lib'
		assert_output $'mine\nimage\nusr/lib'
		rm -rf /var/lib/*
	done
	# With -r, when it is there.
	mkdir "$d/run" "$d/run/x"
	works launch -r -b "$u/dir:/var/run/x" "$hostile" sh -c 'cat /run/x/file; readlink /var/run'
	assert_output $'mine\n/run'
	works launch -r -b "$u/file:/lib/other" "$hostile" sh -c 'cat /usr/lib/other; readlink /lib'
	assert_output $'mine\nusr/lib'
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	inside_or_refused -b "$u/dir:/abroad" "$hostile"
	inside_or_refused -b "$u/dir:/abroad/new" "$hostile"
	inside_or_refused -b "$u/file:/abroad/file" "$hostile"
	inside_or_refused -r -b "$u/dir:/abroad/new" "$hostile"
	unchanged
}

@test "with -r a missing place behind a symlink of the image is refused with what to do" {
	mkdir -p "$d/var"
	ln -s /run "$d/var/run"
	refused launch -r -b "$u/dir:/var/run/x" "$hostile" true
	says 'cannot mount on /var/run/x'
	says 'a destination that the image has'
}

@test "T31 a place that leads by symlinks, dots or magic links anywhere else is inside or refused" {
	for target in / ../.. /proc/self/root /proc/self/cwd /proc/self/fd/3 /proc/1/root ../../../../srv/victim "$LAB/victim" x nowhere; do
		ln -sfn "$target" "$d/x"
		before=$(host_state "$LAB/victim" "$closed" "$tree")
		for place in /x /x/ /x/new /x/new/deep /x/srv/victim /x/file /x/../../srv/victim/new; do
			for option in -r -q "-w name"; do
				inside_or_refused $option -b "$u/dir:$place" "$hostile"
				inside_or_refused $option -b "$u/file:$place" "$hostile"
			done
			rm -rf /var/lib/*
		done
		unchanged
	done
	chmod 0700 "$LAB/victim"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	for place in /../../srv/victim/new /../../../srv/victim/new /../../../../srv/victim/file /.././../../srv/victim /bin/../../../../srv/victim/new /new/../../../srv/victim/x /./y /y/. "/$(printf 'x%.0s' {1..300})" \
		"$(printf '/x%.0s' {1..2500})" /bin/busybox/x; do
		inside_or_refused -b "$u/dir:$place" "$top"
		inside_or_refused -r -b "$u/dir:$place" "$top"
		inside_or_refused -b "$u/file:$place" "$top"
		inside_or_refused -r -b "$u/file:$place" "$top"
		inside_or_refused -w name -b "$u/dir:$place" "$top"
		unchanged
	done
}

@test "T31 the same without openat2" {
	ln -s / "$d/a"
	ln -s ../../.. "$d/b"
	ln -s "$LAB/victim" "$d/c"
	ln -s proc/self/cwd "$d/e"
	before=$(host_state "$LAB/victim" "$closed" "$tree")
	for place in /a/srv/victim /a/srv/victim/new /b/srv/victim /b/srv/victim/new /c /c/new /e /e/new /a /b /proc/self/cwd/new; do
		for source in "$u/dir" "$u/file"; do
			run --separate-stderr timeout 10 strace -f -o /dev/null -u nobody -e inject=openat2:error=ENOSYS "$OVLRUN" -b "$source:$place" "$hostile" sh -c 'cat /srv/victim/file 2>/dev/null; exit 42'
			[ "$status" = 42 ] || [ "$status" = 125 ] || fail "$place: $status $stderr"
			refute_output victim
		done
	done
	for source in "$closed/open" "$closed/file"; do
		run timeout 10 strace -f -o /dev/null -u nobody -e inject=openat2:error=ENOSYS "$OVLRUN" -b "$source:/x" "$hostile" true
		assert_equal "$status" 125
	done
	unchanged
}

@test "a missing place is made: one and several components, a file for a file" {
	for option in -r -q "-w name"; do
		works launch $option -b "$u/dir:/a/b/c" -b "$u/file:/a/b/f" -b "$u/file:/usr/new/f" -b "$u/dir:/tmp/t/t" -b "$u/dir:/dev/d/e" \
			-b /dev/null:/dev/n -b "$u/file:/etc/f" "$top" sh -c 'cat /a/b/c/file /a/b/f /usr/new/f /tmp/t/t/file /dev/d/e/file /etc/f; ls -d /usr/bin /etc/passwd /dev/zero
				stat -c %a /a /a/b /usr/new; stat -c %t:%T /dev/n'
		assert_output "$(printf 'mine\n%.0s' {1..6})
/dev/zero
/etc/passwd
/usr/bin
755
755
755
1:3"
	done
	# Where they have been made the last time.
	works launch -w name -b "$u/dir:/a/b/c" "$top" cat /a/b/c/file
	unchanged
	# Over what is there of another kind.
	refused_bind cannot -b "$u/dir:/layer1"
	refused_bind cannot -b "$u/file:/bin"
	refused_bind cannot -b "$u/file:/layer1/x"
	refused_bind cannot -r -b "$u/dir:/layer1/x"
}

@test "a place made below what an upper layer hides is as if that had never been" {
	mkdir -p "$tree/$base/diff/hidden/by"
	chmod 0700 "$tree/$base/diff/hidden" "$tree/$base/diff/hidden/by"
	mkdir "$d/hidden"
	setfattr -n trusted.overlay.opaque -v y "$d/hidden"
	for option in -r -q; do
		works launch $option -b "$u/dir:/hidden/by/x" "$hostile" cat /hidden/by/x/file
		assert_output mine
	done
	rm -r "$d/hidden"
	mknod "$d/hidden" c 0 0
	for option in -r -q; do
		works launch $option -b "$u/dir:/hidden/by/x" "$hostile" cat /hidden/by/x/file
		assert_output mine
	done
	rm -r "$tree/$base/diff/hidden"
}

@test "T01 an access list of a directory on the way to a place counts" {
	mkdir "$d/listed"
	echo secret >"$d/listed/file"
	setfattr -n system.posix_acl_access -v "$(closed_to_user)" "$d/listed"
	for option in -r -q "-w name"; do
		run launch $option -b "$u/dir:/listed/x" "$hostile" cat /listed/file
		assert_failure
		refute_line secret
	done
}

@test "T01 making a place opens no directory of the image to the caller" {
	mkdir -p "$d/shut/in" "$d/etc"
	echo secret >"$d/shut/in/file"
	echo secret >"$d/shut/file"
	chmod 0700 "$d/shut"
	chown 12:34 "$d/shut" "$d/shut/in"
	chmod 0750 "$d/shut/in"
	# Nor does it tell what is in one: a place is looked for with the caller's rights.
	for option in -r -q "-w name"; do
		for place in /shut/x /shut/file /shut/in/new/y /root/x /root/.profile; do
			refused launch $option -b "$u/dir:$place" "$hostile" true
			says "cannot mount on $place: Permission denied"
		done
		look $option -b "$u/dir:/shut" "$hostile" /bin/probe wait
		assert_equal "$(stat -c '%a %u %g' "$in/root")" '700 0 0'
		release
		run launch $option "$hostile" cat /shut/file /shut/in/file
		assert_failure
		refute_line secret
		rm -rf /var/lib/*
	done
}

@test "T12 T19 a bind of /run or / does not bring the private tmpfs, nor the tree" {
	permit_with bind,userns
	for source in /run /; do
		run launch -b "$source:/x" "$top" sh -c 'cat /proc/self/mountinfo; ls -A /x/ovlrun /x/run/ovlrun 2>&1'
		refute_output --regexp ' /x[^ ]*/ovlrun '
		run launch -u -b "$source:/x" "$top" cat /proc/self/mountinfo
		refute_output --regexp ' /x[^ ]*/(ovlrun|tree)'
		run "$OVLRUN" -b "$source:/x" "$top" sh -c 'mknod /x/ovlrun/dev/zz c 1 5 || mknod /x/run/ovlrun/dev/zz c 1 5'
		assert_failure
	done
	refused launch -b "/run:/x" -b "$u/dir:/x/ovlrun/upper/planted" "$top" true
}

@test "T02 T12 a place inside another bind tells nothing of what the caller may not see there" {
	install -d -m 0700 "$LAB/private"
	: >"$LAB/private/there"
	refused launch -b "$LAB:/h" -b "$u/file:/h/private/there" "$top" true
	there=$stderr
	refused launch -b "$LAB:/h" -b "$u/file:/h/private/gone0" "$top" true
	assert_equal "${stderr/gone0/there}" "$there"
	rm -rf "$LAB/private"
}

@test "T12 a source is none of the program's own descriptors, nor another process's root" {
	# The tree lies where the caller may not go: but the program holds a descriptor of it.
	chmod 0755 "$tree"
	for fd in 3 4 5 6 7 8; do
		refused launch -b "/proc/self/fd/$fd:/x" "$top" true
	done
	chmod 0710 "$tree"
	for link in self/root self/cwd self/exe self/fd/0 thread-self/root; do
		refused launch -b "/proc/$link:/x" "$top" true
	done
}

@test "nothing is made in another bind, nor in the host's /dev" {
	cd "$u"
	for option in -r -q; do
		for place in /m/new /m/sub/new /m/new/deep; do
			for source in "$u/dir" "$u/file"; do
				refused_bind "$place" $option -b "$u/dir:/m" -b "$source:$place"
				refused_bind "$place" $option -b "$u/dir:/m:ro" -b "$source:$place"
			done
		done
		refused_bind /dev/new $option --dev host -b "$u/dir:/dev/new"
		refused_bind /dev/new $option --dev host -b "$u/file:/dev/new"
		refused_bind /dev/shm/new $option --dev host -b "$u/dir:/dev/shm/new"
	done
	refused_bind /dev/pts/new -b "$u/file:/dev/pts/new"
	# Not for root either, who could make it.
	refused "$OVLRUN" -b "$u/dir:/m" -b "$u/file:/m/new" "$top"
	refused "$OVLRUN" --dev host -b "$u/dir:/dev/new" "$top"
	unchanged
	# Through a symlink of the caller's own in it.
	as_user ln -s ../../usr "$u/dir/usr"
	as_user ln -s /m/sub "$u/dir/self"
	user_before=$(fingerprint "$u")
	inside_or_refused -b "$u/dir:/m" -b "$u/file:/m/usr/new" "$top"
	inside_or_refused -b "$u/dir:/m" -b "$u/file:/m/self/new" "$top"
	unchanged
	rm "$u/dir/usr" "$u/dir/self"
	# What is there already can be covered.
	works launch -b "$u/dir:/m" -b "$u/file:/m/file" -b "$LAB/victim:/m/sub" "$top" cat /m/file /m/sub/file
	assert_output $'mine\nvictim'
}

@test "a bind over what the program puts there wins" {
	echo other | as_user tee "$u/other" >/dev/null
	user_before=$(fingerprint "$u")
	for file in resolv.conf hosts hostname passwd group; do
		for option in -r -q; do
			works launch $option -b "$u/other:/etc/$file" "$top" cat /etc/$file
			assert_output other
		done
	done
	works launch -b "$u/dir:/tmp" -b "$u/dir:/dev/shm" -b "$u/dir:/home" "$top" cat /tmp/file /dev/shm/file /home/file
	works launch -r -b "$u/dir:/tmp" "$top" cat /tmp/file
	assert_output mine
	works launch -b "$u/dir:/etc" "$top" ls /etc
	assert_output $'file\nsub'
	unchanged
	rm "$u/other"
}

@test "a read-only bind is read-only, with all that is mounted in it, also for root" {
	mount -t tmpfs -o mode=1777 inner "$u/dir/sub"
	mkdir -m 1777 "$u/dir/sub/deep"
	mount -t tmpfs -o mode=1777 inner "$u/dir/sub/deep"
	for option in -r -q; do
		for place in /x /x/sub /x/sub/deep; do
			works launch $option -b "$u/dir:/x" "$top" sh -c "echo x >$place/new; rm $place/new"
			run launch $option -b "$u/dir:/x:ro" "$top" touch $place/new
			assert_output --partial 'Read-only file system'
			run "$OVLRUN" $option -b "$u/dir:/x:ro" "$top" touch $place/new
			assert_output --partial 'Read-only file system'
		done
	done
	run launch -b "$u/file:/x:ro" "$top" sh -c 'echo x >>/x'
	assert_output --partial 'Read-only file system'
	works launch -b "$u/file:/x:ro" "$top" cat /x
	# That is the mount's, not the file system's.
	as_user touch "$u/dir/sub/deep/new"
	umount "$u/dir/sub/deep" "$u/dir/sub"
}

@test "what the host has made stricter stays so in a bind" {
	mount -t tmpfs -o mode=1777,ro,noexec,nodev,noatime strict "$u/dir/sub"
	look -b "$u/dir:/x" -b "$u/dir/sub:/y:ro" -b "$u/dir/sub:/z" "$top" /bin/probe wait
	release
	for place in /x/sub /y /z; do
		for flag in ro nosuid noexec nodev noatime; do
			[[ ,$(mounted_at $place | cut -d ' ' -f 6), == *,$flag,* ]] || fail "$place lost $flag: $(mounted_at $place)"
		done
	done
	umount "$u/dir/sub"
	[[ ,$(mounted_at /x | cut -d ' ' -f 6), == *,rw,* ]]
}

@test "T19 a device node that the host does not open does not open through a bind" {
	mount -t tmpfs -o mode=0755,nodev stick "$u/dir/sub"
	mknod -m 0666 "$u/dir/sub/node" c 1 5
	run as_user head -c 1 "$u/dir/sub/node"
	assert_output --partial 'Permission denied'
	for bind in "$u/dir/sub:/x" "$u/dir:/y" "$u/dir/sub/node:/z"; do
		run launch -b "$bind" "$top" sh -c 'for file in /x/node /y/sub/node /z; do [ ! -e $file ] || /bin/probe open $file; done'
		assert_output 'open: Permission denied'
	done
	umount "$u/dir/sub"
}

@test "T16 a setuid file in a bind gives nothing, from inside and from outside" {
	mkdir "$LAB/suids"
	install -o 0 -m 6755 "$PROBES/probe" "$LAB/suids/suid"
	mkdir "$LAB/suids/sub"
	mount -t tmpfs -o mode=0755 inner "$LAB/suids/sub"
	install -o 0 -m 6755 "$PROBES/probe" "$LAB/suids/sub/suid"
	works as_user "$LAB/suids/sub/suid" ids # the attack is real
	assert_equal "$(value uid)" '65534 0 0'
	for file in suid sub/suid; do
		works launch -b "$LAB/suids:/x" "$top" /x/$file ids
		assert_equal "$(value uid)" '65534 65534 65534'
		look -b "$LAB/suids:/x" "$top" /bin/probe wait
		works as_user "$in/x/$file" ids
		assert_equal "$(value uid)" '65534 65534 65534'
		release
		# The kernel looks at this flag where neither no_new_privs nor another namespace would help.
		while read -r _ _ _ _ point options _; do
			[[ ,$options, == *,nosuid,* ]] || fail "$point: $options"
		done <<<"$info"
	done
	works launch -b "$LAB/suids/suid:/suid" "$top" /suid ids
	assert_equal "$(value uid)" '65534 65534 65534'
	umount "$LAB/suids/sub"
	rm -r "$LAB/suids"
}

@test "the whole host can be bound, and what is closed stays so" {
	works launch -b /:/host "$top" sh -c 'cat /host/srv/user/file; ls /host/srv/closed /host/run/ovlrun /host/root 2>&1; cat /proc/self/mountinfo'
	assert_line --index 0 mine
	assert_equal "$(grep -c 'Permission denied' <<<"$output")" 3
	refute_line secret
	info=$(grep '^[0-9]* [0-9]* [0-9]*:' <<<"$output")
	while read -r _ _ _ _ point options _; do
		[[ ,$options, == *,nosuid,* ]] || fail "$point: $options"
	done <<<"$info"
	unchanged
}

@test "64 binds work, and 65 are refused" {
	binds=()
	for n in {1..64}; do binds+=(-b "$u/file:/many/$n"); done
	for option in -r -q; do
		works launch $option "${binds[@]}" "$top" sh -c 'cat /many/* | grep -c mine; ls /many | wc -l'
		assert_output $'64\n64'
		refused launch $option "${binds[@]}" -b "$u/file:/more" "$top" true
		says 64
		HOME=$u/dir works launch $option "${binds[@]}" --home "$top" cat "$u/dir/file"
		assert_output mine
	done
	unchanged
}

@test "T40 nothing propagates out of a bind or into it, on a shared root" {
	works unshare --mount --propagation shared bash -c '
		before=$(cat /proc/self/mountinfo)
		coproc HELD { cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -b "$u:/x" "$top" /bin/probe wait; }
		pid=$HELD_PID
		read -r line <&"${HELD[0]}"
		[ "$line" = ready ] || exit 8
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 7
		inside=$(cat "/proc/$pid/mountinfo")
		grep -q "shared:\|master:" <<<"$inside" && exit 6
		mount -t tmpfs late "$u/dir/sub" || exit 5
		[ "$(cat "/proc/$pid/mountinfo")" = "$inside" ] || exit 4
		umount "$u/dir/sub"
		fd=${HELD[1]}
		exec {fd}>&-
		wait "$pid"
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 3'
}

# stops CALL [OPTION...] ID...: how often a launch with these arguments makes CALL before its drop.
stops() {
	local call=$1
	shift
	(cd / && strace -u nobody -e "trace=$call,setresuid" "$OVLRUN" "$@" 2>&1 >/dev/null) |
		sed '/setresuid(65534, 65534, 65534)/,$d' | grep -c "^$call(" || [ $? = 1 ]
}

@test "T22 a source that is swapped at any moment is the one or the other, as the caller sees them" {
	install -d -o $USER_ID "$LAB/swap" "$LAB/swap/dir"
	bind=(-b "$LAB/swap/dir:/x" "$top" sh -c 'cat /x/file; exit 42')
	for call in openat openat2 open_tree mount move_mount mount_setattr fstat fchdir setresuid; do
		count=$(stops $call "${bind[@]}")
		for ((k = 1; k <= count; k++)); do
			stopped_at $call $k "${bind[@]}"
			mv "$LAB/swap/dir" "$LAB/swap/aside"
			as_user ln -s "$closed/open" "$LAB/swap/dir"
			resume
			rm "$LAB/swap/dir"
			mv "$LAB/swap/aside" "$LAB/swap/dir"
			refute_output --partial secret
			tried=$((${tried-0} + 1))
		done
	done
	rm -r "$LAB/swap"
	[ "$tried" -gt 10 ]
	unchanged
}

@test "T22 T31 a place in a bind that is swapped at any moment stays inside" {
	install -d -o $USER_ID "$LAB/swap" "$LAB/swap/dir"
	bind=(-b "$LAB/swap:/m" -b "$u/dir:/m/dir" "$top" sh -c 'cat /layer1 /srv/victim/file; exit 42')
	for call in openat openat2 open_tree mount move_mount mount_setattr; do
		count=$(stops $call "${bind[@]}")
		for ((k = 1; k <= count; k++)); do
			stopped_at $call $k "${bind[@]}"
			mv "$LAB/swap/dir" "$LAB/swap/aside"
			as_user ln -s ../../../../srv/victim "$LAB/swap/dir"
			resume
			rm "$LAB/swap/dir"
			mv "$LAB/swap/aside" "$LAB/swap/dir"
			refute_line victim
			tried=$((${tried-0} + 1))
		done
	done
	rm -r "$LAB/swap"
	[ "$tried" -gt 10 ]
	unchanged
}

@test "--home is the caller's home directory at its own path" {
	for option in -r -q "-w name"; do
		HOME=$u/dir works launch $option --home "$top" sh -c 'cat "$HOME/file"; cd && pwd; echo new >~/new'
		assert_output "mine
$u/dir"
		assert_equal "$(stat -c %u "$u/dir/new")" $USER_ID
		rm "$u/dir/new"
	done
	HOME=$u/dir works launch --home -b "$LAB/victim:/v" "$top" cat "$u/dir/file" /v/file
}

@test "--home without a home, or with one that is none" {
	refused env -u HOME setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" --home "$top" true
	says HOME
	for home in '' dir . / // "$u/nothing" "$u/file/x" "$closed" "$closed/open" /root "$u/dir:/x" "$u/dir:/x:ro" /proc /sys/kernel \
		"$(printf '/x%.0s' {1..3000})" "$u/../.."; do
		echo "$home"
		HOME=$home refused launch --home "$top" true
		HOME=$home refused launch -r --home "$top" true
		unchanged
	done
	for home in /../../../srv/user/dir "$u/../../../../srv/user/dir" "$u//./dir/"; do
		run env HOME="$home" setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -r --home "$top" cat "$home/file"
		[ "$status" = 125 ] || assert_output mine
		unchanged
	done
	# Nothing of it is looked at when --home is not asked for.
	HOME="$closed" works launch "$top" true
}

@test "T01 the policy grants binds: without the feature neither -b nor --home, and nothing is said of the source" {
	permit_with ''
	refused launch -b "$u/dir:/x" "$top" true
	denied=$stderr
	says 'does not grant'
	refused launch -b "$closed/file:/x" "$top" true
	assert_equal "$stderr" "$denied"
	refused launch -b "$closed/nothing:/x" "$top" true
	assert_equal "$stderr" "$denied"
	HOME=$u/dir refused launch --home "$top" true
	says 'does not grant'
	permit_with writable,dev,unshare,keep-fd
	refused launch -b "$u/dir:/x" "$top" true
	permit_with bind
	works launch -b "$u/dir:/x" "$top" true
	works launch "$top" true
	# root needs no grant.
	rm /etc/ovlrun.conf
	works "$OVLRUN" -t "$tree" -b "$u/dir:/x" "$top" cat /x/file
}

@test "--bare takes no binds" {
	refused_bind --bare --bare -b "$u/dir:/x"
	HOME=$u/dir refused launch --bare --home "$top" true
}

@test "a dry run shows the binds, and does nothing" {
	works launch -n -b "$u/dir:/x:ro" -b "$u/file" "$top"
	assert_line --regexp "bind.*$u/dir.*/x"
	assert_line --regexp "$u/file"
	assert_equal "$(grep -c "$u/dir.*ro" <<<"$output")" 1
	works launch -n --json -b "$u/dir:/x:ro" -b "$u/file" "$top"
	works jq -r '.. | strings' <<<"$output"
	assert_line --partial "$u/dir"
	assert_line --partial "$u/file"
	HOME=$u/dir works launch -n --home "$top"
	assert_line --regexp "$u/dir"
	unchanged
	mkdir "$u/"$'dir\e[31m\n'
	works launch -n -b "$u/"$'dir\e[31m\n:/x' "$top"
	refute_output --partial $'\e'
	rmdir "$u/"$'dir\e[31m\n'
}

@test "messages escape what they name" {
	refused launch -b "$u/"$'no\n\e[31msuch:/x' "$top" true
	refute_regex "$stderr" $'\e'
	refused launch -b "$u/dir:/layer1/"$'\e[31m' "$top" true
	refute_regex "$stderr" $'\e'
}
