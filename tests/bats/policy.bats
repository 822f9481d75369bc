# SPDX-License-Identifier: MIT
# Who may launch what: the policy as an unprivileged user meets it, and images by name.
# shellcheck disable=SC1003,SC2016,SC2030,SC2031,SC2154 # a lone '\' and '$' are meant; run and setup_file set variables

setup_file() {
	load ../lib/helpers
	cp -a /etc/passwd "$BATS_FILE_TMPDIR/passwd"
	cp -a /etc/group "$BATS_FILE_TMPDIR/group"
	printf '%s\n' alice:x:2001:2001::/:/bin/sh alicex:x:2002:2002::/:/bin/sh >>/etc/passwd
	printf '%s\n' alice:x:2001: science:x:3001:alicex sciencex:x:3002: >>/etc/group
	cp -a /etc/passwd "$BATS_FILE_TMPDIR/passwd.lab"
	cp -a /etc/group "$BATS_FILE_TMPDIR/group.lab"
	mount -t tmpfs -o mode=0755 lab-lib /var/lib # for -w; the machine's own state stays as it is
	make_tree policy 3
	base=$(tree_id 1) middle=$(tree_id 2) other=$(tree_id 9) container=$(tree_id 5)
	export base middle other container images=/etc/ovlrun.d/images
	# A second image, and a container on the first, as Docker lays them out.
	tree_layer "$tree" "$other" "$(tree_link 9)"
	fill_base "$tree/$other/diff"
	tree_layer "$tree" "$container-init" "$(tree_link 4)" "$top"
	tree_layer "$tree" "$container" "$(tree_link 5)" "$container-init"
	echo secret >"$tree/$container/diff/secret"
}

teardown_file() {
	rm -rf /etc/ovlrun.d /etc/ovlrun.conf /etc/passwd /etc/group
	cp -a "$BATS_FILE_TMPDIR/passwd" "$BATS_FILE_TMPDIR/group" /etc
	umount /var/lib
}

setup() {
	load ../lib/helpers
	mkdir -p "$images"
	policy "tree $tree" 'permit * any'
	works launch "$top" true # every test begins with a policy that permits
}

teardown() {
	# First: a test that failed may have left a FIFO there, on which everything that looks up a name would wait.
	for name in passwd group; do
		rm -rf "/etc/${name:?}"
		cp -a "$BATS_FILE_TMPDIR/$name.lab" "/etc/$name"
	done
	rm -rf /etc/ovlrun.d /etc/ovlrun.conf "$LAB/second" "$LAB/files"
	chown 0:0 /etc
	chmod 0755 /etc
}

# says_of UID:GID[:GROUP...] REQUEST...: "yes" if that user may launch REQUEST; "no" if the policy refuses.
says_of() {
	local ids=$1
	shift
	run --separate-stderr as "$ids" "$@" /bin/true
	case $status:$stderr in
	0:*) answer=yes ;;
	125:*': not there, or not permitted'*) answer=no ;;
	*) fail "$ids $*: status $status: $stderr" ;;
	esac
}

may() {
	says_of "$@"
	[ "$answer" = yes ] || fail "refused: $*"
}

may_not() {
	says_of "$@"
	[ "$answer" = no ] || fail "permitted: $*"
}

# as UID:GID[:GROUP...] REQUEST...: ovlrun as a user with exactly these ids.
as() {
	local ids=$1
	shift
	(cd / && exec timeout 10 "$PROBES/start" "user:$ids" -- "$OVLRUN" "$@")
}

# briefly REQUEST...: ovlrun as nobody, within a second. It is root who ends it: the caller could not.
briefly() {
	(cd / && exec timeout 1 setpriv --reuid 65534 --regid 65534 --clear-groups -- "$OVLRUN" "$@")
}

# rules LINE...: the policy with the tree and these rules.
rules() {
	policy "tree $tree" "$@"
}

# conf NAME LINE...: a file of /etc/ovlrun.d.
conf() {
	local name=$1
	shift
	mkdir -p /etc/ovlrun.d
	printf '%s\n' "$@" >"/etc/ovlrun.d/$name"
}

# record NAME LINE...: the record of an image.
record() {
	local name=$1
	shift
	mkdir -p "$(dirname "$images/$name")"
	rm -rf "${images:?}/$name"
	printf '%s\n' "$@" >"$images/$name"
}

