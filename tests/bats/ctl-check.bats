# SPDX-License-Identifier: MIT
# ovlctl check: for each rule a damage and what is found, and nothing found before. After each damage of a tree the verdict
# is compared with ovlrun's: there are errors if and only if some layer cannot be launched. With the sanitizers.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export CTL=$OVL_TOP/build/san/ovlctl ASAN_OPTIONS=detect_leaks=0
	export room=$LAB/check base middle top
	base=$(tree_id 1) middle=$(tree_id 2) top=$(tree_id 3)
	rm -f /etc/ovlrun.conf
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	mkdir "$room"
	root=$room/alone tree=$room/alone
	tree_init "$tree"
	tree_chain "$tree" 3 >/dev/null
}

teardown() {
	# What a test has mounted, if it has.
	umount "$room"/*/overlay*/*/merged "$room/alone/$(tree_id 3)/diff/etc" 2>/dev/null || true
	rm -r "$room"
}

check() {
	"$CTL" check --root "$root" "$@"
}

# findings LINE...: exactly these, "SEVERITY RULE OBJECT", and the status that goes with them.
findings() {
	local wanted=0
	run --separate-stderr check --json
	[[ "$*" != *error* && "$*" != *warning* ]] || wanted=1
	assert_equal "$(jq -r '.[] | "\(.severity) \(.rule) \(.object)"' <<<"$output")" "$(printf '%s\n' "$@")"
	assert_equal "$stderr" ''
	assert_equal "$status" $wanted
	agrees
}

# agrees: check reports errors of the tree if and only if ovlrun refuses a layer of it, by its name or by a link to it.
agrees() {
	local name link target is_refused=no has_errors
	for name in $(ls "$tree"); do
		[[ $name =~ ^([0-9a-f]{64}(-init)?|[0-9a-z]{25})$ ]] || continue
		timeout 10 "$OVLRUN" -n -t "$tree" "$name" >/dev/null 2>&1 || is_refused=$name
	done
	for link in "$tree"/l/*; do
		target=$(readlink "$link") || continue
		[[ ${link##*/} =~ ^[A-Z2-7]{26}$ && $target =~ ^\.\./[0-9a-z-]*/diff$ && -e $tree/l/${target%/diff} ]] || continue
		timeout 10 "$OVLRUN" -n -t "$tree" "${link##*/}" >/dev/null 2>&1 || is_refused=$link
	done
	has_errors=$(jq '[.[] | select(.severity == "error" and .rule != "image")] | length > 0' <<<"$output")
	if [ "$has_errors" = true ]; then
		[ "$is_refused" != no ] || fail "check has errors, ovlrun has none: $output"
	else
		[ "$is_refused" = no ] || fail "ovlrun refuses $is_refused, check has no error: $output"
	fi
}

# docker: the tree in a Docker root, with an image and a container.
docker_root() {
	root=$room/docker tree=$room/docker/overlay2
	mkdir -m 0710 "$root"
	mv "$room/alone" "$tree"
	docker_init "$root"
	mkdir "$root/volumes" "$root/image/overlay2/layerdb/tmp"
	: >"$root/volumes/metadata.db"
	image=$(docker_image "$root" debian:12 "$top")
	container=$(docker_container "$root" web "$image" "$top" 20)
	web=$(tree_id 20)
	layers=image/overlay2/layerdb/sha256
	base_chain=$(chain_of "$base") top_chain=$(chain_of "$top")
}

chain_of() {
	grep -lx "$1" "$root"/image/overlay2/layerdb/sha256/*/cache-id | sed 's|.*/\([0-9a-f]*\)/cache-id|\1|'
}

# podman_root: the same layers as containers/storage has them.
podman_root() {
	local n id config
	root=$room/podman tree=$room/podman/overlay
	mkdir -m 0700 "$root"
	mv "$room/alone" "$tree"
	chmod 0700 "$tree" "$tree"/*
	chmod 0755 "$tree/l"
	rm "$tree"/*/committed
	mkdir -m 0700 "$tree/$base/empty"
	for id in "$base" "$middle" "$top"; do
		chmod 0555 "$tree/$id/diff"
		mkdir -p -m 0700 "$tree/$id/merged" "$tree/$id/work"
	done
	mkdir "$root/overlay-layers" "$root/overlay-containers"
	: >"$root/storage.lock"
	: >"$root/overlay-layers/layers.lock"
	config='{"config":{}}'
	image=$(printf %s "$config" | sha256)
	mkdir -p "$root/overlay-images/$image"
	printf %s "$config" >"$root/overlay-images/$image/=$(printf %s "sha256:$image" | base64 -w 0)"
	jq -n --arg b "$base" --arg m "$middle" --arg t "$top" '[{id: $b}, {id: $m, parent: $b}, {id: $t, parent: $m}]' \
		>"$root/overlay-layers/layers.json"
	jq -n --arg i "$image" --arg t "$top" '[{id: $i, names: ["localhost/a:1"], layer: $t}]' >"$root/overlay-images/images.json"
}

