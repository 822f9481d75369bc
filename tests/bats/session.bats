# SPDX-License-Identifier: MIT
# What the payload takes over from its caller: terminal, session, descriptors, directory, environment, limits.
#
# What stands in single quotes is for the shell of the payload; the variables come from the helpers and from bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2153,SC2154,SC2206,SC2258

setup_file() {
	load ../lib/helpers
	make_tree session 2
	install -m 0755 "$PROBES/sigcount" "$PROBES/tty" "$tree/$(tree_id 1)/diff/bin"
	# One word for the terminal sessions: ovlrun with what $with says.
	printf '%s\n' '#!/bin/sh' 'exec "$OVLRUN" $with -C / -e "PS1=inner> " "$top" "$@"' >"$LAB/bin/o"
	chmod 0755 "$LAB/bin/o"
	tiocsti=/proc/sys/dev/tty/legacy_tiocsti
	[ ! -e $tiocsti ] || cat $tiocsti >"$BATS_FILE_TMPDIR/tiocsti"
	export tiocsti
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/tiocsti" ] || cat "$BATS_FILE_TMPDIR/tiocsti" >"$tiocsti" || true
	rm -rf /etc/ovlrun.d
}

setup() {
	load ../lib/helpers
	policy "tree $tree" 'permit * any may unshare,keep-fd,userns,bind'
}

teardown() {
	terminal_end
	# A test that failed may have left launches, and bats would wait for them.
	pkill -KILL -u $USER_ID || true
}

# --- session

@test "--new-session: a session and group of its own, without a terminal" {
	works launch --new-session "$top" /bin/tty session
	assert_equal "$(value session)" "$(value pid)"
	assert_equal "$(value group)" "$(value pid)"
	assert_equal "$(value terminal)" 'No such device or address'
	# A group leader cannot make a session: there a process stands between.
	for state in '' leader; do
		works with $state -- --new-session "$top" /bin/tty session
		assert_equal "$(value session)" "$(value pid)"
		works with $state -- "$top" /bin/tty session
		[ "$(value session)" != "$(value pid)" ]
		works with $state -- --new-session --unshare pid "$top" /bin/tty session
		assert_equal "$(value pid) $(value session)" '2 2'
	done
}

@test "--new-session: status, death and signals are passed on, also from a group leader" {
	policy "tree $tree" 'permit * any may unshare'
	ulimit -c 0
	for state in ignore:29 leader; do
		for option in '' '--unshare pid'; do
			for n in 0 1 9 255; do
				run with $state -- --new-session $option "$top" sh -c "exit $n"
				assert_equal "$status" "$n"
			done
			run with $state -- --new-session $option "$top" sh -c 'kill -TERM $$'
			assert_equal "$status" 143
			coproc HELD { exec "$PROBES/start" user:$USER_ID:$USER_ID $state -- "$OVLRUN" -C / --new-session $option "$top" /bin/sigcount 15 1 2 3 10 12 28 3>&-; }
			held=$HELD_PID
			read -r line <&"${HELD[0]}"
			for n in 15 1 2 3 10 12 28; do
				works as_user kill -$n "$held"
				read -r -t 10 line <&"${HELD[0]}"
				assert_equal "$line" "got $n"
			done
			exec {said_fd}<&"${HELD[0]}"
			release
			run cat <&"$said_fd"
			exec {said_fd}<&-
			assert_output $'15: 1\n1: 1\n2: 1\n3: 1\n10: 1\n12: 1\n28: 1'
		done
	done
}

@test "T46 --new-session: SIGKILL to the program ends the payload" {
	for option in '' '--unshare pid'; do
		coproc HELD { exec "$PROBES/start" user:$USER_ID:$USER_ID leader -- "$OVLRUN" -C / --new-session $option "$top" /bin/probe wait 3>&-; }
		held=$HELD_PID
		read -r line <&"${HELD[0]}"
		child=$(pgrep -P "$held" | tr '\n' ' ')
		[ -n "$child" ]
		works as_user kill -KILL "$held"
		wait "$held" || true
		eventually ended $child
		eventually nobody_left
	done
}

