# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion of ovlrun's options and images for bash. The options are those of --help.

_ovlrun() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} images=/etc/ovlrun.d/images list
	COMPREPLY=()
	# A colon parts words for bash, and names of images have one: bash-completion puts them together.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n : -c word -p before
	fi
	case $before in
	--dev) list='minimal host none' ;;
	--unshare) list='pid ipc uts net cgroup' ;;
	-t | --tree | -b | --bind | --check-policy)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	*)
		if [[ $word == -* ]]; then
			list=$("$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)
		else
			list=$(cd "$images" 2>/dev/null && find . -type f -printf '%P\n' | grep -v '[^A-Za-z0-9._:/-]') # compgen expands
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$word"
	fi
}
complete -o default -F _ovlrun ovlrun
