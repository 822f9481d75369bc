#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# launch.sh [RUNS]: how long a launch takes (300 of each row), bare compared with the floor, and whole with
# bubblewrap, and what it is made of.
#
# Times are for reading: they depend on the machine, so going over a goal does not fail. A launch that fails
# does. What can be held exactly, the number of calls, is held by syscalls.sh.
#
# The last allowed cpu is used for everything, or BENCH_CPU.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.bash disable=SC1091
source "$here/common.bash"
runs=${1:-300}
[[ $runs =~ ^[1-9][0-9]*$ ]] || bench_die "usage: launch.sh [RUNS]"
bench_need bwrap strace setpriv
bench_enter "$here/${0##*/}" "$runs"
bench_prepare

cpu=${BENCH_CPU:-$(awk '/^Cpus_allowed_list:/ { n = split($2, part, /[-,]/); print part[n] }' /proc/self/status)}
declare -A goal=([2]=1.35 [8]=1.35 [32]=1.6 [128]=1.6)
default_depths=(2 8 32) default_goal=0.5 userns_goal=500 # microseconds more than without -u
traces=15
size_budget=131072 memory_budget=512 # bytes; KiB
scratch=$LAB/bench.out
mkdir "$scratch"

# One plain directory for bubblewrap, with the mount points that it cannot make when the directory is read-only.
plain=$LAB/plain
mkdir -p "$plain"/{dev,proc,sys}
install -m 0755 "$BENCH_TOP/build/bench/nop" "$plain/nop"
bench_bwrap "$plain"
full=("$bwrap" --ro-bind "$plain" / --dev /dev --proc /proc --ro-bind /sys /sys /nop)

verdict() { if (($1 <= $2)); then echo within; else echo over; fi; }
print_times() {
	awk -F '\t' -v depth="$1" -v goal="$2" '
		function word(ratio) { return ratio <= goal ? "within" : "over" }
		{
			held = $1 ~ /^ovlrun/ # what the goal is for
			printf "%6s  %-28s %8.0f %8.0f %7.2f %11s %-6s %7.2f %-6s %s\n", depth, $1, $2, $3, $6,
				sprintf("(%.2f-%.2f)", $7, $8), held ? word($6) : "", $5, held ? word($5) : "",
				held ? goal : ""
		}' "$scratch/times"
}

echo "== time of a launch"
echo "$runs of each row, interleaved in random order on cpu $cpu, called by uid $BENCH_UID; microseconds from start to reaped"
read -r load _ </proc/loadavg
echo "load average before: $load (when others keep the machine busy, that time is in all rows and the ratios shrink)"
echo "bwrap $("$bwrap" --version | awk '{ print $2 }') runs $how_bwrap, on one plain directory"
echo "x floor: middle of the ratios within a round (95 % bounds); 'floor again' shows the noise of this run"
printf '%6s  %-28s %8s %8s %7s %11s %-6s %7s %-6s %s\n' layers row p50 p99 'x floor' '' '' p99 '' goal
for depth in "${BENCH_DEPTHS[@]}"; do
	bench_floor "$depth"
	floor=("${BENCH_CMD[@]}")
	bench_ovlrun "$depth"
	"$BENCH_TOP/build/bench/timer" -n "$runs" -c "$cpu" -u "$BENCH_UID" \
		floor "${floor[@]}" \
		::: 'floor again' "${floor[@]}" \
		::: 'ovlrun --bare' "${BENCH_CMD[@]}" \
		::: 'bwrap, a bind only' "$bwrap" --bind "$plain" / /nop \
		::: 'bwrap, /dev /proc /sys' "${full[@]}" \
		>"$scratch/times"
	print_times "$depth" "${goal[$depth]}"
done

echo
echo "== the default launch, with /dev, /proc, /sys, resolv.conf, passwd and group, against bwrap with the first three"
printf '%6s  %-28s %8s %8s %7s %11s %-6s %7s %-6s %s\n' layers row p50 p99 'x bwrap' '' '' p99 '' goal
for depth in "${default_depths[@]}"; do
	bench_default "$depth"
	default=("${BENCH_CMD[@]}")
	bench_default "$depth" -u
	"$BENCH_TOP/build/bench/timer" -n "$runs" -c "$cpu" -u "$BENCH_UID" \
		'bwrap, /dev /proc /sys' "${full[@]}" \
		::: ovlrun "${default[@]}" \
		::: '-u' "${BENCH_CMD[@]}" \
		>"$scratch/times"
	print_times "$depth" "$default_goal"
	more=$(awk -F '\t' '{ p50[$1] = $2 } END { printf "%.0f", p50["-u"] - p50["ovlrun"] }' "$scratch/times")
	echo "        -u takes $more microseconds more at p50, $(verdict "$more" "$userns_goal") $userns_goal"
done

echo
echo "== what each part costs at ${default_depths[0]} layers (microseconds; more: the middle of the ratios within a round, as time)"
printf '        %-34s %8s %8s %8s\n' row p50 p99 more
bench_default "${default_depths[0]}"
rows=('the default launch' "${BENCH_CMD[@]}")
for options in --bare '--dev none' --no-proc --no-sys '--dev none --no-proc --no-sys' -r -u '-u -r' '--unshare uts' \
	'--unshare ipc' '--unshare net' '--unshare pid' '-u --unshare pid'; do
	# shellcheck disable=SC2086 # words
	bench_default "${default_depths[0]}" $options
	rows+=(::: "$options" "${BENCH_CMD[@]}")
done
"$BENCH_TOP/build/bench/timer" -n "$runs" -c "$cpu" -u "$BENCH_UID" "${rows[@]}" |
	awk -F '\t' 'NR == 1 { base = $2 } { printf "        %-34s %8.0f %8.0f %+8.0f\n", $1, $2, $3, ($6 - 1) * base }'