@test "T23 --new-session: the caller's signals change no status, and are the payload's" {
	for option in '' '--unshare pid'; do
		run with leader ignore:17 block-all -- --new-session $option "$top" sh -c 'exit 9'
		assert_equal "$status" 9
		works with leader ignore:17 ignore:25 ignore:2 block-all -- --new-session $option "$top" /bin/probe signals
		assert_equal "$(value ignored)" '2 17 25'
		assert_equal "$(value blocked | wc -w)" 62
		works with leader -- --new-session $option "$top" /bin/probe signals
		assert_output $'ignored:\nblocked:'
	done
}

@test "T39 --new-session: nothing can be typed into the caller's terminal" {
	[ ! -e "$tiocsti" ] || echo 1 >"$tiocsti" || [ "$(cat "$tiocsti")" = 0 ]
	legacy=$(cat "$tiocsti" 2>/dev/null || echo 1)
	terminal
	types "cd $term"
	if [ "$legacy" = 1 ]; then # the attack is real
		types 'o tty push "echo typed; touch without"'
		await '^typed$'
		[ -e "$term/without" ]
	fi
	for option in '' '--unshare pid'; do
		types "with='--new-session $option' o tty push 'touch with'; echo end\$((40 + 2))of'$option'"
		await "^end42of$option"
		assert_regex "$screen" 'push: (Operation not permitted|Input/output error|Inappropriate ioctl)'
	done
	types 'echo end$((40 + 3))'
	await '^end43'
	[ ! -e "$term/with" ]
}

# --- descriptors

@test "--keep-fd: the descriptor arrives with its content, place and flags, and only it" {
	file=$LAB/kept
	printf 'one\ntwo\nthree\n' >"$file"
	chmod 0666 "$file"
	exec 5<"$file" 6>>"$file" 7<>"$file" 8</etc/passwd
	read -r -u 5 line
	works launch --keep-fd 5 "$top" cat /proc/self/fdinfo/5
	assert_line --regexp '^pos:.*4$'
	works launch --keep-fd 5 "$top" sh -c 'cat <&5'
	assert_output $'two\nthree'
	works launch --keep-fd 6 --keep-fd 7 "$top" sh -c 'echo four >&6; cat <&7; grep flags /proc/self/fdinfo/6 /proc/self/fdinfo/7'
	assert_line four
	assert_line --regexp 'fdinfo/6:flags:.*2001$'
	assert_line --regexp 'fdinfo/7:flags:.*2$'
	works launch --keep-fd 6 "$top" /bin/probe fds
	assert_equal "$(sed -n 's/^fd: \([0-9]*\) .*/\1/p' <<<"$output" | xargs)" '0 1 2 6'
	works launch --keep-fd 5 --keep-fd 8 --unshare pid --new-session "$top" /bin/probe fds
	assert_equal "$(sed -n 's/^fd: \([0-9]*\) .*/\1/p' <<<"$output" | xargs)" '0 1 2 5 8'
	exec 5<&- 6>&- 7>&- 8<&-
}

@test "--keep-fd: pipes and sockets, high numbers, and the low ones that the program itself would use" {
	works bash -c 'echo through | { exec 9<&0 </dev/null; cd /; setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" --keep-fd 9 "$top" sh -c "cat <&9"; }'
	assert_output through
	open=() keep=()
	for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 1023; do
		open+=("open:$fd:/etc/passwd")
		keep+=(--keep-fd "$fd")
	done
	for option in -q -r '--unshare=pid'; do
		works with "${open[@]}" -- "${keep[@]}" $option "$top" /bin/probe fds
		assert_equal "$(grep -c '^fd:' <<<"$output")" 19
	done
	# One more is one too many.
	refused with "${open[@]}" open:18:/etc/passwd -- "${keep[@]}" --keep-fd 18 "$top" true
}

