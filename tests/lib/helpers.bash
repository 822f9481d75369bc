# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every bats file loads: assertions, the unprivileged user, a refusal in all its parts.

bats_require_minimum_version 1.5.0

# Where the distributions put the libraries. Their load.bash would start dirname for each file, before each test.
for dir in /usr/lib/bats /usr/lib/node_modules /usr/share/bats; do
	if [ -e "$dir/bats-assert/load.bash" ]; then
		for file in "$dir"/bats-{support,assert}/src/*.bash; do
			# shellcheck disable=SC1090
			. "$file"
		done
		break
	fi
done
unset dir file # names that a test's own setup may have exported
# shellcheck source=tree.bash
. "$OVL_TOP/tests/lib/tree.bash"

USER_ID=65534
# Seconds that anything may take: more where the machine is emulated.
export PATIENCE=${OVL_PATIENCE-10}

# as_user COMMAND...: as a user without privileges, from a directory that he may be in.
as_user() {
	(cd / && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$@")
}

# launch [OPTION...] ID...: ovlrun as that user, at most $PATIENCE seconds.
# The time is root's to keep: a user cannot signal the program.
launch() {
	(cd / && exec timeout -s KILL "$PATIENCE" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$OVLRUN" "$@")
}

# make_tree NAME DEPTH: a tree under $LAB with a busybox root and the probes in the base, named by the
# policy as the only one. Sets tree, top, and exports them for the tests of the file.
make_tree() {
	export tree=$LAB/$1
	tree_init "$tree"
	top=$(tree_chain "$tree" "$2" fill_base)
	export top
	offer "$tree"
}

fill_base() {
	tree_busybox "$1"
	install -m 0755 "$PROBES/probe" "$1/bin/probe"
}

# policy LINE...: writes /etc/ovlrun.conf as it must be.
policy() {
	rm -rf /etc/ovlrun.conf
	printf '%s\n' "$@" >/etc/ovlrun.conf
	chown 0:0 /etc/ovlrun.conf
	chmod 0644 /etc/ovlrun.conf
}

# offer TREE...: a policy that permits everybody everything on these trees.
offer() {
	policy "${@/#/tree }" 'permit * any'
}

# The mounts of this namespace. Not their superblocks' options: these are the whole machine's.
mounts() {
	cut -d ' ' -f 1-6 /proc/self/mountinfo
}

# stopped_at CALL N [OPTION...] ID...: starts a launch as the user that a tracer of root's stops behind its
# N-th CALL. Sets pid; resume lets it go on and sets output.
stopped_at() {
	local call=$1 n=$2 log=$BATS_TEST_TMPDIR/stopped
	shift 2
	: >"$log"
	coproc TRACED { cd / && exec strace -D -u nobody -o "$log" -e "trace=$call" -e "inject=$call:signal=STOP:when=$n" \
		"$OVLRUN" "$@" 3>&- 2>&1; }
	pid=$TRACED_PID # with -D it is the tracer that is the child
	exec {said_fd}<&"${TRACED[0]}" # bash forgets its own copy when the process ends
	until grep -q '^--- stopped by SIGSTOP' "$log"; do kill -0 "$pid"; done
}

resume() {
	kill -CONT "$pid"
	run cat <&"$said_fd"
	exec {said_fd}<&-
}

# state_of PID: its state in one letter; T is stopped.
state_of() {
	sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status"
}

# injected FAULT [OPTION...] ID...: a launch as the user in which strace tampers with system calls.
injected() {
	local fault=$1
	shift
	(cd / && exec strace -u nobody -o /dev/null -e "inject=$fault" "$OVLRUN" "$@")
}

# refused COMMAND...: runs it, and it must be a refusal in all its parts: status 125 within the time,
# nothing on standard output, one line of error and at most one hint, no mount.
refused() {
	local before after line
	before=$(mounts)
	run --separate-stderr "$@"
	after=$(mounts)
	assert_equal "$status" 125
	assert_equal "$output" ''
	# shellcheck disable=SC2154 # set by run
	assert_regex "${stderr_lines[0]}" '^ovlrun: cannot '
	for line in "${stderr_lines[@]:1}"; do
		assert_regex "$line" '^ovlrun: hint: '
	done
	[ "${#stderr_lines[@]}" -le 2 ] || fail "more than a line and a hint: $stderr"
	assert_equal "$after" "$before"
}

# says TEXT: the refusal just seen says TEXT.
says() {
	# shellcheck disable=SC2154
	[[ $stderr == *"$1"* ]] || fail "expected '$1' in: $stderr"
}

# works COMMAND...: the positive twin of a refusal.
works() {
	run --separate-stderr "$@"
	[ "$status" = 0 ] || fail "status $status: $stderr"
}

# fingerprint DIR: everything about the files below DIR.
fingerprint() {
	(
		cd "$1"
		find . -printf '%p %y %m %U %G %s %T@ %n %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0 -r sha256sum
		getfattr -R -h -d -m - . 2>/dev/null
	) | sha256sum
}

# value KEY: the value of the line `KEY: value` in $output.
value() {
	sed -n "s/^$1: *//p" <<<"$output"
}

