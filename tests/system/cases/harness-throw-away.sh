#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# Two cases run side by side, and neither sees what the other one wrote.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/script" <<-'EOF'
	[ ! -e /var/lib/shyper/mark ] && [ ! -e /root/mark ] || exit 3
	echo mark | tee /var/lib/shyper/mark >/root/mark
	sync
	sleep 3
EOF
"$root_run" "$work/script" &
first=$!
"$root_run" "$work/script" || fail "second of two side by side"
wait $first || fail "first of two side by side"
"$root_run" "$work/script" || fail "a third one, afterwards"
