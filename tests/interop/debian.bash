# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A Debian in Docker's tree, owned by root, in which a user without privileges installs packages with -u. Sourced by run.

# The archive that this machine's apt uses, or Debian's own; what was made of it stays in build/interop.
debian_image() {
	local site=http://deb.debian.org/debian suite=stable tar=$OVL_TOP/build/interop/debian.tar
	if [ ! -e "$tar" ]; then
		if [ -e /etc/debian_version ]; then
			read -r site suite < <(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
				awk '$2 !~ /-/ && !n++')
		fi
		debootstrap --variant=minbase "$suite" "$tmp/debian" "$site" >"$tmp/debootstrap.log" 2>&1 ||
			die 'debootstrap makes no Debian' "$tmp/debootstrap.log"
		pack "$tmp/debian" >"$tar.new"
		mv "$tar.new" "$tar"
		rm -r --one-file-system "$tmp/debian"
	fi
	docker import - interop:debian <"$tar" >/dev/null
}

# debian_package: what the package is made of, as rita, in the directory that she binds.
debian_package() {
	local root=$shared/greeting
	mkdir -p "$root"/{DEBIAN,usr/share/greeting,var/lib/greeting}
	printf '%s\n' 'Package: greeting' 'Version: 1.0' 'Architecture: all' 'Maintainer: none <none@example.org>' \
		'Description: a test' >"$root/DEBIAN/control"
	printf '%s\n' '#!/bin/sh' 'set -e' 'useradd --system --no-create-home greeter' 'chown greeter:www-data /var/lib/greeting' \
		>"$root/DEBIAN/postinst"
	chmod 0755 "$root/DEBIAN/postinst"
	echo hello | tee "$root/usr/share/greeting/text" >"$root/usr/share/greeting/web"
	chown -R 12321:12321 "$shared"
}

debian_tests() {
	local label='docker, Debian image'
	docker_stack interop:debian
	rm -rf "${shared:?}"/*
	debian_package
	view "$tmp/tree" "$tree"
	answers "$label: root's files are root's" $'0 0 755\n0 42 640' -u "${ids[0]}" stat -c '%u %g %a' /bin/bash /etc/shadow
	answers "$label: dpkg-deb: a package with files of other users" '-rw-r--r-- www-data/shadow' -u -b "$shared:/mnt" "${ids[0]}" sh -ec \
		'cd /mnt; chown -R 0:0 greeting; chown www-data:shadow greeting/usr/share/greeting/web
		dpkg-deb --build greeting greeting.deb >/dev/null
		dpkg-deb -c greeting.deb | sed -n "/web$/s/ *[0-9]* *[0-9-]* [0-9:]* .*//p"'
	equal "$label: on the host they are her subordinate users'" '200032 200041' "$(stat -c '%u %g' "$shared/greeting/usr/share/greeting/web")"
	answers "$label: dpkg -i" $'install ok installed\n33 42\ngreeter www-data\n0' -u -b "$shared:/mnt:ro" "${ids[0]}" sh -ec \
		'dpkg -i /mnt/greeting.deb >/tmp/log 2>&1 || cat /tmp/log
		dpkg-query -W -f "\${Status}\n" greeting
		stat -c "%u %g" /usr/share/greeting/web
		stat -c "%U %G" /var/lib/greeting
		chown -R 0:0 /usr/share/greeting; stat -c %u /usr/share/greeting/web'
	answers "$label: apt-get install of a local package, and its removal" $'install ok installed\ngone' -u -b "$shared:/mnt:ro" "${ids[0]}" sh -ec \
		'export DEBIAN_FRONTEND=noninteractive
		apt-get -q -y install /mnt/greeting.deb >/tmp/log 2>&1 || cat /tmp/log
		dpkg-query -W -f "\${Status}\n" greeting
		apt-get -q -y purge greeting >/tmp/log 2>&1 || cat /tmp/log
		[ -e /usr/share/greeting ] || echo gone'
	answers "$label: every installed file is readable and whole" '' -u "${ids[0]}" dpkg --verify
	answers "$label: another user inside" 'uid=33(www-data) gid=33(www-data) groups=33(www-data)' -u "${ids[0]}" \
		setpriv --reuid 33 --regid 33 --init-groups id
	view "$tmp/view" "$tree"
	same "$label: the tree is as it was" "$tmp/tree" "$tmp/view"

	mv /etc/subuid /etc/subuid.away
	check "$label: without ranges a note says so, and dpkg fails" dpkg_fails
	mv /etc/subuid.away /etc/subuid
}

dpkg_fails() {
	local status=0
	(cd / && "${rita[@]}" "$OVLRUN" -t "$tree" -u -b "$shared:/mnt:ro" "${ids[0]}" dpkg -i /mnt/greeting.deb) 2>&1 || status=$?
	[ $status = 1 ] && grep -q '^ovlrun: note: .*/etc/subuid' "$tmp/check"
}