# hold [OPTION...] ID...: launches in the background a payload that says "ready" and then waits for the
# end of its input, as `probe wait` does. HELD_PID is its pid; release ends it and gives its status.
hold() {
	local line
	coproc HELD { cd / && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$OVLRUN" "$@" 3>&-; }
	# shellcheck disable=SC2034 # for the tests: bash forgets its own copy when the process ends
	held=$HELD_PID
	read -r line <&"${HELD[0]}"
	[ "$line" = ready ] || fail "the payload said: $line"
}

release() {
	local fd=${HELD[1]}
	exec {fd}>&-
	wait "$held"
}

# as_ids UID:GID[:GROUP...] COMMAND...: with exactly these ids, at most $PATIENCE seconds.
as_ids() {
	local ids=$1
	shift
	(cd / && exec timeout -s KILL "$PATIENCE" "$PROBES/start" "user:$ids" -- "$@")
}

# prepared COMMANDS [OPTION...] ID...: launch, from a mount namespace of its own that a shell's COMMANDS prepare.
prepared() {
	local commands=$1
	shift
	unshare --mount bash -c "$commands"'
		cd / && exec timeout -s KILL "$PATIENCE" setpriv --reuid 65534 --regid 65534 --clear-groups -- "$OVLRUN" "$@"' prepared "$@"
}

# host_state [DIR...]: the mounts, what is directly in the host's usual places, and everything in the given directories.
host_state() {
	mounts
	find / /dev /etc /run /srv -xdev -maxdepth 1 -printf '%p %i %y %m %U %G %l\n' | sort
	for dir; do
		fingerprint "$dir"
	done
}

# same BEFORE AFTER: two texts of host_state are equal.
same() {
	diff <(echo "$1") <(echo "$2") || fail 'the host changed'
}

# look [OPTION...] ID COMMAND...: holds a launch (COMMAND is `probe wait`) and sets info, its mountinfo, points, the
# mount points therein, and in, its root directory as the test's root sees it. release ends it.
look() {
	hold "$@"
	info=$(cat "/proc/$held/mountinfo")
	points=$(cut -d ' ' -f 5 <<<"$info" | sort)
	in=/proc/$held/root
}

# mounted_at POINT: that line of $info.
mounted_at() {
	grep "^[^ ]* [^ ]* [^ ]* [^ ]* $1 " <<<"$info"
}

# tree_of POINT: the mount points of this namespace at and below POINT, without those that others cover.
tree_of() {
	awk -v top="$1" '
		{ id[NR] = $1; parent[NR] = $2; point[NR] = $5; if ($5 == top) seen[NR] = 1 }
		END {
			for (i = NR; i > 0 && !seen[i]; i--) ;
			below[id[i]] = 1
			for (j = i; j <= NR; j++) if (j == i || below[parent[j]]) { below[id[j]] = 1; print point[j] }
		}' /proc/self/mountinfo
}

# closed_to_user: a POSIX access list, as setfattr takes it, of 0755 but nothing for the user.
closed_to_user() {
	printf %s 0x02000000 01000700ffffffff 02000000feff0000 04000500ffffffff 10000500ffffffff 20000500ffffffff
}

# with STATE... -- OPTION... ID...: a launch that starts in the given state (tests/probes/start.c),
# as the user unless STATE says otherwise.
with() {
	local state=()
	while [ "$1" != -- ]; do
		state+=("$1")
		shift
	done
	shift
	[[ " ${state[*]}" == *" user:"* ]] || state=("user:$USER_ID:$USER_ID" "${state[@]}")
	(cd / && exec timeout -s KILL "$PATIENCE" "$PROBES/start" "${state[@]}" -- "$OVLRUN" "$@")
}

# eventually COMMAND...: repeats it until it succeeds, at most ten seconds.
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@"; do
		[ $SECONDS -lt $end ] || { fail "it never came true: $*"; return 1; }
	done
}

