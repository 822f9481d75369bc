# SPDX-License-Identifier: MIT
# ovlctl du: bytes of images and containers.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl-du CTL=$OVL_TOP/build/san/ovlctl
	export ASAN_OPTIONS=detect_leaks=0 # what is read stays until the end
	mkdir "$root"
	tree_init "$root/overlay2"
	top=$(tree_chain "$root/overlay2" 2) # 2 bytes in each layer
	base=$root/overlay2/$(tree_id 1)/diff
	head -c 1000 /dev/zero >"$base/one"
	ln "$base/one" "$base/two" # the same inode: counted once
	ln -s 12345 "$base/symlink" # 5 bytes
	mkdir "$base/dir"
	truncate -s 3000 "$base/dir/sparse"
	mknod "$base/null" c 1 3
	tree_layer "$root/overlay2" "$(tree_id 5)" "$(tree_link 5)" "$(tree_id 1)"
	head -c 70 /dev/zero >"$root/overlay2/$(tree_id 5)/diff/seventy"
	tree_layer "$root/overlay2" "$(tree_id 9)" "$(tree_link 9)"
	head -c 11 /dev/zero >"$root/overlay2/$(tree_id 9)/diff/lost"
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	docker_image "$root" other:1 "$(tree_id 5)" >/dev/null
	docker_container "$root" web "$image" "$top" 20 >/dev/null
	head -c 400 /dev/zero >"$root/overlay2/$(tree_id 20)/diff/written"
}

teardown_file() {
	rm -r "$LAB/ctl-du"
}

setup() {
	load ../lib/helpers
}

rows() {
	"$CTL" du --json -r "$root" | jq -r '.[] | "\(.name) \(.kind) \(.layers) \(.total) \(.unique) \(.shared)"'
}

rows_of() {
	"$CTL" du --json -r "$root" | jq -r ".[] | select(.name == \"$1\") | \"\(.total) \(.unique)\""
}

@test "du: files below a path that no call takes count, and what cannot be measured is told" {
	local layer
	layer=$root/overlay2/$(tree_id 9)
	name=$(printf '%0250d' 0)
	(
		cd "$layer/diff"
		for ((i = 0; i < 20; i++)); do mkdir "$name" && cd "$name"; done
		head -c 100 /dev/zero >deep
	)
	[[ $(rows_of '<unused>') == '111 111' ]]
	(
		cd "$layer/diff/$name"
		for ((i = 0; i < 10; i++)); do cd "$name"; done
		mv "$name" "$layer/rest"
		for ((i = 0; i < 260; i++)); do mkdir "$name" && cd "$name"; done
	)
	run --separate-stderr "$CTL" du --json -r "$root"
	assert_success
	assert_equal "$stderr" "ovlctl: cannot measure $layer/diff: File name too long; it counts as nothing"
	rm -r "$layer/diff/$name" "$layer/rest"
}

@test "du: unique, shared, unused, each inode once" {
	run rows
	assert_output 'debian:12 image 2 4009 2 4007
other:1 image 2 4077 70 4007
web container 4 4409 400 4009
<unused> layers 1 11 11 0
<all> layers 6 4490 4490 0'
}

@test "du: nothing that is mounted in a layer, nor behind a link; a damaged layer counts nothing, and is told" {
	mount -t tmpfs none "$root/overlay2/$(tree_id 1)/diff/dir"
	head -c 1m /dev/zero >"$root/overlay2/$(tree_id 1)/diff/dir/foreign"
	mv "$root/overlay2/$(tree_id 9)/diff" "$root/away"
	ln -s "$root/away" "$root/overlay2/$(tree_id 9)/diff"
	run --separate-stderr rows
	umount "$root/overlay2/$(tree_id 1)/diff/dir"
	rm "$root/overlay2/$(tree_id 9)/diff"
	mv "$root/away" "$root/overlay2/$(tree_id 9)/diff"
	assert_line 'debian:12 image 2 1009 2 1007'
	assert_line '<unused> layers 1 0 0 0'
	assert_regex "$stderr" "^ovlctl: cannot measure .*/diff: .*; it counts as nothing\$"
}

@test "du, info, ls, inspect: more bytes than there can be are the most that a number holds" {
	local max=9223372036854775807 size base
	base=$root/overlay2/$(tree_id 1)/diff
	for name in a b; do
		truncate -s $max "$base/$name"
	done
	run --separate-stderr "$CTL" du --json -r "$root" # as it is: jq has doubles
	rm "$base"/{a,b}
	assert_equal "$stderr" ''
	assert_line --partial "\"total\":$max,\"unique\":2,\"shared\":9223372036854775805}"
	assert_line --partial "\"total\":$max,\"unique\":$max,\"shared\":0}"
	mkdir "$root/../ctl-podman" "$root/../ctl-podman/overlay-layers" "$root/../ctl-podman/overlay-images"
	cp -a "$root/overlay2" "$root/../ctl-podman/overlay"
	printf '[{"id":"%s","diff-size":%s},{"id":"%s","parent":"%s","diff-size":%s}]' "$(tree_id 1)" $max "$(tree_id 2)" "$(tree_id 1)" \
		$max >"$root/../ctl-podman/overlay-layers/layers.json"
	run --separate-stderr "$CTL" info -f '{{.bytes}}' "$root/../ctl-podman"
	size=$("$CTL" inspect -j -r "$root/../ctl-podman" "$(tree_id 2)" | sed -n 's/^  "Size": \([0-9]*\),.*/\1/p')
	rm -r "$root/../ctl-podman"
	assert_equal "$stderr" ''
	assert_output $max
	assert_equal "$size" $max
}

@test "du, ls: of parents that go round each layer counts once" {
	printf 'l/%s' "$(tree_link 2)" >"$root/overlay2/$(tree_id 1)/lower"
	run --separate-stderr rows
	users=$("$CTL" ls -j -r "$root" | jq -c '[.[].users]')
	rm "$root/overlay2/$(tree_id 1)/lower"
	assert_line 'debian:12 image 2 4009 0 4009'
	assert_line 'other:1 image 3 4079 70 4009'
	assert_line 'web container 4 4409 400 4009'
	assert_equal "$users" '[1,3,1,1,0,3]'
}

@test "du: for people" {
	run "$CTL" du -r "$root"
	assert_success
	assert_line --regexp '^NAME +ID +KIND +LAYERS +TOTAL +UNIQUE +SHARED$'
	assert_line --regexp '^other:1 +[0-9a-f]{12} +image +2 +4.0 KiB +70 B +3.9 KiB$'
}
