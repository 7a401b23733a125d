# SPDX-License-Identifier: GPL-2.0-or-later
include $(top)/libshyper/objects.mk

# Sockets have short names, so these folders are not below $(out).
cli-folder := /tmp/shyper-unit-$(firstword $(shell echo '$(out)' | cksum))
cflags-cli := -Wno-unused-parameter -DSHYPER_VERSION='"0"' \
	-DSERVICE_RUN_FOLDER='"$(cli-folder)"' -DSERVICE_FOLDER='"$(cli-folder)/libexec"' \
	-I$(top)/shyper-cli -I$(top)/libshyper -I$(top)/libshyper/include -I$(top)/include
libs-cli := -ljansson -lfdt -ludev -lutil
cli-library := $(patsubst %.o,libshyper/%.c,$(core-objs))
cli-commands := $(addprefix shyper-cli/,command.c complete.c tokens.c names.c context.c batch.c \
	output.c describe.c cmd-cell.c cmd-device.c cmd-watch.c cmd-system.c cmd-general.c \
	cell-wait.c cell-dump.c cell-plan.c cell-map.c settings.c rates.c top.c cell-log.c attach.c mediated.c \
	supervise.c service.c) libshyper/virtio/notify.c

tests-cli := test_tokens test_command test_output test_mediated test_commands test_commands_cells \
	test_commands_devices test_attach test_supervise test_cell_monitor
srcs-test_tokens := shyper-cli/tokens.c
srcs-test_command := shyper-cli/command.c shyper-cli/complete.c shyper-cli/tokens.c
srcs-test_output := shyper-cli/output.c
srcs-test_mediated := shyper-cli/mediated.c
cli-verbs := $(cli-commands) $(cli-library) tests/unit/cli/recorded_sys.c
srcs-test_commands := $(cli-verbs)
srcs-test_commands_cells := $(cli-verbs)
srcs-test_commands_devices := $(cli-verbs)
srcs-test_attach := shyper-cli/attach.c shyper-cli/output.c
srcs-test_supervise := shyper-cli/service.c libshyper/virtio/notify.c shyper-cli/mediated.c \
	$(cli-library)
srcs-test_cell_monitor := shyper-cli/service.c libshyper/virtio/notify.c
ldflags-test_cell_monitor := -Wl,--wrap=clock_gettime,--wrap=ppoll
