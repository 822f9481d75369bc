# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# The end of all hope: what ovl.onfail says, with the message in sight. Never a silent panic.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/plain"
with_busybox "$tmp/shell"
initramfs "$tmp/with-shell" "$tmp/shell"
broken="ovl.root=/dev/vda ovl.stack=$(tree_id 99)"

# fails INITRAMFS WORDS NOTE: the message, and the last one.
fails() {
	boot "$1" "$broken $2" "$tmp/disk"
	await "^ovlinit: cannot find /run/ovl/root/overlay2/$(tree_id 99): No such file or directory"
	await "^ovlinit: note: nothing could be booted$3"
}
halts() {
	fails "$tmp/plain" "$1" "$2: halting"
	await 'reboot: System halted'
	kill -0 "$qemu" # it stands still
	unseen 'Kernel panic' fallback
}
scenario 'onfail: halt' halts ovl.onfail=halt ''
scenario 'onfail: nothing said: halt' halts '' ''
scenario 'onfail: a shell, and none in the initramfs: halt' halts ovl.onfail=shell ', and there is no /bin/sh here'

reboots() {
	local said
	fails "$tmp/plain" ovl.onfail=reboot ': rebooting in 5 seconds'
	said=$SECONDS
	finish # -no-reboot: qemu ends where the machine would start again
	saw 'reboot: Restarting system'
	[ $((SECONDS - said)) -ge 4 ] || fail "reboots after $((SECONDS - said)) s"
}
scenario 'onfail: reboot, in five seconds' reboots

# What is typed is echoed, so each answer has something that was not typed.
shell() {
	fails "$tmp/with-shell" ovl.onfail=shell ': starting a shell'
	# shellcheck disable=SC2016 # for the shell in the machine
	tell 'echo "answer $((6 * 7)) of $$ under $PPID"'
	await '^answer 42 of [0-9]+ under 1$'
	tell 'tty; ls -d /dev/vda; grep -c " /run/ovl" /proc/mounts; kill -9 1; echo "alive $((40 + 2))"'
	await '^/dev/(console|ttyS0)$'
	await '^/dev/vda$'
	await '^0$' # nothing of the failed boot is mounted
	await '^alive 42$'
	tell 'dmesg | grep ovlinit'
	await "^\[ *[0-9.]+\] ovlinit: cannot find .*$(tree_id 99)"
	# ^C ends a command, not the shell.
	# shellcheck disable=SC2016 # for the shell in the machine
	tell 'echo "re$((0))ady"; sleep 1000'
	await '^re0ady$'
	tell $'\003'
	# shellcheck disable=SC2016 # for the shell in the machine
	tell 'echo "after $((40 + 2))"'
	await '^after 42$'
	tell exit
	finish
	saw 'reboot: Restarting system'
}
scenario 'onfail: a shell that answers, has ^C, and is followed by a reboot' shell

both() {
	boot "$tmp/plain" "$broken ovl.fallback=$(tree_id 98) ovl.onfail=reboot" "$tmp/disk"
	await "^ovlinit: cannot find .*$(tree_id 99)"
	await "^ovlinit: note: trying the fallback stack $(tree_id 98)"
	await "^ovlinit: cannot find .*$(tree_id 98)"
	await '^ovlinit: note: nothing could be booted: rebooting'
	finish
}
scenario 'onfail: not before the fallback has failed, too' both

words_too() {
	boot "$tmp/plain" "ovl.nonsense=1 ovl.onfail=reboot" "$tmp/disk"
	await '^ovlinit: cannot use ovl.nonsense=1: no such word'
	await '^ovlinit: note: nothing could be booted: rebooting in 5 seconds'
	finish
}
scenario 'onfail: it holds when other words are wrong' words_too

# An init that is there and can be read, but not run: seen before the old root is gone.
mkdir "$tmp/b"
cp -a "$tmp/d/overlay2" "$tmp/b/"
echo garbage >"$tmp/b/overlay2/$(tree_id 1)/diff/sbin/init"
ext4 "$tmp/garbage" 32m "$tmp/b"
garbage() {
	boot "$tmp/plain" "ovl.root=/dev/vda ovl.stack=$id ovl.onfail=$1" "$tmp/garbage"
	await '^ovlinit: cannot boot /sbin/init of the stack: Exec format error'
	await "^ovlinit: note: nothing could be booted: $2"
	await "reboot: $3"
	unseen 'Kernel panic'
}
scenario 'onfail: init cannot be run: reboot' garbage reboot rebooting 'Restarting system'
scenario 'onfail: init cannot be run: halt' garbage halt halting 'System halted'
garbage_shell() {
	boot "$tmp/with-shell" "ovl.root=/dev/vda ovl.stack=$id ovl.onfail=shell" "$tmp/garbage"
	await '^ovlinit: cannot boot /sbin/init of the stack: Exec format error'
	await '^ovlinit: note: nothing could be booted: starting a shell'
	# It is the one of the initramfs, and no layer is mounted.
	# shellcheck disable=SC2016 # for the shell in the machine
	tell 'echo "layers $((0))" /layer* /newroot/layer*'
	await '^layers 0 /layer\* /newroot/layer\*$'
	tell exit
	finish
}
scenario 'onfail: init cannot be run: a shell' garbage_shell

# The words say what then also if even /run cannot be mounted.
no_run() {
	mkdir "$tmp/norun"
	touch "$tmp/norun/run"
	initramfs "$tmp/no-run" "$tmp/norun"
	boot "$tmp/no-run" "ovl.root=/dev/vda ovl.stack=$id ovl.onfail=reboot" "$tmp/disk"
	await '^ovlinit: cannot mount /run: Not a directory'
	await '^ovlinit: note: nothing could be booted: rebooting in 5 seconds'
	finish
}
scenario 'onfail: an initramfs in which /run cannot be mounted' no_run

all_ran
