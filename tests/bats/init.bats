# SPDX-License-Identifier: MIT
# ovlinit from a script: what it composes, what it refuses, and that a refusal leaves nothing. Boots are in tests/boot.

setup_file() {
	load ../lib/helpers
	export INIT=$OVL_TOP/build/ovlinit root=$LAB/init newroot=$LAB/init/newroot
	mkdir "$root" "$newroot"
	export tree=$root/tree
	tree_init "$tree"
	top=$(tree_chain "$tree" 3 fill)
	base=$(tree_id 1) middle=$(tree_id 2)
	export top base middle
}

teardown_file() {
	rm -r --one-file-system "$LAB/init"
}

setup() {
	load ../lib/helpers
	mounts >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	undo
	[ ! -s "$BATS_TEST_TMPDIR/loops" ] || losetup -d $(<"$BATS_TEST_TMPDIR/loops")
}

# A root file system with an init, none of the directories to mount on, and a set-id program.
fill() {
	tree_busybox "$1"
	rmdir "$1"/{dev,proc,sys,run}
	mkdir "$1/sbin"
	printf '#!/bin/sh\n' >"$1/sbin/init"
	chmod 0755 "$1/sbin/init"
	install -m 4755 "$PROBES/probe" "$1/bin/setuid"
}

# compose [OPTION...]: the tree's layers on $newroot.
compose() {
	timeout 30 "$INIT" --newroot "$newroot" "$@"
}

# undo: what a booted system never does.
undo() {
	! mountpoint -q "$newroot" || umount "$newroot"
	for name in state disk root; do
		! mountpoint -q "/run/ovl/$name" || umount "/run/ovl/$name"
	done
	rm -rf --one-file-system /run/ovl
}

# nothing_left: neither a mount nor a file.
nothing_left() {
	mounts | diff "$BATS_TEST_TMPDIR/before" -
	[ ! -e /run/ovl ]
	[ -z "$(ls -A "$newroot")" ]
}

# fails MESSAGE COMMAND...: status 1, nothing on standard output, the message, nothing left.
fails() {
	local message=$1
	shift
	run --separate-stderr "$@"
	[ "$status" = 1 ] || fail "status $status: $output $stderr"
	[ -z "$output" ]
	[[ $stderr == "ovlinit: cannot $message"* ]] || fail "it says: $stderr"
	nothing_left
}

# disk NAME SIZE COMMAND...: makes a file system with COMMAND on the file NAME and a loop device of it: sets device.
disk() {
	local file=$root/$1 size=$2
	shift 2
	rm -f "$file"
	truncate -s "$size" "$file"
	"$@" "$file" >/dev/null
	device=$(losetup --show -f "$file")
	echo "$device" >>"$BATS_TEST_TMPDIR/loops"
}

# with_tree FORMAT...: a disk with a copy of the tree at its default place, cleanly unmounted.
with_tree() {
	disk disk 300m "$@"
	mkdir "$root/mnt"
	mount "$device" "$root/mnt"
	cp -a "$tree" "$root/mnt/overlay2"
	umount "$root/mnt"
	rmdir "$root/mnt"
}

cmdline() {
	printf '%s\n' "$*" >"$BATS_TEST_TMPDIR/cmdline"
	unshare --mount -- sh -c 'mount --bind "$0" /proc/cmdline && exec "$@"' "$BATS_TEST_TMPDIR/cmdline" \
		timeout 30 "$INIT" --newroot "$newroot" --cmdline "${options[@]}"
}

@test "a read-only root: exactly the layers, the mount points, set-id programs" {
	run compose --tree "$tree" --stack "$top" --upper none
	assert_success
	refute_output
	assert_equal "$(cat "$newroot"/layer{1,2,3})" $'1\n2\n3'
	run findmnt -n -o OPTIONS "$newroot"
	assert_output --regexp '^ro,relatime,'
	assert_equal "$(cd "$newroot" && stat -c '%n %F %a %u' dev proc sys run)" \
		$'dev directory 755 0\nproc directory 755 0\nsys directory 755 0\nrun directory 755 0'
	run ! touch "$newroot/x"
	assert_equal "$(stat -c '%a %u' /run/ovl)" '700 0'
	run ! as_user ls /run/ovl
	assert_equal "$(as_user "$newroot/bin/setuid" ids | grep ^uid:)" 'uid: 65534 0 0'
}

