# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# ovlctl ps, mount, umount, check and allow on the storage of an engine whose containers run. Sourced by run.
#
# $engine is docker or podman; what differs between the two is in the functions named after them.

in_engine() {
	if [ "$engine" = docker ]; then
		docker "$@"
	elif [ "$1" = run ]; then
		pod_new "$@"
	else
		pod "$@"
	fi
}

use_stack() { # KIND NAME: sets $dirs and $ids
	if [ "$engine" = docker ]; then
		docker_stack "$2"
	else
		podman_stack "$1" "$2"
	fi
}

# use_run NAME IMAGE: a container that runs.
use_run() {
	if [ "$engine" = docker ]; then
		docker run -d -i --network none --name "$1" "$2" /bin/cat >/dev/null
	else
		pod_run "$1" "$2"
	fi
}

# use_merged NAME: where the engine has the running container mounted.
use_merged() {
	if [ "$engine" = docker ]; then
		docker_merged "$1"
	else
		pod mount "$1"
	fi
}

# use_export FILE NAME: the view of the engine's export, unpacked.
use_export() {
	mkdir "$tmp/export"
	in_engine export "$2" | tar -C "$tmp/export" --warning=no-timestamp -xp --xattrs --xattrs-include='*' --numeric-owner
	view "$1" "$tmp/export" -t
	rm -r "$tmp/export"
}

# ctl_ps FILTER: of jq, on the rows of `ovlctl ps`.
ctl_ps() {
	ctl ps --root "$base/$engine" --json | jq -r "$1"
}

# ctl_refuses NAME MESSAGE ARG...: `ovlctl ARG...` ends with status 2, says that, and mounts nothing.
ctl_refuses() {
	local name=$1 message=$2 status=0
	shift 2
	ctl "$@" >"$tmp/refused" 2>&1 || status=$?
	[ $status = 2 ] && grep -qF -- "$message" "$tmp/refused" && ! mountpoint -q "$point" || status=bad
	report "$name" "$([ $status = 2 ]; echo $?)" "$tmp/refused"
}

# What there is to be warned of in the images: device nodes in the base and in the second layer. Notes do not count.
ctl_check_is_clean() {
	use_stack image interop:five
	equal "$label: check: warns of device nodes in two layers, of nothing else, $1" \
		"$(printf 'warning device %s/diff device node, and 1 more\n' "${ids[3]}" "${ids[4]}" | sort)" \
		"$(ctl check --root "$base/$engine" --json | jq -r '.[] | select(.severity != "note") |
			"\(.severity) \(.rule) \(.object | sub("/diff/.*"; "/diff")) \(.what)"' | sort)"
}

use_ps_tests() {
	local pid upper runs=running stopped=exited
	[ "$engine" = docker ] || runs=mounted stopped='' # what Podman knows more is in its database
	equal "$label: containers: which one runs" "use-runs $runs"$'\n'"use-stopped $stopped" \
		"$(ctl containers --root "$base/$engine" --json | jq -r '.[] | select(.name != "use-same") | "\(.name) \(.state)"' | sort)"
	pid=$(in_engine inspect -f '{{.State.Pid}}' use-runs)
	upper=$(in_engine inspect -f '{{.GraphDriver.Data.UpperDir}}' use-runs)
	use_stack container use-runs
	equal "$label: ps: the container that runs" "$engine use-runs $pid ${upper%/diff}/merged cat $upper $(IFS=, && echo "${ids[*]:1}")" \
		"$(ctl_ps '.[] | select(.name == "use-runs") | "\(.kind) \(.name) \(.pid) \(.mount_point) \(.command) \(.upper) \(.layers | join(","))"')"
	equal "$label: ps: not the one that is stopped" '' "$(ctl_ps '.[] | select(.name == "use-stopped") | .name')"
}

