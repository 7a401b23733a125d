/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Last words: for broken invariants of EL2 only, out of reach of a guest. */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include "types.h"

struct trap_frame;

void __noreturn panic(const char *fmt, ...) __printf(1, 2);
void __noreturn panic_regs(const struct trap_frame *frame, u64 esr, u64 far, const char *what);

#define BUG_ON(cond) \
	do { if (cond) panic("%s:%d: %s", __FILE__, __LINE__, #cond); } while (0)

#endif /* HV_PANIC_H */
