# SPDX-License-Identifier: MIT
# ovlctl ps: what is mounted, from the kernel's tables.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl-ps CTL=$OVL_TOP/build/san/ovlctl
	export tree=$root/overlay2
	export ASAN_OPTIONS=detect_leaks=0 # what is read stays until the end
	mkdir "$root"
	tree_init "$tree"
	top=$(tree_chain "$tree" 3 fill_base)
	export top
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	docker_container "$root" web "$image" "$top" 9 >/dev/null
	upper=$(tree_id 9)
	export upper
	mkdir -m 0700 "$tree/$upper/merged"
}

teardown_file() {
	rm -r "$LAB/ctl-ps"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	offer "$tree"
}

teardown() {
	! mountpoint -q "$tree/$upper/merged" || umount "$tree/$upper/merged"
}

# rows FILTER: the rows as jq has them.
rows() {
	run bash -c '"$CTL" ps --json -r "$root" 2>/dev/null | jq -c ".[] | $1"' rows "$1"
}

# lowers [ID]: the layers of the image as JSON, uppermost first, beneath ID.
lowers() {
	local n list=''
	for n in 3 2 1; do
		list=$list,\"$(tree_id $n)\"
	done
	echo "[${1:+\"$1\",}${list#,}]"
}

# container HOME: mounts the container as Docker does, by names that begin with HOME: the tree's and "/", or nothing.
container() {
	local lower='' link
	for link in $(tr : ' ' <"$tree/$upper/lower"); do
		lower=$lower:$1$link
	done
	(cd "$tree" && mount -t overlay -o "lowerdir=${lower#:},upperdir=$1$upper/diff,workdir=$1$upper/work" overlay \
		"$tree/$upper/merged")
}

@test "ps: a session of ovlrun, with its user, layers and command; gone with it" {
	hold "$top" /bin/probe wait
	rows 'select(.kind == "ovlrun") | [.pid, .uid, .user, .name, .mount_point, .layer_count, .layers, .command]'
	plain=$("$CTL" ps -r "$root" 2>/dev/null)
	release
	assert_output "[$held,65534,\"nobody\",\"debian:12\",\"/\",3,$(lowers),\"probe\"]"
	assert_regex "$plain" "PID +USER +KIND +NAME +LAYERS +MOUNT POINT +COMMAND"
	assert_regex "$plain" "$held +nobody +ovlrun +debian:12 +3 +/ +probe"
	rows 'select(.kind == "ovlrun")'
	assert_output ''
}

@test "ps: every way to launch is seen: read-only, bare, a pid namespace, a user namespace" {
	policy "tree $tree" 'permit * any may unshare,userns'
	for option in -r --bare '--unshare pid' -u; do
		[ "$option" != -u ] || maps_ids "$tree" || continue
		# shellcheck disable=SC2086 # one of them is two words
		hold $option "$top" /bin/probe wait
		rows 'select(.kind == "ovlrun") | [.name, .mount_point, .layers]'
		release
		assert_output "[\"debian:12\",\"/\",$(lowers)]"
	done
}

@test "ps: a deep session, whose layers the kernel was told one by one" {
	deep=$LAB/ctl-ps-deep
	tree_init "$deep"
	id=$(tree_chain "$deep" 160 fill_base)
	offer "$deep"
	if has_lowerdir_plus; then
		hold "$id" /bin/probe wait
		said=$("$CTL" ps --json -r "$deep" 2>/dev/null)
		release
		assert_equal "$(jq -c '.[] | select(.kind == "ovlrun") | [.layer_count, .layers[0], .layers[159]]' <<<"$said")" \
			"[160,\"$id\",\"$(tree_id 1)\"]"
	fi
	rm -r "$deep"
}

@test "ps: a container as Docker mounts it, by absolute and by relative names" {
	container "$tree/"
	rows 'select(.kind == "docker") | [.pid, .name, .mount_point, .layers, .upper]'
	assert_output "[null,\"web\",\"$tree/$upper/merged\",$(lowers "$upper-init"),\"$tree/$upper/diff\"]"
	umount "$tree/$upper/merged"
	container ''
	rows 'select(.kind == "docker") | [.name, .layers]'
	assert_output "[\"web\",$(lowers "$upper-init")]"
}

