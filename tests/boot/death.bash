# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Power lost at 30 random moments of boots with an upper on the disk: the next boot comes up, and what was synced is there.
# It is one disk, from the first death to the last. OVL_SEED=N chooses the moments.
#
# What the guest has flushed is in qemu's file, and so in the host's page cache: SIGKILL of qemu takes away what it has not.

deaths=30
seed=${OVL_SEED-$RANDOM}
mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
# Counts the files /n/1, /n/2 and so on that are whole; file N has N in it. Then goes on with them, if asked to.
init_script "$base" <<'END'
mkdir -p /n
n=0
while read -r text 2>/dev/null </n/$((n + 1)) && [ "$text" = $((n + 1)) ]; do
	n=$((n + 1))
done
say "has $n"
while [ "$*" = write ]; do
	n=$((n + 1))
	echo $n >/n/$n
	rm -f /layer1 /etc/passwd.$((n - 1))
	cp /etc/passwd /etc/passwd.$n
	echo $n >/layer1
	sync
	say "synced $n"
done
END
ext4 "$tmp/disk" 64m "$tmp/d" -L machine
initramfs "$tmp/plain"
words="ovl.root=LABEL=machine ovl.stack=$id ovl.debug ovl.upper=LABEL=machine:"

micros() {
	echo "${EPOCHREALTIME/[.,]/}"
}
# A boot's three parts, by the line with which each begins: the kernel, ovlinit, the stack's init. The host may be busier
# at one death than at another: a moment counts from the line, not from the start of the machine.
begins=('' '^ovlinit: debug: ' '^init: pid 1')
# How long they take here and now; the last until it has written for a while.
measured() {
	local part begin now
	local -a ends=("${begins[@]:1}" '^init: synced 10$')
	begin=$(micros)
	boot "$tmp/plain" "$words/state -- write" "$tmp/disk"
	for part in 0 1 2; do
		await "${ends[part]}"
		now=$(micros)
		echo $(((now - begin) * 5 / 4)) >"$tmp/part$part"
		begin=$now
	done
	stop
	echo 10 >"$tmp/synced/state"
}

# died PART MOMENT PATH: a boot that is killed so many millionths into that part. What it had said to be synced last is
# left in $synced, and where it was in $where.
died() {
	local end left status lines length share=$2
	length=$(<"$tmp/part$1")
	boot "$tmp/plain" "$words$3 -- write" "$tmp/disk"
	[ -z "${begins[$1]}" ] || await "${begins[$1]}"
	# ovlinit's part is short: a moment there is one of its lines, and a little later.
	if [ "$1" = 1 ]; then
		for ((lines = share * 9 / 1000000; lines > 0; lines--)); do await "${begins[1]}"; done
		length=$((length / 12)) share=$((share % 1000 * 1000))
	fi
	end=$(($(micros) + length * share / 1000000))
	while left=$((end - $(micros))) && [ "$left" -gt 0 ]; do
		status=0
		printf -v left '%d.%06d' $((left / 1000000)) $((left % 1000000))
		next_line "$left" || status=$?
		[ "$status" != 1 ] || fail "the machine ended by itself: $ended" || return
	done
	kill -KILL "$qemu"
	while next_line; do :; done # what it had said by then
	synced=$(sed -n 's/^init: synced \([0-9]*\)$/\1/p' "$console" | tail -n 1)
	where=kernel
	! grep -q '^ovlinit: ' "$console" || where=ovlinit
	! grep -qE '^(ovlinit: debug: starting|init: )' "$console" || where=init
	[ -z "$synced" ] || where=writing
	echo "$where" >>"$tmp/where"
}

# survives PART MOMENT PATH: a death, and the boot behind it.
survives() {
	local synced where has before=0
	[ ! -e "$tmp/synced$3" ] || before=$(<"$tmp/synced$3")
	died "$1" "$2" "$3"
	synced=${synced:-$before}
	booted "$tmp/plain" "$words$3" "$tmp/disk" || fail "after a death in $where" || return
	unseen '^ovlinit: cannot' 'EXT4-fs error'
	has=$(sed -n 's/^init: has //p' "$console")
	[ "$has" -ge "$synced" ] || fail "synced $synced, but there are $has after a death in $where" || return
	echo "$has" >"$tmp/synced$3"
	echo "figure: killed in $where: synced $synced, has $has"
}

echo "# seed $seed"
mkdir "$tmp/synced"
scenario 'death: a boot that writes and syncs' measured
# Random numbers are drawn here: the scenarios' own processes would have others. Every fifth death is on an upper of its
# own, so that the making of one is interrupted, too.
RANDOM=$seed
for ((n = 1; n <= deaths; n++)); do
	moment=$(((RANDOM * 32768 + RANDOM) * 1000000 / 1073741824)) path=/state
	[ $((n % 5)) != 0 ] || path=/state$n
	scenario "death: $n, at $moment of 1000000 of part $((n % 3))" survives $((n % 3)) "$moment" "$path"
done
spread() {
	local where
	echo "figure: deaths in: $(sort "$tmp/where" | uniq -c | tr -s '\n ' ' ')"
	for where in ovlinit writing; do
		grep -q "$where" "$tmp/where" || fail "no death in: $where" || return
	done
	e2fsck -fy "$tmp/disk" >"$tmp/fsck" 2>&1 || [ $? = 1 ] || fail "$(<"$tmp/fsck")"
}
scenario 'death: the moments are spread, and the disk is whole' spread
all_ran
