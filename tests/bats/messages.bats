# SPDX-License-Identifier: MIT
# The likeliest failures: each says in one line what cannot be done and why, and in another what to do.
#
# A row: its name, the exit status, regular expressions for what (verb and object), why (the reason) and what to do
# (the hint; "" where the line itself says enough), and the command that fails.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2154

setup_file() {
	load ../lib/helpers
	make_tree messages 2
	diff=$tree/$top/diff
	export diff
	printf '#!/no/such/interpreter\n' >"$diff/script"
	printf 'no program\n' >"$diff/text"
	: >"$diff/empty"
	# An ELF header of a machine that does not exist; and one that ends too early.
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\376\112\1\0\0\0%048d' 0 >"$diff/foreign"
	head -c 40 /bin/sh >"$diff/cut"
	chmod 0755 "$diff"/{script,text,empty,foreign,cut}
	install -d -m 0755 "$LAB/src"
	install -d -m 0700 "$LAB/src/closed"
	mount -t tmpfs -o mode=0755 messages-state /var/lib # for -w
	cp -a /etc/subuid "$BATS_FILE_TMPDIR/" 2>/dev/null || true
	cp -a /etc/subgid "$BATS_FILE_TMPDIR/" 2>/dev/null || true
}

teardown_file() {
	rm -f /etc/subuid /etc/subgid
	cp -a "$BATS_FILE_TMPDIR"/* /etc/ 2>/dev/null || true
	umount /var/lib
	rm -rf "$LAB/deep"
}

setup() {
	load ../lib/helpers
	policy "tree $tree" 'permit * any may unshare,bind,userns,dev,keep-fd,writable'
	printf 'nobody:100000:65536\n' >/etc/subuid
	cp /etc/subuid /etc/subgid
	wrong=
}

# row NAME STATUS WHAT WHY HINT COMMAND...
row() {
	local name=$1 expected=$2 what=$3 why=$4 hint=$5 before problem=
	shift 5
	before=$(mounts)
	# Not by run: bats warns of 127.
	status=0
	output=$("$@" 2>"$BATS_TEST_TMPDIR/said") || status=$?
	mapfile -t stderr_lines <"$BATS_TEST_TMPDIR/said"
	[ "$status" = "$expected" ] || problem+=" status $status, not $expected;"
	[ -z "$output" ] || problem+=" on standard output: $output;"
	[[ ${stderr_lines[0]-} =~ ^ovlrun:\ cannot\ $what:\ $why$ ]] || problem+=" the line is not 'cannot $what: $why';"
	[[ ${stderr_lines[1]-ovlrun: hint: } =~ ^ovlrun:\ hint:\  ]] || problem+=' the second line is no hint;'
	[[ ${stderr_lines[1]-} =~ $hint ]] || problem+=" no hint '$hint';"
	[ "${#stderr_lines[@]}" -le 2 ] || problem+=' more than a line and a hint;'
	[ "$(mounts)" = "$before" ] || problem+=' mounts are left;'
	[ -z "$problem" ] || wrong+="$name:$problem
$(printf '    %s\n' "${stderr_lines[@]}")
"
}

# all_right: no row went wrong. All of them are shown at once.
all_right() {
	[ -z "$wrong" ] || fail "$wrong"
}

# failing CALL PATTERN ERRNO OPTION... ID...: a launch in which the first CALL with PATTERN in its arguments fails so.
failing() {
	local call=$1 pattern=$2 error=$3 k
	shift 3
	k=$(cd / && strace -u nobody -o "|grep -E '^$call\\('" -e "trace=$call" "$OVLRUN" "$@" 2>/dev/null </dev/null |
		grep -nE -m 1 -e "$pattern" | cut -d : -f 1)
	[ -n "$k" ] || fail "no $call with $pattern"
	injected "$call:error=$error:when=$k" "$@"
}

as_root() {
	(cd / && exec "$OVLRUN" "$@")
}

@test "messages: tree, layers, images" {
	absent=$(tree_id 77)
	row 'tree not offered' 125 'use tree /no/such' 'not there, or not permitted' 'ask the administrator' launch -t /no/such "$top"
	row 'tree absent' 125 'open /no' 'No such file or directory' 'path of the tree' as_root -t /no/such "$top"
	row 'not a tree' 125 'use tree /usr' 'it has no l/ directory' 'docker/overlay2' as_root -t /usr "$top"
	row 'layer absent' 125 ".*$absent" 'No such file or directory' '' as_root "$absent"
	row 'no image and no layer' 125 'use Alpine' 'no image has such a name, and no layer' 'alpine:3.19' launch Alpine
	policy "tree /nowhere/overlay2" 'permit * any'
	row 'the tree of the policy is absent' 125 'open /nowhere' 'No such file or directory' 'path of the tree' launch "$top"
	policy "tree $tree" "permit * layer $(tree_id 1)"
	row 'layer not permitted' 125 "use layer $top" 'not there, or not permitted' 'permit' launch "$top"
	row 'image not permitted' 125 'use image alpine:latest' 'not there, or not permitted' 'permit' launch alpine
	rm /etc/ovlrun.conf
	row 'no policy' 125 "use layer $top" 'not there, or not permitted' '/etc/ovlrun.conf' launch "$top"
	policy "tree $tree" 'permit * anything'
	row 'policy not understood' 125 'understand /etc/ovlrun.conf:2' '.*any.*' '' launch "$top"
	all_right
}

@test "messages: depth" {
	# The layers need not be there: that they are too many is in the file.
	tree_init "$LAB/deep"
	deep=$(tree_id 1)
	tree_layer "$LAB/deep" "$deep" "$(tree_link 1)"
	for ((n = 2; n <= 501; n++)); do
		printf 'l/%s:' "$(tree_link $n)"
	done | sed 's/:$//' >"$LAB/deep/$deep/lower"
	policy "tree $LAB/deep" 'permit * any'
	row 'over 500 layers' 125 '.*more than 500.*' 'max depth exceeded.*' '' launch "$deep"
	all_right
}

@test "messages: kernel and file systems" {
	overlay='"overlay"'
	row 'no overlay' 125 'mount overlay on .*' 'No such device' 'modprobe overlay' failing mount "$overlay" ENODEV "$top"
	row 'overlay forbidden' 125 'mount overlay on .*' 'Operation not permitted' '(security module|container)' failing mount "$overlay" EPERM "$top"
	row 'unfit file system' 125 'mount overlay on .*' 'Invalid argument' '(d_type|file system|dmesg)' failing mount "$overlay" EINVAL "$top"
	row 'memory is full' 125 '.*' 'Out of memory' 'memory' failing mount "$overlay" ENOMEM "$top"
	row 'ramdisk or chroot' 125 'change root to .*' 'Invalid argument' 'the root directory is a ramdisk or no mount point' failing pivot_root . EINVAL "$top"
	row 'chroot' 125 'make mounts private below /' 'Invalid argument' 'chroot' failing mount MS_PRIVATE EINVAL "$top"
	row 'too many launches' 125 'make namespaces' 'No space left on device' 'user.max_mnt_namespaces' failing unshare NEWNS ENOSPC "$top"
	row 'too many namespaces' 125 'make .*' 'No space left on device' 'user.max_' failing unshare NEWNET ENOSPC --unshare net "$top"
	row 'no namespaces of this kind' 125 'make .*' 'Invalid argument' '.' failing unshare NEWNET EINVAL --unshare net "$top"
	row 'too many processes' 125 'start a process' 'Resource temporarily unavailable' 'ulimit -u' with user:4321:4321 limit:6:1:1 -- --unshare pid "$top" true
	row 'the private tmpfs is full' 125 '.*' 'No space left on device' 'tmpfs-size' failing mkdir . ENOSPC "$top"
	row 'tmpfs too small' 125 '.*' 'No space left on device' 'tmpfs-size' launch --tmpfs-size 4k "$top" true
	all_right
}

@test "messages: user namespaces" {
	row 'none left' 125 'make a user namespace' 'No space left on device' 'user.max_user_namespaces' failing clone NEWUSER ENOSPC -u "$top"
	row 'forbidden' 125 'make a user namespace' 'Operation not permitted' 'AppArmor' failing clone NEWUSER EPERM -u "$top"
	row 'file system without idmaps' 125 'map the ids of .*' 'Invalid argument' 'ext4.*leave -u out' failing mount_setattr IDMAP EINVAL -u "$top"
	policy "tree $tree" 'permit * any'
	row 'not permitted' 125 'use feature userns' 'the policy does not grant it' 'may' launch -u "$top"
	all_right
	# No failure: it works, and a note says what will not.
	policy "tree $tree" 'permit * any may userns'
	for name in absent empty; do
		rm -f /etc/subuid /etc/subgid
		[ $name = absent ] || : >/etc/subuid
		run --separate-stderr launch -u "$top" id -u
		assert_equal "$status $output" '0 0'
		assert_equal "${#stderr_lines[@]}" 1
		assert_regex "$stderr" '^ovlrun: note: .*/etc/subuid'
		run --separate-stderr launch -q -u "$top" id -u
		assert_equal "$status $output$stderr" '0 0'
	done
}