@test "T26 T27 --keep-fd: never a directory or O_PATH descriptor, whatever else is kept" {
	refused with open:5:/ -- --keep-fd 5 "$top" true
	says 'descriptor 5'
	refused with path:5:/ -- --keep-fd 5 "$top" true
	refused with path:5:/etc/passwd -- --keep-fd 5 "$top" true
	refused with open:5:/etc/passwd open:6:/ -- --keep-fd 5 --keep-fd 6 "$top" true
	works with open:5:/etc/passwd open:6:/ -- --keep-fd 5 "$top" /bin/probe fds
	assert_equal "$(sed -n 's/^fd: \([0-9]*\) .*/\1/p' <<<"$output" | xargs)" '0 1 2 5'
}

@test "--keep-fd: what is not open, no number or out of range is refused" {
	refused with -- --keep-fd 77 "$top" true
	says 'descriptor 77'
	for n in -1 '' a 5a ' 5' '5 ' +5 0x5 5,6 4294967301 18446744073709551621 99999999999999999999 2147483648 1.5; do
		refused with open:5:/etc/passwd -- --keep-fd "$n" "$top" true
	done
	refused launch --keep-fd
	refused with -- --keep-fd 2147483647 "$top" true
}

@test "--keep-fd: the same number twice is one, and 0 to 2 need no keeping" {
	works with open:5:/etc/passwd -- --keep-fd 5 --keep-fd 5 "$top" /bin/probe fds
	assert_equal "$(grep -c '^fd:' <<<"$output")" 4
	for fd in 0 1 2; do
		refused with -- --keep-fd $fd "$top" true
		says 'always passed on'
	done
}

@test "T01 --keep-fd: without keep-fd in the policy's rule it is refused, and root needs no rule" {
	policy "tree $tree" 'permit * any may writable,bind,userns,dev,unshare'
	refused with open:5:/etc/passwd -- --keep-fd 5 "$top" true
	says keep-fd
	works with user:0:0 open:5:/etc/passwd -- --keep-fd 5 "$top" true
}

@test "T21 T26 nothing that is kept is open while something is said, and none of the program's own arrives" {
	exec 5</etc/passwd
	stopped_at mount 3 --keep-fd 5 "$top" /bin/probe fds
	run find "/proc/$pid/fd" -mindepth 1 -lname /etc/passwd -printf '%f\n'
	assert_output 5
	resume
	exec 5<&-
	assert_equal "$(grep -c '^fd:' <<<"$output")" 4
}

# --- directory

