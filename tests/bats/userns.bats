# SPDX-License-Identifier: MIT
# -u: the caller is root inside a user namespace of his own, on the image's files with their owners.
#
# The user's id is a number, the variables come from the helpers and from bats, and what stands in single quotes
# is for the shell of the payload.
# shellcheck disable=SC2016,SC2030,SC2031,SC2054,SC2086,SC2154

setup_file() {
	load ../lib/helpers
	for file in passwd group subuid subgid; do
		[ ! -e /etc/$file ] || cp -a /etc/$file "$BATS_FILE_TMPDIR"
	done
	echo 'rita:x:4321:4321:Rita:/home/rita:/bin/sh' >>/etc/passwd
	echo 'rita:x:4321:' >>/etc/group
	mount -t tmpfs -o mode=0755 userns-state /var/lib
	make_tree userns 2
	base=$(tree_id 1)
	export base STATE=/var/lib/ovlrun
	SUID_DUMPABLE=$(cat /proc/sys/fs/suid_dumpable)
	export SUID_DUMPABLE
	fill_owned "$tree/$base/diff"
}

teardown_file() {
	umount /var/lib
	rm -f /etc/subuid /etc/subgid
	cp -a "$BATS_FILE_TMPDIR"/{passwd,group,sub?id} /etc/ 2>/dev/null || true
}

setup() {
	load ../lib/helpers
	USER_ID=4321 # not that of overflow
	policy "tree $tree" 'permit * any may bind,dev,unshare,userns,writable'
	ranges rita:200000:65536
	rm -rf "$STATE" "$LAB/his"
	install -d -o $USER_ID -g $USER_ID "$LAB/his"
}

teardown() {
	echo "$SUID_DUMPABLE" >/proc/sys/fs/suid_dumpable
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true
	wait
}

# fill_owned DIFF: files of several owners, some for root alone, and what to try in vain.
fill_owned() {
	install -m 0755 "$PROBES/try" "$1/bin/try"
	mkdir -p "$1"/{mnt,own,var/lib/dpkg/info}
	: >"$1/var/lib/dpkg/status"
	echo root >"$1/own/root"
	echo web >"$1/own/web"
	echo big >"$1/own/big"
	chown 33:42 "$1/own/web"
	chown 2000000000:2000000000 "$1/own/big"
	echo secret >"$1/root/secret"
	install -m 0600 "$1/root/secret" "$1/etc/shadow"
	install -m 6755 "$PROBES/probe" "$1/suid"
	mknod -m 0666 "$1/null" c 1 3
}

# ranges LINE...: what /etc/subuid and /etc/subgid say; without a line they are empty.
ranges() {
	rm -rf /etc/subuid /etc/subgid
	(IFS=$'\n' && echo "$*") >/etc/subuid
	cp /etc/subuid /etc/subgid
	chmod 0644 /etc/subuid /etc/subgid
}

# map uid|gid: the map of a launch, without its padding.
map() {
	launch -q -u "$top" cat "/proc/self/$1_map" | awk '{ print $1, $2, $3 }'
}

# rita's launch under strace, which tampers with it.
tampered() {
	local fault=$1
	shift
	local more=()
	if [ "$1" = -e ]; then
		more=("$1" "$2")
		shift 2
	fi
	(cd / && exec timeout -s KILL 10 strace -f -qq -u rita -o "$BATS_TEST_TMPDIR/trace" -e "inject=$fault" "${more[@]}" "$OVLRUN" "$@")
}

# halted_at CALL N [OPTION...] ID...: a launch of rita's that a tracer of root's stops behind its N-th CALL. Sets
# pid, and holder if there is the process that holds the id map. resumed lets it go on and sets output and status.
halted_at() {
	local call=$1 n=$2 log=$BATS_TEST_TMPDIR/halted
	shift 2
	: >"$log"
	coproc HALTED { cd / && exec strace -D -u rita -o "$log" -e "trace=$call" -e "inject=$call:signal=STOP:when=$n" \
		${STARTED_BY+"${STARTED_BY[@]}"} "$OVLRUN" "$@" 3>&- 2>&1; }
	pid=$HALTED_PID
	exec {said_fd}<&"${HALTED[0]}"
	until grep -q '^--- stopped by SIGSTOP' "$log"; do kill -0 "$pid"; done
	holder=$(pgrep -P "$pid" -x ovlrun || true)
}

resumed() {
	kill -CONT "$pid" || true # it may be dead
	run timeout 10 cat <&"$said_fd"
	exec {said_fd}<&-
	status=0
	wait "$pid" || status=$?
}

# no_process: none of a launch. A dead one may wait for the reaper of its namespace.
no_process() {
	run pgrep --runstates D,R,S,T,t -x ovlrun
	assert_output ''
}

# nothing_left: no process of a launch, no mount and nothing in /run/ovlrun.
nothing_left() {
	no_process
	assert_equal "$(mounts)" "$before"
	[ ! -e /run/ovlrun ] || rmdir /run/ovlrun
}

@test "root inside is the caller outside" {
	works launch -u -b "$LAB/his:/mnt" "$top" sh -c 'id -u; id -g; touch /mnt/x; mkdir /mnt/d; stat -c "%u %g" /mnt /mnt/x'
	assert_output $'0\n0\n0 0\n0 0'
	assert_equal "$(stat -c '%u %g' "$LAB/his"/* | uniq)" '4321 4321'
	works launch -u "$top" sh -c 'cd && pwd; echo $HOME $USER $LOGNAME; whoami'
	assert_output $'/root\n/root root root\nroot'
}

