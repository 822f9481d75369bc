# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the images are made of. Sourced by run.

# base_root DIR: a root file system with one of everything a layer can hold.
base_root() {
	local root=$1 n name
	mkdir "$root"
	tree_busybox "$root"
	install -m 0755 "$LISTER" "$root/bin/lister"
	# Docker puts files of its own over these two in a container, not in the image.
	echo '127.0.0.1 image' >"$root/etc/hosts"
	ln -s ../proc/mounts "$root/etc/mtab"
	cp -r "$here/steps" "$root/steps"

	mkdir "$root/data"
	cd "$root/data"
	for name in gone moved chowned chmoded touched file-dir.x linked.1 broken.1 capable capable.chmoded \
		xattr setuid setgid old later nobody 0000 0600 empty; do
		[ $name = empty ] || echo "base $name" >"$name"
		: >>"$name"
	done
	mkdir -p gone.d/sub remade.d/sub moved.d/sub dir-file.x/sub real.d many.d 0000.d setgid.d 0700.d/sub xattr.d empty.d
	for name in gone.d remade.d moved.d dir-file.x real.d 0000.d 0700.d; do
		echo "base $name" >"$name/file"
		[ ! -d $name/sub ] || echo "base $name/sub" >"$name/sub/file"
	done
	for ((n = 0; n < 90; n++)); do
		echo $n >"$(printf 'many.d/%02d' $n)"
	done
	printf 'a file of many pages%.0s\n' {1..10000} >pages
	truncate -s 1M hole
	ln -s real.d link-dir.x
	ln -s nowhere dangling
	ln -s loop loop
	ln -s /data/pages absolute
	ln -s "../$(printf 'long/%.0s' {1..200})end" long
	ln linked.1 linked.2
	ln linked.1 real.d/linked
	ln broken.1 broken.2
	ln link-dir.x link-dir.linked # a symlink has hard links too
	mknod null c 1 3
	mknod loop0 b 7 0
	mkfifo fifo
	mkdir odd
	for name in 'with space' $'line\nfeed' $'tab\t' $'escape\e[1m' $'\303\244\342\230\203' $'\377\376' -n \
		'back\slash' 'a:b,c=d' '"quoted" $HOME *' .hidden ... "$(printf 'x%.0s' {1..255})"; do
		echo odd >"odd/$name"
	done
	chown 12345:54321 nobody
	chown 2000000000:2000000000 real.d
	chown -R 65534:65534 0600 0700.d
	chown -h 1:2 dangling
	chmod 4755 setuid
	chmod 2755 setgid
	chmod 2770 setgid.d
	chmod 0600 0600
	chmod 0700 0700.d
	chmod 0000 0000 0000.d
	setcap cap_net_bind_service+ep capable
	setcap cap_net_raw,cap_chown=eip capable.chmoded
	setfattr -n user.note -v $'\001 value\n' xattr
	setfattr -n trusted.note -v 'for root only' xattr
	setfattr -n user.note -v 'of a directory' xattr.d
	touch -d '1971-02-03 04:05:06.123456789 UTC' old
	touch -d '2100-01-01 00:00:00.000000001 UTC' later
	touch -h -d '1999-12-31 23:59:59 UTC' loop
	touch -d '1980-01-01 UTC' empty.d
	cd - >/dev/null
}

# added_root DIR: what the third layer adds: capabilities in an upper layer. (Other extended attributes an engine
# leaves out when it writes a layer; only imported ones are kept.)
added_root() {
	local name
	mkdir -p "$1/data/added.d"
	cd "$1/data"
	for name in plain gone capable; do
		echo "added $name" >added.d/$name
	done
	echo 'added capable' >capable
	setcap cap_sys_time+ep added.d/capable
	setcap cap_kill+ep capable # in place of other capabilities below
	cd - >/dev/null
}

# pack DIR: as a tar with everything in it, on standard output.
pack() {
	tar -C "$1" --warning=no-timestamp --xattrs --xattrs-include='*' --numeric-owner --format=posix -c .
}
