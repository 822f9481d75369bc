#!/bin/bash
# SPDX-License-Identifier: MIT
# dracut's module ovl: the root file system is composed from layers, see ovlinit(8). In the image it does nothing without
# an ovl.stack= on the command line.

# dracut's PATH has no /usr/local.
program() {
	find_binary ovlinit || find_binary /usr/local/sbin/ovlinit
}

check() {
	program >/dev/null
}

depends() {
	echo base
}

installkernel() {
	hostonly='' instmods overlay loop squashfs erofs
}

install() {
	inst_simple "$(program)" /sbin/ovlinit
	inst_multiple modprobe
	# shellcheck disable=SC2154 # dracut's
	inst_hook cmdline 90 "$moddir/cmdline.sh"
	inst_hook mount 90 "$moddir/mount.sh"
}