use_mount_tests() {
	local name=interop:five
	check "$label: mount: an image" ctl mount --root "$base/$engine" $name "$point"
	use_stack image $name
	mount_by_hand "${dirs[@]}"
	view "$tmp/hand" "$hand"
	view "$tmp/view" "$point"
	same "$label: mount: an image, as mounted by hand" "$tmp/hand" "$tmp/view"
	if [ "$engine" = docker ]; then
		view "$tmp/engine" "$(docker_merged use-same)"
		same "$label: mount: an image, as docker run has it mounted" <(without_init "$tmp/engine") <(without_init "$tmp/view")
	else
		view "$tmp/engine" "$(pod image mount $name)"
		same "$label: mount: an image, as podman image mount shows it" "$tmp/engine" "$tmp/view"
		pod image unmount $name >/dev/null
	fi
	equal "$label: mount: read-only, nosuid, nodev" ro,nosuid,nodev "$(findmnt -n -o VFS-OPTIONS "$point" | grep -o '^ro,nosuid,nodev')"
	equal "$label: mount: root cannot write there" 'Read-only file system' "$(touch "$point/x" 2>&1 | sed 's/.*: //')"
	equal "$label: ps: what ovlctl has mounted" "ovlctl $point $(IFS=, && echo "${ids[*]}")" \
		"$(ctl_ps '.[] | select(.kind == "ovlctl") | "\(.kind) \(.mount_point) \(.layers | join(","))"')"
	check "$label: umount" ctl umount "$point"
	ctl_refuses "$label: umount: nothing is left to unmount" 'nothing that `ovlctl mount` has mounted' umount "$point"

	check "$label: mount: a container that runs" ctl mount --root "$base/$engine" use-runs "$point"
	view "$tmp/engine" "$(use_merged use-runs)"
	view "$tmp/view" "$point"
	same "$label: mount: a container that runs, as the engine has it mounted" "$tmp/engine" "$tmp/view"
	check "$label: umount: of a container that runs" ctl umount "$point"
	check "$label: mount: a container that is stopped" ctl mount --root "$base/$engine" use-stopped "$point"
	use_export "$tmp/engine" use-stopped
	view "$tmp/view" "$point" -t
	# Podman's archive has no entry for "/".
	same "$label: mount: a container that is stopped, as the engine exports it" <(sed 1d "$tmp/engine") <(sed 1d "$tmp/view")
	check "$label: umount: of a container that is stopped" ctl umount "$point"
}

use_write_tests() {
	ctl_refuses "$label: mount -w: refused for a container that runs" 'it is mounted already' \
		mount -w --root "$base/$engine" use-runs "$point"
	ctl_refuses "$label: mount -w: refused for an image" "it is no container's own layer" \
		mount -w --root "$base/$engine" interop:five "$point"
	check "$label: mount -w: a container that is stopped" ctl mount -w --root "$base/$engine" use-stopped "$point"
	echo 'by the administrator' >"$point/data/administrator"
	rm "$point/data/pages"
	check "$label: umount: what was written to" ctl umount "$point"
	in_engine start use-stopped >/dev/null
	equal "$label: mount -w: the engine starts the container, which has what was written" 'by the administrator' \
		"$(in_engine exec use-stopped /bin/sh -c 'test ! -e /data/pages && cat /data/administrator')"
	equal "$label: mount -w: the engine's diff tells it" $'A /data/administrator\nD /data/pages' \
		"$(in_engine diff use-stopped | grep -E '/(administrator|pages)$' | sort)"
}

allow_published() {
	ctl allow --root "$base/$engine" interop:configured --as published --users :science 2>"$tmp/allow.err" || {
		cat "$tmp/allow.err"
		return 1
	}
}

