# SPDX-License-Identifier: MIT
# ovlctl mount and umount.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl-mount CTL=$OVL_TOP/build/san/ovlctl
	export tree=$root/overlay2 point=$root/dir
	export ASAN_OPTIONS=detect_leaks=0 # what is read stays until the end
	mkdir "$root" "$root/dir"
	tree_init "$tree"
	top=$(tree_chain "$tree" 3)
	export top
	mkdir "$tree/$(tree_id 1)/diff/d"
	echo low >"$tree/$(tree_id 1)/diff/d/low"
	mknod "$tree/$(tree_id 2)/diff/d" c 0 0
	chmod 0750 "$tree/$top/diff"
	chown 3:4 "$tree/$top/diff"
	install -m 4755 /bin/true "$tree/$top/diff/suid"
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	tree_layer "$tree" "$(tree_id 5)" "$(tree_link 5)" "$top" # never used
	docker_image "$root" fresh:1 "$(tree_id 5)" >/dev/null
	docker_container "$root" web "$image" "$top" 9 >/dev/null
	upper=$(tree_id 9)
	export upper
	echo mine >"$tree/$upper/diff/mine"
}

teardown_file() {
	rm -r "$LAB/ctl-mount"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	before=$(host_state "$tree"/*/diff)
}

# Whatever a test did, nothing is left, and no layer has changed.
teardown() {
	while mountpoint -q "$point"; do umount "$point"; done
	rm -rf "$tree/$upper/work/work"
	same "$before" "$(host_state "$tree"/*/diff)"
}

mount_it() {
	run "$CTL" mount -r "$root" "$@"
}

umount_it() {
	run "$CTL" umount "$@"
}

# stopped_behind CALL N COMMAND...: starts it with a tracer that stops it behind its N-th CALL. Sets pid; go_on lets it go on.
stopped_behind() {
	local call=$1 n=$2 log=$BATS_TEST_TMPDIR/stopped
	shift 2
	: >"$log"
	coproc TRACED { exec strace -D -o "$log" -e "trace=$call" -e "inject=$call:signal=STOP:when=$n" "$@" 3>&- 2>&1; }
	pid=$TRACED_PID # with -D it is the tracer that is the child
	exec {said_fd}<&"${TRACED[0]}" # bash forgets its own copy when the process ends
	until grep -q '^--- stopped by SIGSTOP' "$log"; do kill -0 "$pid"; done
}

# Sets status and output.
go_on() {
	kill -CONT "$pid"
	output=$(cat <&"$said_fd")
	exec {said_fd}<&-
	status=0
	wait "$pid" || status=$?
}

unmounted() {
	if mountpoint -q "$1"; then
		fail "something is mounted on $1"
	fi
}

# running POINT: the container, as somebody else has mounted it.
running() {
	mount -t overlay -o "lowerdir=$tree/$(tree_id 1)/diff,upperdir=$tree/$upper/diff,workdir=$tree/$upper/work" running "$1"
}

@test "mount: an image, a container, a layer; read-only, without set-id and devices; umount leaves nothing" {
	for name in debian:12 web "$(tree_id 1)" "$(tree_link 2)"; do
		mount_it "$name" "$point"
		assert_success
		assert_output ''
		ls "$point" >"$BATS_TEST_TMPDIR/$name"
		[[ $(findmnt -n -o OPTIONS --target "$point") == ro,nosuid,nodev,* ]]
		run -1 touch "$point/new"
		umount_it "$point"
		assert_success
		assert_output ''
		unmounted "$point"
		same "$before" "$(host_state "$tree"/*/diff)"
	done
	cd "$BATS_TEST_TMPDIR"
	assert_equal "$(paste -sd ' ' debian:12)" 'layer1 layer2 layer3 suid'
	assert_equal "$(paste -sd ' ' web)" 'layer1 layer2 layer3 mine suid'
	assert_equal "$(paste -sd ' ' "$(tree_id 1)")" 'd layer1'
	assert_equal "$(paste -sd ' ' "$(tree_link 2)")" 'layer1 layer2'
}

@test "mount: the root directory is the image's; a relative name, odd names" {
	odd="$root/a b"$'\n''\c'
	mkdir -p "$odd/t"
	cd "$odd"
	mount_it debian:12 t/../t
	assert_success
	assert_equal "$(stat -c '%a %u %g' t)" '750 3 4'
	umount_it t/.
	assert_success
	unmounted t
	cd /
	rm -r "$odd"
}

