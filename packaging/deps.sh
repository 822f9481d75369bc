#!/bin/sh
# SPDX-License-Identifier: MIT
#
# packaging/deps.sh GROUP...      GROUP: build, ctl, deb, demo, check, interop, boot, bench
#
# Installs what the groups need and this machine lacks, builds libcap-ng against musl where no package has it, and
# writes build/deps.mk, which tells the Makefile where things are. When all is there it does nothing, quickly.
# LIBCAPNG_SRC=FILE names a source tarball to build libcap-ng from instead; once built, build/deps/libcap-ng stays.
#
# The apt column is the one the tests run with; apk and dnf follow the distributions' own package names.
set -eu

# A need is a command (on Alpine an applet of busybox does not count), a file, or static-busybox. "-" in a column: not
# needed there, or part of another package.
table='
# group  needed                           apt             apk                dnf
build    gcc                              gcc             gcc                gcc
build    make                             make            make               make
build    musl-gcc                         musl-tools      -                  musl-gcc
build    /usr/lib/rcrt1.o                 -               musl-dev           -
build    /usr/*-linux-musl/lib*/rcrt1.o   -               -                  musl-libc-static
build    /usr/include/linux/capability.h  linux-libc-dev  linux-headers      kernel-headers
build    /usr/include/cap-ng.h            -               libcap-ng-dev      -
build    /usr/lib/libcap-ng.a             -               libcap-ng-static   -
ctl      /usr/include/stdio.h             libc6-dev       musl-dev           glibc-devel
ctl      /usr/include/jansson.h           libjansson-dev  jansson-dev        jansson-devel
ctl      /usr/include/openssl/evp.h       libssl-dev      openssl-dev        openssl-devel
deb      dpkg-deb                         dpkg            -                  -
deb      dpkg-shlibdeps                   dpkg-dev        -                  -
demo     bash                             bash            bash               bash
demo     static-busybox                   busybox-static  busybox-static     busybox
demo     setpriv                          util-linux      setpriv            util-linux
demo     unshare                          util-linux      util-linux-misc    util-linux
check    bats                             bats            bats               bats
check    /usr/lib/bats/bats-assert/*      bats-assert     bats-assert        bats-assert
check    /usr/include/cmocka.h            libcmocka-dev   cmocka-dev         libcmocka-devel
check    /usr/lib*/libasan.so.*           -               -                  libasan
check    /usr/lib*/libubsan.so.*          -               -                  libubsan
check    strace                           strace          strace             strace
check    setcap                           libcap2-bin     libcap             libcap
check    jq                               jq              jq                 jq
check    getfattr                         attr            attr               attr
check    setfacl                          acl             acl                acl
check    dot                              graphviz        graphviz           graphviz
check    tmux                             tmux            tmux               tmux
check    mkfs.ext4                        e2fsprogs       e2fsprogs          e2fsprogs
check    mkfs.xfs                         xfsprogs        xfsprogs           xfsprogs
check    mkfs.btrfs                       btrfs-progs     btrfs-progs        btrfs-progs
check    mkfs.vfat                        dosfstools      dosfstools         dosfstools
check    bindfs                           bindfs          bindfs             bindfs
check    perl                             perl-base       perl               perl-interpreter
check    /usr/lib/*/perl*/*/Digest/SHA.pm  perl           perl               perl-Digest-SHA
check    pgrep                            procps          procps-ng          procps-ng
check    nsenter                          util-linux      util-linux-misc    util-linux
check    findmnt                          util-linux      findmnt            util-linux
check    mandoc                           mandoc          mandoc             mandoc
check    clang                            clang           clang              clang
check    clang-format                     clang-format    clang-extra-tools  clang-tools-extra
interop  dockerd                          docker.io       docker             moby-engine
interop  docker                           docker.io       docker-cli         docker-cli
interop  podman                           podman          podman             podman
interop  debootstrap                      debootstrap     debootstrap        debootstrap
interop  /usr/bin/*registry               docker-registry docker-registry    docker-distribution
boot     qemu-system-x86_64               qemu-system-x86  qemu-system-x86_64  qemu-system-x86-core
boot     debootstrap                      debootstrap     debootstrap        debootstrap
boot     cpio                             cpio            cpio               cpio
boot     modinfo                          kmod            kmod               kmod
boot     mksquashfs                       squashfs-tools  squashfs-tools     squashfs-tools
boot     mkfs.erofs                       erofs-utils     erofs-utils        erofs-utils
boot     dpkg-deb                         dpkg            dpkg               dpkg
bench    bwrap                            bubblewrap      bubblewrap         bubblewrap
bench    crun                             crun            crun               crun
bench    strace                           strace          strace             strace
'

die() {
	echo "deps.sh: $*" >&2
	exit 1
}

has() {
	case $1 in
	static-busybox)
		# A dynamic one names its loader by a path.
		for path in /bin/busybox.static /bin/busybox /sbin/busybox; do
			[ -x "$path" ] && ! grep -q '/ld-' "$path" && return
		done
		return 1
		;;
	/*)
		for path in $1; do # unquoted: it may be a pattern
			[ -e "$path" ] && return
		done
		return 1
		;;
	*)
		command -v "$1" >/dev/null || return
		# shellcheck disable=SC3013 # every shell in question has -ef
		[ "$manager" != apk ] || [ ! "$(command -v "$1")" -ef /bin/busybox ]
		;;
	esac
}

# Sets missing (needs) and packages (what has them) for the groups wanted.
look() {
	missing='' packages=''
	while read -r group need apt apk dnf; do
		case " $wanted " in *" $group "*) ;; *) continue ;; esac
		case $manager in apk) package=$apk ;; dnf) package=$dnf ;; *) package=$apt ;; esac
		[ "$package" = - ] || has "$need" || {
			missing="$missing $need"
			case "$packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
		}
	done <<END
$table
END
}

apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	# Nothing that is installed here may start a service.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		undo_policy='rm -f /usr/sbin/policy-rc.d'
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
	fi
	set -- apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
	# Lists may be missing, or so old that they name files which are gone.
	if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || ! "$@" </dev/null; then
		apt-get -q update
		"$@" </dev/null
	fi
	$undo_policy
	undo_policy=:
}

install_missing() {
	look
	[ -n "$missing" ] || return 0
	[ -n "$manager" ] || die "missing:$missing (and there is no apt-get, apk or dnf to install them with)"
	[ "$(id -u)" = 0 ] || die "missing:$missing; as root run: packaging/deps.sh $asked"
	echo "deps.sh: installing$packages"
	# shellcheck disable=SC2086 # a list of words
	case $manager in
	apt) apt_install $packages ;;
	apk) apk add --no-cache $packages ;;
	dnf) dnf -y --setopt=install_weak_deps=False install $packages ;;
	esac
	look
	[ -z "$missing" ] || die "still missing after installing$packages:$missing"
}

# DIR: the distribution's source of libcap-ng into DIR, by an apt with sources, lists and cache of its own, so that
# the machine's are not changed. apt's unprivileged downloader must reach DIR.
fetch_capng() {
	mkdir "$1/sources" "$1/lists" "$1/cache"
	list='' parts=''
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	for file in "$list" "$parts"/*.list "$parts"/*.sources; do
		[ -e "$file" ] || continue
		case $file in
		*.list) sed -n '/cdrom:/d; s/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" ;;
		*.sources) sed 's/^Types:.*/Types: deb-src/' "$file" ;;
		esac >"$1/sources/${file##*/}"
	done
	cat >"$1/apt.conf" <<-END
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$1/sources";
		Dir::State::lists "$1/lists";
		Dir::Cache "$1/cache";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	[ "$(id -u)" != 0 ] || chown _apt "$1"
	(
		cd "$1"
		# An archive without sources may fail here: what counts is whether libcap-ng's is found.
		apt-get -qq -c apt.conf update 2>errors || :
		apt-get -qq -c apt.conf source --download-only --tar-only libcap-ng >/dev/null
	) || {
		cat "$1/errors" >&2
		die "cannot get the source of libcap-ng from apt: set LIBCAPNG_SRC to its tarball"
	}
}

