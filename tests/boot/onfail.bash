# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# The end of all hope: what ovl.onfail says, with a message on the console and never a silent panic; and what an initramfs
# may look like.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
init_script "$base" <<'END'
dmesg | grep ovlinit: | sed 's/^/dmesg: /'
END
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/plain"
with_busybox "$tmp/shell"
initramfs "$tmp/with-shell" "$tmp/shell"
broken="ovl.root=/dev/vda ovl.stack=$(tree_id 9)"

reboots() {
	boot "$tmp/plain" "$broken ovl.onfail=reboot" "$tmp/disk"
	await "^ovlinit: cannot find /run/ovl/root/overlay2/$(tree_id 9): No such file or directory"
	await '^ovlinit: note: nothing could be booted: rebooting in 5 seconds'
	finish # -no-reboot: qemu ends where the machine would start again
	saw 'reboot: Restarting system'
}
halts() {
	boot "$tmp/plain" "$broken $1" "$tmp/disk"
	await '^ovlinit: cannot find'
	await "^ovlinit: note: nothing could be booted$2: halting"
	await 'reboot: System halted'
}
shell() {
	boot "$tmp/with-shell" "$broken ovl.onfail=shell" "$tmp/disk"
	await '^ovlinit: note: nothing could be booted: starting a shell'
	tell 'echo "answer $((6 * 7)) of $$, $(ls -d /run/ovl /newroot 2>&1 | tr "\n" ,)"'
	# Nothing of the failed boot is left but the directory.
	await 'answer 42 of [0-9]+, .*/run/ovl.*No such file.*/newroot'
	tell 'tty; kill -9 1; echo "still $?"'
	await '^/dev/(console|ttyS0)'
	await '^still 0'
	tell exit
	finish
	saw 'reboot: Restarting system'
}
scenario 'onfail: reboot' reboots
scenario 'onfail: halt' halts ovl.onfail=halt ''
scenario 'onfail: nothing said: halt' halts '' ''
scenario 'onfail: a shell on the console; the machine starts again when it ends' shell
scenario 'onfail: a shell, and none in the initramfs' halts ovl.onfail=shell ', and there is no /bin/sh here'

# The words are wrong, but onfail is among them.
words_too() {
	boot "$tmp/plain" "ovl.nonsense=1 ovl.onfail=reboot" "$tmp/disk"
	await '^ovlinit: cannot use ovl.nonsense=1: no such word'
	await '^ovlinit: note: nothing could be booted: rebooting in 5 seconds'
	finish
}
scenario 'onfail: it holds when other words are wrong' words_too

dmesg() {
	booted "$tmp/plain" "$broken ovl.fallback=$id" "$tmp/disk"
	saw "^dmesg: .*ovlinit: cannot find /run/ovl/root/overlay2/$(tree_id 9): No such" \
		"^dmesg: .*ovlinit: note: trying the fallback stack $id"
}
scenario 'onfail: the booted machine has the messages in dmesg' dmesg

# An archive that an ordinary user made, with his number on everything, and without the kernel's own /dev/console.
users() {
	mkdir -p "$tmp/user/lib/modules/ovl"
	install -m 0755 "$ovlinit" "$tmp/user/init"
	for name in $(module_closure $modules); do
		cp "$top/build/boot/modules/$name.ko" "$tmp/user/lib/modules/ovl/"
	done
	(cd "$tmp/user" && find . -print0 | cpio -0 -o -H newc -R 1000:1000 --quiet) >"$tmp/users"
	booted "$tmp/users" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk"
	saw '^init: layers layer1 layer2$'
	unseen '^ovlinit:'
}
scenario 'onfail: an initramfs with a user on every file boots all the same' users

# Names whose order is the reverse of what the modules need.
reversed() {
	local n=99
	mkdir -p "$tmp/reversed/lib/modules/ovl"
	for name in $(module_closure $modules); do
		n=$((n - 1))
		cp "$top/build/boot/modules/$name.ko" "$tmp/reversed/lib/modules/ovl/$n-$name.ko"
	done
	echo 'no module' >"$tmp/reversed/lib/modules/ovl/00-text.ko"
	(modules='' && initramfs "$tmp/reversed.cpio" "$tmp/reversed")
	booted "$tmp/reversed.cpio" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk"
	saw '^init: layers layer1 layer2$' '^ovlinit: note: cannot load /lib/modules/ovl/00-text.ko: '
}
scenario 'onfail: modules in the wrong order load; what is none is named' reversed

all_ran
