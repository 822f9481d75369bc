# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# The memory of the initramfs: given back, but for the image file that the tree is in.

mkdir "$tmp/d" "$tmp/big" "$tmp/image"
tree "$tmp/d/overlay2" 2
head -c 40M /dev/urandom >"$base/random" # cannot be compressed
sum=$(sha256sum <"$base/random")
init_script "$base" <<'END'
free() { awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo; }
say "available $(free)"
echo 3 >/proc/sys/vm/drop_caches
say "sum $(sha256sum </random)"
say "loop $(cat /sys/block/loop*/loop/backing_file 2>/dev/null)"
say "root file systems: $(awk '$2 == "/" && $3 ~ /^(rootfs|ramfs|tmpfs)$/' /proc/mounts | wc -l)"
END
ext4 "$tmp/disk" 96m "$tmp/d"
initramfs "$tmp/small"
head -c 100M /dev/zero >"$tmp/big/file"
mkdir -p "$tmp/big/some/where"
ln -s /dev "$tmp/big/some/where/away"
ln "$tmp/big/file" "$tmp/big/some/where/again"
initramfs "$tmp/large" "$tmp/big"
rm -r "$tmp/big"

available() {
	sed -n 's/^init: available //p' "$console"
}
freed() {
	local small large
	booted "$tmp/small" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk"
	small=$(available)
	booted "$tmp/large" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk"
	large=$(available)
	saw "^init: sum $sum"
	echo "figure: available: $large MiB after an initramfs with 100 MiB, $small MiB after one without"
	[ "$large" -gt $((small - 10)) ]
}
scenario 'memory: 100 MB in the initramfs are given back' freed

# The image stays as long as it is mounted, though its name is gone.
mksquashfs "$tmp/d" "$tmp/image/tree.img" -quiet -no-progress -noI -noD >/dev/null
modules='overlay loop squashfs' initramfs "$tmp/with-image" "$tmp/image"
readable() {
	booted "$tmp/with-image" "ovl.root=initramfs ovl.stack=$id $1"
	saw "^init: sum $sum" '^init: loop /tree.img' '^init: layers layer1 layer2$'
}
scenario 'memory: the image of the tree in the initramfs stays readable' readable ''
scenario 'memory: so it does without an upper' readable ovl.upper=none

all_ran