@test "T51 the map is the caller's id and his ranges, in their order" {
	printf '%s\n' 'rita:200000:65536' >/etc/subuid
	printf '%s\n' '# a comment' '' 'other:100000:65536' '4321:300000:1000' 'nobody:500:1' 'rita:900000:1' 'rita:400000:5' >/etc/subgid
	assert_equal "$(map uid)" $'0 4321 1\n1 200000 65536'
	assert_equal "$(map gid)" $'0 4321 1\n1 300000 1000\n1001 900000 1\n1002 400000 5'
	ranges 'rita:1000000:100' 'rita:1000100:100' # side by side
	assert_equal "$(map uid)" $'0 4321 1\n1 1000000 100\n101 1000100 100'
	printf 'rita:200000:5' >/etc/subuid # its last newline is missing
	assert_equal "$(map uid)" $'0 4321 1\n1 200000 5'
	ranges rita:4294967290:5 # the last ids there are
	assert_equal "$(map uid)" $'0 4321 1\n1 4294967290 5'
}

@test "T51 the group in the map is the caller's, whatever his name has" {
	run bash -c 'cd / && setpriv --reuid 4321 --regid 777 --clear-groups "$OVLRUN" -u "$top" cat /proc/self/gid_map'
	assert_output --regexp '^ +0 +777 +1$'$'\n'' +1 +200000 +65536$'
}

@test "T51 no one else's range is ever the caller's" {
	ranges 'rit:1:9' 'ritaa:1000:9' 'Rita:2000:9' ' rita:3000:9' 'rita :4000:9' '43210:5000:9' '04321:6000:9' ':7000:9' \
		'*:8000:9' '0x10e1:6000:9' '4321 :9000:9' '-1:1:9' 'root:10000:9' '#rita:1:9' '%rita:1:9' 'other:rita:9' "$(printf 'x%.0s' {1..5000}):1:9"
	assert_equal "$(map uid)" '0 4321 1'
	assert_equal "$(map gid)" '0 4321 1'
}

@test "T51 without ranges setgroups is denied, and a note says what will not work" {
	for how in empty absent foreign; do
		ranges
		[ $how != absent ] || rm /etc/subuid /etc/subgid
		[ $how != foreign ] || ranges other:100000:65536
		works launch -u "$top" sh -c 'cat /proc/self/setgroups; stat -c "%u %g" /own/*'
		assert_output $'deny\n65534 65534\n0 0\n65534 65534'
		assert_equal "${#stderr_lines[@]}" 1
		assert_regex "$stderr" '^ovlrun: note: .*/etc/subuid'
		works launch -q -u "$top" true
		assert_equal "$stderr" ''
	done
	ranges rita:200000:65536
	works launch -u "$top" cat /proc/self/setgroups
	assert_output allow
	assert_equal "$stderr" ''
}

@test "T56 without ranges foreign files are 65534's and cannot be changed" {
	ranges
	works launch -q -u "$top" sh -c 'cat /own/web; for c in "chmod 600" "chown 0" touch rm; do $c /own/web 2>&1 && exit 1; done; stat -c "%u %a" /own/web'
	assert_line --index 0 web
	assert_line --regexp '^chmod: .*Value too large'
	assert_line --regexp '^rm: .*Value too large'
	assert_line --index 5 '65534 644'
	run launch -q -u "$top" chown 33 /own/root
	assert_output --partial 'Invalid argument'
	run launch -q -u "$top" sh -c 'echo x >/own/web'
	assert_failure
}

@test "T51 with a range for users alone groups are not mapped, and setgroups stays denied" {
	: >/etc/subgid
	works launch -q -u "$top" sh -c 'cat /proc/self/setgroups; stat -c "%u %g" /own/web; try setgroups'
	assert_output $'deny\n33 65534\nsetgroups: Operation not permitted'
}

@test "T51 wrong lines of the caller's own, and ranges that must not be, are refused by name" {
	for line in rita:200000 rita: rita rita:: rita:200000: rita::5 rita:200000:0 rita:200000:x rita:x:5 rita:-1:5 rita:200000:-1 \
		'rita:200000:5 ' rita:200000:5:6 'rita: 200000:5' rita:0x30d40:5 rita:0200000:5 rita:200000:010 rita:+1:5 rita:4294967295:1 rita:4294967290:6 \
		rita:1:4294967295 rita:200000:4294967296 rita:99999999999999999999:5 rita:200000:18446744073709551617 \
		rita:0:1 rita:0:65536 rita:4321:1 rita:4000:1000 rita:4320:2 rita:1:65536 4321:0:5; do
		ranges rita:300000:10 "$line"
		echo "line: $line"
		refused launch -u "$top" id
		says 'cannot use ids of /etc/subuid'
		echo rita:300000:10 >/etc/subuid
		refused launch -u "$top" id
		says 'cannot use ids of /etc/subgid'
		works launch "$top" true # whatever it says matters to -u alone
	done
}

@test "T51 overlapping ranges are refused" {
	for lines in 'rita:200000:10 rita:200000:10' 'rita:200000:10 rita:200009:10' 'rita:200000:10 rita:300000:5 4321:199999:2'; do
		ranges $lines
		refused launch -u "$top" id
		says overlap
	done
}

@test "T51 files that others could have written are not believed" {
	for file in /etc/subuid /etc/subgid; do
		for spoil in 'chmod 0666' 'chmod 0664' "chown $USER_ID"; do
			ranges rita:200000:65536
			$spoil $file
			refused launch -u "$top" id
			says $file
		done
		for kind in symlink directory fifo; do
			ranges rita:200000:65536
			mv $file "$LAB/elsewhere"
			case $kind in
			symlink) ln -s "$LAB/elsewhere" $file ;;
			directory) mkdir $file ;;
			fifo) mkfifo $file ;;
			esac
			refused launch -u "$top" id
			says $file
			rm -rf $file
		done
	done
}

