#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
#
# libshyper as a stranger meets it: installed, found by pkg-config, linked in the
# ways there are. The examples look at a recorded tree, and say what is missing
# on a machine without the module.
. tests/system/lib/check.sh
examples=$PWD/build/host/examples
installed=$PWD/build/host/installed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo "$installed"/usr/lib/*/)

# In lines of code.
lines() {
	grep -cvE '^$|^/?[ /]\*|^//' "libshyper/examples/$1.c"
}

for name in list-cells follow-events create-cell run-cell attach-console statistics; do
	[ "$(lines $name)" -le 40 ] || fail "$name has $(lines $name) lines"
done
[ "$(wc -l <libshyper/examples/virtio-rng.c)" -lt 100 ] || fail "the backend is long"
echo "ok size"

# record FILE TEXT: a file of the recorded tree.
record() {
	mkdir -p "$(dirname "$work/tree/sys/class/hvisor/$1")"
	printf '%b\n' "$2" >"$work/tree/sys/class/hvisor/$1"
}

record cell0/name root
record cell0/state running
record cell1/name small
record cell1/state failed
record cell1/statistics/vmexits_total 12
record cell1/statistics/cpu0/vmexits_total 12
record cell1/virtio/con0 'INDEX=0\nREQUESTS=3'
record cell1.con0/type console
record cell1.con0/index 0
cells=$'root: running\nsmall: failed\n\tcell1.con0: console'
expect_eq list-cells "$cells" "$("$examples/list-cells" "$work/tree")"
expect_eq statistics $'small cpu0/vmexits_total 12\nsmall vmexits_total 12\ncell1.con0 index 0\ncell1.con0 requests 3' \
	"$("$examples/statistics" small "$work/tree")"
expect_status 1 "$examples/statistics" nobody "$work/tree" 2>"$work/err"
expect_eq 'unknown cell' 'does not exist' "$(cat "$work/err")"
echo "ok recorded-tree"

expect_status 1 "$examples/create-cell" "$work/vmlinuz" "$work/initrd" >"$work/out" 2>"$work/err"
grep -q "^/boot/kernel \"$work/vmlinuz\" cannot be opened" "$work/err" || fail "no finding of the kernel"
grep -q "^/boot/initrd \"$work/initrd\" cannot be opened" "$work/err" || fail "no finding of the initrd"
expect_status 1 "$examples/list-cells" 2>"$work/err"
grep -q '^the module hvisor is not loaded' "$work/err" || fail "list-cells: $(cat "$work/err")"
expect_status 0 "$examples/virtio-rng" cell1.rng0 2>"$work/err"
expect_eq 'backend without device' 'cell1.rng0: there is no such device' "$(cat "$work/err")"
echo "ok without-module"

pkg() {
	PKG_CONFIG_PATH=$(echo "$installed"/usr/lib/*/pkgconfig) \
		pkg-config --define-variable=prefix="$installed/usr" "$@" libshyper
}
read -r -a cflags < <(pkg --cflags)
read -r -a libs < <(pkg --libs)
read -r -a static < <(pkg --libs --static | sed "s#-lshyper#$(echo "$installed"/usr/lib/*/libshyper.a)#")
cp libshyper/examples/list-cells.c "$work/list.cc"
g++ -Wall -Wextra -Werror "${cflags[@]}" -o "$work/list-cc" "$work/list.cc" "${libs[@]}" ||
	fail "C++"
expect_eq 'from C++' "$cells" "$("$work/list-cc" "$work/tree")"
# A program may have functions of the library's inner names.
printf '%s() { return 1; }\n' 'int error_set' 'int config_parse' 'int queue_run' \
	'int sysfs_read' 'int json_get' 'int ctx_path' >"$work/names.c"
gcc "${cflags[@]}" -o "$work/list-static" libshyper/examples/list-cells.c "$work/names.c" "${static[@]}" ||
	fail "static"
expect_eq 'linked statically' "$cells" "$(LD_LIBRARY_PATH='' "$work/list-static" "$work/tree")"
ldd "$work/list-static" | grep libshyper && fail "libshyper is not in it"
expect_eq version "$(pkg --modversion)" "$(sed -n 's/^VERSION ?= //p' libshyper/Makefile)"
echo "ok linking"
