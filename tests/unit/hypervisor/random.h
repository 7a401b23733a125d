/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random input that can be had again: the seed is printed, and taken from the
 * environment variable SEED where that is set. And what is right of such input.
 */
#ifndef TESTS_HYPERVISOR_RANDOM_H
#define TESTS_HYPERVISOR_RANDOM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

static u64 random_state;

static inline void random_seed(void)
{
	const char *given = getenv("SEED");

	random_state = given ? strtoull(given, NULL, 0) : 0x853c49e6748fea9bUL;
	printf("SEED=0x%lx\n", random_state);
}

/* Knuth's linear congruential generator: its upper half is good enough. */
static inline u32 random_u32(void)
{
	random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
	return (u32)(random_state >> 32);
}

static inline u64 random_u64(void)
{
	u64 high = random_u32();

	return high << 32 | random_u32();
}

static inline u64 random_below(u64 limit)
{
	return random_u64() % limit;
}

static inline bool one_in(u32 n)
{
	return !random_below(n);
}

/* Up to @most bytes of @object become others; often such that matter. */
static inline void random_damage(void *object, size_t size, u32 most)
{
	static const u8 likely[] = { 0, 1, 2, 0x10, 0x7f, 0x80, 0xff };
	u64 count = random_below(most + 1U);

	while (count--)
		((u8 *)object)[random_below(size)] =
			one_in(2) ? likely[random_below(sizeof(likely))] : (u8)random_u32();
}

/* Names of cells and devices, as cell.h tells. */
static inline bool name_is_good(const u8 *name, size_t size)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t n, length = strnlen((const char *)name, size);

	for (n = length; n < size; n++)
		if (name[n])
			return false;
	return length && length < size && strspn((const char *)name, letters) == length;
}

#endif /* TESTS_HYPERVISOR_RANDOM_H */
