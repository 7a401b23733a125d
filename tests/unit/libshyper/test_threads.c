// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads with a context each: they do the same things at the same time, some of
 * which fail, and each finds its own results and its own report.
 *
 * `make -C tests/unit O=DIR SAN=-fsanitize=thread DIR/test_threads` has races
 * looked for besides.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "machine.h"

#define CLASS		"/sys/class/hvisor/"
#define NR_THREADS	2
#define ROUNDS		200

/* cmocka's assertions are for the first thread: these only count. */
struct worker {
	const struct machine *machine;
	unsigned int number;
	unsigned int failures;
	pthread_t thread;
};

static void check(struct worker *worker, bool is_right, const char *what)
{
	if (is_right)
		return;
	worker->failures++;
	fprintf(stderr, "thread %u: %s\n", worker->number, what);
}

static void look_at_cells(struct worker *worker, struct shyper_ctx *ctx)
{
	struct shyper_device **devices;
	struct shyper_value *values;
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);

	check(worker, count == 2, "cells");
	if (count != 2)
		return;
	check(worker, shyper_cell_read_statistics(cells[1], &values) == 1 &&
	      !strcmp(values[0].value, "123"), "statistics");
	free(values);
	check(worker, !shyper_cell_wait(cells[1], 1U << SHYPER_CELL_RUNNING, 1000), "wait");
	check(worker, shyper_device_list(ctx, cells[1], &devices) == 1 &&
	      !strcmp(shyper_device_get_name(devices[0]), "con0"), "devices");
	shyper_device_list_free(devices);
	shyper_cell_list_free(cells);
}

/* What is wrong with it, and its name, are the thread's own. */
static void build(struct worker *worker, struct shyper_ctx *ctx)
{
	struct shyper_builder *builder;
	struct shyper_config *config;
	char name[16], text[64];

	snprintf(name, sizeof(name), "thread%u", worker->number);
	check(worker, !shyper_builder_create(ctx, name, &builder), "builder");
	shyper_builder_set_cpus(builder, worker->number + 100);
	shyper_builder_set_memory(builder, 256 << 20);
	shyper_builder_set_kernel(builder, "/boot/vmlinuz");
	check(worker, !shyper_builder_finish(builder, &config), "finish");
	snprintf(text, sizeof(text), "is %u, expected an integer from 1 to 16",
		 worker->number + 100);
	check(worker, !strcmp(shyper_config_get_finding(config, 0)->text, text), "finding");
	check(worker, !strcmp(shyper_config_get_name(config), name), "name");
	shyper_config_free(config);
	shyper_builder_destroy(builder);
}

static void look_for_nobody(struct worker *worker, struct shyper_ctx *ctx)
{
	struct shyper_cell *cell;
	char name[32], subject[48];

	snprintf(name, sizeof(name), "nobody%u", worker->number);
	snprintf(subject, sizeof(subject), "cell nobody%u", worker->number);
	check(worker, shyper_cell_open(ctx, name, &cell) == -ENOENT, "open");
	check(worker, !strcmp(shyper_ctx_get_error(ctx)->subject, subject), "report");
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct shyper_ctx *ctx;
	unsigned int i;

	if (shyper_ctx_create(&ctx) || shyper_ctx_set_root(ctx, worker->machine->root)) {
		worker->failures++;
		return NULL;
	}
	for (i = 0; i < ROUNDS; i++) {
		look_at_cells(worker, ctx);
		build(worker, ctx);
		look_for_nobody(worker, ctx);
	}
	shyper_ctx_destroy(ctx);
	return NULL;
}

static void test_threads_with_a_context_each_do_not_meet(void **state)
{
	struct worker workers[NR_THREADS] = { { 0 } };
	struct machine *machine = *state;
	unsigned int i;

	machine_write_text(machine, CLASS "cell0/name", "root\n");
	machine_write_text(machine, CLASS "cell0/state", "running\n");
	machine_write_text(machine, CLASS "cell1/name", "small\n");
	machine_write_text(machine, CLASS "cell1/state", "running\n");
	machine_write_text(machine, CLASS "cell1/statistics/vmexits_total", "123\n");
	machine_write_text(machine, CLASS "cell1.con0/type", "console\n");
	machine_write_text(machine, CLASS "cell1.con0/index", "0\n");
	for (i = 0; i < NR_THREADS; i++) {
		workers[i].machine = machine;
		workers[i].number = i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]), 0);
	}
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].failures, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_threads_with_a_context_each_do_not_meet,
			machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