@test "T51 files of any length are read whole or not at all" {
	{
		seq -f 'user%.0f:100000:65536' 300
		echo rita:200000:65536
	} >/etc/subuid # more than a page
	assert_equal "$(map uid)" $'0 4321 1\n1 200000 65536'
	{
		seq -f 'user%.0f:100000:65536' 20000
		echo rita:200000:65536
	} >/etc/subuid
	run map uid
	[ "$output" = $'0 4321 1\n1 200000 65536' ] || refused launch -u "$top" id
	# More ranges of his own than a map takes.
	ranges $(seq -f 'rita:%.0f:1' 200000 2 200400)
	run map uid
	[ "${#lines[@]}" = 202 ] || refused launch -u "$top" id
	ranges rita:200000:65536
	printf 'rita:300000:5\0\n' >>/etc/subuid
	refused launch -u "$top" id
}

@test "owners in the image appear as they are there, as without -u" {
	works launch "$top" stat -c '%u %g' /own/root /own/web /own/big /etc/shadow
	plain=$output
	assert_line --index 1 '33 42'
	works launch -u "$top" stat -c '%u %g' /own/root /own/web /own/big /etc/shadow
	assert_equal "$output" "${plain/2000000000 2000000000/65534 65534}"
}

@test "the image's root-only files are readable with -u, and not without" {
	works launch -u "$top" cat /etc/shadow /root/secret
	assert_output $'secret\nsecret'
	for file in /etc/shadow /root/secret; do
		run launch "$top" cat $file
		assert_failure
		assert_output --partial 'Permission denied'
	done
}

@test "without the feature it is refused" {
	for rule in 'permit * any' 'permit * any may bind,dev,keep-fd,unshare,writable' 'permit 4322 any may userns' \
		$'permit * any may userns\npermit * any'; do
		policy "tree $tree" "$rule"
		refused launch -u "$top" true
		works launch -q "$top" true || [ "$rule" = 'permit 4322 any may userns' ]
	done
	policy "tree $tree" 'permit rita any may userns'
	works launch -u "$top" true
}

@test "chown and chmod work, and land in the upper with the host's ids" {
	before=$(fingerprint "$tree")
	works launch -u -w up "$top" sh -c 'chown 33:42 /own/root && chmod 0640 /own/root && chown 0:0 /own/web && echo new >/new && chown 65536 /new &&
		stat -c "%u %g %a" /own/root /own/web /new; cat /own/root; chown 65537 /new 2>&1 || true'
	assert_output $'33 42 640\n0 0 644\n65536 0 644\nroot\nchown: /new: Invalid argument'
	works launch -u -w up "$top" stat -c '%u %g' /own/root /own/web /new
	assert_output $'33 42\n0 0\n65536 0'
	assert_equal "$(cd "$STATE/$USER_ID/up/diff" && stat -c '%u %g %a' own/root own/web new)" \
		$'200032 200041 640\n4321 4321 644\n265535 4321 644'
	assert_equal "$(fingerprint "$tree")" "$before"
}

@test "T56 all capabilities inside, and none outside" {
	works launch -u "$top" /bin/probe caps nnp
	all=$(printf '%016x' $(((1 << $(cat /proc/sys/kernel/cap_last_cap) + 1) - 1)))
	for set in effective permitted bounding; do
		assert_equal "$(value $set)" $all
	done
	assert_equal "$(value inheritable)" 0000000000000000
	assert_equal "$(value no_new_privs)" 1
	echo secret >"$LAB/his/root"
	chmod 0600 "$LAB/his/root"
	works launch -u -b "$LAB/his:/mnt" "$top" /bin/try sethostname settime nice port mknod:/tmp/x open:/null \
		open:/mnt/root chown:/mnt/root write:/proc/sys/kernel/core_pattern write:/proc/sysrq-trigger open:/proc/1/environ \
		open:/proc/1/root proc:/mnt sysfs:/mnt
	refute_output --partial SUCCEEDED
	assert_equal "${#lines[@]}" 14
	assert_equal "$(stat -c %u "$LAB/his/root")" 0
}

@test "T16 T56 setuid files give nothing, inside and out" {
	hold -u "$top" /bin/probe wait
	run --separate-stderr as_user "/proc/$held/root/suid" ids
	release
	assert_equal "$(value uid)" '4321 4321 4321'
	assert_equal "$(value gid)" '4321 4321 4321'
	# Of a subordinate user, in the upper and on a file system of the caller's own: another id would be his.
	hold -u "$top" sh -c 'mount -t tmpfs t /mnt && for f in /s /mnt/s; do cp /bin/probe $f && chown 33:33 $f && chmod 6755 $f; done; exec /bin/probe wait'
	for file in s mnt/s; do
		run --separate-stderr as_user "/proc/$held/root/$file" ids
		assert_equal "$(value uid)" '4321 4321 4321'
		assert_equal "$(value gid)" '4321 4321 4321'
	done
	release
	works launch -u "$top" sh -c 'chown 33:33 /suid; chmod 6755 /suid; /suid ids'
	assert_equal "$(value uid)" '0 0 0'
}

# What root of the namespace tries with mounts, and what it gets. By payload and by intruder alike.
attempts=(remount:/ remount:/:nosuid setattr:/ umount:/ move:/proc:/mnt bind:/:/mnt clone:/
	remount:/sys:nosuid,nodev,noexec umount:/proc umount:/sys umount:/dev umount:/dev/pts umount:/etc/resolv.conf
	remount:/etc/resolv.conf:nosuid,nodev mknod:/tmp/device mknod:/dev/device open:/null rbind:/:/mnt umount:/mnt/proc remount:/mnt
	remount:/mnt/sys:nosuid,nodev,noexec proc:/tmp)
outcomes=(EPERM EPERM EPERM EINVAL EINVAL EINVAL EINVAL EPERM EINVAL EINVAL EINVAL EINVAL EINVAL EPERM EPERM EPERM EACCES - EINVAL EPERM
	EPERM EPERM)

