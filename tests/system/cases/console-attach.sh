#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 400 --put tests/lib/dialogue.sh
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# A console loses nothing between a detach and the next attach, nor when its
# backend is replaced by a log; one writes, all read.
. ./cell.sh
. ./prompt.sh

jq '.name = "talk"' /etc/shyper/cells/small.json >talk.json
shyper -c 'cell create ./talk.json; cell start talk' >/dev/null || fail "create"

prompt_start
dialogue_send 'cell console talk'
dialogue_await 120 'cell# ' || fail "no prompt of the cell"
prompt_type 'stty -echo\n'
dialogue_await 20 'cell# ' || fail "no prompt of the cell"
# Said when nobody listens: more than 64 KiB.
prompt_type 'sleep 3; head -c 70000 /dev/zero | tr "\\\\0" x; echo; echo said=$((6 * 7))\n\035'
prompt_result 20 >answer
sleep 5
dialogue_send 'cell console talk'
from=$dialogue_from
dialogue_await 60 'said=42' || fail "nothing of what was said meanwhile"
tail -c "+$from" "$prompt_log" >answer
prompt_type '\035'
prompt_result 20 >/dev/null
[ "$(tr -dc x <answer | wc -c)" -ge 65536 ] || fail "only $(tr -dc x <answer | wc -c) bytes were kept"
echo ok scroll-back

# The second one reads only, until the first one leaves.
dialogue_send 'cell console talk'
dialogue_await 60 'said=42' || fail "attach"
mkfifo keys
exec {fd}<>keys
socat - UNIX-CONNECT:/run/shyper/cell1.con0.sock <&"$fd" >second 2>&1 &
second=$!
wait_until 20 grep -q 'read-only, another client writes' second
echo 'echo second=$((1 + 1))' >&"$fd"
prompt_type 'echo first=$((1 + 1))\n'
dialogue_await 20 'first=2' || fail "the writer"
wait_until 20 grep -q 'first=2' second
prompt_type '\035'
prompt_result 20 >answer
wait_until 20 grep -q 'you can write now' second
echo 'echo third=$((1 + 1))' >&"$fd"
wait_until 20 grep -q 'third=2' second
! grep -q 'second=2' second || fail "a reader has written"
kill $second
echo ok readers

# Its backend is replaced; what the guest says goes on, and into a file.
shyper device set talk.con0 log=/root/talk.log >/dev/null || fail "device set"
dialogue_send 'cell console talk'
dialogue_await 20 'connected' || fail "attach"
prompt_type 'echo logged=$((6 * 7))\n'
dialogue_await 20 'logged=42' || fail "console after its backend was replaced"
prompt_type '\035'
prompt_result 20 >answer
wait_until 10 grep -q 'logged=42' /root/talk.log
expect "its configuration" "$(shyper device show talk.con0 -j | jq -r .config.log)" /root/talk.log
# Killed, it comes back with the same.
backend_kill cell1.con0
dialogue_send 'cell console talk'
dialogue_await 20 'connected' || fail "attach"
prompt_type 'echo again=$((6 * 7))\n'
dialogue_await 20 'again=42' || fail "console after its backend was killed"
prompt_type '\035'
prompt_result 20 >answer
wait_until 10 grep -q 'again=42' /root/talk.log
prompt_end
shyper cell destroy talk >/dev/null || fail "destroy"
expect "settings that are left" "$(find /run/shyper -name '*.json')" ''
echo ok log
