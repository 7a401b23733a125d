/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the echo region answers: shared by its backend and the guests that
 * check it, so free of any library.
 */
#ifndef SHYPER_ECHO_H
#define SHYPER_ECHO_H

#include <stdint.h>

/* A store of anything to this offset makes the count of its CPU 0 again. */
#define SHYPER_ECHO_RESET	0

/**
 * shyper_echo_value - answer to a load
 * @cpu: index of the CPU within its cell
 * @offset: within the region
 * @count: loads that this CPU has made from the region before this one
 * @length: of the access: 1, 2, 4 or 8 bytes, to which the answer is cut
 */
static inline uint64_t shyper_echo_value(uint32_t cpu, uint32_t offset,
					 uint32_t count, uint32_t length)
{
	uint64_t value = (uint64_t)cpu << 48 | (uint64_t)offset << 32 | count;

	return length >= 8 ? value : value & ((1ULL << 8 * length) - 1);
}

#endif /* SHYPER_ECHO_H */