# FILE ORIGIN: refuses a tarball that is not the known one of its name. apt has checked what it fetched against the
# archive's signed index, so a version not listed here is as good as any other package of the machine.
verify_capng() {
	sum=$(sha256sum <"$1")
	line="${sum%% *}  ${1##*/}"
	if grep -qxF "$line" packaging/libcap-ng.sha256; then
		return
	elif grep -qF "  ${1##*/}" packaging/libcap-ng.sha256; then
		die "$1 is not the file packaging/libcap-ng.sha256 lists: its sha256 is ${sum%% *}"
	elif [ "$2" != apt ]; then
		die "$1 is not known. If you trust it, add this line to packaging/libcap-ng.sha256: $line"
	fi
}

# The tarball as its author made it: of Debian's patches one lets capng_apply() succeed where it failed.
build_capng() {
	origin=LIBCAPNG_SRC
	tarball=${LIBCAPNG_SRC-}
	if [ -z "$tarball" ]; then
		[ "$manager" = apt ] || die "no package has libcap-ng for musl: set LIBCAPNG_SRC to its source tarball"
		origin=apt
		fetch=$(mktemp -d)
		fetch_capng "$fetch"
		tarball=$(echo "$fetch"/*.orig.tar.*z)
	fi
	[ -r "$tarball" ] || die "cannot read $tarball"
	verify_capng "$tarball" $origin
	echo "deps.sh: building ${tarball##*/} for musl"
	work=$(mktemp -d "$PWD/build/deps/tmp.XXXXXX") # renamed into its place when it is complete
	mkdir -p "$work/src" "$work/out/include" "$work/out/lib"
	tar -xof "$tarball" -C "$work/src" --strip-components=1
	# What its configure (which not every tarball has) finds here, but pthread.h: pthread_atfork() takes musl's malloc()
	# into each launch, at 0.3 ms. So a child that was forked calls capng_setpid(0) first, or capng_apply() fails.
	(
		set -- -Os -fPIE -fstack-protector-strong -ftrivial-auto-var-init=zero -fcf-protection=full -fno-common \
			-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -D_GNU_SOURCE \
			-DHAVE_SYSCALL_H -DHAVE_SYS_XATTR_H -DHAVE_LINUX_MAGIC_H -DHAVE_LINUX_SECUREBITS_H
		top=$PWD
		cd "$work/src/src" && : >config.h &&
			$cc "$@" -I. -idirafter "$top/build/deps/kernel-headers" -c cap-ng.c lookup_table.c &&
			ar rcs "$work/out/lib/libcap-ng.a" cap-ng.o lookup_table.o &&
			cp cap-ng.h "$work/out/include"
	) || die "cannot build libcap-ng"
	mv -T "$work/out" build/deps/libcap-ng
}

