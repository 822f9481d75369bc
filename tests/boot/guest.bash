# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The core of ovlrun's own tests on the guest's kernel: the older mount API, no lowerdir+, no mapped ids on tmpfs, and
# all capabilities. The guest is a Debian in three layers, booted by ovlinit; its /sbin/init is guest-init.
#
# Each of its tests is one here. Sourced by run, after lib.bash.
# shellcheck disable=SC2034,SC2154

# core FILE REGEX: the guest has, of the tests of tests/FILE, those whose names match. The others are empty lines: even to
# read over them takes its time there.
core() {
	mkdir -p "$tmp/tests/${1%/*}"
	awk -v wanted="$2" '
		/^@test "/ { name = substr($0, 8); drop = name !~ wanted }
		{ print drop ? "" : $0 }
		/^}$/ { drop = 0 }
	' "$top/tests/$1" >"$tmp/tests/$1"
	wanted=$((wanted + $(grep -c '^@test "' "$tmp/tests/$1")))
	echo "$1" >>"$tmp/suites"
}

# What the guest runs: what the kernel has a part in. Under emulation a test takes thirty times as long, so these are
# left out: what is decided before the first mount (words, the tree's and the policy's checks, accounts), what needs
# hundreds of layers or launches that race, the tables of system calls that fail or at which the launch dies, what the
# other boots show of ovlinit, and of tests that have the kernel do the same thing all but one.
core_list() {
	core boot/guest-limits.bats .
	core bats/launch.bats '^(a l|-l|T05 every|T09|T38|T44|w|two|-r|a launch)'
	core bats/tree.bats '^(T20|T14|C24|T06 C09)'
	core bats/privs.bats '^(T16|T17|T19|T26 no|T29|T37|T38 (no|a drop)|T40|T44|T45)'
	core bats/userns.bats '^(root inside|the image|owners|chown|T56 (all|the mounts)|T16|inside|the tree may|/dev|with --unshare|T45|it leaves|a package)'
	core bats/upper.bats '^(the first|writes|T13 (a second|what|where|lowers on two)|T52|T53|an upper on)'
	core bats/rootfs.bats '^(/dev has|T19|T16 every|T54 (the|what the host covers|with)|T40|T29 the|T44 one.*bytes|--bare|an image from|/tmp)'
	core bats/init.bats '^(a read-only|an upper in|a tree and|root.s|a work|--switch: init|a disk that)'
	core bats/binds.bats '^(a directory|a read-only|T12 what the|T16|T19|T40|a bind over)'
}

# guest_tree DIR: the layers: Debian, the kernel's modules, and the tests with what was built.
guest_tree() {
	local layer
	tree_init "$1"
	tree_layer "$1" "$(tree_id 1)" "$(tree_link 1)"
	tree_layer "$1" "$(tree_id 2)" "$(tree_link 2)" "$(tree_id 1)"
	tree_layer "$1" "$(tree_id 3)" "$(tree_link 3)" "$(tree_id 2)"
	id=$(tree_id 3)
	tar --xattrs --xattrs-include='*' -x -C "$1/$(tree_id 1)/diff" <"$top/build/boot/debian.tar"
	tar -x -C "$1/$(tree_id 2)/diff" <"$top/build/boot/modules.tar"
	layer=$1/$id/diff
	mkdir -p "$layer/ovlrun" "$layer/usr/sbin"
	tar -C "$top" -c tests build/ovlinit build/ovlrun build/fault/ovlrun build/probes | tar -x -C "$layer/ovlrun"
	install -m 0755 "$top/tests/boot/guest-init" "$layer/usr/sbin/init"
	cp -r "$tmp/tests" "$layer/ovlrun/"
	cp "$tmp/suites" "$layer/suites"
	mkdir "$layer/etc"
	echo '127.0.0.1 localhost' >"$layer/etc/hosts"
}

# The second disk is the lab's: ids can be mapped on ext4, and not on this kernel's tmpfs.
guest_runs() {
	boot_memory=2048 boot_limit=2400
	boot_options=(-serial "file:$tmp/tap")
	modules="$modules loop"
	mkdir "$tmp/root"
	guest_tree "$tmp/root/overlay2"
	ext4 "$tmp/disk" 1g "$tmp/root"
	rm -rf "$tmp/root"
	truncate -s 2g "$tmp/lab"
	initramfs "$tmp/initramfs"
	boot "$tmp/initramfs" "ovl.root=/dev/vda ovl.stack=$id ovl.upper=tmpfs:512m" "$tmp/disk" "$tmp/lab"
	finish
	rm "$tmp/disk" "$tmp/lab"
	saw '^init: overlay as root'
	sed -n 's/^init: \(.*\)/figure: \1/p' "$console"
	[ "$(tail -n 1 "$tmp/tap")" = end ] || fail 'the guest did not come to the end of its tests'
}

# all_came_back: as many tests as were asked for, and as each file's plan says.
all_came_back() {
	local ran planned
	ran=$(grep -cE '^(not )?ok [0-9]+ ' "$tmp/tap")
	planned=$(sed -n 's/^1\.\.//p' "$tmp/tap" | awk '{ sum += $1 } END { print sum + 0 }')
	[ "$ran $planned" = "$wanted $wanted" ] || fail "$wanted wanted, $planned planned, $ran ran"
}

wanted=0
"$top/tests/boot/guest-debian" "$top/build/boot"
core_list
: >"$tmp/tap"
scenario '6.1: a Debian in three layers boots and runs the tests of ovlrun' guest_runs
scenario '6.1: every test wanted has run' all_came_back
awk '
	/^(not )?ok [0-9]+ / { sub(/ok [0-9]+ /, "ok - 6.1: ") }
	/^end$|^1\.\./ { next }
	/^(not )?ok - / || /^#/ { print; next }
	{ print "# " $0 }
' "$tmp/tap"
tests=$((tests + $(grep -cE '^(not )?ok [0-9]+ ' "$tmp/tap" || [ $? = 1 ])))
all_ran
