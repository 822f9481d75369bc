# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Which layers: one, some, many, too many for the kernel, named in every way; what an image lacks or has in the way; and
# what the booted system looks like.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 140
two=$(tree_id 2)
init_script "$base" <<'END'
set -- /layer*
say "there are $# layers"
END
init_script "$base" bin/other </dev/null

# An image without the usual directories, with a setuid program, and one each with a symlink in place of a directory.
bare=$(tree_id 200)
diff=$tmp/d/overlay2/$bare/diff
tree_layer "$tmp/d/overlay2" "$bare" "$(tree_link 200)"
tree_busybox "$diff"
rm -r "$diff"/{dev,proc,sys,run}
rm "$diff/bin/su"
install -m 4755 "$diff/bin/busybox" "$diff/bin/su"
sed -i 's/^root:x:/root::/' "$diff/etc/passwd"
init_script "$diff" <<'END'
for dir in dev proc sys run; do
	say "/$dir $(stat -c '%A %u' /$dir) $(awk -v dir=/$dir '$2 == dir { print $3 }' /proc/mounts)"
done
echo hello >/dev/null && say "null $(stat -c '%t:%T' /dev/null) $(ls /dev/vda)"
say "/ $(stat -c '%A %u' /) nosuid=$(awk '$2 == "/" { print $4 }' /proc/mounts | grep -c nosuid)"
say "user is $(su -s /bin/sh nobody -c 'id -u')"
say "setuid gives $(su -s /bin/sh nobody -c '/bin/su root -c "id -u"')"
say "closed: $(su -s /bin/sh nobody -c 'ls /run/ovl' 2>&1)"
say "/run/ovl $(stat -c '%A %u:%g' /run/ovl) $(cd /run/ovl && echo *)"
say "tree $(ls -d /run/ovl/root/overlay2/l)"
END
n=200
for name in dev proc sys run; do
	n=$((n + 1))
	tree_layer "$tmp/d/overlay2" "$(tree_id $n)" "$(tree_link $n)" "$bare"
	ln -s /var/away "$tmp/d/overlay2/$(tree_id $n)/diff/$name"
done
ext4 "$tmp/disk" 64m "$tmp/d"
initramfs "$tmp/plain"
words=ovl.root=/dev/vda

# layers WORDS LIST: it boots with these layers.
layers() {
	booted "$tmp/plain" "$words $1" "$tmp/disk"
	saw "^init: layers $2\$" '^init: root overlay r[ow],'
	unseen '^ovlinit:'
}
count() {
	booted "$tmp/plain" "$words ovl.stack=$(tree_id "$1") $2" "$tmp/disk"
	saw "^init: there are $1 layers"
	unseen '^ovlinit:'
}
too_many() {
	booted "$tmp/plain" "$words ovl.stack=$(tree_id 140) ovl.fallback=$two $1" "$tmp/disk"
	saw '^ovlinit: cannot .*lowerdir\+' "^ovlinit: note: .*fallback.*$two" '^init: there are 2 layers'
}

scenario 'stacks: one layer' layers "ovl.stack=$(tree_id 1)" layer1
scenario 'stacks: one layer, read-only' layers "ovl.stack=$(tree_id 1) ovl.upper=none" layer1
scenario 'stacks: two layers, by link' layers "ovl.stack=$(tree_link 2)" 'layer1 layer2'
scenario 'stacks: exactly those named' layers "ovl.stack=$(tree_id 7):$(tree_id 1)" 'layer1 layer7'
scenario 'stacks: exactly those named, by links, read-only' \
	layers "ovl.stack=$(tree_link 9):$(tree_link 4):$(tree_link 1) ovl.upper=none" 'layer1 layer4 layer9'
scenario 'stacks: 128 layers' count 128 ''
scenario 'stacks: 128 layers, read-only' count 128 ovl.upper=none
scenario 'stacks: 128 layers, with an upper on the disk' count 128 ovl.upper=/dev/vda:/var/lib/some/place/for/it
scenario 'stacks: 140 layers do not fit without lowerdir+: the message says so, and the fallback boots' too_many ''
scenario 'stacks: 140 layers do not fit, read-only' too_many ovl.upper=none

# lacking WORDS: an image without directories to mount on.
lacking() {
	local dir
	booted "$tmp/plain" "$words ovl.stack=$bare $1" "$tmp/disk"
	for dir in 'dev drwxr-xr-x 0 devtmpfs' 'proc dr-xr-xr-x 0 proc' 'sys dr-xr-xr-x 0 sysfs' 'run drwxr-xr-x 0 tmpfs'; do
		saw "^init: /$dir\$"
	done
	saw '^init: null 1:3 /dev/vda$' '^init: / drwxr-xr-x 0 nosuid=0$' "^init: tree /run/ovl/root/overlay2/l\$"
	unseen '^ovlinit:'
}
scenario 'stacks: an image without /dev, /proc, /sys, /run' lacking ''
scenario 'stacks: such an image, read-only' lacking ovl.upper=none
scenario 'stacks: such an image, with an upper on the disk, twice' \
	eval 'lacking ovl.upper=/dev/vda:/bare && lacking ovl.upper=/dev/vda:/bare'

privileges() {
	booted "$tmp/plain" "$words ovl.stack=$bare" "$tmp/disk"
	saw '^init: user is 65534$' '^init: setuid gives 0$' '^init: closed: ls: .*Permission denied$' \
		'^init: /run/ovl drwx------ 0:0 root state top$'
}
scenario 'stacks: setuid programs work; /run/ovl is closed to others' privileges

# linked N WORDS: where a symlink is in the way, either it is covered or the message names it and the fallback boots.
# Nothing is ever mounted where it leads.
linked() {
	booted "$tmp/plain" "$words ovl.stack=$(tree_id "$1") ovl.fallback=$bare $3" "$tmp/disk"
	if [ "$3" = ovl.upper=none ]; then
		unseen '^ovlinit:'
	else
		saw "^ovlinit: cannot .*/$2:? " "^ovlinit: note: .*fallback.*$bare"
	fi
	saw '^init: /dev drwxr-xr-x 0 devtmpfs$' '^init: /run drwxr-xr-x 0 tmpfs$'
}
scenario 'stacks: a symlink at /dev' linked 201 dev ''
scenario 'stacks: a symlink at /proc' linked 202 proc ''
scenario 'stacks: a symlink at /sys' linked 203 sys ''
scenario 'stacks: a symlink at /run' linked 204 run ''
scenario 'stacks: a symlink at /run, read-only, is covered' linked 204 run ovl.upper=none

# starts WORDS INIT ARGS
starts() {
	booted "$tmp/plain" "$words ovl.stack=$two $1" "$tmp/disk"
	saw "^init: pid 1 args \\[$3\\] of $2\$"
	unseen '^ovlinit:'
}
scenario 'stacks: arguments after -- reach init' starts '-- single one=two' /sbin/init 'single one=two'
scenario 'stacks: words that the kernel does not know reach init' starts 'splash 3' /sbin/init 'splash 3'
scenario 'stacks: another init, by ovl.init' starts 'ovl.init=/bin/other -- x' /bin/other x
scenario 'stacks: another init, by init' starts 'init=/bin/other' /bin/other ''
scenario 'stacks: ovl.init before init' starts 'init=/bin/no ovl.init=/bin/other' /bin/other ''

all_ran
