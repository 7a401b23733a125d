// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who waits for a backend: cellN/virtio/pending. */
#include "cell-internal.h"

#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

/* The text up to the comma, which is cut there; "" behind the last. */
static char *next_field(char **rest)
{
	char *field = strsep(rest, ",");

	return field ? field : (char *)"";
}

/* CPUn=DEVICE,OP,ADDRESS,BYTES,AGE or CONTROLn=DEVICE,OP,AGE; more may follow. */
static bool waiter_parse(struct shyper_value *value, struct shyper_waiter *waiter)
{
	bool has_cpu = !strncmp(value->name, "CPU", 3);
	char *rest = value->value;
	uint64_t length = 0;

	memset(waiter, 0, sizeof(*waiter));
	if (!has_cpu && strncmp(value->name, "CONTROL", 7))
		return false;
	waiter->cpu = has_cpu ? atoi(value->name + 3) : -1;
	text_copy(waiter->device, sizeof(waiter->device), next_field(&rest));
	text_copy(waiter->op, sizeof(waiter->op), next_field(&rest));
	if (has_cpu) {
		number_parse(next_field(&rest), &waiter->address);
		number_parse(next_field(&rest), &length);
		waiter->length = (unsigned int)length;
	}
	return !number_parse(next_field(&rest), &waiter->age_ms);
}

int shyper_cell_read_waiters(struct shyper_cell *cell,
			     struct shyper_waiter **ret_waiters)
{
	struct shyper_waiter *waiters;
	struct shyper_value *values = NULL;
	int i, count, used = 0;
	char *text;

	ctx_begin(cell->ctx);
	count = sysfs_read_all(cell->ctx, cell->sysname, "virtio/pending", &text);
	if (count < 0 && (count != -ENOENT || cell->id))
		return cell_explain(cell, count);
	/* Root has no such file and waits for nobody. */
	if (count >= 0) {
		count = values_parse(text, &values);
		free(text);
	} else {
		count = 0;
	}
	waiters = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(*waiters));
	for (i = 0; waiters && i < count; i++)
		used += waiter_parse(&values[i], &waiters[used]);
	free(values);
	if (!waiters)
		return error_no_memory(cell->ctx);
	*ret_waiters = waiters;
	return used;
}
