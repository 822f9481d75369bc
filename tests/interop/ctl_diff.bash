# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# `ovlctl diff` against `docker diff`, `podman diff` and two views mounted by hand, line by line. Sourced by run.

# shown: lines of an engine as ovlctl prints them: control characters and what is no UTF-8 as \xNN.
shown() {
	perl -0777 -pe 's/\n(?![ACD] \/|\z)/\\x0a/g; s/[\x00-\x09\x0b-\x1f\x7f\xfe\xff]/sprintf "\\x%02x", ord $&/ge'
}

# diff_is NAME LINES FILE ARG...: `ovlctl diff ARG...` prints the lines of FILE, in any order, which has LINES at least, or
# none with LINES 0; and it says by its exit status whether there are any.
diff_is() {
	local name=$1 least=$2 file=$3 status=0
	shift 3
	LC_ALL=C sort "$file" >"$tmp/diff.expected"
	ctl diff "$@" >"$tmp/diff.got" 2>"$tmp/diff.err" || status=$?
	{
		LC_ALL=C sort "$tmp/diff.got" | diff "$tmp/diff.expected" - || :
		cat "$tmp/diff.err"
		[ "$(wc -l <"$tmp/diff.expected")" -ge "$least" ] || echo "fewer than $least lines"
		[ "$least" != 0 ] || head -n 1 "$tmp/diff.expected"
		[ "$status" = "$((least != 0))" ] || echo "exit status $status"
	} >"$tmp/diff.wrong"
	report "$name" "$(test ! -s "$tmp/diff.wrong"; echo $?)" "$tmp/diff.wrong"
}

# docker_diff NAME LINES CONTAINER. Docker shows each byte that is no UTF-8 as U+FFFD; one name has such.
docker_diff() {
	docker diff "$3" | perl -pe 's/\xef\xbf\xbd\xef\xbf\xbd/\xff\xfe/' | shown >"$tmp/diff.engine"
	diff_is "ovlctl diff, docker, $1" "$2" "$tmp/diff.engine" --root "$base/docker" "$3"
}

# What a payload cannot do in a container without privileges. user.note was there.
change_attributes() {
	setfattr -n user.note -v other "$1/data/xattr"
	setcap cap_kill+ep "$1/data/pages"
	setcap -r "$1/data/capable"
}

# by_hand NAME LINES OLD NEW ARG...: `ovlctl diff ARG...` against the views in two files.
by_hand() {
	local name=$1 least=$2
	"$here/views.pl" "$3" "$4" >"$tmp/diff.views"
	shift 4
	diff_is "ovlctl diff, by hand, $name" "$least" "$tmp/diff.views" --root "$base/docker" "$@"
}

