#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/programs/device-file --put build/guests/ask.img
#
# The open file of a backend and of a monitor: blocking and not, whole structures,
# partial writes, poll, fork, mappings that outlast close, successors, the end.
. ./cell.sh

before=$(snapshot)
./device-file ask.img || fail "device-file"
unchanged "$before"