@test "mount: a redirect in a layer is not followed" {
	tree_init "$root/redirect"
	other=$(tree_chain "$root/redirect" 2)
	mkdir "$root/redirect/$(tree_id 1)/diff/hidden" "$root/redirect/$other/diff/pub"
	echo secret >"$root/redirect/$(tree_id 1)/diff/hidden/k"
	setfattr -n trusted.overlay.redirect -v /hidden "$root/redirect/$other/diff/pub"
	mount -t overlay -o "ro,lowerdir=$root/redirect/$other/diff:$root/redirect/$(tree_id 1)/diff" none "$point"
	assert_equal "$(<"$point/pub/k")" secret # a plain mount follows it
	umount "$point"
	run "$CTL" mount -r "$root/redirect" "$other" "$point"
	assert_success
	shown=$(cat "$point/layer2" "$point/pub/k" 2>/dev/null) || true # the kernel lets nobody in
	umount_it "$point"
	rm -r "$root/redirect"
	assert_equal "$shown" 2
}

@test "mount: where mounts propagate, nothing but the view is seen" {
	run unshare --mount bash -c 'mount --make-rshared / && before=$(cut -d " " -f 5 /proc/self/mountinfo) &&
		"$CTL" mount -r "$root" debian:12 "$point" && diff <(echo "$before") <(cut -d " " -f 5 /proc/self/mountinfo)'
	assert_failure 1
	assert_equal "$(sed -n 's/^[<>] //p' <<<"$output")" "$point"
}

@test "mount: the access lists of the root directory are the image's" {
	local kind
	for kind in access default; do
		setfattr -n "system.posix_acl_$kind" -v "$(closed_to_user)" "$tree/$top/diff"
	done
	mount_it debian:12 "$point"
	run ls "$point"
	assert_success
	run -2 as_user ls "$point"
	for kind in access default; do
		assert_equal "$(getfattr --absolute-names --only-values -e hex -n "system.posix_acl_$kind" "$point" | sha256)" \
			"$(getfattr --absolute-names --only-values -e hex -n "system.posix_acl_$kind" "$tree/$top/diff" | sha256)"
		setfattr -x "system.posix_acl_$kind" "$tree/$top/diff"
	done
	umount_it "$point"
	chmod 0750 "$tree/$top/diff"
	mount_it debian:12 "$point" # the twin: without them there are none
	assert_equal "$(getfattr --absolute-names -d -m system "$point")" ''
	umount_it "$point"
	before=$(host_state "$tree"/*/diff) # the directory's time
}

@test "mount, umount: no symbolic link leads to the directory: it could be a user's" {
	mkdir "$root/home" "$root/other"
	ln -s "$root/other" "$root/home/link"
	ln -s "$root" "$root/home/up"
	for name in link up/other; do
		mount_it debian:12 "$root/home/$name"
		unmounted "$root/other"
		assert_failure 2
		assert_output --partial 'there is a symbolic link in this name'
	done
	mount_it debian:12 "$root/other"
	assert_success
	umount_it "$root/home/up/other"
	assert_failure 2
	assert_output --partial 'there is a symbolic link in this name'
	umount_it "$root/other"
	assert_success
	rm -r "$root/home" "$root/other"
}

@test "mount: as deep as Docker builds" {
	tree_init "$root/deep"
	deep=$(tree_chain "$root/deep" 128)
	run "$CTL" mount -r "$root/deep" "$deep" "$point"
	assert_success
	assert_equal "$(ls "$point" | wc -l)" 128
	umount_it "$point"
	assert_success
	rm -r "$root/deep"
}

@test "mount: a tree beneath /run, which is covered meanwhile" {
	tree_init /run/ctl-mount
	other=$(tree_chain /run/ctl-mount 2)
	run "$CTL" mount -r /run/ctl-mount "$other" "$point"
	assert_success
	[ -f "$point/layer1" ]
	umount_it "$point"
	assert_success
	rm -r /run/ctl-mount
}

@test "mount --rw: what is written is the container's" {
	mounts=$(mounts)
	mount_it --rw web "$point"
	assert_success
	[[ $(findmnt -n -o OPTIONS --target "$point") == rw,nosuid,nodev,* ]]
	echo >"$point/here"
	[ -f "$tree/$upper/diff/here" ]
	run "$CTL" ps --json -r "$root"
	assert_equal "$(jq -c '.[] | select(.kind == "ovlctl") | [.name, .mount_point, .layer_count]' <<<"$output")" \
		"[\"web\",\"$point\",4]"
	mkdir "$root/second"
	mount_it --rw web "$root/second"
	rmdir "$root/second"
	assert_failure 2
	assert_output --partial 'it is mounted already'
	umount_it "$point"
	assert_success
	assert_equal "$(mounts)" "$mounts"
	rm "$tree/$upper/diff/here"
	before=$(host_state "$tree"/*/diff) # the directory's time, and marks of the kernel's
}