# were_vain: the lines of $output are what they must be.
were_vain() {
	local i reason
	for i in "${!attempts[@]}"; do
		case ${outcomes[i]} in
		EPERM) reason='Operation not permitted' ;;
		EACCES) reason='Permission denied' ;;
		EINVAL) reason='Invalid argument' ;;
		-) reason=SUCCEEDED ;;
		esac
		assert_equal "${lines[i]}" "${attempts[i]}: $reason"
	done
}

@test "T56 the mounts are locked for the payload" {
	: >/etc/resolv.conf # the host may have none
	works launch -u "$top" /bin/try "${attempts[@]}"
	were_vain
}

@test "T56 the mounts are locked for a process of the caller's that enters from outside" {
	: >/etc/resolv.conf
	before=$(mounts)
	hold -u "$top" /bin/probe wait
	info=$(cat "/proc/$held/mountinfo")
	works as_user nsenter --target "$held" --user --mount --preserve-credentials /bin/try "${attempts[@]}"
	were_vain
	# He comes out in the image, and nothing of the host is beneath.
	works as_user nsenter --target "$held" --user --mount --preserve-credentials ls -d / /srv /run/ovlrun /own || true
	assert_output $'/\n/own'
	# And as root of the namespace he is not the host's.
	works as_user nsenter --target "$held" --user --mount --preserve-credentials /bin/try sethostname settime nice \
		write:/proc/sys/kernel/core_pattern open:/proc/1/environ
	refute_output --partial SUCCEEDED
	assert_equal "$(grep -v ' /mnt' "/proc/$held/mountinfo")" "$info"
	release
	assert_equal "$(mounts)" "$before"
}

@test "T56 nobody else enters, though he has a descriptor of it" {
	hold -u "$top" /bin/probe wait
	exec 9<"/proc/$held/ns/user"
	for id in 4322 65534 200000 200032; do
		run setpriv --reuid $id --regid $id --clear-groups nsenter --target "$held" --user --mount --preserve-credentials true
		assert_failure
		assert_output --partial 'Permission denied'
		run setpriv --reuid $id --regid $id --clear-groups nsenter --user=/proc/self/fd/9 --preserve-credentials true
		assert_failure
		assert_output --partial 'Operation not permitted'
	done
	works as_user nsenter --user=/proc/self/fd/9 --preserve-credentials true # it is a real one
	exec 9<&-
	release
}

@test "inside the caller can mount: a tmpfs, a bind, an overlay" {
	works launch -u "$top" sh -ec '
		mount -t tmpfs -o size=1m t /mnt
		mkdir /mnt/u /mnt/w /mnt/m /mnt/b
		mount -t overlay -o userxattr,lowerdir=/root:/own,upperdir=/mnt/u,workdir=/mnt/w o /mnt/m
		cat /mnt/m/web /mnt/m/secret
		rm /mnt/m/web; echo changed >/mnt/m/root; chown 33 /mnt/m/root; stat -c "%u %F" /mnt/m/root /mnt/u/web
		mount --bind /own /mnt/b; cat /mnt/b/root
		umount /mnt/b /mnt/m; ls /mnt/b; umount /mnt'
	assert_output $'web\nsecret\n33 regular file\n0 character special file\nroot'
}

@test "T51 a group that denies access cannot be left where groups are not mapped" {
	ranges
	echo data >"$LAB/his/denied"
	chown 0:777 "$LAB/his/denied"
	chmod 0604 "$LAB/his/denied"
	cd /
	as=("$PROBES/start" user:4321:4321:777 --)
	run "${as[@]}" cat "$LAB/his/denied"
	assert_failure
	for lines in '' rita:200000:65536; do
		echo "$lines" >/etc/subuid # users do not matter
		works "${as[@]}" "$OVLRUN" -q -u -b "$LAB/his:/mnt" "$top" /bin/try setgroups open:/mnt/denied
		assert_output $'setgroups: Operation not permitted\nopen:/mnt/denied: Permission denied'
		hold -q -u "$top" /bin/probe wait # nor from outside
		run "${as[@]}" "$(command -v nsenter)" --target "$held" --user --preserve-credentials "$PROBES/try" setgroups "open:$LAB/his/denied"
		release
		assert_output $'setgroups: Operation not permitted\nopen:'"$LAB/his/denied: Permission denied"
	done
}

@test "T37 supplementary groups stay" {
	echo data >"$LAB/his/allowed"
	chown 0:777 "$LAB/his/allowed"
	chmod 0640 "$LAB/his/allowed"
	for lines in '' rita:200000:65536; do
		ranges $lines
		works "$PROBES/start" user:4321:4321:777:778 -- "$OVLRUN" -q -u -b "$LAB/his:/mnt" "$top" sh -c 'cat /mnt/allowed; exec /bin/probe groups'
		assert_output $'data\ngroups: 65534 65534'
	done
	coproc GROUPED { cd / && exec "$PROBES/start" user:4321:4321:777:778 -- "$OVLRUN" -u "$top" /bin/probe wait 3>&-; }
	pid=$GROUPED_PID
	read -r _ <&"${GROUPED[0]}"
	assert_equal "$(awk '/^Groups:/ { $1 = ""; print }' "/proc/$pid/status")" ' 777 778'
	kill "$pid"
}

@test "with -r, --bare, --dev none, -l, and no upper's worth of room" {
	for options in -r --bare '-r --bare' '--dev none' '--dev host' --no-proc --no-sys '--tmpfs-size 64k'; do
		echo "options: $options"
		works launch -u $options "$top" sh -c 'id -u; stat -c %u /own/web; cat /root/secret'
		assert_output $'0\n33\nsecret'
	done
	works launch -u -l "$top:$base" stat -c %u /own/web
	run launch -u -r "$top" touch /own/x
	assert_output --partial 'Read-only file system'
	works launch -u -r "$top" sh -c 'touch /tmp/x; stat -c %u /tmp /tmp/x'
	assert_output $'0\n0'
	run launch -u -r "$top" /bin/try remount:/:nosuid,nodev
	assert_output --partial 'Operation not permitted'
	run launch -u --bare -r "$base" /bin/try remount:/:nosuid,nodev umount:/ remount:/
	refute_output --partial SUCCEEDED
}

