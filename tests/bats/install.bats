# SPDX-License-Identifier: MIT
# Installation: packaging/modes is what there is afterwards, whoever asked for it and by whatever way.

setup_file() {
	load ../lib/helpers
	make_tree install 2
}

setup() {
	load ../lib/helpers
	cd "$OVL_TOP" || return
	unset DESTDIR PREFIX GROUP MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
	dest=$(mktemp -d "$LAB/install.XXXXXX")
	chmod 0755 "$dest"
	program=$dest/usr/local/bin/ovlrun
}

# expected PREFIX [PACKAGE]: path, owner and mode of all that packaging/modes lists, or of what this package has of it.
expected() {
	awk -v prefix="$1" -v package="${2-}" '/^[^#]/ && (package == "" || $1 == package) {
		sub(/^\$PREFIX/, prefix, $3); sub(/^0/, "", $5); print $3, $4, $5
	}' packaging/modes | sort
}

# found DIR PREFIX: the same of what is there: every file, and every directory that is not just on the way to one.
found() {
	local dirs
	dirs=$(awk -v prefix="$2" '$2 == "-" { sub(/^\$PREFIX/, prefix, $3); print $3 }' packaging/modes)
	find "$1" -mindepth 1 -printf '%y /%P %u:%g %m\n' | awk -v dirs="$dirs" '
		BEGIN { n = split(dirs, list, "\n"); for (i = 1; i <= n; i++) ours[list[i]] }
		$1 != "d" || $2 in ours { print $2, $3, $4 }
		$1 == "d" && !($2 in ours) && $3 " " $4 != "root:root 755" { print "on the way:", $0 }' | sort
}

# old_program MODE: another ovlrun is installed, and somebody has kept a hard link to it.
old_program() {
	mkdir -p "${program%/*}"
	echo old >"$program"
	chmod "$1" "$program"
	ln "$program" "$dest/kept"
}

mode() {
	stat -c '%a %U:%G' "$1"
}

version() {
	sed -n 's/^VERSION := //p' Makefile
}

@test "packaging/modes: one setuid file, root's and the last; nothing that others can write" {
	run awk '/^[^#]/ && $5 !~ /^0/' packaging/modes
	assert_output --regexp '^ovlrun +build/ovlrun +\$PREFIX/bin/ovlrun +root:root +4755$'
	assert_equal "$(tail -n 1 packaging/modes)" "$output"
	run awk '/^[^#]/ && (NF != 5 || $1 !~ /^ovl(run|ctl)$/ || $4 != "root:root" || $5 !~ /^[04]7?[0-7][0145][0145]$/)' \
		packaging/modes
	assert_output ''
	run awk '/^[^#]/ && $3 == "/var/lib/ovlrun" { print $5 }' packaging/modes
	assert_output 0700
	run grep -c '/etc/ovlrun.conf ' packaging/modes
	assert_output 0
}

