# SPDX-License-Identifier: MIT
# ovlctl tree: the forest of layers, drawn.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl-tree CTL=$OVL_TOP/build/ovlctl
	mkdir "$root"
	tree_init "$root/overlay2"
	top=$(tree_chain "$root/overlay2" 3)
	tree_layer "$root/overlay2" 0123456789abcdefghijklmno "$(tree_link 10)" "$(tree_id 1)"
	tree_layer "$root/overlay2" "$(tree_id 77)" "$(tree_link 77)" "$(tree_id 1)"
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	docker_image "$root" 'al"p\ine:1' "$(tree_id 1)" >/dev/null
	docker_container "$root" web "$image" "$top" 20 >/dev/null
	docker_container "$root" db "$image" "$top" 21 >/dev/null
	export top
}

teardown_file() {
	rm -r "$LAB/ctl-tree"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export LC_ALL=C.UTF-8
}

@test "tree: one row of layers is one column, a branching indents" {
	run "$CTL" tree -r "$root"
	assert_success
	assert_output - <<'END'
9e3779b1fade  image  2 B  al"p\ine:1
├─ 0123456789ab  cache
├─ 3c6ef362fade  image  2 B
│  daa66d13fade  image  2 B  debian:12
│  ├─ 5c5581d4fade-init  init
│  │  5c5581d4fade  container  web
│  └─ fa8cfb85fade-init  init
│     fa8cfb85fade  container  db
└─ 96af9a3dfade  orphan
END
	LC_ALL=C run "$CTL" tree -r "$root"
	assert_line --index 1 '|- 0123456789ab  cache'
	assert_line --index 8 '`- 96af9a3dfade  orphan'
}

@test "tree: source for Graphviz, and a picture by it" {
	run "$CTL" tree --dot -r "$root"
	assert_success
	assert_line --index 0 'digraph layers {'
	assert_output --partial 'al\"p\\ine:1'
	assert_equal "$(grep -c -- '->' <<<"$output")" 8
	"$CTL" tree --svg -r "$root" >"$BATS_TEST_TMPDIR/picture"
	grep -q '</svg>' "$BATS_TEST_TMPDIR/picture"
	assert_equal "$(grep -c '<g id="node' "$BATS_TEST_TMPDIR/picture")" 9
	ln -s "$(command -v sh)" "$BATS_TEST_TMPDIR/sh"
	# And with more than a pipe takes before its reader is gone.
	long=$BATS_TEST_TMPDIR/long
	cp -a "$root" "$long"
	docker_name "$long" "$(printf '%070000d' 0):1" "$(ls "$long/image/overlay2/imagedb/content/sha256" | head -n 1)"
	for dir in "$root" "$long"; do
		PATH=$BATS_TEST_TMPDIR run "$CTL" tree --svg -r "$dir"
		assert_equal "$status" 2
		assert_output --partial 'ovlctl: cannot make a picture with dot: it failed, or is not installed'
	done
}

@test "tree: what a layer is called does not end its label in the source for Graphviz" {
	mkdir "$root/overlay2/a\"];b[x"
	run "$CTL" tree --dot -r "$root"
	rmdir "$root/overlay2/a\"];b[x"
	assert_line --regexp '\[label="a\\"\];b\[x\\n'
}

@test "tree: an image with 100,000 names, in seconds" {
	cp -a "$root" "$BATS_TEST_TMPDIR/many"
	perl -e 'print "{\"Repositories\":{\"a\":{", join(",", map { "\"a:$_\":\"sha256:$ARGV[0]\"" } 1 .. 100000), "}}}"' \
		"$(ls "$root/image/overlay2/imagedb/content/sha256" | head -n 1)" >"$BATS_TEST_TMPDIR/many/image/overlay2/repositories.json"
	run bash -c 'ulimit -t $((PATIENCE / 5)) && exec "$@" | wc -L' - "$CTL" tree -r "$BATS_TEST_TMPDIR/many"
	assert_success
	[ "$output" -gt 800000 ]
}

@test "tree: parents that go round, or are not there; 500 layers" {
	tree_init "$LAB/ctl-round"
	deepest=$(tree_chain "$LAB/ctl-round" 500)
	run "$CTL" tree -r "$LAB/ctl-round"
	assert_equal "${#lines[@]}" 500
	assert_line --index 499 "${deepest:0:12}  layer"
	printf 'l/%s' "$(tree_link 3)" >"$LAB/ctl-round/$(tree_id 1)/lower"
	rm -r "$LAB/ctl-round/$(tree_id 40)"
	run "$CTL" tree -r "$LAB/ctl-round"
	assert_success
	assert_equal "${#lines[@]}" 499
	assert_equal "$(sort -u <<<"$output" | wc -l)" 499
	assert_equal "$(grep -c damaged <<<"$output")" 1
	rm -r "$LAB/ctl-round"
}

@test "the passage about looking: every command in it, and the picture" {
	local dir=$LAB/ctl-passage readme count=0
	mkdir -p "$dir" "$BATS_TEST_TMPDIR/bin"
	ln -s "$CTL" "$BATS_TEST_TMPDIR/bin/ovlctl"
	tree_init "$dir/overlay2"
	top=$(tree_chain "$dir/overlay2" 3)
	tree_layer "$dir/overlay2" "$(tree_id 77)" "$(tree_link 77)" "$(tree_id 1)"
	docker_init "$dir"
	docker_image "$dir" alpine:3.19 "$(tree_id 1)" >/dev/null
	image=$(docker_image "$dir" tools:1.0 "$top")
	docker_container "$dir" web "$image" "$top" 20 >/dev/null
	docker_container "$dir" db "$image" "$top" 21 >/dev/null
	: >"$dir/overlay2/$(tree_id 20)/diff/changed"
	policy "tree $dir/overlay2"
	readme=$(sed '1,/^## Looking at what/d; /^## /,$d' "$OVL_TOP/README.md" | sed -n '/^```console/,/^```/p')
	assert_equal "$("$CTL" tree | sed 's/ 2 B//')" "$(grep -E '^[9├│└]' <<<"$readme" | sed -E 's/ [0-9.]+ (Mi)?B//')"
	cd "$BATS_TEST_TMPDIR"
	while read -r line; do
		count=$((count + 1))
		run eval "PATH=$PWD/bin:\$PATH; $line"
		case $line in
		*diff*)
			assert_failure 1
			assert_line --regexp '^A /'
			;;
		*check*) # finds the orphan of the picture
			assert_failure 1
			assert_line --partial orphan
			;;
		*) assert_success ;;
		esac
		[[ $line != 'ovlctl mount'* ]] || [ -e /mnt/layer2 ]
	done < <(sed -n 's/^# //p' <<<"$readme")
	[ ! -e /mnt/layer2 ]
	assert_equal "$count" 11
	rm -r "$dir" /etc/ovlrun.conf
}
