#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --mttcg --put build/programs/eventfds --put build/guests/kick.img
#
# A device served by eventfds: doorbell to eventfd, eventfd to interrupt, while
# both come and go. A storm of kicks is put off, by eventfd, and not told again,
# without: the cell has by far fewer interrupts in root than it notifies; nor does it
# take root's CPU through those who wait for the eventfd.
. ./cell.sh

before=$(snapshot)
echo 0 >/sys/module/hvisor/parameters/storm_runs || fail "storm_runs"
./eventfds kick.img >out || { cat out; fail "eventfds"; }
cat out
echo "ok nothing-lost"
echo "ok storm"
# Else root's CPU was in no danger.
n=$(sed -n 's/^by eventfd, slowly woken: \([0-9]*\) .*/\1/p' out | tail -n 1)
[ "${n:-0}" -gt 1000 ] || fail "only $n notifications"
echo "ok slow-wakers"
unchanged "$before"
echo "ok gone-with-the-file"
