# SPDX-License-Identifier: MIT
# The commands of the README's section for users and its policy and record, as they stand there.

setup_file() {
	load ../lib/helpers
	make_tree readme 3
	base=$(tree_id 1) middle=$(tree_id 2)
	export TOP=$top MIDDLE=$middle BASE=$base
	echo hello >"$tree/$top/diff/greeting"
	mkdir "$tree/$base/diff/etc/apk"
	echo 3.19 >"$tree/$base/diff/etc/alpine-release"
	mkdir -p /etc/ovlrun.d/images
	mount -t tmpfs -o mode=0755 none /var/lib
}

teardown_file() {
	umount /var/lib
	rm -r /etc/ovlrun.d
}

setup() {
	load ../lib/helpers
	cd "$OVL_TOP"
}

# block LANGUAGE N: the N-th code block of the section for administrators.
blocks() {
	sed -n '/^## For an administrator/,/^## Honest/p' README.md | awk -v n="$1" '
		/^```/ { inside = !inside; if (inside) count++; next }
		inside && count == n'
}

@test "README: the policy and the record of the administrator's section are good, with real ids in them" {
	blocks 3 | sed "s/34e5\.\.\.510b/$top/; s,/var/lib/docker/overlay2,$tree," >"$BATS_TEST_TMPDIR/conf"
	grep -q '^permit' "$BATS_TEST_TMPDIR/conf"
	printf '%s\n' alice:x:5001:100::/:/bin/sh mallory:x:5002:100::/:/bin/sh >>/etc/passwd
	echo science:x:4444: >>/etc/group
	works "$OVLRUN" --check-policy "$BATS_TEST_TMPDIR/conf"
	install -m 0644 "$BATS_TEST_TMPDIR/conf" /etc/ovlrun.conf
	blocks 4 | sed "s/34e5\.\.\.510b/$top/; s,/var/lib/docker/overlay2,$tree," >/etc/ovlrun.d/images/alpine:3.19
	cp /etc/ovlrun.d/images/alpine:3.19 /etc/ovlrun.d/images/alpine:latest
	works "$PROBES/start" user:6000:6000:4444 -- "$OVLRUN" alpine:3.19 cat /greeting
	works launch "$top" true
	refused "$PROBES/start" user:5002:6000:4444 -- "$OVLRUN" alpine:3.19 cat /greeting
	refused launch alpine
}

@test "README: every command of the user's section does what it says" {
	policy "tree $tree" 'permit * any may writable'
	PATH=$LAB/bin:$PATH
	count=0
	while read -r line; do
		works as_user bash -c "$line" </dev/null
		count=$((count + 1))
		case $line in
		*alpine-release) assert_output 3.19 ;;
		*/greeting) assert_output hello ;;
		*'cat /tmp/log') assert_output one ;;
		*--json*) jq -e .layers <<<"$output" ;;
		*--dry-run*) assert_line --regexp '^rule +/etc/ovlrun.conf:2$' ;;
		esac
	done < <(sed -n '/^## For a user/,/^## For an/p' README.md | sed -n '/^```console/,/^```/s/^\$ //p')
	[ "$count" -ge 10 ]
}