@test "/dev looks right and works" {
	works launch -u "$top" sh -ec 'cd /dev; stat -c "%n %u %g" null zero full random urandom tty pts shm; echo x >null; head -c 3 zero | wc -c
		touch shm/x; readlink stdout; [ -c ptmx ]'
	refute_output --partial 65534
	assert_line 'null 0 0'
	assert_line 3
	assert_line /proc/self/fd/1
	works launch -u "$top" sh -c 'exec 3<>/dev/ptmx; stat -c "%u %a" /dev/pts/0' # a terminal is his, and his alone
	assert_output '0 600'
}

@test "with --unshare pid: its own processes, status and signals" {
	works launch -u --unshare pid "$top" sh -c 'id -u; echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm'
	assert_line --index 0 0
	assert_line --index 1 2
	[ "${lines[2]}" -lt 6 ]
	run launch -u --unshare pid "$top" sh -c 'exit 7'
	assert_equal "$status" 7
	run launch -u --unshare pid "$top" sh -c 'kill -9 $$'
	assert_equal "$status" 137
	# Process 1 is in the outer namespaces; it cannot be used as a way there.
	works launch -u --unshare pid "$top" /bin/try umount:/proc remount:/ mknod:/tmp/x open:/proc/1/root open:/proc/1/ns/mnt \
		open:/proc/1/ns/user open:/proc/1/mem
	refute_output --partial SUCCEEDED
}

@test "with --unshare net, ipc, uts, cgroup" {
	works launch -u --unshare net,ipc,uts,cgroup --hostname inside "$top" sh -c 'hostname; ip -o link | wc -l; ip -o addr show lo'
	assert_line --index 0 inside
	assert_line --index 1 1
	assert_output --partial 127.0.0.1
	run launch -u "$top" ip link add try type dummy # the host's network is not his
	assert_output --partial 'Operation not permitted'
	works launch -u --unshare net "$top" /bin/try umount:/sys remount:/sys:nosuid,nodev,noexec write:/sys/kernel/uevent_helper
	refute_output --partial SUCCEEDED
}

@test "a launch by root: the same ids, and the host's kernel is not his to change" {
	ranges root:200000:65536
	works "$OVLRUN" -u "$top" sh -c 'id -u; stat -c %u /own/root /own/web'
	assert_output $'0\n0\n33'
	works "$OVLRUN" -u "$top" /bin/try write:/proc/sys/kernel/core_pattern write:/proc/sysrq-trigger sethostname settime \
		mknod:/tmp/x remount:/ umount:/proc "${attempts[@]}"
	# What must succeed is the one recursive bind.
	assert_equal "$(grep SUCCEEDED <<<"$output")" 'rbind:/:/mnt: SUCCEEDED'
	# Where the kernel has it, it is masked by an empty file.
	run "$OVLRUN" -u "$top" sh -c '[ ! -s /proc/kcore ] && head -c 1 /proc/kcore | wc -c'
	assert_line 0
}

@test "T13 T56 an upper is used with the map that it was made with, and no other" {
	works launch -u -w up "$top" sh -c 'echo mine >/tmp/x; chown 33 /tmp/x'
	works launch -w plain "$top" true
	state=$(fingerprint "$STATE")
	refused launch -w up "$top" true
	says 'use another name'
	refused launch -u -w plain "$top" true
	says 'use another name'
	for lines in rita:200001:65535 rita:200000:65535 rita:200000:65537 'rita:200000:65536 rita:300000:1' ''; do
		ranges $lines
		refused launch -u -w up "$top" true
		says 'use another name'
	done
	for file in /etc/subuid /etc/subgid; do
		ranges rita:200000:65536
		echo rita:200000:65535 >$file
		refused launch -u -w up "$top" true
	done
	assert_equal "$(fingerprint "$STATE")" "$state"
	ranges 4321:200000:65536 # the same, spelt differently
	works launch -u -w up "$top" sh -c 'cat /tmp/x; stat -c %u /tmp/x'
	assert_output $'mine\n33'
	# Another primary group is another map.
	run bash -c 'cd / && setpriv --reuid 4321 --regid 777 --clear-groups "$OVLRUN" -u -w up "$top" true'
	assert_equal "$status" 125
}

@test "T13 two launches of one upper at once: the second is refused" {
	hold -u -w up "$top" /bin/sh -c 'echo first >/tmp/x; exec /bin/probe wait'
	refused launch -u -w up "$top" sh -c 'echo second >/tmp/x'
	says 'in use by another'
	kill -KILL "$held"
	wait "$held" || true
	works launch -u -w up "$top" cat /tmp/x
	assert_output first
}

@test "two launches at once have namespaces of their own" {
	hold -u "$top" /bin/probe wait
	one=$(readlink "/proc/$held/ns/user" "/proc/$held/ns/mnt")
	works launch -u "$top" sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/mnt'
	release
	for ns in $one; do
		refute_line "$ns"
	done
	refute_line "$(readlink /proc/self/ns/user)"
}

# tree_on DIR: a tree of three layers on the file system mounted there, offered.
tree_on() {
	tree_init "$1/tree"
	id=$(tree_chain "$1/tree" 3 fill_base)
	fill_owned "$1/tree/$(tree_id 1)/diff"
	policy "tree $1/tree" 'permit * any may userns'
}