@test "make install makes what packaging/modes says, under every umask" {
	for mask in 000 022 077; do
		rm -rf "${dest:?}"/*
		(umask $mask && make install DESTDIR="$dest")
		assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local)"
	done
	cmp build/ovlrun "$program"
	cmp packaging/man/ovlrun.1 "$dest/usr/local/share/man/man1/ovlrun.1"
	cmp build/ovlctl "$dest/usr/local/sbin/ovlctl"
	assert_equal "$("$dest/usr/local/sbin/ovlctl" --version)" "ovlctl $(version)"
}

@test "make install CTL=no: all but ovlctl; make uninstall CTL=no leaves it" {
	make install DESTDIR="$dest" CTL=no
	assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local ovlrun)"
	[ ! -e "$dest/usr/local/sbin/ovlctl" ]
	make install DESTDIR="$dest"
	make uninstall DESTDIR="$dest" CTL=no
	assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local ovlctl)"
	for args in '' remove 'install ovlrun ovl' 'uninstall no.such'; do
		# shellcheck disable=SC2086 # words
		run env DESTDIR="$dest" packaging/install.sh $args
		assert_failure
	done
	assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local ovlctl)"
}

# A copy of the sources and of what is built, whose ovlctl is out of date; without the headers of its libraries.
without_libraries() {
	mkdir "$dest"/{include,work}
	mount -t overlay -o "lowerdir=/usr/include,upperdir=$dest/include,workdir=$dest/work" headers /usr/include
	rm -r /usr/include/jansson.h /usr/include/openssl
	as_user make -C "$dest/sources" "$@" 2>&1
}

@test "without the headers of jansson and OpenSSL: CTL=no builds the others, and make alone says what is missing" {
	mkdir "$dest/sources" "$dest/sources/build"
	cp -a Makefile include packaging src "$dest/sources"
	cp -a build/{deps,deps.mk,core,run,init,ctl,libovl.a,ovlrun,ovlrun.debug,ovlinit,ovlinit.debug} "$dest/sources/build"
	touch "$dest/sources/src/ctl/main.c" "$dest/sources/src/run/main.c"
	chown -R $USER_ID "$dest/sources"
	export -f without_libraries as_user
	export dest USER_ID
	run unshare --mount bash -euc 'without_libraries'
	assert_failure
	assert_line --partial 'missing: /usr/include/jansson.h /usr/include/openssl/evp.h; as root run: packaging/deps.sh ctl'
	assert_line --partial 'CTL=no'
	[ ! -e "$dest/sources/build/ovlctl" ]
	rm -r "$dest"/{include,work}
	touch "$dest/sources/src/run/main.c"
	run unshare --mount bash -euc 'without_libraries CTL=no'
	assert_success
	assert_output --partial 'src/run/main.c'
	refute_output --partial ctl
	[ ! -e "$dest/sources/build/ovlctl" ]
}

@test "make install PREFIX= moves what is below it, and a relative one is refused" {
	make install DESTDIR="$dest" PREFIX=/opt/ovlrun
	assert_equal "$(found "$dest" /opt/ovlrun)" "$(expected /opt/ovlrun)"
	run make install DESTDIR="$dest" PREFIX=opt
	assert_failure
	assert_output --partial 'not an absolute path'
}

@test "variables of the environment with these names mean nothing to make install" {
	GROUP=nogroup PREFIX=/conda make install DESTDIR="$dest"
	assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local)"
}

@test "make install GROUP=: the members of this group only" {
	make install DESTDIR="$dest" GROUP=nogroup
	assert_equal "$(found "$dest" /usr/local)" \
		"$(expected /usr/local | sed 's/root:root 4755/root:nogroup 4750/')"
	# By a shell: setpriv has its capabilities until the execve, and may execute all.
	set -- --reuid 1234 --clear-groups sh -c 'exec "$0" "$@"' "$program" "$top" echo launched
	works setpriv --regid 65534 "$@"
	assert_output launched
	run setpriv --regid 1234 "$@"
	assert_failure
	assert_output --partial 'Permission denied'
}

@test "make install GROUP= with no such group changes nothing and leaves nothing" {
	old_program 4755
	for group in no-such-group 'a b' ../x; do
		run make install DESTDIR="$dest" GROUP="$group"
		assert_failure
		assert_equal "$(mode "$program")" '4755 root:root'
		assert_equal "$(cat "$program")" old
		assert_equal "$(ls -A "${program%/*}")" ovlrun
	done
}

# What happens to the setuid file, in order, each thing once for as long as it lasts. Strict about what is not known:
# a call on the new file that is none of these is printed as it is.
setuid_events() {
	awk -v new="$dest/usr/local/bin/.ovlrun.new" -v old="$program" '
		function say(what) { if (what != last) print what; last = what }
		/ umask\(/ { umask = $2 }
		!index($0, new) && !index($0, "\"" old "\"") || / = -1 / { next }
		/ openat?\(.*O_RDONLY/ { next }
		/ openat?\(.*O_CREAT.*O_EXCL/ { say("create with " umask); next }
		/ (write|copy_file_range|sendfile|splice)\(/ { say("content"); next }
		/ f?l?chown(at)?\(.*, 0, 0/ && index($0, new) { say("owner 0:0"); next }
		/ chmod\(|chmodat2?\(/ && match($0, /, 0[0-7]*/) {
			say("mode " substr($0, RSTART + 2, RLENGTH - 2) (index($0, new) ? "" : " of the old")); next
		}
		/ rename(at2?)?\(/ { say("rename"); next }
		{ print }' "$1"
}

