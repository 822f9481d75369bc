# SPDX-License-Identifier: MIT
# Persistent upper layers (-w): what they are, who may use them, when, and what a death leaves of them.
#
# The user's id is a number, the variables come from the helpers and from bats, and what stands in single quotes
# is for the shell of the payload.
# shellcheck disable=SC2086,SC2154,SC2016

setup_file() {
	load ../lib/helpers
	make_tree upper 2
	base=$(tree_id 1) other=$(tree_id 3)
	export base other STATE=/var/lib/ovlrun
	# A sibling of the top: the same lowers, another layer above.
	tree_layer "$tree" "$other" "$(tree_link 3)" "$base"
	install -d -o $USER_ID -g $USER_ID "$tree/$base/diff/home/u"
	install -o $USER_ID -g $USER_ID /dev/null "$tree/$base/diff/home/u/gone"
	# Nothing is made on the host, and what is above the state directory is as on a fresh one.
	mount -t tmpfs -o mode=0755 upper-state /var/lib
}

teardown_file() {
	umount /var/lib
}

setup() {
	load ../lib/helpers
	offer_writable "$tree"
}

teardown() {
	# A test that failed may have left launches which would keep what is unmounted here busy.
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(jobs -p) 2>/dev/null || true
	wait
	while mountpoint -q "$STATE"; do
		umount "$STATE"
	done
	rm -rf /var/lib/*
}

offer_writable() {
	policy "${@/#/tree }" 'permit * any may writable'
}

# write NAME [COMMAND...]: a launch on the upper NAME of the usual user.
write() {
	local name=$1
	shift
	launch -w "$name" "$top" "$@"
}

# write_as UID NAME [COMMAND...]
write_as() {
	local id=$1 name=$2
	shift 2
	(cd / && exec setpriv --reuid "$id" --regid "$id" --clear-groups -- timeout 10 "$OVLRUN" -w "$name" "$top" "$@")
}

# state_on IMAGE [MOUNT_OPTION...]: the file system in the image file holds the uppers.
state_on() {
	local image=$1
	shift
	mkdir -p "$STATE"
	mount -o "$(IFS=, && echo "loop${*:+,}$*")" "$image" "$STATE" && chmod 0700 "$STATE"
}

# private_dir DIR: makes it and what is missing above it, as the program would.
private_dir() {
	(umask 077 && mkdir -p "$1")
}

# image NAME SIZE MKFS...: makes a file system in a file; its path is $made.
image() {
	made=$LAB/image-$BATS_TEST_NUMBER-$1
	rm -f "$made"
	truncate -s "$2" "$made"
	"${@:3}" "$made" >/dev/null 2>&1
}

# hold_writer NAME ID COMMANDS: a launch that writes "first" to /tmp/x and is then held; COMMANDS run at its end.
# release_writer ends it well and leaves in $said what they printed.
hold_writer() {
	hold -w "$1" "$2" /bin/sh -c "echo first >/tmp/x; /bin/probe wait; $3"
	exec {said_fd}<&"${HELD[0]}" # bash forgets its own copy when the process ends
}

release_writer() {
	release
	said=$(cat <&"$said_fd")
	exec {said_fd}<&-
}

# in_use: the refusal just seen is that of a second use.
in_use() {
	says 'in use by another'
}

# is_whole DIR: an upper as the first launch on it makes it, with the usual stack's `lower`.
is_whole() {
	assert_equal "$(find "$1" -maxdepth 1 -mindepth 1 -printf '%f %y %U %G %m\n' | sort)" \
		$'diff d 0 0 755\nlower f 0 0 600\ntop d 0 0 755\nwork d 0 0 700'
	assert_equal "$(cat "$1/lower")" "ids host
lower l/$(tree_link 2):l/$(tree_link 1)"
}

@test "the first use makes the directories, root's, and the merged root looks like the image's" {
	chmod 1751 "$tree/$top/diff"
	chown 12:34 "$tree/$top/diff"
	works write first stat -c '%a %u %g' /
	content=$(find "$STATE" -maxdepth 3 -printf '%P %y %U %G %m\n' | sort)
	chmod 0755 "$tree/$top/diff"
	chown 0:0 "$tree/$top/diff"
	assert_output '1751 12 34'
	assert_equal "$content" " d 0 0 700
$USER_ID d 0 0 700
$USER_ID/first d 0 0 700
$USER_ID/first/diff d 12 34 1751
$USER_ID/first/lower f 0 0 600
$USER_ID/first/top d 12 34 1751
$USER_ID/first/work d 0 0 700"
	works write second true
	is_whole "$STATE/$USER_ID/second"
}

@test "the caller's umask changes none of it" {
	for mask in 0777 0000 0077; do
		run bash -c 'umask $1 && cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -w "m$1" "$top" /bin/probe umask' - $mask
		assert_output "umask: $mask"
		is_whole "$STATE/$USER_ID/m$mask"
	done
	assert_equal "$(stat -c %a "$STATE" "$STATE/$USER_ID" | uniq)" 700
}

@test "writes stay for the next launch, under every name and for every user separately" {
	before=$(fingerprint "$tree")
	works write one sh -c 'echo one >/tmp/x; rm /home/u/gone'
	works write two sh -c 'ls /tmp/x 2>/dev/null || echo two >/tmp/x'
	works write_as 4321 one sh -c 'ls /tmp/x 2>/dev/null || echo other >/tmp/x'
	works "$OVLRUN" -w one "$top" sh -c 'ls /tmp/x 2>/dev/null || echo root >/tmp/x; rm /layer1'
	assert_output ''
	works write one sh -c 'cat /tmp/x; [ ! -e /home/u/gone ]'
	assert_output one
	works write two sh -c 'ls /home/u; cat /tmp/x'
	assert_output $'gone\ntwo'
	works write two cat /tmp/x
	assert_output two
	works write_as 4321 one cat /tmp/x
	assert_output other
	works "$OVLRUN" -w one "$top" sh -c 'cat /tmp/x; [ ! -e /layer1 ]'
	assert_output root
	works launch "$top" sh -c '[ ! -e /tmp/x ]' # an ephemeral upper sees none of them
	assert_equal "$(ls "$STATE")" $'0\n4321\n65534'
	assert_equal "$(fingerprint "$tree")" "$before"
}

@test "nobody reads an upper but through ovlrun" {
	works write one sh -c 'umask 0; echo secret >/tmp/x'
	run as_user cat "$STATE/$USER_ID/one/diff/tmp/x"
	assert_failure
	assert_output --partial 'Permission denied'
	run as_user ls "$STATE"
	assert_failure
}

@test "without the feature it is refused, and nothing is made" {
	for rule in 'permit * any' 'permit * any may bind,userns' 'permit 4321 any may writable' \
		$'permit * any may writable\npermit * any'; do
		policy "tree $tree" "$rule"
		refused write one true
		[ ! -e "$STATE" ]
	done
	offer_writable "$tree"
	works write one true
	offer "$tree"
	refused write one true # the upper that is there already opens no door
}

@test "-n makes nothing" {
	works launch -n -w one "$top"
	[ ! -e "$STATE" ]
}

@test "T43 T11 names that are paths, or no names" {
	works write good true
	mkdir "$LAB/victim"
	before=$(fingerprint /var/lib)
	for name in '' . .. ../x ../../victim / /tmp a/b a/ ./a -a .a _a 'a,' a: 'a b' a\\ 'a*' $'a\n' $'a\e' ä \
		"$(printf 'n%.0s' {1..129})" "$(printf 'n%.0s' {1..4096})" "$LAB/victim" ../65534/good; do
		refused launch "--writable=$name" "$top" true
		assert_equal "$(fingerprint /var/lib)" "$before"
	done
	for name in a A 0 a.-_Z 0.. "$(printf 'n%.0s' {1..128})"; do
		works write "$name" true
		[ -d "$STATE/$USER_ID/$name/diff" ]
	done
	rmdir "$LAB/victim" # still empty
}

# make_victim: directories of root's that would be a usable upper, with something to lose. On the same
# mount as the state directory, since the kernel itself refuses an upper and a work on two.
make_victim() {
	rm -rf /var/lib/victim
	mkdir -p /var/lib/victim/{diff,work/work/deep,top,$USER_ID/one,one/diff}
	chmod -R go= /var/lib/victim
	echo precious | tee /var/lib/victim/{diff,work/work,work/work/deep,top,one/diff}/file >/dev/null
	mkdir -p /var/lib/victim/work/index
	find /var/lib/victim -exec touch -h -d 2001-02-03 {} +
	before=$(fingerprint /var/lib/victim)
}

victim_is_intact() {
	assert_equal "$(fingerprint /var/lib/victim)" "$before"
}

@test "T11 a symlink in place of a directory above the upper" {
	for link in "$STATE" "$STATE/$USER_ID" "$STATE/$USER_ID/one"; do
		for text in /var/lib/victim "$(realpath -m --relative-to="${link%/*}" /var/lib/victim)" /nowhere; do
			rm -rf "$STATE"
			private_dir "$STATE/$USER_ID"
			make_victim
			rm -rf "$link"
			ln -s "$text" "$link"
			refused write one true
			victim_is_intact
			assert_equal "$(readlink "$link")" "$text"
		done
		rm -rf "$STATE"
		works write one true # it was the link
	done
}

@test "T11 symlinks in place of diff, work and top, on the first use and later" {
	upper=$STATE/$USER_ID/one
	for when in first later; do
		for set in diff work top 'diff work' 'diff work top'; do
			rm -rf "$STATE"
			make_victim
			if [ $when = first ]; then
				private_dir "$upper"
			else
				works write one true
			fi
			for name in $set; do
				rm -rf "${upper:?}/$name"
				ln -s "/var/lib/victim/$name" "$upper/$name"
			done
			refused write one sh -c 'echo lost >/tmp/file'
			victim_is_intact
		done
	done
}

@test "T11 links from one part of the upper to another" {
	upper=$STATE/$USER_ID/one
	for link in 'work diff' 'work .' 'diff .' 'diff top' 'diff work' 'work ..' 'top diff' 'top .' 'top /'; do
		rm -rf "$STATE"
		works write one true
		read -r name text <<<"$link"
		rm -rf "${upper:?}/$name"
		ln -s "$text" "$upper/$name"
		echo "$name -> $text"
		refused write one true
	done
}

@test "T11 a symlink in place of what the kernel keeps in work" {
	works write one true
	make_victim
	rm -rf "$STATE/$USER_ID/one/work/work"
	ln -s /var/lib/victim/work/work "$STATE/$USER_ID/one/work/work"
	run write one true
	victim_is_intact
}

@test "T11 symlinks in place of the record" {
	upper=$STATE/$USER_ID/one
	for name in lower lower.new; do
		rm -rf "$STATE"
		works write one true
		rm "$upper/lower"
		echo "ids host" >/var/lib/file
		ln -s /var/lib/file "$upper/$name"
		refused write one true
		assert_equal "$(cat /var/lib/file)" 'ids host'
		rm "$upper/$name"
		works write one true
		is_whole "$upper"
	done
}

@test "T11 every directory above is root's and closed to others, or it is refused by name" {
	works write one true
	for dir in "$STATE" "$STATE/$USER_ID" "$STATE/$USER_ID/one"; do
		for mode in 0755 0710 0701 0777 0500; do
			chmod "$mode" "$dir"
			refused write one true
			says "cannot trust ${dir##*/}"
			chmod 0700 "$dir"
		done
		chown $USER_ID "$dir"
		refused write one true
		says "cannot trust ${dir##*/}"
		chown 0 "$dir"
		works write one true
	done
	chmod 0777 /var/lib # or another could put his own there
	refused write one true
	chmod 0755 /var/lib
	works write one true
}

