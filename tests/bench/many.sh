#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# many.sh [LAUNCHES [AT_ONCE]]: 1,000 launches, 50 at a time: none may fail, and nothing may be left. Their rate stands
# beside those of bubblewrap and crun on the same root file system.
#
# The rates are for reading. It fails (1) if a launch fails, or leaves a mount, a process, a file or a file system.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.bash disable=SC1091
source "$here/common.bash"
launches=${1:-1000} at_once=${2:-50}
[[ $launches =~ ^[1-9][0-9]*$ && $at_once =~ ^[1-9][0-9]*$ ]] || bench_die "usage: many.sh [LAUNCHES [AT_ONCE]]"
bench_need bwrap crun jq setpriv xargs
bench_enter "$here/${0##*/}" "$launches" "$at_once"
bench_prepare

tree=$LAB/many plain=$LAB/plain bundle=$LAB/bundle
tree_init "$tree"
top=$(tree_chain "$tree" 2 tree_busybox)
echo "tree $tree" >>/etc/ovlrun.conf
mkdir "$plain" "$bundle"
cp -a "$tree/$(tree_id 1)/diff/." "$plain"
install -m 0755 "$BENCH_TOP/build/bench/nop" "$plain/nop"
bench_bwrap "$plain"
cp -a "$plain" "$bundle/rootfs"
(
	# As it is by default, but for the network, which the others leave alone too, and limits that root may not raise.
	cd "$bundle"
	crun spec
	jq '.process.terminal = false | .process.args = ["/bin/true"] | del(.process.rlimits) |
		.linux.namespaces |= map(select(.type != "network"))' config.json >config.new
	mv config.new config.json
)
# crun refuses to work where both versions of control groups are mounted.
if mountpoint -q /sys/fs/cgroup/unified; then
	umount /sys/fs/cgroup/unified
fi

# The number that the next file system without a device gets, the lowest that is free: file systems that stay take it
# up. Others on the machine may, by a few.
next_device() {
	mkdir -p "$LAB/next"
	mount -t tmpfs next "$LAB/next"
	mountpoint -d "$LAB/next" | cut -d : -f 2
	umount "$LAB/next"
}

# What is there: mounts, processes, files.
census() {
	cut -d ' ' -f 1-6 /proc/self/mountinfo
	find /run/ovlrun "$tree" | sort
	pgrep -c -x ovlrun || true
}

failed=0
# many LABEL COMMAND...: as many as asked for, each with its number in place of {}.
many() {
	local label=$1 start=$EPOCHREALTIME us status=0
	shift
	seq "$launches" | xargs -P "$at_once" -I '{}' "$@" >"$LAB/many.out" 2>&1 || status=$?
	us=$((${EPOCHREALTIME/./} - ${start/./}))
	printf '%-44s %8d %10.2f\n' "$label" $((launches * 1000000 / us)) "$(awk "BEGIN { print $us / 1000 / $launches }")"
	if [[ $status != 0 || -s $LAB/many.out ]]; then
		echo "$label: a launch failed or said something (xargs: $status)" >&2
		head -n 5 "$LAB/many.out" >&2
		failed=1
	fi
}

user=(setpriv --reuid "$BENCH_UID" --regid "$BENCH_UID" --clear-groups --)
echo "$launches launches of busybox's true, $at_once at a time, on $(nproc) cpus; bwrap runs $how_bwrap"
printf '%-44s %8s %10s\n' '' 'a second' 'ms each'
cd /
before=$(census) device=$(next_device)
for options in '' -r -u '--unshare pid' --bare; do
	# shellcheck disable=SC2086 # words
	many "ovlrun${options:+ $options}" "${user[@]}" "$OVLRUN" $options -t "$tree" "$top" /bin/true
done
# The kernel takes a dead namespace's mounts down a little later.
deadline=$((SECONDS + 10))
until [[ $(census) == "$before" ]] && (($(next_device) < device + at_once)); do
	if ((SECONDS >= deadline)); then
		echo "something is left; the next file system's number was $device and is $(next_device)" >&2
		diff <(echo "$before") <(census) >&2 || true
		failed=1
		break
	fi
done
many 'bwrap, /dev /proc /sys' "${user[@]}" "$bwrap" --ro-bind "$plain" / --dev /dev --proc /proc --ro-bind /sys /sys /bin/true
many 'crun run, as root, without control groups' crun --root "$LAB/crun" --cgroup-manager=disabled run -b "$bundle" 'many{}'
exit "$failed"
