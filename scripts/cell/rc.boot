#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a cell's Debian does before its shell.
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
hostname "$(cat /etc/hostname)"