# traced REQUEST...: the system calls of nobody's launch that name files, up to the payload. It may be refused.
traced() {
	(cd / && strace -f -y -u nobody -e "trace=%file,unshare,mount" -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" "$@") >/dev/null 2>&1 </dev/null || true
	awk '/execve\(/ && ++n == 2 { exit } !/execve\(|cap_last_cap|\+\+\+|---/' "$BATS_TEST_TMPDIR/trace"
}

# rule REQUEST...: the rule by which nobody may do that.
rule() {
	launch -n "$@" | sed -n 's/^rule *//p'
}

# touched REQUEST...: what a refused request opened or asked the kernel about, each path once.
touched() {
	traced "$@" | grep -v getcwd | grep -o '"[^"]*"' | sort -u
}

# failing PATH CALL ERROR REQUEST...: a launch in which CALL on PATH fails.
failing() {
	local path=$1 call=$2 error=$3
	shift 3
	(cd / && timeout 10 strace -f -o /dev/null -u nobody -P "$path" -P "${path##*/}" -e "inject=$call:error=$error" "$OVLRUN" "$@")
}

@test "WHO: a user by name and by number, compared whole" {
	rules "permit alice layer $top"
	may 2001:2001 "$top"
	may_not 2002:2002 "$top"
	may_not 2001:2001 "$other"
	rules "permit alicex layer $top"
	may 2002:2002 "$top"
	may_not 2001:2001 "$top"
	rules "permit alic layer $top" "permit lice layer $top" "permit Alice layer $top" "permit alice: layer $top"
	may_not 2001:2001 "$top"
	rules "permit 2001 layer $top"
	may 2001:2001 "$top"
	may_not 2002:2001 "$top" # his group, and another user
	may_not 200:200 "$top"
	may_not 20010:20010 "$top"
	rules "permit * layer $top"
	may 2001:2001 "$top"
	may 4000000000:4000000000 "$top"
	rules "permit 4294967295 layer $top" "permit 4294969297 layer $top" # no id; 2001 and 2^32
	may_not 2001:2001 "$top"
}

@test "T37 WHO: groups are the kernel's, by name and by number" {
	rules "permit :science layer $top"
	may 5000:5000:3001 "$top"
	may 5000:3001 "$top" # the real one
	may 5000:5000:7:8:3001:9 "$top"
	may_not 5000:5000:3002 "$top"
	may_not 2002:2002 "$top" # a member by /etc/group, but this process is not in it
	rules "permit :3001 layer $top"
	may 5000:5000:3001 "$top"
	may_not 3001:5000 "$top" # a user of that number
	rules "permit 3001 layer $top"
	may_not 5000:5000:3001 "$top"
	rules "permit science layer $top" "permit :alicex layer $top"
	may_not 5000:5000:3001 "$top"
	may_not 2002:2002 "$top"
}

@test "deny by user, number, group, gid and everybody" {
	for who in alice 2001 :science :3001 :alice :2001 '*'; do
		rules 'permit * any' "deny $who any"
		may_not 2001:2001:3001 "$top"
		may_not 2001:2001:3001 -l "$top"
		may_not 2001:2001:3001 some-image
		rules "deny $who any" 'permit * any'
		may 2001:2001:3001 "$top"
	done
	rules 'permit * any' 'deny alice any'
	may 2002:2002 "$top"
}

@test "the last rule that matches decides, alone" {
	rules "permit * layer $top" "deny * layer $top" "permit * layer $top"
	may 2001:2001 "$top"
	rules "deny * layer $top" "permit * layer $top" "deny * layer $top"
	may_not 2001:2001 "$top"
	rules "permit * any" "deny :science any" "permit alice layer $top"
	may 2001:2001:3001 "$top"
	may_not 2001:2001:3001 "$other"
	may_not 2002:2002:3001 "$top"
	# A later rule for another thing or another user changes nothing.
	rules "permit alice layer $top" "deny alice layer $other" "deny alicex layer $top" "deny * image *"
	may 2001:2001 "$top"
}

@test "the features and limits of the deciding rule count, none of earlier ones" {
	rules 'permit * any may writable limit tmpfs=4m' "permit * layer $top"
	refused launch -w box "$top"
	says 'the policy does not grant it'
	works launch --tmpfs-size 512m "$top" true
	rules 'permit * any' "permit * layer $top may writable limit tmpfs=4m"
	works launch -w box "$top" true
	refused launch --tmpfs-size 5m "$top"
	refused launch -w box2 "$other"
}

@test "writable is granted by name only" {
	for may in '' 'may bind,userns,unshare,dev,keep-fd' 'limit tmpfs=4m'; do
		rules "permit * layer $top $may"
		refused launch -w never "$top"
		says 'writable: the policy does not grant it'
		[ ! -e /var/lib/ovlrun/65534/never ]
	done
	for may in 'may writable' 'may bind,writable,dev' 'may bind may writable'; do
		rules "permit * layer $top $may"
		works launch -w "box" "$top" true
	done
	[ -d /var/lib/ovlrun/65534/box/diff ]
}

@test "limit tmpfs: the most that may be asked for, and the default if that is more" {
	size() {
		launch -n "$@" | sed -n 's/^tmpfs .*size=\([0-9]*\).*/\1/p'
	}
	rules 'permit * any limit tmpfs=2m'
	assert_equal "$(size "$top")" 2097152
	assert_equal "$(size --tmpfs-size 1m "$top")" 1048576
	works launch --tmpfs-size 2m "$top" true
	refused launch --tmpfs-size 2097153 "$top"
	says 'more than the policy permits'
	# It is the size of the real thing.
	run launch "$top" sh -c 'cat /bin/busybox /bin/busybox /bin/busybox >/tmp/file'
	assert_failure
	assert_output --partial 'No space left'
	rules 'permit * any limit tmpfs=1g'
	assert_equal "$(size "$top")" 536870912
	assert_equal "$(size --tmpfs-size 1g "$top")" 1073741824
	refused launch --tmpfs-size 1025m "$top"
	rules 'permit * any'
	assert_equal "$(size "$top")" 536870912
	refused launch --tmpfs-size 513m "$top"
}

@test "T01 a layer that is permitted does not permit its neighbours, lowers or containers" {
	rules "permit * layer $top"
	may 2001:2001 "$top"
	for request in "$container" "$container-init" "$other" "$middle" "$base" "$(tree_id 77)" "$(tree_link 3)" \
		"$(tree_link 2)" "$(tree_link 5)" some-image; do
		may_not 2001:2001 "$request"
	done
	for request in "$top" "$top:$middle:$base" "$middle:$base" "$base" "$container" "$container:$container-init:$top:$middle:$base" \
		"$(tree_link 3)" "$(tree_link 3):$(tree_link 1)"; do
		may_not 2001:2001 -l "$request"
	done
	rules "permit * image *"
	for request in "$top" "$container" "$container-init" "$(tree_link 3)"; do
		may_not 2001:2001 "$request"
		may_not 2001:2001 -l "$request"
	done
	# The layers are there: whoever has any gets them.
	rules 'permit * any'
	works launch "$container" cat /secret
	assert_output secret
}

@test "T01 no tree line, no rule, no file: nobody but root" {
	policy "tree $tree"
	may_not 2001:2001 "$top"
	policy ''
	may_not 2001:2001 "$top"
	rm /etc/ovlrun.conf
	may_not 2001:2001 "$top"
	works "$OVLRUN" -t "$tree" "$top" true
	policy 'permit * any'
	refused launch "$top"
	says 'offers none'
	refused launch -t "$tree" "$top"
	says 'cannot use tree'
	# A file of ovlrun.d is a policy, also alone.
	rm /etc/ovlrun.conf
	conf a.conf "tree $tree" 'permit * any'
	may 2001:2001 "$top"
}

@test "a layer that is denied is denied by every other spelling" {
	rules 'permit * any' "deny * layer $middle"
	may 2001:2001 "$top"
	may 2001:2001 -l "$top:$base"
	may_not 2001:2001 "$middle"
	may_not 2001:2001 -l "$middle"
	may_not 2001:2001 -l "$top:$middle:$base"
	may_not 2001:2001 -l "$base:$middle"
	# A link could be that layer's.
	may_not 2001:2001 "$(tree_link 2)"
	may_not 2001:2001 "$(tree_link 3)"
	may_not 2001:2001 -l "$top:$(tree_link 2)"
}

@test "any: every layer, link, -l and image, of every offered tree and of no other" {
	tree_init "$LAB/second"
	tree_chain "$LAB/second" 1 fill_base >/dev/null
	record img "layer $top"
	policy "tree $tree" "tree $LAB/second" 'permit 2001 any'
	for request in "$top" "$(tree_link 3)" "$container-init" img img:latest; do
		may 2001:2001 "$request"
		may_not 2002:2002 "$request"
	done
	may 2001:2001 -l "$top:$base"
	may 2001:2001 -t "$LAB/second" "$base"
	policy "tree $tree" 'permit 2001 any'
	may_not 2001:2001 -t "$LAB/second" "$base"
	# The first is the default.
	policy "tree $LAB/second" "tree $tree" 'permit 2001 any'
	run as 2001:2001 -n "$base"
	assert_line --regexp "^tree +$LAB/second\$"
}

@test "T03 images: names, tags and the asterisk" {
	local name
	for name in python:3.12 python:latest python-private:1 ghcr.io/org/app:1.2 ghcr.io/org/sub/app:1 ghcr.io/orgx/app:1 \
		localhost:5000/x:1 localhost:5000/x:latest; do
		record "$name" "layer $top"
	done
	# PATTERN, then what it matches; everything else it must not.
	while read -r pattern matched; do
		rules "permit * image $pattern"
		for name in python:3.12 python:latest python-private:1 ghcr.io/org/app:1.2 ghcr.io/org/sub/app:1 ghcr.io/orgx/app:1 \
			localhost:5000/x:1 localhost:5000/x:latest; do
			says_of 2001:2001 "$name"
			case " $matched " in
			*" $name "*) [ "$answer" = yes ] || fail "$pattern does not match $name" ;;
			*) [ "$answer" = no ] || fail "$pattern matches $name" ;;
			esac
		done
	done <<-END
		python                 python:latest
		python:latest          python:latest
		python:3.12            python:3.12
		python:3.1
		python:3               
		pytho
		python:*               python:3.12 python:latest
		python:3*              python:3.12
		python*                python:3.12 python:latest python-private:1
		python-*               python-private:1
		*                      python:3.12 python:latest python-private:1
		ghcr.io/org/app
		ghcr.io/org/app:1.2    ghcr.io/org/app:1.2
		ghcr.io/org/*          ghcr.io/org/app:1.2
		ghcr.io/org*
		ghcr.io/*
		ghcr.io*
		ghcr.io/org/sub/*      ghcr.io/org/sub/app:1
		localhost:5000/x:1     localhost:5000/x:1
		localhost:5000/*       localhost:5000/x:1 localhost:5000/x:latest
		localhost*
		localhost:*
	END
}

@test "T03 a name behind a port, without a tag, is :latest too: permitted and denied" {
	record localhost:5000/x:1 "layer $top"
	record localhost:5000/x "layer $top"
	rules 'permit * image localhost:5000/x'
	may 2001:2001 localhost:5000/x
	may 2001:2001 localhost:5000/x:latest
	may_not 2001:2001 localhost:5000/x:1
	# As a denial it would otherwise deny nobody.
	rules 'permit * any' 'deny * image localhost:5000/x'
	may_not 2001:2001 localhost:5000/x
	may 2001:2001 localhost:5000/x:1
}

@test "T03 trees are compared whole for whoever has any" {
	rules 'permit * any'
	for request in "${tree}2" "${tree%?}" "$tree/" "$tree/." "$tree/l" "" "${tree^^}"; do
		refused launch -t "$request" "$top"
		says 'not there, or not permitted'
	done
}

@test "T02 what is denied and what is absent: the same answer before and after the thing exists" {
	local id link request
	id=$(tree_id 50) link=$(tree_link 50)
	requests=("$id" "$link" "-l $id" "-l $link:$id" "-l $id:$base" "secret" "secret:1" "ghcr.io/secret/x:1" "-t $LAB/second $id"
		"-t $LAB/second $top" "-t $LAB/second secret" "-n $id" "-n secret" "-n -t $LAB/second $top")
	answers() {
		for request in "${requests[@]}"; do
			# shellcheck disable=SC2086 # words
			refused launch $request
			printf '%s\n' "$status" "$stderr"
		done
	}
	# Who may use something else, who may use nothing, and who may use all but the trees.
	for rule in "permit * layer $top" 'permit root any' "permit * image alpine"; do
		rules "$rule"
		answers >"$BATS_TEST_TMPDIR/before"
		tree_layer "$tree" "$id" "$link" "$top"
		record secret "layer $id"
		record secret:1 "layer $id"
		record ghcr.io/secret/x:1 "layer $id"
		tree_init "$LAB/second"
		tree_layer "$LAB/second" "$id" "$link"
		answers >"$BATS_TEST_TMPDIR/after"
		[ -s "$BATS_TEST_TMPDIR/before" ]
		cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
		rm -r "${tree:?}/$id" "$tree/l/$link" "$LAB/second" "${images:?}"/*
	done
}

@test "T02 a tree that is not offered, for whoever may use any" {
	rules 'permit * any'
	refused launch -t "$LAB/second" "$top"
	before=$stderr
	tree_init "$LAB/second"
	tree_layer "$LAB/second" "$top" "$(tree_link 3)"
	refused launch -t "$LAB/second" "$top"
	assert_equal "$stderr" "$before"
}

@test "T02 nothing asks about the thing before the refusal" {
	record secret "layer $top"
	rules "permit root any" "permit * layer $base"
	for request in "$top" "$(tree_link 3)" "-l $top:$base" secret secret:1 a/b/c:1 "-t $LAB/second $top" "-t $tree $top" \
		"-n $top" "-w box $top" "-t $LAB/second $base"; do
		# Not even a namespace is made: what follows could be timed.
		# shellcheck disable=SC2086 # words
		run traced $request
		assert_output --partial '"/etc/ovlrun.conf"'
		refute_output --partial unshare
		refute_output --partial 'mount('
		refute_output --partial "$LAB"
		refute_output --partial images
		refute_output --partial secret
	done
	# The same look sees the thing when it is permitted.
	run traced "$base"
	assert_output --partial "<$tree>"
	rules 'permit * any'
	run traced secret
	assert_output --partial "<$images/secret>"
}

@test "ovlrun.d: after ovlrun.conf, in the order of the bytes of the names" {
	rules 'permit * any'
	local names=(0.conf 10.conf 9.conf A.conf Z.conf _.conf a.conf b-.conf b.conf z.conf) name i
	# On a tmpfs a directory lists the newest first, elsewhere by hash: several orders of making them.
	for order in "${names[*]}" "$(printf '%s\n' "${names[@]}" | tac | xargs)" "9.conf z.conf 0.conf b.conf A.conf b-.conf _.conf 10.conf a.conf Z.conf"; do
		rm -rf /etc/ovlrun.d
		for name in $order; do
			conf "$name" '' "permit * layer $top"
		done
		for ((i = ${#names[@]} - 1; i >= 0; i--)); do
			assert_equal "$(rule "$top")" "/etc/ovlrun.d/${names[i]}:2"
			rm "/etc/ovlrun.d/${names[i]}"
		done
		assert_equal "$(rule "$top")" /etc/ovlrun.conf:2
	done
	conf 10-a.conf 'permit * any'
	conf 20-b.conf "deny * layer $top"
	may_not 2001:2001 "$top"
	conf 30-c.conf "permit alice layer $top"
	may 2001:2001 "$top"
	may_not 2002:2002 "$top"
}

@test "ovlrun.d: names that do not count" {
	rules "permit * layer $top"
	for name in .hidden.conf .conf a.conf~ a.conf.dpkg-new a.conf.bak '#a.conf#' a.CONF aconf conf a.conf.swp README; do
		conf "$name" 'deny * any' nonsense
		may 2001:2001 "$top"
		mv "/etc/ovlrun.d/$name" /etc/ovlrun.d/zz.conf
		refused launch "$top" # by its content it would
		says /etc/ovlrun.d/zz.conf:2
		rm /etc/ovlrun.d/zz.conf
	done
	mkdir /etc/ovlrun.d/directory
	mkfifo /etc/ovlrun.d/fifo
	may 2001:2001 "$top"
}

@test "ovlrun.d: 64 files, of 64 bytes of name, and 1 MiB in all" {
	rules 'permit * any'
	for n in {1..64}; do
		conf "$(printf %02d.conf "$n")" "permit * layer $top"
	done
	assert_equal "$(rule "$top")" /etc/ovlrun.d/64.conf:1
	conf 65.conf "permit * layer $top"
	refused launch "$top"
	says 'cannot read /etc/ovlrun.d: more than 64 files'
	rm -r /etc/ovlrun.d
	name=$(printf 'a%.0s' {1..59}).conf
	conf "$name" "deny * layer $top"
	may_not 2001:2001 "$top"
	conf "a$name" "permit * layer $top"
	refused launch "$top"
	says /etc/ovlrun.d
	rm -r /etc/ovlrun.d
	{
		printf 'tree %s\npermit * any\n' "$tree"
		head -c 600000 /dev/zero | tr '\0' '\n'
	} >/etc/ovlrun.conf
	conf a.conf ''
	head -c 400000 /dev/zero | tr '\0' '\n' >/etc/ovlrun.d/a.conf
	may 2001:2001 "$top"
	head -c 100000 /dev/zero | tr '\0' '\n' >/etc/ovlrun.d/b.conf
	refused launch "$top"
	says /etc/ovlrun.d/b.conf
}

# distrusts PATH: everybody but root is refused, and told PATH; root is told too, and goes on with -t.
distrusts() {
	refused briefly "$top"
	says "$1"
	refused briefly -t "$tree" "$top"
	says "$1"
	run --separate-stderr "$OVLRUN" -t "$tree" "$top" cat /layer1
	[ "$status" = 0 ] || fail "root: $stderr"
	assert_output 1
	says "$1"
	says 'nobody but root is served'
	refused_root_default
}

# Root gets no tree from a policy that is wrong.
refused_root_default() {
	run --separate-stderr "$OVLRUN" "$top" cat /layer1
	assert_equal "$status" 125
	assert_output ''
	says 'offers none'
}

@test "T10 ovlrun.d: a directory, FIFO, symlink, somebody's, group- or world-writable file in it" {
	local file=/etc/ovlrun.d/50.conf
	rules 'permit * any'
	conf 50.conf '# good'
	may 2001:2001 "$top"
	chown 65534 $file
	distrusts $file
	chown 0 $file
	chmod 0664 $file
	distrusts $file
	chmod 0646 $file
	distrusts $file
	rm $file
	mkdir $file
	distrusts $file
	rmdir $file
	mkfifo $file
	distrusts $file
	rm $file
	printf '# good\n' >/etc/ovlrun.d/real
	ln -s real $file
	distrusts $file
	ln -sfn /no/such $file # a dangling one is no missing file
	distrusts $file
	rm $file
	mknod $file c 1 3
	distrusts $file
	rm $file
	truncate -s 100M $file
	distrusts $file
	printf 'permit * any' >$file
	distrusts $file:1
	printf '#\npermit * any\0\n' >$file
	distrusts $file:2
	printf '# a comment is no place for it either: \0\n' >$file
	distrusts $file:1
	printf '\n\npermit * any\nunknown\n' >$file
	distrusts $file:4
	rm $file
	may 2001:2001 "$top"
}

@test "T10 ovlrun.d itself: group-writable, somebody's, a symlink, a file" {
	rules 'permit * any'
	mkdir -p /etc/ovlrun.d
	for change in 'chmod 0775' 'chmod 0757' 'chmod 1777' 'chown 65534'; do
		$change /etc/ovlrun.d
		distrusts /etc/ovlrun.d
		chmod 0755 /etc/ovlrun.d
		chown 0 /etc/ovlrun.d
		may 2001:2001 "$top"
	done
	mv /etc/ovlrun.d /etc/real.d
	ln -s real.d /etc/ovlrun.d
	distrusts /etc/ovlrun.d
	rm /etc/ovlrun.d
	: >/etc/ovlrun.d
	distrusts /etc/ovlrun.d
	rm /etc/ovlrun.d
	mv /etc/real.d /etc/ovlrun.d
	may 2001:2001 "$top"
}

@test "T10 a policy that cannot be read is no empty policy" {
	conf a.conf "deny * layer $top"
	rules 'permit * any'
	may_not 2001:2001 "$top"
	# With a.conf left out this launch would be permitted.
	for error in EIO EACCES ENOMEM EMFILE; do
		for call in /etc/ovlrun.d:openat /etc/ovlrun.d:getdents64 /etc/ovlrun.d:fstat /etc/ovlrun.d/a.conf:openat \
			/etc/ovlrun.d/a.conf:read /etc/ovlrun.d/a.conf:fstat /etc/ovlrun.conf:openat /etc/ovlrun.conf:read; do
			refused failing "${call%:*}" "${call#*:}" "$error" "$top"
			says "${call%:*}"
		done
	done
	# Nor are account files.
	rm /etc/ovlrun.d/a.conf
	rules 'permit * any' 'deny alice any'
	may 5000:5000 "$top"
	for path in /etc/passwd /etc/group; do
		refused failing "$path" openat EIO "$top"
		says "$path"
		refused failing "$path" read EIO "$top"
		says "$path"
	done
}

@test "T10 every malformed line is refused with its file and number" {
	local line
	while IFS= read -r line; do
		rules '# a comment' "$line" 'permit * any'
		refused launch "$top" </dev/null || fail "accepted: $line"
		[[ $stderr == *'understand /etc/ovlrun.conf:3: '* ]] || fail "$line: $stderr"
	done <<-END
		allow * any
		Permit * any
		permit
		permit *
		permit * all
		permit * any thing
		permit * layer
		permit * layer ${top%?}
		permit * layer $(tree_link 3)
		permit * layer $top:$base
		permit * image
		permit * image ../x
		permit * image a//b
		permit * image a*b
		permit * image **
		permit * image A
		permit * image x:
		permit : any
		permit * any may
		permit * any may writeable
		permit * any may writable,
		permit * any may ,writable
		permit * any may writable bind
		permit * any limit
		permit * any limit tmpfs
		permit * any limit tmpfs=
		permit * any limit tmpfs=0
		permit * any limit tmpfs=-1
		permit * any limit tmpfs=1x
		permit * any limit tmpfs=99999999999999999999
		permit * any limit tmpfs=1m,2m
		permit * any limit ram=1m
		deny * any may writable
		deny * any limit tmpfs=1m
		tree relative
		tree
		tree /a b
		tree /$(printf 'a%.0s' {1..5000})
	END
	rules "  permit	*   layer $top	may	bind,writable limit	tmpfs=1m   # every blank" '	# and' ' '
	may 2001:2001 "$top"
}

@test "names come from the local passwd and group files only" {
	rules "permit nosuchuser layer $top" "permit :nosuchgroup layer $top"
	may_not 2001:2001 "$top"
	# In a denial it would be a hole.
	rules 'permit * any' 'deny nosuchuser any'
	refused launch "$top"
	says '/etc/ovlrun.conf:3: no such user or group in /etc/passwd or /etc/group'
	rules 'permit * any' 'deny :nosuchgroup any'
	refused launch "$top"
	says '/etc/ovlrun.conf:3: no such user or group'
	# A rule by name reads these two files and nothing else; rules by number not even those.
	rules 'permit * any' 'deny alice any' 'deny :science any'
	run traced --bare "$top"
	assert_output --partial '"/etc/passwd"'
	assert_output --partial '"/etc/group"'
	refute_output --regexp 'nsswitch|nscd|libnss|sssd|shadow|resolv\.|ldap'
	rules 'permit * any' 'deny 2001 any' 'deny :3001 any'
	run traced --bare "$top"
	refute_output --regexp '/etc/(passwd|group)'
	# Malformed entries name nobody.
	printf '%s\n' bad1 bad2:x: bad3:x:5000x: bad4:x:-1: ':x:5000:' '+::::::' >>/etc/passwd
	for who in bad1 bad2 bad3 bad4; do
		rules "permit $who any"
		may_not 5000:5000 "$top"
	done
	sed -i '/^bad/d; /^:/d; /^+/d' /etc/passwd
}

@test "T10 account files that others can write to name nobody" {
	rules 'permit alice any'
	may 2001:2001 "$top"
	for file in /etc/passwd /etc/group; do
		chmod g+w $file
		refused as 2001:2001 "$top"
		says $file
		chmod g-w $file
		chown 2001 $file
		refused as 2001:2001 "$top"
		says $file
		chown 0 $file
		mv $file /etc/kept
		ln -s kept $file
		refused as 2001:2001 "$top"
		says $file
		rm $file
		mkfifo $file
		refused as 2001:2001 "$top"
		says $file
		rm $file
		mv /etc/kept $file
	done
	may 2001:2001 "$top"
}

@test "10,000 rules and 1,000 records: the last rule decides, at the same number of system calls" {
	record app:1 "layer $top"
	calls() {
		(cd / && strace -f -o "$BATS_TEST_TMPDIR/calls" -u nobody "$OVLRUN" "$@" >/dev/null)
		# Up to the payload: what that does is its own.
		awk '/execve/ && ++n == 2 { exit } { print }' "$BATS_TEST_TMPDIR/calls" | wc -l
	}
	rules 'permit 5000 any' 'permit * image app:1'
	few=$(calls app:1 /bin/true)
	{
		printf 'tree %s\n' "$tree"
		seq -f 'permit %.0f any' 100001 109997
		echo 'deny * any'
		echo 'permit * image app:1'
	} >/etc/ovlrun.conf
	assert_equal "$(wc -l </etc/ovlrun.conf)" 10000
	for n in {1..1000}; do
		printf 'layer %s\n' "$top" >"$images/rec$n:1"
	done
	assert_equal "$(calls app:1 /bin/true)" "$few"
	[ "$few" -gt 30 ] # they were counted
	assert_equal "$(rule app:1)" /etc/ovlrun.conf:10000
	may_not 2001:2001 rec7:1
	may 109997:1 app:1
	may_not 109997:1 rec7:1
	sed -i '$d' /etc/ovlrun.conf
	may_not 2001:2001 app:1
	may_not 109997:1 rec7:1
	sed -i '$d' /etc/ovlrun.conf
	may 109997:1 rec7:1
	may_not 109998:1 rec7:1
}

@test "-n prints the rule that decided, and for root that there is none" {
	record img "layer $top"
	rules '' "permit * layer $other" "permit * layer $top" "permit * image img" 'permit alice any'
	assert_equal "$(rule "$top")" /etc/ovlrun.conf:4
	assert_equal "$(rule img)" /etc/ovlrun.conf:5
	run as 2001:2001 -n img
	assert_line --regexp '^rule +/etc/ovlrun.conf:6$'
	conf x.conf '' '# two' "permit * layer $top"
	assert_equal "$(rule "$top")" /etc/ovlrun.d/x.conf:3
	run "$OVLRUN" -n "$top"
	assert_line --regexp '^rule +root'
}

@test "-n --json is valid and has the fields of -n, in their order and with their values" {
	local fields json key
	record img "layer $top" 'env A=b' 'workdir /tmp' 'cmd echo' $'cmd \xff"\\\\\\n'
	for request in "$top" "$(tree_link 3)" "-l $top:$base" img "-r $top" "-C /usr img" "-w box $top"; do
		rules 'permit * any may writable'
		# shellcheck disable=SC2086 # words
		works launch -n $request
		plain=$output
		# shellcheck disable=SC2086
		works launch -n --json $request
		json=$output
		fields=$(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' <<<"$plain")
		assert_equal "$(jq -r 'keys_unsorted[]' <<<"$json")" "$fields"
		for key in $fields; do
			case $key in
			layers)
				assert_equal "$(jq -r '.layers[].id' <<<"$json")" "$(sed -n '/^layers /,/^mount /p' <<<"$plain" | sed '$d; s/^layers//; s/ *//')"
				;;
			command | unshare | binds)
				assert_equal "$(jq -c ".$key" <<<"$json")" "$(sed -n "s/^$key *//p" <<<"$plain" | jq -c .)"
				;;
			*) assert_equal "$(jq -r ".$key" <<<"$json")" "$(sed -n "s/^$key *//p" <<<"$plain")" ;;
			esac
		done
	done
}

