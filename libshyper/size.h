/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shyper_size_parse() is in shyper/config.h. */
#ifndef LIBSHYPER_SIZE_H
#define LIBSHYPER_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* A number in decimal or with 0x; @end: what follows it. */
bool parse_number(const char *text, uint64_t *ret, const char **end);

#endif /* LIBSHYPER_SIZE_H */
