# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The harness of the boots: initramfs, disks, qemu with its serial console, and the tests' outcome as TAP.
#
# Sourced by run's files. What it needs: $top, the top of the sources; $tmp, a directory of the caller's own, emptied by
# whoever made it. The kernel is that of tests/boot/kernel in $top/build/boot.
#
# A boot:   boot INITRAMFS WORDS [DISK...]; await REGEX; tell LINE; await ...; finish
# Nothing sleeps: await reads the console as it is written, and each boot has a deadline at which qemu is killed.

shopt -s extglob
kernel=$top/build/boot/vmlinuz
ovlinit=${OVLINIT-$top/build/ovlinit}
modules='virtio_pci virtio_blk overlay' # of an initramfs, unless told otherwise
boot_limit=90                           # seconds a boot may take
boot_memory=512                         # MiB
boot_options=()                         # further ones for qemu
boot_quiet=quiet                        # how much the kernel says on the console
# Every kernel's words. A busy host may withhold timer interrupts for so long that the kernel believes that it has none,
# and gives up before it has a console to say so.
boot_always='console=ttyS0 earlyprintk=ttyS0 no_timer_check panic=-1'
qemu='' ended='' to='' from='' line='' console=$tmp/console

# fail WORDS: why the test fails.
fail() {
	echo "$*"
	return 1
}

