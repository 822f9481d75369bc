# SPDX-License-Identifier: MIT
# ovlctl allow, revoke, published: what an administrator publishes, and what ovlrun then lets users do.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # '$' is meant for others; run and setup_file set variables

setup_file() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	cp -a /etc/passwd /etc/group "$BATS_FILE_TMPDIR"
	# Names with a blank or a '#' cannot be written in a rule: they stand for users that only a directory knows.
	printf '%s\n' alice:x:2001:2001::/:/bin/sh bob:x:2002:2002::/:/bin/sh 'the boss:x:2003:2003::/:/bin/sh' >>/etc/passwd
	printf '%s\n' science:x:3001: 'domain users:x:3002:' >>/etc/group
	cp -a /etc/passwd "$BATS_FILE_TMPDIR/passwd.lab"
	export root=$LAB/publish CTL=$LAB/bin/ovlctl images=/etc/ovlrun.d/images ours=/etc/ovlrun.d/ovlctl.conf
	export ASAN_OPTIONS=detect_leaks=0
	mkdir "$root"
	install -m 0755 "$OVL_TOP/build/ovlctl" "$CTL" # beside ovlrun, which it asks
	tree_init "$root/overlay2"
	top=$(tree_chain "$root/overlay2" 3 fill)
	docker_init "$root"
	image=$(docker_image "$root" tools:1.0 "$top" \
		'{"Env":["PATH=/bin","GREETING=a b"],"WorkingDir":"/work","Entrypoint":["/bin/echo","-n"],"Cmd":["by","default"],"User":"app"}')
	docker_name "$root" registry.example.org:5000/team/tools:1.0 "$image"
	docker_image "$root" shell:latest "$(tree_id 1)" '{"Env":["PATH=/bin"],"Cmd":["sh"]}' >"$BATS_FILE_TMPDIR/shell"
	shell=$(<"$BATS_FILE_TMPDIR/shell")
	docker_container "$root" web "$image" "$top" 20 >/dev/null
	export top image shell
}

fill() {
	fill_base "$1"
	mkdir "$1/work"
}

teardown_file() {
	! mountpoint -q /var/lib/docker || umount /var/lib/docker
	rm -rf "$root" "$CTL" "$LAB/layers" "$LAB/outside" "$LAB/publish-alone" "$LAB/publish-podman" /etc/ovlrun.d /etc/ovlrun.conf /run/ovlctl.lock
	cp -a "$BATS_FILE_TMPDIR/passwd" "$BATS_FILE_TMPDIR/group" /etc
}

# Every test begins on a machine without a policy.
setup() {
	load ../lib/helpers
	. "$OVL_TOP/tests/lib/docker.bash"
	rm -rf /etc/ovlrun.d /etc/ovlrun.conf
	cp -a "$BATS_FILE_TMPDIR/passwd.lab" /etc/passwd
}

ctl() {
	"$CTL" "$1" --root "$root" "${@:2}"
}

# allows ARGUMENT...: ovlctl allow that succeeds, in silence.
allows() {
	run ctl allow "$@" -q
	assert_success
	assert_output ''
}

# The policy and the records: names, modes, owners, contents.
published_state() {
	find /etc/ovlrun.d /etc/ovlrun.conf -printf '%p %y %m %U %G %l\n' -type f -exec cat {} + 2>/dev/null || : # none of them need be there
}

# trouble TEXT VERB...: status 2, a first line that says TEXT, and nothing changed below /etc.
trouble() {
	local before
	before=$(published_state)
	run --separate-stderr ctl "${@:2}"
	assert_equal "$status" 2
	assert_equal "$output" ''
	[[ ${stderr_lines[0]} == "ovlctl: cannot "*"$1"* ]] || fail "expected '$1' in: $stderr"
	assert_equal "$(published_state)" "$before"
}

# as UID:GID[:GROUP...] NAME...: ovlrun as that user.
as() {
	as_ids "$1" "$OVLRUN" "${@:2}"
}

may() {
	run as "$@"
	assert_success
}

may_not() {
	run as "$@"
	assert_equal "$status" 125
	assert_output --partial 'not there, or not permitted'
}

accepted() {
	run "$OVLRUN" --check-policy
	assert_success
	assert_output ''
}

