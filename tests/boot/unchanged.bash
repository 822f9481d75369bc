# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# A boot that fails, or that is to keep nothing, leaves no byte changed on a disk that was cleanly unmounted. And which
# init is none.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
two=$id one=$(tree_id 1)
init_script "$base" <<'END'
say "kept [$(cat /kept 2>/dev/null)]"
dmesg | grep 'ovlinit: '
case "$*" in
write)
	echo kept >/kept && rm /layer1 && sync
	mount -o remount,ro / && mount -o remount,ro /run/ovl/disk && say clean
	;;
crash)
	echo kept >/kept && rm /layer1 && sync && say crashed
	sleep 1000
	;;
esac
END
D=$tmp/d/overlay2
# layer N: one on the two, for the caller to damage. Sets $diff.
layer() {
	diff=$D/$(tree_id "$1")/diff
	tree_layer "$D" "$(tree_id "$1")" "$(tree_link "$1")" "$two"
}
layer 3
rmdir "$diff"
layer 4
ln -s /gone "$diff/sbin"
layer 5
mkdir -p "$diff/sbin/init"
layer 6
mkdir "$diff/sbin" && mknod "$diff/sbin/init" c 0 0
layer 7
mkdir "$diff/sbin" && install -m 0644 "$base/sbin/init" "$diff/sbin/init"
layer 8
ln -s /var "$diff/run"
ln -s /etc "$tmp/d/away"
mkdir "$tmp/d/users"
chown 1000 "$tmp/d/users"
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/plain"
words=ovl.root=/dev/vda
state=ovl.upper=/dev/vda:/state
good=ovl.stack=$two broken=ovl.stack=$(tree_id 3) fallback=ovl.fallback=$one

# same REGEX WORDS: a boot that says REGEX leaves the disk the same.
same() {
	local before
	before=$(sha256sum <"$tmp/disk")
	boot "$tmp/plain" "$words $2" "$tmp/disk"
	await "$1"
	await 'reboot: (System halted|Power down)'
	stop
	[ "$(sha256sum <"$tmp/disk")" = "$before" ] || fail 'the disk has changed'
}
up='^init: layers layer1 layer2$' up1='^init: layers layer1$'
# Each in turn, with what is on the disk.
all_same() {
	scenario "unchanged: $1: no upper" same "$up" "$good ovl.upper=none"
	scenario "unchanged: $1: an upper in memory" same "$up" "$good"
	scenario "unchanged: $1: a broken layer" same "^ovlinit: cannot find .*$(tree_id 3)/diff" "$broken $state"
	scenario "unchanged: $1: a broken layer, and the fallback boots" same "$up1" "$broken $state $fallback"
	scenario "unchanged: $1: wrong words" same '^ovlinit: cannot use ovl.what=1' "$good $state ovl.what=1"
	scenario "unchanged: $1: no init" same '^ovlinit: cannot boot /none of the stack' "$good $state ovl.init=/none"
	scenario "unchanged: $1: a symlink at /run" same '^ovlinit: cannot mount on /run: not a directory' "ovl.stack=$(tree_id 8) $state"
	scenario "unchanged: $1: an upper in a user's directory" same '^ovlinit: cannot .*/users' "$good ovl.upper=/dev/vda:/users"
	scenario "unchanged: $1: an upper behind a symlink" same '^ovlinit: cannot .*/away' "$good ovl.upper=/dev/vda:/away/state"
}
all_same 'no upper yet'

used() {
	booted "$tmp/plain" "$words $good $state -- write" "$tmp/disk"
	saw '^init: clean' '^init: kept \[\]$'
}
scenario 'unchanged: a boot that comes up and writes' used
all_same 'with an upper'
kept() {
	booted "$tmp/plain" "$words $good $state" "$tmp/disk"
	saw '^init: kept \[kept\]$' '^init: layers layer2$'
}
scenario 'unchanged: what was written is still there' kept

# files DISK: all that is in it and its contents, once its journal is recovered. Of a copy.
files() {
	cp "$1" "$tmp/copy"
	e2fsck -fy "$tmp/copy" >"$tmp/fsck" 2>&1 || [ $? = 1 ] || fail "$(<"$tmp/fsck")" || return
	mkdir -p "$tmp/mnt"
	mount -o loop,ro "$tmp/copy" "$tmp/mnt"
	(
		cd "$tmp/mnt"
		find . -printf '%p %M %U:%G %s %T@ %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0 sha256sum
	)
	umount "$tmp/mnt"
}
crash() {
	local crashed=ovl.upper=/dev/vda:/crashed
	boot "$tmp/plain" "$words $good $crashed -- crash" "$tmp/disk"
	await '^init: crashed'
	stop
	files "$tmp/disk" >"$tmp/before"
	boot "$tmp/plain" "$words $broken $crashed" "$tmp/disk"
	await 'reboot: System halted'
	stop
	files "$tmp/disk" >"$tmp/after"
	diff "$tmp/before" "$tmp/after" || fail 'the first failed boot has changed something'
	same "$up1" "$broken $crashed $fallback"
	booted "$tmp/plain" "$words $good $crashed" "$tmp/disk"
	saw '^init: kept \[kept\]$' '^init: layers layer2$'
}
scenario 'unchanged: after a loss of power, but for the journal' crash

logged() {
	booted "$tmp/plain" "$words $broken $fallback" "$tmp/disk"
	saw "^\[ *[0-9.]+\] ovlinit: cannot find .*$(tree_id 3)" "^\[ *[0-9.]+\] ovlinit: note: trying the fallback stack $one"
}
scenario 'unchanged: the log of the machine has the message' logged

# no_init N REASON: what the layer makes of init.
no_init() {
	booted "$tmp/plain" "$words ovl.stack=$(tree_id "$1") $fallback $state" "$tmp/disk"
	saw "^ovlinit: cannot boot /sbin/init of the stack: $2" "^ovlinit: note: trying the fallback stack $one" "$up1"
}
scenario 'init: behind a symlink to nowhere' no_init 4 'No such file'
scenario 'init: a directory' no_init 5 'Permission denied'
scenario 'init: removed by a layer' no_init 6 'No such file'
scenario 'init: no program' no_init 7 'Permission denied'

all_ran