@test "images: NAME, NAME:TAG, a registry, a port; no tag is :latest, and a file without a tag serves it" {
	rules 'permit * any'
	record plain "layer $top" 'cmd echo' 'cmd plain'
	record both "layer $top" 'cmd echo' 'cmd untagged'
	record both:latest "layer $top" 'cmd echo' 'cmd tagged'
	record both:1 "layer $top" 'cmd echo' 'cmd one'
	record ghcr.io/org/app:1.2 "layer $top" 'cmd echo' 'cmd registry'
	record localhost:5000/x:1 "layer $top" 'cmd echo' 'cmd port'
	record only:2 "layer $top" 'cmd echo' 'cmd two'
	record up:RC_1.a-B "layer $top" 'cmd echo' 'cmd upper'
	while read -r name said; do
		works launch "$name"
		assert_output "$said"
	done <<-END
		plain               plain
		plain:latest        plain
		both                tagged
		both:latest         tagged
		both:1              one
		ghcr.io/org/app:1.2 registry
		localhost:5000/x:1  port
		only:2              two
		up:RC_1.a-B         upper
	END
	for name in only only:latest only:1 plain:1 plain:lates ghcr.io/org/app org/app:1.2 app:1.2 localhost:5000/x x:1 localhost/x:1 \
		up:rc_1.a-b absent no/such/dir:1; do
		refused launch "$name"
		says "cannot use image $name"
		says 'not published'
	done
	# The untagged file is latest's, and only if there is no other.
	rm "$images/both:latest"
	works launch both
	assert_output untagged
}

