# SPDX-License-Identifier: LGPL-2.1-or-later
include $(top)/libshyper/objects.mk

cflags-libshyper := -I$(top)/libshyper -I$(top)/libshyper/include -I$(top)/include
libs-libshyper := -ljansson -lfdt -ludev
libshyper-srcs := $(patsubst %.o,libshyper/%.c,$(core-objs)) \
	tests/unit/libshyper/machine.c

tests-libshyper := test_config test_schema test_together test_plan test_build test_layout test_boot \
	test_cells test_cell_control test_holder test_events test_cell_wait test_cell_console test_threads test_memory_failure
srcs-test_config := $(libshyper-srcs)
srcs-test_build := $(libshyper-srcs)
srcs-test_schema := $(libshyper-srcs)
srcs-test_together := $(libshyper-srcs)
srcs-test_plan := $(libshyper-srcs)
srcs-test_layout := $(libshyper-srcs)
srcs-test_boot := $(libshyper-srcs)
srcs-test_cells := $(libshyper-srcs)
srcs-test_cell_control := $(libshyper-srcs)
srcs-test_holder := $(libshyper-srcs)
ldflags-test_holder := -Wl,--wrap=pread,--wrap=pread64,--wrap=uapi_open,--wrap=uapi_cell_memory,--wrap=uapi_cell_adopt
srcs-test_events := $(libshyper-srcs)
ldflags-test_events := -Wl,--wrap=udev_monitor_receive_device,--wrap=udev_device_unref,--wrap=udev_device_get_sysname,--wrap=udev_device_get_action,--wrap=udev_device_get_property_value
srcs-test_cell_wait := $(libshyper-srcs)
srcs-test_cell_console := $(libshyper-srcs)
srcs-test_threads := $(libshyper-srcs)
srcs-test_memory_failure := $(libshyper-srcs)
ldflags-test_memory_failure := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=vasprintf,--wrap=asprintf