@test "without --users there is a record, and nobody may use it" {
	run ctl allow tools:1.0
	assert_success
	assert_output 'ovlctl: tools:1.0: there is no rule that lets anybody use it; --users says who, * is everybody'
	assert_equal "$(<"$images/tools:1.0")" "# by ovlctl, of tools:1.0
tree $root/overlay2
layer $top
digest sha256:$image
env PATH=/bin
env GREETING=a b
workdir /work
entrypoint /bin/echo
entrypoint -n
cmd by
cmd default
user app"
	assert_equal "$(stat -c '%a %u %g' "$images/tools:1.0" "$images" /etc/ovlrun.d)" $'644 0 0\n755 0 0\n755 0 0'
	[ ! -e "$ours" ]
	may_not 2001:2001 tools:1.0
	assert_equal "$(ls -A /etc/ovlrun.d)" images
}

@test "a group launches it: command, environment, directory; a stranger does not" {
	umask 077
	run ctl allow tools:1.0 --users :science
	assert_success
	assert_output "ovlctl: tools:1.0: :science may use it ($ours:2)"
	assert_equal "$(sed 1d "$ours")" 'permit :science image tools:1.0'
	assert_regex "$(head -n 1 "$ours")" '^# ovlctl writes this file'
	assert_equal "$(stat -c '%a %u %g' "$ours" "$images/tools:1.0" "$images" /etc/ovlrun.d)" $'644 0 0\n644 0 0\n755 0 0\n755 0 0'
	accepted
	may 2001:2001:3001 tools:1.0
	assert_output 'by default'
	may 2001:2001:3001 tools:1.0 echo other words
	assert_output 'other words'
	may_not 2001:2001 tools:1.0
	may_not 2001:2001:3001 shell
	allows shell --users :science
	may 2001:2001:3001 shell sh -c 'echo $PATH; pwd'
	assert_line --index 0 /bin
	ctl allow "$shell" --as dir -q --users '*'
	sed -i "s|^cmd sh|workdir /work\nenv GREETING=a b\ncmd sh|" "$images/dir:latest"
	may 2001:2001 dir sh -c 'echo "$GREETING"; pwd'
	assert_output $'a b\n/work'
}

@test "WHO: users, groups, numbers, everybody; those that a rule cannot name become numbers" {
	allows tools:1.0 --users 'alice,:science,4001,:0042,the boss,:domain users,00017'
	assert_equal "$(sed -n 's/^permit //p' "$ours" | sort)" "$(printf '%s image tools:1.0\n' :science :42 :3002 alice 4001 2003 17 | sort)"
	accepted
	for ids in 2001:1 9:9:3001 4001:1 9:42 2003:1 9:9:3002 17:1; do
		may "$ids" tools:1.0
	done
	for ids in 2002:2002 9:4001 42:1 3002:1; do
		may_not "$ids" tools:1.0
	done
	for who in nobody-here :nothing '' ',' 'alice,' 'alice,,bob' : 4294967295 99999999999 '**' ':*' 'ali*' $'alice\npermit * any' '-1'; do
		trouble ': there is none of this name' allow tools:1.0 --users "$who"
	done
	allows tools:1.0 --users '*'
	may 9:9 tools:1.0
}

@test "features and limits, and that a rule is replaced by the next for the same user" {
	allows shell --users alice --may bind,writable --limit tmpfs=2m
	assert_equal "$(sed -n 2p "$ours")" 'permit alice image shell:latest may bind,writable limit tmpfs=2m'
	may 2001:2001 -b /proc:/mnt shell true
	run as 2001:2001 --tmpfs-size 3m shell true
	assert_output --partial 'more than the policy permits'
	allows shell --users 2001 # the same user
	assert_equal "$(sed 1d "$ours")" 'permit 2001 image shell:latest'
	run as 2001:2001 -b /proc:/mnt shell true
	assert_output --partial 'the policy does not grant it'
	may 2001:2001 --tmpfs-size 3m shell true
	for may in '' 'bind,' nothing 'bind;dev' 'bind dev' $'bind\n'; do
		trouble ': there is none of this name' allow shell --users alice --may "$may"
	done
	for limit in tmpfs tmpfs= tmpfs=0 tmpfs=1x tmpfs=1mm tmpfs=-1 disk=1m tmpfs=2000000g tmpfs=12345678901234567 'tmpfs=1m may dev'; do
		trouble 'it is not tmpfs=SIZE' allow shell --users alice --limit "$limit"
	done
	for limit in 1 1k 1K 16M 1g 1048576g; do
		allows shell --users alice --limit "tmpfs=$limit"
		accepted
	done
	trouble 'there is no rule to put it into' allow shell --may bind
	trouble 'there is no rule to put it into' allow shell --limit tmpfs=1m
}

