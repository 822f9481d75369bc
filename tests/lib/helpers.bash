# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every bats file loads: assertions, the unprivileged user, a refusal in all its parts.

bats_require_minimum_version 1.5.0

# Where the distributions put the libraries.
for dir in /usr/lib/bats /usr/lib/node_modules /usr/share/bats; do
	if [ -e "$dir/bats-assert/load.bash" ]; then
		load "$dir/bats-support/load.bash"
		load "$dir/bats-assert/load.bash"
		break
	fi
done
# shellcheck source=tree.bash
. "$OVL_TOP/tests/lib/tree.bash"

USER_ID=65534

# as_user COMMAND...: as a user without privileges, from a directory that he may be in.
as_user() {
	(cd / && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$@")
}

# launch [OPTION...] ID...: ovlrun as that user, at most ten seconds.
# The time is root's to keep: a user cannot signal the program.
launch() {
	(cd / && exec timeout -s KILL 10 setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$OVLRUN" "$@")
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
