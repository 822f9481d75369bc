# SPDX-License-Identifier: MIT
# The record of launches and refusals in the system's log.
# shellcheck disable=SC1003,SC2030,SC2031,SC2154 # a lone '\' is meant; run and setup_file set variables

setup_file() {
	load ../lib/helpers
	# A /dev of the lab's own, for /dev/log: the host's is not touched.
	mount -t tmpfs -o mode=0755 lab-dev /dev
	local name minor
	while read -r name minor; do
		mknod -m 0666 "/dev/$name" c 1 "$minor"
	done <<<$'null 3\nzero 5\nfull 7\nrandom 8\nurandom 9'
	ln -s /proc/self/fd /dev/fd
	mount -t tmpfs -o mode=0755 lab-lib /var/lib # for -w
	make_tree audit 3
	base=$(tree_id 1) middle=$(tree_id 2)
	export base middle images=/etc/ovlrun.d/images
}

teardown_file() {
	rm -rf /etc/ovlrun.d /etc/ovlrun.conf
	umount /var/lib
	umount -l /dev # the tests' own processes have its null open
}

setup() {
	load ../lib/helpers
	policy "tree $tree" 'permit * any may writable'
	mkdir -p "$images"
	start_log /dev/log
}

teardown() {
	stop_log
	rm -rf /dev/log /etc/ovlrun.d
}

start_log() {
	local line
	coproc LOG { exec "$PROBES/logger" "$1" 3>&-; }
	# shellcheck disable=SC2153,SC2034 # bash sets and forgets LOG_PID
	log_pid=$LOG_PID
	read -r line <&"${LOG[0]}"
	[ "$line" = ready ]
}

stop_log() {
	[ -n "${log_pid-}" ] || return 0
	local fd=${LOG[1]}
	exec {fd}>&-
	wait "$log_pid" || true # some tests kill it
	log_pid=''
}

# ask WORD: has the logger do WORD; what it prints is in the array logged.
ask() {
	local line
	logged=()
	echo "$1" >&"${LOG[1]}"
	while IFS= read -r line <&"${LOG[0]}" && [ "$line" != . ]; do
		logged+=("$line")
	done
}

# logs REGEX COMMAND...: runs COMMAND, and exactly one line comes of it, from root, which matches whole:
# REGEX is what follows the pid.
logs() {
	local regex=$1
	shift
	run --separate-stderr "$@" </dev/null
	ask drain
	[ "${#logged[@]}" = 1 ] || fail "$*: ${#logged[@]} lines: ${logged[*]-} ($stderr)"
	[[ ${logged[0]} =~ ^0\ 0\ ([0-9]+)\ \<(85|86)\>ovlrun\[([0-9]+)\]:\ (.*)$ ]] || fail "not one of ours: ${logged[0]}"
	assert_equal "${BASH_REMATCH[3]}" "${BASH_REMATCH[1]}" # its pid, as the kernel has it
	level=${BASH_REMATCH[2]} text=${BASH_REMATCH[4]}
	# Every field is there in every line; those that say nothing are left out of the comparison.
	full=$text
	text=$(sed -E ':a; s/ (writable|tree|top)=- / /; ta; s/ read-only=no / /' <<<"$text")
	[[ $text =~ ^$regex$ ]] || fail "expected $regex: $text"
}

launched() {
	logs "$@"
	assert_equal "$level" 86 # authpriv.info
}

# refusal REGEX REQUEST...: the refusal of a request by nobody, with REGEX between his ids and the result.
refusal() {
	local fields=$1 reason=$2
	shift 2
	logs "uid=65534 gid=65534 $fields result=refused: cannot $reason" "$@"
	assert_equal "$level" 85 # authpriv.notice
	assert_equal "$status" 125
}

# silent COMMAND...: no line comes of it.
silent() {
	run --separate-stderr "$@" </dev/null
	ask drain
	assert_equal "${#logged[@]}" 0
}

# briefly REQUEST...: ovlrun as nobody, within two seconds. It is root who ends it: the caller could not.
briefly() {
	(cd / && exec timeout 2 setpriv --reuid 65534 --regid 65534 --clear-groups -- "$OVLRUN" "$@")
}

record() {
	printf '%s\n' "${@:2}" >"$images/$1"
}

