/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a cell's things are (libshyper's layout), and the payload's own. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define STACK_SIZE	0x2000
#define MAX_CPUS	16

#define GICD_BASE	0x08000000
#define GICR_BASE	0x080a0000
#define GICR_STRIDE	0x20000
#define EARLYCON_BASE	0x09000000
#define VIRTIO_BASE	0x0a000000
#define VIRTIO_STRIDE	0x1000
#define VIRTIO_IRQ	48
#define FOREIGN_BASE	0x0b000000
#define FOREIGN_STRIDE	0x10000
#define RAM_BASE	0x40000000
/* Nobody uses or loads anything there: it outlives a restart. */
#define KEPT_BASE	0x40800000
#define UNMAPPED	0x10000000

#endif /* GUEST_LAYOUT_H */
