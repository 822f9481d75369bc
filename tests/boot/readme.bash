# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The README's commands for an image that boots, as they stand there.

# block LANGUAGE N: the N-th code block of the section.
block() {
	awk -v begin="\`\`\`$1" -v want="$2" '
		/^## / { is_section = $0 == "## Booting a machine" }
		is_section && /^```/ { is_block = !is_block; is_wanted = is_block && $0 == begin && ++n == want; next }
		is_wanted' "$top/README.md"
}

three_commands() {
	mkdir "$tmp/srv"
	mount --bind "$tmp/srv" /srv # the README names a tree there
	tree /srv/overlay2 3
	install -D "$ovlinit" "$tmp/build/ovlinit"
	cd "$tmp"
	block sh 1 >commands
	[ "$(grep -c . commands)" = 3 ]
	# shellcheck disable=SC2046 # a list of files
	MODULES=$(printf "$top/build/boot/modules/%s.ko " $(module_closure overlay loop squashfs)) bash -e commands
	# The command line is the README's too; qemu is the harness's, with a deadline and its console read.
	words=$(block sh 2 | sed -n 's/.*-append "console=ttyS0 \(.*\)"$/\1/p')
	[ -n "$words" ]
	booted boot.img "${words/\$TOP/$id}"
	saw '^init: layers layer1 layer2 layer3$'
}

scenario 'README: an image that boots, by three commands' three_commands
all_ran
