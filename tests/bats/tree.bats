# SPDX-License-Identifier: MIT
# Hostile and damaged trees: whatever a tree holds, exactly what was asked for is mounted, or nothing.

setup_file() {
	load ../lib/helpers
	make_tree hostile 3
	base=$(tree_id 1) middle=$(tree_id 2)
	export base middle
}

setup() {
	load ../lib/helpers
	works launch "$top" cat /layer1 # every test begins with a tree that works
}

# restored COMMAND: undoes an attack, and the tree must work again: the refusal had no other cause.
restored() {
	"$@"
	works launch "$top" cat /layer1 /layer2 /layer3
	assert_output $'1\n2\n3'
}

# link_is TARGET: replaces the middle layer's link by a symlink to TARGET.
link_is() {
	ln -sfn "$1" "$tree/l/$(tree_link 2)"
}

# with_lower TEXT: the top layer's lower file holds exactly TEXT.
with_lower() {
	printf "$@" >"$tree/$top/lower"
}

good_lower() {
	printf 'l/%s:l/%s' "$(tree_link 2)" "$(tree_link 1)" >"$tree/$top/lower"
}

@test "T04 identifiers: nothing but the two alphabets" {
	local id bad
	id=${top%?}
	for bad in "$top,upperdir=/tmp/u" "$top\\" "$top"$'\n' "${id}G" "$id" "${top}0" "../$top" "$top/" "/$tree/$top" \
		. .. '' ' ' "$(tree_link 3)," "$(tree_link 3 | tr A-Z a-z)" "l/$(tree_link 3)" "$top-Init" "*" '$(id)' \
		"$(printf 'A%.0s' {1..4096})"; do
		refused launch "$bad"
		refused launch -l "$bad"
		refused launch -l "$top:$bad:$base"
	done
	works launch -l "$top:$base" true
}

@test "T04 C06 a BuildKit id of 25 characters is accepted" {
	bk=0123456789abcdefghijklmnz
	tree_layer "$tree" $bk BUILDKITBUILDKITBUILDKITAA "$top"
	echo bk >"$tree/$bk/diff/bk"
	works launch $bk cat /bk /layer1
	assert_output $'bk\n1'
}

@test "T06 C15 links with another target than ../<id>/diff" {
	for target in "../$middle/work" "../$middle/diFF" "abc$middle/diff" "./.$middle/diff" /etc "$tree/$middle/diff" "../../etc" "../$middle" "../$middle/diff/" "../$middle/diff/.." \
		"../$middle/../$middle/diff" "./../$middle/diff" "$(tree_link 1)" "../l/$(tree_link 1)" "../../x/diff" \
		../abc ../abc/diff "../$middle/work" "../$middle//diff" "../${middle^^}/diff" /proc/self/root; do
		link_is "$target"
		refused launch "$top"
		says "$(tree_link 2)"
	done
	restored link_is "../$middle/diff"
}

@test "T06 C09 C16 a dangling or missing link, a FIFO, a file, a directory in its place" {
	local link=$tree/l/$(tree_link 2)
	link_is "../$(tree_id 99)/diff"
	refused launch "$top"
	says "$(tree_id 99)"
	rm "$link"
	refused launch "$top"
	says "$(tree_link 2)"
	mkfifo "$link"
	refused launch "$top"
	rm "$link" && : >"$link"
	refused launch "$top"
	rm "$link" && mkdir "$link"
	refused launch "$top"
	rmdir "$link"
	restored link_is "../$middle/diff"
}

@test "T06 C17 two links to one layer, a link file that disagrees" {
	local other=TWOLINKSTWOLINKSTWOLINKSAA
	ln -s "../$middle/diff" "$tree/l/$other"
	refused launch $other
	says disagree
	with_lower 'l/%s:l/%s' "$(tree_link 2)" $other
	refused launch "$top"
	says twice
	good_lower
	rm "$tree/l/$other"
	printf %s "$(tree_link 1)" >"$tree/$top/link"
	refused launch "$top"
	says disagree
	printf %s "$(tree_link 3)" >"$tree/$top/link"
	restored true
}

