# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What a user finds inside a launch that is not --bare, on either engine's tree. Sourced by run.

# A user whom no image knows, with ranges of subordinate ids.
inside_user() {
	rita=(setpriv --reuid 12321 --regid 12321 --clear-groups --)
	echo 'rita:x:12321:12321:Rita:/home/rita:/bin/sh' >>/etc/passwd
	echo 'rita:x:12321:' >>/etc/group
	echo 'rita:200000:65536' | tee /etc/subuid >/etc/subgid
	chmod 0644 /etc/subuid /etc/subgid
	install -d -o 12321 -g 12321 "$shared"
}

# answers NAME EXPECTED ARG...: passes if her launch `ovlrun ARG...` on the tree prints that, and nothing else.
answers() {
	local name=$1 expected=$2
	shift 2
	equal "$name" "$expected" "$(cd / && "${rita[@]}" "$OVLRUN" -t "$tree" "$@" 2>&1 || echo "exit status $?")"
}

# inside_tests LABEL: of the stack $ids, the five-layer image's.
inside_tests() {
	local label=$1 id=${ids[0]} file

	view "$tmp/tree" "$tree"
	answers "$label: whoami" rita "$id" whoami
	answers "$label: id" 'uid=12321(rita) gid=12321(rita)' "$id" id
	answers "$label: the host's name" "$(hostname)" "$id" hostname
	for file in resolv.conf hosts hostname; do
		[ ! -s /etc/$file ] || answers "$label: the host's /etc/$file" "$(cat /etc/$file)" "$id" cat /etc/$file
	done
	answers "$label: the image's own users are there too" root "$id" stat -c %U /bin/busybox
	answers "$label: /dev, /proc and /sys" yes "$id" sh -c \
		'echo x >/dev/null && [ -c /dev/ptmx ] && [ -d /proc/self/fd ] && [ -d /sys/kernel ] && echo yes'
	answers "$label: -r: /tmp alone can be written to" $'x\nRead-only file system' -r "$id" sh -c \
		'echo x >/tmp/x && cat /tmp/x; touch /x 2>&1 | sed "s/.*: //"'
	answers "$label: -r: whoami" rita -r "$id" whoami
	rm -rf "${shared:?}"/*
	answers "$label: -b: a directory, made in the image" x -b "$shared:/made/here" "$id" sh -c \
		'echo x >/made/here/x; cat /made/here/x'
	equal "$label: -b: what it wrote is hers on the host" '12321 12321 x' "$(stat -c '%u %g' "$shared/x") $(cat "$shared/x")"
	answers "$label: -b: read-only" 'Read-only file system' -b "$shared:/data:ro" "$id" sh -c \
		'touch /data/x 2>&1 | sed "s/.*: //"'
	answers "$label: --unshare pid: it is process 2 of its own" $'2\novlrun' --unshare pid "$id" sh -c \
		'echo $$; cat /proc/1/comm'
	answers "$label: --unshare net: the loopback device alone" 1 --unshare net "$id" sh -c 'ip -o link | wc -l'

	answers "$label: -u: root, with the image's owners" $'0\n0 0\n12345 54321\n65534 65534' -u "$id" sh -c \
		'id -u; stat -c "%u %g" /bin/busybox /data/nobody /data/real.d'
	answers "$label: -u: what is root's alone can be read" 'base 0000' -u "$id" cat /data/0000
	answers "$label: without -u it cannot" 'Permission denied' "$id" sh -c 'cat /data/0000 2>&1 | sed "s/.*: //"'
	answers "$label: -u: chown, chmod, mknod of a FIFO" '33 42 4711' -u "$id" sh -c \
		'chown 33:42 /data/0600 && chmod 4711 /data/0600 && mkfifo /data/f && stat -c "%u %g %a" /data/0600'
	answers "$label: -u: an overlay on an overlay" $'changed\nbase moved' -u "$id" sh -ec \
		'mount -t tmpfs t /tmp; mkdir /tmp/u /tmp/w
		mount -t overlay -o userxattr,lowerdir=/data,upperdir=/tmp/u,workdir=/tmp/w o /data
		cd /; echo changed >/data/moved-to; cat /data/moved-to; umount /data; cat /data/moved-to'
	answers "$label: -u -r --unshare pid -b" $'0\n2\nx' -u -r --unshare pid -b "$shared:/tmp/shared" "$id" sh -c \
		'id -u; echo $$; cat /tmp/shared/x'
	view "$tmp/view" "$tree"
	same "$label: the tree is as it was" "$tmp/tree" "$tmp/view"
}
