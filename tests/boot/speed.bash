# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# From the start of /init to the first line of the stack's init, by the guest's own clock: ovlinit against a hand-written
# busybox script that does the same (byhand). Both on the same disk, in turn.

rounds=7
mkdir "$tmp/d"
tree "$tmp/d/overlay2" 8
init_script "$base" </dev/null
# The first thing that runs on the new root: static, so that no shell's start is counted.
sed -i '2i echo "init: first" >/dev/kmsg' "$base/sbin/init"
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/ovlinit"
with_busybox "$tmp/b"
mkdir -p "$tmp/b/lib/modules/ovl"
# shellcheck disable=SC2086 # a list of words
module_closure $modules >"$tmp/b/lib/modules/ovl/order"
install -m 0755 "$top/tests/boot/byhand" "$tmp/b/init"
initramfs "$tmp/byhand" "$tmp/b"
boot_quiet='' # the kernel's own lines have the times

# took NAME: microseconds of one boot.
took() {
	booted "$tmp/$1" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk" >/dev/null || return
	awk -F '[][]' '/Run \/init as init process/ { begin = $2 } /init: first/ && !end { end = $2 }
		END { if (begin == "" || end == "") exit 1; printf "%d\n", (end - begin) * 1000000 }' "$console"
}
median() {
	sort -n | sed -n "$((rounds / 2 + 1))p"
}
compared() {
	local n ours theirs
	for ((n = 0; n < rounds; n++)); do
		took ovlinit >>"$tmp/ours"
		took byhand >>"$tmp/theirs"
	done
	[ "$(cat "$tmp/ours" "$tmp/theirs" | wc -l)" = $((2 * rounds)) ]
	ours=$(median <"$tmp/ours") theirs=$(median <"$tmp/theirs")
	echo "figure: /init to the first line of init: ovlinit $ours us, by hand $theirs us, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")"
	[ "$ours" -le "$theirs" ]
}
scenario 'speed: no slower than a script by hand' compared
all_ran
