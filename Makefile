# SPDX-License-Identifier: GPL-2.0-or-later
# `make run`: from a fresh clone to the prompt of shyper in QEMU; `make help`.

top := $(CURDIR)
B := $(top)/build
KERNEL ?= $(B)/kernel/default
# What is made for another kernel than the default one has a suffix of its own.
kernel := $(abspath $(KERNEL))
K := $(if $(filter $(B)/kernel/default,$(kernel)),,-$(shell echo '$(kernel)' | cksum | cut -d' ' -f1))

export CROSS_COMPILE ?= aarch64-linux-gnu-
export SYSROOT := $(B)/sysroot
export PKG_CONFIG_SYSROOT_DIR := $(SYSROOT)
export PKG_CONFIG_LIBDIR := $(SYSROOT)/usr/lib/aarch64-linux-gnu/pkgconfig:$(SYSROOT)/usr/share/pkgconfig
KDIR := $(kernel)/headers/build
KVER = $(shell cat $(kernel)/version)
part_flags = O=$(B)/$1$(if $(filter kmod,$1),$K) KDIR=$(KDIR) KVER=$(KVER) $(if $(filter kmod,$1),ARCH=arm64)

# In the order in which they need each other; a part without Makefile is not there yet.
parts := hypervisor kmod libshyper shyper-cli udev configs
parts := $(patsubst %/Makefile,%,$(wildcard $(parts:=/Makefile)))
installed := $(filter-out hypervisor,$(parts))
product := $(B)/product$K
images := $(B)/images$K

V ?= 0
# Parts are built one after the other, each by all CPUs, unless make was told how many.
jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
quiet = $(if $(filter 0,$V),--no-print-directory -s) $(jobs)

.PHONY: all help setup run test unit payloads fresh soak figures bench image install clean distclean
.PHONY: $(parts) setup-rt setup-6.12 image-locked lint lint-c lint-kmod

all: $(parts)

help:
	@echo 'make run        set up what is missing, build, start QEMU: ends at shyper>'
	@echo 'make test       set up what is missing, build, run all tests'
	@echo 'make all        build everything below build/; make unit: the tests on the host'
	@echo 'make image      the disks and initramfs of root, with everything installed'
	@echo 'make setup      install missing host packages, unpack sysroot, kernel, Debian'
	@echo 'make setup-rt   the rt flavour of the kernel, in build/kernel/rt; setup-6.12: that one'
	@echo 'make lint       the module with W=1 and sparse, for the kernels 6.1 and 6.12;'
	@echo '                clang-tidy of EL2, library and programs'
	@echo 'make fresh      tests/fresh: run and test in a new minimal Debian 12'
	@echo 'make soak       tests/soak: the storm of commands for ten minutes, networks with 256 MiB'
	@echo 'make figures    the figures of docs/figures.md; make bench: the same'
	@echo 'make install    DESTDIR=... prefix=/usr: what root gets'
	@echo 'make clean      what was built from this tree; distclean: all of build/'
	@echo 'Variables: KERNEL=DIR CROSS_COMPILE= V=1 CI=true (-Werror)'
	@echo 'make run also: CPUS=4 MEM=2048 PLAIN=1 (no hypervisor) EL2_ARGS="loglevel=info"'

setup:
	@scripts/host-packages
	@scripts/mk-sysroot
	@scripts/mk-kernel default
	@scripts/mk-root-tree
	@scripts/mk-cell-tree
	@scripts/mk-data-image

setup-rt setup-6.12: setup-%: setup
	@scripts/mk-kernel $*

# One after the other: each may link against those before it.
.NOTPARALLEL:
$(parts): setup
	@$(MAKE) $(quiet) -C $@ $(call part_flags,$@) all

# What runs on the host is not to know of arm64.
host_make := env -u SYSROOT -u CROSS_COMPILE -u PKG_CONFIG_SYSROOT_DIR -u PKG_CONFIG_LIBDIR \
	$(MAKE) $(quiet)

# The examples see libshyper as a stranger does: installed, found by pkg-config.
unit: setup
	@$(host_make) -C tests/unit O=$(B)/unit all
	@$(host_make) -C libshyper O=$(B)/host/libshyper DESTDIR=$(B)/host/installed install
	@$(host_make) -C libshyper/examples O=$(B)/host/examples INSTALLED=$(B)/host/installed all

# What tests put into root: guests of cells, and programs that try the ABI and
# libshyper.
payloads: setup
	@$(MAKE) $(quiet) -C tests/guests O=$(B)/guests all
	@$(MAKE) $(quiet) -C tests/system/programs O=$(B)/programs all
	@$(MAKE) $(quiet) -C libshyper O=$(B)/libshyper DESTDIR=$(B)/installed install
	@$(MAKE) $(quiet) -C libshyper/examples O=$(B)/examples INSTALLED=$(B)/installed \
		CC='$(CROSS_COMPILE)gcc --sysroot=$(SYSROOT)' all

install:
	@set -e; for part in $(installed); do \
		$(MAKE) $(quiet) -C $$part O=$(B)/$$part KDIR=$(KDIR) KVER=$(KVER) \
			DESTDIR=$(DESTDIR) install; done

image: setup all
	@flock $(B)/.image.lock $(MAKE) $(quiet) image-locked

# Installed anew each time: the disk is made anew only if the bytes differ.
image-locked:
	@rm -rf $(product)
	@mkdir -p $(product)
	@set -e; for part in $(installed); do o=$(B)/$$part; \
		[ $$part != kmod ] || o=$$o$K; \
		$(MAKE) $(quiet) -C $$part O=$$o KDIR=$(KDIR) KVER=$(KVER) \
			DESTDIR=$(product) install; done
	@scripts/mk-root-image $(kernel) $(product) $(images)

run: image
	@scripts/run

test: image unit payloads
	@tests/run

lint: lint-kmod lint-c

lint-kmod: setup-6.12
	@scripts/lint-kmod

lint-c: setup
	@scripts/lint-c

fresh:
	@tests/fresh

soak: image payloads
	@tests/soak

figures bench: image
	@tests/bench/figures

clean:
	@rm -rf $(addprefix $(B)/,$(parts) unit host guests programs examples installed product images snapshots lint) $(B)/kmod-* $(B)/images-* $(B)/product-*

distclean:
	@rm -rf $(B)