# in_dir DIR [OPTION...] ID...: a launch from DIR, entered before the ids change.
in_dir() {
	(cd "$1" && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$OVLRUN" "${@:2}")
}

@test "T28 the caller's directory is kept where it exists inside" {
	works in_dir /usr/bin "$top" pwd
	assert_output /usr/bin
	works in_dir /usr/bin --unshare pid --new-session "$top" pwd
	assert_output /usr/bin
	mkdir -p "$tree/$top/diff/$LAB/kept-dir" "$LAB/kept-dir"
	works in_dir "$LAB/kept-dir" "$top" sh -c 'pwd; ls -a'
	assert_line --index 0 "$LAB/kept-dir"
	works in_dir / "$top" pwd
	assert_output /
	works in_dir /usr/bin -C /etc "$top" pwd
	assert_output /etc
	# By its name: a symlink of the image on the way stays inside.
	ln -s / "$tree/$top/diff/$LAB/way"
	mkdir -p "$LAB/way/etc"
	works in_dir "$LAB/way/etc" "$top" sh -c 'pwd -P; ls passwd'
	assert_output $'/etc\npasswd'
}

@test "T28 absent, closed, deleted, no directory inside: / it is, and nothing of the caller's is entered" {
	mkdir -p "$LAB/only-outside" "$LAB/closed" "$LAB/gone" "$LAB/file" "$LAB/closed-inside"
	chmod 0700 "$LAB/closed"
	mkdir -p "$tree/$top/diff/$LAB/closed-inside"
	chmod 0700 "$tree/$top/diff/$LAB/closed-inside"
	touch "$tree/$top/diff/$LAB/file"
	for dir in only-outside closed file closed-inside; do
		works in_dir "$LAB/$dir" "$top" sh -c 'pwd; ls -d layer1'
		assert_output $'/\nlayer1'
	done
	works bash -c 'cd "$LAB/gone" && rmdir "$LAB/gone" &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" pwd'
	assert_output /
	# Deleted, and what its name was then is made anew inside: it is no longer that directory.
	mkdir -p "$LAB/gone" "$tree/$top/diff/$LAB/gone (deleted)"
	works bash -c 'cd "$LAB/gone" && rmdir "$LAB/gone" &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" pwd'
	assert_output /
	# A directory that the caller has no name for.
	works unshare --mount bash -c 'mkdir -p "$LAB/away" && mount -t tmpfs x "$LAB/away" && mkdir "$LAB/away/in" && cd "$LAB/away/in" &&
		umount -l "$LAB/away" && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" pwd'
	assert_output /
	# And a name longer than a path may be.
	works bash -c 'cd "$LAB"; for ((i = 0; i < 30; i++)); do mkdir -p "$0" && cd "$0" || exit; done
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top" pwd' "$(printf 'n%.0s' {1..200})"
	assert_output /
	rm -rf "${LAB:?}"/nnn*
}

@test "T28 the record's directory is second, -C is first and alone is an error when absent" {
	mkdir -p /etc/ovlrun.d/images
	printf 'tree %s\nlayer %s\nworkdir /usr/bin\n' "$tree" "$top" >/etc/ovlrun.d/images/box:latest
	works in_dir / box pwd
	assert_output /usr/bin
	works in_dir "$LAB/bin" box pwd
	assert_output /usr/bin
	works in_dir /etc box pwd
	assert_output /etc
	works in_dir /etc -C /home box pwd
	assert_output /home
	refused in_dir /etc -C /absent box pwd
	printf 'tree %s\nlayer %s\nworkdir /absent\n' "$tree" "$top" >/etc/ovlrun.d/images/box:latest
	run --separate-stderr in_dir / box pwd
	assert_equal "$status $output" '0 /'
	assert_equal "${#stderr_lines[@]}" 1
	rm -rf /etc/ovlrun.d
}

# --- environment

@test "T33 the environment is a fresh one, -E keeps the caller's, and neither invents anything" {
	run env -i TERM=dumb HOME=/home/me USER=me TRAP=1 LD_PRELOAD=/x.so PWD=/here OLDPWD=/there SHLVL=9 "$PROBES/start" \
		user:$USER_ID:$USER_ID -- "$OVLRUN" "$top" /bin/probe env
	assert_equal "$(sort <<<"$output")" $'env: HOME=/home/me\nenv: PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nenv: TERM=dumb\nenv: USER=me'
	run env -i HOME=/home/me TRAP=1 LD_PRELOAD=/x.so ENV=/x IFS=x "$PROBES/start" \
		user:$USER_ID:$USER_ID -- "$OVLRUN" -E -e A=b "$top" /bin/probe env
	assert_equal "$(sort <<<"$output" | grep -v PATH)" $'env: A=b\nenv: HOME=/home/me\nenv: TRAP=1'
}

@test "-u: HOME, USER and LOGNAME are root's, and -e can say otherwise" {
	export HOME=/home/me USER=me LOGNAME=me
	works launch -u "$top" /bin/probe env
	assert_line 'env: HOME=/root'
	assert_line 'env: USER=root'
	assert_line 'env: LOGNAME=root'
	works launch -u -e HOME=/other "$top" /bin/probe env
	assert_line 'env: HOME=/other'
	works launch "$top" /bin/probe env
	assert_line 'env: HOME=/home/me'
	assert_line 'env: USER=me'
}

# --- limits and umask

@test "T35 each limit at 0, tiny and unlimited, with everything mounted inside" {
	for options in -q '-r --unshare pid' '--unshare pid,net --new-session' -u; do
		for resource in 0 1 2 3 4 6 7 8 9 10 11 12 13 14 15; do
			for limit in 0 1 4096 -1; do
				before=$(mounts)
				run --separate-stderr with "limit:$resource:$limit:-1" -- $options "$top" cat /layer1
				case $status:$output in
				0:1) ;;
				125:) # without a word only where nothing can be written
					[ "$resource" = 1 ] || assert_regex "$stderr" '^ovlrun: (cannot|note)' ;;
				126: | 127:) assert_regex "$stderr" '(ovlrun|cat): ' ;;
				# Death by a limit of the caller's own on cpu time or memory is his; 99: it cannot be set.
				99: | 1[23456]?: | 1:) ;;
				*) fail "$options: limit $resource at $limit: status $status, $output, $stderr" ;;
				esac
				eventually nobody_left
				assert_equal "$(mounts)" "$before"
			done
		done
	done
}

