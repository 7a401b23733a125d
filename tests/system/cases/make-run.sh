#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# alone
# `make run`, not for the first time: at the prompt within 40 s, without apt and
# without a rebuild; leaving it gives a root shell; poweroff ends QEMU.
. tests/system/lib/check.sh
. tests/lib/dialogue.sh
work=$(mktemp -d)
trap 'dialogue_kill; [ ! -e "$work/log" ] || cp "$work/log" build/test-logs/make-run-console.log; rm -rf "$work"' EXIT

make image >/dev/null || fail "make image"
start=$SECONDS
dialogue_start "$work/log" make run
dialogue_await 60 'shyper>' || fail "no prompt: $(tail -n 5 "$work/log")"
took=$((SECONDS - start))
echo "prompt after $took s"
grep -aq 'starting QEMU' "$work/log" && [ "$(grep -ac '  OK  ' "$work/log")" -ge 5 ] ||
	fail "no progress was shown"
[ "$took" -le 40 ] || fail "the prompt came after $took s"
! grep -aE '^(Get:|shyper: (unpacking|installing|making|fetching))|  CC ' "$work/log" ||
	fail "something was fetched or built again"
dialogue_send exit
dialogue_await 20 '# ' || fail "no root shell"
dialogue_send 'echo uid=$(id -u) pages=$(cat /proc/sys/vm/nr_hugepages)'
dialogue_await 20 'uid=0 pages=341' || fail "no root shell with hugepages"
dialogue_send poweroff
dialogue_end 60 || fail "poweroff did not end QEMU"
