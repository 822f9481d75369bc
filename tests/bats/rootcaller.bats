# SPDX-License-Identifier: MIT
# Launches by root: what the payload keeps, what it cannot do all the same, and the uses that are root's.
#
# What stands in single quotes is for the shell of the payload; run, hold and setup_file set variables.
# shellcheck disable=SC2016,SC2030,SC2031,SC2046,SC2086,SC2154,SC2258

# Docker's default: chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod
# audit_write setfcap.
DEFAULT=00000000a80425fb

setup_file() {
	load ../lib/helpers
	mount -t tmpfs -o mode=0755 root-state /var/lib
	make_tree root 2
	install -m 0755 "$PROBES/tries" "$tree/$(tree_id 1)/diff/bin/tries"
	printf '#!/proc/self/exe\n' >"$tree/$top/diff/evil"
	chmod 0755 "$tree/$top/diff/evil"
	sha256sum "$OVLRUN" >"$BATS_FILE_TMPDIR/sum"
}

teardown_file() {
	umount /var/lib
	[ ! -e "$BATS_FILE_TMPDIR/damaged" ] || install -m 4755 "$OVL_TOP/build/ovlrun" "$OVLRUN"
	rm -rf "$LAB/victim"
}

setup() {
	load ../lib/helpers
	policy "tree $tree" 'permit * any may unshare'
}

