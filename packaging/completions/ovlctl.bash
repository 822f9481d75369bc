# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion for ovlctl in bash. Verbs, options and what they take are read from --help, names from what ovlctl lists.

# Offers those lines of standard input that begin with WORD, behind PREFIX. Names come from metadata that nobody vouches
# for, and what is offered is put into a command line: none with a character that means something to a shell or a terminal.
_ovlctl_offer() { # WORD [PREFIX]
	local LC_ALL=C line
	while IFS= read -r line; do
		if [[ $line == "$1"* && $line != *[^A-Za-z0-9._:@/+,=-]* ]]; then
			COMPREPLY+=("${2-}$line")
		fi
	done
}

# Directories, and those lines of standard input that name one.
_ovlctl_offer_dirs() { # WORD
	local line
	compopt -o filenames
	mapfile -t COMPREPLY < <(
		{
			compgen -d -- "$1"
			while IFS= read -r line; do
				[[ $line != "$1"* || ! -d $line ]] || printf '%s\n' "$line"
			done
		} | sort -u
	)
}

# The trees of the policy, and the usual engines' roots.
_ovlctl_trees() {
	sed -n 's/^[[:blank:]]*tree[[:blank:]]\{1,\}\([^[:blank:]]*\).*/\1/p' /etc/ovlrun.conf /etc/ovlrun.d/*.conf 2>/dev/null
	printf '%s\n' /var/lib/docker /var/lib/containers/storage
}

_ovlctl() {
	local program=$1 word=${COMP_WORDS[COMP_CWORD]} cword=$COMP_CWORD verb option='' is_over='' line i
	local -a words=("${COMP_WORDS[@]}") options=() operands=() root=()
	local -A takes=() help=()
	COMPREPLY=()
	# A colon and an equals sign part words for bash: bash-completion puts them together.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n := -c word -w words -i cword
	fi
	verb=${words[1]}
	if ((cword < 2)); then
		_ovlctl_offer "$word" < <("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
		return
	fi

	# "Usage: ovlctl VERB [OPTION...] NAME DIR", and lines "  -o, --option ARGUMENT   help".
	while IFS= read -r line; do
		if [[ $line == 'Usage: '* ]]; then
			read -r -a operands <<<"${line#*'[OPTION...]'}"
		elif [[ $line =~ ^' '+((-[A-Za-z])', ')?(--[a-z-]+)(' '([^ ]+))?' '+(.*)$ ]]; then
			options+=("${BASH_REMATCH[3]}")
			for i in "${BASH_REMATCH[3]}" ${BASH_REMATCH[2]:+"${BASH_REMATCH[2]}"}; do
				takes[$i]=${BASH_REMATCH[5]} help[$i]=${BASH_REMATCH[6]}
			done
		fi
	done < <("$program" "$verb" --help 2>/dev/null)

	# What the words in front of this one leave for it: an option's argument, or the next operand.
	for ((i = 2; i < cword; i++)); do
		if [[ -n $option ]]; then
			[[ $option != -r && $option != --root ]] || root=(--root "${words[i]}")
			option=''
		elif [[ -z $is_over && ${words[i]} == -- ]]; then
			is_over=yes
		elif [[ -z $is_over && ${words[i]} == -* ]]; then
			[[ -z ${takes[${words[i]}]-} ]] || option=${words[i]}
			[[ ${words[i]} != --root=* ]] || root=("${words[i]}")
		else
			operands=("${operands[@]:1}")
		fi
	done
	if [[ -z $option$is_over && $word == --*=* ]]; then
		option=${word%%=*} word=${word#*=}
	fi

	if [[ -n $option ]]; then
		case $option:${takes[$option]-} in
		-r:* | --root:*) _ovlctl_offer_dirs "$word" < <(_ovlctl_trees) ;;
		*:WHO,...) _ovlctl_offer "${word##*,}" "${word%"${word##*,}"}" < <(compgen -u && compgen -g -P :) ;;
		*:FEATURE,...) _ovlctl_offer "${word##*,}" "${word%"${word##*,}"}" <<<"${help[$option]//, /$'\n'}" ;;
		*:tmpfs=*) compopt -o nospace && _ovlctl_offer "$word" <<<tmpfs= ;;
		esac
	elif [[ -z $is_over && $word == -* ]]; then
		_ovlctl_offer "$word" < <(printf '%s\n' "${options[@]}")
	else
		_ovlctl_operand "${operands[0]-}"
	fi
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$word"
	fi
}

# Layers only where no name begins so: there are many.
_ovlctl_operand() { # KIND, as in the usage text; with the variables of _ovlctl
	local list lists=''
	case $verb:$1 in
	revoke:NAME) lists=published ;;
	*:NAME) lists='images ls' ;;
	*:*'NAME|ID'*) lists='images containers ls' ;;
	*:*ROOT*) _ovlctl_offer_dirs "$word" < <(_ovlctl_trees) ;;
	*:DIR) _ovlctl_offer_dirs "$word" </dev/null ;;
	esac
	for list in $lists; do
		[[ $list != ls || ${#COMPREPLY[@]} == 0 ]] || continue
		_ovlctl_offer "$word" < <("$program" "$list" --quiet --no-trunc "${root[@]}" 2>/dev/null)
	done
}
complete -F _ovlctl ovlctl
