#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# policy.sh [RUNS]: what the size of the policy costs a launch: 10,000 rules, 1,000 image records.
#
# Each row is timed beside the floor program, whose own time shows how the machine's speed drifts between rows.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.bash disable=SC1091
source "$here/common.bash"
runs=${1:-200}
bench_enter "$here/${0##*/}" "$runs"
bench_prepare
tree=$LAB/bench/2
cpu=${BENCH_CPU:-$(awk '/^Cpus_allowed_list:/ { n = split($2, part, /[-,]/); print part[n] }' /proc/self/status)}
bench_floor 2
floor=("${BENCH_CMD[@]}")

row() { # LABEL COMMAND...
	local label=$1
	shift
	"$BENCH_TOP/build/bench/timer" -n "$runs" -c "$cpu" -u "$BENCH_UID" floor "${floor[@]}" ::: "$label" "$@" |
		awk -F '\t' '$1 == "floor" { floor = $2 } $1 != "floor" { printf "%-42s %8.0f %8.0f %8.2f\n", $1, $2, floor, $6 }'
}

printf '%-42s %8s %8s %8s\n' "microseconds, p50 of $runs" ovlrun floor 'x floor'
mkdir -p /etc/ovlrun.d/images
printf '%s\n' "tree $tree" 'permit * any' >/etc/ovlrun.conf
printf '%s\n' "tree $tree" "layer ${BENCH_ID[2]}" 'cmd /nop' >/etc/ovlrun.d/images/image:1
row 'one rule, a layer' "$OVLRUN" --bare "${BENCH_ID[2]}" /nop
row 'one rule, an image, 1 record' "$OVLRUN" --bare image:1
for n in {2..1000}; do
	cp /etc/ovlrun.d/images/image:1 "/etc/ovlrun.d/images/image:$n"
done
row 'one rule, an image, 1000 records' "$OVLRUN" --bare image:1
for n in {1..2500}; do
	printf '%s\n' "permit $((100000 + n)) image app-$n:*" "permit :$((100000 + n)) image tool-$n" \
		"permit user$n image team/app-$n:1.0 may writable" "deny :group$n layer $(printf '%064x' "$n")"
done >/etc/ovlrun.d/10-many.conf
for n in {1..2500}; do
	echo "group$n:x:$((200000 + n)):" >>/etc/group
done
echo 'permit nobody any' >/etc/ovlrun.d/20-last.conf
row '10001 rules by names and numbers, a layer' "$OVLRUN" --bare "${BENCH_ID[2]}" /nop
row '10001 rules, an image, 1000 records' "$OVLRUN" --bare image:1