@test "the setuid bit comes last, on the final content and owner, and goes from the old file first" {
	old_program 4755
	calls=umask,?open,openat,?creat,truncate,ftruncate,write,copy_file_range,sendfile,splice,?link,linkat
	calls+=,?rename,?renameat,renameat2,?chmod,fchmod,fchmodat,?chown,fchown,fchownat,?lchown
	strace -f -qq -y -e signal=none -e trace="$calls" -o "$dest/trace" \
		env DESTDIR="$dest" packaging/install.sh install
	run setuid_events "$dest/trace"
	assert_output - <<-END
		create with umask(077)
		content
		owner 0:0
		mode 04755
		mode 000 of the old
		rename
	END
}

@test "an old file is replaced as a whole, and a kept hard link to it is no setuid program any more" {
	for old_mode in 4755 6755 4750; do
		rm -rf "${dest:?}"/*
		old_program $old_mode
		exec {fd}<"$program"
		make install DESTDIR="$dest"
		assert_equal "$(cat <&$fd)" old # nothing was written into it
		exec {fd}<&-
		cmp build/ovlrun "$program"
		assert_equal "$(mode "$program")" '4755 root:root'
		assert_equal "$(mode "$dest/kept")" '0 root:root'
		assert_equal "$(ls -A "${program%/*}")" ovlrun
	done
}

@test "a symlink in the place of the file is replaced, and what it names left alone" {
	mkdir -p "${program%/*}"
	echo other >"$dest/other"
	chmod 4755 "$dest/other"
	ln -s "$dest/other" "$program"
	make install DESTDIR="$dest"
	cmp build/ovlrun "$program"
	[ ! -L "$program" ]
	assert_equal "$(cat "$dest/other")" other
	assert_equal "$(mode "$dest/other")" '4755 root:root'
}

@test "what a killed installation left, or somebody planted, is neither used nor kept" {
	old_program 4755
	mv "$program" "${program%/*}/.ovlrun.new"
	make install DESTDIR="$dest"
	assert_equal "$(mode "$dest/kept")" '0 root:root'
	assert_equal "$(ls -A "${program%/*}")" ovlrun
	ln -s "$dest/planted" "${program%/*}/.ovlrun.new"
	make install DESTDIR="$dest"
	[ ! -e "$dest/planted" ]
	assert_equal "$(found "$dest/usr" '' | grep /bin/)" '/local/bin/ovlrun root:root 4755'
	ln -s /nowhere "${program%/*}/.ovlrun.new"
	make uninstall DESTDIR="$dest"
	assert_equal "$(ls -A "${program%/*}")" ''
}

@test "a directory of ours that is a symlink, and a directory in the place of a file, are refused" {
	mkdir -p "$dest/var/lib" "$dest/elsewhere"
	chmod 0777 "$dest/elsewhere"
	ln -s "$dest/elsewhere" "$dest/var/lib/ovlrun"
	run make install DESTDIR="$dest"
	assert_failure
	assert_output --partial 'is a symlink'
	assert_equal "$(mode "$dest/elsewhere")" '777 root:root'
	rm "$dest/var/lib/ovlrun"
	mkdir -p "$program"
	run make install DESTDIR="$dest"
	assert_failure
	assert_output --partial 'is a directory'
}

@test "directories of ours that others could write are corrected" {
	mkdir -p "$dest/etc/ovlrun.d/images" "$dest/var/lib/ovlrun"
	chmod 0777 "$dest/etc/ovlrun.d" "$dest/etc/ovlrun.d/images" "$dest/var/lib/ovlrun"
	chown 65534:65534 "$dest/etc/ovlrun.d" "$dest/etc/ovlrun.d/images" "$dest/var/lib/ovlrun"
	make install DESTDIR="$dest"
	assert_equal "$(found "$dest" /usr/local)" "$(expected /usr/local)"
}

@test "without root: into a DESTDIR only, and with no GROUP" {
	# His own copy: the sources may lie where he cannot go.
	sources=$LAB/sources
	mkdir "$sources" "$sources/build"
	cp -r "$OVL_TOP/packaging" "$sources"
	cp "$OVL_TOP"/build/ovl{run,init,ctl} "$sources/build"
	chown -R $USER_ID "$dest" "$sources"
	(as_user "$sources/packaging/install.sh" install) && fail 'installed without root'
	(DESTDIR=$dest GROUP=nogroup as_user "$sources/packaging/install.sh" install) && fail 'GROUP without root'
	DESTDIR=$dest as_user "$sources/packaging/install.sh" install
	assert_equal "$(found "$dest" /usr/local | grep -v '^on the way')" \
		"$(expected /usr/local | sed 's/root:root/nobody:nogroup/')"
}

@test "make uninstall removes what make install made, and nothing else" {
	make install DESTDIR="$dest"
	ln "$program" "$dest/kept"
	echo neighbour >"${program%/*}/neighbour"
	run make uninstall DESTDIR="$dest"
	assert_success
	refute_output --partial 'kept,'
	assert_equal "$(mode "$dest/kept")" '0 root:root'
	assert_equal "$(found "$dest" /usr/local)" "$(printf '%s\n' '/kept root:root 0' \
		'/usr/local/bin/neighbour root:root 644')"
	run make uninstall DESTDIR="$dest" # again: nothing is there
	assert_success
}

@test "make uninstall keeps what is the users' and the administrator's, and says so" {
	make install DESTDIR="$dest"
	mkdir -p "$dest/var/lib/ovlrun/1000/notes/diff"
	echo layer >"$dest/etc/ovlrun.d/images/alpine:latest"
	echo tree >"$dest/etc/ovlrun.conf"
	run make uninstall DESTDIR="$dest"
	assert_success
	assert_output --partial "not empty: $dest/var/lib/ovlrun"
	assert_output --partial "not empty: $dest/etc/ovlrun.d"
	assert_output --partial "yours: $dest/etc/ovlrun.conf"
	assert_equal "$(cat "$dest/etc/ovlrun.d/images/alpine:latest" "$dest/etc/ovlrun.conf")" $'layer\ntree'
	assert_equal "$(mode "$dest/var/lib/ovlrun")" '700 root:root'
	[ -d "$dest/var/lib/ovlrun/1000/notes/diff" ]
	[ ! -e "$program" ]
	[ ! -e "$dest/usr/local/share/doc/ovlrun" ]
}

# The Debian packages: of this table, and what the distribution wants beyond it.
deb_setup() {
	command -v dpkg-deb >/dev/null || skip 'no dpkg-deb on this distribution'
	rm -f build/ovl*.deb
	make deb "$@"
	deb=build/ovlrun_$(version)_$(dpkg --print-architecture).deb
	ctl_deb=build/ovlctl_$(version)_$(dpkg --print-architecture).deb
}

@test "make deb: version, sums, and what packaging/modes has for each package" {
	deb_setup
	assert_equal "$(printf '%s\n' build/*.deb)" "$ctl_deb"$'\n'"$deb"
	for package in ovlrun ovlctl; do
		deb=build/${package}_$(version)_$(dpkg --print-architecture).deb
		assert_equal "$(dpkg-deb -f "$deb" Package)" $package
		assert_equal "$(dpkg-deb -f "$deb" Version)" "$(version)"
		run ! grep -E '@[A-Z]+@' <(dpkg-deb -f "$deb")
		dpkg-deb --raw-extract "$deb" "$dest/$package"
		assert_equal "$(ls "$dest/$package/DEBIAN")" $'control\nmd5sums' # no script runs as root
		(cd "$dest/$package" && md5sum --quiet -c DEBIAN/md5sums)
		run dpkg-deb -c "$deb"
		refute_line --regexp '^.{10} ([^r]|r[^o])'
		if [ $package = ovlrun ]; then
			assert_line --regexp '^-rwsr-xr-x root/root .* \./usr/bin/ovlrun$'
			assert_line --regexp '^drwx------ root/root .* \./var/lib/ovlrun/$'
		else
			refute_line --regexp '^.{3}[sS]|^.{6}[sS]'
		fi
		rm -rf "$dest/$package/DEBIAN"
		# As root, --raw-extract gives owners and modes of the archive.
		assert_equal "$(found "$dest/$package" /usr | sed 's/\.gz / /' |
			grep -vE "^/usr/share/(doc/$package/(copyright|changelog) root:root 644|lintian/)")" "$(expected /usr $package)"
	done
}

@test "make deb: ovlrun depends on nothing, ovlctl on the packages of its libraries, with versions" {
	deb_setup
	assert_equal "$(dpkg-deb -f "$deb" Depends Pre-Depends Recommends)" ''
	assert_equal "$(dpkg-deb -f "$ctl_deb" Recommends)" ovlrun
	libraries=$(readelf -d build/ovlctl | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	grep -q '^libjansson' <<<"$libraries"
	packages=$(for library in $libraries; do
		# As dpkg has it: below /lib or /usr/lib.
		dpkg -S "*$(ldd build/ovlctl | sed -n "s,.*$library => \(/usr\)\?\([^ ]*\) .*,\2,p")"
	done | cut -d : -f 1 | sort -u)
	depends=$(dpkg-deb -f "$ctl_deb" Depends)
	assert_equal "$(sed 's/, /\n/g; s/ ([^)]*)//g' <<<"$depends" | sort)" "$packages"
	run ! grep -vE '^[a-z0-9.+-]+ \(>= [0-9][^ ]*\)$' <(sed 's/, /\n/g' <<<"$depends")
	while read -r package _ least; do
		dpkg --compare-versions "$(dpkg-query -W -f '${Version}\n' "$package" | head -n 1)" ge "$least" ||
			fail "$package is older than $least"
	done < <(sed 's/, /\n/g; s/[()]//g' <<<"$depends")
}

@test "make deb CTL=no: ovlrun's package alone, the same" {
	export SOURCE_DATE_EPOCH=1700000000
	deb_setup
	cp "$deb" "$dest/first.deb"
	deb_setup CTL=no
	cmp "$deb" "$dest/first.deb"
	[ ! -e "$ctl_deb" ]
}

@test "make deb twice gives the same bytes" {
	export SOURCE_DATE_EPOCH=1700000000 # git's, where there is no git
	deb_setup
	mkdir "$dest/first"
	cp "$deb" "$ctl_deb" "$dest/first"
	sleep 1
	make deb
	cmp "$deb" "$dest/first/${deb##*/}"
	cmp "$ctl_deb" "$dest/first/${ctl_deb##*/}"
}