@test "T11 a file in place of a directory is refused and left" {
	upper=$STATE/$USER_ID/one
	for file in "$STATE" "$STATE/$USER_ID" "$upper" "$upper/diff" "$upper/work" "$upper/top"; do
		works write one true
		rm -rf "${file:?}"
		echo content >"$file"
		refused write one true
		assert_equal "$(cat "$file")" content
		rm -rf "$STATE"
	done
}

@test "T13 a second launch is refused as busy, and the first is unharmed" {
	hold_writer one "$top" 'cat /tmp/x; echo later >/tmp/y'
	before=$(fingerprint "$STATE/$USER_ID/one")
	for n in 1 2 3; do
		refused write one sh -c 'echo second >/tmp/x'
		in_use
	done
	assert_equal "$(fingerprint "$STATE/$USER_ID/one")" "$before"
	works write two true # another name is free
	works write_as 4321 one true
	works "$OVLRUN" -w one "$top" true
	release_writer
	assert_equal "$said" first
	works write one cat /tmp/x /tmp/y
	assert_output $'first\nlater'
}

@test "T13 a process of the first that stays keeps it busy" {
	# The lock is the mount's, not the first process's: here that one has ended, and its child not.
	mkfifo "$BATS_TEST_TMPDIR/end"
	exec 8<>"$BATS_TEST_TMPDIR/end"
	: >"$tree/$base/diff/dev/null" # the shell opens it for a process in the background
	works bash -c 'cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$OVLRUN" -w one "$top" /bin/sh -c "exec 5<&0; /bin/probe wait <&5 >/tmp/said & echo \$!" 3>&- <"$1"' - "$BATS_TEST_TMPDIR/end"
	child=$output
	rm "$tree/$base/diff/dev/null"
	[ "$(stat -L -c %U:%n "/proc/$child/root/layer1")" = "root:/proc/$child/root/layer1" ]
	refused write one true
	in_use
	kill -KILL "$child"
	until ! kill -0 "$child" 2>/dev/null; do :; done
	works write one true
	exec 8>&-
}

