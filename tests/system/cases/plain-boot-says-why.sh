#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --plain --timeout 60
#
# Without EL2 the module and the command each end with one clear line.
. ./cell.sh

dmesg -C
out=$(modprobe hvisor 2>&1) && fail "modprobe succeeded"
echo "modprobe: $out"
expect "lines of modprobe" "$(wc -l <<<"$out")" 1
echo "kernel: $(dmesg | grep 'hvisor: no')"
expect "lines in the kernel's log" "$(dmesg | grep -c 'hvisor: no hypervisor')" 1
out=$(shyper cell list 2>&1) && fail "shyper cell list succeeded"
echo "shyper: $out"
expect "lines of shyper" "$(wc -l <<<"$out")" 1
[[ $out == shyper:* ]] || fail "not shyper's line"
shyper cell list >/dev/null 2>&1
expect "exit status" $? 4
