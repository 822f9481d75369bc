# SPDX-License-Identifier: MIT
# ovlctl info: what is there, every driver that has data, and whether file system and kernel are fit.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl-info CTL=$LAB/bin/ovlctl
	install -m 0755 "$OVL_TOP/build/ovlctl" "$CTL" # where a user may run it
	mkdir "$root"
	tree_init "$root/overlay2"
	top=$(tree_chain "$root/overlay2" 3)
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	docker_container "$root" web "$image" "$top" 20 >/dev/null
}

teardown_file() {
	rm -r "$LAB/ctl-info" "$LAB/bin/ovlctl"
}

setup() {
	load ../lib/helpers
}

field() {
	"$CTL" info --json "$root" | jq -rc "$1"
}

# data DRIVER...: the drivers of which it says that they have data.
data() {
	assert_equal "$(field '.data_of | join(" ")')" "$*"
}

@test "info: a Docker root, by fields and for people" {
	run "$CTL" info "$root"
	assert_success
	for line in 'Storage Driver: +overlay2' 'Backing Filesystem: +tmpfs' 'Supports d_type: +true' 'Layers: +5' 'Images: +1' \
		'Containers: +1' 'Bytes in layers: +6 B' 'Fit: +true' "Kernel Version: +$(uname -r)" 'Data of drivers: +overlay2'; do
		assert_line --regexp "^$line\$"
	done
	refute_line --regexp '^(Note|Because)'
	run "$CTL" info -f 'x {{.Driver}} {{.Images}} {{ .data_of }} {{.DockerRootDir}} y' "$root"
	assert_output "x overlay2 1 [\"overlay2\"] $root y"
	run "$CTL" info -f '{{.Nope}}' "$root"
	assert_equal "$status" 2
}

@test "info: what the kernel can do agrees with what is done" {
	# As root and here: mounts are made, so all but what depends on the file system is known.
	assert_equal "$(field '.overlay')" true
	before=$(mounts)
	"$CTL" info "$root" >/dev/null
	assert_equal "$(mounts)" "$before"
	# Where mounts propagate, too.
	run unshare --mount bash -c 'mount --make-rshared / && before=$(cut -d " " -f 5 /proc/self/mountinfo) &&
		"$CTL" info "$root" >/dev/null && diff <(echo "$before") <(cut -d " " -f 5 /proc/self/mountinfo)'
	assert_success
	# ovlrun itself: more layers than fit a page want lowerdir+.
	tree_init "$LAB/ctl-deep"
	deepest=$(tree_chain "$LAB/ctl-deep" 200 tree_busybox)
	policy "tree $LAB/ctl-deep" 'permit * any may userns'
	if launch -r "$deepest" true; then expected=true; else expected=false; fi
	assert_equal "$(field '.lowerdir_plus')" $expected
	launch -u "$(tree_id 2)" true
	assert_equal "$("$CTL" info -j "$LAB/ctl-deep" | jq .idmapped_layers)" true
	rm -r "$LAB/ctl-deep"
}

@test "info: native diff is what it is with redirect_dir on" {
	assert_equal "$(field '.native_overlay_diff')" true
	parameter=/sys/module/overlay/parameters/redirect_dir
	before=$(<$parameter)
	echo Y >$parameter
	now=$(field '.native_overlay_diff, .redirect_dir' | tr '\n' ' ')
	echo "$before" >$parameter
	assert_equal "$now" 'false true '
}

# killed CALL: whoever of the processes makes this system call is killed at it. strace ends when all of them have.
killed() {
	run timeout -s KILL "$PATIENCE" strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e "trace=$1" -e "inject=$1:signal=KILL:when=1" \
		"$CTL" info --json "$root"
	grep -q SIGKILL "$BATS_TEST_TMPDIR/trace"
}

@test "info: killed itself, or what it tries the kernel with: nothing waits, nothing is left" {
	killed mount_setattr
	assert_success
	assert_equal "$(jq -c '[.layers, .overlay, .native_overlay_diff, .idmapped_layers]' <<<"$output")" '[5,true,true,null]'
	killed fsopen
	assert_success
	assert_equal "$(jq -c '[.overlay, .lowerdir_plus]' <<<"$output")" '[true,null]'
	killed wait4
	assert_equal "$status" 137
}

@test "C44 info: every driver with data is named; what is empty is not" {
	data overlay2
	mkdir -p "$root/vfs/dir/x" "$root/aufs/diff/y" "$root/btrfs/subvolumes/z" "$root/zfs/graph/a" "$root/overlay/b" \
		"$root/devicemapper/metadata/c" "$root/fuse-overlayfs/d"
	store=$root/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots
	mkdir -p "$store"
	data overlay2 fuse-overlayfs btrfs zfs vfs aufs overlay devicemapper
	mkdir "$store/1"
	data overlay2 fuse-overlayfs btrfs zfs vfs aufs overlay devicemapper 'overlayfs (containerd)'
	assert_equal "$(field '.notes[0]')" 'several drivers have data: images of all but the one in use are hidden, not lost'
	assert_equal "$(field '.drivers[] | select(.metadata) | .driver' | tr '\n' ,)" 'overlay2,overlayfs,'
	assert_equal "$(field .containers_driver)" overlay2
	rm -r "$root"/{vfs,aufs,btrfs,zfs,overlay,devicemapper,fuse-overlayfs,containerd}
	ln -s /etc "$root/vfs" # nothing is followed
	data overlay2
	rm "$root/vfs"
}

