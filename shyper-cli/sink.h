/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who takes the words that can follow, of those that begin with a prefix. */
#ifndef SHYPER_CLI_SINK_H
#define SHYPER_CLI_SINK_H

#include <string.h>

#include "command.h"

struct sink {
	const char *prefix;
	command_add add;
	void *data;
};

static inline void offer(const struct sink *sink, const char *word)
{
	if (!strncmp(word, sink->prefix, strlen(sink->prefix)))
		sink->add(sink->data, word);
}

#endif /* SHYPER_CLI_SINK_H */