@test "a launch: one line, with who, what, tree and top layer" {
	record img "layer $top"
	local who='uid=65534 gid=65534' end="tree=$tree top=$top result=launched"
	launched "$who layer=$top $end" launch "$top" true
	assert_equal "$status" 0
	assert_equal "$full" "$who layer=$top writable=- tree=$tree top=$top read-only=no result=launched"
	launched "$who layer=$(tree_link 3) $end" launch "$(tree_link 3)" true
	launched "$who layers=$top:$base $end" launch -l "$top:$base" true
	launched "$who layers=$middle:$base tree=$tree top=$middle result=launched" launch -l "$middle:$base" true
	launched "$who image=img:latest $end" launch img true
	launched "$who layer=$top tree=$tree top=$top read-only=yes result=launched" launch -r "$top" true
	launched "$who layer=$top writable=box $end" launch -w box "$top" true
	launched "$who layer=$top $end" launch --bare -t "$tree" "$top" true
	launched "uid=0 gid=0 layer=$top $end" "$OVLRUN" "$top" true
	launched "uid=2001 gid=2002 layer=$top $end" as_user_of 2001:2002:3001 "$top" true
}

as_user_of() {
	(cd / && exec "$PROBES/start" "user:$1" -- "$OVLRUN" "${@:2}")
}

@test "a launch whose command fails is a launch: one line" {
	local line="uid=65534 gid=65534 layer=$top tree=$tree top=$top result=launched"
	launched "$line" launch "$top" sh -c 'exit 7'
	assert_equal "$status" 7
	launched "$line" launch "$top" /etc/passwd
	assert_equal "$status" 126
	launched "$line" launch -C /no/such "$top"
	assert_equal "$status" 125
}

@test "the line is there before the payload runs, and its pid is the payload's" {
	hold "$top" /bin/probe wait
	ask drain
	release
	assert_equal "${#logged[@]}" 1
	[[ ${logged[0]} == "0 0 $held <86>ovlrun[$held]: "* ]]
}

@test "a refusal of any kind: one line with its reason" {
	record broken "layer $top" nonsense
	record gone "layer $(tree_id 77)"
	refusal "image=none:latest" 'use image none:latest: it is not published here' launch none
	refusal "image=broken:latest" "understand $images/broken:2: unknown word" launch broken
	refusal "image=gone:latest" "[a-z ]+ .*$(tree_id 77).*" launch gone
	refusal "layer=$(tree_id 77)" ".*$(tree_id 77).*" launch "$(tree_id 77)"
	refusal "layers=x" '.* x: .*' launch -l x
	refusal "layer=$top tree=/no/such" 'use tree /no/such: not there, or not permitted' launch -t /no/such "$top"
	refusal "layer=$top" 'use --tmpfs-size 1073741824: more than the policy permits' launch --tmpfs-size 1g "$top"
	# The tree, the place to mount on, the kernel.
	chmod g+w "$tree/$top"
	refusal "layer=$top" "trust $tree/$top: writable by others than root" launch "$top"
	chmod g-w "$tree/$top"
	mkdir -p /run/ovlrun
	chmod 0755 /run/ovlrun
	refusal "layer=$top" "trust /run/ovlrun: it must be root's with mode 0700" launch "$top"
	chmod 0700 /run/ovlrun
	launched '.* writable=held .*' launch -w held "$top" true
	refusal "layer=$middle writable=held" 'use upper layer held: it was made on other layers, or with other ids' launch -w held "$middle"
}

@test "a refusal by the policy: one line with its reason" {
	record img "layer $top"
	policy "tree $tree" "permit * layer $top"
	refusal "image=img:latest" 'use image img:latest: not there, or not permitted' launch img
	refusal "layer=$base" "use layer $base: not there, or not permitted" launch "$base"
	refusal "layers=$top:$base" "use layers $top:$base: not there, or not permitted" launch -l "$top:$base"
	refusal "layer=$top writable=box" 'use feature writable: the policy does not grant it' launch -w box "$top"
	refusal "layer=$base" "use layer $base: not there, or not permitted" launch -n "$base"
	policy "tree $tree" nonsense
	refusal "layer=$top" 'understand /etc/ovlrun.conf:2: unknown word' launch "$top"
	chmod g+w /etc/ovlrun.conf
	refusal "layer=$top" 'trust /etc/ovlrun.conf: writable by others than root' launch "$top"
	rm /etc/ovlrun.conf
	refusal "layer=$top" "use layer $top: not there, or not permitted" launch "$top"
	# Root is told of the wrong policy, and that is a launch.
	policy "tree $tree" nonsense
	launched "uid=0 gid=0 layer=$top tree=$tree top=$top result=launched" "$OVLRUN" -t "$tree" "$top" true
	logs "uid=0 gid=0 layer=$top result=refused: cannot choose a tree: the policy offers none" "$OVLRUN" "$top" true
}

