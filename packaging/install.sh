#!/bin/sh
# SPDX-License-Identifier: MIT
#
# packaging/install.sh install|uninstall [PACKAGE...]     what `make install` and `make uninstall` run
#
# The table is packaging/modes; with PACKAGE only the lines of these.
#
# Environment:
#   PREFIX   /usr/local
#   DESTDIR  put before every path, to build a package. Who is not root then keeps what he makes: the owners are the
#            packager's to set (fakeroot, dpkg-deb --root-owner-group)
#   GROUP    the setuid file for the members of this group only
#
# A file is written beside its place and renamed into it, so that nobody ever meets half of one. It has mode 0600 until
# content and owner are final: there is no moment at which somebody else's file, or half a file, is setuid root. The
# mode must come last anyway, since chown clears the setuid bit.
set -eu

die() {
	echo "install.sh: $*" >&2
	exit 1
}

# What another hard link still holds of a setuid program must not stay one: somebody may have kept it to wait for a hole
# to be found in it.
disarm() { # PATH
	if [ ! -L "$1" ] && [ -f "$1" ] && { [ -u "$1" ] || [ -g "$1" ]; }; then
		chmod 0 "$1"
	fi
}

remove_file() { # PATH
	disarm "$1"
	rm -f "$1"
}

set_owner() { # OWNER:GROUP PATH
	[ "$is_root" = no ] || chown "$1" "$2"
}

# Its name is fixed, so that what a killed installation left is found and removed by the next one.
temporary() { # PATH
	echo "${1%/*}/.${1##*/}.new"
}

install_file() { # SOURCE PATH OWNER:GROUP MODE
	[ ! -d "$2" ] || [ -L "$2" ] || die "$2 is a directory"
	mkdir -p "${2%/*}"
	new=$(temporary "$2")
	remove_file "$new"
	# -C: O_EXCL, never through a file or symlink that is there.
	(umask 077 && set -C && cat "$1" >"$new")
	set_owner "$3" "$new"
	chmod "$4" "$new"
	disarm "$2"
	mv -fT "$new" "$2"
	new=''
}

install_dir() { # PATH OWNER:GROUP MODE
	[ ! -L "$1" ] || die "$1 is a symlink"
	mkdir -p "$1"
	set_owner "$2" "$1"
	chmod "$3" "$1"
}

uninstall_file() { # PATH
	remove_file "$(temporary "$1")"
	remove_file "$1"
}

uninstall_dir() { # PATH
	if [ -L "$1" ] || [ ! -d "$1" ]; then
		return
	elif [ -n "$(ls -A "$1")" ]; then
		echo "install.sh: kept, because it is not empty: $1"
	else
		rmdir "$1"
	fi
}

# Sets path, owner and mode as this installation has them.
expand() { # SOURCE DESTINATION OWNER:GROUP MODE
	owner=$3 mode=$4
	# shellcheck disable=SC2016 # the table's word, not the shell's
	case $2 in
	'$PREFIX'/*) path=$DESTDIR$PREFIX${2#'$PREFIX'} ;;
	/*) path=$DESTDIR$2 ;;
	*) die "packaging/modes: $2 is not an absolute path" ;;
	esac
	if [ "$mode" = 4755 ] && [ -n "$GROUP" ]; then
		owner=root:$GROUP mode=4750
	fi
}

install_all() {
	while read -r _ source destination owner mode; do
		expand "$source" "$destination" "$owner" "$mode"
		if [ "$source" = - ]; then
			install_dir "$path" "$owner" "$mode"
		else
			install_file "$source" "$path" "$owner" "$mode"
		fi
	done <<END
$table
END
}

# From the last line to the first: a directory after what is in it, and the setuid file before all else.
uninstall_all() {
	while read -r _ source destination owner mode; do
		expand "$source" "$destination" "$owner" "$mode"
		if [ "$source" = - ]; then
			uninstall_dir "$path"
		else
			uninstall_file "$path"
		fi
	done <<END
$(echo "$table" | sed '1!G; h; $!d')
END
	[ ! -e "$DESTDIR/etc/ovlrun.conf" ] || echo "install.sh: kept, because it is yours: $DESTDIR/etc/ovlrun.conf"
}

PREFIX=${PREFIX:-/usr/local} DESTDIR=${DESTDIR-} GROUP=${GROUP-}
case $PREFIX in /*) ;; *) die "PREFIX=$PREFIX is not an absolute path" ;; esac
case $DESTDIR in '' | /*) ;; *) DESTDIR=$PWD/$DESTDIR ;; esac
case $GROUP in *[!A-Za-z0-9._-]*) die "GROUP=$GROUP is not a name" ;; esac
is_root=yes
if [ "$(id -u)" != 0 ]; then
	[ -n "$DESTDIR" ] || die "only root can install or remove a setuid root program"
	[ -z "$GROUP" ] || die "only root can give the file to group $GROUP"
	is_root=no
fi
cd "$(dirname "$0")/.."
usage="usage: packaging/install.sh install|uninstall [PACKAGE...]"
[ $# -gt 0 ] || die "$usage"
action=$1
shift
for package; do
	grep -q "^$package " packaging/modes || die "packaging/modes has no package $package"
done
table=$(awk -v packages=" $* " '/^[^#]/ && (packages == "  " || index(packages, " " $1 " "))' packaging/modes)
new=''
trap '[ -z "$new" ] || remove_file "$new"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
case $action in
install) install_all ;;
uninstall) uninstall_all ;;
*) die "$usage" ;;
esac
