// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The few functions of the C library that EL2 and libfdt call. Plain loops:
 * they run at boot and on pages, not on any path that counts.
 */
#include "string.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	const u8 *s = src;
	u8 *d = dst;

	for (; n >= 8 && IS_ALIGNED(d, 8) && IS_ALIGNED(s, 8); n -= 8, d += 8, s += 8)
		*(volatile u64 *)(void *)d = *(const volatile u64 *)(const void *)s;
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	const u8 *s = src;
	u8 *d = dst;

	if (d <= s)
		return memcpy(dst, src, n);
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 word = (u8)c * 0x0101010101010101UL;
	u8 *d = dst;

	for (; n && !IS_ALIGNED(d, 8); n--)
		*d++ = (u8)c;
	for (; n >= 8; n -= 8, d += 8)
		*(volatile u64 *)(void *)d = word;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++, b++)
		;
	return n ? (u8)*a - (u8)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (; *s; s++)
		if (*s == (char)c)
			last = s;
	return (char *)(uintptr_t)(c ? last : s);
}