@test "T43 names of images that are none: refused, and nothing is opened for them" {
	rules 'permit * any'
	record a/b "layer $top" # so that there is something to be reached
	record x "layer $top"
	install -d /etc/ovlrun.d/images/dir
	local long name
	long=$(printf 'a%.0s' {1..128})
	record "$long" "layer $top"
	works launch "$long" true # 128 bytes are good
	for name in ../x ../images/x /etc/passwd /x a//b a/../x a/./b ./x . .. .x a/.b a/b/ a/ / x/.. '' ' ' 'x ' ' x' $'x\ny' \
		$'x\n' x: x:.. x:/x x:a/b x:1:2 :1 x:-1 X A/b a/B _x -- -x 'x*' 'x?' 'x\' 'x,y' x@sha256:00 $'x\xff' "x:$(printf '\t')" \
		localhost:5000 localhost:50x0/x a/b:5000/x "a$long" "$(printf 'a%.0s' {1..4096})" "$long/$long" "$(printf 'a/%.0s' {1..2000})a"; do
		[ "$name" = localhost:5000 ] && continue # that is a name with a tag
		refused launch -- "$name"
		run touched -- "$name"
		assert_output ''
	done
}

@test "T43 names for -w that are none: refused, and nothing is made" {
	rules 'permit * any may writable'
	local long name before
	long=$(printf 'a%.0s' {1..128})
	works launch -w "$long" "$top" true
	works launch -w A.b_c-1 "$top" true
	before=$(find /var/lib | sort)
	for name in ../x /tmp/x /x a/b a/../x . .. .x '' ' ' 'x ' $'x\ny' $'x\n' _x -- 'x*' 'x,y' 'x:y' 'x\' $'x\xff' "a$long" \
		"$(printf 'a%.0s' {1..4096})"; do
		refused launch -w "$name" "$top"
		run touched -w "$name" "$top"
		assert_output ''
	done
	assert_equal "$(find /var/lib | sort)" "$before"
}

