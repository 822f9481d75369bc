#!/bin/sh
# SPDX-License-Identifier: MIT
# check-binary.sh FILE: refuses a file that must not be installed setuid root, or not boot a machine.
set -eu
file=$1
case $file in # bytes
*/ovlinit) max=65536 ;;
*) max=131072 ;; # design, section 8
esac

fail() {
	echo "$file: $1" >&2
	rm -f -- "$file"
	exit 1
}

headers=$(LC_ALL=C readelf --wide --file-header --segments --dynamic "$file")
has() { printf '%s\n' "$headers" | grep -Eq -- "$1"; }

has '^ *Type: +DYN' || fail "not position-independent (ET_DYN)"
has '^ *INTERP' && fail "it asks for a program interpreter: it is not static"
has 'NEEDED' && fail "it needs shared libraries"
has '^ *GNU_RELRO' || fail "no read-only relocations (RELRO)"
has 'BIND_NOW|FLAGS_1.*NOW' || fail "not bound at start (-z now)"
has '^ *GNU_STACK .* RW ' || fail "its stack is executable, or nothing is said about it"
has '^ *LOAD .* RWE ' && fail "a segment is both writable and executable"
has 'TEXTREL' && fail "relocations in its code"
! grep -q OVL_FAULT "$file" || fail "it has the fault points of a test build"
size=$(wc -c <"$file")
[ "$size" -le $max ] || fail "$size bytes, over the budget of $max"
echo "$file: static PIE, RELRO, $size bytes of $max"