@test "T35 the payload has the caller's limits in every way of a launch" {
	for options in -q '--unshare pid' '--new-session --unshare pid,net' -u; do
		for state in '' leader; do
			works with $state limit:7:20:4096 limit:4:4096:8192 limit:1:1024:2048 limit:6:900:1000 -- $options "$top" /bin/probe limits
			assert_line 'limit: 7 20 4096'
			assert_line 'limit: 4 4096 8192'
			assert_line 'limit: 1 1024 2048'
			assert_line 'limit: 6 900 1000'
		done
	done
}

@test "T36 whatever the umask, what is made inside has the same modes, and the mask is the payload's" {
	look='stat -c "%n %a %u %g" / /dev /dev/* /dev/shm /dev/pts /dev/pts/ptmx /etc /etc/passwd /etc/group /tmp /proc /sys'
	for options in -q -r '--unshare pid' -u; do
		expected=
		for mask in 0022 0000 0777 0027; do
			works with umask:$mask -- $options "$top" /bin/probe umask
			assert_equal "$(value umask)" $mask
			works with umask:$mask -- $options "$top" sh -c "$look"
			assert_equal "$output" "${expected:=$output}"
			refute_line --regexp '^/(dev|etc|etc/passwd|etc/group) [0-7]*[2367] '
		done
	done
}

# --- at a terminal: the whole of it, as a person would use it

# An interactive shell inside, with $with.
job_control() {
	types 'o sh'
	await '^inner>$'
	types 'echo $((40 + 2)) at $PPID'
	await '^42 at '
	types 'sleep 1000 &'
	types 'jobs'
	await 'Running +sleep 1000'
	types 'fg'
	await '^sleep 1000$'
	keys C-z
	await 'Stopped +sleep 1000'
	types 'bg; jobs; echo again$((1 + 1))'
	await '^again2'
	types 'kill %1; wait; jobs; echo none$((1 + 1))'
	await '^none2'
	await 'Terminated +sleep 1000'
	# Ctrl-C is the foreground's, not the shell's.
	types 'sleep 1000; echo ended $?'
	await 'ended \$\?$'
	keys C-c
	await '^\^C'
	types 'echo here$((1 + 2))'
	await '^here3'
	keys C-c
	types 'echo still$((1 + 2))'
	await '^still3'
	types 'cat'
	types 'line by line'
	await '^line by line$'
	keys C-d
	types 'exit 7'
	await '^outer>$'
	types 'echo status $?.'
	await '^status 7\.$'
}

# Until the job is, as the shell outside sees it.
until_stopped() {
	local end=$((SECONDS + 10))
	until types 'clear; jobs; echo "end of jobs"' && await '^end of jobs$' && grep -q 'Stopped.* o sh' <<<"$screen"; do
		[ $SECONDS -lt $end ] || { fail "not stopped: $screen"; return 1; }
	done
}

# Ctrl-Z at a payload that is no shell, seen by the shell outside.
suspended() {
	types 'o sh -c "echo on; cat; echo off"'
	await '^on$'
	types 'first'
	await '^first$'
	keys C-z
	await 'Stopped.* o sh'
	types 'jobs | wc -l | sed s/^/jobs=/'
	await '^jobs=1$'
	types 'fg'
	await '^o sh -c'
	types 'second'
	await '^second$'
	keys C-d
	await '^off$'
	types 'clear; echo status $?.'
	await '^status [0-9]*\.$'
	# In the background it is stopped by its first read, and goes on in the foreground.
	types 'o sh -c "read line; echo read \$line" &'
	until_stopped
	types 'clear; fg'
	types 'words'
	await '^read words$'
	# Stopped and continued by another.
	types 'clear; o sh -c "cat" &'
	until_stopped
	types 'kill -TERM %1; fg; echo status $?.'
	await '^status 143\.$'
}

