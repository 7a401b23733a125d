// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers and sizes, as configurations have them. */
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shyper/config.h>

/* Digits only: strtoull() alone would take blanks and signs. */
bool parse_number(const char *text, uint64_t *ret, const char **end)
{
	bool is_hex = !strncmp(text, "0x", 2);
	unsigned long long value;
	char *tail;

	if (is_hex ? !isxdigit((unsigned char)text[2]) :
		     !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoull(text, &tail, is_hex ? 16 : 10);
	if (errno)
		return false;
	*end = tail;
	*ret = value;
	return true;
}

int shyper_size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t value;
	const char *end;
	unsigned int shift = 0;

	if (!parse_number(text, &value, &end))
		return -EINVAL;
	if (*end && !end[1] && strchr("KMG", *end) && strncmp(text, "0x", 2)) {
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
		end++;
	}
	if (*end || value > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = value << shift;
	return 0;
}
