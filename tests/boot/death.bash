# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Power lost at 30 moments of boots with an upper on the disk: the next boot comes up, and what was synced is there.
#
# What the guest has flushed is in qemu's file, and so in the host's page cache: SIGKILL of qemu takes away what it has not.

deaths=30
seed=${OVL_SEED-$RANDOM}
RANDOM=$seed
mkdir "$tmp/d"
tree "$tmp/d/overlay2" 2
# Each boot checks what there is, then goes on writing: file N has N in it, and is named on the console when it is synced.
init_script "$base" <<'END'
mkdir -p /data
bad=0 n=0
while [ -e /data/$((n + 1)) ]; do
	n=$((n + 1))
	[ "$(cat /data/$n)" = "$n" ] || bad=$n
done
say "have $n bad $bad"
[ -z "$(grep -o quick /proc/cmdline)" ] || { say done; poweroff -f; }
end=$((n + 30))
while [ $n -lt $end ]; do
	n=$((n + 1))
	echo $n >/data/$n
	rm -f /layer1 /etc/passwd.$((n - 1)); cp /etc/passwd /etc/passwd.$n; echo $n >/layer1
	sync
	echo "synced $n" >/dev/console
done
END
ext4 "$tmp/disk" 64m "$tmp/d" -L machine
initramfs "$tmp/plain"
words="ovl.root=LABEL=machine ovl.stack=$id ovl.upper=LABEL=machine:/state"

# died MS: a boot that is killed so many milliseconds after qemu's start. Its last synced file is left in $synced.
died() {
	local end number status
	boot "$tmp/plain" "$words"  "$tmp/disk"
	end=$((${EPOCHREALTIME/./} / 1000 + $1))
	while :; do
		number=$((end - ${EPOCHREALTIME/./} / 1000))
		[ "$number" -gt 0 ] || break
		status=0
		next_line "$((number / 1000)).$(printf %03d $((number % 1000)))" || status=$?
		[[ ! $line =~ ^synced\ ([0-9]+)$ ]] || synced=${BASH_REMATCH[1]}
		[ "$status" != 1 ] || break # it has ended by itself
	done
	stop
}

# How long a boot takes here and now, so that the moments are spread over it and the writing.
measured() {
	local begin=${EPOCHREALTIME/./}
	boot "$tmp/plain" "$words" "$tmp/disk"
	await '^synced 20$'
	synced=20
	span=$(((${EPOCHREALTIME/./} - begin) / 1000))
	stop
	echo "$span $synced" >"$tmp/span"
}

# survives N: one death at a random moment, and the boot behind it.
survives() {
	read -r span synced <"$tmp/span"
	local have moment=$((span / 5 + (RANDOM * 32768 + RANDOM) % span))
	died "$moment"
	booted "$tmp/plain" "$words quick" "$tmp/disk"
	[[ $(<"$console") =~ init:\ have\ ([0-9]+)\ bad\ 0 ]] || fail "no whole files after a death at $moment ms (seed $seed)"
	have=${BASH_REMATCH[1]}
	unseen '^ovlinit:' 'EXT4-fs error'
	[ "$have" -ge "$synced" ] || fail "synced $synced, but there are $have (death at $moment ms, seed $seed)"
	echo "$span $have" >"$tmp/span"
	echo "figure: killed after $moment of $span ms: synced $synced, there are $have"
}

echo "# seed $seed"
scenario 'death: a boot that writes and syncs' measured
for ((n = 1; n <= deaths; n++)); do
	scenario "death: at moment $n" survives "$n"
done
all_ran