@test "T13 after kill -9 of the first, and its reaping, it is free" {
	for n in 1 2 3 4 5; do
		hold -w one "$top" /bin/sh -c "echo $n >/tmp/x; echo ready; read line"
		refused write one true
		in_use
		kill -KILL "$held"
		status=0
		wait "$held" || status=$?
		assert_equal "$status" 137
		works write one cat /tmp/x
		assert_output $n
	done
}

@test "T13 on another stack it is refused and says so" {
	works write one sh -c 'echo x >/tmp/x'
	before=$(fingerprint "$STATE/$USER_ID/one")
	for stack in "$other" "$base" "$(tree_link 3)" "-l $top" "-l $base:$top" "-l $other:$base" "-l $other:$top:$base"; do
		# shellcheck disable=SC2086 # an option and its argument
		refused launch -w one $stack
		says 'it was made on other layers'
		says 'use another name'
		assert_equal "$(fingerprint "$STATE/$USER_ID/one")" "$before"
	done
	works launch -w one "$(tree_link 2)" cat /tmp/x # the same one, spelt differently
	works launch -w one -l "$top:$base" cat /tmp/x
	assert_output x
}

@test "T13 a record that is not the program's is not believed and not replaced" {
	works write one true
	lower=$STATE/$USER_ID/one/lower
	good=$(cat "$lower")
	for bad in '' 'ids host' "${good%?}" "$good:l/$(tree_link 3)" "${good/host/user}" "$good"$'\n\n' $'\n'"$good"; do
		echo "$bad" >"$lower"
		refused write one true
		assert_equal "$(cat "$lower"; echo .)" "$bad"$'\n.'
	done
	printf %s "$good" >"$lower" # its last newline is missing
	refused write one true
	truncate -s 1G "$lower"
	refused write one true
	echo "$good" >"$lower"
	for spoil in "chown $USER_ID" 'chmod 0620' 'chmod 0602'; do
		$spoil "$lower"
		refused write one true
		says 'cannot trust what the upper layer was made on'
		chown 0 "$lower"
		chmod 0600 "$lower"
		works write one true
	done
	rm "$lower"
	mkfifo "$lower"
	refused write one true
	rm "$lower"
	mkdir "$lower"
	refused write one true
}

