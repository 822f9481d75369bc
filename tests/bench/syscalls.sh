#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# syscalls.sh: system calls of one `ovlrun --bare` at 2 to 128 layers, and how many each layer adds; and of launches
# that are not bare, at 2 layers.
#
# Counts are exact and do not depend on the machine's speed, so this fails (1) when a layer costs more than
# the budget: 3 calls before the mount, where the checks are, and 1 behind it, to read its link again; or when
# a launch makes more calls than it did when this was written.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.bash disable=SC1091
source "$here/common.bash"
bench_enter "$here/${0##*/}" "$@"
bench_prepare

max_before=3 max_after=1
# With three files of the host's in /etc, and one call for each capability that the kernel knows. Those of the process
# that holds the id map of -u, which does nothing, are not counted.
caps=$(($(</proc/sys/kernel/cap_last_cap) + 1))
max_default=$((271 + caps)) max_userns=$((290 + caps))
for file in resolv.conf hosts hostname; do
	[[ -s /etc/$file ]] || echo localhost >"/etc/$file"
done
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
for row in "default $max_default" "userns $max_userns -u"; do
	read -r name budget options <<<"$row"
	# shellcheck disable=SC2086 # words
	bench_default 2 $options
	bench_count calls
	echo "2 layers, $name: ${BENCH_COUNT[calls]} calls (budget $budget)"
	((BENCH_COUNT[calls] <= budget)) || status=1
done
((status == 0)) || echo "over the budget of calls" >&2
exit "$status"