# module_closure NAME...: these modules and what they depend on, in an order in which they load.
module_closure() {
	local name need
	for name; do
		need=$(modinfo -F depends "$top/build/boot/modules/$name.ko") || return
		# shellcheck disable=SC2086 # a list of words
		[ -z "$need" ] || module_closure ${need//,/ }
		echo "$name"
	done | awk '!seen[$0]++'
}

# initramfs FILE [DIR]: with ovlinit as /init, $modules in /lib/modules/ovl, and what is in DIR, which may have an /init
# of its own. A cpio archive has no extended attributes.
initramfs() {
	local root=$1.root name
	mkdir -p "$root/lib/modules/ovl"
	# shellcheck disable=SC2086 # a list of words
	for name in $(module_closure $modules); do
		cp "$top/build/boot/modules/$name.ko" "$root/lib/modules/ovl/"
	done
	[ -z "${2-}" ] || cp -a "$2/." "$root/"
	[ -e "$root/init" ] || install -m 0755 "$ovlinit" "$root/init"
	# Sorted: a file system's own order is another on each host.
	(cd "$root" && find . -print0 | sort -z | cpio -0 -o -H newc -R 0:0 --quiet) >"$1"
	rm -rf "$root"
}

# with_busybox DIR: makes DIR hold busybox and its /bin/sh, for an initramfs with a shell.
with_busybox() {
	mkdir "$1"
	tree_busybox "$1"
}

# init_script DIFF [NAME]: /sbin/init in a layer (or NAME); standard input is what it does after the lines that each
# prints. It ends with the machine off.
init_script() {
	local file=$1/${2-sbin/init}
	mkdir -p "${file%/*}"
	{
		cat <<'END'
#!/bin/sh
PATH=/bin:/sbin
say() { echo "init: $*"; }
say "pid $$ args [$*] of $0"
say "root $(awk '$2 == "/" { kind = $3 " " $4 } END { print kind }' /proc/mounts)"
say "layers $(cd / && echo layer*)"
END
		cat
		printf 'say done\npoweroff -f\n'
	} >"$file"
	chmod 0755 "$file"
}

# tree DIR DEPTH: an overlay2 tree of busybox with DEPTH layers, whose init says what it sees. Sets $id, the uppermost
# layer's, and $base, the lowest's diff. An init_script of the caller's on $base replaces the one here.
tree() {
	tree_init "$1"
	id=$(tree_chain "$1" "$2" tree_busybox)
	base=$1/$(tree_id 1)/diff
	init_script "$base" <<'END'
say "mounts:"
cat /proc/mounts
END
}

# ext4 FILE SIZE DIR [OPTION...]: a disk with what is in DIR (extended attributes and device nodes, too).
ext4() {
	local file=$1 size=$2 dir=$3
	shift 3
	truncate -s "$size" "$file"
	mkfs.ext4 -q -d "$dir" "$@" "$file"
}

# xfs FILE DIR [OPTION...]: the same. It is mounted to be filled, in the mount namespace of the run.
xfs() {
	local file=$1 dir=$2
	shift 2
	truncate -s 320m "$file"
	mkfs.xfs -q "$@" "$file"
	mkdir "$file.mnt"
	mount -o loop "$file" "$file.mnt"
	cp -a "$dir/." "$file.mnt/"
	umount "$file.mnt"
	rmdir "$file.mnt"
}

# boot INITRAMFS WORDS [DISK...]: starts a machine. WORDS end the kernel's command line. DISK: a file, perhaps with
# options of -drive (FILE,readonly=on): /dev/vda and so on. What the guest has flushed is in the host's page cache, so it
# stays when qemu is killed. The console is in $console.
boot() {
	local initrd=$1 words=$2 disk
	local -a drives=()
	shift 2
	for disk; do
		drives+=(-drive "if=virtio,format=raw,cache=writeback,file=$disk")
	done
	[ -z "$qemu" ] || fail "a machine is running" || return
	: >"$console"
	rm -f "$tmp/in" "$tmp/out"
	mkfifo "$tmp/in" "$tmp/out"
	# KVM is not everywhere, and not the same everywhere.
	qemu-system-x86_64 -M q35 -accel tcg -cpu max -m "$boot_memory" -nographic -no-reboot -nodefaults -serial stdio \
		-kernel "$kernel" -initrd "$initrd" \
		-append "$boot_always $boot_quiet $words" \
		"${drives[@]}" "${boot_options[@]}" <"$tmp/in" >"$tmp/out" 2>&1 &
	qemu=$! ended=''
	exec {to}>"$tmp/in" {from}<"$tmp/out"
	deadline=$((SECONDS + boot_limit))
}

# next_line [SECONDS]: the console's next line, in $line. Fails at the machine's end, which is then in $ended: its exit
# status, or "deadline". With SECONDS, a fraction of them may be given: fails with 2 when they have passed.
next_line() {
	local status=0 wait=$((deadline - SECONDS))
	[ -n "$qemu" ] || return 1
	[ "$wait" -ge 1 ] || wait=0.01
	IFS= read -r -t "${1-$wait}" -u "$from" line || status=$?
	if [[ $line = *$'\e'* ]]; then # the firmware clears the screen, sometimes before the last of its dots
		line=${line##*$'\e'@(c|\[*([0-9;?])[A-Za-z])*(.)}
	fi
	line=${line//$'\r'/}
	[ -z "$line" ] || [ "$status" -gt 128 ] || echo "$line" >>"$console"
	[ "$status" != 0 ] || return 0
	if [ "$status" -gt 128 ]; then
		[ -z "${1-}" ] || return 2
		[ -z "$line" ] || echo "$line" >>"$console" # half a line
		stop
		ended=deadline
	else
		reap
	fi
	return 1
}

reap() {
	exec {to}>&- {from}<&-
	ended=0
	wait "$qemu" || ended=$?
	qemu=''
}

# stop: ends the machine at once, as a loss of power does.
stop() {
	[ -n "$qemu" ] || return 0
	kill -KILL "$qemu" || :
	reap 2>/dev/null
}

# await REGEX: until such a line is on the console.
await() {
	while next_line; do
		if [[ $line =~ $1 ]]; then return; fi
	done
	fail "no line '$1' (the machine's end: $ended)"
}

# tell LINE: types it into the console.
tell() {
	echo "$1" >&"$to"
}

# finish: until the machine ends by itself. Fails if it does not, or by a panic.
finish() {
	while next_line; do :; done
	[ "$ended" = 0 ] || fail "the machine's end: $ended" || return
	unseen 'Kernel panic'
}

# booted INITRAMFS WORDS [DISK...]: a whole boot, to the end of an init_script.
booted() {
	boot "$@"
	finish
	saw '^init: done'
}

# saw REGEX..., unseen REGEX...: what the console has, and has not.
saw() {
	local regex
	for regex; do
		grep -qE -e "$regex" "$console" || fail "not on the console: $regex" || return
	done
}
unseen() {
	local regex
	for regex; do
		! grep -qE -e "$regex" "$console" || fail "on the console: $regex" || return
	done
}

# scenario NAME COMMAND...: one test, which passes if COMMAND does, run under set -e in a process of its own. When it
# fails, what it printed and the console's end are why.
scenario() {
	local name=$1 status=0
	shift
	rm -f "$console"
	# With || after it, set -e would be off inside.
	set +e
	(
		set -e
		trap stop EXIT
		trap 'exit 1' HUP INT TERM
		"$@"
	) >"$tmp/said" 2>&1
	status=$?
	set -e
	tests=$((tests + 1))
	if [ "$status" = 0 ]; then
		echo "ok - $name"
		sed -n 's/^figure: /# /p' "$tmp/said"
		return
	fi
	echo "not ok - $name"
	tail -n 20 "$tmp/said" | cut -c1-300 | sed 's/^/# /'
	[ ! -e "$console" ] || tail -n 40 "$console" | cut -c1-300 | sed 's/^/#   | /'
}

# all_ran: the last command of a file: says how many tests it had.
all_ran() {
	echo "1..$tests"
}
tests=0