# overlay_mounts OPTION...: the mount(2) calls for overlays in a launch with these options, from strace.
overlay_mounts() {
	(cd / && strace -f -s 4096 -u nobody -e trace=mount "$OVLRUN" "$@" 2>&1 | grep 'mount("overlay"')
}

@test "T13 after the mount a second one is tried, and must be EBUSY" {
	run overlay_mounts -w one "$top" true
	assert_equal "${#lines[@]}" 2
	assert_regex "${lines[0]}" ', "index=on,.*\) = 0$'
	assert_regex "${lines[1]}" ', "index=on,.*\) = -1 EBUSY '
	# And it is the same upper.
	data='.* "(index=on,[^"]*)"\).*'
	[[ ${lines[0]} =~ $data ]]
	first=${BASH_REMATCH[1]}
	[[ ${lines[1]} =~ $data ]]
	assert_equal "${BASH_REMATCH[1]}" "$first"
	run overlay_mounts "$top" true
	assert_equal "${#lines[@]}" 1 # nothing to prove where the upper is the launch's own
}

@test "T13 where the kernel would let two in, nobody gets in" {
	# strace overwrites "index=on," with an option as long, so that this kernel behaves as one whose
	# index=on is not what it should be.
	grep -q N /sys/module/overlay/parameters/index
	works write one true
	before=$(mounts)
	lies=$(printf 'xino=off,' | od -An -tx1 | tr -d ' \n')
	cd /
	run --separate-stderr strace -f -qq -u nobody -o "$BATS_TEST_TMPDIR/trace" -e trace=mount \
		-e "inject=mount:poke_enter=@arg5=$lies:when=5+" "$OVLRUN" -w one "$top" /bin/probe nnp
	assert_equal "$(grep -c '^[0-9]* *mount("overlay".*"xino=off,.*= 0 (' "$BATS_TEST_TMPDIR/trace")" 2 # the lie was told
	assert_equal "$status" 125
	assert_equal "$output" ''
	says 'the kernel would let two launches use it at once'
	assert_equal "$(mounts)" "$before"
	# A mount that fails for another reason proves nothing either.
	run --separate-stderr strace -f -qq -u nobody -o "$BATS_TEST_TMPDIR/trace" -e trace=mount \
		-e inject=mount:error=ENOMEM:when=5 "$OVLRUN" -w one "$top" /bin/probe nnp
	assert_equal "$(grep -c 'mount("overlay".*ENOMEM.*INJECTED' "$BATS_TEST_TMPDIR/trace")" 1
	assert_equal "$status" 125
	assert_equal "$output" ''
	works write one true
}

# split_tree NAME: a tree whose base and top are on file systems of their own, mounted by the caller.
split_tree() {
	split=$LAB/$1
	tree_init "$split"
	mkdir -m 0710 "$split/$base" "$split/$top"
}

fill_split() {
	local n id
	for n in 1 2; do
		id=$(tree_id $n)
		chmod 0710 "$split/$id"
		mkdir "$split/$id/diff"
		printf %s "$(tree_link $n)" >"$split/$id/link"
		ln -s "../$id/diff" "$split/l/$(tree_link $n)"
		chmod 0644 "$split/$id/link"
	done
	printf 'l/%s' "$(tree_link 1)" >"$split/$top/lower"
	chmod 0644 "$split/$top/lower"
	fill_base "$split/$base/diff"
	offer_writable "$split"
}

# one_at_a_time: on the split tree either no launch gets the upper, or one alone does.
one_at_a_time() {
	hold_writer one "$top" 'cat /tmp/x'
	refused write one sh -c 'echo second >/tmp/x'
	in_use
	release_writer
	assert_equal "$said" first
	works write one cat /tmp/x
	assert_output first
}

@test "T13 lowers on two file systems with one UUID" {
	split_tree split-uuid
	image a 24m mkfs.ext4 -q
	cp "$made" "$made-copy"
	mount -o loop "$made" "$split/$base"
	mount -o loop "$made-copy" "$split/$top"
	assert_equal "$(blkid -s UUID -o value "$made")" "$(blkid -s UUID -o value "$made-copy")"
	fill_split
	one_at_a_time
	umount "$split/$base" "$split/$top"
}

@test "T13 lowers on a file system without file handles" {
	split_tree split-ramfs
	mount -t ramfs none "$split/$base"
	mount -t ramfs none "$split/$top"
	fill_split
	one_at_a_time
	umount "$split/$base" "$split/$top"
}

@test "T13 what the kernel does by itself" {
	# Why index=on, and why a proof: without it a second mount of one upper succeeds. With it the kernel
	# refuses, even where it then turns index off in the mounted file system.
	cd "$LAB"
	mkdir -p kernel/{upper,work,lower,first,second}
	cd kernel
	same=lowerdir=lower,upperdir=upper,workdir=work
	mount -t overlay -o "index=off,$same" ovl first
	mount -t overlay -o "index=off,$same" ovl second # nothing but a line in the log
	umount second
	run mount -t overlay -o "index=on,$same" ovl second
	assert_failure
	umount first
	mount -t ramfs none lower
	mount -t overlay -o "index=on,$same" ovl first
	run mount -t overlay -o "index=on,$same" ovl second
	assert_failure
	mount -t overlay -o "index=off,$same" ovl second # the second one's wish is all that counts
	umount second first lower
	cd /
	rm -rf "$LAB/kernel"
}

@test "T13 a stack too deep for mount(2) is locked too" {
	deep=$LAB/deep
	tree_init "$deep"
	tree_chain "$deep" 300 fill_base
	offer_writable "$deep"
	works launch -n -w one "$(tree_id 300)"
	assert_line --regexp '^mount +fsopen, lowerdir\+$'
	hold_writer one "$(tree_id 300)" 'cat /tmp/x'
	refused launch -w one "$(tree_id 300)" true
	in_use
	release_writer
	works launch -w one "$(tree_id 300)" sh -c 'cat /tmp/x; ls -d /layer* | wc -l'
	assert_output $'first\n300'
	refused launch -w one "$(tree_id 299)" true
	says 'it was made on other layers'
	cd /
	run --separate-stderr strace -f -qq -u nobody -o "$BATS_TEST_TMPDIR/trace" -e trace=fsconfig "$OVLRUN" -w one "$(tree_id 300)" true
	assert_equal "$status" 0
	assert_equal "$(grep -c 'FSCONFIG_CMD_CREATE.* EBUSY' "$BATS_TEST_TMPDIR/trace")" 1
}

@test "T13 a launch that has not mounted yet keeps others out" {
	# A tracer of root's stops the first just before it renames the record into place, then before its mount.
	cd /
	for where in fsync mount; do
		trace=$BATS_TEST_TMPDIR/$where
		rm -rf "$STATE"
		[ $where = fsync ] || works write one true
		when=1
		[ $where = fsync ] || when=4 # private, tmpfs, bind, overlay
		coproc TRACED { exec strace -D -u nobody -o "$trace" -e trace=$where -e inject=$where:signal=STOP:when=$when \
			"$OVLRUN" -w one "$top" /bin/probe nnp 3>&-; }
		pid=$TRACED_PID
		exec {said_fd}<&"${TRACED[0]}"
		until grep -q 'stopped by SIGSTOP' "$trace" 2>/dev/null; do kill -0 "$pid"; done
		before=$(fingerprint "$STATE")
		refused write one true
		says 'it is in use by another launch'
		assert_equal "$(fingerprint "$STATE")" "$before"
		kill -CONT "$pid"
		run cat <&"$said_fd"
		exec {said_fd}<&-
		assert_line 'no_new_privs: 1'
		works write one true
		is_whole "$STATE/$USER_ID/one"
	done
}

@test "T13 twenty launches at once of one new name: one runs, the others are told" {
	# Each says on the FIFO that it runs, and on ends what became of it. The one that runs waits for the end
	# of its input, so two would both be there at the same time.
	cd /
	mkfifo "$BATS_TEST_TMPDIR/go" "$BATS_TEST_TMPDIR/ends"
	for round in 1 2 3; do
		exec 8<>"$BATS_TEST_TMPDIR/go" 9<>"$BATS_TEST_TMPDIR/ends"
		pids=()
		for n in {1..20}; do
			{
				status=0
				setpriv --reuid $USER_ID --regid $USER_ID --clear-groups -- "$OVLRUN" -w "new$round" "$top" /bin/sh -c 'echo ready; read line' \
					<"$BATS_TEST_TMPDIR/go" >&9 2>"$BATS_TEST_TMPDIR/err$n" 3>&- 8>&- || status=$?
				echo "$status $n" >&9
			} &
			pids+=($!)
		done
		ready=0 busy=0
		while [ $((ready + busy)) -lt 20 ]; do
			read -r -u 9 -t 20 status n
			if [ "$status" = ready ]; then
				ready=$((ready + 1))
			else
				assert_equal "$status" 125
				assert_regex "$(cat "$BATS_TEST_TMPDIR/err$n")" '^ovlrun: cannot .* in use by another (launch|mount)$'
				busy=$((busy + 1))
			fi
		done
		assert_equal "$ready $busy" '1 19'
		is_whole "$STATE/$USER_ID/new$round"
		echo go >&8
		read -r -u 9 -t 20 status n
		assert_equal "$status" 0
		wait "${pids[@]}"
		exec 8>&- 9>&-
		works write "new$round" true
	done
}

# free_blocks: free ones of the state's file system, and those that not only root may use.
free_blocks() {
	stat -f -c '%f %a' "$STATE"
}

@test "T44 the reserved blocks of ext4 stay root's" {
	image reserve 24m mkfs.ext4 -q -m 10 -b 4096
	state_on "$made"
	reserved=$(tune2fs -l "$made" | sed -n 's/^Reserved block count: *//p')
	[ "$reserved" -gt 500 ]
	install -o $USER_ID -m 0644 /dev/null "$tree/$base/diff/home/u/big"
	head -c 4m /dev/zero | tr '\0' x >"$tree/$base/diff/home/u/big"
	run write one sh -c 'while cat /bin/busybox >>/tmp/x; do :; done; while cat /layer1 >>/tmp/y; do :; done; echo x >>/home/u/big'
	grep -c 'No space left' <<<"$output"
	assert_equal "$(grep -c 'No space left' <<<"$output")" 3
	rm "$tree/$base/diff/home/u/big"
	sync -f "$STATE"
	read -r free available < <(free_blocks)
	[ "$available" -lt 20 ] || fail "it was not filled: $available blocks"
	[ "$free" -ge "$reserved" ] || fail "$free blocks are free of $reserved reserved ones"
	dd if=/dev/zero of="$STATE/root" bs=4096 count=$((reserved / 2)) # which root can use, so they are real
	# A full upper is not a read-only one, and works when there is room.
	run write one sh -c 'touch /tmp/x'
	[ "$status" != 0 ] || assert_output ''
	refute_output --partial 'Read-only'
	rm "$STATE/$USER_ID/one/diff/tmp/x"
	works write one sh -c 'echo again >/home/u/again; cat /home/u/again'
	assert_output again
}

@test "T45 user.max_mnt_namespaces bounds the launches of one user" {
	# Setting it needs a capability that root may lack on the host, and has in a user namespace of its own.
	cat >"$LAB/flood" <<-'END'
		set -e
		trap 'kill $(jobs -p) 2>/dev/null' EXIT # or who waits for the end of the output waits forever
		mount -t tmpfs -o mode=0755 run /run
		mount -t tmpfs -o mode=0755 state /var/lib
		cd /
		echo 20 >/proc/sys/user/max_mnt_namespaces
		mkfifo /run/go /run/said
		exec 8<>/run/go 9<>/run/said
		before=$(cat /proc/self/mountinfo)
		for n in $(seq 60); do
			{
				status=0
				setpriv --reuid 4321 --regid 4321 --clear-groups -- "$OVLRUN" --bare "$@" "$top" /bin/probe wait \
					</run/go >&9 2>/run/err$n 8>&- || status=$?
				echo "$status $n" >&9
			} 8>&- &
		done
		ready=0 refused=0
		while [ $((ready + refused)) -lt 60 ]; do
			read -r -u 9 -t 20 status n
			if [ "$status" = ready ]; then
				ready=$((ready + 1))
			else
				echo "$status $(cat /run/err$n)"
				refused=$((refused + 1))
			fi
		done
		echo "ready $ready"
		# Another user is not held by it.
		setpriv --reuid 4322 --regid 4322 --clear-groups -- "$OVLRUN" --bare "$top" true && echo another works
		exec 8>&-
		for n in $(seq $ready); do
			read -r -u 9 -t 20 status n
			[ "$status" = 0 ]
		done
		wait
		[ "$(cat /proc/self/mountinfo)" = "$before" ]
		# None is left: as many as before can start again.
		for n in $(seq 20); do
			setpriv --reuid 4321 --regid 4321 --clear-groups -- "$OVLRUN" --bare "$top" true
		done
		echo free again
	END
	# Who is in it before the ids are mapped loses his capabilities at exec: so one waits there, and the others enter.
	coproc INSIDE { exec unshare --user --mount sh -c 'echo ready; read line' 3>&-; }
	inside=$INSIDE_PID
	read -r _ <&"${INSIDE[0]}"
	echo '0 0 65536' >"/proc/$inside/gid_map"
	echo '0 0 65536' >"/proc/$inside/uid_map"
	run nsenter --target "$inside" --user --mount bash "$LAB/flood" 3>&-
	kill "$inside"
	assert_line 'ready 20'
	assert_equal "$(grep -c '^125 ovlrun: cannot make namespaces: ' <<<"$output")" 40
	assert_equal "$(grep -c 'too many launches at once: sysctl user.max_mnt_namespaces' <<<"$output")" 40
	assert_line 'another works'
	assert_line 'free again'
}

# is_valid_state: nothing but what a launch makes, every part as it should be or not there yet.
is_valid_state() {
	local path kind mode
	while read -r path kind mode; do
		case "$path $kind $mode" in
		'. d 700' | "./$USER_ID d 700" | "./$USER_ID/one d 700") ;;
		"./$USER_ID/one/top d 7"[05][05] | "./$USER_ID/one/diff d 7"[05][05]) ;;
		"./$USER_ID/one/top/"[a-z]*' d 755' | "./$USER_ID/one/top/etc/"*' f 644') ;;
		"./$USER_ID/one/work d 700" | "./$USER_ID/one/work/work"* | "./$USER_ID/one/work/index"*) ;;
		"./$USER_ID/one/lower f 600") cmp "$STATE/$path" "$BATS_TEST_TMPDIR/lower" ;;
		"./$USER_ID/one/lower.new f 600") ;;
		*) fail "left: $path $kind $mode" ;;
		esac
	done < <([ ! -e "$STATE" ] || (cd "$STATE" && find . -printf '%p %y %m\n'))
}

