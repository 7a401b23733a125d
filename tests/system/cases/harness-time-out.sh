#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# A script that does not end is ended, with 124, by the limit given.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf 'echo begun\nsleep 1000\n' >"$work/script"
start=$SECONDS status=0
"$root_run" --timeout 10 "$work/script" >"$work/out" 2>"$work/err" || status=$?
expect_eq status 124 $status
expect_eq stdout begun "$(cat "$work/out")"
[ $((SECONDS - start)) -lt 120 ] || fail "took $((SECONDS - start)) s"
rm -r "$(sed -n 's/^root-run: logs: //p' "$work/err")"
