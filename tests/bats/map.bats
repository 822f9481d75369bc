# SPDX-License-Identifier: MIT
# The table of tests/bats/README.md says what is there.

@test "every row of the threat model is in the table, with tests that carry its number, or is for later" {
	cd "$OVL_TOP/tests"
	for ((n = 1; n <= 56; n++)); do
		row=$(printf 'T%02d' $n)
		line=$(grep "^| $row |" bats/README.md)
		cell=${line##*| }
		[ "${line% | later, *}" = "$line" ] || continue
		files=$(grep -oE '[a-z_]+\.(bats|c)' <<<"${line#*|*|*|}")
		[ -n "$files" ]
		for file in $files; do
			case $file in
			*.bats) grep -q "^@test \"[^\"]*$row" "bats/$file" ;;
			*) grep -q "$row" "unit/$file" ;;
			esac || { echo "$row is not in $file: $cell" && return 1; }
		done
	done
}

@test "every file of tests is in the table of files" {
	cd "$OVL_TOP/tests/bats"
	for file in *.bats; do
		[ "$file" = map.bats ] || grep -q "^| $file |" README.md
	done
}
