# shellcheck shell=bash disable=SC2154 # sourced by run, after lib.bash
# SPDX-License-Identifier: MIT
# The kernel's command line: words that are wrong, said twice or missing, and a line as long as the kernel takes.

mkdir "$tmp/d"
tree "$tmp/d/overlay2" 3
three=$id two=$(tree_id 2)
ext4 "$tmp/disk" 32m "$tmp/d"
initramfs "$tmp/plain"
root=ovl.root=/dev/vda stack=ovl.stack=$three fallback=ovl.fallback=$two

# wrong WORDS REGEX: the message names it, then the fallback boots.
wrong() {
	booted "$tmp/plain" "$1 $fallback" "$tmp/disk"
	saw "^ovlinit: cannot .*$2" "^ovlinit: note: .*fallback.*$two" '^init: layers layer1 layer2$'
}
scenario 'words: an unknown one' wrong "$root $stack ovl.stak=$three" 'ovl\.stak='
scenario 'words: one without a value' wrong "$root $stack ovl.tree" 'ovl\.tree'
scenario 'words: a repeated one' wrong "$root $stack $stack" 'ovl\.stack='
scenario 'words: a repeated one, with another value' wrong "$root $stack ovl.upper=none ovl.upper=tmpfs" 'ovl\.upper=tmpfs'
scenario 'words: no stack' wrong "$root" 'stack'
scenario 'words: an upper that is none' wrong "$root $stack ovl.upper=floppy" floppy
scenario 'words: a size that is none' wrong "$root $stack ovl.upper=tmpfs:lots" 'tmpfs:lots'
scenario 'words: an upper that leads up' wrong "$root $stack ovl.upper=/dev/vda:/../x" '/dev/vda:/\.\./x'
scenario 'words: seconds that are no number' wrong "$root $stack ovl.wait=soon" soon
scenario 'words: an end that there is not' wrong "$root $stack ovl.onfail=dance" dance
scenario 'words: an init that is no path' wrong "$root $stack ovl.init=init" init

hopeless() {
	boot "$tmp/plain" "$1" "$tmp/disk"
	await "^ovlinit: cannot .*$2"
	await '^ovlinit: note: nothing could be booted: halting'
	await 'System halted'
}
scenario 'words: none at all' hopeless '' stack
scenario 'words: no root' hopeless "$stack" root
scenario 'words: a root that is none' hopeless "$stack ovl.root=sda" sda
scenario 'words: a wrong one and no fallback' hopeless "$root $stack ovl.foo=1" 'ovl\.foo'

# long LENGTH WORDS END: a command line of LENGTH bytes in all, END at its end.
long() {
	local head="$boot_always $boot_quiet $2" end=$3 pad
	printf -v pad '%*s' $(($1 - ${#head} - ${#end} - 6)) ''
	boot "$tmp/plain" "$2 pad=${pad// /x} $end" "$tmp/disk"
	finish
}
fits() {
	long 2047 "$root" "$stack"
	saw '^init: layers layer1 layer2 layer3$'
	unseen '^ovlinit:'
}
# Boot loaders cut what is longer, without a word. (This kernel does not always start if they do not.)
is_cut() {
	long 2047 "$root $fallback" "${stack%?}"
	saw "^ovlinit: cannot .*${three%?}:" "^ovlinit: note: .*fallback.*$two" '^init: layers layer1 layer2$'
}
scenario 'words: a line as long as the kernel takes' fits
scenario 'words: a line that was cut within the stack' is_cut

debug() {
	booted "$tmp/plain" "$root $stack ovl.debug" "$tmp/disk"
	saw '^ovlinit: debug: ' '^init: layers layer1 layer2 layer3$'
	unseen '^ovlinit: cannot'
}
scenario 'words: ovl.debug says what is done' debug

all_ran