@test "T46 killed at every system call, the upper is whole or is made whole by the next launch" {
	cd /
	trace=$BATS_TEST_TMPDIR/trace
	works write one /bin/probe nnp
	cp "$STATE/$USER_ID/one/lower" "$BATS_TEST_TMPDIR/lower"
	whole=$(cd "$STATE" && find . -printf '%p %y %m %U %G\n' | sort)
	rm -rf "$STATE" /run/ovlrun
	strace -f -u nobody -o "$trace" "$OVLRUN" -w one "$top" /bin/probe nnp
	rm -rf "$STATE"
	rmdir /run/ovlrun
	before=$(mounts)
	fine=$(fingerprint "$tree")
	killed=0
	while read -r count name; do
		for ((k = 1; k <= count; k++)); do
			run strace -f -u nobody -o /dev/null -e "inject=$name:signal=KILL:when=$k" "$OVLRUN" -w one "$top" /bin/probe nnp
			[ "$status" = 137 ] || fail "$name $k: status $status"
			killed=$((killed + 1))
			assert_equal "$(mounts)" "$before"
			is_valid_state
			[ ! -e /run/ovlrun ] || rmdir /run/ovlrun
			works write one /bin/probe nnp # and so no lock is left
			assert_equal "$(cd "$STATE" && find . -printf '%p %y %m %U %G\n' | sort)" "$whole"
			cmp "$STATE/$USER_ID/one/lower" "$BATS_TEST_TMPDIR/lower"
			rm -rf "$STATE"
			rmdir /run/ovlrun
		done
	done < <(sed -n '/execve/,/execve("\/bin\/probe/p' "$trace" | sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | grep -v execve | sort | uniq -c)
	[ "$killed" -gt 120 ]
	assert_equal "$(fingerprint "$tree")" "$fine"
	run pgrep -g 0 -x ovlrun # of these tests
	assert_failure
}

