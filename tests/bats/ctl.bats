# SPDX-License-Identifier: MIT
# ovlctl: what every verb has in common, and the lists of layers, images and containers of a made-up Docker root.

export LC_ALL=C.UTF-8 # as which bash writes the characters \u here

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	export root=$LAB/ctl CTL=$OVL_TOP/build/ovlctl
	mkdir "$root"
	tree_init "$root/overlay2"
	top=$(tree_chain "$root/overlay2" 3)
	tree_layer "$root/overlay2" "$(tree_id 9)" "$(tree_link 9)" # nobody knows it
	tree_layer "$root/overlay2" 0123456789abcdefghijklmno "$(tree_link 10)" "$(tree_id 1)"
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$top")
	docker_name "$root" "debian@sha256:$(sha256 <<<manifest)" "$image"
	docker_name "$root" registry.example.org:5000/a/debian:mine "$image"
	base=$(docker_image "$root" alpine:latest "$(tree_id 1)" '{"Cmd":["sh"]}')
	container=$(docker_container "$root" web "$image" "$top" 20)
	export top image base container
}

teardown_file() {
	rm -r "$LAB/ctl"
}

setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
}

ctl() {
	"$CTL" "$1" --root "$root" "${@:2}"
}

# fields JQ VERB...: one line a row of its JSON.
fields() {
	ctl "${@:2}" --json | jq -r "$1"
}

@test "layers: ids, kinds, parents, sizes, users" {
	run fields '.[] | "\(.id[:8]) \(.kind) \(.depth) \(.users)"' ls
	assert_success
	for line in "$(tree_id 1 | cut -c1-8) image 1 3" "$(tree_id 2 | cut -c1-8) image 2 2" "${top:0:8} image 3 2" \
		"$(tree_id 9 | cut -c1-8) orphan 1 0" '01234567 cache 2 0'; do
		assert_line "$line"
	done
	run fields '.[] | select(.kind == "container" or .kind == "init") | "\(.kind) \(.depth) \(.users)"' ls
	assert_output $'container 5 1\ninit 4 1'
	assert_equal "$(fields '.[] | select(.depth == 3) | .parent' ls)" "$(tree_id 2)"
	assert_equal "$(fields '.[] | select(.depth == 3) | .size' ls)" 2
}

@test "images: every name, digests on request, what is wrong" {
	run ctl images
	assert_success
	assert_line --regexp "^NAME +IMAGE ID +LAYER +LAYERS +SIZE +CREATED"
	assert_line --regexp "^alpine:latest +${base:0:12} +$(tree_id 1 | cut -c1-12) +1 +2 B "
	assert_line --regexp "^debian:12 +${image:0:12} +${top:0:12} +3 +6 B "
	assert_line --regexp "^registry.example.org:5000/a/debian:mine +${image:0:12} "
	refute_line --partial @
	run ctl images --digests --no-trunc
	assert_line --regexp "^debian@sha256:[0-9a-f]{64} +$image +$top "
	assert_equal "$(ctl images -q)" $'alpine:latest\ndebian:12\nregistry.example.org:5000/a/debian:mine'
	config=$root/image/overlay2/imagedb/content/sha256/$base
	echo >>"$config"
	run fields '.[] | select(.wrong != "") | "\(.name): \(.wrong)"' images
	assert_output 'alpine:latest: its config does not have the digest that names it'
	truncate -s -1 "$config"
	mv "$root/overlay2/$top" "$root/away"
	run fields '.[] | select(.name == "debian:12") | .wrong' images
	assert_output 'its cache-id names no layer of the tree'
	mv "$root/away" "$root/overlay2/$top"
}

@test "containers: name, image, both layers" {
	run fields '.[] | "\(.name) \(.id) \(.image) \(.image_id) \(.layer) \(.init) \(.layers)"' containers
	assert_output "web $container debian:12 $image $(tree_id 20) $(tree_id 20)-init 5"
}