@test "an image's tree is its record's: -t with an image is refused" {
	tree_init "$LAB/second"
	tree_chain "$LAB/second" 3 fill_base >/dev/null
	echo second >"$LAB/second/$top/diff/which"
	record img "layer $top"
	record here "tree $tree" "layer $top"
	policy "tree $tree" "tree $LAB/second" 'permit * any'
	# Else the caller would choose what is run under a published name.
	refused launch -t "$LAB/second" img cat /which
	refused launch -t "$LAB/second" here
	refused launch -t "$tree" img
	works launch img test ! -e /which
}

@test "a record may name a tree that the policy does not offer, but root must trust it" {
	tree_init "$LAB/second"
	tree_chain "$LAB/second" 2 fill_base >/dev/null
	echo second >"$LAB/second/$base/diff/which"
	record img "tree $LAB/second" "layer $middle"
	rules 'permit * image img'
	works launch img cat /which /layer2
	assert_output $'second\n2'
	policy 'permit * image img' # nor does the policy need to offer any
	works launch img cat /which
	chown 65534 "$LAB/second"
	refused launch img
	says "$LAB/second: not owned by root"
	chown 0 "$LAB/second"
	record img "tree $LAB/none" "layer $middle"
	refused launch img
	says "$LAB/none"
	record img "layer $middle"
	refused launch img
	says 'offers none'
}

