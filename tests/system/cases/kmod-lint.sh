#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# The module builds for 6.1 and for 6.12 without a warning of gcc or sparse, and
# the check sees one that is put there.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s setup-6.12 || fail "setup-6.12"
scripts/lint-kmod || fail "warnings"
echo "ok clean"

# A module of a single file costs less than ours.
cp -r kmod include scripts "$work/"
rm "$work"/kmod/*.c
echo 'obj-m := hvisor.o' >"$work/kmod/Kbuild"
cat >"$work/kmod/hvisor.c" <<-'EOF2'
	#include <linux/module.h>
	int injected(char __user *p);
	int injected(char __user *p) { return *p; }
	MODULE_LICENSE("GPL");
EOF2
export SHYPER_BUILD=$work/build
mkdir -p "$SHYPER_BUILD"
ln -s "$build/kernel" "$SHYPER_BUILD/kernel"
expect_status 1 "$work/scripts/lint-kmod" >"$work/log"
expect_eq "kernels that tell" 2 "$(grep -c 'dereference of noderef' "$work/log")"
echo "ok sees"
