# SPDX-License-Identifier: MIT
# ovlctl diff: what changed, by Docker's rules, without mounting. The truth is what the kernel shows.

setup_file() {
	load ../lib/helpers
	export root=$LAB/ctl-diff CTL=$OVL_TOP/build/san/ovlctl
	export tree=$root/overlay2 LAYERS=4
	export ASAN_OPTIONS=detect_leaks=0 # what is read stays until the end
	mkdir -p "$root/old" "$root/new" "$root/none"
	tree_init "$tree"
}

teardown_file() {
	rm -r "$LAB/ctl-diff"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
}

teardown() {
	for dir in old new; do
		! mountpoint -q "$root/$dir" || umount "$root/$dir"
	done
	for layer in "$tree"/*; do
		[ "$layer" = "$tree/l" ] || rm -r "$layer"
	done
	rm -f "$tree"/l/*
	rm -rf "$root/image" "$root/containers"
}

diff_of() {
	run "$CTL" diff -r "$tree" "$@"
}

# show DIR TOP: mounts the layers TOP to 1 as the kernel shows them.
show() {
	local lower='' n
	for ((n = $2; n > 0; n--)); do
		lower=$lower$(tree_id "$n")/diff:
	done
	(cd "$tree" && mount -t overlay -o "ro,redirect_dir=nofollow,lowerdir=$lower$root/none" truth "$root/$1")
}

# agree DIFF_ARGUMENTS OLD NEW: ovlctl says what the mounted directories show.
agree() {
	# shellcheck disable=SC2086 # may be two
	"$CTL" diff -r "$tree" $1 >"$root/said" || [ $? = 1 ]
	perl "$OVL_TOP/tests/lib/changes.pl" changes "$root/$2" "$root/$3" >"$root/true"
	diff "$root/true" "$root/said"
	lines=$((lines + $(wc -l <"$root/true"))) deleted=$((deleted + $(sed -n '/^D/p' "$root/true" | wc -l)))
}

# two_layers COMMANDS TOP_COMMANDS: the base is filled by shell commands, the layer above is a copy, changed by others.
two_layers() {
	top=$(tree_chain "$tree" 2)
	rm "$tree"/*/diff/*
	lower=$tree/$(tree_id 1)/diff upper=$tree/$(tree_id 2)/diff
	(cd "$lower" && eval "$1")
	cp -a "$lower/." "$upper"
	(cd "$upper" && eval "$2")
}

@test "diff: each kind of change, with the directories that it is in; what is not changed is not told" {
	two_layers 'mkdir -p etc/deep/er same gone; echo a >etc/deep/er/f; echo b >etc/g; ln -s x sym; echo k >same/k; echo >gone/x
		mkdir opaque; echo >opaque/lost; echo >opaque/kept; mkdir dir; echo >dir/in; echo >file' \
		'rm -r gone; mknod gone c 0 0; echo aa >etc/deep/er/f; mkdir new; echo >new/n; ln -sfn y sym
		rm opaque/lost; setfattr -n trusted.overlay.opaque -v y opaque; rm -r dir; echo >dir; rm file; mkdir file; echo >file/in'
	diff_of "$top"
	assert_failure 1
	assert_output 'C /dir
C /etc
C /etc/deep
C /etc/deep/er
C /etc/deep/er/f
C /file
A /file/in
D /gone
A /new
A /new/n
C /opaque
D /opaque/lost
C /sym'
}

@test "diff: mode, owner, size, time and capabilities count; the time of a directory, and a missing fraction, do not" {
	two_layers 'for f in mode uid gid size time cap caps fraction second same; do echo $f >$f; touch -d 2026-01-01T00:00:00.5 $f; done
		mkdir dir dirmode; setcap cap_net_raw=ep caps' \
		'for f in size time cap; do cp -a $f x; mv x $f; done
		chmod 600 mode; chown 1 uid; chgrp 1 gid; echo more >>size; touch -d 2026-01-01T00:00:00.5 size
		touch -d 2026-01-01T00:00:00.6 time; touch -d 2026-01-01 fraction; touch -d 2026-01-01T00:00:01 second
		setcap cap_net_raw=ep cap; setcap cap_sys_admin=ep caps; touch -d 2025-01-01 dir; chmod 700 dirmode'
	diff_of "$top"
	assert_failure 1
	assert_output 'C /cap
C /caps
C /dirmode
C /gid
C /mode
C /second
C /size
C /time
C /uid'
}

@test "diff: nothing changed is success" {
	two_layers 'mkdir d; echo >d/f' ''
	diff_of "$top"
	assert_success
	assert_output ''
	diff_of "$top" "$top"
	assert_success
}

@test "diff: the names of images and containers; JSON; quiet" {
	tree_chain "$tree" 2 >/dev/null
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$(tree_id 2)")
	docker_container "$root" web "$image" "$(tree_id 2)" 7 >/dev/null
	echo >"$tree/$(tree_id 7)-init/diff/init" # not the container's
	printf 'x' >"$tree/$(tree_id 7)/diff/"$'new\nline\xff'
	run --separate-stderr "$CTL" diff -r "$root" --json web
	assert_failure 1
	assert_equal "$(jq -c . <<<"$output")" '[{"kind":"A","path":"/new\\x0aline\\xff"}]'
	run "$CTL" diff -r "$root" debian:12
	assert_output 'A /layer2'
	run "$CTL" diff -r "$root" -q debian:12 web
	assert_failure 1
	assert_output '/init
/new\x0aline\xff'
	run "$CTL" diff -r "$root" web debian:12
	assert_line 'D /init'
	run "$CTL" diff -r "$root" debian:13
	assert_failure 2
}

@test "diff: an image or a container without its layers is an error, not empty" {
	tree_chain "$tree" 2 >/dev/null
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$(tree_id 2)")
	docker_container "$root" web "$image" "$(tree_id 2)" 7 >/dev/null
	rm -r "${tree:?}/$(tree_id 7)"
	run "$CTL" diff -r "$root" web
	assert_failure 2
	assert_output --partial 'its layer is not in the tree'
	rm -r "${tree:?}/$(tree_id 2)"
	run "$CTL" diff -r "$root" debian:12
	assert_failure 2
	assert_output --partial 'names no layer of the tree'
}

@test "diff: the view is the kernel's, for trees grown at random" {
	lines=0 deleted=0
	for seed in 1 2 3 4 105; do # in the last, things differ in the fraction of a second only
		tree_chain "$tree" "$LAYERS" >/dev/null
		tree_layer "$tree" "$(tree_id 99)" "$(tree_link 99)" # empty
		dirs=()
		for ((n = 1; n <= LAYERS; n++)); do
			dirs+=("$tree/$(tree_id "$n")/diff")
		done
		perl "$OVL_TOP/tests/lib/changes.pl" grow $seed "${dirs[@]}"
		for ((n = 1; n <= LAYERS; n++)); do
			show new "$n"
			agree "$(tree_id 99) $(tree_id "$n")" none new
			if [ "$n" -gt 1 ]; then
				show old $((n - 1))
				agree "$(tree_id "$n")" old new
				agree "$(tree_id "$n") $(tree_id $((n - 1)))" new old # which no engine could tell
				umount "$root/old"
			fi
			umount "$root/new"
		done
		teardown
	done
	[ "$lines" -gt 1000 ] # each of them was a test
	[ "$deleted" -gt 50 ]
}

@test "diff: deletions by attributes" {
	two_layers 'echo a >a; echo b >b; mkdir d; echo >d/x' \
		'rm -r *; setfattr -n trusted.overlay.opaque -v x .; : >a; setfattr -n trusted.overlay.whiteout a
		echo b >b; setfattr -n trusted.overlay.whiteout b; touch -r "$lower/b" b' # b is not empty, so it is none
	diff_of "$top"
	assert_output 'D /a'
}

@test "diff: a renamed directory is told, not followed" {
	two_layers 'mkdir secret pub; echo >secret/k; echo >pub/p' \
		'rm -r secret pub/p; setfattr -n trusted.overlay.redirect -v /secret pub'
	run --separate-stderr "$CTL" diff -r "$tree" "$top"
	assert_output 'C /pub
D /pub/p'
	assert_regex "$stderr" 'not followed: a launch refuses them \(EPERM\)'
}

@test "diff: symlinks in a layer lead nowhere; a layer that is one is refused" {
	mkdir "$root/away"
	echo >"$root/away/a"
	two_layers 'mkdir d; echo >d/x; ln -s "$root/away" e' 'rm -r d e; ln -s /etc d; mkdir e; echo >e/x'
	diff_of "$top"
	rm -r "$root/away"
	assert_output $'C /d\nC /e\nA /e/x'
	mv "$upper" "$root/away"
	ln -s "$root/away" "$upper"
	diff_of "$top"
	rm -r "$root/away"
	assert_failure 2
	assert_output --partial "$upper"
}

@test "diff: deeper than a path can be is an error that names it, in a moment" {
	two_layers '' 'perl -e "for (1 .. 5000) { mkdir q(dddd); chdir q(dddd) or die }"'
	run timeout "$PATIENCE" "$CTL" diff -r "$tree" "$top"
	assert_failure 2
	assert_output --partial 'File name too long'
	(cd "$upper" && perl -e 'my $n = 0; $n++ while chdir q(dddd); chdir q(..), rmdir q(dddd) while $n--')
}

@test "diff: for whom the marks are invisible it is refused" {
	two_layers '' 'echo >f'
	run setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$CTL" diff -r "$tree" "$top"
	assert_failure 2
	assert_output --partial 'only root can see'
}

@test "diff: marks that cannot be read are an error, not none" {
	two_layers 'mkdir d; echo >d/x; echo >w' 'rm d/x; setfattr -n trusted.overlay.opaque -v y d; : >w; setfattr -n trusted.overlay.whiteout w'
	diff_of "$top"
	assert_output $'C /d\nD /d/x\nD /w'
	run strace -f -qq -o /dev/null -e inject=lgetxattr:error=EIO:when=1 "$OVL_TOP/build/ovlctl" diff -r "$tree" "$top"
	assert_failure 2
	assert_output --partial "ovlctl: cannot read $tree/"
	run unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$OVL_TOP/build/ovlctl" diff -r "$tree" "$top"
	assert_output $'C /d\nD /d/x\nD /w'
}

@test "diff: in a user namespace the marks are its root's" {
	two_layers 'mkdir d; echo >d/x; mkdir e; echo >e/x' \
		'rm d/x e/x; setfattr -n user.overlay.opaque -v y d; setfattr -n trusted.overlay.opaque -v y e'
	run unshare --user --map-root-user "$CTL" diff -r "$tree" "$top"
	assert_output 'C /d
D /d/x'
}

# podman_layers: three layers in the storage of Podman, $base, $middle and $upper, all empty; $top is the uppermost.
podman_layers() {
	local dir=$root/podman/overlay
	rm -rf "$root/podman"
	mkdir -p "$root/podman/overlay-layers" "$root/podman/overlay-images"
	tree_init "$dir"
	top=$(tree_chain "$dir" 3)
	base=$dir/$(tree_id 1)/diff middle=$dir/$(tree_id 2)/diff upper=$dir/$(tree_id 3)/diff
	rm "$dir"/*/diff/*
}

@test "diff: Podman's own mount points are left out, as Podman does" {
	podman_layers
	mkdir -p "$upper"/{run,proc,dev,data}
	echo >"$upper/run/mine"
	run "$CTL" diff -r "$root/podman" "$top"
	assert_output 'A /data
A /run/mine'
	rm -r "$root/podman"
}

@test "diff: Podman's rules for a layer and those below it" {
	podman_layers
	mkdir -p "$base"/{dir/deep,same,mode,time,rounded,opaque,hidden/sub,gone,owner} "$middle"/{hidden,new}
	touch "$base"/{dir/deep/f,owner/f,opaque/kept,opaque/lost,hidden/below,gone/f,file,copied,gone-again}
	touch -d '2020-01-01 00:00:00.5' "$base"/{dir,dir/deep,same,mode,owner,time,rounded}
	setfattr -n trusted.overlay.opaque -v y "$middle/hidden"
	mknod "$middle/gone" c 0 0
	mknod "$middle/gone-again" c 0 0
	ln -s nowhere "$middle/link"
	ln -s dir "$middle/link-dir"

	cp -a "$base"/{same,owner,mode,time,rounded,copied} "$upper"
	mkdir -p "$upper"/{dir/deep,opaque,hidden,gone,link-dir,opaque-new,new}
	echo more >"$upper/dir/deep/f"       # changes alone: directories that are as they were are not told
	touch -d '2020-01-01 00:00:00.5' "$upper"/dir "$upper"/dir/deep
	chown 1 "$upper/owner"               # no owner is looked at
	touch -d '2020-01-01 00:00:00.5' "$upper/same" "$upper/owner"
	chmod 0700 "$upper/mode"
	touch -d '2021-01-01' "$upper/time"
	touch -d '2020-01-01 00:00:01' "$upper/rounded" # up
	setfattr -n trusted.overlay.opaque -v y "$upper/opaque"
	setfattr -n trusted.overlay.opaque -v y "$upper/opaque-new"
	touch "$upper"/{opaque/kept,opaque/new,hidden/below,hidden/new,gone/f,link-dir/f,gone-again,opaque-new/f}
	touch -r "$middle/hidden" "$upper/hidden"
	mknod "$upper/file" c 0 0
	mknod "$upper/never" c 0 0           # nothing is below it
	ln -s elsewhere "$upper/link"
	mknod "$upper/new/x" c 0 0
	touch -r "$middle/new" "$upper/new"
	run "$CTL" diff -r "$root/podman" "$top"
	assert_output 'C /copied
C /dir/deep/f
D /file
A /gone
A /gone-again
A /gone/f
C /hidden
C /hidden/below
A /hidden/new
C /link
C /link-dir
A /link-dir/f
C /mode
D /never
C /new
D /new/x
D /opaque
A /opaque-new
A /opaque-new/f
C /opaque/kept
A /opaque/new
C /owner/f
C /time'
	assert_equal "$("$CTL" diff -r "$root/podman" "$(tree_id 2)" "$top")" "$output"
	rm -r "$root/podman"
}

@test "diff: between two stacks Podman has Docker's rules, and compares the users' attributes" {
	podman_layers
	mkdir "$base"/{d,plain} "$upper"/{d,plain}
	for file in d same other none more link; do
		touch "$base/$file" "$upper/$file" 2>/dev/null || :
		setfattr -n user.note -v value "$base/$file" "$upper/$file"
	done
	setfattr -n user.note -v other "$upper/other"
	setfattr -n user.note -v other "$upper/d"
	setfattr -x user.note "$upper/none"
	setfattr -n user.second -v value "$upper/more"
	setfattr -n user.overlay.origin -v value "$upper/same"
	touch -d '2020-01-01' "$base"/{same,other,none,more,link} "$upper"/{same,other,none,more,link}
	chown 1 "$upper/plain"
	run "$CTL" diff -r "$root/podman" "$(tree_id 1)" "$top"
	assert_output 'C /d
C /more
C /none
C /other
C /plain'
	# Docker compares no such attribute.
	mkdir "$root/docker"
	cp -a "$root/podman/overlay" "$root/docker/overlay2"
	run "$CTL" diff -r "$root/docker/overlay2" "$(tree_id 1)" "$top"
	assert_output 'C /plain'
	rm -r "$root/podman" "$root/docker"
}