@test "ps: a container is one row, with the process in it" {
	container "$tree/"
	coproc INSIDE { exec unshare --mount chroot "$tree/$upper/merged" /bin/probe wait 3>&-; }
	pid=$INSIDE_PID
	read -r line <&"${INSIDE[0]}"
	[ "$line" = ready ]
	unshare --mount sleep infinity 3>&- & # one more that sees it, but is not in it
	beside=$!
	eventually bash -c '! [ "/proc/$1/ns/mnt" -ef /proc/self/ns/mnt ]' beside "$beside"
	rows 'select(.kind == "docker") | [.pid, .user, .name, .mount_point, .command]'
	kill "$pid" "$beside"
	wait "$pid" "$beside" || true
	assert_output "[$pid,\"root\",\"web\",\"$tree/$upper/merged\",\"probe\"]"
}

# unshared SCRIPT: a user's bash runs it as root of a user and a mount namespace of his own, and waits. Sets other.
unshared() {
	local line=''
	coproc OTHER { cd / && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups unshare --user --map-root-user --mount \
		bash -c "set -e; $1; echo ready; read -r" 3>&-; }
	other=$OTHER_PID
	read -r line <&"${OTHER[0]}" || :
	[ "$line" = ready ] || fail 'the user could not do it'
}

# users_overlays: a user mounts overlays with names of the tree's, absolute and relative, also of a session's kind.
users_overlays() {
	user=$LAB/ctl-ps-user
	mkdir "$user"
	chown $USER_ID "$user"
	unshared "u=$user/overlay2; mkdir -p \$u/{$top,$upper}/{diff,work} \$u/l $user/m; ln -s ../$top/diff \$u/l/$(tree_link 3); cd \$u
		mount -t overlay -o lowerdir=\$u/$top/diff,upperdir=\$u/$upper/diff,workdir=\$u/$upper/work x $user/m
		mount -t overlay -o lowerdir=$top/diff,upperdir=$upper/diff,workdir=$upper/work x $user/m
		mount -t overlay -o lowerdir=l/$(tree_link 3),upperdir=\$u/$upper/diff,workdir=\$u/$upper/work x $user/m"
}

@test "ps: what a user mounts in a namespace of his own has no name, and keeps nobody from writing" {
	users_overlays
	rows 'select(.user == "nobody") | [.kind, .name, .layer_count, .mount_point]'
	mkdir "$root/dir"
	"$CTL" mount --rw -r "$root" web "$root/dir" || status=$?
	umount "$root/dir" || :
	rmdir "$root/dir"
	kill "$other"
	wait "$other" || true
	rm -rf "$user"
	assert_output "$(for _ in 1 2 3; do echo "[\"user\",null,1,\"$user/m\"]"; done)"
	assert_equal "$status" 0
}

@test "ps: a user who goes into a mount changes nothing of its row" {
	mkdir "$root/dir"
	chmod 0755 "$root"
	"$CTL" mount -r "$root" web "$root/dir"
	rows 'select(.kind == "ovlctl")'
	before=$output
	coproc OTHER { cd / && exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups unshare --user --map-root-user --mount \
		chroot "$root/dir" /bin/probe wait 3>&-; }
	other=$OTHER_PID
	read -r line <&"${OTHER[0]}"
	rows 'select(.kind == "ovlctl")'
	kill "$other"
	wait "$other" || true
	umount "$root/dir"
	rmdir "$root/dir"
	assert_equal "$line" ready
	assert_output "$before"
}

@test "ps: of a user's overlay a few layers are kept, and its number" {
	user=$LAB/ctl-ps-user
	mkdir "$user"
	chown $USER_ID "$user"
	unshared "mkdir $user/{1..50} $user/m; cd $user; mount -t overlay -o lowerdir=$(seq -s : 50) x m"
	rows 'select(.user == "nobody") | [.layer_count, .layers[0], (.layers | length)]'
	kill "$other"
	wait "$other" || true
	rm -rf "$user"
	assert_output '[50,"1",8]'
}

@test "ps: the memory of a process is not read: it may never answer" {
	hold "$top" /bin/probe wait
	run strace -o "$BATS_TEST_TMPDIR/opened" -e trace=openat "$OVL_TOP/build/ovlctl" ps -r "$root"
	release
	assert_success
	run ! grep -E '/proc/[0-9]+/(cmdline|environ)' "$BATS_TEST_TMPDIR/opened"
	grep -q "/proc/$held/comm" "$BATS_TEST_TMPDIR/opened"
}