@test "the same layers by link, by a list, one alone" {
	compose --tree="$tree" --stack="$(tree_link 3)" --upper=none
	assert_equal "$(cat "$newroot"/layer{1,2,3})" $'1\n2\n3'
	undo
	compose --tree "$tree" --stack "$top:$(tree_link 1)" --upper none
	assert_equal "$(cat "$newroot"/layer{1,3})" $'1\n3'
	[ ! -e "$newroot/layer2" ]
	undo
	compose --tree "$tree" --stack "$base" --upper none
	assert_equal "$(cd "$newroot" && echo layer*)" layer1
	undo
	compose --tree "$tree" --stack "$base" # one layer below an upper
	assert_equal "$(cd "$newroot" && echo layer*)" layer1
}

@test "128 layers, and 400" {
	for depth in 128 400; do
		tree_init "$root/deep"
		deepest=$(tree_chain "$root/deep" $depth)
		for upper in none tmpfs; do
			compose --tree "$root/deep" --stack "$deepest" --upper $upper
			assert_equal "$(cd "$newroot" && ls | grep -c layer)" $depth
			undo
		done
		rm -r "$root/deep"
	done
}

@test "an upper in memory, of a size" {
	compose --tree "$tree" --stack "$top" --upper tmpfs:1m
	echo word >"$newroot/etc/word"
	rm "$newroot/layer1"
	[ ! -e "$newroot/layer1" ]
	[ -e "$tree/$base/diff/layer1" ]
	run dd if=/dev/zero of="$newroot/big" bs=1k count=2048
	assert_failure
	assert_output --partial 'No space left'
	undo
	compose --tree "$tree" --stack "$top"
	[ ! -e "$newroot/etc/word" ]
	[ -e "$newroot/layer1" ]
	assert_equal "$(cd "$newroot" && stat -c '%F %a' dev proc sys run | sort -u)" 'directory 755'
}

@test "an upper in a directory is kept, also under a changed stack" {
	compose --tree "$tree" --stack "$top" --upper "$root/state/a.b,c//"
	echo word >"$newroot/etc/word"
	undo
	assert_equal "$(stat -c %a "$root/state/a.b,c")" 700
	compose --tree "$tree" --stack "$middle" --upper "$root/state/a.b,c"
	assert_equal "$(<"$newroot/etc/word")" word
	[ ! -e "$newroot/layer3" ]
	undo
	rm -r "$root/state"
}

@test "a tree and an upper on one disk: by path, LABEL= and UUID=; the tree stays read-only" {
	with_tree mkfs.ext4 -q -L "my trees"
	for spec in "$device" "LABEL=my trees" "UUID=$(blkid -p -s UUID -o value "$device" | tr a-f A-F)"; do
		compose --root "$spec" --stack "$top" --upper "$spec:/state/one"
		assert_equal "$(cat "$newroot"/layer{1,2,3})" $'1\n2\n3'
		echo "$spec" >>"$newroot/etc/word"
		run ! touch /run/ovl/root/overlay2/x
		run findmnt -n -f -d backward -o VFS-OPTIONS /run/ovl/root # below it may be that of a machine booted so
		assert_output ro,nosuid,nodev,noexec,relatime
		undo
	done
	compose --root "$device" --stack "$top" --upper "$device:state/one"
	assert_equal "$(wc -l <"$newroot/etc/word")" 3
}

@test "xfs and squashfs are recognized; a tree at another place; a type by name" {
	with_tree mkfs.xfs -q -L trees
	compose --root LABEL=trees --stack "$top" --upper "LABEL=trees:state" --rootfstype xfs
	assert_equal "$(<"$newroot/layer3")" 3
	echo word >"$newroot/etc/word"
	undo
	compose --root "$device" --stack "$top" --upper "$device:state" --tree overlay2/
	assert_equal "$(<"$newroot/etc/word")" word
}

