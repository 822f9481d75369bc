# SPDX-License-Identifier: MIT
# ovlctl on metadata that somebody made up to harm it: an error that names the file, or the damaged thing marked; never a
# crash (the sanitizers are on), never a file opened outside the root.

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export CTL=$OVL_TOP/build/san/ovlctl ASAN_OPTIONS=detect_leaks=0 # what is read stays until the end
	export room=$LAB/hostile good=$LAB/hostile/good pod=$LAB/hostile/pod
	mkdir "$room" "$good" "$pod"
	tree_init "$good/overlay2"
	top=$(tree_chain "$good/overlay2" 3)
	docker_init "$good"
	image=$(docker_image "$good" debian:12 "$top")
	docker_container "$good" web "$image" "$top" 20 >/dev/null
	cp -a "$good/overlay2" "$pod/overlay"
	rm -r "$pod/overlay/$(tree_id 20)-init" "$pod/overlay/$(tree_id 20)"
	mkdir "$pod/overlay-images" "$pod/overlay-layers" "$pod/overlay-containers"
	echo "[{\"id\":\"$(tree_id 1)\"},{\"id\":\"$top\",\"parent\":\"$(tree_id 2)\",\"diff-size\":5}]" >"$pod/overlay-layers/layers.json"
	echo "[{\"id\":\"$image\",\"names\":[\"localhost/a:b\"],\"layer\":\"$top\"}]" >"$pod/overlay-images/images.json"
	echo "[{\"id\":\"$image\",\"names\":[\"c\"],\"layer\":\"$top\"}]" >"$pod/overlay-containers/containers.json"
	echo secret >"$room/outside"
	export top image
	rm -f /etc/ovlrun.conf
}

teardown_file() {
	rm -r "$LAB/hostile"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	root=$room/root
}

teardown() {
	rm -rf "$root" /etc/ovlrun.d /run/ovlctl.lock
}

# fresh [FROM]: the root again as it was.
fresh() {
	rm -rf "$root"
	cp -a "${1-$good}" "$root"
}

# The verbs that read a root, one call a line.
calls() {
	printf '%s\n' info images containers ls tree check du 'inspect debian:12' 'images --json --all' 'ls --json' 'tree --dot' \
		'check --repair --dry-run' 'diff debian:12' 'allow debian:12 --users 0' 'allow a:b' published
}

# survived: the call just run ended by itself, and said what is wrong in a line.
survived() {
	[ "$status" -le 2 ] || fail "$*: status $status: $output"
	[[ $output != *Sanitizer* && $output != *'runtime error'* ]] || fail "$*: $output"
	! grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' <<<"$output" || fail "$*: raw control bytes"
}

# all_survive: every verb on the root.
all_survive() {
	local call
	local -a words
	while read -r call; do
		read -ra words <<<"$call"
		run timeout -s KILL 30 "$CTL" "${words[@]}" --root "$root"
		survived "$call"
	done < <(calls)
	[ ! -e /etc/ovlrun.d/ovlctl.conf ] || "$OVLRUN" --check-policy # whatever allow took from there
}

# names_it FILE VERB...: exit status 2, and the file is named.
names_it() {
	run timeout -s KILL 30 "$CTL" "${@:2}" --root "$root"
	survived "$@"
	[ "$status" = 2 ] || fail "${*:2}: status $status, expected 2: $output"
	[[ $output == *"$root/$1"* ]] || fail "$1 is not named: $output"
}

# in_place FILE KIND: something else where FILE was.
in_place() {
	rm -rf "${1:?}"
	case $2 in
	fifo) mkfifo "$1" ;;
	directory) mkdir "$1" ;;
	symlink) ln -s "$room/outside" "$1" ;;
	dangling) ln -s "$room/nothing" "$1" ;;
	socket) perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); chdir shift; bind(S, pack_sockaddr_un("s")) or die' "${1%/*}" &&
		mv "${1%/*}/s" "$1" ;;
	device) mknod "$1" c 1 5 ;;
	sparse) truncate -s 1G "$1" ;;
	empty) : >"$1" ;;
	deep) perl -e 'print "[" x 100000, "]" x 100000' >"$1" ;;
	objects) perl -e 'print "{\"a\":" x 100000, 1, "}" x 100000' >"$1" ;;
	noise) head -c 4096 /dev/urandom >"$1" ;;
	esac
}

