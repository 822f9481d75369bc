# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Where the tree is: a disk by path, UUID and label, or an image file within the initramfs.

uuid=6a1f0c3e-5d2b-4c8a-9b7e-0123456789ab
mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
# What only extended attributes and device nodes say: a file that is gone, a directory that hides the one below.
mkdir "$base/opaque" "$tmp/d/overlay2/$id/diff/opaque"
touch "$base/gone" "$base/opaque/below" "$tmp/d/overlay2/$id/diff/opaque/above"
mknod "$tmp/d/overlay2/$id/diff/gone" c 0 0
setfattr -n trusted.overlay.opaque -v y "$tmp/d/overlay2/$id/diff/opaque"
init_script "$base" <<'END'
say "opaque [$(ls /opaque)] gone [$(ls -d /gone 2>/dev/null)]"
say "tree $(awk '$2 == "/run/ovl/root" { print $1, $3, $4 }' /proc/mounts)"
END
ext4 "$tmp/disk" 32m "$tmp/d" -U "$uuid" -L machine
truncate -s 1m "$tmp/blank"
initramfs "$tmp/plain"

# comes_up TYPE INITRAMFS WORDS [DISK...]: from a tree on a file system of that type.
comes_up() {
	local type=$1
	shift
	booted "$1" "$2 ovl.stack=$id" "${@:3}"
	saw '^init: pid 1 args \[\] of /sbin/init$' '^init: root overlay rw,' '^init: layers layer1 layer2$' \
		'^init: opaque \[above\] gone \[\]$' "^init: tree /dev/[a-z0-9]+ $type ro,"
	unseen '^ovlinit:'
}

scenario 'roots: a disk by its path' comes_up ext4 "$tmp/plain" ovl.root=/dev/vda "$tmp/disk"
scenario 'roots: a disk by UUID, which is the second' \
	comes_up ext4 "$tmp/plain" "ovl.root=UUID=$uuid" "$tmp/blank" "$tmp/disk"
scenario 'roots: a disk by its label' comes_up ext4 "$tmp/plain" ovl.root=LABEL=machine "$tmp/disk"
scenario 'roots: a disk whose type is told' \
	comes_up ext4 "$tmp/plain" 'ovl.root=/dev/vda ovl.rootfstype=ext4' "$tmp/disk"

mkdir "$tmp/e" "$tmp/e/srv"
mv "$tmp/d/overlay2" "$tmp/e/srv/trees"
ext4 "$tmp/elsewhere" 32m "$tmp/e"
scenario 'roots: a tree in another directory' \
	comes_up ext4 "$tmp/plain" 'ovl.root=/dev/vda ovl.tree=/srv/trees' "$tmp/elsewhere"
mv "$tmp/e/srv/trees" "$tmp/d/overlay2"

modules="$modules xfs"
initramfs "$tmp/with-xfs"
xfs "$tmp/xfs" "$tmp/d" -m "uuid=${uuid/6/7}" -L xmachine
scenario 'roots: xfs by UUID' comes_up xfs "$tmp/with-xfs" "ovl.root=UUID=${uuid/6/7}" "$tmp/disk" "$tmp/xfs"
scenario 'roots: xfs by its label' comes_up xfs "$tmp/with-xfs" ovl.root=LABEL=xmachine "$tmp/disk" "$tmp/xfs"

# Without a disk, virtio is not needed.
modules='overlay loop squashfs'
mkdir "$tmp/i" "$tmp/i/images"
mksquashfs "$tmp/d" "$tmp/i/tree.img" -quiet -no-progress >/dev/null
initramfs "$tmp/squashfs" "$tmp/i"
scenario 'roots: a squashfs image in the initramfs' comes_up squashfs "$tmp/squashfs" ovl.root=initramfs
rm "$tmp/i/tree.img"

modules='overlay loop'
ext4 "$tmp/i/images/root.img" 16m "$tmp/d"
initramfs "$tmp/ext4" "$tmp/i"
scenario 'roots: an ext4 image of another name' comes_up ext4 "$tmp/ext4" ovl.root=initramfs:/images/root.img
rm "$tmp/i/images/root.img"

modules='overlay loop erofs'
mkfs.erofs "$tmp/i/tree.img" "$tmp/d" >/dev/null 2>&1
initramfs "$tmp/erofs" "$tmp/i"
scenario 'roots: an erofs image in the initramfs' comes_up erofs "$tmp/erofs" ovl.root=initramfs

all_ran
