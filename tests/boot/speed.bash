# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# From the start of /init to the first line of the stack's init: ovlinit against the script that one would write by hand
# (byhand), by the clock of the machine that boots, in turns. Medians are compared.
#
# That clock is qemu's count of instructions while the machine works, and real time only while it waits: what else the
# host does hardly counts.
times=${OVL_BOOT_TIMES-5}
boot_options=(-icount shift=1,sleep=on)

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 3
# Not an init_script: its first line is the one that counts.
cat >"$base/sbin/init" <<'END'
#!/bin/sh
echo 'stack: first line' >/dev/kmsg
PATH=/bin
dmesg | grep -E 'Run /init as|stack: first' | sed 's/^/log: /'
echo "root $(awk '$2 == "/" { print $3, $4 }' /proc/mounts)"
echo 'init: done'
poweroff -f
END
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/ovlinit"
with_busybox "$tmp/h"
rmdir "$tmp/h"/{dev,proc,sys,run}
install -m 0755 "$top/tests/boot/byhand" "$tmp/h/init"
initramfs "$tmp/byhand" "$tmp/h"
mkdir -p "$tmp/h/lib/modules/ovl"
# shellcheck disable=SC2086 # a list of words
module_closure $modules | sed 's/$/.ko/' >"$tmp/h/lib/modules/ovl/order"
initramfs "$tmp/ordered" "$tmp/h"

# took NAME: boots, and sets $micros: what it took.
took() {
	local begin end
	booted "$tmp/$1" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/disk"
	saw '^root overlay rw,.*lowerdir=l/[^:]*:l/[^:]*:l/[^:]*,upperdir=/run/ovl/state/diff'
	begin=$(sed -nE 's/^log: \[ *([0-9]+)\.([0-9]{6})\] Run \/init as init process/\1\2/p' "$console")
	end=$(sed -nE 's/^log: \[ *([0-9]+)\.([0-9]{6})\] stack: first line/\1\2/p' "$console")
	micros=$((10#$end - 10#$begin))
}
median() {
	sort -n | sed -n "$(((times + 1) / 2))p"
}
ratio() {
	local n name micros ours theirs ordered
	for ((n = 0; n < times; n++)); do
		for name in ovlinit byhand ordered; do
			took "$name"
			echo "$micros" >>"$tmp/$name.took"
		done
	done
	ours=$(median <"$tmp/ovlinit.took") theirs=$(median <"$tmp/byhand.took") ordered=$(median <"$tmp/ordered.took")
	echo "figure: from the start of /init to init's first line, medians of $times boots: ovlinit $((ours / 1000)) ms," \
		"by hand $((theirs / 1000)) ms, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $theirs }");" \
		"by hand with the modules in their order $((ordered / 1000)) ms"
	[ "$ours" -le "$theirs" ]
}
scenario 'speed: no slower than a script by hand' ratio
all_ran
