# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Writes overlay2 trees exactly as Docker does: names, contents, modes, owners, order.

# tree_id N: the 64-hex cache-id that stands for number N. As with Docker's, the first digits differ.
tree_id() {
	printf '%08xfade%052x\n' $(($1 * 2654435761 % 4294967296)) "$1"
}

# tree_link N: the 26-character link that stands for number N.
tree_link() {
	local n=$1 text='' digits=ABCDEFGHIJKLMNOPQRSTUVWXYZ i
	for ((i = 0; i < 6; i++)); do
		text=${digits:n % 26:1}$text n=$((n / 26))
	done
	printf 'LAYERLAYERLAYERLAYER%s\n' "$text"
}

# tree_init DIR: an empty tree.
tree_init() {
	mkdir -m 0710 "$1"
	mkdir -m 0700 "$1/l"
}

# tree_layer DIR ID LINK [PARENT_ID]: one layer, empty.
tree_layer() {
	local dir=$1 id=$2 link=$3 parent=${4-} umask
	umask=$(umask)
	umask 022
	mkdir -m 0710 "$dir/$id"
	mkdir -m 0755 "$dir/$id/diff"
	ln -s "../$id/diff" "$dir/l/$link"
	printf %s "$link" >"$dir/$id/link"
	if [ -n "$parent" ]; then
		mkdir -m 0700 "$dir/$id/work"
		: >"$dir/$parent/committed"
		chmod 0600 "$dir/$parent/committed"
		printf 'l/%s' "$(<"$dir/$parent/link")" >"$dir/$id/lower"
		if [ -e "$dir/$parent/lower" ]; then
			printf ':%s' "$(<"$dir/$parent/lower")" >>"$dir/$id/lower"
		fi
	fi
	umask "$umask"
}

# tree_chain DIR DEPTH [COMMAND]: layers 1 (the base) to DEPTH, each with a file of its own, /layerN;
# COMMAND is called with the base's diff. Prints the uppermost layer's id.
tree_chain() {
	local dir=$1 depth=$2 fill=${3-} n id parent=''
	for ((n = 1; n <= depth; n++)); do
		id=$(tree_id "$n")
		tree_layer "$dir" "$id" "$(tree_link "$n")" "$parent"
		echo "$n" >"$dir/$id/diff/layer$n"
		if [ "$n" = 1 ] && [ -n "$fill" ]; then
			"$fill" "$dir/$id/diff"
		fi
		parent=$id
	done
	echo "$id"
}

# tree_busybox DIFF: fills a layer's diff with a root file system of busybox.
tree_busybox() {
	local diff=$1 busybox
	for busybox in /bin/busybox.static /bin/busybox; do
		[ -x "$busybox" ] && break
	done
	mkdir -p "$diff"/{bin,dev,etc,home,proc,root,run,sys,usr/bin,var}
	mkdir -m 1777 "$diff/tmp"
	chmod 0700 "$diff/root"
	install -m 0755 "$busybox" "$diff/bin/busybox"
	# Its own shell has ln within, and starts no program for each of hundreds of links.
	# shellcheck disable=SC2016 # for that shell
	"$busybox" sh -c 'cd "$0" && for applet in $(./busybox --list); do
		[ $applet = busybox ] || ln -s busybox $applet
	done' "$diff/bin"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$diff/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$diff/etc/group"
}