kinds='fifo directory symlink dangling socket device sparse deep objects noise'

@test "hostile: another kind of file in place of the list of names" {
	echo '{"Repositories":{}}' >"$room/outside" # what would do, were it followed
	fresh
	all_survive
	[ -e /etc/ovlrun.d/ovlctl.conf ] # of the good one, allow takes something
	for kind in $kinds empty; do
		in_place "$root/image/overlay2/repositories.json" "$kind"
		names_it image/overlay2/repositories.json images
		case $kind in # they are not even read
		fifo | directory | device) assert_output --partial 'not a regular file' ;;
		sparse) assert_output --partial 'longer than it may be' ;;
		esac
	done
	all_survive
}

@test "hostile: another kind of file in place of Podman's lists" {
	echo '[]' >"$room/outside"
	for list in layers images containers; do
		fresh "$pod"
		run "$CTL" images --root "$root"
		[ "$status" = 0 ] || fail "not even the good one: $output"
		for kind in $kinds; do
			in_place "$root/overlay-$list/$list.json" "$kind"
			names_it "overlay-$list/$list.json" ls
		done
		all_survive
	done
}

@test "hostile: another kind of file in place of a config: its row is marked, the others are listed" {
	fresh
	for kind in $kinds empty; do
		in_place "$root/image/overlay2/imagedb/content/sha256/$image" "$kind"
		run --separate-stderr timeout -s KILL 30 "$CTL" images --json --root "$root"
		[ "$status" = 0 ] || fail "$kind: $stderr"
		assert_regex "$(jq -r '.[].wrong' <<<"$output")" '^its config (cannot be read|does not have the digest that names it)$'
		all_survive
	done
}

@test "hostile: another kind of file in place of each small file" {
	local files=("image/overlay2/layerdb/mounts/$(cd "$good/containers" && echo *)/mount-id")
	files+=("containers/$(cd "$good/containers" && echo *)/config.v2.json" "overlay2/$top/link" "overlay2/$top/lower" "overlay2/$top/diff"
		"overlay2/l/$(tree_link 3)")
	for file in "$good"/image/overlay2/layerdb/sha256/*/{cache-id,diff,size}; do
		files+=("${file#"$good/"}")
	done
	for file in "${files[@]}"; do
		fresh
		for kind in fifo symlink sparse noise; do
			in_place "$root/$file" "$kind"
			for call in 'ls --json' check images containers; do
				read -ra words <<<"$call"
				run timeout -s KILL 30 "$CTL" "${words[@]}" --root "$root"
				survived "$file: $kind: $call"
			done
		done
	done
}

@test "hostile: directories that are links to elsewhere are not read" {
	mkdir -p "$room/elsewhere"
	cp -a "$good/." "$room/elsewhere"
	for dir in overlay2 image image/overlay2 image/overlay2/imagedb/content/sha256 image/overlay2/layerdb/sha256 containers; do
		fresh
		rm -r "${root:?}/$dir"
		ln -s "$room/elsewhere/$dir" "$root/$dir"
		while read -r call; do
			read -ra words <<<"$call"
			strace -f -qq -yy -e trace=open,openat,openat2 -o "$BATS_TEST_TMPDIR/trace" \
				timeout -s KILL 30 "$OVL_TOP/build/ovlctl" "${words[@]}" --root "$root" >"$BATS_TEST_TMPDIR/out" 2>&1 || [ $? -le 2 ]
			! grep -E '= [0-9]+<[^>]*/elsewhere' "$BATS_TEST_TMPDIR/trace" || fail "$dir: $call reads elsewhere"
		done < <(calls)
		[ "$dir" = containers ] || names_it "$dir" images
	done
}