@test "nothing is found in a tree alone, in Docker's root, in containers/storage's" {
	findings
	run check
	assert_output 'layers: 3, errors: 0, warnings: 0, notes: 0'
	docker_root
	findings
	run check
	assert_output 'layers: 5, errors: 0, warnings: 0, notes: 0'
	tree_init "$room/alone"
	tree_chain "$room/alone" 3 >/dev/null
	podman_root
	findings
}

@test "C04 C05 modes of every version of Docker are taken, others not" {
	for mode in 0700 0701 0710; do
		chmod $mode "$tree" "$tree/$top"
		[ $mode = 0710 ] || chmod $mode "$tree/l"
		[ $mode = 0701 ] || findings
	done
	chmod 0710 "$tree" "$tree/$top"
	chmod 0700 "$tree/l"
	chmod 0750 "$tree/$top" "$tree/l" "$tree/$middle/work"
	findings "warning mode $middle/work" "warning mode $top" 'warning mode l'
	chmod 0700 "$tree/$top" "$tree/l" "$tree/$middle/work"
	chmod 0750 "$tree"
	findings 'warning mode .'
	chmod 0710 "$tree"
	chmod 0644 "$tree/$base/committed"
	findings
	chmod 0666 "$tree/$base/committed"
	findings "warning mode $base/committed"
	chmod 0600 "$tree/$base/committed"
	echo >"$tree/$base/committed"
	findings "warning committed $base/committed"
	: >"$tree/$base/committed"
	docker_root
	chmod 0700 "$tree/$middle/diff"
	chmod 0755 "$tree/l" "$tree/$top"
	findings "warning mode $top" 'warning mode l' "note diff-mode $middle/diff"
}

@test "T10 C19 what is not root's alone" {
	for name in . l "$middle" "$middle/link" "$middle/lower"; do
		chown 65534 "$tree/$name"
		object=$name
		[ "$name" != . ] || object=$tree
		[ "$name" != l ] || object=$tree/l
		findings "error untrusted $object"
		chown 0 "$tree/$name"
	done
	chmod g+w "$room"
	findings "error untrusted $room"
	chmod g-w "$room"
	chmod 0666 "$tree/$top/lower" # Docker 23.0.8 to 25.0.3
	findings
	chmod 0711 "$tree"
	findings "error untrusted $top/lower" 'warning reachable .'
}

@test "T49 a tree that other users can enter" {
	chmod 0701 "$tree"
	findings 'warning reachable .'
	chmod 0700 "$room"
	findings
	chmod 0755 "$room"
	chmod 0710 "$tree"
	chgrp 100 "$tree"
	findings 'note group .'
	chgrp 0 "$tree"
	setfacl -m u:nobody:x "$tree"
	findings 'note group .'
	setfacl -b "$tree"
	findings
}

@test "C09 C41 C45 links: missing, dangling, spare" {
	rm "$tree/l/$(tree_link 2)"
	findings "error link-missing l/$(tree_link 2)"
	ln -s "../$middle/diff" "$tree/l/$(tree_link 2)"
	ln -s "../$(tree_id 9)/diff" "$tree/l/AAAAAAAAAAAAAAAAAAAAAAAAAA"
	findings 'warning link-dangling l/AAAAAAAAAAAAAAAAAAAAAAAAAA'
	rm "$tree/l/AAAAAAAAAAAAAAAAAAAAAAAAAA"
	: >"$tree/l/something"
	ln -s "../$top/diff" "$tree/l/${top:0:26}"
	findings "warning stranger l/${top:0:26}" 'warning stranger l/something'
	rm "$tree/l/something" "$tree/l/${top:0:26}"
	rm "$tree/$top/link" # killed before it was written
	findings "error link-file $top/link"
}

