/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshyper: cells, their devices and events, seen from root's user space. The
 * rules of the library are in shyper/ctx.h. Backends include
 * shyper/virtio/backend.h besides.
 */
#ifndef SHYPER_SHYPER_H
#define SHYPER_SHYPER_H

#include <shyper/builder.h>
#include <shyper/cell.h>
#include <shyper/config.h>
#include <shyper/console.h>
#include <shyper/ctx.h>
#include <shyper/device.h>
#include <shyper/error.h>
#include <shyper/event.h>
#include <shyper/monitor.h>

#endif /* SHYPER_SHYPER_H */