@test "the package installs a setuid root file, and its removal keeps users' data and disarms hard links" {
	deb_setup
	mkdir -p "$dest"/var/lib/dpkg/{info,updates,triggers}
	touch "$dest/var/lib/dpkg/status" "$dest/var/lib/dpkg/available"
	set -- dpkg --root="$dest" --log=/dev/null
	"$@" -i "$deb"
	assert_equal "$(mode "$dest/usr/bin/ovlrun")" '4755 root:root'
	cmp build/ovlrun "$dest/usr/bin/ovlrun"
	assert_equal "$(mode "$dest/var/lib/ovlrun")" '700 root:root'
	works as_user "$dest/usr/bin/ovlrun" "$top" echo launched
	assert_output launched
	"$@" --verify ovlrun
	run "$@" -i "$ctl_deb" # there is nothing else in this root
	assert_failure
	assert_output --partial 'ovlctl depends on libjansson'
	"$@" --force-depends -i "$ctl_deb"
	"$@" --verify ovlctl
	assert_equal "$(mode "$dest/usr/sbin/ovlctl")" '755 root:root'
	assert_equal "$("$dest/usr/sbin/ovlctl" ls -q --no-trunc --root "$tree" | head -n 1)" "$top"
	"$@" --purge ovlctl
	[ ! -e "$dest/usr/sbin/ovlctl" ]
	ln "$dest/usr/bin/ovlrun" "$dest/kept"
	mkdir "$dest/var/lib/ovlrun/1000"
	echo layer >"$dest/etc/ovlrun.d/images/alpine:latest"
	"$@" --purge ovlrun
	[ ! -e "$dest/usr/bin/ovlrun" ]
	[ ! -u "$dest/kept" ]
	[ -d "$dest/var/lib/ovlrun/1000" ]
	[ -e "$dest/etc/ovlrun.d/images/alpine:latest" ]
}

