# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# TAP, and the views that are compared. Sourced by run.
#
# A view is a sorted list, one line a path, as lister.c prints it; the time of "/" is left out, because every
# mount has a directory of its own on top there: the generated one of ovlrun, the upper one of a container.
#
# The layers launched are in $tree, $ids and $dirs, uppermost first: set by the engine's file.

tests=0 failures=0

# report NAME STATUS [FILE]: one test; the beginning of FILE is why it failed.
report() {
	tests=$((tests + 1))
	if [ "$2" = 0 ]; then
		echo "ok $tests - $1"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $1"
	[ -z "${3-}" ] || head -n 40 "$3" | cut -c1-300 | sed 's/^/# /'
}

# check NAME COMMAND...: passes if COMMAND does.
check() {
	local name=$1 status=0
	shift
	"$@" >"$tmp/check" 2>&1 || status=$?
	report "$name" $status "$tmp/check"
}

# equal NAME EXPECTED GOT: passes if two words are equal.
equal() {
	check "$1" diff <(echo "$2") <(echo "$3")
}

# same NAME EXPECTED GOT: passes if two views are equal. An empty one was not taken.
same() {
	local status=0
	cp "$2" "$tmp/expected"
	cp "$3" "$tmp/got"
	if [ ! -s "$tmp/expected" ] || [ ! -s "$tmp/got" ]; then
		(cd "$tmp" && wc -l expected got && cat launch.err) >"$tmp/check" 2>&1
		status=1
	else
		diff "$tmp/expected" "$tmp/got" >"$tmp/check" || status=$?
	fi
	report "$1" $status "$tmp/check"
}

# die WORDS [FILE]: what the tests need cannot be had.
die() {
	complete=1
	report "$1" 1 ${2+"$2"}
	exit 1
}

# within SECONDS COMMAND...: until it succeeds. For what has no event to wait for.
within() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# view FILE DIR [OPTION]: of what is in DIR. OPTION: see lister.c.
view() {
	"$LISTER" ${3+"$3"} "$2" | sed '1s/ mtime=[^ ]*//' >"$1"
}

as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

# start WHO ARG...: launches `ovlrun ARG... /bin/sh` as root or as user. $pid is the payload: ovlrun does not
# fork. Fails if there is none.
start() {
	local -a as=()
	[ "$1" = root ] || as=("${as_user[@]}")
	shift
	"${as[@]}" "$OVLRUN" -t "$tree" "$@" /bin/sh <"$tmp/in" >"$tmp/out" 2>"$tmp/launch.err" &
	pid=$!
	exec {to}>"$tmp/in" {from}<"$tmp/out"
	ask true
}

# ask COMMAND: whether it succeeds when the payload runs it. Fails if the payload is gone.
ask() {
	local answer=''
	{ echo "if $1; then echo yes; else echo no; fi" >&"$to"; } 2>/dev/null || return
	read -r -t 30 -u "$from" answer || return
	[ "$answer" = yes ]
}

# finish: ends the payload; its exit status.
finish() {
	exec {to}>&- {from}<&-
	wait "$pid"
}

# launched FILE WHO ARG...: the view of a launch, seen from outside through /proc/PID/root: there root reads
# everything, whatever the payload may. $lister_option: see lister.c.
launched() {
	local file=$1
	shift
	: >"$file"
	if start "$@"; then
		view "$file" "/proc/$pid/root" ${lister_option+"$lister_option"}
	fi
	finish || echo "exit status $?" >>"$tmp/launch.err"
}

# mount_by_hand DIR...: directories, uppermost first, read-only on $hand, through short symlinks made here: what
# the tree's link and lower files say plays no part.
mount_by_hand() {
	local dir lower='' n=0
	unmount_by_hand
	rm -rf "$tmp/short"
	mkdir "$tmp/short"
	for dir; do
		n=$((n + 1))
		ln -s "$dir" "$tmp/short/$n"
		lower+=$n:
	done
	# One directory alone is no overlay: an empty one below does no harm. The long string passes only
	# through mount(2).
	(
		cd "$tmp/short"
		LIBMOUNT_FORCE_MOUNT2=always \
			mount -t overlay -o "ro,nosuid,nodev,index=off,lowerdir=$lower$tmp/empty" hand "$hand"
	)
}

unmount_by_hand() {
	! mountpoint -q "$hand" || umount "$hand"
}

# image_part FILE: a view without what ovlrun without --bare mounts over the image's own, and without the times of the
# directories that hold it.
image_part() {
	sed -E -e '\#^/(dev|proc|sys)[ /]#d' -e '\#^/tmp/#d' -e '\#^/etc/(group|hostname|hosts|passwd|resolv\.conf) #d' \
		-e '/^\/(etc|tmp) /s/ mtime=[^ ]*//' "$1"
}

# compare LABEL: launches of the stack by every way to name it against the mount by hand.
# The reference stays in $tmp/hand, mounted on $hand, what --bare shows a user in $tmp/bare.
compare() {
	local label=$1 list
	list=$(IFS=: && echo "${ids[*]}")
	view "$tmp/tree" "$tree"
	mount_by_hand "${dirs[@]}"
	view "$tmp/hand" "$hand"

	launched "$tmp/view" root -r --bare "${ids[0]}"
	same "$label: -r --bare, by root: as mounted by hand" "$tmp/hand" "$tmp/view"
	launched "$tmp/bare" user -r --bare "${ids[0]}"
	same "$label: -r --bare, by a user: as mounted by hand" "$tmp/hand" "$tmp/bare"
	launched "$tmp/view" user -r --bare "$(<"$tree/${ids[0]}/link")"
	same "$label: -r --bare, by link: as mounted by hand" "$tmp/hand" "$tmp/view"
	launched "$tmp/view" user -r --bare -l "$list"
	same "$label: -r --bare -l with every layer: as mounted by hand" "$tmp/hand" "$tmp/view"

	image_part "$tmp/hand" >"$tmp/hand.image"
	launched "$tmp/view" user -r "${ids[0]}"
	same "$label: -r: as mounted by hand" "$tmp/hand.image" <(image_part "$tmp/view")
	launched "$tmp/view" user "${ids[0]}"
	same "$label: with an upper: as mounted by hand" "$tmp/hand.image" <(image_part "$tmp/view")

	# From inside, where not everything may be read.
	chroot --userspec=65534:65534 --groups= "$hand" /bin/lister / |
		sed '1s/ mtime=[^ ]*//' >"$tmp/hand.inside"
	"${as_user[@]}" "$OVLRUN" -t "$tree" -r "${ids[0]}" /bin/lister / 2>"$tmp/launch.err" |
		sed '1s/ mtime=[^ ]*//' >"$tmp/view"
	same "$label: the payload reads what its user may, no more and no less" \
		<(image_part "$tmp/hand.inside") <(image_part "$tmp/view")

	view "$tmp/view" "$tree"
	same "$label: nothing in the tree has changed" "$tmp/tree" "$tmp/view"
}