@test "containers: the state is Docker's word for what its record says" {
	file=$(echo "$root"/containers/*/config.v2.json)
	cp "$file" "$BATS_TEST_TMPDIR/saved"
	while read -r word state; do
		jq -c --argjson state "$state" '.State = $state' "$BATS_TEST_TMPDIR/saved" >"$file"
		assert_equal "$(fields '.[0].state' containers)" "$word"
	done <<-'END'
		created {"Running":false,"StartedAt":"0001-01-01T00:00:00Z"}
		created {}
		running {"Running":true,"Paused":false,"StartedAt":"2026-01-02T03:04:05Z"}
		paused {"Running":true,"Paused":true,"StartedAt":"2026-01-02T03:04:05Z"}
		restarting {"Running":true,"Restarting":true,"StartedAt":"2026-01-02T03:04:05Z"}
		exited {"Running":false,"ExitCode":3,"StartedAt":"2026-01-02T03:04:05Z"}
		removing {"RemovalInProgress":true,"Dead":true}
		dead {"Dead":true,"StartedAt":"2026-01-02T03:04:05Z"}
		exited {"Running":1,"StartedAt":"x"}
		created {"StartedAt":7}
	END
	for state in null 7 '[]' '"running"'; do
		jq -c --argjson state "$state" '.State = $state' "$BATS_TEST_TMPDIR/saved" >"$file"
		assert_equal "$(fields '.[0].state' containers)" ''
	done
	cp "$BATS_TEST_TMPDIR/saved" "$file"
}

@test "Podman: a digest for each manifest and repository, once; what the image of a container was called" {
	pod=$LAB/ctl-pod one=sha256:$(printf '1%.0s' {1..64}) two=sha256:$(printf '2%.0s' {1..64})
	mkdir -p "$pod"/overlay-{layers,images,containers}
	cp -a "$root/overlay2" "$pod/overlay"
	jq -n --arg id "$image" --arg top "$top" --arg one "$one" --arg two "$two" '[{id: $id, layer: $top,
		names: ["localhost/a:b", "localhost/a:c", "example.org:5000/x/y@\($two)"], digest: $one,
		"big-data-digests": {manifest: $two, "manifest-\($one)": $one, "manifest-x": "sha256:x", config: "sha256:\($id)"}}]' \
		>"$pod/overlay-images/images.json"
	jq -n --arg image "$image" --arg top "$top" '["{\"image-name\":\"localhost/a:c\"}", "{\"image-name\":\"\"}", "{", "", null]
		| map({id: $image, names: ["c"], image: $image, layer: $top, metadata: .})' \
		>"$pod/overlay-containers/containers.json"
	run fields '.[].name' images -r "$pod"
	assert_output "example.org:5000/x/y@$one
example.org:5000/x/y@$two
localhost/a:b
localhost/a:c
localhost/a@$one
localhost/a@$two"
	run fields '.Image' inspect -r "$pod" "example.org:5000/x/y@$one"
	assert_output "sha256:$image"
	assert_equal "$(fields '.[].image' containers -r "$pod" | tr '\n' ' ')" 'localhost/a:c localhost/a:b localhost/a:b localhost/a:b localhost/a:b '
	rm -r "$pod"
}

@test "C37 inspect by every way to name something" {
	for name in debian:12 docker.io/library/debian:12 "$image" "sha256:$image" "${image:0:12}" \
		registry.example.org:5000/a/debian:mine; do
		assert_equal "$(fields .Layer inspect "$name")" "$top"
	done
	assert_equal "$(fields .Layer inspect alpine)" "$(tree_id 1)"
	for name in web "$container" "${container:0:12}" "$(tree_id 20)" "$(tree_link 20)" "$(tree_id 20 | cut -c1-12)"; do
		assert_equal "$(fields .Layer inspect "$name")" "$(tree_id 20)"
	done
	for name in debian:13 debian mine nothing "${image:0:2}" ''; do
		run ctl inspect "$name"
		assert_equal "$status" 2
		assert_line --index 0 "ovlctl: cannot find $name: no image, container or layer has this name"
	done
	tree_layer "$root/overlay2" "${top:0:63}f" "$(tree_link 11)"
	run ctl inspect "${top:0:12}"
	rm -r "$root/overlay2/${top:0:63}f" "$root/overlay2/l/$(tree_link 11)"
	assert_equal "$status" 2
	assert_line --index 0 "ovlctl: cannot use ${top:0:12}: more than one id begins so"
}

@test "a lower file of Docker 23.0.8 to 25.0.3, in a closed tree, is taken as ovlrun takes it" {
	chmod 0666 "$root/overlay2/$top/lower"
	for verb in inspect diff; do
		run ctl $verb debian:12
		[ "$status" -lt 2 ] || fail "$verb: $output"
	done
	chmod 0755 "$root/overlay2"
	run ctl inspect debian:12
	assert_equal "$status" 2
	chmod 0710 "$root/overlay2"
	chmod 0644 "$root/overlay2/$top/lower"
}

@test "a root below a directory of somebody else's can be looked at, not mounted from or published" {
	local copy=$LAB/ctl-home/backup
	mkdir "$LAB/ctl-home"
	chown 65534 "$LAB/ctl-home"
	cp -a "$root" "$copy"
	for verb in 'inspect debian:12' 'inspect web' 'diff debian:12'; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $verb -r "$copy"
		[ "$status" -lt 2 ] || fail "$verb: $output"
	done
	for verb in "mount debian:12 $BATS_TEST_TMPDIR" 'allow debian:12'; do
		# shellcheck disable=SC2086 # words
		run "$CTL" $verb -r "$copy"
		assert_equal "$status" 2
		assert_output --partial 'cannot trust'
	done
	rm -r "$LAB/ctl-home"
}

@test "names that differ in the registry only: the exact one, then one's own, then Docker's" {
	file=$root/image/overlay2/repositories.json
	cp "$file" "$BATS_TEST_TMPDIR/saved"
	for order in "$image $base" "$base $image"; do
		read -r own dockers <<<"$order"
		cp "$BATS_TEST_TMPDIR/saved" "$file"
		docker_name "$root" localhost/both:1 "$own"
		docker_name "$root" docker.io/library/both:1 "$dockers"
		assert_equal "$(fields .Image inspect both:1)" "sha256:$own"
		assert_equal "$(fields .Image inspect localhost/both:1)" "sha256:$own"
		assert_equal "$(fields .Image inspect docker.io/library/both:1)" "sha256:$dockers"
		docker_name "$root" both:1 "$dockers"
		assert_equal "$(fields .Image inspect both:1)" "sha256:$dockers"
	done
	cp "$BATS_TEST_TMPDIR/saved" "$file"
}

@test "inspect: the directories as docker inspect has them, the lowerdir and its length" {
	run fields '.GraphDriver.Data | .LowerDir, .MergedDir, .UpperDir, .WorkDir' inspect debian:12
	assert_output "$root/overlay2/$(tree_id 2)/diff:$root/overlay2/$(tree_id 1)/diff
$root/overlay2/$top/merged
$root/overlay2/$top/diff
$root/overlay2/$top/work"
	assert_equal "$(fields '.GraphDriver.Data.LowerDir' inspect alpine)" null
	assert_equal "$(fields '.LowerdirOption' inspect debian:12)" "l/$(tree_link 3):l/$(tree_link 2):l/$(tree_link 1)"
	assert_equal "$(fields '.LowerdirBytes' inspect debian:12)" 86
	assert_equal "$(fields '.RootFS.Layers | length' inspect debian:12)" 3
	assert_equal "$(fields '.RootFS.Layers[0]' inspect debian:12)" "sha256:$(sha256sum <<<"diff of $(tree_id 1)" | cut -c1-64)"
}

@test "a stack that ovlrun would refuse is refused" {
	ln -sfn ../../etc "$root/overlay2/l/$(tree_link 2)"
	run ctl inspect debian:12
	assert_equal "$status" 2
	assert_output --partial "cannot use $root/overlay2/l/$(tree_link 2): its target is not ../<cache-id>/diff"
	ln -sfn "../$(tree_id 2)/diff" "$root/overlay2/l/$(tree_link 2)"
}

@test "the tree alone, the root of the engine, and the first tree of the policy" {
	for dir in "$root" "$root/overlay2" "$root/"; do
		assert_equal "$("$CTL" images -q -r "$dir" | wc -l)" 3
	done
	policy "tree $root/overlay2"
	assert_equal "$("$CTL" images -q | wc -l)" 3
	policy '# of its own'
	mkdir -p /etc/ovlrun.d
	echo "tree $root/overlay2" >/etc/ovlrun.d/site.conf
	assert_equal "$("$CTL" images -q | wc -l)" 3
	rm /etc/ovlrun.d/site.conf
	cp -a "$root/overlay2" "$LAB/ctl-alone"
	assert_equal "$("$CTL" images -j -r "$LAB/ctl-alone" | jq length)" 0
	assert_equal "$("$CTL" ls -j -r "$LAB/ctl-alone" | jq -r '.[].kind' | sort | uniq -c | tr -s ' ' | tr '\n' ,)" ' 1 init, 6 layer,'
	rm -r "$LAB/ctl-alone"
	for dir in /etc "$LAB/none"; do
		run "$CTL" ls -r "$dir"
		assert_equal "$status" 2
	done
}

@test "C46 a root whose path has every character with a meaning: each verb takes it" {
	local odd=$LAB/'a:b,c\d e'$'\n'f
	cp -a "$root" "$odd"
	point=$BATS_TEST_TMPDIR/point
	mkdir "$point"
	for verb in images ls tree du containers check 'inspect debian:12' 'diff debian:12' ps info; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$CTL" ${verb%% *} -j -r "$odd" ${verb#"${verb%% *}"}
		[ "$status" -lt 2 ] || fail "$verb: $stderr"
	done
	assert_equal "$("$CTL" inspect -j -r "$odd" debian:12 | jq -r .GraphDriver.Data.UpperDir)" "$odd/overlay2/$top/diff"
	"$CTL" mount -r "$odd" web "$point"
	assert_equal "$(paste -sd ' ' < <(ls "$point"))" 'layer1 layer2 layer3'
	run "$CTL" ps -j -r "$odd"
	"$CTL" umount "$point"
	assert_equal "$(jq -r '.[] | .layers[]' <<<"$output" | tail -n 1)" "$(tree_id 1)"
	rm -r "$odd"
}

@test "usage: every verb has its text, wrong calls have status 2 and say how" {
	run "$CTL" --help
	assert_success
	mapfile -t verbs < <(sed -n 's/^  \([a-z]*\) .*/\1/p' <<<"$output")
	[ "${#verbs[@]}" -ge 4 ]
	for verb in "${verbs[@]}"; do
		run "$CTL" "$verb" --help
		assert_success
		assert_line --index 0 --regexp "^Usage: ovlctl $verb "
		assert_line --regexp '^  -j, --json'
		run "$CTL" "$verb" --nonsense
		assert_equal "$status" 2
		assert_output "ovlctl: unrecognized option '--nonsense'"
		run "$CTL" "$verb" a b c d
		assert_equal "$status" 2
	done
	run --separate-stderr "$CTL"
	assert_equal "$status:$output" 2:
	assert_regex "$stderr" '^Usage: ovlctl VERB '
	run "$CTL" nonsense
	assert_equal "$status" 2
	assert_line --index 0 'ovlctl: there is no verb nonsense'
	for option in -qX -Xq -qr --root --json=x --jsons; do
		run "$CTL" ls "$option"
		assert_equal "$status" 2
		case $option in
		-*X*) assert_output "ovlctl: unrecognized option '-X'" ;;
		-qr) assert_output "ovlctl: option '-r' requires an argument" ;;
		--root) assert_output "ovlctl: option '--root' requires an argument" ;;
		*) assert_output "ovlctl: unrecognized option '$option'" ;;
		esac
	done
	# What is printed of a command line moves no terminal.
	run "$CTL" $'\e[2J\u202e'
	assert_line --index 0 'ovlctl: there is no verb \x1b[2J\xe2\x80\xae'
	for option in $'--\e[2J' $'-\e'; do
		run "$CTL" ls x "$option"
		assert_output --partial '\x1b'
		refute_output --partial $'\e'
	done
	run "$CTL" --version
	assert_output --regexp '^ovlctl [0-9.]+$'
}