@test "the tree may be on ext4, xfs, btrfs and tmpfs" {
	for fs in ext4 xfs btrfs tmpfs; do
		dir=$LAB/on-$fs image=$LAB/image-$fs
		mkdir "$dir"
		case $fs in
		ext4) truncate -s 64m "$image" && mkfs.ext4 -q "$image" ;;
		xfs) truncate -s 320m "$image" && mkfs.xfs -q "$image" ;;
		btrfs) truncate -s 128m "$image" && mkfs.btrfs -q "$image" ;;
		esac
		if [ $fs = tmpfs ]; then mount -t tmpfs -o mode=0755 none "$dir"; else mount -o loop "$image" "$dir"; fi
		assert_equal "$(findmnt -n -o FSTYPE "$dir")" $fs
		tree_on "$dir"
		if [ $fs = tmpfs ] && ! maps_ids "$dir"; then
			refused launch -u "$id" true
			says 'cannot map the ids of the tree'
			says 'tmpfs with 6.3'
			works launch "$id" true
			umount "$dir"
			continue
		fi
		before=$(fingerprint "$dir")
		for option in -q -r; do
			works launch -u $option "$id" sh -c 'stat -c "%u %g" /own/root /own/web /layer3; cat /root/secret'
			assert_output $'0 0\n33 42\n0 0\nsecret'
		done
		works launch -u "$id" sh -c 'echo x >>/own/web; chown 0 /own/web; rm -r /root; stat -c "%u %g" /own/web'
		assert_output '0 42'
		assert_equal "$(fingerprint "$dir")" "$before"
		umount "$dir"
		rm -rf "$image" "$dir"
	done
}

@test "a file system whose ids cannot be mapped is refused with that reason" {
	mkdir "$LAB"/{unfit,u,w}
	mount -t ramfs none "$LAB/unfit"
	tree_on "$LAB/unfit"
	works launch "$id" true
	refused launch -u "$id" true
	says 'cannot map the ids of the tree'
	says 'leave -u out'
	umount "$LAB/unfit"
	mount -t overlay -o "lowerdir=$tree,upperdir=$LAB/u,workdir=$LAB/w" unfit "$LAB/unfit"
	chmod 0710 "$LAB/unfit"
	policy "tree $LAB/unfit" 'permit * any may userns'
	works launch "$top" true
	refused launch -u "$top" true
	says 'cannot map the ids of the tree'
	umount "$LAB/unfit"
}

@test "no user namespace to be had: the reason and what to do" {
	before=$(mounts)
	for call in ENOSPC:user.max_user_namespaces EPERM:AppArmor EAGAIN: EUSERS:; do
		run --separate-stderr tampered "clone:error=${call%:*}:when=1" -u "$top" true
		assert_equal "$status" 125
		assert_equal "$output" ''
		says 'cannot make a user namespace'
		says "${call#*:}"
		nothing_left
	done
}

@test "user.max_user_namespaces at 0, as set" {
	# In a user namespace of the test's own, where root has the capability to set it.
	coproc INSIDE { exec unshare --user --mount sh -c 'echo ready; read line' 3>&-; }
	inside=$INSIDE_PID
	read -r _ <&"${INSIDE[0]}"
	echo '0 0 65536' >"/proc/$inside/gid_map"
	echo '0 0 65536' >"/proc/$inside/uid_map"
	run nsenter --target "$inside" --user --mount bash -c 'cd / && mount -t tmpfs run /run && echo 0 >/proc/sys/user/max_user_namespaces &&
		exec setpriv --reuid 4321 --regid 4321 --clear-groups "$OVLRUN" -u "$top" true' 3>&-
	kill "$inside"
	assert_equal "$status" 125
	assert_output --partial 'cannot make a user namespace'
	assert_output --partial user.max_user_namespaces
}

@test "without /proc it says what it needs" {
	run unshare --mount sh -c 'umount -l /proc && cd / && exec setpriv --reuid 4321 --regid 4321 --clear-groups "$OVLRUN" -u "$top" true'
	assert_equal "$status" 125
	assert_output --partial 'hint: -u needs /proc'
}

@test "T23 SIGCHLD ignored or blocked is the payload's, and the status is right" {
	cd /
	for state in ignore:17 block-all 'ignore:17 block-all'; do
		run "$PROBES/start" user:4321:4321 $state -- "$OVLRUN" -u "$top" sh -c 'exit 9'
		assert_equal "$status" 9
		works "$PROBES/start" user:4321:4321 $state -- "$OVLRUN" -u "$top" /bin/probe signals
		[[ $state != ignore* ]] || assert_equal "$(value ignored)" 17
		[[ $state != *block-all ]] || assert_equal "$(value blocked | wc -w)" 62
	done
}

@test "T35 with too low a limit of processes it fails cleanly or works" {
	before=$(mounts)
	for limit in 0 1 2; do
		run --separate-stderr "$PROBES/start" user:4321:4321 limit:6:$limit:$limit -- "$OVLRUN" -u "$top" /bin/probe ids
		[ "$status" = 0 ] || says 'cannot make a user namespace'
		nothing_left
	done
}

@test "T45 the user namespace is charged to the caller" {
	run bash -c 'cd / && strace -f -u rita -e trace=setresuid,clone "$OVLRUN" -u "$top" true 2>&1 | grep -B 1 "clone(.*CLONE_NEWUSER" | head -n 1'
	assert_output --regexp 'setresuid\(-1, 4321, -1\) += 0'
}

