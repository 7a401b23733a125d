/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks between CPUs; interrupts are always masked at EL2. */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include "types.h"

#include <asm/spinlock.h>

#endif /* HV_SPINLOCK_H */
