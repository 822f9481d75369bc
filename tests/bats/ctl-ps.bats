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
	assert_output "[$held,65534,\"nobody\",\"debian:12\",\"/\",3,$(lowers),\"/bin/probe wait\"]"
	assert_regex "$plain" "PID +USER +KIND +NAME +LAYERS +MOUNT POINT +COMMAND"
	assert_regex "$plain" "$held +nobody +ovlrun +debian:12 +3 +/ +/bin/probe wait"
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

@test "ps: a container is one row, that of the process in it" {
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
	assert_output "[$pid,\"root\",\"web\",\"/\",\"/bin/probe wait\"]"
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
