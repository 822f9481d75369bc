# SPDX-License-Identifier: MIT
# --unshare: namespaces of a launch's own, and with pid the process that stands between caller and payload.
#
# What stands in single quotes is for the shell of the payload; the variables come from the helpers and from bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2153,SC2154,SC2206,SC2258

setup_file() {
	load ../lib/helpers
	make_tree unshare 2
	install -m 0755 "$PROBES/sigcount" "$tree/$(tree_id 1)/diff/bin/sigcount"
	cp -a /etc/resolv.conf /etc/hosts /etc/hostname "$BATS_FILE_TMPDIR" 2>/dev/null || true
	echo 'nameserver 192.0.2.1' >/etc/resolv.conf
	echo '192.0.2.2 of-the-host' >/etc/hosts
	echo of-the-host >/etc/hostname
	mount -t tmpfs -o mode=0755 unshare-state /var/lib # for -w
}

teardown_file() {
	cp -a "$BATS_FILE_TMPDIR"/* /etc
	umount /var/lib
}

setup() {
	load ../lib/helpers
	policy "tree $tree" 'permit * any may unshare,writable'
}

teardown() {
	# A test that failed may have left launches, and bats would wait for them.
	pkill -KILL -x ovlrun || true
}

names='pid ipc uts net cgroup'

# namespaces PID: what it is in, one `name: id` line each.
namespaces() {
	local name
	for name in $names mnt user time; do
		echo "$name: $(readlink "/proc/$1/ns/$name")"
	done
}

# got N: the held payload's next line is "got N".
got() {
	local line=''
	read -r -t 10 line <&"${HELD[0]}" || true
	assert_equal "$line" "got $1"
}

# is_stopped PID...: all of them are.
is_stopped() {
	local pid
	for pid; do
		[ "$(state_of "$pid")" = T ] || return 1
	done
}

is_running() {
	local pid
	for pid; do
		[ "$(state_of "$pid")" != T ] || return 1
	done
}

# --- the list

@test "every name makes that namespace new and leaves the others as they are" {
	here=$(namespaces self)
	for name in $names; do
		works launch --unshare $name "$top" sh -c 'for n in pid ipc uts net cgroup mnt user time; do
			echo "$n: $(readlink /proc/self/ns/$n)"; done'
		for other in $names user time; do
			if [ $other = $name ]; then
				[ "$(value $other)" != "$(sed -n "s/^$other: //p" <<<"$here")" ] || fail "$name is the old one"
				[ -n "$(value $other)" ]
			else
				assert_equal "$other: $(value $other)" "$(grep "^$other:" <<<"$here")"
			fi
		done
	done
}

@test "several names, also in several options, in any order" {
	here=$(namespaces self)
	for list in '--unshare pid,ipc,uts,net,cgroup' '--unshare cgroup,net --unshare uts,ipc,pid'; do
		works launch $list "$top" sh -c 'for n in pid ipc uts net cgroup user; do
			echo "$n: $(readlink /proc/self/ns/$n)"; done'
		[ "$(grep -c : <<<"$output")" = 6 ]
		for name in $names; do
			[ "$(value $name)" != "$(sed -n "s/^$name: //p" <<<"$here")" ] || fail "$name is the old one"
		done
		assert_equal "user: $(value user)" "$(grep '^user:' <<<"$here")"
	done
	works launch --unshare uts,uts --unshare uts "$top" readlink /proc/self/ns/ipc # a name twice is one
	assert_equal "ipc: $output" "$(grep '^ipc:' <<<"$here")"
}

@test "with --bare, where there is no /proc, they are as new" {
	hold --bare --unshare pid,net "$top" /bin/probe wait
	for name in pid net; do
		[ "$(readlink "/proc/$(inside 2)/ns/$name")" != "$(readlink /proc/self/ns/$name)" ]
	done
	release
}

@test "what is no list of these names is refused" {
	for list in '' , pid, ,pid pid,,ipc user mnt time PID ' pid' 'pid ' pid:ipc p all pid,nothing $'pid\n'; do
		refused launch --unshare "$list" "$top" true
		refused launch "--unshare=$list" "$top" true
	done
	refused launch --unshare
	refused launch --unshar pid "$top" true
}

@test "T01 without unshare in the policy's rule every name is refused, and root needs no rule" {
	policy "tree $tree" 'permit * any may writable,bind,userns,dev,keep-fd'
	for name in $names; do
		refused launch --unshare $name "$top" true
		says unshare
		says 'ovlrun: hint: '
		works "$OVLRUN" --unshare $name "$top" true
	done
	works launch "$top" true
}

# --- net, uts, ipc, cgroup

@test "net: only lo, which is up and carries connections" {
	works launch --unshare net "$top" sh -c 'ls /sys/class/net; echo $(($(cat /sys/class/net/lo/flags) & 1))'
	assert_output $'lo\n1' # IFF_UP
	works launch --unshare net "$top" sh -c 'echo through | nc -l -p 4321 -w 5 >/tmp/got &
		until echo sent | nc 127.0.0.1 4321 2>/dev/null; do :; done; wait; cat /tmp/got'
	assert_line through
	assert_line sent
	works launch --unshare net "$top" cat /proc/net/route
	assert_equal "$(wc -l <<<"$output")" 1
}

@test "net: what listens on the host's loopback, in abstract sockets too, is out of reach" {
	perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("\0ovlrun-test")) or die;
		listen($s, 1); $| = 1; print "ready\n"; <STDIN>' >"$BATS_TEST_TMPDIR/said" < <(exec tail -f /dev/null --pid=$$) 3>&- &
	server=$!
	eventually grep -q ready "$BATS_TEST_TMPDIR/said"
	works launch "$top" grep -c @ovlrun-test /proc/net/unix
	assert_output 1
	run launch --unshare net "$top" grep -c @ovlrun-test /proc/net/unix
	kill $server
	assert_output 0
}

@test "net: the host's resolv.conf and hosts are not there; without it they are" {
	works launch "$top" cat /etc/resolv.conf /etc/hosts
	assert_output $'nameserver 192.0.2.1\n192.0.2.2 of-the-host'
	run launch --unshare net "$top" sh -c 'cat /etc/resolv.conf /etc/hosts; cat /proc/mounts'
	refute_output --partial 192.0.2
	refute_output --partial of-the-host
	refute_output --partial resolv.conf' '
}

@test "T54 net: /sys is a new one, of that namespace, and read-only" {
	mkdir -p "$LAB/cover"
	echo covered >"$LAB/cover/mark"
	hidden=/sys/kernel
	mount --bind "$LAB/cover" $hidden
	run launch --unshare ipc "$top" cat $hidden/mark
	umount $hidden
	assert_output covered
	run launch --unshare net "$top" sh -c 'ls /sys/class/net; echo x >/sys/kernel/profiling || : >/sys/kernel/x'
	assert_line lo
	refute_line eth0
	assert_output --partial 'Read-only file system'
}

@test "uts: --hostname names that namespace and not the host" {
	name=$(hostname)
	works launch --unshare uts --hostname box.example "$top" hostname
	assert_output box.example
	works launch --unshare uts "$top" hostname
	assert_output "$name"
	works launch --unshare uts,pid --hostname "$(printf 'a%.0s' {1..64})" "$top" hostname
	assert_output "$(printf 'a%.0s' {1..64})"
	assert_equal "$(hostname)" "$name"
	run launch --unshare uts --hostname box "$top" cat /etc/hostname
	refute_output --partial of-the-host
	works launch "$top" cat /etc/hostname
	assert_output of-the-host
}

@test "uts: a --hostname without it, and a name that is none, are refused" {
	refused launch --hostname box "$top" true
	says uts
	refused launch --unshare pid,net --hostname box "$top" true
	says uts
	for name in '' "$(printf 'a%.0s' {1..65})" 'a b' $'a\nb' a/b $'a\e[31m' a, 'a;b' a%b $'\xff'; do
		refused launch --unshare uts --hostname "$name" "$top" true
	done
	refused launch --unshare uts --hostname
}

@test "ipc: nothing of the host's System V objects" {
	id=$(ipcmk -Q -p 0666 | sed 's/[^0-9]//g')
	seen=$(launch "$top" sh -c 'grep -c . /proc/sysvipc/msg')
	hidden=$(launch --unshare ipc "$top" sh -c 'grep -c . /proc/sysvipc/msg')
	ipcrm -q "$id"
	[ "$seen" -ge 2 ]
	assert_equal "$hidden" 1 # the heading
}

@test "cgroup: where it is looks like the top" {
	works launch --unshare cgroup "$top" cat /proc/self/cgroup
	assert_line --regexp ':/$'
	refute_line --regexp ':/.'
}

# --- pid: what is inside

@test "pid: the payload is 2, its parent is not to be seen, and 1 is the program's" {
	works launch --unshare pid "$top" sh -c 'echo $$ $PPID; set -- /proc/[0-9]*; echo "$@"'
	assert_output $'2 0\n/proc/1 /proc/2'
}

@test "pid: 1 reaps what is left to it" {
	# Without a reaper they stay as zombies, and the loop's end is timeout's.
	works launch --unshare pid "$top" sh -c 'i=0; while [ $i -lt 200 ]; do (true & ) ; i=$((i + 1)); done
		set -- /proc/[0-9]*; until [ "$*" = "/proc/1 /proc/2" ]; do set -- /proc/[0-9]*; done; sh -c "echo \$\$"; true'
	[ "$output" -gt 400 ]
}

@test "pid: 1 reaps also those that end while signals come in" {
	hold --unshare pid "$top" sh -c 'trap "n=\$((n + 1))" USR1; echo ready; i=0
		while [ $i -lt 200 ]; do (true & ) ; i=$((i + 1)); done
		set -- /proc/[0-9]*; until [ "$*" = "/proc/1 /proc/2" ]; do set -- /proc/[0-9]*; done; exit 7'
	while as_user kill -USR1 "$held" 2>/dev/null; do :; done
	status=0
	wait "$held" || status=$?
	assert_equal "$status" 7
}

@test "T50 pid: another process of the same user sees no process outside, and without it does, as documented" {
	hold "$top" /bin/probe wait
	outside=$held
	works launch "$top" sh -c "kill -0 $outside && ls /proc/$outside/root/layer1 && echo seen"
	assert_line seen
	run launch --unshare pid "$top" sh -c "kill -0 $outside || ls -d /proc/$outside || ls -d /proc/[3-9]* || echo none"
	assert_line none
	# The mount namespace below it is no way out either: what is mounted as /proc is the new one alone.
	works launch --unshare pid "$top" sh -c 'grep " /proc" /proc/self/mountinfo | grep -c " - proc "'
	assert_output 1
	release
}

@test "T54 pid: a fresh /proc does not undo the host's hidepid" {
	works unshare --mount bash -c '
		mount -t proc -o hidepid=2 proc /proc || exit 9
		cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" --unshare pid "$top" sh -c "
			ls -d /proc/1; cat /proc/1/status | head -n 1; ls -d /proc/[0-9]* | wc -l"'
	[ "$(tail -n 1 <<<"$output")" -le 4 ] # none but its own
}

@test "T21 T29 pid: of the program inside nothing can be read, written or traced" {
	works launch --unshare pid "$top" sh -c 'for f in mem environ maps root/ cwd/ exe fd/ map_files/; do
		{ [ -d /proc/1/$f ] && ls /proc/1/$f || head -c 1 /proc/1/$f; } >/dev/null 2>&1 && echo "read $f"; done; true'
	assert_output ''
	hold --unshare pid "$top" /bin/probe wait
	for pid in "$held" "$(inside 1)"; do
		for file in mem environ maps fd/0; do
			run as_user head -c 1 "/proc/$pid/$file"
			assert_output --partial 'Permission denied'
		done
		run as_user ls "/proc/$pid/root/"
		assert_output --partial 'Permission denied'
		# It has nothing that would be worth it.
		assert_equal "$(sed -n 's/^Uid:\t//p' "/proc/$pid/status")" $'65534\t65534\t65534\t65534'
		assert_equal "$(sed -n 's/^Gid:\t//p' "/proc/$pid/status")" $'65534\t65534\t65534\t65534'
		assert_equal "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$pid/status" | cut -f 2 | sort -u)" 0000000000000000
		grep -q '^NoNewPrivs:	1' "/proc/$pid/status"
	done
	release
}

@test "T26 T29 pid: the program's processes hold nothing of the host's" {
	hold --unshare pid "$top" /bin/probe wait 7</etc/passwd
	payload=$(inside 2)
	for pid in "$held" "$(inside 1)"; do
		assert_equal "$(readlink "/proc/$pid/ns/mnt")" "$(readlink "/proc/$payload/ns/mnt")"
		[ -e "/proc/$pid/root/layer1" ]
		assert_equal "$(stat -L -c %d "/proc/$pid/cwd")" "$(stat -L -c %d "/proc/$payload/root")"
		assert_equal "$(find "/proc/$pid/fd" -mindepth 1 -printf '%f %l\n' | grep -vE 'anon_inode:|pidfd:' || true)" ''
	done
	run grep -vE ' /(sys|etc/[a-z.]+)[ /]| - (overlay|proc|tmpfs|devpts) ' "/proc/$payload/mountinfo"
	release
	assert_output ''
}

@test "pid, --new-session: who reads what the payload writes need not wait for the program's processes" {
	for options in '--unshare pid' '--unshare pid --new-session'; do
		hold $options "$top" sh -c 'echo ready; exec >/dev/null 2>&1; read line; exit 4'
		line=
		! read -r -t 10 line <&"${HELD[0]}" || fail "it said: $line"
		ended "$held" && fail 'it has ended'
		status=0
		release || status=$?
		assert_equal "$status" 4 # and it was still there
	done
}

@test "T30 pid: the program cannot be overwritten through /proc/1/exe" {
	sum=$(sha256sum <"$OVLRUN")
	for user in 65534:65534 0:0; do
		run with "user:$user" -- --unshare pid "$top" sh -c '
			(: >/proc/1/exe) 2>/dev/null && echo WRITTEN
			(: >>/proc/1/exe) 2>/dev/null && echo WRITTEN
			dd if=/bin/sh of=/proc/1/exe conv=notrunc 2>/dev/null && echo WRITTEN
			cat /proc/1/exe >/tmp/copy 2>/dev/null; chmod 4755 /tmp/copy 2>/dev/null; /tmp/copy -V >/dev/null 2>&1
			ls -l /proc/1/exe; exit 3'
		assert_equal "$status" 3
		refute_line WRITTEN
		assert_equal "$(sha256sum <"$OVLRUN")" "$sum"
		assert_equal "$(stat -c '%a %u' "$OVLRUN")" '4755 0'
	done
}

@test "T30 a payload whose interpreter is /proc/self/exe does not reach the program's file" {
	printf '#!/proc/self/exe\n' >"$tree/$top/diff/loop"
	chmod 0755 "$tree/$top/diff/loop"
	sum=$(sha256sum <"$OVLRUN")
	for user in 65534:65534 0:0; do
		for option in -q '--unshare=pid'; do
			run with "user:$user" -- $option "$top" /loop
			[ "$status" != 0 ]
			[ "$status" -lt 128 ]
		done
	done
	# Root's own is a copy that nobody can change.
	coproc HELD { cd / && exec "$OVLRUN" --unshare pid "$top" /bin/probe wait 3>&-; }
	held=$HELD_PID
	read -r line <&"${HELD[0]}"
	one=$(inside 1)
	exe=$(readlink "/proc/$one/exe")
	run bash -c ': >>/proc/$0/exe' "$one"
	release
	assert_failure
	assert_equal "$(sha256sum <"$OVLRUN")" "$sum"
	[[ $exe == *memfd:* ]] || fail "$exe"
}

# --- pid: status

@test "pid: every exit status is passed on" {
	for ((n = 0; n < 256; n++)); do
		status=0
		launch --unshare pid "$top" sh -c "exit $n" || status=$?
		assert_equal "$status" "$n"
	done
	run -127 --separate-stderr launch --unshare pid "$top" no-such-command
	assert_equal "$status" 127
	assert_equal "$stderr" 'ovlrun: cannot run no-such-command: No such file or directory'
	run launch --unshare pid "$top" /etc/passwd
	assert_equal "$status" 126
	refused launch --unshare pid -C /no/such "$top" true
}

@test "pid: death by signal N is the exit status 128 + N" {
	ulimit -c 0
	for n in 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 24 26 27 29 30 31 34 64; do
		# Perl tells an exit from a death. (busybox's shell does not die of SIGQUIT.)
		run perl -e 'system @ARGV; print $? & 127, " ", $? >> 8' setpriv --reuid $USER_ID --regid $USER_ID \
			--clear-groups "$OVLRUN" --unshare pid -C / "$top" sh -c "kill -$n \$\$"
		assert_equal "$output" "0 $((128 + n))"
	done
}

@test "T23 pid: the caller's signals change no status, and are the payload's" {
	for state in 'ignore:17' 'block-all' 'ignore:17 block-all ignore:25 ignore:2' 'ignore:15 ignore:1 ignore:28 ignore:20 ignore:18'; do
		run with $state -- --unshare pid "$top" sh -c 'exit 9'
		assert_equal "$status" 9
		works with $state -- --bare "$top" /bin/probe signals
		expected=$output
		works with $state -- --unshare pid "$top" /bin/probe signals
		assert_output "$expected"
	done
	works with ignore:17 ignore:25 ignore:2 block-all -- --unshare pid "$top" /bin/probe signals
	assert_equal "$(value ignored)" '2 17 25'
	assert_equal "$(value blocked | wc -w)" 62
	works with -- --unshare pid "$top" /bin/probe signals
	assert_output $'ignored:\nblocked:'
}

# --- pid: signals

@test "pid: each signal sent to the program by its user reaches the payload, once" {
	hold --unshare pid "$top" /bin/sigcount 15 1 2 3 10 12 28
	for n in 15 1 2 3 10 12 28 15; do
		works as_user kill -$n "$held"
		got $n
	done
	exec {said_fd}<&"${HELD[0]}"
	release
	run cat <&"$said_fd"
	exec {said_fd}<&-
	assert_output $'15: 2\n1: 1\n2: 1\n3: 1\n10: 1\n12: 1\n28: 1'
}

@test "pid: a signal that the payload does not catch ends it, and the status says which" {
	ulimit -c 0
	for n in 15 1 2 3 10 12; do
		hold --unshare pid "$top" /bin/probe wait
		works as_user kill -$n "$held"
		status=0
		wait "$held" || status=$?
		assert_equal "$status" $((128 + n))
	done
}

@test "T23 pid: under nohup a hangup ends nothing" {
	trap '' HUP
	hold --unshare pid "$top" /bin/probe wait
	trap - HUP
	works as_user kill -HUP "$held"
	works as_user kill -WINCH "$held"
	status=0
	release || status=$?
	assert_equal "$status" 0
}

@test "pid: signals that the caller blocks wait with the payload, and the launch ends all the same" {
	hold --unshare pid "$top" /bin/probe wait
	release # the twin
	coproc HELD { exec "$PROBES/start" user:$USER_ID:$USER_ID block-all -- "$OVLRUN" -C / --unshare pid "$top" /bin/probe wait 3>&-; }
	held=$HELD_PID
	read -r line <&"${HELD[0]}"
	works as_user kill -TERM "$held"
	status=0
	release || status=$?
	assert_equal "$status" 0
}

@test "pid: the payload's stop stops the program, and SIGCONT to it continues both" {
	hold --unshare pid "$top" /bin/probe wait
	payload=$(inside 2)
	for n in 1 2 3; do
		works as_user kill -STOP "$payload"
		eventually is_stopped "$payload" "$held"
		works as_user kill -CONT "$held"
		eventually is_running "$payload" "$held"
	done
	release
}

@test "pid: TSTP sent to the program stops both, SIGCONT continues both" {
	set -m # a group of its own whose parent is in another: else the kernel does not stop it
	hold --unshare pid "$top" /bin/probe wait
	set +m
	payload=$(inside 2)
	for n in 1 2 3; do
		works as_user kill -TSTP "$held"
		eventually is_stopped "$payload" "$held"
		works as_user kill -CONT "$held"
		eventually is_running "$payload" "$held"
	done
	release
}

@test "pid: a payload that catches TSTP decides itself" {
	set -m
	hold --unshare pid "$top" /bin/sigcount 20 18
	set +m
	works as_user kill -TSTP "$held"
	got 20
	is_running "$held" "$(inside 2)"
	works as_user kill -CONT "$held"
	got 18
	release
}

@test "pid: a payload that ends while the program is stopped, or by SIGKILL while it is itself" {
	hold --unshare pid "$top" sh -c 'echo ready; read line; exit 6'
	payload=$(inside 2)
	works as_user kill -STOP "$held"
	eventually is_stopped "$held"
	fd=${HELD[1]}
	exec {fd}>&-
	eventually ended "$payload"
	works as_user kill -CONT "$held"
	status=0
	wait "$held" || status=$?
	assert_equal "$status" 6
	hold --unshare pid "$top" /bin/probe wait
	payload=$(inside 2)
	works as_user kill -STOP "$payload"
	eventually is_stopped "$held"
	works as_user kill -KILL "$payload"
	works as_user kill -CONT "$held"
	status=0
	wait "$held" || status=$?
	assert_equal "$status" 137
}

# --- pid: ends

@test "T46 pid: SIGKILL to the program ends everything inside" {
	hold --unshare pid "$top" sh -c 'setsid sleep 1000 & (setsid sleep 1000 &); trap "" TERM HUP INT; echo ready; read line'
	all="$(inside 1) $(pgrep --ns "$(inside 1)" --nslist pid | tr '\n' ' ')"
	[ "$(wc -w <<<"$all")" -ge 4 ]
	before=$(mounts)
	works as_user kill -KILL "$held"
	wait "$held" || true
	eventually ended $all
	eventually nobody_left
	assert_equal "$(mounts)" "$before"
}

@test "pid: process 1 killed from outside ends everything, and the status says so" {
	hold --unshare pid "$top" sh -c 'setsid sleep 1000 & echo ready; read line'
	works as_user kill -KILL "$(inside 1)"
	status=0
	wait "$held" || status=$?
	assert_equal "$status" 137
	eventually nobody_left
}

@test "pid: process 1 cannot be ended or stopped from inside" {
	works launch --unshare pid "$top" sh -c 'for s in TERM INT HUP QUIT USR1 USR2 CHLD TSTP TTIN STOP KILL SEGV ABRT; do
			kill -$s 1; done; kill -KILL -1; (true &); grep ^State /proc/1/status; echo on'
	refute_output --partial stopped
	assert_line on
}

@test "pid: a payload that ends leaves nothing, whatever it started" {
	for payload in 'setsid sleep 1000 & exit 3' '(sleep 1000 &) ; (setsid sleep 1000 &); exit 3' \
		'trap "" TERM HUP; sh -c "trap \"\" TERM HUP INT; while :; do sleep 1000; done" & exit 3'; do
		run launch --unshare pid "$top" sh -c "exec >/dev/null 2>&1; $payload"
		assert_equal "$status" 3
		nobody_left # at once
	done
}

@test "pid: everything inside has ended when the program does" {
	# The more processes there are to end, the longer it takes: perl looks at once.
	run perl -e 'system @ARGV; print $? >> 8, "\n"; for (glob "/proc/[0-9]*/comm") {
			open F, $_ or next; print "left: $_\n" if <F> eq "sleep\n" }' \
		setpriv --reuid $USER_ID --regid $USER_ID --clear-groups "$OVLRUN" --unshare pid -C / "$top" sh -c '
			exec >/dev/null 2>&1; i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i + 1)); done; exit 5'
	assert_output 5
}