@test "mount --rw: no image, no layer that another is built on" {
	for name in debian:12 fresh:1 "$(tree_id 2)" "$upper-init"; do
		mount_it --rw "$name" "$point"
		assert_failure 2
		assert_output --partial "no container's own layer"
	done
	: >"$tree/$upper/committed"
	mount_it --rw web "$point"
	rm "$tree/$upper/committed"
	assert_failure 2
	assert_output --partial "no container's own layer"
}

@test "mount: a container that runs, here or in another namespace" {
	mkdir "$root/elsewhere"
	running "$root/elsewhere"
	mount_it --rw web "$point"
	umount "$root/elsewhere"
	assert_failure 2
	assert_output --partial 'it is mounted already'
	export -f running tree_id
	coproc OTHER { exec unshare --mount bash -c 'running "$root/elsewhere" && echo ready && read -r' 3>&-; }
	other=$OTHER_PID
	read -r line <&"${OTHER[0]}"
	[ "$line" = ready ]
	mount_it --rw web "$point"
	assert_failure 2
	assert_output --partial 'it is mounted already'
	mount_it web "$point" # to look is allowed
	assert_success
	assert_output --partial 'is in use'
	kill "$other"
	wait "$other" || true # it was killed
	umount_it "$point"
	assert_success
	mkdir "$tree/$upper/merged" # where engines mount it, by names that tell nothing
	exec {fd}<"$tree/$upper"
	mount -t overlay -o "lowerdir=$tree/$(tree_id 1)/diff,upperdir=/proc/self/fd/$fd/diff,workdir=/proc/self/fd/$fd/work" o "$tree/$upper/merged"
	mount_it --rw web "$point"
	umount "$tree/$upper/merged"
	exec {fd}<&-
	rmdir "$tree/$upper/merged"
	assert_failure 2
	assert_output --partial 'it is mounted already'
	mount_it --rw web "$point" # the twin: it is free again
	assert_success
	umount_it "$point"
	rmdir "$root/elsewhere"
	before=$(host_state "$tree"/*/diff) # marks of the kernel's
}

@test "mount --rw: a container that runs under another name of its layer" {
	mkdir "$root/elsewhere" "$root/bound"
	mount --bind "$tree/$upper" "$root/bound"
	for name in "$tree/$upper/diff/" "$tree/./$upper//diff" "$root/bound/diff"; do
		mount -t overlay -o "lowerdir=$tree/$(tree_id 1)/diff,upperdir=$name,workdir=${name%diff*}work" x "$root/elsewhere"
		mount_it --rw web "$point"
		assert_failure 2
		assert_output --partial 'it is mounted already'
		umount -l "$root/elsewhere"
	done
	umount "$root/bound"
	# It is in no table: only a process is in it.
	running "$root/elsewhere"
	cd "$root/elsewhere"
	umount -l "$root/elsewhere"
	mount_it --rw web "$point"
	assert_failure 2
	assert_output --partial 'it is mounted already'
	cd /
	mount_it --rw web "$point"
	assert_success
	umount_it "$point"
	rmdir "$root/elsewhere" "$root/bound"
	before=$(host_state "$tree"/*/diff) # marks of the kernel's
}

@test "mount --rw: not while others see the container's layer as one of theirs" {
	local other=$root/lower
	mkdir "$other"
	mount -t overlay -o "ro,lowerdir=$tree/$upper/diff:$tree/$top/diff" none "$other"
	mount_it -w web "$point"
	umount "$other"
	assert_failure 2
	assert_output --partial 'mounted already'
	unmounted "$point"
	mount_it web "$other"
	mount_it web "$point" # to see it twice is nothing
	assert_output ''
	umount_it "$point"
	mount_it -w web "$point"
	umount_it "$other"
	unmounted "$point"
	rmdir "$other"
}

