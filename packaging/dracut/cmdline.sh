#!/bin/sh
# SPDX-License-Identifier: MIT
# Tells dracut that an ovl.stack= is the root to wait for, and where its init is.
if getarg ovl.stack= >/dev/null; then
	# shellcheck disable=SC2034 # for dracut
	root=ovl rootok=1
	if getarg ovl.init= >/dev/null; then
		echo "init=$(getarg ovl.init=)" >/etc/cmdline.d/ovl.conf
	fi
fi
