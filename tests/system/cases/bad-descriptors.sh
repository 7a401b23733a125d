#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/programs/bad-cells --put build/programs/bad-calls
# root-run: --put build/programs/compat
#
# Broken descriptors and calls, posted straight by ioctl: each gives its errno,
# and CPUs, hugepages, EL2's pool and sysfs are as before.
. ./cell.sh

# No monitor of udev's: the programs are that themselves.
systemctl mask --runtime shyper-cell@cell1.service 2>/dev/null || fail "mask"
before=$(snapshot)
for program in bad-cells bad-calls; do
	./$program || fail "$program"
	unchanged "$before"
	echo "ok $program"
done
status=0
./compat || status=$?
expect "step of the 32-bit caller that went wrong" $status 0
echo "ok compat"