@test "the APKBUILD: version, setuid, needs, and its packages have what packaging/modes says" {
	run --separate-stderr sh -euc '. packaging/alpine/APKBUILD
		echo "$pkgname $pkgver"; echo "$options"; echo "$subpackages"; type build check package ovlctl >/dev/null'
	assert_success
	assert_output "ovlrun $(version)"$'\nsuid\novlctl ovlrun-doc'
	# What deps.sh would install there to build it all, but what everything is built with.
	run comm -23 <(awk '/^(build|ctl) / && $4 != "-" { print $4 }' packaging/deps.sh | grep -vxE 'gcc|make|musl-dev' | sort -u) \
		<(sh -euc '. packaging/alpine/APKBUILD; printf "%s\n" $makedepends' | sort)
	assert_output ''
	pkgdir=$dest sh -euc '. packaging/alpine/APKBUILD; check; package'
	assert_equal "$(found "$dest" /usr)" "$(expected /usr)"
	# abuild moves what is named into the subpackage; the manuals go into that of the documentation.
	run sh -euc 'amove() { printf "/%s\n" "$@"; }; . packaging/alpine/APKBUILD; ovlctl'
	assert_equal "$(sort <<<"$output")" "$(expected /usr ovlctl | cut -d ' ' -f 1 | grep -v '^/usr/share/man/')"
}