# Only these three: no header of another libc can slip in.
link_kernel_headers() {
	dir=build/deps/kernel-headers
	[ -d $dir ] || mkdir -p $dir
	for name in linux asm asm-generic; do
		[ -e $dir/$name ] && continue
		for path in /usr/include/$name "/usr/include/$(gcc -print-multiarch)/$name"; do
			[ ! -d "$path" ] || ln -sfn "$path" $dir/$name
		done
		[ -e $dir/$name ] || die "no $name among the kernel headers in /usr/include"
	done
}

# FILE: its directory, without detours.
dir_of() {
	(cd "${1%/*}" && pwd -P)
}

# Only the compiler's own link line tells where musl's start files are: musl-gcc is a set of specs.
print_crti() {
	for word in $($1 -static '-###' -x c /dev/null 2>&1); do
		case $word in */crti.o | */crti.o\") echo "${word#\"}" ;; esac
	done
}

prepare_build() {
	[ -d build/deps ] || mkdir -p build/deps
	libgcc=$(gcc -print-libgcc-file-name)
	cc=gcc kernel_cflags='' capng_cflags='' capng_lib=/usr/lib/libcap-ng.a
	case $libgcc in
	*-musl/*) ;;
	*)
		cc=musl-gcc
		link_kernel_headers
		kernel_cflags='-idirafter build/deps/kernel-headers'
		;;
	esac
	if [ "$manager" != apk ] || [ -n "${LIBCAPNG_SRC-}" ]; then
		[ -d build/deps/libcap-ng ] || build_capng
		capng_cflags='-isystem build/deps/libcap-ng/include'
		capng_lib=build/deps/libcap-ng/lib/libcap-ng.a
	fi
	crti=$(print_crti $cc)
	[ -n "$crti" ] || die "cannot learn from $cc where crti.o is"
	mk="# Written by packaging/deps.sh; paths are relative to the top.
MUSL_CC = $cc
MUSL_LIBDIR = $(dir_of "$crti")
GCC_LIBDIR = $(dir_of "$libgcc")
CAPNG_CFLAGS = $capng_cflags
CAPNG_LIB = $capng_lib
KERNEL_CFLAGS = $kernel_cflags"
	[ -e build/deps.mk ] && [ "$mk" = "$(cat build/deps.mk)" ] && return 0
	echo "$mk" >build/deps.mk.new
	mv build/deps.mk.new build/deps.mk
}

asked=$* wanted=build
for group; do
	case $group in
	build) ;;
	ctl | deb | demo) wanted="$wanted $group" ;;
	check) wanted="$wanted ctl deb demo check" ;;
	interop | boot) wanted="$wanted ctl deb demo check $group" ;;
	bench) wanted="$wanted demo bench" ;;
	*) die "no group '$group': build, ctl, deb, demo, check, interop, boot, bench" ;;
	esac
done

export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin # where dockerd and setcap are, also for those who do not have it
cd "$(dirname "$0")/.."
manager=''
for name in dnf apk apt-get; do
	! command -v $name >/dev/null || manager=${name%-get}
done
fetch='' work='' undo_policy=:
trap '$undo_policy; rm -rf "$fetch" "$work" build/deps.mk.new' EXIT
trap 'exit 1' HUP INT TERM
umask 022
install_missing
prepare_build
