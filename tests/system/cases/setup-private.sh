#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# alone
# arm64 stays out of the host's package system; the kernel is Debian's, newest
# and unmodified; a second set-up calls no apt and changes nothing; what takes
# long in the first one is told.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dpkg-query -W -f '${Package}:${Architecture}\n' '*:arm64' 2>/dev/null | grep . &&
	fail "arm64 packages are known to the host"

version=$(cat build/kernel/default/version)
deb=$(find build/apt/archives -name "linux-image-${version}_*.deb")
dpkg-deb --fsys-tarfile "$deb" | tar -xO "./boot/vmlinuz-$version" |
	cmp - build/kernel/default/vmlinuz || fail "vmlinuz is not the package's"
newest=$(apt-cache -c build/apt/apt.conf pkgnames linux-image-6.1. |
	grep -x 'linux-image-6\.1\.[-0-9.]*-arm64' | sort -V | tail -n 1)
expect_eq kernel "$newest" "linux-image-$version"

mkdir "$work/bin"
printf '#!/bin/sh\necho called >>%s\nexit 1\n' "$work/apt" >"$work/bin/apt-get"
chmod +x "$work/bin/apt-get"
find build/{sysroot,kernel/default,tree,images} -maxdepth 1 -printf '%p %T@ %s\n' >"$work/before"
start=$SECONDS
PATH=$work/bin:$PATH make -s setup || fail "a second set-up"
[ ! -e "$work/apt" ] || fail "a second set-up called apt-get"
find build/{sysroot,kernel/default,tree,images} -maxdepth 1 -printf '%p %T@ %s\n' |
	diff "$work/before" - || fail "a second set-up changed something"
echo "second set-up: $((SECONDS - start)) s"

ln -s "$PWD/build/tree" "$PWD/build/apt" "$work/"
SHYPER_BUILD=$work scripts/mk-data-image 2>"$work/err" || fail "mk-data-image"
grep -q "shyper: making the cells' disks" "$work/err" || fail "it did not say what it does"