@test "mount: others mount the same image meanwhile, with an index, too" {
	local pids=() n
	mkdir "$root/w" "$root/w/u" "$root/w/m"
	for n in {1..40}; do
		"$OVL_TOP/build/ovlctl" mount -r "$root" debian:12 "$point" && umount "$point"
	done &
	pids=($!)
	for n in {1..60}; do
		rm -rf "$root/w/w$n" "$root/w/u"
		mkdir "$root/w/w$n" "$root/w/u"
		mount -t overlay -o "index=on,lowerdir=$tree/$top/diff,upperdir=$root/w/u,workdir=$root/w/w$n" none "$root/w/m" ||
			fail "mount $n: busy"
		umount "$root/w/m"
	done
	wait "${pids[0]}"
	rm -rf "$root/w"
}

@test "mount --rw: a container that starts between the look and the mount" {
	mkdir "$root/elsewhere"
	stopped_behind fchdir 2 "$OVL_TOP/build/ovlctl" mount --rw -r "$root" web "$point" # the next call mounts the overlay
	running "$root/elsewhere"
	go_on
	umount "$root/elsewhere"
	unmounted "$point"
	assert_equal "$status" 2
	assert_output --partial 'it is mounted already'
	stopped_behind fchdir 2 "$OVL_TOP/build/ovlctl" mount --rw -r "$root" web "$point" # the twin
	go_on
	assert_equal "$status" 0
	umount_it "$point"
	rmdir "$root/elsewhere"
	before=$(host_state "$tree"/*/diff) # marks of the kernel's
}

# refuses_to_write: mount --rw of the container is refused, and nothing is mounted.
refuses_to_write() {
	mount_it --rw web "$point"
	unmounted "$point"
	assert_failure 2
	assert_output --partial "no container's own layer"
}

@test "mount --rw: what a layer or an image is built on is never written, whatever the engine says" {
	local mounts=$root/image/overlay2/layerdb/mounts
	tree_layer "$tree" "$(tree_id 21)" "$(tree_link 21)" "$upper"
	rm "$tree/$upper/committed" # as Podman has it
	refuses_to_write
	rm -r "$tree/$(tree_id 21)" "$tree/l/$(tree_link 21)"
	for id in "$(tree_id 5)" "$top"; do # of images; the first has no layer above it
		printf %s "$id" >"$mounts/$(sha256 <<<'container web')/mount-id"
		[ "$id" != "$top" ] || mv "$tree/$top/committed" "$root/committed"
		refuses_to_write
	done
	mv "$root/committed" "$tree/$top/committed"
	run "$CTL" ls -j -r "$root"
	assert_equal "$(jq -r --arg id "$top" '.[] | select(.id == $id) | .kind' <<<"$output")" image
	printf %s "$upper" >"$mounts/$(sha256 <<<'container web')/mount-id"
	cp -r "$mounts/$(sha256 <<<'container web')" "$mounts/$(sha256 <<<'container two')" # two that say it is theirs
	refuses_to_write
	rm -r "$mounts/$(sha256 <<<'container two')"
	mount_it --rw web "$point"
	assert_success
	umount_it "$point"
	before=$(host_state "$tree"/*/diff) # marks of the kernel's
}

@test "mount --rw: what was not written in full, and a missing work directory, are told before" {
	mkdir -p "$tree/$upper/work/work/incompat/volatile"
	mount_it --rw web "$point"
	assert_failure 2
	assert_output --partial "$tree/$upper/work/work/incompat"
	assert_output --partial 'volatile'
	refute_output --partial /run/ovlctl
	rm -r "$tree/$upper/work/work"
	mv "$tree/$upper/work" "$root/work"
	mount_it --rw web "$point"
	mv "$root/work" "$tree/$upper/work"
	assert_failure 2
	assert_output --partial "$tree/$upper/work: "
}

@test "mount --rw: a planted work directory does no harm" {
	mkdir -p "$root/victim/work"
	echo >"$root/victim/work/file"
	mv "$tree/$upper/work" "$root/work"
	ln -s "$root/victim" "$tree/$upper/work"
	mount_it --rw web "$point"
	rm "$tree/$upper/work"
	mv "$root/work" "$tree/$upper/work"
	[ -e "$root/victim/work/file" ]
	rm -r "$root/victim"
	assert_failure 2
	mkdir -p "$tree/$upper/work/work/a/b/c/d"
	mount_it --rw web "$point"
	assert_failure 2
	assert_output --partial 'read-only'
	unmounted "$point"
}