@test "pid: an upper is free again when the program has ended" {
	for ((n = 0; n < 20; n++)); do
		works launch -w again --unshare pid "$top" sh -c "exec >/dev/null 2>&1; (setsid sleep 1000 &); echo $n >/tmp/n; exit 0"
	done
	works launch -w again "$top" cat /tmp/n
	assert_output 19
}

@test "T46 pid: killed at every system call since there are several processes, nothing is left" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	strace -f -u nobody -o "$trace" "$OVLRUN" --unshare pid,uts,net "$top" true
	rm -rf /run/ovlrun
	before=$(mounts)
	fine=$(fingerprint "$tree")
	tried=0
	# `when` counts the calls of each process. The first alone is traced where it is the one to be killed: with the
	# tracer all that it traces would end.
	while read -r follow name k; do
		begun=$SECONDS
		run timeout -s KILL 5 strace $follow -u nobody -o /dev/null -e "inject=$name:signal=KILL:when=$k" \
			"$OVLRUN" --unshare pid,uts,net "$top" true
		[ $((SECONDS - begun)) -lt 5 ] || fail "$name $k: it goes on"
		eventually nobody_left || fail "$name $k: a process stays behind"
		assert_equal "$(mounts)" "$before"
		[ ! -e /run/ovlrun ] || rmdir /run/ovlrun
		tried=$((tried + 1))
	done < <(sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$trace" | awk '{ n[$0]++; first = first ? first : $1 }
		$2 ~ /fork|clone/ { several = 1 }
		several && $2 != "execve" { print $1 == first ? "-q" : "-f", $2, n[$0] }' | sort -u)
	[ "$tried" -gt 40 ]
	assert_equal "$(fingerprint "$tree")" "$fine"
}

