# SPDX-License-Identifier: GPL-2.0-or-later
# include/ has the host's stand-ins for <asm/...>; the rest is EL2's own.
cflags-hypervisor := -iquote $(top)/hypervisor/include \
	-I$(top)/tests/unit/hypervisor/include -I$(top)/hypervisor/arch/arm64/include \
	-I$(top)/include

tests-hypervisor := test_virtio_mmio test_virtio_mmio_config test_virtio_mmio_random
tests-hypervisor += test_slot test_doorbell test_device test_device_requests test_device_stop
tests-hypervisor += test_notify test_raise
tests-hypervisor += test_cell_check test_cell_run test_cell_memory test_histogram
tests-hypervisor += test_paging test_mem test_mmio test_vgic test_vgic_cpus test_vgic_registers test_id_filter
hypervisor-mmio := hypervisor/virtio-mmio.c tests/unit/hypervisor/mmio_driver.c
srcs-test_virtio_mmio := $(hypervisor-mmio)
srcs-test_virtio_mmio_config := $(hypervisor-mmio)
srcs-test_virtio_mmio_random := $(hypervisor-mmio)
srcs-test_slot := hypervisor/slot.c
srcs-test_doorbell := hypervisor/doorbell.c
hypervisor-devices := $(addprefix hypervisor/,device.c device-request.c device-hypercall.c \
	cell-check.c earlycon.c slot.c doorbell.c virtio-mmio.c mmio.c) \
	tests/unit/hypervisor/device_world.c
srcs-test_device := $(hypervisor-devices)
srcs-test_device_requests := $(hypervisor-devices)
srcs-test_device_stop := $(hypervisor-devices)
srcs-test_notify := $(hypervisor-devices)
srcs-test_raise := $(addprefix hypervisor/,drivers/irqchip/raise.c drivers/irqchip/vgic.c \
	drivers/irqchip/vgic-sync.c doorbell.c)
srcs-test_cell_check := hypervisor/cell-check.c
srcs-test_cell_run := hypervisor/cell-run.c hypervisor/cell-check.c
srcs-test_cell_memory := $(addprefix hypervisor/,cell-memory.c cell-check.c paging.c mem.c mmio.c)
srcs-test_paging := hypervisor/paging.c
srcs-test_mem := hypervisor/mem.c
srcs-test_mmio := hypervisor/mmio.c
hypervisor-vgic := $(addprefix hypervisor/drivers/irqchip/,vgic.c vgic-sync.c vgic-mmio.c) \
	tests/unit/hypervisor/vgic_guest.c
srcs-test_vgic := $(hypervisor-vgic)
srcs-test_vgic_cpus := $(hypervisor-vgic)
srcs-test_vgic_registers := $(hypervisor-vgic)
srcs-test_id_filter := hypervisor/arch/arm64/id-filter.c

# Random input.
tests-hypervisor += test_random_paging test_random_memory test_random_cell test_random_mmio \
	test_random_device
srcs-test_random_paging := hypervisor/paging.c
srcs-test_random_memory := hypervisor/mem.c
srcs-test_random_cell := $(addprefix hypervisor/,cell-memory.c cell-check.c paging.c mem.c mmio.c)
srcs-test_random_mmio := hypervisor/mmio.c
srcs-test_random_device := $(hypervisor-devices)
