# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the virtio device library and of the backends.
tests-virtio := test_queue test_inflight test_backend test_blk test_rng test_rtc test_vhost_user test_console test_jail fuzz_queue
cflags-virtio := -I$(top)/include -I$(top)/libshyper/include -I$(top)/shyper-cli/backend
libs-virtio := -luring -ljansson -lseccomp

virtio-rings := libshyper/virtio/memory.c libshyper/virtio/queue.c libshyper/virtio/inflight.c
# All but link.c, in whose place is el2.c.
virtio-loop := $(virtio-rings) libshyper/ctx.c libshyper/error.c libshyper/virtio/backend.c libshyper/virtio/serve.c \
	libshyper/virtio/notify.c tests/unit/virtio/el2.c
virtio-program := shyper-cli/backend/program.c shyper-cli/backend/jail.c

srcs-test_queue := $(virtio-rings)
# Compiles queue.c and inflight.c itself, with a death behind each store.
srcs-test_inflight := libshyper/virtio/memory.c
srcs-test_backend := $(virtio-loop)
srcs-test_blk := $(virtio-loop) $(virtio-program) shyper-cli/backend/blk-file.c
srcs-test_rng := $(virtio-loop) $(virtio-program)
srcs-test_rtc := $(virtio-loop) $(virtio-program)
srcs-test_vhost_user := $(virtio-loop) $(virtio-program) shyper-cli/backend/vhost-user-open.c \
	shyper-cli/backend/vhost-user-link.c shyper-cli/backend/vhost-user-shadow.c tests/unit/virtio/fake_back_end.c
srcs-test_console := $(virtio-loop) $(virtio-program) shyper-cli/backend/console-clients.c
srcs-test_jail := $(virtio-loop) $(virtio-program)
srcs-fuzz_queue := $(virtio-rings) tests/fuzz/virtqueue.c