@test "man pages: mandoc finds no fault, and every option of --help is described" {
	run mandoc -T lint -W warning packaging/man/*.[1-8]
	assert_success
	assert_output ''
	# They name each other, and none that is not there.
	for page in ovlrun.1 ovlrun.conf.5 ovlinit.8; do
		sed '1,/^\.Sh SEE ALSO/d; /^\.Sh/,$d' packaging/man/$page | grep -q '^\.Xr ovlctl 8' || fail "$page names no ovlctl(8)"
	done
	while read -r name section; do
		[ -e "packaging/man/$name.$section" ] || fail "there is no $name($section)"
	done < <(grep -ohE '\.?Xr ovl[a-z.]+ [1-8]' packaging/man/*.[1-8] | sed 's/.*Xr //' | sort -u)
	mapfile -t options < <("$OVLRUN" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	[ "${#options[@]}" -ge 14 ]
	for option in "${options[@]#--}"; do
		grep -qE -- "^\.It Fl (. , )?-$option( |\$)" packaging/man/ovlrun.1 ||
			fail "--$option is not in ovlrun.1"
	done
	# An option of ovlinit has its own entry there, or that of the word of the same name.
	mapfile -t options < <(build/ovlinit --help | grep -oE -- '--[a-z]+' | sort -u)
	[ "${#options[@]}" = 15 ]
	for option in "${options[@]#--}"; do
		grep -qE -- "^\.It (Cm ovl\.$option( |\$)|.*Fl -$option( |\$))" packaging/man/ovlinit.8 ||
			fail "--$option is not in ovlinit.8"
	done
}

@test "completion for bash: options of --help, words of --dev and --unshare, published images" {
	mkdir -p /etc/ovlrun.d/images/ghcr.io
	touch /etc/ovlrun.d/images/{alpine:3.19,ghcr.io/app:1,'a$(id -u)'} # a name is no command
	complete_words() { # WORD...: what is offered for the last one
		bash -c '. packaging/completions/ovlrun.bash
			COMP_WORDS=("$0" "$@") COMP_CWORD=$#
			_ovlrun "$0" && printf "%s\n" "${COMPREPLY[@]}"' "$OVLRUN" "$@"
	}
	assert_equal "$(complete_words --dev '')" $'minimal\nhost\nnone'
	assert_equal "$(complete_words --unshare p)" pid
	assert_equal "$(complete_words -r --keep-)" $'--keep-env\n--keep-fd'
	assert_equal "$(complete_words a)" alpine:3.19
	assert_equal "$(complete_words -r ghcr)" ghcr.io/app:1
	rm -r /etc/ovlrun.d
}

# offered WORD...: what ovlctl's completion has for the last one.
offered() {
	bash -c 'compopt() { :; }; . "$OVL_TOP/packaging/completions/ovlctl.bash"
		COMP_WORDS=("$0" "$@") COMP_CWORD=$#
		_ovlctl "$0" && printf "%s\n" "${COMPREPLY[@]}"' "$OVL_TOP/build/ovlctl" "$@"
}

@test "completion of ovlctl for bash: the verbs and options of --help, all of them and no other" {
	mapfile -t verbs < <(build/ovlctl --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	[ "${#verbs[@]}" = 15 ]
	assert_equal "$(offered '')" "$(printf '%s\n' "${verbs[@]}")"
	assert_equal "$(offered un)" ''
	assert_equal "$(offered um)" umount
	for verb in "${verbs[@]}"; do
		list=$(offered "$verb" --)
		assert_equal "$list" "$(build/ovlctl "$verb" --help | sed -nE 's,^ +(-.\, )?--([a-z-]+).*,--\2,p')"
		[ "$(wc -l <<<"$list")" -ge 5 ]
		while read -r option; do
			[ "$option" != --help ] || continue
			# The first may be its argument; one that is not known, or not whole, would be complained of first.
			run build/ovlctl "$verb" "$option" --nonsense --nonsense
			assert_output "ovlctl: unrecognized option '--nonsense'"
		done <<<"$list"
	done
	assert_equal "$(offered allow --u)" --users
	assert_equal "$(offered allow --tmpfs)" '' # it is only spoken of
	assert_equal "$(offered nonsense --)" ''
}

@test "completion of ovlctl for bash: names of images, containers, layers, each where it can be used" {
	. tests/lib/docker.bash
	root=$LAB/named
	mkdir "$root"
	tree_init "$root/overlay2"
	id=$(tree_chain "$root/overlay2" 3)
	docker_init "$root"
	image=$(docker_image "$root" debian:12 "$id")
	docker_name "$root" registry.example.org:5000/a/app:1 "$image"
	docker_container "$root" web "$image" "$id" 20
	# What an image may be called by whoever wrote the metadata.
	for name in 'd;touch x:1' 'd$(touch x):1' 'd`touch x`:1' "d'x:1" $'d\e[2J:1' 'd x:1' 'd*:1' 'dö:1'; do
		docker_name "$root" "$name" "$image"
	done
	images=$'debian:12\nregistry.example.org:5000/a/app:1'
	build/ovlctl images -r "$root" -q | grep -qF 'd;touch x:1'
	assert_equal "$(offered inspect --root "$root" '')" "$images"$'\nweb'
	assert_equal "$(offered inspect "--root=$root" '')" "$images"$'\nweb'
	assert_equal "$(offered diff -r "$root" d)" debian:12
	assert_equal "$(offered diff -r "$root" -j debian:12 w)" web # the second
	assert_equal "$(offered diff -r "$root" -j debian:12 web '')" ''
	assert_equal "$(offered mount -r "$root" -w w)" web
	assert_equal "$(offered allow -r "$root" '')" "$images" # a container is refused
	assert_equal "$(offered allow -r "$root" -- r)" registry.example.org:5000/a/app:1
	assert_equal "$(offered allow -r "$root" -- -)" ''
	assert_equal "$(offered ls -r "$root" '')" ''
	assert_equal "$(offered inspect -r "$LAB/none" '')" ''
	# By its id where no name begins so.
	assert_equal "$(offered inspect -r "$root" "${id:0:5}")" "$id"
	assert_equal "$(offered allow -r "$root/overlay2" "${id:0:5}")" "$id"
	rm -r "$root"
	assert_equal "$(offered revoke '')" ''
	mkdir -p /etc/ovlrun.d/images/ghcr.io
	touch /etc/ovlrun.d/images/{alpine:3.19,ghcr.io/app:1}
	assert_equal "$(offered revoke '')" $'alpine:3.19\nghcr.io/app:1'
	rm -r /etc/ovlrun.d
}

@test "completion of ovlctl for bash: trees, users, features" {
	policy "tree $tree" 'tree /nowhere' 'permit * any'
	mkdir "$dest/a" "$dest/b b"
	touch "$dest/ab"
	cd "$dest"
	for words in 'info' 'ls -r' 'ls --root'; do
		# shellcheck disable=SC2086 # words
		run offered $words ''
		assert_line "$tree"
		assert_line 'b b'
		refute_line ab
		refute_line /nowhere
	done
	assert_equal "$(offered ls "--root=$dest/b")" "$dest/b b"
	assert_equal "$(offered umount '')" $'a\nb b'
	assert_equal "$(offered mount name '')" $'a\nb b'
	cd "$OVL_TOP"
	echo some-group:x:4446: >>/etc/group
	assert_equal "$(offered allow name -u nob)" nobody
	assert_equal "$(offered allow --users=nobody,:some)" nobody,:some-group
	assert_equal "$(offered revoke --users=root,nob)" root,nobody
	# What the policy knows, and no other.
	assert_equal "$(offered allow --may '' | sort)" \
		"$(sed -n '/^static const char \*const features/,/^}/p' src/run/rule.c | grep -oE '"[a-z-]+"' | tr -d '"' | sort)"
	assert_equal "$(offered allow --may bind,w)" bind,writable
	assert_equal "$(offered allow --limit t)" tmpfs=
	assert_equal "$(offered allow --as a)" ''
	assert_equal "$(offered info --format a)" ''
}

@test "the example of a policy is one" {
	cp packaging/ovlrun.conf.example /etc/ovlrun.conf.example
	refused "$OVLRUN" --check-policy /etc/ovlrun.conf.example
	says 'no such user or group' # and with the group there is nothing else wrong with it
	echo science:x:4444: >>/etc/group
	works "$OVLRUN" --check-policy /etc/ovlrun.conf.example
	sed -i 's/^#\(permit\|deny\) /\1 /; s/34e5\.\.\./'"$(printf '34e5%060d' 0)"'/' /etc/ovlrun.conf.example
	printf '%s\n' alice:x:5001:100::/:/bin/sh mallory:x:5002:100::/:/bin/sh >>/etc/passwd
	echo wheel:x:4445: >>/etc/group
	works "$OVLRUN" --check-policy /etc/ovlrun.conf.example
	run grep -cvE '^(#.*|(tree|permit|deny) .*|)$' packaging/ovlrun.conf.example
	assert_output 0
}

# The commands of the README's section, as they stand there, on a /usr and /var of their own. After each: what is
# installed, and what a user who is in no group gets from it.
readme_commands() {
	mkdir "$dest"/{usr,var}{,-work}
	mount -t overlay -o "lowerdir=/usr,upperdir=$dest/usr,workdir=$dest/usr-work" readme /usr
	mount -t overlay -o "lowerdir=/var,upperdir=$dest/var,workdir=$dest/var-work" readme /var
	groupadd science
	sed -n '/^## For an administrator/,/^## [^F]/p' README.md | sed -n '/^```sh/,/^```/p' |
		sed '/^```/d; s/  *#.*//' >"$dest/commands"
	while read -r command; do
		bash -euc "$command" </dev/null >&2 || echo "$command: failed"
		for file in /usr/local/sbin/ovlctl /usr/sbin/ovlctl; do
			[ ! -e $file ] || echo "$command: $file: $($file --version)"
		done
		for file in /usr/local/bin/ovlrun /usr/bin/ovlrun; do
			[ ! -e $file ] || echo "$command: $(mode $file) $file: $(
				cd / && setpriv --reuid $USER_ID --regid $USER_ID --clear-groups \
					sh -c 'exec "$0" "$@"' $file "$top" echo launched 2>&1 |
					grep -oE 'launched|Permission denied|not permitted'
			)"
		done
	done <"$dest/commands"
}

@test "README: the administrator's commands do what it says" {
	command -v dpkg-deb >/dev/null || skip 'no dpkg-deb on this distribution'
	export -f readme_commands mode
	export dest USER_ID
	run --separate-stderr unshare --mount bash -c readme_commands
	assert_success
	refute_output --partial failed
	assert_line 'make install: 4755 root:root /usr/local/bin/ovlrun: launched'
	assert_line "make install: /usr/local/sbin/ovlctl: ovlctl $(version)"
	assert_line 'make install GROUP=science: 4750 root:science /usr/local/bin/ovlrun: Permission denied'
	refute_line --partial 'make uninstall:'
	assert_line 'dpkg -i build/ovlrun_*.deb: 4755 root:root /usr/bin/ovlrun: launched'
	assert_line "apt-get install ./build/ovlctl_*.deb: /usr/sbin/ovlctl: ovlctl $(version)"
	assert_line --regexp '^dpkg-statoverride .*: 4750 root:science /usr/bin/ovlrun: Permission denied$'
}