@test "T38 T56 every failing call of the user namespace's part ends the launch, with a message" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	strace -f -u rita -o "$trace.all" "$OVLRUN" -u "$top" /bin/probe ids
	main=$(sed -n '1s/ .*//p' "$trace.all")
	calls=$(sed -n "s/^$main *\([a-z0-9_]*\)(.*/\1/p" "$trace.all" | sed '$d')
	before=$(mounts)
	tried=0
	for call in clone open_tree mount_setattr move_mount setns unshare setresuid setresgid; do
		count=$(grep -cx $call <<<"$calls")
		# The last change of ids may be the attempt to undo the drop, which must fail.
		[ $call != setresuid ] || ! grep -E ' setresuid\(' "$trace.all" | tail -n 1 | grep -q EPERM || count=$((count - 1))
		for ((k = 1; k <= count; k++)); do
			run --separate-stderr tampered "$call:error=EPERM:when=$k" -u "$top" /bin/probe ids
			grep -q INJECTED "$trace"
			# A bind of what the host need not have may be left out.
			if [ "$status" = 0 ] && [[ $call == open_tree || $call == move_mount || $call == mount_setattr ]]; then
				assert_equal "$(value uid)" '0 0 0'
				continue
			fi
			echo "$call $k: $status $stderr"
			[ "$status" = 125 ] && [ "$output" = '' ]
			assert_regex "$stderr" '^ovlrun: cannot '
			tried=$((tried + 1))
			nothing_left
		done
	done
	[ "$tried" -gt 12 ]
}

@test "T38 T56 a call that only seems to succeed gives nothing" {
	# Not entered, not mapped, not a second namespace: no launch, or one without the thing.
	for fault in setns:retval=0 unshare:retval=0:when=2 write:retval=0 mount_setattr:retval=0:when=1 setresuid:retval=0 setresgid:retval=0; do
		run --separate-stderr tampered "$fault" -q -u "$top" /bin/try "${attempts[@]}" write:/proc/sys/kernel/core_pattern
		[ "$status" != 0 ] || ! grep -E '(remount|umount|mknod|write).*SUCCEEDED' <<<"$output" || fail "$fault"
	done
	run --separate-stderr tampered setns:retval=0 -u "$top" /bin/probe ids
	assert_equal "$status" 125
}

@test "T46 killed at every system call, of either process, nothing is left" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	strace -f -u rita -o "$trace.all" "$OVLRUN" -u "$top" true
	rm -rf /run/ovlrun
	before=$(mounts)
	fine=$(fingerprint "$tree")
	killed=0
	while read -r count name; do
		for ((k = 1; k <= count; k++)); do
			run tampered "$name:signal=KILL:when=$k" -u "$top" true
			# Where the holder dies the launch fails, or needs it no more.
			if grep -q "^$(sed -n '1s/ .*//p' "$trace") .*killed by SIGKILL" "$trace"; then
				assert_equal "$name $k $status" "$name $k 137"
			else
				[ "$status" = 125 ] || [ "$status" = 0 ] || fail "$name $k: status $status"
			fi
			killed=$((killed + 1))
			nothing_left
		done
	done < <(sed -n '/execve/,/execve("\/bin\/true/p' "$trace.all" | sed -n 's/^\([0-9]*\) *\([a-z0-9_]*\)(.*/\1 \2/p' |
		grep -v execve | sort | uniq -c | awk '$1 > most[$3] { most[$3] = $1 } END { for (name in most) print most[name], name }')
	[ "$killed" -gt 150 ]
	assert_equal "$(fingerprint "$tree")" "$fine"
}

@test "T46 the process that holds the map does not stay when the other dies before it is tied to it" {
	# Both first calls of prctl(2) come late, so that the holder's comes behind its parent's death.
	before=$(mounts)
	find_points
	run tampered "${behind_clone% *}:signal=KILL:when=${behind_clone#* }" -e inject=prctl:delay_enter=300000:when=1 -u "$top" true
	assert_equal "$status" 137
	sed -n '/killed by SIGKILL/,$p' "$BATS_TEST_TMPDIR/trace" | grep -q getppid
	nothing_left
}

# nth CALL PATTERN: which CALL of a launch is the first that is not before what matches PATTERN in its trace.
nth() {
	(cd / && strace -u rita "$OVLRUN" -u "$top" true 2>&1) | awk -v call="$1(" -v pattern="$2" '
		$0 ~ pattern { seen = 1 }
		index($0, call) == 1 { n++ }
		index($0, call) == 1 && seen && !found++ { print n }'
}

# find_points: where a launch is halted: behind clone(2) (which itself cannot be halted), before and after the maps
# are written, and where the namespace is used and entered.
find_points() {
	behind_clone="setresuid $(nth setresuid '^clone\(')"
	points=("$behind_clone" "openat $(nth openat '"uid_map"')" "openat $(nth openat '"ns/user"')"
		'open_tree 1' 'mount_setattr 1' 'mount 3' 'setns 1' 'unshare 2')
}

# is_closed PID: what is a way into a process is closed to the caller.
is_closed() {
	local file
	for file in mem environ maps; do
		run as_user head -c 1 "/proc/$1/$file"
		[[ $status != 0 && $output == *'Permission denied'* ]] || fail "$file: $output"
	done
	for file in root cwd exe fd/0 ns/user ns/mnt; do
		run as_user readlink -v "/proc/$1/$file"
		[[ $status != 0 && $output == *'Permission denied'* ]] || fail "$file: $output"
	done
	run as_user nsenter --target "$1" --user --preserve-credentials true
	[[ $status != 0 && $output == *'Permission denied'* ]] || fail "entered: $output"
}

@test "T21 neither process can be looked into or entered, whatever fs.suid_dumpable is" {
	find_points
	holders=0
	for mode in 0 1 2; do
		for point in "${points[@]}"; do
			echo "fs.suid_dumpable $mode, behind $point"
			echo $mode >/proc/sys/fs/suid_dumpable
			halted_at $point -u "$top" /bin/probe ids
			echo "$SUID_DUMPABLE" >/proc/sys/fs/suid_dumpable # it counts when credentials change
			is_closed "$pid"
			if [ -n "$holder" ]; then
				is_closed "$holder"
				run as_user timeout 10 strace -o /dev/null -p "$holder"
				assert_output --partial 'Operation not permitted'
				holders=$((holders + 1))
			fi
			resumed
			assert_line 'uid: 0 0 0'
		done
	done
	[ $holders = 9 ]
}