@test "T46 a write that fails leaves no record, and the next launch completes it" {
	cd /
	for fault in write:retval=0:when=1 write:error=ENOSPC:when=1 fsync:error=EIO renameat:error=EIO rename:error=EIO; do
		rm -rf "$STATE"
		run --separate-stderr strace -f -qq -u nobody -o "$BATS_TEST_TMPDIR/trace" -e "inject=$fault" "$OVLRUN" -w one "$top" /bin/probe nnp
		if grep -q INJECTED "$BATS_TEST_TMPDIR/trace"; then # musl may use either call to rename
			assert_equal "$status" 125
			says 'cannot write what the upper layer is made on'
			[ ! -e "$STATE/$USER_ID/one/lower" ]
		fi
		works write one true
		is_whole "$STATE/$USER_ID/one"
	done
}

@test "T52 deep leftovers in work are an error, not a read-only root" {
	works write one sh -c 'echo x >/tmp/x'
	mkdir -p "$STATE/$USER_ID/one/work/work/a/b/c"
	refused write one sh -c 'echo lost >/tmp/x'
	says 'work directory'
	says 'root has to empty the work directory'
	rm -rf "$STATE/$USER_ID/one/work/work"
	works write one sh -c 'cat /tmp/x; echo y >/tmp/x'
	assert_output x
}