@test "the narrower rule counts, in whatever order they were given" {
	allows shell --users alice --may bind
	allows shell --users '*'
	allows shell --users :science --limit tmpfs=1m
	allows tools:1.0 --users bob
	assert_equal "$(sed 1d "$ours")" 'permit * image shell:latest
permit :science image shell:latest limit tmpfs=1m
permit alice image shell:latest may bind
permit bob image tools:1.0'
	may 2001:2001:3001 -b /proc:/mnt shell true
	run as 9:9:3001 --tmpfs-size 2m shell true
	assert_equal "$status" 125
}

@test "who is permitted anything of the offered trees does not get the tree of what is published" {
	policy 'permit bob any'
	ctl allow shell --users alice -q
	run as 2002:2002 -t "$root/overlay2" "$top" true
	assert_equal "$status" 125
	assert_output --partial 'not there, or not permitted'
	may 2001:2001 shell true
}

@test "names: the engine's short ones, other registries', one's own; a layer, an id and a digest need one" {
	allows docker.io/library/tools:1.0 --users '*'
	may 9:9 tools:1.0
	allows registry.example.org:5000/team/tools:1.0 --users '*'
	[ -f "$images/registry.example.org:5000/team/tools:1.0" ]
	may 9:9 registry.example.org:5000/team/tools:1.0
	for name in "$top" "${image:0:12}" "sha256:$image"; do
		trouble 'it is no name of an image' allow "$name" --users '*'
		allows "$name" --as own/name --users '*'
		may 9:9 own/name true
		run ctl revoke own/name
		assert_success
		[ ! -e "$images/own" ]
	done
	for name in Upper a//b /a a/ ../a a/../b .a a: a:.b 'a b' $'a\nb' a:b:c 'a*' "$(printf 'a%.0s' {1..122})"; do
		trouble 'it is no name that a record can have' allow shell --as "$name" --users '*'
	done
	allows shell --as "$(printf 'a%.0s' {1..121})" --users '*'
	may 9:9 "$(printf 'a%.0s' {1..121})" true
	for name in web "$(tree_id 20)" "$(tree_id 20)-init"; do
		trouble 'a container changes' allow "$name" --as web
	done
	trouble 'no image, container or layer has this name' allow nothing
}

@test "a tree without metadata: a layer under a name, no container's" {
	cp -a "$root/overlay2" "$LAB/publish-alone"
	run "$CTL" allow "$top" --as plain --users '*' --root "$LAB/publish-alone"
	assert_success
	may 9:9 plain echo it works
	assert_output 'it works'
	run "$CTL" allow "$(tree_id 20)" --as plain --root "$LAB/publish-alone"
	assert_output --partial 'a container changes'
	rm -r "$LAB/publish-alone/$(tree_id 20)-init" # as Podman's, which have none
	printf 'l/%s:%s' "$(tree_link 3)" "$(<"$LAB/publish-alone/$top/lower")" >"$LAB/publish-alone/$(tree_id 20)/lower"
	mkdir "$LAB/publish-alone/$(tree_id 20)/merged"
	mount -t overlay -o "lowerdir=$LAB/publish-alone/$(tree_id 20)/diff:$LAB/publish-alone/$top/diff" none \
		"$LAB/publish-alone/$(tree_id 20)/merged"
	run "$CTL" allow "$(tree_id 20)" --as plain --root "$LAB/publish-alone"
	umount "$LAB/publish-alone/$(tree_id 20)/merged"
	assert_equal "$status" 2
	assert_output --partial 'a container changes'
	chmod o+w "$LAB/publish-alone"
	run "$CTL" allow "$top" --as other --root "$LAB/publish-alone"
	assert_equal "$status" 2
	assert_line --index 0 "ovlctl: cannot trust $LAB/publish-alone: writable by others than root"
	rm -r "$LAB/publish-alone"
	run "$CTL" published
	assert_equal "$status" 1
}