@test "ps: a namespace is read by another process when the first has ended" {
	container "$tree/"
	coproc FIRST { exec unshare --mount bash -c 'mount -t overlay -o "lowerdir=$1:$2" gone /mnt
		sleep infinity <&- >&- & echo $!; read -r' first "$tree/$top/diff" "$tree/$(tree_id 1)/diff" 3>&-; }
	first=$FIRST_PID
	read -r second <&"${FIRST[0]}"
	# Where the first is found to be in a namespace that is not known yet.
	strace -o "$BATS_TEST_TMPDIR/calls" -e trace=newfstatat "$OVL_TOP/build/ovlctl" ps -r "$root" >/dev/null
	n=$(awk -v "path=\"/proc/$first/ns/mnt\"" '/^newfstatat/ { n++ } index($0, path) { print n; exit }' "$BATS_TEST_TMPDIR/calls")
	: >"$BATS_TEST_TMPDIR/stopped"
	coproc TRACED { exec strace -D -o "$BATS_TEST_TMPDIR/stopped" -e trace=newfstatat -e "inject=newfstatat:signal=STOP:when=$n" \
		"$OVL_TOP/build/ovlctl" ps -j -r "$root" 3>&- 2>/dev/null; }
	pid=$TRACED_PID
	exec {said_fd}<&"${TRACED[0]}"
	eventually grep -q '^--- stopped by SIGSTOP' "$BATS_TEST_TMPDIR/stopped"
	grep -q "/proc/$first/ns/mnt" "$BATS_TEST_TMPDIR/stopped"
	kill "$first"
	wait "$first" || true
	kill -CONT "$pid"
	output=$(jq -c '.[] | select(.mount_point == "/mnt") | [.pid, .name]' <&"$said_fd")
	exec {said_fd}<&-
	kill "$second"
	assert_output "[$second,\"debian:12\"]"
}

@test "ps: why there are no names is told" {
	mkdir -p "$LAB/ctl-ps-broken/image/overlay2"
	tree_init "$LAB/ctl-ps-broken/overlay2"
	echo '{' >"$LAB/ctl-ps-broken/image/overlay2/repositories.json"
	policy "tree $LAB/ctl-ps-broken/overlay2" 'permit * any'
	run --separate-stderr "$CTL" ps
	rm -r "$LAB/ctl-ps-broken"
	assert_success
	assert_regex "$stderr" 'there are no names: cannot read .*/ctl-ps-broken/image/overlay2/repositories.json'
}

@test "ps: names with everything that is escaped" {
	odd=$BATS_TEST_TMPDIR/$'a b,c\n\\d:\t'
	mkdir "$odd" "$odd/1" "$odd/2" "$odd/m"
	escaped=$(sed -z 's/[\\:,]/\\&/g' <<<"$odd") # as overlay wants it
	mount -t overlay -o "lowerdir=$escaped/1:$escaped/2" overlay "$odd/m"
	rows 'select(.mount_point | endswith("/m")) | [.kind, .layers, .mount_point]'
	umount "$odd/m"
	assert_output "$(jq -nc --arg x "$odd" '["other", [$x + "/1", $x + "/2"], $x + "/m"]')"
}

@test "ps: without a tree there are no names, but a tree that is asked for must be there" {
	container "$tree/"
	run "$CTL" ps --json -r "$root/nowhere"
	assert_failure 2
	policy 'permit * any'
	run --separate-stderr "$CTL" ps --json
	assert_success
	assert_equal "$(jq -c '.[] | select(.kind == "docker") | [.name, .layers[1]]' <<<"$output")" "[null,\"$tree/l/$(tree_link 3)\"]"
}

@test "ps: who is not root sees what he can, and is told so" {
	container "$tree/"
	chmod 0755 "$root"
	cd /
	run --separate-stderr setpriv --reuid 65534 --clear-groups "$CTL" ps
	assert_success
	assert_line --regexp ' docker .* /srv/ctl-ps/'
	assert_regex "$stderr" 'may not look at'
	run --separate-stderr setpriv --reuid 65534 --clear-groups "$CTL" ps -q
	assert_equal "$stderr" ''
}