@test "info: daemon.json that asks for another driver" {
	mkdir -p /etc/docker
	echo '{"storage-driver":"btrfs"}' >/etc/docker/daemon.json
	assert_equal "$(field '.configured_driver, .notes[0]' | tr '\n' ';')" \
		"btrfs;daemon.json asks for btrfs, the images are overlay2's: Docker will not see them;"
	echo '{"features":{"containerd-snapshotter":true}}' >/etc/docker/daemon.json
	assert_equal "$(field .configured_driver)" overlayfs
	echo '{"storage-driver":"overlay2"}' >/etc/docker/daemon.json
	assert_equal "$(field '.configured_driver, .notes' | tr '\n' ';')" 'overlay2;null;'
	for text in '{' '["storage-driver"]'; do
		echo "$text" >/etc/docker/daemon.json
		assert_equal "$(field .configured_driver)" null
		assert_equal "$(field '.notes | length')" 1
		assert_equal "$(field '.notes[0][:35]')" 'cannot read /etc/docker/daemon.json'
	done
	rm /etc/docker/daemon.json
}

@test "info: file systems by Docker's names, and one without types" {
	for kind in ext4 xfs btrfs; do
		truncate -s 320m "$LAB/ctl-disk"
		"mkfs.$kind" -q "$LAB/ctl-disk"
		mkdir "$LAB/ctl-mnt"
		mount -o loop "$LAB/ctl-disk" "$LAB/ctl-mnt"
		tree_init "$LAB/ctl-mnt/t"
		run "$CTL" info -f '{{.backing_filesystem}} {{.supports_d_type}} {{.fit}}' "$LAB/ctl-mnt/t"
		umount "$LAB/ctl-mnt"
		rm -r "$LAB/ctl-mnt" "$LAB/ctl-disk"
		assert_success
		assert_output "${kind/ext4/extfs} true true"
	done
	truncate -s 320m "$LAB/ctl-disk"
	mkfs.xfs -q -m crc=0 -n ftype=0 "$LAB/ctl-disk"
	mkdir "$LAB/ctl-mnt"
	if mount -o loop "$LAB/ctl-disk" "$LAB/ctl-mnt"; then
		tree_init "$LAB/ctl-mnt/t"
		run "$CTL" info -f '{{.supports_d_type}} {{.fit}} {{.reasons}}' "$LAB/ctl-mnt/t"
		umount "$LAB/ctl-mnt"
		rm -r "$LAB/ctl-mnt" "$LAB/ctl-disk"
		assert_equal "$status" 1
		assert_output 'false false ["the file system does not tell the type of directory entries (xfs needs ftype=1)"]'
	else # the kernel has given up xfs version 4, with which types went
		rm -r "$LAB/ctl-mnt" "$LAB/ctl-disk"
	fi
}

@test "C44 info: only containerd has images: said, and overlay2 is not assumed" {
	local other=$LAB/ctl-containerd
	mkdir -p "$other/image/overlayfs" "$other/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs"
	run "$CTL" info "$other"
	assert_equal "$status" 1
	assert_line --regexp '^Data of drivers: +overlayfs \(containerd\)$'
	assert_line --regexp '^Because: +there is no overlay2 tree with layers here$'
	for verb in images ls check; do
		run "$CTL" $verb -r "$other"
		assert_equal "$status" 2
		assert_output --partial "there is no overlay2 tree in it"
	done
	rm -r "$other"
}

@test "C44 info: the driver is the one that has images, then the one of the containers" {
	local other=$LAB/ctl-driver store=containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots
	mkdir -p "$other/$store/1" "$other/overlay2/l"
	run "$CTL" info -f '{{.Driver}} {{.fit}} {{.reasons}}' "$other"
	assert_equal "$status" 1
	assert_output 'overlayfs false ["there is no overlay2 tree with layers here"]'
	rm -r "$other"
	# Migrated: the images of both are there.
	cp -a "$root" "$other"
	mkdir -p "$other/$store/1"
	run "$CTL" info -f '{{.Driver}} {{.fit}}' "$other"
	assert_output 'overlay2 true'
	sed -i 's/"Driver":"overlay2"/"Driver":"overlayfs"/' "$other"/containers/*/config.v2.json
	run "$CTL" info -f '{{.Driver}} {{.containers_driver}} {{.fit}}' "$other"
	assert_output 'overlayfs overlayfs true'
	rm -r "$other/containers"
	mkdir -p /etc/docker
	echo '{"features":{"containerd-snapshotter":true}}' >/etc/docker/daemon.json
	run "$CTL" info -f '{{.Driver}} {{.configured_driver}}' "$other"
	rm /etc/docker/daemon.json
	assert_output 'overlayfs overlayfs'
	run "$CTL" info -f '{{.Driver}}' "$other"
	assert_output overlay2
	rm -r "$other"
}

@test "info: a root without a tree, a user, and nothing" {
	mkdir -p "$LAB/ctl-other/vfs/dir/x"
	run "$CTL" info "$LAB/ctl-other"
	assert_equal "$status" 1
	assert_line --regexp '^Data of drivers: +vfs$'
	assert_line --regexp '^Because: +there is no overlay2 tree with layers here$'
	rm -r "$LAB/ctl-other"
	run as_user "$CTL" info "$root"
	assert_equal "$status" 2
	assert_line --index 1 "ovlctl: hint: only root can read an engine's storage"
	cp -a "$root/overlay2" "$LAB/ctl-open"
	chmod 0755 "$LAB/ctl-open"
	run as_user "$CTL" info "$LAB/ctl-open"
	assert_success
	assert_line --regexp '^Layers: +5$'
	rm -r "$LAB/ctl-open"
	run "$CTL" info "$LAB/none"
	assert_equal "$status" 2
}