interrupted() {
	types 'o sigcount 2 28 1'
	await '^ready$'
	keys C-c
	await 'got 2$'
	tmux_do resize-window -x 90 -y 24
	await 'got 28$'
	keys C-d
	await '^1: 0$'
	assert_line_of 2: 1
	assert_line_of 28: 1
	types 'o sh -c "echo sleeping; exec sleep 1000"'
	await '^sleeping$'
	keys C-c
	await '^\^C'
	types 'echo status $?.'
	await '^status 130\.$'
	types 'o sh -c "trap \"echo caught\" INT; echo ready\$((1 + 1)); read line; echo ended"'
	await '^ready2$'
	keys C-c
	await 'caught$'
	[ "$(grep -c 'caught$' <<<"$screen")" = 1 ]
	keys Enter
	await '^ended$'
	keys C-\\
	types 'clear'
	await '^outer>$'
}

# assert_line_of KEY VALUE: on the screen.
assert_line_of() {
	assert_equal "$(sed -n "s/^$1 //p" <<<"$screen" | tail -n 1)" "$2"
}

resized() {
	types 'o sh'
	await '^inner>$'
	types 'stty size'
	await '^24 80$'
	tmux_do resize-window -x 101 -y 31
	types 'stty size; exit'
	await '^31 101$'
	types 'o sh -c "trap \"stty size; kill \$!; exit\" WINCH; sleep 1000 & echo ready; wait"'
	await '^ready$'
	tmux_do resize-window -x 90 -y 25
	await '^25 90$'
}

full_screen() {
	types 'o sh'
	await '^inner>$'
	types 'cd /tmp; vi file'
	await '^~$'
	await 'file.* 1/1'
	keys i
	types 'first line'
	types 'second line'
	keys Escape
	await '^- file'
	types ':1'
	keys d d p
	types ':wq'
	await '^inner> '
	types 'clear; cat file; echo lines: $(wc -l <file)'
	await '^lines: [0-9]'
	assert_regex "$screen" $'second line\n'
	assert_regex "$screen" $'first line\n'
	types 'top'
	await '^ *PID +PPID'
	keys q
	types 'clear; exit 3'
	await '^outer>$'
	types 'echo status $?.'
	await '^status 3\.$'
}

@test "terminal: job control, Ctrl-C and Ctrl-Z in a shell inside" {
	terminal
	job_control
	terminal_end
	terminal "export with='--unshare pid'"
	job_control
}

@test "terminal: a payload is suspended and resumed by the shell outside" {
	terminal
	suspended
	terminal_end
	terminal "export with='--unshare pid'"
	suspended
}

@test "terminal: Ctrl-C and a new size reach the payload once" {
	terminal
	interrupted
	terminal_end
	terminal "export with='--unshare pid'"
	interrupted
}

@test "terminal: a new size is seen inside" {
	terminal
	resized
	terminal_end
	terminal "export with='--unshare pid'"
	resized
}

@test "terminal: full-screen programs" {
	terminal
	full_screen
	terminal_end
	terminal "export with='--unshare pid'"
	full_screen
}

@test "terminal: when it closes, nothing is left" {
	for option in '' '--unshare pid' '--unshare pid --new-session'; do
		terminal "export with='$option'"
		types 'o sh -c "echo on; cat"'
		await '^on$'
		pgrep -x 'cat|ovlrun'
		terminal_end
		[ -n "${option#*new-session}" ] || pkill -KILL -x ovlrun || true # it has no terminal to lose
		eventually nobody_left
	done
}

@test "terminal: a new pseudo-terminal inside is of the launch's own" {
	for option in '' '--unshare pid'; do
		terminal "export with='$option'"
		types 'o sh -c "ls /dev/pts; ls -l /dev/ptmx; echo listed\$((1 + 1))"'
		await '^listed2$'
		assert_regex "$screen" $'\nptmx\n'
		run grep -E '^[0-9]' <<<"$screen" # none of the host's
		assert_output ''
		terminal_end
	done
}