@test "T06 C18 diff or the layer itself is a symlink" {
	mv "$tree/$middle/diff" "$tree/$middle/real"
	ln -s real "$tree/$middle/diff"
	refused launch "$top"
	says "$middle/diff"
	rm "$tree/$middle/diff"
	: >"$tree/$middle/diff"
	refused launch "$top"
	says 'not a directory'
	rm "$tree/$middle/diff"
	refused launch "$top"
	mv "$tree/$middle/real" "$tree/$middle/diff"
	mv "$tree/$middle" "$tree/real"
	ln -s real "$tree/$middle"
	refused launch "$top"
	says "$middle"
	rm "$tree/$middle"
	restored mv "$tree/real" "$tree/$middle"
}

@test "T07 C10 C11 link files: newline, empty, short, NUL, FIFO, directory, symlink, huge" {
	local file=$tree/$top/link
	for text in "$(tree_link 3)\n" '' 'ABC' "$(tree_link 3)A" 'AAAAAAAAAAAAAAAAAAAAAAAAA\000' '../../../../../../etc/passw'; do
		printf "$text" >"$file"
		refused launch "$top"
		says "$top/link"
	done
	rm "$file" && mkfifo "$file"
	refused timeout 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top"
	says 'not a regular file'
	rm "$file" && mkdir "$file"
	refused launch "$top"
	rmdir "$file" && ln -s "../$middle/link" "$file"
	refused launch "$top"
	says symlink
	rm "$file"
	refused launch "$top"
	truncate -s 1G "$file"
	refused launch "$top"
	says longer
	rm "$file"
	printf %s "$(tree_link 3)" >"$file"
	restored true
}

@test "T07 C12 C13 C14 lower files: every malformation" {
	local file=$tree/$top/lower a b
	a=l/$(tree_link 2) b=l/$(tree_link 1)
	for text in '' "$a\n" "$a:" ":$a" "$a::$b" "$a:$b\n" "$a $b" "$a,$b" "$a\000$b" "${a#l/}" "../../etc" "/etc" "l/../x" \
		"l/../../../../../../../etc/x" "${a,,}" "$a:$b:" "l/" "$a:/etc" "$(printf 'x%.0s' {1..28})"; do
		with_lower "$text"
		refused launch "$top"
		says "$top/lower"
	done
	rm "$file" && mkfifo "$file"
	refused timeout 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top"
	says 'not a regular file'
	rm "$file" && mkdir "$file"
	refused launch "$top"
	rmdir "$file" && ln -s "../$middle/lower" "$file"
	refused launch "$top"
	says symlink
	rm "$file" && truncate -s 1G "$file"
	refused launch "$top"
	rm "$file"
	mknod "$file" c 1 3
	refused launch "$top"
	rm "$file"
	good_lower
	restored true
}

@test "T07 only ENOENT means that there is no parent" {
	# An unreadable lower would otherwise give a shorter stack.
	run --separate-stderr strace -f -u nobody -P "$tree" -e inject=openat2:error=EACCES:when=2 "$OVLRUN" "$top" cat /layer3
	assert_equal "$status" 125
	[[ $stderr == *'ovlrun: cannot open'*"$top/lower"* ]]
	run --separate-stderr strace -f -u nobody -e inject=openat2:error=EIO:when=2 "$OVLRUN" "$top" cat /layer3
	assert_equal "$status" 125
}

@test "T06 T07 the same without openat2" {
	old() {
		strace -f -o /dev/null -u nobody -e inject=openat2:error=ENOSYS timeout 10 "$OVLRUN" --bare "$@"
	}
	cd /
	works old "$top" cat /layer1 /layer2 /layer3
	assert_output $'1\n2\n3'
	mv "$tree/$top/lower" "$tree/$top/kept"
	ln -s kept "$tree/$top/lower"
	refused old "$top"
	says symlink
	rm "$tree/$top/lower" && mkfifo "$tree/$top/lower"
	refused old "$top"
	rm "$tree/$top/lower"
	mv "$tree/$top/kept" "$tree/$top/lower"
	works old "$top" true
}