@test "a launch that the kernel refuses: one line with its reason" {
	refusal "layer=$top" '.*: No space left on device' injected unshare:error=ENOSPC "$top"
	refusal "layer=$top" '.*: Operation not permitted' injected mount:error=EPERM "$top"
	refusal "layer=$top" '.*: Invalid argument' injected pivot_root:error=EINVAL "$top"
}

@test "no line for what is no launch, nor for a command line that is not understood" {
	record img "layer $top"
	for request in --help --version "-n $top" "-n --json img" "-n -l $top:$base" --check-policy "--check-policy /etc/ovlrun.conf"; do
		# shellcheck disable=SC2086 # words
		silent launch $request
		assert_equal "$status" 0
	done
	for request in '' -r --nonsense "--json $top" ../x "-w ../x $top"; do
		# shellcheck disable=SC2086
		silent launch $request
		assert_equal "$status" 125
	done
}

@test "T47 newlines, escapes, control bytes and bytes that are no UTF-8 do not reach the log" {
	local bad
	for bad in $'x\n<86>ovlrun[1]:' $'x\rx' $'x\e[31mx' $'x\x01\x7fx' $'x\xff\xfex' $'x\xc2\x9bx' $'\xe2\x80\xaex' 'x\' $'x\tx'; do
		logs 'uid=65534 gid=65534 layers=[!-~]+ result=refused: .*' launch -l "$bad"
		[[ ${logged[0]} != *[^\ -~]* ]] || fail "a byte got through: ${logged[0]@Q}"
		[[ $text == *"layers=x\\"* || $text == *'layers=\x'* ]] || fail "not escaped: $text"
		logs 'uid=65534 gid=65534 layer=[0-9a-f]+ tree=/[!-~]+ result=refused: .*' launch -t "/$bad" "$top"
		[[ ${logged[0]} != *[^\ -~]* ]] || fail "a byte got through: ${logged[0]@Q}"
	done
	logs 'uid=65534 gid=65534 layers=a.x0ab.x1b result=refused: .*' launch -l $'a\nb\e'
}

@test "T47 no value can look like another field" {
	local bad word
	for bad in 'x result=launched' 'x uid=0 gid=0' 'x tree=/srv top=1 result=launched' ' result=launched' 'x  result=launched '; do
		for request in -l -t; do
			logs 'uid=65534 gid=65534 layers?=[^ ]+( tree=[^ ]+)? result=refused: .*' launch $request "/$bad" "$top"
			# Not in the reason either: whoever splits the line at blanks finds each key once.
			for word in uid gid tree top result; do
				[ "$(tr ' ' '\n' <<<"$text" | grep -c "^$word=")" -le 1 ] || fail "$word twice: $text"
			done
		done
	done
	assert_equal "$(tr ' ' '\n' <<<"$text" | grep '^result=')" result=refused:
}

