# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts here share. To be sourced by them.

BENCH_TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
BENCH_DEPTHS=(2 8 32 128)
BENCH_UID=65534

bench_die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

bench_need() {
	local tool
	for tool; do
		command -v -- "$tool" >/dev/null || bench_die "$tool is missing (packaging/deps.sh bench installs it)"
	done
}

# bench_compile NAME COMPILER [FLAG...]: build/bench/NAME from tests/bench/NAME.c, if it is out of date.
bench_compile() {
	local out=$BENCH_TOP/build/bench/$1 src=$BENCH_TOP/tests/bench/$1.c
	if [[ $out -nt $src ]]; then
		return
	fi
	"$2" -std=gnu11 -O2 -Wall -Wextra -Werror "$src" "${@:3}" -o "$out.new"
	mv -- "$out.new" "$out"
}

bench_build() {
	local musl=${MUSL_CC:-}
	if [[ -z $musl ]]; then
		musl=$(command -v musl-gcc || command -v cc) # on a musl system, its own compiler
	fi
	mkdir -p "$BENCH_TOP/build/bench"
	bench_compile timer "${CC:-cc}" -lm
	bench_compile count "${CC:-cc}"
	bench_compile floor "$musl" -static -s
	bench_compile nop "${CC:-cc}" -static -nostdlib -s
}

# bench_enter SCRIPT [ARG...]: returns inside the lab, where everything vanishes with the last process.
bench_enter() {
	[[ -n ${BENCH_INSIDE:-} ]] && return
	[[ $(id -u) == 0 ]] || bench_die "must run as root: it mounts, and installs a setuid program in a private lab"
	[[ -x $BENCH_TOP/build/ovlrun ]] || bench_die "build/ovlrun is missing: run make first"
	bench_build
	export BENCH_INSIDE=1
	exec "$BENCH_TOP/tests/lib/lab" "$@"
}

# Trees of all depths under $LAB/bench, each with the payload as /nop in its base; a policy that offers
# them; the floor program, setuid like ovlrun. Sets BENCH_ID and BENCH_LOWERDIR by depth.
bench_prepare() {
	local depth dir id
	# shellcheck source=../lib/tree.bash disable=SC1091
	source "$BENCH_TOP/tests/lib/tree.bash"
	declare -gA BENCH_ID BENCH_LOWERDIR
	mkdir -p "$LAB/bench" "$LAB/bin" /run/ovlrun # the last for the floor, which does not make it
	chmod 0700 /run/ovlrun
	install -o 0 -g 0 -m 4755 "$BENCH_TOP/build/bench/floor" "$LAB/bin/floor"
	echo 'permit * any may bind,dev,unshare,userns' >/etc/ovlrun.conf
	echo "$BENCH_UID:200000:65536" | tee /etc/subuid >/etc/subgid
	chmod 0644 /etc/ovlrun.conf /etc/subuid /etc/subgid
	for depth in "${BENCH_DEPTHS[@]}"; do
		dir=$LAB/bench/$depth
		tree_init "$dir"
		id=$(tree_chain "$dir" "$depth")
		install -m 0755 "$BENCH_TOP/build/bench/nop" "$dir/$(tree_id 1)/diff/nop"
		BENCH_ID[$depth]=$id
		BENCH_LOWERDIR[$depth]="l/$(<"$dir/$id/link"):$(<"$dir/$id/lower")"
		printf 'tree %s\n' "$dir" >>/etc/ovlrun.conf
	done
}

# bench_ovlrun DEPTH, bench_floor DEPTH, bench_default DEPTH [OPTION...]: the launch's command into the array
# BENCH_CMD. The first two do the same; the last has all that a launch has when nothing is turned off.
bench_ovlrun() {
	BENCH_CMD=("$OVLRUN" --bare -t "$LAB/bench/$1" "${BENCH_ID[$1]}" /nop)
}

bench_default() {
	BENCH_CMD=("$OVLRUN" "${@:2}" -t "$LAB/bench/$1" "${BENCH_ID[$1]}" /nop)
}

bench_floor() {
	BENCH_CMD=("$LAB/bin/floor" "$LAB/bench/$1" "${BENCH_LOWERDIR[$1]}" "$BENCH_UID" /nop)
}

# bench_bwrap DIR: sets $bwrap to a bubblewrap that works for the user, and $how_bwrap to how it does.
bench_bwrap() {
	local try
	bwrap=$(command -v bwrap)
	how_bwrap="unprivileged, by a user namespace"
	try=(setpriv --reuid "$BENCH_UID" --regid "$BENCH_UID" --clear-groups "$bwrap" --bind "$1" / /nop)
	if ! "${try[@]}" 2>"$LAB/bwrap.err"; then
		# No user namespaces for users here: as a setuid program, which versions before 0.11 can be.
		install -o 0 -g 0 -m 4755 "$bwrap" "$LAB/bin/bwrap"
		bwrap=$LAB/bin/bwrap
		how_bwrap="setuid root, since user namespaces are closed to users here"
		try[5]=$bwrap
		"${try[@]}" || bench_die "bwrap works neither way; unprivileged: $(<"$LAB/bwrap.err")"
	fi
}

# bench_count calls|instructions: counts of one launch of BENCH_CMD into the associative array BENCH_COUNT;
# instructions takes a second launch, and a second or two.
bench_count() {
	local pair line flag=()
	if [[ $1 == instructions ]]; then
		flag=(-i)
	fi
	declare -gA BENCH_COUNT=()
	line=$("$BENCH_TOP/build/bench/count" "${flag[@]}" -u "$BENCH_UID" "${BENCH_CMD[@]}")
	for pair in $line; do
		# shellcheck disable=SC2034 # read by the scripts that source this
		BENCH_COUNT[${pair%%=*}]=${pair#*=}
	done
}