@test "T22 the caller cannot signal the program as long as anything in it is root's" {
	find_points
	for point in "${points[@]}"; do
		for signal in STOP KILL; do
			halted_at $point -u "$top" /bin/probe ids
			uids=$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$pid/status")
			run as_user kill -$signal "$pid"
			[ "$status" != 0 ] || [ "$uids" = '4321 4321 4321 4321' ] || fail "$signal behind $point: its ids are $uids"
			signalled=$status
			resumed
			[ "$signalled" = 0 ] || assert_line 'uid: 0 0 0'
		done
	done
}

@test "T22 the process that holds the map, stopped or killed by the caller: the launch fails or is right" {
	find_points
	for signal in STOP KILL; do
		halted_at $behind_clone -u "$top" /bin/probe ids
		[ -n "$holder" ]
		as_user kill -$signal "$holder" || true # he owns its namespace, so he may
		resumed
		[ "$status" = 125 ] || assert_line 'uid: 0 0 0'
		no_process
	done
}

@test "T21 T51 nor is another's namespace mapped or entered whose process has its number by now" {
	# The caller ignores SIGCHLD, so that the kernel may reap what he kills, and in a process namespace the next
	# number can be chosen. The victim waits in a namespace that has no map yet.
	find_points
	STARTED_BY=("$PROBES/start" ignore:17 --)
	halted_at $behind_clone -u "$top" /bin/probe ids
	as_user kill -KILL "$holder"
	until [ "$(state_of "$holder" 2>/dev/null)" != S ]; do :; done
	victim=
	if [ ! -e "/proc/$holder" ]; then
		mkfifo "$BATS_TEST_TMPDIR/go"
		exec 8<>"$BATS_TEST_TMPDIR/go"
		echo $((holder - 1)) >/proc/sys/kernel/ns_last_pid
		setpriv --reuid 4322 --regid 4322 --clear-groups unshare --user cat <&8 >/dev/null 3>&- &
		victim=$!
		assert_equal $victim "$holder"
		until [ "$(cat /proc/$victim/comm)" = cat ]; do :; done
		[ "$(readlink /proc/$victim/ns/user)" != "$(readlink /proc/self/ns/user)" ]
	fi
	resumed
	if [ -n "$victim" ]; then
		assert_equal "$(cat /proc/$victim/uid_map)" ''
		kill $victim
		exec 8>&-
	fi
	[ "$status" = 125 ] || assert_line 'uid: 0 0 0'
}

@test "another user's process cannot be reached through the caller's map" {
	# Ids of his ranges are his: a file of theirs he can read; one of the next id he cannot.
	for id in 200000 265535 265536 199999; do
		echo data >"$LAB/his/$id"
		chown $id:$id "$LAB/his/$id"
		chmod 0600 "$LAB/his/$id"
	done
	works launch -u -b "$LAB/his:/mnt" "$top" sh -c 'cd /mnt; for f in *; do cat $f >/dev/null 2>&1 && echo $f; done; true'
	assert_output $'200000\n265535'
}

# make_deb FILE: a package with files of three owners and a script that makes a fourth.
make_deb() {
	local root=$BATS_TEST_TMPDIR/deb
	mkdir -p "$root"/{DEBIAN,usr/share/greeting,var/lib/greeting}
	printf '%s\n' 'Package: greeting' 'Version: 1.0' 'Architecture: all' 'Maintainer: none <none@example.org>' \
		'Description: a test' >"$root/DEBIAN/control"
	printf '%s\n' '#!/bin/sh' 'chown 33:33 /var/lib/greeting && echo configured >/var/lib/greeting/state' >"$root/DEBIAN/postinst"
	chmod 0755 "$root/DEBIAN/postinst"
	echo hello >"$root/usr/share/greeting/text"
	echo web >"$root/usr/share/greeting/web"
	chown 33:42 "$root/usr/share/greeting/web"
	dpkg-deb -Zgzip --build "$root" "$1" >/dev/null
}

@test "a package manager works: dpkg -i of a local package" {
	make_deb "$LAB/his/greeting.deb"
	before=$(fingerprint "$tree")
	works launch -u -b "$LAB/his:/mnt:ro" "$top" sh -ec '
		dpkg -i /mnt/greeting.deb >/dev/null
		dpkg -l | tail -n 1
		stat -c "%u %g" /usr/share/greeting/text /usr/share/greeting/web /var/lib/greeting
		cat /var/lib/greeting/state
		chown -R 101:102 /usr/share/greeting; stat -c "%u %g" /usr/share/greeting/web'
	assert_line --regexp '^ii +greeting +1\.0'
	assert_output --partial $'0 0\n33 42\n33 33\nconfigured\n101 102'
	assert_equal "$(fingerprint "$tree")" "$before"
	ranges
	run launch -q -u -b "$LAB/his:/mnt:ro" "$top" sh -ec 'dpkg -i /mnt/greeting.deb'
	assert_failure # as the note says
}

@test "it leaves nothing, and no layer changes" {
	rm -rf /run/ovlrun
	before=$(mounts)
	fine=$(fingerprint "$tree")
	for n in 1 2 3 4 5; do
		works launch -u "$top" sh -c 'rm -rf /own /bin/probe; echo x >/layer1; mount -t tmpfs t /mnt'
	done
	nothing_left
	assert_equal "$(fingerprint "$tree")" "$fine"
}

@test "-n prints the map and makes nothing" {
	ranges rita:200000:65536 4321:400000:5
	works launch -n -u "$top"
	assert_output --partial '4321'
	assert_output --partial '200000'
	assert_output --partial '400000'
}
