# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the virtio device library and of the backends.
tests-virtio := test_queue test_inflight test_backend test_blk test_blk_device test_blk_blocks test_blk_range test_console test_net test_net_control test_net_tap \
	test_rng test_vhost_user test_vhost_user_direct test_vhost_user_rules \
	test_vhost_user_features test_vhost_user_link test_vhost_user_poll \
	test_vhost_user_hostile test_pl011 \
	test_pl011_model test_rtc test_jail test_program test_poll fuzz_queue fuzz_disk
cflags-virtio := -I$(top)/include -I$(top)/libshyper/include -I$(top)/shyper-cli/backend \
	-DRUN_DIRECTORY='"."' -DLOG_MAX=524288
libs-virtio := -luring -ljansson -lseccomp

virtio-rings := libshyper/virtio/memory.c libshyper/virtio/queue.c libshyper/virtio/inflight.c
# All but link.c, in whose place is el2.c.
virtio-loop := $(virtio-rings) libshyper/ctx.c libshyper/error.c libshyper/virtio/backend.c libshyper/virtio/serve.c libshyper/virtio/poll.c \
	libshyper/virtio/notify.c libshyper/virtio/lend.c libshyper/virtio/vhost.c libshyper/virtio/withhold.c libshyper/feature-names.c \
	tests/unit/virtio/el2.c
virtio-program := shyper-cli/backend/program.c shyper-cli/backend/jail.c libshyper/size.c

srcs-test_queue := $(virtio-rings)
# Compiles queue.c and inflight.c itself, with a death behind each store.
srcs-test_inflight := libshyper/virtio/memory.c
srcs-test_backend := $(virtio-loop)
virtio-disk := $(virtio-loop) $(virtio-program) $(addprefix shyper-cli/backend/,blk-file.c blk-request.c blk-transfer.c blk-range.c \
	blk-ring.c blk-rate.c)
# All but blk.c, which they have of disk.h.
srcs-test_blk := $(virtio-disk)
srcs-test_blk_device := $(virtio-disk)
ldflags-test_blk_device := -Wl,--wrap=blk_ring_submit
srcs-test_blk_blocks := $(virtio-disk)
ldflags-test_blk_blocks := -Wl,--wrap=fstat,--wrap=ioctl,--wrap=fcntl,--wrap=pread,--wrap=blk_ring_submit
srcs-test_blk_range := $(virtio-disk)
virtio-console := $(addprefix shyper-cli/backend/console-,log.c clients.c size.c) tests/unit/virtio/console_client.c
srcs-test_console := $(virtio-loop) $(virtio-program) $(virtio-console) shyper-cli/backend/console-control.c
virtio-net := $(virtio-loop) $(virtio-program) shyper-cli/backend/net-data.c \
	shyper-cli/backend/net-control.c shyper-cli/backend/net-config.c \
	shyper-cli/backend/net-vhost.c
# All but net.c, which they have of network.h.
srcs-test_net := $(virtio-net)
srcs-test_net_control := $(virtio-net)
ldflags-test_net := -Wl,--wrap=open,--wrap=ioctl,--wrap=link_irqfd,--wrap=link_ioeventfd
ldflags-test_net_tap := -Wl,--wrap=ioctl,--wrap=readlink
srcs-test_net_tap := $(virtio-program) $(virtio-loop)
srcs-test_rng := $(virtio-loop) $(virtio-program)
# vhost_user_bridge.c compiles vhost-user.c and vhost-user-link.c itself, with less patience.
virtio-bridge := $(virtio-loop) $(virtio-program) $(addprefix shyper-cli/backend/vhost-user-,open.c \
	shadow.c direct.c) $(addprefix tests/unit/virtio/,vhost_user_bridge.c fake_back_end.c)
srcs-test_vhost_user := $(virtio-bridge)
srcs-test_vhost_user_direct := $(virtio-bridge)
srcs-test_vhost_user_rules := $(virtio-bridge)
srcs-test_vhost_user_features := $(virtio-bridge)
# Compiles vhost-user-link.c itself.
srcs-test_vhost_user_link :=
srcs-test_vhost_user_poll := $(virtio-bridge)
srcs-test_vhost_user_hostile := $(virtio-bridge)
srcs-test_pl011 := $(virtio-loop) $(virtio-program) $(virtio-console) shyper-cli/backend/pl011-model.c
srcs-test_pl011_model := shyper-cli/backend/pl011-model.c
srcs-test_rtc := $(virtio-loop) $(virtio-program)
srcs-test_jail := $(virtio-loop) $(virtio-program)
# Compiles program.c itself.
srcs-test_program := $(virtio-loop) shyper-cli/backend/jail.c libshyper/size.c
srcs-fuzz_disk := $(virtio-disk)
ldflags-fuzz_disk := -Wl,--wrap=pread
srcs-test_poll := libshyper/virtio/poll.c
srcs-fuzz_queue := $(virtio-rings) tests/fuzz/virtqueue.c