@test "T08 a layer that lists itself, a cycle, a duplicate" {
	with_lower 'l/%s' "$(tree_link 3)"
	refused launch "$top"
	says "$top"
	says twice
	with_lower 'l/%s:l/%s:l/%s' "$(tree_link 2)" "$(tree_link 1)" "$(tree_link 2)"
	refused launch "$top"
	says "$middle"
	good_lower
	refused launch -l "$top:$base:$top"
	says "$top"
	refused launch -l "$top:$(tree_link 3)"
	restored true
}

@test "T10 C19 the tree, l, a layer, link and lower: owner and mode" {
	local path mode
	for path in "$tree" "$tree/l" "$tree/$middle" "$tree/$top" "$tree/$top/link" "$tree/$top/lower"; do
		mode=$(stat -c %a "$path")
		chown 65534 "$path"
		refused launch "$top"
		says 'not owned by root'
		says "$path"
		chown 0 "$path"
		chmod g+w "$path"
		refused launch "$top"
		says "$path"
		chmod "$mode" "$path"
		chmod o+w "$path"
		refused launch "$top"
		says 'writable by others'
		restored chmod "$mode" "$path"
	done
}

@test "T10 every ancestor of the tree" {
	mkdir -p "$LAB/a/b/c"
	mv "$tree" "$LAB/a/b/c/tree"
	offer "$LAB/a/b/c/tree"
	works launch "$top" true
	for path in "$LAB/a/b/c" "$LAB/a/b" "$LAB/a" "$LAB"; do
		chown 65534 "$path"
		refused launch "$top"
		says "$path"
		chown 0 "$path"
		chmod 0775 "$path"
		refused launch "$top"
		chmod 1777 "$path"
		refused launch "$top"
		says "$path"
		chmod 0755 "$path"
		works launch "$top" true
	done
	ln -s b/c "$LAB/a/via"
	offer "$LAB/a/via/tree"
	refused launch "$top"
	says 'a symlink'
	for path in "$LAB/a/b/../b/c/tree" "$LAB/a/./b/c/tree"; do
		offer "$path"
		refused launch "$top"
	done
	mv "$LAB/a/b/c/tree" "$tree"
	offer "$tree"
	restored true
}

@test "T10 a world-writable lower is forgiven below a closed tree only" {
	chmod 0666 "$tree/$top/lower"
	works launch "$top" cat /layer1
	chmod 0711 "$tree"
	refused launch "$top"
	says "$top/lower"
	chgrp 100 "$tree"
	chmod 0710 "$tree"
	refused launch "$top"
	chgrp 0 "$tree"
	works launch "$top" true
	# That one file, and that one mode.
	chmod 0666 "$tree/$top/link"
	refused launch "$top"
	chmod 0644 "$tree/$top/link"
	chmod 0777 "$tree/$top/lower"
	refused launch "$top"
	restored chmod 0644 "$tree/$top/lower"
}

@test "T10 T42 the policy file: owner, mode, kind, content" {
	local conf=/etc/ovlrun.conf
	chmod 0664 $conf
	refused launch "$top"
	says $conf
	chmod 0646 $conf
	refused launch "$top"
	chmod 0644 $conf
	chown 65534 $conf
	refused launch "$top"
	offer "$tree"
	works launch "$top" true
	mv $conf /etc/real.conf && ln -s real.conf $conf
	refused launch "$top"
	rm $conf && mkfifo $conf
	refused timeout 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" "$top"
	rm $conf && mkdir $conf
	refused launch "$top"
	rmdir $conf && truncate -s 100M $conf
	refused launch "$top"
	printf 'tree %s' "$tree" >$conf
	refused launch "$top"
	says 'not finished'
	printf 'tree %s\0\n' "$tree" >$conf
	refused launch "$top"
	says NUL
	printf '#\ntree %s\nunknown\n' "$tree" >$conf
	refused launch "$top"
	says "$conf:3"
	restored policy "# a comment" "" "  tree $tree   # another" "permit * any"
}

@test "T01 without a policy file only root may launch" {
	rm -f /etc/ovlrun.conf
	refused launch -t "$tree" "$top"
	refused launch "$top"
	works "$OVLRUN" -t "$tree" "$top" true
	restored offer "$tree"
}