@test "a device that appears late is waited for, no longer than said" {
	fails 'find device LABEL=late: it did not appear in time' compose --root LABEL=late --stack "$top" --wait 0
	with_tree mkfs.ext4 -q -L late
	losetup -d "$device"
	# The socket for uevents and a sleep show that it waits: only then the device is made.
	timeout 30 "$INIT" --newroot "$newroot" --root LABEL=late --stack "$top" --upper none --wait 600 3>&- &
	pid=$!
	until child=$(pgrep -P $pid) && ls -l "/proc/$child/fd" | grep -q socket: && grep -q '^State:.S' "/proc/$child/status"; do
		kill -0 $pid
	done
	losetup --show -f "$root/disk" >"$BATS_TEST_TMPDIR/loops"
	wait $pid
	assert_equal "$(<"$newroot/layer3")" 3
}

@test "root's mode, owner and access list are the image's, whatever the upper" {
	chmod 0751 "$tree/$top/diff"
	chown 5:6 "$tree/$top/diff"
	setfacl -m u:7:rx "$tree/$top/diff"
	for upper in none tmpfs "$root/state"; do
		compose --tree "$tree" --stack "$top" --upper $upper
		assert_equal "$(stat -c '%a %u %g' "$newroot")" '751 5 6'
		assert_equal "$(getfacl -cp "$newroot")" "$(getfacl -cp "$tree/$top/diff")"
		undo
		compose --tree "$tree" --stack "$top" --upper $upper # one that is there already, too
		assert_equal "$(stat -c '%a %u %g' "$newroot")" '751 5 6'
		undo
		rm -rf "$root/state"
	done
	setfacl -b "$tree/$top/diff"
	chmod 0755 "$tree/$top/diff"
	chown 0:0 "$tree/$top/diff"
}

@test "a boot that died while it made the upper is made good" {
	mkdir -m 0700 "$root/state" "$root/state/diff.new"
	compose --tree "$tree" --stack "$top" --upper "$root/state"
	assert_equal "$(stat -c %a "$newroot")" 755
	undo
	rm -r "$root/state"
}

@test "damaged trees: a message that names it, and nothing left" {
	cp -a "$tree" "$root/bad"
	bad() {
		fails "$1" compose --tree "$root/bad" --stack "$top" --upper "$root/state"
		[ ! -e "$root/state" ]
		rm -r "$root/bad"
		cp -a "$tree" "$root/bad"
	}
	ln -sfn ../../etc "$root/bad/l/$(tree_link 2)"
	bad "use $root/bad/l/$(tree_link 2): its target is not ../<cache-id>/diff"
	rm "$root/bad/l/$(tree_link 1)"
	bad "read $root/bad/l/$(tree_link 1): No such file"
	rm -r "$root/bad/$base/diff"
	bad "find $root/bad/$base/diff: No such file"
	echo >>"$root/bad/$top/lower"
	bad "read $top/lower: not a list"
	chown 12 "$root/bad/$middle"
	bad "trust $root/bad/$middle: not owned by root"
	chmod g+w "$root/bad/l"
	bad "trust $root/bad/l: writable by others"
	rm -r "$root/bad/$top"
	bad "find $root/bad/$top: No such file"
	rm -r "$root/bad/l"
	bad "use tree $root/bad: it has no l/ directory"
	chmod 0777 "$root/bad"
	bad "trust $root/bad: writable by others"
	rm -r "$root/bad"
	ln -s "$tree" "$root/bad"
	fails "open $root/bad: a symlink" compose --tree "$root/bad" --stack "$top"
	rm "$root/bad"
	fails "open $root/bad: No such file" compose --tree "$root/bad" --stack "$top"
	fails "use layer nonsense" compose --tree "$tree" --stack nonsense
	fails "use layer $base: it stands in the stack twice" compose --tree "$tree" --stack "$base:$top:$base"
}

