// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes, offsets and values that programs linked with libshyper.so.0 were
 * compiled with. A change here breaks them: it needs another soname, or another
 * version of the functions concerned in libshyper.map.
 */
#include <stddef.h>

#include <shyper/shyper.h>
#include <shyper/virtio/backend.h>

#ifdef __cplusplus
#define CHECK(x) static_assert(x, #x)
#else
#define CHECK(x) _Static_assert(x, #x)
#endif
#define SIZE(type, bytes) CHECK(sizeof(struct type) == (bytes))
#define AT(type, field, offset) CHECK(offsetof(struct type, field) == (offset))
#define VALUE(name, value) CHECK((name) == (value))

/* shyper/error.h */
SIZE(shyper_error, 836);
AT(shyper_error, code, 0);
AT(shyper_error, subject, 4);
AT(shyper_error, location, 132);
AT(shyper_error, text, 260);
AT(shyper_error, hint, 644);

/* shyper/config.h */
SIZE(shyper_finding, 324);
AT(shyper_finding, severity, 0);
AT(shyper_finding, path, 4);
AT(shyper_finding, text, 68);

/* shyper/cell.h */
SIZE(shyper_value, 768);
AT(shyper_value, name, 0);
AT(shyper_value, value, 48);

SIZE(shyper_waiter, 96);
AT(shyper_waiter, cpu, 0);
AT(shyper_waiter, device, 4);
AT(shyper_waiter, op, 20);
AT(shyper_waiter, address, 40);
AT(shyper_waiter, length, 48);
AT(shyper_waiter, age_ms, 56);
AT(shyper_waiter, reserved, 64);
SIZE(shyper_holder, 100);
AT(shyper_holder, cell, 0);
AT(shyper_holder, pid, 32);
AT(shyper_holder, process, 36);
AT(shyper_holder, reserved, 68);

/* shyper/event.h */
SIZE(shyper_event, 204);
AT(shyper_event, type, 0);
AT(shyper_event, is_initial, 4);
AT(shyper_event, sysname, 5);
AT(shyper_event, name, 69);
AT(shyper_event, device_type, 101);
AT(shyper_event, state, 120);
AT(shyper_event, reason, 124);
AT(shyper_event, change, 140);
AT(shyper_event, reserved, 156);

/* shyper/monitor.h */
SIZE(shyper_monitor_request, 12);
AT(shyper_monitor_request, op, 0);
AT(shyper_monitor_request, timeout_ms, 4);
AT(shyper_monitor_request, fd, 8);
SIZE(shyper_monitor_state, 24);
AT(shyper_monitor_state, state, 0);
AT(shyper_monitor_state, reason, 8);
AT(shyper_monitor_state, starts, 16);

/* shyper/virtio/queue.h */
SIZE(shyper_chain, 32);
AT(shyper_chain, iov, 0);
AT(shyper_chain, max_segments, 8);
AT(shyper_chain, head, 12);
AT(shyper_chain, nr_out, 16);
AT(shyper_chain, nr_in, 20);
AT(shyper_chain, out_length, 24);
AT(shyper_chain, in_length, 28);

/* shyper/virtio/backend.h */
SIZE(shyper_cell_region, 48);
AT(shyper_cell_region, ipa, 0);
AT(shyper_cell_region, length, 8);
AT(shyper_cell_region, host, 16);
AT(shyper_cell_region, fd, 24);
AT(shyper_cell_region, offset, 32);
AT(shyper_cell_region, is_readonly, 40);

SIZE(shyper_ring, 40);
AT(shyper_ring, size, 0);
AT(shyper_ring, epoch, 4);
AT(shyper_ring, desc, 8);
AT(shyper_ring, driver, 16);
AT(shyper_ring, device, 24);
AT(shyper_ring, in_flight, 32);
AT(shyper_ring, used_idx, 36);
AT(shyper_ring, is_ending, 38);
AT(shyper_ring, is_lent, 39);

SIZE(shyper_backend_ops, 120);
AT(shyper_backend_ops, device_id, 0);
AT(shyper_backend_ops, nr_queues, 4);
AT(shyper_backend_ops, queue_max, 8);
AT(shyper_backend_ops, features, 16);
AT(shyper_backend_ops, queue, 24);
AT(shyper_backend_ops, reset, 32);
AT(shyper_backend_ops, config_store, 40);
AT(shyper_backend_ops, load, 48);
AT(shyper_backend_ops, store, 56);
AT(shyper_backend_ops, driver_ok, 64);
AT(shyper_backend_ops, queue_stop, 72);
AT(shyper_backend_ops, attached, 80);
AT(shyper_backend_ops, drain, 88);
AT(shyper_backend_ops, reserved, 96);
SIZE(shyper_watch, 24);
AT(shyper_watch, fd, 0);
AT(shyper_watch, ready, 8);
AT(shyper_watch, data, 16);

/* Values of enumerators. */
VALUE(SHYPER_CELL_UNKNOWN, 0);
VALUE(SHYPER_CELL_CREATED, 1);
VALUE(SHYPER_CELL_LOADED, 2);
VALUE(SHYPER_CELL_RUNNING, 3);
VALUE(SHYPER_CELL_PAUSED, 4);
VALUE(SHYPER_CELL_STOPPED, 5);
VALUE(SHYPER_CELL_FAILED, 6);
VALUE(SHYPER_CELL_DYING, 7);
VALUE(SHYPER_SEVERITY_WARNING, 0);
VALUE(SHYPER_SEVERITY_ERROR, 1);
VALUE(SHYPER_RESTART_NEVER, 0);
VALUE(SHYPER_RESTART_ON_FAILURE, 1);
VALUE(SHYPER_RESTART_ALWAYS, 2);
VALUE(SHYPER_EVENT_CELL_ADDED, 0);
VALUE(SHYPER_EVENT_CELL_CHANGED, 1);
VALUE(SHYPER_EVENT_CELL_REMOVED, 2);
VALUE(SHYPER_EVENT_DEVICE_ADDED, 3);
VALUE(SHYPER_EVENT_DEVICE_CHANGED, 4);
VALUE(SHYPER_EVENT_DEVICE_REMOVED, 5);
VALUE(SHYPER_MONITOR_PING, 0);
VALUE(SHYPER_MONITOR_START, 1);
VALUE(SHYPER_MONITOR_RESTART, 2);
VALUE(SHYPER_COUNT_READS, 0);
VALUE(SHYPER_COUNT_READ_BYTES, 1);
VALUE(SHYPER_COUNT_WRITES, 2);
VALUE(SHYPER_COUNT_WRITE_BYTES, 3);
VALUE(SHYPER_COUNT_FLUSHES, 4);
VALUE(SHYPER_COUNT_OTHERS, 5);
VALUE(SHYPER_COUNT_ERRORS, 6);
