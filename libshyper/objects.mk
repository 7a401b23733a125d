# SPDX-License-Identifier: LGPL-2.1-or-later
# What the control side of libshyper is made of.
core-objs := ctx.o error.o sysfs.o uapi.o \
	config.o config-json.o config-cell.o config-memory.o config-console.o config-net.o config-vhost-user.o config-mediated.o \
	config-build.o config-check.o config-together.o feature-names.o layout.o plan.o size.o \
	image.o fdt.o dts.o boot.o \
	cell.o cell-create.o cell-control.o cell-wait.o cell-monitor.o holder.o waiters.o memory.o \
	ram.o \
	holders.o \
	device.o console.o monitor.o wire.o