@test "the fallback stack, its upper in memory" {
	run compose --tree "$tree" --stack "$(tree_link 9)" --fallback "$middle" --upper "$root/state"
	assert_success
	assert_line --index 0 "ovlinit: cannot read $tree/l/$(tree_link 9): No such file or directory"
	assert_output --partial "ovlinit: note: trying the fallback stack $middle; nothing that is written will be kept"
	assert_equal "$(cd "$newroot" && echo layer*)" 'layer1 layer2'
	echo word >"$newroot/word"
	[ ! -e "$root/state" ]
	undo
	run compose --tree "$tree" --stack "$(tree_link 9)" --fallback "$middle" --upper none
	assert_success
	run ! touch "$newroot/word"
	undo
	run compose --tree "$tree" --stack "$(tree_link 9)" --fallback "$(tree_link 8)"
	assert_failure 1
	assert_output --partial "cannot read $tree/l/$(tree_link 9)"
	assert_output --partial "cannot read $tree/l/$(tree_link 8)"
	nothing_left
}

@test "init is looked for in the stack itself, before anything is written" {
	ln -s /bin/sh "$tree/$top/diff/absolute"
	ln -s /layer3 "$tree/$top/diff/plain"
	ln -s "$newroot" "$tree/$top/diff/outside"
	for init in /sbin/init /absolute; do
		compose --tree "$tree" --stack "$top" --init $init --upper "$root/state"
		undo
		rm -r "$root/state"
	done
	for init in /none /layer3 /plain /etc /outside "$PROBES/probe"; do
		fails "boot $init of the stack: " compose --tree "$tree" --stack "$top" --init "$init" --upper "$root/state"
		[ ! -e "$root/state" ]
	done
	# It is more than an executable file: what runs it is there, too.
	printf '#!/no/such\n' >"$tree/$top/diff/script"
	printf 'no program\n' >"$tree/$top/diff/text"
	chmod 0755 "$tree/$top/diff"/{script,text}
	fails 'boot /script of the stack: it is there, but not what is to run it' \
		compose --tree "$tree" --stack "$top" --init /script --upper "$root/state"
	fails 'boot /text of the stack: Exec format error' \
		compose --tree "$tree" --stack "$top" --init /text --upper "$root/state"
	[ ! -e "$root/state" ]
	run ! pgrep -x script # it was never run
	# What an upper holds counts.
	mkdir -p -m 0700 "$root/state/diff/sbin"
	chmod 0755 "$root/state/diff"
	mknod "$root/state/diff/sbin/init" c 0 0
	fails "boot /sbin/init of the stack: No such file" compose --tree "$tree" --stack "$top" --init /sbin/init \
		--upper "$root/state"
	rm -r "$root/state" "$tree/$top/diff"/{absolute,plain,outside,script,text}
}

@test "mount points that are no directories" {
	ln -s /etc "$tree/$top/diff/run"
	fails 'mount on /run: not a directory in this stack' compose --tree "$tree" --stack "$top"
	[ -z "$(ls -A "$tree/$base/diff/etc" | grep -vE 'passwd|group')" ]
	compose --tree "$tree" --stack "$top" --upper none # the generated directory covers it
	assert_equal "$(stat -c %F "$newroot/run")" directory
	undo
	rm "$tree/$top/diff/run"
}

@test "an upper that others could write, or that leads elsewhere" {
	upper() {
		fails "$1" compose --tree "$tree" --stack "$top" --upper "$root/state"
		rm -r "$root/state"
	}
	mkdir -p "$root/victim" "$root/state/work"
	ln -s ../victim "$root/state/diff"
	upper "use $root/state/diff: not a directory"
	mkdir "$root/state"
	ln -s ../victim "$root/state/work"
	upper "use $root/state/work: not a directory"
	mkdir "$root/state"
	chown 12 "$root/state"
	upper "trust $root/state: not owned by root"
	mkdir -m 0777 "$root/state"
	upper "trust $root/state: writable by others"
	ln -s victim "$root/state"
	fails "open $root/state: a symlink" compose --tree "$tree" --stack "$top" --upper "$root/state"
	fails "open $root/state: a symlink" compose --tree "$tree" --stack "$top" --upper "$root/state/a"
	rm "$root/state"
	[ -z "$(ls -A "$root/victim")" ]
	rmdir "$root/victim"
}

