# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Devices: missing, late, read-only, damaged; file systems that the kernel lacks; modules; an initramfs that is odd.
# Each message names what is wrong, then the fallback is tried.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
two=$id one=$(tree_id 1)
uuid=6a1f0c3e-5d2b-4c8a-9b7e-0123456789ab
ext4 "$tmp/disk" 32m "$tmp/d" -U "$uuid"
ext4 "$tmp/other" 32m "$tmp/d" -L other
xfs "$tmp/xfs" "$tmp/d"
truncate -s 1m "$tmp/blank"
cp "$tmp/disk" "$tmp/damaged" # its superblock is good; what follows is not
dd if=/dev/zero of="$tmp/damaged" bs=1k seek=2 count=200 conv=notrunc status=none
initramfs "$tmp/plain"
stack=ovl.stack=$two fallback=ovl.fallback=$one

# hopeless REGEX INITRAMFS WORDS [DISK...]: the message, for both stacks, and then the end.
hopeless() {
	boot "$2" "$3 $stack $fallback" "${@:4}"
	await "^ovlinit: cannot .*$1"
	await "^ovlinit: note: .*fallback.*$one"
	await "^ovlinit: cannot .*$1"
	await '^ovlinit: note: nothing could be booted: halting'
	await 'System halted'
}
# falls REGEX INITRAMFS WORDS [DISK...]: the message, and the fallback comes up.
falls() {
	booted "$2" "$3 $stack $fallback" "${@:4}"
	saw "^ovlinit: cannot .*$1" "^ovlinit: note: .*fallback.*$one" '^init: layers layer1$' '^init: root overlay rw,'
}

# The guest's clock at the first line of its log that matches, in milliseconds.
at() {
	sed -nE "s|^\[ *([0-9]+)\.([0-9]{3})[0-9]*\] .*$1.*|\1\2|p" "$console" | head -n 1
}
# missing ROOT: what is said when the time is over, and not before.
missing() {
	local boot_quiet='loglevel=8' begin end
	hopeless "find device .*${1#*=}" "$tmp/plain" "ovl.root=$1 ovl.wait=3" "$tmp/disk"
	begin=$(at 'Run /init') end=$(at 'ovlinit: cannot find device')
	echo "figure: ovl.wait=3: $((end - begin)) ms from the start of /init to the message"
	[ $((end - begin)) -ge 3000 ] && [ $((end - begin)) -lt 8000 ]
}
scenario 'devices: one that does not appear: the message after ovl.wait' missing /dev/vdb
scenario 'devices: a UUID that does not appear' missing UUID=00000000-1111-2222-3333-444444444444
scenario 'devices: a label that does not appear' missing LABEL=nowhere
scenario "devices: the upper's does not appear" \
	falls 'find device .*/dev/vdb' "$tmp/plain" 'ovl.root=/dev/vda ovl.upper=/dev/vdb:/state ovl.wait=1' "$tmp/disk"

# late ROOT: it is plugged in while ovlinit waits, for longer than a boot may take here.
late() {
	local boot_quiet='loglevel=8' reply='' begin end
	local -a boot_options=(-chardev "pipe,id=qmp,path=$tmp/qmp" -mon chardev=qmp,mode=control
		-drive "if=none,id=late,format=raw,file=$tmp/disk" -device pcie-root-port,id=late-port,chassis=1)
	rm -f "$tmp"/qmp.*
	mkfifo "$tmp/qmp.in" "$tmp/qmp.out"
	exec {qmp}<>"$tmp/qmp.in" {replies}<>"$tmp/qmp.out"
	boot "$tmp/plain" "ovl.root=$1 $stack ovl.wait=600 ovl.debug"
	await 'ovlinit: debug: waiting for '
	echo '{"execute": "qmp_capabilities"}' >&"$qmp"
	echo '{"execute": "device_add", "arguments": {"driver": "virtio-blk-pci", "bus": "late-port", "drive": "late"}}' >&"$qmp"
	until [[ $reply == *'"return"'* ]]; do # that of qmp_capabilities
		read -r -t 20 -u "$replies" reply
	done
	read -r -t 20 -u "$replies" reply
	[[ $reply == *'"return"'* ]] || fail "qemu: $reply"
	finish
	exec {qmp}>&- {replies}<&-
	saw '^init: layers layer1 layer2$' '^init: done'
	unseen 'ovlinit: cannot'
	begin=$(at 'virtio_blk.*logical blocks') end=$(at 'ovlinit: debug: starting')
	[ -n "$begin" ] && [ -n "$end" ]
	echo "figure: a late device: $((end - begin)) ms from the driver's message to the start of init"
}
scenario 'devices: one that is plugged in late' late /dev/vda
scenario 'devices: one that is plugged in late, by UUID' late "UUID=$uuid"

scenario 'devices: an upper on a read-only disk' falls 'make writable /dev/vdb: ' "$tmp/plain" \
	'ovl.root=/dev/vda ovl.upper=/dev/vdb:/state' "$tmp/disk" "$tmp/other,readonly=on"
scenario 'devices: tree and upper on one read-only disk' falls 'make writable /dev/vda: ' "$tmp/plain" \
	'ovl.root=/dev/vda ovl.upper=/dev/vda:/state' "$tmp/disk,readonly=on"