@test "values that a record cannot hold are refused by name; newline and backslash can be" {
	while IFS='|' read -r config text; do
		docker_image "$root" odd:1 "$top" "$config" >/dev/null
		trouble "$text" allow odd:1 --users '*'
	done <<-'END'
		{"Env":["NOTHING"]}|variable NOTHING: it is not VAR=VALUE
		{"Env":["=x"]}|variable =x: it is not VAR=VALUE
		{"Env":[1]}|Env: it holds what is no text
		{"Env":"A=b"}|Env: it is no list
		{"Cmd":{}}|Cmd: it is no list
		{"Cmd":["a",null]}|Cmd: it holds what is no text
		{"WorkingDir":"work"}|WorkingDir work: it is not an absolute path
	END
	docker_image "$root" odd:1 "$top" "$(jq -nc '{Cmd: [range(513) | "x"]}')" >/dev/null
	trouble 'Cmd: a record holds 512' allow odd:1
	docker_image "$root" odd:1 "$top" "$(jq -nc '{Env: [range(512) | "X\(.)=y"], Entrypoint: [range(256) | "x"], Cmd: [range(256) | "x"]}')" >/dev/null
	allows odd:1
	docker_image "$root" odd:1 "$top" "$(jq -nc '{Env: ["X=" + "y" * 66000]}')" >/dev/null
	trouble 'configuration: a record has 64 KiB at most' allow odd:1
	docker_image "$root" odd:1 "$top" '{"Env":["X=a\nb\\nc\\\\d ","PATH=/bin"],"Cmd":null,"Entrypoint":["sh","-c","echo \"$X|\"\necho b\\\\n"]}' >/dev/null
	allows odd:1 --users '*'
	may 9:9 odd:1
	assert_output "$(printf '%s\n' 'a' 'b\nc\\d |' 'b\n')"
	run ctl published
	assert_success
}

@test "metadata that lies is refused" {
	config=$root/image/overlay2/imagedb/content/sha256/$shell
	cp -a "$config" "$BATS_TEST_TMPDIR/config"
	echo >>"$config"
	trouble 'its config does not have the digest that names it' allow shell
	rm "$config"
	ln -s "$BATS_TEST_TMPDIR/config" "$config"
	trouble 'its config cannot be read' allow shell
	rm "$config"
	cp -a "$BATS_TEST_TMPDIR/config" "$config"
	ln -sfn ../../etc "$root/overlay2/l/$(tree_link 2)"
	trouble 'its target is not ../<cache-id>/diff' allow tools:1.0
	ln -sfn "../$(tree_id 2)/diff" "$root/overlay2/l/$(tree_link 2)"
	allows tools:1.0
}

@test "the policy of others: no tree is offered, its faults are told, its rules named" {
	policy "tree $root/overlay2" 'permit bob any'
	run ctl allow shell --users alice
	assert_success
	assert_output "ovlctl: shell:latest: bob may use it (/etc/ovlrun.conf:2)
ovlctl: shell:latest: alice may use it ($ours:2)"
	run grep -c '^tree' "$ours"
	assert_output 0
	echo 'deny alice image s*' >/etc/ovlrun.d/zz.conf
	run ctl allow shell --users alice
	assert_line 'ovlctl: shell:latest: alice may not use it (/etc/ovlrun.d/zz.conf:1)'
	may_not 2001:2001 shell true
	echo 'permitt alice any' >/etc/ovlrun.d/zz.conf
	run ctl allow shell --users alice
	assert_success
	assert_line --partial 'warning: ovlrun finds fault with the policy (ovlrun: cannot understand /etc/ovlrun.d/zz.conf:1'
}

@test "what ovlrun --check-policy would refuse is not written" {
	allows shell --users alice
	sed -i /^alice:/d /etc/passwd # she has left
	trouble "($ours:2: no such user or group" allow shell --users bob
	run ctl revoke shell --users alice
	assert_success
	allows shell --users bob
	accepted
	printf 'no rule\n' >>"$ours"
	trouble "($ours:3: unknown word)" allow shell --users :science
	# What stands there is good, and all there is room for: ovlrun reads no more than a mebibyte.
	sed -i '$d' "$ours"
	perl -e 'print "#" x (1048575 - $ARGV[0]), "\n"' "$(stat -c %s "$ours")" >>"$ours"
	accepted
	trouble "ovlrun would refuse it" allow shell --users :science
	[ "$(ls -A /etc/ovlrun.d)" = $'images\novlctl.conf' ]
}

