# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Images that initramfs-tools and dracut make with the hook and the module of packaging/, as `make install` puts them into
# a Debian: they boot a stack, boot as ever without one, and a broken one ends in the tool's own shell.
#
# Sourced by run, after lib.bash.
# shellcheck disable=SC2034,SC2154

# installed DIR: that Debian, with the kernel's modules.
installed() {
	mkdir "$1"
	tar --xattrs --xattrs-include='*' -x -C "$1" <"$top/build/boot/debian.tar"
	tar -x -C "$1" --keep-directory-symlink <"$top/build/boot/modules.tar"
	version=$(ls "$1/usr/lib/modules")
	# A minimal Debian has no init, and dracut wants these of it.
	ln -s /bin/busybox "$1/usr/sbin/poweroff"
	ln -s /bin/busybox "$1/usr/sbin/reboot"
	ln -s /bin/busybox "$1/usr/sbin/halt"
	DESTDIR=$1 PREFIX=$prefix "$top/packaging/install.sh" install
	mount -t proc proc "$1/proc"
	mount --bind /dev "$1/dev"
}

# makes_image initramfs-tools|dracut: $tmp/NAME.img.
makes_image() {
	local log=$tmp/$1.log
	case $1 in
	initramfs-tools) COMPRESSLEVEL=1 chroot "$debian" mkinitramfs -o "/$1.img" "$version" ;;
	dracut) chroot "$debian" dracut --kver "$version" --no-hostonly --compress 'gzip -1' "/$1.img" ;;
	esac >"$log" 2>&1 || {
		cat "$log"
		return 1
	}
	case $1 in
	initramfs-tools) chroot "$debian" lsinitramfs "/$1.img" ;;
	dracut) chroot "$debian" lsinitrd "/$1.img" ;;
	esac >"$tmp/$1.list"
	mv "$debian/$1.img" "$tmp/"
	grep -qE '(^| )(usr/)?sbin/ovlinit$' "$tmp/$1.list"
	grep -q '/overlay\.ko' "$tmp/$1.list"
}

boots_stack() {
	booted "$tmp/$1.img" "ovl.root=/dev/vda ovl.stack=$id" "$tmp/stack"
	saw '^init: root overlay rw' '^init: layers layer1 layer2$' '^/dev/vda /run/ovl/root ext4 ro,'
	unseen '^ovlinit: '
}

boots_fallback() {
	booted "$tmp/$1.img" "ovl.root=LABEL=layers ovl.stack=$broken ovl.fallback=$id ovl.init=/sbin/other" "$tmp/stack"
	saw '^ovlinit: cannot read .*AAAABB: No such file or directory' '^ovlinit: note: .*fallback' \
		'^init: pid 1 .* of /sbin/other$' '^init: layers layer1 layer2$'
}

# The empty panic= takes back what the harness says, which forbids initramfs-tools a shell.
broken_ends_in_shell() {
	local again
	boot "$tmp/$1.img" "ovl.root=/dev/vda ovl.stack=$broken panic=" "$tmp/stack"
	for again in 1 2; do
		await '^ovlinit: cannot read .*AAAABB: No such file or directory'
		await 'ovlinit could not compose the root file system'
		[ "$1" != dracut ] || await 'Dropping to debug shell'
		tell "echo in the shell: \$((40 + $again))"
		await "^in the shell: 4$again"
		tell exit
	done
	unseen '^init: '
	stop
}

boots_as_ever() {
	booted "$tmp/$1.img" 'root=/dev/vda' "$tmp/plain"
	saw '^init: root ext4 '
	unseen ovlinit
}

"$top/tests/boot/guest-debian" "$top/build/boot"
debian=$tmp/debian prefix=/usr
installed "$debian"
mkdir "$tmp/root"
tree "$tmp/root/overlay2" 2
cp "$base/sbin/init" "$base/sbin/other"
# A third layer, whose lower link is gone.
broken=$(tree_id 9)
tree_layer "$tmp/root/overlay2" "$broken" "$(tree_link 9)" "$id"
sed -i "s/$(tree_link 2)/$(tree_link 27)/" "$tmp/root/overlay2/$broken/lower"
ext4 "$tmp/stack" 64m "$tmp/root" -L layers
ext4 "$tmp/plain" 64m "$base"
for tool in initramfs-tools dracut; do
	scenario "$tool: an image is made" makes_image $tool
	scenario "$tool: the stack is booted" boots_stack $tool
	scenario "$tool: a broken stack's fallback is booted, with an init of its own" boots_fallback $tool
	scenario "$tool: a broken stack ends with a message, in a shell that can try again" broken_ends_in_shell $tool
	scenario "$tool: without a stack it boots as ever" boots_as_ever $tool
done
umount "$debian/dev" "$debian/proc"
all_ran