# ended PID...: none of them runs any more; a zombie is its parent's business.
ended() {
	local pid
	for pid; do
		case $(state_of "$pid" 2>/dev/null) in
		'' | Z | X) ;;
		*) return 1 ;;
		esac
	done
}

# inside N: the pid, as seen here, of process N of the pid namespace that the launch $held has made.
inside() {
	local pid
	for pid in $(pgrep -P "$held"); do
		if grep -qE "^NSpid:.*[[:space:]]$1\$" "/proc/$pid/status"; then
			echo "$pid"
			return
		fi
	done
	fail "no process $1 inside"
}

# nobody_left: there is no process of the program, and none in a pid namespace below this one.
nobody_left() {
	local mine
	mine=$(readlink /proc/self/ns/pid | tr -dc 0-9)
	! pgrep -x ovlrun >/dev/null &&
		[ -z "$(find /proc -mindepth 3 -maxdepth 3 -path '/proc/[1-9]*/ns/pid' ! -lname "*$mine*" 2>/dev/null)" ]
}

# terminal LINE...: a bash of the user's at a terminal of 24 rows and 80 columns, which begins with LINEs.
# Its prompt is "outer>". teardown has to end it with terminal_end.
terminal() {
	term=$LAB/terminal
	mkdir -p "$term"
	chown $USER_ID "$term"
	printf '%s\n' "PS1='outer> '" "$@" >"$term/rc"
	printf '%s\n' 'set -g status off' 'set -g default-shell /bin/sh' 'set -g history-limit 0' >"$term/conf"
	# bats waits for whoever has its descriptors.
	(exec 3>&- && as_user env -i PATH="$LAB/bin:$PATH" OVLRUN="$OVLRUN" top="$top" HOME=/ TERM=linux LC_ALL=C.UTF-8 \
		tmux -S "$term/socket" -f "$term/conf" new-session -d -x 80 -y 24 "bash --noprofile --rcfile $term/rc -i")
	await '^outer>$'
}

tmux_do() {
	as_user tmux -S "$term/socket" "$@"
}

terminal_end() {
	[ -n "${term-}" ] || return 0
	[ ! -S "$term/socket" ] || tmux_do kill-server || true
	rm -rf "$term"
}

# types TEXT: and Enter. keys KEY...: as tmux names them.
types() {
	tmux_do send-keys -l -- "$1"
	tmux_do send-keys Enter
}

keys() {
	tmux_do send-keys "$@"
}

# await REGEX: until a line of the screen matches; the screen is then in $screen.
await() {
	local end=$((SECONDS + PATIENCE))
	until screen=$(tmux_do capture-pane -p) && grep -qE -- "$1" <<<"$screen"; do
		[ $SECONDS -lt $end ] || { fail "awaited '$1' on: $screen"; return 1; }
	done
}

# maps_ids DIR: whether this kernel can mount the file system of DIR with mapped ids, tried without the program.
maps_ids() {
	local holder status=0
	coproc HOLDER { exec unshare --user sh -c 'echo ready; read line' 3>&-; }
	holder=$HOLDER_PID
	read -r _ <&"${HOLDER[0]}"
	echo '0 0 1' >"/proc/$holder/uid_map"
	echo '0 0 1' >"/proc/$holder/gid_map"
	perl -e '
		my ($pid, $dir, $none) = (@ARGV, "");
		open(my $ns, "<", "/proc/$pid/ns/user") or die;
		my $fd = syscall(428, -100, $dir, 1);                             # open_tree, OPEN_TREE_CLONE
		my $attr = pack("QQQQ", 0x100000, 0, 0, fileno($ns));             # MOUNT_ATTR_IDMAP
		exit($fd < 0 || syscall(442, $fd, $none, 0x1000, $attr, 32) < 0); # mount_setattr
	' "$holder" "$1" || status=1
	kill "$holder"
	wait "$holder" || true
	return $status
}

# has_lowerdir_plus: whether this kernel's overlay takes lowerdir+, tried without the program. Older ones take any key
# and fail later.
has_lowerdir_plus() {
	perl -e '
		my ($type, $value, @key) = ("overlay", "/", "bogus", "lowerdir+");
		my $fd = syscall(430, $type, 0);                                                       # fsopen
		my ($bogus, $plus) = map { my $key = $_; syscall(431, $fd, 1, $key, $value, 0) } @key; # fsconfig
		exit(!($fd >= 0 && $bogus < 0 && $plus == 0));
	'
}
