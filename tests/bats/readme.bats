# SPDX-License-Identifier: MIT
# The commands of the README's sections for users and its policy and record, as they stand there.

setup_file() {
	load ../lib/helpers
	make_tree readme 3
	base=$(tree_id 1) middle=$(tree_id 2)
	export TOP=$top MIDDLE=$middle BASE=$base
	echo hello >"$tree/$top/diff/greeting"
	mkdir "$tree/$base/diff/etc/apk"
	echo 3.19 >"$tree/$base/diff/etc/alpine-release"
	# What the sections for users, clusters and CI want of image and host. /srv, /run and /etc are the lab's own.
	mkdir -p "$tree/$base/diff/var/lib/dpkg/info" "$tree/$base/diff/usr/share"
	: >"$tree/$base/diff/var/lib/dpkg/status"
	make_package /srv/packages
	install -d /srv/data /run/munge
	echo data >/srv/data/file
	install -d -o $USER_ID /srv/home
	printf '#!/bin/sh\ncat <&"$PMI_FD"; pwd; ls -d /var/run/munge; echo "$PMI_RANK"\n' >/srv/home/solve
	chmod 0755 /srv/home/solve
	# As Slurm does it: a descriptor and its number.
	printf '#!/bin/sh\nshift 3\nexport PMI_FD=7 PMI_RANK=3\necho pmi | "$@" 7<&0\n' >"$LAB/bin/srun"
	chmod 0755 "$LAB/bin/srun"
	mkdir "$BATS_FILE_TMPDIR/etc"
	for file in passwd group subuid subgid; do
		[ ! -e /etc/$file ] || cp -a /etc/$file "$BATS_FILE_TMPDIR/etc"
	done
	for file in subuid subgid; do
		echo "$USER_ID:100000:65536" >/etc/$file
	done
	mkdir -p /etc/ovlrun.d/images
	mount -t tmpfs -o mode=0755 none /var/lib
}

teardown_file() {
	umount /var/lib
	rm -rf /etc/ovlrun.d /etc/subuid /etc/subgid /srv/packages /srv/data /srv/home /run/munge "$LAB/bin/srun"
	cp -a "$BATS_FILE_TMPDIR"/etc/* /etc/
}

setup() {
	load ../lib/helpers
	cd "$OVL_TOP"
}

# make_package DIR: a Debian package with a file of another owner and a program.
make_package() {
	local root=$BATS_FILE_TMPDIR/tool
	mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/tool" "$1"
	printf '%s\n' 'Package: tool' 'Version: 1.0' 'Architecture: all' 'Maintainer: none <none@example.org>' \
		'Description: a test' >"$root/DEBIAN/control"
	printf '#!/bin/sh\nstat -c "tool %%u" /usr/share/tool/data\n' >"$root/usr/bin/tool"
	chmod 0755 "$root/usr/bin/tool"
	echo data >"$root/usr/share/tool/data"
	chown 33 "$root/usr/share/tool/data"
	command -v dpkg-deb >/dev/null || return 0
	dpkg-deb -Zgzip --build "$root" "$1/tool.deb" >/dev/null
}

# block LANGUAGE N: the N-th code block of the section for administrators.
blocks() {
	sed -n '/^## For an administrator/,/^## Honest/p' README.md | awk -v n="$1" '
		/^```/ { inside = !inside; if (inside) count++; next }
		inside && count == n'
}

@test "README: the policy and the record of the administrator's section are good, with real ids in them" {
	blocks 3 | sed "s/34e5\.\.\.510b/$top/; s,/var/lib/docker/overlay2,$tree," >"$BATS_TEST_TMPDIR/conf"
	grep -q '^permit' "$BATS_TEST_TMPDIR/conf"
	printf '%s\n' alice:x:5001:100::/:/bin/sh ci:x:5003:100::/:/bin/sh mallory:x:5002:100::/:/bin/sh >>/etc/passwd
	echo science:x:4444: >>/etc/group
	works "$OVLRUN" --check-policy "$BATS_TEST_TMPDIR/conf"
	install -m 0644 "$BATS_TEST_TMPDIR/conf" /etc/ovlrun.conf
	blocks 4 | sed "s/34e5\.\.\.510b/$top/; s,/var/lib/docker/overlay2,$tree," >/etc/ovlrun.d/images/alpine:3.19
	for name in alpine:latest debian:12; do
		cp /etc/ovlrun.d/images/alpine:3.19 "/etc/ovlrun.d/images/$name"
	done
	works "$PROBES/start" user:6000:6000:4444 -- "$OVLRUN" alpine:3.19 cat /greeting
	works launch "$top" true
	refused "$PROBES/start" user:5002:6000:4444 -- "$OVLRUN" alpine:3.19 cat /greeting
	refused launch alpine
}

@test "README: every command of the user's section does what it says" {
	policy "tree $tree" 'permit * any may writable,bind,userns,unshare,dev,keep-fd'
	PATH=$LAB/bin:$PATH
	export HOME=/srv/home
	count=0
	while read -r line; do
		case $line in
		srun*) line="cd; $line" ;;
		*dpkg*) command -v dpkg-deb >/dev/null || continue ;; # only Debian's have it
		esac
		works as_user bash -c "$line" </dev/null
		count=$((count + 1))
		case $line in
		*alpine-release) assert_output 3.19 ;;
		*/greeting) assert_output hello ;;
		*'ls /data') assert_output file ;;
		*'cd && ls') assert_output solve ;;
		*' ps') refute_output --partial bats ;;
		*srun*) assert_output $'pmi\n/srv/home\n/var/run/munge\n3' ;;
		*'id -u') assert_output 0 ;;
		*dpkg*) assert_line 'tool 33' ;;
		*'cat /tmp/log') assert_output one ;;
		*--json*) jq -e .layers <<<"$output" ;;
		*--dry-run*) assert_line --regexp '^rule +/etc/ovlrun.conf:2$' ;;
		esac
	done < <(sed -n '/^## For a user/,/^## For an/p' README.md | sed -n '/^```console/,/^```/s/^\$ //p')
	[ "$count" -ge 15 ]
}