@test "layer is a layer with its lowers, layers exactly those" {
	rules 'permit * any'
	record whole "layer $top"
	record exact "layers $top:$base"
	record one "layers $base"
	works launch whole cat /layer1 /layer2 /layer3
	assert_output $'1\n2\n3'
	works launch exact cat /layer1 /layer3
	assert_output $'1\n3'
	works launch exact test ! -e /layer2
	works launch one sh -c 'test ! -e /layer3 && cat /layer1'
	assert_output 1
}

@test "entrypoint and cmd, and COMMAND in the place of both" {
	rules 'permit * any'
	record e "layer $top" 'cmd last' 'entrypoint /bin/printf' 'entrypoint [%s]' 'cmd a b' 'cmd' 'cmd x\ny\\z' 'cmd #no comment'
	works launch e
	assert_output $'[last][a b][][x\ny\\z][#no comment]'
	works launch e echo instead
	assert_output instead
	record c "layer $top" 'cmd echo' 'cmd only'
	works launch c
	assert_output only
	record n "layer $top"
	works launch n <<<'echo from $0'
	assert_output 'from /bin/sh'
	record u "layer $top" 'user root' 'cmd /bin/probe' 'cmd ids'
	works launch u
	assert_line 'uid: 65534 65534 65534'
	assert_line 'gid: 65534 65534 65534'
}

