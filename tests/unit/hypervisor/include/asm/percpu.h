/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test says which CPU it is. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

struct percpu *this_cpu(void);

#endif /* ASM_PERCPU_H */