@test "the ovlrun that is asked is the one that was installed with it" {
	local prefix=$LAB/prefix
	mkdir -p "$prefix/sbin" "$prefix/bin"
	cp "$CTL" "$prefix/sbin/ovlctl"
	printf '#!/bin/sh\necho "ovlrun: line 1: as is said here" >&2\nexit 125\n' >"$prefix/bin/ovlrun"
	chmod 0755 "$prefix/bin/ovlrun"
	run "$prefix/sbin/ovlctl" allow tools:1.0 --users alice --root "$root"
	assert_equal "$status" 2
	assert_output --partial 'as is said here'
	rm -r "$prefix"
}

@test "where others could write, nothing is written" {
	mkdir -m 0777 /etc/ovlrun.d
	chmod 0777 /etc/ovlrun.d
	trouble 'writable by others than root' allow shell
	chmod 0755 /etc/ovlrun.d
	mkdir "$images" "$BATS_TEST_TMPDIR/elsewhere"
	chown 2001 "$images"
	trouble 'not owned by root' allow shell
	chown 0:3001 "$images" /etc/ovlrun.d
	chmod 2755 "$images" /etc/ovlrun.d
	allows shell --users alice # what a directory hands on is no reason to give it to a group
	assert_equal "$(stat -c '%a %u %g' "$images/shell:latest" "$ours")" $'644 0 0\n644 0 0'
	rm -r "$images" "$ours"
	ln -s "$BATS_TEST_TMPDIR/elsewhere" "$images"
	trouble "reach $images/shell:latest" allow shell
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/elsewhere")" ]
	run as_user "$CTL" revoke shell
	assert_equal "$status" 2
	assert_line --index 1 'ovlctl: hint: only root can publish'
}

@test "revoke: some users, all; then nobody may; the machine is as it was" {
	mkdir -p /etc/ovlrun.d/images
	before=$(published_state)
	allows tools:1.0 --users :science,alice,bob
	allows shell --users alice
	run ctl revoke tools:1.0 --users :3001,2002
	assert_success
	assert_output "ovlctl: tools:1.0: alice may still use it ($ours:2)"
	may_not 9:9:3001 tools:1.0
	may_not 2002:2002 tools:1.0
	may 2001:2001 tools:1.0
	trouble 'ovlctl made no such rule for it' revoke tools:1.0 --users bob
	run ctl revoke tools:1.0
	assert_success
	assert_output ''
	may_not 2001:2001 tools:1.0
	run "$OVLRUN" tools:1.0
	assert_output --partial 'it is not published here'
	may 2001:2001 shell true
	trouble 'it is not published' revoke tools:1.0
	run ctl revoke shell:latest
	assert_success
	assert_equal "$(published_state)" "$before"
}

@test "revoke: a record without a tag, of somebody else's making; rules of others stay and are named" {
	policy "tree $root/overlay2" 'permit * image *'
	mkdir -p "$images"
	printf '%s\n' "layer $top" >"$images/mine"
	may 9:9 mine true
	allows shell --as mine --users alice
	run ctl revoke mine --users alice
	assert_output 'ovlctl: mine:latest: everybody may still use it (/etc/ovlrun.conf:2)'
	run ctl revoke mine
	assert_success
	run as 9:9 mine true
	assert_output --partial 'it is not published here'
	[ -z "$(ls -A "$images")" ]
	trouble 'it is not published' revoke other
	trouble 'it is no name of a record' revoke ../../etc/passwd
}

@test "warnings: setuid files, capabilities, devices, marks; nothing outside is looked at" {
	diff=$root/overlay2/$(tree_id 2)/diff
	mkdir "$diff/in" "$LAB/outside"
	install -m 4755 /bin/true "$LAB/outside/su"
	ln -s "$LAB/outside" "$diff/in/link"
	mknod "$diff/in/deleted" c 0 0
	mkfifo "$diff/in/fifo"
	run ctl allow tools:1.0
	refute_output --regexp 'warning|note'
	install -m 4755 /bin/true "$diff/in/su"
	install -m 2755 /bin/true "$diff/in/group"
	mknod "$diff/in/"$'\e[2Jnull' c 1 3
	mkdir "$diff/in/moved"
	setfattr -n trusted.overlay.redirect -v /bin "$diff/in/moved"
	run ctl allow tools:1.0
	assert_success
	assert_line --regexp "^ovlctl: note: $diff/in/(su|group): set-id file or file with capabilities, and 1 more; without effect"
	assert_line --regexp "^ovlctl: warning: $diff/in/\\\\x1b\\[2Jnull: device node; look where"
	assert_line --regexp "^ovlctl: warning: $diff/in/moved: directory with a redirect mark; a launch refuses it"
	allows tools:1.0
	(
		cd "$diff/in"
		for ((i = 0; i < 300; i++)); do mkdir d && cd d; done
	)
	run "$OVL_TOP/build/san/ovlctl" allow tools:1.0 --root "$root"
	assert_success
	assert_line --regexp "^ovlctl: warning: $diff/in/d/d/.*: directory not looked into, a mount or too deep; "
	rm -rf "$diff/in" "$LAB/outside"
}

