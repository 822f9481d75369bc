# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Where writes go: nowhere, into memory, onto the disk of the tree or another; and what of it is there at the next boot.

mkdir "$tmp/d" "$tmp/empty"
tree "$tmp/d/overlay2" 2
init_script "$base" <<'END'
say "kept [$(cat /kept 2>/dev/null)] layer1 [$(cat /layer1)]"
echo "$(cat /kept 2>/dev/null)x" >/kept && say wrote
echo changed >/layer1
mkdir /var/made && touch /var/made/file
sync
say "memory $(awk '$2 == "/run/ovl/state" && $3 == "tmpfs" { print $4 }' /proc/mounts)"
for dir in root disk; do
	say "$dir $(awk -v dir=/run/ovl/$dir '$2 == dir { print $1, $4 }' /proc/mounts)"
done
touch /run/ovl/root/x 2>/dev/null || say "the tree cannot be written"
touch /dev/x /run/x && say "dev and run can be written"
END
ext4 "$tmp/disk" 64m "$tmp/d" -U 6a1f0c3e-5d2b-4c8a-9b7e-0123456789ab
ext4 "$tmp/other" 64m "$tmp/empty" -L state
initramfs "$tmp/plain"
words="ovl.root=/dev/vda ovl.stack=$id"

# For an upper on a disk: the second boot has what the first has written, the tree what it had.
kept() {
	local disk=$1 path=$2 upper=$3
	booted "$tmp/plain" "$words ovl.upper=$upper" "${@:4}"
	saw '^init: root overlay rw,' '^init: kept \[\] layer1 \[1\]$' '^init: wrote$' '^init: the tree cannot be written' \
		'^init: root /dev/vda ro,' '^init: disk /dev/vd[ab] rw,' '^init: memory $'
	unseen '^ovlinit:' 'EXT4-fs error'
	booted "$tmp/plain" "$words ovl.upper=$upper" "${@:4}"
	saw '^init: kept \[x\] layer1 \[changed\]$' '^init: wrote$'
	# The disk itself, without ovlinit.
	e2fsck -fn "$disk" >"$tmp/fsck" 2>&1 || fail "$(<"$tmp/fsck")"
	[ "$(debugfs -R "cat $path/diff/kept" "$disk" 2>/dev/null)" = xx ] || fail "no kept in $path/diff on the disk"
	[ "$(debugfs -R "cat /overlay2/$(tree_id 1)/diff/layer1" "$tmp/disk" 2>/dev/null)" = 1 ] || fail 'the layer changed'
}

none() {
	booted "$tmp/plain" "$words ovl.upper=none" "$tmp/disk"
	saw '^init: root overlay ro,' '/kept: Read-only file system' '^init: dev and run can be written' '^init: memory $'
	unseen '^init: wrote' '^ovlinit:'
}
memory() {
	booted "$tmp/plain" "$words $1" "$tmp/disk"
	saw '^init: root overlay rw,' '^init: wrote' '^init: the tree cannot be written' "^init: memory rw,$2" '^init: disk $'
	unseen '^ovlinit:'
	booted "$tmp/plain" "$words $1" "$tmp/disk"
	saw '^init: kept \[\] layer1 \[1\]'
}

scenario 'uppers: none: nothing can be written but in /dev and /run' none
scenario 'uppers: memory by default: gone at the next boot' memory '' '.*'
scenario 'uppers: memory of a size' memory ovl.upper=tmpfs:8m '.*size=8192k'
scenario 'uppers: a path on the disk of the tree, by its path' kept "$tmp/disk" /state /dev/vda:/state "$tmp/disk"
scenario 'uppers: a deeper path on the disk of the tree, by UUID' \
	kept "$tmp/disk" /var/lib/one UUID=6a1f0c3e-5d2b-4c8a-9b7e-0123456789ab:/var/lib/one "$tmp/disk"
scenario 'uppers: a disk of its own, by its path' kept "$tmp/other" /one /dev/vdb:/one "$tmp/disk" "$tmp/other"
scenario 'uppers: a disk of its own, by its label' kept "$tmp/other" /two LABEL=state:/two "$tmp/disk" "$tmp/other"

all_ran
