#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/programs/eventfds --put build/guests/kick.img
#
# A device served by eventfds: doorbell to eventfd, eventfd to interrupt, while
# both come and go. A storm of kicks is put off, by eventfd, and not told again,
# without: the cell has by far fewer interrupts in root than it notifies.
. ./cell.sh

before=$(snapshot)
echo 0 >/sys/module/hvisor/parameters/storm_runs || fail "storm_runs"
./eventfds kick.img || fail "eventfds"
echo "ok nothing-lost"
echo "ok storm"
unchanged "$before"
echo "ok gone-with-the-file"