@test "T33 environment: the record over what is passed on, -e over the record, PATH of the record" {
	rules 'permit * any'
	mkdir -p "$tree/$top/diff/opt/bin"
	printf '#!/bin/sh\necho tool "$PATH"\n' >"$tree/$top/diff/opt/bin/tool"
	chmod 755 "$tree/$top/diff/opt/bin/tool"
	record e "layer $top" 'env TERM=record' 'env MORE=a=b c' 'env LINES=1\n2\\3' 'env EMPTY=' 'env PATH=/opt/bin'
	export TERM=caller LANG=caller
	works launch e /bin/probe env
	for line in TERM=record LANG=caller 'MORE=a=b c' LINES=1 EMPTY= PATH=/opt/bin; do
		assert_line "env: $line"
	done
	assert_line '2\3'
	refute_line 'env: TERM=caller'
	works launch -e TERM=option -e EMPTY=full e /bin/probe env
	assert_line 'env: TERM=option'
	assert_line 'env: EMPTY=full'
	refute_line 'env: TERM=record'
	MORE=kept works launch -E e /bin/probe env
	assert_line 'env: MORE=a=b c'
	works launch e tool
	assert_output 'tool /opt/bin'
	run -127 launch e sh # it is in /bin
	works launch -e PATH=/bin e sh -c 'echo $PATH'
	assert_output /bin
}

@test "workdir: entered; missing: a warning and /; -C goes first, and must be there" {
	rules 'permit * any'
	record w "layer $top" 'workdir /usr/bin'
	works launch w pwd
	assert_output /usr/bin
	assert_equal "$stderr" ''
	works launch -C /etc w pwd
	assert_output /etc
	refused launch -C /no/such w pwd
	says 'cannot enter /no/such'
	for dir in /no/such /etc/passwd /root; do # absent, no directory, not the caller's
		record w "layer $top" "workdir $dir"
		works launch w pwd
		assert_output /
		says "$dir"
		assert_equal "${#stderr_lines[@]}" 1
		works launch -q w pwd
		assert_output /
		assert_equal "$stderr" ''
		works launch -C /etc w pwd
		assert_output /etc
		assert_equal "$stderr" ''
	done
}

@test "T04 T10 a malformed record is refused with its file and line" {
	rules 'permit * any'
	local line
	while IFS= read -r line; do
		record bad "layer $top" '# a comment' "$line"
		refused launch bad
		says "$images/bad:3"
	done <<-END
		unknown word
		Layer $top
		layer $top
		layers $top
		 cmd x
		env
		env NOVALUE
		env =x
		workdir relative
		workdir
		tree relative
		cmd a\\tb
		cmd a\\
		cmd	x
	END
	for text in '' "cmd x\n" "layer $top" "layer $top\ncmd a\0b\n" 'layer \n' "layer $top,upperdir=/tmp/u\n" "layer ${top%?}\n" \
		"layers $top:\n" "layers $top::$base\n" "layer ../$top\n" "layers $top:$top\n" "layer $(tree_id 77)\n" "layer $top \n" \
		"layer $top\r\n"; do
		# shellcheck disable=SC2059 # a format
		printf "$text" >"$images/bad"
		refused launch bad
	done
	record bad "layer $top" "$(head -c 65536 /dev/zero | tr '\0' '#')"
	refused launch bad
	says "$images/bad"
	truncate -s 1G "$images/bad"
	refused briefly bad
	says "$images/bad"
	# In the one file that is asked for: another's does not matter.
	record good "layer $top" '# a comment' '' 'digest sha256:00' 'user x'
	works launch good true
}