@test "a work directory that the kernel cannot clean is no silent read-only root" {
	compose --tree "$tree" --stack "$top" --upper "$root/state"
	undo
	mkdir -p "$root/state/work/work/a/b/c"
	fails "mount overlay on $newroot: the kernel made it read-only" compose --tree "$tree" --stack "$top" \
		--upper "$root/state"
	rm -r "$root/state"
}

@test "a boot that fails changes no byte of the disk" {
	with_tree mkfs.ext4 -q
	sync -f "$root/disk"
	local before
	before=$(sha256sum <"$root/disk")
	for options in "--stack $(tree_link 9)" "--stack $top --init /none" "--stack $top --tree /nowhere" \
		"--stack $(tree_link 9) --fallback $(tree_link 8)"; do
		# shellcheck disable=SC2086 # a list of words
		run compose --root "$device" --upper "$device:/state" $options
		assert_failure 1
		nothing_left
		assert_equal "$(sha256sum <"$root/disk")" "$before"
	done
	# And the one that does not fail does.
	compose --root "$device" --upper "$device:/state" --stack "$top"
	undo
	[ "$(sha256sum <"$root/disk")" != "$before" ]
}

@test "devices that do not do" {
	with_tree mkfs.ext4 -q
	losetup -d "$device"
	device=$(losetup -r --show -f "$root/disk")
	echo "$device" >"$BATS_TEST_TMPDIR/loops"
	compose --root "$device" --stack "$top"
	undo
	fails "make writable $device: " compose --root "$device" --stack "$top" --upper "$device:state"
	fails "mount $device as xfs: it is no such file system" compose --root "$device" --rootfstype xfs --stack "$top"
	fails "mount $device as nofs: the kernel does not know" compose --root "$device" --rootfstype nofs --stack "$top"
	fails "find device $root/disk: " compose --root "$root/disk" --stack "$top" --wait 0
	disk empty 1m true
	fails "mount $device: no file system is recognized" compose --root "$device" --stack "$top"
}

@test "the kernel's command line, and options that win over it" {
	options=()
	run cmdline "quiet ovl.tree=$tree ovl.stack=$top ovl.upper=none ovl.bad root=/dev/sda1"
	assert_failure 1
	assert_line --index 0 'ovlinit: cannot use ovl.bad: no such word'
	run cmdline "quiet ovl.tree=$tree ovl.stack=$top ovl.upper=none ovl.init=/none -- ovl.bad"
	assert_failure 1
	assert_line --index 0 'ovlinit: cannot boot /none of the stack: No such file or directory'
	run cmdline "quiet ovl.tree=$tree ovl.stack=$top init=/none"
	assert_failure 1
	assert_line --index 0 'ovlinit: cannot boot /none of the stack: No such file or directory'
	options=(--init /sbin/init)
	run cmdline "quiet ovl.tree=$tree ovl.stack=$top ovl.upper=none init=/none"
	assert_success
	mounts | diff "$BATS_TEST_TMPDIR/before" - # they were in a namespace of their own
}

@test "a command line of 4 KiB: a message, and the fallback that was in it" {
	options=()
	run cmdline "ovl.tree=$tree ovl.fallback=$middle ovl.stack=$top ovl.debug $(printf 'x%.0s' {1..4096})"
	assert_success
	assert_line --index 0 'ovlinit: cannot use the kernel command line: it has more than 4,095 bytes'
	assert_output --partial "trying the fallback stack $middle"
	rm -rf /run/ovl
	run cmdline "ovl.tree=$tree ovl.stack=$top $(printf 'x%.0s' {1..3900}) ovl.wait=1"
	assert_success
	refute_output
	rm -rf /run/ovl
	# A word that the end cuts is not half a word.
	line="ovl.tree=$tree ovl.stack=$top"
	run cmdline "$line $(printf 'x%.0s' $(seq $((4070 - ${#line})))) ovl.fallback=$base"
	assert_failure 1
	assert_output 'ovlinit: cannot use the kernel command line: it has more than 4,095 bytes'
}