teardown() {
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true
	wait
	rm -rf /var/lib/*
}

# by_root [OPTION...] ID...: ovlrun as root, at most ten seconds.
by_root() {
	(cd / && exec timeout -s KILL 10 "$OVLRUN" "$@")
}

# has_caps SET: so say all sets of the $output of `probe caps` that can be used or got back.
has_caps() {
	for set in effective permitted bounding; do
		assert_equal "$set $(value $set)" "$set $1"
	done
	assert_equal "$(value inheritable)" 0000000000000000
	assert_equal "$(value ambient)" 0000000000000000
}

# file_is_unchanged: the installed program is what it was.
file_is_unchanged() {
	sha256sum --quiet -c "$BATS_FILE_TMPDIR/sum" || {
		touch "$BATS_FILE_TMPDIR/damaged"
		install -m 4755 "$OVL_TOP/build/ovlrun" "$OVLRUN"
		fail "the installed file was overwritten"
	}
}

@test "the payload has Docker's default capabilities, exactly, and no_new_privs" {
	for option in -r -q "-w name" --bare "--unshare pid" "--unshare pid,ipc,uts,net,cgroup"; do
		works by_root $option "$top" /bin/probe ids caps nnp
		has_caps $DEFAULT
		assert_equal "$(value no_new_privs)" 1
		assert_equal "$(value securebits)" 0
		assert_equal "$(value uid)" '0 0 0'
		assert_equal "$(value gid)" '0 0 0'
	done
}

@test "they do what they are for: chown, other users, ports below 1024, chroot" {
	works by_root "$top" sh -ec 'echo x >/tmp/f; chown 12:34 /tmp/f; chmod 0000 /tmp/f; cat /tmp/f; stat -c "%u %g" /tmp/f
		su nobody -s /bin/sh -c "id -u"
		chroot / id -u
		sleep 100 & setpriv --reuid 12 true 2>/dev/null || true; kill %1'
	assert_output $'x\n12 34\n65534\n0'
}

@test "what is not among them is not there: no mount, no module, no other's memory" {
	works by_root "$top" /bin/probe regain
	for what in mount remount umount pivot_root unshare nnp-off; do
		[ "$(value $what)" != SUCCEEDED ] || fail "$what"
	done
	run by_root "$top" sh -c 'mount -o remount,rw /sys; mount -t proc proc /tmp; umount /proc/sys'
	assert_failure
}

@test "a caller who lacks some of them gets none that he lacks" {
	works setpriv --bounding-set=-net_raw,-audit_write "$OVLRUN" "$top" /bin/probe caps
	has_caps "$(printf '%016x' $((0x$DEFAULT & ~(1 << 13) & ~(1 << 29))))"
	run setpriv --bounding-set=-net_raw "$OVLRUN" --caps net_raw,chown "$top" /bin/probe caps
	[ "$status" = 125 ] || has_caps 0000000000000001
	run setpriv --bounding-set=-net_raw "$OVLRUN" --privileged "$top" /bin/probe caps
	[ "$status" = 125 ] || [ $((0x$(value effective) & 1 << 13)) = 0 ]
	# What the set-up itself needs is missed in words.
	for cap in mknod sys_admin setuid setpcap chown; do
		echo "$cap"
		refused setpriv --bounding-set=-$cap "$OVLRUN" "$top" true
	done
}

@test "--caps: exactly those named, none, all" {
	works by_root --caps none "$top" /bin/probe caps
	has_caps 0000000000000000
	works by_root --caps chown "$top" /bin/probe caps
	has_caps 0000000000000001
	works by_root --caps net_raw,chown,net_raw,audit_write "$top" /bin/probe caps
	has_caps 0000000020002001
	works by_root --caps=setfcap "$top" /bin/probe caps nnp
	has_caps 0000000080000000
	assert_equal "$(value no_new_privs)" 1
	all=$(printf '%016x' "0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status)")
	works by_root --caps all "$top" /bin/probe caps
	has_caps "$all"
	# Of 38 names the last are above 32 bits.
	works by_root --caps checkpoint_restore,perfmon,bpf "$top" /bin/probe caps
	has_caps 000001c000000000
	# The last one counts, or two are refused: never both.
	run by_root --caps all --caps none "$top" /bin/probe caps
	[ "$status" = 125 ] || has_caps 0000000000000000
}

@test "--caps: a name that is none is refused" {
	accepted=()
	for list in cap_chown foo chow chownx 'chown net_raw' chown: chown,, ,chown chown, , '' 0 41 63 64 ALL, all,foo none,foo \
		all, none, all,none chown,all $'chown\n' '~chown' '-chown' '+chown' "$(printf 'chown,%.0s' {1..2000})foo" "$(printf 'x%.0s' {1..5000})"; do
		if by_root -q --caps "$list" "$top" true 2>/dev/null; then
			accepted+=("<$list>")
		else
			refused by_root --caps "$list" "$top" true
		fi
	done
	assert_equal "${accepted[*]}" ''
}

@test "--caps and --privileged are root's alone" {
	for option in "--caps chown" "--caps none" "--caps all" --privileged; do
		refused launch $option "$top" true
		says root
		refused as_ids 65534:0 "$OVLRUN" $option "$top" true
	done
}

@test "T55 what of /proc and /sys changes the machine is read-only" {
	works "$PROBES/tries" rewrite /proc/sys/kernel/core_pattern # the attack is real
	for option in -q -r --unshare=pid --unshare=net --unshare=pid,net; do
		for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/swappiness /proc/sysrq-trigger \
			/proc/irq/default_smp_affinity /sys/module/overlay/parameters/index /sys/kernel/uevent_helper \
			/sys/kernel/mm/transparent_hugepage/enabled /sys/power/state /sys/fs/cgroup/cgroup.procs; do
			[ -e $file ] || continue
			run by_root $option "$top" /bin/tries write $file
			[[ $output == *'Read-only file system'* || ( $option == *net* && $file == /sys/* && $output == *'No such file'* ) ]] ||
				fail "$option $file: $output"
			tried=$((${tried-0} + 1))
		done
	done
	[ "$tried" -ge 15 ]
}

@test "T55 read-only is every mount at and below /proc/sys and its like, and all of /sys" {
	for option in -q --unshare=pid; do
		look_as_root $option
		for point in /proc/sys /proc/irq /proc/bus /proc/fs /proc/sysrq-trigger /sys; do
			[ -e $point ] || continue
			line=$(grep "^[^ ]* [^ ]* [^ ]* [^ ]* ${point}[ /]" <<<"$info")
			[ -n "$line" ] || fail "$point is no mount: $info"
			while read -r _ _ _ _ at options _; do
				[[ ,$options, == *,ro,* && ,$options, == *,nosuid,* ]] || fail "$at: $options"
			done <<<"$line"
		done
		release
	done
}

# look_as_root [OPTION...]: as look, by root; with a pid namespace it is the payload that is looked at.
look_as_root() {
	local line
	coproc HELD { cd / && exec "$OVLRUN" "$@" "$top" sh -c 'cat /proc/self/mountinfo; exec /bin/probe wait' 3>&-; }
	# shellcheck disable=SC2034 # for release
	held=$HELD_PID
	info=''
	while read -r line <&"${HELD[0]}" && [ "$line" != ready ]; do
		info+=$line$'\n'
	done
	[ "$line" = ready ]
}

@test "T55 what of /proc shows secrets of the machine is masked, and what is in /sys/firmware" {
	for option in -q -r --unshare=pid; do
		for file in kcore keys timer_list timer_stats sched_debug latency_stats; do
			[ -e /proc/$file ] || continue
			works by_root $option "$top" sh -c "wc -c </proc/$file; echo x >/proc/$file || true"
			assert_line --index 0 0
			tried=$((${tried-0} + 1))
		done
		for dir in /proc/acpi /proc/scsi /proc/asound /sys/firmware; do
			[ -e $dir ] || continue
			works by_root $option "$top" ls -A $dir
			assert_output ''
		done
	done
	[ "$tried" -ge 6 ]
	# The file is really read outside.
	[ "$(wc -c </proc/timer_list)" -gt 0 ]
}

@test "T55 the same where the host's /proc lacks them, and none without /proc" {
	works unshare --mount bash -c 'mount -t proc -o subset=pid proc /proc && cd / && exec "$OVLRUN" "$top" sh -c "ls -d /proc/self /proc/sys 2>/dev/null || true"'
	assert_output /proc/self
	works by_root --no-proc "$top" ls -A /proc
	assert_output ''
	works by_root --no-sys "$top" ls -A /sys
	assert_output ''
	works by_root --bare "$top" ls -A /proc /sys
}

@test "T55 --privileged: all capabilities, nothing masked or read-only in /proc" {
	all=$(printf '%016x' "0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status)")
	for option in -q -r --unshare=pid; do
		works by_root --privileged $option "$top" /bin/probe caps
		has_caps "$all"
		works by_root --privileged $option "$top" /bin/tries rewrite /proc/sys/kernel/core_pattern
		for file in keys timer_list; do
			[ -e /proc/$file ] || continue
			run by_root --privileged $option "$top" stat -c %F /proc/$file
			assert_output --partial regular
		done
	done
	works by_root --privileged "$top" cat /proc/self/mountinfo
	refute_line --regexp ' /proc/(sys|irq|bus|fs|keys|kcore|timer_list|acpi) '
}

@test "T19 device nodes that root makes in /dev do not open" {
	for place in /dev/node /dev/shm/node; do
		run by_root "$top" /bin/tries node $place
		assert_line --regexp '^(make: Operation not permitted|make: Read-only.*|open: Permission denied)$'
	done
}

@test "T19 device nodes that root makes elsewhere do not open, and those of the image neither" {
	for option in -q -r "-w name"; do
		for place in /tmp/node /node; do
			[ "$option:$place" != -r:/node ] || continue
			run by_root $option "$top" /bin/tries node $place
			assert_line --regexp '^(make: Operation not permitted|open: Permission denied)$'
		done
	done
	mknod -m 0666 "$tree/$top/diff/null" c 1 3 # and those of the image
	run by_root "$top" /bin/tries write /null
	assert_output 'write: Permission denied'
	rm "$tree/$top/diff/null"
}

@test "T16 a setuid file makes root nobody else, and gives no capability back" {
	install -o 1234 -g 1234 -m 6755 "$PROBES/probe" "$tree/$top/diff/suid"
	install -m 0755 "$PROBES/probe" "$tree/$top/diff/capable"
	setcap all+ep "$tree/$top/diff/capable"
	works by_root "$top" /suid ids
	assert_equal "$(value uid)" '0 0 0'
	assert_equal "$(value gid)" '0 0 0'
	works by_root "$top" /capable caps
	has_caps $DEFAULT
	works by_root --caps none "$top" /capable caps
	has_caps 0000000000000000
	works by_root --caps none "$top" sh -c 'exec /bin/probe caps'
	has_caps 0000000000000000
}

@test "T30 through /proc a payload cannot overwrite the program" {
	for who in by_root launch; do
		for option in --unshare=pid -q; do
			for pid in 1 self; do
				run $who $option "$top" sh -c "exec /bin/tries exe $pid </dev/null"
				refute_line 'at once: SUCCEEDED'
				refute_line 'overwrite: SUCCEEDED'
				file_is_unchanged
			done
		done
	done
}

# attack PID: begins, in a launch by root, the attack on what process PID runs. finish_attack gives its $output, when PID has ended.
attack() {
	local line
	coproc ATTACK { cd / && exec "$OVLRUN" "$top" /bin/tries exe "$1" 3>&- 2>&1; }
	# shellcheck disable=SC2153 # bash sets it
	attacker=$ATTACK_PID
	exec {attack_out}<&"${ATTACK[0]}" {attack_in}>&"${ATTACK[1]}"
	while read -r line <&"$attack_out" && [ "$line" != ready ]; do
		:
	done
	[ "$line" = ready ]
}

finish_attack() {
	local fd=${ATTACK[1]-}
	[ -z "$fd" ] || exec {fd}>&-
	exec {attack_in}>&-
	output=$(cat <&"$attack_out")
	exec {attack_out}<&-
	wait "$attacker" || true
}

@test "T30 nor can it when the process of another launch has ended" {
	# The attack is real: a program of root's with the same capabilities that is run from its own file.
	cp "$PROBES/probe" "$LAB/target"
	coproc TARGET { exec setpriv --bounding-set=-all,+chown --inh-caps=-all "$LAB/target" wait 3>&-; }
	target=$TARGET_PID target_fd=${TARGET[1]}
	read -r line <&"${TARGET[0]}"
	[ "$line" = ready ]
	attack "$target"
	exec {target_fd}>&-
	wait "$target" || true
	finish_attack
	assert_equal "$output" $'reopen: SUCCEEDED\noverwrite: SUCCEEDED'
	run ! cmp -s "$PROBES/probe" "$LAB/target"
	rm "$LAB/target"
	# The processes of a launch in a pid namespace: the one that waits, and its first child, which is process 1 inside.
	for which in outer inner; do
		coproc HELD { cd / && exec "$OVLRUN" --unshare pid "$top" /bin/probe wait 3>&-; }
		# shellcheck disable=SC2034 # for release
		held=$HELD_PID
		read -r line <&"${HELD[0]}"
		[ "$line" = ready ]
		pid=$held
		[ $which = outer ] || pid=$(cut -d ' ' -f 1 "/proc/$held/task/$held/children")
		attack "$pid"
		release || true
		finish_attack
		[[ $output != *'overwrite: SUCCEEDED'* ]] || fail "$which: $output"
		file_is_unchanged
	done
}

@test "T30 an image whose command is a script for /proc/self/exe" {
	for who in by_root launch; do
		for option in -q -r --unshare=pid; do
			run $who $option "$top" sh -c '/evil; exit 7'
			assert_equal "$status" 7
			run $who $option "$top" /evil
			assert_equal "$status" 125
			refute_output --partial SUCCEEDED
		done
	done
	file_is_unchanged
	# The same, held in the moment when the program runs again, inside: it is attacked there from another launch.
	for option in -q --unshare=pid; do
		log=$BATS_TEST_TMPDIR/execs
		: >"$log"
		strace -f -o "$log" -e trace=execve -e inject=execve:signal=STOP "$OVLRUN" $option "$top" /evil >/dev/null 2>&1 3>&- &
		tracer=$!
		until grep -q 'stopped by SIGSTOP' "$log"; do kill -0 $tracer; done # strace's own first one is not among them
		pid=$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$log" | head -n 1)
		attack "$pid"
		# In a pid namespace the one that waits has stopped as well.
		while kill -0 $tracer 2>/dev/null; do
			kill -CONT $(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$log") || true
		done
		wait $tracer || true
		finish_attack
		[[ $output != *'overwrite: SUCCEEDED'* ]] || fail "$option: $output"
		file_is_unchanged
	done
}

@test "T30 where the copy in memory cannot be made the installed file is not what runs" {
	for state in limit:7:3:1024 limit:7:4:1024 limit:7:5:1024 close:0; do
		run strace -o "$BATS_TEST_TMPDIR/trace" -e trace=execveat "$PROBES/start" $state -- "$OVLRUN" "$top" true
		[ "$status" = 125 ] || grep -q '^execveat.* = 0' "$BATS_TEST_TMPDIR/trace" || fail "$state: status $status, not copied"
	done
	# Where there is no /proc to find itself by: a payload in a pid namespace has one all the same.
	coproc HELD { exec unshare --mount bash -c 'umount -l /proc; umount -l /proc
		cd / && exec "$OVLRUN" --unshare pid "$top" /bin/probe wait' 3>&-; }
	# shellcheck disable=SC2034 # for release
	held=$HELD_PID
	read -r line <&"${HELD[0]}" || true
	exe=$(readlink "/proc/$held/exe" || true)
	release || [ "$?" = 125 ]
	[ "$exe" != "$OVLRUN" ]
}

@test "T30 where memory that can be executed is forbidden the launch says so or works" {
	run --separate-stderr unshare --pid --fork --mount-proc bash -c 'echo 2 >/proc/sys/vm/memfd_noexec && exec "$OVLRUN" "$top" echo works'
	[ "$status:$output" = 0:works ] || {
		assert_equal "$status" 125
		assert_regex "${stderr_lines[0]}" '^ovlrun: cannot '
	}
}

@test "a launch by root has the image's own accounts, and its caller's environment where it may" {
	works by_root "$top" cat /etc/passwd
	assert_equal "$output" "$(cat "$tree/$(tree_id 1)/diff/etc/passwd")"
	works by_root "$top" whoami
	assert_output root
	refute_regex "$(by_root "$top" cat /proc/self/mountinfo)" ' /etc/(passwd|group) '
}

@test "as cron runs it: no terminal, no environment, no input, in any directory" {
	for dir in / /root "$BATS_TEST_TMPDIR"; do
		run bash -c 'cd "$1" && exec setsid env -i "$OVLRUN" "$top" /bin/sh -c "id -u; echo \$PATH; pwd; cat" </dev/null' cron "$dir"
		assert_equal "$status" 0
		assert_line --index 0 0
		assert_line --index 1 --partial /usr/bin
	done
	run bash -c 'exec setsid env -i "$OVLRUN" "$top" /bin/sh -c "exit 7" <&- >&- 2>&-'
	assert_equal "$status" 7
}

@test "as a Dockerfile has it: what one launch installs the next one has" {
	works by_root -w build "$top" sh -ec 'mkdir -p /opt/app; cp /bin/probe /opt/app/app; chown -R 12:34 /opt; chmod 2755 /opt/app/app
		echo "app:x:12:34::/opt:/bin/sh" >>/etc/passwd; ln -s /opt/app/app /usr/bin/app; rm /layer1; mkdir -m 0700 /etc/app'
	works by_root -w build "$top" sh -ec 'app umask >/dev/null; stat -c "%a %u %g" /opt/app/app; su app -s /bin/sh -c "id -u"; [ ! -e /layer1 ]; stat -c %a /etc/app'
	assert_output $'2755 12 34\n12\n700'
	works by_root "$top" cat /layer1
	assert_output 1
}

@test "as process 1 of a pid namespace" {
	works unshare --pid --fork "$OVLRUN" "$top" sh -c 'echo $$; exit 0'
	assert_output 1
	works unshare --pid --fork --mount-proc "$OVLRUN" "$top" sh -c 'cd /proc && echo $$ [0-9]*; readlink /proc/self'
	assert_line --index 0 --regexp '^1 1( |$)'
	run unshare --pid --fork --mount-proc "$OVLRUN" --unshare pid "$top" sh -c 'exit 9'
	assert_equal "$status" 9
	works unshare --pid --fork --mount-proc setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" sh -c 'echo $$'
	assert_output 1
}

@test "root's launches change nothing of the host" {
	install -d "$LAB/victim"
	works by_root "$top" true
	before=$(host_state "$LAB/victim" "$tree")
	for option in -q -r --privileged "--caps all" "--unshare pid" "-b $LAB/victim:/v:ro" "--dev host"; do
		run by_root $option "$top" sh -c 'touch /x /etc/x /v/x; rm -rf /layer1 /etc/passwd /bin/probe; exit 0'
		assert_equal "$status" 0
	done
	same "$before" "$(host_state "$LAB/victim" "$tree")"
	file_is_unchanged
}

@test "T30 T35 a limit of file sizes does not leave the copy out" {
	run bash -c "cd /; trap '' XFSZ; ulimit -f 64; exec \"\$OVLRUN\" \"\$top\" true"
	assert_equal "$status" 125
	assert_output --partial 'cannot copy the program into memory'
	run bash -c 'cd /; ulimit -f 64; exec "$OVLRUN" "$top" true'
	assert_equal "$status" 125
}