@test "T53 the mark of a volatile mount is named and left" {
	works write one sh -c 'echo x >/tmp/x'
	mark=$STATE/$USER_ID/one/work/work/incompat/volatile
	mkdir -p "$mark"
	before=$(fingerprint "$STATE/$USER_ID/one")
	refused write one true
	says 'it holds the mark of a volatile mount'
	says 'root may remove work/work/incompat'
	assert_equal "$(fingerprint "$STATE/$USER_ID/one")" "$before"
	rm -r "${mark%/*}" # as the hint says
	works write one cat /tmp/x
	assert_output x
}

@test "T53 as a real volatile mount leaves it" {
	works write one true
	upper=$STATE/$USER_ID/one
	mkdir "$BATS_TEST_TMPDIR/volatile"
	mount -t overlay -o "volatile,lowerdir=$upper/top,upperdir=$upper/diff,workdir=$upper/work" ovl "$BATS_TEST_TMPDIR/volatile"
	umount "$BATS_TEST_TMPDIR/volatile"
	refused write one true
	says volatile
}

# cannot_hold MAGIC: the state directory's file system is refused by its number, and nothing is made in it.
cannot_hold() {
	local content
	content=$(ls -A "$STATE/$USER_ID" 2>/dev/null || true)
	refused write one true
	says "cannot keep upper layers in $STATE, a file system of kind $1:"
	says 'ext4, xfs or btrfs'
	assert_equal "${#stderr_lines[@]}" 2
	# Its first line is one, and the upper's parts are not made.
	[ -z "$content" ]
	[ ! -e "$STATE/$USER_ID/one/diff" ] && [ ! -e "$STATE/$USER_ID/one/lower" ]
	launch "$top" true # all else goes on
	umount "$STATE"
}

