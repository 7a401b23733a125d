#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Root runs Debian's own kernel and systemd at EL1 on all its CPUs, its disks
# interrupt it by MSIs through the ITS, and the module came by itself.
. ./check.sh

expect_eq state running "$(systemctl is-system-running)"
expect_eq 'process 1' systemd "$(cat /proc/1/comm)"
expect_eq CPUs 4 "$(nproc)"
grep -q 'Debian' /proc/version || fail "not Debian's kernel"
! dmesg | grep -q 'CPUs started at EL2' || fail "root is at EL2"
dmesg | grep -q 'psci: PSCIv1' || fail "no PSCI"
echo "ok normal-state"

for cpu in 1 2 3; do
	echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu does not leave"
	echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu does not return"
done
expect_eq 'CPUs after off and on' 4 "$(nproc)"
echo "ok cpu-hotplug"

msis() {
	awk '/ITS-MSI.*virtio/ { for (i = 2; i <= 5; i++) n += $i } END { print n + 0 }' /proc/interrupts
}
before=$(msis)
echo 3 >/proc/sys/vm/drop_caches
for cpu in 0 1 2 3; do
	taskset -c $cpu dd if=/dev/vdb of=/dev/null bs=64k count=64 iflag=direct skip=$((cpu * 64)) 2>/dev/null ||
		fail "reading from CPU $cpu"
done
[ "$(msis)" -ge $((before + 256)) ] || fail "MSIs: $before before, $(msis) after 256 reads"
echo "ok its-msi"

node=/sys/firmware/devicetree/base/hypervisor
expect_eq 'what EL2 wrote in the device tree' shyper,hvisor "$(tr -d '\0' <$node/compatible)"
modinfo -F alias hvisor | grep -q 'Cshyper,hvisor' || fail "no alias by that"
expect_eq 'kernel of the module' "$(uname -r)" "$(modinfo -F vermagic hvisor | cut -d' ' -f1)"
[ -d /sys/module/hvisor ] || fail "hvisor is not loaded"
[ -d /sys/class/hvisor/cell0 ] || fail "no cell0"
[ -c /dev/hvisor ] || fail "no /dev/hvisor"
echo "ok module-autoload"

expect_eq hugepages 341 "$(cat /proc/sys/vm/nr_hugepages)"
echo "ok hugepages"