@test "messages: the command" {
	row 'not found' 127 'run no-such' 'No such file or directory' '' launch "$top" no-such
	row 'path not found' 127 'run /no/such' 'No such file or directory' '' launch "$top" /no/such
	row 'no interpreter' 127 'run /script' 'its interpreter is not in the image' '' launch "$top" /script
	row 'wrong architecture' 126 'run /foreign' 'Exec format error' 'architecture' launch "$top" /foreign
	row 'cut' 126 'run /cut' '(Exec format error|I/O error)' '' launch "$top" /cut
	row 'no program' 126 'run /text' 'Exec format error' '#!' launch "$top" /text
	row 'empty' 126 'run /empty' 'Exec format error' '' launch "$top" /empty
	row 'a directory' 126 'run /etc' '(Permission denied|.*directory.*)' '' launch "$top" /etc
	row 'not executable' 126 'run /etc/passwd' 'Permission denied' '' launch "$top" /etc/passwd
	row 'too many arguments' 126 'run .*/true' 'Argument list too long' '' injected execve:error=E2BIG:when=2 "$top" true
	row 'directory absent' 125 'enter /no/such' 'No such file or directory' 'in the image' launch -C /no/such "$top"
	# The same where a process stands between.
	row 'not found in a new pid namespace' 127 'run no-such' 'No such file or directory' '' launch --unshare pid "$top" no-such
	row 'not found in a new session' 127 'run no-such' 'No such file or directory' '' with leader -- --new-session "$top" no-such
	row 'not executable in a new pid namespace' 126 'run /etc/passwd' 'Permission denied' '' launch --unshare pid "$top" /etc/passwd
	row 'wrong architecture as user 0' 126 'run /foreign' 'Exec format error' '' launch -q -u "$top" /foreign
	all_right
}