scenario 'devices: a file system that the kernel lacks' \
	hopeless 'mount /dev/vda as xfs: the kernel does not know' "$tmp/plain" ovl.root=/dev/vda "$tmp/xfs"
scenario "devices: the upper's file system is one that the kernel lacks" \
	falls 'mount /dev/vdb as xfs: the kernel does not know' "$tmp/plain" \
	'ovl.root=/dev/vda ovl.upper=/dev/vdb:/state' "$tmp/disk" "$tmp/xfs"
scenario 'devices: an upper on a disk without a file system' falls 'mount /dev/vdb: no file system is recognized' \
	"$tmp/plain" 'ovl.root=/dev/vda ovl.upper=/dev/vdb:/state' "$tmp/disk" "$tmp/blank"
scenario 'devices: a type that the kernel lacks' hopeless 'mount /dev/vda as nofs: the kernel does not know' \
	"$tmp/plain" 'ovl.root=/dev/vda ovl.rootfstype=nofs' "$tmp/disk"
scenario 'devices: a disk without a file system' \
	hopeless 'mount /dev/vda: no file system is recognized' "$tmp/plain" ovl.root=/dev/vda "$tmp/blank"
scenario 'devices: a damaged file system' \
	hopeless 'mount /dev/vda as ext4: ' "$tmp/plain" ovl.root=/dev/vda "$tmp/damaged"
scenario 'devices: no image in the initramfs' \
	hopeless 'open /tree.img: No such file' "$tmp/plain" ovl.root=initramfs "$tmp/disk"

mkdir "$tmp/i"
mksquashfs "$tmp/d" "$tmp/i/tree.img" -quiet -no-progress >/dev/null
modules='overlay' initramfs "$tmp/no-loop" "$tmp/i"
scenario 'devices: an image, but no loop devices' hopeless '/tree\.img' "$tmp/no-loop" ovl.root=initramfs
truncate -s 100k "$tmp/i/tree.img"
modules='overlay loop squashfs' initramfs "$tmp/cut-image" "$tmp/i"
scenario 'devices: an image that is cut' hopeless 'mount /dev/loop0' "$tmp/cut-image" ovl.root=initramfs
modules='overlay squashfs virtio_pci virtio_blk' initramfs "$tmp/with-squashfs"
scenario 'devices: a type that is another than the file system' hopeless 'mount /dev/vda as squashfs: ' \
	"$tmp/with-squashfs" 'ovl.root=/dev/vda ovl.rootfstype=squashfs' "$tmp/disk"
modules='virtio_pci virtio_blk' initramfs "$tmp/no-overlay"
scenario 'devices: no overlay in the kernel' hopeless 'overlay' "$tmp/no-overlay" ovl.root=/dev/vda "$tmp/disk"

# The names of these say nothing of the order in which they load, and a directory is read in the order of the archive
# or in the reverse of it: one of two archives is wrong.
ordered() {
	local file names
	mkdir -p "$tmp/m/lib/modules/ovl"
	cp "$ovlinit" "$tmp/m/init"
	cd "$tmp/m"
	# shellcheck disable=SC2086 # a list of words
	for file in $(module_closure $modules); do
		cp "$top/build/boot/modules/$file.ko" lib/modules/ovl/
	done
	# shellcheck disable=SC2086 # a list of words
	names=$(module_closure $modules | sed 's:.*:lib/modules/ovl/&.ko:')
	for file in tac cat; do
		{
			printf '%s\n' . init lib lib/modules lib/modules/ovl
			"$file" <<<"$names"
		} | cpio -o -H newc -R 0:0 --quiet >"$tmp/$file"
		booted "$tmp/$file" "ovl.root=/dev/vda $stack" "$tmp/disk"
		saw '^init: layers layer1 layer2$'
		unseen '^ovlinit:'
	done
}
scenario 'devices: modules in any order' ordered

mkdir -p "$tmp/b/lib/modules/ovl"
echo 'not a module' >"$tmp/b/lib/modules/ovl/broken.ko"
initramfs "$tmp/broken-module" "$tmp/b"
broken() {
	booted "$tmp/broken-module" "ovl.root=/dev/vda $stack" "$tmp/disk"
	saw '^ovlinit: note: cannot load .*broken\.ko: ' '^init: layers layer1 layer2$'
}
scenario 'devices: a module that is none is named, and the boot goes on' broken

# The kernel's own archive has a /dev/console; a directory in its place is as good as none. What a user made belongs to
# that user, the root directory too.
odd() {
	mkdir -p "$tmp/o/dev/console"
	initramfs "$tmp/root-owned" "$tmp/o"
	mkdir "$tmp/x"
	cd "$tmp/x"
	cpio -i --quiet <"$tmp/root-owned"
	chmod 0777 .
	find . | cpio -o -H newc -R 1000:1000 --quiet >"$tmp/odd"
	booted "$tmp/odd" "ovl.root=/dev/vda $stack" "$tmp/disk"
	saw 'unable to open an initial console' '^init: layers layer1 layer2$'
	unseen '^ovlinit:'
	stack=ovl.stack=$(tree_id 3) falls "$(tree_id 3)" "$tmp/odd" ovl.root=/dev/vda "$tmp/disk"
}
scenario "devices: an initramfs of a user's, without a console" odd

all_ran