@test "mount: damage, missing names and directories are errors; nothing is mounted" {
	mount_it debian:13 "$point"
	assert_failure 2
	mount_it debian:12 "$root/nowhere"
	assert_failure 2
	mount_it debian:12 "$tree/$top/link"
	assert_failure 2
	mv "$tree/l/$(tree_link 1)" "$root/link"
	mount_it debian:12 "$point"
	mv "$root/link" "$tree/l/$(tree_link 1)"
	assert_failure 2
	assert_output --partial "$(tree_link 1)"
	unmounted "$point"
}

@test "mount: not for users" {
	chmod 0755 "$root"
	tree_init "$root/open"
	chmod 0755 "$root/open" "$root/open/l"
	other=$(tree_chain "$root/open" 2)
	chmod -R a+rX "$root/open"
	cd /
	run setpriv --reuid 65534 --clear-groups "$CTL" mount -r "$root/open" "$other" "$point"
	rm -r "$root/open"
	assert_failure 2
	assert_output --partial 'only root can mount'
	mount_it debian:12 "$point"
	assert_success
	run setpriv --reuid 65534 --regid 4 --clear-groups "$CTL" umount "$point"
	assert_failure 2
	assert_output --partial 'Operation not permitted'
}

@test "mount: killed at any call, it leaves nothing" {
	local killed=0
	for call in unshare mount mkdir chown chmod fchdir open_tree setns move_mount; do
		for n in 1 2 3 4; do
			status=0
			strace -o /dev/null -e "inject=$call:signal=KILL:when=$n" "$OVL_TOP/build/ovlctl" mount -r "$root" \
				debian:12 "$point" || status=$?
			if mountpoint -q "$point"; then # nothing killed it, or only behind the last call
				[ $status = 0 ] || [ "$call" = move_mount ]
				umount_it "$point"
				assert_success
			else
				[ $status = 137 ]
				killed=$((killed + 1))
			fi
			same "$before" "$(host_state "$tree"/*/diff)"
		done
	done
	[ $killed -gt 10 ]
}

@test "umount: nothing but what mount made" {
	umount_it "$point"
	assert_failure 2
	assert_output --partial 'nothing that `ovlctl mount` has mounted'
	mount -t tmpfs none "$point"
	umount_it "$point"
	assert_failure 2
	umount "$point"
	mount -t overlay -o "lowerdir=$tree/$(tree_id 2)/diff:$tree/$(tree_id 1)/diff" none "$point"
	umount_it "$point"
	assert_failure 2
	umount "$point"
	mount_it "$(tree_id 1)" "$point"
	umount_it "$point/d" # in it
	assert_failure 2
	assert_output --partial 'nothing that `ovlctl mount` has mounted'
	mount -t tmpfs none "$point/d"
	umount_it "$point/d"
	assert_failure 2
	umount_it "$point" # there is something in it
	assert_failure 2
	assert_output --partial 'fuser'
	umount "$point/d"
	mount --bind "$point/d" "$point/d" # a part of it
	umount_it "$point/d"
	assert_failure 2
	umount "$point/d"
	mount -t tmpfs none "$point" # over it
	umount_it "$point"
	assert_failure 2
	umount "$point"
	umount_it "$point"
	assert_success
	unmounted "$point"
}

@test "umount: a directory that is swapped for a link meanwhile leads to nothing else" {
	mkdir -p "$root/home/a/mnt" "$root/other/mnt"
	mount -t tmpfs other "$root/other/mnt"
	mount_it web "$root/home/a/mnt"
	assert_success
	run strace -o "$BATS_TEST_TMPDIR/calls" -e trace=close,umount2 -e inject=umount2:error=EBUSY "$OVL_TOP/build/ovlctl" \
		umount "$root/home/a/mnt"
	assert_failure 2
	last=$(awk '/^close/ { n++ } /^umount2/ { print n }' "$BATS_TEST_TMPDIR/calls")
	stopped_behind close "$last" "$OVL_TOP/build/ovlctl" umount "$root/home/a/mnt"
	mv "$root/home/a" "$root/home/b"
	ln -s "$root/other" "$root/home/a"
	go_on
	umount "$root/other/mnt" # it is there still
	assert_equal "$status" 0
	unmounted "$root/home/b/mnt"
	rm -r "$root/home" "$root/other"
}
