# SPDX-License-Identifier: MIT
# What is in the root directory of a default launch: /dev, /proc, /sys, files of the host, accounts, /tmp, and that
# nothing in an image makes the program mount or write elsewhere.
#
# What stands in single quotes is for the shell of the payload; run, hold and setup_file set variables.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC2115,SC2154

setup_file() {
	load ../lib/helpers
	mount -t tmpfs -o mode=0755 rootfs-state /var/lib
	make_tree rootfs 2
	base=$(tree_id 1) hostile=$(tree_id 5) scratch=$(tree_id 6) owned=$(tree_id 7)
	export base hostile scratch owned
	# An image on the same base for attacks: what is planted in its layer is gone after each test.
	tree_layer "$tree" "$hostile" "$(tree_link 5)" "$base"
	export d=$tree/$hostile/diff
	# FROM scratch: one program and nothing else.
	tree_layer "$tree" "$scratch" "$(tree_link 6)"
	install -m 0755 "$PROBES/probe" "$tree/$scratch/diff/probe"
	# An image all of whose root directory is the user's.
	tree_layer "$tree" "$owned" "$(tree_link 7)"
	fill_base "$tree/$owned/diff"
	chown -R -h "$USER_ID:$USER_ID" "$tree/$owned/diff"
	install -m 0755 "$PROBES/tries" "$tree/$base/diff/bin/tries"
	mkdir -p "$LAB/victim"
	echo victim >"$LAB/victim/file"
	cp -a /etc/passwd /etc/group /etc/resolv.conf /etc/hosts /etc/hostname "$BATS_FILE_TMPDIR"
}

teardown_file() {
	umount /var/lib
	rm -rf "$LAB/victim"
}

setup() {
	load ../lib/helpers
	permit_with writable,unshare
	# The mount point is made by the first launch.
	works launch "$top" true
}