@test "published: what holds, what is stale, what is broken and why, for whom" {
	run "$CTL" published
	assert_success
	allows tools:1.0 --users :science,alice --may bind,dev --limit tmpfs=1m
	allows shell --as team/shell
	echo 'deny alice image *' >/etc/ovlrun.d/zz.conf
	run "$CTL" published --json
	assert_success
	assert_equal "$(jq -c '.[] | [.name, .state, .tree, .layer, .digest, .users, .wrong]' <<<"$output")" \
		"[\"team/shell:latest\",\"ok\",\"$root/overlay2\",\"$(tree_id 1)\",\"sha256:$shell\",[],\"\"]
[\"tools:1.0\",\"ok\",\"$root/overlay2\",\"$top\",\"sha256:$image\",[\":science\",\"not alice\"],\"\"]"
	assert_equal "$(jq -c '.[1].rules[0]' <<<"$output")" \
		"{\"who\":\":science\",\"permit\":true,\"may\":[\"bind\",\"dev\"],\"limit\":\"tmpfs=1m\",\"file\":\"$ours\",\"line\":2}"
	echo 'permit * any' >>/etc/ovlrun.d/zz.conf
	assert_equal "$("$CTL" published -j | jq -c '.[].users')" $'["*"]\n["*"]'
	# The engine pulls a newer one.
	other=$(docker_image "$root" '' "$(tree_id 2)" '{"Cmd":["new"]}')
	docker_name "$root" shell:latest "$other"
	run "$CTL" published
	assert_success
	assert_line --regexp '^team/shell:latest .* stale '
	assert_line --regexp '^tools:1.0 .* ok '
	# Published again: the record is the new one, the rules stay.
	allows shell --users bob
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "shell:latest") | .state')" ok
	# Another command for the same layers.
	same=$(docker_image "$root" '' "$(tree_id 2)" '{"Cmd":["newer"]}')
	docker_name "$root" shell:latest "$same"
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "shell:latest") | .state')" stale
	docker_name "$root" shell:latest "$shell"
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "shell:latest") | .state')" stale
	allows shell
	assert_equal "$(grep '^layer' "$images/shell:latest")" "layer $(tree_id 1)"
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "shell:latest") | .state')" ok
	grep -q '^permit bob image shell:latest$' "$ours"
	# Who cannot read the tree cannot say what it holds.
	run as_user "$LAB/bin/ovlctl" published -j
	assert_success
	assert_equal "$(jq -r '.[].state' <<<"$output" | sort -u)" unknown
	# Written by hand, and wrongly.
	printf 'layers %s:%s\n' "$(tree_id 2)" "$(tree_id 1)" >"$images/exact"
	echo "tree $root/overlay2" >/etc/ovlrun.d/site.conf
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "exact") | .state')" ok
	rm /etc/ovlrun.d/site.conf
	assert_equal "$("$CTL" published -j | jq -r '.[] | select(.name == "exact") | .wrong')" \
		"cannot use $images/exact: neither it nor the policy names a tree"
	rm "$images/exact"
	while IFS='|' read -r line text; do
		printf 'tree %s\n%b' "$root/overlay2" "$line" >"$images/bad"
		run "$OVL_TOP/build/san/ovlctl" published -j
		assert_equal "$status" 1
		assert_equal "$(jq -r '.[] | select(.name == "bad") | "\(.state): \(.wrong)"' <<<"$output")" "broken: cannot $text"
		policy 'permit * any'
		run as 9:9 bad true # as ovlrun sees it
		assert_equal "$status" 125
		rm /etc/ovlrun.conf
	done <<-END
		env A=b\n|understand $images/bad: it names no layer
		nonsense\n|understand $images/bad:2: unknown word
		layer $top|understand $images/bad: it holds a NUL byte, or its last line is not finished
		layer $top\ncmd \\\\x\n|understand $images/bad:3: a '\\' that is neither \\n nor \\\\
		layer $top\nlayer $top\n|understand $images/bad:3: given twice
		layer $top\nworkdir x\n|understand $images/bad:3: not an absolute path
		layer $(tree_id 77)\n|find $root/overlay2/$(tree_id 77): No such file or directory
	END
	printf 'tree %s\nlayer %s\n' "$root/overlay2" "$top" >"$images/bad"
	chmod o+w "$images/bad"
	assert_equal "$("$CTL" published -j | jq -r '.[0].wrong')" "cannot trust $images/bad: writable by others than root"
	mv "$images/bad" "$images/Bad"
	run "$CTL" published
	assert_equal "$status" 1
	assert_output --partial 'no name of an image'
}

