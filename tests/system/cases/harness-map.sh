#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# The check of the map in tests/README.md finds a test that did not run, a
# sentence without a test and a missing table.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf 'system/a\n' >"$work/results"
table() {
	printf '# x\n\n| What | Test |\n|---|---|\n%s\n\n' "$1" >"$work/readme"
}
check() {
	tests/lib/check-map "$work/readme" "$work/results" >"$work/out"
}
table '| It does. | `system/a` |'
expect_status 0 check
table '| It does. | `system/a` `system/b` |'
expect_status 1 check
grep -q 'system/b did not run' "$work/out" || fail "not named"
table '| It does. | |'
expect_status 1 check
table $'| It does. | `system/a` |\n\n| What | Test |\n|---|---|\n| It does more. | `system/c` |'
expect_status 1 check
grep -q 'system/c did not run' "$work/out" || fail "the second table is not read"
table '| It does. | `tests/run` |'
expect_status 0 check
table '| It does. | `tests/no-such-program` |'
expect_status 1 check
echo >"$work/readme"
expect_status 1 check
