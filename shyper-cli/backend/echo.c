// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-echo: a foreign MMIO region that answers each load with a function of
 * CPU, address and a count. It shows, and lets tests prove, that each CPU gets
 * its own answer.
 */
#include <hvisor/abi.h>
#include <shyper/echo.h>

#include "program.h"

static uint32_t counts[HVISOR_MAX_CELL_CPUS];

static uint64_t echo_load(struct shyper_backend *backend, unsigned int cpu,
			  uint32_t offset, uint32_t length)
{
	(void)backend;
	if (cpu >= HVISOR_MAX_CELL_CPUS)
		return 0;
	return shyper_echo_value(cpu, offset, counts[cpu]++, length);
}

static void echo_store(struct shyper_backend *backend, unsigned int cpu,
		       uint32_t offset, uint32_t length, uint64_t value)
{
	(void)backend;
	(void)length;
	(void)value;
	if (cpu < HVISOR_MAX_CELL_CPUS && offset == SHYPER_ECHO_RESET)
		counts[cpu] = 0;
}

static const struct shyper_backend_ops echo_ops = {
	.load = echo_load,
	.store = echo_store,
};

static int echo_open(struct shyper_backend *backend, const json_t *config)
{
	(void)backend;
	(void)config;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct backend_program program = {
		.name = "shyper-echo",
		.ops = &echo_ops,
		.open = echo_open,
	};

	return backend_main(argc, argv, &program);
}