@test "many at once: no rule is lost" {
	pids=()
	for n in {1..12}; do
		ctl allow shell --as "image$n" --users "$((5000 + n)),alice" -q &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	assert_equal "$(grep -c '^permit 50' "$ours")" 12
	assert_equal "$(grep -c '^permit alice' "$ours")" 12
	accepted
}

# killed VERB...: kills it at every call that writes, one after the other, from the state that restore makes; after each, check.
killed() {
	local call n count=0
	for call in mkdir mkdirat openat fchown fchmod write fsync close renameat unlinkat flock; do
		for ((n = 1; ; n++)); do
			restore
			run timeout 20 strace -o "$BATS_TEST_TMPDIR/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$CTL" "$@" -q --root "$root"
			check
			[ "$status" != 0 ] || break
			assert_equal "$status" 137
			count=$((count + 1))
			# What is left is passed over, and gone after the next run.
			run "$CTL" "$@" -q --root "$root"
			[ "$status" = 0 ] || [[ $output == *': it is not published'* ]] || fail "$output"
			[ -z "$(find /etc/ovlrun.d -name '.*')" ]
			case $call in close | openat) n=$((n + 6)) ;; esac # most of them read
		done
	done
	echo "$count deaths"
	[ "$count" -gt 10 ]
}

@test "killed anywhere in allow: the old rules or the new ones, and a record that goes with both" {
	restore() {
		rm -rf /etc/ovlrun.d
		"$CTL" allow shell --users alice -q --root "$root"
	}
	check() {
		accepted_quietly
		as 2001:2001 shell true
		case $(grep -c 'permit' "$ours") in
		1) ! as 9:9:3001 shell true 2>/dev/null ;;
		2) as 9:9:3001 shell true ;;
		*) false ;;
		esac
	}
	accepted_quietly() {
		"$OVLRUN" --check-policy
	}
	killed allow shell --users :science --may bind
}

@test "killed anywhere in the first allow and in revoke: permitted or not, never half" {
	restore() {
		rm -rf /etc/ovlrun.d
	}
	check() {
		"$OVLRUN" --check-policy || [ ! -e "$ours" ]
		if [ -e "$ours" ]; then as 2001:2001 a/b true; else ! as 2001:2001 a/b true 2>/dev/null; fi
	}
	killed allow shell --as a/b --users alice
	restore() {
		rm -rf /etc/ovlrun.d
		"$CTL" allow shell --as a/b --users alice -q --root "$root"
	}
	killed revoke a/b
}

@test "a full disk, a failing sync or rename: an error that names the file, and the old policy" {
	allows shell --users alice
	before=$(published_state)
	for fault in write:error=ENOSPC:when=1 fsync:error=EIO:when=1 fsync:error=EIO:when=2 renameat:error=EXDEV:when=1 \
		openat:error=EROFS:path fchmod:error=EPERM:when=2 write:retval=0:when=1..3; do
		case $fault in
		*:path) where=(-P /etc/ovlrun.d/.ovlctl.policy -P .ovlctl.policy) fault=${fault%:path} ;;
		*) where=() ;;
		esac
		run strace -o /dev/null "${where[@]}" -e "trace=${fault%%:*}" -e "inject=$fault" "$CTL" allow shell --users bob -q --root "$root"
		case $fault in
		*retval=0*) # nothing was written, and it tried again
			assert_success
			allows shell --users alice
			run ctl revoke shell --users bob -q
			;;
		*)
			assert_equal "$status" 2
			assert_line --index 0 --regexp '^ovlctl: cannot (write|make) /etc/ovlrun.d/'
			;;
		esac
		assert_equal "$(published_state)" "$before"
		[ -z "$(find /etc/ovlrun.d -name '.*')" ]
	done
}

