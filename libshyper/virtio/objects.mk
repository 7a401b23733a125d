# SPDX-License-Identifier: LGPL-2.1-or-later
# What the device library is made of.
virtio-objs := memory.o inflight.o queue.o poll.o link.o notify.o serve.o lend.o vhost.o withhold.o backend.o