@test "a second composition is refused and leaves the first" {
	compose --tree "$tree" --stack "$top" --upper none
	run compose --tree "$tree" --stack "$middle" --upper none
	assert_failure 1
	assert_line --index 0 'ovlinit: cannot make directory /run/ovl: ovlinit has composed something already'
	assert_line --index 1 'ovlinit: hint: to do it again, unmount that and all in there, and remove it'
	assert_equal "$(<"$newroot/layer3")" 3
}

@test "a new root that a script has mounted stays when nothing can be composed on it" {
	mount -t tmpfs own "$newroot"
	run compose --tree "$tree" --stack "$(tree_link 9)"
	assert_failure 1
	assert_equal "$(findmnt -n -o SOURCE "$newroot")" own
	run compose --tree "$tree" --stack "$top" --init /none
	assert_failure 1
	assert_equal "$(findmnt -n -o SOURCE "$newroot")" own
	umount "$newroot"
}

@test "wrong options" {
	for wrong in "--stack $top" "--tree $tree" "--tree $tree --stack" "--tree $tree --stack $top --stack $top" \
		"--tree $tree --stack $top extra" "--tree $tree --stack $top --uppers none" \
		"--tree $tree --stack $top --upper memory" "--tree $tree --stack $top --wait soon" \
		"--tree $tree --stack $top --onfail panic" "--tree $tree --stack $top --root sda1"; do
		# shellcheck disable=SC2086 # a list of words
		fails 'use ' compose $wrong
	done
	fails 'use --switch: only the first process' compose --tree "$tree" --stack "$top" --switch
	fails 'use newroot=relative: not the absolute path' "$INIT" --newroot relative --tree "$tree" --stack "$top"
	fails 'start without --newroot DIR' "$INIT"
	fails "mount on $root/none: No such file" "$INIT" --newroot "$root/none" --tree "$tree" --stack "$top"
	# With a fallback, too, it is refused, and is not looked for in the tree.
	(cd "$tree" && fails 'use newroot=l: not the absolute path' \
		"$INIT" --newroot l --tree "$tree" --stack "$top" --fallback "$base")
	for wrong in // /. /..  /srv/.. /proc/1/root; do
		fails "mount on $wrong: it is the root directory" "$INIT" --newroot $wrong --tree "$tree" --stack "$top"
	done
	run unshare --pid --fork --kill-child "$INIT" --newroot /run/new --tree "$tree" --stack "$top" --switch
	assert_line --index 0 'ovlinit: cannot use newroot=/run/new: /run is to be moved into it'
	# What is too long is refused, not cut: the beginning could be another tree.
	slashes=$(printf '/%.0s' {1..4096})
	fails "use $LAB/" compose --tree "$LAB$slashes${tree#"$LAB"}" --stack "$top"
	assert_regex "$stderr" 'name too long'
	fails 'use ' compose --tree "$tree" --stack "$top" --upper "$LAB${slashes}state"
	assert_regex "$stderr" 'name too long'
}

@test "the first process never ends, whatever fails: it halts, reboots or gives a shell" {
	# In a process namespace reboot(2) is a signal to it: the kernel says SIGINT for halting, SIGHUP for a new start.
	run unshare --pid --fork "$INIT" --newroot "$newroot" --tree "$tree" --stack "$(tree_link 9)" --switch
	assert_equal "$status" 130
	assert_line --index 2 'ovlinit: note: nothing could be booted: halting'
	run unshare --pid --fork "$INIT" --newroot "$newroot" --tree "$tree" --stack "$(tree_link 9)" --onfail reboot --switch
	assert_equal "$status" 129
	assert_output --partial 'nothing could be booted: rebooting in 5 seconds'
	# It would end, with nothing to follow it.
	run unshare --pid --fork "$INIT" --newroot "$newroot" --tree "$tree" --stack "$top"
	assert_equal "$status" 130
	assert_line --index 0 'ovlinit: cannot use no --switch: when the first process ends, so does the machine'
	nothing_left
}