# hand_view FILE [DIR...]: of the layers' directories, mounted by mount(8).
hand_view() {
	if [ $# = 1 ]; then
		view "$1" "$tmp/empty"
		return
	fi
	mount_by_hand "${@:2}"
	view "$1" "$hand"
	unmount_by_hand
}

# Images, their uppermost layers, and pairs of stacks, none of which an engine would compare.
ctl_diff_by_hand() {
	local name
	for name in interop:single interop:five interop:deep diff-five; do
		docker_stack "$name"
		hand_view "$tmp/diff.$name" "${dirs[@]}"
		if [ $name != diff-five ]; then
			hand_view "$tmp/diff.below" "${dirs[@]:1}"
			by_hand "uppermost layer of $name" 1 "$tmp/diff.below" "$tmp/diff.$name" "$name"
		fi
	done
	by_hand 'an image and itself' 0 "$tmp/diff.interop:five" "$tmp/diff.interop:five" interop:five interop:five
	by_hand 'five from single' 100 "$tmp/diff.interop:single" "$tmp/diff.interop:five" interop:single interop:five
	by_hand 'single from five' 100 "$tmp/diff.interop:five" "$tmp/diff.interop:single" interop:five interop:single
	by_hand 'deep from five' 100 "$tmp/diff.interop:five" "$tmp/diff.interop:deep" interop:five interop:deep
	by_hand 'a container from deep' 100 "$tmp/diff.interop:deep" "$tmp/diff.diff-five" interop:deep diff-five
	by_hand 'its image from a container' 80 "$tmp/diff.diff-five" "$tmp/diff.interop:five" diff-five interop:five
}

ctl_docker_diff_tests() {
	local name
	docker create --network none --name diff-made interop:five /bin/cat >/dev/null
	docker_diff 'a container that was never started' 0 diff-made
	for name in five deep; do
		docker run -d -i --network none --name diff-$name interop:$name /bin/cat >/dev/null
		docker_diff "a container of $name that has changed nothing" 0 diff-$name
	done
	docker exec -i diff-five /bin/sh -s <"$here/steps/changes"
	docker_diff 'each kind of change, while the container runs' 150 diff-five
	change_attributes "$(docker_merged diff-five)"
	docker_diff 'attributes' 150 diff-five
	docker exec -i diff-five /bin/sh -s <"$here/steps/replaced"
	docker_diff 'directories where there were none' 150 diff-five
	docker exec -i diff-deep /bin/sh -s <"$here/steps/deeper"
	docker_diff 'on 125 layers with whiteouts' 10 diff-deep
	docker exec diff-deep /bin/sh -c 'rm -r /deep && mkdir /deep && echo 5 >/deep/own5 && echo 29 >/deep/own29'
	docker_diff 'a directory of 125 layers replaced' 100 diff-deep
	docker stop -t 0 diff-five diff-deep >/dev/null
	docker_diff 'each kind of change, stopped' 150 diff-five
	docker_diff 'a directory of 125 layers replaced, stopped' 100 diff-deep
	ctl_diff_by_hand
	docker rm diff-made diff-five diff-deep >/dev/null
}

# podman_diff NAME LINES TO [FROM]: Podman names the newer one first. It follows a symlink of a lower layer, on the host, to see
# whether there was something; where there is not it says "A" of a changed one. ovlctl follows none and says "C".
# $lead_nowhere: those in /data that changed and do.
podman_diff() {
	pod diff "${@:3}" | shown >"$tmp/diff.podman"
	sed -E "s#^A (/data/($lead_nowhere))\$#C \\1#" "$tmp/diff.podman" >"$tmp/diff.engine"
	diff_is "ovlctl diff, podman, $1" "$2" "$tmp/diff.engine" --root "$base/podman" ${4+"$4"} "$3"
}

pod_run() {
	pod_new run -d -i --network none --cap-add mknod --name "$1" "$2" /bin/cat >/dev/null
}

ctl_podman_diff_tests() {
	local name lead_nowhere=none
	for name in single five deep; do
		podman_diff "uppermost layer of $name" 1 interop:$name
	done
	podman_diff 'an image and itself' 0 interop:five interop:five
	podman_diff 'five from single' 100 interop:five interop:single
	podman_diff 'single from five' 100 interop:single interop:five
	podman_diff 'deep from five' 100 interop:deep interop:five

	pod_new create --name diff-made interop:five /bin/cat >/dev/null
	podman_diff 'a container that was never started' 0 diff-made
	pod_run diff-five interop:five
	pod_run diff-deep interop:deep
	podman_diff 'a container that has changed nothing' 1 diff-five
	pod exec -i diff-five /bin/sh -s <"$here/steps/changes"
	lead_nowhere='absolute|dangling'
	podman_diff 'each kind of change, while the container runs' 150 diff-five
	equal 'podman: symlinks that lead nowhere are added when they change' 2 \
		"$(grep -cE "^A /data/($lead_nowhere)$" "$tmp/diff.podman")"
	change_attributes "$(pod mount diff-five)"
	podman_diff 'attributes' 150 diff-five
	pod exec -i diff-deep /bin/sh -s <"$here/steps/deeper"
	podman_diff 'on 125 layers with whiteouts' 9 diff-deep
	pod exec diff-deep /bin/sh -c 'rm -r /deep && mkdir /deep && echo 5 >/deep/own5 && echo 29 >/deep/own29'
	podman_diff 'a directory of 125 layers replaced' 3 diff-deep
	pod unmount diff-five >/dev/null
	pod stop -t 0 diff-five diff-deep >/dev/null
	podman_diff 'each kind of change, stopped' 150 diff-five
	podman_diff 'a directory of 125 layers replaced, stopped' 3 diff-deep
	podman_diff 'a container from its image' 150 diff-five interop:five
	podman_diff 'a container from another image' 150 diff-five interop:single
	podman_diff 'its image from a container' 80 interop:five diff-five

	pod commit -q diff-five interop:committed >/dev/null
	podman_diff 'a committed image' 150 interop:committed
	pod_run diff-committed interop:committed
	pod exec diff-committed /bin/sh -c 'cd /data && echo anew >real.d/linked && echo anew >many.d && rm -r added.d'
	podman_diff 'what was deleted in an image, anew' 4 diff-committed
	pod rm -f -t 0 diff-made diff-five diff-deep diff-committed >/dev/null
	pod rmi interop:committed >/dev/null
}
