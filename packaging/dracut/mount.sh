#!/bin/sh
# SPDX-License-Identifier: MIT
# Composes the root file system from layers. Sourced until there is one, so the shell is where the user can help.
# shellcheck disable=SC2154 # dracut's
if [ "$root" = ovl ] && ! ismounted "$NEWROOT"; then
	modprobe -q -a overlay loop
	ovlinit --newroot "$NEWROOT" --cmdline ||
		emergency_shell -n ovl "ovlinit could not compose the root file system: see above. Mount it on $NEWROOT, or leave to try again."
fi
