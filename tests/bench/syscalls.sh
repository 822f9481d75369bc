#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# syscalls.sh: system calls of one `ovlrun --bare` at 2, 8 and 128 layers, and how many each layer adds.
#
# Counts are exact and do not depend on the machine's speed, so this fails (1) when a layer costs more than
# the budget: 3 calls before the mount, where the checks are, and 1 behind it, to read its link again.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.bash disable=SC1091
source "$here/common.bash"
bench_enter "$here/${0##*/}" "$@"
bench_prepare

max_before=3 max_after=1
declare -A before after

printf '%-8s %8s %14s %14s %8s\n' layers calls 'to the mount' 'behind it' floor
for depth in "${BENCH_DEPTHS[@]}"; do
	bench_floor "$depth"
	bench_count calls
	floor=${BENCH_COUNT[calls]}
	bench_ovlrun "$depth"
	bench_count calls
	after[$depth]=${BENCH_COUNT[after_mount]}
	before[$depth]=$((BENCH_COUNT[calls] - BENCH_COUNT[after_mount]))
	printf '%-8s %8s %14s %14s %8s\n' "$depth" "${BENCH_COUNT[calls]}" "${before[$depth]}" "${after[$depth]}" "$floor"
done

# slope CALLS_LOW CALLS_HIGH LAYERS: calls a layer, two decimals
slope() {
	local hundredths=$(((($2 - $1) * 100) / $3))
	printf '%d.%02d' $((hundredths / 100)) $((hundredths % 100))
}

status=0
for pair in "2 8" "8 128"; do
	read -r low high <<<"$pair"
	layers=$((high - low))
	add_before=$((before[$high] - before[$low])) add_after=$((after[$high] - after[$low]))
	printf '%d to %d layers: %s calls a layer to the mount (budget %d), %s behind it (budget %d)\n' "$low" "$high" \
		"$(slope 0 "$add_before" "$layers")" "$max_before" "$(slope 0 "$add_after" "$layers")" "$max_after"
	if ((add_before > max_before * layers || add_after > max_after * layers)); then
		status=1
	fi
done
((status == 0)) || echo "over the budget of calls a layer" >&2
exit "$status"
