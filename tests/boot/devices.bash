# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Devices that are missing, late, of a kind that the kernel does not know, or read-only; init that is not there.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
two=$id one=$(tree_id 1)
init_script "$base" bin/other </dev/null
mkdir "$tmp/d/overlay2/$two/diff/bin"
mknod "$tmp/d/overlay2/$two/diff/bin/other" c 0 0
ext4 "$tmp/disk" 32m "$tmp/d" -L trees
mkdir "$tmp/e"
ext4 "$tmp/other" 16m "$tmp/e" -L other
truncate -s 1m "$tmp/blank"
initramfs "$tmp/plain"
words="ovl.stack=$two ovl.fallback=$one"

# falls WORDS REGEX [DISK...]: the message, then the fallback boots.
falls() {
	booted "$tmp/plain" "$words $1" "${@:3}"
	saw "^ovlinit: cannot $2" "^ovlinit: note: trying the fallback stack $one" '^init: layers layer1$'
}
# hopeless WORDS REGEX [DISK...]: it is as wrong for the fallback.
hopeless() {
	boot "$tmp/plain" "$words $1" "${@:3}"
	await "^ovlinit: cannot $2"
	await '^ovlinit: note: trying the fallback'
	await "^ovlinit: cannot $2"
	await 'System halted'
}
missing='it did not appear in time'
scenario 'devices: none with this path' hopeless 'ovl.root=/dev/vdb ovl.wait=1' "find device /dev/vdb: $missing" "$tmp/disk"
scenario 'devices: none with this label' hopeless 'ovl.root=LABEL=tree ovl.wait=0' "find device LABEL=tree: $missing" "$tmp/disk"
scenario 'devices: none with this UUID' \
	hopeless 'ovl.root=UUID=00000000-0000-0000-0000-000000000000 ovl.wait=0' "find device UUID=0.*: $missing" "$tmp/disk"
scenario 'devices: no file system on it' hopeless ovl.root=/dev/vda 'mount /dev/vda: no file system is recognized' "$tmp/blank"
scenario 'devices: another file system than was said' hopeless 'ovl.root=/dev/vda ovl.rootfstype=ext2' \
	'mount /dev/vda as ext2: ' "$tmp/disk"
scenario 'devices: a file system that the kernel does not know' hopeless 'ovl.root=/dev/vda ovl.rootfstype=xfs' \
	'mount /dev/vda as xfs: the kernel does not know this file system' "$tmp/disk"
scenario 'devices: no image in the initramfs' hopeless ovl.root=initramfs 'open /tree.img: No such file' "$tmp/disk"
scenario 'devices: an upper on a disk that is missing' falls 'ovl.root=/dev/vda ovl.upper=/dev/vdb:/s ovl.wait=1' \
	"find device /dev/vdb: $missing" "$tmp/disk"
scenario 'devices: an upper on a disk without a file system' falls 'ovl.root=/dev/vda ovl.upper=/dev/vdb:/s' \
	'mount /dev/vdb: no file system' "$tmp/disk" "$tmp/blank"
scenario 'devices: an upper on a read-only disk' falls 'ovl.root=/dev/vda ovl.upper=LABEL=other:/s' \
	'make writable LABEL=other: ' "$tmp/disk" "$tmp/other,readonly=on"
scenario 'devices: an upper on the read-only disk of the tree' falls 'ovl.root=/dev/vda ovl.upper=/dev/vda:/s' \
	'make writable /dev/vda: ' "$tmp/disk,readonly=on"
scenario 'devices: no such init in either stack' hopeless 'ovl.root=/dev/vda ovl.init=/none' \
	'boot /none of the stack: No such file' "$tmp/disk"
scenario 'devices: an init that only the fallback has' falls 'ovl.root=/dev/vda ovl.init=/bin/other' \
	'boot /bin/other of the stack: No such file' "$tmp/disk"

# The disk is plugged in while ovlinit waits, which it says.
late() {
	mkfifo "$tmp/monitor.in" "$tmp/monitor.out"
	boot_options=(-device pcie-root-port,id=hotplug -chardev "pipe,id=monitor,path=$tmp/monitor" -mon chardev=monitor
		-blockdev "driver=file,node-name=late,filename=$tmp/disk")
	boot "$tmp/plain" "ovl.stack=$two ovl.root=LABEL=trees ovl.wait=80 ovl.debug"
	await '^ovlinit: debug: waiting for LABEL=trees'
	echo 'device_add virtio-blk-pci,bus=hotplug,drive=late' >"$tmp/monitor.in"
	finish
	saw '^init: layers layer1 layer2$' '^ovlinit: debug: the tree is on /dev/vda'
}
scenario 'devices: a disk that is plugged in later' late

all_ran