# What the image's configuration says comes into the record: a member's launch prints what a container does.
use_allow_tests() {
	local expected
	in_engine commit --change 'ENV SAID=hello' --change 'WORKDIR /data/xattr.d' --change 'ENTRYPOINT ["/bin/sh", "-c"]' \
		--change 'CMD ["pwd; echo $SAID; cat /data/written"]' use-runs interop:configured >"$tmp/commit.log" 2>&1
	expected=$(in_engine run --rm --network none interop:configured)
	equal "$label: what the image does" $'/data/xattr.d\nhello\nby the container' "$expected"
	cp /etc/ovlrun.conf "$tmp/ovlrun.conf"
	sed -i '/^permit/d' /etc/ovlrun.conf
	grep -q '^science:' /etc/group || echo 'science:x:12399:rita' >>/etc/group

	check "$label: allow" allow_published
	use_stack image interop:five
	equal "$label: allow: what it warns of" "$(sort <<-END
		note ${ids[4]} set-id file or file with capabilities, and 3 more
		note ${ids[3]} set-id file or file with capabilities, and 1 more
		note ${ids[2]} set-id file or file with capabilities, and 1 more
		warning ${ids[4]} device node, and 1 more
		warning ${ids[3]} device node, and 1 more
	END
	)" "$(sed -nE 's#^ovlctl: (note|warning): .*/([0-9a-f]{64})/diff/[^:]*: ([^;]*);.*#\1 \2 \3#p' "$tmp/allow.err" | sort)"
	equal "$label: published: it is" 'published:latest ok :science' \
		"$(ctl published --root "$base/$engine" --json | jq -r '.[] | "\(.name) \(.state) \(.users | join(" "))"')"
	equal "$label: allow: a member's launch does what the container does" "$expected" "$(cd / && "${member[@]}" "$OVLRUN" published 2>&1)"
	use_stack image interop:configured
	mount_by_hand "${dirs[@]}"
	chroot --userspec=12321:12321 --groups=12399 "$hand" /bin/lister / | sed '1s/ mtime=[^ ]*//' >"$tmp/hand.inside"
	unmount_by_hand
	(cd / && "${member[@]}" "$OVLRUN" -r published /bin/lister /) 2>"$tmp/launch.err" | sed '1s/ mtime=[^ ]*//' >"$tmp/view"
	same "$label: allow: a member reads what the group may" <(image_part "$tmp/hand.inside") <(image_part "$tmp/view")
	equal "$label: allow: others are refused" 'ovlrun: cannot use image published:latest: not there, or not permitted' \
		"$(cd / && "${as_user[@]}" "$OVLRUN" published 2>&1 | head -n 1)"
	check "$label: revoke" ctl revoke --root "$base/$engine" published
	equal "$label: revoke: members are refused" 'ovlrun: cannot use image published:latest: not there, or not permitted' \
		"$(cd / && "${member[@]}" "$OVLRUN" published 2>&1 | head -n 1)"
	cp "$tmp/ovlrun.conf" /etc/ovlrun.conf
	in_engine rmi interop:configured >/dev/null
}

# ctl_use_tests ENGINE
ctl_use_tests() {
	local engine=$1 label="ovlctl, $1" point=$tmp/point
	local -a member=(setpriv --reuid 12321 --regid 12321 --groups 12399 --)
	mkdir -p "$point"
	use_run use-runs interop:five
	use_run use-same interop:five
	use_run use-stopped interop:five
	in_engine exec use-runs /bin/sh -c 'cd /data && echo "by the container" >written && rm -r real.d && mkdir real.d'
	in_engine exec use-stopped /bin/sh -c 'cd /data && mv moved-again.d moved && rm chmoded'
	in_engine stop -t 0 use-stopped >/dev/null
	ctl_check_is_clean 'while containers run'
	use_ps_tests
	use_mount_tests
	use_write_tests
	use_allow_tests
	ctl_check_is_clean 'after all that'
	in_engine stop -t 0 use-runs use-same use-stopped >/dev/null
	in_engine rm use-runs use-same use-stopped >/dev/null
	ctl_check_is_clean 'without containers'
	equal "$label: the engine still runs containers" works "$(in_engine run --rm --network none interop:five /bin/echo works)"
}