teardown() {
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true
	wait
	rm -rf "${d:?}" /var/lib/*
	mkdir -m 0755 "$d"
	chown 0:0 "$tree/$base/diff/"{etc,tmp}
	chmod 0755 "$tree/$base/diff/etc"
	chmod 1777 "$tree/$base/diff/tmp"
	for file in passwd group resolv.conf hosts hostname; do
		rm -rf "/etc/${file:?}"
		cp -a "$BATS_FILE_TMPDIR/$file" /etc
	done
}

# permit_with FEATURE,... [LIMIT]
permit_with() {
	policy "tree $tree" "permit * any may $1 ${2-}"
}

# usual: the mount points of a default launch.
usual() {
	printf '%s\n' / /dev /dev/pts /etc/{resolv.conf,hosts,hostname,passwd,group}
	tree_of /proc
	tree_of /sys
}

# plant NAME KIND: puts a thing where a mount point should be: a file, FIFO or device, or else a symlink to KIND.
plant() {
	mkdir -p "$(dirname "$d/$1")"
	case $2 in
	file) echo image >"$d/$1" ;;
	fifo) mkfifo -m 0666 "$d/$1" ;;
	device) mknod -m 0666 "$d/$1" c 1 5 ;;
	dir) mkdir "$d/$1" ;;
	*) ln -s "$2" "$d/$1" ;;
	esac
}

# inside_or_refused [OPTION...] ID: the launch is refused in all its parts; or it works and its root directory is the
# image's, covered by nothing, with nothing of the host's.
inside_or_refused() {
	run --separate-stderr launch "$@" /bin/busybox sh -c \
		'echo inside; cat /layer1; cat /srv/victim/file /proc/self/mountinfo 2>/dev/null; exit 42'
	case $status in
	42)
		assert_line --index 0 inside
		assert_line --index 1 1
		refute_line victim
		[ "$(grep -c '^[^ ]* [^ ]* [^ ]* [^ ]* / ' <<<"$output")" -le 1 ] || fail "$* covered: $output"
		;;
	125) assert_regex "${stderr_lines[0]}" '^ovlrun: cannot ' ;;
	*) fail "$*: status $status: $output $stderr" ;;
	esac
}

@test "/dev has exactly the usual nodes and links, and the nodes are real" {
	works launch "$top" sh -c 'ls -A /dev; cd /dev; stat -c "%n %a %u %g %t %T" full null random tty urandom zero; ls -A pts'
	assert_output "$(printf '%s\n' fd full null ptmx pts random shm stderr stdin stdout tty urandom zero)
full 666 0 0 1 7
null 666 0 0 1 3
random 666 0 0 1 8
tty 666 0 0 5 0
urandom 666 0 0 1 9
zero 666 0 0 1 5
ptmx"
	works launch "$top" sh -c 'for link in fd stdin stdout stderr ptmx; do readlink /dev/$link; done; stat -c "%a %u" /dev /dev/shm'
	assert_output $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n755 0\n1777 0'
}

@test "T19 /dev works: null, zero, full, random, tty, the links, with and without -r" {
	for option in -r -q; do
		works launch $option "$top" sh -ec 'echo gone >/dev/null; cat /dev/null
			head -c 4 /dev/zero | od -An -tx1
			head -c 16 /dev/random | wc -c; head -c 16 /dev/urandom | wc -c
			(echo x >/dev/full) 2>&1 || true
			(: </dev/tty) 2>&1 || true
			echo in | cat /dev/stdin; (echo out >/dev/stdout) | cat; echo fd | cat /dev/fd/0'
		assert_line --index 0 ' 00 00 00 00'
		assert_line --index 1 16
		assert_line --index 2 16
		assert_line --index 3 --partial 'No space left on device'
		assert_line --index 4 --partial 'No such device or address' # it is a terminal's node, and there is none
		assert_line --index 5 in
		assert_line --index 6 out
		assert_line --index 7 fd
	done
}

@test "pseudo-terminals: one's own instance, the caller's own terminals, a session on one" {
	for option in -r -q; do
		works launch $option "$top" /bin/tries pty /dev
		assert_line 'name: /dev/pts/0'
		assert_line 'mode: 600'
		assert_line "owner: $USER_ID"
		assert_line 'session: SUCCEEDED'
		assert_line 'text: said'
	done
	# Another instance: nothing of the host's is there, and another launch sees nothing of this one's.
	exec 8<>/dev/ptmx
	works launch "$top" ls /dev/pts
	exec 8>&-
	assert_output ptmx
}

@test "/dev/shm is everybody's and /dev nobody's" {
	for option in -r -q; do
		works launch $option "$top" sh -c 'echo x >/dev/shm/x && cat /dev/shm/x'
		assert_output x
		run launch $option "$top" sh -c '>/dev/x'
		assert_failure
		run launch $option "$top" rm /dev/null
		assert_failure
		run launch $option "$top" chmod 0600 /dev/zero
		assert_failure
	done
	works launch "$top" ls -A /dev/shm
	assert_output ''
}

@test "T36 the caller's umask changes nothing of /dev, /tmp and the accounts" {
	want=$(as_user "$OVLRUN" -r "$top" sh -c 'stat -c "%n %a" /dev /dev/* /tmp /etc/passwd /etc/group')
	[[ $want == *'/dev/null 666'*'/etc/passwd 644'* ]]
	for mask in 0777 0000 0027; do
		run bash -c 'umask $1; cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -r "$top" sh -c '"'"'stat -c "%n %a" /dev /dev/* /tmp /etc/passwd /etc/group'"'"'' - $mask
		assert_output "$want"
	done
}

@test "T29 exactly the usual mounts, each where it belongs, and none else of the host" {
	for option in -r -q --unshare=uts; do
		look $option "$top" /bin/probe wait
		want=$(usual)
		case $option in
		-r) want+=$'\n/tmp' ;;
		--unshare=uts) want=$(grep -vx /etc/hostname <<<"$want") ;;
		esac
		assert_equal "$points" "$(sort <<<"$want")"
		root=$(mounted_at / | cut -d ' ' -f 1)
		[[ $(mounted_at /) == *' - overlay overlay '* ]]
		[[ $(mounted_at /dev) == *' - tmpfs '* ]]
		[[ $(mounted_at /dev/pts) == *' - devpts '*'ptmxmode=666'* ]]
		[[ $(mounted_at /proc) == *' - proc '* ]]
		[[ $(mounted_at /sys) == *' - sysfs '* ]]
		for point in /dev /proc /sys /etc/resolv.conf /etc/hosts /etc/passwd /etc/group; do
			assert_equal "$(mounted_at $point | cut -d ' ' -f 2)" "$root"
		done
		assert_equal "$(mounted_at /dev/pts | cut -d ' ' -f 2)" "$(mounted_at /dev | cut -d ' ' -f 1)"
		release
	done
}

@test "T16 every mount is nosuid, what is the host's read-only, nothing shared, and /dev alone has devices" {
	for option in -r -q; do
		look $option "$top" /bin/probe wait
		while read -r _ _ _ _ point options rest; do
			[[ ,$options, == *,nosuid,* ]] || fail "$point: $options"
			[[ $rest != *shared:* && $rest != *master:* ]] || fail "$point: $rest"
			case $point in
			/sys | /sys/* | /etc/*) [[ ,$options, == *,ro,* ]] || fail "$point: $options" ;;
			esac
			case $point in
			/dev | /dev/*) ;;
			/ | /tmp | /etc/*) [[ ,$options, == *,nodev,* ]] || fail "$point: $options" ;;
			esac
		done <<<"$info"
		release
	done
}

@test "T29 the old root is not reachable" {
	for option in -r -q; do
		works launch $option "$top" sh -c 'ls -A / /..; cd ../../..; pwd; ls -d srv run/ovlrun /proc/1/root/srv 2>/dev/null; ls /run'
		refute_line --partial srv
		refute_line --partial ovlrun
	done
}

@test "T16 a setuid file gives nothing from outside either, through any mount of the payload" {
	permit_with bind
	look -r "$top" /bin/probe wait
	for place in dev/shm tmp; do
		install -m 4755 "$PROBES/probe" "$in/$place/suid"
		run as_user "$in/$place/suid" ids
		[ "$status" = 126 ] || assert_equal "$(value uid)" '65534 65534 65534'
	done
	release
}

@test "T40 nothing propagates out or in, on a shared root" {
	works unshare --mount --propagation shared bash -c '
		before=$(cat /proc/self/mountinfo)
		coproc HELD { cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -r "$top" /bin/probe wait; }
		pid=$HELD_PID
		read -r line <&"${HELD[0]}"
		[ "$line" = ready ] || exit 8
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 7
		inside=$(cat "/proc/$pid/mountinfo")
		grep -q "shared:\|master:" <<<"$inside" && exit 6
		mount -t tmpfs late /sys/kernel && mount -t tmpfs late /proc/sys || exit 5
		[ "$(cat "/proc/$pid/mountinfo")" = "$inside" ] || exit 4
		umount /sys/kernel /proc/sys
		fd=${HELD[1]}
		exec {fd}>&-
		wait "$pid"
		[ "$(cat /proc/self/mountinfo)" = "$before" ] || exit 3'
}

@test "T54 the host's hidepid holds inside" {
	works launch "$top" sh -c 'cd /proc && echo [0-9]*'
	[[ " $output " == *' 1 '* ]] # others are seen where the host shows them
	works prepared 'mount -t proc -o hidepid=2 proc /proc' "$top" sh -c 'cd /proc && echo [0-9]*'
	assert_regex "$output" '^[0-9]+$'
	# A /proc that lacks most is bound as it is.
	works prepared 'mount -t proc -o subset=pid proc /proc' "$top" sh -c 'ls -d /proc/self /proc/sys 2>/dev/null || true'
	assert_output /proc/self
}

@test "T54 what the host covers in /proc and /sys stays covered" {
	works launch "$top" sh -c 'ls -A /sys/kernel; head -n 1 /proc/version'
	[ "${#lines[@]}" -gt 2 ]
	works prepared 'mount -t tmpfs cover /sys/kernel && mount --bind /dev/null /proc/version' \
		"$top" sh -c 'ls -A /sys/kernel; cat /proc/version; ls -d /sys/class'
	assert_output /sys/class
}

@test "T54 what the host has made stricter in /proc and /sys stays so" {
	works prepared 'mount -o remount,bind,nosuid,nodev,noexec,ro /proc && mount --bind /proc/sys /proc/sys &&
		mount -o remount,bind,ro,nosuid,noexec /proc/sys && mount -t tmpfs -o ro,noexec,nodev cover /sys/kernel' \
		"$top" cat /proc/self/mountinfo
	info=$output
	for point in /proc /proc/sys /sys/kernel; do
		for flag in ro nosuid noexec; do
			[[ ,$(mounted_at $point | cut -d ' ' -f 6), == *,$flag,* ]] || fail "$point lost $flag: $info"
		done
	done
}

@test "T54 with --unshare pid /proc is a fresh one of the new namespace only" {
	works launch --unshare pid "$top" sh -c 'cd /proc && echo [0-9]* && cat 1/comm && cat self/mountinfo'
	for pid in ${lines[0]}; do
		[ "$pid" -le 9 ]
	done
	assert_line --index 1 ovlrun
	info=$output
	[[ ,$(mounted_at /proc | cut -d ' ' -f 6), == *,nosuid,nodev,noexec,* ]]
}

@test "with --unshare net /sys shows the new namespace, read-only, and the host's files are not there" {
	works launch "$top" ls /sys/class/net
	outside=$output
	works launch --unshare net "$top" sh -c 'ls /sys/class/net; cat /proc/self/mountinfo'
	assert_line --index 0 lo
	[ "$outside" = lo ] || refute_line --index 1 --regexp '^[a-z0-9]+$'
	info=$output
	[[ ,$(mounted_at /sys | cut -d ' ' -f 6), == *,ro,*nosuid,* ]]
	for file in resolv.conf hosts hostname; do
		[ -z "$(mounted_at /etc/$file || true)" ]
	done
	mkdir "$d/etc"
	echo image >"$d/etc/resolv.conf"
	works launch --unshare net "$hostile" sh -c 'cat /etc/resolv.conf; ls /etc/hosts /etc/hostname 2>/dev/null || true'
	assert_output image
}

@test "the host's resolv.conf, hosts and hostname, read-only, whatever the image has" {
	mkdir "$d/etc"
	echo image | tee "$d/etc/resolv.conf" "$d/etc/hosts" >"$d/etc/hostname"
	for id in "$top" "$hostile"; do
		for option in -r -q; do
			for file in resolv.conf hosts hostname; do
				works launch $option "$id" cat /etc/$file
				assert_equal "$output" "$(cat /etc/$file)"
				run "$OVLRUN" "$id" sh -c "echo x >>/etc/$file"
				assert_output --partial 'Read-only file system'
			done
		done
	done
	# uts has its own name.
	works launch --unshare uts "$hostile" cat /etc/hostname
	assert_output image
}

@test "a host without one of these files: the image's is seen, or none" {
	mkdir "$d/etc"
	echo image >"$d/etc/hostname"
	rm /etc/hostname /etc/hosts
	for option in -r -q; do
		works launch $option "$hostile" sh -c 'cat /etc/hostname; ls /etc/hosts 2>/dev/null || true; cat /etc/resolv.conf'
		assert_output "image
$(cat /etc/resolv.conf)"
	done
	# A symlink to nothing is no file.
	rm /etc/resolv.conf
	ln -s ../run/nowhere/resolv.conf /etc/resolv.conf
	works launch "$top" true
}

@test "the host's resolv.conf a symlink, as systemd-resolved has it" {
	mkdir -p /run/resolve
	echo 'nameserver 192.0.2.1' >/run/resolve/stub.conf
	ln -sf ../run/resolve/stub.conf /etc/resolv.conf
	for option in -r -q; do
		works launch $option "$top" cat /etc/resolv.conf
		assert_output 'nameserver 192.0.2.1'
	done
	rm -r /run/resolve
}

@test "T31 the image's resolv.conf a symlink to nothing, as Debian's images have it" {
	for file in resolv.conf hosts hostname; do
		plant etc/$file ../run/systemd/resolve/stub-resolv.conf
	done
	for option in -r -q "-w name"; do
		works launch $option "$hostile" sh -c 'cat /etc/resolv.conf /etc/hosts /etc/hostname; ls /run'
		assert_equal "$output" "$(cat /etc/resolv.conf /etc/hosts /etc/hostname)"
	done
}

@test "T31 files bound in /etc: a symlink, a directory, a FIFO or a device in their place" {
	before=$(host_state "$LAB/victim")
	for file in resolv.conf hosts passwd group; do
		for kind in / ../.. /proc/self/root /proc/self/environ /proc/1/environ "$LAB/victim/file" /etc/$file /dev/null \
			/dev/pts/ptmx ../proc/self/cwd dir fifo device; do
			plant etc/$file "$kind"
			for option in -r -q "-w name"; do
				inside_or_refused $option "$hostile"
			done
			rm -r "$d/etc" /var/lib/*
		done
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "T31 dev, proc, sys, tmp and etc of the image: symlinks to anywhere, a file, a FIFO, a device" {
	before=$(host_state "$LAB/victim")
	for name in dev proc sys tmp etc; do
		for kind in / .. ../.. ../../../.. /proc/self/root /proc/self/cwd /proc/1/root /proc/self/fd/3 "$LAB/victim" /etc \
			bin $name nowhere /nowhere/deep file fifo device; do
			plant $name "$kind"
			for option in -r -q "-w name"; do
				inside_or_refused $option "$hostile"
			done
			rm -r "${d:?}/$name" /var/lib/*
		done
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "T31 the same without openat2" {
	before=$(host_state "$LAB/victim")
	for name in dev proc tmp etc etc/resolv.conf etc/passwd; do
		for kind in / ../.. /proc/self/root "$LAB/victim" fifo; do
			plant $name "$kind"
			run --separate-stderr timeout 10 strace -f -o /dev/null -u nobody -e inject=openat2:error=ENOSYS "$OVLRUN" "$hostile" /bin/busybox sh -c 'cat /layer1 /srv/victim/file 2>/dev/null; exit 42'
			case $status in
			42) assert_output 1 ;;
			125) ;;
			*) fail "$name $kind: status $status: $stderr" ;;
			esac
			rm -r "${d:?}/${name%%/*}"
		done
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "T31 what the image has in dev, dev/pts, dev/shm and proc is covered" {
	mkdir -p "$d"/{dev,proc/self,sys}
	ln -s / "$d/dev/pts"
	ln -s "$LAB/victim" "$d/dev/shm"
	ln -s /etc/passwd "$d/dev/null"
	mkfifo "$d/dev/ptmx"
	echo image >"$d/proc/self/environ"
	before=$(host_state "$LAB/victim")
	for option in -r -q; do
		works launch $option "$hostile" sh -c 'stat -c %t:%T /dev/null; stat -c %F /dev/shm /dev/pts; cat /proc/self/environ | grep -c image || true'
		assert_output $'1:3\ndirectory\ndirectory\n0'
		works launch $option "$hostile" /bin/tries pty /dev
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "T31 a persistent upper in which the payload put symlinks for the mount points" {
	before=$(host_state "$LAB/victim")
	for target in / ../.. /proc/self/root /proc/1/root "$LAB/victim" nowhere; do
		works launch --bare -w evil "$owned" /bin/busybox sh -c \
			'for name in dev proc sys tmp etc; do rm -rf /$name && ln -s $0 /$name || exit; done' "$target"
		run --separate-stderr launch -w evil "$owned" /bin/busybox sh -c 'ls -d /bin/probe; cat /srv/victim/file 2>/dev/null; exit 42'
		case $status in
		42) assert_output /bin/probe ;;
		125) assert_regex "${stderr_lines[0]}" '^ovlrun: cannot ' ;;
		*) fail "$target: status $status: $stderr" ;;
		esac
		rm -r /var/lib/ovlrun
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "T31 a persistent upper in which the payload put symlinks for the bound files" {
	before=$(host_state "$LAB/victim")
	for target in / ../.. /proc/self/environ "$LAB/victim/file" nowhere; do
		works launch --bare -w evil "$owned" sh -c \
			'cd /etc && for name in resolv.conf hosts hostname passwd group; do rm -rf $name && ln -s $0 $name || exit; done' "$target"
		run --separate-stderr launch -w evil "$owned" sh -c 'ls -d /bin/probe; cat /srv/victim/file 2>/dev/null; exit 42'
		case $status in
		42) assert_output /bin/probe ;;
		125) assert_regex "${stderr_lines[0]}" '^ovlrun: cannot ' ;;
		*) fail "$target: status $status: $stderr" ;;
		esac
		rm -r /var/lib/ovlrun
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "a persistent upper in which the payload removed the mount points" {
	works launch --bare -w bare "$owned" /bin/busybox rm -rf /dev /proc /sys /tmp /etc
	for _ in 1 2; do
		works launch -w bare "$owned" sh -c 'stat -c %t:%T /dev/null; ls -d /proc/self /sys/class; echo x >/tmp/x; cat /etc/resolv.conf'
		assert_equal "$output" "1:3
/proc/self
/sys/class
$(cat /etc/resolv.conf)"
	done
}

@test "a persistent upper first used without the host's files has them when they are wanted" {
	for first in --bare "--unshare net" "--unshare uts" "--dev none --no-proc --no-sys"; do
		echo "$first"
		works launch $first -w later "$top" true
		for _ in 1 2; do
			works launch -w later "$top" sh -c 'cat /etc/resolv.conf /etc/hosts /etc/hostname && whoami && ls -d /dev/null /proc/self /sys/class'
			assert_equal "$output" "$(cat /etc/resolv.conf /etc/hosts /etc/hostname)"$'\nnobody\n/dev/null\n/proc/self\n/sys/class'
		done
		rm -rf /var/lib/*
	done
	mv /etc/hosts /etc/hosts.away
	works launch -w later "$top" true
	mv /etc/hosts.away /etc/hosts
	works launch -w later "$top" cat /etc/hosts
	assert_equal "$output" "$(cat /etc/hosts)"
}

@test "a usual launch leaves nothing of its own in a persistent upper" {
	works launch -w clean "$top" true
	works launch -w clean "$scratch" true || true # refused: made on other layers
	assert_equal "$(find "/var/lib/ovlrun/$USER_ID/clean/diff" -mindepth 1)" ''
}

@test "an image from scratch: read-only, with an upper in memory, and twice with one on disk" {
	for option in -r -q "-w name" "-w name"; do
		look $option "$scratch" /probe wait
		want=$(usual)
		[ "$option" != -r ] || want+=$'\n/tmp'
		assert_equal "$points" "$(sort <<<"$want")"
		assert_equal "$(ls -A "$in")" $'dev\netc\nprobe\nproc\nsys\ntmp'
		assert_equal "$(stat -c '%a %u %g' "$in"/{dev,etc})" $'755 0 0\n755 0 0'
		assert_equal "$(stat -c %a "$in/tmp")" 1777
		assert_equal "$(cat "$in/etc/passwd")" "$(getent passwd nobody)"
		assert_equal "$(cat "$in/etc/group")" "$(getent group nogroup)"
		assert_equal "$(cat "$in/etc/hosts")" "$(cat /etc/hosts)"
		[ -c "$in/dev/null" ]
		release
	done
}

@test "an image that lacks one of the directories each" {
	for name in dev proc sys tmp etc; do
		mknod "$d/$name" c 0 0 # a whiteout
		for option in -r -q "-w name"; do
			works launch $option "$hostile" sh -c 'stat -c %t:%T /dev/null; ls -d /proc/self /sys/class /etc/hosts; echo x >/tmp/x && cat /tmp/x'
			assert_output $'1:3\n/etc/hosts\n/proc/self\n/sys/class\nx'
		done
		rm "$d/$name"
		rm -rf /var/lib/*
	done
}

@test "what a whiteout or an opaque directory hides does not come back, and the caller has his entry" {
	echo hidden >"$tree/$base/diff/etc/hidden"
	mknod "$d/etc" c 0 0
	for kind in whiteout opaque; do
		echo $kind
		for option in -r -q "-w name"; do
			works launch $option "$hostile" sh -c 'ls -A /etc; whoami'
			assert_output "$(printf '%s\n' group hostname hosts passwd resolv.conf nobody)"
		done
		rm -rf "$d/etc" /var/lib/*
		mkdir "$d/etc"
		setfattr -n trusted.overlay.opaque -v y "$d/etc"
	done
	rm "$tree/$base/diff/etc/hidden"
}

@test "T01 an /etc that the image closes stays closed, and its owner and mode are the image's" {
	echo secret >"$tree/$base/diff/etc/secret"
	chmod 0644 "$tree/$base/diff/etc/secret"
	for mode in 700 751 2750; do
		chown 12:34 "$tree/$base/diff/etc"
		chmod $mode "$tree/$base/diff/etc"
		for option in --bare -r -q "-w name"; do
			look $option "$top" /bin/probe wait
			assert_equal "$(stat -c '%a %u %g' "$in/etc")" "$mode 12 34"
			assert_equal "$(cat "$in/etc/secret")" secret # it is there
			release
			run launch $option "$top" cat /etc/secret
			if [ $mode != 751 ]; then
				assert_failure
				refute_output --partial secret$'\n'
				refute_line secret
			fi
			run launch $option "$top" ls /etc
			assert_failure
		done
		rm -rf /var/lib/*
	done
	rm "$tree/$base/diff/etc/secret"
}

@test "T01 owner, mode and access list of the image's root directory, etc and tmp are what they were" {
	echo secret | tee "$d/secret" >"$tree/$base/diff/etc/secret"
	mkdir -m 0700 "$d/tmp"
	chown 12:34 "$d/tmp"
	mkdir "$d/etc"
	setfattr -n system.posix_acl_access -v "$(closed_to_user)" "$d/etc"
	for option in --bare -r -q "-w name"; do
		echo "$option"
		look $option "$hostile" /bin/probe wait
		assert_equal "$(getfattr -n system.posix_acl_access -e hex "$in/etc" 2>/dev/null | grep -o '0x.*')" "$(closed_to_user)"
		[ "$option" = -r ] || assert_equal "$(stat -c '%a %u %g' "$in/tmp")" '700 12 34'
		release
		run launch $option "$hostile" cat /etc/secret
		assert_failure
		refute_line secret
	done
	rm -rf "$d/etc" /var/lib/*
	# The root directory itself: what is made above it could not have the same.
	setfattr -n system.posix_acl_access -v "$(closed_to_user)" "$d"
	for option in --bare -r -q "-w name"; do
		refused launch $option "$hostile" /bin/busybox cat /secret
		says 'access list'
	done
	rm "$tree/$base/diff/etc/secret"
}

@test "T01 what is not mounted over stays as closed as the image has it" {
	for name in dev proc sys; do
		mkdir -m 0700 "$d/$name"
		echo secret >"$d/$name/s"
	done
	for option in --no-sys --no-proc "--dev none" "--no-sys -r" "--dev none -r" "-w name --no-sys"; do
		run launch $option "$hostile" sh -c 'cat /sys/s /proc/s /dev/s'
		refute_line secret
		rm -rf /var/lib/*
	done
}

@test "no layer is changed by any of it" {
	before=$(fingerprint "$tree")
	for option in -r -q "-w name" "--unshare net" "--unshare pid"; do
		for id in "$top" "$scratch" "$hostile"; do
			launch $option "$id" /bin/busybox sh -c 'echo x >/tmp/x; echo x >>/etc/passwd; rm -f /etc/hosts' || true
			rm -rf /var/lib/*
		done
	done
	same "$before" "$(fingerprint "$tree")"
}

@test "/tmp is writable, everybody's and empty with -r, and the image's own without" {
	echo image >"$tree/$top/diff/marker"
	mkdir -m 1777 "$d/tmp"
	echo image >"$d/tmp/file"
	works launch -r "$hostile" sh -c 'stat -c "%a %u %g" /tmp; ls -A /tmp; echo x >/tmp/x; cat /tmp/x'
	assert_output $'1777 0 0\nx'
	works launch "$hostile" sh -c 'stat -c "%a %u %g" /tmp; cat /tmp/file; echo x >/tmp/x; cat /tmp/x'
	assert_output $'1777 0 0\nimage\nx'
	# And nothing else is.
	run launch -r "$hostile" touch /home/x
	assert_failure
	run "$OVLRUN" -r "$hostile" touch /x /etc/x /home/x
	assert_equal "$(grep -c 'Read-only file system' <<<"$output")" 3
}

@test "T44 one limit for the upper, /dev/shm and /tmp together, in bytes" {
	fill='for at in $*; do dd if=/dev/zero of=$at bs=64k count=7 2>&1 || exit 3; done'
	works launch --tmpfs-size 2m "$top" sh -c "$fill" x /tmp/a /dev/shm/b /tmp/c
	run launch --tmpfs-size 1m "$top" sh -c "$fill" x /tmp/a /dev/shm/b /tmp/c
	assert_equal "$status" 3
	assert_output --partial 'No space left'
	run launch --tmpfs-size 1m "$top" sh -c "$fill" x /dev/shm/a /dev/shm/b /dev/shm/c
	assert_equal "$status" 3
	permit_with bind 'limit tmpfs=1m'
	run launch -r "$top" sh -c "$fill" x /tmp/a /dev/shm/b /tmp/c
	assert_equal "$status" 3
	assert_output --partial 'No space left'
	works launch -r "$top" sh -c "$fill" x /tmp/a
}

@test "T44 one limit for the upper, /dev/shm and /tmp together, in files" {
	fill='i=0; while [ $i -lt 3000 ]; do true >/dev/shm/$i && true >/tmp/$i || exit 3; i=$((i+1)); done'
	run launch --tmpfs-size 1m "$top" sh -c "$fill"
	assert_equal "$status" 3
	assert_output --partial 'No space left'
	permit_with bind 'limit tmpfs=1m'
	run launch -r "$top" sh -c "$fill"
	assert_equal "$status" 3
	assert_output --partial 'No space left'
}

@test "T44 a tmpfs in which there is hardly room: all is there, or a refusal" {
	for size in 4k 8k 12k 16k 20k 24k 32k 48k 64k 128k; do
		run --separate-stderr launch --tmpfs-size $size "$top" sh -c 'stat -c %t:%T /dev/null; whoami; cat /etc/resolv.conf; /bin/tries pty /dev | tail -n 1'
		case $status in
		0) assert_output "1:3
nobody
$(cat /etc/resolv.conf)
text: said" ;;
		125) [ $size != 64k ] && [ $size != 128k ] && [[ $stderr == 'ovlrun: cannot '* ]] || fail "$size: $stderr" ;;
		*) fail "$size: status $status: $output $stderr" ;;
		esac
	done
}

@test "accounts: who the caller is, by name" {
	for option in -r -q "-w name"; do
		works launch $option "$top" sh -c 'whoami; id -un; id -gn; ls -ld /dev/shm/. /tmp/. | tr -s " " | cut -d " " -f 3'
		assert_output $'nobody\nnobody\nnogroup\nroot\nroot'
	done
}

@test "accounts: the host's line for the caller stands first, the image's content behind it" {
	printf '%s\n' alice:x:2001:2001:Alice,,,:/home/alice:/bin/zsh >>/etc/passwd
	printf '%s\n' alice:x:2001: science:x:3001:alice,bob staff2:x:3002: >>/etc/group
	mkdir "$d/etc"
	echo 'impostor:x:2001:0::/:/bin/false' >"$d/etc/passwd"
	printf 'wheel:x:3001:' >"$d/etc/group" # not finished, as images have it
	for option in -r -q; do
		works as_ids 2001:2001:3001 "$OVLRUN" $option "$hostile" cat /etc/passwd
		assert_output $'alice:x:2001:2001:Alice,,,:/home/alice:/bin/zsh\nimpostor:x:2001:0::/:/bin/false'
		works as_ids 2001:2001:3001 "$OVLRUN" $option "$hostile" cat /etc/group
		assert_equal "$(head -n 2 <<<"$output" | sort)" $'alice:x:2001:\nscience:x:3001:alice,bob'
		assert_line --index 2 wheel:x:3001:
		assert_equal "${#lines[@]}" 3 # nothing of groups that are not his
		works as_ids 2001:2001:3001 "$OVLRUN" $option "$hostile" sh -c 'whoami; id -Gn'
		assert_output $'alice\nalice science'
	done
	works launch "$top" cat /etc/passwd
	assert_equal "$output" "$(getent passwd nobody)
$(cat "$tree/$base/diff/etc/passwd")"
}

@test "accounts: a caller whom the host does not know is who USER and HOME say" {
	works env USER=guest HOME=/home/guest "$PROBES/start" user:4321:8765 -- "$OVLRUN" "$top" sh -c 'whoami; head -n 1 /etc/passwd'
	assert_line --index 0 guest
	assert_line --index 1 --regexp '^guest:x?:4321:8765:[^:]*:/home/guest:/'
	# Neither is trusted: whatever they are, no line means another user, and none is malformed.
	mkdir "$d/etc"
	echo last:x:7:7::/:/bin/sh >"$d/etc/passwd"
	for value in root '' : 'a:b' $'a\nroot::0:0::/:/bin/sh' $'\n' '+' '#' "$(printf 'x%.0s' {1..5000})" $'\x1b[31m' 'a b'; do
		for home in / '' : $'/x\nroot::0:0::/:/bin/sh' "$(printf '/%.0s' {1..5000})"; do
			run env USER="$value" HOME="$home" "$PROBES/start" user:4321:8765 -- "$OVLRUN" "$hostile" cat /etc/passwd
			assert_equal "$status" 0
			assert_equal "${lines[-1]}" last:x:7:7::/:/bin/sh
			[ "${#lines[@]}" -le 2 ] || fail "$value $home: $output"
			[ "${#lines[@]}" = 1 ] || assert_regex "${lines[0]}" '^[^:]*:[^:]*:4321:8765:[^:]*:[^:]*:[^:]*$'
		done
	done
	works env -u USER -u HOME "$PROBES/start" user:4321:8765 -- "$OVLRUN" "$hostile" true
}

@test "accounts: nobody can write them, and root and an image without a caller's line keep the image's" {
	for file in passwd group; do
		run launch "$owned" sh -c "echo x >>/etc/$file"
		assert_failure
		run launch "$owned" rm -f /etc/$file
		assert_failure
		works "$OVLRUN" "$top" cat /etc/$file
		assert_equal "$output" "$(cat "$tree/$base/diff/etc/$file")"
	done
}

@test "T34 P6 the image's accounts are read as the caller: what is closed to him stays so" {
	mkdir "$d/etc"
	for file in passwd group; do
		echo "secret:x:7:7:secret:/:/bin/sh" >"$d/etc/$file"
		chmod 0600 "$d/etc/$file"
	done
	cp -p "$d/etc/passwd" "$d/closed"
	mkdir -m 0700 "$d/dir"
	echo "secret:x:7:7:secret:/:/bin/sh" >"$d/dir/file"
	for target in '' ../closed ../dir/file /closed; do
		[ -z "$target" ] || ln -sf "$target" "$d/etc/passwd"
		for option in -r -q "-w name"; do
			run launch $option "$hostile" sh -c 'cat /etc/passwd /etc/group; exit 42'
			assert_equal "$status" 42
			refute_output --partial secret
		done
		rm -rf /var/lib/*
	done
	# The caller's own groups count: this file is open to him.
	rm "$d/etc/passwd"
	echo "open:x:7:7::/:/bin/sh" >"$d/etc/passwd"
	chmod 0640 "$d/etc/passwd"
	chgrp 3001 "$d/etc/passwd"
	works as_ids 2001:2001:3001 "$OVLRUN" "$hostile" cat /etc/passwd
	assert_line open:x:7:7::/:/bin/sh
	run as_ids 2001:2001:3002 "$OVLRUN" "$hostile" cat /etc/passwd
	refute_line open:x:7:7::/:/bin/sh
}

# with_accounts MAKE...: the image's passwd and group are what MAKE makes at the path given to it.
with_accounts() {
	local file
	rm -rf "$d/etc"
	mkdir "$d/etc"
	for file in passwd group; do
		"$@" "$d/etc/$file"
	done
}

device() {
	mknod -m 0666 "$1" c 1 5
}

whiteout() {
	mknod "$1" c 0 0
}

sized() {
	head -c "$1" /dev/zero | tr '\0' x >"$2"
}

@test "T34 P6 the image's accounts a FIFO, a device, a directory, a symlink, absent: the launch never waits" {
	before=$(host_state "$LAB/victim")
	for make in "mkfifo -m 0666" "mkdir" "ln -s /dev/zero" "ln -s /proc/self/environ" "ln -s nowhere" "ln -s $LAB/victim/file" \
		device whiteout; do
		with_accounts $make
		for option in -r -q "-w name"; do
			works launch $option "$hostile" cat /layer1
		done
		rm -rf /var/lib/*
	done
	same "$before" "$(host_state "$LAB/victim")"
}

@test "accounts: of whatever size the image's are, they are whole, or the launch says that there is no room" {
	for size in 0 1 4095 4096 4097 1000000 1048575 1048576 1048577; do
		with_accounts sized $size
		for file in passwd group; do
			works launch "$hostile" sh -c "whoami; tail -n +2 /etc/$file | wc -c"
			assert_output $'nobody\n'$size
		done
	done
	with_accounts truncate -s 10M
	for option in -r -q; do
		works launch $option "$hostile" sh -c 'head -n 1 /etc/passwd; wc -c </etc/group'
		assert_line --index 0 "$(getent passwd nobody)"
		assert_line --index 1 "$((10485760 + $(getent group nogroup | wc -c)))"
	done
	refused launch --tmpfs-size 1m "$hostile" true
	with_accounts truncate -s 1T
	refused launch --tmpfs-size 1m "$hostile" true
}

@test "accounts: the caller has a name though the image has no accounts that he may read" {
	for make in "mkfifo -m 0666" "ln -s nowhere" "install -m 0600 /dev/null" whiteout; do
		echo "$make"
		with_accounts $make
		for option in -r -q "-w name"; do
			works launch $option "$hostile" sh -c 'head -n 1 /etc/passwd; id -gn'
			assert_equal "$output" "$(getent passwd nobody)"$'\nnogroup'
		done
		rm -rf /var/lib/*
	done
}

@test "T34 P6 nothing of the image is read before the privileges are gone" {
	mkdir "$d/etc"
	for file in passwd group resolv.conf hosts hostname shadow nsswitch.conf; do
		echo "mark-of-the-image:x:1:1::/:/bin/sh" >"$d/etc/$file"
	done
	for option in -r -q "-w name"; do
		trace=$BATS_TEST_TMPDIR/trace
		works bash -c 'cd / && exec strace -f -y -s 200 -u nobody -o "$0" "$OVLRUN" "$@"' "$trace" $option "$hostile" cat /etc/passwd
		assert_output --partial mark-of-the-image
		grep -q 'setresuid(65534, 65534, 65534) *= 0' "$trace"
		sed '/setresuid(65534, 65534, 65534) *= 0/,$d' "$trace" >"$trace.before"
		run grep mark-of-the-image "$trace.before"
		assert_output ''
		# Nor by a way whose data strace does not show.
		run grep -E '(sendfile|splice|copy_file_range|mmap\([^)]*<)' "$trace.before"
		assert_output ''
		# What is opened to be read is opened with the caller's ids, and never so that it waits or is a symlink's choice.
		run grep -E 'open.*(nsswitch|shadow)' "$trace"
		assert_output ''
	done
}

@test "--dev host is the host's whole /dev, for those who may" {
	run --separate-stderr launch --dev host "$top" true
	assert_equal "$status" 125
	says 'does not grant'
	permit_with dev
	before=$(host_state)
	works launch --dev host "$top" ls -A /dev
	assert_equal "$output" "$(ls -A /dev)"
	works launch --dev host "$top" sh -c 'echo x >/dev/null; cat /proc/self/mountinfo'
	info=$output
	assert_equal "$(cut -d ' ' -f 5 <<<"$info" | grep '^/dev' | sort)" "$(tree_of /dev | sort)"
	while read -r _ _ _ _ point options _; do
		[[ $point != /dev* || ,$options, == *,nosuid,* ]] || fail "$point: $options"
	done <<<"$info"
	works prepared 'mount -t tmpfs -o nodev,noexec,ro strict /dev/shm' --dev host "$top" cat /proc/self/mountinfo
	info=$output
	for flag in ro nosuid nodev noexec; do
		[[ ,$(mounted_at /dev/shm | tail -n 1 | cut -d ' ' -f 6), == *,$flag,* ]] || fail "/dev/shm lost $flag"
	done
	run launch --dev host "$top" sh -c '>/dev/x'
	assert_failure
	works launch --dev host -r "$scratch" /probe cwd
	same "$before" "$(host_state)"
}

@test "--dev none, --no-proc and --no-sys leave the image's own" {
	mkdir "$d"/{dev,proc,sys}
	touch "$d"/{dev,proc,sys}/image
	for option in -r -q; do
		works launch $option --dev none "$hostile" sh -c 'ls /dev; ls -d /proc/self /sys/class'
		assert_output $'image\n/proc/self\n/sys/class'
		works launch $option --no-proc "$hostile" sh -c 'ls /proc; stat -c %t /dev/null; ls -d /sys/class'
		assert_output $'image\n1\n/sys/class'
		works launch $option --no-sys "$hostile" sh -c 'ls /sys; stat -c %t /dev/null; ls -d /proc/self'
		assert_output $'image\n1\n/proc/self'
		works launch $option --dev none --no-sys "$hostile" cat /proc/self/mountinfo
		info=$output
		refute_line --regexp ' /(dev|sys)[ /]'
	done
	works launch --dev minimal "$hostile" stat -c %t /dev/null
	for word in '' Host minimal,host none/ x; do
		refused launch --dev "$word" "$top"
	done
	# They mean nothing of their own to a pid or net namespace.
	works launch --unshare pid,net --no-proc --no-sys "$hostile" ls /proc /sys
	assert_line image
}

@test "--bare is one mount, and nothing of the host's" {
	for option in -r -q "-w name"; do
		look --bare $option "$top" /bin/probe wait
		release
		assert_equal "$points" /
	done
	works launch --bare "$top" sh -c 'ls -A /dev /proc /sys; cat /etc/passwd'
	assert_output "/dev:

/proc:

/sys:
$(cat "$tree/$base/diff/etc/passwd")"
	works launch --bare "$scratch" /probe cwd
}

@test "a host without /sys, without /proc, with an empty /dev" {
	works prepared 'umount -l /sys' "$top" sh -c 'ls -d /proc/self; stat -c %t:%T /dev/null'
	assert_output $'/proc/self\n1:3'
	works prepared 'mount -t tmpfs none /dev' "$top" /bin/tries pty /dev
	works prepared 'umount -l /proc; umount -l /proc || true; umount -l /sys' "$top" sh -c 'stat -c %t:%T /dev/null; whoami'
	assert_output $'1:3\nnobody'
}

@test "T46 dead at any system call of the set-up, nothing is left and nothing is changed" {
	cd /
	strace -f -u nobody -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" "$top" true
	calls=$(sed '/setresuid(65534, 65534, 65534)/,$d' "$BATS_TEST_TMPDIR/trace" | sed -n 's/^[0-9 ]*\([a-z0-9_]*\)(.*/\1/p')
	before=$(host_state "$tree")
	killed=0
	for call in mount mknodat mknod symlink symlinkat mkdir mkdirat open_tree move_mount mount_setattr openat openat2 bind; do
		count=$(grep -cx $call <<<"$calls" || [ $? = 1 ])
		for ((k = 1; k <= count; k++)); do
			run injected "$call:signal=KILL:when=$k" "$top" true
			assert_equal "$status" 137
			killed=$((killed + 1))
		done
	done
	[ "$killed" -gt 20 ]
	same "$before" "$(host_state "$tree")"
	assert_equal "$(ls -A /run/ovlrun)" ''
}

@test "every call of the set-up that fails ends the launch, and no payload runs in half a root directory" {
	cd /
	strace -f -u nobody -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" -r "$top" true
	calls=$(sed '/setresuid(65534, 65534, 65534)/,$d' "$BATS_TEST_TMPDIR/trace" | sed -n 's/^[0-9 ]*\([a-z0-9_]*\)(.*/\1/p')
	for call in mount mknodat mknod symlink symlinkat mkdir mkdirat move_mount mount_setattr; do
		count=$(grep -cx $call <<<"$calls" || [ $? = 1 ])
		for ((k = 1; k <= count; k++)); do
			run --separate-stderr injected "$call:error=EPERM:when=$k" -r "$top" sh -c 'echo ran'
			[ "$status" = 125 ] && [ -z "$output" ] || fail "$call $k: status $status: $output"
		done
	done
}