echo
echo "== what a launch is made of"
printf '%6s  %-14s %7s %13s %12s %9s\n' layers row calls instructions 'page faults' 'peak KiB'
peak=0
for depth in "${BENCH_DEPTHS[@]}"; do
	for row in floor ovlrun; do
		"bench_$row" "$depth"
		bench_count instructions
		printf '%6s  %-14s %7d %13d %12d %9d\n' "$depth" "$row" "${BENCH_COUNT[calls]}" \
			"${BENCH_COUNT[instructions]}" "${BENCH_COUNT[faults]}" "${BENCH_COUNT[hwm_kib]}"
		if [[ $row == ovlrun ]] && ((BENCH_COUNT[hwm_kib] > peak)); then
			peak=${BENCH_COUNT[hwm_kib]}
		fi
	done
done
size=$(stat -c %s "$BENCH_TOP/build/ovlrun")
echo "memory before exec: $peak KiB, $(verdict "$peak" "$memory_budget") $memory_budget KiB"
echo "size of ovlrun: $size bytes, $(verdict "$size" "$size_budget") $size_budget bytes"

# trace ROW DEPTH: one line per system call, in order: MICROSECONDS CALL(ARGUMENTS). A call's cost is the time
# from its start to the start of the next one, so the program's own work behind it is in it. It is the median
# of several launches less strace's own share, which is that of the cheapest call; to make that share nearly
# the same for all, these launches are traced without reading the arguments, which come from one more.
trace() {
	local i file=$scratch/trace under=(taskset -c "$cpu" strace -u "$(id -nu "$BENCH_UID")")
	"bench_$1" "$2"
	rm -f "$file".*
	"${under[@]}" -s 64 -o "$file.text" "${BENCH_CMD[@]}"
	for ((i = 0; i < traces; i++)); do
		"${under[@]}" -r -e raw=all -o "$file.time.$i" "${BENCH_CMD[@]}"
	done
	awk '
		function name(line) { return substr(line, 1, index(line, "(") - 1) }
		FNR == 1 { file++; n = 0 }
		file == 1 { # the text; its other lines speak of the end
			if (/^[a-z_0-9]+\(/)
				text[++calls] = $0
			next
		}
		n > 0 { cost[n, file] = $1 * 1e6 }
		$2 ~ /^[a-z_0-9]+\(/ {
			n++
			if (name($2) != name(text[n])) {
				print "launches differ at call " n ": " name(text[n]) ", " name($2) >"/dev/stderr"
				exit 1
			}
			next
		}
		{ n = 0 }
		END {
			least = 1e9
			for (i = 1; i < calls; i++) { # the last one is the payload ending
				for (f = 2; f <= file; f++) {
					for (b = f; b > 2 && v[b - 1] > cost[i, f]; b--)
						v[b] = v[b - 1]
					v[b] = cost[i, f]
				}
				middle[i] = v[int(file / 2) + 1]
				if (middle[i] < least)
					least = middle[i]
			}
			for (i = 1; i < calls; i++)
				printf "%.0f %s\n", middle[i] - least, text[i]
		}' "$file.text" "$file".time.*
}

# The stages of a launch, told apart by the calls that open and close them.
by_stage() {
	awk '
		BEGIN {
			last = split("exec of ovlrun|before isolate|isolate|tree|mount|rootfs|drop, payload", name, "|")
			stage = 1
		}
		NR == 2 { stage = 2 }
		stage == 2 && $2 ~ /^unshare\(/ { stage = 3 }
		stage == 3 && isolated { stage = 4 }
		stage == 4 && $2 " " $3 ~ /^(mount\("[a-z]+", .*|fsopen\()/ { stage = 5 }
		stage == 6 && detached { stage = 7 }
		{ calls[stage]++; spent[stage] += $1 }
		$2 ~ /^mount\(/ && /MS_PRIVATE|MS_SLAVE/ { isolated = 1 }
		$2 ~ /^umount2\(/ { detached = 1 }
		stage == 5 && $2 ~ /^(mount\("overlay|move_mount\()/ { stage = 6 }
		END {
			for (i = 1; i <= last; i++)
				printf "        %-18s %5d %8d\n", name[i], calls[i], spent[i]
		}' "$1"
}

# Calls by name, the dear ones one by one.
by_call() {
	awk -v least=10 '
		function row(name, a, b, c, d) {
			printf "        %-18s %5d %8d %9d %8d\n", name, a, b, c, d
		}
		{ name = $2; sub(/\(.*/, "", name) }
		FNR == NR { calls[name]++; spent[name] += $1; next }
		{ floor_calls[name]++; floor_spent[name] += $1; calls[name] += 0 }
		END {
			for (name in calls) {
				if (spent[name] >= least || floor_spent[name] >= least) {
					row(name, calls[name], spent[name], floor_calls[name], floor_spent[name])
					continue
				}
				a += calls[name]; b += spent[name]; c += floor_calls[name]; d += floor_spent[name]
			}
			row("(all others)", a, b, c, d)
		}' "$1" "$2" | sort -b -k3,3nr
}

echo
echo "== what each stage costs (strace -r, median of $traces; microseconds, strace's own share taken off)"
for depth in "${BENCH_DEPTHS[@]}"; do
	trace ovlrun "$depth" >"$scratch/ovlrun.$depth"
	trace floor "$depth" >"$scratch/floor.$depth"
	printf '%6d  %-18s %5s %8s\n' "$depth" 'stage of ovlrun' calls us
	by_stage "$scratch/ovlrun.$depth"
	printf '%6d  %-18s %5s %8s %9s %8s\n' "$depth" call calls us 'in floor' us
	by_call "$scratch/ovlrun.$depth" "$scratch/floor.$depth"
done