@test "messages: the caller and the installation" {
	row 'no_new_privs' 125 'get privileges' 'the caller runs with no_new_privs' 'outside the sandbox' with nnp -- "$top"
	install -m 0755 "$OVLRUN" "$LAB/bin/plain"
	row 'not setuid' 125 'get privileges' 'it is not setuid root where it is run' 'make install' as_user "$LAB/bin/plain" "$top"
	mkdir -p "$LAB/nosuid"
	mount --bind "$LAB/bin" "$LAB/nosuid"
	mount -o remount,bind,nosuid "$LAB/nosuid"
	row 'on a nosuid mount' 125 'get privileges' 'it is not setuid root where it is run' 'nosuid' as_user "$LAB/nosuid/ovlrun" "$top"
	umount "$LAB/nosuid"
	row 'in a user namespace' 125 '.*' '.*' '(container|user namespace|sandbox|nosuid)' as_user unshare -Ur "$OVLRUN" "$top"
	row 'a directory as standard input' 125 'pass on descriptor 0' 'a directory or O_PATH .*' '' with open:0:/ -- "$top"
	row 'kept descriptor is closed' 125 'pass on descriptor 77' '.*(Bad file descriptor|not open).*' '' with -- --keep-fd 77 "$top"
	row 'kept descriptor is a directory' 125 'pass on descriptor 5' 'a directory or O_PATH .*' '' with open:5:/ -- --keep-fd 5 "$top"
	all_right
}

@test "messages: features and options" {
	row 'bind of what is not there' 125 '.* /no/such' 'No such file or directory' '' launch -b /no/such "$top"
	row 'bind of what is closed' 125 '.* '"$LAB/src/closed" 'Permission denied' '' launch -b "$LAB/src/closed" "$top"
	row 'bind over /proc' 125 'mount on /proc' '.*/proc.*' '' launch -b "$LAB/src:/proc" "$top"
	row 'bind below a file' 125 'mount on /etc/passwd/x' 'Not a directory' '' launch -b "$LAB/src:/etc/passwd/x" "$top"
	row 'bind of a directory onto a file' 125 'mount on /layer1' '.*one is a directory' '' launch -b "$LAB/src:/layer1" "$top"
	row 'bind of a relative path' 125 'bind src' 'not an absolute path' '' launch -b src "$top"
	row 'size' 125 'use size 12q' 'not a number of bytes with k, m or g' '' launch --tmpfs-size 12q "$top"
	row 'size not granted' 125 'use --tmpfs-size [0-9]*' 'more than the policy permits' '' launch --tmpfs-size 5g "$top"
	row 'unknown option' 125 'understand option --bogus' 'no such option' '--help' launch --bogus "$top"
	row 'option without its argument' 125 'understand option --unshare' 'it needs an argument' '--help' launch --unshare
	row 'no namespace' 125 'unshare pid,user' '.*pid, ipc, uts, net and cgroup' '' launch --unshare pid,user "$top"
	row 'host name alone' 125 'use --hostname' '.*--unshare uts.*' '' launch --hostname box "$top"
	row 'capabilities of a user' 125 'use --caps' 'only root.*' '' launch --caps none "$top"
	hold -w busy "$top" /bin/probe wait
	row 'upper in use' 125 '(use|mount) .*' '.*in use by another.*' '' launch -w busy "$top"
	release
	policy "tree $tree" 'permit * any'
	row 'unshare not permitted' 125 'use feature unshare' 'the policy does not grant it' 'may' launch --unshare net "$top"
	row 'bind not permitted' 125 'use feature bind' 'the policy does not grant it' 'may' launch -b /etc "$top"
	row 'upper not permitted' 125 'use feature writable' 'the policy does not grant it' 'may' launch -w x "$top"
	all_right
}
