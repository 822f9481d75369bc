# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# Layers that are broken: a message that names what is wrong, then the fallback, with its upper in memory.

mkdir "$tmp/d"
T=$tmp/d/overlay2
tree "$T" 2
good=$id
init_script "$base" <<'END'
say "state $(awk '$2 == "/run/ovl/state" { print $3 }' /proc/mounts)"
touch /x && say wrote
END

# layer N [PARENT]: a layer on the good ones; damage is done to it by the caller. $bad, $link: its names.
layer() {
	bad=$(tree_id "$1") link=$(tree_link "$1")
	tree_layer "$T" "$bad" "$link" "${2-$good}"
}
layer 11
ln -sfn "../$good/diff" "$T/l/$link"
layer 12
ln -sfn /etc "$T/l/$link"
layer 13
rmdir "$T/$bad/diff"
layer 14
layer 15 "$(tree_id 14)"
rmdir "$T/$(tree_id 14)/diff"
layer 16
printf 'l/short' >"$T/$bad/lower"
layer 17
printf 'l/%s:../../etc' "$(tree_link 2)" >"$T/$bad/lower"
layer 18
chown 1000:1000 "$T/$bad"
layer 19
layer 20 "$(tree_id 19)"
chown 1000:1000 "$T/$(tree_id 19)"
layer 21
chmod 0777 "$T/$bad"
layer 22
printf %s "$(tree_link 2)" >"$T/$bad/link"
layer 23
rm "$T/l/$link"
ext4 "$tmp/disk" 32m "$tmp/d"
mkdir "$tmp/u"
mv "$T" "$tmp/u/tree"
chown 1000 "$tmp/u/tree"
ext4 "$tmp/users" 32m "$tmp/u"
initramfs "$tmp/plain"
words="ovl.root=/dev/vda ovl.fallback=$good"

# falls STACK REGEX [WORDS]: the message is as REGEX says, and the fallback comes up.
falls() {
	booted "$tmp/plain" "$words ovl.stack=$1 ${3-}" "$tmp/disk"
	saw "^ovlinit: cannot .*$2" "^ovlinit: note: .*fallback.*$good" '^init: layers layer1 layer2$'
	case ${3-} in
	*none*) unseen '^init: wrote' ;;
	*) saw '^init: state tmpfs$' '^init: wrote$' ;;
	esac
}
scenario 'damage: a link to another layer' falls "$(tree_id 11)" "$(tree_id 11): .*link"
scenario 'damage: a link out of the tree' falls "$(tree_id 12)" "$(tree_link 12)"
scenario 'damage: no diff in the layer' falls "$(tree_id 13)" "$(tree_id 13)/diff"
scenario 'damage: no diff in a lower layer' falls "$(tree_id 15)" "$(tree_id 14)/diff"
scenario 'damage: a lower with a malformed name' falls "$(tree_id 16)" "$(tree_id 16)/lower"
scenario 'damage: a lower that leads out' falls "$(tree_id 17)" "$(tree_id 17)/lower"
scenario "damage: a user's layer" falls "$(tree_id 18)" "$(tree_id 18)"
scenario "damage: a user's lower layer" falls "$(tree_id 20)" "$(tree_id 19)"
scenario 'damage: a layer that others may write to' falls "$(tree_id 21)" "$(tree_id 21)"
scenario 'damage: a link file that names another layer' falls "$(tree_id 22)" "$(tree_id 22)"
scenario 'damage: a link that is gone' falls "$(tree_id 23)" "$(tree_link 23)"
scenario 'damage: a layer that is not there' falls "$(tree_id 99)" "$(tree_id 99)"
scenario 'damage: a stack that is no name' falls ../etc '\.\./etc'
scenario 'damage: one of several layers is not there' falls "$good:$(tree_id 99)" "$(tree_id 99)"
scenario 'damage: read-only, the fallback is read-only too' falls "$(tree_id 13)" "$(tree_id 13)/diff" ovl.upper=none
scenario 'damage: with an upper on the disk, the fallback writes to memory' \
	falls "$(tree_id 13)" "$(tree_id 13)/diff" ovl.upper=/dev/vda:/state

# What is wrong with the tree is wrong for the fallback too.
hopeless() {
	boot "$tmp/plain" "$words ovl.stack=$good $1" "$3"
	await "^ovlinit: cannot .*$2"
	await "^ovlinit: note: .*fallback"
	await "^ovlinit: cannot .*$2"
	await '^ovlinit: note: nothing could be booted: halting'
	await 'System halted'
}
scenario 'damage: no tree there' hopeless ovl.tree=/nowhere /nowhere "$tmp/disk"
scenario "damage: a user's tree" hopeless ovl.tree=/tree /tree "$tmp/users"

all_ran
