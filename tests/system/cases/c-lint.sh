#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
#
# clang-tidy finds nothing in EL2, the library and the programs, and finds what is
# put there: recursion at EL2, a leak, a descriptor that an exec would keep.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scripts/lint-c || fail "findings"
echo "ok clean"

mkdir "$work"/{hypervisor,libshyper,shyper-cli}
cp .clang-tidy "$work/"
cp hypervisor/.clang-tidy "$work/hypervisor/"
echo 'int injected(int n); int injected(int n) { return n ? injected(n - 1) : 0; }' \
	>"$work/hypervisor/recursion.c"
printf '#include <stdlib.h>\nint injected(void); int injected(void) { char *p = malloc(3); return p != NULL; }\n' \
	>"$work/libshyper/leak.c"
printf '#include <fcntl.h>\nint injected(void); int injected(void) { return open("/", O_RDONLY); }\n' \
	>"$work/shyper-cli/descriptor.c"
expect_status 1 scripts/lint-c "$work" >"$work/log"
cat "$work/log"
grep -q '^hypervisor/.*misc-no-recursion' "$work/log" || fail "recursion"
grep -q '^libshyper/.*unix.Malloc' "$work/log" || fail "leak"
grep -q '^shyper-cli/.*android-cloexec-open' "$work/log" || fail "descriptor"
echo "ok sees"