@test "T47 values of 4 KiB are cut, and the result is still there" {
	local long
	for byte in x $'\x01' '\' ' '; do
		long=$(printf '%4096s' '')
		long=${long// /"$byte"}
		logs 'uid=65534 gid=65534 layers=.*\.\.\. result=refused: cannot .*: .+' launch -l "$long"
		[ "${#text}" -lt 2048 ]
		logs 'uid=65534 gid=65534 layers=.*\.\.\. tree=/.*\.\.\. result=refused: cannot .*: .+' launch -t "/$long" -l "$long"
		[ "${#text}" -lt 2048 ]
		logs "uid=65534 gid=65534 layers=.*\.\.\. writable=$(printf 'w%.0s' {1..128}) tree=/.*\.\.\. result=refused: cannot .*: .+" launch -t "/$long" -l "$long" \
			-w "$(printf 'w%.0s' {1..128})"
		[ "${#text}" -lt 2048 ]
	done
}

@test "T26 the payload does not get the log's descriptor" {
	works launch "$top" /bin/probe fds
	[ "$(grep -c '^fd: [012] ' <<<"$output")" = 3 ]
	assert_equal "${#lines[@]}" 3
}

@test "the log is spoken to through whatever /dev/log leads to" {
	stop_log
	rm /dev/log
	mkdir -p /run/log
	start_log /run/log/socket
	ln -s /run/log/socket /dev/log # as systemd does it
	launched "uid=65534 .* result=launched" launch "$top" true
	stop_log
	rm -r /run/log
}

@test "without a log, or with one that is dead or none: the same launch, the same refusal, no word" {
	same() {
		works launch "$top" cat /layer1
		assert_output 1
		assert_equal "$stderr" ''
		refused launch -l x
		assert_equal "$stderr" "$said"
	}
	refused launch -l x
	said=$stderr
	stop_log # the socket stays, and nobody has it open
	[ -S /dev/log ]
	same
	rm /dev/log
	same
	: >/dev/log
	same
	rm /dev/log
	mkdir /dev/log
	same
	rmdir /dev/log
	mkfifo /dev/log
	same
	rm /dev/log
	ln -s /no/such /dev/log
	same
	ln -sfn log /dev/log
	same
}

@test "a log that fails at any step: the same launch" {
	local error
	for error in EACCES ECONNREFUSED EPROTOTYPE EAGAIN EINTR; do
		works injected connect:error=$error "$top" cat /layer1
		assert_output 1
	done
	for error in EAGAIN ECONNREFUSED EPIPE ENOBUFS EMSGSIZE EINTR; do
		works injected sendto:error=$error "$top" cat /layer1
		assert_output 1
		refused injected sendto:error=$error -l x
	done
	works injected socket:error=EMFILE "$top" cat /layer1
	ask drain
	assert_equal "${#logged[@]}" 0 # none of these was a log that works
}

@test "a log that never reads does not hold a launch up" {
	ask fill
	run --separate-stderr briefly "$top" cat /layer1 </dev/null
	assert_equal "$status" 0
	assert_output 1
	refused briefly -l x
	# It was the full queue that they met, with a call that does not wait.
	run bash -c 'cd / && timeout 2 strace -f -u nobody -e trace=sendto "$OVLRUN" "$top" true 2>&1 | grep -a sendto'
	assert_output --partial EAGAIN
	ask drain
	[ "${#logged[@]}" -gt 0 ]
	for line in "${logged[@]}"; do
		[[ $line == *' full' ]] || fail "not what it was filled with: $line"
	done
	launched "uid=65534 .* result=launched" launch "$top" true # and it goes on
}

@test "T34 nothing of the image is spoken to or read before the payload runs" {
	local diff=$tree/$top/diff dir
	mkdir -p "$diff"/{dev,etc,run/nscd,var/run/nscd,run/systemd/journal,lib}
	for dir in dev/log run/nscd/socket var/run/nscd/socket run/systemd/journal/dev-log; do
		# It binds it and ends. The path from / is too long for a socket.
		(cd "$diff/${dir%/*}" && "$PROBES/logger" "${dir##*/}" </dev/null >/dev/null)
		[ -S "$diff/$dir" ]
	done
	echo 'passwd: files' >"$diff/etc/nsswitch.conf"
	# By the image's files the caller would be these.
	echo 'imageuser:x:65534:65534::/:/bin/sh' >"$diff/etc/passwd"
	echo 'imagegroup:x:65534:' >"$diff/etc/group"
	policy "tree $tree" 'permit nobody any' 'deny imageuser any'
	refused launch "$top"
	says 'no such user'
	policy "tree $tree" 'permit imageuser any' 'permit :imagegroup any'
	refused launch "$top"
	says 'not there, or not permitted'
	policy "tree $tree" 'permit nobody any'
	(cd / && strace -f -y -u nobody -e trace=%file,%network,pivot_root -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" "$top" /bin/probe ids) >/dev/null
	awk '/execve\(/ && ++n == 2 { exit } /pivot_root\(/ { after = 1 } { print > (FILENAME (after ? ".after" : ".before")) }' "$BATS_TEST_TMPDIR/trace"
	run cat "$BATS_TEST_TMPDIR/trace.before"
	assert_equal "$(grep -c 'connect(' <<<"$output")" 1
	assert_line --regexp 'connect\(.*sun_path="/dev/log"}, [0-9]+\) *= 0'
	assert_line --regexp 'openat\(.*"/etc/passwd"'
	refute_output --regexp 'nscd|nsswitch|libnss|journal'
	# Of the layers, directories are looked at, and no file of theirs is opened to be read but passwd and group.
	opened=$(grep -E '^[0-9]+ +open' <<<"$output" | grep -v O_PATH)
	refute_regex "$opened" '/diff/'
	assert_equal "$(grep -oE '/run/ovlrun/root/[^>]*' <<<"$opened" | sort -u | tr '\n' ' ')" \
		'/run/ovlrun/root/etc/group /run/ovlrun/root/etc/passwd '
	run cat "$BATS_TEST_TMPDIR/trace.after"
	assert_line --regexp 'pivot_root\(.*= 0'
	assert_equal "$(grep -c 'sendto(' <<<"$output")" 1
	refute_output --regexp 'connect\(|socket\(|open(at|at2)?\(|stat[a-z0-9]*\(|access[a-z0-9]*\(|readlink[a-z]*\(|nscd|nsswitch|passwd|dev/log"'
	ask drain
	[[ ${logged[0]} == '0 0 '*'result=refused'* ]]
	assert_equal "${#logged[@]}" 3 # two refusals and the launch came to the host's
}
