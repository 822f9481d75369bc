# SPDX-License-Identifier: MIT
# The command line: options, messages, exit statuses, environment.

setup_file() {
	load ../lib/helpers
	make_tree cli 2
}

setup() {
	load ../lib/helpers
}

@test "--help and --version answer, also where it is not setuid" {
	cp "$OVLRUN" "$BATS_TEST_TMPDIR/plain"
	chmod 0755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/plain"
	for program in "$OVLRUN" "$BATS_TEST_TMPDIR/plain"; do
		works "$program" --help
		assert_line --index 0 'usage: ovlrun [OPTION...] NAME|ID [COMMAND [ARG...]]'
		works "$program" -V
		assert_output --regexp '^ovlrun [0-9]+\.[0-9]+\.[0-9]+$'
	done
	works launch -h
}

@test "--help opens nothing and changes no mount" {
	run bash -c 'strace -f -u nobody -e trace=file,mount,unshare "$OVLRUN" --help 2>&1 >/dev/null | grep -vE "execve|getcwd|cap_last_cap|exited"'
	assert_output ''
}

@test "exit status: the payload's own, 126, 127, 125" {
	run launch "$top" sh -c 'exit 42'
	assert_equal "$status" 42
	run --separate-stderr launch "$top" no-such-command
	assert_equal "$status" 127
	assert_equal "$stderr" 'ovlrun: cannot run no-such-command: No such file or directory'
	run launch "$top" /no/such/path
	assert_equal "$status" 127
	run launch "$top" /etc/passwd
	assert_equal "$status" 126
	run launch "$top" /tmp
	assert_equal "$status" 126
	printf '#!/no/such/interpreter\n' >"$tree/$top/diff/script"
	chmod 755 "$tree/$top/diff/script"
	run --separate-stderr launch "$top" /script
	assert_equal "$status" 127
	says interpreter
	run launch "$top" ''
	assert_equal "$status" 127
	refused launch --no-such-option "$top"
	says --no-such-option
}

@test "death by a signal is seen by the caller as it is" {
	run launch "$top" sh -c 'kill -TERM $$'
	assert_equal "$status" 143
}

@test "options end at the first operand" {
	works launch "$top" echo -r --help -n
	assert_output -- '-r --help -n'
	works launch -q -- "$top" echo -V
	assert_output -- -V
}

@test "T28 -C starts in a directory of the image; absent, not a directory, relative are refused" {
	works launch -C /usr/bin "$top" pwd
	assert_output /usr/bin
	works launch "$top" pwd
	assert_output /
	refused launch -C /no/such "$top"
	refused launch -C /etc/passwd "$top"
	refused launch -C usr "$top"
	refused launch -C /root "$top" # 0700, and the caller is not root inside
	says 'Permission denied'
}

@test "T28 the caller's own directory, closed to him or gone, is not entered" {
	mkdir -m 0700 "$LAB/closed" "$LAB/gone"
	for dir in "$LAB/closed" "$LAB/gone"; do
		run bash -c 'cd "$0" && { [ "$0" != "$LAB/gone" ] || rmdir "$0"; } && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$1" /bin/probe cwd' "$dir" "$top"
		assert_output 'cwd: /'
	done
}

@test "T33 the environment is a fresh one" {
	export TRAP=1 LD_PRELOAD=/x.so GLIBC_TUNABLES=a=b BASH_ENV=/x IFS=q LC_TEST=yes TERM=dumb
	works launch "$top" /bin/probe env
	assert_line 'env: LC_TEST=yes'
	assert_line 'env: TERM=dumb'
	assert_line 'env: PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
	refute_line --partial TRAP
	refute_line --partial LD_PRELOAD
	refute_line --partial GLIBC_TUNABLES
	refute_line --partial BASH_ENV
	refute_line --partial IFS
}

@test "T33 -E keeps the caller's but the dangerous, -e sets and passes on" {
	export TRAP=1 LD_PRELOAD=/x.so GLIBC_TUNABLES=a=b BASH_ENV=/x
	works launch -E "$top" /bin/probe env
	assert_line 'env: TRAP=1'
	refute_line --partial LD_PRELOAD
	refute_line --partial GLIBC_TUNABLES
	refute_line --partial BASH_ENV
	works launch -e A=b -e A=c=d -e TRAP -e NOT_SET -e LD_PRELOAD=/y "$top" /bin/probe env
	assert_line 'env: A=c=d'
	assert_line 'env: TRAP=1'
	assert_line 'env: LD_PRELOAD=/y'
	refute_line 'env: A=b'
	refute_line --partial NOT_SET
}