@test "usage: every verb and every option of its own is in ovlctl.8" {
	mapfile -t verbs < <("$CTL" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	for verb in "${verbs[@]}"; do
		grep -qE "^\.It Cm $verb( |\$)" "$OVL_TOP/packaging/man/ovlctl.8" || fail "$verb is not in ovlctl.8"
		while read -r option; do
			grep -qE -- " -$option( |\$)" "$OVL_TOP/packaging/man/ovlctl.8" ||
				fail "--$option of $verb is not in ovlctl.8"
		done < <("$CTL" "$verb" --help | sed -nE 's,^ +(-.\, )?--([a-z-]+).*,\2,p')
	done
}

@test "usage: every field of the JSON is in ovlctl.8" {
	mkdir "$BATS_TEST_TMPDIR/point"
	"$CTL" mount -r "$root" web "$BATS_TEST_TMPDIR/point"
	for verb in info images containers ls du tree check 'inspect web' 'inspect debian:12' 'diff debian:12' ps published; do
		# shellcheck disable=SC2086 # words
		ctl ${verb%% *} --json ${verb#"${verb%% *}"} >"$BATS_TEST_TMPDIR/json" || [ $? = 1 ]
		jq -r '[.. | objects | keys[]] | unique[]' "$BATS_TEST_TMPDIR/json" >"$BATS_TEST_TMPDIR/fields"
		[ "$verb" = published ] || [ -s "$BATS_TEST_TMPDIR/fields" ]
		while read -r field; do
			grep -qE "(^|[ .(])$field( |\$)" <(sed -nE 's/^\.(Cm|Li|It Cm|Pq|Po) //p' "$OVL_TOP/packaging/man/ovlctl.8") ||
				fail "$field of $verb is not in ovlctl.8"
		done <"$BATS_TEST_TMPDIR/fields"
	done
	"$CTL" umount "$BATS_TEST_TMPDIR/point"
}

@test "quiet: what a script goes on with, of every verb" {
	policy "tree $root/overlay2"
	assert_equal "$("$CTL" info -q)" "$root"
	rm /etc/ovlrun.conf
	assert_equal "$(ctl inspect -q debian:12)" "$top"
	assert_equal "$(ctl inspect -q web)" "$(tree_id 20)"
	run ctl tree -q --no-trunc
	assert_equal "$(sort <<<"$output")" "$(ctl ls -q --no-trunc | sort)"
	assert_equal "$(grep -nxe "$(tree_id 1)" -e "$top" <<<"$output" | cut -d : -f 2)" "$(tree_id 1)"$'\n'"$top"
	assert_equal "$(ctl check -q)" "$(tree_id 9)"
	assert_equal "$(ctl diff -q debian:12)" /layer3
	assert_equal "$(ctl du -q | tail -n 1)" '<all>'
	assert_equal "$(ctl containers -q)" web
}

@test "colours only on a terminal, none with NO_COLOR; a full disk is an error" {
	run ctl ls
	refute_output --partial $'\e['
	run env TERM=xterm script -qec "$CTL ls -r $root" /dev/null
	assert_output --partial $'\e[1m'
	run env TERM=xterm NO_COLOR=1 script -qec "$CTL ls -r $root" /dev/null
	refute_output --partial $'\e['
	run sh -c '"$0" ls -r "$1" >/dev/full' "$CTL" "$root"
	assert_equal "$status" 2
	assert_output --partial 'cannot write the output: No space left on device'
	for words in --help --version help 'ls --help'; do
		# shellcheck disable=SC2086 # words
		run sh -c '"$@" >/dev/full' - "$CTL" $words
		assert_equal "$status" 2
		assert_output --partial 'cannot write the output: No space left on device'
	done
}

# shown TEXT SHOWN: how a message has it.
shown() {
	run "$CTL" "$1"
	assert_line --index 0 "ovlctl: there is no verb $2"
}

@test "characters that have no width, turn the writing or are none are shown as bytes; all others as they are" {
	local character text LC_ALL=C.UTF-8 # for printf
	for character in 0001 001f 007f 0080 009f 00ad 034f 061c 115f 180e 200b 200c 200d 200e 200f 2028 202a 202e 2060 2066 206f 3164 \
		feff ffa0 fff9 0001d173 000e0001 000e007f 000e0100; do
		text=$(printf "\\U$character")
		shown "a${text}b" "a$(printf %s "$text" | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')b"
	done
	for text in 'aé~' ' …‧‰⁁' '한글' '日本' 'ﷺ�' '😀' $'\u00a0\u00ac\u00ae\u0378\u07ff\u0800\ud7ff\ue000\uffff\U10000\U10ffff'; do
		shown "$text" "$text"
	done
	# No UTF-8: too long, halves of pairs, beyond the end, cut.
	for text in '\xc0\x80' '\xc1\xbf' '\xe0\x9f\xbf' '\xed\xa0\x80' '\xf0\x8f\xbf\xbf' '\xf4\x90\x80\x80' '\xf8\x88\x80\x80' '\xff' \
		'\x80' '\xc3' '\xe2\x80'; do
		shown "$(printf "$text")" "$text"
	done
}

@test "names that would move a terminal are shown escaped" {
	file=$root/image/overlay2/repositories.json
	cp "$file" "$BATS_TEST_TMPDIR/saved"
	jq -c --arg i "sha256:$image" '.Repositories.evil = {"evil\u001b[2J\u007f\u202e\u009b:1": $i}' "$BATS_TEST_TMPDIR/saved" >"$file"
	run ctl images
	assert_success
	assert_line --partial 'evil\x1b[2J\x7f\xe2\x80\xae\xc2\x9b:1'
	run ctl images --json
	refute_output --regexp $'[^\x20-\x7e\n]'
	assert_equal "$(jq '.[] | select(.name | startswith("evil")).name == "evil\u001b[2J\u007f\u202e\u009b:1"' <<<"$output")" true
	run ctl inspect $'\e[2J\x7f'
	assert_line --index 0 'ovlctl: cannot find \x1b[2J\x7f: no image, container or layer has this name'
	cp "$BATS_TEST_TMPDIR/saved" "$file"
}
