# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# A boot that fails leaves no byte changed on a disk that was cleanly unmounted. And what becomes of the initramfs.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
layer=$(tree_id 11)
tree_layer "$tmp/d/overlay2" "$layer" "$(tree_link 11)" "$id"
rmdir "$tmp/d/overlay2/$layer/diff"
ext4 "$tmp/disk" 32m "$tmp/d" -L trees
initramfs "$tmp/plain"
root='ovl.root=LABEL=trees ovl.onfail=reboot'

# fails REGEX WORDS: it does, by that, with an upper on the disk of the tree; the disk is what it was.
fails() {
	local before after
	before=$(sha256sum <"$tmp/disk")
	boot "$tmp/plain" "$root ovl.upper=LABEL=trees:/state $2" "$tmp/disk"
	await "^ovlinit: cannot $1"
	await '^ovlinit: note: nothing could be booted'
	finish
	after=$(sha256sum <"$tmp/disk")
	[ "$before" = "$after" ] || fail "the disk has changed"
}
scenario 'unchanged: a broken layer' fails "find .*/$layer/diff" "ovl.stack=$layer"
scenario 'unchanged: no such layer, nor the fallback' fails "find .*/$(tree_id 9)" "ovl.stack=$(tree_id 9) ovl.fallback=$(tree_id 8)"
scenario 'unchanged: no init' fails 'boot /none of the stack' "ovl.stack=$id ovl.init=/none"
scenario 'unchanged: wrong words' fails 'use ovl.x=1' "ovl.stack=$id ovl.x=1"

# The check itself can fail: a boot that comes up does change it.
changes() {
	local before
	before=$(sha256sum <"$tmp/disk")
	booted "$tmp/plain" "$root ovl.upper=LABEL=trees:/state ovl.stack=$id" "$tmp/disk"
	[ "$before" != "$(sha256sum <"$tmp/disk")" ] || fail 'nothing was written'
}
scenario 'unchanged: but a boot that comes up writes' changes

# 100 MiB of the initramfs are memory again in the booted machine; an image with the tree is kept.
init_script "$base" <<'END'
say "available $(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)"
say "sum $(cat /layer* /bin/busybox | md5sum)"
END
freed() {
	local kept
	mkdir "$tmp/i"
	initramfs "$tmp/small" "$tmp/i"
	booted "$tmp/small" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk2"
	kept=$(available)
	head -c 100m /dev/urandom >"$tmp/i/ballast"
	initramfs "$tmp/large" "$tmp/i"
	booted "$tmp/large" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk2"
	echo "figure: MiB available with and without 100 MiB in the initramfs: $(available), $kept"
	[ $(($(available) + 8)) -gt "$kept" ]
}
available() {
	sed -n 's/^init: available //p' "$console"
}
ext4 "$tmp/disk2" 32m "$tmp/d"
scenario 'initramfs: its memory is freed' freed

image_kept() {
	mkdir "$tmp/j"
	mksquashfs "$tmp/d" "$tmp/j/tree.img" -quiet -no-progress >/dev/null
	modules='overlay loop squashfs'
	initramfs "$tmp/image" "$tmp/j"
	booted "$tmp/image" "ovl.root=initramfs ovl.stack=$id"
	saw "^init: sum $(cat "$tmp"/d/overlay2/*/diff/layer{1,2} "$base/bin/busybox" | md5sum)"
}
scenario 'initramfs: an image with the tree stays readable' image_kept

all_ran