@test "file systems that cannot hold an upper are refused" {
	mkdir -m 0700 "$STATE" /var/lib/{a,b,c}
	mount -t overlay -o lowerdir=/var/lib/a,upperdir=/var/lib/b,workdir=/var/lib/c ovl "$STATE"
	chmod 0700 "$STATE"
	cannot_hold 0x794c7630
	bindfs -o suid /var/lib/a "$STATE"
	cannot_hold 0x65735546
	mount -t ramfs -o mode=0700 none "$STATE" # one that few have heard of
	cannot_hold 0x858458f6
	# Not every kernel has vfat. Where it is, its files have the mode that a mount option says.
	modprobe -q vfat || true
	if grep -qw vfat /proc/filesystems; then
		image fat 8m mkfs.vfat
		mount -o loop,umask=0077 "$made" "$STATE"
		cannot_hold 0x4d44
	fi
}

@test "a user has 64 uppers at most, and those go on working" {
	for n in {1..64}; do
		works write "n$n" true
	done
	before=$(fingerprint "$STATE")
	refused write one-more true
	says 'you have 64 already'
	assert_equal "$(find "$STATE/$USER_ID" -maxdepth 1 -mindepth 1 | wc -l)" 64
	[ ! -e "$STATE/$USER_ID/one-more" ]
	works write n1 sh -c 'echo x >/tmp/x'
	works write n64 true
	works write_as 4321 one-more true # each has his own
	rm -r "$STATE/$USER_ID/n7"
	works write one-more true
	refused write another true
}

@test "64 uppers at most, however many launches make new ones at once" {
	private_dir "$STATE/$USER_ID"
	for n in {1..54}; do
		mkdir -m 0700 "$STATE/$USER_ID/n$n"
	done
	for n in {1..40}; do
		write "at-once$n" true 2>/dev/null 3>&- &
	done
	wait
	assert_equal "$(find "$STATE/$USER_ID" -maxdepth 1 -mindepth 1 | wc -l)" 64
	# An empty one, as a killed launch leaves it, counts and can be used.
	works write n1 true
	refused write one-more true
}

@test "64 uppers at most: nobody else counts between a launch's counting and its making" {
	private_dir "$STATE/$USER_ID"
	mkdir -p -m 0700 /run/ovlrun
	for n in {1..63}; do
		mkdir -m 0700 "$STATE/$USER_ID/n$n"
	done
	stopped_at getdents64 2 -w first "$top" true # it has counted, and is about to make the 64th
	first=$pid
	write second true 2>/dev/null 3>&- &
	second=$!
	until ! kill -0 $second 2>/dev/null || pgrep -x ovlrun | grep -vx "$first" | xargs -I{} cat /proc/{}/syscall 2>/dev/null | grep -q '^73 '; do :; done
	pid=$first
	resume
	wait $second || true
	assert_equal "$(find "$STATE/$USER_ID" -maxdepth 1 -mindepth 1 | wc -l)" 64
}

@test "a state directory that inherits setgid is taken as it is" {
	private_dir "$STATE"
	chmod 2700 "$STATE"
	works write one true
	works write one true
}

@test "an upper on tmpfs, ext4, xfs and btrfs" {
	mkdir "$STATE"
	for fs in tmpfs ext4 xfs btrfs; do
		case $fs in
		tmpfs) mount -t tmpfs -o mode=0700 none "$STATE" ;;
		ext4) image "$fs" 32m mkfs.ext4 -q && state_on "$made" ;;
		xfs) image "$fs" 320m mkfs.xfs -q && state_on "$made" ;;
		btrfs) image "$fs" 128m mkfs.btrfs -q && state_on "$made" ;;
		esac
		assert_equal "$(findmnt -n -o FSTYPE "$STATE")" $fs
		works write one sh -c 'echo x >/tmp/x; rm /home/u/gone; mkdir /tmp/d; mv /tmp/d /tmp/e; ln /tmp/x /tmp/y'
		is_whole "$STATE/$USER_ID/one"
		hold -w one "$top" /bin/sh -c 'cat /tmp/x >/tmp/z; exec /bin/probe wait'
		refused write one true
		in_use
		release
		works write one sh -c 'cat /tmp/x /tmp/y /tmp/z; [ ! -e /home/u/gone ] && [ -d /tmp/e ]'
		assert_output $'x\nx\nx'
		refused launch -w one "$other" true
		says 'it was made on other layers'
		umount "$STATE"
		rm -f "$made"
	done
}