@test "T02 a tree that is denied and one that is absent look the same" {
	tree_init "$LAB/other"
	tree_layer "$LAB/other" "$(tree_id 1)" "$(tree_link 1)"
	refused launch -t "$LAB/other" "$(tree_id 1)"
	denied=${stderr//other/NAME}
	refused launch -t "$LAB/ether" "$(tree_id 1)"
	assert_equal "${stderr//ether/NAME}" "$denied"
}

@test "T03 a tree is named whole" {
	for other in "${tree}2" "$tree/" "$tree/." "/$tree" "${tree%?}" "$LAB" /; do
		refused launch -t "$other" "$top"
		says 'not there, or not permitted'
	done
	works launch -t "$tree" "$top" true
}

@test "T14 root is warned of a layer that a running container writes to" {
	mkdir "$tree/$top/merged"
	works "$OVLRUN" "$top" true
	assert_equal "$stderr" ''
	mount -t overlay overlay -o "lowerdir=$tree/$middle/diff:$tree/$base/diff,upperdir=$tree/$top/diff,workdir=$tree/$top/work" "$tree/$top/merged"
	works "$OVLRUN" "$top" true
	warned=$stderr
	run --separate-stderr "$OVLRUN" -l "$base:$top" /no/such
	assert_equal "$(grep -c 'a running container' <<<"$stderr")" 1
	works "$OVLRUN" -q "$top" true
	assert_equal "$stderr" ''
	umount "$tree/$top/merged"
	rm -rf "$tree/$top/merged" "$tree/$top/work/work"
	assert_equal "$warned" "ovlrun: warning: a running container is writing to this layer: $top"
}

@test "T20 C27 a redirect in a layer is not followed" {
	mkdir "$tree/$middle/diff/pub" "$tree/$base/diff/hidden"
	echo secret >"$tree/$base/diff/hidden/k"
	setfattr -n trusted.overlay.redirect -v /hidden "$tree/$middle/diff/pub"
	# The attack is real: a plain mount follows it.
	mkdir -p "$LAB/plain"
	mount -t overlay overlay -o "ro,lowerdir=$tree/$middle/diff:$tree/$base/diff" "$LAB/plain"
	run cat "$LAB/plain/pub/k"
	umount "$LAB/plain"
	assert_output secret
	run launch "$top" cat /pub/k
	assert_failure
	refute_output --partial secret
	rm -r "$tree/$middle/diff/pub" "$tree/$base/diff/hidden"
}

@test "T20 C28 a metacopy never shows another file's data" {
	echo shadow >"$tree/$base/diff/shadow"
	chmod 0600 "$tree/$base/diff/shadow"
	: >"$tree/$middle/diff/copy"
	truncate -s 7 "$tree/$middle/diff/copy"
	setfattr -n trusted.overlay.metacopy "$tree/$middle/diff/copy"
	setfattr -n trusted.overlay.redirect -v /shadow "$tree/$middle/diff/copy"
	mount -t overlay overlay -o "ro,metacopy=on,lowerdir=$tree/$middle/diff:$tree/$base/diff" "$LAB/plain"
	run cat "$LAB/plain/copy"
	umount "$LAB/plain"
	assert_output shadow # the attack is real
	run launch "$top" cat /copy
	refute_output --partial shadow
	rm "$tree/$base/diff/shadow" "$tree/$middle/diff/copy"
}

@test "T20 the module's parameters do not matter" {
	local parameters=/sys/module/overlay/parameters info
	saved=$(grep -H . $parameters/{metacopy,redirect_dir,index})
	for parameter in metacopy redirect_dir index; do
		echo Y >$parameters/$parameter
	done
	hold "$top" /bin/probe wait
	info=$(cat "/proc/$held/mountinfo")
	release
	[[ $info == *redirect_dir=nofollow* ]]
	[[ $info != *metacopy=on* && $info != *index=on* ]]
}

teardown() {
	# The parameters are the whole machine's: put back even if the test failed.
	while IFS=: read -r file value; do
		[ -z "$file" ] || echo "$value" >"$file"
	done <<<"${saved-}"
}

@test "C24 C25 whiteouts and opaque marks as the kernel has them" {
	mkdir "$tree/$base/diff/w" "$tree/$middle/diff/w"
	touch "$tree/$base/diff/w/"{a,b,c}
	mknod -m 0777 "$tree/$middle/diff/w/a" c 0 0
	chown 1000 "$tree/$middle/diff/w/a"
	mknod "$tree/$middle/diff/w/b" c 0 1
	mknod "$tree/$middle/diff/w/c" b 0 0
	works launch "$top" ls /w
	assert_output $'b\nc'
	rm -r "$tree/$middle/diff/w"
	for value in Y yes x; do
		mkdir "$tree/$middle/diff/w"
		setfattr -n trusted.overlay.opaque -v $value "$tree/$middle/diff/w"
		works launch "$top" ls /w
		assert_output $'a\nb\nc'
		rm -r "$tree/$middle/diff/w"
	done
	rm -r "$tree/$base/diff/w"
}

@test "C21 C41 leftovers and committed marks do not matter" {
	ln -s "../$(tree_id 77)/diff" "$tree/l/$(tree_link 77)"
	mkdir "$tree/$(tree_id 78)" "$tree/check-overlayfs-support1" "$tree/$top/merged"
	touch "$tree/$top/.tmp-link1" "$tree/$top/committed"
	works launch "$top" cat /layer1
	rm -r "$tree/l/$(tree_link 77)" "$tree/$(tree_id 78)" "$tree/check-overlayfs-support1" "$tree/$top/"{merged,.tmp-link1,committed}
}

@test "C42 a tree as Podman writes it" {
	pod=$LAB/podman
	mkdir -m 0700 "$pod"
	mkdir -m 0755 "$pod/l"
	for n in 1 2; do
		mkdir -m 0700 "$pod/$(tree_id $n)"
		mkdir -m 0555 "$pod/$(tree_id $n)/diff"
		mkdir -m 0700 "$pod/$(tree_id $n)/"{work,merged}
		ln -s "../$(tree_id $n)/diff" "$pod/l/$(tree_link $n)"
		printf %s "$(tree_link $n)" >"$pod/$(tree_id $n)/link"
	done
	mkdir -m 0700 "$pod/$(tree_id 1)/empty"
	printf 'l/%s' "$(tree_link 1)" >"$pod/$(tree_id 2)/lower"
	printf false >"$pod/.has-mount-program"
	fill_base "$pod/$(tree_id 1)/diff"
	offer "$pod"
	works launch "$(tree_id 2)" stat -c %a /
	assert_output 555
	works launch -r "$(tree_id 1)" true
	printf true >"$pod/.has-mount-program"
	refused launch "$(tree_id 2)" # C43
	says 'mount program'
	offer "$tree"
}

@test "C46 T32 a tree whose path holds what mount data would split" {
	odd="$LAB/a:b,c\\d e"
	tree_init "$odd"
	tree_chain "$odd" 2 fill_base
	# A blank cannot be written in the policy: root names it.
	works "$OVLRUN" -t "$odd" "$(tree_id 2)" cat /layer1 /layer2
	assert_output $'1\n2'
}

@test "C20 a link that changes during the launch is noticed" {
	# The mount itself swaps it, as far as the program can see: strace answers the second reading.
	run --separate-stderr strace -f -o /dev/null -u nobody -e inject=readlinkat:error=ENOENT:when=4+ "$OVLRUN" "$top" true
	assert_equal "$status" 125
	says "$(tree_link 3)"
}

@test "T42 /run/ovlrun: somebody else's, a symlink, open, a file" {
	rm -rf /run/ovlrun
	mkdir -m 0700 /run/ovlrun
	chown 65534 /run/ovlrun
	refused launch "$top"
	says /run/ovlrun
	chown 0 /run/ovlrun
	chmod 0755 /run/ovlrun
	refused launch "$top"
	rmdir /run/ovlrun
	ln -s "$tree" /run/ovlrun
	refused launch "$top"
	rm /run/ovlrun
	: >/run/ovlrun
	refused launch "$top"
	rm /run/ovlrun
	chmod 0777 /run
	refused launch "$top"
	says /run
	restored chmod 0755 /run
}