@test "the passage for administrators: every command in it, as it stands there" {
	mkdir -p /var/lib/docker
	mount -t tmpfs -o mode=0711 none /var/lib/docker
	tree_init /var/lib/docker/overlay2
	tree_init /srv/layers # the lab's own
	id=$(tree_chain /srv/layers 1 fill)
	docker_init /var/lib/docker
	# shellcheck disable=SC2317 # called by the commands; the one thing that wants a network
	docker() {
		docker_image /var/lib/docker "$2" "$(tree_chain /var/lib/docker/overlay2 2 fill)" '{"Env":["PATH=/bin"],"Cmd":["/bin/echo","works"]}'
	}
	count=0
	while read -r prompt line; do
		line=${line/34e5f0...510b/$id} count=$((count + 1))
		[ "$prompt" = '#' ] || line="as 9:9:3001 ${line#ovlrun}"
		run eval "PATH=$LAB/bin:\$PATH; $line"
		assert_success
		case $line in
		*:science*--limit*) assert_output "$(grep '^ovlctl: alpine' "$OVL_TOP/README.md")" ;;
		as*) assert_output works ;;
		*published) assert_line --regexp '^alpine:3.19 .* ok +:science ' ;;
		esac
	done < <(sed '1,/^## From `docker pull`/d; /^## /,$d' "$OVL_TOP/README.md" | sed -n '/^```console/,/^```/s/^\([#$] \)/\1/p')
	assert_equal "$count" 10
	may_not 9:9:3001 alpine:3.19
	may 9:9 base:1 true
}

@test "Podman's storage: the short name, its own images without localhost/" {
	pod=$LAB/publish-podman
	mkdir -p "$pod/overlay-images" "$pod/overlay-layers"
	tree_init "$pod/overlay"
	top=$(tree_chain "$pod/overlay" 2 fill)
	printf '{"config":{"Env":["PATH=/bin"],"Cmd":["echo","pod"]},"rootfs":{"type":"layers","diff_ids":[]}}' >"$pod/config"
	id=$(sha256 "$pod/config")
	mkdir "$pod/overlay-images/$id"
	mv "$pod/config" "$pod/overlay-images/$id/=$(printf %s "sha256:$id" | base64 -w 0)"
	printf '[{"id":"%s","names":["docker.io/library/pod:1","localhost/mine:latest"],"layer":"%s"}]' "$id" "$top" >"$pod/overlay-images/images.json"
	printf '[{"id":"%s"},{"id":"%s","parent":"%s"}]' "$(tree_id 1)" "$top" "$(tree_id 1)" >"$pod/overlay-layers/layers.json"
	for name in pod:1 mine; do
		run "$CTL" allow "$name" --users '*' -q --root "$pod"
		assert_success
		may 9:9 "$name"
		assert_output pod
	done
	assert_equal "$("$CTL" published -j | jq -r '.[].state')" $'ok\nok'
	cp "$pod/overlay-layers/layers.json" "$BATS_TEST_TMPDIR"
	jq -c '.[0].flags.incomplete = true' "$BATS_TEST_TMPDIR/layers.json" >"$pod/overlay-layers/layers.json"
	run "$CTL" allow pod:1 --root "$pod"
	assert_equal "$status" 2
	assert_line --index 0 'ovlctl: cannot publish pod:1: a layer of it is incomplete or damaged'
	cp "$BATS_TEST_TMPDIR/layers.json" "$pod/overlay-layers"
	sed -i s/pod/pox/ "$pod/overlay-images/$id/="*
	run "$CTL" allow pod:1 --root "$pod"
	assert_equal "$status" 2
	assert_line --index 0 --partial 'its config does not have the digest that names it'
	rm -r "$pod"
}

@test "what is written is synced before its rename, and the directory after it; the record comes before the rule" {
	allows shell --users alice
	strace -y -o "$BATS_TEST_TMPDIR/trace" -e trace=renameat,fsync "$CTL" allow shell --users bob -q --root "$root"
	assert_equal "$(sed -n 's/^fsync([0-9]*<\(.*\)>) *= 0$/sync \1/p; s/^renameat(.*, "\([^"]*\)") *= 0$/to \1/p' "$BATS_TEST_TMPDIR/trace")" \
		"sync /etc/ovlrun.d/.ovlctl.record
sync /etc/ovlrun.d/.ovlctl.policy
to shell:latest
sync $images
to ovlctl.conf
sync /etc/ovlrun.d"
}