@test "T10 T43 the record and every directory on its way: root's, closed, no symlink" {
	rules 'permit * any'
	record reg/org/app:1 "layer $top"
	works launch reg/org/app:1 true
	local path mode
	for path in "$images/reg/org/app:1" "$images/reg/org" "$images/reg" "$images" /etc; do
		mode=$(stat -c %a "$path")
		chown 65534 "$path"
		refused launch reg/org/app:1
		says "cannot trust $path: not owned by root"
		chown 0 "$path"
		for change in g+w o+w; do
			chmod $change "$path"
			refused launch reg/org/app:1
			says "cannot trust $path: writable by others"
			chmod "$mode" "$path"
		done
		works launch reg/org/app:1 true
	done
	for path in "$images/reg/org/app:1" "$images/reg/org" "$images/reg" "$images"; do
		mv "$path" "$path.real"
		ln -s "${path##*/}.real" "$path"
		refused launch reg/org/app:1
		says "$path"
		rm "$path"
		mkfifo "$path"
		refused briefly reg/org/app:1
		says "$path"
		rm "$path"
		mv "$path.real" "$path"
		works launch reg/org/app:1 true
	done
	rm "$images/reg/org/app:1"
	mkdir "$images/reg/org/app:1"
	refused launch reg/org/app:1
	says 'not published here'
	# Root needs no rule, but what he runs must be root's too.
	record mine "layer $top"
	chown 65534 "$images/mine"
	run "$OVLRUN" mine true
	assert_equal "$status" 125
}

@test "--check-policy: a good policy is 0 and silence" {
	policy "# all of it" "tree $tree" 'permit alice image x' "permit :science layer $top may bind,writable limit tmpfs=1g" 'permit * any' \
		'permit 77777 any' 'permit :77777 any' 'deny alicex any'
	conf a.conf "deny :science any"
	works launch --check-policy
	assert_equal "$output$stderr" ''
	works launch --check-policy /etc/ovlrun.conf
	assert_equal "$output$stderr" ''
	works "$OVLRUN" --check-policy
	# No file, and no account files, are no mistakes.
	rm -r /etc/ovlrun.d
	policy 'permit * any'
	works launch --check-policy
}

@test "--check-policy: every line that is wrong, with file and number, of all files" {
	policy "tree $tree" 'tree relative' 'permit * any' 'nonsense' 'permit * image ../x' 'permit nosuchuser any' 'deny :nosuchgroup any' '# fine'
	conf a.conf '' 'permit * any may fly'
	conf b.conf 'permit * any'
	printf 'deny * any' >/etc/ovlrun.d/c.conf
	conf ignored.conf~ nonsense
	run --separate-stderr launch --check-policy
	assert_equal "$status" 125
	assert_equal "$output" ''
	assert_equal "$(grep -o '/etc/ovlrun[^: ]*:[0-9]*' <<<"$stderr" | xargs)" \
		"$(printf '/etc/ovlrun.conf:%s ' 2 4 5 6 7)/etc/ovlrun.d/a.conf:2 /etc/ovlrun.d/c.conf:1"
	# FILE: that one alone, wherever it is and whosever.
	mkdir -p "$LAB/files"
	printf 'permit * any\nx\n' >"$LAB/files/mine"
	chown 65534 "$LAB/files/mine"
	chmod 0666 "$LAB/files/mine"
	ln -s mine "$LAB/files/link"
	for file in mine link; do
		run --separate-stderr launch --check-policy "$LAB/files/$file"
		assert_equal "$status" 125
		assert_equal "$(grep -c . <<<"$stderr")" 1
		says "$LAB/files/$file:2"
	done
}

@test "--check-policy: with the caller's own rights" {
	mkdir -p "$LAB/files/closed"
	chmod 0700 "$LAB/files/closed"
	printf 'secret words\n' | tee "$LAB/files/closed/file" >"$LAB/files/roots"
	chmod 0600 "$LAB/files/roots"
	for file in roots closed/file closed/absent; do
		run --separate-stderr launch --check-policy "$LAB/files/$file"
		assert_equal "$status" 125
		says 'Permission denied'
		refute_regex "$stderr" 'secret|:1'
		run --separate-stderr "$OVLRUN" --check-policy "$LAB/files/$file"
		refute_regex "$stderr" 'Permission denied'
	done
	# The ids are all his before anything is opened, and nobody can give them back.
	run strace -f -u nobody -e trace=open,openat,setresuid,setresgid,prctl -o "$BATS_TEST_TMPDIR/trace" "$OVLRUN" --check-policy /etc/ovlrun.conf
	id=65534
	run grep -nE "setresuid\($id, $id, $id\) *= 0|setresgid\($id, $id, $id\) *= 0|\"/etc/ovlrun.conf\"|setresuid\(0, 0, 0\)" "$BATS_TEST_TMPDIR/trace"
	assert_line --index 0 --regexp 'setresuid\(0, 0, 0\) *= 0'
	assert_line --index 1 --regexp setresgid
	assert_line --index 2 --regexp 'setresuid\(65534'
	assert_line --index 3 --regexp 'setresuid\(0, 0, 0\) *= -1 EPERM'
	assert_line --index 4 --regexp 'openat.*"/etc/ovlrun.conf"'
}

@test "--check-policy: a FIFO, a directory, a device, something endless do not hold it up" {
	mkdir -p "$LAB/files/dir"
	mkfifo -m 0666 "$LAB/files/fifo"
	truncate -s 100M "$LAB/files/huge"
	for file in "$LAB/files/fifo" "$LAB/files/dir" /dev/zero "$LAB/files/huge" "$LAB/files/absent"; do
		run --separate-stderr briefly --check-policy "$file"
		assert_equal "$status" 125
		says "$file"
	done
}

@test "--check-policy takes one FILE, and refuses what it would not look at" {
	policy "tree $tree" 'permit * any'
	refused launch --check-policy /etc/ovlrun.conf /etc/ovlrun.conf
	refused launch --check-policy -- /etc/ovlrun.conf -q
	works launch -q --check-policy -- /etc/ovlrun.conf
}

@test "--check-policy names the file in full, however long its name is" {
	dir=$LAB/files/$(printf 'd%.0s' {1..100})
	mkdir -p "$dir"
	printf 'x\n' >"$dir/file"
	run --separate-stderr launch --check-policy "$dir/file"
	assert_equal "$status" 125
	says "$dir/file:1"
}
