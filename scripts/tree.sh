# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian userlands that were unpacked but never configured: what the packages'
# scripts would have made is made here; sourced, not run.

# tree_unpack DIR PACKAGE...: the essential packages, PACKAGEs and all that
# they depend on, less documentation, with accounts and links set up.
tree_unpack() {
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	locked apt deb_unpack "$dir" base-files base-passwd bash coreutils dash \
		diffutils e2fsprogs findutils grep gzip hostname libc-bin login \
		mawk mount sed tar util-linux busybox "$@"
	rm -rf "$dir"/usr/share/{doc,man,info,locale,lintian,bash-completion,zoneinfo,i18n,bug,fio} \
		"$dir"/usr/lib/*/gconv "$dir"/usr/lib/udev/hwdb.d \
		"$dir"/usr/share/perl* "$dir"/usr/lib/*/perl* "$dir"/usr/bin/perl* \
		"$dir"/usr/{lib,share,bin}/python3*
	tree_accounts "$dir"
	ln -sfn dash "$dir/usr/bin/sh"
	ln -sfn mawk "$dir/usr/bin/awk"
	ln -sfn /proc/self/mounts "$dir/etc/mtab"
	: >"$dir/etc/fstab"
	echo 0123456789abcdef0123456789abcdef >"$dir/etc/machine-id"
	cp "$dir/usr/share/libc-bin/nsswitch.conf" "$dir/etc/nsswitch.conf" 2>/dev/null ||
		printf 'passwd: files\ngroup: files\nhosts: files\n' >"$dir/etc/nsswitch.conf"
	# Escape sequences around each prompt only disturb who reads a console.
	echo 'set enable-bracketed-paste off' >"$dir/etc/inputrc"
	mkdir -p "$dir"/{dev,proc,sys,run,tmp,root,mnt}
	cat >"$dir/etc/profile" <<-'EOF'
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		PS1='\u@\h:\w\$ '
		export PATH
	EOF
}

# tree_accounts DIR: passwd and group from their masters, and the system groups
# that udev's and systemd's rules name. Root logs in without a password.
tree_accounts() {
	local dir=$1 gid=101 g
	sed 's/^root:[^:]*:/root::/; s#:/bin/bash$#:/bin/bash#' \
		"$dir/usr/share/base-passwd/passwd.master" >"$dir/etc/passwd"
	cp "$dir/usr/share/base-passwd/group.master" "$dir/etc/group"
	for g in kvm render input sgx systemd-journal messagebus; do
		echo "$g:x:$gid:" >>"$dir/etc/group"
		gid=$((gid + 1))
	done
}

# make_ext4 FILE SIZE DIR [OPTION...]: a sparse ext4 image that holds DIR, all
# of it owned by root (a user is root in a user namespace of his own).
make_ext4() {
	local file=$1 size=$2 dir=$3 root=''
	shift 3
	[ "$(id -u)" = 0 ] || root='unshare --map-root-user'
	$root mke2fs -q -t ext4 -m 0 -E lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0 \
		"$@" -d "$dir" "$file" "$size" >/dev/null
}
