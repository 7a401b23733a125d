// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cells that HVISOR_CELL_CREATE has to refuse: one that is right, but for one or
 * two fields. Each gives its errno and the entry that is at fault, and leaves
 * CPUs, hugepages, EL2's pool and sysfs as they were. In the end the one that
 * is right is made, so none was refused for another reason.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common.h"

#define CELL		HVISOR_WHERE_CELL
#define CPU(n)		(HVISOR_WHERE_CPU + (n))
#define REGION(n)	(HVISOR_WHERE_REGION + (n))
#define DEVICE(n)	(HVISOR_WHERE_DEVICE + (n))
#define NOWHERE		0x5555U	/* refused before any entry was looked at */

/* Bytes put into a field; more than one byte of @value: little-endian. */
struct change {
	size_t offset, size;
	__u64 value;
	const char *text;
};

#define SIZE(field)	sizeof(((struct request *)0)->field)
#define N(field, number) \
	{ .offset = offsetof(struct request, field), .size = SIZE(field), .value = (__u64)(number) }
#define T(field, string) \
	{ .offset = offsetof(struct request, field), .size = SIZE(field), .text = string "" }

struct row {
	int error;
	__u32 where;
	const char *what;
	struct change changes[3];
};

#define BEYOND	(1ULL << 48)	/* of any guest's address space */
#define TOP(n)	(0 - (__u64)(n))

#include "bad-cells.h"

static void apply(struct request *r, const struct change *c)
{
	char *field = (char *)r + c->offset;

	if (c->text) {
		memset(field, 0, c->size);
		memcpy(field, c->text, strnlen(c->text, c->size));
	} else {
		memcpy(field, &c->value, c->size);
	}
}

static void try_row(int control, const struct row *row)
{
	static char before[8192];
	struct request r;
	int result;

	strcpy(before, machine_state());
	request_init(&r);
	r.create.where = NOWHERE;
	for (size_t i = 0; i < 3 && row->changes[i].size; i++)
		apply(&r, &row->changes[i]);
	result = ioctl(control, HVISOR_CELL_CREATE, &r.create);
	check(row->what, result, row->error);
	errno = EILSEQ;
	if (result && r.create.where != row->where) {
		printf("where: %#x, expected %#x; ", r.create.where, row->where);
		check(row->what, -1, 0);
	}
	if (result && strcmp(before, machine_state())) {
		printf("before:\n%safter:\n%s", before, machine_state());
		check(row->what, -1, 0);
	}
}

int main(void)
{
	struct hvisor_cell_op op = { .size = sizeof(op) };
	size_t i, count = sizeof(rows) / sizeof(rows[0]);
	struct request r;
	int control;

	memory_init();
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	for (i = 0; i < count; i++)
		try_row(control, &rows[i]);
	printf("%zu broken cells\n", count);
	request_init(&r);
	check("the right one", ioctl(control, HVISOR_CELL_CREATE, &r.create), 0);
	op.id = r.create.id;
	check("its destruction", ioctl(control, HVISOR_CELL_DESTROY, &op), 0);
	return check_end();
}