@test "the command is looked up in the payload's own PATH" {
	printf '#!/bin/sh\necho found\n' >"$tree/$top/diff/usr-tool"
	chmod 755 "$tree/$top/diff/usr-tool"
	works launch -e PATH=/nowhere:/ "$top" usr-tool
	assert_output found
	run launch -e PATH=/nowhere "$top" sh
	assert_equal "$status" 127
	works launch -C / -e PATH= "$top" usr-tool # an empty entry is the working directory
	assert_output found
	run launch -e PATH=/etc "$top" passwd # there, and not executable
	assert_equal "$status" 126
}

@test "T33 one execve, as the caller, and no helper" {
	run bash -c 'strace -E LD_PRELOAD=/x -E IFS=/ -E PATH=/tmp -f -u nobody -e trace=execve,fork,vfork,clone,clone3 "$OVLRUN" "$top" /bin/true 2>&1 | grep -a -c -E "execve|fork|clone"'
	assert_output 2 # strace's own of ovlrun, and the payload's
}

@test "dry-run: the plan prints the very data that is mounted, and mounts nothing" {
	works launch -n "$top" echo hello
	assert_line --regexp '^tree +'"$tree"'$'
	assert_line --regexp '^command +\["echo","hello"\]$'
	data=$(sed -n 's/^data *//p' <<<"$output")
	seen=$(cd / && strace -f -u nobody -s 5000 -e trace=mount "$OVLRUN" "$top" true 2>&1 | sed -n 's/.*"overlay", "[^"]*", "overlay", [^,]*, "\(.*\)") *= 0/\1/p')
	assert_equal "$seen" "$data"
	run bash -c 'strace -f -u nobody -e trace=mount,fsopen,pivot_root "$OVLRUN" -n "$top" 2>&1 >/dev/null | grep -E "mount|fsopen|pivot" | grep -v MS_PRIVATE'
	assert_output ''
}

@test "dry-run: JSON is valid and says the same" {
	works launch -n --json "$top" printf 'a"b\c' $'d\ne'
	assert_equal "$(jq -r .tree <<<"$output")" "$tree"
	assert_equal "$(jq -r '.layers[0].id' <<<"$output")" "$top"
	assert_equal "$(jq -r '.layers | length' <<<"$output")" 2
	assert_equal "$(jq -r '.command[1]' <<<"$output")" 'a"b\c'
	assert_equal "$(jq -r '.command[2]' <<<"$output")" $'d\ne'
	assert_equal "$(jq -r '.data | length' <<<"$output")" "$(jq -r .length <<<"$output")"
}

@test "a plan that cannot be written is an error" {
	run bash -c 'cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -n "$top" >/dev/full'
	assert_equal "$status" 125
	assert_output --partial 'No space left'
}

@test "-v says what is mounted, -q leaves out hints" {
	run --separate-stderr launch -v "$top" true
	says 'data        index=off'
	run --separate-stderr launch -q -t /no/such "$top" true
	assert_equal "${#stderr_lines[@]}" 1
	run --separate-stderr launch -t /no/such "$top" true
	assert_equal "${#stderr_lines[@]}" 2
}

@test "wrong command lines are refused with one line" {
	refused launch
	refused launch -r
	refused launch -t
	refused launch -l
	refused launch --tmpfs-size 0 "$top"
	refused launch --tmpfs-size 1x "$top"
	refused launch --tmpfs-size 99999999999999999999 "$top"
	refused launch --tmpfs-size 1g "$top" # more than anybody is granted
	refused launch --json "$top"
	refused launch -e =x "$top"
	refused launch --bare=yes "$top"
}

@test "T24 argc 0" {
	run --separate-stderr as_user "$PROBES/start" noargv -- "$OVLRUN"
	assert_equal "$status" 125
	says 'ovlrun: cannot start'
}

@test "T47 control bytes are escaped in messages" {
	refused launch $'a\nb\e[31mc'
	says 'a\x0ab\x1b[31mc'
	refused launch "-t" $'/x\ny' "$top"
	says '/x\x0ay'
}

@test "T48 a caller with no_new_privs, and a file that is not setuid, are told so" {
	refused as_user "$PROBES/start" nnp -- "$OVLRUN" "$top"
	says no_new_privs
	install -m 0755 "$OVLRUN" "$LAB/bin/plain"
	refused as_user "$LAB/bin/plain" "$top"
	says 'not setuid root'
}

@test "T48 where root lacks capabilities, as in a container, it says so, and help is there" {
	for cap in sys_admin setpcap setfcap chown; do
		lacking() {
			(cd / && exec setpriv --bounding-set -$cap setpriv --reuid "$1" --regid "$1" --clear-groups -- "$OVLRUN" "${@:2}")
		}
		works lacking 65534 --help
		for user in 65534 0; do
			refused lacking $user "$top" true
			says 'a container or user namespace?'
		done
	done
}
