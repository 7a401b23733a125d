// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Typed values out of a JSON object, each with its path. jansson's own
 * json_unpack() reports a position in its format string and stops at the first
 * fault; a person wants the place in the file, and all faults.
 */
#include "cell-config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

void json_path(const struct json_place *place, const char *key, char *path,
	       size_t size)
{
	snprintf(path, size, "%s/%s", place->path, key);
}

void json_describe(const json_t *value, char *buffer, size_t size)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		snprintf(buffer, size, "\"%.40s%s", json_string_value(value),
			 json_string_length(value) > 40 ? "...\"" : "\"");
		break;
	case JSON_INTEGER:
		snprintf(buffer, size, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:		/* as JSON: 1.0 is not to look like 1 */
		buffer[json_dumpb(value, buffer, size - 1, JSON_ENCODE_ANY |
				  JSON_REAL_PRECISION(6))] = '\0';
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		text_copy(buffer, size, json_is_true(value) ? "true" : "false");
		break;
	case JSON_OBJECT:
		text_copy(buffer, size, "an object");
		break;
	case JSON_ARRAY:
		text_copy(buffer, size, "a list");
		break;
	case JSON_NULL:
		text_copy(buffer, size, "null");
		break;
	}
}

/* Levenshtein's distance; words longer than the row count as far. */
static unsigned int word_distance(const char *a, const char *b)
{
	unsigned int row[64], diagonal, above, i, j;
	size_t length = strlen(b);

	if (length >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return ARRAY_SIZE(row);
	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 1; j <= length; j++) {
			above = row[j];
			row[j] = diagonal + (a[i] != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[length];
}

static const char *nearest_word(const char *word, const char *const *words)
{
	const char *nearest = words[0];
	unsigned int distance, least = ~0U;

	for (; *words; words++) {
		distance = word_distance(word, *words);
		if (distance < least) {
			least = distance;
			nearest = *words;
		}
	}
	return nearest;
}

static bool word_is_known(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(word, *words))
			return true;
	}
	return false;
}

void json_check_keys(const struct json_place *place, const char *const *keys)
{
	const char *key;
	json_t *value;
	char path[64];

	json_object_foreach(place->object, key, value) {
		if (word_is_known(key, keys))
			continue;
		json_path(place, key, path, sizeof(path));
		config_error(place->config, path,
			     "unknown key, the nearest known one is \"%s\"",
			     nearest_word(key, keys));
	}
}

static bool type_fits(const json_t *value, json_type type)
{
	if (type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == type;
}

static void report_value(const struct json_place *place, const char *key,
			 const json_t *value, const char *expected)
{
	char path[64], shown[64];

	json_path(place, key, path, sizeof(path));
	json_describe(value, shown, sizeof(shown));
	config_error(place->config, path, "is %s, expected %s", shown, expected);
}

json_t *json_get(const struct json_place *place, const char *key,
		 json_type type, bool required, const char *expected)
{
	json_t *value = json_object_get(place->object, key);
	char path[64];

	if (value && type_fits(value, type))
		return value;
	if (value) {
		report_value(place, key, value, expected);
	} else if (required) {
		json_path(place, key, path, sizeof(path));
		config_error(place->config, path, "is missing, expected %s",
			     expected);
	}
	return NULL;
}

bool json_get_name(const struct json_place *place, const char *key, char *ret,
		   size_t size)
{
	char expected[96];
	json_t *value;

	snprintf(expected, sizeof(expected),
		 "a name of 1 to %zu letters, digits, _ or -", size - 1);
	value = json_get(place, key, JSON_STRING, true, expected);
	if (!value)
		return false;
	if (!name_is_valid(json_string_value(value), size)) {
		report_value(place, key, value, expected);
		return false;
	}
	return text_copy(ret, size, json_string_value(value));
}

bool json_get_text(const struct json_place *place, const char *key,
		   bool required, const char *expected, char **ret)
{
	json_t *value = json_get(place, key, JSON_STRING, required, expected);

	if (!value)
		return false;
	*ret = strdup(json_string_value(value));
	if (!*ret)
		place->config->is_out_of_memory = true;
	return *ret;
}

bool json_get_file(const struct json_place *place, const char *key,
		   bool required, char **ret)
{
	static const char expected[] = "the absolute path of a file";
	json_t *value = json_get(place, key, JSON_STRING, required, expected);

	if (!value)
		return false;
	if (json_string_value(value)[0] != '/') {
		report_value(place, key, value, expected);
		return false;
	}
	return json_get_text(place, key, required, expected, ret);
}

bool json_get_bool(const struct json_place *place, const char *key, bool *ret)
{
	json_t *value = json_get(place, key, JSON_TRUE, false, "true or false");

	if (value)
		*ret = json_is_true(value);
	return value;
}

bool json_get_count(const struct json_place *place, const char *key,
		    unsigned int min, unsigned int max, unsigned int *ret)
{
	char expected[64];
	json_t *value;

	snprintf(expected, sizeof(expected), "an integer from %u to %u", min, max);
	value = json_get(place, key, JSON_INTEGER, false, expected);
	if (!value)
		return false;
	if (json_integer_value(value) < min || json_integer_value(value) > max) {
		report_value(place, key, value, expected);
		return false;
	}
	*ret = (unsigned int)json_integer_value(value);
	return true;
}

bool json_get_size(const struct json_place *place, const char *key,
		   bool required, uint64_t *ret)
{
	static const char expected[] = "a size as text, \"256M\" or \"0x10000000\"";
	json_t *value = json_get(place, key, JSON_STRING, required, expected);

	if (!value)
		return false;
	if (shyper_size_parse(json_string_value(value), ret)) {
		report_value(place, key, value, expected);
		return false;
	}
	return true;
}

bool json_get_address(const struct json_place *place, const char *key,
		      uint64_t *ret)
{
	static const char expected[] = "an address as text, \"0x0a000000\"";
	json_t *value = json_get(place, key, JSON_STRING, false, expected);
	const char *text, *end;

	if (!value)
		return false;
	text = json_string_value(value);
	if (strncmp(text, "0x", 2) || !parse_number(text, ret, &end) || *end) {
		report_value(place, key, value, expected);
		return false;
	}
	return true;
}

bool json_get_word(const struct json_place *place, const char *key,
		   const struct json_word *words, int *ret)
{
	const struct json_word *word;
	char expected[128] = "one of";
	size_t used;
	json_t *value;

	for (word = words; word->word; word++) {
		used = strlen(expected);
		snprintf(expected + used, sizeof(expected) - used, "%s \"%s\"",
			 word == words ? "" : ",", word->word);
	}
	value = json_get(place, key, JSON_STRING, false, expected);
	if (!value)
		return false;
	for (word = words; word->word; word++) {
		if (!strcmp(word->word, json_string_value(value))) {
			*ret = word->value;
			return true;
		}
	}
	report_value(place, key, value, expected);
	return false;
}