# box: a tmpfs with ovlinit and the tree, which is a mount of its own there; run in it as the first process.
box() {
	mkdir "$root/box"
	mount -t tmpfs -o mode=0755 box "$root/box"
	mkdir "$root/box/tree" "$root/box/new" "$root/box/precious"
	cp "$INIT" "$root/box/ovlinit"
	mount --bind "$tree" "$root/box/tree"
}
in_box() {
	unshare --mount --pid --fork --kill-child chroot "$root/box" /ovlinit --newroot /new "$@"
}
unbox() {
	umount -R "$root/box"
	rmdir "$root/box"
}

@test "--switch: init gets every argument; what is no initramfs of the machine is not emptied" {
	box
	printf '#!/bin/sh\necho "$$ $# ${70}"; ls -d /precious /layer3; umount /proc; exit 3\n' >"$tree/$top/diff/count"
	chmod 0755 "$tree/$top/diff/count"
	run in_box --tree /tree --stack "$top" --init /count --switch -- $(seq 70)
	assert_equal "$status" 3
	assert_line --index 0 '1 70 70'
	assert_line '/layer3'
	refute_line '/precious'
	[ -e "$root/box/precious" ]
	[ -e "$root/box/ovlinit" ]
	rm "$tree/$top/diff/count"
	unbox
}

@test "--switch: a tree or an upper among the files that will be removed is refused" {
	box
	cp -a "$tree" "$root/box/own"
	run in_box --tree /own --stack "$top" --switch
	assert_equal "$status" 130
	assert_line --index 0 'ovlinit: cannot use /own: it is in the initramfs, whose files will be removed'
	with_tree mkfs.ext4 -q
	before=$(sha256sum <"$root/disk")
	run in_box --tree /own --stack "$top" --upper "$device:/state" --switch
	assert_line --index 0 'ovlinit: cannot use /own: it is in the initramfs, whose files will be removed'
	assert_equal "$(sha256sum <"$root/disk")" "$before"
	run in_box --tree /tree --stack "$top" --upper /state --switch
	assert_line --index 0 'ovlinit: cannot use the upper: it is in the initramfs, whose files will be removed'
	unbox
}

@test "a disk that a script has mounted read-only is so again after an error" {
	with_tree mkfs.ext4 -q
	mkdir "$root/mnt"
	mount -o ro "$device" "$root/mnt"
	mounts >"$BATS_TEST_TMPDIR/before"
	compose --root "$device" --stack "$top" --upper "$device:/state" # makes the work directory
	undo
	umount "$root/mnt"
	mount "$device" "$root/mnt"
	mkdir -p "$root/mnt/state/work/work/a/b/c" # the mount fails, when the disk is writable already
	umount "$root/mnt"
	mount -o ro "$device" "$root/mnt"
	mounts >"$BATS_TEST_TMPDIR/before"
	fails "mount overlay on $newroot: the kernel made it read-only" \
		compose --root "$device" --stack "$top" --upper "$device:/state"
	assert_equal "$(findmnt -n -o FS-OPTIONS "$root/mnt" | cut -d , -f 1)" ro
	umount "$root/mnt"
	rmdir "$root/mnt"
}

@test "a disk that the system has mounted writable stays so after an error" {
	with_tree mkfs.btrfs -q
	mkdir "$root/mnt"
	mount "$device" "$root/mnt"
	mounts >"$BATS_TEST_TMPDIR/before"
	fails 'boot /none of the stack' compose --root "$device" --stack "$top" --upper "$device:/state" --init /none
	touch "$root/mnt/x"
	umount "$root/mnt"
	rmdir "$root/mnt"
}

@test "one that was interrupted while it waited is no composition" {
	run timeout -s INT 1 "$INIT" --newroot "$newroot" --root LABEL=none --stack "$top" --wait 20
	compose --tree "$tree" --stack "$top"
}

@test "help and version" {
	run "$INIT" --help
	assert_success
	assert_line --index 0 'Usage: ovlinit --newroot DIR [OPTION...] [--switch [-- ARG...]]'
	run "$INIT" --version
	assert_success
	assert_output --regexp '^ovlinit [0-9.]+$'
}
