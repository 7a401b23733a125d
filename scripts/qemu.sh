# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The one place that knows how QEMU is started: sourced by scripts/run and by
# tests/lib/vm.sh.

hypervisor=${SHYPER_HYPERVISOR:-$build/hypervisor/hvisor.img}

# Where EL2 finds its boot modules: clear of QEMU's own device tree, which is
# 128 MiB into RAM, and of the hypervisor at 2 MiB.
kernel_addr=0x44000000
initrd_addr=0x4a000000

# qemu_args IMAGES CPUS MEM-MIB PLAIN EL2-OPTIONS ROOT-OPTIONS: sets the array
# `qemu`: machine and boot, without disks. PLAIN is 1 for a boot without EL2.
qemu_args() {
	local images=$1 cpus=$2 mem=$3 plain=$4 el2=$5 root
	root="console=ttyAMA0 hugepages=$((mem / 3 / 2)) panic=-1 nokaslr kpti=off"
	root="$root mitigations=off cryptomgr.notests rcupdate.rcu_expedited=1"
	root="$root audit=0 $6"
	qemu=(qemu-system-aarch64 -nodefaults -nographic
		-machine virt,virtualization=on,gic-version=3,dtb-randomness=off
		-cpu cortex-a72 -smp "$cpus" -m "$mem")
	if [ "$plain" = 1 ] || [ ! -e "$hypervisor" ]; then
		qemu+=(-kernel "$images/vmlinuz" -initrd "$images/root-initrd.img"
			-append "$root")
	else
		qemu+=(-kernel "$hypervisor" -append "$el2"
			-device "guest-loader,addr=$kernel_addr,kernel=$images/vmlinuz,bootargs=${root//,/,,}"
			-device "guest-loader,addr=$initrd_addr,initrd=$images/root-initrd.img")
	fi
}

# qemu_disk SLOT NAME OPTIONS: adds a PCI disk; the slots keep their order.
qemu_disk() {
	qemu+=(-drive "if=none,id=$2,$3"
		-device "virtio-blk-pci,drive=$2,addr=$1,serial=$2")
}