@test "C09 a tree at a long path: what is refused is named in full, and found by its rule" {
	local deep=$room len
	rm -r "$tree/$top/diff" "$tree/l/$(tree_link 2)"
	# Where the messages of ovlrun would be cut: in the tree's path, behind it, in a layer's name.
	for len in 300 340 382 383 384 3000; do
		while [ ${#deep} -lt $((len - 120)) ]; do deep=$deep/$(printf 'd%.0s' {1..60}); done
		mkdir -p "$deep"
		root=$deep/$(printf 'e%.0s' $(seq $((len - ${#deep} - 1))))
		mv "$tree" "$root"
		tree=$root
		assert_equal ${#root} $len
		run check --json
		assert_equal "$(jq -r 'sort_by(.rule)[] | select(.severity == "error") | "\(.rule) \(.object)"' <<<"$output")" \
			"diff $top/diff"$'\n'"link-missing l/$(tree_link 2)"
	done
	run check --repair --json
	assert_equal "$(jq -r '.[0] | "\(.object) \(.repair)"' <<<"$output")" "l/$(tree_link 2) made again"
}

@test "C15 link targets" {
	link=$tree/l/$(tree_link 2)
	for target in "../$middle/work" /etc "$tree/$middle/diff" "../../etc" "../$middle" "../$middle/diff/.." "./../$middle/diff" \
		"$(tree_link 1)" ../abc/diff "../$middle//diff" "../${middle^^}/diff" /proc/self/root; do
		ln -sfn "$target" "$link"
		findings "error link-target l/$(tree_link 2)"
		ln -s "$target" "$tree/l/BBBBBBBBBBBBBBBBBBBBBBBBBB"
		findings "error link-target l/$(tree_link 2)" 'warning link-useless l/BBBBBBBBBBBBBBBBBBBBBBBBBB'
		rm "$tree/l/BBBBBBBBBBBBBBBBBBBBBBBBBB"
	done
	ln -sfn "../$(tree_id 9)/diff" "$link" # of no layer
	findings "error link-disagrees $middle"
	ln -sfn "../$top/diff" "$link" # of another
	findings "error link-disagrees $middle"
}

@test "C16 what is no symlink is not opened" {
	link=$tree/l/$(tree_link 2)
	rm "$link"
	for make in mkfifo mkdir touch; do
		$make "$link"
		$make "$tree/l/BBBBBBBBBBBBBBBBBBBBBBBBBB"
		findings "error link-target l/$(tree_link 2)" 'warning link-useless l/BBBBBBBBBBBBBBBBBBBBBBBBBB'
		rm -r "$link" "$tree/l/BBBBBBBBBBBBBBBBBBBBBBBBBB"
	done
}

@test "C17 two links to one layer, link files that disagree, a link of two layers" {
	ln -s "../$middle/diff" "$tree/l/TWOLINKSTWOLINKSTWOLINKSAA"
	findings "error link-disagrees $middle"
	rm "$tree/l/TWOLINKSTWOLINKSTWOLINKSAA"
	findings
	tree_link 1 | tr -d '\n' >"$tree/$middle/link"
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | select(.severity == "error") | "\(.rule) \(.object)"' <<<"$output")" "link-disagrees $middle"
}

@test "C18 diff, a layer: missing, a symlink, a file" {
	mv "$tree/$middle/diff" "$room/away"
	findings "error diff $middle/diff"
	ln -s "$room/away" "$tree/$middle/diff"
	findings "error diff $middle/diff"
	rm "$tree/$middle/diff"
	: >"$tree/$middle/diff"
	findings "error diff $middle/diff"
	rm "$tree/$middle/diff"
	mv "$room/away" "$tree/$middle/diff"
	findings
	mv "$tree/$middle" "$room/away"
	ln -s "$room/away" "$tree/$middle"
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | select(.severity == "error") | "\(.rule) \(.object)"' <<<"$output" | head -n 1)" "layer $middle"
	assert_equal "$("$CTL" ls --json --root "$root" | jq -r '.[].id')" "$(printf '%s\n' "$base" "$top" | sort)"
}

@test "T01 an access list of a root directory: an error of the layers that ovlrun refuses for it, and of no other" {
	local list
	tree_busybox "$tree/$base/diff"
	for list in u:1234:- d:u:1234:-; do
		setfacl -m $list "$tree/$middle/diff"
		run check --no-content --json
		assert_equal "$(jq -r '.[] | "\(.severity) \(.rule) \(.object)"' <<<"$output")" "error access-list $middle/diff"
		for layer in "$base" "$middle" "$top"; do
			run --separate-stderr "$OVLRUN" -t "$tree" "$layer" /bin/true
			[ "$layer" = "$middle" ] && assert_equal "$status" 125 || assert_equal "$status:$stderr" 0:
			[ "$layer" != "$middle" ] || assert_equal "$stderr" \
				'ovlrun: cannot use the image: its root directory has an access list'
		done
		setfacl -b "$tree/$middle/diff"
	done
	findings
}

@test "C10 C11 link files: newline, empty, short, FIFO, directory, symlink, huge" {
	file=$tree/$middle/link
	for text in "$(tree_link 2)\n" '' ABC "$(tree_link 2)A" 'AAAAAAAAAAAAAAAAAAAAAAAAA\000' '../../../../../../etc/passw'; do
		printf "$text" >"$file"
		findings "error link-file $middle/link"
	done
	rm "$file" && mkfifo "$file"
	findings "error link-file $middle/link"
	rm "$file" && mkdir "$file"
	findings "error link-file $middle/link"
	rmdir "$file" && ln -s "../$top/link" "$file"
	findings "error link-file $middle/link"
	rm "$file" && truncate -s 1G "$file"
	findings "error link-file $middle/link"
}

@test "C12 C13 C14 lower files: every malformation" {
	file=$tree/$top/lower a=l/$(tree_link 2) b=l/$(tree_link 1)
	for text in '' "$a\n" "$a:" ":$a" "$a::$b" "$a:$b\n" "$a $b" "$a\000$b" "${a#l/}" ../../etc /etc l/../x l/ "$a:/etc"; do
		printf "$text" >"$file"
		findings "error lower-file $top/lower"
	done
	rm "$file" && mkfifo "$file"
	findings "error lower-file $top/lower"
	rm "$file" && mkdir "$file"
	findings "error lower-file $top/lower"
	rmdir "$file" && ln -s "../$middle/lower" "$file"
	findings "error lower-file $top/lower"
	rm "$file" && truncate -s 1G "$file"
	findings "error lower-file $top/lower"
	printf %s "$a:$a" >"$file"
	findings "error layer-twice $middle"
	printf %s "l/$(tree_link 3)" >"$file"
	findings "error layer-twice $top"
	printf %s "$a:l/ZZZZZZZZZZZZZZZZZZZZZZZZZZ" >"$file"
	findings 'error link-missing l/ZZZZZZZZZZZZZZZZZZZZZZZZZZ'
}

@test "C02 C03 lower files that are well formed, but not the parent's" {
	for text in "l/$(tree_link 1)" "l/$(tree_link 2)" "l/$(tree_link 1):l/$(tree_link 2)"; do
		printf %s "$text" >"$tree/$top/lower"
		[ "$text" = "l/$(tree_link 1)" ] && expected=() || expected=("warning lower-parent $top")
		findings "${expected[@]}" # to have another parent is no damage that the tree shows
	done
	printf 'l/%s' "$(tree_link 2)" >"$tree/$base/lower"
	mkdir -m 0700 "$tree/$base/work"
	printf 'l/%s:l/%s' "$(tree_link 2)" "$(tree_link 1)" >"$tree/$top/lower"
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | "\(.rule) \(.object)"' <<<"$output" | sort)" \
		"$(printf '%s\n' "cycle $base" "cycle $middle" "lower-parent $top" | sort)"
}

@test "what is wrong with a layer is told once, not for each stack that has it" {
	tree_layer "$tree" "$(tree_id 4)" "$(tree_link 4)" "$top"
	tree_layer "$tree" "$(tree_id 5)" "$(tree_link 5)" "$top"
	printf 'l/%s:l/%s:l/%s' "$(tree_link 3)" "$(tree_link 1)" "$(tree_link 2)" >"$tree/$(tree_id 5)/lower"
	findings "warning lower-parent $(tree_id 5)"
	rm -r "$tree/$middle/diff"
	findings "error diff $middle/diff"
}

@test "C08 depth: Docker's 128, the kernel's 500" {
	rm -r "$tree"
	mkdir "$room/deep"
	tree_init "$tree"
	tree_chain "$tree" 130 >/dev/null
	findings # of a tree alone
	mkdir -p "$room/deep/image/overlay2"
	mv "$tree" "$room/deep/overlay2"
	root=$room/deep tree=$room/deep/overlay2
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | select(.rule != "orphan") | "\(.rule) \(.object) \(.what)"' <<<"$output")" \
		"depth-engine $(tree_id 130) 129 layers are below it; Docker takes 128"
	for ((n = 0; n < 499; n++)); do
		printf 'l/%s:' "$(tree_link 1)"
	done >"$room/lower"
	printf 'l/%s:l/%s' "$(tree_link 1)" "$(tree_link 1)" >>"$room/lower"
	mv "$room/lower" "$tree/$(tree_id 130)/lower"
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | select(.severity == "error") | .rule' <<<"$output")" lower-file
	truncate -s -29 "$tree/$(tree_id 130)/lower"
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | select(.severity == "error") | .rule' <<<"$output")" depth
}

@test "C08 the deepest stacks that are launched with --bare, and without" {
	local above
	rm -r "$tree"
	mkdir "$room/deep"
	"$OVL_TOP/tests/lib/forest" "$room/deep" 500 500
	mv "$room/deep/overlay2" "$tree"
	above=$(tree_id 500)
	run check --json
	assert_equal "$status" 1
	assert_equal "$(jq -r '.[] | "\(.severity) \(.rule) \(.object)"' <<<"$output")" "error depth $above"
	"$OVLRUN" -n -t "$tree" "$(tree_id 499)" >/dev/null
	"$OVLRUN" -n --bare -t "$tree" "$above" >/dev/null
	run "$OVLRUN" -n -t "$tree" "$above"
	assert_equal "$status" 125
}

@test "C06 a BuildKit id; other names are strangers" {
	tree_layer "$tree" 0123456789abcdefghijklmno "$(tree_link 9)" "$top"
	findings
	mkdir "$tree/0123456789ABCDEFGHIJKLMNO" "$tree/.tmp"
	: >"$tree/file"
	findings 'warning stranger .tmp' 'warning stranger 0123456789ABCDEFGHIJKLMNO' 'warning stranger file'
}

@test "C41 C45 leftovers of probes and of writes that were interrupted" {
	mkdir "$tree/check-overlayfs-support123" "$tree/opaque-bug-check1" "$tree/metacopy-check9" "$tree/userxattr-check"
	: >"$tree/$top/.tmp-lower12"
	: >"$tree/$top/.tmp-committed1"
	: >"$tree/$top/notes"
	findings 'warning leftover check-overlayfs-support123' "warning leftover $top/.tmp-committed1" "warning leftover $top/.tmp-lower12" \
		'warning leftover metacopy-check9' 'warning leftover opaque-bug-check1' 'warning leftover userxattr-check' \
		"note unknown-file $top/notes"
}

@test "T52 C22 work: missing, a symlink, deep content; C48 the volatile mark" {
	work=$tree/$top/work
	mkdir -p "$work/work/a/b"
	: >"$work/work/a/file"
	findings # the kernel empties that
	mkdir "$work/work/a/b/c"
	findings "warning work-deep $top/work/work/a/b"
	rm -r "$work/work"
	mkdir -p "$work/work/incompat/volatile"
	findings "warning volatile $top/work/work/incompat/volatile"
	rm -r "$work"
	findings "warning work $top"
	ln -s /etc "$work"
	findings "warning work $top/work"
}

@test "merged: in use, empty, with content" {
	docker_root
	mkdir -m 0700 "$tree/$web/merged"
	findings "note merged-empty $web/merged"
	mount -t overlay -o "lowerdir=$tree/$base/diff,upperdir=$tree/$web/diff,workdir=$tree/$web/work" o "$tree/$web/merged"
	findings
	umount "$tree/$web/merged"
	: >"$tree/$web/merged/file"
	findings "warning merged $web/merged"
	rm -r "$tree/$web/merged"
}

@test "T20 C27 C28 redirect and metacopy marks; in a container they are only noted" {
	mkdir -p "$tree/$middle/diff/a/b" "$tree/$middle/diff/c"
	setfattr -n trusted.overlay.redirect -v /x "$tree/$middle/diff/a/b"
	setfattr -n trusted.overlay.redirect -v y "$tree/$middle/diff/c"
	setfattr -n trusted.overlay.metacopy "$tree/$middle/diff/layer2"
	setfattr -n user.overlay.redirect -v /x "$tree/$top/diff" || true # of no meaning here
	run check --json
	agrees
	assert_equal "$(jq -r '.[] | "\(.severity) \(.rule)"' <<<"$output" | sort)" $'warning metacopy\nwarning redirect'
	assert_equal "$(jq -r '.[] | select(.rule == "redirect") | .what' <<<"$output")" 'directory with a redirect mark, and 1 more'
	assert_equal "$(jq -r '.[].remedy' <<<"$output" | sort -u)" 'a launch refuses it (EPERM); a copy of it has no mark'
	tree_busybox "$tree/$base/diff"
	for name in c layer2; do
		run "$OVLRUN" -t "$tree" "$top" /bin/ls -d "/$name"
		assert_output --partial 'Operation not permitted'
	done
	run check --no-content
	assert_success
	rm -r "$tree/$middle/diff/a" "$tree/$middle/diff/c" "$tree/$middle/diff/layer2"
	docker_root
	: >"$tree/$web/diff/copied"
	setfattr -n trusted.overlay.metacopy "$tree/$web/diff/copied"
	run check --json
	assert_success
	assert_equal "$(jq -r '.[] | "\(.severity) \(.rule)"' <<<"$output")" 'note metacopy'
}

@test "marks are looked for under the name that diff takes them by: the user's in his namespace or tree" {
	mkdir "$tree/$middle/diff/a" "$tree/$top/diff/b"
	setfattr -n user.overlay.redirect -v x "$tree/$middle/diff/a"
	setfattr -n trusted.overlay.redirect -v x "$tree/$top/diff/b"
	findings "warning redirect $top/diff/b"
	run unshare --user --map-root-user "$CTL" check --root "$root" --json
	assert_equal "$(jq -r '.[].object' <<<"$output")" "$middle/diff/a"
	chown 65534 "$tree"
	run check --json
	assert_equal "$(jq -r '.[] | select(.rule == "redirect").object' <<<"$output")" "$middle/diff/a"
}

@test "C24 C25 C26 C29 devices, set-id files, whiteouts, opaque marks" {
	diff=$tree/$middle/diff
	mknod "$diff/gone" c 0 0
	mkdir "$diff/hidden"
	setfattr -n trusted.overlay.opaque -v y "$diff/hidden"
	findings
	mkdir "$diff/odd"
	setfattr -n trusted.overlay.opaque -v yes "$diff/odd"
	install -m 4755 /bin/true "$diff/su"
	findings "note opaque $middle/diff/odd" "note set-id $middle/diff/su"
	chmod 0755 "$diff/su"
	setcap cap_net_raw+ep "$diff/su"
	findings "note opaque $middle/diff/odd" "note set-id $middle/diff/su"
	rm -r "$diff/odd" "$diff/su"
	for device in 'c 1 3' 'c 0 1' 'b 0 0' 'b 8 0'; do
		mknod "$diff/node" $device
		findings "warning device $middle/diff/node"
		rm "$diff/node"
	done
	: >"$diff/hidden/w"
	setfattr -n trusted.overlay.whiteout "$diff/hidden/w"
	findings "warning whiteout-lost $middle/diff/hidden/w"
	setfattr -n trusted.overlay.opaque -v x "$diff/hidden"
	findings "note whiteout-xattr $middle/diff/hidden/w"
	: >"$diff/hidden/.wh.name"
	findings "warning wh-file $middle/diff/hidden/.wh.name" "note whiteout-xattr $middle/diff/hidden/w"
}

@test "content: no mount is crossed, no symlink followed, nests have a bottom" {
	diff=$tree/$top/diff
	mkdir "$diff/etc" "$room/other"
	mknod "$room/other/null" c 1 3
	ln -s "$room/other" "$diff/link"
	findings
	mount --bind "$room/other" "$diff/etc"
	findings "warning unreadable $top/diff/etc"
	umount "$diff/etc"
	deep=$(printf 'd/%.0s' {1..240})
	mkdir -p "$diff/$deep"
	mknod "$diff/$deep/null" c 1 3
	findings "warning device $top/diff/${deep}null"
	mkdir -p "$diff/$deep$(printf 'd/%.0s' {1..20})"
	mv "$diff/$deep/null" "$diff/$deep$(printf 'd/%.0s' {1..20})"
	run check --json # not so deep
	assert_equal "$(jq -r '.[].rule' <<<"$output")" unreadable
	rm -r "$diff/d"
	perl -e 'chdir $ARGV[0] or die; for (1 .. 3000) { mkdir "d" x 200 and chdir "d" x 200 or die }' "$diff"
	run check --json
	assert_equal "$(jq -r '.[].rule' <<<"$output")" unreadable
}

@test "C43 literal deletions for a mount program" {
	printf true >"$tree/.has-mount-program"
	findings "error mount-program $tree"
	printf false >"$tree/.has-mount-program"
	findings
}

@test "C21 a container that its mark makes read-only, an init layer without one" {
	docker_root
	: >"$tree/$web/committed"
	chmod 0600 "$tree/$web/committed"
	findings "warning read-only $web"
	rm "$tree/$web/committed" "$tree/$web-init/committed"
	findings "note uncommitted $web-init"
}

@test "C38 C39 Docker's images and layer database" {
	docker_root
	config=$root/image/overlay2/imagedb/content/sha256/$image
	echo >>"$config"
	findings 'error image debian:12'
	truncate -s -1 "$config"
	echo >>"$root/$layers/$top_chain/cache-id"
	findings # white space is cut off, as Docker does
	printf 'a/b' >"$root/$layers/$top_chain/cache-id"
	findings 'error image debian:12' "warning metadata $layers/$top_chain/cache-id"
	tree_id 99 | tr -d '\n' >"$root/$layers/$top_chain/cache-id"
	findings 'error image debian:12' "warning metadata $layers/$top_chain/cache-id"
	printf %s "$top" >"$root/$layers/$top_chain/cache-id"
	findings
	cp "$root/$layers/$top_chain/parent" "$room/parent"
	printf 'sha256:%s' "$base_chain" >"$root/$layers/$top_chain/parent"
	findings "warning metadata $layers/$top_chain" "note other-parent $layers/$top_chain"
	printf rubbish >"$root/$layers/$top_chain/parent"
	findings "warning metadata $layers/$top_chain/parent"
	cp "$room/parent" "$root/$layers/$top_chain/parent"
	mv "$root/$layers/$top_chain" "$room/entry"
	findings 'error image debian:12'
	mv "$room/entry" "$root/$layers/$top_chain"
	rm "$config"
	findings 'error image debian:12'
}

@test "C40 C41 Docker: containers without layers, layers that nobody knows, what deletions and writes left" {
	docker_root
	tree_layer "$tree" "$(tree_id 50)" "$(tree_link 50)"
	findings "warning orphan $(tree_id 50)"
	rm -r "$tree/$(tree_id 50)" "$tree/l/$(tree_link 50)"
	mkdir "$root/$layers/$top_chain-$base-removing" "$root/$layers/x" "$root/image/overlay2/layerdb/tmp/write-set-123"
	findings "warning leftover $layers/$top_chain-$base-removing" "warning stranger $layers/x" \
		"warning leftover image/overlay2/layerdb/tmp/write-set-123"
	rm -r "$root/$layers/$top_chain-$base-removing" "$root/$layers/x" "$root/image/overlay2/layerdb/tmp/write-set-123"
	mounts=image/overlay2/layerdb/mounts/$container
	tree_id 99 >"$root/$mounts/init-id"
	printf 'sha256:%s' "$base" >"$root/$mounts/parent"
	findings "warning container $mounts" "warning container $mounts"
	printf %s "$web-init" >"$root/$mounts/init-id"
	printf 'sha256:%s' "$top_chain" >"$root/$mounts/parent"
	findings
	tree_id 99 >"$root/$mounts/mount-id"
	findings "warning orphan $web" 'warning container web'
}

@test "C42 C43 containers/storage: incomplete layers, lists and trees that differ" {
	podman_root
	list=$root/overlay-layers/layers.json
	cp "$list" "$room/list"
	jq '.[2].flags.incomplete = true' "$room/list" >"$list"
	findings 'error image localhost/a:1' "warning incomplete $top"
	jq '.[2].parent = .[0].id' "$room/list" >"$list"
	findings "note other-parent $top"
	jq '. + [{id: "unknown"}]' "$room/list" >"$list"
	findings 'warning metadata overlay-layers/layers.json'
	jq 'del(.[0])' "$room/list" >"$list"
	findings # its children use it
	tree_layer "$tree" "$(tree_id 50)" "$(tree_link 50)"
	chmod 0700 "$tree/$(tree_id 50)"
	findings "warning orphan $(tree_id 50)"
	printf '[[[' >"$list"
	run check
	assert_equal "$status" 2
	assert_line --index 0 --partial "cannot read $list"
}

# damage SEED: something of the tree is replaced, cut, moved or opened, as the seed has it.
damage() {
	local -a files
	RANDOM=$1
	mapfile -t files < <(find "$tree" -mindepth 1 | LC_ALL=C sort)
	local one=${files[RANDOM % ${#files[@]}]} other=${files[RANDOM % ${#files[@]}]}
	case $(($1 % 10)) in
	0) rm -r "$one" ;;
	1) rm -r "$one" && mkfifo "$one" ;;
	2) rm -r "$one" && mkdir "$one" ;;
	3) rm -r "$one" && ln -s "$other" "$one" ;;
	4) [ ! -f "$one" ] || truncate -s $((RANDOM % 2 * 1073741824)) "$one" ;;
	5) [ ! -f "$one" ] || [ ! -f "$other" ] || cat "$other" >"$one" ;;
	6) mv "$one" "$other" ;;
	7) [ ! -L "$one" ] || ln -sfn "../$(tree_id $((RANDOM % 5)))/diff" "$one" ;;
	8) chmod $((RANDOM % 8))$((RANDOM % 8))$((RANDOM % 8)) "$one" ;;
	9) printf 'l/%s:l/%s' "$(tree_link $((RANDOM % 5)))" "$(tree_link $((RANDOM % 5)))" >"$tree/$(tree_id $((RANDOM % 3 + 1)))/lower" ;;
	esac 2>/dev/null || true # a damage that cannot be done to what is left is none
}

@test "C41 check and ovlrun agree about trees that are damaged at random" {
	cp -a "$tree" "$room/sound"
	damaged=0
	for ((seed = 1; seed <= 80; seed++)); do
		rm -r "$tree"
		cp -a "$room/sound" "$tree"
		damage $seed
		damage $((seed * 7 + 3))
		[ -d "$tree/l" ] && [ ! -L "$tree/l" ] || continue # that is no tree
		run --separate-stderr check --json
		[ "$status" -le 1 ] && [ -z "$stderr" ] || fail "seed $seed: status $status, $stderr"
		agrees || fail "seed $seed"
		damaged=$((damaged + status))
	done
	[ $damaged -gt 40 ]
}

@test "repair: missing links are made again, dangling ones removed, nothing else; --dry-run tells" {
	ln -s "../$(tree_id 9)/diff" "$tree/l/AAAAAAAAAAAAAAAAAAAAAAAAAA"
	rm "$tree/l/$(tree_link 2)" "$tree/l/$(tree_link 3)"
	: >"$tree/l/file"
	before=$(fingerprint "$tree")
	run check --repair --dry-run --json
	assert_equal "$status" 1
	assert_equal "$(jq -r '.[] | "\(.object) \(.repair)"' <<<"$output" | sort)" "$(printf '%s\n' \
		"l/$(tree_link 2) would be made again" "l/$(tree_link 3) would be made again" \
		'l/AAAAAAAAAAAAAAAAAAAAAAAAAA would be removed' 'l/file null' | sort)"
	assert_equal "$(fingerprint "$tree")" "$before"
	run check --repair --json
	assert_equal "$status" 1
	assert_equal "$(jq -r '.[] | "\(.object) \(.repair)"' <<<"$output" | sort)" "$(printf '%s\n' \
		"l/$(tree_link 2) made again" "l/$(tree_link 3) made again" \
		'l/AAAAAAAAAAAAAAAAAAAAAAAAAA removed' 'l/file null' | sort)"
	assert_equal "$(readlink "$tree/l/$(tree_link 2)")" "../$middle/diff"
	[ ! -L "$tree/l/AAAAAAAAAAAAAAAAAAAAAAAAAA" ]
	[ -e "$tree/l/file" ]
	rm "$tree/l/file"
	rm "$tree/l/$(tree_link 2)"
	run check --repair
	assert_success
	assert_output --partial 'made again'
	findings
	run check --dry-run
	assert_equal "$status" 2
}

@test "repair: 100,000 links that are dangling, and 20,000 that are missing, in seconds" {
	perl -e 'chdir shift or die; for (1 .. 100000) { symlink("../" . ("0" x 57) . sprintf("%07x", $_) . "/diff",
		"DANGLING" . join("", map { chr(65 + $_) } (split //, sprintf("%018d", $_)))) or die }' "$tree/l"
	run bash -c 'ulimit -t $((PATIENCE / 5)) && exec "$@" | tail -n 1' - "$OVL_TOP/build/ovlctl" check --repair -n -r "$root"
	assert_output 'layers: 3, errors: 0, warnings: 100000, notes: 0'
	rm -r "$tree"
	mkdir "$room/many"
	"$OVL_TOP/tests/lib/forest" "$room/many" 20000 20
	mv "$room/many/overlay2" "$tree"
	rm -r "$tree/l"
	mkdir -m 0700 "$tree/l"
	run bash -c 'ulimit -t $((PATIENCE / 5)) && exec "$@" | tail -n 1' - "$OVL_TOP/build/ovlctl" check --repair -n -r "$root"
	assert_output 'layers: 20000, errors: 20000, warnings: 0, notes: 0'
}

@test "repair leaves what is not certain" {
	# A link that two layers claim.
	rm "$tree/l/$(tree_link 2)"
	cp "$tree/$middle/link" "$tree/$base/link"
	# A link that a lower file names, to a layer that is not there: it tells which one is missing.
	ln -s "../$(tree_id 9)/diff" "$tree/l/AAAAAAAAAAAAAAAAAAAAAAAAAA"
	printf 'l/%s' AAAAAAAAAAAAAAAAAAAAAAAAAA >"$tree/$top/lower"
	# A link whose layer has lost its content, and another one to it.
	tree_layer "$tree" "$(tree_id 50)" "$(tree_link 50)"
	rmdir "$tree/$(tree_id 50)/diff"
	rm "$tree/l/$(tree_link 50)"
	ln -s "../$(tree_id 50)/diff" "$tree/l/BBBBBBBBBBBBBBBBBBBBBBBBBB"
	before=$(fingerprint "$tree")
	run check --repair --json
	assert_equal "$status" 1
	assert_equal "$(jq '[.[] | select(.repair)] | length' <<<"$output")" 0
	assert_equal "$(fingerprint "$tree")" "$before"
	agrees
	chown 65534 "$tree/l"
	run check --repair
	assert_equal "$status" 2
	assert_line --index 0 --partial 'the tree cannot be trusted'
}

# untouched: the repair refuses, naming a running engine, and the link stays away; without it, it works.
untouched() {
	run check --repair
	assert_equal "$status" 2
	assert_line --index 0 --partial "$1"
	[ ! -L "$tree/l/$(tree_link 2)" ]
	run check --repair --dry-run
	assert_equal "$status" 1
	assert_output --partial 'would be made again'
}

@test "repair refuses while Docker runs: its pid file, its database's lock" {
	docker_root
	rm "$tree/l/$(tree_link 2)"
	sleep 600 <"$root/volumes/metadata.db" 3>&- &
	echo $! >/run/docker.pid
	untouched "cannot repair $tree: Docker's daemon runs on it"
	kill $!
	wait $! || true # it was killed
	sleep 600 </dev/null 3>&- & # a daemon of another root
	daemon=$!
	echo $daemon >/run/docker.pid
	for database in volumes/metadata.db network/files/local-kv.db buildkit/metadata_v2.db \
		containerd/daemon/io.containerd.metadata.v1.bolt/meta.db; do
		mkdir -p "$root/${database%/*}"
		: >"$root/$database"
		coproc LOCK { exec flock "$root/$database" sh -c 'echo held; read -r line' 3>&-; }
		read -r line <&"${LOCK[0]}"
		[ "$line" = held ]
		untouched "cannot repair $root/$database: a daemon that runs on it has locked this"
		echo >&"${LOCK[1]}"
		wait "$LOCK_PID" || true # bash forgets a coprocess that has ended
	done
	run check --repair
	assert_success
	kill $daemon
	rm /run/docker.pid
	findings
}

@test "repair refuses while containers/storage is locked" {
	podman_root
	rm "$tree/l/$(tree_link 2)"
	for lock in storage.lock overlay-layers/layers.lock; do
		coproc LOCK { exec perl -MFcntl -e '$| = 1; open(my $f, "+<", $ARGV[0]) or die;
			my $all = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $all) or die; print "held\n"; <STDIN>' "$root/$lock" 3>&-; }
		read -r line <&"${LOCK[0]}"
		[ "$line" = held ]
		untouched "cannot repair $root/$lock: an engine at work has locked this"
		echo >&"${LOCK[1]}"
		wait "$LOCK_PID" || true # as above
	done
	run check --repair
	assert_success
	findings
}

@test "20,000 layers: within 64 MiB, in seconds" {
	mkdir -m 0710 "$room/forest"
	"$OVL_TOP/tests/lib/forest" "$room/forest" 20000 20
	(
		ulimit -v 65536
		cd /
		exec timeout 20 "$OVL_TOP/build/ovlctl" check -r "$room/forest" >"$room/out"
	)
	assert_equal "$(cat "$room/out")" 'layers: 20000, errors: 0, warnings: 0, notes: 0'
	rm -r "$room/forest/overlay2/$base/diff"
	run timeout 20 "$OVL_TOP/build/ovlctl" check -r "$room/forest" --json
	assert_equal "$status" 1
	assert_equal "$(jq -r '.[] | "\(.rule) \(.object)"' <<<"$output")" "diff $base/diff"$'\nimage image0:latest'
}
