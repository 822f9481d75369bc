#!/bin/sh
# SPDX-License-Identifier: MIT
# tcb.sh MAX FILE...: lines of code per file (comments and blank lines not counted) of what is linked
# into a program; fails past 300 a file, 60 a function, and MAX in all.
# Headers are contracts: they are shown, held to 300 a file, and not part of the sum.
#
# ovlrun and its core: the design wants 3,000. What it lists for the inside of a launch did not fit (src/README.md);
# the Makefile holds the sum where it is, so that it only goes down.
set -eu
max=$1
shift
exec awk -v max="$max" '
function finish() {
	if (file == "") return
	printf "%6d  %s\n", code, file
	if (file !~ /\.h$/) total += code
	if (code > 300) { printf "        over 300 lines: %s\n", file; bad = 1 }
}
FNR == 1 { finish(); file = FILENAME; code = 0; comment = 0; start = 0 }
{
	line = $0
	gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
	gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
	sub(/\/\/.*/, "", line)
	if (comment) {
		if (!match(line, /\*\//)) next
		line = substr(line, RSTART + 2); comment = 0
	}
	if (match(line, /\/\*/)) { line = substr(line, 1, RSTART - 1); comment = 1 }
	if (line !~ /[^ \t]/) next
	code++
	if (line ~ /^\{/) start = code
	if (line ~ /^\}/ && start) {
		if (code - start - 1 > 60) {
			printf "        a function of %d lines ends at %s:%d\n", code - start - 1, file, FNR
			bad = 1
		}
		start = 0
	}
}
END {
	finish()
	printf "%6d  in all, of %d\n", total, max
	if (total > max) bad = 1
	exit bad
}' "$@"