@test "hostile: digests that lie or have path characters, cache-ids that lead away" {
	local config=image/overlay2/imagedb/content/sha256/$image db=image/overlay2/layerdb/sha256
	local record
	record=$(grep -lx "$top" "$good/$db"/*/cache-id)
	for id in ../../outside /etc "$top/../$top" . .. l $'\n' "$(printf 'a%.0s' {1..300})" "$(printf '%s%100s' "$top" x)" $'\e[2J' $'\xff\xfe'; do
		fresh
		printf %s "$id" >"$root/${record#"$good/"}"
		run --separate-stderr timeout -s KILL 30 "$CTL" images --json --root "$root"
		assert_equal "$status $(jq -r '.[].wrong' <<<"$output")" '0 its cache-id names no layer of the tree'
	done
	fresh
	echo >>"$root/${record#"$good/"}" # white space at the end is cut, as Docker does
	run --separate-stderr "$CTL" images --json --root "$root"
	assert_equal "$(jq -r '.[].wrong' <<<"$output")" ''
	for digest in sha256:../../../outside "sha256:${image^^}" md5:1 '' 5 null '[]' "sha256:$image/x"; do
		fresh
		[[ $digest == [5n[]* ]] || digest="\"$digest\""
		printf '{"Repositories":{"debian":{"debian:12":%s}}}' "$digest" >"$root/image/overlay2/repositories.json"
		run --separate-stderr "$CTL" images --json --root "$root"
		assert_equal "$status $(jq -r '.[] | select(.name == "debian:12") | .wrong' <<<"$output")" '0 what it stands for is no digest'
		all_survive
	done
}

@test "hostile: values of wrong types" {
	for json in '[]' '{"Repositories":5}' '{"Repositories":[]}' '{"Repositories":{"a":5}}' '{}' '5' '"x"' 'null'; do
		fresh
		echo "$json" >"$root/image/overlay2/repositories.json"
		names_it image/overlay2/repositories.json images
	done
	for list in layers images containers; do
		for json in '{}' '[5]' '[{"id":5}]' '[[]]' '[null]' '5'; do
			fresh "$pod"
			echo "$json" >"$root/overlay-$list/$list.json"
			names_it "overlay-$list/$list.json" images
		done
		for value in 5 null '[]' '{}' '"\u001b[2J\u009b"' -1 1e300 9223372036854775807; do
			fresh "$pod"
			printf '[{"id":"%s","names":%s,"layer":%s,"parent":%s,"diff-size":%s,"diff-digest":%s,"flags":%s,"created":%s,"digest":%s,"image":%s,"metadata":%s,"big-data-digests":{"manifest":%s}}]' \
				"$top" "$value" "$value" "$value" "$value" "$value" "$value" "$value" "$value" "$value" "$value" "$value" >"$root/overlay-$list/$list.json"
			all_survive
		done
	done
}

@test "hostile: names times manifests is no product of two long lists" {
	fresh "$pod"
	jq -nc --arg id "$image" --arg top "$top" --arg digits "$(printf '0%.0s' {1..64})" '[{id: $id, layer: $top,
		names: [range(20000) | "localhost/a\(.):b"],
		"big-data-digests": ([range(20000) | "sha256:\($digits + tostring | .[-64:])" | {key: "manifest-\(.)", value: .}] | from_entries)}]' \
		>"$root/overlay-images/images.json"
	run timeout "$PATIENCE" "$CTL" images --root "$root" --json
	assert_success
	assert_equal "$(jq length <<<"$output")" 24096
}

@test "hostile: sizes and times beyond all numbers, names of 255 bytes and of control bytes, parents that go round" {
	fresh
	for size in "$root"/image/overlay2/layerdb/sha256/*/size; do
		printf 999999999999999999 >"$size"
	done
	mkdir -p "$root/overlay2/$(printf 'n%.0s' {1..255})/diff" "$root/overlay2/"$'\e[2J\xff'/diff "$root/image/overlay2/layerdb/mounts/"$'\e]0;x\a' \
		"$root/image/overlay2/layerdb/mounts/$(printf 'm%.0s' {1..255})" "$root/image/overlay2/imagedb/content/sha256/"$'\n'
	printf %s "$(tree_link 77)" >"$root/overlay2/"$'\e[2J\xff'/link
	printf 'l/%s' "$(tree_link 77)" >"$root/overlay2/$(tree_id 2)/lower" # a parent whose name is no UTF-8
	printf 'l/%s' "$(tree_link 3)" >"$root/overlay2/$(tree_id 1)/lower"
	printf 'l/%s' "$(tree_link 1)" >"$root/overlay2/$top/lower"
	touch -d @9223372036854775807 "$root/overlay2/$top"
	touch -d @-9223372036854775808 "$root/overlay2/$(tree_id 1)"
	all_survive
	run --separate-stderr "$CTL" ls --json --root "$root"
	assert_equal "$(jq length <<<"$output")" 7 # not one is left out
}

@test "hostile: parts that are not there" {
	for part in image/overlay2/repositories.json image/overlay2/layerdb/sha256 image/overlay2/layerdb image/overlay2/imagedb \
		containers overlay2/"$top" overlay2/"$top"/diff; do
		fresh
		rm -r "${root:?}/$part"
		all_survive
		echo '{"Repositories":{}}' >"$root/image/overlay2/repositories.json"
		all_survive
	done
	for part in overlay-layers/layers.json overlay-images/images.json overlay-containers/containers.json overlay-images; do
		fresh "$pod"
		rm -r "${root:?}/$part"
		all_survive
	done
}

# mutated SEED ROOT: a few bytes, or the whole, of some metadata files are changed.
mutated() {
	perl -e '
		my ($seed, @files) = @ARGV;
		srand $seed;
		my @words = ("\"", "{", "}", "[", "]", ":", ",", "null", "-1", "1e999", "9" x 30, "\e[31m", "\xff", "\\u0000", "..", "/", "\n", "l/", "sha256:");
		for (1 .. 1 + int rand 4) {
			my $file = $files[rand @files];
			open my $in, "<", $file or next;
			local $/;
			my $text = <$in>;
			my $at = int rand(1 + length $text);
			my $how = int rand 5;
			substr($text, $at, 1) = chr int rand 256 if $how == 0 && $at < length $text;
			substr($text, $at, 0) = $words[rand @words] if $how == 1;
			$text = substr($text, 0, $at) if $how == 2;
			substr($text, $at, int rand 40) = "" if $how == 3;
			$text = $text x 2 if $how == 4;
			open my $out, ">", $file or next;
			print $out $text;
		}' "$1" $(find "$2" -type f -size -64k | sort)
}

@test "hostile: some hundred roots with metadata that was changed at random" {
	for ((seed = 1; seed <= ${OVL_ROOTS-200}; seed++)); do
		if ((seed % 3)); then fresh; else fresh "$pod"; fi
		mutated "$seed" "$root"
		for call in 'ls --json' 'images --json' containers check 'inspect debian:12'; do
			read -ra words <<<"$call"
			run timeout -s KILL 30 "$CTL" "${words[@]}" --root "$root"
			survived "seed $seed: $call"
		done
	done
}

# config_is NAME TEXT: an image called NAME with just this configuration. Prints its id.
config_is() {
	local id
	id=$(printf %s "$2" | sha256)
	printf %s "$2" >"$root/image/overlay2/imagedb/content/sha256/$id"
	docker_name "$root" "$1" "$id"
	echo "$id"
}

wrong_of() {
	"$CTL" images --json --root "$root" | jq -r ".[] | select(.name == \"$1\") | .wrong"
}

@test "hostile: a config whose fields the engine reads otherwise is another image to it, and is refused" {
	local diffs content=image/overlay2/imagedb/content/sha256
	fresh
	tree_layer "$root/overlay2" "$(tree_id 40)" "$(tree_link 40)"
	other=$(jq -c .rootfs.diff_ids "$root/$content/$(docker_image "$root" public:1 "$(tree_id 40)")")
	diffs=$(jq -c .rootfs.diff_ids "$root/$content/$image")
	# To Go the last one counts, whatever its case; "s" and "k" have a third one.
	for name in RootFS ROOTFS $'rootf\u017f' '\u0072OOTFS'; do
		config_is "evil:1" "{\"rootfs\":{\"diff_ids\":$diffs},\"$name\":{\"diff_ids\":$other},\"config\":{}}" >/dev/null
		assert_equal "$name: $(wrong_of evil:1)" "$name: a field of its config is there twice, in two spellings"
		run "$CTL" allow evil:1 --root "$root"
		assert_failure 2
		run "$CTL" inspect evil:1 --json --root "$root"
		assert_equal "$(jq -r .Layer <<<"$output")" null
	done
	for fields in '"config":{"ENV":["A=b"],"Env":[]}' '"config":{"Wor\u212aingDir":"/","WorkingDir":"/a"}' '"CONFIG":{},"config":{}'; do
		config_is "evil:2" "{$fields,\"rootfs\":{\"diff_ids\":$diffs}}" >/dev/null
		[ -n "$(wrong_of evil:2)" ] || fail "$fields is taken"
	done
	# One alone is the field, to both.
	config_is "odd:3" "{\"config\":{\"ENV\":[\"A=b c\"],\"\u0063md\":[\"x\"]},\"RootFS\":{\"DIFF_ids\":$diffs}}" >/dev/null
	assert_equal "$(wrong_of odd:3)" ''
	run "$CTL" allow odd:3 --root "$root"
	assert_success
	run grep -E '^(env|cmd|layer) ' /etc/ovlrun.d/images/odd:3
	assert_output "layer $top
env A=b c
cmd x"
	"$CTL" revoke odd:3
	config_is "evil:3" "{\"rootfs\":{\"diff_ids\":$diffs},\"rootfs\":{\"diff_ids\":$other}}" >/dev/null
	assert_equal "$(wrong_of evil:3)" 'its config is no valid JSON, or has too many parts'
}

@test "hostile: a config of millions of parts takes no memory" {
	fresh
	for part in '{}' '[]' 0 '""'; do
		config_is big:1 "$(perl -e 'print "{\"a\":[", join(",", (shift) x 900_000), "]}"' "$part")" >/dev/null
		run --separate-stderr bash -c 'ulimit -d 65536 && exec "$@"' - "$OVL_TOP/build/ovlctl" images --json --root "$root"
		assert_success
		assert_equal "$(jq -r '.[] | select(.name == "big:1") | .wrong' <<<"$output")" 'its config is no valid JSON, or has too many parts'
	done
}

@test "hostile: what engines take in a config and other parsers do not" {
	local diffs
	fresh
	diffs=$(jq -c .rootfs.diff_ids "$root/image/overlay2/imagedb/content/sha256/$image")
	for more in '"config":{"Labels":{"a":"\u0000"}}' '"x":18446744073709551616' '"config":{"Healthcheck":{"Interval":1e300}}'; do
		config_is odd:1 "{$more,\"rootfs\":{\"diff_ids\":$diffs}}" >/dev/null
		assert_equal "$more: $(wrong_of odd:1)" "$more: "
	done
	# Commas in a text are no parts.
	config_is odd:1 "{\"config\":{\"Labels\":{\"bom\":\"$(printf '%0150000d' 0 | tr 0 ,)\\\"[\"}},\"rootfs\":{\"diff_ids\":$diffs}}" >/dev/null
	assert_equal "$(wrong_of odd:1)" ''
	# A text with a NUL is none.
	config_is odd:2 "{\"config\":{\"Env\":[\"A=b\\u0000c\"]},\"rootfs\":{\"diff_ids\":$diffs}}" >/dev/null
	run "$CTL" allow odd:2 --root "$root"
	assert_failure 2
	assert_output --partial "cannot publish the image's Env: it holds what is no text"
}

@test "hostile: an image whose config is not what names it is used by no verb" {
	fresh
	echo >>"$root/image/overlay2/imagedb/content/sha256/$image"
	for call in 'diff debian:12' "diff $top debian:12" "mount debian:12 $room" 'allow debian:12'; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $call --root "$root"
		[ "$status" = 2 ] || fail "$call: status $status: $output"
		assert_output --partial 'its config does not have the digest that names it'
	done
}

@test "hostile: what is incomplete, or a mount program's, is used by no verb" {
	fresh "$pod"
	jq -c "map(if .id == \"$top\" then .flags = {incomplete: true} else . end)" "$pod/overlay-layers/layers.json" \
		>"$root/overlay-layers/layers.json"
	for call in 'inspect localhost/a:b' 'diff localhost/a:b' "diff $top" "mount $top $room" "allow $top --as x:1" "inspect $top"; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $call --root "$root"
		[ "$status" = 2 ] || fail "$call: status $status: $output"
	done
	"$CTL" inspect "$(tree_id 1)" --root "$root" >/dev/null
	for call in "inspect $(tree_id 2)" "diff $(tree_id 2)"; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $call --root "$root"
		[ "$status" -lt 2 ] || fail "$call: status $status: $output"
	done
	fresh "$pod"
	printf true >"$root/overlay/.has-mount-program"
	for call in 'diff c' "mount c $room"; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $call --root "$root"
		[ "$status" = 2 ] || fail "$call: status $status: $output"
		assert_output --partial 'mount program'
	done
	run "$CTL" inspect c --root "$root" # reads what is said of it only
	assert_success
}
