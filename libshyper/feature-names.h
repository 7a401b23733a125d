/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of virtio feature bits, with which a configuration says what a device
 * is not to offer: { "features": { "event_idx": false } }.
 */
#ifndef LIBSHYPER_FEATURE_NAMES_H
#define LIBSHYPER_FEATURE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* As many as one device can have, and the end of a list. */
#define FEATURES_MAX_NAMES	65

/* Names of what a device can be kept from offering; @names ends with NULL. */
void features_list(uint32_t device_id, const char *names[FEATURES_MAX_NAMES]);

/* The bit of a name; 0: the device has none of that name. */
uint64_t features_bit(uint32_t device_id, const char *name);

/* @offered without @withheld, and without what may not be offered then. */
uint64_t features_without(uint32_t device_id, uint64_t offered, uint64_t withheld);

#endif /* LIBSHYPER_FEATURE_NAMES_H */