@test "T38 every failing call that makes a namespace or a process ends the launch" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	strace -f -u nobody -o "$trace" "$OVLRUN" --unshare pid,ipc,uts,net,cgroup --hostname box "$top" /bin/probe ids
	tried=0
	for call in unshare clone clone3 fork vfork sethostname setns; do
		count=$(grep -cE "^[0-9]* *$call\(" "$trace" || true)
		for ((k = 1; k <= count; k++)); do
			run --separate-stderr timeout -s KILL 10 strace -f -u nobody -o /dev/null -e "inject=$call:error=EPERM:when=$k" \
				"$OVLRUN" --unshare pid,ipc,uts,net,cgroup --hostname box "$top" /bin/probe ids
			[ "$status" = 125 ] || fail "$call $k: status $status"
			assert_equal "$output" ''
			[[ $stderr == 'ovlrun: cannot '* ]] || fail "$call $k: $stderr"
			eventually nobody_left
			tried=$((tried + 1))
		done
	done
	[ "$tried" -ge 3 ]
}

@test "T45 the namespaces are made with the caller's effective uid" {
	run bash -c 'cd / && strace -f -u nobody -e trace=setresuid,unshare,clone "$OVLRUN" --unshare pid,ipc,uts,net,cgroup "$top" true 2>&1 |
		awk "/setresuid\\(-1, 65534, -1\\) += 0/ { his = 1 } /setresuid\\(-1, 0, -1\\) += 0/ { his = 0 }
			/(unshare|clone)\\(.*CLONE_NEW/ { print his; n += gsub(/CLONE_NEW/, \"\") } END { print n }"'
	refute_line 0
	assert_line 6 # with that of the mounts
}

@test "T45 a limit of processes is a clean error" {
	run --separate-stderr with user:4321:4321 limit:6:1:1 -- --unshare pid "$top" true
	assert_equal "$status" 125
	assert_regex "$stderr" '^ovlrun: cannot '
	eventually nobody_left
}

@test "T48 in a user namespace of the caller's it says what is missing" {
	for list in pid net pid,ipc,uts,net,cgroup; do
		run --separate-stderr as_user unshare -Ur "$OVLRUN" --unshare $list "$top" true
		assert_equal "$status" 125
		assert_regex "${stderr_lines[0]}" '^ovlrun: cannot '
	done
}

@test "T33 pid: two forks at most, one execve, and no helper" {
	run bash -c 'cd / && strace -f -u nobody -e trace=execve,fork,vfork,clone,clone3 "$OVLRUN" --unshare pid "$top" /bin/true 2>&1 |
		grep -aE "(execve|fork|clone3?)\\(" | sed -E "s/^\\[pid +[0-9]+\\] //; s/\\(.*//" | sort | uniq -c'
	assert_line --regexp '^ *2 execve$' # strace's own of ovlrun, and the payload's
	assert_line --regexp '^ *[12] (clone3?|v?fork)$'
}

# --- many

@test "1,000 launches, 50 at a time: no failure, and nothing is left" {
	device() { # the next free number of a file system without a device; the whole machine takes of them
		mkdir -p "$LAB/number"
		mount -t tmpfs number "$LAB/number"
		sed -n "s#^[^ ]* [^ ]* 0:\\([0-9]*\\) / $LAB/number .*#\\1#p" /proc/self/mountinfo
		umount "$LAB/number"
	}
	nothing_leaked() { # some of it the kernel takes away a little later
		[ $(($(device) - device)) -lt 150 ] && [ $(($(cut -f 1 /proc/sys/fs/file-nr) - files)) -lt 900 ]
	}
	works launch "$top" true
	before=$(mounts) device=$(device) files=$(cut -f 1 /proc/sys/fs/file-nr)
	run as_user xargs -n 1 -P 50 sh -c '
		case $(($1 % 5)) in
		0) set -- --bare ;;
		1) set -- -r ;;
		2) set -- --unshare pid ;;
		3) set -- --unshare pid,net,ipc ;;
		*) set -- -q ;;
		esac
		[ "$("$OVLRUN" -C / "$@" "$top" cat /layer1 /layer2 2>&1)" = "1
2" ] && echo good || { echo failed: "$@"; exit 255; }' sh < <(seq 1000)
	assert_equal "$status" 0
	assert_equal "$(sort <<<"$output" | uniq -c | xargs)" '1000 good'
	nobody_left
	assert_equal "$(mounts)" "$before"
	eventually nothing_leaked
	rmdir /run/ovlrun
}

@test "pid: a payload that ends before process 1 has given up its privileges does not leave the launch waiting" {
	# The first setresgid of a process is slow: the program's at its start, and process 1's drop.
	run timeout -s KILL 20 strace -f -qq -o /dev/null -u nobody -e inject=setresgid:delay_enter=500000:when=1 \
		"$OVLRUN" --unshare pid "$top" sh -c 'exit 7'
	assert_equal "$status" 7
}

@test "nothing is said where nothing failed: a base layer has no lower file, and the policy no ovlrun.d" {
	base=$(tree_id 1)
	for option in -q --new-session --unshare=pid --unshare=pid,net -n; do
		run --separate-stderr with leader -- $option "$base" true
		assert_equal "$status:$stderr" 0:
	done
	run --separate-stderr with leader -- --unshare=pid "$base" sh -c 'exit 3'
	assert_equal "$status:$stderr" 3:
}
